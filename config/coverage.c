#include "config/coverage.h"

#include "base/vec.h"

#include <string.h>

struct range_list {
    struct range *at;
    size_t len, cap;
};

static struct ranges
keep(struct range_list *list, struct arena *arena)
{
    struct range *at = ARENA_ARRAY(arena, list->len, struct range);
    const size_t len = list->len;

    for (size_t i = 0; i < len; i++)
        at[i] = list->at[i];
    VEC_FREE(list);
    return (struct ranges){at, len};
}

struct ranges
coverage_holes(const struct grid *grid, const struct unit *unit, struct range of,
    struct arena *arena, struct duty *also, struct instant *also_at)
{
    struct range_list list = {0};
    struct instant at = of.from;

    while (instant_cmp(at, of.to) < 0) {
        struct duty duty;
        const bool manned = unit_on_duty(grid, unit, at, &duty);
        const struct instant to = instant_min(duty.until, of.to);

        if (also != NULL && duty.also != NULL && also->also == NULL) {
            *also = duty;
            *also_at = at;
        }
        if (manned && duty_is_reachable(unit, &duty)) {
            at = to;
            continue;
        }
        if (list.len > 0 && instant_cmp(list.at[list.len - 1].to, at) == 0)
            list.at[list.len - 1].to = to;
        else
            *VEC_PUSH(&list) = (struct range){at, to};
        at = to;
    }
    return keep(&list, arena);
}

struct ranges
ranges_cut(struct ranges a, struct ranges b, struct arena *arena)
{
    struct range_list list = {0};
    size_t i = 0;
    size_t j = 0;

    while (i < a.len && j < b.len) {
        const struct range both = {
            instant_max(a.at[i].from, b.at[j].from), instant_min(a.at[i].to, b.at[j].to)};

        if (instant_cmp(both.from, both.to) < 0)
            *VEC_PUSH(&list) = both;
        if (instant_cmp(a.at[i].to, b.at[j].to) < 0)
            i++;
        else
            j++;
    }
    return keep(&list, arena);
}

bool
ranges_within(struct ranges a, struct ranges b)
{
    size_t j = 0;

    for (size_t i = 0; i < a.len; i++) {
        while (j < b.len && instant_cmp(b.at[j].to, a.at[i].from) <= 0)
            j++;
        if (j == b.len || instant_cmp(b.at[j].from, a.at[i].from) > 0 ||
            instant_cmp(b.at[j].to, a.at[i].to) < 0)
            return false;
    }
    return true;
}

static void
print_moment(const struct zone *zone, struct instant at, enum lang lang, struct buf *out)
{
    const struct civil c = zone_civil(zone, at);

    buf_printf(out, "%04d-%02d-%02d %s %02d:%02d", c.year, c.month, c.day,
        lang == LANG_ZH ? weekday_titles[c.weekday].zh : weekday_titles[c.weekday].en, c.hour,
        c.minute);
}

static void
print_range(const struct zone *zone, const struct range *range, enum lang lang, struct buf *out)
{
    const int64_t day = zone_day(zone, range->from);
    const struct civil to = zone_civil(zone, range->to);

    print_moment(zone, range->from, lang, out);
    buf_char(out, '-');
    if (zone_day(zone, range->to) == day)
        buf_printf(out, "%02d:%02d", to.hour, to.minute);
    else if (instant_cmp(zone_at(zone, day + 1, 0), range->to) == 0)
        buf_text(out, "24:00");
    else
        print_moment(zone, range->to, lang, out);
}

void
ranges_print(
    const struct zone *zone, struct ranges ranges, size_t most, enum lang lang, struct buf *out)
{
    for (size_t i = 0; i < ranges.len && i < most; i++) {
        if (i > 0)
            buf_text(out, ", ");
        print_range(zone, &ranges.at[i], lang, out);
    }
    if (ranges.len > most)
        buf_printf(out, lang == LANG_ZH ? ", 另有 %zu 段" : ", and %zu more", ranges.len - most);
}

/* Is it what a red or orange alert may climb by? */
static bool
is_urgent(const struct config *config, const struct policy *policy)
{
    for (int i = 0; i <= SEVERITY_ORANGE; i++) {
        if (config->policies.by_severity[i][SIDE_INSIDE] == policy ||
            config->policies.by_severity[i][SIDE_OUTSIDE] == policy)
            return true;
    }
    for (size_t i = 0; i < config->rules.len; i++) {
        const struct rule *rule = &config->rules.at[i];
        const struct policy *of_class = config->policies.by_class != NULL
                                            ? config->policies.by_class[rule->class->index]
                                            : NULL;

        for (size_t j = 0; j < rule->n_stages; j++) {
            const struct stage *stage = &rule->stages[j];

            if (stage->severity <= SEVERITY_ORANGE &&
                (stage->policy[0] == '\0' ? of_class == policy
                                          : strcmp(stage->policy, policy->id) == 0))
                return true;
        }
    }
    return false;
}

/* What a step of that tier leads to: the unit of that tier, or the next above that exists. */
static const struct unit *
route(const struct compound *compound, int tier)
{
    for (; tier < TIER_COUNT; tier++) {
        if (compound->units[tier] != NULL)
            return compound->units[tier];
    }
    return NULL;
}

struct work {
    const struct config *config;
    struct range of;
    struct arena *arena;
    struct ranges *dead; /* by unit */
    bool *known;         /* by unit: dead has been found */
};

static const struct ranges *
dead_of(struct work *work, const struct unit *unit)
{
    const struct grid *grid = &work->config->grid;
    const size_t i = (size_t)(unit - grid->units);

    if (work->known[i])
        return &work->dead[i];
    work->known[i] = true;
    work->dead[i] = coverage_holes(grid, unit, work->of, work->arena, NULL, NULL);
    if (work->dead[i].len > 0 && unit->parent != NULL)
        work->dead[i] = ranges_cut(work->dead[i], *dead_of(work, unit->parent), work->arena);
    return &work->dead[i];
}

static void
mark_targets(const struct config *config, bool *targets)
{
    bool tiers[TIER_COUNT] = {false};

    for (size_t i = 0; i < config->policies.len; i++) {
        const struct policy *policy = &config->policies.at[i];

        for (size_t j = 0; j < policy->n_steps && is_urgent(config, policy); j++)
            tiers[policy->steps[j].tier] = true;
    }
    for (size_t i = 0; i < config->grid.n_compounds; i++) {
        for (int tier = 0; tier < TIER_COUNT; tier++) {
            const struct unit *unit = route(&config->grid.compounds[i], tier);

            if (tiers[tier] && unit != NULL)
                targets[unit - config->grid.units] = true;
        }
    }
}

struct coverage
coverage_of(
    const struct config *config, struct instant from, struct instant to, struct arena *arena)
{
    const size_t n = config->grid.n_units;
    struct work work = {
        .config = config,
        .of = {from, to},
        .arena = arena,
        .dead = ARENA_ARRAY(arena, n, struct ranges),
        .known = ARENA_ARRAY(arena, n, bool),
    };
    bool *targets = ARENA_ARRAY(arena, n, bool);
    struct dead_unit *found = ARENA_ARRAY(arena, n, struct dead_unit);
    size_t len = 0;

    mark_targets(config, targets);
    for (size_t i = 0; i < n; i++) {
        const struct unit *unit = &config->grid.units[i];

        if (targets[i] && dead_of(&work, unit)->len > 0)
            found[len++] = (struct dead_unit){unit, work.dead[i]};
    }
    return (struct coverage){found, len};
}
