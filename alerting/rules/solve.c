/*
 * Can a condition ever hold? Tried with the values that matter: each code, true and false, and for
 * each number that a field is compared with itself and what lies just beside it, as far as the
 * field's range allows. Conditions that look back, calculate or compare fields are not decided.
 */
#include "alerting/rules/expr.h"

#include <math.h>

#define MAX_VARIABLES 12
#define MAX_VALUES 48
#define MAX_TRIES 20000

struct variable {
    const struct field *field;
    uint16_t index;
    double values[MAX_VALUES];
    size_t n;
    size_t at; /* the one that is tried */
};

struct solver {
    struct world world; /* first: what expressions ask is asked of the solver */
    struct variable variables[MAX_VARIABLES];
    size_t n;
};

static bool
ask_value(const struct world *world, uint16_t field, double *number, struct view *text)
{
    const struct solver *solver = (const struct solver *)world;

    (void)text;
    for (size_t i = 0; i < solver->n; i++) {
        if (solver->variables[i].index == field) {
            *number = solver->variables[i].values[solver->variables[i].at];
            return true;
        }
    }
    return false;
}

static bool
add_value(struct variable *variable, double value)
{
    const struct field *field = variable->field;

    if (!isfinite(value) || ((field->type == FIELD_INT || field->type == FIELD_REAL) &&
                                (value < field->min || value > field->max)))
        return true;
    for (size_t i = 0; i < variable->n; i++) {
        if (variable->values[i] == value)
            return true;
    }
    if (variable->n == MAX_VALUES)
        return false;
    variable->values[variable->n++] = value;
    return true;
}

/* NULL: too many of them. */
static struct variable *
variable_of(struct solver *solver, const struct expr *field)
{
    struct variable *variable = solver->variables;
    bool room = true;

    for (; variable < solver->variables + solver->n; variable++) {
        if (variable->index == field->field)
            return variable;
    }
    if (solver->n == MAX_VARIABLES)
        return NULL;
    solver->n++;
    *variable = (struct variable){.field = field->about, .index = field->field};
    if (field->about->type == FIELD_BOOL)
        room = add_value(variable, 0) && add_value(variable, 1);
    for (size_t i = 0; i < field->about->n_codes && field->about->type == FIELD_CODE; i++)
        room = add_value(variable, field->about->codes[i].number) && room;
    if (field->about->type == FIELD_INT || field->about->type == FIELD_REAL)
        room = add_value(variable, field->about->min) && add_value(variable, field->about->max);
    return room ? variable : NULL;
}

static bool
take_threshold(struct solver *solver, const struct expr *field, const struct expr *number)
{
    struct variable *variable = variable_of(solver, field);
    const double value = number->value;
    const bool whole = field->about->type == FIELD_INT;
    const double step = whole ? 1 : 1e-6 * (1 + fabs(value));
    const double at = whole ? floor(value) : value;

    return variable != NULL && add_value(variable, at - step) && add_value(variable, at) &&
           add_value(variable, at + step);
}

static bool take(struct solver *solver, const struct expr *expr);

static bool
take_compare(struct solver *solver, const struct expr *expr)
{
    const struct expr *left = expr->left, *right = expr->right;

    if (left->type == TYPE_CONDITION)
        return take(solver, left) && take(solver, right);
    if (right->kind == EXPR_FIELD && left->kind != EXPR_FIELD) {
        left = expr->right;
        right = expr->left;
    }
    if (left->kind != EXPR_FIELD || (right->kind != EXPR_NUMBER && right->kind != EXPR_CODE))
        return false;
    return right->kind == EXPR_CODE ? variable_of(solver, left) != NULL
                                    : take_threshold(solver, left, right);
}

/* Its fields and the values to try; false: it cannot be decided so. */
static bool
take(struct solver *solver, const struct expr *expr)
{
    if (expr->kind == EXPR_TRUTH)
        return true;
    if (expr->kind == EXPR_FIELD)
        return variable_of(solver, expr) != NULL;
    if (expr->kind == EXPR_AND || expr->kind == EXPR_OR)
        return take(solver, expr->left) && take(solver, expr->right);
    if (expr->kind == EXPR_NOT)
        return take(solver, expr->left);
    return expr->kind >= EXPR_EQ && expr->kind <= EXPR_GE && take_compare(solver, expr);
}

static bool
next_try(struct solver *solver)
{
    for (size_t i = 0; i < solver->n; i++) {
        struct variable *variable = &solver->variables[i];

        if (++variable->at < variable->n)
            return true;
        variable->at = 0;
    }
    return false;
}

/* "port_temp = 61°C, doors = closed": what is tried. */
static void
print_try(const struct solver *solver, struct buf *out)
{
    for (size_t i = 0; i < solver->n; i++) {
        const struct variable *variable = &solver->variables[i];
        const struct field *field = variable->field;
        const double value = variable->values[variable->at];
        const struct field_code *code =
            field->type == FIELD_CODE ? field_code_by_number(field, value) : NULL;

        buf_printf(out, "%s%s = ", i > 0 ? ", " : "", field->name);
        if (code != NULL)
            buf_text(out, code->name);
        else if (field->type == FIELD_BOOL)
            buf_text(out, value != 0 ? "true" : "false");
        else
            buf_printf(out, "%.6g%s", value, field->measure->name);
    }
}

enum truth
expr_can_hold(const struct expr *one, const struct expr *other, struct buf *where)
{
    struct solver solver = {.world = {.value = ask_value}};
    size_t tries = 1;

    if (!take(&solver, one) || (other != NULL && !take(&solver, other)))
        return TRUTH_UNKNOWN;
    for (size_t i = 0; i < solver.n; i++) {
        if (solver.variables[i].n == 0 || tries > MAX_TRIES / solver.variables[i].n)
            return TRUTH_UNKNOWN;
        tries *= solver.variables[i].n;
    }
    do {
        if (expr_truth(one, &solver.world) != TRUTH_TRUE ||
            (other != NULL && expr_truth(other, &solver.world) != TRUTH_TRUE))
            continue;
        print_try(&solver, where);
        return TRUTH_TRUE;
    } while (next_try(&solver));
    return TRUTH_FALSE;
}

bool
expr_always_holds(const struct expr *expr)
{
    struct expr not_it = {.kind = EXPR_NOT, .type = TYPE_CONDITION};
    struct expr copy = *expr;
    struct buf where;
    enum truth can;

    not_it.left = &copy;
    buf_init(&where, 4096);
    can = expr_can_hold(&not_it, NULL, &where);
    buf_fini(&where);
    return can == TRUTH_FALSE;
}
