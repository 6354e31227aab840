/*
 * client: a short-lived MQTT 5 client for commands of the command line: connect, subscribe,
 * publish, read what comes, go. Blocking, for a process that does nothing else.
 *
 * Thread: the caller's; Paho's own thread only fills the queue.
 */
#pragma once

#include "base/err.h"
#include "base/view.h"

#include <stdbool.h>

struct client_options {
    const char *host;
    int port;
    const char *client_id;
    const char *username;      /* NULL: none */
    const char *password_file; /* NULL: none */
};

struct mqtt_client;

/* At most 5 s; err says broker, account and what to do. */
MUST_USE bool mqtt_client_open(
    struct mqtt_client **out, const struct client_options *opt, struct err *err);
void mqtt_client_close(struct mqtt_client *client);
MUST_USE bool mqtt_client_subscribe(
    struct mqtt_client *client, const char *filter, struct err *err);
/* Waits for the broker's word; refused by its ACL: false. (Whether somebody listens Paho does not
 * tell.) */
MUST_USE bool mqtt_client_publish(
    struct mqtt_client *client, const char *topic, struct view payload, struct err *err);
/* The next message, waiting at most wait_ms; views live until the next call. False: none came. */
bool mqtt_client_next(
    struct mqtt_client *client, int wait_ms, struct view *topic, struct view *payload);
