/* Who is looked at, and the figures of each: the same formulas over fewer cases. */
#include "alerting/assessment/assess.h"
#include "base/check.h"
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

const char *const scope_names[SCOPE_KINDS] = {"all", "unit", "class", "severity"};
const struct words scope_titles[SCOPE_KINDS] = {
    {"全部", "all"}, {"单元", "unit"}, {"类别", "class"}, {"等级", "severity"}};

struct making {
    struct arena *arena;
    struct assessment *out;
    VEC(struct scope) scopes;
};

static int
compare_spans(const void *a, const void *b)
{
    const int64_t left = ((const struct span *)a)->us;
    const int64_t right = ((const struct span *)b)->us;

    return (left > right) - (left < right);
}

/* Median and 90th percentile by nearest rank: times that some case really took. */
static void
time_figure(struct making *making, struct figure *figure)
{
    struct span *spans = ARENA_ARRAY(making->arena, figure->of, struct span);
    int64_t sum = 0;

    figure->n = figure->of;
    if (figure->of == 0)
        return;
    for (size_t i = 0; i < figure->of; i++) {
        spans[i] = figure->indicator->time(figure->cases[i]);
        sum += spans[i].us;
    }
    qsort(spans, figure->of, sizeof(*spans), compare_spans);
    const int64_t n = (int64_t)figure->of;

    figure->mean = SPAN_US(n > 0 ? sum / n : 0);
    figure->median = spans[(figure->of - 1) / 2];
    figure->p90 = spans[(figure->of * 9 + 9) / 10 - 1];
    figure->longest = spans[figure->of - 1];
}

static void
make_figure(struct making *making, const struct indicator *indicator,
    const struct assess_case *const *cases, size_t n, struct figure *figure)
{
    const struct instant as_of = making->out->as_of;
    size_t others = 0;

    figure->indicator = indicator;
    for (size_t i = 0; i < n; i++)
        figure->of += indicator->of(cases[i], as_of);
    figure->cases = ARENA_ARRAY(making->arena, figure->of, const struct assess_case *);
    for (size_t i = 0; i < n; i++) {
        if (!indicator->of(cases[i], as_of))
            continue;
        if (indicator->sort == ASSESS_TIME || indicator->counts(cases[i], as_of))
            figure->cases[figure->n++] = cases[i];
        else
            figure->cases[figure->of - ++others] = cases[i];
    }
    /* the others were put in from the end */
    for (size_t a = figure->n, b = figure->of; a + 1 < b; a++, b--) {
        const struct assess_case *swap = figure->cases[a];

        figure->cases[a] = figure->cases[b - 1];
        figure->cases[b - 1] = swap;
    }
    if (indicator->sort == ASSESS_TIME)
        time_figure(making, figure);
}

static double
rate(const struct scope *scope, const char *id)
{
    for (size_t i = 0; i < n_indicators; i++) {
        const struct figure *figure = &scope->figures[i];

        if (strcmp(figure->indicator->id, id) == 0)
            return figure->of == 0 ? 0 : (double)figure->n / (double)figure->of;
    }
    CHECK(false);
    return 0;
}

/* 处置率 30 + 按期处置率 20 + (1-返工率) 20 + (1-超期待处置率) 20 + (1-延期率) 10 */
static double
score(const struct scope *scope)
{
    if (scope->figures[0].of == 0)
        return -1;
    return 30 * rate(scope, "settled") + 20 * rate(scope, "settled-in-time") +
           20 * (1 - rate(scope, "reworked")) + 20 * (1 - rate(scope, "overdue-open")) +
           10 * (1 - rate(scope, "extended"));
}

static void
add_scope(struct making *making, enum scope_kind kind, const char *id,
    const struct assess_case *const *cases, size_t n)
{
    struct figure *figures;

    if (n == 0 && kind != SCOPE_ALL)
        return;
    figures = ARENA_ARRAY(making->arena, n_indicators, struct figure);
    for (size_t i = 0; i < n_indicators; i++)
        make_figure(making, &indicators[i], cases, n, &figures[i]);
    struct scope *scope = VEC_PUSH(&making->scopes);

    *scope = (struct scope){.kind = kind, .id = id, .n_cases = n, .figures = figures};
    for (size_t i = 0; i < n; i++) {
        if (cases[i]->by_person && !cases[i]->false_alarm && cases[i]->settled.us != 0 &&
            cases[i]->loop >= 0)
            scope->loops[cases[i]->loop]++;
    }
    scope->score = score(scope);
}

struct part { /* of the cases: those of one unit or class */
    const struct assess_case **cases;
    size_t n;
};

static void
gather(struct making *making, struct map *parts, const char *key, const struct assess_case *it)
{
    struct part *part;

    if (key[0] == '\0')
        return;
    part = map_get(parts, view_of(key));
    if (part == NULL) {
        part = ARENA_NEW(making->arena, struct part);
        part->cases =
            ARENA_ARRAY(making->arena, making->out->n_counted, const struct assess_case *);
        map_put(parts, view_of(key), part);
    }
    part->cases[part->n++] = it;
}

static void
add_units(struct making *making, const struct grid *grid)
{
    const struct assessment *out = making->out;
    struct map parts;

    map_init(&parts);
    for (size_t i = 0; i < out->n_counted; i++) {
        for (int tier = 0; tier < TIER_COUNT; tier++)
            gather(making, &parts, out->counted[i]->units[tier], out->counted[i]);
    }
    for (int tier = TIER_COUNT - 1; tier >= 0; tier--) {
        for (size_t i = 0; i < grid->n_units; i++) {
            const struct unit *unit = &grid->units[i];
            const struct part *part = map_get(&parts, view_of(unit->id));

            if ((int)unit->tier == tier && part != NULL)
                add_scope(making, SCOPE_UNIT, unit->id, part->cases, part->n);
        }
    }
    map_fini(&parts);
}

