/* Frames through the shipped classes: what a lane makes of them. */
#include "base/io/fs_posix.h"
#include "config/config.h"
#include "ingest/normalise/normalise.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/ingest/frame_make.h"

#include <stdio.h>

#define NOW ((struct instant){INT64_C(1795503400000000)}) /* 2026-11-24T06:56:40Z */
#define FIRE_TOPIC "estate/XH/TL-01/fire/UT-1/event"
#define CHARGER_TOPIC "estate/XH/TL-01/charger/AP-1/telemetry"

static const char *config_dir;
static struct arena arena;
static struct config *config;
static struct made all[MAKE_MAX];
static size_t n_all;

static struct decoded
read_as(const char *class_name, const char *profile_name, const char *topic, struct view payload)
{
    const struct class *class = class_find(&config->classes, view_of(class_name));
    const struct profile *profile = NULL;

    for (size_t i = 0; i < class->n_profiles; i++) {
        if (strcmp(class->profiles[i]->name, profile_name) == 0)
            profile = class->profiles[i];
    }
    assert_non_null(profile);
    const struct topic_pattern pattern = {
        "estate/{district}/{compound}/{class}/{device}/{stream}", class, profile};
    const struct normalise_options opt = {.lane = "test",
        .classes = config->classes,
        .devices = &config->devices,
        .patterns = &pattern,
        .n_patterns = 1};
    const struct message msg = {.received = NOW, .topic = view_of(topic), .payload = payload};
    struct decoded out;

    normalise(&opt, &msg, &arena, &out);
    for (size_t i = 0; i < out.n_readings; i++)
        assert_true(out.readings[i].n_values > 0);
    return out;
}

static struct decoded
read_fire(const struct made *made)
{
    return read_as("fire", "gbt26875", FIRE_TOPIC, (struct view){made->bytes, made->len});
}

static struct decoded
read_charger(const struct made *made)
{
    return read_as("charger", "dny", CHARGER_TOPIC, (struct view){made->bytes, made->len});
}

static const struct made *
made_of(const char *name)
{
    for (size_t i = 0; i < n_all; i++) {
        if (strcmp(all[i].name, name) == 0)
            return &all[i];
    }
    fail_msg("%s", name);
    return NULL;
}

/* -1: the reading has no such field. */
static double
number_of(const struct reading *reading, const char *name)
{
    const int field = field_find(reading->class, view_of(name));

    assert_true(field >= 0);
    for (size_t i = 0; i < reading->n_values; i++) {
        if (reading->values[i].field == field)
            return reading->values[i].number;
    }
    return -1;
}

static bool
is_code(const struct reading *reading, const char *name, const char *code)
{
    const struct field *field = &reading->class->fields[field_find(reading->class, view_of(name))];
    const struct field_code *found = field_code_by_name(field, view_of(code));

    assert_non_null(found);
    return number_of(reading, name) == found->number;
}

static void
a_detectors_fire_is_an_alarm_of_its_part_and_keeps_its_test_bit(void **state)
{
    (void)state;
    const struct decoded out = read_fire(made_of("component-state"));

    assert_int_equal(out.verdict, VERDICT_STORED);
    assert_int_equal(out.n_readings, 1);
    assert_int_equal(out.n_rejects, 0);
    const struct reading *r = &out.readings[0];

    assert_true(view_is(r->part, "1.1-10-3"));
    assert_true(number_of(r, "alarm") == 1);
    assert_true(number_of(r, "manual") == -1);
    assert_true(number_of(r, "panel_alarm") == -1);
    assert_true(is_code(r, "component", "smoke"));
    assert_true(r->test);
    assert_int_equal(r->suspect, SUSPECT_NO);
    assert_int_equal(r->time.us, NOW.us - INT64_C(40000000));
    assert_true(out.identity != 0);
    assert_true(out.wants_receipt);
    assert_true(out.receipt_raw);
    assert_int_equal(out.receipt.len, 30);
}

