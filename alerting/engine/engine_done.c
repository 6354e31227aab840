/*
 * What becomes of a word that it is done. A centre says so of its order, or a person settles a case
 * whose condition still holds: the readings have the last word. Normal for settle_after of the
 * policy, and the case is settled; still faulty after that long, and it is open again, one tier
 * higher, with both facts. Readings that say nothing prove nothing: the case stays as it is and
 * climbs. Silence is proven by silence.
 */
#include "alerting/engine/state.h"

#define DONE_PROOF SPAN_MIN(10) /* of policies that do not say */

void
done_said(struct engine *engine, struct incident *incident, struct view who)
{
    const struct condition *condition = incident->condition;

    if (case_over(incident->state) || incident->state == CASE_VERIFIED)
        return;
    incident->done.by = engine_text(engine, who);
    incident->done.at = engine->at;
    incident->done.seen = (struct instant){0};
    incident->done.quiet = condition->state == CONDITION_FALSE ? engine->at : (struct instant){0};
    incident->done.proving = condition->rule != NULL;
}

void
done_still(struct engine *engine, struct incident *incident)
{
    if (!incident->done.proving)
        return;
    incident->done.seen = engine->at;
    incident_arm(engine, incident);
}

void
done_quiet(struct engine *engine, struct incident *incident)
{
    if (incident->done.proving)
        incident->done.quiet = engine->at;
}

struct instant
done_when(const struct incident *incident)
{
    const struct condition *condition = incident->condition;
    struct span proof = incident->policy->settle_after;

    if (!incident->done.proving)
        return INSTANT_NEVER;
    if (proof.us <= 0)
        proof = DONE_PROOF;
    if (condition->state == CONDITION_FALSE)
        return instant_add(instant_max(incident->done.quiet, incident->done.at), proof);
    const bool seen = incident->done.seen.us != 0 || rule_is_silence(condition->rule);

    if (condition->state != CONDITION_TRUE || condition->clearing || !seen)
        return INSTANT_NEVER;
    return instant_max(instant_add(incident->done.at, proof), incident->done.seen);
}

static struct view
facts(struct engine *engine, const struct incident *incident)
{
    char at[INSTANT_TEXT_BYTES], seen[INSTANT_TEXT_BYTES];

    buf_reset(&engine->text);
    buf_printf(&engine->text, "%s said at %s that it is done; the fault was seen again at %s",
        incident->done.by, instant_text(incident->done.at, at),
        instant_text(incident->done.seen, seen));
    return arena_copy(&engine->scratch, buf_view(&engine->text));
}

static void
rebut(struct engine *engine, struct incident *incident)
{
    const int told = incident->tier;

    incident->done.proving = false;
    if (incident->done.seen.us == 0)
        incident->done.seen = engine->at; /* a silence that goes on */
    incident->climb.arrived = false;      /* whoever was there has left */
    incident_step(
        engine, incident, CASE_EV_REBUT, "reopened", view_of("wallwatch"), facts(engine, incident));
    if (incident->tier == told)
        tell_again(engine, incident, "said to be done; it is not");
}

bool
done_broken(struct engine *engine, struct incident *incident)
{
    if (!incident->done.proving || incident->done.quiet.us == 0)
        return false;
    incident->done.seen = engine->at;
    rebut(engine, incident);
    return true;
}

void
done_due(struct engine *engine, struct incident *incident)
{
    const struct view by = view_of(incident->done.by);

    if (incident->condition->state == CONDITION_TRUE) {
        rebut(engine, incident);
        return;
    }
    incident->done.proving = false;
    if (incident_can(incident, CASE_EV_SETTLE))
        incident_step(engine, incident, CASE_EV_SETTLE, "settled", by,
            view_of("said to be done; its readings have been normal since"));
}
