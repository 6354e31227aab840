/*
 * sim_device: one simulated machine: where it is in its states, and what it says next. Pure: time
 * and seed come in; the same seed, times and faults give the same payloads.
 */
#pragma once

#include "base/buf.h"
#include "base/timers.h"
#include "service/sim_script.h"

struct sim_place {    /* where a machine, or one of its parts, is in its round of states */
    uint32_t entered; /* how many states it has entered: 0 none yet */
    struct instant until;
};

struct sim_device {
    const struct sim_script *script;
    const char *code, *topic; /* owned by the caller */
    uint64_t seed;
    uint64_t boot, seq;  /* of the last message */
    struct instant last; /* its time; each is at least a millisecond after the one before */
    struct sim_place place;
    struct sim_place *parts;       /* script->parts; NULL if it has none */
    const struct sim_state *fault; /* NULL: none */
    size_t fault_part;
    struct instant fault_until;
    struct timer timer; /* of its next message */
};

enum sim_twist { /* how a message differs from a good one */
    SIM_GOOD,
    SIM_WRONG_TYPE, /* a word for each value */
    SIM_RANGE,      /* 1e9 for each number */
    SIM_FUTURE,     /* a day ahead */
    SIM_PAST,       /* 60 days old */
};

uint64_t sim_hash(uint64_t a, uint64_t b);
/* From hash to [0, 1). */
double sim_unit(uint64_t hash);

/* part: of a fault of parts, 1-based. */
void sim_device_fault(
    struct sim_device *device, const struct sim_state *fault, size_t part, struct instant now);
/* The next message, appended to out; row: for the script's `replay`, "" else. *at: its time. */
void sim_device_say(struct sim_device *device, struct instant now, enum sim_twist twist,
    struct view row, struct buf *out, struct instant *at);
