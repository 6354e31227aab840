/*
 * DNY, the protocol of AP3000-like e-bike chargers (v8.6). Little-endian:
 *
 *   'DNY' | length u16 | device u32 | message u16 | command | data | sum u16
 *
 * length counts everything behind it, the sum included; the sum is that of all bytes from 'DNY' to
 * the end of data: as re-computed on frames of real devices, where documents say otherwise. On the
 * same stream come 20 bytes of ICCID after a connect and the word `link` as heartbeat.
 *
 * A part is a port, counted from 1; '' is the device itself (also port FF, "any"). Temperatures
 * are written as degrees plus 65; 0 is none.
 */
#include "ingest/normalise/frames/inner.h"

#define MIN_BYTES 14
#define MAX_BYTES 256
#define DATA_AT 12
#define SUM_BYTES 2
#define ICCID_BYTES 20
#define ORDER_BYTES 16
#define ANY_PORT 0xFF

static size_t
skip(struct view bytes, size_t at)
{
    const size_t left = bytes.len - at;
    const char *text = bytes.ptr + at;

    if (left >= 4 && memcmp(text, "link", 4) == 0)
        return 4;
    if (*text == '\r' || *text == '\n')
        return 1;
    if (left < ICCID_BYTES)
        return 0;
    for (size_t i = 0; i < ICCID_BYTES; i++) {
        const bool digit = text[i] >= '0' && text[i] <= '9';

        if (!digit && !(i > 0 && text[i] >= 'A' && text[i] <= 'F'))
            return 0;
    }
    return ICCID_BYTES;
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
    uint16_t sum = 0;

    (void)dialect;
    if (rest.len < 3 || memcmp(rest.ptr, "DNY", 3) != 0) {
        uint64_t found = 0;

        for (size_t i = 0; i < 3 && i < rest.len; i++)
            found = found << 8 | frame_u8(rest, i);
        fail(out, FRAME_CHECK_START, 0, found, 0x444E59);
        return;
    }
    if (rest.len < MIN_BYTES) {
        fail(out, FRAME_CHECK_SHORT, rest.len, rest.len, MIN_BYTES);
        return;
    }
    const size_t len = frame_u16le(rest, 3) + (size_t)5;

    if (len < MIN_BYTES || len > MAX_BYTES) {
        fail(out, FRAME_CHECK_LENGTH, 3, len - 5, (len < MIN_BYTES ? MIN_BYTES : MAX_BYTES) - 5);
        return;
    }
    if (len > rest.len) {
        fail(out, FRAME_CHECK_SHORT, rest.len, rest.len, len);
        return;
    }
    for (size_t i = 0; i < len - SUM_BYTES; i++)
        sum = (uint16_t)(sum + frame_u8(rest, i));
    if (frame_u16le(rest, len - SUM_BYTES) != sum)
        fail(out, FRAME_CHECK_SUM, len - SUM_BYTES, frame_u16le(rest, len - SUM_BYTES), sum);
    else
        out->len = len;
}

/* Those that a charger repeats until it hears. */
static bool
head(struct view frame, struct frame_head *out)
{
    out->device = frame_u32le(frame, 5);
    out->serial = frame_u16le(frame, 9);
    out->command = frame_u8(frame, 11);
    switch (out->command) {
    case 0x03:
    case 0x04:
    case 0x20:
    case 0x21:
    case 0x23:
    case 0x43:
    case 0x44:
        return out->good;
    default:
        return false;
    }
}

static size_t
confirm(const struct frame_dialect *dialect, const struct frame_head *of, struct instant now,
    uint8_t room[FRAME_CONFIRM_BYTES])
{
    uint16_t sum = 0;

    (void)dialect;
    (void)now;
    memcpy(room, "DNY", 3);
    room[3] = 10;
    room[4] = 0;
    for (int i = 0; i < 4; i++)
        room[5 + i] = (uint8_t)(of->device >> 8 * i);
    room[9] = (uint8_t)of->serial;
    room[10] = (uint8_t)(of->serial >> 8);
    room[11] = of->command;
    room[12] = 0; /* taken */
    for (int i = 0; i < 13; i++)
        sum = (uint16_t)(sum + room[i]);
    room[13] = (uint8_t)sum;
    room[14] = (uint8_t)(sum >> 8);
    return 15;
}

/* One frame's data on its way. */
struct reading_data {
    struct framing *f;
    struct view data;
    size_t at; /* of data in the payload */
};

static void
wrong_size(const struct reading_data *in, size_t wanted, bool kept)
{
    frame_flaw_add(in->f, &(struct frame_flaw){.check = FRAME_CHECK_COUNT,
                              .at = in->at,
                              .found = in->data.len,
                              .expected = wanted,
                              .kept = kept,
                              .raw = in->data});
}

static struct cJSON *
port_record(const struct reading_data *in, uint8_t port, const char *kind)
{
    char room[10];
    const int number = port - in->f->dialect->first_port + 1;
    struct view part = {"", 0};

    if (port != ANY_PORT && number >= 1)
        part = (struct view){room, frame_decimal((uint32_t)number, room)};
    return frame_record(in->f, part, kind);
}

