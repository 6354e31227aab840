#include "alerting/escalation/climb.h"

#include <stddef.h>
#include <string.h>

static bool
passed_over(const struct policy_step *step, const struct climb *climb)
{
    switch (step->unless) {
    case UNLESS_ACKNOWLEDGED:
        return climb->acknowledged || climb->settled;
    case UNLESS_ARRIVED:
        return climb->arrived || climb->settled;
    case UNLESS_SETTLED:
    case UNLESS_NEVER:
        return climb->settled;
    }
    return false;
}

/* On the working clock only working hours count, and nothing is due outside of them: what is put
 * off or resumed then waits for the next morning. */
static struct instant
due_after(const struct policy_step *step, struct instant from, struct span after,
    const struct climb *climb, const struct calendar *calendar)
{
    const bool working = step->clock == CLOCK_WORKING;
    const struct instant at =
        working ? calendar_add(calendar, from, after) : instant_add(from, after);
    const struct instant moved = instant_max(instant_add(at, climb->put_off), climb->resumed);

    return working && instant_cmp(moved, at) > 0 ? calendar_add(calendar, moved, SPAN_S(0)) : moved;
}

/* After its last step a policy repeats it until somebody takes the case. A last step that waits
 * for nothing would never stop, so it waits for an acknowledgement from the second time on. */
static struct climb_due
repeat_due(const struct policy *policy, const struct climb *climb, const struct calendar *calendar)
{
    const struct policy_step *last = &policy->steps[policy->n_steps - 1];
    const struct climb plain = {.resumed = climb->resumed};
    const struct instant at = due_after(last, climb->last, policy->repeat, &plain, calendar);

    if (policy->repeat.us <= 0 || passed_over(last, climb))
        return (struct climb_due){.step = -1};
    if (last->unless == UNLESS_NEVER && climb->acknowledged)
        return (struct climb_due){.step = -1};
    return (struct climb_due){.step = (int)policy->n_steps - 1, .at = at, .repeat = true};
}

struct climb_due
climb_next(const struct policy *policy, const struct climb *climb, const struct calendar *calendar)
{
    struct climb_due best = {.step = -1};

    for (size_t i = 0; i < policy->n_steps && i < CLIMB_MAX_STEPS; i++) {
        const struct policy_step *step = &policy->steps[i];

        if ((climb->fired >> i & 1) != 0 || passed_over(step, climb))
            continue;
        const struct instant at = due_after(step, climb->from, step->after, climb, calendar);

        if (best.step < 0 || instant_cmp(at, best.at) < 0)
            best = (struct climb_due){.step = (int)i, .at = at};
    }
    if (best.step < 0 && policy->n_steps > 0 && (climb->fired >> (policy->n_steps - 1) & 1) != 0)
        return repeat_due(policy, climb, calendar);
    return best;
}

struct climb_count
climb_count(const struct policy *policy, const struct climb *climb, const struct calendar *calendar,
    struct instant limit)
{
    struct climb_count count = {.oldest = INSTANT_NEVER};

    for (size_t i = 0; i < policy->n_steps && i < CLIMB_MAX_STEPS; i++) {
        const struct policy_step *step = &policy->steps[i];
        const bool done = (climb->fired >> i & 1) != 0;
        const struct instant at = due_after(step, climb->from, step->after, climb, calendar);

        if (!done && (passed_over(step, climb) || instant_cmp(at, limit) > 0))
            continue;
        count.due++;
        count.done += done;
        if (!done)
            count.oldest = instant_min(count.oldest, at);
    }
    return count;
}

void
climb_fired(struct climb *climb, const struct climb_due *due)
{
    climb->fired |= UINT64_C(1) << due->step;
    climb->last = due->at;
    if (due->repeat)
        climb->repeats++;
}

int
climb_above(const struct policy *policy, const struct climb *climb, enum tier tier)
{
    for (size_t i = 0; i < policy->n_steps && i < CLIMB_MAX_STEPS; i++) {
        if ((climb->fired >> i & 1) == 0 && policy->steps[i].tier > tier)
            return (int)i;
    }
    return -1;
}

void
climb_adopt(const struct policy *policy, struct climb *climb, const struct calendar *calendar)
{
    const bool any = climb->fired != 0;

    climb->fired = 0;
    if (!any)
        return;
    for (size_t i = 0; i < policy->n_steps && i < CLIMB_MAX_STEPS; i++) {
        const struct climb plain = {.put_off = climb->put_off};
        const struct policy_step *step = &policy->steps[i];
        const struct instant at = due_after(step, climb->from, step->after, &plain, calendar);

        if (instant_cmp(at, climb->last) <= 0)
            climb->fired |= UINT64_C(1) << i;
    }
}

static bool
step_same(const struct policy_step *a, const struct policy_step *b)
{
    if (a->tier != b->tier || a->after.us != b->after.us || a->unless != b->unless ||
        a->clock != b->clock || a->n_tell != b->n_tell)
        return false;
    for (size_t i = 0; i < a->n_tell; i++) {
        if (strcmp(a->tell[i], b->tell[i]) != 0)
            return false;
    }
    return true;
}

bool
policy_same(const struct policy *a, const struct policy *b)
{
    if (strcmp(a->id, b->id) != 0 || a->n_steps != b->n_steps || a->repeat.us != b->repeat.us)
        return false;
    for (size_t i = 0; i < a->n_steps; i++) {
        if (!step_same(&a->steps[i], &b->steps[i]))
            return false;
    }
    return true;
}
