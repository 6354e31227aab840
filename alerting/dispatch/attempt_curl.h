/* attempt: one request on its way, as webhook_curl.c and letter_curl.c share it. Inside dispatch.
 */
#pragma once

#include "alerting/dispatch/webhook_curl.h"
#include "base/buf.h"
#include "base/err.h"

#include <curl/curl.h>

#define MAX_ANSWER_BYTES 65536
#define MAX_MAIL_BYTES ((size_t)256 * 1024)

struct attempt {
    size_t index; /* in webhooks.attempts */
    CURL *easy;
    struct curl_slist *headers, *receivers;
    webhook_done_fn *done;
    void *arg;
    size_t answer_bytes;
    char *accept;      /* must stand in the answer; owned; NULL: nothing */
    struct buf answer; /* kept if there is something to look for */
    bool mailed;       /* over SMTP */
    struct buf mail;   /* the letter, and how much of it has gone */
    size_t mail_at;
    bool failed; /* before it began: error says why */
    char error[CURL_ERROR_SIZE + ERR_TEXT_BYTES];
};

/* With the limits that all requests have. */
struct attempt *attempt_new(
    struct webhooks *hooks, struct span timeout, webhook_done_fn *done, void *arg);
void attempt_header(struct attempt *attempt, const char *name, const char *value);
/* Sets it off; not fine: it is completed from the loop with what err says. */
void attempt_go(
    struct webhooks *hooks, struct attempt *attempt, const char *url, bool fine, struct err *err);
