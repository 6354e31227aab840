#include "ingest/normalise/normalise.h"

#include "base/json.h"
#include "ingest/normalise/reason.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/ingest/normalise_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LIFT "estate/XH/JX-03/elevator/EL-1/telemetry"
#define CHARGER "estate/XH/JX-03/charger/CH-1/telemetry"
#define FIRE "estate/XH/JX-03/fire/FA-9/event"
#define NOW_US INT64_C(1795503400000000) /* 2026-11-24T06:56:40Z */

static struct arena arena;

static struct decoded
read_message(struct message msg)
{
    struct decoded out;

    msg.received = (struct instant){NOW_US};
    normalise(&fix_options, &msg, &arena, &out);
    for (size_t i = 0; i < out.n_rejects; i++) {
        assert_int_equal(out.rejects[i].idx, i);
        assert_true(utf8_valid(view_of(out.rejects[i].detail)));
    }
    for (size_t i = 0; i < out.n_readings; i++)
        assert_int_equal(out.readings[i].idx, i);
    return out;
}

static struct decoded
read_text(const char *topic, const char *payload)
{
    return read_message((struct message){.topic = view_of(topic), .payload = view_of(payload)});
}

static const struct field_value *
value_of(const struct reading *reading, const char *name)
{
    const int field = field_find(reading->class, view_of(name));

    assert_true(field >= 0);
    for (size_t i = 0; i < reading->n_values; i++) {
        if (reading->values[i].field == field)
            return &reading->values[i];
    }
    return NULL;
}

static double
number_of(const struct reading *reading, const char *name)
{
    const struct field_value *value = value_of(reading, name);

    assert_non_null(value);
    return value->number;
}

static void
assert_rejected(const struct decoded *out, const char *reason)
{
    assert_int_equal(out->verdict, VERDICT_REJECTED);
    assert_int_equal(out->n_readings, 0);
    assert_true(out->n_rejects > 0);
    assert_string_equal(out->rejects[0].reason, reason);
    assert_true(out->rejects[0].detail[0] != '\0');
    assert_false(out->wants_receipt);
}

static void
a_message_becomes_a_reading_in_the_fields_of_its_class(void **state)
{
    (void)state;
    const struct decoded out = read_text(LIFT,
        "{\"id\":\"EL-1\",\"boot\":7,\"seq\":1,\"msg\":\"m-1\",\"time\":\"2026-11-24 "
        "14:56:38\",\"note\":\"中文\","
        "\"state\":{\"status\":\"going-down\",\"people\":\"1\",\"open\":\"0\",\"speed\":\"-17.5\","
        "\"floor_no\":3,\"unknown\":[1,{}],\"maintain\":\"0\"}}");

    assert_int_equal(out.verdict, VERDICT_STORED);
    assert_int_equal(out.n_readings, 1);
    assert_int_equal(out.n_rejects, 0);
    const struct reading *r = &out.readings[0];

    assert_int_equal(r->n_values, 6);
    for (size_t i = 1; i < r->n_values; i++)
        assert_true(r->values[i - 1].field < r->values[i].field);
    assert_true(number_of(r, "moving") == 2);
    assert_true(number_of(r, "passengers") == 1);
    assert_true(number_of(r, "doors_closed") == 1); /* inverted */
    assert_true(number_of(r, "speed") == -1.75);
    assert_true(number_of(r, "floor") == 2);
    assert_true(view_is(value_of(r, "note")->text, "中文"));
    assert_int_equal(r->suspect, SUSPECT_NO);
    assert_false(r->test);
    assert_int_equal(r->time.us, NOW_US - 2000000);
    assert_false(r->server_time);
    assert_ptr_equal(r->listed, &fix_devices[1]);
    assert_int_equal(r->device, fix_devices[1].key);
    assert_true(view_is(r->part, ""));
    assert_true(view_is(r->compound, "JX-03"));
    assert_true(out.wants_receipt);
    assert_true(view_is(out.receipt, "m-1"));
    assert_true(out.identity != 0);
    assert_true(out.content == 0); /* what has an identity is told by it */
}

