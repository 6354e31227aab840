/*
 * A journal frame, version 1, little endian:
 *
 *     u8 version | u8 flags | i64 received, us | u16 topic length | topic | payload
 *
 * flags: bits 0-1 QoS, 2 retained, 3 dup, 4 payload was cut at JOURNAL_MAX_PAYLOAD. The payload
 * is the rest. A reader refuses versions and flags that it does not know.
 */
#include "ingest/journal/journal.h"

#include "base/buf.h"
#include "base/pack.h"

enum flag {
    FLAG_QOS = 3,
    FLAG_RETAINED = 4,
    FLAG_DUP = 8,
    FLAG_CUT = 16,
    FLAGS_ALL = 31,
};

#define VERSION 1
#define FRAME_HEAD 12 /* bytes before the topic */

bool
journal_append(struct wal *journal, const struct message *msg, uint64_t *end, struct err *err)
{
    const bool cut = msg->payload.len > JOURNAL_MAX_PAYLOAD;
    const int flags = (msg->qos & FLAG_QOS) | (msg->retained ? FLAG_RETAINED : 0) |
                      (msg->dup ? FLAG_DUP : 0) | (cut ? FLAG_CUT : 0);
    struct buf frame;

    CHECK(msg->topic.len <= UINT16_MAX);
    buf_init(&frame, JOURNAL_MAX_FRAME);
    buf_reserve(
        &frame, FRAME_HEAD + msg->topic.len + (cut ? JOURNAL_MAX_PAYLOAD : msg->payload.len));
    pack_u8(&frame, VERSION);
    pack_u8(&frame, (uint8_t)flags);
    pack_instant(&frame, msg->received);
    pack_u16(&frame, (uint16_t)msg->topic.len);
    buf_put(&frame, msg->topic);
    buf_put(&frame, view_bytes(msg->payload.ptr, cut ? JOURNAL_MAX_PAYLOAD : msg->payload.len));
    CHECK(!frame.full);
    const bool ok = wal_append(journal, buf_view(&frame), end, err);

    buf_fini(&frame);
    return ok;
}

bool
journal_decode(struct view frame, struct message *msg)
{
    struct unpack in = unpack_from(frame);
    const uint8_t version = unpack_u8(&in);
    const uint8_t flags = unpack_u8(&in);
    const struct instant received = unpack_instant(&in);
    const uint16_t topic_len = unpack_u16(&in);

    if (in.bad || version != VERSION || (flags & ~FLAGS_ALL) != 0 || (flags & FLAG_QOS) == 3 ||
        topic_len > in.rest.len)
        return false;
    *msg = (struct message){
        .received = received,
        .topic = {in.rest.ptr, topic_len},
        .payload = {in.rest.ptr + topic_len, in.rest.len - topic_len},
        .qos = flags & FLAG_QOS,
        .retained = (flags & FLAG_RETAINED) != 0,
        .dup = (flags & FLAG_DUP) != 0,
    };
    return true;
}
