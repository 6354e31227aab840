/* What looks back: rate(), delta(), avg(), min(), max(), count(condition, span), stuck(),
 * changed(). */
#include "alerting/rules/window.h"

#include "tests/unit/rules/world.h"

#include <stdlib.h>

struct test {
    struct setup setup;
    struct facts *facts;
};

static void
begin(struct test *test, const char *when, enum per per)
{
    const struct test_rule rule = {"it", per, SEVERITY_ORANGE, when, NULL, NULL};

    setup_make(&test->setup, &rule, 1, N_DEVICES);
    const struct facts_options options = setup_options(&test->setup);

    test->facts = facts_new(&options);
    facts_link(test->facts, true, at_s(0));
}

static void
end(struct test *test)
{
    facts_free(test->facts);
    setup_end(&test->setup);
}

/* 't', 'f', 'u'; '-': not judged. */
static char
letter(struct judgements got)
{
    return got.len == 0 ? '-' : "ftu"[got.at[0].truth];
}

static char
hear(struct test *test, double at, double now, uint16_t field, double number)
{
    const struct say say = {
        .code = "A0", .part = "1", .at = at, .now = now, .values = {{field, number, NULL}}, .n = 1};

    while (instant_cmp(facts_next(test->facts), at_s(now)) <= 0)
        (void)facts_tick(test->facts, at_s(now));
    return letter(take(test->facts, &test->setup, &say));
}

/* Readings of one field every `step` seconds, and what was judged at each. */
static void
expect_row(const char *when, uint16_t field, double step, const double *numbers, const char *want)
{
    struct test test;
    char got[64] = "";

    begin(&test, when, PER_DEVICE);
    for (size_t i = 0; want[i] != '\0'; i++) {
        got[i] = hear(&test, (double)i * step, (double)i * step, field, numbers[i]);
        got[i + 1] = '\0';
    }
    assert_string_equal(got, want);
    end(&test);
}

static void
a_rate_is_told_in_its_own_unit(void **state)
{
    static const double slow[] = {20, 24, 28, 33}, fast[] = {20, 26, 31, 37};

    (void)state;
    expect_row("rate(port_temp, 1m) > 5°C/min", F_PORT_TEMP, 60, slow, "ufff");
    expect_row("rate(port_temp, 1m) > 5°C/min", F_PORT_TEMP, 60, fast, "utft");
    expect_row("rate(port_temp, 1m) > 300°C/h", F_PORT_TEMP, 60, fast, "utft");
    expect_row("rate(ambient, 1m) > 5°C/min", F_AMBIENT, 60, (double[]){20, 28, 38}, "uft");
    expect_row("rate(power, 1m) >= 0.1kW/s", F_POWER, 60, (double[]){0, 5, 11}, "uft");
}

static void
a_rate_needs_half_of_its_span_or_a_value_known_before(void **state)
{
    (void)state;
    expect_row(
        "rate(port_temp, 1m) > 5°C/min", F_PORT_TEMP, 20, (double[]){20, 21, 22, 60}, "uuft");
    /* every three minutes, the interval of this class's expiry: known at the beginning */
    expect_row("rate(port_temp, 10s) > 5°C/min", F_PORT_TEMP, 150, (double[]){20, 40}, "ut");
    /* silent for longer than a value is known */
    expect_row("rate(port_temp, 10s) > 5°C/min", F_PORT_TEMP, 400, (double[]){20, 90}, "uu");
}

static void
a_delta_of_temperatures_is_a_difference(void **state)
{
    (void)state;
    expect_row("delta(port_temp, 2m) > 9K", F_PORT_TEMP, 60, (double[]){20, 25, 30, 35}, "uftt");
    expect_row("delta(port_temp, 2m) > 18°F", F_PORT_TEMP, 60, (double[]){20, 25, 31, 35}, "uftf");
}

static void
an_average_waits_until_half_of_its_span_is_known(void **state)
{
    (void)state;
    expect_row("avg(port_temp, 2m) > 50°C", F_PORT_TEMP, 60, (double[]){90, 30, 20, 90}, "utft");
}

static void
a_maximum_is_at_least_what_was_heard(void **state)
{
    (void)state;
    expect_row("max(port_temp, 2m) > 50°C", F_PORT_TEMP, 60, (double[]){60, 20, 20, 20}, "ttff");
    expect_row("max(port_temp, 2m) < 50°C", F_PORT_TEMP, 60, (double[]){20, 20, 60, 20}, "utff");
    expect_row("min(port_temp, 2m) > 50°C", F_PORT_TEMP, 60, (double[]){60, 60, 60, 20}, "uttf");
}

static void
a_count_of_readings_falls_with_time(void **state)
{
    struct test test;

    (void)state;
    begin(&test, "count(alarm, 60s) >= 2", PER_DEVICE);
    assert_int_equal(hear(&test, 0, 0, F_ALARM, 1), 'f');
    assert_int_equal(hear(&test, 10, 10, F_ALARM, 0), 'f');
    assert_int_equal(hear(&test, 20, 20, F_ALARM, 1), 't');
    assert_int_equal(facts_next(test.facts).us, at_s(60).us);
    assert_int_equal(letter(facts_tick(test.facts, at_s(60))), 'f');
    /* late, but within the span */
    assert_int_equal(hear(&test, 30, 61, F_ALARM, 1), 't');
    end(&test);
}

