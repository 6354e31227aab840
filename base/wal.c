#include "base/wal.h"

#include "base/wal_inner.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const unsigned char *
wal_id(const struct wal *wal)
{
    return wal->id;
}

enum wal_state
wal_state(const struct wal *wal)
{
    return atomic_load(&wal->state);
}

uint64_t
wal_lost(const struct wal *wal)
{
    return atomic_load(&wal->lost);
}

uint64_t
wal_end(const struct wal *wal)
{
    return atomic_load_explicit(&wal->end, memory_order_acquire);
}

uint64_t
wal_synced(const struct wal *wal)
{
    return atomic_load(&wal->synced);
}

uint64_t
wal_bytes(const struct wal *wal)
{
    return atomic_load(&wal->bytes);
}

struct wal_doubt
wal_doubt(struct wal *wal)
{
    wal_lock(&wal->lock);
    const struct wal_doubt doubt = wal->doubt;

    wal_unlock(&wal->lock);
    return doubt;
}

void
wal_note(struct wal *wal, const struct err *err)
{
    wal_lock(&wal->lock);
    wal->trouble = *err;
    wal_unlock(&wal->lock);
}

bool
wal_trouble(struct wal *wal, struct err *err)
{
    wal_lock(&wal->lock);
    const bool any = wal->trouble.kind != ERR_NONE;

    if (any)
        *err = wal->trouble;
    wal->trouble.kind = ERR_NONE;
    wal_unlock(&wal->lock);
    return any;
}

static void
set_synced(struct wal *wal, uint64_t frames, uint64_t end)
{
    atomic_store(&wal->synced_frames, frames);
    atomic_store(&wal->synced, end);
}

void
wal_retire(struct wal *wal)
{
    const struct fs *fs = wal->opt.fs;
    struct wal_file *current = &wal->current;
    const uint64_t end = wal_end(wal);
    const uint64_t frames = atomic_load(&wal->frames);
    struct err err = {0};

    if (current->file == NULL)
        return;
    if (!atomic_load(&wal->failed) && atomic_load(&wal->synced) < end &&
        !fs->sync(fs->self, current->file, &err)) {
        atomic_store(&wal->failed, true);
        wal_note(wal, &err);
    }
    /* The room behind the last frame is given back; the file is whole without that, too. */
    if (!atomic_load(&wal->failed))
        (void)fs->truncate(fs->self, current->file, current->offset, &err);
    fs->close(fs->self, current->file);
    current->file = NULL;

    wal_lock(&wal->lock);
    if (atomic_load(&wal->failed) && atomic_load(&wal->synced) < end) {
        wal->doubt.from = atomic_load(&wal->synced);
        wal->doubt.to = end;
        wal->doubt.frames += frames - atomic_load(&wal->synced_frames);
    }
    wal->list.at[wal->list.len - 1].bytes = current->offset;
    wal->closed_bytes += current->offset;
    wal_unlock(&wal->lock);
    set_synced(wal, frames, end);
}

/* What a new segment is called, and where it begins. */
static struct wal_header
next_header(struct wal *wal)
{
    struct wal_header header = {.number = wal->next_number++, .prev_end = wal_end(wal)};

    if (wal->next_base < header.prev_end)
        wal->next_base = header.prev_end;
    header.base = wal->next_base;
    memcpy(header.log_id, wal->id, WAL_ID_BYTES);
    return header;
}

static void
install(struct wal *wal, const struct wal_header *header, const struct wal_file *file)
{
    *VEC_PUSH(&wal->list) = (struct wal_segment){.base = header->base,
        .prev_end = header->prev_end,
        .number = header->number,
        .seed = file->seed};
    wal->current = *file;
    atomic_store(&wal->bytes, wal->closed_bytes + file->offset);
    atomic_store(&wal->failed, false);
    atomic_store(&wal->state, WAL_FINE);
}

bool
wal_start_file(struct wal *wal, struct err *err)
{
    const struct wal_header header = next_header(wal);
    struct wal_file file;

    if (!wal_make_segment(wal, &header, &file, err) && !wal_use_reserve(wal, &header, &file, err)) {
        atomic_store(&wal->state, WAL_BROKEN);
        return err_wrap(err, "%s", wal->name);
    }
    wal_lock(&wal->lock);
    install(wal, &header, &file);
    wal_unlock(&wal->lock);
    return true;
}

