/*
 * http: the one HTTP server (libmicrohttpd) on the loop; loopback unless told otherwise.
 *
 * A handler gets the whole request (body up to max_body, else 413 without it) once and answers at
 * once with bytes it hands over. (Streams come with the console.) URLs over 2 KiB are 414, heads
 * over 32 KiB are cut off; a connection that says nothing for 15 s is closed; 64 connections at a
 * time. TLS and HTTP/2 are nginx's. Thread: loop.
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

struct http_response { /* zeroed before the handler: status 0 becomes 500 */
    int status;
    const char *type; /* static text; content type */
    struct buf body;  /* taken over */
};
typedef void http_handler_fn(
    void *arg, const struct http_request *request, struct http_response *response);

struct http_options {
    uv_loop_t *loop;
    const char *address; /* "127.0.0.1", "::1"; a number, never a name */
    int port;            /* 0: any free one */
    size_t max_body;
    http_handler_fn *handler;
    void *arg;
};

MUST_USE bool http_open(struct http_server **out, const struct http_options *opt, struct err *err);
int http_port(const struct http_server *server);
/* Not from inside the handler. Requests under way are cut off. */
void http_close(struct http_server *server, void (*on_closed)(void *arg), void *arg);
