#include "service/sim_script.h"

#include "base/vec.h"

#include <math.h>
#include <stdio.h>

struct parser {
    struct arena *arena;
    const char *where;
    int line;
    struct sim_script *out;
    VEC(struct sim_state) states, part_states, faults;
    VEC(struct sim_value) columns;
    struct err *err;
};

static bool
fail(struct parser *p, const char *what, struct view value, const char *allowed)
{
    return err_set(p->err, ERR_CONFIG, "%s:%d: %s: '%.*s', allowed: %s", p->where, p->line, what,
        VIEW_ARG(value), allowed);
}

/* Cuts the next word off; len 0 at the end. */
static struct view
next_word(struct view *rest)
{
    size_t start = 0;

    while (start < rest->len && strchr(" \t", rest->ptr[start]) != NULL)
        start++;
    size_t end = start;

    while (end < rest->len && strchr(" \t", rest->ptr[end]) == NULL)
        end++;
    const struct view word = {rest->ptr + start, end - start};

    *rest = (struct view){rest->ptr + end, rest->len - end};
    return word;
}

/* A number at the start of text; its length, 0 if there is none. */
static size_t
read_number(const char *text, double *out, int *decimals)
{
    size_t n = *text == '-';
    const size_t whole = strspn(text + n, "0123456789");

    *decimals = 0;
    if (whole == 0)
        return 0;
    n += whole;
    if (text[n] == '.' && text[n + 1] != '.') {
        const size_t fraction = strspn(text + n + 1, "0123456789");

        *decimals = (int)fraction;
        n += 1 + fraction;
    }
    *out = strtod(text, NULL);
    return n;
}

static bool
read_value(struct parser *p, struct view word, struct sim_value *out)
{
    const char *equals = memchr(word.ptr, '=', word.len);
    int unused = 0;

    if (equals == NULL || equals == word.ptr)
        return fail(p, "a value", word, "NAME=VALUE");
    out->name = arena_text(p->arena, (struct view){word.ptr, (size_t)(equals - word.ptr)});
    out->text =
        arena_text(p->arena, (struct view){equals + 1, word.len - (size_t)(equals + 1 - word.ptr)});
    out->kind = strchr(out->text, '|') != NULL ? '|' : 'w';
    const size_t first = read_number(out->text, &out->low, &out->decimals);
    const char *between = out->text + first;

    if (first == 0 || (strncmp(between, "..", 2) != 0 && *between != '~'))
        return true;
    const char *second = between + (*between == '~' ? 1 : 2);
    const size_t len = read_number(second, &out->high, &unused);

    if (len == 0 || second[len] != '\0' || out->high < out->low || fabs(out->high) > 1e12)
        return fail(p, "a value", word, "LOW..HIGH, LOW~HIGH");
    out->kind = *between;
    return true;
}

/* Added to those that are there already (`let` may stand on several lines). */
static bool
read_values(struct parser *p, struct view rest, struct sim_state *out)
{
    VEC(struct sim_value) values = {0};
    bool good = true;

    for (struct view word = next_word(&rest); good && word.len > 0; word = next_word(&rest))
        good = read_value(p, word, VEC_PUSH(&values));
    if (good && values.len > 0) {
        struct sim_value *copy =
            ARENA_ARRAY(p->arena, out->n_values + values.len, struct sim_value);

        if (out->n_values > 0)
            memcpy(copy, out->values, out->n_values * sizeof(*copy));
        memcpy(copy + out->n_values, values.at, values.len * sizeof(*copy));
        out->values = copy;
        out->n_values += values.len;
    }
    VEC_FREE(&values);
    return good;
}

/* 20s..90s, or 20s for both. */
static bool
read_lasting(struct parser *p, struct view word, struct sim_state *out)
{
    size_t first = 0;

    while (first + 1 < word.len && memcmp(word.ptr + first, "..", 2) != 0)
        first++;
    const bool pair = first + 1 < word.len;
    const struct view second =
        pair ? (struct view){word.ptr + first + 2, word.len - first - 2} : word;

    if (!span_parse(pair ? (struct view){word.ptr, first} : word, &out->least) ||
        !span_parse(second, &out->most) || out->most.us < out->least.us || out->least.us < 1000)
        return fail(p, "a length of time", word, "20s, 20s..90s");
    return true;
}

static bool
read_state(struct parser *p, struct view rest, struct sim_state *out)
{
    const struct view name = next_word(&rest);

    if (name.len == 0)
        return fail(p, "a name is missing", name, "NAME SPAN NAME=VALUE ...");
    out->name = arena_text(p->arena, name);
    return read_lasting(p, next_word(&rest), out) && read_values(p, rest, out);
}

static const char *
rest_text(struct parser *p, struct view rest)
{
    while (rest.len > 0 && (*rest.ptr == ' ' || *rest.ptr == '\t')) {
        rest.ptr++;
        rest.len--;
    }
    while (rest.len > 0 && strchr(" \t", rest.ptr[rest.len - 1]) != NULL)
        rest.len--;
    return arena_text(p->arena, rest);
}

