#include "scenario/world.h"
#include "tests/scenario/fixture.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#define T0 INT64_C(1795482000000000) /* 2026-11-24T09:00:00+08:00 */

struct scene {
    struct fixture fixture;
    struct world world;
};

static void
scene_init(struct scene *scene, bool twin)
{
    fixture_init(&scene->fixture, 0);
    world_init(&scene->world, &scene->fixture.options, twin);
    scene->world.now.us = T0;
    world_body(&scene->world, INPUT_START, "{\"epoch\":1,\"late_us\":0}");
    world_body(&scene->world, INPUT_LINK, "{\"up\":true}");
    world_body(&scene->world, INPUT_READY, "{}");
}

static void
scene_fini(struct scene *scene)
{
    world_fini(&scene->world);
    fixture_fini(&scene->fixture);
}

static enum verdict
say(struct scene *scene, const char *code, const char *value)
{
    const struct told_reading told = {.code = code, .part = "", .values = &value, .n_values = 1};

    return world_reading(&scene->world, &told);
}

static void
go(struct scene *scene, int64_t ms)
{
    world_until(&scene->world, instant_add(scene->world.now, SPAN_MS(ms)));
}

static bool
has_event(const struct scene *scene, const char *verb)
{
    for (size_t i = 0; i < scene->world.events.len; i++) {
        if (strcmp(world_text(scene->world.events.at[i].json, "event"), verb) == 0)
            return true;
    }
    return false;
}

static void
a_record_with_a_known_identity_is_a_duplicate(void **state)
{
    const char *hot = "port_temp=70";
    struct told_reading told = {
        .code = "CH-0007", .part = "", .values = &hot, .n_values = 1, .identity = 7};
    struct scene scene;

    (void)state;
    scene_init(&scene, true);
    assert_int_equal(world_reading(&scene.world, &told), VERDICT_STORED);
    const uint64_t first = scene.world.pos;

    assert_int_equal(world_reading(&scene.world, &told), VERDICT_DUPLICATE);
    assert_false(engine_is_duplicate(scene.world.engine, first));
    assert_true(engine_is_duplicate(scene.world.engine, scene.world.pos));
    for (uint64_t i = 0; i < 256; i++) {
        told.identity = 100 + i;
        assert_int_equal(world_reading(&scene.world, &told), VERDICT_STORED);
    }
    told.identity = 7; /* no longer among the last 256 */
    assert_int_equal(world_reading(&scene.world, &told), VERDICT_STORED);
    engine_stored(scene.world.engine, scene.world.pos);
    assert_false(engine_is_duplicate(scene.world.engine, first + 100));
    scene_fini(&scene);
}

static void
the_brokers_dup_flag_alone_makes_no_duplicate(void **state)
{
    const char *hot = "port_temp=20";
    const struct told_reading told = {
        .code = "CH-0007", .part = "", .values = &hot, .n_values = 1, .dup = true};
    struct scene scene;

    (void)state;
    scene_init(&scene, true);
    assert_int_equal(world_reading(&scene.world, &told), VERDICT_STORED);
    assert_int_equal(world_reading(&scene.world, &told), VERDICT_DUPLICATE);
    scene_fini(&scene);
}

static void
of_a_flood_the_first_and_the_newest_of_a_second_are_judged(void **state)
{
    char value[32];
    const char *text = value;
    const struct told_reading told = {
        .code = "CH-0007", .part = "1", .values = &text, .n_values = 1};
    struct scene scene;

    (void)state;
    scene_init(&scene, true);
    go(&scene, 100);
    for (int i = 0; i < 260; i++) {
        (void)snprintf(value, sizeof(value), "port_temp=%d", i == 259 ? 90 : 30);
        (void)world_reading(&scene.world, &told);
    }
    const struct engine_counts counts = engine_counts(scene.world.engine);

    assert_int_equal(counts.readings, 260);
    assert_int_equal(counts.flooded, 59); /* 200 of the burst, the first over it, 59 held */
    assert_non_null(world_case(&scene.world, "flooding", "CH-0007"));
    assert_null(world_case(&scene.world, "charger-hot", "CH-0007/1"));
    go(&scene, 1000);
    assert_non_null(world_case(&scene.world, "charger-hot", "CH-0007/1"));
    go(&scene, 62000);
    assert_string_equal(
        world_text(world_case(&scene.world, "flooding", "CH-0007"), "state"), "closed");
    scene_fini(&scene);
}

static void
inputs_of_red_rules_are_always_judged(void **state)
{
    struct scene scene;

    (void)state;
    scene_init(&scene, true);
    for (int i = 0; i < 300; i++)
        (void)say(&scene, "SD-1", "manual=false");
    (void)say(&scene, "SD-1", "manual=true");
    assert_non_null(world_case(&scene.world, "fire", "z1"));
    assert_int_equal(engine_counts(scene.world.engine).flooded, 0);
    scene_fini(&scene);
}

