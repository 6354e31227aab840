#include "alerting/lifecycle/order.h"

#include "base/check.h"

#include <stddef.h>

const char *const order_event_names[] = {
    "received", "accepted", "en-route", "arrived", "done", "refused", "overdue"};
_Static_assert(ARRAY_LEN(order_event_names) == ORDER_EVENTS, "a name for each event");

const char *const order_todo_names[] = {"-", "show", "next", "climb", "done"};
_Static_assert(ARRAY_LEN(order_todo_names) == ORDER_TODOS, "a name for each todo");

struct step {
    enum order_state from;
    enum order_event event;
    enum order_state to;
    enum order_todo todo;
};

/* A pair that is not here changes nothing. */
static const struct step steps[] = {
    {ORDER_ISSUED, ORDER_EV_RECEIVED, ORDER_RECEIVED, ORDER_TODO_SHOW},
    {ORDER_ISSUED, ORDER_EV_ACCEPTED, ORDER_ACCEPTED, ORDER_TODO_SHOW},
    {ORDER_ISSUED, ORDER_EV_EN_ROUTE, ORDER_EN_ROUTE, ORDER_TODO_SHOW},
    {ORDER_ISSUED, ORDER_EV_ARRIVED, ORDER_ARRIVED, ORDER_TODO_SHOW},
    {ORDER_ISSUED, ORDER_EV_DONE, ORDER_DONE, ORDER_TODO_DONE},
    {ORDER_ISSUED, ORDER_EV_REFUSED, ORDER_REFUSED, ORDER_TODO_NEXT},
    {ORDER_ISSUED, ORDER_EV_OVERDUE, ORDER_UNANSWERED, ORDER_TODO_NEXT},

    {ORDER_RECEIVED, ORDER_EV_ACCEPTED, ORDER_ACCEPTED, ORDER_TODO_SHOW},
    {ORDER_RECEIVED, ORDER_EV_EN_ROUTE, ORDER_EN_ROUTE, ORDER_TODO_SHOW},
    {ORDER_RECEIVED, ORDER_EV_ARRIVED, ORDER_ARRIVED, ORDER_TODO_SHOW},
    {ORDER_RECEIVED, ORDER_EV_DONE, ORDER_DONE, ORDER_TODO_DONE},
    {ORDER_RECEIVED, ORDER_EV_REFUSED, ORDER_REFUSED, ORDER_TODO_NEXT},
    {ORDER_RECEIVED, ORDER_EV_OVERDUE, ORDER_UNANSWERED, ORDER_TODO_NEXT},

    {ORDER_ACCEPTED, ORDER_EV_EN_ROUTE, ORDER_EN_ROUTE, ORDER_TODO_SHOW},
    {ORDER_ACCEPTED, ORDER_EV_ARRIVED, ORDER_ARRIVED, ORDER_TODO_SHOW},
    {ORDER_ACCEPTED, ORDER_EV_DONE, ORDER_DONE, ORDER_TODO_DONE},
    {ORDER_ACCEPTED, ORDER_EV_REFUSED, ORDER_REFUSED, ORDER_TODO_NEXT},
    {ORDER_ACCEPTED, ORDER_EV_OVERDUE, ORDER_ACCEPTED, ORDER_TODO_CLIMB},

    {ORDER_EN_ROUTE, ORDER_EV_ARRIVED, ORDER_ARRIVED, ORDER_TODO_SHOW},
    {ORDER_EN_ROUTE, ORDER_EV_DONE, ORDER_DONE, ORDER_TODO_DONE},
    {ORDER_EN_ROUTE, ORDER_EV_REFUSED, ORDER_REFUSED, ORDER_TODO_NEXT},
    {ORDER_EN_ROUTE, ORDER_EV_OVERDUE, ORDER_EN_ROUTE, ORDER_TODO_CLIMB},

    {ORDER_ARRIVED, ORDER_EV_DONE, ORDER_DONE, ORDER_TODO_DONE},
    {ORDER_ARRIVED, ORDER_EV_REFUSED, ORDER_REFUSED, ORDER_TODO_NEXT},
    {ORDER_ARRIVED, ORDER_EV_OVERDUE, ORDER_ARRIVED, ORDER_TODO_CLIMB},
};

enum order_todo
order_step(enum order_state *state, enum order_event event)
{
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (steps[i].from != *state || steps[i].event != event)
            continue;
        *state = steps[i].to;
        return steps[i].todo;
    }
    return ORDER_TODO_NONE;
}

bool
order_answer(enum order_state answer, enum order_event *event)
{
    static const enum order_event events[ORDER_STATES] = {
        [ORDER_RECEIVED] = ORDER_EV_RECEIVED,
        [ORDER_ACCEPTED] = ORDER_EV_ACCEPTED,
        [ORDER_EN_ROUTE] = ORDER_EV_EN_ROUTE,
        [ORDER_ARRIVED] = ORDER_EV_ARRIVED,
        [ORDER_DONE] = ORDER_EV_DONE,
        [ORDER_REFUSED] = ORDER_EV_REFUSED,
    };

    if (answer == ORDER_ISSUED || answer == ORDER_UNANSWERED)
        return false;
    *event = events[answer];
    return true;
}
