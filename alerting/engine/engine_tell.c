/* From a step that is due to notices in the outbox, and back: what came of them. */
#include "alerting/engine/builtin.h"
#include "alerting/engine/state.h"
#include "alerting/escalation/recipients.h"

#include <inttypes.h>
#include <stdio.h>

#include <cjson/cJSON.h>

struct telling {
    struct incident *incident;
    int step; /* of the policy; -1: beyond its steps */
    bool repeat;
    enum tier tier; /* as the policy asks */
    struct instant due;
    struct span late;
    const char *const *tell;
    size_t n_tell;
    const char *verb, *why;
};

static struct view
fresh_notice_id(
    struct engine *engine, const struct telling *telling, const char *recipient, const char *person)
{
    const struct incident *incident = telling->incident;
    char id[ID_BYTES], step[96];

    (void)snprintf(step, sizeof(step), "%d %d %u %" PRId64, incident->stage, telling->step,
        incident->climb.repeats, telling->due.us);
    const struct view parts[] = {view_of("notice"), view_of(incident->id), view_of(step),
        view_of(recipient), view_of(person)};

    return arena_copy(&engine->scratch, view_of(engine_id(engine, id, parts, ARRAY_LEN(parts))));
}

/* Two steps of one instant may lead to the same unit, because a tier is missing: once is enough. */
static bool
told_already(const struct engine *engine, const struct telling *telling, const char *recipient,
    const char *person)
{
    const struct parcel *parcel = outbox_of(engine->outbox, view_of(telling->incident->id));

    for (; parcel != NULL; parcel = parcel->next) {
        if (instant_cmp(parcel->label.due, telling->due) == 0 &&
            strcmp(parcel->label.recipient, recipient) == 0 &&
            strcmp(parcel->label.person, person) == 0 && parcel->label.kind == PARCEL_NOTICE)
            return true;
    }
    return false;
}

/* What is wrong with Wallwatch itself may be its way to the broker: a red case of that kind goes
 * first over the ways that do not need one. */
static const struct address *
without_broker_first(struct engine *engine, const struct incident *incident,
    const struct address *addresses, size_t n)
{
    struct address *sorted;
    size_t len = 0;

    if (incident->severity != SEVERITY_RED ||
        strcmp(incident->class_name, builtin_class()->name) != 0)
        return addresses;
    sorted = ARENA_ARRAY(&engine->scratch, n, struct address);
    for (int mqtt = 0; mqtt < 2; mqtt++) {
        for (size_t i = 0; i < n; i++) {
            if ((addresses[i].channel->kind == CHANNEL_MQTT) == (mqtt == 1))
                sorted[len++] = addresses[i];
        }
    }
    return sorted;
}

/* The officer's own ways, then the duty phone, which is in the hands of whoever is on duty. */
static const struct address *
with_phone(
    struct engine *engine, const struct recipient *to, const struct person *person, size_t *n)
{
    const size_t own = person->n_addresses;
    const size_t phone = person == to->officer ? to->unit->n_phone : 0;
    struct address *all = ARENA_ARRAY(&engine->scratch, own + phone, struct address);

    for (size_t i = 0; i < own; i++)
        all[i] = person->addresses[i];
    for (size_t i = 0; i < phone; i++)
        all[own + i] = to->unit->phone[i];
    *n = own + phone;
    return all;
}

static void
add_notice(struct engine *engine, const struct telling *telling, const struct recipient *to,
    const struct person *person)
{
    const char *recipient = to->unit != NULL ? to->unit->id : to->centre->id;
    const char *who = person != NULL ? person->id : "";
    const struct address *addresses = NULL;
    size_t n = 0;

    if (person != NULL) {
        addresses = with_phone(engine, to, person, &n);
    } else if (to->unit != NULL) {
        addresses = to->unit->addresses;
        n = to->unit->n_addresses;
    } else {
        addresses = to->centre->addresses;
        n = to->centre->n_addresses;
    }
    if (n == 0 || told_already(engine, telling, recipient, who))
        return;
    addresses = without_broker_first(engine, telling->incident, addresses, n);
    const char *officer = to->officer != NULL ? to->officer->id : "";
    const char *deputy = to->deputy != NULL ? to->deputy->id : "";
    char officers[256];

    (void)snprintf(officers, sizeof(officers), "%s%s%s", officer,
        officer[0] != '\0' && deputy[0] != '\0' ? " " : "", deputy);
    const struct view id = fresh_notice_id(engine, telling, recipient, who);
    const struct parcel_label label = {
        .id = arena_text(&engine->scratch, id),
        .alert = telling->incident->id,
        .kind = PARCEL_NOTICE,
        .severity = telling->incident->severity,
        .recipient = recipient,
        .person = who,
        .behind = person != NULL && person == to->officer ? deputy : "",
        .officers = person != NULL ? who : officers,
        .tier = to->unit != NULL ? to->unit->tier : telling->tier,
        .step = telling->step,
        .repeat = telling->repeat,
        .fell_through = to->fell_through,
        .due = telling->due,
        .late = telling->late,
    };

    outbox_add(engine->outbox, &label, addresses, n, engine->now);
    engine->counts.notices++;
}