static void
feed_record(struct scene *scene, const struct decoded *record)
{
    const struct input in = {
        .kind = INPUT_RECORD, .now = scene->world.now, .pos = record->pos, .record = record};

    world_feed(&scene->world, &in);
}

static void
an_unreadable_message_in_a_life_safety_lane_is_an_alert(void **state)
{
    const struct reject reject = {.reason = "json-utf8", .raw = view_of("x")};
    struct decoded record = {.pos = 5000,
        .verdict = VERDICT_REJECTED,
        .content = 1,
        .rejects = &reject,
        .n_rejects = 1,
        .code = view_of("SD-1")};
    struct scene scene;

    (void)state;
    scene_init(&scene, true);
    feed_record(&scene, &record);
    const cJSON *found = world_case(&scene.world, "unreadable", "SD-1");

    assert_non_null(found);
    assert_string_equal(world_text(found, "severity"), "orange");
    assert_string_equal(world_text(found, "compound"), "JX-03");
    for (uint64_t i = 0; i < 10; i++) {
        record.pos++;
        record.content++;
        feed_record(&scene, &record);
    }
    found = world_case(&scene.world, "unreadable", "SD-1");
    assert_int_equal(cJSON_GetObjectItemCaseSensitive(found, "count")->valueint, 8);
    scene.world.pos = 6000;
    (void)say(&scene, "SD-1", "battery=50");
    found = world_case(&scene.world, "unreadable", "SD-1");
    assert_string_equal(world_text(found, "condition"), "false");
    assert_string_equal(world_text(found, "state"), "open");
    /* one of several frames that is lost is not hidden by those that could be read */
    record.verdict = VERDICT_STORED;
    record.lost = true;
    record.pos = 7000;
    record.content++;
    feed_record(&scene, &record);
    found = world_case(&scene.world, "unreadable", "SD-1");
    assert_string_equal(world_text(found, "condition"), "true");
    scene_fini(&scene);
}

static void
a_stranger_and_a_device_elsewhere_are_alerts(void **state)
{
    struct scene scene;

    (void)state;
    scene_init(&scene, true);
    const struct device *device = device_find(&scene.fixture.devices, view_of("CH-0007"));
    struct reading reading = {.code = view_of("X-1"),
        .device = 1,
        .class = device->class,
        .compound = view_of("JX-04"),
        .part = view_of(""),
        .time = scene.world.now,
        .received = scene.world.now,
        .server_time = true};
    struct decoded record = {.pos = 5000,
        .verdict = VERDICT_STORED,
        .content = 1,
        .readings = &reading,
        .n_readings = 1,
        .code = view_of("X-1"),
        .wants_receipt = true,
        .receipt = view_of("m1")};

    feed_record(&scene, &record);
    assert_non_null(world_case(&scene.world, "unlisted", "X-1"));
    const struct effect *receipt = NULL;

    for (size_t i = 0; i < scene.world.last.len; i++) {
        if (scene.world.last.at[i].kind == EFFECT_RECEIPT)
            receipt = &scene.world.last.at[i];
    }
    assert_non_null(receipt);
    assert_true(view_is(receipt->topic, "wallwatch/receipt/X-1"));
    assert_true(receipt->received.us == record.received.us);
    record.receipt = (struct view){"@@\0##", 5}; /* in the device's own protocol: as it is */
    record.receipt_raw = true;
    record.pos++;
    record.content++;
    feed_record(&scene, &record);
    receipt = NULL;
    for (size_t i = 0; i < scene.world.last.len; i++) {
        if (scene.world.last.at[i].kind == EFFECT_RECEIPT)
            receipt = &scene.world.last.at[i];
    }
    assert_non_null(receipt);
    assert_true(view_eq(receipt->body, record.receipt));
    record.receipt_raw = false;
    reading.code = record.code = view_of("CH-0007");
    reading.listed = device;
    record.pos++;
    record.content++;
    feed_record(&scene, &record);
    assert_non_null(world_case(&scene.world, "moved", "CH-0007"));
    reading.compound = view_of("JX-03");
    record.pos++;
    record.content++;
    feed_record(&scene, &record);
    assert_string_equal(
        world_text(world_case(&scene.world, "moved", "CH-0007"), "state"), "closed");
    scene_fini(&scene);
}

