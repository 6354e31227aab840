#include "alerting/escalation/recipients.h"

#include "base/check.h"

struct gather {
    const struct grid *grid;
    struct instant at;
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
    const struct shift *shift = unit_on_duty(gather->grid, unit, gather->at);

    if (has_unit(gather, unit))
        return true;
    struct recipient *to = push(gather);

    *to = (struct recipient){.unit = unit, .fell_through = fell_through, .hole = shift == NULL};
    if (shift != NULL) {
        to->officer = shift->officer;
        to->deputy = shift->deputy;
    }
    if (unit->tier > gather->tier)
        gather->tier = unit->tier;
    return shift != NULL;
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
add_tier(struct gather *gather, const struct compound *compound, enum tier tier)
{
    if (compound != NULL) {
        for (int t = (int)tier; t < TIER_COUNT; t++) {
            if (compound->units[t] != NULL) {
                add_with_parents(gather, compound->units[t], t != (int)tier);
                return;
            }
        }
    }
    for (size_t i = 0; i < gather->grid->n_units; i++) {
        if (gather->grid->units[i].tier == TIER_DISTRICT)
            add_unit(gather, &gather->grid->units[i], tier != TIER_DISTRICT);
    }
}

static size_t
count_districts(const struct grid *grid)
{
    size_t n = 0;

    for (size_t i = 0; i < grid->n_units; i++)
        n += grid->units[i].tier == TIER_DISTRICT;
    return n;
}

struct recipients
recipients_of(struct arena *arena, const struct grid *grid, const struct compound *compound,
    enum tier tier, const char *const *tell, size_t n_tell, struct instant at)
{
    struct gather gather = {.grid = grid, .at = at, .tier = tier};

    gather.cap = count_districts(grid) + TIER_COUNT + n_tell;
    gather.out = ARENA_ARRAY(arena, gather.cap, struct recipient);
    add_tier(&gather, compound, tier);
    for (size_t i = 0; i < n_tell; i++) {
        const struct unit *unit = unit_find(grid, view_of(tell[i]));
        const struct centre *centre = centre_find(grid, view_of(tell[i]));
        const enum tier told = gather.tier;

        if (unit != NULL)
            add_unit(&gather, unit, false);
        else if (centre != NULL)
            *push(&gather) = (struct recipient){.centre = centre};
        gather.tier = told; /* told besides is not climbed */
    }
    return (struct recipients){gather.out, gather.len, gather.tier};
}
