/*
 * libmicrohttpd without a thread: its epoll descriptor is watched by one uv_poll_t, and a timer is
 * set to what it asks for after every run. We make the listening socket ourselves, so that a port
 * in use is an error with its reason.
 */
#include "base/io/http_mhd.h"

#include "base/arena.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#define MAX_URL_BYTES 2048
#define CONNECTION_MEMORY (32 * 1024)
#define CONNECTION_LIMIT 64U
#define STREAM_BLOCK 16384
#define STREAM_MAX_PIECE ((size_t)64 << 20)
#define IDLE_S 15U
#define BACKLOG 64

struct http_server {
    struct http_options opt;
    struct MHD_Daemon *daemon;
    int port;
    uv_poll_t poll;
    uv_timer_t timer;
    int open_handles;
    struct http_stream *streams;
    struct http_later *laters;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

struct http_stream {
    struct http_server *server;
    struct MHD_Connection *connection; /* NULL until the answer is queued */
    struct http_stream *next;
    http_more_fn *more;
    void (*gone)(void *arg);
    void *arg;
    struct buf piece;
    size_t sent; /* of piece */
    bool asleep, ended;
};

struct http_later {
    struct http_server *server;
    struct MHD_Connection *connection;
    struct http_later *next;
    struct http_response response;
    void (*cancelled)(void *arg);
    void *arg;
    bool answered;
};

/* One request while it comes in. */
struct incoming {
    struct buf body;
    int refused; /* status, or 0 */
    struct http_later *later;
};

static void run_soon(struct http_server *server);

/* What handle() hands to handlers as private_. */
struct asked {
    struct MHD_Connection *connection;
    struct http_server *server;
    struct incoming *incoming;
};

const char *
http_header(const struct http_request *request, const char *name)
{
    const struct asked *asked = request->private_;

    return MHD_lookup_connection_value(asked->connection, MHD_HEADER_KIND, name);
}

const char *
http_query(const struct http_request *request, const char *name)
{
    const struct asked *asked = request->private_;

    return MHD_lookup_connection_value(asked->connection, MHD_GET_ARGUMENT_KIND, name);
}

void
http_add_header(struct http_response *response, const char *name, const char *value)
{
    CHECK(response->n_headers < HTTP_MAX_HEADERS && strlen(value) < HTTP_HEADER_BYTES &&
          strpbrk(value, "\r\n") == NULL);
    response->headers[response->n_headers].name = name;
    memcpy(response->headers[response->n_headers++].value, value, strlen(value) + 1);
}

struct http_stream *
http_stream_start(
    struct http_response *response, http_more_fn *more, void (*gone)(void *arg), void *arg)
{
    struct http_stream *stream = mem_zalloc(1, sizeof(*stream));

    stream->more = more;
    stream->gone = gone;
    stream->arg = arg;
    buf_init(&stream->piece, STREAM_MAX_PIECE);
    response->stream = stream;
    return stream;
}

void
http_stream_wake(struct http_stream *stream)
{
    if (!stream->asleep)
        return;
    stream->asleep = false;
    MHD_resume_connection(stream->connection);
    run_soon(stream->server);
}

static ssize_t
read_stream(void *arg, uint64_t at, char *out, size_t max)
{
    struct http_stream *stream = arg;

    (void)at;
    if (stream->sent == stream->piece.len && !stream->ended) {
        buf_reset(&stream->piece);
        stream->sent = 0;
        stream->ended = !stream->more(stream->arg, &stream->piece) || stream->piece.full;
    }
    const size_t left = stream->piece.len - stream->sent;
    const size_t n = left < max ? left : max;

    if (n == 0 && stream->ended)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (n == 0) {
        stream->asleep = true;
        MHD_suspend_connection(stream->connection);
        return 0;
    }
    memcpy(out, stream->piece.ptr + stream->sent, n);
    stream->sent += n;
    return (ssize_t)n;
}

static void
free_stream(void *arg)
{
    struct http_stream *stream = arg;

    if (stream->server != NULL) {
        struct http_stream **at = &stream->server->streams;

        while (*at != stream)
            at = &(*at)->next;
        *at = stream->next;
    }
    stream->gone(stream->arg);
    buf_fini(&stream->piece);
    free(stream);
}

/* What response holds is taken over. */
static enum MHD_Result
answer(
    struct http_server *server, struct MHD_Connection *connection, struct http_response *response)
{
    struct http_stream *stream = response->stream;
    struct buf *body = &response->body;
    struct MHD_Response *made =
        stream != NULL ? MHD_create_response_from_callback(
                             MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, stream, free_stream)
                       : MHD_create_response_from_buffer(body->len, body->ptr,
                             body->ptr == NULL ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_FREE);
    bool cached = false;

