/*
 * err: why an operation failed, for the caller's next move (kind) and for a person (text).
 *
 * Convention: MUST_USE bool f(..., out, struct err *err); err last, never NULL; outputs are
 * written only on success. A function either logs an error or returns it, never both.
 * Words: lower case, no full stop, value in quotes, order: where, what, the value, what is
 * allowed; then "\nhint: a full sentence." if there is a next step.
 */
#pragma once

#include "base/check.h"

#include <stdbool.h>

enum err_kind {
    ERR_NONE,
    ERR_CONFIG, /* a person must change a file */
    ERR_INPUT,  /* foreign bytes are wrong; the next ones may be right */
    ERR_AGAIN,  /* will heal by itself: try later */
    ERR_IO,     /* the operating system said no */
    ERR_FULL,   /* a limit or a disk is full */
    ERR_GONE,   /* it is not there (any more) */
};

#define ERR_TEXT_BYTES 768

struct err {
    enum err_kind kind;
    char text[ERR_TEXT_BYTES];
};

/* Both return false, so that "return err_set(...)" ends a function. Too long texts are cut. */
bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Puts "what: " in front of the text; the kind stays. */
bool err_wrap(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
