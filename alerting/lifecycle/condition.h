/*
 * condition: since when a rule holds for a subject.
 *
 *   rules (is it true now) -> condition -> case (who has it)
 *
 * The `for` of a rule runs in `pending`, its `clear_for` in `true` or `unknown`; both end by an
 * event that the engine's timer makes. A function of state and event alone: it has no clock and
 * does nothing itself, it says what is to be done. tests/golden/lifecycle.txt shows every pair.
 */
#pragma once

#include "model/alert.h"

enum condition_event {
    CONDITION_EV_TRUE,    /* `when` is true */
    CONDITION_EV_FALSE,   /* it may end: `clear` is true, or `when` is false if there is none */
    CONDITION_EV_BETWEEN, /* not `when`, but not `clear` either */
    CONDITION_EV_UNKNOWN,
    CONDITION_EV_HELD,    /* `for` is over */
    CONDITION_EV_CLEARED, /* `clear_for` is over */
    CONDITION_EVENTS,
};
extern const char *const condition_event_names[CONDITION_EVENTS];

enum condition_todo {
    CONDITION_TODO_NONE,
    CONDITION_TODO_WATCH,       /* start `for` */
    CONDITION_TODO_FORGET,      /* stop `for` */
    CONDITION_TODO_OPEN,        /* a case opens, or the open one hears that it recurred */
    CONDITION_TODO_STAY,        /* still true: stop `clear_for`; members, stages */
    CONDITION_TODO_WATCH_CLEAR, /* start `clear_for` if it does not run */
    CONDITION_TODO_CLEAR,       /* the case hears that it is over */
    CONDITION_TODOS,
};
extern const char *const condition_todo_names[CONDITION_TODOS];

/* Writes the next state and says what is to be done. */
enum condition_todo condition_step(enum condition_state *state, enum condition_event event);
