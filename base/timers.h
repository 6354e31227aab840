/*
 * timers: deadlines in one total order: by instant, then by key. Pure: it reads no clock.
 *
 * A struct timer is embedded in what it belongs to. key must be made of what the timer is for
 * (never of an address), so that two runs fire in the same order; two timers with the same
 * instant and key fire in an order that must not matter.
 */
#pragma once

#include "base/instant.h"

#include <stddef.h>
#include <stdint.h>

struct timer {
    struct instant when;
    uint64_t key;
    size_t slot; /* place in the heap + 1; 0: not set */
};

struct timer_place { /* with copies, so that comparing does not go to the timers themselves */
    struct instant when;
    uint64_t key;
    struct timer *timer; /* borrowed */
};

struct timers {
    struct timer_place *heap; /* owned */
    size_t len;
    size_t cap;
};

void timers_init(struct timers *timers);
void timers_fini(struct timers *timers);
/* Sets or moves. timer->key must have been written before. */
void timers_set(struct timers *timers, struct timer *timer, struct instant when);
/* Fine if it is not set. */
void timers_cancel(struct timers *timers, struct timer *timer);
/* INSTANT_NEVER if there is none. */
struct instant timers_next(const struct timers *timers);
/* The first timer, left where it is; NULL if there is none. */
struct timer *timers_first(const struct timers *timers);
/* Takes out the first timer with when <= now; NULL if there is none. */
struct timer *timers_pop(struct timers *timers, struct instant now);
/* Moves every deadline by delta: the order among them stays. */
void timers_shift(struct timers *timers, struct span delta);
