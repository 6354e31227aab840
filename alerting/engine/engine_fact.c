#include "alerting/engine/builtin.h"
#include "alerting/engine/state.h"

#include <cjson/cJSON.h>

static void
raise(
    struct engine *engine, const struct rule *rule, struct condition *condition, struct view detail)
{
    const struct stage *stage = &rule->stages[0];
    const struct opening opening = {
        .class_name = rule->class->name,
        .title_zh = rule->title.zh,
        .title_en = rule->title.en,
        .stage_name = stage->name,
        .policy = stage->policy,
        .severity = stage->severity,
        .latch = rule->latch,
        .verb = "opened",
        .who = view_of("wallwatch"),
        .why = detail.len > 0 ? detail : view_of(rule->id),
    };

    incident_open(engine, condition, &opening);
}

static bool
power_of_two(uint64_t n)
{
    return (n & (n - 1)) == 0;
}

/* On again while it is on: counted, and said at 2, 4, 8, ... so that a storm is one case. */
static void
again(struct engine *engine, struct incident *incident, struct view detail)
{
    incident->count++;
    if (!power_of_two(incident->count))
        return;
    event_begin(engine, incident, "again", view_of("wallwatch"), detail);
    event_end(engine, incident);
}

static struct condition *
new_condition(struct engine *engine, const struct rule *rule, struct view subject)
{
    struct condition *condition = condition_new(engine, view_of(rule->id), subject);
    const struct device *device = device_find(engine->opt.devices, subject);

    condition->rule = rule;
    condition->code = engine_text(engine, subject);
    if (device == NULL)
        return condition;
    condition->compound = engine_text(engine, view_of(device->compound->id));
    condition->building = engine_text(engine, view_of(device->building));
    condition->side = device->side;
    return condition;
}

static void
switch_on(struct engine *engine, const struct rule *rule, struct view subject, struct view detail)
{
    struct condition *condition = condition_find(engine, view_of(rule->id), subject);

    if (condition == NULL)
        condition = new_condition(engine, rule, subject);
    struct incident *incident = condition->incident;

    if (condition->state == CONDITION_TRUE && incident != NULL) {
        again(engine, incident, detail);
        return;
    }
    condition->state = CONDITION_TRUE;
    condition->since = engine->at;
    if (incident == NULL) {
        raise(engine, rule, condition, detail);
        return;
    }
    incident->count++;
    incident_step(engine, incident, CASE_EV_RECUR, "recurred", view_of("wallwatch"), detail);
}

static void
switch_off(struct engine *engine, const struct rule *rule, struct view subject, struct view detail)
{
    struct condition *condition = condition_find(engine, view_of(rule->id), subject);

    if (condition == NULL || condition->state != CONDITION_TRUE)
        return;
    struct incident *incident = condition->incident;

    condition->state = CONDITION_FALSE;
    if (incident == NULL) {
        condition_tidy(engine, condition);
        return;
    }
    const bool waits = incident->severity <= SEVERITY_ORANGE;

    incident_step(engine, incident, waits ? CASE_EV_QUIET : CASE_EV_CLEARED,
        !waits && incident->state == CASE_OPEN ? "self-cleared" : "cleared", view_of("wallwatch"),
        detail);
}

void
fact_set(struct engine *engine, const char *code, struct view subject, bool on, struct view detail)
{
    const struct rule *rule = builtin_find(view_of(code));

    CHECK(rule != NULL);
    if (on)
        switch_on(engine, rule, subject, detail);
    else
        switch_off(engine, rule, subject, detail);
}

static void
take(struct engine *engine, const struct cJSON *body)
{
    const struct rule *rule = builtin_find(body_text(body, "code"));
    struct view subject = body_text(body, "subject");

    if (rule == NULL) {
        event_begin(engine, NULL, "unknown-fact", view_of("wallwatch"), body_text(body, "code"));
        event_end(engine, NULL);
        return;
    }
    if (subject.len == 0)
        subject = view_of(engine->opt.lane);
    if (subject.len > 256)
        subject.len = 256;
    fact_set(engine, rule->id, subject, body_bool(body, "on"), body_text(body, "detail"));
}

void
fact_take(struct engine *engine, const struct input *in)
{
    struct cJSON *body = body_parse(in->body);

    if (body == NULL)
        return;
    take(engine, body);
    cJSON_Delete(body);
}

bool
engine_fact_on(const struct engine *engine, const char *code, struct view subject)
{
    const struct condition *condition = condition_find(engine, view_of(code), subject);

    return condition != NULL && condition->state == CONDITION_TRUE;
}
