/* An example goes through normalise as in a lane, and what comes is held against what it expects.
 */
#include "config/examples.h"
#include "config/report.h"

#include <math.h>

/* Numbers are compared as people write them: 3.1 is what 31 * 0.1 gives. */
#define TOLERANCE 1e-9

void
example_decode(const struct config *config, const struct example *example, struct arena *arena,
    struct decoded *out)
{
    static const struct compound compound = {.id = "EX"};
    struct device device = {.code = example->device,
        .key = device_key(view_of(example->device)),
        .class = example->class,
        .profile = example->profile,
        .compound = &compound};
    struct device *listed = ARENA_NEW(arena, struct device);
    struct device_table table = {.at = listed, .len = 1};
    const struct normalise_options opt = {.lane = "example",
        .classes = config->classes,
        .devices = &table,
        .patterns = config->patterns,
        .n_patterns = config->n_patterns};

    *listed = device;
    map_init(&table.by_code);
    (void)map_put(&table.by_code, view_of(listed->code), listed);
    normalise(&opt, &example->message, arena, out);
    map_fini(&table.by_code);
}

struct comparison {
    const struct example *example;
    const struct decoded *came;
    struct arena *arena;
    struct reporter *reporter;
};

#define DIFFERENCE(c, at, ...)                                                                     \
    report_mark((c)->reporter, (c)->example->source, (at), "difference", __VA_ARGS__)

static const char *
value_text(const struct comparison *c, const struct field *field, double number, struct view text)
{
    struct buf buf;

    buf_init(&buf, 1000);
    if (field->type == FIELD_TEXT) {
        buf_printf(&buf, "'%.*s'", VIEW_ARG(text));
    } else if (field->type == FIELD_BOOL) {
        buf_text(&buf, number != 0 ? "true" : "false");
    } else {
        const struct field_code *code =
            field->type == FIELD_CODE ? field_code_by_number(field, number) : NULL;

        if (code != NULL)
            buf_text(&buf, code->name);
        else
            buf_printf(&buf, "%.12g", number);
    }
    const char *copy = arena_text(c->arena, buf_view(&buf));

    buf_fini(&buf);
    return copy;
}

static bool
same_value(const struct field *field, const struct example_value *a, const struct field_value *b)
{
    if (field->type == FIELD_TEXT)
        return view_eq(a->text, b->text);
    return fabs(a->number - b->number) <= TOLERANCE * fmax(fabs(a->number), 1);
}

static void
compare_value(const struct comparison *c, size_t n, const struct example_value *want,
    const struct field_value *have)
{
    const struct field *field = &c->example->class->fields[want->field];

    if (same_value(field, want, have))
        return;
    DIFFERENCE(c, want->at, "reading %zu: %s: expected %s, %s came",
        "读数 %zu: %s: 期望 %s, 得到 %s", n + 1, field->name,
        value_text(c, field, want->number, want->text),
        value_text(c, field, have->number, have->text));
}

/* Both lists are in the order of the class's fields. */
static void
compare_values(const struct comparison *c, size_t n, const struct example_reading *expected,
    const struct reading *came)
{
    const struct class *class = c->example->class;
    size_t i = 0, j = 0;

    while (i < expected->n_values || j < came->n_values) {
        const size_t want = i < expected->n_values ? expected->values[i].field : CLASS_MAX_FIELDS;
        const size_t have = j < came->n_values ? came->values[j].field : CLASS_MAX_FIELDS;

        if (want < have) {
            const struct example_value *value = &expected->values[i++];

            DIFFERENCE(c, value->at, "reading %zu: %s: expected %s, nothing came",
                "读数 %zu: %s: 期望 %s, 没有得到", n + 1, class->fields[want].name,
                value_text(c, &class->fields[want], value->number, value->text));
        } else if (have < want) {
            const struct field_value *value = &came->values[j++];

            DIFFERENCE(c, expected->at, "reading %zu: %s: nothing expected, %s came",
                "读数 %zu: %s: 没有期望, 得到 %s", n + 1, class->fields[have].name,
                value_text(c, &class->fields[have], value->number, value->text));
        } else {
            compare_value(c, n, &expected->values[i++], &came->values[j++]);
        }
    }
}

static void
compare_flag(const struct comparison *c, size_t n, const struct example_reading *expected,
    const char *name, const bool values[2])
{
    if (values[0] == values[1])
        return;
    DIFFERENCE(c, expected->at, "reading %zu: %s: expected %s, %s came",
        "读数 %zu: %s: 期望 %s, 得到 %s", n + 1, name, values[0] ? "true" : "false",
        values[1] ? "true" : "false");
}

static void
compare_reading(const struct comparison *c, size_t n)
{
    const struct example_reading *expected = &c->example->readings[n];
    const struct reading *came = &c->came->readings[n];
    const struct instant time = expected->timed ? expected->time : c->came->received;
    char texts[2][INSTANT_TEXT_BYTES];

    if (!view_eq(expected->part, came->part)) {
        DIFFERENCE(c, expected->at, "reading %zu: part: expected '%.*s', '%.*s' came",
            "读数 %zu: part: 期望 '%.*s', 得到 '%.*s'", n + 1, VIEW_ARG(expected->part),
            VIEW_ARG(came->part));
    }
    if (instant_cmp(time, came->time) != 0 || expected->timed == came->server_time) {
        DIFFERENCE(c, expected->at, "reading %zu: time: expected %s, %s came",
            "读数 %zu: time: 期望 %s, 得到 %s", n + 1,
            expected->timed ? instant_text(time, texts[0]) : "received",
            came->server_time ? "received" : instant_text(came->time, texts[1]));
    }
    compare_flag(c, n, expected, "suspect", (const bool[]){expected->suspect, came->suspect != 0});
    compare_flag(c, n, expected, "test", (const bool[]){expected->test, came->test});
    if (came->class == c->example->class)
        compare_values(c, n, expected, came);
    else
        DIFFERENCE(c, expected->at, "reading %zu: class: expected %s, %s came",
            "读数 %zu: class: 期望 %s, 得到 %s", n + 1, c->example->class->name, came->class->name);
}

