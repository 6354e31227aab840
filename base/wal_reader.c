#include "base/wal_reader.h"

#include "base/arena.h"
#include "base/wal_format.h"

#include <stdlib.h>

#define BLOCK_BYTES ((size_t)256 * 1024)

void
wal_reader_start(
    struct wal_reader *reader, const struct fs *fs, struct fs_file *file, uint32_t seed)
{
    reader->fs = fs;
    reader->file = file;
    reader->seed = seed;
    reader->buf_len = 0;
    reader->buf_at = 0;
}

void
wal_reader_fini(struct wal_reader *reader)
{
    free(reader->buf);
    *reader = (struct wal_reader){0};
}

/* Makes want bytes at offset at be in the buffer, if the file has them before limit. */
static bool
fill(struct wal_reader *reader, uint64_t at, size_t want, uint64_t limit, struct err *err)
{
    const uint64_t have_to = reader->buf_at + reader->buf_len;

    if (at >= reader->buf_at && at + want <= have_to)
        return true;
    size_t len = want > BLOCK_BYTES ? want : BLOCK_BYTES;

    if (len > limit - at)
        len = (size_t)(limit - at);
    if (len > reader->buf_cap) {
        const size_t cap = len > BLOCK_BYTES ? len : BLOCK_BYTES;

        free(reader->buf);
        reader->buf = mem_alloc(cap);
        reader->buf_cap = cap;
    }
    reader->buf_len = 0;
    reader->buf_at = at;
    return reader->fs->read(
        reader->fs->self, reader->file, at, reader->buf, len, &reader->buf_len, err);
}

/* NULL if the file has not so many before limit. */
static const char *
peek(const struct wal_reader *reader, uint64_t at, size_t want)
{
    return at + want <= reader->buf_at + reader->buf_len ? reader->buf + (at - reader->buf_at)
                                                         : NULL;
}

enum wal_read
wal_reader_frame(struct wal_reader *reader, uint64_t at, uint64_t limit, struct view *frame,
    uint64_t *next, struct err *err)
{
    if (at >= limit)
        return WAL_READ_NONE;
    const size_t head_bytes = limit - at < WAL_FRAME_BYTES ? (size_t)(limit - at) : WAL_FRAME_BYTES;

    if (!fill(reader, at, head_bytes, limit, err))
        return WAL_READ_ERROR;
    const char *head = peek(reader, at, WAL_FRAME_BYTES);
    static const char zeros[WAL_FRAME_BYTES];

    if (head == NULL)
        return reader->buf_len == 0 ? WAL_READ_NONE : WAL_READ_BAD;
    if (memcmp(head, zeros, sizeof(zeros)) == 0)
        return WAL_READ_NONE;
    const uint32_t length = wal_frame_length(head);

    if (length == 0 || length > WAL_MAX_FRAME || length > limit - at - WAL_FRAME_BYTES)
        return WAL_READ_BAD;
    if (!fill(reader, at, WAL_FRAME_BYTES + length, limit, err))
        return WAL_READ_ERROR;
    head = peek(reader, at, WAL_FRAME_BYTES + length);
    if (head == NULL || !wal_frame_valid(reader->seed, head, length))
        return WAL_READ_BAD;
    *frame = view_bytes(head + WAL_FRAME_BYTES, length);
    *next = at + WAL_FRAME_BYTES + length;
    return WAL_READ_FRAME;
}

bool
wal_reader_skip(struct wal_reader *reader, uint64_t at, uint64_t limit, uint64_t *next)
{
    struct err err = {0};
    struct view frame;
    uint64_t after;

    if (limit < at + WAL_FRAME_BYTES || !fill(reader, at, WAL_FRAME_BYTES, limit, &err))
        return false;
    const char *head = peek(reader, at, WAL_FRAME_BYTES);

    if (head == NULL)
        return false;
    const uint32_t length = wal_frame_length(head);

    if (length == 0 || length > WAL_MAX_FRAME || length > limit - at - WAL_FRAME_BYTES)
        return false;
    const uint64_t to = at + WAL_FRAME_BYTES + length;

    if (to != limit && wal_reader_frame(reader, to, limit, &frame, &after, &err) != WAL_READ_FRAME)
        return false;
    *next = to;
    return true;
}

bool
wal_reader_tail(
    struct wal_reader *reader, uint64_t at, uint64_t size, uint64_t *bytes, struct err *err)
{
    uint64_t last = at;

    for (uint64_t from = at; from < size;) {
        if (!fill(reader, from, 1, size, err))
            return false;
        const uint64_t to = reader->buf_at + reader->buf_len;

        if (to <= from)
            break;
        for (uint64_t i = to; i > from; i--) {
            if (reader->buf[i - 1 - reader->buf_at] != 0) {
                last = i;
                break;
            }
        }
        from = to;
    }
    *bytes = last - at;
    return true;
}