static void
put_temperature(const struct reading_data *in, struct cJSON *record, const char *name, size_t at)
{
    if (frame_u8(in->data, at) != 0)
        frame_number(in->f, record, name, frame_u8(in->data, at) - 65);
}

static void
put_tenths(const struct reading_data *in, struct cJSON *record, const char *name, size_t at)
{
    frame_number(in->f, record, name, frame_u16le(in->data, at) / 10.0);
}

static void
put_order(const struct reading_data *in, struct cJSON *record, size_t at)
{
    struct view order = view_part(in->data, at, ORDER_BYTES);

    for (size_t i = 0; i < ORDER_BYTES; i++) {
        if (frame_u8(order, i) < 0x21 || frame_u8(order, i) > 0x7E) {
            order.len = i;
            break;
        }
    }
    if (order.len > 0)
        frame_text(in->f, record, "order", order);
}

/* 01: firmware, U, n, states, P, peaks, node, signal, kind, T, mode; 21: U, n, states, signal, T.
 */
static void
read_heartbeat(const struct reading_data *in, bool full)
{
    const size_t start = full ? 2 : 0;
    const size_t ports = in->data.len < start + 3 ? 0 : frame_u8(in->data, start + 2);
    const size_t states = start + 3;
    const size_t wanted = states + ports * (full ? 5 : 1) + (full ? 4 : 2);
    const size_t tail = wanted - (full ? 4 : 2);

    if (in->data.len < wanted) {
        wrong_size(in, wanted, false);
        return;
    }
    struct cJSON *device = frame_record(in->f, (struct view){"", 0}, "heartbeat");

    if (device == NULL)
        return;
    if (full)
        frame_number(in->f, device, "firmware", frame_u16le(in->data, 0));
    put_tenths(in, device, "voltage", start);
    frame_number(in->f, device, "ports", (double)ports);
    if (full)
        frame_number(in->f, device, "node", frame_u8(in->data, tail));
    frame_number(in->f, device, "signal", frame_u8(in->data, full ? tail + 1 : tail));
    put_temperature(in, device, "ambient_temp", full ? tail + 3 : tail + 1);
    for (size_t i = 0; i < ports; i++) {
        const uint8_t port = (uint8_t)(in->f->dialect->first_port + i);
        struct cJSON *record = port_record(in, port, "port");

        if (record == NULL)
            return;
        frame_number(in->f, record, "state", frame_u8(in->data, states + i));
        put_tenths(in, record, "voltage", start);
        if (full) {
            put_tenths(in, record, "power", states + ports + 2 * i);
            put_tenths(in, record, "peak_power", states + 3 * ports + 2 * i);
        }
    }
}

/* Seen with 31 (nothing behind the order), 39, and with the period's energy before the peak 41
 * bytes and more. */
static void
read_live(const struct reading_data *in)
{
    static const char *const powers[] = {"power", "max_power", "min_power", "mean_power"};
    const size_t len = in->data.len;

    if (len < 31) {
        wrong_size(in, 31, false);
        return;
    }
    struct cJSON *record = port_record(in, frame_u8(in->data, 0), "live");

    if (record == NULL)
        return;
    frame_number(in->f, record, "state", frame_u8(in->data, 1));
    frame_number(in->f, record, "session", frame_u16le(in->data, 2));
    frame_number(in->f, record, "energy", frame_u16le(in->data, 4) / 100.0);
    frame_number(in->f, record, "start_kind", frame_u8(in->data, 6));
    for (size_t i = 0; i < 4; i++)
        put_tenths(in, record, powers[i], 7 + 2 * i);
    put_order(in, record, 15);
    if (len == 31)
        return;
    const size_t tail = len == 39 ? 31 : 33;

    if (len != 39 && len < 41) {
        wrong_size(in, 39, true);
        return;
    }
    put_tenths(in, record, "peak_power", tail);
    put_tenths(in, record, "voltage", tail + 2);
    frame_number(in->f, record, "current", frame_u16le(in->data, tail + 4) / 1000.0);
    put_temperature(in, record, "ambient_temp", tail + 6);
    put_temperature(in, record, "port_temp", tail + 7);
}

static void
read_charge_record(const struct reading_data *in, const char *kind)
{
    if (in->data.len < 13) {
        wrong_size(in, 13, false);
        return;
    }
    struct cJSON *record = port_record(in, frame_u8(in->data, 6), kind);

    if (record == NULL)
        return;
    frame_number(in->f, record, "session", frame_u16le(in->data, 0));
    put_tenths(in, record, "peak_power", 2);
    frame_number(in->f, record, "energy", frame_u16le(in->data, 4) / 100.0);
    frame_number(in->f, record, "start_kind", frame_u8(in->data, 7));
    frame_number(in->f, record, "card", frame_u32le(in->data, 8));
    frame_number(in->f, record, "stop", frame_u8(in->data, 12));
    if (in->data.len >= 13 + ORDER_BYTES)
        put_order(in, record, 13);
    if (in->data.len >= 35) {
        const uint32_t at_s = frame_u32le(in->data, 31);

        if (at_s > 0)
            frame_instant(in->f, record, "time", (struct instant){(int64_t)at_s * 1000000});
    }
}

