/* lex: an expression's text as tokens, each with its column in characters. Inside rules only. */
#pragma once

#include "base/err.h"
#include "base/instant.h"
#include "base/view.h"
#include "model/measure.h"

struct expr_mistake;

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_NUMBER,
    TOKEN_TEXT, /* view: between the quotes, escapes still in it */
    TOKEN_SIGN, /* one of the operators, a bracket or a comma */
};

struct token {
    enum token_kind kind;
    struct view view;
    size_t start; /* byte offset */
    double number;
    const struct measure *measure;
};

struct lexer {
    struct view text;
    size_t pos; /* of the next byte */
    struct token token;
    struct expr_mistake *mistake;
};

/* Moves on; false: a mistake. */
MUST_USE bool lex_next(struct lexer *lexer);
/* Reads what follows the current token (a bracket or a comma) as a length of time ("1m30s") and
 * moves on to the token after it. */
MUST_USE bool lex_span(struct lexer *lexer, struct span least, struct span most, struct span *out);
/* If "3 intervals" follows the current token, moves onto its last word and says 3; else 0. */
int64_t lex_intervals(struct lexer *lexer);
/* Does a digit follow the current token? */
bool lex_digit_follows(const struct lexer *lexer);
/* 1-based, in characters, of a byte offset. */
int lex_column(const struct lexer *lexer, size_t offset);
/* Points the mistake at a byte offset; returns false. */
bool lex_fail(struct lexer *lexer, size_t offset, const char *en, const char *zh, ...)
    __attribute__((format(printf, 3, 5), format(printf, 4, 5)));
