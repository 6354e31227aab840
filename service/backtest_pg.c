#include "service/backtest_pg.h"

#include "ingest/writer/copy_read.h"
#include "service/migrate_pg.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SQL_MAX ((size_t)1 << 20)
#define PROGRESS_EVERY 4096 /* records */
#define RECORD_ROWS 8192    /* of one record, at most: ingest/normalise allows fewer */

struct source { /* the rows of one class (class NULL: rejects), one ahead */
    PGconn *pg;
    const struct class *class;
    char *row; /* libpq's; what reading points into */
    bool there;
    struct copy_origin origin;
    struct reading reading;
    struct reject reject;
    struct instant received;
    struct arena arena; /* of the row ahead */
};

struct seen { /* one row of ops.seen */
    const char *code, *compound;
};

struct rows {
    struct backtest *backtest;
    const struct config *config;
    struct source *sources;
    size_t n_sources;
    struct arena arena; /* as long as the run */
    struct map seen;    /* key (8 bytes) -> struct seen */
    VEC(int) lanes;     /* by src: index of the lane, -1: not of this configuration */
    uint64_t pos;       /* of the record that was fed last: they are numbered anew */
    uint64_t foreign;
};

static const char sql_columns[] = "SELECT attname FROM pg_attribute WHERE attrelid = "
                                  "to_regclass(format('telemetry.%I', $1::text)) AND attnum > 0 "
                                  "AND NOT attisdropped";
static const char sql_sources[] = "SELECT src, lane FROM ops.journal ORDER BY src";
static const char sql_seen[] = "SELECT device, code, compound FROM ops.seen";
/* A sort of a month must not crawl. */
static const char sql_session[] = "SELECT set_config('work_mem', '256MB', false), "
                                  "set_config('jit', 'off', false), "
                                  "set_config('timezone', 'UTC', false)";

/* --- before ------------------------------------------------------------------------------- */

static bool
read_lanes(struct rows *rows, PGconn *pg, struct err *err)
{
    PGresult *result = tool_query(pg, "ops.journal", sql_sources, 0, NULL, err);

    for (int i = 0; result != NULL && i < PQntuples(result); i++) {
        const size_t src = (size_t)strtoul(PQgetvalue(result, i, 0), NULL, 10);
        int lane = -1;

        for (size_t k = 0; k < rows->config->n_lanes; k++) {
            if (strcmp(rows->config->lanes[k].name, PQgetvalue(result, i, 1)) == 0)
                lane = (int)k;
        }
        while (rows->lanes.len <= src)
            *VEC_PUSH(&rows->lanes) = -1;
        rows->lanes.at[src] = lane;
    }
    PQclear(result);
    return result != NULL;
}

static bool
read_seen(struct rows *rows, PGconn *pg, struct err *err)
{
    PGresult *result = tool_query(pg, "ops.seen", sql_seen, 0, NULL, err);

    for (int i = 0; result != NULL && i < PQntuples(result); i++) {
        const uint64_t key = strtoull(PQgetvalue(result, i, 0), NULL, 10);
        struct seen *seen = ARENA_NEW(&rows->arena, struct seen);

        seen->code = arena_text(&rows->arena, view_of(PQgetvalue(result, i, 1)));
        seen->compound = arena_text(&rows->arena, view_of(PQgetvalue(result, i, 2)));
        (void)map_put(&rows->seen, view_bytes(&key, sizeof(key)), seen);
    }
    PQclear(result);
    return result != NULL;
}

/* --- sources ------------------------------------------------------------------------------ */

static bool
start_copy(struct source *source, const char *sql, struct err *err)
{
    PGresult *result = PQexec(source->pg, sql);
    const bool ok = PQresultStatus(result) == PGRES_COPY_OUT;

    if (!ok)
        (void)err_set(err, ERR_AGAIN, "database: %s", PQresultErrorMessage(result));
    PQclear(result);
    return ok;
}

