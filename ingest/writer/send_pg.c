/*
 * One batch as one transaction. Each answer starts the next step:
 *
 *   new devices -> chunks -> BEGIN -> COPY per table -> rejects -> ops.batch and mark -> COMMIT
 *
 * The first two are transactions of their own. When a row is refused, the transaction starts over
 * with a savepoint before each COPY, and what fails is halved until one row is left.
 */
#include "ingest/writer/send_pg.h"

#include "base/check.h"
#include "base/io/pgconn_pg.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char sql_seen[] =
    "INSERT INTO ops.seen AS s (device, code, class, compound, lane, heard) "
    "SELECT DISTINCT ON (device) device, code, class, compound, $1, heard "
    "FROM jsonb_to_recordset($2::jsonb) "
    "AS x(device bigint, code text, class text, compound text, heard timestamptz) "
    "ORDER BY device, heard DESC NULLS LAST "
    "ON CONFLICT (device) DO UPDATE SET class = excluded.class, compound = excluded.compound, "
    "lane = excluded.lane, heard = excluded.heard "
    "WHERE excluded.heard > s.heard OR (s.heard IS NULL AND excluded.heard IS NOT NULL)";
static const char sql_chunk[] =
    "SELECT telemetry.ensure_chunk($1, to_timestamp($2::bigint * 86400))";
static const char sql_begin[] = "BEGIN";
static const char sql_save[] = "SAVEPOINT rows";
static const char sql_undo[] = "ROLLBACK TO SAVEPOINT rows";
static const char sql_rollback[] = "ROLLBACK";
static const char sql_rejects[] =
    "COPY ops.reject (" COPY_REJECT_COLUMNS ") FROM STDIN (FORMAT binary)";
/* The lane's row is locked until COMMIT: a newer owner waits for it, or we find its epoch. */
static const char sql_batch[] =
    "WITH fence AS (SELECT epoch FROM ops.lane WHERE lane = $1 AND epoch = $2::integer FOR SHARE), "
    "moved AS (UPDATE ops.mark m SET pos = $5::bigint, epoch = fence.epoch, at = clock_timestamp() "
    "FROM fence WHERE m.src = $3::integer AND m.pos = $4::bigint RETURNING m.src), "
    "touched AS (INSERT INTO ops.touched (class, time, device) SELECT x.c, to_timestamp(x.m * 60), "
    "x.d FROM moved, jsonb_to_recordset($15::jsonb) AS x(c text, m bigint, d bigint)) "
    "INSERT INTO ops.batch (src, from_pos, to_pos, epoch, config, records, stored, rejected, "
    "duplicate, own, shed, readings, rejects) "
    "SELECT src, $4::bigint, $5::bigint, $2::integer, $6::integer, $7::bigint, $8::integer, "
    "$9::integer, $10::integer, $11::integer, $12::bigint, $13::integer, $14::integer FROM moved "
    "RETURNING src";
static const char sql_commit[] = "COMMIT";

static void ensure_next_chunk(struct writer *writer);
static void begin(struct writer *writer);
static void copy_next(struct writer *writer);

/* True if the step went well; else the writer has been told what to do. */
static bool
fine(struct writer *writer, const char *what, enum pgconn_status status, const PGresult *result)
{
    if (status == PGCONN_OK)
        return true;
    if (status == PGCONN_ERROR)
        writer_refused(writer, what, result);
    return false; /* lost: on_lost follows */
}

static enum sql_decision
decision_of(const PGresult *result)
{
    return sqlstate_decide(PQresultErrorField(result, PG_DIAG_SQLSTATE));
}

/* --- before the transaction ---------------------------------------------------------------- */

static void
on_seen(void *arg, enum pgconn_status status, const PGresult *result)
{
    struct writer *writer = arg;

    if (!fine(writer, "ops.seen", status, result))
        return;
    buf_reset(&writer->sent->seen);
    ensure_next_chunk(writer);
}

static void
register_seen(struct writer *writer)
{
    const struct view seen = buf_view(&writer->sent->seen);
    struct buf json;

    buf_init(&json, seen.len + 2);
    buf_char(&json, '[');
    buf_put(&json, (struct view){seen.ptr + 1, seen.len - 1});
    buf_char(&json, ']');
    const char *params[] = {writer->opt.lane, json.ptr};

    pgconn_query(writer->conn, sql_seen, 2, params, on_seen, writer);
    buf_fini(&json);
}

