/*
 * session: when the lane's MQTT session connects, subscribes and waits.
 *
 *   wait -> connecting -> (subscribing -> unsubscribing ->) up -> (lost) wait ...
 *                                                           -> (taken over) stolen, until told
 *
 * Why not Paho's own reconnect: after a take-over of the client id it comes back at once, and two
 * instances throw each other out for ever (facts.md). A broker should say so (reason 0x8E), but
 * mosquitto 2.0.11 just closes: so two connections in a row that break within SESSION_BRIEF of
 * being up count as a take-over. The newcomer notices first; who was there before stays.
 * Pure: mqtt_paho.c does what the todo says.
 */
#pragma once

#include "base/instant.h"

#include <stdbool.h>

#define SESSION_BRIEF SPAN_S(10)

enum session_phase {
    SESSION_WAIT, /* for the next attempt */
    SESSION_CONNECTING,
    SESSION_SUBSCRIBING,
    SESSION_UNSUBSCRIBING,
    SESSION_DENIED, /* connected, but a filter was refused: asked for again */
    SESSION_UP,
    SESSION_STOLEN,
};

enum session_event {
    SESSION_EV_TIMER,
    SESSION_EV_CONNECTED,      /* the broker has the session with our filters */
    SESSION_EV_CONNECTED_NEW,  /* filters must be sent */
    SESSION_EV_FAILED,         /* no connection */
    SESSION_EV_REFUSED,        /* wrong password, not allowed */
    SESSION_EV_LOST,           /* the connection broke */
    SESSION_EV_LOST_SOON,      /* less than SESSION_BRIEF after it was up */
    SESSION_EV_TAKEN,          /* another client has our id */
    SESSION_EV_SUBSCRIBED,     /* and nothing to unsubscribe */
    SESSION_EV_SUBSCRIBED_OLD, /* and old filters are to be unsubscribed */
    SESSION_EV_DENIED,         /* the broker refused a filter */
    SESSION_EV_UNSUBSCRIBED,
    SESSION_EV_RECONNECT, /* asked by the owner */
};

enum session_todo {
    SESSION_TODO_NONE,
    SESSION_TODO_CONNECT,
    SESSION_TODO_SUBSCRIBE,
    SESSION_TODO_UNSUBSCRIBE,
    SESSION_TODO_TELL_UP,
    SESSION_TODO_TELL_DOWN,
    SESSION_TODO_TELL_REFUSED,
    SESSION_TODO_TELL_STOLEN,
    SESSION_TODO_DROP, /* no answer in time: give this connection up, then tell down */
};

struct session {
    enum session_phase phase;
    unsigned failures; /* in a row */
    bool refused;      /* the last attempt was */
    unsigned brief;    /* connections in a row that broke soon */
};

/* The only one that writes the phase. A pair that is not in the table changes nothing. */
enum session_todo session_step(struct session *session, enum session_event happened);
/* How long the phase may last before SESSION_EV_TIMER; 0: for ever. */
struct span session_patience(const struct session *session);
