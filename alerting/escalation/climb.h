/*
 * climb: which step of a policy is due next, as a function of what has happened to a case.
 *
 *   case (since when, who has it) -> climb -> recipients (who is on duty) -> dispatch
 *
 * It may not open, close or lose an alert: it only counts. A step that waits for something that
 * has happened is passed over, not lost: when the acknowledgement lapses it is due again.
 * Pure; all instants come in.
 */
#pragma once

#include "alerting/escalation/policy.h"

#include <stdbool.h>
#include <stdint.h>

#define CLIMB_MAX_STEPS 64

struct climb {
    struct instant from;    /* journal stamp of the reading that opened it or entered the stage */
    struct instant resumed; /* of the last lapse: nothing passed over is due before; else 0 */
    struct span put_off;    /* by `extend` */
    uint64_t fired;         /* bit per step of the policy */
    struct instant last;    /* of the last step that fired, for repeating */
    uint32_t repeats;
    bool acknowledged, arrived, settled;
};

struct climb_due {
    int step; /* -1: nothing is to come as things stand */
    struct instant at;
    bool repeat; /* the last step once more */
};

/* calendar: of the working hours, for steps on that clock. */
struct climb_due climb_next(
    const struct policy *policy, const struct climb *climb, const struct calendar *calendar);
struct climb_count {
    uint64_t due, done;
    struct instant oldest; /* of those that are due and not done */
};
/* Steps that wait for nothing that has happened and whose time came at or before limit. */
struct climb_count climb_count(const struct policy *policy, const struct climb *climb,
    const struct calendar *calendar, struct instant limit);
/* Takes note that it fired. */
void climb_fired(struct climb *climb, const struct climb_due *due);
/* The first step not fired that leads above tier, whatever it waits for; -1: none. */
int climb_above(const struct policy *policy, const struct climb *climb, enum tier tier);
/* The policy has changed, or was replaced: steps not later than the last fired one count as
 * fired. */
void climb_adopt(const struct policy *policy, struct climb *climb, const struct calendar *calendar);
/* Whether both ask for the same at the same times. */
bool policy_same(const struct policy *a, const struct policy *b);
