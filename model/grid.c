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
shift_covers(const struct shift *shift, int minute)
{
    if (shift->to > shift->from)
        return minute >= shift->from && minute < shift->to;
    return minute >= shift->from || minute < shift->to;
}

const struct shift *
unit_on_duty(const struct grid *grid, const struct unit *unit, struct instant at)
{
    const struct civil now = instant_civil(at, grid->offset_s);
    const int minute = now.hour * 60 + now.minute;

    for (size_t i = 0; i < unit->n_shifts; i++) {
        if (shift_covers(&unit->shifts[i], minute))
            return &unit->shifts[i];
    }
    return NULL;
}
