#include "alerting/engine/state.h"

#include <stdlib.h>

#define KEY_BYTES 256 /* of keys that fit on the stack: nearly all */

struct key {
    char small[KEY_BYTES];
    char *ptr;
    size_t len;
};

static struct view
key_make(struct key *key, struct view rule_id, struct view subject_key)
{
    key->len = rule_id.len + 1 + subject_key.len;
    key->ptr = key->len <= KEY_BYTES ? key->small : mem_alloc(key->len);
    memcpy(key->ptr, rule_id.ptr, rule_id.len);
    key->ptr[rule_id.len] = '\0';
    if (subject_key.len > 0)
        memcpy(key->ptr + rule_id.len + 1, subject_key.ptr, subject_key.len);
    return view_bytes(key->ptr, key->len);
}

static void
key_free(struct key *key)
{
    if (key->ptr != key->small)
        free(key->ptr);
}

struct condition *
condition_find(const struct engine *engine, struct view rule_id, struct view subject_key)
{
    struct key key;
    struct condition *found = map_get(&engine->conditions, key_make(&key, rule_id, subject_key));

    key_free(&key);
    return found;
}

struct condition *
condition_new(struct engine *engine, struct view rule_id, struct view subject_key)
{
    struct condition *condition = mem_zalloc(1, sizeof(*condition));
    struct key key;
    const struct view bytes = key_make(&key, rule_id, subject_key);

    condition->key = mem_alloc(bytes.len + 1);
    memcpy(condition->key, bytes.ptr, bytes.len);
    condition->key[bytes.len] = '\0';
    condition->key_len = bytes.len;
    condition->rule_id = condition->key;
    key_free(&key);
    condition->due = (struct due){.kind = DUE_CONDITION, .owner = condition};
    condition->due.timer.key = hash_bytes(view_bytes(condition->key, condition->key_len));
    condition->code = condition->part = condition->compound = condition->building = "";
    condition->anchor_code = condition->anchor_part = "";
    CHECK(map_put(&engine->conditions, view_bytes(condition->key, condition->key_len), condition) ==
          NULL);
    return condition;
}

void
condition_free(struct engine *engine, struct condition *condition)
{
    timers_cancel(&engine->timers, &condition->due.timer);
    map_del(&engine->conditions, view_bytes(condition->key, condition->key_len));
    free(condition->key);
    free(condition->message);
    free(condition);
}

/* When its turns are no longer remembered. */
static struct instant
forgotten_at(const struct condition *condition)
{
    return condition->turns[0].us == 0 ? (struct instant){INT64_MIN}
                                       : instant_add(condition->turns[0], FLAP_WINDOW);
}

void
condition_tidy(struct engine *engine, struct condition *condition)
{
    const struct instant forgotten = forgotten_at(condition);

    if (condition->incident != NULL)
        return;
    if (condition->rule != NULL && instant_cmp(forgotten, engine->at) > 0 &&
        (condition->state == CONDITION_FALSE || condition->state == CONDITION_UNKNOWN)) {
        timers_set(&engine->timers, &condition->due.timer, forgotten);
        return;
    }
    if (condition->state == CONDITION_FALSE || condition->state == CONDITION_UNKNOWN ||
        condition->rule == NULL)
        condition_free(engine, condition);
}

static void
pending(struct engine *engine, int by)
{
    engine->counts.pending += (uint32_t)by;
}

/* Every step of a condition goes through here, so that pending ones are counted. */
static enum condition_todo
step(struct engine *engine, struct condition *condition, enum condition_event event)
{
    const enum condition_state before = condition->state;
    const enum condition_todo todo = condition_step(&condition->state, event);

    pending(engine, (condition->state == CONDITION_PENDING) - (before == CONDITION_PENDING));
    return todo;
}

