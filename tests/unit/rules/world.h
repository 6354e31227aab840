/* world: devices, rules and readings for the tests of facts, and judgements as text. */
#pragma once

#include "alerting/rules/rules.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/rules/fixture.h"

#include <stdio.h>

/* Ten devices: A0..A3 in zone Z1, B0..B2 in zone Z2 (one building), C0..C2 without either. */
#define N_DEVICES 10

struct test_rule {
    const char *id;
    enum per per;
    enum severity severity;
    const char *when, *clear; /* clear: NULL for none */
    const char *confirmed;    /* a second stage, red; NULL for none */
};

struct setup {
    struct arena arena;
    struct class_table classes;
    struct compound compounds[2];
    struct device devices[N_DEVICES];
    struct device_table table;
    struct ruleset rules;
};

static const struct expr *
setup_expr(struct setup *setup, const char *text, enum per per)
{
    const struct expr *expr = NULL;
    struct err err = {0};
    int column = 0;

    if (!expr_compile(&setup->arena, view_of(text), &fixture, per, &expr, &column, &err))
        fail_msg("%s: %d: %s", text, column, err.text);
    return expr;
}

static void
setup_devices(struct setup *setup, size_t n)
{
    static const char *const codes[N_DEVICES] = {
        "A0", "A1", "A2", "A3", "B0", "B1", "B2", "C0", "C1", "C2"};

    setup->compounds[0] = (struct compound){.id = "jx-01"};
    setup->compounds[1] = (struct compound){.id = "jx-02"};
    map_init(&setup->table.by_code);
    for (size_t i = 0; i < n; i++) {
        const char letter = codes[i][0];

        setup->devices[i] = (struct device){.code = codes[i],
            .key = device_key(view_of(codes[i])),
            .class = &fixture,
            .compound = &setup->compounds[letter == 'C' ? 1 : 0],
            .building = letter == 'C' ? "" : "1",
            .zone = letter == 'A'   ? "Z1"
                    : letter == 'B' ? "Z2"
                                    : "",
            .name = ""};
        (void)map_put(&setup->table.by_code, view_of(codes[i]), &setup->devices[i]);
    }
    setup->table.at = setup->devices;
    setup->table.len = n;
}

static void
setup_make(struct setup *setup, const struct test_rule *rules, size_t n, size_t n_devices)
{
    struct rule made[32] = {0};

    memset(setup, 0, sizeof(*setup));
    arena_init(&setup->arena);
    setup->classes = (struct class_table){.at = fixture_class(), .len = 1};
    setup_devices(setup, n_devices);
    assert_true(n <= ARRAY_LEN(made));
    for (size_t i = 0; i < n; i++) {
        struct stage *stages = ARENA_ARRAY(&setup->arena, 2, struct stage);
        const struct test_rule *rule = &rules[i];

        stages[0] = (struct stage){.name = "",
            .policy = "",
            .severity = rule->severity,
            .when = setup_expr(setup, rule->when, rule->per),
            .clear = rule->clear == NULL ? NULL : setup_expr(setup, rule->clear, rule->per)};
        if (rule->confirmed != NULL) {
            stages[1] = (struct stage){.name = "confirmed",
                .policy = "",
                .severity = SEVERITY_RED,
                .when = setup_expr(setup, rule->confirmed, rule->per)};
        }
        made[i] = (struct rule){.id = rule->id,
            .class = &fixture,
            .per = rule->per,
            .stages = stages,
            .n_stages = rule->confirmed == NULL ? 1 : 2};
    }
    setup->rules = ruleset_make(&setup->arena, made, n, &setup->classes);
}

static void
setup_end(struct setup *setup)
{
    map_fini(&setup->table.by_code);
    arena_fini(&setup->arena);
}

static struct facts_options
setup_options(const struct setup *setup)
{
    return (struct facts_options){
        .rules = &setup->rules, .devices = &setup->table, .classes = &setup->classes};
}

/* One line a judgement: rule subject stage truth [clear] [suspect] [late] @since [by member] */
static inline void
judgements_print(struct judgements judgements, struct buf *out)
{
    static const char *const truths[] = {"false", "true", "unknown"};

    for (size_t i = 0; i < judgements.len; i++) {
        const struct judgement *j = &judgements.at[i];
        const double since = (double)j->since.us / 1e6;

        buf_printf(out, "%s %.*s %d %s%s%s%s @%.15g", j->rule->id, VIEW_ARG(j->subject->key),
            j->stage, truths[j->truth], j->clear ? " clear" : "", j->suspect ? " suspect" : "",
            j->late ? " late" : "", since);
        if (j->member.len > 0)
            buf_printf(out, " by %.*s", VIEW_ARG(j->member));
        buf_char(out, '\n');
    }
}

/* Service time starts here, so that nothing hangs on 1970. */
#define T0 1700000000

static struct instant
at_s(double s)
{
    return (struct instant){(int64_t)((T0 + s) * 1e6)};
}

struct said {
    uint16_t field;
    double number;
    const char *text;
};

struct say { /* one reading */
    const char *code, *part;
    double at, now;
    uint8_t suspect;
    struct said values[4];
    size_t n;
};

static struct judgements
take(struct facts *facts, const struct setup *setup, const struct say *say)
{
    struct field_value values[4] = {0};
    const struct device *listed = device_find(&setup->table, view_of(say->code));
    struct reading reading = {.code = view_of(say->code),
        .device = device_key(view_of(say->code)),
        .listed = listed,
        .class = &fixture,
        .compound = view_of(listed != NULL ? listed->compound->id : "jx-09"),
        .part = view_of(say->part),
        .time = at_s(say->at),
        .received = at_s(say->now),
        .suspect = say->suspect,
        .values = values,
        .n_values = say->n};

    for (size_t i = 0; i < say->n; i++) {
        values[i].field = say->values[i].field;
        values[i].number = say->values[i].number;
        values[i].text = view_of(say->values[i].text != NULL ? say->values[i].text : "");
    }
    return facts_take(facts, &reading, at_s(say->at), at_s(say->now));
}
