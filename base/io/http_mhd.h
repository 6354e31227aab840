/*
 * http: the one HTTP server (libmicrohttpd) on the loop; loopback unless told otherwise.
 *
 * A handler gets the whole request (body up to max_body, else 413 without it) once and answers at
 * once with bytes it hands over, or later (http_later), or with a stream that is asked for bytes
 * whenever the client can take some. URLs over 2 KiB are 414, heads over 32 KiB are cut off; a
 * connection that says nothing and takes nothing for 15 s is closed (a stream that sleeps is not).
 * TLS and HTTP/2 are nginx's. Thread: loop.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/view.h"

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

struct http_server;
struct http_request {
    struct view method, path, body; /* path without query, percent-decoded */
    void *private_;
};
/* NULL if there is none; header names case-insensitive. Live until the handler returns. */
const char *http_header(const struct http_request *request, const char *name);
const char *http_query(const struct http_request *request, const char *name);

#define HTTP_MAX_HEADERS 8
#define HTTP_HEADER_BYTES 512

struct http_stream;
struct http_response { /* zeroed before the handler: status 0 becomes 500 */
    int status;
    const char *type; /* static text; content type */
    struct buf body;  /* taken over */
    struct {
        const char *name; /* static text */
        char value[HTTP_HEADER_BYTES];
    } headers[HTTP_MAX_HEADERS];
    size_t n_headers;
    struct http_stream *stream; /* instead of body */
};
/* More headers than there is room for, a longer value or one with a line break is a broken
 * invariant. Cache-Control is no-store unless it is added here. */
void http_add_header(struct http_response *response, const char *name, const char *value);

/* Appends what there is; nothing: the stream sleeps until http_stream_wake. False: it ends. */
typedef bool http_more_fn(void *arg, struct buf *out);
/* gone is called exactly once, when the client went away or the stream has ended; the stream may
 * not be touched after it. */
struct http_stream *http_stream_start(
    struct http_response *response, http_more_fn *more, void (*gone)(void *arg), void *arg);
void http_stream_wake(struct http_stream *stream);

/* The handler returns without an answer and http_answer gives it, exactly once, from anywhere on
 * the loop but the handler itself. If the server is closed first, cancelled is called instead. */
struct http_later;
struct http_later *http_later(
    const struct http_request *request, void (*cancelled)(void *arg), void *arg);
void http_answer(struct http_later *later, struct http_response *response);
typedef void http_handler_fn(
    void *arg, const struct http_request *request, struct http_response *response);

struct http_options {
    uv_loop_t *loop;
    const char *address; /* "127.0.0.1", "::1"; a number, never a name */
    int port;            /* 0: any free one */
    size_t max_body;
    unsigned max_connections; /* 0: 64 */
    http_handler_fn *handler;
    void *arg;
};

MUST_USE bool http_open(struct http_server **out, const struct http_options *opt, struct err *err);
int http_port(const struct http_server *server);
/* Not from inside the handler. Requests under way are cut off. */
void http_close(struct http_server *server, void (*on_closed)(void *arg), void *arg);
