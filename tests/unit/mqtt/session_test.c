#include "ingest/mqtt/session.h"

#include "tests/unit/cmocka_all.h"

static void
a_broker_that_is_away_is_asked_again_ever_more_slowly_up_to_5_s(void **state)
{
    static const int64_t waits_ms[] = {200, 400, 800, 1600, 3200, 5000, 5000};
    struct session session = {0};

    (void)state;
    assert_true(session_patience(&session).us < 1000);
    for (size_t i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
        assert_int_equal(session_step(&session, SESSION_EV_TIMER), SESSION_TODO_CONNECT);
        assert_int_equal(session_step(&session, SESSION_EV_FAILED), SESSION_TODO_TELL_DOWN);
        assert_int_equal(session_patience(&session).us, waits_ms[i] * 1000);
    }
    (void)session_step(&session, SESSION_EV_TIMER);
    assert_int_equal(session_step(&session, SESSION_EV_CONNECTED), SESSION_TODO_TELL_UP);
    assert_int_equal(session_patience(&session).us, 0);
    assert_int_equal(session_step(&session, SESSION_EV_LOST), SESSION_TODO_TELL_DOWN);
    assert_int_equal(session_patience(&session).us, 200000);
}

static void
a_wrong_password_is_tried_every_5_s(void **state)
{
    struct session session = {0};

    (void)state;
    for (int i = 0; i < 3; i++) {
        (void)session_step(&session, SESSION_EV_TIMER);
        assert_int_equal(session_step(&session, SESSION_EV_REFUSED), SESSION_TODO_TELL_REFUSED);
        assert_int_equal(session_patience(&session).us, 5000000);
    }
}

static void
whoever_was_thrown_out_waits_until_told(void **state)
{
    struct session session = {.phase = SESSION_UP};

    (void)state;
    assert_int_equal(session_step(&session, SESSION_EV_TAKEN), SESSION_TODO_TELL_STOLEN);
    assert_int_equal(session_patience(&session).us, 0);
    assert_int_equal(session_step(&session, SESSION_EV_LOST), SESSION_TODO_NONE);
    assert_int_equal(session_step(&session, SESSION_EV_TIMER), SESSION_TODO_NONE);
    assert_int_equal(session.phase, SESSION_STOLEN);
    assert_int_equal(session_step(&session, SESSION_EV_RECONNECT), SESSION_TODO_CONNECT);
    /* The word of the old connection may come late. */
    assert_int_equal(session_step(&session, SESSION_EV_LOST), SESSION_TODO_NONE);
    assert_int_equal(session_step(&session, SESSION_EV_CONNECTED), SESSION_TODO_TELL_UP);
}

static void
two_brief_connections_in_a_row_are_a_take_over_without_words(void **state)
{
    struct session session = {.phase = SESSION_UP};

    (void)state;
    assert_int_equal(session_step(&session, SESSION_EV_LOST_SOON), SESSION_TODO_TELL_DOWN);
    (void)session_step(&session, SESSION_EV_TIMER);
    (void)session_step(&session, SESSION_EV_CONNECTED);
    assert_int_equal(session_step(&session, SESSION_EV_LOST), SESSION_TODO_TELL_DOWN); /* long */
    (void)session_step(&session, SESSION_EV_TIMER);
    (void)session_step(&session, SESSION_EV_CONNECTED);
    assert_int_equal(session_step(&session, SESSION_EV_LOST_SOON), SESSION_TODO_TELL_DOWN);
    (void)session_step(&session, SESSION_EV_TIMER);
    /* A failed attempt between the two is no connection. */
    (void)session_step(&session, SESSION_EV_FAILED);
    (void)session_step(&session, SESSION_EV_TIMER);
    (void)session_step(&session, SESSION_EV_CONNECTED);
    assert_int_equal(session_step(&session, SESSION_EV_LOST_SOON), SESSION_TODO_TELL_STOLEN);
    assert_int_equal(session.phase, SESSION_STOLEN);
}

static void
changed_filters_are_subscribed_and_old_ones_given_up(void **state)
{
    struct session session = {.phase = SESSION_CONNECTING};

    (void)state;
    assert_int_equal(session_step(&session, SESSION_EV_CONNECTED_NEW), SESSION_TODO_SUBSCRIBE);
    assert_int_equal(session_step(&session, SESSION_EV_SUBSCRIBED_OLD), SESSION_TODO_UNSUBSCRIBE);
    assert_int_equal(session_step(&session, SESSION_EV_UNSUBSCRIBED), SESSION_TODO_TELL_UP);
}

static void
a_refused_filter_is_told_and_asked_for_again(void **state)
{
    struct session session = {.phase = SESSION_SUBSCRIBING};

    (void)state;
    assert_int_equal(session_step(&session, SESSION_EV_DENIED), SESSION_TODO_TELL_REFUSED);
    assert_int_equal(session_patience(&session).us, 5000000);
    assert_int_equal(session_step(&session, SESSION_EV_TIMER), SESSION_TODO_SUBSCRIBE);
    assert_int_equal(session_step(&session, SESSION_EV_SUBSCRIBED), SESSION_TODO_TELL_UP);
}

static void
no_phase_that_waits_for_an_answer_waits_for_ever(void **state)
{
    static const enum session_phase phases[] = {
        SESSION_CONNECTING, SESSION_SUBSCRIBING, SESSION_UNSUBSCRIBING};

    (void)state;
    for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
        struct session session = {.phase = phases[i]};

        assert_int_equal(session_patience(&session).us, 10000000);
        assert_int_equal(session_step(&session, SESSION_EV_TIMER), SESSION_TODO_DROP);
        assert_int_equal(session.phase, SESSION_WAIT);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broker_that_is_away_is_asked_again_ever_more_slowly_up_to_5_s),
        cmocka_unit_test(a_wrong_password_is_tried_every_5_s),
        cmocka_unit_test(whoever_was_thrown_out_waits_until_told),
        cmocka_unit_test(two_brief_connections_in_a_row_are_a_take_over_without_words),
        cmocka_unit_test(changed_filters_are_subscribed_and_old_ones_given_up),
        cmocka_unit_test(a_refused_filter_is_told_and_asked_for_again),
        cmocka_unit_test(no_phase_that_waits_for_an_answer_waits_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