static void
what_is_stuck_says_the_same_for_the_span(void **state)
{
    (void)state;
    expect_row(
        "stuck(port_temp, 2m)", F_PORT_TEMP, 60, (double[]){20, 20, 20, 21, 21, 21}, "uutfft");
    expect_row("stuck(doors, 1m)", F_DOORS, 60, (double[]){1, 1, 2, 2}, "utft");
}

static void
what_changed_is_true_for_one_reading(void **state)
{
    (void)state;
    expect_row("changed(doors)", F_DOORS, 60, (double[]){1, 1, 2, 2, 1}, "uftft");
}

static void
a_late_reading_is_seen_at_its_own_time(void **state)
{
    struct test test;

    (void)state;
    begin(&test, "rate(port_temp, 1m) > 5°C/min", PER_DEVICE);
    assert_int_equal(hear(&test, 0, 0, F_PORT_TEMP, 20), 'u');
    assert_int_equal(hear(&test, 120, 120, F_PORT_TEMP, 30), 'f');
    assert_int_equal(hear(&test, 60, 121, F_PORT_TEMP, 29), 't');
    assert_int_equal(hear(&test, 180, 180, F_PORT_TEMP, 31), 'f');
    end(&test);
}

static void
it_may_stand_in_a_count_over_a_zone(void **state)
{
    struct test test;

    (void)state;
    begin(&test, "count(rate(port_temp, 1m) > 5°C/min, same zone, 120s) >= 1", PER_ZONE);
    assert_int_equal(hear(&test, 0, 0, F_PORT_TEMP, 20), 'u');
    assert_int_equal(hear(&test, 60, 60, F_PORT_TEMP, 30), 't');
    assert_int_equal(hear(&test, 120, 120, F_PORT_TEMP, 30), 't');
    end(&test);
}

static const struct expr *
node_of(struct setup *setup, const char *text)
{
    return setup_expr(setup, text, PER_DEVICE)->left;
}

static void
a_full_window_keeps_its_sum_in_equal_buckets(void **state)
{
    struct setup setup;
    struct window window = {0};
    struct tally_range range;

    (void)state;
    setup_make(&setup, NULL, 0, 1);
    const struct expr *node = node_of(&setup, "avg(port_temp, 1h) > 0°C");

    for (int64_t i = 0; i <= 7200; i++) {
        const struct point point = {.at = i * 1000000, .value = (double)(i % 7)};
        const struct window_view view = {.end = INT64_MAX};

        window_put(&window, node, &point);
        assert_true(window.len <= WINDOW_POINTS);
        if (i < 1800)
            continue;
        assert_true(window_ask(&window, node, &view, &range));
        assert_true(range.lo > 2.9 && range.lo < 3.1);
    }
    window_fini(&window);
    setup_end(&setup);
}

static void
points_in_any_order_make_the_same_extremes(void **state)
{
    struct setup setup;
    struct window forth = {0}, back = {0};
    struct tally_range one, other;
    const struct window_view view = {.end = INT64_MAX};

    (void)state;
    setup_make(&setup, NULL, 0, 1);
    const struct expr *node = node_of(&setup, "max(port_temp, 1m) > 0°C");

    for (int64_t i = 0; i < 60; i++) {
        const struct point a = {.at = i * 1000000, .value = (double)(i * 37 % 59)};
        const struct point b = {.at = (59 - i) * 1000000, .value = (double)((59 - i) * 37 % 59)};

        window_put(&forth, node, &a);
        window_put(&back, node, &b);
    }
    assert_true(window_ask(&forth, node, &view, &one) && window_ask(&back, node, &view, &other));
    assert_true(one.lo == other.lo && one.hi == other.hi);
    window_fini(&forth);
    window_fini(&back);
    setup_end(&setup);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rate_is_told_in_its_own_unit),
        cmocka_unit_test(a_rate_needs_half_of_its_span_or_a_value_known_before),
        cmocka_unit_test(a_delta_of_temperatures_is_a_difference),
        cmocka_unit_test(an_average_waits_until_half_of_its_span_is_known),
        cmocka_unit_test(a_maximum_is_at_least_what_was_heard),
        cmocka_unit_test(a_count_of_readings_falls_with_time),
        cmocka_unit_test(what_is_stuck_says_the_same_for_the_span),
        cmocka_unit_test(what_changed_is_true_for_one_reading),
        cmocka_unit_test(a_late_reading_is_seen_at_its_own_time),
        cmocka_unit_test(it_may_stand_in_a_count_over_a_zone),
        cmocka_unit_test(a_full_window_keeps_its_sum_in_equal_buckets),
        cmocka_unit_test(points_in_any_order_make_the_same_extremes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
