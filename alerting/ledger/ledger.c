/*
 * A ledger frame, version 1, little endian:
 *
 *     u8 version | u8 type | u8 kind | u8 0 | u32 epoch | i64 now, us | u64 journal position | body
 *
 * The body is the rest: JSON text of an input or an event. A reader refuses versions, types and
 * kinds that it does not know: an engine log is read by a program at least as new as its writer.
 */
#include "alerting/ledger/ledger.h"

#include "base/buf.h"
#include "base/pack.h"

#define VERSION 1
#define HEADER_BYTES 24

bool
ledger_append(
    struct wal *ledger, const struct ledger_record *record, uint64_t *end, struct err *err)
{
    struct buf frame;

    if (record->body.len > LEDGER_MAX_FRAME - HEADER_BYTES) {
        return err_set(err, ERR_INPUT, "ledger: a record of %zu bytes, allowed are %u",
            record->body.len, LEDGER_MAX_FRAME - HEADER_BYTES);
    }
    buf_init(&frame, LEDGER_MAX_FRAME);
    pack_u8(&frame, VERSION);
    pack_u8(&frame, (uint8_t)record->type);
    pack_u8(&frame, record->kind);
    pack_u8(&frame, 0);
    pack_u32(&frame, record->epoch);
    pack_instant(&frame, record->now);
    pack_u64(&frame, record->pos);
    buf_put(&frame, record->body);
    CHECK(!frame.full);
    const bool ok = wal_append(ledger, buf_view(&frame), end, err);

    buf_fini(&frame);
    return ok;
}

bool
ledger_decode(struct view frame, struct ledger_record *record)
{
    struct unpack in = unpack_from(frame);
    const uint8_t version = unpack_u8(&in);
    const uint8_t type = unpack_u8(&in);
    const uint8_t kind = unpack_u8(&in);
    const uint8_t zero = unpack_u8(&in);
    const uint32_t epoch = unpack_u32(&in);
    const struct instant now = unpack_instant(&in);
    const uint64_t pos = unpack_u64(&in);

    if (in.bad || version != VERSION || zero != 0)
        return false;
    if (type == LEDGER_INPUT ? kind >= INPUT_KINDS : type != LEDGER_EVENT || kind != 0)
        return false;
    *record = (struct ledger_record){
        .type = type == LEDGER_INPUT ? LEDGER_INPUT : LEDGER_EVENT,
        .kind = kind,
        .epoch = epoch,
        .now = now,
        .pos = pos,
        .body = in.rest,
    };
    return true;
}