/* Rows that came in the span: their own times are where normalise believes them. */
static void
class_sql(struct buf *out, const struct class *class, const struct map *columns,
    const struct backtest_span *span)
{
    char texts[4][INSTANT_TEXT_BYTES];
    char condition[320];

    (void)snprintf(condition, sizeof(condition),
        "received >= '%s' AND received < '%s' AND time >= '%s' AND time < '%s'",
        instant_text(span->from, texts[0]), instant_text(span->to, texts[1]),
        instant_text(instant_add(span->from, SPAN_US(-NORMALISE_PAST.us)), texts[2]),
        instant_text(instant_add(span->to, NORMALISE_FUTURE), texts[3]));
    copy_out_sql(out, class, columns, condition, "received, src, pos, idx");
}

static void
reject_sql(struct buf *out, const struct backtest_span *span)
{
    char texts[2][INSTANT_TEXT_BYTES];

    buf_printf(out,
        "COPY (SELECT src, pos, idx, received, reason, class, device FROM ops.reject WHERE "
        "received >= '%s' AND received < '%s' ORDER BY received, src, pos, idx) TO STDOUT",
        instant_text(span->from, texts[0]), instant_text(span->to, texts[1]));
}

/* False with *gone: the class has no table yet, so it has no rows. */
static bool
open_class(struct source *source, const struct class *class, const struct backtest_span *span,
    struct err *err)
{
    const char *params[] = {class->name};
    PGresult *result = tool_query(source->pg, class->name, sql_columns, 1, params, err);
    struct map columns;
    struct buf sql;
    bool ok = result != NULL;

    map_init(&columns);
    for (int i = 0; ok && i < PQntuples(result); i++)
        (void)map_put(&columns, view_of(PQgetvalue(result, i, 0)), source);
    source->there = columns.len > 0;
    if (ok && source->there) {
        buf_init(&sql, SQL_MAX);
        class_sql(&sql, class, &columns, span);
        buf_char(&sql, '\0');
        ok = start_copy(source, sql.ptr, err);
        buf_fini(&sql);
    }
    map_fini(&columns);
    PQclear(result);
    return ok;
}

static bool
open_source(const struct config *config, struct source *source, const struct class *class,
    const struct backtest_span *span, struct err *err)
{
    struct buf sql;
    bool ok;

    source->class = class;
    arena_init(&source->arena);
    source->pg = tool_connect(config->database, config->database_password_file, err);
    if (source->pg == NULL)
        return false;
    PGresult *result = tool_query(source->pg, "session", sql_session, 0, NULL, err);

    PQclear(result);
    if (result == NULL)
        return false;
    if (class != NULL)
        return open_class(source, class, span, err);
    buf_init(&sql, SQL_MAX);
    reject_sql(&sql, span);
    buf_char(&sql, '\0');
    ok = start_copy(source, sql.ptr, err);
    buf_fini(&sql);
    source->there = ok;
    return ok;
}

static void
close_source(struct source *source)
{
    PQfreemem(source->row);
    PQfinish(source->pg);
    arena_fini(&source->arena);
}

/* --- rows --------------------------------------------------------------------------------- */

/* A column of a line of text COPY; none of ours holds a tab, and what is escaped stays so. */
static struct view
column(struct view *line)
{
    const char *tab = memchr(line->ptr, '\t', line->len);
    const size_t len = tab == NULL ? line->len : (size_t)(tab - line->ptr);
    const struct view found = {line->ptr, len};

    line->ptr += len + (tab != NULL);
    line->len -= len + (tab != NULL);
    return found;
}

static int64_t
number(struct view text)
{
    char digits[24];

    (void)snprintf(digits, sizeof(digits), "%.*s", VIEW_ARG(text));
    return strtoll(digits, NULL, 10);
}

