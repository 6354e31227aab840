#include "alerting/rules/window.h"

#include <math.h>
#include <stdlib.h>

/* With so many slices of the span, the buckets on its grid and the one before it leave room. */
#define SLICES 60

static bool
is_run(const struct expr *node)
{
    return node->kind == EXPR_STUCK || node->kind == EXPR_CHANGED;
}

static struct bucket
bucket_of(const struct point *point)
{
    return (struct bucket){.first = point->at,
        .last = point->at,
        .value = point->value,
        .sum = point->value,
        .least = point->value,
        .most = point->value,
        .n = 1,
        .suspect = point->suspect};
}

static void
merge(struct bucket *into, const struct bucket *from)
{
    if (from->last >= into->last) {
        into->last = from->last;
        into->value = from->value;
    }
    if (from->first < into->first)
        into->first = from->first;
    into->sum += from->sum;
    into->least = from->least < into->least ? from->least : into->least;
    into->most = from->most > into->most ? from->most : into->most;
    into->n += from->n;
    into->suspect |= from->suspect;
}

static void
insert(struct window *window, size_t at, const struct bucket *bucket)
{
    if (window->at == NULL || window->len == window->cap) {
        window->cap = (uint16_t)(window->cap == 0 ? 2 : window->cap * 2);
        window->at = mem_resize(window->at, window->cap, sizeof(*window->at));
    }
    if (at < window->len)
        memmove(&window->at[at + 1], &window->at[at], (window->len - at) * sizeof(*window->at));
    window->at[at] = *bucket;
    window->len++;
}

static void
drop_first(struct window *window, size_t n)
{
    if (n == 0)
        return;
    window->len = (uint16_t)(window->len - n);
    memmove(&window->at[0], &window->at[n], window->len * sizeof(*window->at));
}

/* stuck() and changed() need only how long the value has been what it is, and whether another one
 * was before it. What is late can change neither. */
static void
put_run(struct window *window, const struct point *point)
{
    struct bucket *newest = window->len > 0 ? &window->at[window->len - 1] : NULL;
    const struct bucket made = bucket_of(point);

    if (newest != NULL && point->at < newest->last)
        return;
    if (newest != NULL && newest->value == point->value) {
        newest->last = point->at;
        newest->n += newest->n < UINT32_MAX;
        newest->suspect = point->suspect;
        return;
    }
    insert(window, window->len, &made);
    if (window->len > 2)
        drop_first(window, 1);
}

/* All that is older than the span, but for the newest of it. */
static void
trim(struct window *window, int64_t span)
{
    const int64_t begin = window->at[window->len - 1].last - span;
    size_t old = 0;

    while (old + 1 < window->len && window->at[old + 1].last <= begin)
        old++;
    drop_first(window, old);
}

static int64_t
slice_of(int64_t at, int64_t width)
{
    const int64_t slice = at / width;

    return slice * width > at ? slice - 1 : slice;
}

static void
compact(struct window *window, int64_t span)
{
    const int64_t width = span / SLICES + 1;
    size_t n = 1;

    /* the first may be the one before the span, which must not reach into it */
    for (size_t i = 1; i < window->len; i++) {
        struct bucket *into = &window->at[n - 1];

        if (n > 1 && slice_of(into->last, width) == slice_of(window->at[i].last, width))
            merge(into, &window->at[i]);
        else
            window->at[n++] = window->at[i];
    }
    window->len = (uint16_t)n;
}

void
window_put(struct window *window, const struct expr *node, const struct point *point)
{
    const struct bucket made = bucket_of(point);
    size_t at = window->len;

    if (is_run(node)) {
        put_run(window, point);
        return;
    }
    while (at > 0 && window->at[at - 1].last > point->at)
        at--;
    if (at < window->len && window->at[at].first <= point->at) {
        merge(&window->at[at], &made);
        return;
    }
    insert(window, at, &made);
    /* a late point is looked at from its own time, for which older ones are still needed */
    if (at + 1 == window->len || window->len == WINDOW_POINTS)
        trim(window, node->span.us);
    if (window->len == WINDOW_POINTS)
        compact(window, node->span.us);
    if (window->len == WINDOW_POINTS)
        drop_first(window, 1);
}

void
window_fini(struct window *window)
{
    free(window->at);
    *window = (struct window){0};
}

struct extent {                /* of a window, as it is seen */
    size_t from, to;           /* buckets within the span */
    const struct bucket *base; /* known at the beginning of the span; NULL: nothing was */
    const struct bucket *newest;
    bool filled;
};

static bool
find_extent(const struct window *window, const struct expr *node, const struct window_view *view,
    struct extent *out)
{
    size_t to = window->len, from;
    const bool by_clock = node->kind == EXPR_TIMES;

    while (to > 0 && window->at[to - 1].first > view->end)
        to--;
    if (to == 0)
        return false;
    const struct bucket *newest = &window->at[to - 1];
    /* values are looked at back from the newest one, a count back from now */
    const int64_t begin = (by_clock ? view->end : newest->last) - node->span.us;

