#include "alerting/rules/rules.h"

#include "alerting/rules/expr.h"
#include "base/digest.h"

#include <stdlib.h>

const char *const per_names[] = {"device", "zone", "building", "compound", "gateway"};

/* Limit of a rule's canonical text: its expressions can be printed several times over. */
#define RULE_TEXT_BYTES ((size_t)256 * 1024)

bool
expr_compile_words(struct arena *arena, struct view text, const struct class *class, enum per per,
    const struct expr **out, struct expr_mistake *mistake)
{
    struct expr *expr;

    if (!expr_parse(arena, arena_copy(arena, text), &expr, mistake) ||
        !expr_check(arena, expr, class, per, mistake))
        return false;
    *out = expr;
    return true;
}

bool
expr_compile(struct arena *arena, struct view text, const struct class *class, enum per per,
    const struct expr **out, int *column, struct err *err)
{
    struct expr_mistake mistake = {0};

    if (expr_compile_words(arena, text, class, per, out, &mistake))
        return true;
    *column = mistake.column;
    *err = mistake.err;
    return false;
}

static void
collect_fields(const struct expr *expr, uint64_t bits[CLASS_MAX_FIELDS / 64])
{
    if (expr == NULL)
        return;
    if (expr->kind == EXPR_FIELD)
        bits[expr->field / 64] |= UINT64_C(1) << (expr->field % 64);
    collect_fields(expr->left, bits);
    collect_fields(expr->right, bits);
}

void
expr_fields(const struct expr *expr, uint64_t bits[CLASS_MAX_FIELDS / 64])
{
    memset(bits, 0, CLASS_MAX_FIELDS / 8);
    collect_fields(expr, bits);
}

static bool
has_absent(const struct expr *expr)
{
    return expr != NULL &&
           (expr->kind == EXPR_ABSENT || has_absent(expr->left) || has_absent(expr->right));
}

bool
rule_is_silence(const struct rule *rule)
{
    uint64_t bits[CLASS_MAX_FIELDS / 64], all = 0;

    expr_fields(rule->stages[0].when, bits);
    for (size_t i = 0; i < ARRAY_LEN(bits); i++)
        all |= bits[i];
    return all == 0 && has_absent(rule->stages[0].when);
}

const struct rule *
rule_find(const struct ruleset *set, struct view id)
{
    size_t low = 0, high = set->len;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int cmp = view_cmp(view_of(set->at[middle].id), id);

        if (cmp == 0)
            return &set->at[middle];
        if (cmp < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void
print_span(const char *key, struct span span, struct buf *out)
{
    char text[SPAN_TEXT_BYTES];

    if (span.us != 0)
        buf_printf(out, "%s: %s\n", key, span_text(span, text));
}

static void
print_expr(const char *key, const struct expr *expr, struct buf *out)
{
    if (expr == NULL)
        return;
    buf_printf(out, "%s: ", key);
    expr_print(expr, out);
    buf_char(out, '\n');
}

void
rule_print(const struct rule *rule, struct buf *out)
{
    buf_printf(
        out, "rule: %s\nclass: %s\nper: %s\n", rule->id, rule->class->name, per_names[rule->per]);
    for (size_t i = 0; i < rule->n_stages; i++) {
        const struct stage *stage = &rule->stages[i];

        buf_printf(out, "stage: %s\nseverity: %s\n", stage->name, severity_names[stage->severity]);
        if (stage->policy[0] != '\0')
            buf_printf(out, "policy: %s\n", stage->policy);
        print_expr("when", stage->when, out);
        print_expr("clear", stage->clear, out);
        print_span("after", stage->after, out);
    }
    print_span("for", rule->for_, out);
    print_span("clear_for", rule->clear_for, out);
    print_span("hold", rule->hold, out);
    for (size_t i = 0; i < rule->n_inhibited_by; i++)
        buf_printf(out, "inhibited_by: %s\n", rule->inhibited_by[i]);
    buf_printf(out, "latch: %s\n", rule->latch ? "true" : "false");
    for (size_t i = 0; i < rule->n_dispatch; i++)
        buf_printf(out, "dispatch: %s\n", rule->dispatch[i]);
}

uint64_t
rule_identity(const struct rule *rule)
{
    struct buf text;

    buf_init(&text, RULE_TEXT_BYTES);
    rule_print(rule, &text);
    CHECK(!text.full);
    const uint64_t identity = digest_key(buf_view(&text));

    buf_fini(&text);
    return identity;
}

static int
compare_ids(const void *a, const void *b)
{
    return strcmp(((const struct rule *)a)->id, ((const struct rule *)b)->id);
}

static bool
any_red(const struct rule *rule)
{
    for (size_t i = 0; i < rule->n_stages; i++) {
        if (rule->stages[i].severity == SEVERITY_RED)
            return true;
    }
    return false;
}

static bool
any_names(const struct rule *rules, size_t n, const char *id)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < rules[i].n_inhibited_by; k++) {
            if (strcmp(rules[i].inhibited_by[k], id) == 0)
                return true;
        }
    }
    return false;
}

struct ruleset
ruleset_make(
    struct arena *arena, const struct rule *rules, size_t n, const struct class_table *classes)
{
    struct rule *at = ARENA_ARRAY(arena, n, struct rule);
    const struct rule ***by_class = ARENA_ARRAY(arena, classes->len, const struct rule **);
    size_t *n_by_class = ARENA_ARRAY(arena, classes->len, size_t);

    if (n > 0) {
        memcpy(at, rules, n * sizeof(*at));
        qsort(at, n, sizeof(*at), compare_ids);
    }
    for (size_t c = 0; c < classes->len; c++)
        by_class[c] = ARENA_ARRAY(arena, n, const struct rule *);
    for (size_t i = 0; i < n; i++) {
        const size_t c = at[i].class->index;

        CHECK(c < classes->len && &classes->at[c] == at[i].class);
        CHECK(at[i].n_stages >= 1 && at[i].n_stages <= RULE_MAX_STAGES);
        CHECK(i == 0 || strcmp(at[i - 1].id, at[i].id) != 0);
        at[i].red = any_red(&at[i]);
        at[i].inhibits = any_names(at, n, at[i].id);
        at[i].identity = rule_identity(&at[i]);
        by_class[c][n_by_class[c]++] = &at[i];
    }
    return (struct ruleset){.at = at,
        .len = n,
        .by_class = (const struct rule *const *const *)by_class,
        .n_by_class = n_by_class};
}
