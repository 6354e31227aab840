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
#define IDLE_S 15U
#define BACKLOG 64

struct http_server {
    struct http_options opt;
    struct MHD_Daemon *daemon;
    int port;
    uv_poll_t poll;
    uv_timer_t timer;
    int open_handles;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

/* One request while it comes in. */
struct incoming {
    struct buf body;
    int refused; /* status, or 0 */
};

const char *
http_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->private_, MHD_HEADER_KIND, name);
}

const char *
http_query(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->private_, MHD_GET_ARGUMENT_KIND, name);
}

/* body is taken over. */
static enum MHD_Result
answer(struct MHD_Connection *connection, int status, const char *type, struct buf *body)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body->len, body->ptr, body->ptr == NULL ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_FREE);

    if (response == NULL) {
        buf_fini(body);
        return MHD_NO;
    }
    if (type != NULL)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    const enum MHD_Result result = MHD_queue_response(connection, (unsigned)status, response);

    MHD_destroy_response(response);
    *body = (struct buf){0};
    return result;
}

static enum MHD_Result
refuse(struct MHD_Connection *connection, int status)
{
    struct buf text;

    buf_init(&text, 64);
    buf_printf(&text, "%d\n", status);
    return answer(connection, status, "text/plain", &text);
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
handle(const struct http_server *server, struct MHD_Connection *connection, const char *url,
    const char *method, const struct incoming *incoming)
{
    const struct http_request request = {.method = view_of(method),
        .path = view_of(url),
        .body = buf_view(&incoming->body),
        .private_ = connection};
    struct http_response response = {0};

    server->opt.handler(server->opt.arg, &request, &response);
    if (response.status == 0)
        response.status = MHD_HTTP_INTERNAL_SERVER_ERROR;
    return answer(connection, response.status, response.type, &response.body);
}

static enum MHD_Result
on_access(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *data, size_t *data_len, void **state)
{
    const struct http_server *server = arg;
    struct incoming *incoming = *state;

    (void)version;
    if (incoming == NULL) { /* the head is there */
        incoming = mem_zalloc(1, sizeof(*incoming));
        buf_init(&incoming->body, server->opt.max_body);
        *state = incoming;
        incoming->refused = judge_head(server, connection, url);
        return incoming->refused == 0 ? MHD_YES : refuse(connection, incoming->refused);
    }
    if (*data_len > 0) { /* a piece of the body */
        buf_put(&incoming->body, view_bytes(data, *data_len));
        *data_len = 0;
        return MHD_YES;
    }
    if (incoming->body.full)
        return refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE);
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
    server->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_access, server,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
        MHD_OPTION_CONNECTION_LIMIT, CONNECTION_LIMIT, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_END);
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
    MHD_stop_daemon(server->daemon); /* closes its descriptors, also the one that was watched */
    uv_close((uv_handle_t *)&server->poll, on_handle_closed);
    uv_close((uv_handle_t *)&server->timer, on_handle_closed);
}