static void
write_recipient(struct json_writer *json, const struct recipient *to)
{
    json_object(json, NULL);
    if (to->centre != NULL)
        json_text(json, "centre", to->centre->id);
    if (to->unit != NULL)
        json_text(json, "unit", to->unit->id);
    if (to->officer != NULL)
        json_text(json, "officer", to->officer->id);
    if (to->deputy != NULL)
        json_text(json, "deputy", to->deputy->id);
    if (to->hole)
        json_bool(json, "hole", true);
    if (to->fell_through)
        json_bool(json, "fell_through", true);
    json_close(json);
}

/* The officer has own addresses, the unit has a board; the deputy stands behind the officer, and
 * is told at once where the officer has no way to be reached. */
static void
tell_one(struct engine *engine, const struct telling *telling, const struct recipient *to)
{
    add_notice(engine, telling, to, NULL);
    if (to->officer != NULL)
        add_notice(engine, telling, to, to->officer);
    if (to->deputy != NULL &&
        (to->officer == NULL || (to->officer->n_addresses == 0 && to->unit->n_phone == 0)))
        add_notice(engine, telling, to, to->deputy);
}

static void
tell(struct engine *engine, const struct telling *telling)
{
    struct incident *incident = telling->incident;
    const struct recipients_query query = {
        .grid = engine->opt.grid,
        .compound = incident_compound(engine, incident),
        .tier = telling->tier,
        .class_name = incident->class_name,
        .tell = telling->tell,
        .n_tell = telling->n_tell,
        .at = engine->at,
    };
    const struct recipients to = recipients_of(&engine->scratch, &query);
    const int before = incident->tier;

    if ((int)to.tier > before) {
        incident->tier = (int)to.tier;
        engine->counts.climbs += before >= 0;
    }
    event_begin(engine, incident, telling->verb, view_of("wallwatch"), view_of(telling->why));
    json_instant(&engine->json, "due", telling->due);
    json_int(&engine->json, "late_us", telling->late.us);
    json_bool(&engine->json, "repeat", telling->repeat);
    json_int(&engine->json, "step", telling->step);
    json_text(&engine->json, "tier", tier_names[telling->tier]);
    json_array(&engine->json, "to");
    for (size_t i = 0; i < to.len; i++)
        write_recipient(&engine->json, &to.at[i]);
    json_close(&engine->json);
    event_end(engine, incident);
    for (size_t i = 0; i < to.len; i++)
        tell_one(engine, telling, &to.at[i]);
}

void
tell_step(struct engine *engine, struct incident *incident, const struct climb_due *due)
{
    const struct policy_step *step = &incident->policy->steps[due->step];
    const struct span late = instant_since(engine->now, due->at);
    struct telling telling = {
        .incident = incident,
        .step = due->step,
        .repeat = due->repeat,
        .tier = step->tier,
        .due = due->at,
        .tell = step->tell,
        .n_tell = step->n_tell,
        .verb = due->repeat ? "repeated" : "told",
        .why = "its time has come",
    };

    if (late.us > LATE_STEP.us) {
        telling.late = late;
        telling.why = "its time has come, and passed";
        engine->counts.late_steps++;
    }
    climb_fired(&incident->climb, due);
    night_formal(engine, incident);
    tell(engine, &telling);
}