static void
each_element_of_the_array_of_parts_is_a_reading(void **state)
{
    (void)state;
    const struct decoded out = read_text(CHARGER,
        "{\"ts\":1795503399500,\"cabinet\":{\"smoke\":0},\"ports\":[{\"n\":1,\"t\":31.5,\"p\":0},"
        "{\"n\":\"B 2\",\"t\":20},{\"n\":\"3\",\"t\":null,\"p\":120,\"cabinet\":{\"smoke\":1}},"
        "{\"n\":4,\"t\":\"hot\"},7]}");

    assert_int_equal(out.verdict, VERDICT_STORED);
    assert_int_equal(out.n_readings, 4);
    assert_true(view_is(out.readings[0].part, "1"));
    assert_true(number_of(&out.readings[0], "port_temp") == 31.5);
    assert_true(number_of(&out.readings[0], "smoke") == 0); /* from the root */
    assert_int_equal(out.readings[0].time.us, NOW_US - 500000);
    assert_int_equal(out.readings[0].suspect, SUSPECT_NO);
    /* a bad name: read as the device itself, suspect */
    assert_true(view_is(out.readings[1].part, ""));
    assert_int_equal(out.readings[1].suspect, SUSPECT_CHECK);
    assert_true(view_is(out.readings[2].part, "3"));
    assert_null(value_of(&out.readings[2], "port_temp"));
    assert_true(number_of(&out.readings[2], "smoke") == 1); /* the part's own */
    assert_int_equal(out.readings[2].suspect, SUSPECT_NO);
    assert_int_equal(out.readings[3].suspect, SUSPECT_CHECK);
    assert_null(value_of(&out.readings[3], "port_temp"));
    assert_int_equal(out.n_rejects, 3);
    assert_string_equal(out.rejects[0].reason, "part-name");
    assert_string_equal(out.rejects[1].reason, "type");
    assert_string_equal(
        out.rejects[1].detail, "port_temp: 'hot' at t, allowed are numbers -40 to 150°C");
    assert_true(view_is(out.rejects[1].raw, "hot"));
    assert_string_equal(out.rejects[2].reason, "part");
    assert_true(out.rejects[0].raw.len > 100); /* the first has the whole payload */
}

static void
a_message_without_its_parts_is_about_the_device(void **state)
{
    (void)state;
    struct decoded out = read_text(CHARGER, "{\"cabinet\":{\"smoke\":true}}");

    assert_int_equal(out.n_readings, 1);
    assert_true(view_is(out.readings[0].part, ""));
    out = read_text(CHARGER, "{\"cabinet\":{\"smoke\":true},\"ports\":[]}");
    assert_int_equal(out.n_readings, 1);
    out = read_text(CHARGER, "{\"cabinet\":{\"smoke\":true},\"ports\":5}");
    assert_int_equal(out.n_readings, 1);
    assert_int_equal(out.readings[0].suspect, SUSPECT_CHECK);
    assert_string_equal(out.rejects[0].reason, "parts");
    out = read_text(CHARGER, "{\"ports\":[{\"n\":\"\",\"t\":7}]}");
    assert_int_equal(out.n_rejects, 0);
    assert_true(view_is(out.readings[0].part, ""));
    out = read_text(CHARGER, "{\"ports\":{\"n\":2,\"t\":70}}");
    assert_int_equal(out.n_readings, 1);
    assert_true(view_is(out.readings[0].part, "2"));
    assert_int_equal(out.readings[0].suspect, SUSPECT_CHECK);
}

