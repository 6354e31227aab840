/*
 * Opening, closing and trimming a log.
 *
 * Open reads all headers but the frames of the last segment only, so that a lane with days of
 * journal starts at once; damage further back is found by whoever reads there. It never writes
 * to a file that was there before: what is torn at the end of the last segment is left behind by
 * the new segment's "end of what was appended before", and then cut off.
 */
#include "base/wal_inner.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define GAP ((uint64_t)1 << 32)

/* What recovery knows. */
struct found {
    uint64_t end;     /* of the newest frame */
    uint64_t ceiling; /* no position was given above it by what is in the files */
    uint64_t keep;    /* bytes of the last segment's file that are worth keeping */
    uint64_t torn;
    uint64_t frames;
    bool damaged; /* in the last segment */
};

/* The last segment: to the last frame that can be reached. A damaged frame with a whole one
 * behind it stays inside, and is told to readers as lost. */
static void
scan_last(const struct wal *wal, const struct wal_segment *last, struct found *found)
{
    const struct fs *fs = wal->opt.fs;
    struct wal_reader reader = {0};
    struct err err = {0};
    uint64_t at = WAL_HEADER_BYTES;
    struct fs_file *file;
    enum wal_read read;

    if (!wal_open_segment(fs, wal->dir, last->base, &file, &err)) {
        found->damaged = true;
        return;
    }
    wal_reader_start(&reader, fs, file, last->seed);
    do {
        struct view frame;
        uint64_t next = at;

        read = wal_reader_frame(&reader, at, last->bytes, &frame, &next, &err);
        if (read == WAL_READ_FRAME) {
            found->frames++;
        } else if (read == WAL_READ_BAD && wal_reader_skip(&reader, at, last->bytes, &next) &&
                   next < last->bytes) {
            found->damaged = true;
            read = WAL_READ_FRAME;
        }
        at = next;
    } while (read == WAL_READ_FRAME);
    if (read == WAL_READ_ERROR || !wal_reader_tail(&reader, at, last->bytes, &found->torn, &err)) {
        found->damaged = true;
    } else {
        found->end = at > WAL_HEADER_BYTES ? last->base + at - WAL_HEADER_BYTES : last->prev_end;
        found->keep = at;
    }
    wal_reader_fini(&reader);
    fs->close(fs->self, file);
}

static struct found
recover(struct wal *wal)
{
    const struct wal_segments *list = &wal->list;
    struct found found = {0};
    const struct wal_segment *last = &list->at[list->len - 1];

    for (size_t i = 0; i < list->len; i++) {
        const struct wal_segment *segment = &list->at[i];
        uint64_t top = segment->base;

        if (segment->bytes > WAL_HEADER_BYTES)
            top += segment->bytes - WAL_HEADER_BYTES;
        else if (segment->bad) /* not even its size may be known */
            top += wal->opt.segment_bytes;
        if (found.ceiling < top)
            found.ceiling = top;
    }
    /* If the end cannot be told, it may have been anywhere up to there, and readers are to hear
     * that something is lost. */
    found.end = found.ceiling;
    found.keep = last->bytes;
    if (last->bad)
        found.damaged = true;
    else
        scan_last(wal, last, &found);
    return found;
}

/* The log's id is that of its newest readable segment; segments of another log are kept, and
 * count as damage. */
static bool
take_id(struct wal *wal)
{
    bool known = false;

    for (size_t i = wal->list.len; i > 0; i--) {
        struct wal_segment *segment = &wal->list.at[i - 1];

        if (segment->bad)
            continue;
        if (!known) {
            memcpy(wal->id, segment->log_id, WAL_ID_BYTES);
            known = true;
        } else if (memcmp(wal->id, segment->log_id, WAL_ID_BYTES) != 0) {
            segment->bad = true;
            segment->prev_end = segment->base;
        }
    }
    if (!known)
        memcpy(wal->id, wal->opt.new_id, WAL_ID_BYTES);
    return known;
}

static void
look_for_reserve(struct wal *wal)
{
    const struct fs *fs = wal->opt.fs;
    char *path = fs_join(wal->dir, "reserve");
    struct fs_file *file;
    struct err err = {0};
    uint64_t size;

    if (fs->open(fs->self, path, FS_READ, &file, &err)) {
        const bool whole = fs->size(fs->self, file, &size, &err) && size >= wal->opt.segment_bytes;

        fs->close(fs->self, file);
        atomic_store(&wal->has_reserve, whole);
        if (!whole)
            (void)fs->remove(fs->self, path, &err);
    }
    free(path);
    wal_make_reserve(wal);
}

