#include "base/io/pgconn_pg.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACKOFF_FIRST_MS 200
#define BACKOFF_MAX_MS 5000
#define CONNECT_TIMEOUT_MS 10000
#define COPY_PIECE ((size_t)64 * 1024)
#define PASSWORD_MAX 1024
#define ADDRESSES_MAX 4096

enum state {
    WAITING, /* the timer says when to try again */
    RESOLVING,
    CONNECTING,
    READY,
    BUSY,
    CLOSED,
};

struct request {
    pgconn_done_fn *done;
    void *arg;
    struct view data; /* of a COPY; the rest that was not given to libpq yet */
    bool copying;     /* the server takes data */
    PGresult *result; /* what will be reported: the first error, else the last result */
};

struct pgconn {
    struct pgconn_options opt;
    char *texts[3]; /* what opt's strings point to */
    enum state state;
    PGconn *pq;
    /* New for each step of a connect: libpq may close a socket and get the same number again. */
    uv_poll_t *poll;
    int events;
    uv_timer_t timer; /* back-off, connect timeout, or a deferred loss */
    uv_getaddrinfo_t resolve;
    bool resolving;
    size_t handles; /* not yet closed, timer included */
    uint64_t backoff_ms;
    uint64_t delay_ms; /* asked for by pgconn_again */
    struct request request;
    char *hosts;          /* what is left to resolve, "" if nothing */
    struct buf addresses; /* of those that were: the value of hostaddr */
    char why[512];        /* of a loss that is reported from the timer */
    void (*on_closed)(void *arg);
    void *closed_arg;
};

static void start_connect(struct pgconn *conn);
static void on_poll(uv_poll_t *poll, int status, int events);

/* --- handles ------------------------------------------------------------------------------- */

static void
finish_close(struct pgconn *conn)
{
    if (conn->state != CLOSED || conn->handles > 0 || conn->resolving)
        return;
    void (*on_closed)(void *arg) = conn->on_closed;
    void *arg = conn->closed_arg;

    for (size_t i = 0; i < ARRAY_LEN(conn->texts); i++)
        free(conn->texts[i]);
    free(conn->hosts);
    buf_fini(&conn->addresses);
    free(conn);
    if (on_closed != NULL)
        on_closed(arg);
}

static void
on_poll_closed(uv_handle_t *handle)
{
    struct pgconn *conn = handle->data;

    free(handle);
    conn->handles--;
    finish_close(conn);
}

static void
on_timer_closed(uv_handle_t *handle)
{
    struct pgconn *conn = handle->data;

    conn->handles--;
    finish_close(conn);
}

static void
drop_poll(struct pgconn *conn)
{
    if (conn->poll == NULL)
        return;
    uv_close((uv_handle_t *)conn->poll, on_poll_closed);
    conn->poll = NULL;
    conn->events = 0;
}

static bool
new_poll(struct pgconn *conn)
{
    drop_poll(conn);
    uv_poll_t *poll = mem_zalloc(1, sizeof(*poll));

    if (uv_poll_init(conn->opt.loop, poll, PQsocket(conn->pq)) != 0) {
        free(poll);
        return false;
    }
    poll->data = conn;
    conn->poll = poll;
    conn->handles++;
    return true;
}

static void
want_events(struct pgconn *conn, int events)
{
    if (conn->poll == NULL || conn->events == events)
        return;
    conn->events = events;
    CHECK(uv_poll_start(conn->poll, events, on_poll) == 0);
}

static void
on_retry(uv_timer_t *timer)
{
    start_connect(timer->data);
}

/* Everything of this connection ends; what was asked completes, then the owner hears why. */
static void
lose(struct pgconn *conn, const char *why)
{
    const struct request request = conn->request;
    char text[sizeof(conn->why)];

    /* why may point into what is freed here */
    (void)snprintf(text, sizeof(text), "%s", why);
    text[strcspn(text, "\n")] = '\0';
    drop_poll(conn);
    PQfinish(conn->pq);
    conn->pq = NULL;
    PQclear(request.result);
    conn->request = (struct request){0};
    conn->state = WAITING;
    CHECK(uv_timer_start(&conn->timer, on_retry,
              conn->delay_ms > conn->backoff_ms ? conn->delay_ms : conn->backoff_ms, 0) == 0);
    conn->delay_ms = 0;
    conn->backoff_ms =
        conn->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : conn->backoff_ms * 2;
    if (request.done != NULL)
        request.done(request.arg, PGCONN_LOST, NULL);
    if (conn->state != CLOSED)
        conn->opt.on_lost(conn->opt.arg, text);
}

