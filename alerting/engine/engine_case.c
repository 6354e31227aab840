#include "alerting/engine/state.h"

#include <stdlib.h>

const struct compound *
incident_compound(const struct engine *engine, const struct incident *incident)
{
    return compound_find(engine->opt.grid, view_of(incident->condition->compound));
}

struct incident *
incident_find(const struct engine *engine, struct view id)
{
    return map_get(&engine->incidents, id);
}

static void
count(struct engine *engine, const struct incident *incident, uint32_t by)
{
    if (incident->counted_severity >= 0)
        engine->counts.open[incident->counted_severity] += by;
    if (incident->counted_tier >= 0)
        engine->counts.open_by_tier[incident->counted_tier] += by;
}

void
incident_touch(struct engine *engine, struct incident *incident)
{
    const bool over = case_over(incident->state);

    count(engine, incident, UINT32_MAX); /* minus one */
    incident->counted_severity = over ? -1 : (int)incident->severity;
    incident->counted_tier = over ? -1 : incident->tier;
    count(engine, incident, 1);
    if (!incident->dirty)
        /* NOLINTNEXTLINE(bugprone-sizeof-expression): of pointers */
        *VEC_PUSH(&engine->dirty) = incident;
    incident->dirty = true;
}

static const struct policy *
class_policy(const struct engine *engine, const char *class_name)
{
    const struct class *class = class_find(&engine->opt.classes, view_of(class_name));

    if (class == NULL || engine->opt.policies->by_class == NULL)
        return NULL;
    return engine->opt.policies->by_class[class->index];
}

/* Chosen by rule, else class, else severity and side. */
void
incident_choose_policy(struct engine *engine, struct incident *incident, const char *wanted)
{
    const struct policy *policy = NULL;

    if (incident->muted)
        policy = engine->opt.policies->by_severity[SEVERITY_BLUE][incident->condition->side];
    else if (wanted[0] != '\0')
        policy = policy_find(engine->opt.policies, view_of(wanted));
    if (policy == NULL && strcmp(wanted, night_policy.id) == 0)
        policy = &night_policy;
    if (policy == NULL)
        policy = class_policy(engine, incident->class_name);
    if (policy == NULL)
        policy = engine->opt.policies->by_severity[incident->severity][incident->condition->side];
    CHECK(policy != NULL);
    incident->policy = policy;
    incident->policy_id = engine_text(engine, view_of(policy->id));
}

struct incident *
incident_open(struct engine *engine, struct condition *condition, const struct opening *opening)
{
    struct incident *incident = mem_zalloc(1, sizeof(*incident));
    const struct view evidence = evidence_json(engine, condition);
    const struct view basis = basis_json(engine, condition);
    char since[INSTANT_TEXT_BYTES];

    instant_text(condition->since, since);
    const struct view parts[] = {view_bytes(condition->key, condition->key_len), view_of(since)};

    engine_id(engine, incident->id, parts, ARRAY_LEN(parts));
    incident->due = (struct due){.kind = DUE_CASE, .owner = incident};
    incident->due.timer.key = hash_bytes(view_of(incident->id));
    incident->condition = condition;
    condition->incident = incident;
    incident->class_name = engine_text(engine, view_of(opening->class_name));
    incident->title_zh = engine_text(engine, view_of(opening->title_zh));
    incident->title_en = engine_text(engine, view_of(opening->title_en));
    incident->stage_name = engine_text(engine, view_of(opening->stage_name));
    incident->severity = opening->severity;
    incident->latch = opening->latch;
    incident->muted = opening->muted;
    incident->stage = opening->stage;
    incident->suspect = condition->suspect;
    incident->late = condition->late;
    incident->opened = incident->stage_entered = incident->since = engine->at;
    incident->climb.from = engine->at;
    incident->began = facts_connected(engine->facts);
    incident->tier = incident->loop = -1;
    incident->counted_severity = incident->counted_tier = -1;
    incident->count = 1;
    incident->config = engine->opt.config_version;
    incident->evidence = mem_alloc(evidence.len + 1);
    memcpy(incident->evidence, evidence.ptr, evidence.len);
    incident->evidence[evidence.len] = '\0';
    incident->basis = mem_alloc(basis.len + 1);
    memcpy(incident->basis, basis.ptr, basis.len);
    incident->basis[basis.len] = '\0';
    basis_forget(condition);
    incident_choose_policy(engine, incident, opening->policy);
    CHECK(map_put(&engine->incidents, view_of(incident->id), incident) == NULL);

    past_fault(engine, incident);
    event_begin(engine, incident, opening->verb, opening->who, opening->why);
    if (opening->who.len == 0 || view_is(opening->who, "wallwatch"))
        json_instant(&engine->json, "began", condition->since);
    json_raw(&engine->json, "basis", view_of(incident->basis));
    json_raw(&engine->json, "evidence", view_of(incident->evidence));
    event_end(engine, incident);
    incident_arm(engine, incident);
    night_consider(engine, incident);
    return incident;
}

