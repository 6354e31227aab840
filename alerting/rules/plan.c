/* Layouts: what a class's rules need to know of its members, worked out once per configuration. */
#include "alerting/rules/state.h"

#include <stdlib.h>

static void
add_fields(uint64_t *to, const uint64_t *from)
{
    for (size_t i = 0; i < FIELD_WORDS; i++)
        to[i] |= from[i];
}

static bool
no_fields(const uint64_t *bits)
{
    uint64_t all = 0;

    for (size_t i = 0; i < FIELD_WORDS; i++)
        all |= bits[i];
    return all == 0;
}

struct walk { /* over one rule's expressions: what they use */
    struct facts *facts;
    struct layout *layout;
    struct use *counts, *windows;
    size_t n_counts, n_windows;
    struct span *absents;
    size_t n_absents;
};

static void
add_absent(struct layout *layout, struct span span)
{
    size_t i = 0;

    while (i < layout->n_absents && layout->absents[i].us < span.us)
        i++;
    if (i < layout->n_absents && layout->absents[i].us == span.us)
        return;
    memmove(&layout->absents[i + 1], &layout->absents[i], (layout->n_absents - i) * sizeof(span));
    layout->absents[i] = span;
    layout->n_absents++;
}

static struct view
text_of(struct walk *walk, const struct expr *node)
{
    struct buf text;

    buf_init(&text, (size_t)EXPR_MAX_BYTES * 16);
    expr_print(node, &text);
    const struct view copy = arena_copy(&walk->facts->plans, buf_view(&text));

    buf_fini(&text);
    return copy;
}

static uint16_t
window_slot_of(struct walk *walk, const struct expr *node)
{
    struct layout *layout = walk->layout;
    const struct view text = text_of(walk, node);
    size_t slot = 0;

    while (slot < layout->n_windows && !view_eq(layout->windows[slot].text, text))
        slot++;
    if (slot == layout->n_windows) {
        layout->windows[slot] = (struct window_slot){.node = node, .text = text};
        expr_fields(node, layout->windows[slot].fields);
        layout->n_windows++;
    }
    layout->ages |= node->kind == EXPR_TIMES;
    return (uint16_t)slot;
}

static void visit(struct walk *walk, const struct expr *expr);

/* Functions in an expression, at most. */
static size_t
count_functions(const struct expr *expr)
{
    if (expr == NULL)
        return 0;
    return (expr->kind >= EXPR_ABSENT) + count_functions(expr->left) + count_functions(expr->right);
}

/* The condition of a count() is asked on its own. */
static struct uses
uses_of(const struct walk *from, const struct expr *expr)
{
    struct walk walk = {.facts = from->facts, .layout = from->layout};
    const size_t n = count_functions(expr);

    walk.counts = ARENA_ARRAY(&from->facts->plans, n, struct use);
    walk.windows = ARENA_ARRAY(&from->facts->plans, n, struct use);
    walk.absents = ARENA_ARRAY(&from->facts->plans, n, struct span);
    visit(&walk, expr);
    return (struct uses){walk.counts, walk.windows, walk.n_counts, walk.n_windows};
}

static uint16_t
count_slot_of(struct walk *walk, const struct expr *node)
{
    struct layout *layout = walk->layout;
    const struct view text = text_of(walk, node);
    size_t slot = 0;

    while (slot < layout->n_counts && !view_eq(layout->counts[slot].text, text))
        slot++;
    if (slot == layout->n_counts) {
        struct count_slot *made = &layout->counts[layout->n_counts++];

        made->node = node;
        made->text = text;
        expr_fields(node, made->fields);
        made->fieldless = no_fields(made->fields);
        made->uses = uses_of(walk, node->left);
    }
    return (uint16_t)slot;
}

static void
visit(struct walk *walk, const struct expr *expr)
{
    if (expr == NULL)
        return;
    if (expr->kind == EXPR_ABSENT) {
        add_absent(walk->layout, expr->span);
        walk->absents[walk->n_absents++] = expr->span;
    } else if (expr->kind == EXPR_COUNT) {
        walk->counts[walk->n_counts++] = (struct use){expr, count_slot_of(walk, expr)};
    } else if (expr_is_window(expr)) {
        walk->windows[walk->n_windows++] = (struct use){expr, window_slot_of(walk, expr)};
    }
    visit(walk, expr->left);
    visit(walk, expr->right);
}

