#include "ingest/writer/keeper_pg.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/io/pgconn_pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVERY_MS 10000
#define AGAIN_MS 100
#define BUCKETS 20 /* in one transaction */

struct keeper {
    struct keeper_options opt;
    char *texts[3]; /* what opt's strings point to */
    struct pgconn *conn;
    uv_timer_t timer;
    bool ready, told;
    size_t handles;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

/* It gives way to everybody: whoever must have a lock waits a second for it; a big chunk is
 * packed in minutes. */
static const char sql_session[] = "SELECT set_config('lock_timeout', '1s', false), "
                                  "set_config('statement_timeout', '600s', false), "
                                  "set_config('jit', 'off', false)";
static const char sql_step[] = "SELECT rollup.step($1)";
/* Chunks ahead, packing, what goes by policy (schema/0010_keep.sql): when nothing is to be rolled
 * up. */
static const char sql_keep[] = "SELECT ops.keep_step()";

static void on_timer(uv_timer_t *timer);

static void
again(struct keeper *keeper, uint64_t ms)
{
    if (keeper->handles == 2)
        CHECK(uv_timer_start(&keeper->timer, on_timer, ms, 0) == 0);
}

static void
trouble(struct keeper *keeper, const PGresult *result)
{
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    keeper->opt.on_trouble(keeper->opt.arg, text != NULL ? text : "refused");
    again(keeper, EVERY_MS);
}

static void
on_kept(void *arg, enum pgconn_status status, const PGresult *result)
{
    struct keeper *keeper = arg;

    if (status == PGCONN_ERROR)
        trouble(keeper, result);
    if (status != PGCONN_OK)
        return;
    const bool done = !PQgetisnull(result, 0, 0);

    if (done)
        keeper->opt.on_kept(keeper->opt.arg, PQgetvalue(result, 0, 0));
    again(keeper, done ? AGAIN_MS : EVERY_MS);
}

static void
on_step(void *arg, enum pgconn_status status, const PGresult *result)
{
    struct keeper *keeper = arg;

    if (status == PGCONN_ERROR)
        trouble(keeper, result);
    if (status != PGCONN_OK)
        return;
    if (strtol(PQgetvalue(result, 0, 0), NULL, 10) > 0)
        again(keeper, AGAIN_MS);
    else
        pgconn_query(keeper->conn, sql_keep, 0, NULL, on_kept, keeper);
}

static void
on_timer(uv_timer_t *timer)
{
    struct keeper *keeper = timer->data;
    char buckets[16];
    const char *params[] = {buckets};

    if (!keeper->ready || !pgconn_ready(keeper->conn))
        return;
    (void)snprintf(buckets, sizeof(buckets), "%d", BUCKETS);
    pgconn_query(keeper->conn, sql_step, 1, params, on_step, keeper);
}

static void
on_session(void *arg, enum pgconn_status status, const PGresult *result)
{
    struct keeper *keeper = arg;

    if (status == PGCONN_ERROR)
        trouble(keeper, result);
    keeper->ready = status == PGCONN_OK;
    if (keeper->ready)
        again(keeper, EVERY_MS);
}

static void
on_ready(void *arg)
{
    struct keeper *keeper = arg;

    pgconn_query(keeper->conn, sql_session, 0, NULL, on_session, keeper);
}

static void
on_lost(void *arg, const char *why)
{
    struct keeper *keeper = arg;

    (void)why; /* the writer says that the database is away */
    keeper->ready = false;
}

static char *
copy_option(const char *text)
{
    char *out = text == NULL ? NULL : strdup(text);

    CHECK(out != NULL || text == NULL);
    return out;
}

struct keeper *
keeper_open(const struct keeper_options *opt)
{
    struct keeper *keeper = mem_zalloc(1, sizeof(*keeper));
    char name[80];

    keeper->opt = *opt;
    keeper->opt.conninfo = keeper->texts[0] = copy_option(opt->conninfo);
    keeper->opt.password_file = keeper->texts[1] = copy_option(opt->password_file);
    keeper->opt.lane = keeper->texts[2] = copy_option(opt->lane);
    CHECK(uv_timer_init(opt->loop, &keeper->timer) == 0);
    keeper->timer.data = keeper;
    keeper->handles = 2;
    (void)snprintf(name, sizeof(name), "wallwatch keeper %s", opt->lane);
    keeper->conn = pgconn_open(&(struct pgconn_options){
        .loop = opt->loop,
        .conninfo = keeper->opt.conninfo,
        .password_file = keeper->opt.password_file,
        .name = name,
        .on_ready = on_ready,
        .on_lost = on_lost,
        .arg = keeper,
    });
    return keeper;
}

static void
part_closed(struct keeper *keeper)
{
    void (*on_closed)(void *arg) = keeper->on_closed;
    void *arg = keeper->closed_arg;

    if (--keeper->handles > 0)
        return;
    for (size_t i = 0; i < ARRAY_LEN(keeper->texts); i++)
        free(keeper->texts[i]);
    free(keeper);
    if (on_closed != NULL)
        on_closed(arg);
}

static void
on_conn_closed(void *arg)
{
    part_closed(arg);
}

static void
on_timer_closed(uv_handle_t *handle)
{
    part_closed(handle->data);
}

void
keeper_close(struct keeper *keeper, void (*on_closed)(void *arg), void *arg)
{
    keeper->on_closed = on_closed;
    keeper->closed_arg = arg;
    keeper->ready = false;
    uv_close((uv_handle_t *)&keeper->timer, on_timer_closed);
    pgconn_close(keeper->conn, on_conn_closed, keeper);
}