static void
add_classes(struct making *making)
{
    const struct assessment *out = making->out;
    struct map parts;

    map_init(&parts);
    for (size_t i = 0; i < out->n_counted; i++)
        gather(making, &parts, out->counted[i]->class_name, out->counted[i]);
    const struct map_entry *entries = map_sorted(&parts, making->arena);

    for (size_t i = 0; i < parts.len; i++) {
        const struct part *part = entries[i].value;

        add_scope(making, SCOPE_CLASS, part->cases[0]->class_name, part->cases, part->n);
    }
    map_fini(&parts);
}

static void
add_colours(struct making *making)
{
    const struct assessment *out = making->out;

    for (int severity = 0; severity < SEVERITY_COUNT; severity++) {
        const struct assess_case **cases =
            ARENA_ARRAY(making->arena, out->n_counted, const struct assess_case *);
        size_t n = 0;

        for (size_t i = 0; i < out->n_counted; i++) {
            if ((int)out->counted[i]->severity == severity)
                cases[n++] = out->counted[i];
        }
        add_scope(making, SCOPE_SEVERITY, severity_names[severity], cases, n);
    }
}

/* One step of an order: had it a limit that has passed or was it taken, and was it in time? */
static bool
step_late(struct instant from, struct instant at, struct span within, struct instant as_of,
    size_t *of, size_t *in_time)
{
    if (within.us <= 0 || from.us == 0)
        return false;
    const struct instant due = instant_add(from, within);

    if (at.us == 0 && instant_cmp(due, as_of) >= 0)
        return false;
    *of += 1;
    if (at.us != 0 && instant_cmp(at, due) <= 0) {
        *in_time += 1;
        return false;
    }
    return true;
}

static void
count_order(struct centre_figures *figures, const struct centre *centre,
    const struct assess_case *it, const struct assess_order *order, struct instant as_of)
{
    bool late = order->unanswered;

    figures->orders++;
    figures->refused += order->refused;
    figures->unanswered += order->unanswered;
    if (centre != NULL && !order->refused) {
        late |= step_late(order->issued, order->accepted, centre->accept_within, as_of,
            &figures->accepted_of, &figures->accepted_in_time);
        late |= step_late(order->accepted, order->arrived, centre->arrive_within, as_of,
            &figures->arrived_of, &figures->arrived_in_time);
        late |= step_late(order->arrived, order->done, centre->finish_within, as_of,
            &figures->done_of, &figures->done_in_time);
    }
    if (late)
        figures->late[figures->n_late++] = it->id;
}

static size_t
orders_of(const struct assessment *out)
{
    size_t n = 0;

    for (size_t i = 0; i < out->n_counted; i++)
        n += out->counted[i]->orders.len;
    return n;
}

static void
count_centres(struct making *making, const struct grid *grid)
{
    struct assessment *out = making->out;
    const size_t n_orders = orders_of(out);
    struct map by_id;

    map_init(&by_id);
    for (size_t i = 0; i < out->n_counted; i++) {
        const struct assess_case *it = out->counted[i];

        for (size_t o = 0; o < it->orders.len; o++) {
            const struct view id = view_of(it->orders.at[o].centre);
            struct centre_figures *figures = map_get(&by_id, id);

            if (figures == NULL) {
                figures = ARENA_NEW(making->arena, struct centre_figures);
                figures->id = it->orders.at[o].centre;
                figures->late = ARENA_ARRAY(making->arena, n_orders, const char *);
                map_put(&by_id, id, figures);
            }
            count_order(figures, centre_find(grid, id), it, &it->orders.at[o], out->as_of);
        }
    }
    const struct map_entry *entries = map_sorted(&by_id, making->arena);

    out->n_centres = by_id.len;
    out->centres = ARENA_ARRAY(making->arena, by_id.len, struct centre_figures);
    for (size_t i = 0; i < by_id.len; i++)
        out->centres[i] = *(const struct centre_figures *)entries[i].value;
    map_fini(&by_id);
}

void
assess_make(struct arena *arena, const struct grid *grid, const struct assess_case *cases,
    size_t n_cases, struct assessment *out)
{
    struct making making = {.arena = arena, .out = out};

    out->counted = ARENA_ARRAY(arena, n_cases, const struct assess_case *);
    out->left_out = ARENA_ARRAY(arena, n_cases, struct left_out);
    out->n_counted = out->n_left_out = 0;
    for (size_t i = 0; i < n_cases; i++) {
        const char *why = assess_left_out(&cases[i]);

        if (why == NULL)
            out->counted[out->n_counted++] = &cases[i];
        else
            out->left_out[out->n_left_out++] = (struct left_out){&cases[i], why};
    }
    add_scope(&making, SCOPE_ALL, "", out->counted, out->n_counted);
    add_units(&making, grid);
    add_classes(&making);
    add_colours(&making);
    out->n_scopes = making.scopes.len;
    out->scopes = ARENA_ARRAY(arena, making.scopes.len, struct scope);
    memcpy(out->scopes, making.scopes.at, making.scopes.len * sizeof(*out->scopes));
    VEC_FREE(&making.scopes);
    count_centres(&making, grid);
}