static void
malformed_bytes_are_rejects_with_their_reason_and_the_raw_bytes(void **state)
{
    static const struct {
        const char *payload, *reason;
    } cases[] = {
        {"", "json-empty"},
        {"   ", "json-empty"},
        {"hello", "json-syntax"},
        {"{\"alarm\":true", "json-syntax"},
        {"{\"alarm\":tru}", "json-syntax"},
        {"{\"alarm\":01}", "json-number"},
        {"{\"alarm\":1e999}", "json-number"},
        {"{\"alarm\":true}}", "json-trailing"},
        {"{\"alarm\":\"\xff\"}", "json-utf8"},
        {"{\"alarm\":\"\\u0000\"}", "json-nul"},
        {"{\"alarm\":true,\"alarm\":false}", "json-duplicate"},
        {"[1,2]", "root"},
        {"true", "root"},
        {"{}", "no-fields"},
        {"{\"Alarm\":true}", "no-fields"},
        {"{\"alarm\":null}", "no-fields"},
        {"{\"alarm\":{}}", "type"},
        {"{\"alarm\":[true]}", "type"},
        {"{\"alarm\":\"yes\"}", "type"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct decoded out = read_text(FIRE, cases[i].payload);

        assert_rejected(&out, cases[i].reason);
        assert_true(view_is(out.rejects[0].raw, cases[i].payload));
        assert_true(view_is(out.rejects[0].code, "FA-9"));
        assert_true(view_is(out.rejects[0].class_name, "fire"));
        assert_true(view_is(out.code, "FA-9"));
    }
}

static void
oversized_and_deep_payloads_are_rejects(void **state)
{
    struct message msg = {.topic = view_of(FIRE)};
    struct buf text;

    (void)state;
    buf_init(&text, NORMALISE_MAX_PAYLOAD + 1);
    buf_text(&text, "{\"alarm\":true}");
    while (text.len <= NORMALISE_MAX_PAYLOAD)
        buf_char(&text, ' ');
    msg.payload = buf_view(&text);
    struct decoded out = read_message(msg);

    assert_rejected(&out, "json-size");
    assert_int_equal(out.rejects[0].raw.len, NORMALISE_MAX_PAYLOAD);
    msg.payload.len = NORMALISE_MAX_PAYLOAD;
    out = read_message(msg);
    assert_int_equal(out.verdict, VERDICT_STORED);
    buf_reset(&text);
    while (text.len < NORMALISE_MAX_PAYLOAD)
        buf_char(&text, '[');
    msg.payload = buf_view(&text);
    out = read_message(msg);
    assert_rejected(&out, "json-depth");
    buf_fini(&text);
}

static void
what_is_out_of_range_but_readable_is_kept_named_and_suspect(void **state)
{
    (void)state;
    struct decoded out = read_text(CHARGER, "{\"ports\":[{\"n\":1,\"t\":400,\"p\":10}]}");

    assert_int_equal(out.verdict, VERDICT_STORED);
    assert_true(number_of(&out.readings[0], "port_temp") == 400);
    assert_true(number_of(&out.readings[0], "power") == 10);
    assert_int_equal(out.readings[0].suspect, SUSPECT_CHECK);
    assert_int_equal(out.n_rejects, 1);
    assert_string_equal(out.rejects[0].reason, "range");
    /* A number as text where the profile has none, and a bool that is 2. */
    out = read_text(FIRE, "{\"alarm\":\"1\",\"manual\":2}");
    assert_true(number_of(&out.readings[0], "alarm") == 1);
    assert_true(number_of(&out.readings[0], "manual") == 1);
    assert_int_equal(out.readings[0].suspect, SUSPECT_CHECK);
    assert_int_equal(out.n_rejects, 2);
    out = read_text(LIFT, "{\"state\":{\"floor_no\":3,\"status\":7}}");
    assert_null(value_of(&out.readings[0], "moving"));
    assert_string_equal(out.rejects[0].reason, "code");
    assert_string_equal(
        out.rejects[0].detail, "moving: '7' at state.status, allowed are 0, 1, going-down");
}

static void
a_spreadsheet_date_is_a_reject_and_never_a_zero(void **state)
{
    static const char *const bad[] = {
        "31. Jul", "", "abc", "0x10", "nan", "inf", "1,5", "1.", ".5", "1e", "--1", "1 2"};
    static const char *const good[] = {"31", " 31 ", "+31", "031", "31.0", "3.1e1", "310e-1"};
    char payload[128];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        (void)snprintf(
            payload, sizeof(payload), "{\"state\":{\"speed\":\"%s\",\"people\":1}}", bad[i]);
        const struct decoded out = read_text(LIFT, payload);

        assert_int_equal(out.n_readings, 1);
        assert_null(value_of(&out.readings[0], "speed"));
        assert_true(number_of(&out.readings[0], "passengers") == 1);
        assert_int_equal(out.n_rejects, 1);
        assert_string_equal(out.rejects[0].reason, "type");
    }
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        (void)snprintf(payload, sizeof(payload), "{\"state\":{\"speed\":\"%s\"}}", good[i]);
        const struct decoded out = read_text(LIFT, payload);

        assert_int_equal(out.n_rejects, 0);
        assert_true(fabs(number_of(&out.readings[0], "speed") - 3.1) < 1e-9);
    }
}

