#include "alerting/ledger/ledger.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ledger_record record;

    if (ledger_decode(view_bytes(data, size), &record)) {
        CHECK(record.type == LEDGER_INPUT || record.type == LEDGER_EVENT);
        CHECK(record.kind < INPUT_KINDS);
        CHECK(record.body.len + 24 == size);
        CHECK(record.body.ptr + record.body.len == (const char *)data + size);
    }
    return 0;
}
