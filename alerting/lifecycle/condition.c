#include "alerting/lifecycle/condition.h"

#include "base/check.h"

#include <stddef.h>

const char *const condition_event_names[] = {
    "true", "false", "between", "unknown", "held", "cleared"};
_Static_assert(ARRAY_LEN(condition_event_names) == CONDITION_EVENTS, "a name for each event");

const char *const condition_todo_names[] = {
    "-", "watch", "forget", "open", "stay", "watch clear", "clear"};
_Static_assert(ARRAY_LEN(condition_todo_names) == CONDITION_TODOS, "a name for each todo");

struct step {
    enum condition_state from;
    enum condition_event event;
    enum condition_state to;
    enum condition_todo todo;
};

/* A pair that is not here changes nothing. Unknown neither raises nor clears: it stops a running
 * `for`, and an open case keeps waiting. */
static const struct step steps[] = {
    {CONDITION_FALSE, CONDITION_EV_TRUE, CONDITION_PENDING, CONDITION_TODO_WATCH},
    {CONDITION_PENDING, CONDITION_EV_FALSE, CONDITION_FALSE, CONDITION_TODO_FORGET},
    {CONDITION_PENDING, CONDITION_EV_BETWEEN, CONDITION_FALSE, CONDITION_TODO_FORGET},
    {CONDITION_PENDING, CONDITION_EV_UNKNOWN, CONDITION_UNKNOWN, CONDITION_TODO_FORGET},
    {CONDITION_PENDING, CONDITION_EV_HELD, CONDITION_TRUE, CONDITION_TODO_OPEN},
    {CONDITION_TRUE, CONDITION_EV_TRUE, CONDITION_TRUE, CONDITION_TODO_STAY},
    {CONDITION_TRUE, CONDITION_EV_BETWEEN, CONDITION_TRUE, CONDITION_TODO_STAY},
    {CONDITION_TRUE, CONDITION_EV_FALSE, CONDITION_TRUE, CONDITION_TODO_WATCH_CLEAR},
    {CONDITION_TRUE, CONDITION_EV_UNKNOWN, CONDITION_UNKNOWN, CONDITION_TODO_STAY},
    {CONDITION_TRUE, CONDITION_EV_CLEARED, CONDITION_FALSE, CONDITION_TODO_CLEAR},
    {CONDITION_UNKNOWN, CONDITION_EV_TRUE, CONDITION_PENDING, CONDITION_TODO_WATCH},
    {CONDITION_UNKNOWN, CONDITION_EV_FALSE, CONDITION_UNKNOWN, CONDITION_TODO_WATCH_CLEAR},
    {CONDITION_UNKNOWN, CONDITION_EV_BETWEEN, CONDITION_UNKNOWN, CONDITION_TODO_STAY},
    {CONDITION_UNKNOWN, CONDITION_EV_CLEARED, CONDITION_FALSE, CONDITION_TODO_CLEAR},
};

enum condition_todo
condition_step(enum condition_state *state, enum condition_event event)
{
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (steps[i].from != *state || steps[i].event != event)
            continue;
        *state = steps[i].to;
        return steps[i].todo;
    }
    return CONDITION_TODO_NONE;
}
