#include "config/report.h"
#include "config/schema.h"
#include "config/topic.h"
#include "tests/unit/cmocka_all.h"

static void
sizes_are_whole_numbers_of_binary_units(void **state)
{
    uint64_t bytes;

    (void)state;
    assert_true(value_bytes(view_of("2GiB"), &bytes) && bytes == UINT64_C(2) << 30);
    assert_true(value_bytes(view_of("0B"), &bytes) && bytes == 0);
    assert_false(value_bytes(view_of("2GB"), &bytes));
    assert_false(value_bytes(view_of("2"), &bytes));
    assert_false(value_bytes(view_of("-1MiB"), &bytes));
    assert_false(value_bytes(view_of("99999999TiB"), &bytes));
}

static void
times_of_day_go_up_to_midnight(void **state)
{
    int minutes;

    (void)state;
    assert_true(value_clock(view_of("08:30"), &minutes) && minutes == 510);
    assert_true(value_clock(view_of("24:00"), &minutes) && minutes == 1440);
    assert_false(value_clock(view_of("24:01"), &minutes));
    assert_false(value_clock(view_of("8:30"), &minutes));
    assert_false(value_clock(view_of("08:60"), &minutes));
    assert_false(value_clock(view_of("-1:30"), &minutes));
}

static void
numbers_are_plain_and_finite(void **state)
{
    double real;
    int64_t whole;

    (void)state;
    assert_true(value_real(view_of("-1.5e3"), &real));
    assert_float_equal(real, -1500, 0);
    assert_false(value_real(view_of("inf"), &real));
    assert_false(value_real(view_of("0x10"), &real));
    assert_false(value_real(view_of("1e999"), &real));
    assert_false(value_real(view_of(" 1"), &real));
    assert_true(value_int(view_of("-42"), &whole) && whole == -42);
    assert_false(value_int(view_of("1.0"), &whole));
    assert_false(value_int(view_of("99999999999999999"), &whole));
    assert_false(value_int(view_of("-"), &whole));
}

static void
filters_match_as_mqtt_says(void **state)
{
    static const struct {
        const char *filter, *topic;
        bool matches;
    } cases[] = {
        {"a/+/c", "a/b/c", true},
        {"a/+", "a/b/c", false},
        {"a/#", "a", true},
        {"a/#", "a/b/c", true},
        {"a/b", "a/b", true},
        {"a/b", "a/b/", false},
        {"a/b/", "a/b/", true},
        {"+/+", "/x", true},
        {"#", "anything/at/all", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(
            filter_matches(view_of(cases[i].filter), view_of(cases[i].topic)), cases[i].matches);
    assert_false(filter_valid(view_of("")));
    assert_false(filter_valid(view_of("a/#/b")));
    assert_false(filter_valid(view_of("a/b+")));
    assert_true(filter_valid(view_of("a//b")));
}

static void
a_filter_is_more_specific_where_it_first_differs(void **state)
{
    (void)state;
    assert_true(filter_compare(view_of("a/b/#"), view_of("a/+/c")) > 0);
    assert_true(filter_compare(view_of("a/+/c"), view_of("a/#")) > 0);
    assert_true(filter_compare(view_of("a/b"), view_of("a/#")) > 0);
    assert_int_equal(filter_compare(view_of("a/+/#"), view_of("a/+/#")), 0);
}

static void
a_name_is_meant_if_one_is_clearly_nearest(void **state)
{
    static const char *const names[] = {
        "severity", "clear_for", "clear", "latch", "TL-01", "TL-02"};
    const size_t n = ARRAY_LEN(names);

    (void)state;
    assert_string_equal(nearest(view_of("lacth"), names, n), "latch");
    assert_string_equal(nearest(view_of("clearfor"), names, n), "clear_for");
    assert_string_equal(nearest(view_of("sevrity"), names, n), "severity");
    assert_null(nearest(view_of("banana"), names, n));
    assert_null(nearest(view_of("TL-09"), names, n)); /* two are as near */
    assert_null(nearest(view_of(""), names, n));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_whole_numbers_of_binary_units),
        cmocka_unit_test(times_of_day_go_up_to_midnight),
        cmocka_unit_test(numbers_are_plain_and_finite),
        cmocka_unit_test(filters_match_as_mqtt_says),
        cmocka_unit_test(a_filter_is_more_specific_where_it_first_differs),
        cmocka_unit_test(a_name_is_meant_if_one_is_clearly_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