static size_t
count_of_rule(const struct rule *rule)
{
    size_t n = 0;

    for (size_t i = 0; i < rule->n_stages; i++)
        n += count_functions(rule->stages[i].when) + count_functions(rule->stages[i].clear);
    return n;
}

static void
plan_fields(struct plan *plan)
{
    const struct rule *rule = plan->rule;
    uint64_t bits[FIELD_WORDS];

    for (size_t i = 0; i < rule->n_stages; i++) {
        expr_fields(rule->stages[i].when, bits);
        add_fields(plan->fields, bits);
        if (rule->stages[i].clear != NULL) {
            expr_fields(rule->stages[i].clear, bits);
            add_fields(plan->fields, bits);
        }
    }
    plan->fieldless = no_fields(plan->fields);
}

static void
make_plan(struct facts *facts, struct layout *layout, struct plan *plan, const struct rule *rule)
{
    struct walk walk = {.facts = facts, .layout = layout};
    const size_t n = count_of_rule(rule);

    plan->rule = rule;
    plan_fields(plan);
    walk.counts = ARENA_ARRAY(&facts->plans, n, struct use);
    walk.windows = ARENA_ARRAY(&facts->plans, n, struct use);
    walk.absents = ARENA_ARRAY(&facts->plans, n, struct span);
    for (size_t i = 0; i < rule->n_stages; i++) {
        visit(&walk, rule->stages[i].when);
        visit(&walk, rule->stages[i].clear);
    }
    plan->uses = (struct uses){walk.counts, walk.windows, walk.n_counts, walk.n_windows};
    plan->absents = walk.absents;
    plan->n_absents = walk.n_absents;
    for (size_t i = 0; i < walk.n_windows; i++)
        plan->ages |= walk.windows[i].node->kind == EXPR_TIMES;
    layout->pers[rule->per] = true;
    if (rule->per != PER_DEVICE) {
        plan->mark = layout->n_marks;
        layout->n_marks += rule->n_stages;
    }
    add_fields(layout->timed, plan->fields);
    if (rule->red)
        add_fields(layout->sticky, plan->fields);
}

/* Insertion: a class has few fields, and it is done once. */
static void
sort_names(struct layout *layout)
{
    const struct class *class = layout->class;

    for (size_t i = 0; i < class->n_fields; i++) {
        size_t j = i;

        for (; j > 0; j--) {
            if (strcmp(class->fields[layout->by_name[j - 1]].name, class->fields[i].name) < 0)
                break;
            layout->by_name[j] = layout->by_name[j - 1];
        }
        layout->by_name[j] = (uint16_t)i;
    }
}

static void
make_layout(struct facts *facts, struct layout *layout, const struct class *class)
{
    const struct ruleset *rules = facts->opt.rules;
    const size_t n = rules->n_by_class[class->index];
    size_t nodes = 0;

    for (size_t i = 0; i < n; i++)
        nodes += count_of_rule(rules->by_class[class->index][i]);
    CHECK(nodes < UINT16_MAX && class->n_fields <= CLASS_MAX_FIELDS);
    layout->class = class;
    layout->plans = ARENA_ARRAY(&facts->plans, n, struct plan);
    layout->n_plans = n;
    layout->counts = ARENA_ARRAY(&facts->plans, nodes, struct count_slot);
    layout->windows = ARENA_ARRAY(&facts->plans, nodes, struct window_slot);
    layout->absents = ARENA_ARRAY(&facts->plans, nodes + 1, struct span);
    layout->by_name = ARENA_ARRAY(&facts->plans, class->n_fields, uint16_t);
    for (size_t i = 0; i < class->n_fields; i++)
        bit_put(layout->sticky, i, class->fields[i].edge);
    for (size_t i = 0; i < n; i++)
        make_plan(facts, layout, &layout->plans[i], rules->by_class[class->index][i]);
    for (size_t i = 0; i < FIELD_WORDS; i++)
        layout->timed[i] &= ~layout->sticky[i];
    sort_names(layout);
}

void
layouts_make(struct facts *facts)
{
    const struct class_table *classes = facts->opt.classes;

    arena_init(&facts->plans);
    facts->layouts = ARENA_ARRAY(&facts->plans, classes->len, struct layout);
    facts->n_layouts = classes->len;
    for (size_t i = 0; i < classes->len; i++) {
        CHECK(classes->at[i].index == i);
        make_layout(facts, &facts->layouts[i], &classes->at[i]);
    }
}
