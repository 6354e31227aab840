/*
 * sim_play: the hours of a simulated fleet: when which machine sends, faults and bad messages come
 * in, until the end or a stop. Works in the thread that calls; reads the wall clock.
 */
#pragma once

#include "base/vec.h"
#include "service/sim_fleet.h"
#include "service/sim_link_mosq.h"

#include <signal.h>

#define SIM_PER_LINK 1000 /* machines of one connection */

struct sim_play_options {
    int64_t rate;       /* rows a second of a replay; 0: as `speed` says */
    int64_t fault_rate; /* an hour, of the whole fleet */
    int64_t seed;
    int64_t bad;        /* percent */
    int64_t speed;      /* of a replay, 1: 4 rows a second */
    const char *replay; /* file */
    bool progress;      /* a line on stderr each second */
    const volatile sig_atomic_t *stopped;
};

struct sim_run {
    const struct sim_play_options *opt;
    struct sim_fleet fleet;
    struct sim_links *links;
    VEC(struct sim_order) orders;
    struct instant start, end, next_fault, next_line;
    struct buf payload;
    uint64_t drawn; /* numbers drawn so far, of the seed */
};

void sim_play_fleet(struct sim_run *run);
/* Rows of a CSV as messages, in turn from each machine. */
MUST_USE bool sim_play_file(struct sim_run *run, struct arena *arena, struct err *err);
