/*
 * pack: fixed little-endian byte forms for what is kept in files: frames and checkpoints.
 *
 * One value has one form, so equal states are equal bytes. Reading is total: past the end or over
 * a limit sets bad, gives zeros, and is checked once at the end.
 */
#pragma once

#include "base/buf.h"
#include "base/instant.h"
#include "base/view.h"

#include <stdbool.h>
#include <stdint.h>

void pack_u8(struct buf *out, uint8_t v);
void pack_u16(struct buf *out, uint16_t v);
void pack_u32(struct buf *out, uint32_t v);
void pack_u64(struct buf *out, uint64_t v);
void pack_i64(struct buf *out, int64_t v);
/* The bits; every NaN is written as one NaN. */
void pack_f64(struct buf *out, double v);
void pack_instant(struct buf *out, struct instant v);
/* u32 length, then the bytes. */
void pack_view(struct buf *out, struct view v);
void pack_text(struct buf *out, const char *v);

struct unpack {
    struct view rest;
    bool bad;
};

struct unpack unpack_from(struct view bytes);
uint8_t unpack_u8(struct unpack *in);
uint16_t unpack_u16(struct unpack *in);
uint32_t unpack_u32(struct unpack *in);
uint64_t unpack_u64(struct unpack *in);
int64_t unpack_i64(struct unpack *in);
double unpack_f64(struct unpack *in);
struct instant unpack_instant(struct unpack *in);
/* Points into the input. */
struct view unpack_view(struct unpack *in);
/* A count of things of at least item_bytes each: more than the rest can hold is bad, gives 0. */
size_t unpack_count(struct unpack *in, size_t item_bytes);
/* True if nothing was bad and nothing is left. */
MUST_USE bool unpack_done(const struct unpack *in);
