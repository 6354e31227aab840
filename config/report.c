#include "config/report.h"

#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>

#define TEXT_MAX_BYTES 2000

static const char *format_text(struct arena *arena, const char *path, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));

static const char *
format_text(struct arena *arena, const char *path, const char *fmt, va_list args)
{
    char text[TEXT_MAX_BYTES];
    struct buf buf;
    va_list copy;

    va_copy(copy, args);
    (void)vsnprintf(text, sizeof(text), fmt, copy);
    va_end(copy);
    buf_init(&buf, (size_t)TEXT_MAX_BYTES * 2);
    if (path[0] != '\0') {
        buf_text(&buf, path);
        buf_text(&buf, ": ");
    }
    buf_text(&buf, text);
    const char *copy_of = arena_text(arena, buf_view(&buf));

    buf_fini(&buf);
    return copy_of;
}

struct place {
    const struct source *source;
    struct mark at;
    const char *path;
    const char *code;
};

static void add(struct reporter *reporter, const struct place *place, const char *en,
    const char *zh, va_list args) __attribute__((format(printf, 3, 0), format(printf, 4, 0)));

static void
add(struct reporter *reporter, const struct place *place, const char *en, const char *zh,
    va_list args)
{
    if (reporter->list.len >= REPORT_MAX) {
        reporter->dropped++;
        return;
    }
    const struct view line = place->at.line > 0 ? source_line(place->source->text, place->at.line)
                                                : (struct view){NULL, 0};
    /* a line of a binary file is no help to anybody */
    const bool shown = line.ptr != NULL && line.len <= 400 && utf8_valid(line);

    *VEC_PUSH(&reporter->list) = (struct problem){
        .file = arena_text(reporter->arena, view_of(place->source->name)),
        .line = place->at.line,
        .column = place->at.column,
        .code = place->code,
        .text.en = format_text(reporter->arena, place->path, en, args),
        .text.zh = format_text(reporter->arena, place->path, zh, args),
        .line_text = shown ? arena_text(reporter->arena, line) : NULL,
    };
}

void
report_mark(struct reporter *reporter, const struct source *source, struct mark at,
    const char *code, const char *en, const char *zh, ...)
{
    va_list args;

    va_start(args, zh);
    add(reporter, &(struct place){source, at, "", code}, en, zh, args);
    va_end(args);
}

static const char *
path_of(struct reporter *reporter, const struct node *node)
{
    struct buf buf;

    buf_init(&buf, 1000);
    node_path(node, &buf);
    const char *path = arena_text(reporter->arena, buf_view(&buf));

    buf_fini(&buf);
    return path;
}

void
report(struct reporter *reporter, const struct node *node, const char *code, const char *en,
    const char *zh, ...)
{
    va_list args;

    va_start(args, zh);
    add(reporter, &(struct place){node->source, node->at, path_of(reporter, node), code}, en, zh,
        args);
    va_end(args);
}

void
report_inside(struct reporter *reporter, const struct node *node, int column, const char *code,
    const char *en, const char *zh, ...)
{
    struct mark at = node->at;
    va_list args;

    /* where a text over several lines was broken is not known any more */
    if (node->one_line && column > 0)
        at.column += column - 1 + (node->quoted ? 1 : 0);
    va_start(args, zh);
    add(reporter, &(struct place){node->source, at, path_of(reporter, node), code}, en, zh, args);
    va_end(args);
}

void
report_key(struct reporter *reporter, const struct node *node, const char *code, const char *en,
    const char *zh, ...)
{
    const struct mark at = node->key.ptr != NULL ? node->key_at : node->at;
    const char *path = node->parent != NULL ? path_of(reporter, node->parent) : "";
    va_list args;

    va_start(args, zh);
    add(reporter, &(struct place){node->source, at, path, code}, en, zh, args);
    va_end(args);
}

static struct problem *
last_of(struct reporter *reporter)
{
    /* what was dropped needs no hint */
    return reporter->dropped > 0 || reporter->list.len == 0
               ? NULL
               : &reporter->list.at[reporter->list.len - 1];
}

void
report_is_warning(struct reporter *reporter)
{
    struct problem *last = last_of(reporter);

    if (last != NULL)
        last->warning = true;
}

void
report_is_proof(struct reporter *reporter)
{
    if (reporter->soften)
        report_is_warning(reporter);
}

void
report_hint(struct reporter *reporter, const char *en, const char *zh, ...)
{
    struct problem *last = last_of(reporter);
    va_list args;

    if (last == NULL)
        return;
    va_start(args, zh);
    last->hint.en = format_text(reporter->arena, "", en, args);
    last->hint.zh = format_text(reporter->arena, "", zh, args);
    va_end(args);
}

void
report_near(struct reporter *reporter, struct view name, const char *const *names, size_t n_names)
{
    const char *near = nearest(name, names, n_names);

    if (near != NULL)
        report_hint(reporter, "did you mean '%s'?", "是否想写 '%s'?", near);
}

bool
report_spoiled(const struct reporter *reporter, const char *file)
{
    for (size_t i = 0; i < reporter->list.len; i++) {
        if (!reporter->list.at[i].warning && strcmp(reporter->list.at[i].file, file) == 0)
            return true;
    }
    return reporter->dropped > 0;
}

struct placed { /* what is sorted by place */
    const struct problem *problem;
};

static int
compare(const void *a, const void *b)
{
    const struct problem *left = ((const struct placed *)a)->problem;
    const struct problem *right = ((const struct placed *)b)->problem;
    const int file = strcmp(left->file, right->file);

    if (file != 0)
        return file;
    if (left->line != right->line)
        return left->line < right->line ? -1 : 1;
    if (left->column != right->column)
        return left->column < right->column ? -1 : 1;
    return left < right ? -1 : left > right; /* same place: as found */
}

/* What several messages of a profile inherit is said once. */
static bool
is_said(const struct problem *said, size_t n, const struct problem *problem)
{
    for (; n > 0 && said[n - 1].line == problem->line && said[n - 1].column == problem->column;
         n--) {
        if (strcmp(said[n - 1].file, problem->file) == 0 &&
            strcmp(said[n - 1].text.en, problem->text.en) == 0)
            return true;
    }
    return false;
}

void
report_finish(struct reporter *reporter, struct problems *out)
{
    const size_t len = reporter->list.len;
    struct problem *at = ARENA_ARRAY(reporter->arena, len, struct problem);
    struct placed *order = mem_zalloc(len + 1, sizeof(*order));
    size_t errors = reporter->dropped;

    for (size_t i = 0; i < len; i++)
        order[i].problem = &reporter->list.at[i];
    qsort(order, len, sizeof(*order), compare);
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (is_said(at, n, order[i].problem))
            continue;
        at[n] = *order[i].problem;
        errors += at[n++].warning ? 0 : 1;
    }
    free(order);
    VEC_FREE(&reporter->list);
    reporter->dropped = 0;
    *out = (struct problems){.at = at, .len = n, .errors = errors};
}
