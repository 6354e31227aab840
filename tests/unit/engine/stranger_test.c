/* Devices that are not listed: how many are known, and what becomes of them. */
#include "tests/scenario/fixture.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#define T0 INT64_C(1795482000000000)
#define DAY INT64_C(86400000000)
#define CODES 50000
#define KNOWN 10000

struct scene {
    struct fixture fixture;
    struct engine *engine;
    uint64_t pos;
};

static int
start(void **state)
{
    struct scene *scene = mem_zalloc(1, sizeof(*scene));

    fixture_init(&scene->fixture, 0);
    fixture_chargers(&scene->fixture, 2);
    scene->engine = engine_new(&scene->fixture.options);
    *state = scene;
    return 0;
}

static int
stop(void **state)
{
    struct scene *scene = *state;

    engine_free(scene->engine);
    fixture_fini(&scene->fixture);
    free(scene);
    return 0;
}

/* One reading of a port of a charger. */
static void
hear(struct scene *scene, const char *code, int64_t us)
{
    const struct device *listed = device_find(&scene->fixture.devices, view_of(code));
    const struct device *like = device_find(&scene->fixture.devices, view_of("CH-000000"));
    const struct field_value value = {0, 30, {"", 0}};
    const struct reading reading = {.code = view_of(code),
        .device = device_key(view_of(code)),
        .listed = listed,
        .class = like->class,
        .compound = view_of(like->compound->id),
        .part = view_of("1"),
        .time = {us},
        .received = {us},
        .had_time = true,
        .values = &value,
        .n_values = 1};
    const uint64_t from = scene->pos++;
    const struct decoded record = {.from = from,
        .pos = scene->pos,
        .received = {us},
        .verdict = VERDICT_STORED,
        .identity = scene->pos,
        .readings = &reading,
        .n_readings = 1,
        .code = reading.code};
    const struct input in = {
        .kind = INPUT_RECORD, .now = {us}, .pos = scene->pos, .record = &record};

    (void)engine_feed(scene->engine, &in);
}

static void
hear_many(struct scene *scene, int from, int to, int64_t us)
{
    for (int i = from; i < to; i++) {
        char code[32];

        (void)snprintf(code, sizeof(code), "RANDOM-%08x", (unsigned)i * 2654435761u);
        hear(scene, code, us + i);
    }
}

static size_t
size_of(const struct engine *engine)
{
    struct buf saved;

    buf_init(&saved, (size_t)1 << 30);
    engine_save(engine, &saved);
    const size_t len = saved.len;

    buf_fini(&saved);
    return len;
}

static bool
crowded(const struct scene *scene)
{
    return engine_fact_on(scene->engine, "unlisted-crowd", view_of(scene->fixture.options.lane));
}

static void
fifty_thousand_made_up_codes_fill_no_more_than_ten_thousand(void **state)
{
    struct scene *scene = *state;

    hear_many(scene, 0, KNOWN, T0);
    const size_t full = size_of(scene->engine);

    assert_false(crowded(scene));
    hear_many(scene, KNOWN, CODES, T0);
    assert_true(crowded(scene));
    assert_in_range(size_of(scene->engine), full, full + 65536);
    assert_int_equal(engine_counts(scene->engine).readings, CODES);

    /* who is listed, and the strangers who came first, are judged as ever */
    const uint64_t judged = engine_counts(scene->engine).judged;

    hear(scene, "CH-000001", T0 + CODES);
    assert_true(engine_counts(scene->engine).judged > judged);
}

static void
strangers_are_forgotten_at_a_new_configuration_after_a_day(void **state)
{
    struct scene *scene = *state;
    const struct input again = {
        .kind = INPUT_CONFIG, .now = {T0 + DAY + DAY / 2}, .options = &scene->fixture.options};

    hear_many(scene, 0, KNOWN + 1, T0);
    assert_true(crowded(scene));
    hear_many(scene, 0, 10, T0 + DAY); /* these are still there */
    (void)engine_feed(scene->engine, &again);
    assert_false(crowded(scene));
    assert_true(engine_fact_on(scene->engine, "unlisted", view_of("RANDOM-00000000")));
    assert_false(engine_fact_on(scene->engine, "unlisted", view_of("RANDOM-0459adb4")));
    hear_many(scene, KNOWN + 1, KNOWN + 100, T0 + 2 * DAY);
    assert_false(crowded(scene));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            fifty_thousand_made_up_codes_fill_no_more_than_ten_thousand, start, stop),
        cmocka_unit_test_setup_teardown(
            strangers_are_forgotten_at_a_new_configuration_after_a_day, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
