#include "ingest/mqtt/session.h"

#include <stddef.h>

struct step {
    enum session_phase from;
    enum session_event event;
    enum session_phase to;
    enum session_todo todo;
};

static const struct step steps[] = {
    {SESSION_WAIT, SESSION_EV_TIMER, SESSION_CONNECTING, SESSION_TODO_CONNECT},
    {SESSION_WAIT, SESSION_EV_RECONNECT, SESSION_CONNECTING, SESSION_TODO_CONNECT},
    {SESSION_STOLEN, SESSION_EV_RECONNECT, SESSION_CONNECTING, SESSION_TODO_CONNECT},

    {SESSION_CONNECTING, SESSION_EV_CONNECTED, SESSION_UP, SESSION_TODO_TELL_UP},
    {SESSION_CONNECTING, SESSION_EV_CONNECTED_NEW, SESSION_SUBSCRIBING, SESSION_TODO_SUBSCRIBE},
    {SESSION_CONNECTING, SESSION_EV_FAILED, SESSION_WAIT, SESSION_TODO_TELL_DOWN},
    {SESSION_CONNECTING, SESSION_EV_REFUSED, SESSION_WAIT, SESSION_TODO_TELL_REFUSED},
    {SESSION_CONNECTING, SESSION_EV_TIMER, SESSION_WAIT, SESSION_TODO_DROP},
    /* LOST and TAKEN are not here: they would be late words of the connection before. */

    {SESSION_SUBSCRIBING, SESSION_EV_SUBSCRIBED, SESSION_UP, SESSION_TODO_TELL_UP},
    {SESSION_SUBSCRIBING, SESSION_EV_SUBSCRIBED_OLD, SESSION_UNSUBSCRIBING,
        SESSION_TODO_UNSUBSCRIBE},
    {SESSION_SUBSCRIBING, SESSION_EV_DENIED, SESSION_DENIED, SESSION_TODO_TELL_REFUSED},
    {SESSION_SUBSCRIBING, SESSION_EV_LOST, SESSION_WAIT, SESSION_TODO_TELL_DOWN},
    {SESSION_SUBSCRIBING, SESSION_EV_TAKEN, SESSION_STOLEN, SESSION_TODO_TELL_STOLEN},
    {SESSION_SUBSCRIBING, SESSION_EV_TIMER, SESSION_WAIT, SESSION_TODO_DROP},

    {SESSION_DENIED, SESSION_EV_TIMER, SESSION_SUBSCRIBING, SESSION_TODO_SUBSCRIBE},
    {SESSION_DENIED, SESSION_EV_LOST, SESSION_WAIT, SESSION_TODO_TELL_DOWN},
    {SESSION_DENIED, SESSION_EV_TAKEN, SESSION_STOLEN, SESSION_TODO_TELL_STOLEN},

    {SESSION_UNSUBSCRIBING, SESSION_EV_UNSUBSCRIBED, SESSION_UP, SESSION_TODO_TELL_UP},
    {SESSION_UNSUBSCRIBING, SESSION_EV_LOST, SESSION_WAIT, SESSION_TODO_TELL_DOWN},
    {SESSION_UNSUBSCRIBING, SESSION_EV_TAKEN, SESSION_STOLEN, SESSION_TODO_TELL_STOLEN},
    {SESSION_UNSUBSCRIBING, SESSION_EV_TIMER, SESSION_WAIT, SESSION_TODO_DROP},

    {SESSION_UP, SESSION_EV_LOST, SESSION_WAIT, SESSION_TODO_TELL_DOWN},
    {SESSION_UP, SESSION_EV_TAKEN, SESSION_STOLEN, SESSION_TODO_TELL_STOLEN},
};

/* Only while up; elsewhere a broken connection is just that. */
static enum session_event
judge_loss(struct session *session, enum session_event event)
{
    if (event != SESSION_EV_LOST_SOON) {
        if (event == SESSION_EV_LOST || event == SESSION_EV_RECONNECT)
            session->brief = 0;
        return event;
    }
    if (session->phase == SESSION_UP && ++session->brief >= 2)
        return SESSION_EV_TAKEN;
    return SESSION_EV_LOST;
}

enum session_todo
session_step(struct session *session, enum session_event happened)
{
    const enum session_event event = judge_loss(session, happened);

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        const struct step *step = &steps[i];

        if (step->from != session->phase || step->event != event)
            continue;
        session->phase = step->to;
        session->refused = step->todo == SESSION_TODO_TELL_REFUSED;
        if (step->to == SESSION_UP)
            session->failures = 0;
        else if (step->to == SESSION_WAIT)
            session->failures++;
        return step->todo;
    }
    return SESSION_TODO_NONE;
}

struct span
session_patience(const struct session *session)
{
    const struct span longest = SPAN_S(5);
    struct span wait = SPAN_MS(200);

    switch (session->phase) {
    case SESSION_WAIT:
        if (session->failures == 0)
            return SPAN_US(1); /* the first attempt, at once */
        if (session->refused)
            return longest;
        for (unsigned i = 1; i < session->failures && wait.us < longest.us; i++)
            wait.us *= 2;
        return wait.us < longest.us ? wait : longest;
    case SESSION_CONNECTING: /* Paho itself gives up after 5 to 8 s, unless its clock stands */
    case SESSION_SUBSCRIBING:
    case SESSION_UNSUBSCRIBING:
        return SPAN_S(10);
    case SESSION_DENIED:
        return longest;
    case SESSION_UP:
    case SESSION_STOLEN:
        break;
    }
    return SPAN_US(0);
}
