/*
 * The start of a lane: newest valid checkpoint, then what came after it, in the order on record.
 *
 * The ledger is the order: before an input on record is fed again, the journal's readings up to
 * the position it names are; before an event on record is compared, the readings up to its
 * position are, until something comes out. Events that come out are compared with those on
 * record by their bytes; what is on record stands, a difference is a fact. Effects other than
 * events are dropped: INPUT_START sends again what was in flight, the retained topics are
 * published anew.
 */
#include "alerting/ledger/ledger.h"
#include "base/digest.h"
#include "base/io/clock_posix.h"
#include "base/io/fs_posix.h"
#include "base/log.h"
#include "ingest/journal/journal.h"
#include "service/lane.h"

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

struct computed { /* an event that came out and is not yet found on record */
    struct digest digest;
    struct instant at;
    uint64_t pos;
    char *text; /* heap */
    size_t len;
};

struct replay {
    struct lane *lane;
    struct wal_cursor *ledger, *journal;
    VEC(struct computed) events;
    size_t next; /* events before it were found on record */
    uint64_t inputs, records, compared, differences;
    uint32_t epoch;
    struct arena arena;
    struct instant last;
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
use_version(struct lane *lane, uint64_t pos, uint32_t version, struct err *err)
{
    struct config *config = NULL;

    if (!config_load_version(lane->fs, lane->state_dir, version, &config, err))
        return err_wrap(err, "lane '%s': configuration version %" PRIu32, lane->name, version);
    *VEC_PUSH(&lane->eras) = (struct lane_era){pos, version, config_ref(config)};
    lane_use_config_take(lane, config);
    return true;
}

/* The state as the checkpoint has it, or an empty one. */
static bool
load_state(struct lane *lane, struct replay *replay, struct err *err)
{
    struct checkpoint point = {0};
    struct buf bytes;
    bool found = false;
    bool ok = false;

    buf_init(&bytes, (size_t)1 << 31);
    if (!checkpoint_newest(lane, &bytes, &replay->arena, &point, &found, err))
        goto out;
    if (!found) {
        ok = true;
        goto out;
    }
    for (size_t i = 0; i < point.n_eras; i++) {
        if (!use_version(lane, point.eras[i].pos, point.eras[i].version, err))
            goto out;
    }
    lane->engine = engine_new(&lane->options);
    if (!engine_load(lane->engine, point.engine, err)) {
        err_wrap(err, "lane '%s': checkpoint", lane->name);
        goto out;
    }
    lane->intake.judged = point.journal;
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
    wal_cursor_seek(replay->ledger, point.ledger);
    wal_cursor_seek(replay->journal, point.journal);
    ok = true;
out:
    buf_fini(&bytes);
    return ok;
}

static void
keep_events(struct replay *replay, const struct effects *effects, uint64_t pos)
{
    if (replay->lane->state_lost)
        return;
    for (size_t i = 0; i < effects->len; i++) {
        const struct effect *effect = &effects->at[i];

        if (effect->kind != EFFECT_EVENT)
            continue;
        char *copy = mem_alloc(effect->body.len + 1);

        memcpy(copy, effect->body.ptr, effect->body.len);
        *VEC_PUSH(&replay->events) = (struct computed){
            .digest = digest_of(effect->body),
            .at = effect->at,
            .pos = pos,
            .text = copy,
            .len = effect->body.len,
        };
    }
}

/* One reading again; false: there is none up to pos. */
static bool
replay_record(struct replay *replay, uint64_t pos)
{
    struct lane *lane = replay->lane;
    struct decoded record = {0};
    struct message msg;
    struct view frame;
    uint64_t end;
    enum wal_next next;

    if (lane->intake.judged >= pos)
        return false;
    next = wal_cursor_next(replay->journal, &frame, &end);
    if (next == WAL_END)
        return false;
    if (next == WAL_LOST) {
        log_error("journal.lost", "from=%" PRIu64 " to=%" PRIu64, lane->intake.judged, end);
        lane->intake.lost_gaps++;
        return true;
    }
    if (end > pos) { /* of a later input: it stays for it */
        wal_cursor_seek(replay->journal, lane->intake.judged);
        return false;
    }
    arena_reset(&lane->intake.arena);
    if (journal_decode(frame, &msg)) {
        normalise(&lane->normalise, &msg, &lane->intake.arena, &record);
        record.received = msg.received;
    } else {
        record.verdict = VERDICT_REJECTED;
        record.received = engine_now(lane->engine);
    }
    record.from = lane->intake.judged;
    record.pos = end;
    const struct effects effects = engine_feed(lane->engine,
        &(struct input){
            .kind = INPUT_RECORD, .now = record.received, .pos = end, .record = &record});

    lane->intake.judged = end;
    replay->records++;
    keep_events(replay, &effects, end);
    return true;
}

/* No checkpoint can be read and the ledger begins in the middle: to watch without knowing what was
 * open is better than not to watch. From the configuration in force now, all that is on record is
 * fed again; what comes out is nobody's history and is dropped; numbers and hashes go on from the
 * newest on record. */
static bool
begin_anew(struct replay *replay, const struct ledger_record *first, struct err *err)
{
    struct lane *lane = replay->lane;
    char body[64];

    log_error("state.lost", "ledger_from=%" PRIu64 " next=\"begins anew from what is on record\"",
        wal_first(lane->ledger));
    lane->state_lost = true;
    if (!use_version(lane, lane->intake.judged, lane->boot->version, err))
        return false;
    lane->engine = engine_new(&lane->options);
    (void)snprintf(body, sizeof(body), "{\"version\":%" PRIu32 "}", lane->boot->version);
    (void)engine_feed(lane->engine, &(struct input){.kind = INPUT_CONFIG,
                                        .now = first->now,
                                        .pos = lane->intake.judged,
                                        .body = view_of(body),
                                        .options = &lane->options});
    return true;
}

/* What a lost state's next event follows. */
static void
note_newest(struct replay *replay, struct view body)
{
    struct numbers *numbers = &replay->lane->numbers;
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

static uint32_t
version_of(struct view body)
{
    cJSON *root = cJSON_ParseWithLength(body.ptr, body.len);
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, "version");
    const double version = cJSON_IsNumber(item) ? item->valuedouble : 0;

    cJSON_Delete(root);
    return version >= 1 && version < 4294967296.0 ? (uint32_t)version : 0;
}

static bool
replay_input(struct replay *replay, const struct ledger_record *record, struct err *err)
{
    struct lane *lane = replay->lane;

    while (replay_record(replay, record->pos)) {
    }
    if (record->kind == INPUT_CONFIG &&
        !use_version(lane, lane->intake.judged, version_of(record->body), err))
        return false;
    if (lane->engine == NULL) {
        lane->engine = engine_new(&lane->options);
    }
    const struct effects effects = engine_feed(
        lane->engine, &(struct input){
                          .kind = (enum input_kind)record->kind,
                          .now = record->now,
                          .pos = record->pos,
                          .body = record->body,
                          .options = record->kind == INPUT_CONFIG ? &lane->options : NULL,
                      });

    replay->inputs++;
    keep_events(replay, &effects, record->pos);
    return true;
}

static void
replay_event(struct replay *replay, const struct ledger_record *record)
{
    const struct digest digest = digest_of(record->body);

    while (replay->next == replay->events.len && replay_record(replay, record->pos)) {
    }
    replay->compared++;
    if (replay->lane->state_lost) {
        note_newest(replay, record->body);
        return;
    }
    if (replay->next < replay->events.len) {
        struct computed *event = &replay->events.at[replay->next++];
        const bool same = digest_equal(&event->digest, &digest);

        free(event->text);
        event->text = NULL;
        if (same)
            return;
    }
    if (replay->differences++ == 0) {
        log_error(
            "replay.differs", "pos=%" PRIu64 " next=\"what is on record stands\"", record->pos);
    }
}

static bool
walk_ledger(struct replay *replay, struct err *err)
{
    struct ledger_record record;
    struct view frame;
    uint64_t end;

    for (;;) {
        switch (wal_cursor_next(replay->ledger, &frame, &end)) {
        case WAL_END:
            return true;
        case WAL_LOST:
            log_error("ledger.lost", "next=%" PRIu64, end);
            replay->differences++;
            continue;
        case WAL_FRAME:
            break;
        }
        if (!ledger_decode(frame, &record))
            return err_set(err, ERR_IO, "lane '%s': ledger: record at %" PRIu64 " is not readable",
                replay->lane->name, end);
        replay->epoch = record.epoch > replay->epoch ? record.epoch : replay->epoch;
        replay->last = instant_max(replay->last, record.now);
        const bool first = record.type == LEDGER_INPUT && record.kind == INPUT_CONFIG;

        if (replay->lane->engine == NULL && !first && !begin_anew(replay, &record, err))
            return false;
        if (record.type == LEDGER_EVENT)
            replay_event(replay, &record);
        else if (!replay_input(replay, &record, err))
            return false;
    }
}

/* Events that came out but had not reached the ledger when the last run ended. */
static void
append_rest(struct replay *replay)
{
    for (; replay->next < replay->events.len; replay->next++) {
        struct computed *event = &replay->events.at[replay->next];
        struct err err;

        if (!ledger_append(replay->lane->ledger,
                &(struct ledger_record){.type = LEDGER_EVENT,
                    .epoch = replay->epoch,
                    .now = event->at,
                    .pos = event->pos,
                    .body = view_bytes(event->text, event->len)},
                &(uint64_t){0}, &err))
            log_error("ledger.append", "text=\"%s\"", err.text);
        free(event->text);
    }
    VEC_FREE(&replay->events);
}

static bool
run_replay(struct lane *lane, struct replay *replay, struct err *err)
{
    if (!load_state(lane, replay, err) || !walk_ledger(replay, err))
        return false;
    append_rest(replay);
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
    struct replay replay = {.lane = lane};
    bool ok;

    if (!lane->fs->make_dir(lane->fs->self, lane->dir, err) || !fs_lock_dir(lane->dir, err))
        return err_wrap(err, "lane '%s'", lane->name);
    if (!open_logs(lane, err))
        return false;
    arena_init(&replay.arena);
    replay.ledger = wal_cursor_new(lane->ledger, wal_first(lane->ledger));
    replay.journal = wal_cursor_new(lane->journal, wal_first(lane->journal));
    lane->intake.judged = wal_first(lane->journal);
    ok = run_replay(lane, &replay, err);
    wal_cursor_free(replay.ledger);
    wal_cursor_free(replay.journal);
    arena_fini(&replay.arena);
    if (ok)
        lane->intake.cursor = wal_cursor_new(lane->journal, lane->intake.judged);
    return ok;
}