/* Gives back what is behind the last frame, now that the next segment says where it ended. */
static void
cut_last(const struct wal *wal, struct wal_segment *last, uint64_t keep)
{
    const struct fs *fs = wal->opt.fs;
    char name[WAL_NAME_BYTES];
    struct fs_file *file;
    struct err err = {0};

    if (keep >= last->bytes)
        return;
    wal_segment_name(last->base, name);
    char *path = fs_join(wal->dir, name);

    if (fs->open(fs->self, path, FS_WRITE, &file, &err)) {
        if (fs->truncate(fs->self, file, keep, &err))
            last->bytes = keep;
        fs->close(fs->self, file);
    }
    free(path);
}

static void
count(struct wal *wal, const struct found *found, struct wal_report *report)
{
    *report = (struct wal_report){.end = found->end,
        .torn_bytes = found->torn,
        .frames = found->frames,
        .segments = (uint32_t)wal->list.len,
        .damaged = found->damaged ? 1 : 0};
    for (size_t i = 0; i < wal->list.len; i++) {
        report->bytes += wal->list.at[i].bytes;
        /* The last one is in found->damaged already. */
        report->damaged += wal->list.at[i].bad && i + 1 < wal->list.len;
    }
    if (wal->list.len > 0)
        report->first = wal->list.at[0].base;
}

static bool
start(struct wal *wal, struct wal_report *report, struct err *err)
{
    const struct fs *fs = wal->opt.fs;
    struct found found = {0};

    if (!fs->make_dir(fs->self, wal->dir, err) || !wal_list_segments(fs, wal->dir, &wal->list, err))
        return err_wrap(err, "%s", wal->name);
    const bool known = take_id(wal);
    const size_t old = wal->list.len;

    if (old > 0) {
        found = recover(wal);
        wal->next_base = (found.ceiling / GAP + 2) * GAP;
    } else {
        char *parent = fs_parent(wal->dir);
        const bool ok = fs->sync_dir(fs->self, parent, err);

        free(parent);
        if (!ok)
            return err_wrap(err, "%s", wal->name);
    }
    count(wal, &found, report);
    report->created = !known;
    for (size_t i = 0; i < old; i++) {
        wal->closed_bytes += wal->list.at[i].bytes;
        if (wal->list.at[i].number >= wal->next_number)
            wal->next_number = wal->list.at[i].number + 1;
    }
    atomic_store(&wal->end, found.end);
    atomic_store(&wal->synced, found.end);
    atomic_store(&wal->bytes, wal->closed_bytes);
    look_for_reserve(wal);
    if (!wal_start_file(wal, err)) {
        if (wal->opt.memory_bytes == 0)
            return false;
        wal_note(wal, err);
        /* Below where the next open will start, which will know nothing of these. */
        if (old > 0)
            wal->next_base = (found.ceiling / GAP + 1) * GAP;
        wal_start_memory(wal);
    } else if (old > 0) {
        const uint64_t before = wal->list.at[old - 1].bytes;

        cut_last(wal, &wal->list.at[old - 1], found.keep);
        wal->closed_bytes -= before - wal->list.at[old - 1].bytes;
        atomic_store(&wal->bytes, wal->closed_bytes + wal->current.offset);
    }
    return true;
}

static void
destroy(struct wal *wal)
{
    for (size_t i = 0; i < wal->list.len; i++)
        wal_memory_free(wal->list.at[i].memory);
    VEC_FREE(&wal->list);
    CHECK(pthread_mutex_destroy(&wal->lock) == 0);
    CHECK(pthread_mutex_destroy(&wal->sync_lock) == 0);
    free(wal->scratch);
    free(wal->dir);
    free(wal->name);
    free(wal);
}

static char *
copy_text(const char *text)
{
    const size_t size = strlen(text) + 1;
    char *copy = mem_alloc(size);

    memcpy(copy, text, size);
    return copy;
}

