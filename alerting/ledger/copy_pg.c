#include "alerting/ledger/copy_pg.h"

#include "alerting/ledger/ledger.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/io/pgconn_pg.h"
#include "base/io/schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_EVENTS 200
#define BATCH_BYTES ((size_t)4 << 20)
#define BATCH_FRAMES 5000 /* inputs are passed over; the loop wants its turn */
#define LIMIT ((size_t)16 << 20)
#define RETRY_MS 2000

static const char sql_session[] = "SELECT set_config('lock_timeout', '5s', false), "
                                  "set_config('statement_timeout', '60s', false), "
                                  "(SELECT max(version) FROM ops.migration)";
static const char sql_mark[] =
    "WITH added AS (INSERT INTO alerting.ledger_mark (lane, ledger, pos) "
    "VALUES ($1, decode($2, 'hex'), 0) ON CONFLICT DO NOTHING) "
    "SELECT coalesce((SELECT pos FROM alerting.ledger_mark "
    "WHERE lane = $1 AND ledger = decode($2, 'hex')), 0)";
/* One statement is one transaction: events and mark together. The mark never goes back. */
static const char sql_copy[] =
    "WITH copied AS (SELECT alerting.copy_events($1, $3::json)) "
    "UPDATE alerting.ledger_mark SET pos = greatest(pos, $4::bigint), at = clock_timestamp() "
    "FROM copied WHERE lane = $1 AND ledger = decode($2, 'hex')";
static const char sql_unreadable[] =
    "WITH kept AS (INSERT INTO alerting.unreadable (lane, pos, detail, raw) "
    "VALUES ($1, $4::bigint, $5, decode($3, 'hex')) ON CONFLICT DO NOTHING) "
    "UPDATE alerting.ledger_mark SET pos = greatest(pos, $4::bigint), at = clock_timestamp() "
    "WHERE lane = $1 AND ledger = decode($2, 'hex')";

struct ledger_copy {
    struct ledger_copy_options opt;
    char *texts[3]; /* what opt's strings point to */
    struct pgconn *conn;
    struct wal_cursor *cursor;
    bool open;         /* connected, mark known */
    bool busy;         /* a batch is under way */
    bool more;         /* woken while busy, or the turn ended early */
    bool told;         /* why the connection is about to be dropped */
    bool single;       /* one event at a time: the last batch was refused */
    uint64_t mark, to; /* committed; end of the batch under way */
    size_t events;     /* in it */
    struct buf json;
    char ledger_id[2 * WAL_ID_BYTES + 1];
    void (*on_closed)(void *arg);
    void *closed_arg;
};

static void copy_next(struct ledger_copy *copy);

static void
fail(struct ledger_copy *copy, const char *what, const PGresult *result)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    char why[512];

    (void)snprintf(why, sizeof(why), "%s: %s (%s)", what, message != NULL ? message : "refused",
        state != NULL ? state : "-----");
    copy->open = copy->busy = false;
    copy->told = true;
    pgconn_again(copy->conn, why, RETRY_MS);
    copy->opt.on_away(copy->opt.arg, why);
}

/* --- batches ------------------------------------------------------------------------------- */

/* Fills json with the events behind the mark. False: there is nothing new at all. */
static bool
fill(struct ledger_copy *copy)
{
    const size_t most = copy->single ? 1 : BATCH_EVENTS;
    struct ledger_record record;
    struct view frame;
    uint64_t end = copy->mark;
    enum wal_next next = WAL_END;

    copy->events = 0;
    copy->more = true;
    buf_reset(&copy->json);
    buf_char(&copy->json, '[');
    wal_cursor_seek(copy->cursor, copy->mark);
    for (int i = 0; i < BATCH_FRAMES && copy->events < most && copy->json.len < BATCH_BYTES; i++) {
        next = wal_cursor_next(copy->cursor, &frame, &end);
        if (next == WAL_END)
            break;
        copy->to = end;
        /* WAL_LOST: trimmed before it was copied; what follows is all there is. */
        if (next != WAL_FRAME || !ledger_decode(frame, &record) || record.type != LEDGER_EVENT)
            continue;
        if (copy->events++ > 0)
            buf_char(&copy->json, ',');
        buf_put(&copy->json, record.body);
    }
    buf_char(&copy->json, ']');
    CHECK(!copy->json.full);
    if (next == WAL_END)
        copy->more = false;
    return copy->to > copy->mark;
}

static void on_copied(void *arg, enum pgconn_status status, const PGresult *result);

static void
send_batch(
    struct ledger_copy *copy, const char *sql, int n_params, const char *body, const char *why)
{
    char to[24];
    const char *params[] = {copy->opt.lane, copy->ledger_id, body, to, why};

    (void)snprintf(to, sizeof(to), "%" PRIu64, copy->to);
    pgconn_query(copy->conn, sql, n_params, params, on_copied, copy);
}

/* The one event that is refused: its bytes are kept, the copy goes on behind it. */
static void
set_apart(struct ledger_copy *copy, const PGresult *result)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    struct buf hex;

    buf_init(&hex, LIMIT * 2);
    for (size_t i = 1; i + 1 < copy->json.len; i++)
        buf_printf(&hex, "%02x", (unsigned char)copy->json.ptr[i]);
    copy->events = 0;
    send_batch(
        copy, sql_unreadable, 5, hex.ptr != NULL ? hex.ptr : "", message != NULL ? message : "");
    buf_fini(&hex);
}

