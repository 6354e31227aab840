/*
 * expr: the tree of one compiled expression, and how it is evaluated. Inside alerting/rules only.
 *
 *   text -> lex -> parse -> type check -> tree -> eval (facts) or print
 *
 * A node says what it is, where it stood and what it gives; everything that is looked up (fields,
 * codes, units) is resolved when it is compiled. Trees are immutable, pure, and live in the arena
 * of the configuration. A function that looks back over time is one more kind of node plus one more
 * question in struct world; parse.c holds the table of functions.
 */
#pragma once

#include "alerting/rules/rules.h"

#include <stdarg.h>

#define EXPR_MAX_BYTES 2000
#define EXPR_MAX_DEPTH 64
#define EXPR_MAX_NODES 500
/* What functions may look back. */
#define EXPR_MIN_SPAN SPAN_S(1)
#define EXPR_MAX_SPAN SPAN_DAYS(7)
#define EXPR_MIN_INTERVALS 2
#define EXPR_MAX_INTERVALS 1000

enum expr_kind {
    EXPR_TRUTH, /* true, false */
    EXPR_NUMBER,
    EXPR_TEXT,
    EXPR_CODE,
    EXPR_FIELD,
    EXPR_NAME, /* a word that is not understood yet; gone after the type check */
    EXPR_OR,
    EXPR_AND,
    EXPR_NOT,
    EXPR_EQ,
    EXPR_NE,
    EXPR_LT,
    EXPR_LE,
    EXPR_GT,
    EXPR_GE,
    EXPR_ADD,
    EXPR_SUB,
    EXPR_MUL,
    EXPR_DIV,
    EXPR_NEG,
    EXPR_ABSENT,
    EXPR_COUNT,
    EXPR_RATE, /* from here on: what looks back over one subject's own values (window.h) */
    EXPR_DELTA,
    EXPR_AVG,
    EXPR_MIN,
    EXPR_MAX,
    EXPR_TIMES, /* count(condition, span) */
    EXPR_STUCK,
    EXPR_CHANGED,
};

enum expr_type { TYPE_CONDITION, TYPE_NUMBER, TYPE_TEXT, TYPE_CODE, TYPE_NAME };

struct expr {
    enum expr_kind kind;
    enum expr_type type;
    int column; /* of its operator or first character, 1-based, in characters */
    struct expr *left, *right;
    const struct measure *measure; /* TYPE_NUMBER: what the number is in */
    const struct measure
        *from;                 /* operators: the right side is converted from it; NULL: it is not */
    bool scale;                /* operators: convert by the factor alone, without the offset */
    bool difference;           /* TYPE_NUMBER: of two such values; 5 K, not -268°C */
    double number;             /* NUMBER: as written; TRUTH: 0 or 1 */
    double value;              /* NUMBER: in the measure of the other side; CODE: its number */
    struct view text;          /* TEXT, NAME, CODE */
    uint16_t field;            /* FIELD: index in the class */
    const struct field *about; /* FIELD */
    struct span span;          /* functions; ABSENT below 0: so many expected intervals */
    enum per per;              /* COUNT */
};

/* Parses; types are not known yet. */
MUST_USE bool expr_parse(
    struct arena *arena, struct view text, struct expr **out, struct expr_mistake *mistake);
/* Resolves words and checks types and units from the leaves up; the whole must be a condition. */
MUST_USE bool expr_check(struct arena *arena, struct expr *expr, const struct class *class,
    enum per per, struct expr_mistake *mistake);
/* Writes both languages from the same arguments; returns false. */
bool mistake_set(struct expr_mistake *mistake, int column, const char *en, const char *zh,
    va_list args) __attribute__((format(printf, 3, 0), format(printf, 4, 0)));
/* What to call a node in a message: its text, cut to fit out. */
#define EXPR_QUOTE_BYTES 64
const char *expr_quote(const struct expr *expr, char out[EXPR_QUOTE_BYTES]);
/* The operator or word of a kind as it is written; "" if it has none. */
const char *expr_word(enum expr_kind kind);

/* Of words, the one that was probably meant; NULL: none is near. */
const char *suggest(struct view wrong, const char *const *words, size_t n);

/* How many members a count() has found: at least lo, and at most hi, since of some it is unknown.
 */
struct tally_range {
    double lo, hi;
};

static inline bool
expr_is_window(const struct expr *expr)
{
    return expr->kind >= EXPR_RATE;
}

/* What an evaluation may ask. */
struct world {
    /* False: unknown. Writes text for text fields, else number. */
    bool (*value)(const struct world *world, uint16_t field, double *number, struct view *text);
    /* Has the device been silent for span (below 0: for so many of its intervals)? */
    bool (*absent)(const struct world *world, struct span span);
    struct tally_range (*count)(const struct world *world, const struct expr *count);
    /* Of a node that looks back; a condition's lo is 0 or 1. False: unknown. */
    bool (*window)(const struct world *world, const struct expr *node, struct tally_range *out);
};

enum truth expr_truth(const struct expr *expr, const struct world *world);
/* What a window keeps of an expression of any type. False: unknown. */
bool expr_point(const struct expr *expr, const struct world *world, double *out);

static inline enum truth
truth_of(bool condition)
{
    return condition ? TRUTH_TRUE : TRUTH_FALSE;
}

static inline enum truth
truth_not(enum truth a)
{
    return a == TRUTH_UNKNOWN ? TRUTH_UNKNOWN : truth_of(a == TRUTH_FALSE);
}

static inline enum truth
truth_or(enum truth a, enum truth b)
{
    if (a == TRUTH_TRUE || b == TRUTH_TRUE)
        return TRUTH_TRUE;
    return a == TRUTH_UNKNOWN || b == TRUTH_UNKNOWN ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

static inline enum truth
truth_and(enum truth a, enum truth b)
{
    return truth_not(truth_or(truth_not(a), truth_not(b)));
}