static struct view
chunk_key(const struct batch_table *table, int64_t day, char *out, size_t size)
{
    (void)snprintf(out, size, "%s %" PRId64, table->class_name.ptr, day);
    return view_of(out);
}

static void
on_chunk(void *arg, enum pgconn_status status, const PGresult *result)
{
    struct writer *writer = arg;
    const struct batch_table *table = &writer->sent->tables.at[writer->send.table];
    char key[128];

    /* Refused as not believable: the rows of that day will be found and set apart one by one. */
    if (status != PGCONN_ERROR || decision_of(result) != SQL_QUARANTINE) {
        if (!fine(writer, "ensure_chunk", status, result))
            return;
        (void)map_put(&writer->chunks,
            chunk_key(table, table->days.at[writer->send.day], key, sizeof(key)), writer);
    }
    writer->send.day++;
    ensure_next_chunk(writer);
}

static void
ensure_next_chunk(struct writer *writer)
{
    struct send *send = &writer->send;
    const struct batch *batch = writer->sent;
    char key[128];
    char day[24];

    for (; send->table < batch->tables.len; send->table++, send->day = 0) {
        const struct batch_table *table = &batch->tables.at[send->table];

        for (; send->day < table->days.len; send->day++) {
            const int64_t at = table->days.at[send->day];

            if (map_get(&writer->chunks, chunk_key(table, at, key, sizeof(key))) != NULL)
                continue;
            (void)snprintf(day, sizeof(day), "%" PRId64, at);
            const char *params[] = {table->class_name.ptr, day};

            pgconn_query(writer->conn, sql_chunk, 2, params, on_chunk, writer);
            return;
        }
    }
    begin(writer);
}

/* --- the transaction ----------------------------------------------------------------------- */

static void
on_commit(void *arg, enum pgconn_status status, const PGresult *result)
{
    struct writer *writer = arg;

    if (fine(writer, "COMMIT", status, result))
        writer_sent(writer);
}

static void
on_booked(void *arg, enum pgconn_status status, const PGresult *result)
{
    struct writer *writer = arg;

    if (!fine(writer, "ops.batch", status, result))
        return;
    if (PQntuples(result) != 1)
        writer_fail(writer, SQL_AGAIN, "the mark or the epoch is not as we left it");
    else
        pgconn_query(writer->conn, sql_commit, 0, NULL, on_commit, writer);
}

static void
book(struct writer *writer)
{
    const struct batch *batch = writer->sent;
    const uint64_t numbers[] = {writer->epoch, (uint64_t)writer->src, batch->from, batch->to,
        batch->config, batch->records, batch->counts[VERDICT_STORED],
        batch->counts[VERDICT_REJECTED], batch->counts[VERDICT_DUPLICATE],
        batch->counts[VERDICT_OWN], batch->counts[VERDICT_SHED], batch->readings, batch->rejects};
    char texts[ARRAY_LEN(numbers)][24];
    const char *params[2 + ARRAY_LEN(numbers)] = {writer->opt.lane};
    struct buf touched;

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "%" PRIu64, numbers[i]);
        params[1 + i] = texts[i];
    }
    buf_init(&touched, BATCH_LIMIT);
    batch_touched(batch, &touched);
    buf_char(&touched, '\0');
    params[1 + ARRAY_LEN(numbers)] = touched.ptr;
    pgconn_query(writer->conn, sql_batch, (int)ARRAY_LEN(params), params, on_booked, writer);
    buf_fini(&touched);
}

static void
on_rejects(void *arg, enum pgconn_status status, const PGresult *result)
{
    struct writer *writer = arg;

    /* Their texts were made harmless; if they are refused, it is not the fault of a row. */
    if (status == PGCONN_ERROR && decision_of(result) == SQL_QUARANTINE)
        writer_fail(writer, SQL_MIGRATE, PQresultErrorMessage(result));
    else if (fine(writer, "ops.reject", status, result))
        book(writer);
}

static void
copy_rejects(struct writer *writer)
{
    struct batch *batch = writer->sent;

    if (batch->rejects == 0) {
        book(writer);
        return;
    }
    buf_reset(&writer->send.stream);
    buf_put(&writer->send.stream, buf_view(&batch->reject_rows));
    copy_end(&writer->send.stream);
    pgconn_copy_in(writer->conn, sql_rejects, buf_view(&writer->send.stream), on_rejects, writer);
}