void
wal_start_memory(struct wal *wal)
{
    const struct wal_header header = next_header(wal);

    wal_lock(&wal->lock);
    *VEC_PUSH(&wal->list) = (struct wal_segment){.base = header.base,
        .prev_end = header.prev_end,
        .number = header.number,
        .memory = wal_memory_new(header.base)};
    atomic_store(&wal->state, WAL_MEMORY);
    wal_unlock(&wal->lock);
}

/* The reserve stands beside the quota: what has taken its place may go over it by as much. */
static bool
over_quota(struct wal *wal, size_t frame_bytes, struct err *err)
{
    const uint64_t used = atomic_load(&wal->bytes);
    const bool spent = wal->opt.memory_bytes > 0 && !atomic_load(&wal->has_reserve);

    if (used + frame_bytes <= wal->opt.max_bytes + (spent ? wal->opt.segment_bytes : 0))
        return false;
    (void)err_set(err, ERR_FULL, "%s: %" PRIu64 " of %" PRIu64 " bytes in use", wal->name, used,
        wal->opt.max_bytes);
    return true;
}

/* True if the current file takes a frame of so many bytes. */
static bool
fits(const struct wal *wal, size_t bytes)
{
    return atomic_load(&wal->state) == WAL_FINE && !atomic_load(&wal->failed) &&
           wal->current.offset + bytes <= wal->opt.segment_bytes;
}

static bool
roll(struct wal *wal, size_t bytes, struct err *err)
{
    bool ok = true;

    wal_lock(&wal->sync_lock);
    if (!fits(wal, bytes)) {
        wal_retire(wal);
        ok = wal_start_file(wal, err);
    }
    wal_unlock(&wal->sync_lock);
    return ok;
}

/* The quota is reached: the reserve is the last file before memory. */
static bool
roll_to_reserve(struct wal *wal, struct err *err)
{
    struct wal_file file;

    if (!atomic_load(&wal->has_reserve))
        return false;
    wal_lock(&wal->sync_lock);
    wal_retire(wal);
    const struct wal_header header = next_header(wal);
    const bool ok = wal_use_reserve(wal, &header, &file, err);

    if (ok) {
        wal_lock(&wal->lock);
        install(wal, &header, &file);
        wal_unlock(&wal->lock);
    } else {
        atomic_store(&wal->state, WAL_BROKEN);
    }
    wal_unlock(&wal->sync_lock);
    return ok;
}

/* A failed sync is known to everybody before anybody can sync again. */
static bool
sync_current(struct wal *wal, struct err *err)
{
    const struct fs *fs = wal->opt.fs;

    if (atomic_load(&wal->failed)) {
        return err_set(err, ERR_IO,
            "%s: a write or sync failed before; the next frame goes to a new file", wal->name);
    }
    if (fs->sync(fs->self, wal->current.file, err))
        return true;
    atomic_store(&wal->failed, true);
    return err_wrap(err, "%s", wal->name);
}

static bool
write_frame(struct wal *wal, struct view frame, uint64_t *end, struct err *err)
{
    const struct fs *fs = wal->opt.fs;
    const size_t bytes = WAL_FRAME_BYTES + frame.len;
    struct wal_file *current = &wal->current;
    const uint64_t to = current->base + current->offset + bytes - WAL_HEADER_BYTES;
    bool ok = true;

    /* Whatever comes of it, a reader after a crash may find the frame there. */
    wal->next_base = to;
    wal_frame_encode(current->seed, frame, wal->scratch);
    if (!fs->write(
            fs->self, current->file, current->offset, view_bytes(wal->scratch, bytes), err)) {
        atomic_store(&wal->failed, true);
        return err_wrap(err, "%s", wal->name);
    }
    const uint64_t frames = atomic_load(&wal->frames) + 1;

    if (wal->opt.sync_each) {
        wal_lock(&wal->sync_lock);
        ok = sync_current(wal, err);
        if (ok)
            set_synced(wal, frames, to);
        wal_unlock(&wal->sync_lock);
    }
    if (!ok)
        return false;
    current->offset += bytes;
    atomic_fetch_add(&wal->bytes, bytes);
    atomic_store(&wal->frames, frames);
    atomic_store_explicit(&wal->end, to, memory_order_release);
    *end = to;
    return true;
}