    for (from = to; from > 0 && window->at[from - 1].last > begin;)
        from--;
    *out = (struct extent){.from = from, .to = to, .newest = newest};
    if (from > 0 && (view->reach <= 0 || begin - window->at[from - 1].last < view->reach))
        out->base = &window->at[from - 1];
    out->filled = out->base != NULL || (from < to && newest->last - window->at[from].first >=
                                                         node->span.us - node->span.us / 2);
    return true;
}

static bool
ask_change(const struct expr *node, const struct window *window, const struct extent *extent,
    struct tally_range *out)
{
    const struct bucket *newest = extent->newest;
    const struct bucket *from = extent->base != NULL ? extent->base : &window->at[extent->from];
    const int64_t us = newest->last - from->last;

    if (!extent->filled || us <= 0)
        return false;
    out->lo = newest->value - from->value;
    /* in the rate of the dimension's base unit, each minute */
    if (node->kind == EXPR_RATE)
        out->lo = out->lo * node->left->measure->factor * 60e6 / (double)us;
    out->hi = out->lo;
    return isfinite(out->lo);
}

static bool
ask_values(const struct expr *node, const struct window *window, const struct extent *extent,
    struct tally_range *out)
{
    double sum = 0, least = INFINITY, most = -INFINITY;
    uint64_t n = 0;

    for (size_t i = extent->from; i < extent->to; i++) {
        const struct bucket *bucket = &window->at[i];

        sum += bucket->sum;
        n += bucket->n;
        least = bucket->least < least ? bucket->least : least;
        most = bucket->most > most ? bucket->most : most;
    }
    if (node->kind == EXPR_TIMES) {
        *out = (struct tally_range){(double)n, (double)n};
    } else if (node->kind == EXPR_MIN) {
        *out = (struct tally_range){extent->filled ? least : -INFINITY, least};
    } else if (node->kind == EXPR_MAX) {
        *out = (struct tally_range){most, extent->filled ? most : INFINITY};
    } else {
        out->lo = out->hi = sum / (double)n;
        return extent->filled && isfinite(out->lo);
    }
    return true;
}

static bool
ask_run(const struct window *window, const struct expr *node, struct tally_range *out)
{
    const struct bucket *run = window->len > 0 ? &window->at[window->len - 1] : NULL;

    if (run == NULL)
        return false;
    if (node->kind == EXPR_STUCK)
        out->lo = run->last - run->first >= node->span.us;
    else
        out->lo = window->len > 1 && run->n == 1;
    out->hi = out->lo;
    /* of the first value it is not known for how long, or whether, it is new */
    return out->lo != 0 || window->len > 1 || (node->kind == EXPR_CHANGED && run->n > 1);
}

bool
window_ask(const struct window *window, const struct expr *node, const struct window_view *view,
    struct tally_range *out)
{
    struct extent extent;

    if (is_run(node))
        return ask_run(window, node, out);
    if (!find_extent(window, node, view, &extent)) {
        *out = (struct tally_range){0, 0};
        return node->kind == EXPR_TIMES;
    }
    if (node->kind == EXPR_RATE || node->kind == EXPR_DELTA)
        return ask_change(node, window, &extent, out);
    return ask_values(node, window, &extent, out);
}

bool
window_is_suspect(
    const struct window *window, const struct expr *node, const struct window_view *view)
{
    struct extent extent;

    if (is_run(node))
        return window->len > 0 && window->at[window->len - 1].suspect;
    if (!find_extent(window, node, view, &extent))
        return false;
    const bool change = node->kind == EXPR_RATE || node->kind == EXPR_DELTA;

    if (change && extent.base != NULL && extent.base->suspect)
        return true;
    for (size_t i = extent.from; i < extent.to; i++) {
        if (window->at[i].suspect)
            return true;
    }
    return false;
}

int64_t
window_deadline(const struct window *window, const struct expr *node, int64_t after)
{
    for (size_t i = 0; node->kind == EXPR_TIMES && i < window->len; i++) {
        if (window->at[i].last + node->span.us > after)
            return window->at[i].last + node->span.us;
    }
    return INT64_MAX;
}

void
window_save(const struct window *window, int64_t by, struct buf *out)
{
    pack_u16(out, window->len);
    for (size_t i = 0; i < window->len; i++) {
        const struct bucket *bucket = &window->at[i];

        pack_i64(out, bucket->first + by);
        pack_i64(out, bucket->last + by);
        pack_f64(out, bucket->value);
        pack_f64(out, bucket->sum);
        pack_f64(out, bucket->least);
        pack_f64(out, bucket->most);
        pack_u32(out, bucket->n);
        pack_u8(out, bucket->suspect);
    }
}

bool
window_load(struct window *window, int64_t by, struct unpack *in)
{
    const uint16_t n = unpack_u16(in);

    window->len = 0;
    for (uint16_t i = 0; i < n && n <= WINDOW_POINTS && !in->bad; i++) {
        struct bucket bucket = {.first = unpack_i64(in) + by};

        bucket.last = unpack_i64(in) + by;
        bucket.value = unpack_f64(in);
        bucket.sum = unpack_f64(in);
        bucket.least = unpack_f64(in);
        bucket.most = unpack_f64(in);
        bucket.n = unpack_u32(in);
        bucket.suspect = unpack_u8(in) != 0;
        insert(window, window->len, &bucket);
    }
    return n <= WINDOW_POINTS && !in->bad;
}