static bool
reject_read(struct source *source, struct view line)
{
    char time[48];

    if (line.len > 0 && line.ptr[line.len - 1] == '\n')
        line.len--;
    source->origin.src = (int32_t)number(column(&line));
    source->origin.pos = number(column(&line));
    source->reject = (struct reject){.idx = (uint16_t)number(column(&line))};
    /* 2026-11-24 06:56:40.123456+00: a 'T' and ':00' short of what instant_parse reads */
    const struct view received = column(&line);

    if (received.len < 20 || received.len + 4 > sizeof(time))
        return false;
    (void)snprintf(time, sizeof(time), "%.*s:00", VIEW_ARG(received));
    time[10] = 'T';
    const struct view reason = column(&line);

    source->reject.reason = arena_text(&source->arena, reason);
    source->reject.class_name = column(&line);
    source->reject.code = column(&line);
    return instant_parse(view_of(time), &source->received);
}

static void
place_reading(struct rows *rows, struct source *source)
{
    struct reading *reading = &source->reading;
    const struct seen *seen =
        map_get(&rows->seen, view_bytes(&reading->device, sizeof(reading->device)));

    reading->code = view_of(seen != NULL ? seen->code : "");
    reading->compound = view_of(seen != NULL ? seen->compound : "");
    reading->listed = device_find(&rows->config->devices, reading->code);
    source->received = reading->received;
}

/* The next row of that source is ahead; there false: it has no more. */
static bool
step(struct rows *rows, struct source *source, struct err *err)
{
    PQfreemem(source->row);
    source->row = NULL;
    arena_reset(&source->arena);
    const int len = PQgetCopyData(source->pg, &source->row, 0);

    if (len <= 0) {
        PGresult *result = len == -1 ? PQgetResult(source->pg) : NULL;
        const bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;

        source->there = false;
        if (!ok)
            (void)err_set(err, ERR_AGAIN, "database: %s", PQerrorMessage(source->pg));
        PQclear(result);
        return ok;
    }
    const struct view row = {source->row, (size_t)len};

    if (source->class == NULL)
        return reject_read(source, row) ||
               err_set(err, ERR_INPUT, "ops.reject: a line that cannot be read");
    switch (copy_read(row, source->class, &source->arena, &source->origin, &source->reading, err)) {
    case COPY_ROW:
        place_reading(rows, source);
        return true;
    case COPY_END:
        return step(rows, source, err);
    case COPY_BROKEN:
        break;
    }
    return false;
}

static int
compare(const struct source *a, const struct source *b)
{
    const int order = instant_cmp(a->received, b->received);

    if (order != 0)
        return order;
    if (a->origin.src != b->origin.src)
        return a->origin.src < b->origin.src ? -1 : 1;
    if (a->origin.pos != b->origin.pos)
        return a->origin.pos < b->origin.pos ? -1 : 1;
    return 0;
}

static struct source *
earliest(struct rows *rows)
{
    struct source *first = NULL;

    for (size_t i = 0; i < rows->n_sources; i++) {
        struct source *source = &rows->sources[i];

        if (source->there && (first == NULL || compare(source, first) < 0))
            first = source;
    }
    return first;
}

struct gathered { /* one record, put together again */
    struct arena arena;
    VEC(struct reading) readings;
    VEC(struct reject) rejects;
};

static void
take_row(struct gathered *record, const struct source *source)
{
    if (source->class == NULL) {
        struct reject *reject = VEC_PUSH(&record->rejects);

        *reject = source->reject;
        reject->reason = arena_text(&record->arena, view_of(source->reject.reason));
        reject->class_name = arena_copy(&record->arena, source->reject.class_name);
        reject->code = arena_copy(&record->arena, source->reject.code);
        return;
    }
    struct reading *reading = VEC_PUSH(&record->readings);
    struct field_value *values =
        ARENA_ARRAY(&record->arena, source->reading.n_values, struct field_value);

    *reading = source->reading;
    reading->part = arena_copy(&record->arena, source->reading.part);
    reading->values = values;
    for (size_t i = 0; i < reading->n_values; i++) {
        values[i] = source->reading.values[i];
        values[i].text = arena_copy(&record->arena, values[i].text);
    }
}

