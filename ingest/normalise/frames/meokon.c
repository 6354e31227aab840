/*
 * Meokon wireless terminals, V3.0: pressure, level, hydrants. Big-endian, as hex text over MQTT.
 *
 *   A5 5A | command 00 | length u16, of the whole frame | id 12 ASCII | supply | signal i8 dBm |
 *   interval u16 s | n u16 | type | alarm bits | limits s x (low i16, high i16) | now s x i16 |
 *   time u32 UTC, of the last record | n x s x i16, oldest first | CRC16-Modbus | 55 AA
 *
 * s is the number of sensors, 1 to 3; it follows from length and n. What the device says of now
 * (alarm bits, supply, signal) belongs to the last record, not to those that it has kept.
 */
#include "ingest/normalise/frames/inner.h"

#define START 0xA55A
#define END 0x55AA
#define ID_AT 5
#define ID_BYTES 12
#define SUPPLY_AT 17
#define INTERVAL_AT 19
#define COUNT_AT 21
#define TYPE_AT 23
#define ALARM_AT 24
#define LIMITS_AT 25
#define FIXED_BYTES 33 /* without what is there once a sensor or record */
#define MIN_BYTES (FIXED_BYTES + 6)
#define MAX_SENSORS 3

static uint16_t
crc16(struct view bytes)
{
    static const uint16_t nibbles[16] = {0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800,
        0xE401, 0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400};
    uint16_t crc = 0xFFFF;

    for (size_t i = 0; i < bytes.len; i++) {
        const uint8_t byte = frame_u8(bytes, i);

        crc = (uint16_t)(crc >> 4 ^ nibbles[(crc ^ byte) & 15]);
        crc = (uint16_t)(crc >> 4 ^ nibbles[(crc ^ byte >> 4) & 15]);
    }
    return crc;
}

static void
fail(struct frame_probe *out, enum frame_check check, size_t at, uint64_t found, uint64_t expected)
{
    out->flawed = true;
    out->flaw = (struct frame_flaw){.check = check, .at = at, .found = found, .expected = expected};
}

static void
probe(const struct frame_dialect *dialect, struct view rest, struct frame_probe *out)
{
    (void)dialect;
    if (rest.len < 2 || frame_u16be(rest, 0) != START) {
        const bool one = rest.len < 2;

        fail(out, FRAME_CHECK_START, 0, one ? frame_u8(rest, 0) : frame_u16be(rest, 0), START);
        return;
    }
    if (rest.len < MIN_BYTES) {
        fail(out, FRAME_CHECK_SHORT, rest.len, rest.len, MIN_BYTES);
        return;
    }
    const size_t len = frame_u16be(rest, 3);

    if (len < MIN_BYTES) {
        fail(out, FRAME_CHECK_LENGTH, 3, len, MIN_BYTES);
        return;
    }
    if (len > rest.len) {
        fail(out, FRAME_CHECK_SHORT, rest.len, rest.len, len);
        return;
    }
    if (frame_u16be(rest, len - 2) != END) {
        fail(out, FRAME_CHECK_END, len - 2, frame_u16be(rest, len - 2), END);
        return;
    }
    const uint16_t sum = crc16(view_part(rest, 0, len - 4));

    if (frame_u16be(rest, len - 4) != sum)
        fail(out, FRAME_CHECK_SUM, len - 4, frame_u16be(rest, len - 4), sum);
    else
        out->len = len;
}

static bool
head(struct view frame, struct frame_head *out)
{
    (void)frame;
    (void)out;
    return false; /* over MQTT the terminal waits for no answer */
}

static int16_t
i16be(struct view bytes, size_t at)
{
    return (int16_t)frame_u16be(bytes, at);
}

/* The first sensor's value also under the name of what it is. */
static void
put_values(struct framing *f, struct cJSON *record, uint8_t type, size_t sensors,
    struct view values, const char *const names[MAX_SENSORS])
{
    for (size_t i = 0; i < sensors; i++)
        frame_number(f, record, names[i], i16be(values, 2 * i));
    const int16_t first = i16be(values, 0);

    if (type == 0)
        frame_number(f, record, "pressure", first / 10.0); /* all in kPa */
    else if (type <= 2)
        frame_number(f, record, "pressure", first);
}

