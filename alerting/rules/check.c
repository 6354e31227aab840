/* Type and unit check of a parsed expression, from the leaves up; resolves words on the way. */
#include "alerting/rules/expr.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

struct checker {
    struct arena *arena;
    const struct class *class;
    enum per per;
    int *column;
    struct err *err;
};

static bool check(struct checker *checker, struct expr *expr);

static bool fail(struct checker *checker, const struct expr *expr, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static bool
fail(struct checker *checker, const struct expr *expr, const char *fmt, ...)
{
    char text[ERR_TEXT_BYTES];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    *checker->column = expr->column;
    return err_set(checker->err, ERR_CONFIG, "%s", text);
}

/* "a, b, c", cut with "..." where it gets long. */
static void
list_words(const char *const *words, size_t n, char *out, size_t size)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < n && len + 4 < size; i++) {
        const char *comma = i > 0 ? ", " : "";
        const int more = snprintf(out + len, size - len - 4, "%s%s", comma, words[i]);

        if (more < 0 || (size_t)more >= size - len - 4) {
            memcpy(out + len, "...", 4);
            return;
        }
        len += (size_t)more;
    }
}

static bool
fail_unknown(struct checker *checker, const struct expr *expr, const char *what,
    const char *const *words, size_t n)
{
    char list[300], quote[EXPR_QUOTE_BYTES];
    const char *near = suggest(expr->text, words, n);

    list_words(words, n, list, sizeof(list));
    return fail(checker, expr, "'%s' is not %s, allowed are %s%s%s%s", expr_quote(expr, quote),
        what, list, near != NULL ? "\nhint: did you mean '" : "", near != NULL ? near : "",
        near != NULL ? "'?" : "");
}

static bool
fail_unknown_field(struct checker *checker, const struct expr *expr)
{
    const char *names[CLASS_MAX_FIELDS];
    char what[128];
    size_t n = 0;

    for (; n < checker->class->n_fields && n < CLASS_MAX_FIELDS; n++)
        names[n] = checker->class->fields[n].name;
    (void)snprintf(what, sizeof(what), "a field of class '%s'", checker->class->name);
    return fail_unknown(checker, expr, what, names, n);
}

static bool
fail_unknown_code(struct checker *checker, const struct expr *expr, const struct field *field)
{
    char what[128];
    const char **names = ARENA_ARRAY(checker->arena, field->n_codes, const char *);

    for (size_t i = 0; i < field->n_codes; i++)
        names[i] = field->codes[i].name;
    (void)snprintf(what, sizeof(what), "a code of '%s'", field->name);
    return fail_unknown(checker, expr, what, names, field->n_codes);
}

/* "a number in °C", for messages. */
static const char *
describe(const struct expr *expr, char *out, size_t size)
{
    static const char *const plain[] = {
        [TYPE_CONDITION] = "a condition",
        [TYPE_NUMBER] = "a number",
        [TYPE_TEXT] = "a text",
        [TYPE_CODE] = "a code",
        [TYPE_NAME] = "a word",
    };
    const bool unit = expr->type == TYPE_NUMBER && expr->measure->dimension[0] != '\0';

    (void)snprintf(out, size, "%s%s%s%s%s", plain[expr->type], unit ? " of " : "",
        unit ? expr->measure->dimension : "", unit ? " in " : "", unit ? expr->measure->name : "");
    return out;
}

static bool
check_name(struct checker *checker, struct expr *expr)
{
    static const enum expr_type types[] = {
        [FIELD_BOOL] = TYPE_CONDITION,
        [FIELD_INT] = TYPE_NUMBER,
        [FIELD_REAL] = TYPE_NUMBER,
        [FIELD_CODE] = TYPE_CODE,
        [FIELD_TEXT] = TYPE_TEXT,
    };
    const int field = field_find(checker->class, expr->text);

    expr->type = TYPE_NAME;
    if (field < 0)
        return true; /* it may be a code of what it is compared with */
    expr->kind = EXPR_FIELD;
    expr->field = (uint16_t)field;
    expr->about = &checker->class->fields[field];
    expr->type = types[expr->about->type];
    expr->measure = expr->about->measure;
    return true;
}

