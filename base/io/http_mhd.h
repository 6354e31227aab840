/*
 * http: the one HTTP server (libmicrohttpd) on the loop; loopback unless told otherwise.
 *
 * A handler gets the whole request (body up to max_body) and answers at once with bytes it hands
 * over. (Streams come with the console.) Thread: loop.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/view.h"

#include <stdint.h>

#include <uv.h>

struct http_server;
struct http_request {
    struct view method, path, body; /* path without query */
    void *private_;
};
/* NULL if there is none; header names case-insensitive. */
const char *http_header(const struct http_request *request, const char *name);
const char *http_query(const struct http_request *request, const char *name);

struct http_response {
    int status;
    const char *type; /* static text; content type */
    struct buf body;  /* taken over */
};
typedef void http_handler_fn(
    void *arg, const struct http_request *request, struct http_response *response);

struct http_options {
    uv_loop_t *loop;
    const char *address; /* "127.0.0.1" */
    int port;            /* 0: any free one */
    size_t max_body;
    http_handler_fn *handler;
    void *arg;
};

MUST_USE bool http_open(struct http_server **out, const struct http_options *opt, struct err *err);
int http_port(const struct http_server *server);
void http_close(struct http_server *server, void (*on_closed)(void *arg), void *arg);
