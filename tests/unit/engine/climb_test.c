#include "alerting/escalation/climb.h"

#include "alerting/dispatch/outbox.h"
#include "alerting/escalation/recipients.h"
#include "tests/scenario/fixture.h"
#include "tests/unit/cmocka_all.h"

static const struct policy_step steps[] = {
    {.tier = TIER_POINT, .after = {0}, .unless = UNLESS_NEVER},
    {.tier = TIER_STATION, .after = {180000000}, .unless = UNLESS_ACKNOWLEDGED},
    {.tier = TIER_DISTRICT, .after = {900000000}, .unless = UNLESS_ARRIVED},
};
static const struct policy policy = {.id = "p", .steps = steps, .n_steps = 3, .repeat = {60000000}};

static const struct calendar calendar = {.zone = {.offset_s = 28800}};

static void
an_acknowledgement_cancels_only_the_steps_that_wait_for_one(void **state)
{
    struct climb climb = {.from = {1000000000}};
    struct climb_due due = climb_next(&policy, &climb, &calendar);

    (void)state;
    assert_int_equal(due.step, 0);
    assert_int_equal(due.at.us, 1000000000);
    climb_fired(&climb, &due);
    climb.acknowledged = true;
    due = climb_next(&policy, &climb, &calendar);
    assert_int_equal(due.step, 2);
    assert_int_equal(due.at.us, 1900000000);
    climb.acknowledged = false; /* it lapsed at 1500 s: the step between is due then */
    climb.resumed.us = 1500000000;
    due = climb_next(&policy, &climb, &calendar);
    assert_int_equal(due.step, 1);
    assert_int_equal(due.at.us, 1500000000);
    climb.settled = true;
    assert_int_equal(climb_next(&policy, &climb, &calendar).step, -1);
}

static void
the_last_step_repeats_until_what_it_waits_for_has_happened(void **state)
{
    struct climb climb = {.from = {1000000000}};

    (void)state;
    for (int i = 0; i < 3; i++) {
        const struct climb_due due = climb_next(&policy, &climb, &calendar);

        assert_int_equal(due.step, i);
        climb_fired(&climb, &due);
    }
    struct climb_due due = climb_next(&policy, &climb, &calendar);

    assert_true(due.repeat);
    assert_int_equal(due.at.us, 1960000000);
    climb_fired(&climb, &due);
    assert_int_equal(climb_next(&policy, &climb, &calendar).at.us, 2020000000);
    climb.arrived = true;
    assert_int_equal(climb_next(&policy, &climb, &calendar).step, -1);
}

static void
a_missing_tier_falls_through_and_a_hole_adds_the_tier_above(void **state)
{
    struct fixture fixture;
    struct instant noon, night;

    (void)state;
    fixture_init(&fixture, 0);
    assert_true(instant_from_civil(2026, 11, 24, 12, 0, 0, 28800, &noon));
    assert_true(instant_from_civil(2026, 11, 24, 2, 0, 0, 28800, &night));
    const struct compound *compound = compound_find(&fixture.grid, view_of("JX-04"));
    struct recipients_query query = {.grid = &fixture.grid,
        .compound = compound,
        .tier = TIER_POINT,
        .class_name = "charger",
        .at = noon};
    struct recipients to = recipients_of(&fixture.arena, &query);

    assert_int_equal(to.len, 1);
    assert_string_equal(to.at[0].unit->id, "t1");
    assert_true(to.at[0].fell_through);
    query.tier = TIER_SUBDISTRICT;
    query.at = night;
    to = recipients_of(&fixture.arena, &query);
    assert_int_equal(to.len, 2);
    assert_true(to.at[0].hole);
    assert_string_equal(to.at[1].unit->id, "d1");
    assert_int_equal(to.tier, TIER_DISTRICT);
    query.compound = NULL;
    query.tier = TIER_POINT;
    query.at = noon;
    to = recipients_of(&fixture.arena, &query);
    assert_int_equal(to.len, 1);
    assert_string_equal(to.at[0].unit->id, "d1");
    fixture_fini(&fixture);
}

static void
attempts_pause_longer_each_time_and_a_late_success_still_counts(void **state)
{
    static const int pauses[] = {1, 2, 5, 10, 30, 60, 120, 300, 300};
    const struct channel hook = {.id = "hook", .kind = CHANNEL_WEBHOOK, .timeout = {5000000}};
    const struct address address = {&hook, "x"};
    const struct parcel_label label = {.id = "t-1",
        .alert = "t-0",
        .severity = SEVERITY_BLUE,
        .recipient = "u",
        .person = "",
        .behind = "",
        .officers = ""};
    struct outbox *outbox = outbox_new();
    struct instant now = {1000000000};
    struct parcel_due due;

    (void)state;
    outbox_add(outbox, &label, &address, 1, now);
    outbox_add(outbox, &label, &address, 1, now); /* the same id: once */
    assert_int_equal(outbox_len(outbox), 1);
    for (uint32_t i = 0; i < ARRAY_LEN(pauses); i++) {
        assert_true(outbox_tick(outbox, now, now, &due));
        assert_int_equal(due.event, PARCEL_SEND);
        assert_true(outbox_result(outbox, due.parcel, 0, i + 1, RESULT_FAILED, now));
        assert_false(outbox_result(outbox, due.parcel, 0, i + 1, RESULT_FAILED, now));
        now = instant_add(now, SPAN_S(pauses[i]));
        assert_int_equal(outbox_next(outbox).us, now.us);
    }
    assert_true(outbox_result(outbox, due.parcel, 0, 1, RESULT_DELIVERED, now));
    outbox_drop(outbox, due.parcel);
    assert_int_equal(outbox_next(outbox).us, INT64_MAX);
    outbox_free(outbox);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_acknowledgement_cancels_only_the_steps_that_wait_for_one),
        cmocka_unit_test(the_last_step_repeats_until_what_it_waits_for_has_happened),
        cmocka_unit_test(a_missing_tier_falls_through_and_a_hole_adds_the_tier_above),
        cmocka_unit_test(attempts_pause_longer_each_time_and_a_late_success_still_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