static struct wal *
create(const struct wal_options *opt)
{
    struct wal *wal = mem_zalloc(1, sizeof(*wal));

    wal->opt = *opt;
    wal->dir = copy_text(opt->dir);
    wal->name = copy_text(opt->name);
    wal->next_number = 1;
    atomic_store(&wal->state, WAL_BROKEN);
    CHECK(pthread_mutex_init(&wal->lock, NULL) == 0);
    CHECK(pthread_mutex_init(&wal->sync_lock, NULL) == 0);
    return wal;
}

bool
wal_open_read(struct wal **out, const struct fs *fs, const char *dir, const char *name,
    struct wal_report *report, struct err *err)
{
    struct wal *wal = create(&(struct wal_options){.fs = fs, .dir = dir, .name = name});
    struct found found;

    if (!wal_list_segments(fs, wal->dir, &wal->list, err)) {
        err_wrap(err, "%s", name);
        destroy(wal);
        return false;
    }
    if (wal->list.len == 0) {
        destroy(wal);
        return err_set(err, ERR_GONE, "%s: '%s' holds no segment of a log", name, dir);
    }
    (void)take_id(wal);
    found = recover(wal);
    count(wal, &found, report);
    atomic_store(&wal->end, found.end);
    atomic_store(&wal->synced, found.end);
    *out = wal;
    return true;
}

bool
wal_open(
    struct wal **out, const struct wal_options *opt, struct wal_report *report, struct err *err)
{
    CHECK(opt->max_frame > 0 && opt->max_frame <= WAL_MAX_FRAME);
    CHECK(opt->segment_bytes >= WAL_HEADER_BYTES + WAL_FRAME_BYTES + opt->max_frame);
    CHECK(opt->segment_bytes < GAP);
    struct wal *wal = create(opt);

    wal->scratch = mem_alloc(WAL_FRAME_BYTES + opt->max_frame);
    if (!start(wal, report, err)) {
        destroy(wal);
        return false;
    }
    *out = wal;
    return true;
}

void
wal_close(struct wal *wal)
{
    if (wal == NULL)
        return;
    wal_lock(&wal->sync_lock);
    wal_retire(wal);
    wal_unlock(&wal->sync_lock);
    destroy(wal);
}

uint64_t
wal_first(struct wal *wal)
{
    wal_lock(&wal->lock);
    const struct wal_segment *first = &wal->list.at[0];
    const uint64_t pos = first->memory == NULL ? first->base : wal_memory_first(first->memory);

    wal_unlock(&wal->lock);
    return pos;
}

/* Takes the oldest segment off the list if all its frames end at or below pos. */
static bool
take_trimmed(struct wal *wal, uint64_t pos, struct wal_segment *out)
{
    wal_lock(&wal->lock);
    const bool done = wal->list.len > 1 && wal->list.at[1].prev_end <= pos;

    if (done) {
        *out = wal->list.at[0];
        wal->list.len--;
        memmove(wal->list.at, wal->list.at + 1, wal->list.len * sizeof(struct wal_segment));
        if (out->memory == NULL) {
            wal->closed_bytes -= out->bytes;
            atomic_fetch_sub(&wal->bytes, out->bytes);
        }
    } else {
        for (size_t i = 0; i < wal->list.len; i++) {
            if (wal->list.at[i].memory != NULL)
                wal_memory_drop(wal->list.at[i].memory, pos);
        }
    }
    wal_unlock(&wal->lock);
    return done;
}

/* A file that could not be removed stays until the next open: its position is below all others,
 * so it harms nobody. */
bool
wal_trim(struct wal *wal, uint64_t pos, struct err *err)
{
    const struct fs *fs = wal->opt.fs;
    struct wal_segment segment;
    bool removed = false;
    bool ok = true;

    while (take_trimmed(wal, pos, &segment)) {
        char name[WAL_NAME_BYTES];

        wal_memory_free(segment.memory);
        if (segment.memory != NULL)
            continue;
        wal_segment_name(segment.base, name);
        if (!wal_remove_file(wal, name, err))
            ok = err_wrap(err, "%s: trim", wal->name);
        removed = true;
    }
    if (removed && ok && !fs->sync_dir(fs->self, wal->dir, err))
        ok = err_wrap(err, "%s: trim", wal->name);
    if (removed && !atomic_load(&wal->has_reserve)) {
        wal_lock(&wal->sync_lock);
        wal_make_reserve(wal);
        wal_unlock(&wal->sync_lock);
    }
    return ok;
}