static void
what_is_open_can_be_shown_again_and_only_that(void **state)
{
    struct scene scene;

    (void)state;
    scene_init(&scene, true);
    (void)say(&scene, "CH-0007", "port_temp=70");
    (void)say(&scene, "SD-1", "manual=true");
    go(&scene, 1000);
    assert_int_equal(scene.world.shown.len, 2);
    const struct effects shown = engine_snapshot(scene.world.engine);

    assert_int_equal(shown.len, 2);
    for (size_t i = 0; i < shown.len; i++) {
        const char *body = map_get(&scene.world.shown, shown.at[i].topic);

        assert_non_null(body);
        assert_true(view_is(shown.at[i].body, body));
        assert_true(engine_shows(scene.world.engine, shown.at[i].topic));
    }
    assert_false(engine_shows(scene.world.engine, view_of("wallwatch/alert/test/-/-/-/-/x")));
    scene_fini(&scene);
}

static void
a_device_that_is_ten_minutes_slow_is_judged_in_service_time(void **state)
{
    const char *const still[] = {"moving=false", "doors=closed", "passengers=true"};
    const struct told_reading told = {
        .code = "LIFT-1", .part = "", .values = still, .n_values = 3, .late = SPAN_MIN(10)};
    struct scene scene;

    (void)state;
    scene_init(&scene, true);
    (void)world_reading(&scene.world, &told);
    go(&scene, 44000);
    assert_null(world_case(&scene.world, "lift-trapped", "LIFT-1"));
    go(&scene, 1000);
    assert_non_null(world_case(&scene.world, "lift-trapped", "LIFT-1"));
    scene_fini(&scene);
}

static void
a_damaged_checkpoint_is_refused(void **state)
{
    struct scene scene;
    struct buf saved;
    struct err err = {0};

    (void)state;
    scene_init(&scene, false);
    (void)say(&scene, "CH-0007", "port_temp=70");
    (void)say(&scene, "SD-1", "manual=true");
    go(&scene, 5000);
    buf_init(&saved, 1 << 24);
    engine_save(scene.world.engine, &saved);
    for (size_t cut = 0; cut < saved.len; cut += 1 + cut / 40) {
        struct engine *engine = engine_new(&scene.fixture.options);

        assert_false(engine_load(engine, view_bytes(saved.ptr, cut), &err));
        engine_free(engine);
    }
    for (size_t i = 0; i < saved.len; i += 1 + i / 60) {
        struct engine *engine = engine_new(&scene.fixture.options);

        saved.ptr[i] ^= 0x55;
        if (!engine_load(engine, buf_view(&saved), &err)) /* whatever it says, it ends */
            assert_true(err.text[0] != '\0');
        saved.ptr[i] ^= 0x55;
        engine_free(engine);
    }
    buf_fini(&saved);
    scene_fini(&scene);
}

static void
an_old_command_id_is_remembered_and_forgotten_in_order(void **state)
{
    struct scene scene;

    (void)state;
    scene_init(&scene, false);
    (void)say(&scene, "CH-0007", "port_temp=70");
    for (int i = 0; i < 5000; i++)
        world_body(&scene.world, INPUT_COMMAND,
            "{\"at\":%lld,\"id\":\"i%d\",\"sender\":\"s\",\"body\":{\"command\":\"comment\","
            "\"alert\":\"none\"}}",
            (long long)scene.world.now.us, i);
    const uint64_t before = scene.world.n;

    world_body(&scene.world, INPUT_COMMAND,
        "{\"at\":%lld,\"id\":\"i4000\",\"sender\":\"s\",\"body\":{\"command\":\"comment\"}}",
        (long long)scene.world.now.us);
    assert_int_equal(scene.world.n, before); /* the same answer, nothing else */
    world_body(&scene.world, INPUT_COMMAND,
        "{\"at\":%lld,\"id\":\"i100\",\"sender\":\"s\",\"body\":{\"command\":\"comment\"}}",
        (long long)scene.world.now.us);
    assert_int_equal(scene.world.n, before + 1);
    assert_true(has_event(&scene, "command-refused"));
    scene_fini(&scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_with_a_known_identity_is_a_duplicate),
        cmocka_unit_test(the_brokers_dup_flag_alone_makes_no_duplicate),
        cmocka_unit_test(of_a_flood_the_first_and_the_newest_of_a_second_are_judged),
        cmocka_unit_test(inputs_of_red_rules_are_always_judged),
        cmocka_unit_test(an_unreadable_message_in_a_life_safety_lane_is_an_alert),
        cmocka_unit_test(a_stranger_and_a_device_elsewhere_are_alerts),
        cmocka_unit_test(what_is_open_can_be_shown_again_and_only_that),
        cmocka_unit_test(a_device_that_is_ten_minutes_slow_is_judged_in_service_time),
        cmocka_unit_test(a_damaged_checkpoint_is_refused),
        cmocka_unit_test(an_old_command_id_is_remembered_and_forgotten_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
