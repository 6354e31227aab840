#include "alerting/engine/state.h"

#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

/* Orders that centres still work on or have not answered. */
static void
count_open(struct engine *engine, const struct order *order, uint32_t by)
{
    if (!order_over(order->state))
        engine->counts.orders_open += by;
}

void
order_free(struct engine *engine, struct order *order)
{
    deadline_cancel(engine, &order->due);
    count_open(engine, order, UINT32_MAX); /* minus one */
    map_del(&engine->orders, view_of(order->id));
    free(order);
}

static void
order_event(
    struct engine *engine, struct order *order, const char *verb, struct view who, struct view why)
{
    event_begin(engine, order->incident, verb, who, why);
    json_text(&engine->json, "centre", order->centre);
    json_text(&engine->json, "order", order->id);
    json_text(&engine->json, "order_state", order_names[order->state]);
    event_end(engine, order->incident);
}

static struct instant
limit(const struct order *order, struct span within, bool said)
{
    return said || within.us <= 0 ? INSTANT_NEVER : instant_add(order->issued, within);
}

/* All limits count from the issue. Being received late and being accepted late end an order;
 * arriving late and finishing late are said once and the order goes on. */
struct instant
order_when(const struct engine *engine, const struct order *order)
{
    const struct centre *centre = centre_find(engine->opt.grid, view_of(order->centre));
    struct instant when = INSTANT_NEVER;

    if (centre != NULL && !order_over(order->state)) {
        switch (order->state) {
        case ORDER_ISSUED:
            when = limit(order, centre->receive_within, false);
            when = instant_min(when, limit(order, centre->accept_within, false));
            break;
        case ORDER_RECEIVED:
            when = limit(order, centre->accept_within, false);
            break;
        case ORDER_ACCEPTED:
        case ORDER_EN_ROUTE:
            when = limit(order, centre->arrive_within, order->late_arrival);
            when = instant_min(when, limit(order, centre->finish_within, order->late_finish));
            break;
        case ORDER_ARRIVED:
            when = limit(order, centre->finish_within, order->late_finish);
            break;
        case ORDER_DONE:
        case ORDER_REFUSED:
        case ORDER_UNANSWERED:
        case ORDER_STATES:
            break;
        }
    }
    return when;
}

void
order_arm(struct engine *engine, struct order *order)
{
    deadline_set(engine, &order->due, order_when(engine, order), true);
}

static struct order *
order_to(const struct incident *incident, const char *centre, bool open_only)
{
    for (size_t i = 0; i < incident->orders.len; i++) {
        struct order *order = incident->orders.at[i];

        if (strcmp(order->centre, centre) == 0 && !(open_only && order_over(order->state)))
            return order;
    }
    return NULL;
}

struct order *
order_issue(
    struct engine *engine, struct incident *incident, struct view centre_id, struct view who)
{
    const struct centre *centre = centre_find(engine->opt.grid, centre_id);
    char number[32];

    if (centre == NULL || incident->orders.len == MAX_ORDERS)
        return NULL;
    struct order *order = order_to(incident, centre->id, true);

    if (order != NULL)
        return order; /* they are on it */
    order = mem_zalloc(1, sizeof(*order));
    (void)snprintf(number, sizeof(number), "%zu", incident->orders.len);
    const struct view parts[] = {
        view_of("order"), view_of(incident->id), view_of(number), view_of(centre->id)};

    engine_id(engine, order->id, parts, ARRAY_LEN(parts));
    order->due = (struct due){.kind = DUE_ORDER, .owner = order};
    order->due.timer.key = hash_bytes(view_of(order->id));
    order->incident = incident;
    order->centre = engine_text(engine, view_of(centre->id));
    order->state = ORDER_ISSUED;
    order->issued = order->since = engine->now; /* its limits run from when it can be sent */
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): of pointers */
    *VEC_PUSH(&incident->orders) = order;
    count_open(engine, order, 1);
    CHECK(map_put(&engine->orders, view_of(order->id), order) == NULL);
    order_event(engine, order, "order", who, view_of("issued"));
    tell_order(engine, order, centre);
    order_arm(engine, order);
    return order;
}

struct order *
order_call(struct engine *engine, struct incident *incident, struct view wanted, struct view who)
{
    const struct compound *compound = incident_compound(engine, incident);

    if (!view_is(wanted, CENTRE_PROPERTY))
        return order_issue(engine, incident, wanted, who);
    if (compound != NULL && compound->property != NULL)
        return order_issue(engine, incident, view_of(compound->property->id), who);
    event_begin(engine, incident, "order-fell-through", who, view_of("it has no property firm"));
    event_end(engine, NULL);
    return NULL;
}

void
orders_of_rule(struct engine *engine, struct incident *incident, const struct rule *rule)
{
    bool any = false;

    for (size_t i = 0; i < rule->n_dispatch; i++)
        any |=
            order_call(engine, incident, view_of(rule->dispatch[i]), view_of("wallwatch")) != NULL;
    if (rule->n_dispatch > 0 && !any)
        tell_above(engine, incident, "nobody can be sent");
}

