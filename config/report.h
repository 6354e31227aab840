/*
 * report: collects every problem of every file, in both languages.
 *
 * Texts follow style.md: lower case, no full stop, the value in quotes, then what is allowed. A
 * report about a node starts with the node's path by itself. Both format strings take the same
 * arguments in the same order, and the compiler checks both.
 */
#pragma once

#include "base/vec.h"
#include "config/config.h"
#include "config/source.h"

#define REPORT_MAX 1000 /* problems kept; the rest is only counted */

struct reporter {
    struct arena *arena; /* for texts; the caller's */
    VEC(struct problem) list;
    size_t dropped;
    bool soften; /* proofs are warnings: this version was accepted once */
};

/* en and its first argument's place, zh and the same place */
#define REPORT_LIKE(en, zh, args)                                                                  \
    __attribute__((format(printf, en, args), format(printf, zh, args)))

/* At a place of a file; mark {0, 0}: the file as a whole. */
void report_mark(struct reporter *reporter, const struct source *source, struct mark at,
    const char *code, const char *en, const char *zh, ...) REPORT_LIKE(5, 6, 7);
/* At a node, after its path. */
void report(struct reporter *reporter, const struct node *node, const char *code, const char *en,
    const char *zh, ...) REPORT_LIKE(4, 5, 6);
/* The same, column characters into a scalar (from 1). */
void report_inside(struct reporter *reporter, const struct node *node, int column, const char *code,
    const char *en, const char *zh, ...) REPORT_LIKE(5, 6, 7);
/* The same at the node's key. */
void report_key(struct reporter *reporter, const struct node *node, const char *code,
    const char *en, const char *zh, ...) REPORT_LIKE(4, 5, 6);
/* Makes the last problem a warning, or gives it a hint (a full sentence without full stop). */
void report_is_warning(struct reporter *reporter);
/* The last problem is a proof about the whole: a warning in a version that was accepted once. */
void report_is_proof(struct reporter *reporter);
void report_hint(struct reporter *reporter, const char *en, const char *zh, ...)
    REPORT_LIKE(2, 3, 4);
/* Hint "did you mean 'x'?" if one of names is near. */
void report_near(
    struct reporter *reporter, struct view name, const char *const *names, size_t n_names);

/* Was an error reported in that file? Then what rests on it cannot be proven. */
bool report_spoiled(const struct reporter *reporter, const char *file);
/* Sorts, counts and hands over; the reporter is empty afterwards. */
void report_finish(struct reporter *reporter, struct problems *out);

/* The nearest of names by edit distance, NULL if none is near enough to be meant. */
const char *nearest(struct view name, const char *const *names, size_t n_names);
