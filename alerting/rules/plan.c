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

struct walk { /* over one rule: what it uses */
    struct facts *facts;
    struct layout *layout;
    struct count_use *uses;
    struct span *absents;
    size_t n_uses, n_absents;
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

static void
add_count(struct walk *walk, const struct expr *node)
{
    struct layout *layout = walk->layout;
    struct buf text;
    size_t slot = 0;

    buf_init(&text, (size_t)EXPR_MAX_BYTES * 16);
    expr_print(node, &text);
    while (slot < layout->n_counts && !view_eq(layout->counts[slot].text, buf_view(&text)))
        slot++;
    if (slot == layout->n_counts) {
        struct count_slot *made = &layout->counts[layout->n_counts++];

        made->node = node;
        made->text = arena_copy(&walk->facts->plans, buf_view(&text));
        expr_fields(node, made->fields);
        made->fieldless = no_fields(made->fields);
    }
    walk->uses[walk->n_uses++] = (struct count_use){node, (uint16_t)slot};
    buf_fini(&text);
}

/* absent() and count() nodes; with a layout they are entered, else only counted. */
static size_t
visit(struct walk *walk, const struct expr *expr)
{
    size_t n = 0;

    if (expr == NULL)
        return 0;
    if (expr->kind == EXPR_ABSENT || expr->kind == EXPR_COUNT) {
        n = 1;
        if (walk != NULL && expr->kind == EXPR_ABSENT) {
            add_absent(walk->layout, expr->span);
            walk->absents[walk->n_absents++] = expr->span;
        } else if (walk != NULL) {
            add_count(walk, expr);
        }
    }
    return n + visit(walk, expr->left) + visit(walk, expr->right);
}

static size_t
visit_rule(struct walk *walk, const struct rule *rule)
{
    size_t n = 0;

    for (size_t i = 0; i < rule->n_stages; i++)
        n += visit(walk, rule->stages[i].when) + visit(walk, rule->stages[i].clear);
    return n;
}

static void
make_plan(struct walk *walk, struct plan *plan, const struct rule *rule)
{
    uint64_t bits[FIELD_WORDS];
    const size_t n = visit_rule(NULL, rule);
    struct layout *layout = walk->layout;

    plan->rule = rule;
    for (size_t i = 0; i < rule->n_stages; i++) {
        expr_fields(rule->stages[i].when, bits);
        add_fields(plan->fields, bits);
        if (rule->stages[i].clear != NULL) {
            expr_fields(rule->stages[i].clear, bits);
            add_fields(plan->fields, bits);
        }
    }
    plan->fieldless = no_fields(plan->fields);
    walk->uses = ARENA_ARRAY(&walk->facts->plans, n, struct count_use);
    walk->absents = ARENA_ARRAY(&walk->facts->plans, n, struct span);
    walk->n_uses = walk->n_absents = 0;
    (void)visit_rule(walk, rule);
    plan->counts = walk->uses;
    plan->n_counts = walk->n_uses;
    plan->absents = walk->absents;
    plan->n_absents = walk->n_absents;
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
    struct walk walk = {.facts = facts, .layout = layout};
    size_t nodes = 0;

    for (size_t i = 0; i < n; i++)
        nodes += visit_rule(NULL, rules->by_class[class->index][i]);
    CHECK(nodes < UINT16_MAX && class->n_fields <= CLASS_MAX_FIELDS);
    layout->class = class;
    layout->plans = ARENA_ARRAY(&facts->plans, n, struct plan);
    layout->n_plans = n;
    layout->counts = ARENA_ARRAY(&facts->plans, nodes, struct count_slot);
    layout->absents = ARENA_ARRAY(&facts->plans, nodes + 1, struct span);
    layout->by_name = ARENA_ARRAY(&facts->plans, class->n_fields, uint16_t);
    for (size_t i = 0; i < class->n_fields; i++)
        bit_put(layout->sticky, i, class->fields[i].edge);
    for (size_t i = 0; i < n; i++)
        make_plan(&walk, &layout->plans[i], rules->by_class[class->index][i]);
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
