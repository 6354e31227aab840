#include "base/zone.h"

#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <time.h>

static const char *const texts[] = {"CST-8", "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0",
    "AEST-10AEDT,M10.1.0,M4.1.0/3", "<+0330>-3:30"};

/* The C library knows POSIX zones too: the two must agree on every hour of some years. */
static void
local_times_are_those_of_the_c_library(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct zone zone;

        assert_true(zone_parse(view_of(texts[i]), &zone));
        assert_int_equal(setenv("TZ", texts[i], 1), 0);
        tzset();
        for (time_t at = 1767000000; at < 1767000000 + 3L * 366 * 86400; at += 1799) {
            const struct civil c = zone_civil(&zone, (struct instant){(int64_t)at * 1000000});
            struct tm tm;

            assert_non_null(localtime_r(&at, &tm));
            assert_int_equal(c.hour * 60 + c.minute, tm.tm_hour * 60 + tm.tm_min);
            assert_int_equal(c.day, tm.tm_mday);
            assert_int_equal((c.weekday + 1) % 7, tm.tm_wday);
        }
    }
}

/* Of every minute: back and forth, but where summer time leaves some out or gives some twice. */
static void
a_local_minute_and_its_instant_are_each_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct zone zone;
        int64_t first = 0;
        int odd = 0;

        assert_true(zone_parse(view_of(texts[i]), &zone));
        assert_true(day_from_date(2026, 1, 1, &first));
        struct instant before = zone_at(&zone, first, -1);

        for (int64_t day = first; day < first + 366; day++) {
            for (int minute = 0; minute < 1440; minute++) {
                const struct instant at = zone_at(&zone, day, minute);
                const struct civil c = zone_civil(&zone, at);

                assert_true(at.us >= before.us);
                before = at;
                odd += zone_day(&zone, at) != day || c.hour * 60 + c.minute != minute;
            }
        }
        assert_int_equal(odd, zone.summer ? 60 : 0); /* the hour left out in spring */
    }
}

static void
the_hour_left_out_is_the_change_and_the_one_given_twice_its_first(void **state)
{
    struct zone zone;
    int64_t spring = 0, autumn = 0;
    char text[INSTANT_TEXT_BYTES];

    (void)state;
    assert_true(zone_parse(view_of(texts[1]), &zone));
    assert_true(day_from_date(2026, 3, 29, &spring));
    assert_true(day_from_date(2026, 10, 25, &autumn));
    assert_string_equal(
        instant_text(zone_at(&zone, spring, 150), text), "2026-03-29T01:00:00.000000Z");
    assert_string_equal(
        instant_text(zone_at(&zone, autumn, 150), text), "2026-10-25T00:30:00.000000Z");
    assert_int_equal(
        zone_at(&zone, spring + 1, 0).us - zone_at(&zone, spring, 0).us, SPAN_H(23).us);
    assert_int_equal(
        zone_at(&zone, autumn + 1, 0).us - zone_at(&zone, autumn, 0).us, SPAN_H(25).us);
}

static void
what_is_no_zone_is_refused(void **state)
{
    static const char *const bad[] = {"", "Shanghai", "+08:00", "C-8", "CST", "CST-8x", "CST-25",
        "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,J60,J300", "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,M3.5.0,M3.5.0", "<CET-1",
        "CET-1CEST,M3.5.0,M10.5.0/3x"};
    struct zone zone;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(zone_parse(view_of(bad[i]), &zone));
    assert_true(zone_parse(view_of("Asia/Shanghai"), &zone));
    assert_int_equal(zone.offset_s, 28800);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(local_times_are_those_of_the_c_library),
        cmocka_unit_test(a_local_minute_and_its_instant_are_each_others),
        cmocka_unit_test(the_hour_left_out_is_the_change_and_the_one_given_twice_its_first),
        cmocka_unit_test(what_is_no_zone_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
