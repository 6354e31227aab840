/*
 * Storms folded by cause: many cases that began together in one place become the children of one
 * parent, which alone is told and climbs. A child stays a case: listed, counted, closable. What
 * hides nothing: who began at another time stays alone; a red one is never folded; when the cause
 * is over, whoever is still not well is told as a case of his own, and is not folded again.
 */
#include "alerting/engine/state.h"

#include <stdlib.h>

struct crowd {                      /* cases of one place that a folding might gather */
    VEC(struct incident *) waiting; /* by device, then id */
    uint32_t devices;               /* that stand there and could be among them */
};

struct spot { /* where a case happens, for one folding */
    const struct folding *folding;
    const struct device *device; /* NULL: not listed */
    const char *compound, *id;
    struct view key; /* of the parent's subject, in scratch */
};

static const char *
place_of(enum per per, const struct condition *condition, const struct device *device)
{
    switch (per) {
    case PER_GATEWAY:
        return device == NULL || device->gateway == NULL ? "" : device->gateway;
    case PER_ZONE:
        return device == NULL ? "" : device->zone;
    case PER_BUILDING:
        return condition->building;
    case PER_COMPOUND:
        return condition->compound;
    case PER_DEVICE:
        break;
    }
    return "";
}

static const char *
device_of(const struct condition *condition)
{
    return condition->anchor_code[0] != '\0' ? condition->anchor_code : condition->code;
}

/* The compound is part of every place: nothing is folded across compounds. */
static bool
find_spot(struct engine *engine, const struct folding *folding, const struct condition *condition,
    struct spot *out)
{
    const struct device *device = device_find(engine->opt.devices, view_of(device_of(condition)));
    const char *id = place_of(folding->rule.per, condition, device);

    if (id[0] == '\0' || !folding_gathers(folding, view_of(condition->rule_id)))
        return false;
    buf_reset(&engine->text);
    buf_printf(&engine->text, "%s/%s/%s", per_names[folding->rule.per], condition->compound, id);
    *out = (struct spot){folding, device, condition->compound, id,
        arena_copy(&engine->scratch, buf_view(&engine->text))};
    return true;
}

static struct view
crowd_key(struct engine *engine, const struct spot *spot)
{
    buf_reset(&engine->text);
    buf_text(&engine->text, spot->folding->rule.id);
    buf_char(&engine->text, '\0');
    buf_put(&engine->text, spot->key);
    return buf_view(&engine->text);
}

/* Listed devices of that place of which a gathered rule speaks. */
static uint32_t
count_devices(const struct engine *engine, const struct spot *spot)
{
    const struct device_table *devices = engine->opt.devices;
    uint32_t n = 0;

    for (size_t i = 0; spot->folding->percent > 0 && i < devices->len; i++) {
        const struct device *device = &devices->at[i];
        const struct condition at = {
            .compound = device->compound->id, .building = device->building};

        if (strcmp(device->compound->id, spot->compound) == 0 &&
            strcmp(place_of(spot->folding->rule.per, &at, device), spot->id) == 0 &&
            (device->lane == NULL || strcmp(device->lane, engine->opt.lane) == 0) &&
            folding_knows(spot->folding, engine->opt.rules, device->class))
            n++;
    }
    return n;
}

static struct crowd *
crowd_of(struct engine *engine, const struct spot *spot)
{
    struct crowd *crowd = map_get(&engine->crowds, crowd_key(engine, spot));

    if (crowd != NULL)
        return crowd;
    crowd = mem_zalloc(1, sizeof(*crowd));
    crowd->devices = count_devices(engine, spot);
    map_put(&engine->crowds, crowd_key(engine, spot), crowd);
    return crowd;
}

static int
compare_waiting(const struct incident *a, const struct incident *b)
{
    const int cmp = strcmp(device_of(a->condition), device_of(b->condition));

    return cmp != 0 ? cmp : strcmp(a->id, b->id);
}

