#include "base/timers.h"

#include "tests/unit/cmocka_all.h"

#define N 2000

static void
deadlines_come_out_in_order_of_instant_then_key(void **state)
{
    static struct timer all[N];
    struct timers timers;
    const struct timer *last = NULL;
    size_t n = 0;

    (void)state;
    timers_init(&timers);
    for (size_t i = 0; i < N; i++) {
        all[i].key = i * 7919 % N;
        timers_set(&timers, &all[i], (struct instant){(int64_t)(i * 104729 % 500)});
    }
    for (size_t i = 0; i < N; i += 3)
        timers_set(&timers, &all[i], (struct instant){(int64_t)(i * 31 % 500)});
    for (size_t i = 1; i < N; i += 3)
        timers_cancel(&timers, &all[i]);
    for (int64_t now = 0; now < 500; now++) {
        const struct timer *timer;

        while ((timer = timers_pop(&timers, (struct instant){now})) != NULL) {
            assert_int_equal(timer->when.us, now);
            if (last != NULL && last->when.us == now)
                assert_true(last->key < timer->key);
            last = timer;
            n++;
        }
    }
    assert_int_equal(n, N - (N + 1) / 3);
    assert_int_equal(timers_next(&timers).us, INT64_MAX);
    timers_fini(&timers);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadlines_come_out_in_order_of_instant_then_key)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
