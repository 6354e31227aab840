#include "ingest/writer/writer_pg.h"

#include "base/check.h"
#include "base/io/pgconn_pg.h"
#include "base/io/schema.h"
#include "ingest/writer/send_pg.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLUSH_MS 200
#define RETRY_MAX_MS 5000
#define KNOWN_MAX 500000 /* devices remembered; beyond it the set starts anew */

/* lock_timeout: a COPY that waits for somebody's ALTER TABLE gives way, and comes again. */
static const char sql_session[] =
    "SELECT set_config('lock_timeout', '5s', false), set_config('statement_timeout', '60s', "
    "false), "
    "set_config('idle_in_transaction_session_timeout', '60s', false), "
    "pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean";
static const char sql_schema[] = "SELECT coalesce(max(version), 0) FROM ops.migration";
static const char sql_epoch_new[] =
    "INSERT INTO ops.lane AS l (lane, epoch) VALUES ($1, 1) ON CONFLICT (lane) "
    "DO UPDATE SET epoch = l.epoch + 1, since = clock_timestamp() RETURNING epoch";
/* After a fail-over that lost our line it is put back; a greater one is another owner's. */
static const char sql_epoch_again[] =
    "INSERT INTO ops.lane AS l (lane, epoch) VALUES ($1, $2::integer) ON CONFLICT (lane) "
    "DO UPDATE SET epoch = greatest(l.epoch, excluded.epoch) RETURNING epoch";
static const char sql_journal_add[] = "INSERT INTO ops.journal (lane, journal) "
                                      "VALUES ($1, decode($2, 'hex')) ON CONFLICT DO NOTHING";
static const char sql_journal[] =
    "SELECT src FROM ops.journal WHERE lane = $1 AND journal = decode($2, 'hex')";
static const char sql_mark_add[] = "INSERT INTO ops.mark (src, epoch, pos) "
                                   "VALUES ($1::integer, $2::integer, 0) ON CONFLICT DO NOTHING";
static const char sql_mark[] = "SELECT pos FROM ops.mark WHERE src = $1::integer";

/* --- failures ------------------------------------------------------------------------------ */

static void
forget(struct writer *writer)
{
    writer->state = WRITER_AWAY;
    writer->send.busy = false;
    writer->flush = false;
    (void)uv_timer_stop(&writer->flush_timer);
    batch_reset(&writer->batches[0], 0);
    batch_reset(&writer->batches[1], 0);
    /* Another server may answer next. */
    map_fini(&writer->known);
    map_init(&writer->known);
    map_fini(&writer->chunks);
    map_init(&writer->chunks);
}

void
writer_fail(struct writer *writer, enum sql_decision decision, const char *why)
{
    const uint64_t first = decision == SQL_AGAIN ? 0 : 1000;
    const uint64_t step = writer->failures < 5 ? UINT64_C(250) << writer->failures : RETRY_MAX_MS;
    const uint64_t delay = writer->failures == 0 ? first : first + step;
    char text[512];

    (void)snprintf(text, sizeof(text), "%s", why);
    text[strcspn(text, "\n")] = '\0';
    writer->failures++;
    forget(writer);
    writer->told = true;
    pgconn_again(writer->conn, text, delay > RETRY_MAX_MS ? RETRY_MAX_MS : delay);
    writer->opt.on_away(writer->opt.arg, text, decision == SQL_MIGRATE ? "schema-behind" : NULL);
}

void
writer_refused(struct writer *writer, const char *what, const void *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    enum sql_decision decision = sqlstate_decide(state);
    char why[512];

    /* Where no row is sent, no row is to blame. */
    if (decision == SQL_QUARANTINE)
        decision = SQL_WAIT;
    (void)snprintf(why, sizeof(why), "%s: %s (%s)%s", what, message != NULL ? message : "refused",
        state != NULL ? state : "-----", decision == SQL_MIGRATE ? ", run wallwatch migrate" : "");
    writer_fail(writer, decision, why);
}

static void
on_lost(void *arg, const char *why)
{
    struct writer *writer = arg;

    if (writer->state == WRITER_FENCED)
        return;
    forget(writer);
    if (!writer->told)
        writer->opt.on_away(writer->opt.arg, why, NULL);
    writer->told = false;
}

/* --- handshake ----------------------------------------------------------------------------- */

