/*
 * post: all that goes out over MQTT, and commands and replies in, by a child process.
 *
 * Why a child: publishing from a process that takes in starves (facts.md: 17 notices a second).
 * The child (`wallwatch post`, post_mosq.c) has its own MQTT 5 session (QoS 1, kept by the broker
 * for ever) and no state; it is joined by a socket pair, gets its configuration over it (no secrets
 * in arguments), and is started again when it dies (0.1 .. 2 s): on_state says so, and the outbox
 * sends again what was not reported.
 *
 * When a publish completes: with the broker's PUBACK; with -1 when the connection or the child is
 * lost under it; at once with -1 while the broker is known to be away; after 5 s with -1 while the
 * first connection of a child is still being made. Topics over 1 KiB and payloads over 1 MiB - 4
 * KiB are the caller's mistake. A child that reports nothing for 20 s is killed. Urgent ones
 * overtake all but the POST_WINDOW that are under way.
 *
 * Incoming: the library acknowledges a message a moment before on_message, so one that arrives in
 * the instant of a kill can be lost: senders repeat until they are answered. Filters are subscribed
 * at every connect and their retained messages come again each time (retained is true for those
 * only). A filter that is no longer wanted stays in the broker's session: the lane's do not change.
 *
 * The program must ignore SIGPIPE: a child may end while it is written to.
 *
 * Thread: loop. A publish completes exactly once, from the loop, never inside post_publish.
 */
#pragma once

#include "base/err.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#define POST_WINDOW 100

struct post;

struct post_options { /* copied */
    uv_loop_t *loop;
    const char *program; /* of this executable */
    const char *host;
    int port;
    const char *client_id, *username, *password_file; /* the last two may be NULL */
    const char *will_topic; /* retained will: the lane's status, with will_body; may be NULL */
    const char *will_body;
    const char *const *filters; /* commands, replies, statuses */
    size_t n_filters;
    void (*on_message)(void *arg, struct view topic, struct view payload, bool retained);
    void (*on_state)(void *arg, bool up, const char *why); /* why: "" when up */
    void *arg;
};

/* reason: MQTT 5 reason code of the PUBACK (16: nobody has subscribed); -1: lost, may or may not
 * have been sent. */
typedef void post_done_fn(void *arg, uint64_t token, int reason);

struct post *post_open(const struct post_options *opt);
/* What was published before still goes out if it can within 2 s; then the child says farewell (no
 * will). Nothing is called any more but on_closed: publishes not reported yet stay so. */
void post_close(struct post *post, void (*on_closed)(void *arg), void *arg);
bool post_up(const struct post *post);
/* Copied. urgent goes before what waits. done may be NULL; its arg is post_options.arg. */
void post_publish(struct post *post, struct view topic, struct view payload, bool retained,
    bool urgent, uint64_t token, post_done_fn *done);
size_t post_waiting(const struct post *post); /* publishes not reported yet */
/* Of the child that runs, for tests and the status; 0: none. */
int post_child_pid(const struct post *post);

/* The child's main: everything comes over fd. Returns an exit code. */
int post_main(int fd);
