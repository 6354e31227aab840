#include "base/wal_inner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
wal_open_segment(
    const struct fs *fs, const char *dir, uint64_t base, struct fs_file **out, struct err *err)
{
    char name[WAL_NAME_BYTES];

    wal_segment_name(base, name);
    char *path = fs_join(dir, name);
    const bool ok = fs->open(fs->self, path, FS_READ, out, err);

    free(path);
    return ok;
}

static void
add_name(void *arg, const char *name)
{
    struct wal_segments *list = arg;
    uint64_t base;

    if (wal_segment_base(name, &base))
        *VEC_PUSH(list) = (struct wal_segment){.base = base, .prev_end = base, .bad = true};
}

static int
by_base(const void *a, const void *b)
{
    const struct wal_segment *left = a;
    const struct wal_segment *right = b;

    return (left->base > right->base) - (left->base < right->base);
}

/* A segment that cannot be read stays marked bad: its bytes are kept, and told of. */
static void
read_header(const struct fs *fs, const char *dir, struct wal_segment *segment)
{
    char bytes[WAL_HEADER_BYTES];
    struct wal_header header;
    struct fs_file *file;
    struct err err = {0};
    size_t got = 0;

    if (!wal_open_segment(fs, dir, segment->base, &file, &err))
        return;
    if (fs->size(fs->self, file, &segment->bytes, &err) &&
        fs->read(fs->self, file, 0, bytes, sizeof(bytes), &got, &err) && got == sizeof(bytes) &&
        wal_header_decode(bytes, &header, &segment->seed) && header.base == segment->base &&
        header.prev_end <= header.base) {
        memcpy(segment->log_id, header.log_id, WAL_ID_BYTES);
        segment->prev_end = header.prev_end;
        segment->number = header.number;
        segment->bad = false;
    }
    fs->close(fs->self, file);
}

bool
wal_list_segments(const struct fs *fs, const char *dir, struct wal_segments *out, struct err *err)
{
    if (!fs->list(fs->self, dir, add_name, out, err))
        return false;
    if (out->len > 0)
        qsort(out->at, out->len, sizeof(out->at[0]), by_base);
    const struct wal_segment *before = NULL;

    for (size_t i = 0; i < out->len; i++) {
        struct wal_segment *segment = &out->at[i];

        read_header(fs, dir, segment);
        if (segment->bad)
            continue;
        /* One that was given up while it was made, and could not be removed. */
        if (before != NULL && segment->number <= before->number) {
            segment->bad = true;
            segment->prev_end = segment->base;
        } else {
            before = segment;
        }
    }
    return true;
}

bool
wal_remove_file(const struct wal *wal, const char *name, struct err *err)
{
    char *path = fs_join(wal->dir, name);
    const bool ok = wal->opt.fs->remove(wal->opt.fs->self, path, err) || err->kind == ERR_GONE;

    free(path);
    return ok;
}

/* Gives the file `from` its header and then its name. */
static bool
finish(struct wal *wal, struct fs_file *file, const char *from, const struct wal_header *header,
    struct wal_file *out, struct err *err)
{
    const struct fs *fs = wal->opt.fs;
    char bytes[WAL_HEADER_BYTES];
    char name[WAL_NAME_BYTES];
    uint32_t seed;
    bool ok = false;

    wal_segment_name(header->base, name);
    char *path = fs_join(wal->dir, name);

    wal_header_encode(header, bytes, &seed);
    if (fs->write(fs->self, file, 0, view_bytes(bytes, sizeof(bytes)), err) &&
        fs->sync(fs->self, file, err) && fs->rename(fs->self, from, path, err)) {
        ok = fs->sync_dir(fs->self, wal->dir, err);
        if (!ok) {
            struct err ignored = {0};

            (void)fs->remove(fs->self, path, &ignored);
        }
    }
    if (ok) {
        *out = (struct wal_file){
            .file = file, .base = header->base, .offset = WAL_HEADER_BYTES, .seed = seed};
    }
    free(path);
    return ok;
}

bool
wal_make_segment(
    struct wal *wal, const struct wal_header *header, struct wal_file *out, struct err *err)
{
    const struct fs *fs = wal->opt.fs;
    char *next = fs_join(wal->dir, "next");
    struct err ignored = {0};
    struct fs_file *file;
    bool ok = false;

    (void)fs->remove(fs->self, next, &ignored);
    if (fs->open(fs->self, next, FS_CREATE, &file, err)) {
        ok = fs->reserve(fs->self, file, wal->opt.segment_bytes, err) &&
             finish(wal, file, next, header, out, err);
        if (!ok) {
            fs->close(fs->self, file);
            (void)fs->remove(fs->self, next, &ignored);
        }
    }
    free(next);
    return ok;
}

bool
wal_use_reserve(
    struct wal *wal, const struct wal_header *header, struct wal_file *out, struct err *err)
{
    const struct fs *fs = wal->opt.fs;
    struct fs_file *file;
    bool ok = false;

    if (!atomic_exchange(&wal->has_reserve, false))
        return false;
    char *path = fs_join(wal->dir, "reserve");

    /* The disk is full, or so it seems: that is for a person even if the reserve helps. */
    wal_note(wal, err);
    if (fs->open(fs->self, path, FS_WRITE, &file, err)) {
        ok = finish(wal, file, path, header, out, err);
        if (!ok) {
            struct err ignored = {0};

            fs->close(fs->self, file);
            (void)fs->remove(fs->self, path, &ignored);
        }
    }
    free(path);
    return ok;
}

void
wal_make_reserve(struct wal *wal)
{
    const struct fs *fs = wal->opt.fs;
    struct err err = {0};
    struct fs_file *file;

    if (wal->opt.memory_bytes == 0 || atomic_load(&wal->has_reserve) ||
        atomic_load(&wal->bytes) > wal->opt.max_bytes)
        return;
    char *path = fs_join(wal->dir, "reserve");
    char *fresh = fs_join(wal->dir, "reserve.new");

    (void)fs->remove(fs->self, fresh, &err);
    if (fs->open(fs->self, fresh, FS_CREATE, &file, &err)) {
        const bool ok = fs->reserve(fs->self, file, wal->opt.segment_bytes, &err) &&
                        fs->sync(fs->self, file, &err) && fs->rename(fs->self, fresh, path, &err) &&
                        fs->sync_dir(fs->self, wal->dir, &err);

        fs->close(fs->self, file);
        atomic_store(&wal->has_reserve, ok);
        if (!ok)
            (void)fs->remove(fs->self, fresh, &err);
    }
    free(path);
    free(fresh);
}