static enum condition_event
event_of(const struct judgement *judgement)
{
    if (judgement->truth == TRUTH_TRUE)
        return CONDITION_EV_TRUE;
    if (judgement->clear)
        return CONDITION_EV_FALSE;
    return judgement->truth == TRUTH_UNKNOWN ? CONDITION_EV_UNKNOWN : CONDITION_EV_BETWEEN;
}

static bool
grave(const struct rule *rule)
{
    for (size_t i = 0; i < rule->n_stages; i++) {
        if (rule->stages[i].severity <= SEVERITY_ORANGE)
            return true;
    }
    return false;
}

/* The asymmetry of the design: what raises is accepted late, suspect, retained; what clears is
 * accepted only fresh. */
static bool
admitted(const struct engine *engine, const struct judgement *judgement, bool retained,
    enum condition_event event)
{
    if (event == CONDITION_EV_TRUE) {
        if (!judgement->late || judgement->rule->red)
            return true;
        return instant_since(engine->at, judgement->since).us <= LATE_OPENS.us;
    }
    if (judgement->late || retained)
        return false;
    return !judgement->suspect || !grave(judgement->rule);
}

static void
split_member(struct engine *engine, struct condition *condition, struct view member)
{
    size_t slash = 0;

    while (slash < member.len && member.ptr[slash] != '/')
        slash++;
    condition->anchor_code = engine_text(engine, view_bytes(member.ptr, slash));
    condition->anchor_part = engine_text(
        engine, slash < member.len ? view_bytes(member.ptr + slash + 1, member.len - slash - 1)
                                   : view_of(""));
}

static void
adopt_subject(struct engine *engine, struct condition *condition, const struct judgement *judgement)
{
    const struct subject *subject = judgement->subject;
    const struct device *listed = subject->listed;

    condition->rule = judgement->rule;
    condition->subject = subject;
    condition->per = subject->per;
    condition->code = engine_text(engine, subject->code);
    condition->part = engine_text(engine, subject->part);
    condition->compound = engine_text(engine, subject->compound);
    condition->building = listed == NULL ? "" : engine_text(engine, view_of(listed->building));
    condition->side = listed == NULL ? SIDE_INSIDE : listed->side;
    if (subject->per == PER_DEVICE) {
        condition->anchor_code = condition->code;
        condition->anchor_part = condition->part;
    } else {
        split_member(engine, condition, judgement->member);
    }
}

/* who: a person who reported it, or Wallwatch. */
static struct incident *
open_case(struct engine *engine, struct condition *condition, const char *verb, struct view who,
    struct view why)
{
    const struct rule *rule = condition->rule;
    const struct stage *stage = &rule->stages[condition->stage];
    const struct gauge *muted = hold_mutes(engine, condition);
    const struct opening opening = {
        .class_name = rule->class->name,
        .title_zh = rule->title.zh,
        .title_en = rule->title.en,
        .stage_name = stage->name,
        .policy = stage->policy,
        .severity = muted != NULL ? SEVERITY_BLUE : stage->severity,
        .latch = rule->latch,
        .muted = muted != NULL,
        .stage = condition->stage,
        .verb = verb,
        .who = who,
        .why = muted != NULL ? view_of(muted->window.why) : why,
    };
    struct incident *incident = incident_open(engine, condition, &opening);

    if (condition->per != PER_DEVICE && condition->anchor_code[0] != '\0') {
        buf_reset(&engine->text);
        buf_text(&engine->text, condition->anchor_code);
        if (condition->anchor_part[0] != '\0')
            buf_printf(&engine->text, "/%s", condition->anchor_part);
        incident_member(engine, incident, arena_copy(&engine->scratch, buf_view(&engine->text)));
    }
    fold_consider(engine, incident);
    if (muted != NULL) {
        tell_person(engine, incident, view_of(muted->window.by));
        return incident;
    }
    if (incident->parent == NULL)
        orders_of_rule(engine, incident, rule);
    return incident;
}

struct incident *
condition_report(struct engine *engine, const struct rule *rule, const struct subject *subject,
    struct view member, struct view who, struct view why)
{
    const struct judgement judgement = {.rule = rule, .subject = subject, .member = member};
    struct condition *condition = condition_find(engine, view_of(rule->id), subject->key);

