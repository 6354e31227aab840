#include "tests/unit/rules/world.h"

#include <stdlib.h>

static const struct test_rule rules[] = {
    {"cold", PER_DEVICE, SEVERITY_YELLOW, "ambient < 32°F", NULL, NULL},
    {"fire", PER_ZONE, SEVERITY_RED, "alarm", NULL, "manual or count(alarm, same zone, 120s) >= 2"},
    {"hot", PER_DEVICE, SEVERITY_ORANGE, "port_temp > 60°C", "port_temp < 50°C", NULL},
    {"low", PER_BUILDING, SEVERITY_BLUE, "battery < 20%", NULL, NULL},
    {"offline", PER_DEVICE, SEVERITY_YELLOW, "absent(5m)", NULL, NULL},
    {"quiet", PER_DEVICE, SEVERITY_BLUE, "moving and absent(2m)", NULL, NULL},
    {"stuck", PER_COMPOUND, SEVERITY_YELLOW, "count(doors == open, same compound, 60s) >= 3", NULL,
        NULL},
    {"trap", PER_DEVICE, SEVERITY_RED, "not moving and doors == closed and power > 1kW", NULL,
        NULL},
};

struct test {
    struct setup setup;
    struct facts *facts;
    struct buf out;
};

static int
start(void **state)
{
    struct test *test = mem_zalloc(1, sizeof(*test));

    setup_make(&test->setup, rules, ARRAY_LEN(rules), N_DEVICES);
    const struct facts_options options = setup_options(&test->setup);

    test->facts = facts_new(&options);
    buf_init(&test->out, 1 << 20);
    facts_link(test->facts, true, at_s(0));
    *state = test;
    return 0;
}

static int
stop(void **state)
{
    struct test *test = *state;

    facts_free(test->facts);
    setup_end(&test->setup);
    buf_fini(&test->out);
    free(test);
    return 0;
}

static void
expect(struct test *test, struct judgements got, const char *want)
{
    buf_reset(&test->out);
    buf_text(&test->out, "");
    judgements_print(got, &test->out);
    assert_string_equal(test->out.ptr, want);
}

/* expect() with times shown as they are since T0. */
static void
expect_say(struct test *test, const struct say *say, const char *want)
{
    char shifted[2000];
    size_t len = 0;

    for (const char *at = want; *at != '\0'; at++) {
        shifted[len++] = *at;
        if (*at == '@') {
            const double s = strtod(at + 1, NULL);

            len += (size_t)snprintf(shifted + len, sizeof(shifted) - len, "%.15g", T0 + s);
            while (at[1] != '\n' && at[1] != ' ')
                at++;
        }
        assert_true(len < sizeof(shifted) - 40);
    }
    shifted[len] = '\0';
    expect(test,
        say == NULL ? facts_tick(test->facts, facts_next(test->facts))
                    : take(test->facts, &test->setup, say),
        shifted);
}

/* The next instant at which time alone changes something, after T0. */
static double
next_s(struct test *test)
{
    const struct instant next = facts_next(test->facts);

    return next.us == INT64_MAX ? INFINITY : (double)(next.us - at_s(0).us) / 1e6;
}

#define SAY(c, p, t, ...)                                                                          \
    (&(struct say){.code = (c),                                                                    \
        .part = (p),                                                                               \
        .at = (t),                                                                                 \
        .now = (t),                                                                                \
        .values = {__VA_ARGS__},                                                                   \
        .n = sizeof((struct said[]){__VA_ARGS__}) / sizeof(struct said)})

static void
a_threshold_and_its_clear_level_are_told_apart(void **state)
{
    struct test *test = *state;

    expect_say(test, SAY("A0", "1", 0, {F_PORT_TEMP, 58}), "hot device/A0/1 -1 false @0\n");
    expect_say(test, SAY("A0", "1", 1, {F_PORT_TEMP, 63}), "hot device/A0/1 0 true @1\n");
    expect_say(test, SAY("A0", "1", 2, {F_PORT_TEMP, 55}), "hot device/A0/1 -1 false @2\n");
    expect_say(test, SAY("A0", "1", 3, {F_PORT_TEMP, 49}), "hot device/A0/1 -1 false clear @3\n");
    expect_say(test, SAY("A0", "2", 4, {F_PORT_TEMP, 61}), "hot device/A0/2 0 true @4\n");
}

