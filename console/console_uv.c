/*
 * The console as a whole: start, stop, the way of a request to its handler (who asks, may he, from
 * the same origin), and the log of sessions.
 */
#include "base/digest.h"
#include "base/io/clock_posix.h"
#include "base/io/fs_posix.h"
#include "base/json.h"
#include "base/log.h"
#include "console/inner_uv.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#define MAX_BODY 65536
#define MAX_CONNECTIONS 600 /* 500 streams and what comes besides */
#define TICK_MS 1000
#define FLUSH_MS 20 /* changes are told together */
#define LOG_SEGMENT ((uint64_t)4 << 20)
#define LOG_MAX ((uint64_t)4 << 30)

void
console_problem(struct http_response *response, int status, const char *code, const char *title)
{
    struct json_writer json;

    buf_fini(&response->body);
    buf_init(&response->body, 4096);
    response->status = status;
    response->type = "application/problem+json";
    json_begin(&json, &response->body);
    json_object(&json, NULL);
    json_text(&json, "code", code);
    json_int(&json, "status", status);
    json_text(&json, "title", title);
    json_text(&json, "type", "about:blank");
    json_close(&json);
    json_end(&json);
}

bool
console_record(struct console *console, const struct buf *frame)
{
    uint64_t end = 0;
    struct err err;

    if (!wal_append(console->log, buf_view(frame), &end, &err)) {
        log_error("console.log", "why=\"%s\"", err.text);
        return false;
    }
    sessions_apply(&console->sessions, buf_view(frame));
    return true;
}

/* Who asks. */

static void
read_accounts(struct console *console)
{
    char *path = fs_join(console->opt.folder, "accounts.json");
    struct accounts read = {0};
    struct arena arena;
    struct buf text;
    struct err err = {0};

    buf_init(&text, ACCOUNTS_MAX_BYTES);
    arena_init(&arena);
    if (!fs_read_all(fs_posix(), path, &text, &err) && err.kind != ERR_GONE) {
        log_error("console.accounts", "why=\"%s\"", err.text);
    } else {
        const struct digest digest = digest_of(buf_view(&text));

        if (!digest_equal(&digest, &console->accounts_digest)) {
            console->accounts_digest = digest;
            if (accounts_parse(&arena, buf_view(&text), &read, &err)) {
                arena_fini(&console->account_arena);
                console->account_arena = arena;
                console->accounts = read;
                arena_init(&arena);
            } else {
                /* Who was allowed before stays so: a broken file locks nobody out or in. */
                log_error("console.accounts", "file=%s why=\"%s\"", path, err.text);
            }
        }
    }
    arena_fini(&arena);
    buf_fini(&text);
    free(path);
}

struct asker
console_asker_of(struct console *console, struct view session_id)
{
    struct asker asker = {sessions_find(&console->sessions, session_id, clock_wall()), NULL};

    if (asker.session != NULL)
        asker.account = accounts_find(&console->accounts, view_of(asker.session->user));
    if (asker.account == NULL)
        asker.session = NULL;
    return asker;
}

struct asker
console_asker(struct console *console, const struct http_request *request)
{
    const char *header = http_header(request, "Cookie");
    char hex[SESSION_HEX];

    for (const char *at = header; at != NULL; at = strchr(at, ';')) {
        at += strspn(at, "; ");
        if (strncmp(at, COOKIE "=", strlen(COOKIE) + 1) != 0)
            continue;
        at += strlen(COOKIE) + 1;
        const struct digest digest = digest_of(view_bytes(at, strcspn(at, ";")));

        return console_asker_of(console, view_of(digest_hex(&digest, DIGEST_BYTES, hex)));
    }
    return (struct asker){0};
}

/* A page of another origin may neither log in nor press. A browser says where it comes from in
 * Origin; a program that says nothing has no cookies of a browser. */
static bool
same_origin(const struct http_request *request)
{
    const char *origin = http_header(request, "Origin");
    const char *host = http_header(request, "Host");
    const char *site = http_header(request, "Sec-Fetch-Site");

    if (site != NULL && strcmp(site, "same-origin") != 0)
        return false;
    if (origin == NULL)
        return true;
    const char *start = strstr(origin, "://");

    return start != NULL && host != NULL && strcmp(start + 3, host) == 0;
}

static bool
is_json(const struct http_request *request)
{
    const char *type = http_header(request, "Content-Type");

    return type != NULL && strncmp(type, "application/json", 16) == 0 &&
           (type[16] == '\0' || type[16] == ';');
}

static console_handler_fn *const handlers[ROUTES] = {
    [ROUTE_LOGIN] = console_login,
    [ROUTE_LOGOUT] = console_logout,
    [ROUTE_SESSION] = console_session,
    [ROUTE_ALERTS] = console_alerts,
    [ROUTE_ALERT] = console_alert,
    [ROUTE_COMMAND] = console_command,
    [ROUTE_REPORT] = console_report,
    [ROUTE_EVENTS] = console_events,
    [ROUTE_STATE] = console_state,
    [ROUTE_TRAIL] = console_trail,
};

