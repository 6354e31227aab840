/*
 * clock: the arithmetic of service time; pure, it is told what the clocks of the machine say.
 *
 * Service time follows CLOCK_BOOTTIME from where it started, so it never goes backwards when the
 * wall clock does. A difference to the wall clock of up to 5 s is slewed away at 500 ppm; a larger
 * one that lasts 60 s is reported, and taken over by service_clock_rebase alone. That is the only
 * step there is, the only one that may go back, and an input of its own to whoever keeps
 * deadlines.
 */
#pragma once

#include "base/instant.h"

#include <stdbool.h>

#define CLOCK_SLEW_PPM 500
#define CLOCK_STEP SPAN_S(5)        /* differences over it are not slewed */
#define CLOCK_STEP_LASTS SPAN_S(60) /* and taken over after this */

struct service_clock {
    struct instant base;   /* service time ... */
    struct span boot;      /* ... when boot time was this */
    struct span slew;      /* to be made up from there on, at CLOCK_SLEW_PPM */
    bool off;              /* more than CLOCK_STEP away from the wall clock ... */
    bool off_ahead;        /* ... which is ahead of us ... */
    struct span off_since; /* ... since this boot time */
};

/* floor: service time will not start before it. */
void service_clock_start(
    struct service_clock *clock, struct instant floor, struct instant wall, struct span boot);
struct instant service_clock_at(const struct service_clock *clock, struct span boot);
/* About once a second. True if the clock must be re-based by *delta now. */
bool service_clock_check(
    struct service_clock *clock, struct instant wall, struct span boot, struct span *delta);
void service_clock_rebase(struct service_clock *clock, struct span delta, struct span boot);