static void
feed_record(struct rows *rows, struct gathered *record, const struct source *head)
{
    const size_t src = (size_t)head->origin.src;
    const int lane = src < rows->lanes.len ? rows->lanes.at[src] : -1;
    struct decoded decoded = {
        .from = rows->pos,
        .pos = rows->pos + 1,
        .received = head->received,
        .verdict = record->readings.len > 0 ? VERDICT_STORED : VERDICT_REJECTED,
        .readings = record->readings.at,
        .n_readings = record->readings.len,
        .rejects = record->rejects.at,
        .n_rejects = record->rejects.len,
    };

    if (lane < 0) {
        rows->foreign++;
        return;
    }
    decoded.code =
        record->readings.len > 0 ? record->readings.at[0].code : record->rejects.at[0].code;
    /* Its identity, if it had one, has done its work: doubles are not among the rows. */
    decoded.content = decoded.pos;
    rows->pos++;
    backtest_feed(rows->backtest, (size_t)lane, &decoded);
}

static bool
feed_next(struct rows *rows, struct gathered *record, struct source *first, struct err *err)
{
    const struct source head = {.origin = first->origin, .received = first->received};

    arena_reset(&record->arena);
    record->readings.len = record->rejects.len = 0;
    for (struct source *source = first; source != NULL && compare(source, &head) == 0;
         source = earliest(rows)) {
        if (record->readings.len + record->rejects.len >= RECORD_ROWS) {
            return err_set(err, ERR_INPUT,
                "database: over %d rows of one record, src %" PRId32 " pos %" PRId64, RECORD_ROWS,
                head.origin.src, head.origin.pos);
        }
        take_row(record, source);
        if (!step(rows, source, err))
            return false;
    }
    feed_record(rows, record, &head);
    return true;
}

static bool
feed_all(
    struct rows *rows, void (*progress)(void *arg, struct instant at), void *arg, struct err *err)
{
    struct gathered record = {0};
    struct source *first;
    bool ok = true;

    arena_init(&record.arena);
    for (uint64_t n = 0; ok && (first = earliest(rows)) != NULL; n++) {
        if (n % PROGRESS_EVERY == 0)
            progress(arg, first->received);
        ok = feed_next(rows, &record, first, err);
    }
    arena_fini(&record.arena);
    VEC_FREE(&record.readings);
    VEC_FREE(&record.rejects);
    return ok;
}

bool
backtest_rows(struct backtest *backtest, const struct config *database,
    const struct backtest_span *span, void (*progress)(void *arg, struct instant at), void *arg,
    uint64_t *foreign, struct err *err)
{
    const struct config *config = backtest->config;
    struct rows rows = {
        .backtest = backtest, .config = config, .n_sources = config->classes.len + 1};
    bool ok = true;

    rows.sources = mem_zalloc(rows.n_sources, sizeof(*rows.sources));
    arena_init(&rows.arena);
    map_init(&rows.seen);
    for (size_t i = 0; ok && i < rows.n_sources; i++) {
        struct source *source = &rows.sources[i];
        const struct class *class = i < config->classes.len ? &config->classes.at[i] : NULL;

        ok = open_source(database, source, class, span, err);
    }
    PGconn *pg =
        ok ? tool_connect(database->database, database->database_password_file, err) : NULL;

    ok = pg != NULL && tool_check_schema(pg, err) && read_lanes(&rows, pg, err) &&
         read_seen(&rows, pg, err);
    PQfinish(pg);
    for (size_t i = 0; ok && i < rows.n_sources; i++)
        ok = !rows.sources[i].there || step(&rows, &rows.sources[i], err);
    ok = ok && feed_all(&rows, progress, arg, err);
    if (ok)
        backtest_end(backtest, span->to);
    *foreign = rows.foreign;
    for (size_t i = 0; i < rows.n_sources; i++)
        close_source(&rows.sources[i]);
    free(rows.sources);
    VEC_FREE(&rows.lanes);
    map_fini(&rows.seen);
    arena_fini(&rows.arena);
    return ok;
}
