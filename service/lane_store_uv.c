/*
 * From the judged records to the database, and the trimming of both logs.
 *
 * A record goes to the writer straight from judging when the writer has room and stands right
 * before it; else the store's own cursor comes by later, decodes it under the configuration that
 * was in force at its position and asks the engine whether it was a duplicate: the same verdict,
 * hours later. Judging never waits for any of this.
 */
#include "base/io/clock_posix.h"
#include "base/log.h"
#include "ingest/journal/journal.h"
#include "service/lane.h"

#include <inttypes.h>
#include <stdio.h>

#define FULL_WARN 80 /* percent of the journal's quota */
#define FULL_SHED 95
#define AGE_EVERY SPAN_MIN(10)

/* The store stands where a range begins that was given up: the writer is told, once. */
static bool
at_shed(const struct store *store)
{
    return store->shed_to != 0 && store->pos >= store->shed_from && store->pos < store->shed_to;
}

static void
tell_shed(struct lane *lane)
{
    struct store *store = &lane->store;

    writer_shed(store->writer, store->pos, store->shed_to, store->shed_records);
    log_warning("store.shed", "from=%" PRIu64 " to=%" PRIu64 " records=%" PRIu64, store->pos,
        store->shed_to, store->shed_records);
    store->pos = store->shed_to;
}

/* The writer's classes follow the position; false: wait until what it has is flushed. */
static bool
right_version(struct lane *lane, const struct lane_era *era)
{
    struct store *store = &lane->store;

    if (store->version == era->version)
        return true;
    writer_flush(store->writer);
    writer_configure(store->writer, era->config->classes, era->version);
    store->version = era->version;
    return writer_room(store->writer);
}

void
store_take(struct lane *lane, const struct decoded *record, enum verdict verdict)
{
    struct store *store = &lane->store;

    if (lane->boot->database == NULL) {
        store->pos = store->mark = record->pos;
        engine_stored(lane->engine, store->mark);
        return;
    }
    if (!store->ready || store->pos != record->from || !writer_room(store->writer))
        return;
    if (store->version != lane->config->version)
        return; /* the pump changes it, in order */
    writer_add(store->writer, record, verdict);
    store->pos = record->pos;
    store->given++;
}

static bool
pump_one(struct lane *lane)
{
    struct store *store = &lane->store;
    struct lane_era *era = lane_era_at(lane, store->pos);
    struct normalise_options options;
    struct decoded record = {0};
    struct message msg;
    struct view frame;
    uint64_t end;

    if (era == NULL || !right_version(lane, era))
        return false;
    if (store->at_cursor != store->pos)
        wal_cursor_seek(store->cursor, store->pos);
    switch (wal_cursor_next(store->cursor, &frame, &end)) {
    case WAL_END:
        return false;
    case WAL_LOST:
        store->at_cursor = end;
        writer_shed(store->writer, store->pos, end, 0);
        store->pos = end;
        return true;
    case WAL_FRAME:
        break;
    }
    store->at_cursor = end;
    arena_reset(&store->arena);
    if (journal_decode(frame, &msg)) {
        config_normalise_options(era->config, lane->self, &options);
        normalise(&options, &msg, &store->arena, &record);
        record.received = msg.received;
    } else {
        record.verdict = VERDICT_REJECTED;
    }
    record.from = store->pos;
    record.pos = end;
    writer_add(store->writer, &record,
        engine_is_duplicate(lane->engine, end) ? VERDICT_DUPLICATE : record.verdict);
    store->pos = end;
    store->given++;
    return true;
}

void
store_pump(struct lane *lane)
{
    struct store *store = &lane->store;
    const uint64_t until = uv_hrtime() + (uint64_t)LANE_TURN_US * 1000;

    if (store->writer == NULL || !store->ready)
        return;
    while (store->pos < lane->intake.judged && writer_room(store->writer)) {
        if (at_shed(store))
            tell_shed(lane);
        else if (!pump_one(lane))
            break;
        if (uv_hrtime() > until) {
            (void)uv_async_send(&lane->intake.wake);
            break;
        }
    }
}

/* Exact when it is 0; else what this run has judged and not given to the writer, at least 1. */
uint64_t
store_waiting(const struct lane *lane)
{
    const struct store *store = &lane->store;

    if (store->mark >= wal_end(lane->journal))
        return 0;
    return lane->intake.records > store->given ? lane->intake.records - store->given : 1;
}

static void
forget_eras(struct lane *lane, uint64_t mark)
{
    size_t drop = 0;

    /* The writer borrows the classes of the version that it was given last. */
    while (drop + 1 < lane->eras.len && lane->eras.at[drop + 1].pos <= mark &&
           lane->eras.at[drop].version != lane->store.version)
        drop++;
    for (size_t i = 0; i < drop; i++)
        config_unref(lane->eras.at[i].config);
    if (drop == 0)
        return;
    lane->eras.len -= drop;
    memmove(lane->eras.at, lane->eras.at + drop, lane->eras.len * sizeof(*lane->eras.at));
}

