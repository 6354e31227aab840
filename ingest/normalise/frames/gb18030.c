#include "ingest/normalise/frames/gb18030.h"

#include <stdbool.h>
#include <stddef.h>

#define NONE 0xFFFD

static uint8_t
byte_at(struct view bytes, size_t at)
{
    return at < bytes.len ? (uint8_t)bytes.ptr[at] : 0;
}

static bool
is_digit(uint8_t byte)
{
    return byte >= 0x30 && byte <= 0x39;
}

static uint32_t
four_bytes(struct view bytes, size_t at)
{
    const uint32_t linear =
        (((uint32_t)(byte_at(bytes, at) - 0x81) * 10 + (byte_at(bytes, at + 1) - 0x30u)) * 126 +
            (byte_at(bytes, at + 2) - 0x81u)) *
            10 +
        (byte_at(bytes, at + 3) - 0x30u);
    unsigned low = 0;
    unsigned high = gb18030_n_four;

    while (high - low > 1) {
        const unsigned mid = low + (high - low) / 2;

        if (gb18030_four[mid].linear <= linear)
            low = mid;
        else
            high = mid;
    }
    return gb18030_four[low].unicode == 0
               ? NONE
               : gb18030_four[low].unicode + (linear - gb18030_four[low].linear);
}

/* The character at *at, which moves on by one to four bytes. */
static uint32_t
next_character(struct view bytes, size_t *at)
{
    const uint8_t lead = byte_at(bytes, *at);
    const uint8_t trail = byte_at(bytes, *at + 1);

    if (lead < 0x80) {
        *at += 1;
        return lead;
    }
    if (lead == 0x80 || lead == 0xFF) {
        *at += 1;
        return NONE;
    }
    if (trail >= 0x40 && trail != 0x7F && trail != 0xFF) {
        const unsigned column = trail - 0x40u - (trail > 0x7F);
        const uint16_t found = gb18030_two[(lead - 0x81u) * GB18030_TRAILS + column];

        *at += 2;
        return found == 0 ? NONE : found;
    }
    if (is_digit(trail) && byte_at(bytes, *at + 2) >= 0x81 && byte_at(bytes, *at + 2) != 0xFF &&
        is_digit(byte_at(bytes, *at + 3))) {
        const uint32_t found = four_bytes(bytes, *at);

        *at += 4;
        return found;
    }
    *at += 1; /* a lone lead byte: what follows may be a character of its own */
    return NONE;
}

static size_t
put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

struct view
gb18030_text(struct view bytes, struct arena *arena)
{
    char *out = arena_alloc(arena, bytes.len * 3);
    size_t len = 0;

    for (size_t at = 0; at < bytes.len && bytes.ptr[at] != '\0';) {
        const uint32_t c = next_character(bytes, &at);

        len += put_utf8(out + len, c < 0x20 || (c >= 0x7F && c < 0xA0) ? ' ' : c);
    }
    while (len > 0 && out[len - 1] == ' ')
        len--;
    return (struct view){out, len};
}
