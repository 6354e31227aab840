/* What the lane itself tells the engine: starts, links, refusals, configurations, clock steps. */
#include "alerting/engine/builtin.h"
#include "alerting/engine/state.h"

#include <stdlib.h>

#include <cjson/cJSON.h>

/* Deadlines of cases and orders that fell due while the lane was down wait for INPUT_READY. What
 * raises does not wait. */
static void
hold_overdue(struct engine *engine)
{
    struct timer *timer;

    engine->hold_from = engine->now;
    engine->hold_until = instant_add(engine->now, ENGINE_HOLD);
    while (timers_next(&engine->deadlines).us < engine->hold_from.us &&
           (timer = timers_pop(&engine->deadlines, engine->hold_from)) != NULL) {
        struct due *due = (struct due *)timer;

        due->held = true;
        timers_set(&engine->held, timer, timer->when);
    }
}

void
admin_start(struct engine *engine, const struct input *in)
{
    struct cJSON *body = body_parse(in->body);
    const int64_t late_us = body == NULL ? 0 : body_int(body, "late_us", 0);

    /* Silence counts only while the lane was connected: nothing was heard while it was down. */
    facts_link(engine->facts, false, engine->before.us > 0 ? engine->before : engine->now);
    engine->at = engine->now;
    if (body != NULL)
        engine->epoch = (uint32_t)body_int(body, "epoch", engine->epoch);
    cJSON_Delete(body);
    if (instant_cmp(engine->hold_until, INSTANT_NEVER) != 0)
        release_held(engine); /* a start during a start */
    hold_overdue(engine);
    event_begin(engine, NULL, "start", view_of("wallwatch"), view_of(""));
    json_int(&engine->json, "epoch", engine->epoch);
    json_int(&engine->json, "late_us", late_us);
    event_end(engine, NULL);
    outbox_again(engine->outbox, engine->now);
}

static int
hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void
admin_numbers(struct engine *engine, const struct input *in)
{
    struct cJSON *body = body_parse(in->body);

    if (body == NULL)
        return;
    const int64_t n = body_int(body, "n", 0);
    const struct view hex = body_text(body, "chain");

    if (n > 0 && (uint64_t)n > engine->n)
        engine->n = (uint64_t)n;
    for (size_t i = 0; hex.len == (size_t)2 * DIGEST_BYTES && i < DIGEST_BYTES; i++) {
        engine->chain.bytes[i] = (unsigned char)((unsigned)hex_digit(hex.ptr[2 * i]) << 4 |
                                                 ((unsigned)hex_digit(hex.ptr[2 * i + 1]) & 15U));
    }
    cJSON_Delete(body);
}

void
admin_link(struct engine *engine, const struct input *in)
{
    struct cJSON *body = body_parse(in->body);

    if (body != NULL)
        facts_link(engine->facts, body_bool(body, "up"), engine->at);
    cJSON_Delete(body);
}

void
admin_refused(struct engine *engine, const struct input *in)
{
    struct cJSON *body = body_parse(in->body);

    if (body != NULL) {
        struct view what = body_text(body, "what");

        if (what.len > MAX_WHY_BYTES)
            what.len = MAX_WHY_BYTES;
        event_begin(engine, NULL, "refused", body_text(body, "sender"), body_text(body, "why"));
        json_view(&engine->json, "what", what);
        event_end(engine, NULL);
    }
    cJSON_Delete(body);
}

/* Its rule is not in the new configuration. Red and latched cases stay in force until a person
 * ends them, others end with that reason. */
static void
rule_gone(struct engine *engine, struct condition *condition)
{
    struct incident *incident = condition->incident;

    if (incident != NULL && incident->muted)
        hold_unmute(engine, incident, "its rule was removed");
    timers_cancel(&engine->timers, &condition->due.timer);
    if (condition->state == CONDITION_PENDING)
        engine->counts.pending--;
    condition->state = CONDITION_UNKNOWN;
    condition->clearing = false;
    condition->rule = NULL;
    if (incident == NULL) {
        condition_tidy(engine, condition);
        return;
    }
    if (incident->severity != SEVERITY_RED && !incident->latch) {
        incident_step(engine, incident, CASE_EV_END, "withdrawn", view_of("wallwatch"),
            view_of("its rule was removed"));
        return;
    }
    incident->frozen = true;
    event_begin(engine, incident, "frozen", view_of("wallwatch"),
        view_of("its rule was removed; it stays in force"));
    event_end(engine, incident);
}

/* A changed rule is judged anew by what comes next; its open case stays. */
static void
rule_changed(struct engine *engine, struct condition *condition, const struct rule *rule)
{
    condition->rule = rule;
    if (condition->incident != NULL)
        return;
    if (condition->state == CONDITION_PENDING)
        engine->counts.pending--;
    condition->state = CONDITION_FALSE;
    condition_tidy(engine, condition);
}

static void
configure_condition(struct engine *engine, struct condition *condition)
{
    const struct rule *rule;

    condition->subject = NULL;
    if (condition->rule == NULL || builtin_find(view_of(condition->rule_id)) != NULL)
        return;
    rule = engine_rule(engine, view_of(condition->rule_id));
    if (rule == NULL)
        rule_gone(engine, condition);
    else if (rule->identity != condition->rule->identity)
        rule_changed(engine, condition, rule);
    else
        condition->rule = rule;
}

static void
configure_incident(struct engine *engine, struct incident *incident)
{
    const struct policy *before = incident->policy;

    incident_choose_policy(engine, incident, incident->policy_id);
    const bool same = policy_same(before, incident->policy);

    if (!same)
        climb_adopt(incident->policy, &incident->climb, &engine->opt.grid->calendar);
    if (!same || incident->topic == NULL ||
        strcmp(incident->topic, incident_topic(engine, incident)) != 0)
        incident_touch(engine, incident);
    incident_arm(engine, incident);
    for (size_t i = 0; i < incident->orders.len; i++)
        order_arm(engine, incident->orders.at[i]);
}

