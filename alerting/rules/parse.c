/*
 * The grammar (docs/rules.md), one function a level:
 *
 *   or := and {"or" and}      and := not {"and" not}     not := "not" not | compare
 *   compare := sum [op sum]   sum := product {+- product}  product := minus {*\/ minus}
 *   minus := "-" minus | atom
 *   atom := number [unit] | text | word | true | false | function "(" ... ")" | "(" or ")"
 */
#include "alerting/rules/expr.h"
#include "alerting/rules/lex.h"

#include <string.h>

struct parser {
    struct lexer lex;
    struct arena *arena;
    int depth, nodes;
};

static const char *const operators[] = {
    [EXPR_TRUTH] = "",
    [EXPR_NUMBER] = "",
    [EXPR_TEXT] = "",
    [EXPR_CODE] = "",
    [EXPR_FIELD] = "",
    [EXPR_NAME] = "",
    [EXPR_OR] = "or",
    [EXPR_AND] = "and",
    [EXPR_NOT] = "not",
    [EXPR_EQ] = "==",
    [EXPR_NE] = "!=",
    [EXPR_LT] = "<",
    [EXPR_LE] = "<=",
    [EXPR_GT] = ">",
    [EXPR_GE] = ">=",
    [EXPR_ADD] = "+",
    [EXPR_SUB] = "-",
    [EXPR_MUL] = "*",
    [EXPR_DIV] = "/",
    [EXPR_NEG] = "-",
    [EXPR_ABSENT] = "absent",
    [EXPR_COUNT] = "count",
    [EXPR_RATE] = "rate",
    [EXPR_DELTA] = "delta",
    [EXPR_AVG] = "avg",
    [EXPR_MIN] = "min",
    [EXPR_MAX] = "max",
    [EXPR_TIMES] = "count",
    [EXPR_STUCK] = "stuck",
    [EXPR_CHANGED] = "changed",
};

const char *
expr_word(enum expr_kind kind)
{
    return operators[kind];
}

static bool parse_or(struct parser *parser, struct expr **out);

static bool
at_word(const struct parser *parser, const char *word)
{
    const struct token *token = &parser->lex.token;

    return (token->kind == TOKEN_NAME || token->kind == TOKEN_SIGN) && view_is(token->view, word);
}

static const struct words want_close = {"应为 ')'", "needed is ')'"};
static const struct words want_value = {
    "应为字段, 数或条件", "needed is a field, a number or a condition"};
static const struct words want_span = {"应为 ', 5m' (回看多久)", "needed is ', 5m' (how far back)"};
static const struct words want_place = {
    "应为 ', same zone, 120s' (或 building, compound) 或 ', 5m'",
    "needed is ', same zone, 120s' (or building, compound) or ', 5m'"};
static const struct words want_level = {
    "允许 zone, building, compound", "allowed are zone, building, compound"};
static const struct words want_end = {
    "应为 'and', 'or', 比较或结尾", "needed is 'and', 'or', a comparison or the end"};

static bool
fail_here(struct parser *parser, struct words wanted)
{
    const struct token *token = &parser->lex.token;

    if (token->kind == TOKEN_END)
        return lex_fail(&parser->lex, token->start, "the expression ends here, %s%.0s",
            "表达式到此结束, %.0s%s", wanted.en, wanted.zh);
    return lex_fail(&parser->lex, token->start, "'%.*s' cannot stand here, %s%.0s",
        "此处不能有 '%.*s', %.0s%s", VIEW_ARG(token->view), wanted.en, wanted.zh);
}

static bool
eat(struct parser *parser, const char *word, struct words wanted)
{
    return at_word(parser, word) ? lex_next(&parser->lex) : fail_here(parser, wanted);
}

