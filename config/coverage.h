/*
 * coverage: at which times a red or orange alert of some compound reaches nobody: the proof behind
 * promise P8, over the boundaries of shifts, not over minutes.
 *
 * A step tells the unit of its tier, or the next above that exists, and above a hole its parents,
 * up to the first one with somebody on duty (alerting/escalation/recipients). So a unit's dead
 * times are its own holes cut with its parent's dead times. Pure; asked by check, by apply, and
 * nightly by the lane on the configuration in force.
 */
#pragma once

#include "config/config.h"

#define COVERAGE_REFUSED SPAN_DAYS(35) /* a hole so near is not accepted */
#define COVERAGE_WARNED SPAN_DAYS(400)

struct range {
    struct instant from, to;
};

struct ranges { /* in order, apart from each other; lives in an arena */
    const struct range *at;
    size_t len;
};

struct dead_unit {
    const struct unit *unit;
    struct ranges ranges; /* at least one */
};

struct coverage {
    const struct dead_unit *at; /* by unit */
    size_t len;
};

/* Of units that a step of a policy for red or orange leads to, from compounds that exist. */
struct coverage coverage_of(
    const struct config *config, struct instant from, struct instant to, struct arena *arena);
/* When nobody is to be reached in the unit itself; *also, if given: when first two are on duty. */
struct ranges coverage_holes(const struct grid *grid, const struct unit *unit, struct range of,
    struct arena *arena, struct duty *also, struct instant *also_at);
struct ranges ranges_cut(struct ranges a, struct ranges b, struct arena *arena);
/* Is all of a within b? */
bool ranges_within(struct ranges a, struct ranges b);
/* "2026-11-28 Sat 02:00-06:00, ...", local; at most so many, then how many more. */
void ranges_print(
    const struct zone *zone, struct ranges ranges, size_t most, enum lang lang, struct buf *out);
