/*
 * The auditor: what is due against what is done, reckoned anew from cases, policies and orders. It
 * looks at no heap of timers but to see that there is one: a deadline that nobody will call is what
 * it is for. It changes nothing.
 */
#include "alerting/engine/state.h"

#include <stdio.h>

static void
note(struct engine_audit *audit, const char *what, const char *id, struct instant due)
{
    audit->overdue++;
    if (audit->first[0] != '\0' && instant_cmp(due, audit->oldest) >= 0)
        return;
    audit->oldest = due;
    (void)snprintf(audit->first, sizeof(audit->first), "%s of %.*s", what, ID_BYTES, id);
}

static void
check(struct engine_audit *audit, const char *what, const char *id, struct instant due,
    struct instant limit)
{
    if (instant_cmp(due, limit) <= 0)
        note(audit, what, id, due);
}

static void
audit_orders(const struct engine *engine, const struct incident *incident, struct instant limit,
    struct engine_audit *audit)
{
    for (size_t i = 0; i < incident->orders.len; i++)
        check(audit, "a limit of an order", incident->id,
            order_when(engine, incident->orders.at[i]), limit);
}

static void
audit_incident(const struct engine *engine, const struct incident *incident, struct instant limit,
    struct engine_audit *audit)
{
    const struct calendar *calendar = &engine->opt.grid->calendar;

    if (incident->parent == NULL) {
        const struct climb_count steps =
            climb_count(incident->policy, &incident->climb, calendar, limit);

        audit->due += steps.due;
        audit->done += steps.done;
        if (steps.due > steps.done)
            note(audit, "a step", incident->id, steps.oldest);
        const struct climb_due next = climb_next(incident->policy, &incident->climb, calendar);

        if (next.step >= 0 && next.repeat)
            check(audit, "a repetition", incident->id, next.at, limit);
    }
    check(audit, "a promise, stage or proof", incident->id, incident_when(incident), limit);
    audit_orders(engine, incident, limit, audit);
}

struct engine_audit
engine_audit(const struct engine *engine, struct instant now)
{
    const struct instant limit = instant_add(now, SPAN_US(-AUDIT_GRACE.us));
    struct engine_audit audit = {.at = now};
    struct arena arena;

    if (instant_cmp(engine->hold_until, INSTANT_NEVER) != 0)
        return audit; /* a start holds deadlines back on purpose */
    arena_init(&arena);
    const struct map_entry *entries = map_sorted(&engine->incidents, &arena);

    for (size_t i = 0; i < engine->incidents.len; i++)
        audit_incident(engine, entries[i].value, limit, &audit);
    entries = map_sorted(&engine->conditions, &arena);
    for (size_t i = 0; i < engine->conditions.len; i++) {
        const struct condition *condition = entries[i].value;

        if (condition->state == CONDITION_PENDING && condition->rule != NULL)
            check(&audit, "a `for`", condition->rule_id,
                condition->due.timer.slot == 0 ? limit : condition->due.timer.when, limit);
    }
    if (outbox_stuck(engine->outbox, limit) > 0)
        note(&audit, "an attempt", "the outbox", limit);
    arena_fini(&arena);
    return audit;
}