static void
a_whole_number_is_never_made_of_one_that_is_not(void **state)
{
    (void)state;
    struct decoded out = read_text(LIFT, "{\"state\":{\"floor_no\":3.5,\"speed\":\"1\"}}");

    assert_int_equal(out.n_readings, 1);
    assert_null(value_of(&out.readings[0], "floor"));
    assert_int_equal(out.readings[0].suspect, SUSPECT_CHECK);
    assert_int_equal(out.n_rejects, 1);
    assert_string_equal(out.rejects[0].reason, "type");
    assert_non_null(strstr(out.rejects[0].detail, "'3.5' at state.floor_no"));
    out = read_text(LIFT, "{\"state\":{\"floor_no\":2.9999999,\"speed\":\"1\"}}");
    assert_null(value_of(&out.readings[0], "floor"));
    out = read_text(LIFT, "{\"state\":{\"floor_no\":3.0}}");
    assert_int_equal(out.n_rejects, 0);
    assert_non_null(value_of(&out.readings[0], "floor"));
}

/* Two pumps' worth of records: {"at": .., "t": ..}, kept for hours, in the order they were made. */
static void
buffered_records_are_readings_in_their_order_with_their_own_times(void **state)
{
    static const struct profile_time times[] = {{"at", TIME_UNIX_MS}, {"at", TIME_LOCAL}};
    const struct profile buffered = {.name = "buffered",
        .parts = "records[]",
        .times = times,
        .n_times = 2,
        .fields = fix_charger_paths,
        .n_fields = ARRAY_LEN(fix_charger_paths)};
    const struct topic_pattern pattern = {"buffered/{device}", &fix_classes[0], &buffered};
    struct normalise_options opt = fix_options;
    struct message msg = {
        .received = {NOW_US}, .topic = {"buffered/CH-1", 13}, .payload = {NULL, 0}};
    struct decoded out;
    struct buf text;

    (void)state;
    opt.patterns = &pattern;
    opt.n_patterns = 1;
    buf_init(&text, NORMALISE_MAX_PAYLOAD);
    buf_text(&text, "{\"records\":[{\"at\":\"2026-11-24 04:56:40\",\"t\":0}");
    for (int i = 1; i < 600; i++)
        buf_printf(&text, ",{\"at\":%" PRId64 ",\"t\":%d,\"note\":\"%0300d\"}",
            NOW_US / 1000 - (600 - i) * 60000, i % 100, i);
    buf_text(&text, "]}");
    assert_false(text.full);
    msg.payload = buf_view(&text);
    normalise(&opt, &msg, &arena, &out);
    assert_int_equal(out.n_readings, 600);
    assert_int_equal(out.n_rejects, 0);
    assert_int_equal(out.readings[0].time.us, NOW_US - INT64_C(10) * 3600 * 1000000);
    for (size_t i = 0; i < 600; i++) {
        const struct reading *r = &out.readings[i];

        assert_int_equal(r->idx, i);
        assert_true(view_is(r->part, ""));
        assert_false(r->server_time);
        assert_int_equal(r->suspect, SUSPECT_NO);
        assert_true(number_of(r, "port_temp") == (double)(i % 100));
        assert_true(i == 0 || r->time.us == NOW_US - (int64_t)(600 - i) * 60000000);
    }
    buf_fini(&text);
}

