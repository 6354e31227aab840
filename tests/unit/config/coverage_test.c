/* Random rosters: what the proof says against a walk of minutes. */
#include "config/coverage.h"

#include "alerting/escalation/recipients.h"
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#define DAYS 12
#define UNITS 4
#define MAX_SHIFTS 5

static const struct hours hours[] = {{510, 690}, {780, 1050}};
static const struct channel channel = {.id = "mqtt", .kind = CHANNEL_MQTT};
static const struct address way = {&channel, ""};

struct world {
    struct person persons[4];
    struct unit units[UNITS]; /* d, p, s, t: in order of ids */
    struct compound compounds[2];
    struct shift shifts[UNITS][MAX_SHIFTS];
    struct cover covers[UNITS][2];
    struct swap swaps[UNITS][2];
    struct policy_step steps[TIER_COUNT];
    struct policy policy;
    struct config config;
    int64_t first; /* local day */
};

static int
some(int n)
{
    return rand() % n;
}

static struct instant
moment(const struct world *world)
{
    return zone_at(&world->config.grid.calendar.zone, world->first + some(DAYS), some(1440));
}

static void
fill_unit(struct world *world, size_t i)
{
    struct unit *unit = &world->units[i];

    unit->n_shifts = (size_t)some(MAX_SHIFTS);
    for (size_t j = 0; j < unit->n_shifts; j++) {
        struct shift *shift = &world->shifts[i][j];

        *shift = (struct shift){.from = some(96) * 15,
            .to = some(97) * 15,
            .officer = &world->persons[some(4)],
            .deputy = some(2) == 0 ? NULL : &world->persons[some(4)],
            .days = (enum shift_days)some(3),
            .weekdays = some(3) == 0 ? (unsigned)some(128) : 0,
            .anchor = world->first - 100 + some(200),
            .cycle = some(4)};
        shift->phase = shift->cycle > 0 ? some(shift->cycle) : 0;
    }
    unit->n_covers = (size_t)some(3);
    for (size_t j = 0; j < unit->n_covers; j++) {
        const struct instant from = moment(world);

        world->covers[i][j] = (struct cover){from,
            instant_add(from, SPAN_MIN(15 * (1 + some(150)))), &world->persons[some(4)], NULL};
    }
    unit->n_swaps = (size_t)some(3);
    for (size_t j = 0; j < unit->n_swaps; j++) {
        const struct instant from = moment(world);

        world->swaps[i][j] = (struct swap){from, instant_add(from, SPAN_MIN(15 * (1 + some(300)))),
            {&world->persons[0], &world->persons[some(3) + 1]}};
    }
    unit->n_phone = some(4) == 0;
}

static void
world_init(struct world *world, const char *zone)
{
    static const char *const ids[] = {"d", "p", "s", "t"};
    static const enum tier tiers[] = {TIER_DISTRICT, TIER_POINT, TIER_SUBDISTRICT, TIER_STATION};
    static const int parents[] = {-1, 3, 0, 2};
    struct grid *grid = &world->config.grid;

    *world = (struct world){0};
    assert_true(zone_parse(view_of(zone), &grid->calendar.zone));
    assert_true(day_from_date(2026, 3, 24, &world->first));
    grid->calendar.hours = hours;
    grid->calendar.n_hours = 2;
    for (int i = 0; i < 5; i++)
        grid->calendar.week[i] = true;
    for (size_t i = 0; i < ARRAY_LEN(world->persons); i++)
        world->persons[i] = (struct person){.id = "x", .addresses = &way, .n_addresses = i > 0};
    for (size_t i = 0; i < UNITS; i++) {
        world->units[i] = (struct unit){.id = ids[i],
            .tier = tiers[i],
            .parent = parents[i] < 0 ? NULL : &world->units[parents[i]],
            .shifts = world->shifts[i],
            .covers = world->covers[i],
            .swaps = world->swaps[i],
            .phone = &way};
        fill_unit(world, i);
    }
    world->compounds[0] = (struct compound){.id = "A", .point = &world->units[1]};
    world->compounds[1] = (struct compound){.id = "B", .point = &world->units[2]};
    for (size_t i = 0; i < 2; i++) {
        for (const struct unit *unit = world->compounds[i].point; unit != NULL; unit = unit->parent)
            world->compounds[i].units[unit->tier] = unit;
    }
    grid->units = world->units;
    grid->n_units = UNITS;
    grid->compounds = world->compounds;
    grid->n_compounds = 2;
    for (size_t i = 0; i < TIER_COUNT; i++)
        world->steps[i].tier = (enum tier)i;
    world->policy = (struct policy){.id = "all", .steps = world->steps, .n_steps = TIER_COUNT};
    world->config.policies = (struct policy_set){.at = &world->policy, .len = 1};
    world->config.policies.by_severity[SEVERITY_RED][SIDE_INSIDE] = &world->policy;
}