void
incident_free(struct engine *engine, struct incident *incident)
{
    for (size_t i = 0; i < incident->orders.len; i++)
        order_free(engine, incident->orders.at[i]);
    VEC_FREE(&incident->orders);
    VEC_FREE(&incident->members);
    VEC_FREE(&incident->children);
    free(incident->evidence);
    free(incident->basis);
    free(incident->topic);
    free(incident);
}

bool
incident_can(const struct incident *incident, enum case_event event)
{
    enum case_state state = incident->state;

    return case_step(&state, event) != CASE_TODO_REFUSE;
}

/* Off the board: orders and notices go with it. The memory stays until its topic is cleared. */
static void
finish(struct engine *engine, struct incident *incident)
{
    struct condition *condition = incident->condition;

    fold_finish(engine, incident);
    deadline_cancel(engine, &incident->due);
    for (size_t i = 0; i < incident->orders.len; i++)
        deadline_cancel(engine, &incident->orders.at[i]->due);
    outbox_drop_case(engine->outbox, view_of(incident->id));
    map_del(&engine->incidents, view_of(incident->id));
    condition->incident = NULL;
    incident->condition = NULL;
    condition_tidy(engine, condition);
}

static void
nobody_has_it(struct incident *incident)
{
    incident->climb.acknowledged = false;
    incident->climb.settled = false;
    incident->taken.by = NULL;
    incident->loop = -1;
}

static void
obey(struct engine *engine, struct incident *incident, enum case_todo todo)
{
    switch (todo) {
    case CASE_TODO_REFUSE:
    case CASE_TODO_SHOW:
        break;
    case CASE_TODO_HOLD:
        incident->climb.acknowledged = true;
        break;
    case CASE_TODO_RESUME:
    case CASE_TODO_CLIMB:
        nobody_has_it(incident);
        incident->climb.resumed = engine->at;
        break;
    case CASE_TODO_RESTART:
        nobody_has_it(incident);
        incident->climb = (struct climb){.from = engine->at};
        break;
    case CASE_TODO_STOP:
    case CASE_TODO_FINISH:
        incident->climb.settled = true;
        if (incident->loop < 0)
            incident->loop = incident->tier;
        break;
    case CASE_TODOS:
        break;
    }
}

bool
incident_step(struct engine *engine, struct incident *incident, enum case_event event,
    const char *verb, struct view who, struct view why)
{
    const enum case_state before = incident->state;
    const enum case_todo todo = case_step(&incident->state, event);

    if (todo == CASE_TODO_REFUSE)
        return false;
    if (incident->state != before)
        incident->since = engine->at;
    obey(engine, incident, todo);
    event_begin(engine, incident, verb, who, why);
    event_end(engine, incident);
    if (todo == CASE_TODO_CLIMB)
        tell_above(engine, incident, verb);
    if (incident->state == CASE_FALSE_ALARM)
        past_false_alarm(engine, incident);
    if (event == CASE_EV_SETTLE)
        past_repair(engine, incident, who);
    if (case_over(incident->state)) {
        finish(engine, incident);
        return true;
    }
    incident_arm(engine, incident);
    /* Verified and quiet is over; verified while it still holds waits until it clears. */
    if (incident->state == CASE_VERIFIED && incident->condition->state != CONDITION_TRUE &&
        incident->condition->state != CONDITION_PENDING)
        incident_step(engine, incident, CASE_EV_CLOSE, "closed", who, view_of("verified"));
    return true;
}