static void
a_device_may_have_a_field_the_other_way_round(void **state)
{
    const int field = field_find(&fix_classes[1], view_of("passengers"));
    const char *payload = "{\"state\":{\"people\":\"1\"}}";

    (void)state;
    fix_devices[1].inverted[field / 64] = UINT64_C(1) << (field % 64);
    struct decoded out = read_text(LIFT, payload);

    fix_devices[1].inverted[field / 64] = 0;
    assert_true(number_of(&out.readings[0], "passengers") == 0);
    out = read_text(LIFT, payload);
    assert_true(number_of(&out.readings[0], "passengers") == 1);
}

static void
long_texts_are_cut_at_a_character(void **state)
{
    char payload[700] = "{\"note\":\"x";

    (void)state;
    for (int i = 0; i < 200; i++)
        (void)snprintf(payload + strlen(payload), 4, "中");
    (void)snprintf(payload + strlen(payload), 4, "\"}");
    const struct decoded out = read_text(LIFT, payload);

    assert_string_equal(out.rejects[0].reason, "length");
    assert_int_equal(value_of(&out.readings[0], "note")->text.len, 256 - 256 % 3 + 1);
    assert_true(utf8_valid(value_of(&out.readings[0], "note")->text));
}

static void
unknown_devices_are_read_unknown_classes_are_not(void **state)
{
    (void)state;
    struct decoded out =
        read_text("estate/XH/JX-04/elevator/EL-77/telemetry", "{\"state\":{\"people\":1}}");

    assert_int_equal(out.verdict, VERDICT_STORED);
    assert_null(out.readings[0].listed);
    assert_int_equal(out.readings[0].device, device_key(view_of("EL-77")));
    assert_true(view_is(out.readings[0].compound, "JX-04"));
    out = read_text("estate/XH/JX-04/boiler/B-1/telemetry", "{\"x\":1}");
    assert_rejected(&out, "unknown-class");
    assert_true(view_is(out.rejects[0].class_name, "boiler"));
    assert_true(view_is(out.code, "B-1"));
    /* A listed device under another class: judged under its topic. */
    out = read_text("estate/XH/JX-04/fire/EL-1/telemetry", "{\"alarm\":true}");
    assert_ptr_equal(out.readings[0].class, &fix_classes[2]);
    assert_ptr_equal(out.readings[0].listed, &fix_devices[1]);
}

static void
topics_are_matched_by_the_sites_patterns_first(void **state)
{
    static const char *const bad[] = {"", "/", "estate", "estate/a/b/fire/F-1",
        "estate/a/b/fire/F-1/event/x", "wallwatch/canary/fire", "other/x",
        "estate/a/b/fire/\xff/event"};

    (void)state;
    struct decoded out = read_text("GIOT-GW/UL/CH-1", "{\"ports\":[{\"n\":1,\"t\":5}]}");

    assert_int_equal(out.n_readings, 1);
    assert_true(view_is(out.readings[0].compound, "JX-03"));
    out = read_text("GIOT-GW/UL/none", "{}");
    assert_rejected(&out, "unknown-class");
    out = read_text("raw/x/D-1/a/b", "{\"alarm\":true}");
    assert_int_equal(out.n_readings, 1);
    assert_true(view_is(out.code, "D-1"));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        out = read_text(bad[i], "{\"alarm\":true}");
        assert_rejected(&out, "topic");
    }
    out = read_text("estate/a/b/fire/bad code/event", "{\"alarm\":true}");
    assert_rejected(&out, "device-code");
    out = read_text("estate/a/b/fire//event", "{\"alarm\":true}");
    assert_rejected(&out, "device-code");
}

