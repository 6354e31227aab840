/*
 * GB/T 26875.3-2011, between transmission devices of fire alarm panels and a centre.
 *
 *   40 40 | serial u16 | version 2 | time 6 | source 6 | target 6 | length u16 | command | unit |
 *   sum u8 | 23 23
 *
 * Little-endian; length is that of the unit, at most 1024; sum is the low byte of the sum of all
 * bytes from the serial to the end of the unit. Commands: 1 control, 2 send, 3 confirm, 4 request,
 * 5 answer, 6 deny; 2 without a unit is a heartbeat. The device is the source, as hex digits with
 * the most significant first; in the nbiot layout it is an IMEI, its digits as they stand.
 */
#include "ingest/normalise/frames/gbt26875.h"

#include "base/crc32c.h"

#define START 0x4040
#define END 0x2323
#define VERSION_AT 4
#define TIME_AT 6
#define SOURCE_AT 12
#define TARGET_AT 18
#define LENGTH_AT 24
#define COMMAND_AT 26
#define UNIT_AT 27
#define BEHIND_UNIT 3
#define MIN_BYTES (UNIT_AT + BEHIND_UNIT)
#define MAX_UNIT 1024

enum {
    COMMAND_CONTROL = 1,
    COMMAND_SEND,
    COMMAND_CONFIRM,
    COMMAND_REQUEST,
    COMMAND_ANSWER,
    COMMAND_DENY
};

static uint8_t
sum_of(struct view bytes, size_t from, size_t to)
{
    uint32_t sum = 0;

    for (size_t i = from; i < to; i++)
        sum += frame_u8(bytes, i);
    return (uint8_t)sum;
}

static void
fail(struct frame_probe *out, enum frame_check check, size_t at, uint64_t found, uint64_t expected)
{
    out->flawed = true;
    out->flaw = (struct frame_flaw){.check = check, .at = at, .found = found, .expected = expected};
}

/* What the length field says. */
static void
probe_by_length(struct view rest, struct frame_probe *out)
{
    const size_t unit = frame_u16le(rest, LENGTH_AT);
    const size_t len = MIN_BYTES + unit;

    if (unit > MAX_UNIT) {
        fail(out, FRAME_CHECK_LENGTH, LENGTH_AT, unit, MAX_UNIT);
    } else if (rest.len < len) {
        fail(out, FRAME_CHECK_SHORT, rest.len, rest.len, len);
    } else if (frame_u16be(rest, len - 2) != END) {
        fail(out, FRAME_CHECK_END, len - 2, frame_u16be(rest, len - 2), END);
    } else {
        const uint8_t sum = sum_of(rest, 2, len - BEHIND_UNIT);

        if (frame_u8(rest, len - BEHIND_UNIT) != sum)
            fail(out, FRAME_CHECK_SUM, len - BEHIND_UNIT, frame_u8(rest, len - BEHIND_UNIT), sum);
        else
            out->len = len;
    }
}

/*
 * A frame whose length field is wrong ends where an end mark stands behind a right sum and before
 * the end of the payload or another frame: an end mark may be text of a unit too.
 */
static size_t
find_end(struct view rest)
{
    const size_t last = rest.len < MIN_BYTES + MAX_UNIT ? rest.len : MIN_BYTES + MAX_UNIT;
    uint8_t sum = sum_of(rest, 2, UNIT_AT - 1);

    for (size_t len = MIN_BYTES; len <= last; len++) {
        sum = (uint8_t)(sum + frame_u8(rest, len - BEHIND_UNIT - 1));
        if (frame_u16be(rest, len - 2) != END || frame_u8(rest, len - BEHIND_UNIT) != sum)
            continue;
        if (len == rest.len || (rest.len - len >= 2 && frame_u16be(rest, len) == START))
            return len;
    }
    return 0;
}

static void
probe(const struct frame_dialect *dialect, struct view rest, struct frame_probe *out)
{
    if (rest.len < 2 || frame_u16be(rest, 0) != START) {
        const bool one = rest.len < 2;

        fail(out, FRAME_CHECK_START, 0, one ? frame_u8(rest, 0) : frame_u16be(rest, 0), START);
        return;
    }
    if (rest.len < MIN_BYTES) {
        fail(out, FRAME_CHECK_SHORT, rest.len, rest.len, MIN_BYTES);
        return;
    }
    probe_by_length(rest, out);
    if (!out->flawed || out->flaw.check == FRAME_CHECK_SUM)
        return;
    out->len = find_end(rest);
    if (out->len == 0)
        return;
    if (dialect->any_length)
        out->flawed = false;
    else
        fail(
            out, FRAME_CHECK_LENGTH, LENGTH_AT, frame_u16le(rest, LENGTH_AT), out->len - MIN_BYTES);
}

static bool
head(struct view frame, struct frame_head *out)
{
    out->serial = frame_u16le(frame, 2);
    memcpy(out->version, frame.ptr + VERSION_AT, sizeof(out->version));
    memcpy(out->source, frame.ptr + SOURCE_AT, sizeof(out->source));
    memcpy(out->target, frame.ptr + TARGET_AT, sizeof(out->target));
    out->command = frame_u8(frame, COMMAND_AT);
    return out->command == COMMAND_SEND;
}

static uint8_t
digit_pair(const struct frame_dialect *dialect, int number)
{
    return (uint8_t)(dialect->bcd_time ? number / 10 * 16 + number % 10 : number);
}

