/*
 * A server that answers what it got:  edges_http PORT MAX_BODY; prints its port; ends by SIGTERM.
 * /stream says what is posted to /say and ends when that is "end"; /wait is answered by /go.
 */
#include "base/check.h"
#include "base/io/http_mhd.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static struct http_server *server;
static uv_signal_t term;
static int n_handled;
static struct buf said;
static bool ended;
static struct http_stream *stream;
static struct http_later *later;

static bool
more(void *arg, struct buf *out)
{
    (void)arg;
    buf_put(out, buf_view(&said));
    buf_reset(&said);
    return !ended;
}

static void
gone(void *arg)
{
    (void)arg;
    stream = NULL;
    (void)printf("gone\n");
}

static void
cancelled(void *arg)
{
    (void)arg;
    later = NULL;
    (void)printf("cancelled\n");
}

static void
say(struct view words)
{
    buf_put(&said, words);
    ended = view_is(words, "end");
    if (stream != NULL)
        http_stream_wake(stream);
}

static void
release(void)
{
    struct http_response response = {.status = 202, .type = "text/plain"};

    buf_init(&response.body, 64);
    buf_text(&response.body, "released");
    http_add_header(&response, "Cache-Control", "max-age=5");
    http_answer(later, &response);
    later = NULL;
}

static void
on_request(void *arg, const struct http_request *request, struct http_response *response)
{
    const char *id = http_header(request, "Webhook-ID");
    const char *query = http_query(request, "q");

    (void)arg;
    n_handled++;
    if (view_is(request->path, "/nothing"))
        return;
    if (view_is(request->path, "/stream")) {
        response->status = 200;
        response->type = "text/event-stream";
        stream = http_stream_start(response, more, gone, NULL);
        return;
    }
    if (view_is(request->path, "/wait")) {
        later = http_later(request, cancelled, NULL);
        return;
    }
    if (view_is(request->path, "/say"))
        say(request->body);
    if (view_is(request->path, "/go") && later != NULL)
        release();
    response->status = view_is(request->path, "/made") ? 201 : 200;
    response->type = "text/plain";
    buf_init(&response->body, (size_t)1 << 24);
    buf_printf(&response->body, "%d %.*s %.*s id=%s q=%s body=", n_handled,
        VIEW_ARG(request->method), VIEW_ARG(request->path), id == NULL ? "-" : id,
        query == NULL ? "-" : query);
    buf_put(&response->body, request->body);
}

static void
on_closed(void *arg)
{
    (void)arg;
    (void)printf("closed\n");
}

static void
on_term(uv_signal_t *handle, int number)
{
    (void)number;
    uv_close((uv_handle_t *)handle, NULL);
    http_close(server, on_closed, NULL);
}

int
main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    struct err err = {0};

    CHECK(argc == 3);
    buf_init(&said, (size_t)1 << 24);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    const struct http_options opt = {.loop = loop,
        .address = "127.0.0.1",
        .port = (int)strtol(argv[1], NULL, 10),
        .max_body = strtoul(argv[2], NULL, 10),
        .handler = on_request};

    if (!http_open(&server, &opt, &err)) {
        (void)printf("error %s\n", err.text);
        return 1;
    }
    CHECK(uv_signal_init(loop, &term) == 0 && uv_signal_start(&term, on_term, SIGTERM) == 0);
    (void)printf("port %d\n", http_port(server));
    (void)uv_run(loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(loop) == 0);
    buf_fini(&said);
    return 0;
}