static void
on_ready(void *arg, uint64_t mark, uint32_t epoch)
{
    struct lane *lane = arg;
    struct store *store = &lane->store;

    log_info("store.ready", "mark=%" PRIu64 " epoch=%" PRIu32 " behind=%d", mark, epoch,
        mark < lane->intake.judged);
    store->mark = store->pos = mark;
    store->ready = store->marked = true;
    store->away_since = (struct instant){0};
    store->ready_since = clock_now();
    lane_fact(lane, "schema-behind", lane->name, false, "");
    engine_stored(lane->engine, mark);
    store_pump(lane);
}

static void
on_stored(void *arg, uint64_t mark, uint64_t canary)
{
    struct lane *lane = arg;
    struct store *store = &lane->store;

    store->mark = mark;
    store->marked = true;
    if (store->shed_to != 0 && mark >= store->shed_to)
        store->shed_from = store->shed_to = store->shed_records = 0;
    if (canary != 0)
        canary_pass(&lane->canary, CANARY_STORED, canary, clock_now());
    engine_stored(lane->engine, mark);
    forget_eras(lane, mark);
    store_pump(lane);
}

static void
on_away(void *arg, const char *why, const char *fact)
{
    struct lane *lane = arg;

    lane->store.ready = false;
    if (lane->store.away_since.us == 0)
        lane->store.away_since = clock_now();
    log_warning("store.away", "why=\"%s\" next=\"judging goes on, the journal keeps\"", why);
    if (fact != NULL && !lane->closing)
        lane_fact(lane, fact, lane->name, true, why);
}

static void
on_quarantine(void *arg, uint64_t rows, const char *why)
{
    log_error("store.quarantine", "rows=%" PRIu64 " why=\"%s\"", rows, why);
    lane_fact_once(arg, "writer-quarantine", why);
}

static void
on_copied(void *arg, uint64_t mark)
{
    struct lane *lane = arg;

    lane->store.copied = mark;
}

static void
on_copy_away(void *arg, const char *why)
{
    (void)arg;
    log_warning("copy.away", "why=\"%s\"", why);
}

static void
on_keeper_trouble(void *arg, const char *why)
{
    (void)arg;
    log_warning("keeper.trouble", "why=\"%s\" next=\"again in 10 s\"", why);
}

static void
on_kept(void *arg, const char *what)
{
    (void)arg;
    log_info("keeper.kept", "what=\"%s\"", what);
}

bool
store_open(struct lane *lane, struct err *err)
{
    struct store *store = &lane->store;
    const struct lane_era *era;

    arena_init(&store->arena);
    if (lane->boot->database == NULL) {
        store->pos = store->mark = lane->intake.judged;
        return true;
    }
    store->cursor = wal_cursor_new(lane->journal, wal_first(lane->journal));
    store->at_cursor = wal_first(lane->journal);
    era = lane_era_at(lane, store->at_cursor);
    if (era == NULL)
        return err_set(err, ERR_IO, "lane '%s': no configuration for journal position %" PRIu64,
            lane->name, store->at_cursor);
    store->version = era->version;
    store->away_since = clock_now();
    struct writer_options writer = {
        .loop = lane->loop,
        .conninfo = lane->boot->database,
        .password_file = lane->boot->database_password_file,
        .lane = lane->name,
        .classes = era->config->classes,
        .config_version = era->version,
        .on_ready = on_ready,
        .on_stored = on_stored,
        .on_away = on_away,
        .on_quarantine = on_quarantine,
        .arg = lane,
    };
    const struct ledger_copy_options copy = {
        .loop = lane->loop,
        .conninfo = lane->boot->database,
        .password_file = lane->boot->database_password_file,
        .lane = lane->name,
        .ledger = lane->ledger,
        .on_copied = on_copied,
        .on_away = on_copy_away,
        .arg = lane,
    };

    memcpy(writer.journal_id, wal_id(lane->journal), WAL_ID_BYTES);
    store->writer = writer_open(&writer);
    store->copy = ledger_copy_open(&copy);
    store->keeper = keeper_open(&(struct keeper_options){
        .loop = lane->loop,
        .conninfo = lane->boot->database,
        .password_file = lane->boot->database_password_file,
        .lane = lane->name,
        .on_trouble = on_keeper_trouble,
        .on_kept = on_kept,
        .arg = lane,
    });
    return true;
}

/* Gives up the oldest of what is judged but not stored: about a segment of it, and nothing that
 * the writer has already been given. Runs only when a journal is at 95 % of its quota, so its
 * length (some 100 ms) is bought with not stopping. */
static void
shed(struct lane *lane)
{
    struct store *store = &lane->store;
    const uint64_t from = store->shed_to != 0 ? store->shed_to
                          : store->ready      ? store->pos
                          : store->marked     ? store->mark
                                              : wal_first(lane->journal);
    struct wal_cursor *cursor = wal_cursor_new(lane->journal, from);
    uint64_t bytes = 0;
    uint64_t records = 0;
    uint64_t to = from;
    struct view frame;
    uint64_t end;
    enum wal_next next;

    while (
        bytes < lane->segment_bytes && (next = wal_cursor_next(cursor, &frame, &end)) != WAL_END) {
        if (end > lane->intake.judged)
            break;
        to = end;
        if (next == WAL_FRAME) {
            bytes += frame.len;
            records++;
        }
    }
    wal_cursor_free(cursor);
    if (to == from)
        return;
    if (store->shed_to == 0)
        store->shed_from = from;
    store->shed_to = to;
    store->shed_records += records;
    log_error(
        "journal.shed", "from=%" PRIu64 " to=%" PRIu64 " records=%" PRIu64, from, to, records);
    lane_fact(lane, "shed", lane->name, true, "the journal is full: messages are not stored");
}

