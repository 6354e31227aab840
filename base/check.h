/*
 * check: the three compiler extras this project allows itself.
 *
 * CHECK stays on in release builds: a broken invariant stops the program, and the journal makes
 * that safe. It is for our own mistakes only; bad input is a verdict, a failing disk is an err.
 */
#pragma once

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define CHECK(cond) ((cond) ? (void)0 : check_failed(#cond, __FILE__, __LINE__))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Prints where and what to stderr, then aborts. */
_Noreturn void check_failed(const char *cond, const char *file, int line);