static void
rules_read_fields_that_came_at_different_times(void **state)
{
    struct test *test = *state;

    expect_say(test, SAY("A0", "", 0, {F_MOVING, 0}),
        "quiet device/A0 -1 false clear @0\n"
        "trap device/A0 -1 unknown @0\n");
    expect_say(test, SAY("A0", "", 5, {F_DOORS, 1}),
        "stuck compound/jx-01 -1 false clear @5 by A0\n"
        "trap device/A0 -1 unknown @5\n");
    expect_say(test, SAY("A0", "", 10, {F_POWER, 2}), "trap device/A0 0 true @10\n");
    expect_say(test, SAY("A0", "", 15, {F_MOVING, 1}),
        "quiet device/A0 -1 false clear @15\n"
        "trap device/A0 -1 false clear @15\n");
}

static void
a_field_grows_unknown_after_three_intervals(void **state)
{
    struct test *test = *state;

    expect_say(test, SAY("A0", "", 0, {F_AMBIENT, 20}), "cold device/A0 0 true @0\n");
    assert_true(next_s(test) == 180);
    expect_say(test, NULL, "cold device/A0 -1 unknown @180\n");
    /* inputs of a red rule keep their value */
    expect_say(test, SAY("A1", "", 200, {F_MOVING, 0}, {F_DOORS, 1}, {F_POWER, 2}),
        "quiet device/A1 -1 false clear @200\n"
        "stuck compound/jx-01 -1 false clear @200 by A1\n"
        "trap device/A1 0 true @200\n");
    while (next_s(test) < 2000) {
        struct judgements got = facts_tick(test->facts, facts_next(test->facts));

        for (size_t i = 0; i < got.len; i++)
            assert_string_not_equal(got.at[i].rule->id, "trap");
    }
    expect_say(test, SAY("A1", "", 2000, {F_POWER, 3}),
        "offline device/A1 -1 false clear @2000\n"
        "quiet device/A1 -1 false clear @2000\n"
        "trap device/A1 0 true @2000\n");
}

static void
silence_is_noticed_also_of_devices_never_heard(void **state)
{
    struct test *test = *state;

    expect_say(
        test, SAY("A0", "7", 100, {F_PORT_TEMP, 20}), "hot device/A0/7 -1 false clear @100\n");
    assert_true(next_s(test) == 280);
    expect_say(test, NULL, "hot device/A0/7 -1 unknown @280\n");
    expect_say(test, NULL,
        "offline device/A1 0 true @300\n"
        "offline device/A2 0 true @300\n"
        "offline device/A3 0 true @300\n"
        "offline device/B0 0 true @300\n"
        "offline device/B1 0 true @300\n"
        "offline device/B2 0 true @300\n"
        "offline device/C0 0 true @300\n"
        "offline device/C1 0 true @300\n"
        "offline device/C2 0 true @300\n");
    expect_say(test, NULL, "offline device/A0 0 true @400\n");
    /* a part that speaks ends the silence of the device */
    expect_say(test, SAY("A0", "7", 450, {F_PORT_TEMP, 20}),
        "hot device/A0/7 -1 false clear @450\n"
        "offline device/A0 -1 false clear @450\n");
    /* what the broker kept does not */
    struct say retained = *SAY("A1", "", 460, {F_PORT_TEMP, 20});

    retained.suspect = SUSPECT_RETAINED;
    expect_say(test, &retained,
        "hot device/A1 -1 false clear suspect @460\n"
        "offline device/A1 0 true @460\n");
}

static void
the_silence_of_what_another_lane_hears_is_not_judged(void **state)
{
    struct setup setup;

    (void)state;
    setup_make(&setup, rules, ARRAY_LEN(rules), 3);
    setup.devices[0].lane = "here";
    setup.devices[1].lane = "there";
    struct facts_options options = setup_options(&setup);

    options.lane = "here";
    struct facts *facts = facts_new(&options);

    facts_link(facts, true, at_s(0));
    struct judgements got = {0};

    while (got.len == 0)
        got = facts_tick(facts, at_s(5000));
    /* A1 is theirs; of A2 it is not known, so anybody judges it */
    assert_int_equal(got.len, 2);
    assert_true(view_is(got.at[0].subject->code, "A0"));
    assert_true(view_is(got.at[1].subject->code, "A2"));
    facts_free(facts);
    setup_end(&setup);
}

