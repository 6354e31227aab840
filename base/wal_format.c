/*
 * A log is a folder:
 *
 *     <base, 16 hex digits>.seg   segments, oldest first
 *     next                        a segment that is being made; a crash may leave it behind
 *     reserve                     room for one more segment, used when the disk is full
 *
 * A segment is a header of 64 bytes, then frames; all numbers little endian:
 *
 *      0  8  magic "WWLOG\r\n\x1a"
 *      8  4  version, 1
 *     12  4  0
 *     16 16  log id
 *     32  8  segment number, counted from 1
 *     40  8  base: position of the first byte after the header
 *     48  8  end of what was appended before this segment
 *     56  4  0
 *     60  4  crc32c of the 60 bytes before
 *
 *     frame: u32 length (never 0) | u32 crc32c over (the header's crc, length, bytes) | bytes
 *
 * A segment gets its name only when its header is synced, so one with a name and a bad header is
 * damaged, not unfinished. Its file is given its full size at once; zeros after the last frame
 * are the room that is left. The header's crc, in which the log id and the number are, goes into
 * the crc of each frame: bytes of another segment, or of a payload that looks like frames, are
 * never taken for frames of this one.
 *
 * A frame that ends at file offset o has the position base + o - 64. Between the end of one
 * segment and the base of the next no position exists. "End of what was appended before" tells a
 * reader where the segment before must have ended: if its frames stop earlier, some were lost;
 * bytes behind it (a frame whose write or sync failed, and which was appended again to the next
 * segment) do not count.
 */
#include "base/wal_format.h"

#include "base/crc32c.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char magic[8] = {'W', 'W', 'L', 'O', 'G', '\r', '\n', '\x1a'};

#define VERSION 1

static void
put_le(char *out, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (char)(unsigned char)(v >> (8 * i));
}

static uint64_t
get_le(const char *in, size_t bytes)
{
    uint64_t v = 0;

    for (size_t i = 0; i < bytes; i++)
        v |= (uint64_t)(unsigned char)in[i] << (8 * i);
    return v;
}

void
wal_header_encode(const struct wal_header *header, char out[WAL_HEADER_BYTES], uint32_t *seed)
{
    memset(out, 0, WAL_HEADER_BYTES);
    memcpy(out, magic, sizeof(magic));
    put_le(out + 8, VERSION, 4);
    memcpy(out + 16, header->log_id, WAL_ID_BYTES);
    put_le(out + 32, header->number, 8);
    put_le(out + 40, header->base, 8);
    put_le(out + 48, header->prev_end, 8);
    *seed = crc32c(0, view_bytes(out, 60));
    put_le(out + 60, *seed, 4);
}

bool
wal_header_decode(const char bytes[WAL_HEADER_BYTES], struct wal_header *header, uint32_t *seed)
{
    const uint32_t crc = crc32c(0, view_bytes(bytes, 60));

    if (memcmp(bytes, magic, sizeof(magic)) != 0 || get_le(bytes + 8, 4) != VERSION ||
        get_le(bytes + 60, 4) != crc)
        return false;
    memcpy(header->log_id, bytes + 16, WAL_ID_BYTES);
    header->number = get_le(bytes + 32, 8);
    header->base = get_le(bytes + 40, 8);
    header->prev_end = get_le(bytes + 48, 8);
    *seed = crc;
    return true;
}

static uint32_t
frame_crc(uint32_t seed, const char *head, uint32_t length)
{
    const uint32_t crc = crc32c(seed, view_bytes(head, 4));

    return crc32c(crc, view_bytes(head + WAL_FRAME_BYTES, length));
}

void
wal_frame_encode(uint32_t seed, struct view frame, char *out)
{
    put_le(out, frame.len, 4);
    memcpy(out + WAL_FRAME_BYTES, frame.ptr, frame.len);
    put_le(out + 4, frame_crc(seed, out, (uint32_t)frame.len), 4);
}

uint32_t
wal_frame_length(const char head[WAL_FRAME_BYTES])
{
    return (uint32_t)get_le(head, 4);
}

bool
wal_frame_valid(uint32_t seed, const char *head, uint32_t length)
{
    return get_le(head + 4, 4) == frame_crc(seed, head, length);
}

void
wal_segment_name(uint64_t base, char out[WAL_NAME_BYTES])
{
    (void)snprintf(out, WAL_NAME_BYTES, "%016" PRIx64 ".seg", base);
}

bool
wal_segment_base(const char *name, uint64_t *base)
{
    uint64_t v = 0;

    if (strlen(name) != 20 || strcmp(name + 16, ".seg") != 0)
        return false;
    for (size_t i = 0; i < 16; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *at = strchr(digits, name[i]);

        if (at == NULL)
            return false;
        v = v << 4 | (uint64_t)(at - digits);
    }
    *base = v;
    return true;
}
