/*
 * What holds a case back. What a device says of itself (a test, an inspection) holds back yellow,
 * orange and blue for at most 12 h. An authorised window of maintenance does the same, and of what
 * says that it is under test besides, also red: then the case opens as a blue one, which the point
 * and whoever opened the window are told of, and turns red when either is over. All that make the
 * rule true must be held: one detector that is not in the window makes a fire a fire.
 */
#include "alerting/engine/state.h"

#define MAX_CAUSES 32 /* of one rule; more are not all under test */
#define TEST_HOLDS SPAN_H(12)

struct hold {
    bool test, window;           /* of all causes */
    struct instant until;        /* neither holds any longer */
    struct instant window_until; /* the first window ends */
    const struct gauge *gauge;   /* of the first with a window */
};

static bool
window_open(const struct gauge *gauge, struct instant at)
{
    return gauge != NULL && instant_cmp(gauge->window.from, at) <= 0 &&
           instant_cmp(at, gauge->window.until) < 0;
}

static struct hold
look(const struct engine *engine, const struct condition *condition)
{
    struct hold hold = {.until = INSTANT_NEVER, .window_until = INSTANT_NEVER};
    struct cause causes[MAX_CAUSES];
    const size_t n = facts_causes(
        engine->facts, condition->rule, condition->subject, condition->stage, causes, MAX_CAUSES);

    hold.test = hold.window = n > 0 && n <= MAX_CAUSES;
    for (size_t i = 0; i < n && i < MAX_CAUSES; i++) {
        const struct gauge *gauge = map_get(&engine->gauges, causes[i].code);
        const bool window = window_open(gauge, engine->at);
        const struct instant end = instant_add(causes[i].since, TEST_HOLDS);
        const bool test = causes[i].test && instant_cmp(engine->at, end) < 0;
        struct instant until = test ? end : engine->at;

        if (window && instant_cmp(gauge->window.until, until) > 0)
            until = gauge->window.until;
        if (window && hold.gauge == NULL)
            hold.gauge = gauge;
        if (window)
            hold.window_until = instant_min(hold.window_until, gauge->window.until);
        hold.test &= test || window;
        hold.window &= window && causes[i].test;
        hold.until = instant_min(hold.until, until);
    }
    return hold;
}

static void
find_subject(const struct engine *engine, struct condition *condition)
{
    if (condition->subject == NULL)
        condition->subject = facts_subject(engine->facts, condition->per,
            view_of(condition->anchor_code), view_of(condition->anchor_part));
}

static bool
can_hold(const struct engine *engine, struct condition *condition)
{
    if (condition->rule == NULL || condition->anchor_code[0] == '\0')
        return false; /* Wallwatch's own, or a report */
    find_subject(engine, condition);
    return condition->subject != NULL;
}

/* The rule that is true of the same subject and speaks for it; NULL: none. */
static const char *
inhibitor(const struct engine *engine, const struct condition *condition)
{
    const size_t id = strlen(condition->rule_id);
    const struct view key = view_bytes(condition->key + id + 1, condition->key_len - id - 1);

    for (size_t i = 0; i < condition->rule->n_inhibited_by; i++) {
        const char *other = condition->rule->inhibited_by[i];
        const struct condition *found = condition_find(engine, view_of(other), key);

        if (found != NULL && found->state == CONDITION_TRUE)
            return other;
    }
    return NULL;
}

static bool
say_held(struct engine *engine, struct condition *condition, const char *why, struct instant until)
{
    if (instant_cmp(until, INSTANT_NEVER) == 0)
        timers_cancel(&engine->timers, &condition->due.timer);
    else
        timers_set(&engine->timers, &condition->due.timer, until);
    if (condition->held)
        return true;
    condition->held = true;
    event_begin(engine, NULL, "held-back", view_of("wallwatch"), view_of(why));
    json_view(&engine->json, "device", condition->subject->code);
    json_text(&engine->json, "rule", condition->rule_id);
    if (instant_cmp(until, INSTANT_NEVER) != 0)
        json_instant(&engine->json, "until", until);
    event_end(engine, NULL);
    return true;
}

/* No case opens yet. */
bool
hold_back(struct engine *engine, struct condition *condition)
{
    struct hold hold;

    if (!can_hold(engine, condition) ||
        condition->rule->stages[condition->stage].severity == SEVERITY_RED)
        return condition->held = false;
    const char *other = inhibitor(engine, condition);

    if (other != NULL)
        return say_held(engine, condition, other, INSTANT_NEVER);
    hold = look(engine, condition);
    if (!hold.test)
        return condition->held = false;
    return say_held(engine, condition,
        hold.gauge != NULL ? "under maintenance" : "the device says it is under test", hold.until);
}

void
hold_uninhibit(struct engine *engine, const struct condition *condition)
{
    const struct rule *by = condition->rule;
    const size_t id = strlen(condition->rule_id);
    const struct view key = view_bytes(condition->key + id + 1, condition->key_len - id - 1);
    const size_t n =
        by == NULL || !by->inhibits ? 0 : engine->opt.rules->n_by_class[by->class->index];

    for (size_t i = 0; i < n; i++) {
        const struct rule *rule = engine->opt.rules->by_class[by->class->index][i];
        struct condition *held = condition_find(engine, view_of(rule->id), key);

        if (rule->n_inhibited_by > 0 && held != NULL && held->held && held->incident == NULL &&
            held->state == CONDITION_TRUE && !held->clearing)
            /* after what this very reading says of it */
            timers_set(&engine->timers, &held->due.timer, engine->at);
    }
}

/* Red, and all of it under test in an open window: NULL if it is not. */
const struct gauge *
hold_mutes(struct engine *engine, struct condition *condition)
{
    struct hold hold;

    if (!can_hold(engine, condition) ||
        condition->rule->stages[condition->stage].severity != SEVERITY_RED)
        return NULL;
    hold = look(engine, condition);
    if (!hold.window)
        return NULL;
    timers_set(&engine->timers, &condition->due.timer, hold.window_until);
    return hold.gauge;
}

/* What was muted is told as what it is. */
void
hold_unmute(struct engine *engine, struct incident *incident, const char *why)
{
    const struct rule *rule = incident->condition->rule;
    const struct stage *stage = &rule->stages[incident->stage];

    incident->muted = false;
    incident->severity = stage->severity;
    incident->stage_entered = engine->at;
    timers_cancel(&engine->timers, &incident->condition->due.timer);
    incident_choose_policy(engine, incident, stage->policy);
    if (!incident_step(
            engine, incident, CASE_EV_STAGE, "unmuted", view_of("wallwatch"), view_of(why)))
        return;
    for (size_t i = 0; i < rule->n_dispatch; i++)
        order_issue(engine, incident, view_of(rule->dispatch[i]), view_of("wallwatch"));
}

/* Is it still all under test in the window? */
void
hold_review(struct engine *engine, struct incident *incident)
{
    if (incident->muted && incident->condition->rule != NULL &&
        hold_mutes(engine, incident->condition) == NULL)
        hold_unmute(engine, incident, "not under maintenance, or not under test");
}

/* A window has ended before its time. */
void
hold_ended(struct engine *engine)
{
    const struct map_entry *entries = map_sorted(&engine->conditions, &engine->scratch);
    const size_t n = engine->conditions.len;

    for (size_t i = 0; i < n; i++) {
        struct condition *condition = entries[i].value;

        if (condition->state != CONDITION_TRUE)
            continue;
        if (condition->held && condition->incident == NULL)
            condition_due(engine, condition);
        else if (condition->incident != NULL)
            hold_review(engine, condition->incident);
    }
}