static const struct stage *
stage_at(const struct incident *incident, int stage)
{
    const struct rule *rule = incident->condition->rule;

    return rule != NULL && (size_t)stage < rule->n_stages ? &rule->stages[stage] : NULL;
}

void
incident_stage(struct engine *engine, struct incident *incident, int stage, const char *why)
{
    const struct stage *to = stage_at(incident, stage);

    if (to == NULL || stage <= incident->stage || incident->muted ||
        !incident_can(incident, CASE_EV_STAGE))
        return;
    incident->stage = stage;
    incident->stage_name = engine_text(engine, view_of(to->name));
    incident->stage_entered = engine->at;
    if (to->severity < incident->severity)
        incident->severity = to->severity;
    if (incident->severity == SEVERITY_RED)
        fold_leave(engine, incident);
    incident_choose_policy(engine, incident, to->policy);
    incident_step(engine, incident, CASE_EV_STAGE, "stage", view_of("wallwatch"), view_of(why));
    night_consider(engine, incident);
}

void
incident_member(struct engine *engine, struct incident *incident, struct view member)
{
    size_t from = 0, to = incident->members.len;

    while (from < to) {
        const size_t mid = from + (to - from) / 2;
        const int cmp = view_cmp(view_of(incident->members.at[mid]), member);

        if (cmp == 0)
            return;
        if (cmp < 0)
            from = mid + 1;
        else
            to = mid;
    }
    if (incident->members.len == MAX_MEMBERS)
        return;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): of pointers */
    (void)VEC_PUSH(&incident->members);
    memmove(&incident->members.at[from + 1], &incident->members.at[from],
        (incident->members.len - 1 - from) * sizeof(const char *));
    incident->members.at[from] = engine_text(engine, member);
    event_begin(engine, incident, "member", view_of("wallwatch"), view_of("joined the open case"));
    json_view(&engine->json, "member", member);
    event_end(engine, incident);
}

/* When the next stage is reached because nobody has verified this one. */
static struct instant
stage_due(const struct incident *incident)
{
    const struct stage *next = stage_at(incident, incident->stage + 1);

    if (next == NULL || next->after.us <= 0 || incident->climb.settled || incident->muted)
        return INSTANT_NEVER;
    return instant_add(incident->stage_entered, next->after);
}

static struct instant
lapse_due(const struct incident *incident)
{
    return incident->state == CASE_ACKNOWLEDGED ? incident->taken.until : INSTANT_NEVER;
}

struct instant
incident_when(const struct incident *incident)
{
    const struct instant when = instant_min(stage_due(incident), lapse_due(incident));

    return instant_min(when, done_when(incident));
}

void
incident_arm(struct engine *engine, struct incident *incident)
{
    if (incident->condition == NULL)
        return; /* it is over */
    const struct climb_due due =
        climb_next(incident->policy, &incident->climb, &engine->opt.grid->calendar);
    struct instant when = incident_when(incident);

    /* Who is folded is told by his parent. */
    if (due.step >= 0 && incident->parent == NULL)
        when = instant_min(when, due.at);
    /* Raises do not wait for what the broker kept: nobody has been told of this one yet. */
    deadline_set(engine, &incident->due, when, incident->climb.fired != 0);
}

/* One thing at a time, in this order at one instant; what else is due comes at once after it. */
void
incident_due(struct engine *engine, struct incident *incident)
{
    const struct climb_due due =
        climb_next(incident->policy, &incident->climb, &engine->opt.grid->calendar);
    const struct instant at = engine->at;

    if (instant_cmp(lapse_due(incident), at) <= 0) {
        incident_step(engine, incident, CASE_EV_LAPSE, "lapsed", view_of("wallwatch"),
            view_of("the promise was not kept"));
    } else if (instant_cmp(stage_due(incident), at) <= 0) {
        incident_stage(engine, incident, incident->stage + 1, "not verified in time");
    } else if (instant_cmp(done_when(incident), at) <= 0) {
        done_due(engine, incident);
    } else if (due.step >= 0 && instant_cmp(due.at, at) <= 0 && incident->parent == NULL) {
        tell_step(engine, incident, &due);
    }
    incident_arm(engine, incident);
}
