#include "base/clock.h"

#include "tests/unit/cmocka_all.h"

#define T0 INT64_C(1800000000000000)

static struct service_clock
started(int64_t floor, int64_t wall)
{
    struct service_clock clock;

    service_clock_start(&clock, (struct instant){floor}, (struct instant){wall}, SPAN_S(100));
    return clock;
}

/* Checks once a second from second from to second to, with the wall clock off by off_us; gives
 * the first second at which a rebase was asked for, 0 if none. */
static int
run(struct service_clock *clock, int from, int to, int64_t off_us, struct span *delta)
{
    struct instant before = service_clock_at(clock, SPAN_S(100 + from));

    for (int s = from; s <= to; s++) {
        const struct span boot = SPAN_S(100 + s);
        const struct instant wall = {T0 + (int64_t)s * 1000000 + off_us};
        const bool step = service_clock_check(clock, wall, boot, delta);

        assert_true(instant_cmp(service_clock_at(clock, boot), before) >= 0);
        before = service_clock_at(clock, boot);
        if (step)
            return s;
    }
    return 0;
}

static int64_t
error_at(const struct service_clock *clock, int s)
{
    return service_clock_at(clock, SPAN_S(100 + s)).us - (T0 + (int64_t)s * 1000000);
}

static void
it_starts_at_the_greater_of_wall_and_floor(void **state)
{
    struct service_clock clock = started(0, T0);

    (void)state;
    assert_int_equal(service_clock_at(&clock, SPAN_S(100)).us, T0);
    clock = started(T0 + 5, T0);
    assert_int_equal(service_clock_at(&clock, SPAN_S(100)).us, T0 + 5);
    assert_int_equal(service_clock_at(&clock, SPAN_S(103)).us, T0 + 3000005);
}

static void
a_small_difference_is_slewed_at_500_ppm_and_no_further(void **state)
{
    struct service_clock clock = started(0, T0);
    struct span delta;

    (void)state;
    assert_int_equal(run(&clock, 0, 1000, 1000000, &delta), 0);
    assert_int_equal(error_at(&clock, 1000), 500000);
    assert_int_equal(run(&clock, 1000, 3000, 1000000, &delta), 0);
    assert_int_equal(error_at(&clock, 3000), 1000000);
    assert_int_equal(run(&clock, 3000, 4000, -1000000, &delta), 0);
    assert_int_equal(error_at(&clock, 4000), 500000);
}

static void
it_grows_in_every_microsecond_while_it_is_slewed_back(void **state)
{
    struct service_clock clock = started(T0 + 4000000, T0);
    struct span delta;
    struct instant before;

    (void)state;
    assert_false(service_clock_check(&clock, (struct instant){T0}, SPAN_S(100), &delta));
    before = service_clock_at(&clock, SPAN_S(100));
    for (int64_t us = 1; us < 20000; us++) {
        const struct instant at = service_clock_at(&clock, SPAN_US(100000000 + us));

        assert_true(at.us >= before.us);
        before = at;
    }
}

static void
a_large_difference_is_taken_over_after_60_seconds_by_rebase_alone(void **state)
{
    struct service_clock clock = started(0, T0);
    struct span delta;

    (void)state;
    assert_int_equal(run(&clock, 0, 10, 0, &delta), 0);
    assert_int_equal(run(&clock, 11, 200, -3600000000, &delta), 71);
    assert_int_equal(delta.us, -3600000000);
    assert_int_equal(error_at(&clock, 71), 0);
    service_clock_rebase(&clock, delta, SPAN_S(171));
    assert_int_equal(error_at(&clock, 71), -3600000000);
    assert_int_equal(run(&clock, 72, 300, -3600000000, &delta), 0);
}

static void
a_large_difference_that_goes_away_or_turns_round_starts_to_count_again(void **state)
{
    struct service_clock clock = started(0, T0);
    struct span delta;

    (void)state;
    assert_int_equal(run(&clock, 0, 50, 10000000, &delta), 0);
    assert_int_equal(run(&clock, 51, 51, 0, &delta), 0);
    assert_int_equal(run(&clock, 52, 110, 10000000, &delta), 0);
    assert_int_equal(run(&clock, 111, 160, -10000000, &delta), 0);
    assert_int_equal(run(&clock, 161, 400, -10000000, &delta), 171);
}

static void
a_boot_time_from_before_the_last_check_is_harmless(void **state)
{
    struct service_clock clock = started(0, T0);
    struct span delta;

    (void)state;
    assert_int_equal(run(&clock, 0, 10, 0, &delta), 0);
    assert_int_equal(service_clock_at(&clock, SPAN_S(105)).us, T0 + 10000000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_starts_at_the_greater_of_wall_and_floor),
        cmocka_unit_test(a_small_difference_is_slewed_at_500_ppm_and_no_further),
        cmocka_unit_test(it_grows_in_every_microsecond_while_it_is_slewed_back),
        cmocka_unit_test(a_large_difference_is_taken_over_after_60_seconds_by_rebase_alone),
        cmocka_unit_test(a_large_difference_that_goes_away_or_turns_round_starts_to_count_again),
        cmocka_unit_test(a_boot_time_from_before_the_last_check_is_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