/* Heard in any order, the parts are judged in theirs. */
static void
the_silence_of_a_device_tells_of_each_of_its_many_parts_in_order(void **state)
{
    enum { PARTS = 101, STEP = 37 };
    struct test *test = *state;
    char part[8];
    char last[64] = "";
    size_t told = 0;

    for (int i = 0; i < PARTS; i++) {
        (void)snprintf(part, sizeof(part), "%03d", i * STEP % PARTS);
        (void)take(test->facts, &test->setup,
            &(struct say){"C2", part, 1, 1, SUSPECT_NO, {{F_MOVING, 1, NULL}}, 1});
    }
    const struct judgements out = facts_tick(test->facts, at_s(121));

    for (size_t i = 0; i < out.len; i++) {
        if (strcmp(out.at[i].rule->id, "quiet") != 0 || out.at[i].truth != TRUTH_TRUE)
            continue;
        char key[64];

        (void)snprintf(key, sizeof(key), "%.*s", VIEW_ARG(out.at[i].subject->key));
        assert_true(strcmp(last, key) < 0);
        memcpy(last, key, sizeof(last));
        told++;
    }
    assert_int_equal(told, PARTS);
}

static void
silence_counts_only_connected_time(void **state)
{
    struct test *test = *state;

    facts_link(test->facts, false, at_s(100));
    assert_true(isinf(next_s(test)));
    facts_link(test->facts, true, at_s(1100));
    while (next_s(test) < 1300)
        assert_int_equal(facts_tick(test->facts, facts_next(test->facts)).len, 0);
    assert_true(next_s(test) == 1300);
    assert_int_equal(facts_tick(test->facts, at_s(5000)).len, N_DEVICES);
    assert_true(isinf(next_s(test)));
}

static void
a_clock_that_was_moved_changes_no_deadline(void **state)
{
    struct test *test = *state;

    (void)take(test->facts, &test->setup, SAY("A0", "", 100, {F_AMBIENT, 20}));
    facts_rebase(test->facts, SPAN_H(1));
    while (next_s(test) < 3600 + 280)
        assert_int_equal(facts_tick(test->facts, facts_next(test->facts)).len, 0);
    expect_say(test, NULL, "cold device/A0 -1 unknown @3880\n");
    /* and a reading after it is not late */
    while (next_s(test) <= 4000)
        (void)facts_tick(test->facts, facts_next(test->facts));
    expect_say(test, SAY("A0", "", 3990, {F_AMBIENT, 50}),
        "cold device/A0 -1 false clear @3990\n"
        "offline device/A0 -1 false clear @3990\n");
}

static void
two_detectors_of_a_zone_confirm_each_other(void **state)
{
    struct test *test = *state;

    expect_say(
        test, SAY("A0", "d1", 0, {F_ALARM, 0}), "fire zone/jx-01/Z1 -1 unknown @0 by A0/d1\n");
    expect_say(test, SAY("A0", "d1", 1, {F_ALARM, 0}, {F_MANUAL, 0}),
        "fire zone/jx-01/Z1 -1 false clear @1 by A0/d1\n");
    expect_say(test, SAY("A1", "", 2, {F_ALARM, 1}, {F_MANUAL, 0}),
        "fire zone/jx-01/Z1 0 true @2 by A1\n");
    expect_say(test, SAY("A0", "d1", 3, {F_ALARM, 1}, {F_MANUAL, 0}),
        "fire zone/jx-01/Z1 1 true @3 by A0/d1\n");
    /* another zone has its own */
    expect_say(test, SAY("B0", "", 4, {F_ALARM, 1}, {F_MANUAL, 0}),
        "fire zone/jx-01/Z2 0 true @4 by B0\n");
    /* and who has no zone is alone */
    expect_say(
        test, SAY("C0", "", 5, {F_ALARM, 1}, {F_MANUAL, 0}), "fire zone//C0 0 true @5 by C0\n");
    expect_say(test, SAY("C1", "", 6, {F_MANUAL, 1}), "fire zone//C1 1 true @6 by C1\n");
    /* within the span an alarm that has gone counts still */
    expect_say(test, SAY("A1", "", 10, {F_ALARM, 0}), "fire zone/jx-01/Z1 1 true @10 by A1\n");
    expect_say(test, NULL, "fire zone/jx-01/Z1 0 true @130 by A0/d1\n");
    expect_say(test, SAY("A0", "d1", 140, {F_ALARM, 0}),
        "fire zone/jx-01/Z1 -1 false clear @140 by A0/d1\n");
}