void
tell_above(struct engine *engine, struct incident *incident, const char *why)
{
    const enum tier from = incident->tier < 0 ? TIER_POINT : (enum tier)incident->tier;
    const int step = climb_above(incident->policy, &incident->climb, from);
    struct telling telling = {
        .incident = incident, .step = -1, .due = engine->at, .verb = "climbed", .why = why};

    if (step >= 0) {
        const struct policy_step *above = &incident->policy->steps[step];
        const struct climb_due due = {.step = step, .at = engine->at};

        telling.step = step;
        telling.tier = above->tier;
        telling.tell = above->tell;
        telling.n_tell = above->n_tell;
        climb_fired(&incident->climb, &due);
    } else if (from < TIER_DISTRICT) {
        telling.tier = (enum tier)(from + 1);
    } else {
        return; /* everybody above has been told */
    }
    tell(engine, &telling);
    incident_arm(engine, incident);
}

void
tell_again(struct engine *engine, struct incident *incident, const char *why)
{
    const struct telling telling = {.incident = incident,
        .step = -1,
        .repeat = true,
        .tier = incident->tier < 0 ? TIER_POINT : (enum tier)incident->tier,
        .due = engine->at,
        .verb = "repeated",
        .why = why};

    incident->climb.last = engine->at; /* the next repetition counts from here */
    tell(engine, &telling);
    incident_arm(engine, incident);
}

void
tell_order(struct engine *engine, const struct order *order, const struct centre *centre)
{
    const struct incident *incident = order->incident;
    const struct parcel_label label = {
        .id = order->id,
        .alert = incident->id,
        .kind = PARCEL_ORDER,
        .severity = incident->severity,
        .recipient = order->centre,
        .person = "",
        .behind = "",
        .officers = "",
        .tier = incident->tier < 0 ? TIER_POINT : (enum tier)incident->tier,
        .step = -1,
        .due = engine->at,
    };

    outbox_add(engine->outbox, &label, centre->addresses, centre->n_addresses, engine->now);
}

void
tell_person(struct engine *engine, struct incident *incident, struct view id)
{
    const struct person *person = person_find(engine->opt.grid, id);
    const struct compound *compound = incident_compound(engine, incident);
    struct recipient to = {.officer = person};
    struct telling telling = {.incident = incident, .step = -1, .due = engine->at};

    for (int tier = 0; compound != NULL && tier < TIER_COUNT && to.unit == NULL; tier++) {
        to.unit = compound->units[tier];
        telling.tier = (enum tier)tier;
    }
    if (person != NULL && to.unit != NULL)
        add_notice(engine, &telling, &to, person);
}

static void
send(
    struct engine *engine, const struct incident *incident, const struct parcel *parcel, int number)
{
    const struct delivery *delivery = &parcel->deliveries[number];
    const struct view body = notice_body(engine, incident, parcel);
    struct effect *effect = engine_effect(engine, EFFECT_SEND);

    effect->body = body;
    buf_reset(&engine->text);
    buf_printf(&engine->text, "wallwatch/%s/%s/%s",
        parcel->label.kind == PARCEL_ORDER ? "dispatch" : "notice", parcel->label.recipient,
        parcel->label.id);
    effect->topic = arena_copy(&engine->scratch, buf_view(&engine->text));
    buf_reset(&engine->text);
    outbox_delivery_id(parcel, number, &engine->text);
    effect->delivery = arena_copy(&engine->scratch, buf_view(&engine->text));
    effect->attempt = delivery->attempts;
    effect->channel = delivery->channel;
    effect->to = arena_copy(&engine->scratch, view_of(delivery->to));
    effect->severity = incident->severity;
}

static void
delivery_event(struct engine *engine, struct incident *incident, const struct parcel *parcel,
    int number, const char *verb, struct view why)
{
    const struct parcel_label *label = &parcel->label;

    event_begin(engine, incident, verb, view_of(label->recipient), why);
    json_text(&engine->json, label->kind == PARCEL_ORDER ? "order" : "notice", label->id);
    json_text(&engine->json, "person", label->person);
    if (number >= 0) {
        json_int(&engine->json, "attempt", parcel->deliveries[number].attempts);
        json_text(&engine->json, "channel", parcel->deliveries[number].channel_id);
    }
    event_end(engine, NULL);
}

void
tell_delivered(struct engine *engine, struct parcel *parcel, int number)
{
    struct incident *incident = incident_find(engine, view_of(parcel->label.alert));

    engine->counts.delivered++;
    if (incident != NULL) {
        if (parcel->label.kind == PARCEL_NOTICE)
            incident->heard[parcel->label.tier] = engine->at;
        delivery_event(engine, incident, parcel, number, "delivered", view_of(""));
    }
    outbox_drop(engine->outbox, parcel);
}