/* The other side is the code field `about`: a word, even one that is also a field, is a code. */
static bool
resolve_code(struct checker *checker, struct expr *expr, const struct field *about)
{
    char quote[EXPR_QUOTE_BYTES], what[96];
    const struct field_code *code;

    if (expr->kind != EXPR_NAME && expr->kind != EXPR_FIELD) {
        return fail(checker, expr,
            "'%s' is %s, but '%s' is compared with the name of one of its codes",
            expr_quote(expr, quote), describe(expr, what, sizeof(what)), about->name);
    }
    code = field_code_by_name(about, expr->text);
    if (code == NULL)
        return fail_unknown_code(checker, expr, about);
    expr->kind = EXPR_CODE;
    expr->type = TYPE_CODE;
    expr->text = view_of(code->name);
    expr->value = code->number;
    return true;
}

static bool
need(struct checker *checker, const struct expr *expr, enum expr_type type, const char *what)
{
    char quote[EXPR_QUOTE_BYTES], is[96];
    const char *hint = "";

    if (expr->type == type)
        return true;
    if (expr->type == TYPE_NAME)
        return fail_unknown_field(checker, expr);
    if (type == TYPE_CONDITION && expr->type == TYPE_NUMBER)
        hint = "\nhint: compare it with a number, for example with '>'.";
    else if (type == TYPE_CONDITION && (expr->type == TYPE_CODE || expr->type == TYPE_TEXT))
        hint = "\nhint: compare it with '==' or '!='.";
    return fail(checker, expr, "'%s' is %s, needed is %s%s", expr_quote(expr, quote),
        describe(expr, is, sizeof(is)), what, hint);
}

static bool
fail_units(struct checker *checker, const struct expr *wrong, const struct expr *other)
{
    char wrong_quote[EXPR_QUOTE_BYTES], other_quote[EXPR_QUOTE_BYTES], wrong_is[96], other_is[96];
    char hint[160] = "";

    if (wrong->kind == EXPR_NUMBER && wrong->measure->dimension[0] == '\0') {
        (void)snprintf(hint, sizeof(hint), "\nhint: write '%s%s'.", expr_quote(wrong, wrong_quote),
            other->measure->name);
    }
    return fail(checker, wrong, "'%s' is %s, but '%s' is %s%s", expr_quote(wrong, wrong_quote),
        describe(wrong, wrong_is, sizeof(wrong_is)), expr_quote(other, other_quote),
        describe(other, other_is, sizeof(other_is)), hint);
}

/* A difference of two temperatures is converted by the size of the degree alone. */
static double
convert(double value, const struct measure *from, const struct measure *to, bool scale)
{
    return scale ? value * from->factor / to->factor : measure_convert(value, from, to);
}

/* Brings both sides of a comparison, + or - to one measure: a written number is converted here,
 * else the right side when it is evaluated. */
static bool
join_units(struct checker *checker, struct expr *expr, bool scale)
{
    struct expr *left = expr->left, *right = expr->right;

    expr->scale = scale;
    if (!view_is(view_of(left->measure->dimension), right->measure->dimension)) {
        /* the mistake is rather in what was written as a number */
        if (left->kind == EXPR_NUMBER && right->kind != EXPR_NUMBER)
            return fail_units(checker, left, right);
        return fail_units(checker, right, left);
    }
    if (left->kind == EXPR_NUMBER && right->kind != EXPR_NUMBER) {
        left->value = convert(left->number, left->measure, right->measure, scale);
        return true;
    }
    if (right->kind == EXPR_NUMBER)
        right->value = convert(right->number, right->measure, left->measure, scale);
    else if (right->measure != left->measure)
        expr->from = right->measure;
    return true;
}

/* In what a side of an operator is evaluated: a written number takes the other side's measure. */
static const struct measure *
joint_measure(const struct expr *expr)
{
    const bool lone = expr->left->kind == EXPR_NUMBER && expr->right->kind != EXPR_NUMBER;

    return lone ? expr->right->measure : expr->left->measure;
}

static bool
check_equality(struct checker *checker, struct expr *expr)
{
    struct expr *left = expr->left, *right = expr->right;
    char left_quote[EXPR_QUOTE_BYTES], right_quote[EXPR_QUOTE_BYTES], left_is[96], right_is[96];

    if (left->type == TYPE_CODE && left->kind == EXPR_FIELD)
        return resolve_code(checker, right, left->about);
    if (right->type == TYPE_CODE && right->kind == EXPR_FIELD)
        return resolve_code(checker, left, right->about);
    if (left->type == TYPE_NAME)
        return fail_unknown_field(checker, left);
    if (right->type == TYPE_NAME && left->type == TYPE_TEXT) {
        return fail(checker, right, "'%s' is a word, but '%s' is a text\nhint: write '\"%s\"'.",
            expr_quote(right, right_quote), expr_quote(left, left_quote), right_quote);
    }
    if (right->type == TYPE_NAME)
        return fail_unknown_field(checker, right);
    if (left->type == right->type)
        return true;
    return fail(checker, right, "'%s' is %s, but '%s' is %s", expr_quote(right, right_quote),
        describe(right, right_is, sizeof(right_is)), expr_quote(left, left_quote),
        describe(left, left_is, sizeof(left_is)));
}

