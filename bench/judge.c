/*
 * What it costs to judge one reading with 10, 100 and 1,000 rules of its class, beside the same
 * reading through a class whose rules read other fields (the fixed part: finding the member and
 * keeping its values). Processor time, the sides in turn, the median of the rounds.
 */
#include "alerting/rules/rules.h"
#include "base/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 15
#define READINGS 20000
#define DEVICES 200
#define SIDES 8

static struct field fields[] = {
    {.name = "a", .type = FIELD_REAL, .min = -INFINITY, .max = INFINITY},
    {.name = "b", .type = FIELD_REAL, .min = -INFINITY, .max = INFINITY},
    {.name = "c", .type = FIELD_BOOL},
    {.name = "d", .type = FIELD_REAL, .min = -INFINITY, .max = INFINITY},
};
static struct class class = {
    .name = "thing", .fields = fields, .n_fields = 4, .interval = {60000000}};
static const struct class_table classes = {&class, 1};

struct contest {
    const char *name;
    int n_rules;
    const char *when, *unit;
    struct arena arena;
    struct ruleset rules;
    struct device_table devices;
    struct facts *facts;
    int64_t at;
    double ns[ROUNDS];
};

static double
cpu_ns(void)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static void
prepare(struct contest *side)
{
    struct rule *rules = mem_zalloc((size_t)side->n_rules, sizeof(*rules));

    arena_init(&side->arena);
    map_init(&side->devices.by_code);
    for (int i = 0; i < side->n_rules; i++) {
        struct stage *stage = ARENA_NEW(&side->arena, struct stage);
        struct err err = {0};
        struct buf text;
        int column = 0;
        char id[16];

        buf_init(&text, 1000);
        buf_printf(&text, "%s %d%s", side->when, 100 + i, side->unit != NULL ? side->unit : "");
        (void)snprintf(id, sizeof(id), "r-%05d", i);
        *stage = (struct stage){.name = "", .policy = "", .severity = SEVERITY_YELLOW};
        if (!expr_compile(
                &side->arena, buf_view(&text), &class, PER_DEVICE, &stage->when, &column, &err)) {
            (void)fprintf(stderr, "%s: %d: %s\n", text.ptr, column, err.text);
            exit(1);
        }
        rules[i] = (struct rule){.id = arena_text(&side->arena, view_of(id)),
            .class = &class,
            .stages = stage,
            .n_stages = 1};
        buf_fini(&text);
    }
    side->rules = ruleset_make(&side->arena, rules, (size_t)side->n_rules, &classes);
    free(rules);
    const struct facts_options options = {&side->rules, &side->devices, &classes, NULL};

    side->facts = facts_new(&options);
    side->at = INT64_C(1700000000000000);
}

static size_t
judge(struct contest *side, int n)
{
    size_t judged = 0;

    for (int i = 0; i < n; i++) {
        char code[16];
        const struct field_value values[] = {
            {0, i % 50, {"", 0}}, {1, i % 70, {"", 0}}, {2, 0, {"", 0}}};

        (void)snprintf(code, sizeof(code), "D-%04d", i % DEVICES);
        side->at += 50000;
        const struct instant now = {side->at};
        const struct reading reading = {.code = view_of(code),
            .class = &class,
            .compound = view_of("c"),
            .part = view_of(""),
            .time = now,
            .received = now,
            .values = values,
            .n_values = 3};

        judged += facts_take(side->facts, &reading, now, now).len;
    }
    return judged;
}

static int
compare_ns(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int
main(void)
{
    struct contest sides[SIDES] = {
        {.name = "none of its fields", .n_rules = 10, .when = "d >"},
        {.name = "a > N", .n_rules = 10, .when = "a >"},
        {.name = "a > N", .n_rules = 100, .when = "a >"},
        {.name = "a > N", .n_rules = 1000, .when = "a >"},
        {.name = "a > 90 and not c or b > N", .n_rules = 100, .when = "a > 90 and not c or b >"},
        {.name = "rate(a, 5m) > N, one window", .n_rules = 10, .when = "rate(a, 5m) / 1/min >"},
        {.name = "rate(a, 5m) > N, one window", .n_rules = 100, .when = "rate(a, 5m) / 1/min >"},
        {.name = "avg(a, 10m) > N, one window", .n_rules = 100, .when = "avg(a, 10m) >"},
    };

    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        fields[i].measure = measure_find(view_of(""));
    for (size_t i = 0; i < SIDES; i++) {
        prepare(&sides[i]);
        (void)judge(&sides[i], READINGS); /* every device is known and its windows are full */
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < SIDES; i++) {
            const int n = READINGS / (sides[i].n_rules < 10 ? 1 : sides[i].n_rules / 10) + DEVICES;
            const double from = cpu_ns();

            (void)judge(&sides[i], n);
            sides[i].ns[round] = (cpu_ns() - from) / n;
        }
    }
    for (size_t i = 0; i < SIDES; i++) {
        qsort(sides[i].ns, ROUNDS, sizeof(double), compare_ns);
        (void)printf("%5d rules, %-30s %8.2f us a reading, %5.1f times the fixed part\n",
            sides[i].n_rules, sides[i].name, sides[i].ns[ROUNDS / 2] / 1000,
            sides[i].ns[ROUNDS / 2] / sides[0].ns[ROUNDS / 2]);
        facts_free(sides[i].facts);
        map_fini(&sides[i].devices.by_code);
        arena_fini(&sides[i].arena);
    }
    return 0;
}
