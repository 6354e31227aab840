/*
 * case: who has it, and is it over.
 *
 *   condition, commands, clocks -> case -> escalation (who must know), orders
 *
 * A function of state and event alone; it says what is to be done and does nothing itself.
 * tests/golden/lifecycle.txt shows every pair.
 */
#pragma once

#include "model/alert.h"

enum case_event {
    CASE_EV_ACKNOWLEDGE, /* somebody has it, with a promise */
    CASE_EV_LAPSE,       /* the promise was not kept */
    CASE_EV_STAGE,       /* the next stage of its rule: graver than what was acknowledged */
    CASE_EV_CLEARED,     /* its condition is over, and that may end it: blue and yellow */
    CASE_EV_QUIET, /* its condition is over, but it waits for a person: red, orange, latched */
    CASE_EV_RECUR, /* its condition is true once more */
    CASE_EV_SETTLE,
    CASE_EV_VERIFY,
    CASE_EV_CLOSE, /* verified, and its condition is not true */
    CASE_EV_FALSE_ALARM,
    CASE_EV_RETURN, /* wrong unit, or not settled after all */
    CASE_EV_REBUT,  /* said to be done, and its readings say that it is not */
    CASE_EV_END,    /* merged into another; its rule is gone */
    CASE_EVENTS,
};
extern const char *const case_event_names[CASE_EVENTS];

enum case_todo {
    CASE_TODO_REFUSE,  /* not possible in this state: nothing has changed */
    CASE_TODO_SHOW,    /* show it again */
    CASE_TODO_HOLD,    /* steps that wait for an acknowledgement are cancelled */
    CASE_TODO_RESUME,  /* those that were cancelled and whose time has passed fire */
    CASE_TODO_RESTART, /* the steps begin anew */
    CASE_TODO_CLIMB,   /* the next tier at once */
    CASE_TODO_STOP,    /* settled: no more steps */
    CASE_TODO_FINISH,  /* gone from the board, orders and notices with it */
    CASE_TODOS,
};
extern const char *const case_todo_names[CASE_TODOS];

/* Writes the next state and says what is to be done. */
enum case_todo case_step(enum case_state *state, enum case_event event);

/* Nobody works on it any more; it leaves the engine. */
static inline bool
case_over(enum case_state state)
{
    return state == CASE_CLOSED || state == CASE_FALSE_ALARM;
}