/* Data exceptions are a body's fault; all else means that the database is not ready for us. */
static bool
is_data_error(const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return state != NULL && (strncmp(state, "22", 2) == 0 || strncmp(state, "23", 2) == 0 ||
                                strncmp(state, "54", 2) == 0);
}

static void
on_copied(void *arg, enum pgconn_status status, const PGresult *result)
{
    struct ledger_copy *copy = arg;

    if (status == PGCONN_LOST)
        return;
    if (status == PGCONN_ERROR) {
        if (!is_data_error(result) || copy->events == 0) {
            fail(copy, "alerting.copy_events", result);
        } else if (copy->single) {
            set_apart(copy, result);
        } else {
            copy->single = true;
            copy_next(copy);
        }
        return;
    }
    copy->busy = false;
    copy->mark = copy->to;
    if (!copy->more)
        copy->single = false;
    copy->opt.on_copied(copy->opt.arg, copy->mark);
    ledger_copy_wake(copy);
}

static void
copy_next(struct ledger_copy *copy)
{
    copy->to = copy->mark;
    copy->busy = fill(copy);
    if (copy->busy)
        send_batch(copy, sql_copy, 4, copy->json.ptr, NULL);
}

void
ledger_copy_wake(struct ledger_copy *copy)
{
    if (copy->open && !copy->busy && pgconn_ready(copy->conn))
        copy_next(copy);
    else
        copy->more = true;
}

/* --- handshake ----------------------------------------------------------------------------- */

static void
on_mark(void *arg, enum pgconn_status status, const PGresult *result)
{
    struct ledger_copy *copy = arg;

    if (status == PGCONN_ERROR)
        fail(copy, "alerting.ledger_mark", result);
    if (status != PGCONN_OK)
        return;
    copy->mark = strtoull(PQgetvalue(result, 0, 0), NULL, 10);
    copy->open = true;
    copy->single = false;
    copy->opt.on_copied(copy->opt.arg, copy->mark);
    ledger_copy_wake(copy);
}

static void
on_session(void *arg, enum pgconn_status status, const PGresult *result)
{
    struct ledger_copy *copy = arg;
    const char *params[] = {copy->opt.lane, copy->ledger_id};

    if (status == PGCONN_ERROR)
        fail(copy, "ops.migration", result);
    if (status != PGCONN_OK)
        return;
    if (strtoul(PQgetvalue(result, 0, 2), NULL, 10) != schema_version) {
        copy->told = true;
        pgconn_again(copy->conn, "the schema is not of this program's version", RETRY_MS);
        copy->opt.on_away(
            copy->opt.arg, "the schema is not of this program's version, run wallwatch migrate");
        return;
    }
    pgconn_query(copy->conn, sql_mark, 2, params, on_mark, copy);
}

static void
on_ready(void *arg)
{
    struct ledger_copy *copy = arg;

    pgconn_query(copy->conn, sql_session, 0, NULL, on_session, copy);
}

static void
on_lost(void *arg, const char *why)
{
    struct ledger_copy *copy = arg;

    copy->open = copy->busy = false;
    if (!copy->told)
        copy->opt.on_away(copy->opt.arg, why);
    copy->told = false;
}

/* --- life ---------------------------------------------------------------------------------- */

static char *
copy_option(const char *text)
{
    char *out = text == NULL ? NULL : strdup(text);

    CHECK(out != NULL || text == NULL);
    return out;
}

struct ledger_copy *
ledger_copy_open(const struct ledger_copy_options *opt)
{
    struct ledger_copy *copy = mem_zalloc(1, sizeof(*copy));
    const unsigned char *id = wal_id(opt->ledger);
    char name[80];

    copy->opt = *opt;
    copy->opt.conninfo = copy->texts[0] = copy_option(opt->conninfo);
    copy->opt.password_file = copy->texts[1] = copy_option(opt->password_file);
    copy->opt.lane = copy->texts[2] = copy_option(opt->lane);
    copy->cursor = wal_cursor_new(opt->ledger, wal_first(opt->ledger));
    buf_init(&copy->json, LIMIT);
    for (size_t i = 0; i < WAL_ID_BYTES; i++)
        (void)snprintf(copy->ledger_id + 2 * i, 3, "%02x", id[i]);
    (void)snprintf(name, sizeof(name), "wallwatch ledger %s", opt->lane);
    copy->conn = pgconn_open(&(struct pgconn_options){
        .loop = opt->loop,
        .conninfo = copy->opt.conninfo,
        .password_file = copy->opt.password_file,
        .name = name,
        .on_ready = on_ready,
        .on_lost = on_lost,
        .arg = copy,
    });
    return copy;
}

static void
on_conn_closed(void *arg)
{
    struct ledger_copy *copy = arg;
    void (*on_closed)(void *arg) = copy->on_closed;
    void *closed_arg = copy->closed_arg;

    for (size_t i = 0; i < ARRAY_LEN(copy->texts); i++)
        free(copy->texts[i]);
    buf_fini(&copy->json);
    free(copy);
    if (on_closed != NULL)
        on_closed(closed_arg);
}

void
ledger_copy_close(struct ledger_copy *copy, void (*on_closed)(void *arg), void *arg)
{
    copy->open = false;
    copy->on_closed = on_closed;
    copy->closed_arg = arg;
    wal_cursor_free(copy->cursor);
    pgconn_close(copy->conn, on_conn_closed, copy);
}
