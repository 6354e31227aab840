/*
 * past: a lane's folder replayed from outside, as its record stands now. Read-only and without the
 * lane's lock, so the lane may be running, or the folder be a copy.
 *
 * It begins as far back as both logs allow: at their first record, else at a checkpoint that was
 * kept. Checkpoints that it passes on the way are compared, too. Thread: one. Time: the record's.
 */
#pragma once

#include "config/config.h"
#include "service/checkpoint.h"
#include "service/replay.h"

struct past_options {
    const struct fs *fs;
    const char *dir;       /* DIR/journal, DIR/ledger, DIR/checkpoint */
    const char *state_dir; /* where the configuration versions are */
    const char *lane;
    const char *until; /* id of a case: no further than its opening; NULL: to the end */
    void *arg;
    void (*progress)(void *arg, uint64_t at, uint64_t from, uint64_t to); /* of the ledger */
};

enum past_end {
    PAST_SAME,    /* all is as on record, up to the end or the case's opening */
    PAST_DIFFERS, /* the first difference is told below */
    PAST_FAILED,  /* err: it could not be replayed */
};

struct past_result {
    struct instant from, to; /* of the record that was replayed; from 0: the beginning */
    uint64_t checkpoint;     /* it began with that one; 0: at the first record */
    uint64_t ledger_from;
    uint64_t inputs, records, events, checkpoints; /* fed, and compared */
    uint64_t unwritten; /* events that came out at the end and that a killed lane did not write */

    struct replay_difference difference; /* DIFFERS: its views live as long as the result */
    uint64_t state_of;  /* not 0: no event, the state in that checkpoint is another */
    struct buf opening; /* until: the event that opened it; empty: it is not on record */
    char *texts[2];
};

enum past_end past_replay(
    const struct past_options *opt, struct past_result *result, struct err *err);
void past_result_fini(struct past_result *result);
