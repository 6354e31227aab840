/* Random lives: readings, commands, answers, failures, restarts, configurations, clock steps. The
 * twin of world.c goes through its checkpoint before every input; two runs of one seed must give
 * the same chain of events. */
#include "scenario/world.h"
#include "tests/scenario/fixture.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#define T0 INT64_C(1795482000000000)
#define INPUTS 300

struct dice {
    uint64_t state;
};

static uint32_t
roll(struct dice *dice, uint32_t sides)
{
    dice->state = dice->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(dice->state >> 33) % sides;
}

static void
random_reading(struct world *world, struct dice *dice)
{
    static const char *const codes[] = {"CH-0007", "CH-0008", "LIFT-1", "SD-1", "SD-2", "SD-3"};
    static const char *const values[4][4] = {
        {"port_temp=30", "port_temp=55", "port_temp=65", "port_temp=90"},
        {"moving=false", "moving=true", "doors=closed", "passengers=true"},
        {"alarm=true", "alarm=false", "manual=false", "battery=10"},
        {"battery=90", "battery=25", "manual=true", "alarm=false"},
    };
    static const char *const parts[] = {"", "1", "2"};
    const uint32_t device = roll(dice, 6);
    const size_t row = device < 2 ? 0 : device == 2 ? 1 : 2 + roll(dice, 2);
    const char *value = values[row][roll(dice, 4)];
    const struct told_reading told = {.code = codes[device],
        .part = device < 2 ? parts[roll(dice, 3)] : "",
        .values = &value,
        .n_values = 1,
        .late = SPAN_S(roll(dice, 8) == 0 ? roll(dice, 2000) : 0),
        .suspect = roll(dice, 10) == 0 ? SUSPECT_CHECK : 0,
        .test = roll(dice, 6) == 0,
        .identity = roll(dice, 3) == 0 ? 1 + roll(dice, 40) : 0};
    const int times = roll(dice, 80) == 0 ? 240 : 1; /* now and then a flood */

    for (int i = 0; i < times; i++)
        (void)world_reading(world, &told);
}

static const cJSON *
random_case(struct world *world, struct dice *dice)
{
    for (int i = 0; i < 20 && world->events.len > 0; i++) {
        const cJSON *snapshot = cJSON_GetObjectItemCaseSensitive(
            world->events.at[roll(dice, (uint32_t)world->events.len)].json, "snapshot");

        if (cJSON_IsObject(snapshot))
            return snapshot;
    }
    return NULL;
}

static void
random_command(struct world *world, struct dice *dice)
{
    const cJSON *found = random_case(world, dice), *other = random_case(world, dice);
    const enum command_kind kind = (enum command_kind)roll(dice, COMMAND_KINDS);

    world_body(world, INPUT_COMMAND,
        "{\"at\":%lld,\"id\":\"c%u\",\"sender\":\"console\",\"body\":{\"alert\":\"%s\",\"by\":"
        "\"wang\",\"by_s\":%u,\"centre\":\"repair-centre\",\"command\":\"%s\",\"device\":\"SD-%u\","
        "\"into\":\"%s\",\"reason\":\"r\",\"severity\":\"%s\",\"title\":\"t\",\"until\":%lld}}",
        (long long)world->now.us, roll(dice, 500), world_text(found, "alert"), roll(dice, 1000),
        command_names[kind], 1 + roll(dice, 3), world_text(other, "alert"),
        severity_names[roll(dice, SEVERITY_COUNT)],
        (long long)world->now.us + (long long)roll(dice, 4000) * 1000000);
}

static void
random_answer(struct world *world, struct dice *dice)
{
    const cJSON *orders = cJSON_GetObjectItemCaseSensitive(random_case(world, dice), "orders");
    const int n = cJSON_GetArraySize(orders);
    const cJSON *order = n == 0 ? NULL : cJSON_GetArrayItem(orders, (int)roll(dice, (uint32_t)n));

    world_body(world, INPUT_ANSWER,
        "{\"at\":1,\"centre\":\"%s\",\"id\":\"a\",\"sender\":\"x\",\"body\":{\"answer\":\"%s\","
        "\"order\":\"%s\"}}",
        world_text(order, "centre"), order_names[roll(dice, ORDER_STATES)],
        world_text(order, "order"));
}