static bool
make(struct parser *parser, enum expr_kind kind, size_t start, struct expr **out)
{
    if (++parser->nodes > EXPR_MAX_NODES) {
        return lex_fail(&parser->lex, start, "an expression may have at most %d parts",
            "表达式最多 %d 个部分", EXPR_MAX_NODES);
    }
    *out = ARENA_NEW(parser->arena, struct expr);
    (*out)->kind = kind;
    (*out)->column = lex_column(&parser->lex, start);
    return true;
}

static bool
enter(struct parser *parser)
{
    if (++parser->depth <= EXPR_MAX_DEPTH)
        return true;
    return lex_fail(&parser->lex, parser->lex.token.start,
        "an expression may be at most %d levels deep", "表达式最多嵌套 %d 层", EXPR_MAX_DEPTH);
}

static bool
parse_absent(struct parser *parser, struct expr *call)
{
    const size_t start = parser->lex.pos;
    const int64_t intervals = lex_intervals(&parser->lex);

    if (intervals == 0)
        return lex_span(&parser->lex, EXPR_MIN_SPAN, EXPR_MAX_SPAN, &call->span);
    if (intervals < EXPR_MIN_INTERVALS || intervals > EXPR_MAX_INTERVALS)
        return lex_fail(&parser->lex, start, "allowed are %d to %d intervals",
            "允许 %d 至 %d 个 intervals", EXPR_MIN_INTERVALS, EXPR_MAX_INTERVALS);
    call->span = SPAN_US(-intervals);
    return lex_next(&parser->lex);
}

/* rate(x, 5m) */
static bool
parse_window(struct parser *parser, struct expr *call)
{
    if (!lex_next(&parser->lex) || !parse_or(parser, &call->left))
        return false;
    if (!at_word(parser, ","))
        return fail_here(parser, want_span);
    return lex_span(&parser->lex, EXPR_MIN_SPAN, EXPR_MAX_SPAN, &call->span);
}

static bool
parse_changed(struct parser *parser, struct expr *call)
{
    return lex_next(&parser->lex) && parse_or(parser, &call->left);
}

/* count(condition, 5m), or count(condition, same zone, 120s) */
static bool
parse_count(struct parser *parser, struct expr *call)
{
    if (!lex_next(&parser->lex) || !parse_or(parser, &call->left))
        return false;
    if (!at_word(parser, ","))
        return fail_here(parser, want_place);
    if (lex_digit_follows(&parser->lex)) {
        call->kind = EXPR_TIMES;
        return lex_span(&parser->lex, EXPR_MIN_SPAN, EXPR_MAX_SPAN, &call->span);
    }
    if (!lex_next(&parser->lex) || !eat(parser, "same", want_place))
        return false;
    for (call->per = PER_ZONE;; call->per++) {
        if (at_word(parser, per_names[call->per]))
            break;
        if (call->per == PER_COMPOUND)
            return fail_here(parser, want_level);
    }
    if (!lex_next(&parser->lex))
        return false;
    if (!at_word(parser, ","))
        return fail_here(parser, want_place);
    return lex_span(&parser->lex, EXPR_MIN_SPAN, EXPR_MAX_SPAN, &call->span);
}

/* Called with '(' as the token; leaves ')' as the token. */
static const struct function {
    const char *name;
    enum expr_kind kind;
    bool (*parse)(struct parser *parser, struct expr *call);
} functions[] = {
    {"absent", EXPR_ABSENT, parse_absent},
    {"avg", EXPR_AVG, parse_window},
    {"changed", EXPR_CHANGED, parse_changed},
    {"count", EXPR_COUNT, parse_count},
    {"delta", EXPR_DELTA, parse_window},
    {"max", EXPR_MAX, parse_window},
    {"min", EXPR_MIN, parse_window},
    {"rate", EXPR_RATE, parse_window},
    {"stuck", EXPR_STUCK, parse_window},
};

