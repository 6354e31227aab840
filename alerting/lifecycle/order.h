/*
 * order: how far a centre has come with what it was sent for.
 *
 *   answers of the centre, limits -> order -> next centre, or the case climbs
 *
 * Answers may skip forward; one that comes twice, too late or out of order changes nothing. A
 * function of state and event alone. tests/golden/lifecycle.txt shows every pair.
 */
#pragma once

#include "model/alert.h"

enum order_event {
    ORDER_EV_RECEIVED,
    ORDER_EV_ACCEPTED,
    ORDER_EV_EN_ROUTE,
    ORDER_EV_ARRIVED,
    ORDER_EV_DONE,
    ORDER_EV_REFUSED,
    ORDER_EV_OVERDUE, /* the limit of its state has passed */
    ORDER_EVENTS,
};
extern const char *const order_event_names[ORDER_EVENTS];

enum order_todo {
    ORDER_TODO_NONE,  /* harmless: nothing has changed */
    ORDER_TODO_SHOW,  /* further than before */
    ORDER_TODO_NEXT,  /* offer it to the next centre; none: the case climbs */
    ORDER_TODO_CLIMB, /* overdue, but they are on it: the case climbs */
    ORDER_TODO_DONE,
    ORDER_TODOS,
};
extern const char *const order_todo_names[ORDER_TODOS];

enum order_todo order_step(enum order_state *state, enum order_event event);

/* What a centre's answer of that name is; false for words that are no answer. */
bool order_answer(enum order_state answer, enum order_event *event);

static inline bool
order_over(enum order_state state)
{
    return state == ORDER_DONE || state == ORDER_REFUSED || state == ORDER_UNANSWERED;
}