static void
on_deferred_loss(uv_timer_t *timer)
{
    struct pgconn *conn = timer->data;

    lose(conn, conn->why);
}

static void
lose_later(struct pgconn *conn, const char *why)
{
    (void)snprintf(conn->why, sizeof(conn->why), "%s", why);
    drop_poll(conn);
    CHECK(uv_timer_start(&conn->timer, on_deferred_loss, 0, 0) == 0);
}

/* --- connecting ---------------------------------------------------------------------------- */

static void
on_connect_timeout(uv_timer_t *timer)
{
    lose(timer->data, "the server did not answer the connect for 10 s");
}

static void
become_ready(struct pgconn *conn)
{
    (void)uv_timer_stop(&conn->timer);
    conn->backoff_ms = BACKOFF_FIRST_MS;
    conn->state = READY;
    if (PQsetnonblocking(conn->pq, 1) != 0 || !new_poll(conn)) {
        lose(conn, "the socket cannot be watched");
        return;
    }
    want_events(conn, UV_READABLE);
    conn->opt.on_ready(conn->opt.arg);
}

static void
step_connect(struct pgconn *conn)
{
    const PostgresPollingStatusType status = PQconnectPoll(conn->pq);

    if (status == PGRES_POLLING_FAILED) {
        lose(conn, PQerrorMessage(conn->pq));
    } else if (status == PGRES_POLLING_OK) {
        become_ready(conn);
    } else if (new_poll(conn)) {
        want_events(conn, status == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE);
    } else {
        lose(conn, "the socket cannot be watched");
    }
}

static void
drop_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

/* The first line of the file, without its end. False: cannot be read, *text says why. */
static bool
read_password(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return false;
    const bool read = fgets(out, (int)size, file) != NULL;

    (void)fclose(file);
    if (!read)
        return false;
    out[strcspn(out, "\r\n")] = '\0';
    return true;
}

static void
connect_now(struct pgconn *conn)
{
    char password[PASSWORD_MAX] = "";
    /* Before dbname: may be overridden in conninfo. After it: ours. */
    const char *keys[12] = {"keepalives_idle", "keepalives_interval", "keepalives_count",
        "tcp_user_timeout", "dbname", "application_name", "client_encoding"};
    const char *values[12] = {"10", "5", "3", "20000", conn->opt.conninfo, conn->opt.name, "UTF8"};
    size_t n = 7;

    if (conn->opt.password_file != NULL) {
        if (!read_password(conn->opt.password_file, password, sizeof(password))) {
            char why[512];

            (void)snprintf(
                why, sizeof(why), "password file '%s' cannot be read", conn->opt.password_file);
            lose(conn, why);
            return;
        }
        keys[n] = "password";
        values[n++] = password;
    }
    if (conn->addresses.len > 0) {
        keys[n] = "hostaddr";
        values[n++] = conn->addresses.ptr;
    }
    conn->state = CONNECTING;
    conn->pq = PQconnectStartParams(keys, values, 1);
    explicit_bzero(password, sizeof(password));
    CHECK(conn->pq != NULL);
    (void)PQsetNoticeReceiver(conn->pq, drop_notice, NULL);
    if (PQstatus(conn->pq) == CONNECTION_BAD) {
        lose(conn, PQerrorMessage(conn->pq));
        return;
    }
    CHECK(uv_timer_start(&conn->timer, on_connect_timeout, CONNECT_TIMEOUT_MS, 0) == 0);
    if (new_poll(conn))
        want_events(conn, UV_WRITABLE);
    else
        lose(conn, "the socket cannot be watched");
}

static void resolve_next(struct pgconn *conn);

static void
on_resolved(uv_getaddrinfo_t *resolve, int status, struct addrinfo *found)
{
    struct pgconn *conn = resolve->data;
    char address[64] = "";

    conn->resolving = false;
    if (conn->state == CLOSED) {
        uv_freeaddrinfo(found);
        finish_close(conn);
        return;
    }
    if (status == 0 && found->ai_family == AF_INET) {
        (void)uv_ip4_name(
            (const struct sockaddr_in *)(const void *)found->ai_addr, address, sizeof(address));
    } else if (status == 0) {
        (void)uv_ip6_name(
            (const struct sockaddr_in6 *)(const void *)found->ai_addr, address, sizeof(address));
    }
    uv_freeaddrinfo(found);
    if (status != 0) {
        char why[512];

        (void)snprintf(why, sizeof(why), "host of '%s' cannot be resolved: %s", conn->opt.conninfo,
            uv_strerror(status));
        lose(conn, why);
        return;
    }
    buf_printf(&conn->addresses, "%s%s", conn->addresses.len > 0 ? "," : "", address);
    resolve_next(conn);
}

