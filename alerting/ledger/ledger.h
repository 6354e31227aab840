/*
 * ledger: the engine log: every input that is not a reading, and every event that came out.
 *
 *   engine -> ledger -> (Postgres copy)
 *
 * Truth about cases and orders of a lane. Append before act: a crash between the two repeats a
 * notice, never loses one. Frames go to a wal; events carry the hash chain in their body.
 */
#pragma once

#include "alerting/engine/engine.h"
#include "base/wal.h"

enum ledger_type {
    LEDGER_INPUT = 1, /* kind is an enum input_kind */
    LEDGER_EVENT = 2, /* kind is 0; body is the event */
};

#define LEDGER_MAX_FRAME ((uint32_t)262144) /* 256 KiB */

struct ledger_record {
    enum ledger_type type;
    uint8_t kind;
    uint32_t epoch;
    struct instant now;
    uint64_t pos; /* journal position after which it is fed; events: that of their input */
    struct view body;
};

MUST_USE bool ledger_append(
    struct wal *ledger, const struct ledger_record *record, uint64_t *end, struct err *err);
/* body points into frame. */
MUST_USE bool ledger_decode(struct view frame, struct ledger_record *record);
