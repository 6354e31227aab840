/* Frames of our own making: the makers know the protocols independently of the decoders. */
#pragma once

#include "base/buf.h"
#include "ingest/normalise/frames/frame.h"

struct made { /* one frame, as bytes */
    const char *name;
    enum frame_kind kind;
    char bytes[1300];
    size_t len;
};

static inline void
made_put(struct made *made, const char *bytes, size_t len)
{
    CHECK(made->len + len <= sizeof(made->bytes));
    memcpy(made->bytes + made->len, bytes, len);
    made->len += len;
}

static inline void
made_hex(struct made *made, const char *hex)
{
    for (; *hex != '\0'; hex++) {
        char byte;

        if (*hex == ' ')
            continue;
        const int high = *hex <= '9' ? *hex - '0' : *hex - 'a' + 10;
        const int low = hex[1] <= '9' ? hex[1] - '0' : hex[1] - 'a' + 10;

        byte = (char)(high * 16 + low);
        made_put(made, &byte, 1);
        hex++;
    }
}

/* Device 2a 00 .. at 2026-11-24 14:56:38. */
static inline void
make_gbt26875_unit(struct made *made, uint8_t command, const uint8_t *unit, size_t len)
{
    uint8_t sum = 0;

    made_hex(made, "4040 0700 0102 26380e180b1a 2a0000000001 050000000000 0000");
    made_put(made, (const char *)&command, 1);
    made_put(made, (const char *)unit, len);
    made->bytes[24] = (char)(len & 255);
    made->bytes[25] = (char)(len >> 8);
    for (size_t i = 2; i < made->len; i++)
        sum = (uint8_t)(sum + (uint8_t)made->bytes[i]);
    made_put(made, (const char *)&sum, 1);
    made_put(made, "##", 2);
}

static inline void
make_dny_data(struct made *made, uint8_t command, const uint8_t *data, size_t len)
{
    uint16_t sum = 0;

    made_put(made, "DNY", 3);
    made_hex(made, "0000 0102a004 1100");
    made_put(made, (const char *)&command, 1);
    made_put(made, (const char *)data, len);
    made->bytes[3] = (char)(made->len + 2 - 5);
    for (size_t i = 0; i < made->len; i++)
        sum = (uint16_t)(sum + (uint8_t)made->bytes[i]);
    const char end[2] = {(char)(sum & 255), (char)(sum >> 8)};

    made_put(made, end, 2);
}

/* The same frame of device 04A00209. */
static inline void
make_dny_other(struct made *made)
{
    uint16_t sum = 0;

    made->bytes[5] = 9;
    for (size_t i = 0; i < made->len - 2; i++)
        sum = (uint16_t)(sum + (uint8_t)made->bytes[i]);
    made->bytes[made->len - 2] = (char)(sum & 255);
    made->bytes[made->len - 1] = (char)(sum >> 8);
}

/* From the supply byte to the last record. */
static inline void
make_meokon_rest(struct made *made, const uint8_t *rest, size_t rest_len)
{
    uint32_t crc = 0xFFFF;

    made_hex(made, "a55a 00 0000");
    made_put(made, "WWTS26110007", 12);
    made_put(made, (const char *)rest, rest_len);
    const size_t len = made->len + 4;

    made->bytes[3] = (char)(len >> 8);
    made->bytes[4] = (char)(len & 255);
    for (size_t i = 0; i < made->len; i++) {
        crc ^= (uint8_t)made->bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1) != 0 ? crc >> 1 ^ 0xA001 : crc >> 1;
    }
    const char end[4] = {(char)(crc >> 8), (char)(crc & 255), 0x55, (char)0xAA};

    made_put(made, end, 4);
}

static inline struct made
make_gbt26875(const char *name, uint8_t command, const char *unit)
{
    struct made inside = {0};
    struct made made = {.name = name, .kind = FRAME_GBT26875};

    made_hex(&inside, unit);
    make_gbt26875_unit(&made, command, (const uint8_t *)inside.bytes, inside.len);
    return made;
}

static inline struct made
make_dny(const char *name, uint8_t command, const char *data)
{
    struct made inside = {0};
    struct made made = {.name = name, .kind = FRAME_DNY};

    made_hex(&inside, data);
    make_dny_data(&made, command, (const uint8_t *)inside.bytes, inside.len);
    return made;
}

static inline struct made
make_meokon(const char *name, const char *rest)
{
    struct made inside = {0};
    struct made made = {.name = name, .kind = FRAME_MEOKON};

    made_hex(&inside, rest);
    make_meokon_rest(&made, (const uint8_t *)inside.bytes, inside.len);
    return made;
}