/* conn->hosts is "name,name,..."; libpq wants one address for each. */
static void
resolve_next(struct pgconn *conn)
{
    char host[256];
    const size_t len = strcspn(conn->hosts, ",");

    if (conn->hosts[0] == '\0') {
        connect_now(conn);
        return;
    }
    (void)snprintf(host, sizeof(host), "%.*s", (int)len, conn->hosts);
    memmove(conn->hosts, conn->hosts + len + (conn->hosts[len] == ','),
        strlen(conn->hosts + len + (conn->hosts[len] == ',')) + 1);
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};

    conn->resolve.data = conn;
    conn->resolving = true;
    if (uv_getaddrinfo(conn->opt.loop, &conn->resolve, on_resolved, host, NULL, &hints) != 0) {
        conn->resolving = false;
        lose(conn, "the resolver cannot be asked");
    }
}

/* The hosts that PQconnectStart would resolve itself, "" if there are none. */
static char *
hosts_to_resolve(const char *conninfo)
{
    const char *hosts = "";
    bool has_address = false;
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);

    for (const PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++) {
        if (o->val == NULL || o->val[0] == '\0')
            continue;
        has_address |= strcmp(o->keyword, "hostaddr") == 0;
        if (strcmp(o->keyword, "host") == 0 && strchr(o->val, '/') == NULL && o->val[0] != '@')
            hosts = o->val;
    }
    char *copy = strdup(has_address ? "" : hosts);

    PQconninfoFree(options);
    CHECK(copy != NULL);
    return copy;
}

static void
start_connect(struct pgconn *conn)
{
    buf_reset(&conn->addresses);
    free(conn->hosts);
    conn->hosts = hosts_to_resolve(conn->opt.conninfo);
    if (conn->hosts[0] == '\0') {
        connect_now(conn);
        return;
    }
    conn->state = RESOLVING;
    resolve_next(conn);
}

/* --- requests ------------------------------------------------------------------------------ */

