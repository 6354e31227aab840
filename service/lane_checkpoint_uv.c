/*
 * Checkpoint files: STATE/lane-NAME/checkpoint/N, N growing, two kept. The bytes are made on the
 * loop (they must be of one moment), the file on the pool. Both logs are on disk up to what a
 * checkpoint names before it counts: a start must not know of messages that are lost.
 */
#include "base/io/clock_posix.h"
#include "base/log.h"
#include "service/lane.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_BYTES ((size_t)1 << 31)

static void
file_path(const struct lane *lane, uint64_t serial, char out[LANE_PATH_BYTES + 64])
{
    checkpoint_path(lane->dir, serial, out, LANE_PATH_BYTES + 64);
}

static void
make_bytes(struct lane *lane, struct instant now)
{
    struct lane_checkpoints *points = &lane->checkpoints;
    struct checkpoint_era *eras = mem_zalloc(lane->eras.len + 1, sizeof(*eras));
    struct buf engine;

    for (size_t i = 0; i < lane->eras.len; i++)
        eras[i] = (struct checkpoint_era){lane->eras.at[i].pos, lane->eras.at[i].version};
    buf_init(&engine, MAX_BYTES);
    engine_save(lane->engine, &engine);
    points->new_journal = lane->intake.judged;
    points->new_ledger = wal_end(lane->ledger);
    buf_init(&points->bytes, MAX_BYTES);
    checkpoint_write(
        &(struct checkpoint){
            .version = lane->config->version,
            .journal = points->new_journal,
            .ledger = points->new_ledger,
            .epoch = lane->epoch,
            .at = now,
            .shed_from = lane->store.shed_from,
            .shed_to = lane->store.shed_to,
            .shed_records = lane->store.shed_records,
            .eras = eras,
            .n_eras = lane->eras.len,
            .engine = buf_view(&engine),
        },
        &points->bytes);
    points->ok = !engine.full && !points->bytes.full;
    if (!points->ok)
        (void)err_set(&points->err, ERR_FULL, "checkpoint: the engine's state is over 2 GiB");
    buf_fini(&engine);
    free(eras);
}

static void
write_file(uv_work_t *work)
{
    struct lane *lane = work->data;
    struct lane_checkpoints *points = &lane->checkpoints;
    char path[LANE_PATH_BYTES + 64];

    if (!points->ok)
        return;
    file_path(lane, points->serial + 1, path);
    points->ok = fs_replace(lane->fs, path, buf_view(&points->bytes), &points->err);
}

static void
count_file(struct lane *lane, struct instant now)
{
    struct lane_checkpoints *points = &lane->checkpoints;
    char path[LANE_PATH_BYTES + 64];
    struct err err;

    buf_fini(&points->bytes);
    if (!points->ok) {
        log_error("checkpoint.write", "text=\"%s\"", points->err.text);
        return;
    }
    points->serial++;
    points->journal[1] = points->journal[0];
    points->ledger[1] = points->ledger[0];
    points->journal[0] = points->new_journal;
    points->ledger[0] = points->new_ledger;
    points->kept = points->kept < 2 ? points->kept + 1 : 2;
    points->at = now;
    if (points->serial > 2) {
        file_path(lane, points->serial - 2, path);
        if (!lane->fs->remove(lane->fs->self, path, &err) && err.kind != ERR_GONE)
            log_warning("checkpoint.remove", "text=\"%s\"", err.text);
    }
    log_debug("checkpoint", "n=%" PRIu64 " journal=%" PRIu64, points->serial, points->new_journal);
}

static void
after_write(uv_work_t *work, int status)
{
    struct lane *lane = work->data;

    (void)status;
    lane->checkpoints.writing = false;
    count_file(lane, clock_now());
}

void
checkpoint_start(struct lane *lane, struct instant now)
{
    struct lane_checkpoints *points = &lane->checkpoints;
    const bool synced = wal_synced(lane->journal) >= points->new_journal &&
                        wal_synced(lane->ledger) >= points->new_ledger;

    if (points->writing || lane->closing)
        return;
    if (points->bytes.ptr == NULL) {
        make_bytes(lane, now);
        points->at = now; /* not again before the next is due, also if it fails */
        points->records = 0;
        acts_sync(lane);
        return;
    }
    /* Made a moment ago; it waits here until both logs are on disk, or are known to be broken. */
    if (!synced && wal_state(lane->journal) == WAL_FINE && wal_state(lane->ledger) == WAL_FINE)
        return;
    points->writing = true;
    points->work.data = lane;
    CHECK(uv_queue_work(lane->loop, &points->work, write_file, after_write) == 0);
}

bool
checkpoint_final(struct lane *lane, struct err *err)
{
    const struct instant now = clock_now();
    uint64_t synced;

    buf_fini(&lane->checkpoints.bytes);
    if (!wal_sync(lane->journal, &synced, err) || !wal_sync(lane->ledger, &synced, err))
        return err_wrap(err, "checkpoint");
    make_bytes(lane, now);
    write_file(&(uv_work_t){.data = lane});
    const bool ok = lane->checkpoints.ok;

    if (!ok)
        *err = lane->checkpoints.err;
    count_file(lane, now);
    return ok;
}

bool
checkpoint_newest(struct lane *lane, struct buf *keep, struct arena *arena, struct checkpoint *out,
    bool *found, struct err *err)
{
    struct lane_checkpoints *points = &lane->checkpoints;
    uint64_t newest[2];
    char path[LANE_PATH_BYTES + 64];

    *found = false;
    (void)snprintf(path, sizeof(path), "%s/checkpoint", lane->dir);
    if (!lane->fs->make_dir(lane->fs->self, path, err) ||
        !checkpoint_serials(lane->fs, lane->dir, newest, err))
        return err_wrap(err, "checkpoint");
    points->serial = newest[0];
    for (int i = 0; i < 2 && newest[i] != 0; i++) {
        struct checkpoint read;
        struct err why;

        file_path(lane, newest[i], path);
        buf_reset(keep);
        if (!fs_read_all(lane->fs, path, keep, &why) ||
            !checkpoint_read(buf_view(keep), arena, &read, &why)) {
            log_error("checkpoint.unreadable", "file=%s text=\"%s\" next=\"the one before\"", path,
                why.text);
            continue;
        }
        *out = read;
        *found = true;
        points->journal[0] = read.journal;
        points->ledger[0] = read.ledger;
        points->kept = 1;
        points->serial = newest[i]; /* the next one takes the place of a damaged one */
        return true;
    }
    return true;
}