static void
random_world(struct world *world, struct dice *dice)
{
    static const char *const who[] = {"hook", "mqtt", "sms", "wang", "p1", "lift-firm"};

    world_played(world, who[roll(dice, 6)], (enum behaviour)roll(dice, 4));
}

static void
random_restart(struct world *world, struct dice *dice)
{
    world->now = instant_add(world->now, SPAN_S(roll(dice, 3000)));
    world_body(world, INPUT_START, "{\"epoch\":%u,\"late_us\":0}", ++world->epoch);
    world_body(world, INPUT_LINK, "{\"up\":true}");
    if (roll(dice, 2) == 0)
        world_body(world, INPUT_READY, "{}");
}

static void
random_fact(struct world *world, struct dice *dice)
{
    static const char *const codes[] = {"lost", "database-away", "late-start", "gap-possible"};

    world_body(world, INPUT_FACT, "{\"code\":\"%s\",\"on\":%s,\"subject\":\"s\"}",
        codes[roll(dice, 4)], roll(dice, 2) == 0 ? "true" : "false");
}

static void
random_config(struct world *world, struct dice *dice, const struct fixture fixtures[2])
{
    const struct input in = {.kind = INPUT_CONFIG,
        .now = world->now,
        .pos = world->pos,
        .body = view_of("{\"version\":1}"),
        .options = &fixtures[roll(dice, 2)].options};

    world_feed(world, &in);
}

static void
random_rebase(struct world *world, struct dice *dice)
{
    const int64_t delta = (int64_t)roll(dice, 7200) * 1000000 - 3600000000LL;

    world->now.us += delta;
    world_body(world, INPUT_REBASE, "{\"delta_us\":%lld}", (long long)delta);
}

static struct digest
live(uint64_t seed, bool twin)
{
    struct dice dice = {seed};
    struct fixture fixtures[2];
    struct world world;

    fixture_init(&fixtures[0], 0);
    fixture_init(&fixtures[1], 1);
    fixture_fold(&fixtures[0], 2);
    if (seed % 2 == 0)
        fixture_fold(&fixtures[1], 1);
    world_init(&world, &fixtures[0].options, twin);
    world.now.us = T0;
    random_restart(&world, &dice);
    for (int i = 0; i < INPUTS; i++) {
        const uint32_t what = roll(&dice, 100);

        world_until(
            &world, instant_add(world.now,
                        SPAN_MS(roll(&dice, 4) == 0 ? roll(&dice, 600000) : roll(&dice, 2000))));
        if (what < 60)
            random_reading(&world, &dice);
        else if (what < 75)
            random_command(&world, &dice);
        else if (what < 85)
            random_answer(&world, &dice);
        else if (what < 90)
            random_world(&world, &dice);
        else if (what < 93)
            random_fact(&world, &dice);
        else if (what < 95)
            random_restart(&world, &dice);
        else if (what < 97)
            random_config(&world, &dice, fixtures);
        else if (what < 98)
            random_rebase(&world, &dice);
        else
            world_body(&world, INPUT_LINK, "{\"up\":%s}", roll(&dice, 3) == 0 ? "false" : "true");
    }
    const struct digest chain = world.chain;

    assert_true(world.n > 100);
    world_fini(&world);
    fixture_fini(&fixtures[0]);
    fixture_fini(&fixtures[1]);
    return chain;
}

static void
a_restart_anywhere_changes_nothing_and_two_runs_are_one(void **state)
{
    const char *seeds = getenv("SEEDS");
    const int n = seeds != NULL ? atoi(seeds) : SANITIZED ? 1 : 3;

    (void)state;
    for (int seed = 1; seed <= n; seed++) {
        const struct digest with = live((uint64_t)seed * 7919, true);
        const struct digest without = live((uint64_t)seed * 7919, false);

        assert_true(digest_equal(&with, &without));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restart_anywhere_changes_nothing_and_two_runs_are_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