static void
read_alarm(const struct reading_data *in)
{
    if (in->data.len < 2) {
        wrong_size(in, 2, false);
        return;
    }
    struct cJSON *record = port_record(in, frame_u8(in->data, 0), "alarm");

    if (record != NULL)
        frame_number(in->f, record, "alarm", frame_u8(in->data, 1));
}

/* What the charger answers to a start or stop: code, order, port. */
static void
read_reply(const struct reading_data *in)
{
    const bool whole = in->data.len >= 1 + ORDER_BYTES + 1;

    if (in->data.len < 1) {
        wrong_size(in, 1, false);
        return;
    }
    const uint8_t port = whole ? frame_u8(in->data, 1 + ORDER_BYTES) : ANY_PORT;
    struct cJSON *record = port_record(in, port, "reply");

    if (record == NULL)
        return;
    frame_number(in->f, record, "reply", frame_u8(in->data, 0));
    if (whole)
        put_order(in, record, 1);
}

static void
read_confirm(const struct reading_data *in)
{
    if (in->data.len < 2) {
        wrong_size(in, 2, false);
        return;
    }
    struct cJSON *record = port_record(in, frame_u8(in->data, 0), "started");

    if (record != NULL)
        frame_number(in->f, record, "start_kind", frame_u8(in->data, 1));
}

static void
read_register(const struct reading_data *in)
{
    if (in->data.len < 3) {
        wrong_size(in, 3, false);
        return;
    }
    struct cJSON *record = frame_record(in->f, (struct view){"", 0}, "register");

    if (record == NULL)
        return;
    frame_number(in->f, record, "firmware", frame_u16le(in->data, 0));
    frame_number(in->f, record, "ports", frame_u8(in->data, 2));
}

/* Known, and nothing in it that is measured: card, information, locks, time, upgrades, and what
 * a charger answers to a setting. */
static bool
is_silent(uint8_t command)
{
    static const uint8_t others[] = {0x02, 0x05, 0x09, 0x0A, 0x11, 0x12, 0x22, 0x31, 0x35, 0x41,
        0x42, 0x72, 0xE0, 0xE1, 0xE2, 0xE4, 0xF8, 0xFA, 0xFC};

    if (command >= 0x81 && command <= 0x98)
        return true;
    for (size_t i = 0; i < sizeof(others); i++) {
        if (others[i] == command)
            return true;
    }
    return false;
}

static void
read_data(const struct reading_data *in, uint8_t command, size_t command_at)
{
    switch (command) {
    case 0x01:
    case 0x21:
        read_heartbeat(in, command == 0x01);
        break;
    case 0x06:
    case 0x26:
        read_live(in);
        break;
    case 0x03:
    case 0x23:
        read_charge_record(in, "charge-record");
        break;
    case 0x43:
        read_charge_record(in, "lock-full");
        break;
    case 0x04:
        read_confirm(in);
        break;
    case 0x20:
        read_register(in);
        break;
    case 0x44:
        read_alarm(in);
        break;
    case 0x82:
    case 0xA2:
        read_reply(in);
        break;
    default:
        if (!is_silent(command)) {
            frame_flaw_add(in->f, &(struct frame_flaw){.check = FRAME_CHECK_TYPE,
                                      .at = command_at,
                                      .found = command,
                                      .raw = in->data});
        }
        break;
    }
}

static void
read(struct framing *f, struct view frame, size_t at)
{
    const uint32_t device = frame_u32le(frame, 5);
    const uint8_t bytes[4] = {
        (uint8_t)(device >> 24), (uint8_t)(device >> 16), (uint8_t)(device >> 8), (uint8_t)device};
    const struct reading_data in = {
        f, view_part(frame, DATA_AT, frame.len - DATA_AT - SUM_BYTES), at + DATA_AT};
    char text[8];

    frame_hex(bytes, sizeof(bytes), text);
    /* The parts are ports, and each charger has a port 1: another's values would pass for ours. */
    f->foreign = !frame_device(f, device, (struct view){text, sizeof(text)},
        &(struct frame_flaw){.at = at + 5, .raw = frame});
    if (!f->foreign)
        read_data(&in, frame_u8(frame, 11), at + 11);
}

static const char *const root_values[] = {"device", NULL};
static const char *const record_values[] = {"part", "kind", "time", "firmware", "voltage", "ports",
    "node", "signal", "ambient_temp", "state", "power", "peak_power", "session", "energy",
    "start_kind", "max_power", "min_power", "mean_power", "order", "current", "port_temp", "card",
    "stop", "alarm", "reply", NULL};

const struct frame_protocol frame_dny = {.values = {root_values, record_values},
    .min_bytes = MIN_BYTES,
    .skip = skip,
    .probe = probe,
    .head = head,
    .read = read,
    .confirm = confirm};