static bool
is_fatal(const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

    return severity != NULL && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

static bool
is_error(const PGresult *result)
{
    const ExecStatusType status = PQresultStatus(result);

    return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
}

static void
complete(struct pgconn *conn)
{
    const struct request request = conn->request;

    conn->request = (struct request){0};
    conn->state = READY;
    request.done(request.arg, is_error(request.result) ? PGCONN_ERROR : PGCONN_OK, request.result);
    PQclear(request.result);
}

/* Gives libpq what the socket takes. False: lost. */
static bool
feed(struct pgconn *conn)
{
    struct request *request = &conn->request;
    int pending = PQflush(conn->pq);

    /* PQputCopyData buffers without limit, so one piece at a time */
    while (pending == 0 && request->copying) {
        const size_t len = request->data.len < COPY_PIECE ? request->data.len : COPY_PIECE;
        const int put = len > 0 ? PQputCopyData(conn->pq, request->data.ptr, (int)len)
                                : PQputCopyEnd(conn->pq, NULL);

        if (put < 0) {
            /* The server may have ended the COPY already, by an error that is on its way. */
            request->copying = false;
            break;
        }
        if (put == 0)
            break;
        request->copying = len > 0;
        request->data.ptr += len;
        request->data.len -= len;
        pending = PQflush(conn->pq);
    }
    if (pending < 0)
        return false;
    want_events(conn, UV_READABLE | (pending > 0 || request->copying ? UV_WRITABLE : 0));
    return true;
}

/* False: lost, or completed: nothing more to do for this request. */
static bool
take_result(struct pgconn *conn)
{
    struct request *request = &conn->request;
    PGresult *result = PQgetResult(conn->pq);

    if (result == NULL) {
        if (PQstatus(conn->pq) == CONNECTION_BAD)
            lose(conn, PQerrorMessage(conn->pq));
        else
            complete(conn);
        return false;
    }
    if (is_fatal(result) || PQstatus(conn->pq) == CONNECTION_BAD) {
        char why[512];

        (void)snprintf(why, sizeof(why), "%s", PQresultErrorMessage(result));
        PQclear(result);
        lose(conn, why);
        return false;
    }
    if (PQresultStatus(result) == PGRES_COPY_IN) {
        PQclear(result);
        request->copying = true;
        if (!feed(conn))
            lose(conn, PQerrorMessage(conn->pq));
        return false;
    }
    if (request->result != NULL && is_error(request->result)) {
        PQclear(result);
    } else {
        PQclear(request->result);
        request->result = result;
    }
    return true;
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
    struct pgconn *conn = poll->data;

    if (conn->state == CONNECTING) {
        step_connect(conn);
        return;
    }
    if (status < 0 || ((events & UV_READABLE) != 0 && PQconsumeInput(conn->pq) == 0)) {
        lose(conn, PQerrorMessage(conn->pq));
        return;
    }
    if (conn->state == READY) {
        if (PQstatus(conn->pq) == CONNECTION_BAD)
            lose(conn, PQerrorMessage(conn->pq));
        return;
    }
    if (!feed(conn)) {
        lose(conn, PQerrorMessage(conn->pq));
        return;
    }
    while (conn->state == BUSY && !conn->request.copying && PQisBusy(conn->pq) == 0) {
        if (!take_result(conn))
            return;
    }
}

static void
begin_request(struct pgconn *conn, const struct request *request, int sent)
{
    conn->request = *request;
    conn->state = BUSY;
    if (sent == 0 || !feed(conn))
        lose_later(conn, PQerrorMessage(conn->pq));
}

void
pgconn_query(struct pgconn *conn, const char *sql, int n_params, const char *const *params,
    pgconn_done_fn *done, void *arg)
{
    CHECK(conn->state == READY && done != NULL);
    begin_request(conn, &(struct request){.done = done, .arg = arg},
        PQsendQueryParams(conn->pq, sql, n_params, NULL, params, NULL, NULL, 0));
}

void
pgconn_copy_in(
    struct pgconn *conn, const char *sql, struct view data, pgconn_done_fn *done, void *arg)
{
    CHECK(conn->state == READY && done != NULL);
    begin_request(conn, &(struct request){.done = done, .arg = arg, .data = data},
        PQsendQuery(conn->pq, sql));
}

bool
pgconn_ready(const struct pgconn *conn)
{
    return conn->state == READY;
}

void
pgconn_again(struct pgconn *conn, const char *why, uint64_t delay_ms)
{
    if (conn->state != READY && conn->state != BUSY)
        return;
    conn->delay_ms = delay_ms;
    lose_later(conn, why);
}

/* --- life ---------------------------------------------------------------------------------- */

static char *
copy_text(const char *text)
{
    if (text == NULL)
        return NULL;
    char *copy = strdup(text);

    CHECK(copy != NULL);
    return copy;
}

struct pgconn *
pgconn_open(const struct pgconn_options *opt)
{
    struct pgconn *conn = mem_zalloc(1, sizeof(*conn));

    conn->opt = *opt;
    conn->opt.conninfo = conn->texts[0] = copy_text(opt->conninfo);
    conn->opt.password_file = conn->texts[1] = copy_text(opt->password_file);
    conn->opt.name = conn->texts[2] = copy_text(opt->name);
    conn->backoff_ms = BACKOFF_FIRST_MS;
    buf_init(&conn->addresses, ADDRESSES_MAX);
    CHECK(uv_timer_init(opt->loop, &conn->timer) == 0);
    conn->timer.data = conn;
    conn->handles = 1;
    conn->state = WAITING;
    CHECK(uv_timer_start(&conn->timer, on_retry, 0, 0) == 0);
    return conn;
}

void
pgconn_close(struct pgconn *conn, void (*on_closed)(void *arg), void *arg)
{
    CHECK(conn->state != CLOSED);
    conn->state = CLOSED;
    conn->on_closed = on_closed;
    conn->closed_arg = arg;
    if (conn->resolving)
        (void)uv_cancel((uv_req_t *)&conn->resolve);
    drop_poll(conn);
    PQfinish(conn->pq);
    conn->pq = NULL;
    PQclear(conn->request.result);
    conn->request = (struct request){0};
    uv_close((uv_handle_t *)&conn->timer, on_timer_closed);
}
