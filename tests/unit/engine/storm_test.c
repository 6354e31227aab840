/* 50,000 open cases at once, and what a reading costs that changes nothing. */
#include "tests/scenario/fixture.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <time.h>

#define T0 INT64_C(1795482000000000)
#define CASES (SANITIZED ? 5000 : 50000)
#define PARTS 10

static double
seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static size_t
feed(struct engine *engine, const struct fixture *fixture, int subject, double temp, int64_t us)
{
    static uint64_t pos = 0;
    char code[32], part[8];

    (void)snprintf(code, sizeof(code), "CH-%06d", subject / PARTS);
    (void)snprintf(part, sizeof(part), "%d", subject % PARTS);
    const struct device *device = device_find(&fixture->devices, view_of(code));
    const struct field_value value = {0, temp, {"", 0}};
    const struct reading reading = {.code = view_of(device->code),
        .device = device->key,
        .listed = device,
        .class = device->class,
        .compound = view_of(device->compound->id),
        .part = view_of(part),
        .time = {us},
        .received = {us},
        .had_time = true,
        .values = &value,
        .n_values = 1};
    const struct decoded record = {.from = pos,
        .pos = pos + 1,
        .received = {us},
        .verdict = VERDICT_STORED,
        .content = pos + 1,
        .readings = &reading,
        .n_readings = 1,
        .code = reading.code};
    const struct input in = {.kind = INPUT_RECORD, .now = {us}, .pos = ++pos, .record = &record};

    return engine_feed(engine, &in).len;
}

static void
many_cases_open_climb_and_survive_a_checkpoint(void **state)
{
    struct fixture fixture;
    struct buf saved, again;
    struct err err = {0};

    (void)state;
    fixture_init(&fixture, 0);
    fixture_chargers(&fixture, CASES / PARTS);
    fixture.options.device_rate = 0; /* no bucket */
    struct engine *engine = engine_new(&fixture.options);
    double began = seconds();

    for (int i = 0; i < CASES; i++) {
        (void)feed(engine, &fixture, i, 70, T0 + i * 100);
    }
    print_message("open: %.1f us a case\n", (seconds() - began) / CASES * 1e6);
    struct engine_counts counts = engine_counts(engine);

    assert_int_equal(counts.open[SEVERITY_ORANGE], CASES);
    buf_init(&saved, (size_t)1 << 31);
    buf_init(&again, (size_t)1 << 31);
    began = seconds();
    engine_save(engine, &saved);
    print_message("save: %.0f ms, %zu bytes\n", (seconds() - began) * 1e3, saved.len);
    struct engine *twin = engine_new(&fixture.options);

    began = seconds();
    assert_true(engine_load(twin, buf_view(&saved), &err));
    print_message("load: %.0f ms\n", (seconds() - began) * 1e3);
    engine_save(twin, &again);
    assert_true(view_eq(buf_view(&saved), buf_view(&again)));
    engine_free(engine);

    const struct input tick = {
        .kind = INPUT_TICK, .now = {T0 + INT64_C(660) * 1000000}, .body = view_of("{}")};

    began = seconds();
    (void)engine_feed(twin, &tick);
    print_message("climb: %.1f us a case\n", (seconds() - began) / CASES * 1e6);
    counts = engine_counts(twin);
    assert_int_equal(counts.open_by_tier[TIER_STATION], CASES);
    buf_fini(&saved);
    buf_fini(&again);
    engine_free(twin);
    fixture_fini(&fixture);
}

static void
all_devices_of_one_compound_fold_into_one_parent(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture, 0);
    fixture_chargers(&fixture, CASES / PARTS);
    fixture_fold(&fixture, 100);
    fixture.options.device_rate = 0;
    struct engine *engine = engine_new(&fixture.options);
    const double began = seconds();

    for (int i = 0; i < CASES / PARTS; i++)
        (void)feed(engine, &fixture, i * PARTS, 70, T0 + i * 100);
    print_message("fold: %.1f us a case\n", (seconds() - began) / CASES * PARTS * 1e6);
    const struct engine_counts counts = engine_counts(engine);

    assert_int_equal(counts.open[SEVERITY_ORANGE], CASES / PARTS + 1);
    assert_in_range(counts.notices, 100, 310); /* of those that came before it was a storm */
    engine_free(engine);
    fixture_fini(&fixture);
}

static void
a_reading_that_changes_nothing_costs_little(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture, 0);
    fixture_chargers(&fixture, CASES / PARTS);
    fixture.options.device_rate = 0;
    struct engine *engine = engine_new(&fixture.options);
    const double began = seconds();

    for (int i = 0; i < 4 * CASES; i++)
        assert_int_equal(feed(engine, &fixture, i % CASES, 30 + i % 3, T0 + i * 1000), 0);
    print_message("steady: %.2f us a reading\n", (seconds() - began) / (4 * CASES) * 1e6);
    engine_free(engine);
    fixture_fini(&fixture);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_cases_open_climb_and_survive_a_checkpoint),
        cmocka_unit_test(all_devices_of_one_compound_fold_into_one_parent),
        cmocka_unit_test(a_reading_that_changes_nothing_costs_little),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
