#include "model/grid.h"

#include "base/check.h"

const char *const tier_names[] = {"point", "station", "subdistrict", "district"};
const struct words tier_titles[] = {
    {"小区信息点", "information point"},
    {"社区工作站", "community workstation"},
    {"街道", "subdistrict"},
    {"区", "district"},
};
const struct words tier_loops[] = {
    {"自循环", "self loop"},
    {"微循环", "micro loop"},
    {"小循环", "small loop"},
    {"大循环", "big loop"},
};

_Static_assert(ARRAY_LEN(tier_names) == TIER_COUNT, "a name for each tier");
_Static_assert(ARRAY_LEN(tier_titles) == TIER_COUNT, "a title for each tier");
_Static_assert(ARRAY_LEN(tier_loops) == TIER_COUNT, "a loop for each tier");

bool
tier_parse(struct view name, enum tier *out)
{
    for (int i = 0; i < TIER_COUNT; i++) {
        if (view_is(name, tier_names[i])) {
            *out = (enum tier)i;
            return true;
        }
    }
    return false;
}

/* Every table is sorted by its id, which is the first member of its rows. */
static const void *
find_id(const void *table, size_t len, size_t row_bytes, struct view id)
{
    size_t from = 0, to = len;

    while (from < to) {
        const size_t mid = from + (to - from) / 2;
        const char *const *row = (const void *)((const char *)table + mid * row_bytes);
        const int cmp = view_cmp(id, view_of(*row));

        if (cmp == 0)
            return row;
        if (cmp < 0)
            to = mid;
        else
            from = mid + 1;
    }
    return NULL;
}

const struct unit *
unit_find(const struct grid *grid, struct view id)
{
    _Static_assert(offsetof(struct unit, id) == 0, "find_id reads it");
    return find_id(grid->units, grid->n_units, sizeof(*grid->units), id);
}

const struct compound *
compound_find(const struct grid *grid, struct view id)
{
    _Static_assert(offsetof(struct compound, id) == 0, "find_id reads it");
    return find_id(grid->compounds, grid->n_compounds, sizeof(*grid->compounds), id);
}

const struct centre *
centre_find(const struct grid *grid, struct view id)
{
    _Static_assert(offsetof(struct centre, id) == 0, "find_id reads it");
    return find_id(grid->centres, grid->n_centres, sizeof(*grid->centres), id);
}

const struct person *
person_find(const struct grid *grid, struct view id)
{
    _Static_assert(offsetof(struct person, id) == 0, "find_id reads it");
    return find_id(grid->persons, grid->n_persons, sizeof(*grid->persons), id);
}

static bool
shift_is_on(const struct calendar *calendar, const struct shift *shift, int64_t day)
{
    if (shift->cycle > 0) {
        const int64_t turn = (day - shift->anchor) % shift->cycle;

        if ((turn + shift->cycle) % shift->cycle != shift->phase)
            return false;
    }
    if (shift->weekdays != 0 && (shift->weekdays >> day_civil(day).weekday & 1) == 0)
        return false;
    return shift->days == SHIFT_EVERY_DAY ||
           calendar_is_working_day(calendar, day) == (shift->days == SHIFT_WORKING_DAYS);
}

/* Is `at` within? What begins or ends later bounds *until. */
static bool
within(struct instant from, struct instant to, struct instant at, struct instant *until)
{
    if (at.us < from.us)
        *until = instant_min(*until, from);
    else if (at.us < to.us)
        *until = instant_min(*until, to);
    return at.us >= from.us && at.us < to.us;
}

static void
add_day(const struct calendar *calendar, const struct unit *unit, int64_t day, struct instant at,
    struct duty *duty)
{
    for (size_t i = 0; i < unit->n_shifts; i++) {
        const struct shift *shift = &unit->shifts[i];
        const int to = shift->to > shift->from ? shift->to : shift->to + 1440;

        if (!shift_is_on(calendar, shift, day) ||
            !within(zone_at(&calendar->zone, day, shift->from), zone_at(&calendar->zone, day, to),
                at, &duty->until))
            continue;
        if (duty->officer != NULL) {
            duty->also = shift->officer;
            continue;
        }
        duty->officer = shift->officer;
        duty->deputy = shift->deputy;
    }
}

static const struct person *
swapped(const struct swap *swap, const struct person *person)
{
    if (person == swap->between[0])
        return swap->between[1];
    return person == swap->between[1] ? swap->between[0] : person;
}

bool
unit_on_duty(const struct grid *grid, const struct unit *unit, struct instant at, struct duty *out)
{
    const struct calendar *calendar = &grid->calendar;
    const int64_t day = zone_day(&calendar->zone, at);
    struct duty duty = {.until = zone_at(&calendar->zone, day + 1, 0)};

    add_day(calendar, unit, day - 1, at, &duty);
    add_day(calendar, unit, day, at, &duty);
    for (size_t i = 0; i < unit->n_swaps; i++) {
        const struct swap *swap = &unit->swaps[i];

        if (!within(swap->from, swap->to, at, &duty.until))
            continue;
        duty.officer = swapped(swap, duty.officer);
        duty.deputy = swapped(swap, duty.deputy);
    }
    for (size_t i = 0; i < unit->n_covers; i++) {
        const struct cover *cover = &unit->covers[i];

        if (!within(cover->from, cover->to, at, &duty.until))
            continue;
        if (duty.cover != NULL) {
            duty.two = cover;
            continue;
        }
        duty.cover = cover;
        duty.officer = cover->officer;
        duty.deputy = cover->deputy;
        duty.also = NULL;
    }
    *out = duty;
    return duty.officer != NULL;
}

bool
duty_is_reachable(const struct unit *unit, const struct duty *duty)
{
    if (duty->officer == NULL)
        return false;
    return unit->n_phone > 0 || duty->officer->n_addresses > 0 ||
           (duty->deputy != NULL && duty->deputy->n_addresses > 0);
}