static uint64_t
least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Where the logs ended `keep` ago; what is not known is kept. */
static struct lane_age
kept_since(struct lane *lane, struct instant now)
{
    const int64_t keep = lane->self->journal_keep.us;
    const int64_t every = keep / 12 < AGE_EVERY.us ? keep / 12 : AGE_EVERY.us;
    const struct instant before = instant_add(now, (struct span){-keep});
    struct lane_age age = {0};
    size_t drop = 0;

    while (drop < lane->ages.len && instant_cmp(lane->ages.at[drop].at, before) <= 0)
        age = lane->ages.at[drop++];
    if (drop > 1) { /* the newest of those stays */
        lane->ages.len -= drop - 1;
        memmove(lane->ages.at, lane->ages.at + drop - 1, lane->ages.len * sizeof(*lane->ages.at));
    }
    if (lane->ages.len == 0 ||
        instant_since(now, lane->ages.at[lane->ages.len - 1].at).us >= every) {
        *VEC_PUSH(&lane->ages) = (struct lane_age){
            .at = now, .journal = lane->intake.judged, .ledger = wal_end(lane->ledger)};
    }
    return age;
}

/* Up to where the journal may go at all: stored or given up, and no start needs it. */
static uint64_t
journal_spare(const struct lane *lane)
{
    const struct store *store = &lane->store;
    const size_t older = lane->checkpoints.kept == 2 ? 1 : 0;
    uint64_t stored = store->writer == NULL ? lane->intake.judged : store->mark;

    if (lane->checkpoints.kept < 2)
        return 0;
    if (store->shed_to > stored && (!store->marked || stored >= store->shed_from))
        stored = store->shed_to;
    return least(stored, lane->checkpoints.journal[older]);
}

static void
trim_journal(struct lane *lane, uint64_t pos)
{
    struct err err;

    if (pos > wal_first(lane->journal) && !wal_trim(lane->journal, pos, &err))
        log_warning("journal.trim", "text=\"%s\"", err.text);
}

static void
trim_ledger(struct lane *lane, const struct lane_age *age)
{
    const struct store *store = &lane->store;
    const uint64_t copied = store->copy == NULL ? wal_end(lane->ledger) : store->copied;
    struct err err;

    if (lane->checkpoints.kept < 2)
        return;
    const uint64_t pos = least(least(copied, lane->checkpoints.ledger[1]), age->ledger);

    if (pos > wal_first(lane->ledger) && !wal_trim(lane->ledger, pos, &err))
        log_warning("ledger.trim", "text=\"%s\"", err.text);
}

static uint64_t
percent_used(const struct lane *lane)
{
    return wal_bytes(lane->journal) * 100 / lane->self->journal_max_bytes;
}

/* Nothing that is stored is left to go: a segment that is not stored has to. A life-safety lane
 * gives up nothing: its journal goes on in the reserve, then in memory, and says so. */
static void
make_room(struct lane *lane, struct instant now)
{
    trim_journal(lane, journal_spare(lane));
    if (percent_used(lane) < FULL_SHED)
        return;
    if (lane->self->life_safety) {
        if (lane->store.mark > journal_spare(lane)) /* newer checkpoints free what is stored */
            checkpoint_start(lane, now);
        return;
    }
    /* What was given up and is still there is held by the older checkpoint, and newer ones free
     * it, or by the writer's transaction with it. */
    const struct store *store = &lane->store;
    const bool told = store->ready && store->shed_to != 0 && store->pos >= store->shed_to;

    if (!told && store->shed_to < wal_first(lane->journal) + lane->segment_bytes)
        shed(lane);
    trim_journal(lane, journal_spare(lane));
    checkpoint_start(lane, now);
}

void
store_second(struct lane *lane, struct instant now)
{
    const struct lane_age age = kept_since(lane, now);

    trim_journal(lane, least(journal_spare(lane), age.journal));
    trim_ledger(lane, &age);
    /* Room for what is not stored is worth more than `keep`: a segment a second. */
    if (percent_used(lane) >= FULL_WARN)
        trim_journal(
            lane, least(journal_spare(lane), wal_first(lane->journal) + lane->segment_bytes));
    lane_fact(lane, "journal-filling", lane->name, percent_used(lane) >= FULL_WARN,
        "the journal holds more than 80 % of journal.max_size: is the database away");
    if (percent_used(lane) >= FULL_SHED)
        make_room(lane, now);
    else if (lane->store.shed_to == 0)
        lane_fact(lane, "shed", lane->name, false, "");
    store_pump(lane);
}
