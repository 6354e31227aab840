/* wal_format: the bytes of a segment file, and its name. Inner header of the wal. */
#pragma once

#include "base/view.h"
#include "base/wal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WAL_HEADER_BYTES 64
#define WAL_FRAME_BYTES 8 /* in front of each frame */
#define WAL_NAME_BYTES 32

struct wal_header {
    unsigned char log_id[WAL_ID_BYTES];
    uint64_t number;
    uint64_t base;
    uint64_t prev_end;
};

/* *seed: goes into the CRC of each frame of this segment. */
void wal_header_encode(const struct wal_header *header, char out[WAL_HEADER_BYTES], uint32_t *seed);
MUST_USE bool wal_header_decode(
    const char bytes[WAL_HEADER_BYTES], struct wal_header *header, uint32_t *seed);

/* out has WAL_FRAME_BYTES + frame.len bytes. */
void wal_frame_encode(uint32_t seed, struct view frame, char *out);
uint32_t wal_frame_length(const char head[WAL_FRAME_BYTES]);
MUST_USE bool wal_frame_valid(uint32_t seed, const char *head, uint32_t length);

void wal_segment_name(uint64_t base, char out[WAL_NAME_BYTES]);
MUST_USE bool wal_segment_base(const char *name, uint64_t *base);

/* Where a position is in its segment's file. */
static inline uint64_t
wal_offset(uint64_t base, uint64_t pos)
{
    return pos < base ? WAL_HEADER_BYTES : pos - base + WAL_HEADER_BYTES;
}
