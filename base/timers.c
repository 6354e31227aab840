#include "base/timers.h"

#include "base/arena.h"

#include <stdbool.h>
#include <stdlib.h>

void
timers_init(struct timers *timers)
{
    *timers = (struct timers){0};
}

void
timers_fini(struct timers *timers)
{
    free(timers->heap);
    *timers = (struct timers){0};
}

static bool
before(const struct timer_place *a, const struct timer_place *b)
{
    return a->when.us != b->when.us ? a->when.us < b->when.us : a->key < b->key;
}

static void
place(struct timers *timers, size_t i, struct timer_place timer)
{
    timers->heap[i] = timer;
    timer.timer->slot = i + 1;
}

static void
sift_up(struct timers *timers, size_t i)
{
    const struct timer_place timer = timers->heap[i];

    for (; i > 0 && before(&timer, &timers->heap[(i - 1) / 2]); i = (i - 1) / 2)
        place(timers, i, timers->heap[(i - 1) / 2]);
    place(timers, i, timer);
}

static void
sift_down(struct timers *timers, size_t i)
{
    const struct timer_place timer = timers->heap[i];

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= timers->len)
            break;
        if (child + 1 < timers->len && before(&timers->heap[child + 1], &timers->heap[child]))
            child++;
        if (!before(&timers->heap[child], &timer))
            break;
        place(timers, i, timers->heap[child]);
        i = child;
    }
    place(timers, i, timer);
}

void
timers_set(struct timers *timers, struct timer *timer, struct instant when)
{
    if (timer->slot == 0) {
        if (timers->len == timers->cap) {
            timers->cap = timers->cap == 0 ? 64 : timers->cap * 2;
            timers->heap = mem_resize(timers->heap, timers->cap, sizeof(*timers->heap));
        }
        timer->slot = ++timers->len;
    }
    timer->when = when;
    timers->heap[timer->slot - 1] = (struct timer_place){when, timer->key, timer};
    sift_up(timers, timer->slot - 1);
    sift_down(timers, timer->slot - 1);
}

void
timers_cancel(struct timers *timers, struct timer *timer)
{
    if (timer->slot == 0)
        return;
    const size_t i = timer->slot - 1;
    const struct timer_place last = timers->heap[--timers->len];

    timer->slot = 0;
    if (last.timer == timer)
        return;
    place(timers, i, last);
    sift_up(timers, i);
    sift_down(timers, last.timer->slot - 1);
}

struct timer *
timers_first(const struct timers *timers)
{
    return timers->len == 0 ? NULL : timers->heap[0].timer;
}

struct instant
timers_next(const struct timers *timers)
{
    return timers->len == 0 ? INSTANT_NEVER : timers->heap[0].when;
}

struct timer *
timers_pop(struct timers *timers, struct instant now)
{
    if (timers->len == 0 || instant_cmp(timers->heap[0].when, now) > 0)
        return NULL;
    struct timer *timer = timers->heap[0].timer;

    timers_cancel(timers, timer);
    return timer;
}

void
timers_shift(struct timers *timers, struct span delta)
{
    for (size_t i = 0; i < timers->len; i++) {
        struct timer_place *at = &timers->heap[i];

        at->when = instant_add(at->when, delta);
        at->timer->when = at->when;
    }
}