static bool
check_compare(struct checker *checker, struct expr *expr)
{
    const bool equality = expr->kind == EXPR_EQ || expr->kind == EXPR_NE;
    char quote[EXPR_QUOTE_BYTES], is[96];

    if (equality && !check_equality(checker, expr))
        return false;
    expr->type = TYPE_CONDITION;
    for (int side = 0; !equality && side < 2; side++) {
        const struct expr *operand = side == 0 ? expr->left : expr->right;

        if (operand->type == TYPE_NAME)
            return fail_unknown_field(checker, operand);
        if (operand->type != TYPE_NUMBER) {
            return fail(checker, expr,
                "'%s' needs numbers, but '%s' is %s, allowed are == and !=", expr_word(expr->kind),
                expr_quote(operand, quote), describe(operand, is, sizeof(is)));
        }
    }
    if (expr->left->type != TYPE_NUMBER)
        return true;
    return join_units(checker, expr, expr->left->difference || expr->right->difference);
}

/* t - u of two temperatures is a difference; t - 5°C, t + (u - v) are temperatures. */
static bool
check_sum(struct checker *checker, struct expr *expr)
{
    const struct expr *left = expr->left, *right = expr->right;
    const bool right_is_step = right->kind == EXPR_NUMBER || right->difference;
    const bool left_is_step = left->kind == EXPR_NUMBER || left->difference;
    const bool apart = expr->kind == EXPR_SUB && !right_is_step && !left_is_step;

    if (!need(checker, left, TYPE_NUMBER, "a number") ||
        !need(checker, right, TYPE_NUMBER, "a number") || !join_units(checker, expr, !apart)) {
        return false;
    }
    expr->type = TYPE_NUMBER;
    expr->measure = joint_measure(expr);
    expr->difference =
        apart || (left_is_step && right_is_step && (left->difference || right->difference));
    return true;
}

static bool
check_product(struct checker *checker, struct expr *expr)
{
    const struct expr *left = expr->left, *right = expr->right;
    char left_quote[EXPR_QUOTE_BYTES], right_quote[EXPR_QUOTE_BYTES];

    if (!need(checker, left, TYPE_NUMBER, "a number") ||
        !need(checker, right, TYPE_NUMBER, "a number")) {
        return false;
    }
    const bool left_bare = left->measure->dimension[0] == '\0';
    const bool right_bare = right->measure->dimension[0] == '\0';

    expr->type = TYPE_NUMBER;
    if (right_bare || (left_bare && expr->kind == EXPR_MUL)) {
        const struct expr *kept = right_bare ? left : right;

        expr->measure = kept->measure;
        expr->difference = kept->difference;
        return true;
    }
    if (expr->kind == EXPR_DIV &&
        view_is(view_of(left->measure->dimension), right->measure->dimension)) {
        expr->measure = measure_find(view_of(""));
        return join_units(checker, expr, left->difference || right->difference);
    }
    return fail(checker, expr,
        "'%s' %s '%s' has no unit that is known here, allowed are a number without a unit on one "
        "side, or a quotient of two numbers of one dimension",
        expr_quote(left, left_quote), expr_word(expr->kind), expr_quote(right, right_quote));
}

static bool
check_count(struct checker *checker, struct expr *expr)
{
    if (!need(checker, expr->left, TYPE_CONDITION, "a condition"))
        return false;
    if (expr->per != checker->per) {
        return fail(checker, expr,
            "count(..., same %s, ...) in a rule that is per: %s, needed is per: %s",
            per_names[expr->per], per_names[checker->per], per_names[expr->per]);
    }
    expr->type = TYPE_NUMBER;
    expr->measure = measure_find(view_of(""));
    return true;
}

/* The first function in it that outer may not hold; NULL: none. */
static const struct expr *
find_nested(const struct expr *outer, const struct expr *expr)
{
    const struct expr *found;

    if (expr == NULL)
        return NULL;
    if (outer->kind == EXPR_COUNT ? expr->kind == EXPR_COUNT : expr->kind >= EXPR_ABSENT)
        return expr;
    found = find_nested(outer, expr->left);
    return found != NULL ? found : find_nested(outer, expr->right);
}

