/*
 * policy: who must know, when: a list of steps through the four tiers.
 *
 * `after` counts from the journal stamp of the reading that opened the case (or entered the
 * stage), never from the step before or from the device's clock.
 */
#pragma once

#include "base/instant.h"
#include "base/view.h"
#include "model/alert.h"
#include "model/grid.h"

#include <stddef.h>

enum step_unless { UNLESS_NEVER, UNLESS_ACKNOWLEDGED, UNLESS_ARRIVED, UNLESS_SETTLED };
enum step_clock { CLOCK_NATURAL, CLOCK_WORKING };

struct policy_step {
    enum tier tier;
    struct span after;
    enum step_unless unless;
    enum step_clock clock;
    const char *const *tell; /* centres' or units' ids told besides the tier's duty officers */
    size_t n_tell;
};

struct policy {
    const char *id;
    const struct policy_step *steps; /* by after, then tier */
    size_t n_steps;
    struct span repeat; /* the last step again and again until somebody takes it; 0: no */
    struct span acknowledge_within, verify_within; /* 0: no limit; shown and counted */
    struct span settle_after; /* normal for so long after a word that it is done; 0: usual */
};

struct policy_set {
    const struct policy *at; /* by id */
    size_t len;
    /* default by severity and side, each is present after `check` */
    const struct policy *by_severity[SEVERITY_COUNT][2];
    /* default of a class, by class index; NULL entries: none */
    const struct policy *const *by_class;
};

const struct policy *policy_find(const struct policy_set *set, struct view id);
