/*
 * Three-valued evaluation (Kleene): what is unknown makes unknown what depends on it, and nothing
 * else. Numbers that are not finite (a division by zero) are unknown too.
 */
#include "alerting/rules/expr.h"
#include "base/map.h"

#include <math.h>

static bool number_of(const struct expr *expr, const struct world *world, double *out);
static bool range_of(const struct expr *expr, const struct world *world, struct tally_range *out);

static double
join_right(const struct expr *expr, double right)
{
    if (expr->from == NULL)
        return right;
    return expr->scale ? right * expr->from->factor / expr->left->measure->factor
                       : measure_convert(right, expr->from, expr->left->measure);
}

static bool
calculate(const struct expr *expr, const struct world *world, double *out)
{
    double left = 0, right = 0;

    if (!number_of(expr->left, world, &left) || !number_of(expr->right, world, &right))
        return false;
    right = join_right(expr, right);
    if (expr->kind == EXPR_ADD)
        *out = left + right;
    else if (expr->kind == EXPR_SUB)
        *out = left - right;
    else if (expr->kind == EXPR_MUL)
        *out = left * right;
    else
        *out = left / right;
    return isfinite(*out);
}

/* False: unknown. */
static bool
number_of(const struct expr *expr, const struct world *world, double *out)
{
    struct view text;
    struct tally_range range;

    switch (expr->kind) {
    case EXPR_NUMBER:
    case EXPR_CODE:
        *out = expr->value;
        return true;
    case EXPR_FIELD:
        return world->value(world, expr->field, out, &text);
    case EXPR_NEG:
        if (!number_of(expr->left, world, out))
            return false;
        *out = -*out;
        return true;
    case EXPR_COUNT:
    case EXPR_RATE:
    case EXPR_DELTA:
    case EXPR_AVG:
    case EXPR_MIN:
    case EXPR_MAX:
    case EXPR_TIMES:
        if (!range_of(expr, world, &range))
            return false;
        *out = range.lo;
        return range.lo == range.hi;
    case EXPR_ADD:
    case EXPR_SUB:
    case EXPR_MUL:
    case EXPR_DIV:
        return calculate(expr, world, out);
    case EXPR_TRUTH:
    case EXPR_TEXT:
    case EXPR_NAME:
    case EXPR_OR:
    case EXPR_AND:
    case EXPR_NOT:
    case EXPR_EQ:
    case EXPR_NE:
    case EXPR_LT:
    case EXPR_LE:
    case EXPR_GT:
    case EXPR_GE:
    case EXPR_ABSENT:
    case EXPR_STUCK:
    case EXPR_CHANGED:
        break;
    }
    CHECK(false);
    return false;
}

static bool
holds(enum expr_kind kind, double left, double right)
{
    switch ((int)kind) {
    case EXPR_EQ:
        return left == right;
    case EXPR_NE:
        return left != right;
    case EXPR_LT:
        return left < right;
    case EXPR_LE:
        return left <= right;
    case EXPR_GT:
        return left > right;
    default:
        return left >= right;
    }
}

/* A number, or for a count(), min() and max() the range in which it lies. */
static bool
range_of(const struct expr *expr, const struct world *world, struct tally_range *out)
{
    if (expr->kind == EXPR_COUNT) {
        *out = world->count(world, expr);
        return true;
    }
    if (expr_is_window(expr))
        return world->window(world, expr, out);
    if (!number_of(expr, world, &out->lo))
        return false;
    out->hi = out->lo;
    return true;
}

static enum truth
compare_numbers(const struct expr *expr, const struct world *world)
{
    struct tally_range left, right;

    if (!range_of(expr->left, world, &left) || !range_of(expr->right, world, &right))
        return TRUTH_UNKNOWN;
    right = (struct tally_range){join_right(expr, right.lo), join_right(expr, right.hi)};
    if (left.lo == left.hi && right.lo == right.hi)
        return truth_of(holds(expr->kind, left.lo, right.lo));
    if (expr->kind == EXPR_EQ || expr->kind == EXPR_NE) {
        /* ranges that do not meet are different for sure */
        if (left.hi < right.lo || right.hi < left.lo)
            return truth_of(expr->kind == EXPR_NE);
        return TRUTH_UNKNOWN;
    }
    const bool low = holds(expr->kind, left.lo, right.hi);

    return low == holds(expr->kind, left.hi, right.lo) ? truth_of(low) : TRUTH_UNKNOWN;
}

