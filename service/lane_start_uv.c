/*
 * The start of a lane: newest valid checkpoint, then what came after it, in the order on record
 * (service/replay). What is on record stands, a difference is a fact. Effects other than events
 * are dropped: INPUT_START sends again what was in flight, the retained topics are published anew.
 */
#include "alerting/ledger/ledger.h"
#include "base/io/clock_posix.h"
#include "base/io/fs_posix.h"
#include "base/log.h"
#include "ingest/journal/journal.h"
#include "service/lane.h"
#include "service/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#define SEGMENT_BYTES ((uint64_t)64 << 20)
#define SEGMENT_MIN_BYTES ((uint64_t)2 << 20) /* holds the largest frame */
#define SEGMENTS_AT_LEAST 16 /* in a quota, if they are not too small: room is made by segments */
#define LEDGER_SEGMENT_BYTES ((uint64_t)16 << 20)
#define LEDGER_MAX_BYTES ((uint64_t)4 << 30)
#define MEMORY_BYTES ((uint64_t)256 << 20)

struct start { /* what a start needs besides the lane */
    struct lane *lane;
    struct replay replay;
    struct arena arena;
};

static uint64_t
journal_segment(uint64_t max_bytes)
{
    const uint64_t part = max_bytes / SEGMENTS_AT_LEAST;

    return part > SEGMENT_BYTES       ? SEGMENT_BYTES
           : part < SEGMENT_MIN_BYTES ? SEGMENT_MIN_BYTES
                                      : part;
}

static bool
open_logs(struct lane *lane, struct err *err)
{
    char journal_dir[LANE_PATH_BYTES + 16];
    char ledger_dir[LANE_PATH_BYTES + 16];
    struct wal_report report;
    struct wal_options options = {
        .fs = lane->fs,
        .dir = journal_dir,
        .name = "journal",
        .segment_bytes = journal_segment(lane->self->journal_max_bytes),
        .max_bytes = lane->self->journal_max_bytes,
        .max_frame = JOURNAL_MAX_FRAME,
        .memory_bytes = lane->self->life_safety ? MEMORY_BYTES : 0,
        .sync_each = lane->self->sync.us == 0,
    };

    (void)snprintf(journal_dir, sizeof(journal_dir), "%s/journal", lane->dir);
    (void)snprintf(ledger_dir, sizeof(ledger_dir), "%s/ledger", lane->dir);
    lane->segment_bytes = options.segment_bytes;
    random_bytes(options.new_id, sizeof(options.new_id));
    if (!wal_open(&lane->journal, &options, &report, err))
        return err_wrap(err, "lane '%s'", lane->name);
    log_info("journal.open", "first=%" PRIu64 " end=%" PRIu64 " torn_bytes=%" PRIu64, report.first,
        report.end, report.torn_bytes);
    options.dir = ledger_dir;
    options.name = "ledger";
    options.segment_bytes = LEDGER_SEGMENT_BYTES;
    options.max_bytes = LEDGER_MAX_BYTES;
    options.max_frame = LEDGER_MAX_FRAME;
    options.memory_bytes = MEMORY_BYTES;
    options.sync_each = false;
    random_bytes(options.new_id, sizeof(options.new_id));
    if (!wal_open(&lane->ledger, &options, &report, err))
        return err_wrap(err, "lane '%s'", lane->name);
    log_info("ledger.open", "first=%" PRIu64 " end=%" PRIu64 " torn_bytes=%" PRIu64, report.first,
        report.end, report.torn_bytes);
    lane->fresh = report.created || report.end == 0;
    return true;
}

static bool
use_version(void *arg, uint64_t pos, uint32_t version, struct err *err)
{
    struct lane *lane = ((struct start *)arg)->lane;
    struct config *config = NULL;

    if (!config_load_version(lane->fs, lane->state_dir, version, &config, err))
        return err_wrap(err, "lane '%s': configuration version %" PRIu32, lane->name, version);
    *VEC_PUSH(&lane->eras) = (struct lane_era){pos, version, config_ref(config)};
    lane_use_config_take(lane, config);
    return true;
}