/* The text of the one value that is expected; NULL: the writer has been told what to do. */
static const char *
answer(struct writer *writer, const char *what, enum pgconn_status status, const PGresult *result)
{
    if (status == PGCONN_ERROR)
        writer_refused(writer, what, result);
    if (status != PGCONN_OK)
        return NULL;
    if (PQntuples(result) == 1)
        return PQgetvalue(result, 0, PQnfields(result) - 1);
    writer_fail(writer, SQL_WAIT, "the database gave no answer where one row was expected");
    return NULL;
}

static void
become_open(struct writer *writer)
{
    batch_reset(&writer->batches[0], writer->mark);
    batch_reset(&writer->batches[1], writer->mark);
    writer->fill = &writer->batches[0];
    writer->sent = &writer->batches[1];
    writer->state = WRITER_OPEN;
    writer->opt.on_ready(writer->opt.arg, writer->mark, writer->epoch);
}

static void probe_next(struct writer *writer);

static void
on_probed(void *arg, enum pgconn_status status, const PGresult *result)
{
    struct writer *writer = arg;
    const struct class *class = &writer->opt.classes.at[writer->probe];

    if (status == PGCONN_ERROR)
        writer_refused(writer, class->name, result);
    if (status != PGCONN_OK)
        return;
    for (size_t i = 0; i < copy_class_columns(class); i++) {
        if (PQftype(result, (int)i) != copy_class_oid(class, i)) {
            char why[256];

            (void)snprintf(why, sizeof(why),
                "telemetry.%s: column '%s' has another type than its field, run wallwatch migrate",
                class->name, PQfname(result, (int)i));
            writer_fail(writer, SQL_MIGRATE, why);
            return;
        }
    }
    writer->probe++;
    probe_next(writer);
}

/* Every table must take what we would send, before anybody is asked to send it. */
static void
probe_next(struct writer *writer)
{
    struct buf sql;

    if (writer->probe >= writer->opt.classes.len) {
        become_open(writer);
        return;
    }
    buf_init(&sql, BATCH_LIMIT);
    copy_probe_sql(&sql, &writer->opt.classes.at[writer->probe]);
    pgconn_query(writer->conn, sql.ptr, 0, NULL, on_probed, writer);
    buf_fini(&sql);
}

static void
on_mark(void *arg, enum pgconn_status status, const PGresult *result)
{
    struct writer *writer = arg;
    const char *pos = answer(writer, "ops.mark", status, result);

    if (pos == NULL)
        return;
    writer->mark = strtoull(pos, NULL, 10);
    writer->probe = 0;
    probe_next(writer);
}

static void
on_mark_added(void *arg, enum pgconn_status status, const PGresult *result)
{
    struct writer *writer = arg;
    char src[16];
    const char *params[] = {src};

    if (status == PGCONN_ERROR)
        writer_refused(writer, "ops.mark", result);
    if (status != PGCONN_OK)
        return;
    (void)snprintf(src, sizeof(src), "%" PRId32, writer->src);
    pgconn_query(writer->conn, sql_mark, 1, params, on_mark, writer);
}

static void
on_journal(void *arg, enum pgconn_status status, const PGresult *result)
{
    struct writer *writer = arg;
    const char *src = answer(writer, "ops.journal", status, result);
    char text[16];
    char epoch[16];
    const char *params[] = {text, epoch};

    if (src == NULL)
        return;
    writer->src = (int32_t)strtol(src, NULL, 10);
    (void)snprintf(text, sizeof(text), "%" PRId32, writer->src);
    (void)snprintf(epoch, sizeof(epoch), "%" PRIu32, writer->epoch);
    pgconn_query(writer->conn, sql_mark_add, 2, params, on_mark_added, writer);
}

