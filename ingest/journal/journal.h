/*
 * journal: every message we have taken responsibility for, on disk, in order.
 *
 *   ingest/mqtt  -> journal ->  ingest/normalise
 *
 * A message is ours once journal_append() has returned true, and the broker may be told so.
 * Frames are dropped only by wal_trim(), below every mark that still needs them (checkpoint,
 * Postgres, 24 hours). The journal must not know what a reading is.
 *
 * There is no other hand-over: the loop is woken and reads the journal, so live, start-up and
 * lag are one path (the pages are still in memory).
 *
 * Threads: append from one thread (the MQTT client's), everything else from the loop.
 * Time: none; the caller stamps the message.
 */
#pragma once

#include "base/wal.h"
#include "model/message.h"

/* Topics over 64 KiB cannot be (MQTT); payloads up to this are kept whole. */
#define JOURNAL_MAX_PAYLOAD ((uint32_t)1 << 20)
#define JOURNAL_MAX_FRAME (JOURNAL_MAX_PAYLOAD + 65536 + 64)

MUST_USE bool journal_append(
    struct wal *journal, const struct message *msg, uint64_t *end, struct err *err);
/* *msg points into frame. False: not a frame of this format (a bug or another program's file). */
MUST_USE bool journal_decode(struct view frame, struct message *msg);
