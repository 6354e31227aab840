#include "service/canary.h"

#include "tests/unit/cmocka_all.h"

static const struct instant t0 = {1000000000};

static struct instant
after(int64_t ms)
{
    return instant_add(t0, SPAN_MS(ms));
}

static void
nothing_is_late_in_the_first_five_seconds(void **state)
{
    struct canary canary;

    (void)state;
    canary_start(&canary, t0);
    assert_false(canary_late(&canary, CANARY_JUDGED, after(5000)));
    assert_true(canary_late(&canary, CANARY_JUDGED, after(5001)));
}

static void
a_canary_that_passes_says_how_long_it_took(void **state)
{
    struct canary canary;

    (void)state;
    canary_start(&canary, t0);
    canary_pass(&canary, CANARY_TOLD, (uint64_t)after(1000).us, after(1007));
    assert_int_equal(canary.took[CANARY_TOLD].us, 7000);
    assert_false(canary_late(&canary, CANARY_TOLD, after(6000)));
    assert_true(canary_late(&canary, CANARY_TOLD, after(6001)));
    assert_true(canary_late(&canary, CANARY_STORED, after(6001)));
}

static void
old_and_future_numbers_prove_nothing(void **state)
{
    struct canary canary;

    (void)state;
    canary_start(&canary, t0);
    canary_pass(&canary, CANARY_JUDGED, (uint64_t)after(2000).us, after(2001));
    canary_pass(&canary, CANARY_JUDGED, (uint64_t)after(1500).us, after(2900));
    assert_int_equal(canary.took[CANARY_JUDGED].us, 1000);
    canary_pass(&canary, CANARY_JUDGED, (uint64_t)after(99000).us, after(3000));
    canary_pass(&canary, CANARY_JUDGED, UINT64_MAX, after(3000));
    canary_pass(&canary, CANARY_JUDGED, 0, after(3000));
    assert_true(canary_late(&canary, CANARY_JUDGED, after(7001)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_late_in_the_first_five_seconds),
        cmocka_unit_test(a_canary_that_passes_says_how_long_it_took),
        cmocka_unit_test(old_and_future_numbers_prove_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
