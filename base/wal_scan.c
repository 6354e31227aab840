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
    struct err damage; /* the first */
    bool stopped;      /* each has seen enough */
};

static bool
tell(struct walk *walk, struct view frame, uint64_t end)
{
    walk->stopped = walk->each != NULL && !walk->each(walk->arg, frame, end);
    return !walk->stopped;
}

/* The first one is what the walk says in the end; a hole up to go_on is told to each. */
static bool
damaged(struct walk *walk, uint64_t offset, uint64_t go_on, const char *what)
{
    char name[WAL_NAME_BYTES];

    wal_segment_name(walk->segment->base, name);
    if (walk->report->damaged++ == 0) {
        (void)err_set(&walk->damage, ERR_INPUT, "%s/%s: damaged at offset %" PRIu64 ": %s",
            walk->dir, name, offset, what);
    }
    return go_on == 0 || tell(walk, view_bytes("", 0), go_on);
}

static uint64_t
pos_of(const struct walk *walk, uint64_t offset)
{
    return walk->segment->base + offset - WAL_HEADER_BYTES;
}

static bool
walk_frames(struct walk *walk, struct wal_reader *reader, struct err *err)
{
    const uint64_t base = walk->segment->base;
    const uint64_t limit = walk->last ? walk->segment->bytes : wal_offset(base, walk->limit);
    uint64_t at = WAL_HEADER_BYTES;
    uint64_t next = at;
    struct view frame;
    enum wal_read read;

    for (;;) {
        read = wal_reader_frame(reader, at, limit, &frame, &next, err);
        if (read == WAL_READ_FRAME) {
            walk->report->frames++;
            walk->report->end = pos_of(walk, next);
            if (!tell(walk, frame, walk->report->end))
                return false;
        } else if (read == WAL_READ_BAD && wal_reader_skip(reader, at, limit, &next) &&
                   next < limit) {
            if (!damaged(walk, at, pos_of(walk, next),
                    "a frame's checksum is wrong and whole frames follow"))
                return false;
        } else {
            break;
        }
        at = next;
    }
    if (read == WAL_READ_ERROR)
        return false;
    if (!walk->last) {
        return at >= limit ||
               damaged(walk, at, walk->limit, "the frames up to the next segment are missing");
    }
    return wal_reader_tail(reader, at, limit, &walk->report->torn_bytes, err);
}

static bool
walk_segment(struct walk *walk, struct err *err)
{
    struct wal_reader reader = {0};
    struct fs_file *file;
    bool ok;

    if (!wal_open_segment(walk->fs, walk->dir, walk->segment->base, &file, err)) {
        /* Its owner trims it while we look. */
        return err->kind == ERR_GONE;
    }
    if (walk->segment->bad) {
        ok = damaged(walk, 0, walk->limit, "this is not the header of a segment");
    } else {
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
    struct walk walk = {.fs = fs, .dir = dir, .report = report, .each = each, .arg = arg};
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
        walk.segment = &list.at[i];
        walk.last = i + 1 == list.len;
        walk.limit = walk.last ? 0 : list.at[i + 1].prev_end;
        ok = walk_segment(&walk, err);
    }
    VEC_FREE(&list);
    if (!ok && !walk.stopped)
        return false;
    if (report->damaged > 0)
        *err = walk.damage;
    return report->damaged == 0;
}