static size_t
confirm(const struct frame_dialect *dialect, const struct frame_head *of, struct instant now,
    uint8_t room[FRAME_CONFIRM_BYTES])
{
    const struct civil at = instant_civil(now, FRAME_LOCAL_S);
    const int parts[6] = {at.second, at.minute, at.hour, at.day, at.month, at.year % 100};

    memset(room, 0, FRAME_CONFIRM_BYTES);
    room[0] = START >> 8;
    room[1] = START & 0xFF;
    room[2] = (uint8_t)of->serial;
    room[3] = (uint8_t)(of->serial >> 8);
    memcpy(room + VERSION_AT, of->version, sizeof(of->version));
    for (int i = 0; i < 6; i++)
        room[TIME_AT + i] = digit_pair(dialect, parts[i]);
    memcpy(room + SOURCE_AT, of->target, sizeof(of->target));
    memcpy(room + TARGET_AT, of->source, sizeof(of->source));
    room[COMMAND_AT] = of->good ? COMMAND_CONFIRM : COMMAND_DENY;
    room[UNIT_AT] = sum_of(view_bytes(room, UNIT_AT), 2, UNIT_AT);
    room[UNIT_AT + 1] = END >> 8;
    room[UNIT_AT + 2] = END & 0xFF;
    return MIN_BYTES;
}

bool
gbt26875_time(const struct frame_dialect *dialect, struct view six, struct instant *out)
{
    int part[6];

    for (size_t i = 0; i < 6; i++) {
        const uint8_t byte = frame_u8(six, i);

        part[i] = byte;
        if (!dialect->bcd_time)
            continue;
        if ((byte & 15) > 9 || byte >> 4 > 9)
            return false;
        part[i] = (byte >> 4) * 10 + (byte & 15);
    }
    return part[5] <= 99 && instant_from_civil(2000 + part[5], part[4], part[3], part[2], part[1],
                                part[0], FRAME_LOCAL_S, out);
}

struct view
gbt26875_no_time(struct view six, char room[GBT26875_TIME_DIGITS])
{
    for (size_t i = 0; i < 6; i++) {
        if (six.ptr[i] != 0) {
            frame_hex((const uint8_t *)six.ptr, 6, room);
            return (struct view){room, GBT26875_TIME_DIGITS};
        }
    }
    return (struct view){"", 0};
}

/* Serials alone are not enough: devices send different frames with one serial in one second. */
static void
set_identity(struct framing *f, struct view frame)
{
    const struct view unit = view_part(frame, UNIT_AT, frame.len - MIN_BYTES);
    size_t len = frame_decimal(frame_u16le(frame, 2), f->identity_room);

    f->identity_room[len++] = '-';
    len += frame_decimal(crc32c(frame_u8(frame, COMMAND_AT), unit), f->identity_room + len);
    f->identity = (struct view){f->identity_room, len};
    f->has_time = gbt26875_time(f->dialect, view_part(frame, TIME_AT, 6), &f->time);
    if (!f->has_time)
        f->no_time = gbt26875_no_time(view_part(frame, TIME_AT, 6), f->no_time_room);
}

static void
set_device(struct framing *f, struct view frame, size_t at)
{
    uint8_t source[6];
    char text[12];
    uint64_t key = 0;

    for (size_t i = 0; i < sizeof(source); i++) {
        const size_t from = f->dialect->layout == FRAME_LAYOUT_NBIOT ? i : 5 - i;

        source[i] = frame_u8(frame, SOURCE_AT + from);
        key = key << 8 | source[i];
    }
    frame_hex(source, sizeof(source), text);
    /* a fire must raise, whoever tells it */
    (void)frame_device(f, key, (struct view){text, sizeof(text)},
        &(struct frame_flaw){.at = at + SOURCE_AT, .kept = true, .raw = frame});
}

static void
read(struct framing *f, struct view frame, size_t at)
{
    const struct view unit = view_part(frame, UNIT_AT, frame.len - MIN_BYTES);
    const uint8_t command = frame_u8(frame, COMMAND_AT);

    set_device(f, frame, at);
    set_identity(f, frame);
    if (command == 0 || command > COMMAND_DENY) {
        frame_flaw_add(f, &(struct frame_flaw){.check = FRAME_CHECK_TYPE,
                              .at = at + COMMAND_AT,
                              .found = command,
                              .expected = COMMAND_SEND,
                              .raw = frame});
        return;
    }
    if (command != COMMAND_SEND && command != COMMAND_ANSWER)
        return;
    if (unit.len > 0) {
        gbt26875_objects(f, unit, at + UNIT_AT);
    } else if (command == COMMAND_SEND) {
        struct cJSON *record = frame_record(f, (struct view){"", 0}, "heartbeat");

        if (record != NULL)
            frame_bool(f, record, "online", true);
    }
}

static const char *const root_values[] = {"device", "identity", "time", NULL};
static const char *const record_values[] = {"part", "kind", "time", "online", "state", "test",
    "fire", "fault", "shielded", "supervised", "started", "feedback", "delayed", "mains_fault",
    "backup_fault", "bus_fault", "by_hand", "config_changed", "reset", "link_fault", "line_fault",
    "system_fire", "manual_fire", "detector_fire", "system", "system_address", "component",
    "component_kind", "address", "op_reset", "op_mute", "op_alarm_cleared", "op_self_test",
    "op_test", "op_confirm", "op_guard_answer", "operator", "analogue", "raw", "events", "height",
    "temperature", "pressure", "gas", "duration", "voltage", "current", "flow", "air_volume",
    "air_speed", "signal", "battery_mv", "fault_kind", "text", "version", NULL};

const struct frame_protocol frame_gbt26875 = {.values = {root_values, record_values},
    .min_bytes = MIN_BYTES,
    .probe = probe,
    .head = head,
    .read = read,
    .confirm = confirm};