static bool
check_nesting(struct checker *checker, const struct expr *expr)
{
    const struct expr *nested = find_nested(expr, expr->left);

    return nested == NULL || fail(checker, nested, "%s() cannot stand in %s()",
                                 expr_word(nested->kind), expr_word(expr->kind));
}

static bool
has_field(const struct expr *expr)
{
    return expr != NULL &&
           (expr->kind == EXPR_FIELD || has_field(expr->left) || has_field(expr->right));
}

static bool
check_rate(struct checker *checker, struct expr *expr)
{
    expr->measure = measure_rate(expr->left->measure);
    return expr->measure != NULL ||
           fail(checker, expr, "there is no unit for how fast %s changes\nhint: use delta().",
               expr->left->measure->dimension);
}

/* What looks back: a number, a condition or a field of any type. */
static bool
check_window(struct checker *checker, struct expr *expr)
{
    char quote[EXPR_QUOTE_BYTES];
    const struct expr *about = expr->left;
    const bool run = expr->kind == EXPR_STUCK || expr->kind == EXPR_CHANGED;

    if (about->type == TYPE_NAME)
        return fail_unknown_field(checker, about);
    if (!run && expr->kind != EXPR_TIMES && !need(checker, about, TYPE_NUMBER, "a number"))
        return false;
    if (expr->kind == EXPR_TIMES && !need(checker, about, TYPE_CONDITION, "a condition"))
        return false;
    if (!has_field(about)) {
        return fail(checker, about, "'%s' never changes, %s() needs a field",
            expr_quote(about, quote), expr_word(expr->kind));
    }
    expr->type = run ? TYPE_CONDITION : TYPE_NUMBER;
    expr->measure = expr->kind == EXPR_TIMES ? measure_find(view_of("")) : about->measure;
    expr->difference = expr->kind == EXPR_DELTA || (expr->kind != EXPR_RATE && about->difference);
    return expr->kind != EXPR_RATE || check_rate(checker, expr);
}

static bool
check_operator(struct checker *checker, struct expr *expr)
{
    if (expr_is_window(expr))
        return check_window(checker, expr);
    if (expr->kind == EXPR_COUNT)
        return check_count(checker, expr);
    if (expr->kind >= EXPR_EQ && expr->kind <= EXPR_GE)
        return check_compare(checker, expr);
    if (expr->kind == EXPR_ADD || expr->kind == EXPR_SUB)
        return check_sum(checker, expr);
    if (expr->kind == EXPR_MUL || expr->kind == EXPR_DIV)
        return check_product(checker, expr);
    if (expr->kind == EXPR_NEG) {
        if (!need(checker, expr->left, TYPE_NUMBER, "a number"))
            return false;
        expr->type = TYPE_NUMBER;
        expr->measure = expr->left->measure;
        expr->difference = expr->left->difference;
        return true;
    }
    /* and, or, not */
    expr->type = TYPE_CONDITION;
    return need(checker, expr->left, TYPE_CONDITION, "a condition") &&
           (expr->right == NULL || need(checker, expr->right, TYPE_CONDITION, "a condition"));
}

static bool
check(struct checker *checker, struct expr *expr)
{
    if (expr->kind == EXPR_NAME)
        return check_name(checker, expr);
    if (expr->kind == EXPR_ABSENT && expr->span.us < 0 && checker->class->interval.us <= 0) {
        return fail(checker, expr, "class '%s' has no interval to count in", checker->class->name);
    }
    if (expr->kind == EXPR_TRUTH || expr->kind == EXPR_ABSENT) {
        expr->type = TYPE_CONDITION;
        return true;
    }
    if (expr->kind == EXPR_NUMBER) {
        expr->type = TYPE_NUMBER;
        expr->value = expr->number;
        return true;
    }
    if (expr->kind == EXPR_TEXT) {
        expr->type = TYPE_TEXT;
        return true;
    }
    if ((expr->kind == EXPR_COUNT || expr_is_window(expr)) && !check_nesting(checker, expr))
        return false;
    return check(checker, expr->left) && (expr->right == NULL || check(checker, expr->right)) &&
           check_operator(checker, expr);
}

bool
expr_check(struct arena *arena, struct expr *expr, const struct class *class, enum per per,
    int *column, struct err *err)
{
    struct checker checker = {.arena = arena, .class = class, .per = per, .err = err};

    checker.column = column;
    return check(&checker, expr) && need(&checker, expr, TYPE_CONDITION, "a condition");
}