static bool
unknown_function(struct parser *parser, struct view name, size_t start)
{
    const char *names[ARRAY_LEN(functions)];
    char list[128] = "";

    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        names[i] = functions[i].name;
        if (i > 0)
            strncat(list, ", ", sizeof(list) - strlen(list) - 1);
        strncat(list, names[i], sizeof(list) - strlen(list) - 1);
    }
    const char *near = suggest(name, names, ARRAY_LEN(names));

    if (near == NULL) {
        return lex_fail(&parser->lex, start, "'%.*s' is not a function, allowed are %s",
            "没有函数 '%.*s', 允许 %s", VIEW_ARG(name), list);
    }
    return lex_fail(&parser->lex, start,
        "'%.*s' is not a function, allowed are %s\nhint: did you mean '%s'?",
        "没有函数 '%.*s', 允许 %s\nhint: 是否想写 '%s'?", VIEW_ARG(name), list, near);
}

static bool
parse_call(struct parser *parser, struct view name, size_t start, struct expr **out)
{
    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        if (!view_is(name, functions[i].name))
            continue;
        if (!make(parser, functions[i].kind, start, out))
            return false;
        return functions[i].parse(parser, *out) && eat(parser, ")", want_close);
    }
    return unknown_function(parser, name, start);
}

static bool
is_reserved(struct view word)
{
    static const char *const words[] = {"and", "or", "not", "same"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (view_is(word, words[i]))
            return true;
    }
    return false;
}

static bool
parse_word(struct parser *parser, struct expr **out)
{
    const struct token word = parser->lex.token;
    const bool truth = view_is(word.view, "true");

    if (is_reserved(word.view))
        return fail_here(parser, want_value);
    if (!lex_next(&parser->lex))
        return false;
    if (truth || view_is(word.view, "false")) {
        if (!make(parser, EXPR_TRUTH, word.start, out))
            return false;
        (*out)->number = truth;
        return true;
    }
    if (at_word(parser, "("))
        return parse_call(parser, word.view, word.start, out);
    if (!make(parser, EXPR_NAME, word.start, out))
        return false;
    (*out)->text = word.view;
    return true;
}

/* Without the backslashes. */
static struct view
unescape(struct arena *arena, struct view raw)
{
    char *text = arena_alloc(arena, raw.len);
    size_t len = 0;

    for (size_t i = 0; i < raw.len; i++) {
        if (raw.ptr[i] == '\\')
            i++;
        text[len++] = raw.ptr[i];
    }
    return (struct view){text, len};
}

static bool
parse_atom(struct parser *parser, struct expr **out)
{
    const struct token token = parser->lex.token;

    if (at_word(parser, "(")) {
        return lex_next(&parser->lex) && parse_or(parser, out) && eat(parser, ")", want_close);
    }
    if (token.kind == TOKEN_NAME)
        return parse_word(parser, out);
    if (token.kind != TOKEN_NUMBER && token.kind != TOKEN_TEXT)
        return fail_here(parser, want_value);
    if (!make(parser, token.kind == TOKEN_TEXT ? EXPR_TEXT : EXPR_NUMBER, token.start, out))
        return false;
    if (token.kind == TOKEN_TEXT) {
        (*out)->text = unescape(parser->arena, token.view);
    } else {
        (*out)->number = token.number;
        (*out)->measure = token.measure;
    }
    return lex_next(&parser->lex);
}

static bool
parse_minus(struct parser *parser, struct expr **out)
{
    const size_t start = parser->lex.token.start;
    struct expr *inner;

    if (!at_word(parser, "-"))
        return parse_atom(parser, out);
    if (!enter(parser) || !lex_next(&parser->lex) || !parse_minus(parser, &inner))
        return false;
    parser->depth--;
    if (inner->kind == EXPR_NUMBER) { /* -5°C is one number: its unit may have an offset */
        inner->number = -inner->number;
        inner->column = lex_column(&parser->lex, start);
        *out = inner;
        return true;
    }
    if (!make(parser, EXPR_NEG, start, out))
        return false;
    (*out)->left = inner;
    return true;
}

