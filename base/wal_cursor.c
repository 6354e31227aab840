#include "base/wal_inner.h"

#include <stdlib.h>

struct wal_cursor {
    struct wal *wal;
    uint64_t pos; /* stands behind the frame that ends here */
    struct fs_file *file;
    uint64_t base;   /* of the segment that file is */
    uint64_t offset; /* in file */
    uint64_t limit;  /* position up to which file has frames, as far as we have looked */
    uint64_t go_on;  /* where reading goes on if this segment cannot be read */
    bool unsure;     /* pos was given by somebody: it may not be the end of a frame */
    struct wal_reader reader;
    char *copy; /* of a frame in memory */
};

struct wal_cursor *
wal_cursor_new(struct wal *wal, uint64_t after)
{
    struct wal_cursor *cursor = mem_zalloc(1, sizeof(*cursor));

    cursor->wal = wal;
    wal_cursor_seek(cursor, after);
    return cursor;
}

static void
leave(struct wal_cursor *cursor)
{
    const struct fs *fs = cursor->wal->opt.fs;

    if (cursor->file != NULL)
        fs->close(fs->self, cursor->file);
    cursor->file = NULL;
    cursor->limit = 0;
}

void
wal_cursor_free(struct wal_cursor *cursor)
{
    if (cursor == NULL)
        return;
    leave(cursor);
    wal_reader_fini(&cursor->reader);
    free(cursor->copy);
    free(cursor);
}

void
wal_cursor_seek(struct wal_cursor *cursor, uint64_t after)
{
    leave(cursor);
    cursor->pos = after;
    cursor->unsure = true;
}

static enum wal_next
lose(struct wal_cursor *cursor, uint64_t go_on, uint64_t *end)
{
    leave(cursor);
    CHECK(go_on > cursor->pos);
    cursor->pos = go_on;
    cursor->unsure = false;
    *end = go_on;
    return WAL_LOST;
}

static enum wal_next
next_in_memory(
    struct wal_cursor *cursor, const struct wal_memory *memory, struct view *frame, uint64_t *end)
{
    if (cursor->pos < wal_memory_first(memory) && memory->given > 0)
        return lose(cursor, wal_memory_first(memory), end);
    const struct view found = wal_memory_next(memory, cursor->pos, end);

    CHECK(found.len > 0);
    free(cursor->copy);
    cursor->copy = mem_alloc(found.len);
    memcpy(cursor->copy, found.ptr, found.len);
    *frame = view_bytes(cursor->copy, found.len);
    cursor->pos = *end;
    return WAL_FRAME;
}

enum place {
    PLACE_NONE, /* nothing newer */
    PLACE_FILE, /* *out is where the next frame is */
    PLACE_DONE, /* *next has been answered */
};

/* Where the frame behind pos is. What is appended meanwhile by the other thread goes to the last
 * segment, and a new one can only come with the lock. */
static enum place
find_place(struct wal_cursor *cursor, struct wal_segment *out, enum wal_next *next,
    struct view *frame, uint64_t *end)
{
    const struct wal_segments *list = &cursor->wal->list;
    const uint64_t newest = wal_end(cursor->wal);
    size_t i = list->len;

    if (cursor->pos >= newest)
        return PLACE_NONE;
    while (i > 1 && list->at[i - 1].prev_end > cursor->pos)
        i--;
    const struct wal_segment *segment = &list->at[i - 1];

    cursor->limit = i < list->len ? list->at[i].prev_end : newest;
    cursor->go_on = i < list->len ? list->at[i].base : newest;
    if (cursor->pos < segment->prev_end && cursor->pos < segment->base) {
        *next = lose(cursor, segment->base, end);
        return PLACE_DONE;
    }
    if (segment->memory != NULL) {
        leave(cursor); /* the limit was not that of the file that may be open */
        *next = next_in_memory(cursor, segment->memory, frame, end);
        return PLACE_DONE;
    }
    if (segment->bad || cursor->limit <= segment->base) {
        *next = lose(cursor, cursor->go_on, end);
        return PLACE_DONE;
    }
    *out = *segment;
    return PLACE_FILE;
}

/* True if the next frame is in cursor->file; else *next is the answer. */
static bool
move(struct wal_cursor *cursor, enum wal_next *next, struct view *frame, uint64_t *end)
{
    struct wal *wal = cursor->wal;
    struct wal_segment segment;
    struct err err = {0};

    wal_lock(&wal->lock);
    const enum place place = find_place(cursor, &segment, next, frame, end);

    wal_unlock(&wal->lock);
    if (place == PLACE_NONE)
        *next = WAL_END;
    if (place != PLACE_FILE)
        return false;
    if (cursor->file == NULL || cursor->base != segment.base) {
        const uint64_t limit = cursor->limit;

        leave(cursor);
        cursor->limit = limit;
        if (!wal_open_segment(wal->opt.fs, wal->dir, segment.base, &cursor->file, &err)) {
            cursor->file = NULL;
            *next = lose(cursor, cursor->go_on, end);
            return false;
        }
        cursor->base = segment.base;
        cursor->offset = wal_offset(segment.base, cursor->pos);
        cursor->unsure = cursor->unsure && cursor->pos > segment.base;
        wal_reader_start(&cursor->reader, wal->opt.fs, cursor->file, segment.seed);
    }
    return true;
}

/* pos is not the end of a frame: from the start of the segment to the first frame behind it. */
static void
align(struct wal_cursor *cursor, uint64_t limit)
{
    uint64_t at = WAL_HEADER_BYTES;
    struct err err = {0};
    struct view frame;
    uint64_t next;

    cursor->unsure = false;
    while (at < cursor->offset) {
        const enum wal_read read =
            wal_reader_frame(&cursor->reader, at, limit, &frame, &next, &err);

        if (read != WAL_READ_FRAME &&
            (read != WAL_READ_BAD || !wal_reader_skip(&cursor->reader, at, limit, &next)))
            return;
        if (next > cursor->offset)
            break;
        at = next;
    }
    cursor->offset = at;
}

enum wal_next
wal_cursor_next(struct wal_cursor *cursor, struct view *frame, uint64_t *end)
{
    enum wal_next next = WAL_END;
    struct err err = {0};
    uint64_t after = 0;

    if (cursor->pos >= wal_end(cursor->wal))
        return WAL_END;
    if ((cursor->file == NULL || cursor->pos >= cursor->limit) && !move(cursor, &next, frame, end))
        return next;
    const uint64_t limit = wal_offset(cursor->base, cursor->limit);
    enum wal_read read =
        wal_reader_frame(&cursor->reader, cursor->offset, limit, frame, &after, &err);

    if (read == WAL_READ_ERROR) /* it may have been only this once */
        read = wal_reader_frame(&cursor->reader, cursor->offset, limit, frame, &after, &err);
    if (read != WAL_READ_FRAME && cursor->unsure) {
        align(cursor, limit);
        read = wal_reader_frame(&cursor->reader, cursor->offset, limit, frame, &after, &err);
    }
    if (read == WAL_READ_FRAME) {
        cursor->unsure = false;
        cursor->offset = after;
        cursor->pos = cursor->base + after - WAL_HEADER_BYTES;
        *end = cursor->pos;
        return WAL_FRAME;
    }
    if (read == WAL_READ_BAD && wal_reader_skip(&cursor->reader, cursor->offset, limit, &after)) {
        /* One damaged frame; the file stays open for the ones behind it. */
        cursor->offset = after;
        cursor->pos = cursor->base + after - WAL_HEADER_BYTES;
        *end = cursor->pos;
        return WAL_LOST;
    }
    return lose(cursor, cursor->go_on, end);
}