static void
retained_and_misnamed_messages_are_suspect_and_not_under_test(void **state)
{
    (void)state;
    struct decoded out = read_message((struct message){.topic = view_of(FIRE),
        .payload = view_of("{\"alarm\":true,\"test\":true}"),
        .retained = true,
        .dup = true});

    assert_int_equal(out.readings[0].suspect, SUSPECT_RETAINED);
    assert_false(out.readings[0].test);
    assert_true(out.dup);
    out = read_text(FIRE, "{\"alarm\":true,\"test\":true}");
    assert_true(out.readings[0].test);
    out = read_text(FIRE, "{\"alarm\":true,\"test\":\"maybe\"}");
    assert_false(out.readings[0].test);
    out = read_text(LIFT, "{\"id\":\"EL-2\",\"state\":{\"people\":1,\"maintain\":1}}");
    assert_int_equal(out.readings[0].suspect, SUSPECT_IDENTITY);
    assert_false(out.readings[0].test);
}

static void
a_time_is_believed_only_near_to_ours(void **state)
{
    static const struct {
        const char *at;
        bool readable, had, believed;
    } cases[] = {
        {"\"2026-11-24T06:56:40Z\"", true, true, true},
        {"\"2026-11-24T15:01:40+08:00\"", true, true, true},
        {"\"2026-11-24T15:01:41+08:00\"", true, true, false}, /* 5 min and a second ahead */
        {"\"2026-10-25T06:56:40Z\"", true, true, true},
        {"\"2026-10-25T06:56:39Z\"", true, true, false}, /* 30 d and a second old */
        {"\"1970-01-01T00:00:00Z\"", true, true, false},
        {"\"tomorrow\"", false, true, false},
        {"1795503400", false, true, false},
        {"null", true, false, false},
    };
    char payload[128];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        (void)snprintf(payload, sizeof(payload), "{\"alarm\":true,\"at\":%s}", cases[i].at);
        const struct decoded out = read_text(FIRE, payload);

        assert_int_equal(out.n_readings, 1);
        assert_int_equal(out.readings[0].had_time, cases[i].had);
        assert_int_equal(out.readings[0].server_time, !cases[i].believed);
        assert_int_equal(out.readings[0].suspect, cases[i].readable ? SUSPECT_NO : SUSPECT_CHECK);
        assert_int_equal(out.n_rejects, cases[i].readable ? 0 : 1);
        if (!cases[i].believed)
            assert_int_equal(out.readings[0].time.us, NOW_US);
    }
}

static void
a_time_that_cannot_be_read_is_named_once_for_all_parts_that_it_stands_for(void **state)
{
    (void)state;
    const struct decoded out = read_text(CHARGER,
        "{\"ts\":\"no time\",\"ports\":[{\"n\":1,\"t\":5},{\"n\":2,\"t\":6},"
        "{\"n\":3,\"t\":7,\"ts\":\"never\"},{\"n\":4,\"t\":8,\"ts\":1795503400000}]}");

    assert_int_equal(out.n_readings, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(out.readings[i].suspect, i < 3 ? SUSPECT_CHECK : SUSPECT_NO);
        assert_int_equal(out.readings[i].time.us, NOW_US);
    }
    assert_int_equal(out.n_rejects, 2);
    assert_string_equal(out.rejects[0].reason, "time");
    assert_string_equal(out.rejects[0].detail,
        "'no time' at ts is no time (dated at arrival, suspect), allowed is unix_ms, milliseconds "
        "since 1970");
    assert_true(view_is(out.rejects[1].raw, "never"));
}

