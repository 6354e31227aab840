/* The shipped scripts against the shipped classes: what the fleet says is what the lanes read. */
#include "base/io/fs_posix.h"
#include "config/config.h"
#include "service/sim_fleet.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>

#define NOW ((struct instant){INT64_C(1795503400000000)})

static const char *config_dir;
static struct arena arena;
static struct config *config;
static struct sim_fleet fleet;

static void
assert_understood(struct sim_device *device, struct instant now, struct buf *payload)
{
    const struct normalise_options opt = {
        .lane = "test", .classes = config->classes, .devices = &config->devices};
    struct message msg = {.received = now, .topic = view_of(device->topic), .qos = 1};
    struct arena scratch;
    struct decoded out;
    struct instant at;
    const size_t parts = device->script->parts > 0 ? device->script->parts : 1;

    buf_reset(payload);
    sim_device_say(device, now, SIM_GOOD, view_of(""), payload, &at);
    msg.payload = buf_view(payload);
    arena_init(&scratch);
    normalise(&opt, &msg, &scratch, &out);
    if (out.n_rejects > 0)
        fail_msg("%s: %s: %s", device->topic, out.rejects[0].reason, out.rejects[0].detail);
    assert_int_equal(out.n_readings, parts);
    assert_true(out.identity != 0);
    for (size_t i = 0; i < out.n_readings; i++) {
        assert_non_null(out.readings[i].listed);
        assert_int_equal(out.readings[i].suspect, SUSPECT_NO);
        assert_false(out.readings[i].server_time);
        assert_int_equal(out.readings[i].time.us, at.us);
    }
    arena_fini(&scratch);
}

static void
every_machine_is_understood_in_each_of_its_states_and_faults(void **state)
{
    struct buf payload;

    (void)state;
    buf_init(&payload, 65536);
    for (size_t i = 0; i < fleet.n; i++) {
        struct sim_device *device = &fleet.at[i];
        struct instant now = NOW;

        for (int k = 0; k < 20; k++, now = instant_add(now, SPAN_S(47)))
            assert_understood(device, now, &payload);
        for (size_t k = 0; i % 50 == 0 && k < device->script->n_faults; k++) {
            sim_device_fault(device, &device->script->faults[k], 1, now);
            assert_understood(device, now, &payload);
        }
    }
    buf_fini(&payload);
}

static void
a_fault_is_found_by_name_machine_part_and_time(void **state)
{
    static const char *const good[] = {"trapped", "hot@CH-0004/2@90s", "fire@FA-0002"};
    static const char *const bad[] = {
        "none", "hot@EL-0003", "hot@CH-9999", "hot@CH-0004/5", "hot@CH-0004@soon", "hot@CH-0004/0"};
    struct sim_order order;
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(sim_fleet_order(&fleet, good[i], NOW, &order, &err));
    assert_true(sim_fleet_order(&fleet, good[1], NOW, &order, &err));
    assert_string_equal(order.device->code, "CH-0004");
    assert_int_equal(order.part, 2);
    assert_int_equal(order.at.us, NOW.us + 90000000);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(sim_fleet_order(&fleet, bad[i], NOW, &order, &err));
}

static int
set_up(void **state)
{
    const struct sim_fleet_options opt = {.dir = config_dir, .seed = 1, .boot = 1};
    struct problems problems;
    struct err err = {0};

    (void)state;
    arena_init(&arena);
    config = config_load(fs_posix(), config_dir, &arena, &problems);
    if (config == NULL || !sim_fleet_make(config, &opt, NOW, &arena, &fleet, &err)) {
        print_error("%s %s\n", config_dir, err.text);
        return 1;
    }
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    sim_fleet_fini(&fleet);
    config_unref(config);
    arena_fini(&arena);
    return 0;
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_machine_is_understood_in_each_of_its_states_and_faults),
        cmocka_unit_test(a_fault_is_found_by_name_machine_part_and_time),
    };

    config_dir = argc > 1 ? argv[1] : "config/default";
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