static void
a_call_points_fire_is_manual_and_a_panels_neither(void **state)
{
    (void)state;
    struct decoded out = read_fire(made_of("call-point"));

    assert_true(number_of(&out.readings[0], "manual") == 1);
    assert_true(number_of(&out.readings[0], "alarm") == -1);
    assert_false(out.readings[0].test);
    out = read_fire(made_of("system-state"));
    assert_int_equal(out.n_readings, 2);
    assert_true(view_is(out.readings[0].part, "1.1"));
    assert_true(number_of(&out.readings[0], "panel_alarm") == 1);
    assert_true(number_of(&out.readings[0], "alarm") == -1);
    out = read_fire(made_of("device-state"));
    assert_true(view_is(out.readings[0].part, ""));
    assert_true(number_of(&out.readings[0], "mains_fault") == 1);
    assert_true(number_of(&out.readings[0], "line_fault") == 1);
    assert_true(number_of(&out.readings[0], "panel_alarm") == 0);
    out = read_fire(made_of("device-operation"));
    assert_true(number_of(&out.readings[0], "guard_absent") == 0);
}

static void
what_has_no_field_is_nothing_wrong_and_a_heartbeat_is_heard(void **state)
{
    static const char *const silent[] = {"device-version", "device-time", "confirm"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
        const struct decoded out = read_fire(made_of(silent[i]));

        assert_int_equal(out.verdict, VERDICT_STORED);
        assert_int_equal(out.n_readings + out.n_rejects, 0);
    }
    /* The text of a configuration is a field. */
    assert_int_equal(read_fire(made_of("device-config")).n_readings, 1);
    const struct decoded out = read_fire(made_of("heartbeat"));

    assert_int_equal(out.n_readings, 1);
    assert_true(number_of(&out.readings[0], "online") == 1);
    assert_true(out.wants_receipt);
    assert_false(read_fire(made_of("confirm")).wants_receipt);
}

static void
a_frame_that_does_not_check_out_is_one_reject_that_says_why(void **state)
{
    struct made bad = *made_of("component-state");
    struct decoded out;

    (void)state;
    bad.bytes[30] ^= 1;
    out = read_fire(&bad);
    assert_int_equal(out.verdict, VERDICT_REJECTED);
    assert_true(out.lost);
    assert_int_equal(out.n_rejects, 1);
    assert_string_equal(out.rejects[0].reason, "frame-sum");
    assert_non_null(strstr(out.rejects[0].detail, "gbt26875: checksum at byte 75: found 0x"));
    assert_int_equal(out.rejects[0].raw.len, bad.len);
    assert_true(out.wants_receipt); /* a denial */
    assert_int_equal(out.receipt.ptr[26], 6);
    bad = *made_of("component-state");
    bad.len--;
    out = read_fire(&bad);
    assert_string_equal(out.rejects[0].reason, "frame-short");
    assert_false(out.wants_receipt);
    out = read_as("fire", "gbt26875", FIRE_TOPIC, view_of(""));
    assert_int_equal(out.n_rejects, 1);
    out = read_as("fire", "gbt26875", FIRE_TOPIC, view_of("{\"alarm\":true}"));
    assert_string_equal(out.rejects[0].reason, "frame-start");
    assert_int_equal(out.n_readings, 0);
}

static void
a_fire_beside_a_broken_frame_is_read_and_the_loss_is_said(void **state)
{
    const struct made *fire = made_of("call-point");
    struct made both = *made_of("component-state");

    (void)state;
    both.bytes[30] ^= 1;
    made_put(&both, fire->bytes, fire->len);
    const struct decoded out = read_fire(&both);

    assert_int_equal(out.verdict, VERDICT_STORED);
    assert_true(out.lost);
    assert_int_equal(out.n_rejects, 1);
    assert_int_equal(out.n_readings, 1);
    assert_true(number_of(&out.readings[0], "manual") == 1);
    assert_int_equal(out.readings[0].suspect, SUSPECT_NO);
    assert_true(out.identity == 0);
}

static void
a_frame_with_a_wrong_length_raises_and_is_suspect(void **state)
{
    struct made odd = *made_of("call-point");

    (void)state;
    odd.bytes[24] = (char)(odd.bytes[24] - 30);
    odd.bytes[odd.len - 3] = (char)(odd.bytes[odd.len - 3] - 30);
    const struct decoded out = read_fire(&odd);

    assert_int_equal(out.n_readings, 1);
    assert_true(number_of(&out.readings[0], "manual") == 1);
    assert_int_equal(out.readings[0].suspect, SUSPECT_CHECK);
    assert_string_equal(out.rejects[0].reason, "frame-length");
    assert_false(out.lost);
}

