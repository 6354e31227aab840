#include "alerting/escalation/recipients.h"

#include "base/check.h"

#include <string.h>

struct gather {
    const struct recipients_query *query;
    struct recipient *out;
    size_t len, cap;
    enum tier tier;
};

static bool
has_unit(const struct gather *gather, const struct unit *unit)
{
    for (size_t i = 0; i < gather->len; i++) {
        if (gather->out[i].unit == unit)
            return true;
    }
    return false;
}

static bool
has_centre(const struct gather *gather, const struct centre *centre)
{
    for (size_t i = 0; i < gather->len; i++) {
        if (gather->out[i].centre == centre)
            return true;
    }
    return false;
}

static struct recipient *
push(struct gather *gather)
{
    CHECK(gather->len < gather->cap);
    return &gather->out[gather->len++];
}

/* Returns true if somebody can be reached there without the tier above. */
static bool
add_unit(struct gather *gather, const struct unit *unit, bool fell_through)
{
    struct duty duty;
    const bool manned = unit_on_duty(gather->query->grid, unit, gather->query->at, &duty);

    if (has_unit(gather, unit))
        return true;
    struct recipient *to = push(gather);

    *to = (struct recipient){.unit = unit,
        .fell_through = fell_through,
        .officer = duty.officer,
        .deputy = duty.deputy,
        .hole = !manned};
    if (unit->tier > gather->tier)
        gather->tier = unit->tier;
    return manned;
}

/* The unit, and above a hole its parents, up to the first one with somebody on duty. */
static void
add_with_parents(struct gather *gather, const struct unit *unit, bool fell_through)
{
    while (unit != NULL && !add_unit(gather, unit, fell_through)) {
        unit = unit->parent;
        fell_through = true;
    }
}

static void
add_tier(struct gather *gather)
{
    const struct recipients_query *query = gather->query;

    for (int t = (int)query->tier; query->compound != NULL && t < TIER_COUNT; t++) {
        if (query->compound->units[t] != NULL) {
            add_with_parents(gather, query->compound->units[t], t != (int)query->tier);
            return;
        }
    }
    for (size_t i = 0; i < query->grid->n_units; i++) {
        if (query->grid->units[i].tier == TIER_DISTRICT)
            add_unit(gather, &query->grid->units[i], query->tier != TIER_DISTRICT);
    }
}

/* Told besides: neither climbed to, nor of account for who can be reached. */
static void
add_besides(struct gather *gather, const char *const *tell, size_t n_tell)
{
    const struct grid *grid = gather->query->grid;
    const enum tier told = gather->tier;

    for (size_t i = 0; i < n_tell; i++) {
        const struct unit *unit = unit_find(grid, view_of(tell[i]));
        const struct centre *centre = centre_find(grid, view_of(tell[i]));

        if (unit != NULL)
            add_unit(gather, unit, false);
        else if (centre != NULL && !has_centre(gather, centre))
            *push(gather) = (struct recipient){.centre = centre};
    }
    gather->tier = told;
}

static const struct besides *
kind_of(const struct unit *unit, const char *class_name)
{
    for (size_t i = 0; i < unit->n_besides; i++) {
        if (strcmp(unit->besides[i].class_name, class_name) == 0)
            return &unit->besides[i];
    }
    return NULL;
}

static size_t
count_kinds(const struct unit *unit)
{
    size_t n = 1;

    for (size_t i = 0; unit != NULL && i < unit->n_besides; i++)
        n += unit->besides[i].n_tell;
    return n;
}

/* Places for all that can be added. */
static size_t
count_places(const struct recipients_query *query)
{
    size_t n = query->n_tell;

    for (size_t i = 0; query->compound != NULL && i < TIER_COUNT; i++)
        n += count_kinds(query->compound->units[i]);
    for (size_t i = 0; i < query->grid->n_units; i++) {
        if (query->grid->units[i].tier == TIER_DISTRICT)
            n += count_kinds(&query->grid->units[i]);
    }
    return n;
}

struct recipients
recipients_of(struct arena *arena, const struct recipients_query *query)
{
    struct gather gather = {.query = query, .tier = query->tier, .cap = count_places(query)};

    gather.out = ARENA_ARRAY(arena, gather.cap, struct recipient);
    add_tier(&gather);
    const size_t of_tier = gather.len;

    for (size_t i = 0; i < of_tier; i++) {
        const struct besides *kind = kind_of(gather.out[i].unit, query->class_name);

        if (kind != NULL)
            add_besides(&gather, kind->tell, kind->n_tell);
    }
    add_besides(&gather, query->tell, query->n_tell);
    return (struct recipients){gather.out, gather.len, gather.tier};
}
