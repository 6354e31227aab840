/*
 * post: all that goes out over MQTT, and commands and replies in, by a child process.
 *
 * Why a child: publishing from a process that takes in starves (facts.md: 17 notices a second).
 * The child (`wallwatch post`, post_paho.c) has its own Paho client and no state; it is joined by
 * a socket pair, gets its configuration over it (no secrets in arguments), and is started again
 * when it dies: on_state says so, and the outbox sends again what was not reported.
 *
 * Thread: loop. A publish completes exactly once.
 */
#pragma once

#include "base/err.h"
#include "base/view.h"

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

struct post;

struct post_options {
    uv_loop_t *loop;
    const char *program; /* of this executable */
    const char *host;
    int port;
    const char *client_id, *username, *password_file;
    const char *will_topic; /* retained will: the lane's status, with will_body */
    const char *will_body;
    const char *const *filters; /* commands, replies, statuses */
    size_t n_filters;
    void (*on_message)(void *arg, struct view topic, struct view payload, bool retained);
    void (*on_state)(void *arg, bool up, const char *why);
    void *arg;
};

/* reason: MQTT 5 reason code of the PUBACK; -1: lost, may or may not have been sent. */
typedef void post_done_fn(void *arg, uint64_t token, int reason);

struct post *post_open(const struct post_options *opt);
void post_close(struct post *post, void (*on_closed)(void *arg), void *arg);
bool post_up(const struct post *post);
/* Copied. urgent goes before what waits. done may be NULL. */
void post_publish(struct post *post, struct view topic, struct view payload, bool retained,
    bool urgent, uint64_t token, post_done_fn *done);
size_t post_waiting(const struct post *post); /* publishes not reported yet */

/* The child's main: everything comes over fd. Returns an exit code. */
int post_main(int fd);