static bool
read_size(struct parser *p, struct view word)
{
    size_t n = 0;

    for (size_t i = 0; i < word.len && n <= SIM_MAX_PARTS; i++) {
        if (word.ptr[i] < '0' || word.ptr[i] > '9')
            return fail(p, "parts", word, "1 to 64");
        n = n * 10 + (size_t)(word.ptr[i] - '0');
    }
    if (n == 0 || n > SIM_MAX_PARTS)
        return fail(p, "parts", word, "1 to 64");
    p->out->parts = n;
    return true;
}

static bool
read_column(struct parser *p, struct view rest)
{
    struct sim_value *column = VEC_PUSH(&p->columns);
    const struct view from = next_word(&rest);
    const struct view to = next_word(&rest);

    if (to.len == 0)
        return fail(p, "column", from, "FROM TO");
    column->name = arena_text(p->arena, from);
    column->text = arena_text(p->arena, to);
    return true;
}

/* Statements of one word or the rest of the line. True if word is one. */
static bool
read_text(struct parser *p, struct view word, struct view rest)
{
    struct sim_script *out = p->out;
    const char **text = NULL;

    if (view_is(word, "message"))
        text = &out->message;
    else if (view_is(word, "part"))
        text = &out->part;
    else if (view_is(word, "replay"))
        text = &out->replay;
    else if (view_is(word, "stream"))
        text = &out->stream;
    if (text != NULL)
        *text = rest_text(p, rest);
    return text != NULL;
}

static bool
read_line(struct parser *p, struct view line)
{
    static const char allowed[] =
        "every, stream, parts, message, part, replay, column, let, state, part-state, fault, "
        "part-fault";
    struct view rest = line;
    const struct view word = next_word(&rest);

    if (word.len == 0 || word.ptr[0] == '#' || read_text(p, word, rest))
        return true;
    if (view_is(word, "parts"))
        return read_size(p, next_word(&rest));
    if (view_is(word, "every")) {
        return (span_parse(next_word(&rest), &p->out->every) && p->out->every.us >= 1000) ||
               fail(p, "every", line, "a length of time as 10s");
    }
    if (view_is(word, "column"))
        return read_column(p, rest);
    if (view_is(word, "let"))
        return read_values(p, rest, &p->out->let);
    if (view_is(word, "state"))
        return read_state(p, rest, VEC_PUSH(&p->states));
    if (view_is(word, "part-state"))
        return read_state(p, rest, VEC_PUSH(&p->part_states));
    if (view_is(word, "fault") || view_is(word, "part-fault")) {
        struct sim_state *fault = VEC_PUSH(&p->faults);

        fault->of_part = view_is(word, "part-fault");
        return read_state(p, rest, fault);
    }
    return fail(p, "a statement", word, allowed);
}

static struct sim_state *
keep(struct arena *arena, const struct sim_state *states, size_t n)
{
    struct sim_state *copy = ARENA_ARRAY(arena, n, struct sim_state);

    if (n > 0)
        memcpy(copy, states, n * sizeof(*copy));
    return copy;
}

bool
sim_script_parse(struct arena *arena, const char *where, struct view text, struct sim_script *out,
    struct err *err)
{
    struct sim_script script = {.every = SPAN_S(30), .stream = "telemetry"};
    struct parser p = {.arena = arena, .where = where, .out = &script, .err = err};
    bool good = true;

    while (good && text.len > 0) {
        const char *end = memchr(text.ptr, '\n', text.len);
        const size_t len = end == NULL ? text.len : (size_t)(end - text.ptr);
        struct view line = {text.ptr, len};

        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        p.line++;
        good = read_line(&p, line);
        text = (struct view){text.ptr + len, text.len - len};
        if (text.len > 0)
            text = (struct view){text.ptr + 1, text.len - 1};
    }
    if (good && script.message == NULL)
        good = err_set(err, ERR_CONFIG, "%s: there is no `message`", where);
    script.states = keep(arena, p.states.at, p.states.len);
    script.n_states = p.states.len;
    script.part_states = keep(arena, p.part_states.at, p.part_states.len);
    script.n_part_states = p.part_states.len;
    script.faults = keep(arena, p.faults.at, p.faults.len);
    script.n_faults = p.faults.len;
    struct sim_value *columns = ARENA_ARRAY(arena, p.columns.len, struct sim_value);

    if (p.columns.len > 0)
        memcpy(columns, p.columns.at, p.columns.len * sizeof(*columns));
    script.columns = columns;
    script.n_columns = p.columns.len;
    VEC_FREE(&p.columns);
    VEC_FREE(&p.states);
    VEC_FREE(&p.part_states);
    VEC_FREE(&p.faults);
    if (good)
        *out = script;
    return good;
}

const struct sim_state *
sim_script_fault(const struct sim_script *script, struct view name)
{
    for (size_t i = 0; i < script->n_faults; i++) {
        if (view_is(name, script->faults[i].name))
            return &script->faults[i];
    }
    return NULL;
}

const char *
sim_script_column(const struct sim_script *script, const char *name)
{
    for (size_t i = 0; i < script->n_columns; i++) {
        if (strcmp(script->columns[i].name, name) == 0)
            return script->columns[i].text;
    }
    return name;
}
