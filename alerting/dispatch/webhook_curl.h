/*
 * webhook: one attempt to send one signed HTTP POST (or the deadman's GET), by libcurl on the loop.
 *
 * No proxy, no redirects, http and https only, TLS verified, names resolved by curl's own thread;
 * at most 64 KiB of an answer are read. Retry and back-off are the outbox's business (engine).
 * Headers: webhook-id, webhook-timestamp, webhook-signature (Standard Webhooks, see envelope.h).
 * Thread: loop. Time: the caller gives the timestamp; the limits are the loop's.
 */
#pragma once

#include "base/instant.h"
#include "base/view.h"

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

struct channel;
struct webhooks;

struct webhook_request {
    const char *url;
    bool get;                     /* deadman: GET without body and signature */
    struct view id;               /* webhook-id: stable over attempts; printable, without '.' */
    struct view body;             /* JSON */
    const char *secret_file;      /* NULL: unsigned; read at each attempt */
    const char *next_secret_file; /* NULL: none; else both sign, separated by a space */
    int64_t timestamp;            /* s, for webhook-timestamp */
    struct span timeout;          /* of the whole attempt; connecting may take 5 s of it at most */
};

/* status: HTTP or SMTP status, or 0 with why (curl's words, or what is wrong with the key). Exactly
 * once, never inside the call. */
typedef void webhook_done_fn(void *arg, int status, const char *why);

struct webhooks *webhooks_open(uv_loop_t *loop);
/* Attempts under way are given up without a word. */
void webhooks_close(struct webhooks *hooks, void (*on_closed)(void *arg), void *arg);
/* Copied. */
void webhook_send(struct webhooks *hooks, const struct webhook_request *request,
    webhook_done_fn *done, void *arg);

struct letter_request {
    const struct channel *channel; /* email or sms */
    struct view to;                /* a name in its book, or the address itself */
    struct view id, body;          /* of the delivery; JSON with `text` */
    struct instant when;
};

/* A mail (status 250 when it was taken) or a form for a gateway (its HTTP status; a 2xx whose
 * answer lacks channel->accept is 0). Copied. */
void letter_send(
    struct webhooks *hooks, const struct letter_request *request, webhook_done_fn *done, void *arg);