static void
on_undone(void *arg, enum pgconn_status status, const PGresult *result)
{
    if (fine(arg, "ROLLBACK TO", status, result))
        copy_next(arg);
}

/* The range that was just refused: halve it, or set its one row apart. */
static void
narrow(struct writer *writer, const PGresult *result)
{
    struct send *send = &writer->send;
    const struct range bad = send->todo.at[--send->todo.len];

    if (bad.end - bad.first > 1) {
        const size_t middle = bad.first + (bad.end - bad.first) / 2;

        *VEC_PUSH(&send->todo) = (struct range){bad.table, middle, bad.end};
        *VEC_PUSH(&send->todo) = (struct range){bad.table, bad.first, middle};
    } else {
        const char *why = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        const struct copy_origin origin = {.src = writer->src, .config = writer->sent->config};

        (void)snprintf(send->why, sizeof(send->why), "%s", why != NULL ? why : "refused");
        batch_quarantine(
            writer->sent, &writer->sent->tables.at[bad.table], bad.first, &origin, send->why);
        send->quarantined++;
    }
    if (send->quarantined > 64 && send->quarantined > send->rows / 2) {
        /* Half of all rows cannot be bad: the table is. Nothing is set apart. */
        writer_fail(writer, SQL_MIGRATE, send->why);
        return;
    }
    pgconn_query(writer->conn, sql_undo, 0, NULL, on_undone, writer);
}

static void
on_rolled_back(void *arg, enum pgconn_status status, const PGresult *result)
{
    struct writer *writer = arg;

    if (!fine(writer, "ROLLBACK", status, result))
        return;
    writer->send.table = writer->send.day = 0;
    ensure_next_chunk(writer);
}

static void
on_copied(void *arg, enum pgconn_status status, const PGresult *result)
{
    struct writer *writer = arg;

    if (status != PGCONN_ERROR || decision_of(result) != SQL_QUARANTINE) {
        if (!fine(writer, "COPY", status, result))
            return;
        writer->send.todo.len--;
        copy_next(writer);
    } else if (writer->send.bisect) {
        narrow(writer, result);
    } else {
        /* Perhaps a chunk that we knew has been dropped: ask anew, then look for bad rows. */
        writer->send.bisect = true;
        map_fini(&writer->chunks);
        map_init(&writer->chunks);
        pgconn_query(writer->conn, sql_rollback, 0, NULL, on_rolled_back, writer);
    }
}

static void
copy_range(struct writer *writer)
{
    const struct range *range = &writer->send.todo.at[writer->send.todo.len - 1];
    const struct batch_table *table = &writer->sent->tables.at[range->table];

    batch_slice(table, range->first, range->end, &writer->send.stream);
    pgconn_copy_in(writer->conn, table->sql.ptr, buf_view(&writer->send.stream), on_copied, writer);
}

static void
on_saved(void *arg, enum pgconn_status status, const PGresult *result)
{
    if (fine(arg, "SAVEPOINT", status, result))
        copy_range(arg);
}

static void
copy_next(struct writer *writer)
{
    if (writer->send.todo.len == 0)
        copy_rejects(writer);
    else if (writer->send.bisect)
        pgconn_query(writer->conn, sql_save, 0, NULL, on_saved, writer);
    else
        copy_range(writer);
}

static void
on_begun(void *arg, enum pgconn_status status, const PGresult *result)
{
    struct writer *writer = arg;
    struct send *send = &writer->send;

    if (!fine(writer, "BEGIN", status, result))
        return;
    send->todo.len = 0;
    for (size_t i = writer->sent->tables.len; i > 0; i--) {
        if (writer->sent->tables.at[i - 1].row.len > 0)
            *VEC_PUSH(&send->todo) =
                (struct range){i - 1, 0, writer->sent->tables.at[i - 1].row.len};
    }
    copy_next(writer);
}

static void
begin(struct writer *writer)
{
    pgconn_query(writer->conn, sql_begin, 0, NULL, on_begun, writer);
}

void
writer_send(struct writer *writer)
{
    struct send *send = &writer->send;

    send->busy = true;
    send->bisect = false;
    send->table = send->day = 0;
    send->quarantined = 0;
    send->rows = writer->sent->readings;
    if (writer->sent->seen.len > 0)
        register_seen(writer);
    else
        ensure_next_chunk(writer);
}
