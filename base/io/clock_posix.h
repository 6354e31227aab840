/*
 * clock: the one place that reads time and randomness.
 *
 * Service time (base/clock.h) never goes backwards but by a rebase: at start the greater of the
 * wall clock and `floor` (the ledger's last time), then CLOCK_BOOTTIME; differences to the wall
 * clock below 5 s are slewed at 500 ppm, larger ones that last 60 s are reported once as a rebase
 * (design section 11, clocks). clock_now may be called from any thread; the rest from the loop.
 */
#pragma once

#include "base/instant.h"

#include <stdbool.h>
#include <stddef.h>

void clock_start(struct instant floor);
struct instant clock_now(void);
/* Call about once a second: slews; true if the service clock must be re-based by *delta now: the
 * caller feeds the input, then calls clock_rebase. */
bool clock_check(struct span *delta);
void clock_rebase(struct span delta);
struct instant clock_wall(void);
struct span clock_monotonic(void); /* for measuring */
void random_bytes(void *out, size_t len);
