/* The story of one case, event after event. What is not known here changes nothing: the ledger may
 * say more than an older program can read. */
#include "alerting/assessment/assess.h"
#include "base/check.h"

#include <stdlib.h>
#include <string.h>

void
history_begin(struct assess_case *it)
{
    it->first_tier = it->tier = it->loop = -1;
}

void
history_fini(struct assess_case *it)
{
    VEC_FREE(&it->orders);
}

static int
tier_of(const char *name)
{
    enum tier tier;

    return tier_parse(view_of(name), &tier) ? (int)tier : -1;
}

static bool
is(const struct assess_event *event, const char *verb)
{
    return strcmp(event->verb, verb) == 0;
}

static void
first(struct instant *slot, struct instant at)
{
    if (slot->us == 0)
        *slot = at;
}

static struct assess_order *
order_of(struct assess_case *it, const struct assess_event *event)
{
    for (size_t i = 0; i < it->orders.len; i++) {
        if (strcmp(it->orders.at[i].id, event->order) == 0)
            return &it->orders.at[i];
    }
    struct assess_order *order = VEC_PUSH(&it->orders);

    order->id = event->order;
    order->centre = event->centre;
    order->issued = event->at;
    return order;
}

/* A later answer implies the earlier ones: who says `done` has been there. */
static void
order_went(struct assess_order *order, const struct assess_event *event)
{
    const char *state = event->order_state;
    const bool done = strcmp(state, "done") == 0;
    const bool arrived = done || strcmp(state, "arrived") == 0;
    const bool accepted =
        arrived || strcmp(state, "accepted") == 0 || strcmp(state, "en-route") == 0;

    if (strcmp(state, "refused") == 0)
        order->refused = true;
    if (strcmp(state, "unanswered") == 0)
        order->unanswered = true;
    if (accepted || strcmp(state, "received") == 0)
        first(&order->received, event->at);
    if (accepted)
        first(&order->accepted, event->at);
    if (arrived)
        first(&order->arrived, event->at);
    if (done)
        first(&order->done, event->at);
}

static bool
is_settled(enum case_state state)
{
    return state == CASE_RESOLVED || state == CASE_VERIFIED || state == CASE_CLOSED ||
           state == CASE_FALSE_ALARM;
}

static bool
parse_state(const char *name, enum case_state *out)
{
    for (int i = 0; i < CASE_STATES; i++) {
        if (strcmp(name, case_names[i]) != 0)
            continue;
        *out = (enum case_state)i;
        return true;
    }
    return false;
}

static void
reopened(struct assess_case *it)
{
    it->reworks++;
    it->settled = it->verified = it->closed = (struct instant){0};
    it->by_person = false;
}

/* Where it stands after this event; what that means follows from where it stood. */
static void
moved(struct assess_case *it, const struct assess_event *event)
{
    enum case_state now;
    const bool was_settled = is_settled(it->state);

    if (!parse_state(event->state, &now))
        return;
    if (was_settled && !is_settled(now))
        reopened(it);
    else if (is(event, "returned"))
        it->misrouted++;
    if (!was_settled && is_settled(now)) {
        it->settled = event->at;
        /* a case that cleared after somebody took it is theirs */
        it->by_person = is(event, "settled") || is(event, "verified") || is(event, "cleared");
    }
    if (now == CASE_VERIFIED)
        first(&it->verified, event->at);
    if (now == CASE_CLOSED || now == CASE_FALSE_ALARM)
        first(&it->closed, event->at);
    it->state = now;
    it->loop = tier_of(event->loop);
    if (it->first_tier < 0)
        it->first_tier = tier_of(event->tier);
    it->tier = tier_of(event->tier);
}

void
history_add(struct assess_case *it, const struct assess_event *event)
{
    if (it->opened.us == 0) {
        it->opened = event->at;
        it->began = event->began;
        it->by_hand = is(event, "reported");
    }
    moved(it, event);
    if (is(event, "acknowledged") || is(event, "settled") || is(event, "verified") ||
        is(event, "false-alarm"))
        first(&it->taken, event->at);
    if (is(event, "false-alarm"))
        it->false_alarm = true;
    if (is(event, "self-cleared"))
        it->self_cleared = true;
    if (is(event, "merged"))
        it->merged = true;
    if (is(event, "withdrawn"))
        it->withdrawn = true;
    if (is(event, "extended")) {
        it->extensions++;
        it->put_off.us += event->by.us;
    }
    if (event->order[0] != '\0' && event->order_state[0] != '\0')
        order_went(order_of(it, event), event);
}

const char *
assess_left_out(const struct assess_case *it)
{
    if (it->own)
        return "own";
    if (it->merged)
        return "merged";
    if (it->folded)
        return "folded";
    if (it->muted)
        return "maintenance";
    return it->withdrawn ? "withdrawn" : NULL;
}
