/* Input: a byte of flags and topic, then the payload. Topic 7: up to the first NUL of the input. */
#include "ingest/normalise/normalise.h"

#include "base/json.h"
#include "tests/unit/ingest/normalise_fixture.h"

#include <math.h>

/* NOLINTNEXTLINE(readability-identifier-naming) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const topics[] = {
    "estate/XH/JX-03/elevator/EL-1/telemetry",
    "estate/XH/JX-03/charger/CH-1/telemetry",
    "estate/XH/JX-03/fire/FA-9/event",
    "estate/XH/JX-03/elevator/EL-1/status",
    "wallwatch/canary/plant",
    "GIOT-GW/UL/CH-1",
    "estate/XH/JX-03/boiler/B-1/telemetry",
};

static void
check_reading(const struct reading *reading)
{
    CHECK(reading->class != NULL && reading->n_values > 0 && reading->part.len <= PART_BYTES);
    CHECK(utf8_valid(reading->part) && utf8_valid(reading->code) && utf8_valid(reading->compound));
    CHECK(!reading->test || reading->suspect == 0);
    for (size_t i = 0; i < reading->n_values; i++) {
        const struct field_value *value = &reading->values[i];

        CHECK(value->field < reading->class->n_fields && isfinite(value->number));
        CHECK(i == 0 || reading->values[i - 1].field < value->field);
        CHECK(value->text.len <= FIELD_TEXT_BYTES && utf8_valid(value->text));
    }
}

/* Any bytes give a verdict, bounded, with nothing in it that Postgres would refuse. */
/* NOLINTNEXTLINE(readability-identifier-naming) */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    struct arena arena;
    struct decoded out;
    struct message msg = {.received = {INT64_C(1795503400000000)}};

    if (size == 0)
        return 0;
    if (!ready)
        fix_init();
    ready = true;
    msg.retained = (data[0] & 8) != 0;
    msg.dup = (data[0] & 16) != 0;
    msg.payload = view_bytes(data + 1, size - 1);
    if ((data[0] & 7) == 7) {
        msg.topic.ptr = (const char *)data + 1;
        msg.topic.len = strnlen(msg.topic.ptr, size - 1);
        msg.payload = view_bytes(data + 1 + msg.topic.len, size - 1 - msg.topic.len);
    } else {
        msg.topic = view_of(topics[data[0] & 7]);
    }
    arena_init(&arena);
    normalise(&fix_options, &msg, &arena, &out);
    CHECK(out.verdict == VERDICT_STORED || out.verdict == VERDICT_REJECTED ||
          out.verdict == VERDICT_OWN);
    CHECK((out.verdict == VERDICT_REJECTED) == (out.n_readings == 0 && out.n_rejects > 0));
    CHECK(out.n_readings <= NORMALISE_MAX_PARTS && out.n_rejects <= NORMALISE_MAX_REJECTS + 1);
    for (size_t i = 0; i < out.n_readings; i++)
        check_reading(&out.readings[i]);
    for (size_t i = 0; i < out.n_rejects; i++) {
        CHECK(utf8_valid(view_of(out.rejects[i].detail)) && out.rejects[i].reason != NULL);
        CHECK(utf8_valid(out.rejects[i].code) && utf8_valid(out.rejects[i].class_name));
        CHECK(i == 0 || out.rejects[i].raw.len <= NORMALISE_RAW_BYTES);
    }
    arena_fini(&arena);
    return 0;
}
