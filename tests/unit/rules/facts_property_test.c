/* What must hold whatever comes: deterministic pseudo-random histories of readings, time, links. */
#include "tests/unit/rules/world.h"

#include <stdlib.h>

static const struct test_rule rules[] = {
    {"busy", PER_DEVICE, SEVERITY_ORANGE, "count(alarm or doors == open, 90s) >= 3", NULL, NULL},
    {"climbs", PER_DEVICE, SEVERITY_ORANGE,
        "rate(port_temp, 1m) > 5°C/min or delta(ambient, 30s) > 10K", "max(port_temp, 1m) < 50°C",
        NULL},
    {"cold", PER_DEVICE, SEVERITY_YELLOW, "ambient < 32°F or state == \"ice\"", NULL, NULL},
    {"fire", PER_ZONE, SEVERITY_RED, "alarm", NULL, "manual or count(alarm, same zone, 120s) >= 2"},
    {"gone", PER_BUILDING, SEVERITY_ORANGE, "count(absent(2m), same building, 60s) >= 2", NULL,
        NULL},
    {"hangs", PER_ZONE, SEVERITY_YELLOW,
        "count(stuck(battery, 20s) or changed(state), same zone, 60s) >= 2", NULL, NULL},
    {"hot", PER_DEVICE, SEVERITY_ORANGE, "port_temp > 60°C", "port_temp < 50°C", NULL},
    {"low", PER_COMPOUND, SEVERITY_BLUE, "battery < 20%", "battery > 30%", NULL},
    {"offline", PER_DEVICE, SEVERITY_YELLOW, "absent(5m)", NULL, NULL},
    {"mean", PER_COMPOUND, SEVERITY_YELLOW, "avg(power, 2m) > min(power, 2m)", NULL, NULL},
    {"quiet", PER_DEVICE, SEVERITY_BLUE, "moving and absent(2m)", NULL, NULL},
    {"stuck", PER_COMPOUND, SEVERITY_YELLOW,
        "count(doors == open or power > 1kW, same compound, 60s) >= 3", NULL, NULL},
};

struct random {
    uint64_t state;
};

static uint32_t
pick(struct random *random, uint32_t n)
{
    random->state = random->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random->state >> 33) % n;
}

/* One step of a history; equal random states give equal steps. */
struct step {
    enum { STEP_READING, STEP_WAIT, STEP_DOWN, STEP_UP, STEP_REBASE } kind;
    struct say say;
    double now;
};

static struct say
random_say(struct random *random, double now)
{
    static const char *const codes[] = {"A0", "A1", "A2", "A3", "B0", "B1", "C0", "C1", "X1", "X2"};
    static const char *const parts[] = {"", "", "1", "2"};
    static const char *const states[] = {"ice", "fine", "hot", ""};
    struct say say = {.code = codes[pick(random, ARRAY_LEN(codes))],
        .part = parts[pick(random, ARRAY_LEN(parts))],
        .at = now - (pick(random, 5) == 0 ? pick(random, 300) : pick(random, 2)),
        .now = now,
        .suspect = (uint8_t)(pick(random, 8) == 0 ? 1U << pick(random, 4) : 0),
        .n = 1 + pick(random, 3)};

    for (size_t i = 0; i < say.n; i++) {
        /* distinct and in order, as normalise gives them */
        say.values[i].field = (uint16_t)(i * 3 + pick(random, 3));
        say.values[i].number = pick(random, 2);
        if (say.values[i].field == F_DOORS)
            say.values[i].number = 1 + pick(random, 3);
        if (say.values[i].field == F_PORT_TEMP || say.values[i].field == F_BATTERY ||
            say.values[i].field == F_AMBIENT)
            say.values[i].number = pick(random, 80);
        if (say.values[i].field == F_STATE)
            say.values[i].text = states[pick(random, ARRAY_LEN(states))];
    }
    return say;
}

static struct step
random_step(struct random *random, double *now, double *moved)
{
    struct step step = {.kind = STEP_READING};

    *now += pick(random, 4) == 0 ? pick(random, 90) : pick(random, 4) * 0.25;
    if (pick(random, 40) == 0)
        step.kind = pick(random, 2) == 0 ? STEP_DOWN : STEP_UP;
    else if (pick(random, 10) == 0)
        step.kind = STEP_WAIT;
    else if (pick(random, 100) == 0)
        step.kind = STEP_REBASE;
    else
        step.say = random_say(random, *now);
    if (step.kind == STEP_REBASE)
        *moved += 500;
    step.now = *now;
    return step;
}

static void
apply(struct facts *facts, const struct setup *setup, const struct step *step, double moved,
    struct buf *out)
{
    const struct instant now = at_s(step->now + moved);
    struct say say = step->say;

    if (step->kind == STEP_REBASE) {
        facts_rebase(facts, SPAN_S(500));
        return;
    }
    while (instant_cmp(facts_next(facts), now) <= 0)
        judgements_print(facts_tick(facts, now), out);
    say.at += moved;
    say.now += moved;
    if (step->kind == STEP_READING)
        judgements_print(take(facts, setup, &say), out);
    else
        facts_link(facts, step->kind != STEP_DOWN, now);
}

