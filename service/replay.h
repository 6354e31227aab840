/*
 * replay: the inputs of a lane fed again in the order on record, and what comes out compared with
 * what is on record, byte for byte (P7).
 *
 *   journal + ledger -> replay -> engine
 *
 * Two drivers: a lane at its start, from its newest checkpoint (lane_start_uv.c), and `wallwatch
 * replay`. Both logs are read by cursors; nothing is written. Effects other than events are
 * dropped. What is on record stands: after a difference it goes on, in step with the record.
 *
 * Thread: one. Time: that of the record. Owns: its cursors, the events not yet found on record;
 * engine, options and logs are the driver's.
 */
#pragma once

#include "alerting/engine/engine.h"
#include "alerting/ledger/ledger.h"
#include "base/arena.h"
#include "base/digest.h"
#include "base/vec.h"
#include "base/wal.h"
#include "ingest/normalise/normalise.h"

enum replay_part {        /* how the computed and the record part */
    REPLAY_OTHER,         /* another event is on record */
    REPLAY_NOT_ON_RECORD, /* computed, but the record goes on without it */
    REPLAY_NOT_COMPUTED,  /* on record, but nothing gave it */
    REPLAY_LEDGER_LOST,   /* the ledger cannot be read from `from` to `ledger` */
    REPLAY_JOURNAL_LOST,  /* likewise the journal: from `from` to `journal` */
};

struct replay_difference { /* views live until the hook returns; len 0: there is none */
    enum replay_part part;
    uint64_t from;
    uint64_t ledger;  /* where it is in the ledger: the record's end */
    uint64_t journal; /* after which journal record */
    struct instant at;
    struct view recorded, computed;
};

struct replay_computed { /* an event that came out and is not yet found on record */
    struct digest digest;
    struct instant at;
    uint64_t pos;
    char *text; /* heap */
    size_t len;
};

struct replay {
    /* The driver's, before replay_init. */
    struct wal *journal_log, *ledger_log;
    const struct engine_options *options; /* as use_version leaves them */
    const struct normalise_options *normalise;
    struct engine *engine; /* NULL: not yet; the first record that is fed makes it */
    uint64_t judged;       /* journal position of the newest record fed */
    bool blind;            /* what comes out is nobody's history: it is not compared */
    void *arg;
    /* From journal position pos on that version is in force. */
    bool (*use_version)(void *arg, uint64_t pos, uint32_t version, struct err *err);
    /* There is no engine and the ledger does not begin with a configuration. */
    bool (*begin_anew)(void *arg, const struct ledger_record *first, struct err *err);
    void (*differs)(void *arg, const struct replay_difference *difference);
    void (*each_record)(void *arg); /* NULL: nobody wants to know */

    struct wal_cursor *journal, *ledger;
    uint64_t at_ledger; /* end of the newest record walked */
    VEC(struct replay_computed) events;
    size_t next; /* events before it were found on record */
    uint64_t inputs, records, compared;
    uint64_t differences; /* lost parts of the journal not counted */
    uint32_t epoch;
    struct instant last; /* the greatest time on record */
    struct arena scratch;
};

/* Places the cursors behind ledger_from and judged. */
void replay_init(struct replay *replay, uint64_t ledger_from);
void replay_fini(struct replay *replay);

enum replay_step { REPLAY_ON, REPLAY_END, REPLAY_FAILED };
/* One record of the ledger and the readings before it. record, perhaps NULL: what it was, until
 * the next step; after a part that is lost its type is 0. */
enum replay_step replay_step(struct replay *replay, struct ledger_record *record, struct err *err);
/* Feeds readings up to that position of the journal; they may have more events. */
void replay_readings(struct replay *replay, uint64_t pos);
/* Events that came out and that the ledger, which has ended, does not have; NULL: no more. It
 * lives until the next call. */
const struct replay_computed *replay_rest(struct replay *replay);