/* The state as the checkpoint has it, or an empty one. *ledger: what comes after begins there. */
static bool
load_state(struct start *start, uint64_t *ledger, struct err *err)
{
    struct lane *lane = start->lane;
    struct replay *replay = &start->replay;
    struct checkpoint point = {0};
    struct buf bytes;
    bool found = false;
    bool ok = false;

    buf_init(&bytes, (size_t)1 << 31);
    if (!checkpoint_newest(lane, &bytes, &start->arena, &point, &found, err))
        goto out;
    if (!found) {
        ok = true;
        goto out;
    }
    for (size_t i = 0; i < point.n_eras; i++) {
        if (!use_version(start, point.eras[i].pos, point.eras[i].version, err))
            goto out;
    }
    replay->engine = engine_new(&lane->options);
    if (!engine_load(replay->engine, point.engine, err)) {
        err_wrap(err, "lane '%s': checkpoint", lane->name);
        goto out;
    }
    replay->judged = point.journal;
    if (point.journal > wal_end(lane->journal)) {
        log_error(
            "journal.lost", "from=%" PRIu64 " to=%" PRIu64, wal_end(lane->journal), point.journal);
        lane->intake.lost_gaps++; /* judged, but in memory only when the last run ended */
    }
    lane->store.shed_from = point.shed_from;
    lane->store.shed_to = point.shed_to;
    lane->store.shed_records = point.shed_records;
    lane->checkpoints.at = point.at;
    replay->epoch = point.epoch;
    replay->last = point.at;
    *ledger = point.ledger;
    ok = true;
out:
    buf_fini(&bytes);
    return ok;
}

/* No checkpoint can be read and the ledger begins in the middle: to watch without knowing what was
 * open is better than not to watch. From the configuration in force now, all that is on record is
 * fed again; what comes out is nobody's history and is dropped; numbers and hashes go on from the
 * newest on record. */
static bool
begin_anew(void *arg, const struct ledger_record *first, struct err *err)
{
    struct start *start = arg;
    struct replay *replay = &start->replay;
    struct lane *lane = start->lane;
    char body[64];

    log_error("state.lost", "ledger_from=%" PRIu64 " next=\"begins anew from what is on record\"",
        wal_first(lane->ledger));
    lane->state_lost = replay->blind = true;
    if (!use_version(start, replay->judged, lane->boot->version, err))
        return false;
    replay->engine = engine_new(&lane->options);
    (void)snprintf(body, sizeof(body), "{\"version\":%" PRIu32 "}", lane->boot->version);
    (void)engine_feed(replay->engine, &(struct input){.kind = INPUT_CONFIG,
                                          .now = first->now,
                                          .pos = replay->judged,
                                          .body = view_of(body),
                                          .options = &lane->options});
    return true;
}

/* What a lost state's next event follows. */
static void
note_newest(struct lane *lane, struct view body)
{
    struct numbers *numbers = &lane->numbers;
    cJSON *root = cJSON_ParseWithLength(body.ptr, body.len);
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(root, "n");
    const cJSON *hash = cJSON_GetObjectItemCaseSensitive(root, "hash");

    if (cJSON_IsNumber(n) && n->valuedouble > 0 && cJSON_IsString(hash) &&
        strlen(hash->valuestring) < sizeof(numbers->chain)) {
        numbers->n = (uint64_t)n->valuedouble;
        (void)snprintf(numbers->chain, sizeof(numbers->chain), "%s", hash->valuestring);
    }
    cJSON_Delete(root);
}