    if (condition == NULL)
        condition = condition_new(engine, view_of(rule->id), subject->key);
    if (condition->incident != NULL)
        return condition->incident;
    pending(engine, -(condition->state == CONDITION_PENDING));
    timers_cancel(&engine->timers, &condition->due.timer);
    adopt_subject(engine, condition, &judgement);
    condition->state = CONDITION_TRUE;
    condition->since = engine->at;
    condition->clearing = condition->suspect = condition->late = false;
    condition->stage = 0;
    return open_case(engine, condition, "reported", who, why);
}

/* The picture of an open case has changed only in its condition. */
static void
show_condition(struct engine *engine, struct condition *condition, const char *verb)
{
    if (condition->incident == NULL)
        return;
    event_begin(engine, condition->incident, verb, view_of("wallwatch"),
        view_of(condition_names[condition->state]));
    event_end(engine, condition->incident);
}

/* It comes and goes: the case is frozen, which is said once. */
static void
note_turn(struct engine *engine, struct condition *condition)
{
    const struct instant oldest = condition->turns[FLAP_OPENINGS - 2];
    struct incident *incident;

    memmove(&condition->turns[1], &condition->turns[0],
        (FLAP_OPENINGS - 1) * sizeof(condition->turns[0]));
    condition->turns[0] = engine->at;
    incident = condition->incident;
    if (incident == NULL || incident->flapping || oldest.us == 0 ||
        instant_since(engine->at, oldest).us > FLAP_WINDOW.us)
        return;
    incident->flapping = true;
    event_begin(engine, incident, "flapping", view_of("wallwatch"),
        view_of("it comes and goes; it stays until it has been over for 30m"));
    event_end(engine, incident);
}

static void
became_true(struct engine *engine, struct condition *condition, bool standing)
{
    struct incident *incident = condition->incident;

    timers_cancel(&engine->timers, &condition->due.timer);
    if (incident == NULL) {
        if (hold_back(engine, condition))
            return;
        (void)open_case(
            engine, condition, "opened", view_of("wallwatch"), view_of(condition->rule_id));
        note_turn(engine, condition);
    } else if (standing) {
        show_condition(engine, condition, "condition");
        hold_review(engine, incident);
    } else {
        incident->count++;
        note_turn(engine, condition);
        fold_note(engine, incident, true);
        if (!done_broken(engine, incident))
            incident_step(engine, incident, CASE_EV_RECUR, "recurred", view_of("wallwatch"),
                view_of("its condition is true again"));
        hold_review(engine, incident);
    }
    /* a second detector confirms also when the first one has restored in between */
    if (incident != NULL && condition->stage > incident->stage)
        incident_stage(engine, incident, condition->stage, "the next stage is true");
}

/* A crew is under way or at work: its word ends the case, not a fault that went by itself. */
static bool
crew_has_it(const struct incident *incident)
{
    for (size_t i = 0; i < incident->orders.len; i++) {
        const enum order_state state = incident->orders.at[i]->state;

        if (state == ORDER_EN_ROUTE || state == ORDER_ARRIVED)
            return true;
    }
    return incident->done.proving;
}

/* Blue and yellow end with their condition; what is graver, latched or in the hands of a crew waits
 * for a person. */
static void
became_false(struct engine *engine, struct condition *condition)
{
    struct incident *incident = condition->incident;

    timers_cancel(&engine->timers, &condition->due.timer);
    condition->clearing = condition->held = false;
    hold_uninhibit(engine, condition);
    if (incident != NULL) {
        const bool waits = !incident->muted && (incident->latch || crew_has_it(incident) ||
                                                   incident->severity <= SEVERITY_ORANGE);
        const bool fresh = incident->state == CASE_OPEN;

        incident->flapping = false;

        fold_release(engine, incident, false, view_of("its common cause is over"));
        fold_note(engine, incident, false);
        done_quiet(engine, incident);
        incident_step(engine, incident, waits ? CASE_EV_QUIET : CASE_EV_CLEARED,
            !waits && fresh ? "self-cleared" : "cleared", view_of("wallwatch"),
            view_of("its condition is over"));
        /* It has tidied up its condition if that ended it. */
        return;
    }
    condition_tidy(engine, condition);
}