/* The current file, and if that fails a new one. */
static bool
append_to_file(struct wal *wal, struct view frame, uint64_t *end, struct err *err)
{
    const size_t bytes = WAL_FRAME_BYTES + frame.len;

    if (over_quota(wal, bytes, err) && (!roll_to_reserve(wal, err) || over_quota(wal, bytes, err)))
        return false;
    for (int attempt = 0; attempt < 2; attempt++) {
        if (!fits(wal, bytes) && !roll(wal, bytes, err))
            return false;
        if (write_frame(wal, frame, end, err))
            return true;
        wal_note(wal, err);
    }
    return false;
}

/* Oldest first until there is room; a reader that has not seen them gets WAL_LOST. lock. */
static void
make_memory_room(struct wal *wal, uint64_t want)
{
    uint64_t used = 0;

    for (size_t i = 0; i < wal->list.len; i++)
        used += wal->list.at[i].memory == NULL ? 0 : wal->list.at[i].memory->bytes;
    for (size_t i = 0; i < wal->list.len && used + want > wal->opt.memory_bytes;) {
        struct wal_memory *memory = wal->list.at[i].memory;

        if (memory == NULL || memory->bytes == 0) {
            i++;
            continue;
        }
        used -= memory->bytes;
        wal_memory_drop(memory, wal_memory_first(memory) + 1);
        used += memory->bytes;
    }
}

/* False if wal_retry has found a file meanwhile. */
static bool
append_to_memory(struct wal *wal, struct view frame, uint64_t *end)
{
    wal_lock(&wal->lock);
    const bool ours = atomic_load(&wal->state) == WAL_MEMORY;

    if (ours) {
        make_memory_room(wal, wal_memory_cost(frame.len));
        *end = wal_memory_put(wal->list.at[wal->list.len - 1].memory, frame);
        atomic_fetch_add(&wal->lost, 1);
        atomic_fetch_add(&wal->frames, 1);
        atomic_store_explicit(&wal->end, *end, memory_order_release);
    }
    wal_unlock(&wal->lock);
    return ours;
}

bool
wal_append(struct wal *wal, struct view frame, uint64_t *end, struct err *err)
{
    if (frame.len == 0 || frame.len > wal->opt.max_frame) {
        return err_set(err, ERR_INPUT, "%s: a frame of %zu bytes, allowed are 1 to %" PRIu32,
            wal->name, frame.len, wal->opt.max_frame);
    }
    for (;;) {
        if (atomic_load(&wal->state) != WAL_MEMORY) {
            if (append_to_file(wal, frame, end, err))
                return true;
            if (wal->opt.memory_bytes == 0)
                return false;
            wal_note(wal, err);
            wal_lock(&wal->sync_lock);
            wal_retire(wal);
            wal_start_memory(wal);
            wal_unlock(&wal->sync_lock);
        }
        if (append_to_memory(wal, frame, end))
            return true;
    }
}

bool
wal_sync(struct wal *wal, uint64_t *synced, struct err *err)
{
    bool ok = true;

    wal_lock(&wal->sync_lock);
    /* In this order: a frame that comes between the two is synced and not counted as such. */
    const uint64_t frames = atomic_load(&wal->frames);
    const uint64_t end = wal_end(wal);
    const enum wal_state state = atomic_load(&wal->state);

    if (state == WAL_BROKEN)
        ok = err_set(err, ERR_IO, "%s: no file to write to", wal->name);
    else if (state == WAL_FINE && atomic_load(&wal->synced) < end)
        ok = sync_current(wal, err);
    if (ok) {
        set_synced(wal, frames, end);
        *synced = end;
    }
    wal_unlock(&wal->sync_lock);
    return ok;
}

bool
wal_retry(struct wal *wal, struct err *err)
{
    struct wal_file file;
    bool ok = true;

    if (atomic_load(&wal->state) == WAL_FINE)
        return true;
    wal_lock(&wal->sync_lock);
    wal_lock(&wal->lock);
    if (atomic_load(&wal->state) != WAL_FINE) {
        const struct wal_header header = next_header(wal);

        ok =
            !over_quota(wal, wal->opt.max_frame, err) && wal_make_segment(wal, &header, &file, err);
        if (ok)
            install(wal, &header, &file);
    }
    wal_unlock(&wal->lock);
    if (ok)
        wal_make_reserve(wal);
    wal_unlock(&wal->sync_lock);
    return ok;
}
