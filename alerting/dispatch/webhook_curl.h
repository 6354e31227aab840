/*
 * webhook: one signed HTTP POST at a time per address, by libcurl on the loop.
 *
 * No proxy, no redirects, TLS verified, answers cut at 64 KiB. Retry and back-off are the outbox's
 * business (engine); this does one attempt. Thread: loop.
 */
#pragma once

#include "base/instant.h"
#include "base/view.h"

#include <stdbool.h>

#include <uv.h>

struct webhooks;

struct webhook_request {
    const char *url;
    bool get;                /* deadman: GET without body and signature */
    struct view id;          /* webhook-id: stable over attempts */
    struct view body;        /* JSON */
    const char *secret_file; /* NULL: unsigned */
    int64_t timestamp;       /* s, for webhook-timestamp */
    struct span timeout;
};

/* status: HTTP status, or 0 with why (curl's words). Exactly once, never inside the call. */
typedef void webhook_done_fn(void *arg, int status, const char *why);

struct webhooks *webhooks_open(uv_loop_t *loop);
void webhooks_close(struct webhooks *hooks, void (*on_closed)(void *arg), void *arg);
/* Copied. */
void webhook_send(struct webhooks *hooks, const struct webhook_request *request,
    webhook_done_fn *done, void *arg);