/* One recipient cannot be reached, or not in time: who stands behind is told, and if nobody else
 * of that tier has heard of it either, the next tier at once. */
static void
unreachable(
    struct engine *engine, struct incident *incident, const struct parcel *parcel, const char *why)
{
    const struct parcel_label *label = &parcel->label;
    const struct person *behind = person_find(engine->opt.grid, view_of(label->behind));
    const struct unit *unit = unit_find(engine->opt.grid, view_of(label->recipient));

    if (label->behind[0] != '\0' && behind != NULL && unit != NULL) {
        const struct recipient to = {.unit = unit, .deputy = behind};
        const struct telling telling = {.incident = incident,
            .step = label->step,
            .repeat = label->repeat,
            .tier = label->tier,
            .due = label->due,
            .late = label->late};

        add_notice(engine, &telling, &to, behind);
    }
    if (incident->tier > (int)label->tier)
        return; /* somebody above has been told since */
    if (label->kind == PARCEL_ORDER || instant_cmp(incident->heard[label->tier], parcel->made) < 0)
        tell_above(engine, incident, why);
}

static void
dead(struct engine *engine, struct incident *incident, struct parcel *parcel)
{
    struct order *order = map_get(&engine->orders, view_of(parcel->label.id));

    delivery_event(engine, incident, parcel, -1, "never", view_of("no address takes it"));
    if (parcel->label.kind == PARCEL_NOTICE)
        unreachable(engine, incident, parcel, "cannot be delivered");
    outbox_drop(engine->outbox, parcel);
    if (order != NULL)
        order_lost(engine, order, "cannot be delivered");
}

bool
tell_tick(struct engine *engine, struct instant limit)
{
    struct parcel_due due;

    if (!outbox_tick(engine->outbox, limit, engine->now, &due))
        return false;
    struct incident *incident = incident_find(engine, view_of(due.parcel->label.alert));

    CHECK(incident != NULL); /* notices go with their case */
    switch (due.event) {
    case PARCEL_NOTHING:
        break;
    case PARCEL_SEND:
        send(engine, incident, due.parcel, due.delivery);
        break;
    case PARCEL_FAILED:
        engine->counts.failed++;
        delivery_event(
            engine, incident, due.parcel, due.delivery, "failed", view_of("nobody has answered"));
        break;
    case PARCEL_OVERDUE:
        delivery_event(engine, incident, due.parcel, -1, "overdue", view_of("not delivered"));
        unreachable(engine, incident, due.parcel, "not delivered in time");
        break;
    case PARCEL_DEAD:
        dead(engine, incident, due.parcel);
        break;
    }
    return true;
}

static bool
parse_result(struct view name, enum delivery_result *out)
{
    for (size_t i = 0; i < ARRAY_LEN(delivery_results); i++) {
        if (!view_is(name, delivery_results[i]))
            continue;
        *out = (enum delivery_result)i;
        return true;
    }
    return false;
}

static void
take_result(struct engine *engine, const struct cJSON *body)
{
    enum delivery_result result;
    int number = 0;
    struct parcel *parcel =
        outbox_find_delivery(engine->outbox, body_text(body, "delivery"), &number);
    const uint32_t attempt = (uint32_t)body_int(body, "attempt", 0);

    if (parcel == NULL || !parse_result(body_text(body, "result"), &result))
        return; /* it has arrived before, or its case is over */
    struct incident *incident = incident_find(engine, view_of(parcel->label.alert));

    if (!outbox_result(engine->outbox, parcel, number, attempt, result, engine->at))
        return;
    CHECK(incident != NULL);
    if (result == RESULT_DELIVERED) {
        tell_delivered(engine, parcel, number);
        return;
    }
    engine->counts.failed++;
    delivery_event(engine, incident, parcel, number,
        result == RESULT_NEVER ? "refused-address" : "failed", body_text(body, "detail"));
    if (outbox_dead(parcel))
        dead(engine, incident, parcel);
}

void
tell_result(struct engine *engine, const struct input *in)
{
    struct cJSON *body = body_parse(in->body);

    if (body == NULL)
        return;
    take_result(engine, body);
    cJSON_Delete(body);
}
