#include "service/past.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#define STATE_MAX_BYTES ((size_t)1 << 31)
#define PROGRESS_EVERY 4096 /* readings */

struct point {       /* one checkpoint */
    uint64_t serial; /* 0: there is none */
    struct checkpoint read;
    struct buf bytes;
};

struct past {
    const struct past_options *opt;
    struct past_result *result;
    struct wal *journal, *ledger;
    struct config *config, *config_before; /* the engine may still read the one before */
    struct engine_options options;
    struct normalise_options normalise;
    struct replay replay;
    struct arena arena;
    struct point points[2]; /* newest first */
    int begun_at;           /* index of the point it began with; -1: at the first record */
    uint64_t ledger_to;
    uint64_t until; /* end of the record that opens the case; 0: none is wanted */
    bool differs;
};

static bool
use_version(void *arg, uint64_t pos, uint32_t version, struct err *err)
{
    struct past *past = arg;
    const struct lane_config *lane;
    struct config *config = NULL;

    (void)pos;
    if (!config_load_version(past->opt->fs, past->opt->state_dir, version, &config, err))
        return err_wrap(err, "configuration version %" PRIu32, version);
    lane = config_lane_named(config, past->opt->lane);
    if (lane == NULL) {
        config_unref(config);
        return err_set(err, ERR_CONFIG, "configuration version %" PRIu32 " has no lane '%s'",
            version, past->opt->lane);
    }
    config_unref(past->config_before);
    past->config_before = past->config;
    past->config = config;
    config_engine_options(config, lane, &past->options);
    config_normalise_options(config, lane, &past->normalise);
    return true;
}

static bool
begin_anew(void *arg, const struct ledger_record *first, struct err *err)
{
    (void)arg;
    (void)first;
    return err_set(err, ERR_INPUT, "ledger: its first record is no configuration");
}

static char *
copy_text(struct view text)
{
    char *copy = mem_alloc(text.len + 1);

    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return copy;
}

/* Only the first counts: the hash chain makes every later event differ, too. */
static void
differs(void *arg, const struct replay_difference *difference)
{
    struct past *past = arg;
    struct past_result *result = past->result;

    if (past->differs)
        return;
    past->differs = true;
    result->difference = *difference;
    result->texts[0] = copy_text(difference->recorded);
    result->texts[1] = copy_text(difference->computed);
    result->difference.recorded.ptr = result->texts[0];
    result->difference.computed.ptr = result->texts[1];
}

static void
tell_progress(struct past *past)
{
    if (past->opt->progress != NULL)
        past->opt->progress(
            past->opt->arg, past->replay.at_ledger, past->result->ledger_from, past->ledger_to);
}

static void
each_record(void *arg)
{
    struct past *past = arg;

    if (past->replay.records % PROGRESS_EVERY == 0)
        tell_progress(past);
}

static bool
open_logs(struct past *past, struct err *err)
{
    const struct fs *fs = past->opt->fs;
    char *ledger = fs_join(past->opt->dir, "ledger");
    char *journal = fs_join(past->opt->dir, "journal");
    struct wal_report report;
    /* The ledger first: what it names is in the journal by then. */
    const bool ok = wal_open_read(&past->ledger, fs, ledger, "ledger", &report, err) &&
                    wal_open_read(&past->journal, fs, journal, "journal", &report, err);

    if (ok)
        past->ledger_to = wal_end(past->ledger);
    free(ledger);
    free(journal);
    return ok;
}

/* A checkpoint that is just being replaced, or damaged, is none. */
static bool
read_points(struct past *past, struct err *err)
{
    const struct fs *fs = past->opt->fs;
    char path[4096 + 64];
    uint64_t serials[2];

    if (!checkpoint_serials(fs, past->opt->dir, serials, err))
        return err->kind == ERR_GONE;
    for (int i = 0; i < 2 && serials[i] != 0; i++) {
        struct point *point = &past->points[i];
        struct err ignored;

        checkpoint_path(past->opt->dir, serials[i], path, sizeof(path));
        buf_init(&point->bytes, STATE_MAX_BYTES);
        if (fs_read_all(fs, path, &point->bytes, &ignored) &&
            checkpoint_read(buf_view(&point->bytes), &past->arena, &point->read, &ignored))
            point->serial = serials[i];
    }
    return true;
}