/* Which of these operators stands here; -1: none. */
static int
operator_here(const struct parser *parser, enum expr_kind first, enum expr_kind last)
{
    for (enum expr_kind kind = first; kind <= last; kind++) {
        if (at_word(parser, operators[kind]))
            return (int)kind;
    }
    return -1;
}

/* level {op level}, to the left. */
static bool
parse_row(struct parser *parser, enum expr_kind first, enum expr_kind last,
    bool (*level)(struct parser *, struct expr **), struct expr **out)
{
    int kind;

    if (!level(parser, out))
        return false;
    while ((kind = operator_here(parser, first, last)) >= 0) {
        const size_t start = parser->lex.token.start;
        struct expr *left = *out;

        if (!make(parser, (enum expr_kind)kind, start, out) || !lex_next(&parser->lex) ||
            !level(parser, &(*out)->right)) {
            return false;
        }
        (*out)->left = left;
    }
    return true;
}

static bool
parse_product(struct parser *parser, struct expr **out)
{
    return parse_row(parser, EXPR_MUL, EXPR_DIV, parse_minus, out);
}

static bool
parse_sum(struct parser *parser, struct expr **out)
{
    return parse_row(parser, EXPR_ADD, EXPR_SUB, parse_product, out);
}

static bool
parse_compare(struct parser *parser, struct expr **out)
{
    struct expr *left;

    if (!parse_sum(parser, &left))
        return false;
    const int kind = operator_here(parser, EXPR_EQ, EXPR_GE);

    *out = left;
    if (kind < 0)
        return true;
    if (!make(parser, (enum expr_kind)kind, parser->lex.token.start, out) ||
        !lex_next(&parser->lex) || !parse_sum(parser, &(*out)->right)) {
        return false;
    }
    (*out)->left = left;
    if (operator_here(parser, EXPR_EQ, EXPR_GE) < 0)
        return true;
    return lex_fail(&parser->lex, parser->lex.token.start,
        "comparisons cannot follow each other\nhint: write 'a < b and b < c'.",
        "比较不能连写\nhint: 写作 'a < b and b < c'");
}

static bool
parse_not(struct parser *parser, struct expr **out)
{
    const size_t start = parser->lex.token.start;

    if (!at_word(parser, "not"))
        return parse_compare(parser, out);
    if (!enter(parser) || !make(parser, EXPR_NOT, start, out) || !lex_next(&parser->lex) ||
        !parse_not(parser, &(*out)->left)) {
        return false;
    }
    parser->depth--;
    return true;
}

static bool
parse_and(struct parser *parser, struct expr **out)
{
    return parse_row(parser, EXPR_AND, EXPR_AND, parse_not, out);
}

static bool
parse_or(struct parser *parser, struct expr **out)
{
    if (!enter(parser) || !parse_row(parser, EXPR_OR, EXPR_OR, parse_and, out))
        return false;
    parser->depth--;
    return true;
}

bool
expr_parse(struct arena *arena, struct view text, struct expr **out, struct expr_mistake *mistake)
{
    struct parser parser = {.lex = {.text = text, .mistake = mistake}, .arena = arena};

    if (text.len > EXPR_MAX_BYTES) {
        return lex_fail(&parser.lex, EXPR_MAX_BYTES, "an expression may have at most %d bytes",
            "表达式最多 %d 字节", EXPR_MAX_BYTES);
    }
    if (!lex_next(&parser.lex))
        return false;
    if (parser.lex.token.kind == TOKEN_END) {
        return lex_fail(&parser.lex, 0,
            "an expression is needed\nhint: write a condition such as 'port_temp > 60°C'.",
            "缺少表达式\nhint: 请写条件, 如 'port_temp > 60°C'");
    }
    if (!parse_or(&parser, out))
        return false;
    if (parser.lex.token.kind != TOKEN_END)
        return fail_here(&parser, want_end);
    return true;
}
