#include "ingest/journal/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct message msg;

    if (journal_decode(view_bytes(data, size), &msg)) {
        /* Every byte of the frame is header, topic or payload. */
        CHECK(msg.qos <= 2);
        CHECK(msg.topic.len + msg.payload.len + 12 == size);
        CHECK(msg.payload.ptr == msg.topic.ptr + msg.topic.len);
        CHECK(msg.payload.ptr + msg.payload.len == (const char *)data + size);
    }
    return 0;
}