/* When it counts as over that was over since then. */
static struct instant
clear_due(const struct condition *condition, struct instant since)
{
    const struct rule *rule = condition->rule;
    const struct incident *incident = condition->incident;
    struct instant when = rule == NULL ? since : instant_add(since, rule->clear_for);

    if (incident == NULL || rule == NULL)
        return when;
    if (rule->hold.us > 0)
        when = instant_max(when, instant_add(incident->opened, rule->hold));
    /* Whoever said that it is settled hears at once that it is not. */
    if (incident->flapping && incident->state != CASE_RESOLVED && incident->state != CASE_VERIFIED)
        when = instant_max(when, instant_add(since, FLAP_WINDOW));
    return when;
}

static void
watch(struct engine *engine, struct condition *condition, struct span span, bool standing)
{
    const struct instant when = instant_add(condition->since, span);

    if (!standing && span.us > 0 && instant_cmp(when, engine->at) > 0) {
        timers_set(&engine->timers, &condition->due.timer, when);
        return;
    }
    if (step(engine, condition, CONDITION_EV_HELD) == CONDITION_TODO_OPEN)
        became_true(engine, condition, standing);
}

static void
watch_clear(struct engine *engine, struct condition *condition, const struct judgement *judgement)
{
    const struct instant when = clear_due(condition, judgement->since);

    if (condition->incident != NULL && instant_cmp(when, engine->at) > 0) {
        if (!condition->clearing)
            timers_set(&engine->timers, &condition->due.timer, when);
        condition->clearing = true;
        return;
    }
    if (step(engine, condition, CONDITION_EV_CLEARED) == CONDITION_TODO_CLEAR)
        became_false(engine, condition);
}

static void
stay(struct engine *engine, struct condition *condition, const struct judgement *judgement,
    enum condition_state before)
{
    struct incident *incident = condition->incident;

    if (condition->clearing)
        timers_cancel(&engine->timers, &condition->due.timer);
    condition->clearing = false;
    if (before == CONDITION_TRUE && condition->state != CONDITION_TRUE)
        hold_uninhibit(engine, condition);
    if (incident == NULL) {
        if (!condition->held || judgement->truth != TRUTH_TRUE) {
            condition_tidy(engine, condition);
            return;
        }
        if (judgement->stage > condition->stage)
            condition->stage = judgement->stage;
        became_true(engine, condition, false);
        return;
    }
    if (judgement->truth != TRUTH_TRUE) {
        if (condition->state != before)
            show_condition(engine, condition, "condition");
        return;
    }
    hold_review(engine, incident);
    if (judgement->stage > incident->stage)
        incident_stage(engine, incident, judgement->stage, "the next stage is true");
    if (condition->per != PER_DEVICE && judgement->member.len > 0)
        incident_member(engine, incident, judgement->member);
    if ((incident->suspect && !judgement->suspect) || (incident->late && !judgement->late)) {
        condition->suspect = incident->suspect = incident->suspect && judgement->suspect;
        condition->late = incident->late = incident->late && judgement->late;
        show_condition(engine, condition, "confirmed");
    }
}

/* Pending already: a late reading may move its start back, and whatever is graver or less suspect
 * counts. */
static void
move_start(struct engine *engine, struct condition *condition, const struct judgement *judgement)
{
    condition->suspect = condition->suspect && judgement->suspect;
    condition->late = condition->late && judgement->late;
    if (judgement->stage > condition->stage)
        condition->stage = judgement->stage;
    if (instant_cmp(judgement->since, condition->since) >= 0)
        return;
    condition->since = judgement->since;
    watch(engine, condition, condition->rule->for_, false);
}