static size_t
waiting_place(const struct crowd *crowd, const struct incident *incident)
{
    size_t from = 0, to = crowd->waiting.len;

    while (from < to) {
        const size_t mid = from + (to - from) / 2;

        if (compare_waiting(crowd->waiting.at[mid], incident) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static void
wait_in(struct crowd *crowd, struct incident *incident)
{
    const size_t at = waiting_place(crowd, incident);

    /* NOLINTNEXTLINE(bugprone-sizeof-expression): of pointers */
    (void)VEC_PUSH(&crowd->waiting);
    memmove(&crowd->waiting.at[at + 1], &crowd->waiting.at[at],
        (crowd->waiting.len - 1 - at) * sizeof(struct incident *));
    crowd->waiting.at[at] = incident;
    incident->waits = true;
}

/* Out of every crowd that it waits in; it never comes back. */
static void
leave_crowds(struct engine *engine, struct incident *incident)
{
    if (!incident->waits)
        return;
    incident->waits = false;
    for (size_t i = 0; i < engine->opt.rules->n_foldings; i++) {
        struct spot spot;

        if (!find_spot(engine, &engine->opt.rules->foldings[i], incident->condition, &spot))
            continue;
        struct crowd *crowd = map_get(&engine->crowds, crowd_key(engine, &spot));
        const size_t at = crowd == NULL ? 0 : waiting_place(crowd, incident);

        if (crowd == NULL || at == crowd->waiting.len || crowd->waiting.at[at] != incident)
            continue;
        crowd->waiting.len--;
        memmove(&crowd->waiting.at[at], &crowd->waiting.at[at + 1],
            (crowd->waiting.len - at) * sizeof(struct incident *));
    }
}

/* Open, nobody's, not red, and no parent itself. */
static bool
may_fold(const struct incident *incident)
{
    const struct rule *rule = incident->condition->rule;

    return rule != NULL && incident->parent == NULL && incident->severity != SEVERITY_RED &&
           incident->state == CASE_OPEN;
}

/* Nobody has said that it is settled. */
static bool
standing(const struct incident *parent)
{
    return parent->state != CASE_RESOLVED && parent->state != CASE_VERIFIED;
}

static bool
together(const struct incident *a, int64_t began, const struct folding *folding)
{
    const int64_t apart = a->began - began;

    return apart <= folding->within.us && apart >= -folding->within.us;
}

static size_t
child_place(const struct incident *parent, const struct incident *child)
{
    size_t from = 0, to = parent->children.len;

    while (from < to) {
        const size_t mid = from + (to - from) / 2;

        if (strcmp(parent->children.at[mid]->id, child->id) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

/* Is the cause over? Of the most that were unwell at once, fewer than half still are. */
static void
check_parent(struct engine *engine, struct incident *parent)
{
    struct condition *condition = parent->condition;

    if (condition->state != CONDITION_TRUE)
        return;
    if (parent->n_unwell > parent->peak)
        parent->peak = parent->n_unwell;
    const bool over = parent->n_unwell == 0 || parent->n_unwell < (parent->peak + 1) / 2;

    if (over == condition->clearing)
        return;
    condition->clearing = over;
    if (!over) {
        timers_cancel(&engine->timers, &condition->due.timer);
        return;
    }
    const struct span settle = condition->rule == NULL ? SPAN_S(0) : condition->rule->clear_for;

    timers_set(&engine->timers, &condition->due.timer, instant_add(engine->at, settle));
}

static void
fold(struct engine *engine, struct incident *parent, struct incident *child)
{
    const size_t at = child_place(parent, child);

    leave_crowds(engine, child);
    child->parent = parent;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): of pointers */
    (void)VEC_PUSH(&parent->children);
    memmove(&parent->children.at[at + 1], &parent->children.at[at],
        (parent->children.len - 1 - at) * sizeof(struct incident *));
    parent->children.at[at] = child;
    child->unwell = true;
    parent->n_unwell++;
    event_begin(engine, child, "folded", view_of("wallwatch"), view_of("one cause, one alert"));
    json_text(&engine->json, "into", parent->id);
    event_end(engine, child);
    incident_arm(engine, child);
    incident_member(engine, parent, view_of(incident_subject(engine, child)));
    incident_touch(engine, parent); /* its number of children */
    check_parent(engine, parent);
}

/* "4 devices within 5m: charger-offline lift-offline" */
static struct view
reason(struct engine *engine, const struct folding *folding, const struct crowd *crowd,
    const struct incident *newest, size_t n)
{
    char span[SPAN_TEXT_BYTES];

    buf_reset(&engine->text);
    buf_printf(&engine->text, "%zu devices within %s:", n, span_text(folding->within, span));
    for (size_t r = 0; r < folding->n_gathers; r++) {
        for (size_t i = 0; i < crowd->waiting.len; i++) {
            const struct incident *child = crowd->waiting.at[i];

            if (!together(child, newest->began, folding) ||
                strcmp(child->condition->rule_id, folding->gathers[r]) != 0)
                continue;
            buf_printf(&engine->text, " %s", folding->gathers[r]);
            break;
        }
    }
    return arena_copy(&engine->scratch, buf_view(&engine->text));
}

static struct incident *
open_parent(
    struct engine *engine, const struct spot *spot, const struct incident *newest, struct view why)
{
    const struct rule *rule = &spot->folding->rule;
    struct condition *condition = condition_find(engine, view_of(rule->id), spot->key);
    const struct opening opening = {
        .class_name = rule->class->name,
        .title_zh = rule->title.zh,
        .title_en = rule->title.en,
        .stage_name = "",
        .policy = rule->stages[0].policy,
        .severity = rule->stages[0].severity,
        .verb = "opened",
        .who = view_of("wallwatch"),
        .why = why,
    };

    if (condition == NULL)
        condition = condition_new(engine, view_of(rule->id), spot->key);
    condition->rule = rule;
    condition->per = rule->per;
    condition->code = engine_text(engine, view_of(spot->id));
    condition->compound = engine_text(engine, view_of(spot->compound));
    condition->building = rule->per == PER_BUILDING ? condition->code : "";
    condition->side = newest->condition->side;
    condition->state = CONDITION_TRUE;
    condition->since = engine->at;
    struct incident *parent = incident_open(engine, condition, &opening);

    for (size_t i = 0; i < rule->n_dispatch; i++)
        order_issue(engine, parent, view_of(rule->dispatch[i]), view_of("wallwatch"));
    return parent;
}

/* It is there already, from an earlier storm. */
static void
grow_parent(struct engine *engine, struct incident *parent, struct view why)
{
    struct condition *condition = parent->condition;

    timers_cancel(&engine->timers, &condition->due.timer);
    condition->clearing = false;
    parent->peak = 0;
    if (condition->state == CONDITION_TRUE && standing(parent))
        return;
    condition->state = CONDITION_TRUE;
    condition->since = engine->at;
    parent->count++;
    incident_step(engine, parent, CASE_EV_RECUR, "recurred", view_of("wallwatch"), why);
}

static void
gather(struct engine *engine, const struct spot *spot, struct crowd *crowd,
    const struct incident *newest, size_t n)
{
    const struct view rule_id = view_of(spot->folding->rule.id);
    struct condition *condition = condition_find(engine, rule_id, spot->key);
    const struct view why = reason(engine, spot->folding, crowd, newest, n);
    struct incident *parent = condition == NULL ? NULL : condition->incident;

    if (parent == NULL)
        parent = open_parent(engine, spot, newest, why);
    else
        grow_parent(engine, parent, why);
    parent->began = newest->began;
    for (size_t i = 0; i < crowd->waiting.len;) {
        struct incident *child = crowd->waiting.at[i];

        if (together(child, parent->began, spot->folding) && may_fold(child))
            fold(engine, parent, child); /* it is out of the crowd */
        else
            i++;
    }
}

static size_t
count_together(const struct folding *folding, const struct crowd *crowd, int64_t began)
{
    const char *last = "";
    size_t n = 0;

    for (size_t i = 0; i < crowd->waiting.len; i++) {
        const struct incident *incident = crowd->waiting.at[i];
        const char *code = device_of(incident->condition);

        if (!may_fold(incident) || !together(incident, began, folding) || strcmp(code, last) == 0)
            continue;
        last = code;
        n++;
    }
    return n;
}

static void
consider(struct engine *engine, const struct spot *spot, struct incident *incident)
{
    const struct folding *folding = spot->folding;
    const struct condition *condition =
        condition_find(engine, view_of(folding->rule.id), spot->key);
    struct crowd *crowd = crowd_of(engine, spot);

    wait_in(crowd, incident);
    if (condition != NULL && condition->incident != NULL && condition->state == CONDITION_TRUE &&
        standing(condition->incident) && together(condition->incident, incident->began, folding)) {
        fold(engine, condition->incident, incident);
        return;
    }
    const size_t n = count_together(folding, crowd, incident->began);

    if (n >= folding->least && n * 100 >= (size_t)folding->percent * crowd->devices)
        gather(engine, spot, crowd, incident, n);
}

/* A case has just opened. The narrowest place is asked first. */
void
fold_consider(struct engine *engine, struct incident *incident)
{
    struct condition *condition = incident->condition;
    struct spot spot;

    if (!may_fold(incident) || condition->rule == NULL)
        return;
    incident->began =
        facts_began(engine->facts, condition->rule, condition->subject, condition->since);
    for (size_t i = 0; i < engine->opt.rules->n_foldings && incident->parent == NULL; i++) {
        if (find_spot(engine, &engine->opt.rules->foldings[i], condition, &spot))
            consider(engine, &spot, incident);
    }
}

/* It is a case of its own again, and stays one. */
static void
unfold(struct engine *engine, struct incident *child, struct view why)
{
    const struct rule *rule = child->condition->rule;

    child->parent = NULL;
    if (child->state == CASE_OPEN || child->state == CASE_REOPENED)
        child->climb = (struct climb){.from = engine->at};
    event_begin(engine, child, "unfolded", view_of("wallwatch"), why);
    event_end(engine, child);
    incident_arm(engine, child);
    for (size_t i = 0; rule != NULL && i < rule->n_dispatch && child->orders.len == 0; i++)
        order_issue(engine, child, view_of(rule->dispatch[i]), view_of("wallwatch"));
}

/* The parent's picture counts its children. */
static void
left(struct engine *engine, struct incident *parent, const struct incident *child, struct view why)
{
    event_begin(engine, parent, "left", view_of("wallwatch"), why);
    json_text(&engine->json, "child", child->id);
    event_end(engine, parent);
    check_parent(engine, parent);
}

static void
drop_child(struct incident *parent, const struct incident *child)
{
    const size_t at = child_place(parent, child);

    CHECK(at < parent->children.len && parent->children.at[at] == child);
    parent->n_unwell -= child->unwell;
    parent->children.len--;
    memmove(&parent->children.at[at], &parent->children.at[at + 1],
        (parent->children.len - at) * sizeof(struct incident *));
}

/* Its condition is over, though its case may wait for a person; or is true again. */
void
fold_note(struct engine *engine, struct incident *child, bool unwell)
{
    if (child->parent == NULL || child->unwell == unwell)
        return;
    child->unwell = unwell;
    child->parent->n_unwell += unwell ? 1 : UINT32_MAX; /* or minus one */
    check_parent(engine, child->parent);
}

/* It has become red: it is told for itself. */
void
fold_leave(struct engine *engine, struct incident *child)
{
    struct incident *parent = child->parent;

    leave_crowds(engine, child);
    if (parent == NULL)
        return;
    drop_child(parent, child);
    unfold(engine, child, view_of("it has become graver"));
    left(engine, parent, child, view_of("it has become graver"));
}

/* The cause of the parent is over: whoever is still not well is told for himself. */
void
fold_release(struct engine *engine, struct incident *parent, bool all, struct view why)
{
    size_t i = 0;

    while (i < parent->children.len) {
        struct incident *child = parent->children.at[i];

        if (!all && !child->unwell) {
            i++;
            continue;
        }
        drop_child(parent, child);
        unfold(engine, child, why);
    }
}

/* A case is over; its condition is still there. Children that were waiting only for a person end
 * with their parent, unless it never was their cause. */
void
fold_finish(struct engine *engine, struct incident *incident)
{
    struct incident *parent = incident->parent;

    leave_crowds(engine, incident);
    fold_release(engine, incident, incident->state == CASE_FALSE_ALARM,
        incident->state == CASE_FALSE_ALARM ? view_of("it had another cause")
                                            : view_of("its common cause is over"));
    while (incident->children.len > 0) {
        struct incident *child = incident->children.at[incident->children.len - 1];

        incident->children.len--;
        child->parent = NULL;
        incident_step(engine, child, CASE_EV_END, "closed", view_of("wallwatch"),
            view_of("closed with its common cause"));
    }
    if (parent == NULL)
        return;
    drop_child(parent, incident);
    incident->parent = NULL;
    left(engine, parent, incident, view_of(case_names[incident->state]));
}

static void
free_crowd(void *value)
{
    struct crowd *crowd = value;

    VEC_FREE(&crowd->waiting);
    free(crowd);
}

void
folds_fini(struct engine *engine)
{
    struct arena arena;

    arena_init(&arena);
    const struct map_entry *entries = map_sorted(&engine->crowds, &arena);

    for (size_t i = 0; i < engine->crowds.len; i++)
        free_crowd(entries[i].value);
    arena_fini(&arena);
    map_fini(&engine->crowds);
}

/* After a load and under a new configuration: who waits where is found anew. */
void
folds_rebuild(struct engine *engine)
{
    folds_fini(engine);
    map_init(&engine->crowds);
    const struct map_entry *entries = map_sorted(&engine->incidents, &engine->scratch);

    for (size_t i = 0; i < engine->incidents.len; i++) {
        struct incident *incident = entries[i].value;

        for (size_t f = 0; incident->waits && f < engine->opt.rules->n_foldings; f++) {
            struct spot spot;

            if (find_spot(engine, &engine->opt.rules->foldings[f], incident->condition, &spot))
                wait_in(crowd_of(engine, &spot), incident);
        }
    }
}