static void
compare_reject(const struct comparison *c, size_t n)
{
    const struct example_reject *want = &c->example->rejects[n];

    if (n >= c->came->n_rejects) {
        DIFFERENCE(c, want->at, "reject %zu: expected '%s', nothing came",
            "拒收 %zu: 期望 '%s', 没有得到", n + 1, want->reason);
        return;
    }
    const struct reject *have = &c->came->rejects[n];

    if (strcmp(have->reason, want->reason) != 0) {
        DIFFERENCE(c, want->at, "reject %zu: expected '%s', '%s' came: %s",
            "拒收 %zu: 期望 '%s', 得到 '%s': %s", n + 1, want->reason, have->reason, have->detail);
    } else if (want->detail != NULL && strcmp(have->detail, want->detail) != 0) {
        DIFFERENCE(c, want->at, "reject %zu: detail: expected \"%s\", \"%s\" came",
            "拒收 %zu: detail: 期望 \"%s\", 得到 \"%s\"", n + 1, want->detail, have->detail);
    }
}

static void
compare_rejects(const struct comparison *c)
{
    const struct example *example = c->example;

    for (size_t i = 0; i < example->n_rejects; i++)
        compare_reject(c, i);
    for (size_t i = example->n_rejects; i < c->came->n_rejects; i++) {
        DIFFERENCE(c, example->at, "reject %zu: nothing expected, '%s' came: %s",
            "拒收 %zu: 没有期望, 得到 '%s': %s", i + 1, c->came->rejects[i].reason,
            c->came->rejects[i].detail);
    }
}

/* As an example would be written: what is not said there is not said here. */
static void
put_head(struct buf *out, struct view part, const char *time, bool suspect, bool test)
{
    buf_char(out, '{');
    if (part.len > 0)
        buf_printf(out, "part: \"%.*s\", ", VIEW_ARG(part));
    if (time != NULL)
        buf_printf(out, "time: \"%s\", ", time);
    buf_printf(out, "%s%sfields: {", suspect ? "suspect: true, " : "", test ? "test: true, " : "");
}

static void
put_value(const struct comparison *c, struct buf *out, size_t i, const struct field *field,
    double number, struct view text)
{
    buf_printf(out, "%s%s: %s", i > 0 ? ", " : "", field->name, value_text(c, field, number, text));
}

static void
report_extra(const struct comparison *c, size_t n)
{
    const struct reading *came = &c->came->readings[n];
    char time[INSTANT_TEXT_BYTES];
    struct buf text;

    buf_init(&text, 8000);
    put_head(&text, came->part, came->server_time ? NULL : instant_text(came->time, time),
        came->suspect != 0, came->test);
    for (size_t i = 0; i < came->n_values; i++) {
        const struct field_value *value = &came->values[i];

        put_value(c, &text, i, &came->class->fields[value->field], value->number, value->text);
    }
    DIFFERENCE(c, c->example->at, "reading %zu: nothing expected, came %.*s}}",
        "读数 %zu: 没有期望, 得到 %.*s}}", n + 1, VIEW_ARG(buf_view(&text)));
    buf_fini(&text);
}

static void
report_lacking(const struct comparison *c, size_t n)
{
    const struct example_reading *want = &c->example->readings[n];
    char time[INSTANT_TEXT_BYTES];
    struct buf text;

    buf_init(&text, 8000);
    put_head(&text, want->part, want->timed ? instant_text(want->time, time) : NULL, want->suspect,
        want->test);
    for (size_t i = 0; i < want->n_values; i++) {
        const struct example_value *value = &want->values[i];

        put_value(
            c, &text, i, &c->example->class->fields[value->field], value->number, value->text);
    }
    DIFFERENCE(c, want->at, "reading %zu: nothing came, expected %.*s}}",
        "读数 %zu: 没有得到, 期望 %.*s}}", n + 1, VIEW_ARG(buf_view(&text)));
    buf_fini(&text);
}

static void
compare_receipt(const struct comparison *c)
{
    const struct view want =
        c->example->receipt != NULL ? view_of(c->example->receipt) : (struct view){"", 0};
    const struct view have =
        c->came->wants_receipt && !c->came->receipt_raw ? c->came->receipt : (struct view){"", 0};

    if (!view_eq(want, have))
        DIFFERENCE(c, c->example->at, "receipt: expected '%.*s', '%.*s' came",
            "receipt: 期望 '%.*s', 得到 '%.*s'", VIEW_ARG(want), VIEW_ARG(have));
}

void
example_run(const struct config *config, const struct example *example, struct arena *arena,
    struct problems *differences)
{
    struct reporter reporter = {.arena = arena};
    struct decoded came;
    const struct comparison c = {example, &came, arena, &reporter};

    example_decode(config, example, arena, &came);
    for (size_t i = 0; i < example->n_readings; i++) {
        if (i < came.n_readings)
            compare_reading(&c, i);
        else
            report_lacking(&c, i);
    }
    for (size_t i = example->n_readings; i < came.n_readings; i++)
        report_extra(&c, i);
    compare_rejects(&c);
    compare_receipt(&c);
    report_finish(&reporter, differences);
}