static void
differs(void *arg, const struct replay_difference *difference)
{
    struct start *start = arg;

    switch (difference->part) {
    case REPLAY_JOURNAL_LOST:
        log_error(
            "journal.lost", "from=%" PRIu64 " to=%" PRIu64, difference->from, difference->journal);
        start->lane->intake.lost_gaps++;
        return;
    case REPLAY_LEDGER_LOST:
        log_error("ledger.lost", "next=%" PRIu64, difference->ledger);
        return;
    case REPLAY_OTHER:
    case REPLAY_NOT_ON_RECORD:
    case REPLAY_NOT_COMPUTED:
        break;
    }
    if (start->replay.differences == 1) {
        log_error("replay.differs",
            "pos=%" PRIu64 " ledger=%" PRIu64 " next=\"what is on record stands\"",
            difference->journal, difference->ledger);
    }
}

/* Events that came out but had not reached the ledger when the last run ended. */
static void
append_rest(struct start *start)
{
    const struct replay_computed *event;

    while ((event = replay_rest(&start->replay)) != NULL) {
        struct err err;

        if (!ledger_append(start->lane->ledger,
                &(struct ledger_record){.type = LEDGER_EVENT,
                    .epoch = start->replay.epoch,
                    .now = event->at,
                    .pos = event->pos,
                    .body = view_bytes(event->text, event->len)},
                &(uint64_t){0}, &err))
            log_error("ledger.append", "text=\"%s\"", err.text);
    }
}

static bool
walk(struct start *start, uint64_t from, struct err *err)
{
    struct lane *lane = start->lane;
    struct replay *replay = &start->replay;
    struct ledger_record record;
    enum replay_step step;

    replay_init(replay, from);
    while ((step = replay_step(replay, &record, err)) == REPLAY_ON) {
        if (replay->blind && record.type == LEDGER_EVENT)
            note_newest(lane, record.body);
    }
    if (step == REPLAY_FAILED)
        return err_wrap(err, "lane '%s'", lane->name);
    append_rest(start);
    return true;
}

static bool
run_replay(struct start *start, struct err *err)
{
    struct lane *lane = start->lane;
    struct replay *replay = &start->replay;
    uint64_t from = wal_first(lane->ledger);

    if (!load_state(start, &from, err) || !walk(start, from, err)) {
        engine_free(replay->engine);
        return false;
    }
    lane->engine = replay->engine;
    lane->intake.judged = replay->judged;
    if (lane->engine == NULL && lane->checkpoints.serial > 0)
        lane->state_lost = true; /* and the ledger is empty */
    lane->differs = replay->differences > 0;
    lane->epoch = replay->epoch + 1;
    lane->down_from =
        lane->engine != NULL ? instant_max(engine_now(lane->engine), replay->last) : replay->last;
    numbers_look(lane);
    log_info("replay.done",
        "inputs=%" PRIu64 " records=%" PRIu64 " events=%" PRIu64 " differences=%" PRIu64
        " epoch=%" PRIu32,
        replay->inputs, replay->records, replay->compared, replay->differences, lane->epoch);
    return true;
}

bool
lane_recover(struct lane *lane, struct err *err)
{
    struct start start = {.lane = lane};
    bool ok;

    if (!lane->fs->make_dir(lane->fs->self, lane->dir, err) || !fs_lock_dir(lane->dir, err))
        return err_wrap(err, "lane '%s'", lane->name);
    if (!open_logs(lane, err))
        return false;
    arena_init(&start.arena);
    start.replay = (struct replay){
        .journal_log = lane->journal,
        .ledger_log = lane->ledger,
        .options = &lane->options,
        .normalise = &lane->normalise,
        .judged = wal_first(lane->journal),
        .arg = &start,
        .use_version = use_version,
        .begin_anew = begin_anew,
        .differs = differs,
    };
    ok = run_replay(&start, err);
    replay_fini(&start.replay);
    arena_fini(&start.arena);
    if (ok)
        lane->intake.cursor = wal_cursor_new(lane->journal, lane->intake.judged);
    return ok;
}