static void
query_journal(struct writer *writer, const char *sql, pgconn_done_fn *done)
{
    char hex[2 * WAL_ID_BYTES + 1];
    const char *params[] = {writer->opt.lane, hex};

    for (size_t i = 0; i < WAL_ID_BYTES; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", writer->opt.journal_id[i]);
    pgconn_query(writer->conn, sql, 2, params, done, writer);
}

static void
on_journal_added(void *arg, enum pgconn_status status, const PGresult *result)
{
    struct writer *writer = arg;

    if (status == PGCONN_ERROR)
        writer_refused(writer, "ops.journal", result);
    if (status == PGCONN_OK)
        query_journal(writer, sql_journal, on_journal);
}

static void
on_epoch(void *arg, enum pgconn_status status, const PGresult *result)
{
    struct writer *writer = arg;
    const char *text = answer(writer, "ops.lane", status, result);

    if (text == NULL)
        return;
    const uint32_t epoch = (uint32_t)strtoul(text, NULL, 10);

    if (writer->epoch != 0 && epoch > writer->epoch) {
        char why[160];

        (void)snprintf(why, sizeof(why),
            "lane '%s' has a newer owner: epoch %" PRIu32 ", ours is %" PRIu32, writer->opt.lane,
            epoch, writer->epoch);
        writer->state = WRITER_FENCED;
        writer->opt.on_away(writer->opt.arg, why, "lane-fenced");
        return;
    }
    writer->epoch = epoch;
    query_journal(writer, sql_journal_add, on_journal_added);
}

static void
on_schema(void *arg, enum pgconn_status status, const PGresult *result)
{
    struct writer *writer = arg;
    const char *text = answer(writer, "ops.migration", status, result);
    char why[256];

    if (text == NULL)
        return;
    const uint32_t version = (uint32_t)strtoul(text, NULL, 10);

    if (version != schema_version) {
        (void)snprintf(why, sizeof(why),
            "the schema is at version %" PRIu32 ", this program needs %" PRIu32 "%s", version,
            schema_version,
            version < schema_version ? ", run wallwatch migrate" : ", install the newer program");
        writer_fail(writer, SQL_MIGRATE, why);
        return;
    }
    char epoch[16];
    const char *params[] = {writer->opt.lane, epoch};

    (void)snprintf(epoch, sizeof(epoch), "%" PRIu32, writer->epoch);
    if (writer->epoch == 0)
        pgconn_query(writer->conn, sql_epoch_new, 1, params, on_epoch, writer);
    else
        pgconn_query(writer->conn, sql_epoch_again, 2, params, on_epoch, writer);
}

static void
on_session(void *arg, enum pgconn_status status, const PGresult *result)
{
    struct writer *writer = arg;
    const char *read_only = answer(writer, "session", status, result);

    if (read_only == NULL)
        return;
    if (read_only[0] == 't')
        writer_fail(writer, SQL_WAIT, "the database is read-only");
    else
        pgconn_query(writer->conn, sql_schema, 0, NULL, on_schema, writer);
}

static void
on_ready(void *arg)
{
    struct writer *writer = arg;

    if (writer->state == WRITER_FENCED)
        return;
    writer->state = WRITER_SHAKING;
    pgconn_query(writer->conn, sql_session, 0, NULL, on_session, writer);
}

/* --- batches ------------------------------------------------------------------------------- */

static void
send_now(struct writer *writer)
{
    struct batch *batch = writer->fill;

    writer->fill = writer->sent;
    writer->sent = batch;
    batch_reset(writer->fill, batch->to);
    writer->flush = false;
    (void)uv_timer_stop(&writer->flush_timer);
    writer_send(writer);
}

static void
send_if_due(struct writer *writer)
{
    if (writer->state == WRITER_OPEN && !writer->send.busy && !batch_empty(writer->fill) &&
        (writer->flush || batch_full(writer->fill)))
        send_now(writer);
}

static void
on_flush(uv_timer_t *timer)
{
    writer_flush(timer->data);
}

void
writer_sent(struct writer *writer)
{
    const uint64_t canary = writer->sent->canary;
    const uint64_t quarantined = writer->send.quarantined;

    writer->send.busy = false;
    writer->failures = 0;
    writer->mark = writer->sent->to;
    if (writer->known.len > KNOWN_MAX) {
        map_fini(&writer->known);
        map_init(&writer->known);
    }
    send_if_due(writer);
    if (quarantined > 0 && writer->opt.on_quarantine != NULL)
        writer->opt.on_quarantine(writer->opt.arg, quarantined, writer->send.why);
    if (writer->state != WRITER_CLOSED)
        writer->opt.on_stored(writer->opt.arg, writer->mark, canary);
}

bool
writer_room(const struct writer *writer)
{
    return writer->state == WRITER_OPEN && !batch_full(writer->fill);
}

static void
added(struct writer *writer)
{
    if (!uv_is_active((uv_handle_t *)&writer->flush_timer) && !writer->flush)
        CHECK(uv_timer_start(&writer->flush_timer, on_flush, FLUSH_MS, 0) == 0);
    send_if_due(writer);
}

void
writer_add(struct writer *writer, const struct decoded *record, enum verdict verdict)
{
    const struct copy_origin origin = {
        .src = writer->src,
        .pos = (int64_t)record->pos,
        .config = writer->opt.config_version,
        .sequenced = record->sequenced,
        .boot = record->boot,
        .sequence = record->sequence,
    };

    CHECK(writer_room(writer));
    batch_add(writer->fill, &origin, record, verdict, &writer->known);
    added(writer);
}

void
writer_shed(struct writer *writer, uint64_t from, uint64_t to, uint64_t records)
{
    CHECK(writer_room(writer) && from == writer->fill->to);
    writer->fill->config = writer->opt.config_version;
    batch_shed(writer->fill, to, records);
    added(writer);
}

void
writer_flush(struct writer *writer)
{
    if (writer->state != WRITER_OPEN || batch_empty(writer->fill))
        return;
    writer->flush = true;
    send_if_due(writer);
}

void
writer_configure(struct writer *writer, struct class_table classes, uint32_t version)
{
    writer->opt.classes = classes;
    writer->opt.config_version = version;
    batch_forget(&writer->batches[0]);
    batch_forget(&writer->batches[1]);
}

/* --- life ---------------------------------------------------------------------------------- */

static char *
copy_option(const char *text)
{
    char *copy = text == NULL ? NULL : strdup(text);

    CHECK(copy != NULL || text == NULL);
    return copy;
}

struct writer *
writer_open(const struct writer_options *opt)
{
    struct writer *writer = mem_zalloc(1, sizeof(*writer));
    char name[80];

    writer->opt = *opt;
    writer->opt.conninfo = writer->texts[0] = copy_option(opt->conninfo);
    writer->opt.password_file = writer->texts[1] = copy_option(opt->password_file);
    writer->opt.lane = writer->texts[2] = copy_option(opt->lane);
    batch_init(&writer->batches[0]);
    batch_init(&writer->batches[1]);
    writer->fill = &writer->batches[0];
    writer->sent = &writer->batches[1];
    map_init(&writer->known);
    map_init(&writer->chunks);
    buf_init(&writer->send.stream, BATCH_LIMIT);
    CHECK(uv_timer_init(opt->loop, &writer->flush_timer) == 0);
    writer->flush_timer.data = writer;
    writer->handles = 2; /* the timer and the connection */
    (void)snprintf(name, sizeof(name), "wallwatch writer %s", opt->lane);
    writer->conn = pgconn_open(&(struct pgconn_options){
        .loop = opt->loop,
        .conninfo = writer->opt.conninfo,
        .password_file = writer->opt.password_file,
        .name = name,
        .on_ready = on_ready,
        .on_lost = on_lost,
        .arg = writer,
    });
    return writer;
}

static void
on_part_closed(struct writer *writer)
{
    if (--writer->handles > 0)
        return;
    void (*on_closed)(void *arg) = writer->on_closed;
    void *arg = writer->closed_arg;

    for (size_t i = 0; i < ARRAY_LEN(writer->texts); i++)
        free(writer->texts[i]);
    batch_fini(&writer->batches[0]);
    batch_fini(&writer->batches[1]);
    map_fini(&writer->known);
    map_fini(&writer->chunks);
    buf_fini(&writer->send.stream);
    VEC_FREE(&writer->send.todo);
    free(writer);
    if (on_closed != NULL)
        on_closed(arg);
}

static void
on_timer_closed(uv_handle_t *handle)
{
    on_part_closed(handle->data);
}

static void
on_conn_closed(void *arg)
{
    on_part_closed(arg);
}

void
writer_close(struct writer *writer, void (*on_closed)(void *arg), void *arg)
{
    CHECK(writer->state != WRITER_CLOSED);
    writer->state = WRITER_CLOSED;
    writer->on_closed = on_closed;
    writer->closed_arg = arg;
    uv_close((uv_handle_t *)&writer->flush_timer, on_timer_closed);
    pgconn_close(writer->conn, on_conn_closed, writer);
}