static void
obey(struct engine *engine, struct condition *condition, const struct judgement *judgement,
    enum condition_event event)
{
    const enum condition_state before = condition->state;
    const bool standing = before == CONDITION_UNKNOWN && condition->incident != NULL;

    switch (step(engine, condition, event)) {
    case CONDITION_TODO_NONE:
        if (condition->state == CONDITION_PENDING && event == CONDITION_EV_TRUE)
            move_start(engine, condition, judgement);
        break;
    case CONDITION_TODO_WATCH:
        condition->since = judgement->since;
        basis_note(engine, condition);
        condition->stage = judgement->stage;
        condition->suspect = judgement->suspect;
        condition->late = judgement->late;
        if (condition->clearing)
            timers_cancel(&engine->timers, &condition->due.timer);
        condition->clearing = false;
        watch(engine, condition, judgement->rule->for_, standing);
        break;
    case CONDITION_TODO_FORGET:
        timers_cancel(&engine->timers, &condition->due.timer);
        if (condition->incident == NULL)
            condition_tidy(engine, condition);
        break;
    case CONDITION_TODO_STAY:
        stay(engine, condition, judgement, before);
        break;
    case CONDITION_TODO_WATCH_CLEAR:
        watch_clear(engine, condition, judgement);
        break;
    case CONDITION_TODO_OPEN: /* these two come from timers only */
    case CONDITION_TODO_CLEAR:
    case CONDITION_TODOS:
        break;
    }
}

void
condition_judge(struct engine *engine, const struct judgement *judgement, bool retained)
{
    const enum condition_event event = event_of(judgement);
    const struct view rule_id = view_of(judgement->rule->id);
    struct condition *condition = condition_find(engine, rule_id, judgement->subject->key);

    if (condition == NULL && event != CONDITION_EV_TRUE)
        return; /* the way of nearly every reading: nothing was true, nothing is */
    if (!admitted(engine, judgement, retained, event))
        return;
    if (condition == NULL) {
        condition = condition_new(engine, rule_id, judgement->subject->key);
        adopt_subject(engine, condition, judgement);
    } else if (judgement->late && condition->incident != NULL) {
        /* Late: it may tell of a member, it does not bring back what has cleared since. */
        if (condition->per != PER_DEVICE && judgement->member.len > 0)
            incident_member(engine, condition->incident, judgement->member);
        return;
    }
    condition->rule = judgement->rule;
    condition->subject = judgement->subject;
    obey(engine, condition, judgement, event);
    if (event == CONDITION_EV_TRUE && condition->incident != NULL)
        done_still(engine, condition->incident);
}

void
condition_facts(struct engine *engine, const struct judgements *judgements)
{
    for (size_t i = 0; i < judgements->len; i++)
        condition_judge(engine, &judgements->at[i], false);
    engine->counts.judged += judgements->len;
}

/* Its timer: `for` or `clear_for` is over. */
void
condition_due(struct engine *engine, struct condition *condition)
{
    if (condition->clearing) {
        if (step(engine, condition, CONDITION_EV_CLEARED) == CONDITION_TODO_CLEAR)
            became_false(engine, condition);
        return;
    }
    if (condition->state == CONDITION_FALSE || condition->state == CONDITION_UNKNOWN) {
        condition_tidy(engine, condition); /* its turns are forgotten */
        return;
    }
    if (condition->state == CONDITION_TRUE) {
        if (condition->incident != NULL)
            hold_review(engine, condition->incident);
        else
            became_true(engine, condition, false);
        return;
    }
    if (condition->subject == NULL)
        condition->subject = facts_subject(engine->facts, condition->per,
            view_of(condition->anchor_code), view_of(condition->anchor_part));
    if (step(engine, condition, CONDITION_EV_HELD) == CONDITION_TODO_OPEN)
        became_true(engine, condition, false);
}