    if (made == NULL) {
        buf_fini(body);
        if (stream != NULL)
            free_stream(stream);
        return MHD_NO;
    }
    if (stream != NULL) {
        buf_fini(body);
        stream->server = server;
        stream->connection = connection;
        stream->next = server->streams;
        server->streams = stream;
    }
    if (response->type != NULL)
        (void)MHD_add_response_header(made, MHD_HTTP_HEADER_CONTENT_TYPE, response->type);
    for (size_t i = 0; i < response->n_headers; i++) {
        (void)MHD_add_response_header(made, response->headers[i].name, response->headers[i].value);
        cached = cached || strcmp(response->headers[i].name, MHD_HTTP_HEADER_CACHE_CONTROL) == 0;
    }
    if (!cached)
        (void)MHD_add_response_header(made, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    (void)MHD_add_response_header(made, "X-Content-Type-Options", "nosniff");
    const int status = response->status == 0 ? MHD_HTTP_INTERNAL_SERVER_ERROR : response->status;
    const enum MHD_Result result = MHD_queue_response(connection, (unsigned)status, made);

    MHD_destroy_response(made);
    *response = (struct http_response){0};
    return result;
}

static enum MHD_Result
refuse(struct http_server *server, struct MHD_Connection *connection, int status)
{
    struct http_response response = {.status = status, .type = "text/plain"};

    buf_init(&response.body, 64);
    buf_printf(&response.body, "%d\n", status);
    return answer(server, connection, &response);
}

struct http_later *
http_later(const struct http_request *request, void (*cancelled)(void *arg), void *arg)
{
    const struct asked *asked = request->private_;
    struct http_later *later = mem_zalloc(1, sizeof(*later));

    later->server = asked->server;
    later->connection = asked->connection;
    later->cancelled = cancelled;
    later->arg = arg;
    later->next = asked->server->laters;
    asked->server->laters = later;
    asked->incoming->later = later;
    return later;
}

void
http_answer(struct http_later *later, struct http_response *response)
{
    CHECK(!later->answered);
    later->answered = true;
    later->response = *response;
    *response = (struct http_response){0};
    MHD_resume_connection(later->connection);
    run_soon(later->server);
}

static void
free_later(struct http_later *later)
{
    struct http_later **at = &later->server->laters;

    while (*at != later)
        at = &(*at)->next;
    *at = later->next;
    buf_fini(&later->response.body);
    free(later);
}

static int
judge_head(const struct http_server *server, struct MHD_Connection *connection, const char *url)
{
    const char *length =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

    if (strlen(url) > MAX_URL_BYTES)
        return MHD_HTTP_URI_TOO_LONG;
    if (length != NULL && strtoull(length, NULL, 10) > server->opt.max_body)
        return MHD_HTTP_CONTENT_TOO_LARGE;
    return 0;
}

static enum MHD_Result
handle(struct http_server *server, struct MHD_Connection *connection, const char *url,
    const char *method, struct incoming *incoming)
{
    struct asked asked = {connection, server, incoming};
    const struct http_request request = {.method = view_of(method),
        .path = view_of(url),
        .body = buf_view(&incoming->body),
        .private_ = &asked};
    struct http_response response = {0};

    server->opt.handler(server->opt.arg, &request, &response);
    if (incoming->later == NULL)
        return answer(server, connection, &response);
    MHD_suspend_connection(connection);
    return MHD_YES;
}

static enum MHD_Result
on_access(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *data, size_t *data_len, void **state)
{
    struct http_server *server = arg;
    struct incoming *incoming = *state;

    (void)version;
    if (incoming == NULL) { /* the head is there */
        incoming = mem_zalloc(1, sizeof(*incoming));
        buf_init(&incoming->body, server->opt.max_body);
        *state = incoming;
        incoming->refused = judge_head(server, connection, url);
        return incoming->refused == 0 ? MHD_YES : refuse(server, connection, incoming->refused);
    }
    if (incoming->later != NULL) /* resumed */
        return incoming->later->answered ? answer(server, connection, &incoming->later->response)
                                         : MHD_NO;
    if (*data_len > 0) { /* a piece of the body */
        buf_put(&incoming->body, view_bytes(data, *data_len));
        *data_len = 0;
        return MHD_YES;
    }
    if (incoming->body.full)
        return refuse(server, connection, MHD_HTTP_CONTENT_TOO_LARGE);
    return handle(server, connection, url, method, incoming);
}

static void
on_completed(
    void *arg, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why)
{
    struct incoming *incoming = *state;

    (void)arg;
    (void)connection;
    (void)why;
    if (incoming == NULL)
        return;
    if (incoming->later != NULL)
        free_later(incoming->later);
    buf_fini(&incoming->body);
    free(incoming);
    *state = NULL;
}

static void on_timer(uv_timer_t *timer);

static void
run(struct http_server *server)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;