/* Is this the event that opens the case? */
static bool
opens(struct view body, const char *alert)
{
    cJSON *root = cJSON_ParseWithLength(body.ptr, body.len);
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(root, "alert");
    const cJSON *event = cJSON_GetObjectItemCaseSensitive(root, "event");
    const bool found =
        cJSON_IsString(id) && cJSON_IsString(event) && strcmp(id->valuestring, alert) == 0 &&
        (strcmp(event->valuestring, "opened") == 0 || strcmp(event->valuestring, "reported") == 0);

    cJSON_Delete(root);
    return found;
}

/* From the first record, if both logs reach back to it. */
static bool
whole(struct past *past)
{
    struct wal_cursor *cursor = wal_cursor_new(past->ledger, wal_first(past->ledger));
    struct ledger_record record;
    struct view frame;
    uint64_t end;
    const bool ok = wal_cursor_next(cursor, &frame, &end) == WAL_FRAME &&
                    ledger_decode(frame, &record) && record.type == LEDGER_INPUT &&
                    record.kind == INPUT_CONFIG && record.pos <= wal_first(past->journal);

    wal_cursor_free(cursor);
    return ok;
}

/* Where in the ledger the case opens. */
static bool
find_opening(struct past *past, struct err *err)
{
    struct wal_cursor *cursor;
    struct ledger_record record;
    struct view frame;
    uint64_t end;
    enum wal_next next;

    if (past->opt->until == NULL)
        return true;
    cursor = wal_cursor_new(past->ledger, wal_first(past->ledger));
    while (past->until == 0 && (next = wal_cursor_next(cursor, &frame, &end)) != WAL_END) {
        if (next == WAL_FRAME && ledger_decode(frame, &record) && record.type == LEDGER_EVENT &&
            opens(record.body, past->opt->until))
            past->until = end;
    }
    wal_cursor_free(cursor);
    if (past->until == 0) {
        return err_set(err, ERR_GONE,
            "case '%s' does not open in this ledger\nhint: 'wallwatch journal show --ledger DIR' "
            "shows what is in there",
            past->opt->until);
    }
    return true;
}

static bool
usable(struct past *past, const struct point *point)
{
    return point->serial != 0 && point->read.ledger >= wal_first(past->ledger) &&
           point->read.journal >= wal_first(past->journal) &&
           (past->until == 0 || point->read.ledger < past->until);
}

static bool
begin_with(struct past *past, const struct point *point, struct err *err)
{
    const struct checkpoint *read = &point->read;

    for (size_t i = 0; i < read->n_eras; i++) {
        if (!use_version(past, read->eras[i].pos, read->eras[i].version, err))
            return false;
    }
    past->replay.engine = engine_new(&past->options);
    if (!engine_load(past->replay.engine, read->engine, err))
        return err_wrap(err, "checkpoint %" PRIu64, point->serial);
    past->replay.judged = read->journal;
    past->replay.epoch = read->epoch;
    past->replay.last = read->at;
    past->result->from = read->at;
    past->result->checkpoint = point->serial;
    past->result->ledger_from = read->ledger;
    return true;
}

/* As early as can be; for one case as late as can be. */
static bool
begin(struct past *past, struct err *err)
{
    const bool all = whole(past);
    bool ok = true;

    past->begun_at = -1;
    past->result->ledger_from = wal_first(past->ledger);
    if (past->until != 0 || !all) {
        /* points[0] is the newest */
        for (int i = 1; i >= 0; i--) {
            if (usable(past, &past->points[i]) && (past->begun_at < 0 || past->until != 0))
                past->begun_at = i;
        }
    }
    if (past->begun_at >= 0) {
        ok = begin_with(past, &past->points[past->begun_at], err);
    } else if (!all) {
        ok = err_set(err, ERR_GONE,
            "neither do journal and ledger reach back to the first record, nor is there a "
            "checkpoint that they do reach");
    }
    if (ok)
        replay_init(&past->replay, past->result->ledger_from);
    return ok;
}

/* The state of an engine but for what the database says, which is no input. */
static void
state_of(struct engine *engine, struct buf *out)
{
    engine_stored(engine, UINT64_MAX);
    engine_save(engine, out);
}