static void
suspect_values_are_flagged_until_a_sound_one_comes(void **state)
{
    struct test *test = *state;
    struct say say = *SAY("A0", "", 1, {F_ALARM, 0}, {F_MANUAL, 0});

    expect_say(test, SAY("A0", "", 0, {F_ALARM, 1}, {F_MANUAL, 0}),
        "fire zone/jx-01/Z1 0 true @0 by A0\n");
    say.suspect = SUSPECT_CHECK;
    expect_say(test, &say, "fire zone/jx-01/Z1 -1 false clear suspect @1 by A0\n");
    expect_say(test, SAY("A0", "", 2, {F_MANUAL, 0}),
        "fire zone/jx-01/Z1 -1 false clear suspect @2 by A0\n");
    expect_say(test, SAY("A1", "", 3, {F_MANUAL, 0}, {F_ALARM, 0}),
        "fire zone/jx-01/Z1 -1 false clear suspect @3 by A1\n");
    expect_say(
        test, SAY("A0", "", 4, {F_ALARM, 0}), "fire zone/jx-01/Z1 -1 false clear @4 by A0\n");
}

static void
a_late_reading_is_judged_and_replaces_nothing_newer(void **state)
{
    struct test *test = *state;
    struct say late = {.code = "A0", .part = "1", .at = 50, .now = 101, .n = 1};

    expect_say(
        test, SAY("A0", "1", 100, {F_PORT_TEMP, 40}), "hot device/A0/1 -1 false clear @100\n");
    late.values[0].field = F_PORT_TEMP;
    late.values[0].number = 80;
    expect_say(test, &late, "hot device/A0/1 0 true late @50\n");
    expect_say(test, SAY("A0", "1", 102, {F_BATTERY, 40}),
        "low building/jx-01/1 -1 false clear @102 by A0/1\n");
    const struct subject *subject =
        facts_subject(test->facts, PER_DEVICE, view_of("A0"), view_of("1"));
    struct fact fact;

    assert_int_equal(facts_evidence(test->facts, rule_find(&test->setup.rules, view_of("hot")),
                         subject, &fact, 1),
        1);
    assert_true(fact.value.number == 40);
    assert_int_equal(fact.at.us, at_s(100).us);
    /* what was never said before is taken, as suspect */
    late.values[0].field = F_AMBIENT;
    late.values[0].number = 10;
    expect_say(test, &late, "cold device/A0/1 0 true suspect late @50\n");
    /* a late alarm counts with others of its time */
    expect_say(test, SAY("A1", "", 110, {F_ALARM, 0}, {F_MANUAL, 0}),
        "fire zone/jx-01/Z1 -1 false clear @110 by A1\n");
    expect_say(test, SAY("A2", "", 111, {F_ALARM, 1}, {F_MANUAL, 0}),
        "fire zone/jx-01/Z1 0 true @111 by A2\n");
    struct say other = {
        .code = "A1", .part = "", .at = 90, .now = 112, .values = {{F_ALARM, 1, NULL}}, .n = 1};

    expect_say(test, &other, "fire zone/jx-01/Z1 1 true late @90 by A1\n");
    expect_say(test, SAY("A2", "", 113, {F_ALARM, 1}), "fire zone/jx-01/Z1 1 true @113 by A2\n");
}