/* As it travels: hex text where the protocol says so. room: 2 * len + 1. */
static inline struct view
made_payload(const struct made *made, char *room)
{
    static const char digits[] = "0123456789abcdef";

    if (made->kind != FRAME_MEOKON)
        return (struct view){made->bytes, made->len};
    for (size_t i = 0; i < made->len; i++) {
        room[2 * i] = digits[(uint8_t)made->bytes[i] >> 4];
        room[2 * i + 1] = digits[(uint8_t)made->bytes[i] & 15];
    }
    return (struct view){room, 2 * made->len};
}

#define MAKE_TIME "00380e180b1a" /* 2026-11-24 14:56:00 */
#define MAKE_TEXT31 "b6fec2a5c0c8 20202020202020202020202020202020202020202020202020"
#define MAKE_ORDER "4f52442d30303137 0000000000000000"

/* One of every type. */
static inline size_t
make_all(struct made *all)
{
    size_t n = 0;

    all[n++] = make_gbt26875("heartbeat", 2, "");
    all[n++] =
        make_gbt26875("system-state", 2, "01 02 0101 0300 " MAKE_TIME " 0c02 0b25 " MAKE_TIME);
    all[n++] =
        make_gbt26875("component-state", 2, "02 01 0101 2a 0a000300 0200 " MAKE_TEXT31 MAKE_TIME);
    all[n++] = make_gbt26875("call-point", 2, "02 01 0101 17 0a000400 0b01 " MAKE_TEXT31 MAKE_TIME);
    all[n++] = make_gbt26875("analogue", 2,
        "03 03 0101 1f 0a000500 03 eb00 " MAKE_TIME " 0101 5b 00000100 04 0300 " MAKE_TIME
        " 0101 81 01000000 80 f6ff 000000000000");
    all[n++] =
        make_gbt26875("system-operation", 2, "04 02 0101 0509" MAKE_TIME " 0101 2109" MAKE_TIME);
    all[n++] = make_gbt26875("system-version", 2, "05 01 0101 0203");
    all[n++] = make_gbt26875("system-config", 2, "06 02 0101 04 cfb5cdb3 0c01 00");
    all[n++] = make_gbt26875("component-config", 2, "07 01 0101 28 0a000300 " MAKE_TEXT31);
    all[n++] = make_gbt26875("system-time", 2, "08 01 0101 " MAKE_TIME);
    all[n++] = make_gbt26875("device-state", 2, "15 01 49 " MAKE_TIME);
    all[n++] = make_gbt26875("device-operation", 2, "18 01 2103 " MAKE_TIME);
    all[n++] = make_gbt26875("device-version", 2, "19 01 0104");
    all[n++] = make_gbt26875("device-config", 2, "1a 01 02 d0c5");
    all[n++] = make_gbt26875("device-time", 5, "1c 01 " MAKE_TIME);
    all[n++] = make_gbt26875("confirm", 3, "");
    all[n++] =
        make_dny("heartbeat-01", 0x01, "8002 4609 02 0100 1004 0000 2005 0000 05 19 31 5e 00");
    all[n++] = make_dny("heartbeat-21", 0x21, "6b09 03 00 01 0c 19 61");
    all[n++] = make_dny("live-06", 0x06,
        "01 01 3c00 2d01 01 d204 e204 b004 d004 " MAKE_ORDER " e204 4309 1402 58 64");
    all[n++] = make_dny("live-26", 0x26,
        "00 05 3c00 2d01 01 d204 e204 b004 d004 " MAKE_ORDER " 0300 e204 4309 1402 58 64 ffff");
    all[n++] = make_dny("live-short", 0x06, "01 01 3c00 2d01 01 d204 e204 b004 d004 " MAKE_ORDER);
    all[n++] = make_dny(
        "charge-record", 0x03, "100e e204 7800 01 01 04030201 0b " MAKE_ORDER "0000 0035056b");
    all[n++] = make_dny("lock-full", 0x43, "100e e204 7800 01 01 04030201 01");
    all[n++] = make_dny("alarm", 0x44, "00 01 00");
    all[n++] = make_dny("register", 0x20, "8002 02 00 31 00 0100");
    all[n++] = make_dny("started", 0x04, "01 01 00000000 0000");
    all[n++] = make_dny("reply", 0x82, "0b " MAKE_ORDER " 01 0000");
    all[n++] = make_dny("get-time", 0x22, "");
    all[n++] =
        make_meokon("pressure-3", "34 c8 003c 0003 01 02 0064 01f4 021a 6b053500 0219 021b 021a");
    all[n++] = make_meokon("kpa-none", "94 b0 003c 0000 00 00 0000 07d0 0bb8 6b053500");
    all[n++] = make_meokon("hydrant-2",
        "05 9c 0e10 0002 18 e1 0064 01f4 0001 0002 0190 0005 00000000 0190 0005 0191 fffb");
    return n;
}
#define MAKE_MAX 40
