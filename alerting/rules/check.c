/* Type and unit check of a parsed expression, from the leaves up; resolves words on the way. */
#include "alerting/rules/expr.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

struct checker {
    struct arena *arena;
    const struct class *class;
    enum per per;
    struct expr_mistake *mistake;
};

static bool check(struct checker *checker, struct expr *expr);

static bool fail(struct checker *checker, const struct expr *expr, const char *en, const char *zh,
    ...) __attribute__((format(printf, 3, 5), format(printf, 4, 5)));

static bool
fail(struct checker *checker, const struct expr *expr, const char *en, const char *zh, ...)
{
    va_list args;

    va_start(args, zh);
    (void)mistake_set(checker->mistake, expr->column, en, zh, args);
    va_end(args);
    return false;
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
fail_unknown(struct checker *checker, const struct expr *expr, const struct words *what,
    const char *const *words, size_t n)
{
    char list[300], quote[EXPR_QUOTE_BYTES];
    const char *near = suggest(expr->text, words, n);

    list_words(words, n, list, sizeof(list));
    expr_quote(expr, quote);
    if (near == NULL) {
        return fail(checker, expr, "'%s' is not %s%.0s, allowed are %s", "'%s' 不是%.0s%s, 允许 %s",
            quote, what->en, what->zh, list);
    }
    return fail(checker, expr, "'%s' is not %s%.0s, allowed are %s\nhint: did you mean '%s'?",
        "'%s' 不是%.0s%s, 允许 %s\nhint: 是否想写 '%s'?", quote, what->en, what->zh, list, near);
}

static bool
fail_unknown_field(struct checker *checker, const struct expr *expr)
{
    const char *names[CLASS_MAX_FIELDS];
    char en[128], zh[128];
    size_t n = 0;

    for (; n < checker->class->n_fields && n < CLASS_MAX_FIELDS; n++)
        names[n] = checker->class->fields[n].name;
    (void)snprintf(en, sizeof(en), "a field of class '%s'", checker->class->name);
    (void)snprintf(zh, sizeof(zh), "设备类 '%s' 的字段", checker->class->name);
    return fail_unknown(checker, expr, &(struct words){zh, en}, names, n);
}

static bool
fail_unknown_code(struct checker *checker, const struct expr *expr, const struct field *field)
{
    char en[128], zh[128];
    const char **names = ARENA_ARRAY(checker->arena, field->n_codes, const char *);

    for (size_t i = 0; i < field->n_codes; i++)
        names[i] = field->codes[i].name;
    (void)snprintf(en, sizeof(en), "a code of '%s'", field->name);
    (void)snprintf(zh, sizeof(zh), " '%s' 的代码", field->name);
    return fail_unknown(checker, expr, &(struct words){zh, en}, names, field->n_codes);
}

static const struct words type_words[] = {
    [TYPE_CONDITION] = {"条件", "a condition"},
    [TYPE_NUMBER] = {"数", "a number"},
    [TYPE_TEXT] = {"文本", "a text"},
    [TYPE_CODE] = {"代码", "a code"},
    [TYPE_NAME] = {"单词", "a word"},
};

struct described { /* what a node is, for messages: "a number of temperature in °C" */
    char en[96], zh[96];
};

static struct described
describe(const struct expr *expr)
{
    const bool unit = expr->type == TYPE_NUMBER && expr->measure->dimension[0] != '\0';
    struct described is;

    (void)snprintf(is.en, sizeof(is.en), "%s%s%s%s%s", type_words[expr->type].en,
        unit ? " of " : "", unit ? expr->measure->dimension : "", unit ? " in " : "",
        unit ? expr->measure->name : "");
    (void)snprintf(is.zh, sizeof(is.zh), "%s%s%s%s", unit ? "以 " : "",
        unit ? expr->measure->name : "", unit ? " 计的" : "", type_words[expr->type].zh);
    return is;
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
    const struct described is = describe(expr);
    char quote[EXPR_QUOTE_BYTES];
    const struct field_code *code;

    if (expr->kind != EXPR_NAME && expr->kind != EXPR_FIELD) {
        return fail(checker, expr,
            "'%s' is %s%.0s, but '%s' is compared with the name of one of its codes",
            "'%s' 是%.0s%s, 而 '%s' 须与其代码名比较", expr_quote(expr, quote), is.en, is.zh,
            about->name);
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
need(struct checker *checker, const struct expr *expr, enum expr_type type)
{
    const struct words *what = &type_words[type];
    struct words hint = {"", ""};
    char quote[EXPR_QUOTE_BYTES];

    if (expr->type == type)
        return true;
    if (expr->type == TYPE_NAME)
        return fail_unknown_field(checker, expr);
    const struct described is = describe(expr);

    if (type == TYPE_CONDITION && expr->type == TYPE_NUMBER) {
        hint = (struct words){"\nhint: 请与一个数比较, 例如用 '>'",
            "\nhint: compare it with a number, for example with '>'."};
    } else if (type == TYPE_CONDITION && (expr->type == TYPE_CODE || expr->type == TYPE_TEXT)) {
        hint = (struct words){
            "\nhint: 请用 '==' 或 '!=' 比较", "\nhint: compare it with '==' or '!='."};
    }
    return fail(checker, expr, "'%s' is %s%.0s, needed is %s%.0s%s%.0s",
        "'%s' 是%.0s%s, 应为%.0s%s%.0s%s", expr_quote(expr, quote), is.en, is.zh, what->en,
        what->zh, hint.en, hint.zh);
}

/* "'60kg' is a number of mass in kg, but 'port_temp' is ..." */
static bool
fail_pair(struct checker *checker, const struct expr *wrong, const struct expr *other)
{
    const struct described is = describe(wrong), is_other = describe(other);
    char quote[EXPR_QUOTE_BYTES], quote_other[EXPR_QUOTE_BYTES];

    return fail(checker, wrong, "'%s' is %s%.0s, but '%s' is %s%.0s",
        "'%s' 是%.0s%s, 而 '%s' 是%.0s%s", expr_quote(wrong, quote), is.en, is.zh,
        expr_quote(other, quote_other), is_other.en, is_other.zh);
}

static bool
fail_units(struct checker *checker, const struct expr *wrong, const struct expr *other)
{
    const struct described is = describe(wrong), is_other = describe(other);
    char quote[EXPR_QUOTE_BYTES], quote_other[EXPR_QUOTE_BYTES];

    if (wrong->kind != EXPR_NUMBER || wrong->measure->dimension[0] != '\0')
        return fail_pair(checker, wrong, other);
    return fail(checker, wrong, "'%s' is %s%.0s, but '%s' is %s%.0s\nhint: write '%s%s'.",
        "'%s' 是%.0s%s, 而 '%s' 是%.0s%s\nhint: 写作 '%s%s'", expr_quote(wrong, quote), is.en,
        is.zh, expr_quote(other, quote_other), is_other.en, is_other.zh, quote,
        other->measure->name);
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
    char left_quote[EXPR_QUOTE_BYTES], right_quote[EXPR_QUOTE_BYTES];

    if (left->type == TYPE_CODE && left->kind == EXPR_FIELD)
        return resolve_code(checker, right, left->about);
    if (right->type == TYPE_CODE && right->kind == EXPR_FIELD)
        return resolve_code(checker, left, right->about);
    if (left->type == TYPE_NAME)
        return fail_unknown_field(checker, left);
    if (right->type == TYPE_NAME && left->type == TYPE_TEXT) {
        return fail(checker, right, "'%s' is a word, but '%s' is a text\nhint: write '\"%s\"'.",
            "'%s' 是单词, 而 '%s' 是文本\nhint: 写作 '\"%s\"'", expr_quote(right, right_quote),
            expr_quote(left, left_quote), right_quote);
    }
    if (right->type == TYPE_NAME)
        return fail_unknown_field(checker, right);
    if (left->type == right->type)
        return true;
    return fail_pair(checker, right, left);
}

static bool
check_compare(struct checker *checker, struct expr *expr)
{
    const bool equality = expr->kind == EXPR_EQ || expr->kind == EXPR_NE;
    char quote[EXPR_QUOTE_BYTES];

    if (equality && !check_equality(checker, expr))
        return false;
    expr->type = TYPE_CONDITION;
    for (int side = 0; !equality && side < 2; side++) {
        const struct expr *operand = side == 0 ? expr->left : expr->right;

        if (operand->type == TYPE_NAME)
            return fail_unknown_field(checker, operand);
        if (operand->type != TYPE_NUMBER) {
            const struct described is = describe(operand);

            return fail(checker, expr,
                "'%s' needs numbers, but '%s' is %s%.0s, allowed are == and !=",
                "'%s' 两边须为数, 而 '%s' 是%.0s%s, 允许 == 和 !=", expr_word(expr->kind),
                expr_quote(operand, quote), is.en, is.zh);
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

    if (!need(checker, left, TYPE_NUMBER) || !need(checker, right, TYPE_NUMBER) ||
        !join_units(checker, expr, !apart)) {
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

    if (!need(checker, left, TYPE_NUMBER) || !need(checker, right, TYPE_NUMBER)) {
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
        "'%s' %s '%s' 的单位无法表示, 允许一侧为无单位的数, 或两个同类数相除",
        expr_quote(left, left_quote), expr_word(expr->kind), expr_quote(right, right_quote));
}

static bool
check_count(struct checker *checker, struct expr *expr)
{
    if (!need(checker, expr->left, TYPE_CONDITION))
        return false;
    if (expr->per != checker->per) {
        return fail(checker, expr,
            "count(..., same %s, ...) in a rule that is per: %s, needed is per: %s",
            "count(..., same %s, ...) 所在规则为 per: %s, 应为 per: %s", per_names[expr->per],
            per_names[checker->per], per_names[expr->per]);
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

    return nested == NULL ||
           fail(checker, nested, "%s() cannot stand in %s()", "%s() 不能用在 %s() 之内",
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
               "没有表示 %s 变化快慢的单位\nhint: 请用 delta()", expr->left->measure->dimension);
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
    if (!run && expr->kind != EXPR_TIMES && !need(checker, about, TYPE_NUMBER))
        return false;
    if (expr->kind == EXPR_TIMES && !need(checker, about, TYPE_CONDITION))
        return false;
    if (!has_field(about)) {
        return fail(checker, about, "'%s' never changes, %s() needs a field",
            "'%s' 从不变化, %s() 需要一个字段", expr_quote(about, quote), expr_word(expr->kind));
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
        if (!need(checker, expr->left, TYPE_NUMBER))
            return false;
        expr->type = TYPE_NUMBER;
        expr->measure = expr->left->measure;
        expr->difference = expr->left->difference;
        return true;
    }
    /* and, or, not */
    expr->type = TYPE_CONDITION;
    return need(checker, expr->left, TYPE_CONDITION) &&
           (expr->right == NULL || need(checker, expr->right, TYPE_CONDITION));
}

static bool
check(struct checker *checker, struct expr *expr)
{
    if (expr->kind == EXPR_NAME)
        return check_name(checker, expr);
    if (expr->kind == EXPR_ABSENT && expr->span.us < 0 && checker->class->interval.us <= 0) {
        return fail(checker, expr, "class '%s' has no interval to count in",
            "设备类 '%s' 没有可计数的 interval", checker->class->name);
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
    struct expr_mistake *mistake)
{
    struct checker checker = {.arena = arena, .class = class, .per = per, .mistake = mistake};

    return check(&checker, expr) && need(&checker, expr, TYPE_CONDITION);
}