/* To the next centre that this case has not asked yet; when there is none it climbs. */
static void
offer_next(struct engine *engine, struct order *order, const char *why)
{
    const struct centre *centre = centre_find(engine->opt.grid, view_of(order->centre));
    int left = MAX_ORDERS; /* `next` may lead in a circle */

    for (centre = centre == NULL ? NULL : centre->next; centre != NULL && left > 0; left--) {
        if (order_to(order->incident, centre->id, false) == NULL &&
            order_issue(engine, order->incident, view_of(centre->id), view_of("wallwatch")) != NULL)
            return;
        centre = centre->next;
    }
    tell_above(engine, order->incident, why);
}

static void
advance(struct engine *engine, struct order *order, enum order_event event, struct view who,
    struct view why)
{
    const enum order_state before = order->state;
    struct incident *incident = order->incident;

    count_open(engine, order, UINT32_MAX); /* minus one */
    const enum order_todo todo = order_step(&order->state, event);

    count_open(engine, order, 1);
    if (order->state != before)
        order->since = engine->at;
    if (order->state == ORDER_ARRIVED || order->state == ORDER_DONE)
        incident->climb.arrived = true;
    if (todo == ORDER_TODO_DONE)
        done_said(engine, incident, view_of(order->centre));
    if (todo == ORDER_TODO_DONE)
        past_repair(engine, incident, view_of(order->centre));
    order_event(engine, order, todo == ORDER_TODO_NONE ? "order-ignored" : order_event_names[event],
        who, why);
    if (order_over(order->state)) {
        struct parcel *parcel = outbox_find(engine->outbox, view_of(order->id));

        if (parcel != NULL)
            outbox_drop(engine->outbox, parcel);
    }
    if (todo == ORDER_TODO_NEXT)
        offer_next(engine, order, "no centre takes the order");
    if (todo == ORDER_TODO_CLIMB)
        tell_above(engine, incident, "the order is overdue");
    order_arm(engine, order);
    incident_arm(engine, incident);
}

void
order_due(struct engine *engine, struct order *order)
{
    const struct centre *centre = centre_find(engine->opt.grid, view_of(order->centre));
    const struct span none = {0};
    const struct instant finish =
        limit(order, centre == NULL ? none : centre->finish_within, order->late_finish);

    if (order->state >= ORDER_ACCEPTED && !order_over(order->state)) {
        if (instant_cmp(finish, engine->at) <= 0)
            order->late_finish = true;
        else
            order->late_arrival = true;
    }
    advance(
        engine, order, ORDER_EV_OVERDUE, view_of("wallwatch"), view_of(order_names[order->state]));
}

void
order_lost(struct engine *engine, struct order *order, const char *why)
{
    if (order->state == ORDER_ISSUED)
        advance(engine, order, ORDER_EV_OVERDUE, view_of("wallwatch"), view_of(why));
}

static void
refuse_answer(struct engine *engine, struct view sender, struct view what, const char *why)
{
    event_begin(engine, NULL, "answer-refused", sender, view_of(why));
    json_view(&engine->json, "what", what);
    event_end(engine, NULL);
}

/* A reply to a notice: whoever has it has it on all ways over which it was tried by MQTT. */
static void
notice_received(struct engine *engine, const struct cJSON *body)
{
    struct parcel *parcel = outbox_find(engine->outbox, body_text(body, "notice"));

    if (parcel == NULL)
        return; /* twice, or after its case: harmless */
    for (size_t i = 0; i < parcel->n; i++) {
        if (parcel->deliveries[i].channel != NULL &&
            parcel->deliveries[i].channel->kind == CHANNEL_MQTT) {
            tell_delivered(engine, parcel, (int)i);
            return;
        }
    }
}

static int
mqtt_delivery(const struct parcel *parcel)
{
    for (size_t i = 0; i < parcel->n; i++) {
        if (parcel->deliveries[i].attempts > 0)
            return (int)i;
    }
    return -1;
}

static void
take_answer(struct engine *engine, const struct cJSON *in, const struct cJSON *body)
{
    const struct view sender = body_text(in, "sender"), id = body_text(body, "order");
    const struct view by = body_text(body, "by");
    enum order_state answer;
    enum order_event event;

    if (body_text(body, "notice").len > 0) {
        notice_received(engine, body);
        return;
    }
    struct order *order = map_get(&engine->orders, id);

    if (order == NULL) {
        refuse_answer(engine, sender, id, "no such order");
        return;
    }
    if (!view_is(body_text(in, "centre"), order->centre)) {
        refuse_answer(engine, sender, id, "the order is another centre's");
        return;
    }
    if (!order_state_parse(body_text(body, "answer"), &answer) || !order_answer(answer, &event)) {
        refuse_answer(engine, sender, id, "not an answer");
        return;
    }
    struct parcel *parcel = outbox_find(engine->outbox, id);

    if (parcel != NULL)
        tell_delivered(engine, parcel, mqtt_delivery(parcel));
    advance(engine, order, event, by.len > 0 ? by : sender, body_text(body, "comment"));
}

bool
engine_has_order(const struct engine *engine, struct view id)
{
    return map_get(&engine->orders, id) != NULL;
}

void
order_answered(struct engine *engine, const struct input *in)
{
    struct cJSON *outer = body_parse(in->body);

    if (outer == NULL)
        return;
    const cJSON *body = cJSON_GetObjectItemCaseSensitive(outer, "body");

    if (cJSON_IsObject(body))
        take_answer(engine, outer, body);
    else
        refuse_answer(engine, body_text(outer, "sender"), view_of(""), "no body");
    cJSON_Delete(outer);
}
