/*
 * mqtt: the lane's own MQTT session. It only takes in.
 *
 * MQTT 5, QoS 1, clean start false, session expiry 0xFFFFFFFF; subscribes with retain handling 1
 * and retain-as-published only when the session is new or the filters changed (design section 11).
 * PUBACK leaves when on_message returns (facts.md): so it must have journaled by then.
 *
 * Threads: on_message runs on Paho's thread, on_state on the session's own (it waits and connects,
 * so that the loop never waits for Paho's lock); both may only append and wake. The rest is called
 * from the loop. Time: its own, monotonic; a step of the wall clock does not matter.
 *
 * Filters are compared with those of the last subscription (filters_file); a change subscribes the
 * new and unsubscribes the old ones. on_state is called when state or words change. Refused filters
 * (reason >= 128) are MQTT_REFUSED although the connection stands and granted ones deliver.
 */
#pragma once

#include "base/err.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mqtt;

struct mqtt_message {
    struct view topic, payload;
    uint8_t qos;
    bool retained, dup;
};

enum mqtt_state {
    MQTT_DOWN,
    MQTT_UP,      /* subscribed */
    MQTT_STOLEN,  /* another client took our id (or it looks so: twice cut off within 10 s):
                   * check lock and epoch, then mqtt_reconnect */
    MQTT_REFUSED, /* wrong password or not allowed: needs a person; tried again every 5 s */
};

struct mqtt_options {
    const char *host;
    int port;
    const char *client_id;
    const char *username;      /* NULL: none */
    const char *password_file; /* NULL: none */
    const char *const *filters;
    size_t n_filters;
    const char *filters_file; /* the filters of the last subscription are kept here */
    void (*on_message)(void *arg, const struct mqtt_message *msg);
    /* session_lost, with MQTT_UP: session present 0 where one was expected: `gap possible`; told
     * again if the process died before the subscription was complete. why: NULL when up */
    void (*on_state)(void *arg, enum mqtt_state state, bool session_lost, const char *why);
    void *arg;
};

/* False: wrong Paho version or library trouble; a broker that is away is not an error. */
MUST_USE bool mqtt_open(struct mqtt **out, const struct mqtt_options *opt, struct err *err);
void mqtt_close(struct mqtt *mqtt); /* blocks up to 1 s; no callbacks after it; session stays */
void mqtt_reconnect(struct mqtt *mqtt);
