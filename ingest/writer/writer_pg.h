/*
 * writer: readings and rejects into Postgres, exactly once.
 *
 *   ingest/normalise -> writer -> telemetry.*, ops.*
 *
 * A batch is one transaction on one connection: BEGIN, a binary COPY per class present, rejects,
 * one row in ops.batch, the mark with the epoch checked, COMMIT (design section 11, P2). After a
 * lost connection or an unknown COMMIT it reads the mark again and says where to go on: the lane
 * feeds from the journal from there. The writer owns no tables: before a batch it calls
 * telemetry.ensure_chunk(class, time). It knows nothing of alerting.
 *
 * Thread: loop. Time: in options (now, for back-off only the loop's).
 */
#pragma once

#include "base/wal.h"
#include "model/class.h"
#include "model/reading.h"

#include <uv.h>

struct writer;

struct writer_options {
    uv_loop_t *loop;
    const char *conninfo, *password_file;
    const char *lane;
    unsigned char journal_id[WAL_ID_BYTES];
    struct class_table classes;
    uint32_t config_version;
    /* (Again) connected and allowed to write: give records after mark. epoch: of ops.lane. */
    void (*on_ready)(void *arg, uint64_t mark, uint32_t epoch);
    void (*on_stored)(void *arg, uint64_t mark, uint64_t canary); /* committed */
    /* why: a line for a person; fact: NULL, or the code of a built-in alert (engine/builtin.h) */
    void (*on_away)(void *arg, const char *why, const char *fact);
    void *arg;
};

struct writer *writer_open(const struct writer_options *opt);
void writer_close(struct writer *writer, void (*on_closed)(void *arg), void *arg);
/* May writer_add be called? Not before on_ready, not while both batches are full. */
bool writer_room(const struct writer *writer);
/* Copies. Records come without gap, in order: record->from is the pos of the one before. Flushes
 * by itself at 5,000 rows or 200 ms. verdict: as the engine decided. */
void writer_add(struct writer *writer, const struct decoded *record, enum verdict verdict);
void writer_flush(struct writer *writer);
/* Records given up by the lane (from, to]: one batch row with verdict shed. */
void writer_shed(struct writer *writer, uint64_t from, uint64_t to, uint64_t records);
void writer_configure(struct writer *writer, struct class_table classes, uint32_t version);
