#include "service/replay.h"

#include "ingest/journal/journal.h"

#include <inttypes.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

void
replay_init(struct replay *replay, uint64_t ledger_from)
{
    arena_init(&replay->scratch);
    replay->at_ledger = ledger_from;
    replay->ledger = wal_cursor_new(replay->ledger_log, ledger_from);
    replay->journal = wal_cursor_new(replay->journal_log, replay->judged);
}

static void
drop_events(struct replay *replay)
{
    for (; replay->next < replay->events.len; replay->next++)
        free(replay->events.at[replay->next].text);
    replay->events.len = replay->next = 0;
}

void
replay_fini(struct replay *replay)
{
    if (replay->ledger == NULL)
        return;
    drop_events(replay);
    VEC_FREE(&replay->events);
    wal_cursor_free(replay->ledger);
    wal_cursor_free(replay->journal);
    arena_fini(&replay->scratch);
}

static void
part(struct replay *replay, const struct replay_difference *difference)
{
    replay->differences += difference->part != REPLAY_JOURNAL_LOST;
    replay->differs(replay->arg, difference);
}

static void
keep_events(struct replay *replay, const struct effects *effects, uint64_t pos)
{
    if (replay->blind)
        return;
    for (size_t i = 0; i < effects->len; i++) {
        const struct effect *effect = &effects->at[i];

        if (effect->kind != EFFECT_EVENT)
            continue;
        char *copy = mem_alloc(effect->body.len + 1);

        memcpy(copy, effect->body.ptr, effect->body.len);
        *VEC_PUSH(&replay->events) = (struct replay_computed){
            .digest = digest_of(effect->body),
            .at = effect->at,
            .pos = pos,
            .text = copy,
            .len = effect->body.len,
        };
    }
}

static void
feed_reading(struct replay *replay, struct view frame, uint64_t end)
{
    struct decoded record = {0};
    struct message msg;

    arena_reset(&replay->scratch);
    if (journal_decode(frame, &msg)) {
        normalise(replay->normalise, &msg, &replay->scratch, &record);
        record.received = msg.received;
    } else {
        record.verdict = VERDICT_REJECTED;
        record.received = engine_now(replay->engine);
    }
    record.from = replay->judged;
    record.pos = end;
    const struct effects effects = engine_feed(replay->engine,
        &(struct input){
            .kind = INPUT_RECORD, .now = record.received, .pos = end, .record = &record});

    replay->judged = end;
    replay->records++;
    keep_events(replay, &effects, end);
}

/* One reading again; false: there is none up to pos. */
static bool
next_reading(struct replay *replay, uint64_t pos)
{
    struct view frame;
    uint64_t end;

    if (replay->judged >= pos)
        return false;
    switch (wal_cursor_next(replay->journal, &frame, &end)) {
    case WAL_END:
        return false;
    case WAL_LOST:
        part(replay, &(struct replay_difference){.part = REPLAY_JOURNAL_LOST,
                         .from = replay->judged,
                         .ledger = replay->at_ledger,
                         .journal = end,
                         .at = engine_now(replay->engine)});
        return true;
    case WAL_FRAME:
        break;
    }
    if (end > pos) { /* of a later input: it stays for it */
        wal_cursor_seek(replay->journal, replay->judged);
        return false;
    }
    feed_reading(replay, frame, end);
    if (replay->each_record != NULL)
        replay->each_record(replay->arg);
    return true;
}

void
replay_readings(struct replay *replay, uint64_t pos)
{
    while (next_reading(replay, pos)) {
    }
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

/* An input is on record only after all events before it: what is computed by now and was not found
 * is not on record. */
static void
settle(struct replay *replay)
{
    if (replay->next < replay->events.len) {
        const struct replay_computed *event = &replay->events.at[replay->next];

        part(replay, &(struct replay_difference){.part = REPLAY_NOT_ON_RECORD,
                         .ledger = replay->at_ledger,
                         .journal = event->pos,
                         .at = event->at,
                         .computed = view_bytes(event->text, event->len)});
    }
    drop_events(replay);
}

static bool
take_input(struct replay *replay, const struct ledger_record *record, struct err *err)
{
    const bool config = record->kind == INPUT_CONFIG;

    if (replay->engine == NULL && !config && !replay->begin_anew(replay->arg, record, err))
        return false;
    if (replay->engine != NULL)
        replay_readings(replay, record->pos);
    settle(replay);
    if (config && !replay->use_version(replay->arg, replay->judged, version_of(record->body), err))
        return false;
    if (replay->engine == NULL)
        replay->engine = engine_new(replay->options);
    const struct effects effects =
        engine_feed(replay->engine, &(struct input){
                                        .kind = (enum input_kind)record->kind,
                                        .now = record->now,
                                        .pos = record->pos,
                                        .body = record->body,
                                        .options = config ? replay->options : NULL,
                                    });

    replay->inputs++;
    keep_events(replay, &effects, record->pos);
    return true;
}

static bool
take_event(struct replay *replay, const struct ledger_record *record, struct err *err)
{
    const struct digest digest = digest_of(record->body);
    struct replay_difference difference = {
        .part = REPLAY_NOT_COMPUTED,
        .ledger = replay->at_ledger,
        .journal = record->pos,
        .at = record->now,
        .recorded = record->body,
    };

    if (replay->engine == NULL && !replay->begin_anew(replay->arg, record, err))
        return false;
    while (replay->next == replay->events.len && next_reading(replay, record->pos)) {
    }
    replay->compared++;
    if (replay->blind)
        return true;
    if (replay->next == replay->events.len) {
        part(replay, &difference);
        return true;
    }
    struct replay_computed *event = &replay->events.at[replay->next++];

    if (!digest_equal(&event->digest, &digest)) {
        difference.part = REPLAY_OTHER;
        difference.computed = view_bytes(event->text, event->len);
        part(replay, &difference);
    }
    free(event->text);
    event->text = NULL;
    if (replay->next == replay->events.len)
        replay->events.len = replay->next = 0;
    return true;
}

enum replay_step
replay_step(struct replay *replay, struct ledger_record *record, struct err *err)
{
    struct ledger_record read = {0};
    struct view frame;
    uint64_t end;
    bool ok;

    switch (wal_cursor_next(replay->ledger, &frame, &end)) {
    case WAL_END:
        return REPLAY_END;
    case WAL_LOST:
        part(replay, &(struct replay_difference){.part = REPLAY_LEDGER_LOST,
                         .from = replay->at_ledger,
                         .ledger = end,
                         .journal = replay->judged,
                         .at = replay->last});
        replay->at_ledger = end;
        ok = true;
        break;
    case WAL_FRAME:
    default:
        if (!ledger_decode(frame, &read)) {
            (void)err_set(err, ERR_IO, "ledger: record at %" PRIu64 " is not readable", end);
            return REPLAY_FAILED;
        }
        replay->at_ledger = end;
        replay->epoch = read.epoch > replay->epoch ? read.epoch : replay->epoch;
        replay->last = instant_max(replay->last, read.now);
        ok = read.type == LEDGER_EVENT ? take_event(replay, &read, err)
                                       : take_input(replay, &read, err);
    }
    if (record != NULL)
        *record = read;
    return ok ? REPLAY_ON : REPLAY_FAILED;
}

const struct replay_computed *
replay_rest(struct replay *replay)
{
    if (replay->next > 0) {
        free(replay->events.at[replay->next - 1].text);
        replay->events.at[replay->next - 1].text = NULL;
    }
    return replay->next < replay->events.len ? &replay->events.at[replay->next++] : NULL;
}