static void
one_serial_in_one_second_does_not_make_two_frames_one(void **state)
{
    (void)state;
    const struct decoded a = read_fire(made_of("component-state"));
    const struct decoded b = read_fire(made_of("call-point"));
    const struct decoded again = read_fire(made_of("component-state"));

    assert_true(a.identity != b.identity);
    assert_true(a.identity == again.identity);
}

static void
each_port_of_a_charger_is_a_part(void **state)
{
    (void)state;
    struct decoded out = read_charger(made_of("heartbeat-01"));

    assert_int_equal(out.n_readings, 3);
    assert_int_equal(out.n_rejects, 0);
    assert_true(view_is(out.readings[0].part, ""));
    assert_true(number_of(&out.readings[0], "ambient_temp") == 29);
    assert_true(view_is(out.readings[1].part, "1"));
    assert_true(is_code(&out.readings[1], "state", "charging"));
    assert_true(number_of(&out.readings[1], "power") == 104);
    assert_true(view_is(out.readings[2].part, "2"));
    out = read_charger(made_of("live-06"));
    assert_true(view_is(out.readings[0].part, "2"));
    assert_true(number_of(&out.readings[0], "port_temp") == 35);
    assert_true(number_of(&out.readings[0], "current") == 0.532);
    out = read_charger(made_of("charge-record"));
    assert_true(is_code(&out.readings[0], "stop", "port_hot"));
    assert_true(out.wants_receipt);
    out = read_charger(made_of("reply"));
    assert_true(number_of(&out.readings[0], "smoke") == 1);
    out = read_charger(made_of("get-time"));
    assert_int_equal(out.n_readings + out.n_rejects, 0);
    out = read_as("charger", "dny", CHARGER_TOPIC, view_of("link"));
    assert_int_equal(out.verdict, VERDICT_STORED);
    assert_int_equal(out.n_readings + out.n_rejects, 0);
}

static void
another_chargers_values_are_a_reject_and_no_reading_of_ours(void **state)
{
    struct made both = *made_of("heartbeat-01");
    struct made other = *made_of("live-06");
    const size_t first = both.len;

    (void)state;
    make_dny_other(&other);
    made_put(&both, other.bytes, other.len);
    const struct decoded out = read_charger(&both);
    char detail[160];

    assert_int_equal(out.verdict, VERDICT_STORED);
    assert_true(out.lost);
    assert_int_equal(out.n_readings, 3); /* of the heartbeat */
    for (size_t i = 0; i < out.n_readings; i++) {
        assert_true(number_of(&out.readings[i], "port_temp") == -1);
        assert_int_equal(out.readings[i].suspect, SUSPECT_NO);
    }
    assert_int_equal(out.n_rejects, 1);
    assert_string_equal(out.rejects[0].reason, "frame-device");
    (void)snprintf(detail, sizeof(detail),
        "dny: device at byte %zu: found 0x4A00209, expected 0x4A00201", first + 5);
    assert_string_equal(out.rejects[0].detail, detail);
}

static void
an_unknown_port_state_is_a_reject_with_its_number_not_idle(void **state)
{
    (void)state;
    const struct decoded out = read_charger(made_of("heartbeat-21")); /* port 3: 0C */

    assert_int_equal(out.n_readings, 4);
    assert_true(number_of(&out.readings[3], "state") == -1);
    assert_int_equal(out.readings[3].suspect, SUSPECT_CHECK);
    assert_int_equal(out.n_rejects, 1);
    assert_string_equal(out.rejects[0].reason, "code");
    assert_non_null(strstr(out.rejects[0].detail, "state: '12'"));
}

static void
a_will_is_read_beside_frames(void **state)
{
    (void)state;
    const struct decoded out =
        read_as("fire", "gbt26875", "estate/XH/TL-01/fire/UT-1/status", view_of("offline"));

    assert_int_equal(out.n_readings, 1);
    assert_true(number_of(&out.readings[0], "online") == 0);
    assert_false(out.wants_receipt);
}