static enum truth
compare_texts(const struct expr *expr, const struct world *world)
{
    struct view text[2];

    for (int side = 0; side < 2; side++) {
        const struct expr *operand = side == 0 ? expr->left : expr->right;
        double number;

        text[side] = operand->text;
        if (operand->kind == EXPR_FIELD &&
            !world->value(world, operand->field, &number, &text[side])) {
            return TRUTH_UNKNOWN;
        }
    }
    return truth_of(view_eq(text[0], text[1]) == (expr->kind == EXPR_EQ));
}

static enum truth
compare(const struct expr *expr, const struct world *world)
{
    enum truth left, right;

    if (expr->left->type == TYPE_TEXT)
        return compare_texts(expr, world);
    if (expr->left->type != TYPE_CONDITION)
        return compare_numbers(expr, world);
    left = expr_truth(expr->left, world);
    right = expr_truth(expr->right, world);
    if (left == TRUTH_UNKNOWN || right == TRUTH_UNKNOWN)
        return TRUTH_UNKNOWN;
    return truth_of((left == right) == (expr->kind == EXPR_EQ));
}

enum truth
expr_truth(const struct expr *expr, const struct world *world)
{
    double number = 0;
    struct view text;
    struct tally_range range;

    switch (expr->kind) {
    case EXPR_TRUTH:
        return truth_of(expr->number != 0);
    case EXPR_FIELD:
        if (!world->value(world, expr->field, &number, &text))
            return TRUTH_UNKNOWN;
        return truth_of(number != 0);
    case EXPR_OR:
        return truth_or(expr_truth(expr->left, world), expr_truth(expr->right, world));
    case EXPR_AND:
        return truth_and(expr_truth(expr->left, world), expr_truth(expr->right, world));
    case EXPR_NOT:
        return truth_not(expr_truth(expr->left, world));
    case EXPR_ABSENT:
        return truth_of(world->absent(world, expr->span));
    case EXPR_STUCK:
    case EXPR_CHANGED:
        return world->window(world, expr, &range) ? truth_of(range.lo != 0) : TRUTH_UNKNOWN;
    case EXPR_EQ:
    case EXPR_NE:
    case EXPR_LT:
    case EXPR_LE:
    case EXPR_GT:
    case EXPR_GE:
        return compare(expr, world);
    case EXPR_NUMBER:
    case EXPR_TEXT:
    case EXPR_CODE:
    case EXPR_NAME:
    case EXPR_ADD:
    case EXPR_SUB:
    case EXPR_MUL:
    case EXPR_DIV:
    case EXPR_NEG:
    case EXPR_COUNT:
    case EXPR_RATE:
    case EXPR_DELTA:
    case EXPR_AVG:
    case EXPR_MIN:
    case EXPR_MAX:
    case EXPR_TIMES:
        break;
    }
    CHECK(false);
    return TRUTH_UNKNOWN;
}

/* Texts are only told apart: equal ones give equal numbers. */
bool
expr_point(const struct expr *expr, const struct world *world, double *out)
{
    struct view text = {"", 0};
    enum truth truth;

    if (expr->type == TYPE_NUMBER)
        return number_of(expr, world, out);
    if (expr->type == TYPE_CONDITION) {
        truth = expr_truth(expr, world);
        *out = truth == TRUTH_TRUE;
        return truth != TRUTH_UNKNOWN;
    }
    if (!world->value(world, expr->field, out, &text))
        return false;
    if (expr->type == TYPE_TEXT)
        *out = (double)(hash_bytes(text) >> 11);
    return true;
}
