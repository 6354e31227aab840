/*
 * console: the HTTP API of the grid centre: who is logged in sees what is open in his unit, live,
 * and presses by commands that the lanes answer.
 *
 *   topics -> console_topic -> board -> GET /api/v1/alerts, /api/v1/events (server-sent events)
 *   POST /api/v1/alerts/{alert}/commands -> options.send -> the lane; its answer comes back
 *
 * It judges nothing and holds no truth but its own accounts, sessions and trail (a folder of its
 * own). MQTT and signatures are the caller's. Thread: loop; argon2id runs on the loop's pool.
 * Time: read at each event from clock_wall.
 */
#pragma once

#include "base/err.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

struct console;

/* answer: the lane's {alert, id, ok, state, text}; empty: none came within 10 s. Once, from the
 * loop, not from inside send. */
typedef void console_answer_fn(void *arg, struct view answer);

struct console_options { /* texts are borrowed and outlive it */
    uv_loop_t *loop;
    const char *address;
    int port;           /* 0: any */
    const char *folder; /* accounts.json and the log of sessions; made if it is not there */
    const char *const *lanes;
    size_t n_lanes;
    /* Signs body and sends it to the lane. */
    void (*send)(void *arg, struct view lane, struct view body, console_answer_fn *answered,
        void *answered_arg);
    void *arg;
};

MUST_USE bool console_open(
    struct console **out, const struct console_options *opt, struct err *err);
int console_port(const struct console *console);
void console_close(struct console *console, void (*on_closed)(void *arg), void *arg);

void console_link(struct console *console, bool up);
void console_topic(struct console *console, struct view topic, struct view payload);