/* Saves, loads into new facts, and checks that what was loaded saves to the same bytes. */
static struct facts *
reload(struct facts *facts, const struct setup *setup)
{
    const struct facts_options options = setup_options(setup);
    struct facts *copy = facts_new(&options);
    struct buf bytes, again;
    struct err err = {0};

    buf_init(&bytes, 1 << 24);
    buf_init(&again, 1 << 24);
    facts_save(facts, &bytes);
    struct unpack in = unpack_from(buf_view(&bytes));

    if (!facts_load(copy, &in, &err))
        fail_msg("%s", err.text);
    assert_true(unpack_done(&in));
    facts_save(copy, &again);
    assert_int_equal(bytes.len, again.len);
    assert_memory_equal(bytes.ptr, again.ptr, bytes.len);
    assert_int_equal(facts_next(facts).us, facts_next(copy).us);
    facts_free(facts);
    buf_fini(&bytes);
    buf_fini(&again);
    return copy;
}

static void
run_history(uint64_t seed, int n)
{
    struct random random = {seed}, when = {seed * 7 + 1};
    struct setup setup;
    struct buf one, other;
    double now = 0, moved = 0;

    setup_make(&setup, rules, ARRAY_LEN(rules), N_DEVICES);
    const struct facts_options options = setup_options(&setup);
    struct facts *straight = facts_new(&options), *stopped = facts_new(&options);

    buf_init(&one, 1 << 24);
    buf_init(&other, 1 << 24);
    for (int i = 0; i < n; i++) {
        const struct step step = random_step(&random, &now, &moved);
        const size_t from = one.len;

        apply(straight, &setup, &step, moved, &one);
        apply(stopped, &setup, &step, moved, &other);
        if (one.len != other.len || (one.len > 0 && memcmp(one.ptr, other.ptr, one.len) != 0)) {
            fail_msg("seed %llu step %d:\n%s---\n%s", (unsigned long long)seed, i, one.ptr + from,
                other.ptr + from);
        }
        if (pick(&when, 10) == 0)
            stopped = reload(stopped, &setup);
    }
    assert_true(one.len > (size_t)n * 10);
    facts_free(straight);
    facts_free(stopped);
    setup_end(&setup);
    buf_fini(&one);
    buf_fini(&other);
}

static void
save_and_load_anywhere_changes_no_judgement(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++)
        run_history(seed, 400);
}

/* What rules about one device know of A0/1 after these readings. */
static size_t
know_after(
    const struct setup *setup, const struct say *says, size_t n, struct fact *out, size_t max)
{
    const struct facts_options options = setup_options(setup);
    struct facts *facts = facts_new(&options);
    size_t known = 0;

    facts_link(facts, true, at_s(0));
    for (size_t i = 0; i < n; i++)
        (void)take(facts, setup, &says[i]);
    const struct subject *subject = facts_subject(facts, PER_DEVICE, view_of("A0"), view_of("1"));

    for (size_t r = 0; r < setup->rules.len; r++) {
        if (setup->rules.at[r].per == PER_DEVICE) {
            known += facts_evidence(facts, &setup->rules.at[r], subject, out + known, max - known);
        }
    }
    facts_free(facts);
    return known;
}

static void
shuffle(struct random *random, struct say *says, size_t n)
{
    for (size_t i = n - 1; i > 0; i--) {
        const size_t j = pick(random, (uint32_t)i + 1);
        const struct say swap = says[i];

        says[i] = says[j];
        says[j] = swap;
    }
}

static void
any_order_of_readings_ends_in_the_same_values(void **state)
{
    struct setup setup;

    (void)state;
    setup_make(&setup, rules, ARRAY_LEN(rules), N_DEVICES);
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct random random = {seed};
        struct say says[30];
        struct fact one[20], other[20];

        for (size_t i = 0; i < ARRAY_LEN(says); i++) {
            says[i] = random_say(&random, 0);
            says[i].code = "A0";
            says[i].part = "1";
            says[i].at = (double)i;
            says[i].now = 100;
        }
        const size_t n = know_after(&setup, says, ARRAY_LEN(says), one, ARRAY_LEN(one));

        shuffle(&random, says, ARRAY_LEN(says));
        assert_int_equal(n, know_after(&setup, says, ARRAY_LEN(says), other, ARRAY_LEN(other)));
        assert_true(n > 2);
        for (size_t i = 0; i < n; i++) {
            assert_ptr_equal(one[i].field, other[i].field);
            assert_int_equal(one[i].at.us, other[i].at.us);
            assert_true(one[i].value.number == other[i].value.number);
            assert_int_equal(one[i].value.text.len, other[i].value.text.len);
        }
    }
    setup_end(&setup);
}

static void
bytes_that_are_no_facts_are_refused(void **state)
{
    struct setup setup;
    struct random random = {5};
    struct buf bytes, out;
    double now = 0, moved = 0;

    (void)state;
    setup_make(&setup, rules, ARRAY_LEN(rules), N_DEVICES);
    const struct facts_options options = setup_options(&setup);
    struct facts *facts = facts_new(&options);

    buf_init(&bytes, 1 << 24);
    buf_init(&out, 1 << 24);
    for (int i = 0; i < 60; i++) {
        const struct step step = random_step(&random, &now, &moved);

        apply(facts, &setup, &step, moved, &out);
    }
    facts_save(facts, &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        struct facts *copy = facts_new(&options);
        struct unpack in = unpack_from((struct view){bytes.ptr, len});
        struct err err = {0};

        assert_false(facts_load(copy, &in, &err));
        assert_int_equal(err.kind, ERR_INPUT);
        facts_free(copy);
    }
    facts_free(facts);
    setup_end(&setup);
    buf_fini(&bytes);
    buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(save_and_load_anywhere_changes_no_judgement),
        cmocka_unit_test(any_order_of_readings_ends_in_the_same_values),
        cmocka_unit_test(bytes_that_are_no_facts_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
