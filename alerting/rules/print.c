/* Canonical text of an expression: what it prints compiles to the same text. */
#include "alerting/rules/expr.h"

#include <stdio.h>
#include <stdlib.h>

/* How tightly a kind binds; the levels of the grammar. */
static int
binding(enum expr_kind kind)
{
    if (kind == EXPR_OR)
        return 1;
    if (kind == EXPR_AND)
        return 2;
    if (kind == EXPR_NOT)
        return 3;
    if (kind >= EXPR_EQ && kind <= EXPR_GE)
        return 4;
    if (kind == EXPR_ADD || kind == EXPR_SUB)
        return 5;
    if (kind == EXPR_MUL || kind == EXPR_DIV)
        return 6;
    return kind == EXPR_NEG ? 7 : 8;
}

static void print(const struct expr *expr, struct buf *out);

static void
print_at(const struct expr *expr, int least, struct buf *out)
{
    const bool wrap = binding(expr->kind) < least;

    buf_text(out, wrap ? "(" : "");
    print(expr, out);
    buf_text(out, wrap ? ")" : "");
}

/* The shortest decimal that reads back as the same number. */
static void
print_number(double number, struct buf *out)
{
    char text[40];

    for (int digits = 6; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    buf_text(out, text);
}

static void
print_text(struct view text, struct buf *out)
{
    buf_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"' || text.ptr[i] == '\\')
            buf_char(out, '\\');
        buf_char(out, text.ptr[i]);
    }
    buf_char(out, '"');
}

static void
print_pair(const struct expr *expr, struct buf *out)
{
    const int level = binding(expr->kind);
    /* a or (b or c) is the same as a or b or c; a - (b - c) and a < (b < c) are not */
    const bool loose = expr->kind == EXPR_OR || expr->kind == EXPR_AND;
    const bool compare = level == 4;

    print_at(expr->left, compare ? level + 1 : level, out);
    buf_printf(out, " %s ", expr_word(expr->kind));
    print_at(expr->right, loose ? level : level + 1, out);
}

static void
print_call(const struct expr *expr, struct buf *out)
{
    char span[SPAN_TEXT_BYTES];

    buf_printf(out, "%s(", expr_word(expr->kind));
    if (expr->left != NULL)
        print(expr->left, out);
    if (expr->left != NULL && expr->kind != EXPR_CHANGED)
        buf_text(out, ", ");
    if (expr->kind == EXPR_COUNT)
        buf_printf(out, "same %s, ", per_names[expr->per]);
    if (expr->span.us < 0)
        buf_printf(out, "%d intervals", (int)-expr->span.us);
    else if (expr->kind != EXPR_CHANGED)
        buf_text(out, span_text(expr->span, span));
    buf_char(out, ')');
}

static void
print(const struct expr *expr, struct buf *out)
{
    switch (expr->kind) {
    case EXPR_TRUTH:
        buf_text(out, expr->number != 0 ? "true" : "false");
        break;
    case EXPR_NUMBER:
        print_number(expr->number, out);
        buf_text(out, expr->measure->name);
        break;
    case EXPR_TEXT:
        print_text(expr->text, out);
        break;
    case EXPR_CODE:
    case EXPR_NAME:
        buf_put(out, expr->text);
        break;
    case EXPR_FIELD:
        buf_text(out, expr->about->name);
        break;
    case EXPR_NOT:
        buf_text(out, "not ");
        print_at(expr->left, 3, out);
        break;
    case EXPR_NEG:
        buf_char(out, '-');
        print_at(expr->left, 7, out);
        break;
    case EXPR_ABSENT:
    case EXPR_COUNT:
    case EXPR_RATE:
    case EXPR_DELTA:
    case EXPR_AVG:
    case EXPR_MIN:
    case EXPR_MAX:
    case EXPR_TIMES:
    case EXPR_STUCK:
    case EXPR_CHANGED:
        print_call(expr, out);
        break;
    case EXPR_OR:
    case EXPR_AND:
    case EXPR_EQ:
    case EXPR_NE:
    case EXPR_LT:
    case EXPR_LE:
    case EXPR_GT:
    case EXPR_GE:
    case EXPR_ADD:
    case EXPR_SUB:
    case EXPR_MUL:
    case EXPR_DIV:
        print_pair(expr, out);
        break;
    }
}

void
expr_print(const struct expr *expr, struct buf *out)
{
    print(expr, out);
}

const char *
expr_quote(const struct expr *expr, char out[EXPR_QUOTE_BYTES])
{
    struct buf text;
    size_t len;

    buf_init(&text, (size_t)EXPR_MAX_BYTES * 8);
    print(expr, &text);
    len = text.len;
    if (len >= EXPR_QUOTE_BYTES) {
        for (len = EXPR_QUOTE_BYTES - 4; len > 0 && ((unsigned char)text.ptr[len] & 0xc0) == 0x80;)
            len--;
    }
    if (len > 0)
        memcpy(out, text.ptr, len);
    memcpy(out + len, len < text.len ? "..." : "", len < text.len ? 4 : 1);
    buf_fini(&text);
    return out;
}
