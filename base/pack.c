#include "base/pack.h"

#include <math.h>

static void
put_le(struct buf *out, uint64_t v, size_t bytes)
{
    char raw[8];

    for (size_t i = 0; i < bytes; i++)
        raw[i] = (char)(unsigned char)(v >> (8 * i));
    buf_put(out, view_bytes(raw, bytes));
}

static uint64_t
take_le(struct unpack *in, size_t bytes)
{
    uint64_t v = 0;

    if (in->bad || in->rest.len < bytes) {
        in->bad = true;
        return 0;
    }
    for (size_t i = 0; i < bytes; i++)
        v |= (uint64_t)(unsigned char)in->rest.ptr[i] << (8 * i);
    in->rest.ptr += bytes;
    in->rest.len -= bytes;
    return v;
}

void
pack_u8(struct buf *out, uint8_t v)
{
    put_le(out, v, 1);
}

void
pack_u16(struct buf *out, uint16_t v)
{
    put_le(out, v, 2);
}

void
pack_u32(struct buf *out, uint32_t v)
{
    put_le(out, v, 4);
}

void
pack_u64(struct buf *out, uint64_t v)
{
    put_le(out, v, 8);
}

void
pack_i64(struct buf *out, int64_t v)
{
    put_le(out, (uint64_t)v, 8);
}

void
pack_f64(struct buf *out, double v)
{
    uint64_t bits = UINT64_C(0x7ff8000000000000);

    if (!isnan(v))
        memcpy(&bits, &v, sizeof(bits));
    put_le(out, bits, 8);
}

void
pack_instant(struct buf *out, struct instant v)
{
    pack_i64(out, v.us);
}

void
pack_view(struct buf *out, struct view v)
{
    CHECK(v.len <= UINT32_MAX);
    pack_u32(out, (uint32_t)v.len);
    buf_put(out, v);
}

void
pack_text(struct buf *out, const char *v)
{
    pack_view(out, view_of(v));
}

struct unpack
unpack_from(struct view bytes)
{
    return (struct unpack){.rest = bytes};
}

uint8_t
unpack_u8(struct unpack *in)
{
    return (uint8_t)take_le(in, 1);
}

uint16_t
unpack_u16(struct unpack *in)
{
    return (uint16_t)take_le(in, 2);
}

uint32_t
unpack_u32(struct unpack *in)
{
    return (uint32_t)take_le(in, 4);
}

uint64_t
unpack_u64(struct unpack *in)
{
    return take_le(in, 8);
}

int64_t
unpack_i64(struct unpack *in)
{
    return (int64_t)take_le(in, 8);
}

double
unpack_f64(struct unpack *in)
{
    const uint64_t bits = take_le(in, 8);
    double v = 0;

    memcpy(&v, &bits, sizeof(v));
    return v;
}

struct instant
unpack_instant(struct unpack *in)
{
    return (struct instant){unpack_i64(in)};
}

struct view
unpack_view(struct unpack *in)
{
    const uint32_t len = unpack_u32(in);

    if (in->bad || len > in->rest.len) {
        in->bad = true;
        return (struct view){"", 0};
    }
    const struct view v = {in->rest.ptr, len};

    in->rest.ptr += len;
    in->rest.len -= len;
    return v;
}

size_t
unpack_count(struct unpack *in, size_t item_bytes)
{
    const uint32_t n = unpack_u32(in);

    CHECK(item_bytes > 0);
    if (in->bad || n > in->rest.len / item_bytes) {
        in->bad = true;
        return 0;
    }
    return n;
}

bool
unpack_done(const struct unpack *in)
{
    return !in->bad && in->rest.len == 0;
}