static void
put_now(struct framing *f, struct cJSON *record, struct view frame, size_t sensors)
{
    static const char *const lows[] = {"low_limit", "low_limit_2", "low_limit_3"};
    static const char *const highs[] = {"high_limit", "high_limit_2", "high_limit_3"};
    const uint8_t type = frame_u8(frame, TYPE_AT);
    const uint8_t alarm = frame_u8(frame, ALARM_AT);
    const uint8_t supply = frame_u8(frame, SUPPLY_AT);

    frame_number(f, record, "alarm_bits", alarm);
    frame_bool(f, record, "low", (alarm & 1) != 0);
    frame_bool(f, record, "high", (alarm & 2) != 0);
    frame_bool(f, record, "battery_low", (alarm & 4) != 0);
    frame_bool(f, record, "sensor_fault", (alarm & 8) != 0);
    frame_bool(f, record, "hardware_fault", (alarm & 16) != 0);
    if (type == 24 || type == 34)
        frame_bool(f, record, "water_flow", (alarm & 128) != 0);
    if (type == 24) {
        frame_bool(f, record, "tilt", (alarm & 64) != 0);
        frame_bool(f, record, "hit", (alarm & 32) != 0);
    }
    frame_number(f, record, "battery", (supply & 31) * 5);
    frame_bool(f, record, "mains", (supply & 128) != 0);
    frame_number(f, record, "signal", (int8_t)frame_u8(frame, SUPPLY_AT + 1));
    for (size_t i = 0; i < sensors; i++) {
        frame_number(f, record, lows[i], i16be(frame, LIMITS_AT + 4 * i));
        frame_number(f, record, highs[i], i16be(frame, LIMITS_AT + 4 * i + 2));
    }
}

static void
read_records(struct framing *f, struct view frame, size_t sensors, size_t n)
{
    static const char *const names[] = {"value", "value_2", "value_3"};
    static const char *const now_names[] = {"now", "now_2", "now_3"};
    const size_t now_at = LIMITS_AT + 4 * sensors;
    const size_t time_at = now_at + 2 * sensors;
    const int64_t interval_us = (int64_t)frame_u16be(frame, INTERVAL_AT) * 1000000;
    const int64_t last_us = (int64_t)frame_u32be(frame, time_at) * 1000000;
    const uint8_t type = frame_u8(frame, TYPE_AT);

    CHECK(sensors >= 1 && sensors <= MAX_SENSORS);
    f->time = (struct instant){last_us};
    f->has_time = last_us > 0;
    for (size_t i = 0; i < n || i == 0; i++) {
        struct cJSON *record = frame_record(f, (struct view){"", 0}, "record");
        const bool last = i + 1 >= n;
        const size_t at = n == 0 ? now_at : time_at + 4 + 2 * sensors * i;
        const int64_t us = last ? last_us : last_us - (int64_t)(n - 1 - i) * interval_us;

        if (record == NULL)
            return;
        if (last_us > 0 && us > 0)
            frame_instant(f, record, "time", (struct instant){us});
        frame_number(f, record, "type", type);
        put_values(f, record, type, sensors, view_part(frame, at, 2 * sensors), names);
        if (!last)
            continue;
        for (size_t s = 0; s < sensors; s++)
            frame_number(f, record, now_names[s], i16be(frame, now_at + 2 * s));
        put_now(f, record, frame, sensors);
    }
}

static void
read(struct framing *f, struct view frame, size_t at)
{
    const size_t n = frame_u16be(frame, COUNT_AT);
    const size_t sensors = (frame.len - FIXED_BYTES) / (6 + 2 * n);
    struct frame_flaw flaw = {.at = at + ID_AT, .raw = frame};
    uint64_t key = 0;

    if (frame_u8(frame, 2) != 0) {
        flaw.check = FRAME_CHECK_TYPE;
        flaw.at = at + 2;
        flaw.found = frame_u8(frame, 2);
        frame_flaw_add(f, &flaw);
        return;
    }
    if (sensors < 1 || sensors > MAX_SENSORS || FIXED_BYTES + sensors * (6 + 2 * n) != frame.len) {
        flaw.check = FRAME_CHECK_COUNT;
        flaw.at = at + COUNT_AT;
        flaw.found = n;
        flaw.expected = (frame.len - FIXED_BYTES - 6) / 2;
        frame_flaw_add(f, &flaw);
        return;
    }
    struct view id = view_part(frame, ID_AT, ID_BYTES);

    for (size_t i = 0; i < ID_BYTES; i++) {
        key = key * 251 + frame_u8(id, i);
        if (frame_u8(id, i) < 0x21 || frame_u8(id, i) > 0x7E)
            id.len = id.len < i ? id.len : i;
    }
    /* each terminal is a part '': another's pressure would pass for ours */
    f->foreign = !frame_device(f, key, id, &flaw);
    if (f->foreign)
        return;
    f->identity = (struct view){
        f->identity_room, frame_decimal(frame_u16be(frame, frame.len - 4), f->identity_room)};
    read_records(f, frame, sensors, n);
}

static const char *const root_values[] = {"device", "identity", "time", NULL};
static const char *const record_values[] = {"part", "kind", "time", "type", "value", "value_2",
    "value_3", "now", "now_2", "now_3", "pressure", "alarm_bits", "low", "high", "battery_low",
    "sensor_fault", "hardware_fault", "water_flow", "tilt", "hit", "battery", "mains", "signal",
    "low_limit", "low_limit_2", "low_limit_3", "high_limit", "high_limit_2", "high_limit_3", NULL};

const struct frame_protocol frame_meokon = {.values = {root_values, record_values},
    .min_bytes = MIN_BYTES,
    .probe = probe,
    .head = head,
    .read = read};