static void
evidence_is_the_newest_of_all_members_oldest_first(void **state)
{
    struct test *test = *state;
    struct fact out[3];

    (void)take(test->facts, &test->setup, SAY("A2", "", 3, {F_ALARM, 1}, {F_PORT_TEMP, 3}));
    (void)take(test->facts, &test->setup, SAY("A0", "", 1, {F_ALARM, 1}, {F_MANUAL, 1}));
    (void)take(test->facts, &test->setup, SAY("A1", "", 2, {F_ALARM, 0}));
    const struct subject *zone = facts_subject(test->facts, PER_ZONE, view_of("A3"), view_of(""));
    const size_t n = facts_evidence(
        test->facts, rule_find(&test->setup.rules, view_of("fire")), zone, out, ARRAY_LEN(out));

    assert_int_equal(n, 3);
    assert_string_equal(out[0].field->name, "manual");
    assert_true(view_is(out[1].code, "A1") && out[1].value.number == 0);
    assert_true(view_is(out[2].code, "A2") && out[2].at.us == at_s(3).us);
    assert_null(facts_subject(test->facts, PER_DEVICE, view_of("A3"), view_of("9")));
    assert_null(facts_subject(test->facts, PER_DEVICE, view_of("nobody"), view_of("")));
    assert_true(view_is(zone->code, "Z1") && view_is(zone->compound, "jx-01"));
}

static void
a_new_configuration_keeps_values_and_judges_all(void **state)
{
    static const struct test_rule changed[] = {
        {"hot", PER_DEVICE, SEVERITY_ORANGE, "port_temp > 40°C", NULL, NULL},
        {"zone-hot", PER_ZONE, SEVERITY_ORANGE, "port_temp > 45°C", NULL, NULL},
    };
    struct test *test = *state;
    struct setup setup;

    (void)take(test->facts, &test->setup, SAY("A0", "1", 10, {F_PORT_TEMP, 50}));
    (void)take(test->facts, &test->setup, SAY("C2", "1", 11, {F_PORT_TEMP, 30}));
    (void)take(test->facts, &test->setup, SAY("X9", "", 12, {F_PORT_TEMP, 44}));
    const struct subject *subject =
        facts_subject(test->facts, PER_DEVICE, view_of("A0"), view_of("1"));

    setup_make(&setup, changed, ARRAY_LEN(changed), N_DEVICES - 1);
    const struct facts_options options = setup_options(&setup);

    facts_configure(test->facts, &options);
    setup_end(&test->setup);
    test->setup = setup;
    assert_true(next_s(test) == 12);
    expect_say(test, NULL,
        "hot device/A0/1 0 true @12\n"
        "hot device/X9 0 true @12\n"
        "zone-hot zone//X9 -1 false clear @12 by X9\n"
        "zone-hot zone/jx-01/Z1 0 true @12 by A0/1\n");
    assert_ptr_equal(subject, facts_subject(test->facts, PER_DEVICE, view_of("A0"), view_of("1")));
    assert_null(facts_subject(test->facts, PER_DEVICE, view_of("C2"), view_of("")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_threshold_and_its_clear_level_are_told_apart, start, stop),
        cmocka_unit_test_setup_teardown(
            rules_read_fields_that_came_at_different_times, start, stop),
        cmocka_unit_test_setup_teardown(a_field_grows_unknown_after_three_intervals, start, stop),
        cmocka_unit_test_setup_teardown(
            silence_is_noticed_also_of_devices_never_heard, start, stop),
        cmocka_unit_test(the_silence_of_what_another_lane_hears_is_not_judged),
        cmocka_unit_test_setup_teardown(
            the_silence_of_a_device_tells_of_each_of_its_many_parts_in_order, start, stop),
        cmocka_unit_test_setup_teardown(silence_counts_only_connected_time, start, stop),
        cmocka_unit_test_setup_teardown(a_clock_that_was_moved_changes_no_deadline, start, stop),
        cmocka_unit_test_setup_teardown(two_detectors_of_a_zone_confirm_each_other, start, stop),
        cmocka_unit_test_setup_teardown(
            suspect_values_are_flagged_until_a_sound_one_comes, start, stop),
        cmocka_unit_test_setup_teardown(
            a_late_reading_is_judged_and_replaces_nothing_newer, start, stop),
        cmocka_unit_test_setup_teardown(
            evidence_is_the_newest_of_all_members_oldest_first, start, stop),
        cmocka_unit_test_setup_teardown(
            a_new_configuration_keeps_values_and_judges_all, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
