/*
 * sim_people: plays those who are told. The first declared client without a centre answers every
 * notice with `received`; each client with a centre answers that centre's orders: received at once,
 * then accepted, en-route, arrived and done, `answer_after` apart. Signed with the clients' keys.
 * With a port it also takes webhooks (127.0.0.1, any path) and answers 200.
 *
 * Threads: Paho's puts answers into a queue under a lock, the caller's sends them when they are
 * due.
 */
#pragma once

#include "config/config.h"

#include <signal.h>

struct sim_people_options {
    const struct config *config;
    const char *uri; /* tcp://host:port */
    struct span answer_after;
    int64_t seconds;    /* 0: until stopped */
    uint16_t hook_port; /* 0: none */
    const char *asleep; /* ids of units and persons who do not answer, with commas; NULL: none */
    bool quiet;         /* no line for each answer */
    const volatile sig_atomic_t *stopped;
};

MUST_USE bool sim_people_run(
    const struct sim_people_options *opt, struct arena *arena, struct err *err);