static void
the_other_forms_of_time_are_read(void **state)
{
    static const char *const good[] = {"2026-11-24 14:56:40", "2026/11/24 14:56:40",
        "2026-11-24T14:56:40", "2026-11-24 14:56:40.000"};
    static const char *const bad[] = {"2026-11-24", "2026-13-24 14:56:40", "2026-11-24 14:56:40 ",
        "2026-11-24 24:61:40", "26-11-24 14:56:40", "", "2026-11-24 14:56:4"};
    char payload[128];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good) + ARRAY_LEN(bad); i++) {
        const bool fine = i < ARRAY_LEN(good);

        (void)snprintf(payload, sizeof(payload), "{\"state\":{\"people\":1},\"time\":\"%s\"}",
            fine ? good[i] : bad[i - ARRAY_LEN(good)]);
        const struct decoded out = read_text(LIFT, payload);

        assert_int_equal(out.readings[0].server_time, !fine);
        assert_int_equal(out.readings[0].time.us, NOW_US);
    }
    const char *const stamps[] = {"1795503400000", "\"1795503400000\"", "1e300", "-5", "\"1.5.x\""};

    for (size_t i = 0; i < ARRAY_LEN(stamps); i++) {
        (void)snprintf(
            payload, sizeof(payload), "{\"ports\":[{\"n\":1,\"t\":5}],\"ts\":%s}", stamps[i]);
        assert_int_equal(read_text(CHARGER, payload).readings[0].server_time, i >= 2);
    }
}

static uint64_t
identity_of(const char *topic, const char *payload)
{
    return read_text(topic, payload).identity;
}

static void
identity_is_device_boot_and_sequence_or_nothing(void **state)
{
    (void)state;
    const uint64_t one = identity_of(LIFT, "{\"boot\":1,\"seq\":5,\"state\":{\"people\":1}}");

    assert_true(one != 0);
    assert_true(one == identity_of(LIFT, "{\"seq\":5,\"boot\":1,\"state\":{\"people\":0}}"));
    assert_true(one != identity_of(LIFT, "{\"boot\":2,\"seq\":5,\"state\":{\"people\":1}}"));
    assert_true(one != identity_of(LIFT, "{\"boot\":1,\"seq\":6,\"state\":{\"people\":1}}"));
    assert_true(one != identity_of("estate/XH/JX-03/elevator/EL-2/telemetry",
                           "{\"boot\":1,\"seq\":5,\"state\":{\"people\":1}}"));
    /* A sequence alone starts again at every reboot. */
    assert_true(identity_of(LIFT, "{\"seq\":5,\"state\":{\"people\":1}}") == 0);
    assert_true(identity_of(LIFT, "{\"boot\":1,\"state\":{\"people\":1}}") == 0);
    assert_true(identity_of(CHARGER, "{\"ts\":1,\"seq\":5,\"cabinet\":{\"smoke\":0}}") != 0);
    assert_true(identity_of(CHARGER, "{\"seq\":5,\"cabinet\":{\"smoke\":0}}") == 0);
    /* Above 2^53 two neighbours are one double. */
    assert_true(
        identity_of(LIFT, "{\"boot\":1,\"seq\":9007199254740993,\"state\":{\"people\":1}}") == 0);
    assert_true(identity_of(LIFT,
                    "{\"boot\":1,\"seq\":\"9007199254740993\",\"state\":{\"people\":1}}") != 0);
}

static void
births_and_wills_are_read_from_the_status_stream(void **state)
{
    static const struct {
        const char *payload;
        double online;
    } cases[] = {{"online", 1}, {"\"Offline\"", 0}, {"1", 1}, {"false", 0},
        {"{\"online\":true}", 1}, {"OFFLINE", 0}};
    struct decoded out;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        out = read_text("estate/XH/JX-03/elevator/EL-1/status", cases[i].payload);
        assert_int_equal(out.n_readings, 1);
        assert_int_equal(out.n_rejects, 0);
        assert_true(number_of(&out.readings[0], "online") == cases[i].online);
        /* this class has no field for it: stored with nothing in it */
        out = read_text("estate/XH/JX-03/fire/FA-9/status", cases[i].payload);
        assert_int_equal(out.verdict, VERDICT_STORED);
        assert_int_equal(out.n_readings, 0);
        assert_int_equal(out.n_rejects, 0);
    }
    out = read_text("estate/XH/JX-03/elevator/EL-1/status", "gone fishing");
    assert_rejected(&out, "json-syntax");
}

