#include "model/calendar.h"

#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

static const struct hours usual[] = {{510, 690}, {780, 1050}};
static const struct hours night[] = {{0, 180}, {1380, 1440}}; /* over the change of summer time */

static void
mark(struct calendar_year *year, int month, int first, int last, char sort)
{
    int64_t new_year = 0, day = 0;

    assert_true(day_from_date(year->year, 1, 1, &new_year));
    for (int at = first; at <= last; at++) {
        assert_true(day_from_date(year->year, month, at, &day));
        year->days[day - new_year] = sort;
    }
}

struct world {
    struct calendar calendar;
    struct calendar_year years[2];
};

static void
world_init(struct world *world, const char *zone, const struct hours *hours)
{
    *world = (struct world){.years = {{.year = 2026}, {.year = 2028}}};
    world->calendar = (struct calendar){.week = {true, true, true, true, true},
        .hours = hours,
        .n_hours = 2,
        .years = world->years,
        .n_years = 2};
    assert_true(zone_parse(view_of(zone), &world->calendar.zone));
    mark(&world->years[0], 9, 20, 20, 'w');
    mark(&world->years[0], 10, 1, 7, 'h');
    mark(&world->years[0], 10, 10, 10, 'w');
    mark(&world->years[1], 2, 29, 29, 'h');
}

static struct instant
local(const struct world *world, int year, int month, int day, int minute)
{
    int64_t number = 0;

    assert_true(day_from_date(year, month, day, &number));
    return zone_at(&world->calendar.zone, number, minute);
}

/* The truth by walking: minute by minute. */
static bool
minute_is_open(const struct calendar *calendar, struct instant at)
{
    const struct civil c = zone_civil(&calendar->zone, at);
    const int minute = c.hour * 60 + c.minute;
    bool working = c.weekday < 5;

    for (size_t i = 0; i < calendar->n_years; i++) {
        int64_t first = 0;

        assert_true(day_from_date(calendar->years[i].year, 1, 1, &first));
        const char sort = calendar->years[i].year == c.year
                              ? calendar->years[i].days[zone_day(&calendar->zone, at) - first]
                              : 0;

        working = sort == 'w' || (sort != 'h' && working);
    }
    for (size_t i = 0; working && i < calendar->n_hours; i++) {
        if (minute >= calendar->hours[i].from && minute < calendar->hours[i].to)
            return true;
    }
    return false;
}

static void
walk(const char *zone, const struct hours *hours, int month, int day)
{
    struct world world;
    const int64_t minute_us = SPAN_MIN(1).us;

    world_init(&world, zone, hours);
    const struct calendar *calendar = &world.calendar;
    const struct instant start = local(&world, 2026, month, day, 0);
    const int minutes = 30 * 1440;
    int *before = calloc((size_t)minutes + 1, sizeof(int)); /* open minutes before each */

    assert_non_null(before);
    for (int i = 0; i < minutes; i++) {
        const struct instant at = {start.us + i * minute_us};
        const bool open = minute_is_open(calendar, at);

        assert_int_equal(calendar_is_open(calendar, at), open);
        before[i + 1] = before[i] + open;
    }
    for (int i = 0; i < 3000; i++) {
        const int from = rand() % minutes;
        const int to = from + rand() % (minutes - from + 1);
        const int work = before[to] - before[from];
        const struct instant begin = {start.us + from * minute_us};
        const struct instant end = {start.us + to * minute_us};
        int due = from;

        assert_int_equal(calendar_between(calendar, begin, end).us, work * minute_us);
        if (work == 0) {
            while (due < minutes && before[due + 1] == before[due])
                due++;
            if (due == minutes)
                continue;
        } else {
            while (before[due] - before[from] < work)
                due++;
        }
        assert_int_equal(
            calendar_add(calendar, begin, SPAN_MIN(work)).us, start.us + due * minute_us);
    }
    free(before);
}

static void
working_spans_are_those_of_a_walk_of_minutes(void **state)
{
    (void)state;
    walk("Asia/Shanghai", usual, 9, 14);
    walk("Asia/Shanghai", usual, 12, 20); /* into a year without a table */
    walk("CET-1CEST,M3.5.0,M10.5.0/3", night, 3, 16);
    walk("CET-1CEST,M3.5.0,M10.5.0/3", night, 10, 12);
}

static void
a_holiday_stops_the_working_clock_and_a_make_up_day_runs_it(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, "Asia/Shanghai", usual);
    const struct calendar *calendar = &world.calendar;

    /* 30 September 17:00 and two hours: 17:30, then 8 October from 08:30 */
    assert_int_equal(calendar_add(calendar, local(&world, 2026, 9, 30, 1020), SPAN_H(2)).us,
        local(&world, 2026, 10, 8, 600).us);
    /* Saturday 10 October is worked, and so is Sunday 20 September */
    assert_int_equal(calendar_add(calendar, local(&world, 2026, 10, 10, 0), SPAN_H(0)).us,
        local(&world, 2026, 10, 10, 510).us);
    assert_true(calendar_is_open(calendar, local(&world, 2026, 9, 20, 600)));
    /* the break at noon: 11:00 and an hour is 13:30 */
    assert_int_equal(calendar_add(calendar, local(&world, 2026, 9, 21, 660), SPAN_H(1)).us,
        local(&world, 2026, 9, 21, 810).us);
    /* a deadline at the end of the day is that evening, not the next morning */
    assert_int_equal(calendar_add(calendar, local(&world, 2026, 9, 21, 990), SPAN_H(1)).us,
        local(&world, 2026, 9, 21, 1050).us);
    /* 29 February 2028 is a holiday there, and there is one in 2028 only */
    assert_false(calendar_is_open(calendar, local(&world, 2028, 2, 29, 600)));
    assert_true(calendar_is_open(calendar, local(&world, 2027, 3, 1, 600)));
}

static void
without_working_hours_nothing_is_ever_due(void **state)
{
    struct world world;

    (void)state;
    world_init(&world, "Asia/Shanghai", usual);
    struct calendar never = world.calendar;

    never.n_hours = 0;
    assert_int_equal(calendar_add(&never, (struct instant){0}, SPAN_H(1)).us, INSTANT_NEVER.us);
    never = (struct calendar){.hours = usual, .n_hours = 2};
    assert_int_equal(calendar_add(&never, (struct instant){0}, SPAN_H(1)).us, INSTANT_NEVER.us);
}

static void
the_next_year_is_missed_from_december_on(void **state)
{
    struct world world;
    int year = 0;

    (void)state;
    world_init(&world, "Asia/Shanghai", usual);
    assert_false(calendar_missing(&world.calendar, local(&world, 2026, 11, 30, 1439), &year));
    assert_true(calendar_missing(&world.calendar, local(&world, 2026, 12, 1, 0), &year));
    assert_int_equal(year, 2027);
    assert_false(calendar_missing(&world.calendar, local(&world, 2027, 12, 1, 0), &year));
    world.years[1].provisional = true;
    assert_true(calendar_missing(&world.calendar, local(&world, 2027, 12, 1, 0), &year));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(working_spans_are_those_of_a_walk_of_minutes),
        cmocka_unit_test(a_holiday_stops_the_working_clock_and_a_make_up_day_runs_it),
        cmocka_unit_test(without_working_hours_nothing_is_ever_due),
        cmocka_unit_test(the_next_year_is_missed_from_december_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