static void
on_request(void *arg, const struct http_request *request, struct http_response *response)
{
    struct console *console = arg;
    struct asked asked = {.request = request, .by = console_asker(console, request)};
    bool known = false;
    const struct route *route = route_find(request->method, request->path, &asked.id, &known);

    if (route == NULL && known)
        console_problem(response, 405, "method", "this path has no such method");
    else if (route == NULL)
        console_problem(response, 404, "no-such-path", "there is no such path");
    else if (route->changes && !same_origin(request))
        console_problem(response, 403, "other-origin", "the request comes from another origin");
    else if (route->changes && request->body.len > 0 && !is_json(request))
        console_problem(response, 415, "not-json", "the body must be application/json");
    else if (route->right != RIGHT_OPEN && asked.by.account == NULL)
        console_problem(response, 401, "not-logged-in", "log in first");
    else if (route->right != RIGHT_OPEN && !access_allows(asked.by.account->role, route->right))
        console_problem(response, 403, "not-allowed", "this role may not do that");
    else
        handlers[route->name](console, &asked, response);
}

/* What comes in, and the clock. */

static void
on_flush(uv_timer_t *timer)
{
    struct console *console = timer->data;

    console->flushing = false;
    console_streams_wake(console);
}

static void
flush_soon(struct console *console)
{
    if (console->flushing || console->closing)
        return;
    console->flushing = true;
    (void)uv_timer_start(&console->flush, on_flush, FLUSH_MS, 0);
}

void
console_link(struct console *console, bool up)
{
    board_link(console->board, up, clock_wall());
    flush_soon(console);
}

void
console_topic(struct console *console, struct view topic, struct view payload)
{
    (void)board_feed(console->board, topic, payload, clock_wall());
    flush_soon(console);
}

static void
on_tick(uv_timer_t *timer)
{
    struct console *console = timer->data;

    board_tick(console->board, clock_wall());
    read_accounts(console);
    console_streams_wake(console);
}

/* Start and stop. */

static bool
open_log(struct console *console, struct err *err)
{
    char *dir = fs_join(console->opt.folder, "log");
    struct wal_options opt = {.fs = fs_posix(),
        .dir = dir,
        .name = "console log",
        .segment_bytes = LOG_SEGMENT,
        .max_bytes = LOG_MAX,
        .max_frame = MAX_BODY,
        .sync_each = true};
    struct wal_report report;
    bool fine = fs_posix()->make_dir(fs_posix()->self, console->opt.folder, err);

    randombytes_buf(opt.new_id, sizeof(opt.new_id));
    fine = fine && wal_open(&console->log, &opt, &report, err);
    free(dir);
    if (!fine)
        return false;
    struct wal_cursor *cursor = wal_cursor_new(console->log, wal_first(console->log));
    struct view frame;
    uint64_t end;

    for (;;) {
        const enum wal_next next = wal_cursor_next(cursor, &frame, &end);

        if (next == WAL_END)
            break;
        if (next == WAL_FRAME)
            sessions_apply(&console->sessions, frame);
        else
            wal_cursor_seek(cursor, end);
    }
    wal_cursor_free(cursor);
    return true;
}

static void
free_failures(struct console *console)
{
    struct arena arena;

    arena_init(&arena);
    const struct map_entry *entries = map_sorted(&console->failures, &arena);

    for (size_t i = 0; i < console->failures.len; i++)
        free(entries[i].value);
    arena_fini(&arena);
    map_fini(&console->failures);
}

static void
free_console(struct console *console)
{
    if (console->log != NULL)
        wal_close(console->log);
    sessions_fini(&console->sessions);
    free_failures(console);
    board_free(console->board);
    arena_fini(&console->account_arena);
    free(console);
}

bool
console_open(struct console **out, const struct console_options *opt, struct err *err)
{
    struct console *console = mem_zalloc(1, sizeof(*console));
    unsigned char random[8];
    const struct http_options http = {.loop = opt->loop,
        .address = opt->address,
        .port = opt->port,
        .max_body = MAX_BODY,
        .max_connections = MAX_CONNECTIONS,
        .handler = on_request,
        .arg = console};

    console->opt = *opt;
    randombytes_buf(random, sizeof(random));
    (void)sodium_bin2hex(console->boot, sizeof(console->boot), random, sizeof(random));
    sessions_init(&console->sessions);
    map_init(&console->failures);
    arena_init(&console->account_arena);
    console->board = board_new(opt->lanes, opt->n_lanes, clock_wall());
    if (!open_log(console, err) || !http_open(&console->server, &http, err)) {
        free_console(console);
        return false;
    }
    read_accounts(console);
    CHECK(uv_timer_init(opt->loop, &console->tick) == 0);
    CHECK(uv_timer_init(opt->loop, &console->flush) == 0);
    console->tick.data = console->flush.data = console;
    CHECK(uv_timer_start(&console->tick, on_tick, TICK_MS, TICK_MS) == 0);
    *out = console;
    return true;
}

int
console_port(const struct console *console)
{
    return http_port(console->server);
}

static void
on_part_closed(struct console *console)
{
    if (--console->open_handles > 0)
        return;
    void (*on_closed)(void *arg) = console->on_closed;
    void *arg = console->closed_arg;

    free_console(console);
    on_closed(arg);
}

static void
on_timer_closed(uv_handle_t *handle)
{
    on_part_closed(handle->data);
}

static void
on_server_closed(void *arg)
{
    on_part_closed(arg);
}

void
console_close(struct console *console, void (*on_closed)(void *arg), void *arg)
{
    console->closing = true;
    console->on_closed = on_closed;
    console->closed_arg = arg;
    console->open_handles = 3;
    uv_close((uv_handle_t *)&console->tick, on_timer_closed);
    uv_close((uv_handle_t *)&console->flush, on_timer_closed);
    http_close(console->server, on_server_closed, console);
}