static void
our_own_canary_is_known_by_its_number(void **state)
{
    (void)state;
    struct decoded out = read_text("wallwatch/canary/plant", "18446744073");

    assert_int_equal(out.verdict, VERDICT_OWN);
    assert_int_equal(out.canary, 18446744073);
    assert_int_equal(out.n_readings + out.n_rejects, 0);
    out = read_text("wallwatch/canary/plant", "-1");
    assert_rejected(&out, "canary");
    out = read_text("wallwatch/canary/plant", "99999999999999999999");
    assert_rejected(&out, "canary");
    out = read_text("wallwatch/canary/plant", "");
    assert_rejected(&out, "canary");
}

static void
rejects_and_parts_of_one_record_are_bounded(void **state)
{
    struct buf text;

    (void)state;
    buf_init(&text, NORMALISE_MAX_PAYLOAD);
    buf_text(&text, "{\"ports\":[");
    for (int i = 0; i < 1500; i++)
        buf_printf(&text, "%s{\"n\":%d,\"t\":\"?\",\"p\":1}", i > 0 ? "," : "", i);
    buf_text(&text, "]}");
    assert_false(text.full);
    const struct decoded out =
        read_message((struct message){.topic = view_of(CHARGER), .payload = buf_view(&text)});

    assert_int_equal(out.n_readings, NORMALISE_MAX_PARTS);
    assert_int_equal(out.n_rejects, NORMALISE_MAX_REJECTS + 1);
    assert_string_equal(out.rejects[NORMALISE_MAX_REJECTS].reason, "more");
    assert_string_equal(
        out.rejects[NORMALISE_MAX_REJECTS].detail, "993 more rejects of this record");
    buf_fini(&text);
}

static void
every_reason_is_one_stable_word(void **state)
{
    size_t n = 0;

    (void)state;
    for (; reason_word(n) != NULL; n++) {
        for (size_t i = 0; i < n; i++)
            assert_string_not_equal(reason_word(i), reason_word(n));
    }
    assert_int_equal(n, REASON_COUNT + JSON_TRAILING);
}

static int
set_up(void **state)
{
    (void)state;
    fix_init();
    arena_init(&arena);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    fix_fini();
    arena_fini(&arena);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_becomes_a_reading_in_the_fields_of_its_class),
        cmocka_unit_test(each_element_of_the_array_of_parts_is_a_reading),
        cmocka_unit_test(a_message_without_its_parts_is_about_the_device),
        cmocka_unit_test(malformed_bytes_are_rejects_with_their_reason_and_the_raw_bytes),
        cmocka_unit_test(oversized_and_deep_payloads_are_rejects),
        cmocka_unit_test(what_is_out_of_range_but_readable_is_kept_named_and_suspect),
        cmocka_unit_test(a_whole_number_is_never_made_of_one_that_is_not),
        cmocka_unit_test(a_spreadsheet_date_is_a_reject_and_never_a_zero),
        cmocka_unit_test(buffered_records_are_readings_in_their_order_with_their_own_times),
        cmocka_unit_test(a_device_may_have_a_field_the_other_way_round),
        cmocka_unit_test(long_texts_are_cut_at_a_character),
        cmocka_unit_test(unknown_devices_are_read_unknown_classes_are_not),
        cmocka_unit_test(topics_are_matched_by_the_sites_patterns_first),
        cmocka_unit_test(retained_and_misnamed_messages_are_suspect_and_not_under_test),
        cmocka_unit_test(a_time_is_believed_only_near_to_ours),
        cmocka_unit_test(a_time_that_cannot_be_read_is_named_once_for_all_parts_that_it_stands_for),
        cmocka_unit_test(the_other_forms_of_time_are_read),
        cmocka_unit_test(identity_is_device_boot_and_sequence_or_nothing),
        cmocka_unit_test(births_and_wills_are_read_from_the_status_stream),
        cmocka_unit_test(our_own_canary_is_known_by_its_number),
        cmocka_unit_test(rejects_and_parts_of_one_record_are_bounded),
        cmocka_unit_test(every_reason_is_one_stable_word),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
