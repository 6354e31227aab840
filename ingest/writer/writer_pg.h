/*
 * writer: readings and rejects into Postgres, exactly once.
 *
 *   ingest/normalise -> writer -> telemetry.*, ops.*
 *
 * A batch is one transaction on one connection: BEGIN, a binary COPY per class present, rejects,
 * one row in ops.batch, the mark with the epoch checked, COMMIT (design section 11, P2). One batch
 * is under way while the next fills. After a lost connection or an unknown COMMIT both are
 * forgotten, the mark is read again and on_ready says where to go on: the lane feeds from the
 * journal from there. The writer owns no tables: before a batch it calls
 * telemetry.ensure_chunk(class, time), outside of the transaction. It knows nothing of alerting.
 *
 *     away -> shaking hands -> open ... -> (any failure) away
 *
 * A row that Postgres refuses is found by halves, under savepoints of the same batch, and goes to
 * ops.reject with reason `database`; what else may go wrong is in sqlstate.c.
 *
 * Thread: loop. Time: the loop's, for the 200 ms and the back-off.
 */
#pragma once

#include "base/wal.h"
#include "model/class.h"
#include "model/reading.h"

#include <uv.h>

struct writer;

struct writer_options {
    uv_loop_t *loop;
    const char *conninfo, *password_file; /* copied; password_file NULL: none */
    const char *lane;                     /* copied */
    unsigned char journal_id[WAL_ID_BYTES];
    struct class_table classes; /* borrowed until writer_configure or writer_close */
    uint32_t config_version;
    /* (Again) connected and allowed to write: give records after mark. epoch: of ops.lane. */
    void (*on_ready)(void *arg, uint64_t mark, uint32_t epoch);
    /* Committed. canary: newest number in it, 0: none. */
    void (*on_stored)(void *arg, uint64_t mark, uint64_t canary);
    /* Forget what was given after the last on_stored; on_ready will say where to go on. why: a
     * line for a person; fact: NULL (the database is away), "schema-behind" or "lane-fenced" (a
     * newer owner has the lane: never ready again). May come many times while it is away. */
    void (*on_away)(void *arg, const char *why, const char *fact);
    /* rows were refused by the database and stand in ops.reject; NULL: not told. */
    void (*on_quarantine)(void *arg, uint64_t rows, const char *why);
    void *arg;
};

struct writer *writer_open(const struct writer_options *opt);
/* What is not stored yet stays in the journal. Nothing but on_closed comes afterwards. */
void writer_close(struct writer *writer, void (*on_closed)(void *arg), void *arg);
/* May writer_add be called? Not before on_ready, not while both batches are full. */
bool writer_room(const struct writer *writer);
/* Copies. Records come without gap, in order: record->from is the pos of the one before (after
 * on_ready: the mark). Flushes by itself at 5,000 rows or 200 ms. verdict: as the engine decided.
 */
void writer_add(struct writer *writer, const struct decoded *record, enum verdict verdict);
/* Do not wait for 200 ms. */
void writer_flush(struct writer *writer);
/* Records given up by the lane (from, to]: counted with verdict shed. CHECKs room like add. */
void writer_shed(struct writer *writer, uint64_t from, uint64_t to, uint64_t records);
/* Before the first record of that version is added. */
void writer_configure(struct writer *writer, struct class_table classes, uint32_t version);