static void
stand_alone_detectors_have_battery_and_their_own_state(void **state)
{
    const struct made made = make_gbt26875("nbiot", 2,
        "02 01 8101 81 01000000 0004 02 000000000000000000000000000000000000000000000000"
        "03 e600 c4 100e 000000000000");

    (void)state;
    const struct decoded out = read_as("smoke", "gbt26875_nbiot",
        "estate/XH/TL-01/smoke/SD-1/event", (struct view){made.bytes, made.len});

    assert_int_equal(out.n_rejects, 0);
    assert_true(view_is(out.readings[0].part, ""));
    assert_true(number_of(&out.readings[0], "fault") == 1);
    assert_true(number_of(&out.readings[0], "alarm") == 0);
    assert_true(number_of(&out.readings[0], "low_battery") == 1);
    assert_true(number_of(&out.readings[0], "contaminated") == 0);
    assert_true(number_of(&out.readings[0], "temperature") == 23);
    assert_true(number_of(&out.readings[0], "signal") == -60);
    assert_false(out.readings[0].test);
}

static void
a_pressure_terminal_tells_its_past_and_its_now(void **state)
{
    char room[2 * sizeof(all[0].bytes)];
    const char *topic = "estate/XH/TL-01/water/WWTS26110007/telemetry";

    (void)state;
    const struct decoded out =
        read_as("water", "meokon", topic, made_payload(made_of("pressure-3"), room));

    assert_int_equal(out.n_rejects, 0);
    assert_int_equal(out.n_readings, 3);
    assert_true(out.identity != 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(out.readings[i].suspect, SUSPECT_NO);
        assert_true(view_is(out.readings[i].part, ""));
        assert_false(out.readings[i].server_time);
        assert_int_equal(out.readings[i].time.us, NOW.us - (int64_t)(160 - 60 * i) * 1000000);
    }
    assert_true(number_of(&out.readings[0], "outlet_pressure") == 537);
    assert_true(number_of(&out.readings[0], "pressure_high") == -1);
    assert_true(number_of(&out.readings[2], "outlet_pressure") == 538);
    assert_true(number_of(&out.readings[2], "pressure_high") == 1);
    assert_true(number_of(&out.readings[2], "battery") == 100);
    assert_true(number_of(&out.readings[2], "signal") == -56);
    const struct decoded other = read_as("water", "meokon",
        "estate/XH/TL-01/water/WWTS26110008/telemetry", made_payload(made_of("pressure-3"), room));

    assert_int_equal(other.readings[0].suspect, SUSPECT_IDENTITY);
}

static int
setup(void **state)
{
    struct problems problems;

    (void)state;
    arena_init(&arena);
    n_all = make_all(all);
    config = config_load(fs_posix(), config_dir, &arena, &problems);
    return config == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
    (void)state;
    config_unref(config);
    arena_fini(&arena);
    return 0;
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_detectors_fire_is_an_alarm_of_its_part_and_keeps_its_test_bit),
        cmocka_unit_test(a_call_points_fire_is_manual_and_a_panels_neither),
        cmocka_unit_test(what_has_no_field_is_nothing_wrong_and_a_heartbeat_is_heard),
        cmocka_unit_test(a_frame_that_does_not_check_out_is_one_reject_that_says_why),
        cmocka_unit_test(a_fire_beside_a_broken_frame_is_read_and_the_loss_is_said),
        cmocka_unit_test(a_frame_with_a_wrong_length_raises_and_is_suspect),
        cmocka_unit_test(one_serial_in_one_second_does_not_make_two_frames_one),
        cmocka_unit_test(each_port_of_a_charger_is_a_part),
        cmocka_unit_test(another_chargers_values_are_a_reject_and_no_reading_of_ours),
        cmocka_unit_test(an_unknown_port_state_is_a_reject_with_its_number_not_idle),
        cmocka_unit_test(a_will_is_read_beside_frames),
        cmocka_unit_test(a_pressure_terminal_tells_its_past_and_its_now),
        cmocka_unit_test(stand_alone_detectors_have_battery_and_their_own_state),
    };

    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s CONFIG\n", argv[0]);
        return 2;
    }
    config_dir = argv[1];
    return cmocka_run_group_tests(tests, setup, teardown);
}
