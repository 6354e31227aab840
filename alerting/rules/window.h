/*
 * window: what a subject has said over a span, for rate(), avg(), count(condition, span) and so on.
 * Inside alerting/rules only.
 *
 * At most WINDOW_POINTS buckets, of one point each until there are more points than that within the
 * span; then neighbours in the same slice of the span (on a fixed grid) become one. Sums are made
 * anew from oldest to newest whenever they are asked for. One bucket at or before the beginning of
 * the span is kept, for what was known then. Pure; the same points in the same order make the same
 * window.
 */
#pragma once

#include "alerting/rules/expr.h"
#include "base/buf.h"
#include "base/pack.h"

#define WINDOW_POINTS 64

struct bucket {
    int64_t first, last; /* us */
    double value;        /* of its newest point */
    double sum, least, most;
    uint32_t n;
    bool suspect; /* a point of it */
};

struct window {
    struct bucket *at; /* heap, oldest first */
    uint16_t len, cap;
};

struct point {
    int64_t at;
    double value;
    bool suspect;
};

/* A point may come late; it takes its place by time. */
void window_put(struct window *window, const struct expr *node, const struct point *point);
void window_fini(struct window *window);

struct window_view {
    int64_t end;   /* nothing newer than this is seen */
    int64_t reach; /* a value heard so long before the span is still known; 0: however long */
};

/* False: unknown. A min() or max() of a span that is not filled yet is a range. */
bool window_ask(const struct window *window, const struct expr *node,
    const struct window_view *view, struct tally_range *out);
/* Does what it says rest on a suspect point? */
bool window_is_suspect(
    const struct window *window, const struct expr *node, const struct window_view *view);
/* count(condition, span) falls by the passing of time alone: when next, after `after`; else
 * INT64_MAX. */
int64_t window_deadline(const struct window *window, const struct expr *node, int64_t after);

/* by: what its times are shifted by. */
void window_save(const struct window *window, int64_t by, struct buf *out);
/* False: these are not the bytes of a window. */
MUST_USE bool window_load(struct window *window, int64_t by, struct unpack *in);