void
admin_configure(struct engine *engine, const struct input *in)
{
    gauges_flush(engine);
    folds_fini(engine); /* what ends now must not be looked for by the new rules */
    engine->opt = *in->options;
    const struct facts_options facts = {
        engine->opt.rules, engine->opt.devices, &engine->opt.classes, engine->opt.lane};

    facts_configure(engine->facts, &facts);
    outbox_configure(engine->outbox, engine->opt.channels);
    event_begin(engine, NULL, "config", view_of("wallwatch"), view_of(""));
    json_int(&engine->json, "version", engine->opt.config_version);
    event_end(engine, NULL);

    const struct map_entry *entries = map_sorted(&engine->conditions, &engine->scratch);
    size_t n = engine->conditions.len;

    for (size_t i = 0; i < n; i++)
        configure_condition(engine, entries[i].value);
    entries = map_sorted(&engine->incidents, &engine->scratch);
    n = engine->incidents.len;
    for (size_t i = 0; i < n; i++)
        configure_incident(engine, entries[i].value);
    strangers_configure(engine);
    folds_rebuild(engine);
}

static void
shift(struct instant *at, struct span delta)
{
    if (at->us != 0 && at->us != INT64_MAX)
        *at = instant_add(*at, delta);
}

static void
shift_incident(struct incident *incident, struct span delta)
{
    shift(&incident->stage_entered, delta);
    shift(&incident->climb.from, delta);
    shift(&incident->climb.resumed, delta);
    shift(&incident->climb.last, delta);
    shift(&incident->taken.until, delta);
    shift(&incident->done.at, delta);
    shift(&incident->done.quiet, delta);
    shift(&incident->done.seen, delta);
    for (size_t i = 0; i < TIER_COUNT; i++)
        shift(&incident->heard[i], delta);
    for (size_t i = 0; i < incident->orders.len; i++)
        shift(&incident->orders.at[i]->issued, delta);
}

static void
shift_condition(struct condition *condition, struct span delta)
{
    shift(&condition->since, delta);
    for (size_t i = 0; i < FLAP_OPENINGS; i++)
        shift(&condition->turns[i], delta);
}

static void
shift_gauge(struct gauge *gauge, struct span delta)
{
    shift(&gauge->filled, delta);
    shift(&gauge->flooded_at, delta);
    shift(&gauge->step_since, delta);
    if (gauge->last_at.us != INT64_MIN)
        shift(&gauge->last_at, delta);
    gauge->step_low += delta.us;
    gauge->step_high += delta.us;
    gauge->second.us = -1;
    shift(&gauge->window.from, delta);
    shift(&gauge->window.until, delta);
    for (size_t i = 0; i < ARRAY_LEN(gauge->skew_us); i++) {
        if (gauge->skew_us[i] != INT64_MAX)
            gauge->skew_us[i] += delta.us;
    }
}

static void
shift_all(struct engine *engine, struct span delta)
{
    const struct map_entry *entries = map_sorted(&engine->incidents, &engine->scratch);

    for (size_t i = 0; i < engine->incidents.len; i++)
        shift_incident(entries[i].value, delta);
    entries = map_sorted(&engine->conditions, &engine->scratch);
    for (size_t i = 0; i < engine->conditions.len; i++)
        shift_condition(entries[i].value, delta);
    entries = map_sorted(&engine->gauges, &engine->scratch);
    for (size_t i = 0; i < engine->gauges.len; i++)
        shift_gauge(entries[i].value, delta);
    timers_shift(&engine->timers, delta);
    timers_shift(&engine->deadlines, delta);
    timers_shift(&engine->held, delta);
    shift(&engine->hold_from, delta);
    shift(&engine->hold_until, delta);
    outbox_rebase(engine->outbox, delta);
    facts_rebase(engine->facts, delta);
}

/* What is shown of a case names its next deadline, which has just moved. */
static void
tell_moved(struct engine *engine, struct incident *incident, struct view why)
{
    if (incident->topic == NULL)
        return;
    event_begin(engine, incident, "rebased", view_of("wallwatch"), why);
    event_end(engine, incident);
}

/* The wall clock was moved by delta; in->now is the new time. What was due before that on the old
 * clock fires first; then every deadline keeps its remaining time. */
void
admin_rebase(struct engine *engine, const struct input *in)
{
    struct cJSON *body = body_parse(in->body);
    const struct span delta = {body == NULL ? 0 : body_int(body, "delta_us", 0)};
    char text[SPAN_TEXT_BYTES];

    cJSON_Delete(body);
    engine->now = instant_max(engine->now, instant_add(in->now, SPAN_US(-delta.us)));
    engine_run(engine, engine->now);
    gauges_flush(engine);
    shift_all(engine, delta);
    engine->now = engine->at = instant_max(in->now, instant_add(engine->now, delta));
    span_text(SPAN_US(delta.us < 0 ? -delta.us : delta.us), text);
    buf_reset(&engine->text);
    buf_printf(&engine->text, "%s %s", delta.us < 0 ? "back by" : "forward by", text);
    const struct view why = arena_copy(&engine->scratch, buf_view(&engine->text));
    const struct map_entry *entries = map_sorted(&engine->incidents, &engine->scratch);
    const size_t n = engine->incidents.len;

    for (size_t i = 0; i < n; i++)
        tell_moved(engine, entries[i].value, why);
    fact_set(engine, "clock-rebased", view_of(engine->opt.lane), true, why);
}