static bool
compare_point(struct past *past, const struct point *point, struct err *err)
{
    struct engine *engine = engine_new(&past->options);
    struct buf theirs;
    struct buf ours;

    buf_init(&theirs, STATE_MAX_BYTES);
    buf_init(&ours, STATE_MAX_BYTES);
    replay_readings(&past->replay, point->read.journal);
    const bool ok = engine_load(engine, point->read.engine, err);

    if (ok && !past->differs) {
        state_of(engine, &theirs);
        state_of(past->replay.engine, &ours);
        past->result->checkpoints++;
        if (!view_eq(buf_view(&theirs), buf_view(&ours))) {
            past->differs = true;
            past->result->state_of = point->serial;
            past->result->difference.ledger = point->read.ledger;
            past->result->difference.journal = point->read.journal;
            past->result->difference.at = point->read.at;
        }
    }
    engine_free(engine);
    buf_fini(&theirs);
    buf_fini(&ours);
    return ok || err_wrap(err, "checkpoint %" PRIu64, point->serial);
}

static bool
pass_points(struct past *past, struct err *err)
{
    for (int i = 1; i >= 0; i--) {
        struct point *point = &past->points[i];

        if (point->serial == 0 || i == past->begun_at || past->replay.engine == NULL ||
            past->replay.at_ledger < point->read.ledger ||
            point->read.ledger < past->result->ledger_from)
            continue;
        if (past->replay.at_ledger == point->read.ledger && !compare_point(past, point, err))
            return false;
        point->serial = 0;
    }
    return true;
}

/* What a killed lane had not written yet is no difference; what a checkpoint stands behind is. */
static void
look_at_rest(struct past *past)
{
    while (replay_rest(&past->replay) != NULL)
        past->result->unwritten++;
}

static enum past_end
walk(struct past *past, struct err *err)
{
    struct replay *replay = &past->replay;
    struct ledger_record record;
    enum replay_step step = REPLAY_ON;

    while (step == REPLAY_ON && !past->differs) {
        if (!pass_points(past, err))
            return PAST_FAILED;
        if (past->differs)
            break;
        step = replay_step(replay, &record, err);
        if (past->until != 0 && replay->at_ledger >= past->until) {
            if (!past->differs)
                buf_put(&past->result->opening, record.body);
            break;
        }
        if (replay->inputs % PROGRESS_EVERY == 0)
            tell_progress(past);
    }
    if (step == REPLAY_FAILED)
        return PAST_FAILED;
    if (step == REPLAY_END)
        look_at_rest(past);
    past->result->to = replay->last;
    past->result->inputs = replay->inputs;
    past->result->records = replay->records;
    past->result->events = replay->compared;
    return past->differs ? PAST_DIFFERS : PAST_SAME;
}

static void
past_fini(struct past *past)
{
    replay_fini(&past->replay);
    engine_free(past->replay.engine);
    wal_close(past->journal);
    wal_close(past->ledger);
    config_unref(past->config_before);
    config_unref(past->config);
    buf_fini(&past->points[0].bytes);
    buf_fini(&past->points[1].bytes);
    arena_fini(&past->arena);
}

enum past_end
past_replay(const struct past_options *opt, struct past_result *result, struct err *err)
{
    struct past past = {.opt = opt, .result = result};
    enum past_end end = PAST_FAILED;

    *result = (struct past_result){0};
    buf_init(&result->opening, LEDGER_MAX_FRAME);
    arena_init(&past.arena);
    past.replay.options = &past.options;
    past.replay.normalise = &past.normalise;
    past.replay.arg = &past;
    past.replay.use_version = use_version;
    past.replay.begin_anew = begin_anew;
    past.replay.differs = differs;
    past.replay.each_record = each_record;
    if (!open_logs(&past, err))
        goto out;
    past.replay.journal_log = past.journal;
    past.replay.ledger_log = past.ledger;
    past.replay.judged = wal_first(past.journal);
    if (read_points(&past, err) && find_opening(&past, err) && begin(&past, err))
        end = walk(&past, err);
out:
    past_fini(&past);
    return end;
}

void
past_result_fini(struct past_result *result)
{
    buf_fini(&result->opening);
    free(result->texts[0]);
    free(result->texts[1]);
}
