/*
 * canary: does the path work from end to end. A message every half second goes the whole way and
 * is seen at four stops; its number is the instant at which it was sent, in microseconds.
 *
 * Pure: numbers and times come in, what is late goes out. It neither sends nor raises.
 */
#pragma once

#include "base/instant.h"

#include <stdbool.h>
#include <stdint.h>

enum canary_stop {
    CANARY_JOURNALED,
    CANARY_JUDGED,
    CANARY_TOLD,
    CANARY_STORED,
    CANARY_STOPS,
};
extern const char *const canary_stop_names[CANARY_STOPS];

#define CANARY_EVERY SPAN_MS(500)
#define CANARY_LATE SPAN_S(5)

struct canary {
    struct instant since;              /* nothing before it is held against anybody */
    struct instant seen[CANARY_STOPS]; /* sending time of the newest that passed */
    struct span took[CANARY_STOPS];    /* of the newest: from sending to that stop */
    struct instant out;                /* sending time of the newest that the broker took */
};

/* From now on: at the start, and after the clock was moved. */
void canary_start(struct canary *canary, struct instant now);
/* An older number than the newest changes nothing. */
void canary_pass(struct canary *canary, enum canary_stop stop, uint64_t number, struct instant now);
/* The broker has taken it: what is late now is late on the way in. */
void canary_gone_out(struct canary *canary, uint64_t number, struct instant now);
/* No canary of the last 5 s has passed that stop. */
bool canary_late(const struct canary *canary, enum canary_stop stop, struct instant now);
/* No canary of the last 5 s has gone out. */
bool canary_stuck(const struct canary *canary, struct instant now);