    (void)MHD_run(server->daemon);
    if (MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES)
        (void)uv_timer_start(&server->timer, on_timer, wait_ms, 0);
    else
        (void)uv_timer_stop(&server->timer);
}

static void
on_timer(uv_timer_t *timer)
{
    run(timer->data);
}

static void
run_soon(struct http_server *server)
{
    (void)uv_timer_start(&server->timer, on_timer, 0, 0);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    run(poll->data);
}

static bool
parse_address(const struct http_options *opt, struct sockaddr_storage *out, socklen_t *len)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)opt->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)opt->port)};

    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, opt->address, &v4.sin_addr) == 1) {
        memcpy(out, &v4, sizeof(v4));
        *len = sizeof(v4);
        return true;
    }
    if (inet_pton(AF_INET6, opt->address, &v6.sin6_addr) == 1) {
        memcpy(out, &v6, sizeof(v6));
        *len = sizeof(v6);
        return true;
    }
    return false;
}

static bool
listen_on(const struct http_options *opt, int *out, int *port, struct err *err)
{
    struct sockaddr_storage address;
    socklen_t len = 0;
    const int on = 1;
    char reason[128];

    if (!parse_address(opt, &address, &len)) {
        return err_set(err, ERR_CONFIG,
            "http: '%s' is not an address, allowed are numbers such as 127.0.0.1 or ::1",
            opt->address);
    }
    const int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (const struct sockaddr *)&address, len) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        const int code = errno;

        if (fd >= 0)
            (void)close(fd);
        if (strerror_r(code, reason, sizeof(reason)) != 0)
            reason[0] = '\0';
        return err_set(err, ERR_IO, "http: cannot listen on %s port %d: %s%s", opt->address,
            opt->port, reason,
            code == EADDRINUSE ? "\nhint: another process has this port; is a second one running?"
                               : "");
    }
    *out = fd;
    *port = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                : ((struct sockaddr_in *)&address)->sin_port);
    return true;
}

static bool
watch(struct http_server *server)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);

    if (info == NULL || uv_poll_init(server->opt.loop, &server->poll, info->epoll_fd) != 0)
        return false;
    CHECK(uv_timer_init(server->opt.loop, &server->timer) == 0);
    server->open_handles = 2;
    server->poll.data = server;
    server->timer.data = server;
    CHECK(uv_poll_start(&server->poll, UV_READABLE, on_poll) == 0);
    return true;
}

bool
http_open(struct http_server **out, const struct http_options *opt, struct err *err)
{
    struct http_server *server;
    int fd = -1;
    int port = 0;

    if (!listen_on(opt, &fd, &port, err))
        return false;
    server = mem_zalloc(1, sizeof(*server));
    server->opt = *opt;
    server->port = port;
    server->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
        on_access, server, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        NULL, MHD_OPTION_CONNECTION_LIMIT,
        opt->max_connections == 0 ? CONNECTION_LIMIT : opt->max_connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_END);
    if (server->daemon == NULL) {
        (void)close(fd);
        free(server);
        return err_set(err, ERR_IO, "http: libmicrohttpd does not start on port %d", port);
    }
    if (!watch(server)) {
        MHD_stop_daemon(server->daemon);
        free(server);
        return err_set(err, ERR_IO, "http: libmicrohttpd gives no epoll descriptor");
    }
    *out = server;
    return true;
}

int
http_port(const struct http_server *server)
{
    return server->port;
}

static void
on_handle_closed(uv_handle_t *handle)
{
    struct http_server *server = handle->data;

    if (--server->open_handles > 0)
        return;
    void (*on_closed)(void *arg) = server->on_closed;
    void *arg = server->closed_arg;

    free(server);
    if (on_closed != NULL)
        on_closed(arg);
}

void
http_close(struct http_server *server, void (*on_closed)(void *arg), void *arg)
{
    server->on_closed = on_closed;
    server->closed_arg = arg;
    (void)uv_poll_stop(&server->poll);
    /* libmicrohttpd wants nothing suspended when it stops. */
    for (struct http_stream *stream = server->streams; stream != NULL; stream = stream->next) {
        stream->ended = true;
        if (stream->asleep)
            MHD_resume_connection(stream->connection);
        stream->asleep = false;
    }
    for (struct http_later *later = server->laters; later != NULL; later = later->next) {
        if (later->answered)
            continue;
        later->cancelled(later->arg);
        MHD_resume_connection(later->connection);
    }
    (void)MHD_run(server->daemon);
    MHD_stop_daemon(server->daemon); /* closes its descriptors, also the one that was watched */
    uv_close((uv_handle_t *)&server->poll, on_handle_closed);
    uv_close((uv_handle_t *)&server->timer, on_handle_closed);
}
