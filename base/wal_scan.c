#include "base/wal_inner.h"

#include <inttypes.h>
#include <stdlib.h>

struct walk {
    const struct fs *fs;
    const char *dir;
    const struct wal_segment *segment;
    bool last;
    uint64_t limit; /* position where its frames must end; last: not known, the file's size */
    struct wal_report *report;
    wal_each_fn *each;
    void *arg;
};

static bool
damaged(const struct walk *walk, uint64_t offset, const char *what, struct err *err)
{
    char name[WAL_NAME_BYTES];

    wal_segment_name(walk->segment->base, name);
    walk->report->damaged++;
    return err_set(
        err, ERR_INPUT, "%s/%s: damaged at offset %" PRIu64 ": %s", walk->dir, name, offset, what);
}

static bool
walk_frames(const struct walk *walk, struct wal_reader *reader, struct err *err)
{
    const uint64_t base = walk->segment->base;
    const uint64_t limit = walk->last ? walk->segment->bytes : wal_offset(base, walk->limit);
    uint64_t at = WAL_HEADER_BYTES;
    uint64_t next = at;
    struct view frame;
    enum wal_read read;

    while ((read = wal_reader_frame(reader, at, limit, &frame, &next, err)) == WAL_READ_FRAME) {
        at = next;
        walk->report->frames++;
        walk->report->end = base + at - WAL_HEADER_BYTES;
        if (walk->each != NULL && !walk->each(walk->arg, frame, walk->report->end))
            return err_set(err, ERR_NONE, "stopped");
    }
    if (read == WAL_READ_ERROR)
        return false;
    if (!walk->last) {
        return at >= limit ||
               damaged(walk, at, "the frames up to the next segment are missing", err);
    }
    if (read == WAL_READ_BAD && wal_reader_skip(reader, at, limit, &next) && next < limit)
        return damaged(walk, at, "a frame's checksum is wrong and whole frames follow", err);
    return wal_reader_tail(reader, at, limit, &walk->report->torn_bytes, err);
}

static bool
walk_segment(const struct walk *walk, struct err *err)
{
    struct wal_reader reader = {0};
    struct fs_file *file;

    if (!wal_open_segment(walk->fs, walk->dir, walk->segment->base, &file, err)) {
        /* Its owner trims it while we look. */
        return err->kind == ERR_GONE;
    }
    bool ok = !walk->segment->bad || damaged(walk, 0, "this is not the header of a segment", err);

    if (ok) {
        wal_reader_start(&reader, walk->fs, file, walk->segment->seed);
        ok = walk_frames(walk, &reader, err);
        wal_reader_fini(&reader);
    }
    walk->fs->close(walk->fs->self, file);
    return ok;
}

bool
wal_scan(const struct fs *fs, const char *dir, struct wal_report *report,
    unsigned char id[WAL_ID_BYTES], wal_each_fn *each, void *arg, struct err *err)
{
    struct wal_segments list = {0};
    bool ok = wal_list_segments(fs, dir, &list, err);

    *report = (struct wal_report){.segments = (uint32_t)list.len};
    memset(id, 0, WAL_ID_BYTES);
    for (size_t i = 0; i < list.len; i++) {
        report->bytes += list.at[i].bytes;
        if (!list.at[i].bad)
            memcpy(id, list.at[i].log_id, WAL_ID_BYTES);
    }
    if (ok && list.len > 0) {
        report->first = list.at[0].base;
        report->end = list.at[0].prev_end;
    }
    for (size_t i = 0; ok && i < list.len; i++) {
        const struct walk walk = {.fs = fs,
            .dir = dir,
            .segment = &list.at[i],
            .last = i + 1 == list.len,
            .limit = i + 1 < list.len ? list.at[i + 1].prev_end : 0,
            .report = report,
            .each = each,
            .arg = arg};

        ok = walk_segment(&walk, err);
        if (!ok && err->kind == ERR_NONE) {
            /* each has seen enough. */
            ok = true;
            break;
        }
    }
    VEC_FREE(&list);
    return ok;
}
