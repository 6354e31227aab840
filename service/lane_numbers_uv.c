/*
 * Event numbers are never used twice, also when the ledger was in memory only as the lane was
 * killed: what it told in that time is on nobody's record but in the hands of readers and in
 * Postgres' copy. The file LANE/ledger-whole exists as long as every event of the run was put into
 * a file. To remove a file is what a full disk still allows; if it is not there at a start, numbers
 * and epoch begin well above.
 */
#include "base/io/fs_posix.h"
#include "base/json.h"
#include "base/log.h"
#include "service/lane.h"

#include <inttypes.h>
#include <stdio.h>

#define STRIDE 1000000000 /* more events than any lane tells in memory */
#define EPOCH_STRIDE 1000

static void
marker_path(const struct lane *lane, char out[LANE_PATH_BYTES + 32])
{
    (void)snprintf(out, LANE_PATH_BYTES + 32, "%s/ledger-whole", lane->dir);
}

void
numbers_look(struct lane *lane)
{
    char path[LANE_PATH_BYTES + 32];
    struct buf bytes;
    struct err err;

    if (lane->fresh)
        return;
    marker_path(lane, path);
    buf_init(&bytes, 64);
    lane->numbers.doubt = !fs_read_all(lane->fs, path, &bytes, &err);
    buf_fini(&bytes);
    if (lane->numbers.doubt) {
        lane->epoch += EPOCH_STRIDE;
        log_warning(
            "numbers.doubt", "epoch=%" PRIu32 " next=\"events are numbered above\"", lane->epoch);
    }
}

void
numbers_feed(struct lane *lane)
{
    const struct numbers *numbers = &lane->numbers;
    const uint64_t known = engine_counts(lane->engine).events;
    const uint64_t base = numbers->n > known ? numbers->n : known;
    char path[LANE_PATH_BYTES + 32];
    struct json_writer json;
    struct buf body;
    struct err err;

    if (numbers->doubt || lane->state_lost) {
        buf_init(&body, 256);
        json_begin(&json, &body);
        json_object(&json, NULL);
        if (numbers->chain[0] != '\0')
            json_text(&json, "chain", numbers->chain);
        json_int(&json, "n", (int64_t)(base + (numbers->doubt ? STRIDE : 0)));
        json_close(&json);
        json_end(&json);
        lane_feed_at(lane, INPUT_NUMBERS, engine_now(lane->engine), buf_view(&body));
        buf_fini(&body);
    }
    if (wal_state(lane->ledger) != WAL_FINE) {
        numbers_in_doubt(lane);
        return;
    }
    marker_path(lane, path);
    lane->marked = fs_replace(lane->fs, path, view_of("1\n"), &err);
    if (!lane->marked)
        log_warning("numbers.mark", "text=\"%s\"", err.text);
}

void
numbers_in_doubt(struct lane *lane)
{
    char path[LANE_PATH_BYTES + 32];
    struct err err;

    marker_path(lane, path);
    lane->marked = false;
    if (!lane->fs->remove(lane->fs->self, path, &err) && err.kind != ERR_GONE)
        log_error("numbers.mark", "text=\"%s\"", err.text);
}