/* Who is on duty, said plainly: by the local date and minute of that instant alone. */
static bool
is_manned(const struct world *world, const struct unit *unit, struct instant at)
{
    const struct calendar *calendar = &world->config.grid.calendar;
    const struct person *officer = NULL, *deputy = NULL;
    const struct civil c = zone_civil(&calendar->zone, at);
    const int minute = c.hour * 60 + c.minute;

    for (int back = 1; back >= 0; back--) {
        const int64_t day = zone_day(&calendar->zone, at) - back;
        const int weekday = day_civil(day).weekday;

        for (size_t i = 0; i < unit->n_shifts && officer == NULL; i++) {
            const struct shift *shift = &unit->shifts[i];
            const bool over = shift->to <= shift->from;
            const bool in = back == 1 ? over && minute < shift->to
                                      : minute >= shift->from && (over || minute < shift->to);
            const bool working = weekday < 5;

            if (!in || (shift->days == SHIFT_WORKING_DAYS && !working) ||
                (shift->days == SHIFT_FREE_DAYS && working) ||
                (shift->weekdays != 0 && !(shift->weekdays & 1U << weekday)) ||
                (shift->cycle > 0 &&
                    (day - shift->anchor + 1000 * shift->cycle) % shift->cycle != shift->phase))
                continue;
            officer = shift->officer;
            deputy = shift->deputy;
        }
    }
    for (size_t i = 0; i < unit->n_swaps; i++) {
        const struct swap *swap = &unit->swaps[i];
        const struct person *const *two = swap->between;

        if (at.us < swap->from.us || at.us >= swap->to.us)
            continue;
        officer = officer == two[0] ? two[1] : officer == two[1] ? two[0] : officer;
        deputy = deputy == two[0] ? two[1] : deputy == two[1] ? two[0] : deputy;
    }
    for (size_t i = 0; i < unit->n_covers; i++) {
        if (at.us >= unit->covers[i].from.us && at.us < unit->covers[i].to.us) {
            officer = unit->covers[i].officer;
            deputy = NULL;
            break;
        }
    }
    return officer != NULL && (unit->n_phone > 0 || officer->n_addresses > 0 ||
                                  (deputy != NULL && deputy->n_addresses > 0));
}

static bool
says_dead(const struct coverage *coverage, const struct unit *unit, struct instant at)
{
    for (size_t i = 0; i < coverage->len; i++) {
        for (size_t j = 0; coverage->at[i].unit == unit && j < coverage->at[i].ranges.len; j++) {
            const struct range *range = &coverage->at[i].ranges.at[j];

            if (at.us >= range->from.us && at.us < range->to.us)
                return true;
        }
    }
    return false;
}

static void
check_world(const struct world *world, struct arena *arena)
{
    const struct zone *zone = &world->config.grid.calendar.zone;
    const struct instant from = zone_at(zone, world->first, 77);
    const struct instant to = zone_at(zone, world->first + DAYS, 311);
    const struct coverage coverage = coverage_of(&world->config, from, to, arena);

    for (struct instant at = from; at.us < to.us; at.us += SPAN_MIN(1).us) {
        for (size_t i = 0; i < UNITS; i++) {
            const struct unit *unit = &world->units[i];
            bool reached = false;

            for (; unit != NULL && !reached; unit = unit->parent)
                reached = is_manned(world, unit, at);
            assert_int_equal(says_dead(&coverage, &world->units[i], at), !reached);
        }
    }
}

static void
holes_are_those_of_a_walk_of_minutes(void **state)
{
    static const char *const zones[] = {"Asia/Shanghai", "CET-1CEST,M3.5.0,M10.5.0/3"};
    struct world world;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    srand(20261124);
    for (int i = 0; i < 60; i++) {
        /* over a change of summer time, 29 March: shifts are bound to the clock on the wall */
        world_init(&world, zones[i % 2]);
        check_world(&world, &arena);
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

static void
who_is_told_is_whom_the_proof_counts(void **state)
{
    struct world world;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    srand(7);
    for (int i = 0; i < 200; i++) {
        world_init(&world, "Asia/Shanghai");
        const struct instant at = moment(&world);
        const struct recipients_query query = {.grid = &world.config.grid,
            .compound = &world.compounds[i % 2],
            .tier = (enum tier)(i % TIER_COUNT),
            .class_name = "x",
            .at = at};
        const struct recipients to = recipients_of(&arena, &query);
        bool manned = false;

        for (size_t j = 0; j < to.len; j++) {
            struct duty duty;

            manned = manned || unit_on_duty(query.grid, to.at[j].unit, at, &duty);
        }
        const struct unit *unit = query.compound->units[query.tier];
        struct duty duty;
        bool any = false;

        for (int t = (int)query.tier; unit == NULL; t++)
            unit = query.compound->units[t];
        for (; unit != NULL; unit = unit->parent)
            any = any || unit_on_duty(query.grid, unit, at, &duty);
        assert_int_equal(manned, any);
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holes_are_those_of_a_walk_of_minutes),
        cmocka_unit_test(who_is_told_is_whom_the_proof_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
