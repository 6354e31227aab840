/*
 * curl_multi_socket_action on libuv: curl says which sockets to watch and when to come back, the
 * loop does both. curl is never entered from one of its own callbacks: the timer callback only sets
 * the uv timer (facts.md).
 */
#include "alerting/dispatch/webhook_curl.h"

#include "alerting/dispatch/attempt_curl.h"
#include "alerting/dispatch/envelope.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/io/fs_posix.h"
#include "base/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#define MAX_KEY_BYTES 4096
#define CONNECT_MS 5000L
#define CONNECTIONS_PER_HOST 8L
#define HEADER_BYTES (ENVELOPE_MAX_ID_BYTES + 64 + 2 * SIGNATURE_BYTES)

struct watch {
    uv_poll_t poll;
    struct webhooks *hooks;
    curl_socket_t socket;
};

struct webhooks {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer;               /* when curl wants to be called */
    uv_timer_t soon;                /* failed attempts are completed from the loop */
    VEC(struct attempt *) attempts; /* in no order */
    int open_handles;
    bool closing;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

static void
maybe_closed(struct webhooks *hooks)
{
    if (!hooks->closing || hooks->open_handles > 0)
        return;
    void (*on_closed)(void *arg) = hooks->on_closed;
    void *arg = hooks->closed_arg;

    free(hooks);
    if (on_closed != NULL)
        on_closed(arg);
}

static void
end_attempt(struct webhooks *hooks, struct attempt *attempt)
{
    struct attempt *last = hooks->attempts.at[--hooks->attempts.len];

    hooks->attempts.at[attempt->index] = last;
    last->index = attempt->index;
    (void)curl_multi_remove_handle(hooks->multi, attempt->easy);
    curl_slist_free_all(attempt->headers);
    curl_easy_cleanup(attempt->easy);
    buf_fini(&attempt->answer);
    buf_fini(&attempt->mail);
    curl_slist_free_all(attempt->receivers);
    free(attempt->accept);
    free(attempt);
}

static bool
accepted(const struct attempt *attempt)
{
    const struct view answer = buf_view(&attempt->answer);
    const size_t len = attempt->accept == NULL ? 0 : strlen(attempt->accept);

    for (size_t i = 0; len > 0 && i + len <= answer.len; i++) {
        if (memcmp(answer.ptr + i, attempt->accept, len) == 0)
            return true;
    }
    return attempt->accept == NULL;
}

static void
complete(struct webhooks *hooks, struct attempt *attempt, CURLcode code)
{
    webhook_done_fn *done = attempt->done;
    void *arg = attempt->arg;
    char why[sizeof(attempt->error)];
    long status = 0;

    /* A cut answer is an answer: its status came before. */
    if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && attempt->answer_bytes > MAX_ANSWER_BYTES))
        (void)curl_easy_getinfo(attempt->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK && attempt->mailed)
        status = 250; /* what came last may be the answer to a farewell */
    else if (attempt->mailed &&
             curl_easy_getinfo(attempt->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK &&
             status < 400)
        status = 0;
    if (status >= 200 && status < 300 && !accepted(attempt)) {
        status = 0;
        (void)snprintf(attempt->error, sizeof(attempt->error),
            "the gateway's answer lacks what means that it was taken");
    }
    (void)snprintf(why, sizeof(why), "%s",
        status != 0 && (!attempt->mailed || code == CURLE_OK) ? ""
        : attempt->error[0] != '\0'                           ? attempt->error
                                                              : curl_easy_strerror(code));
    end_attempt(hooks, attempt);
    done(arg, (int)status, why);
}

static void
collect(struct webhooks *hooks)
{
    int left = 0;

    for (;;) {
        const CURLMsg *msg = hooks->closing ? NULL : curl_multi_info_read(hooks->multi, &left);
        struct attempt *attempt = NULL;

        if (msg == NULL)
            return;
        if (msg->msg != CURLMSG_DONE)
            continue;
        const CURLcode code = msg->data.result;

        CHECK(curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&attempt) == CURLE_OK);
        complete(hooks, attempt, code);
    }
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    struct webhooks *hooks = watch->hooks;
    int flags = 0;
    int running = 0;

    if (status < 0)
        flags |= CURL_CSELECT_ERR;
    if ((events & UV_READABLE) != 0)
        flags |= CURL_CSELECT_IN;
    if ((events & UV_WRITABLE) != 0)
        flags |= CURL_CSELECT_OUT;
    (void)curl_multi_socket_action(hooks->multi, watch->socket, flags, &running);
    collect(hooks);
}

static void
on_watch_closed(uv_handle_t *handle)
{
    struct watch *watch = handle->data;
    struct webhooks *hooks = watch->hooks;

    free(watch);
    hooks->open_handles--;
    maybe_closed(hooks);
}

static int
on_socket(CURL *easy, curl_socket_t socket, int what, void *arg, void *socket_arg)
{
    struct webhooks *hooks = arg;
    struct watch *watch = socket_arg;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL) {
            (void)curl_multi_assign(hooks->multi, socket, NULL);
            uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
        }
        return 0;
    }
    if (watch == NULL) {
        watch = mem_zalloc(1, sizeof(*watch));
        watch->hooks = hooks;
        watch->socket = socket;
        if (uv_poll_init_socket(hooks->loop, &watch->poll, socket) != 0) {
            free(watch);
            return -1;
        }
        watch->poll.data = watch;
        hooks->open_handles++;
        (void)curl_multi_assign(hooks->multi, socket, watch);
    }
    const int events = ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) |
                       ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);

    return uv_poll_start(&watch->poll, events, on_poll);
}

static void
on_timer(uv_timer_t *timer)
{
    struct webhooks *hooks = timer->data;
    int running = 0;

    (void)curl_multi_socket_action(hooks->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(hooks);
}

static int
on_curl_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct webhooks *hooks = arg;

    (void)multi;
    if (timeout_ms < 0)
        return uv_timer_stop(&hooks->timer);
    return uv_timer_start(&hooks->timer, on_timer, (uint64_t)timeout_ms, 0);
}

static void
on_soon(uv_timer_t *timer)
{
    struct webhooks *hooks = timer->data;

    for (size_t i = 0; i < hooks->attempts.len && !hooks->closing;) {
        if (!hooks->attempts.at[i]->failed) {
            i++;
            continue;
        }
        complete(hooks, hooks->attempts.at[i], CURLE_FAILED_INIT);
        i = 0; /* the list may be another one now */
    }
}

static size_t
on_answer(
    char *bytes, size_t size, size_t n, void *arg) /* NOLINT(readability-non-const-parameter) */
{
    struct attempt *attempt = arg;

    attempt->answer_bytes += size * n;
    if (attempt->accept != NULL)
        buf_put(&attempt->answer, view_bytes(bytes, size * n));
    return attempt->answer_bytes > MAX_ANSWER_BYTES ? 0 : size * n;
}

static void
on_handle_closed(uv_handle_t *handle)
{
    struct webhooks *hooks = handle->data;

    hooks->open_handles--;
    maybe_closed(hooks);
}

void
attempt_header(struct attempt *attempt, const char *name, const char *value)
{
    char line[HEADER_BYTES + SIGNATURE_BYTES];

    (void)snprintf(line, sizeof(line), "%s: %s", name, value);
    struct curl_slist *list = curl_slist_append(attempt->headers, line);

    CHECK(list != NULL);
    attempt->headers = list;
}

static bool
add_signature(
    const char *file, const struct webhook_request *request, struct buf *out, struct err *err)
{
    char signature[SIGNATURE_BYTES];
    const char *reason = NULL;
    struct arena arena;
    struct buf text;
    struct view key;
    bool fine = false;

    arena_init(&arena);
    buf_init(&text, MAX_KEY_BYTES);
    if (!fs_read_all(fs_posix(), file, &text, err)) {
        (void)err_wrap(err, "signing key");
    } else if (!envelope_key(&arena, buf_view(&text), &key, &reason)) {
        (void)err_set(err, ERR_CONFIG, "signing key '%s': %s", file, reason);
    } else {
        buf_printf(out, "%s%s", out->len > 0 ? " " : "",
            envelope_sign(key, request->id, request->timestamp, request->body, signature));
        fine = true;
    }
    buf_fini(&text);
    arena_fini(&arena);
    return fine;
}

/* While keys change hands both sign: a receiver with either of them is content. */
static bool
sign(struct attempt *attempt, const struct webhook_request *request, struct err *err)
{
    char header[2 * SIGNATURE_BYTES + 2];
    struct buf list;
    bool fine;

    buf_init(&list, sizeof(header));
    fine = add_signature(request->secret_file, request, &list, err) &&
           (request->next_secret_file == NULL ||
               add_signature(request->next_secret_file, request, &list, err));
    if (fine) {
        (void)snprintf(header, sizeof(header), "%.*s", VIEW_ARG(buf_view(&list)));
        attempt_header(attempt, "webhook-signature", header);
    }
    buf_fini(&list);
    return fine;
}

static bool
fill_post(struct attempt *attempt, const struct webhook_request *request, struct err *err)
{
    char text[HEADER_BYTES];

    if (!envelope_id_valid(request->id))
        return err_set(
            err, ERR_INPUT, "webhook-id is not 1 to 128 printable characters without '.'");
    (void)snprintf(text, sizeof(text), "%.*s", VIEW_ARG(request->id));
    attempt_header(attempt, "webhook-id", text);
    (void)snprintf(text, sizeof(text), "%lld", (long long)request->timestamp);
    attempt_header(attempt, "webhook-timestamp", text);
    attempt_header(attempt, "Content-Type", "application/json");
    attempt->headers =
        curl_slist_append(attempt->headers, "Expect:"); /* no pause before the body */
    CHECK(attempt->headers != NULL);
    (void)curl_easy_setopt(
        attempt->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    (void)curl_easy_setopt(
        attempt->easy, CURLOPT_COPYPOSTFIELDS, request->body.len > 0 ? request->body.ptr : "");
    return request->secret_file == NULL || sign(attempt, request, err);
}

struct attempt *
attempt_new(struct webhooks *hooks, struct span timeout, webhook_done_fn *done, void *arg)
{
    struct attempt *attempt = mem_zalloc(1, sizeof(*attempt));
    const long timeout_ms = (long)(timeout.us / 1000);

    CHECK(!hooks->closing);
    attempt->done = done;
    attempt->arg = arg;
    attempt->easy = curl_easy_init();
    CHECK(attempt->easy != NULL);
    buf_init(&attempt->answer, MAX_ANSWER_BYTES);
    buf_init(&attempt->mail, MAX_MAIL_BYTES);
    attempt->index = hooks->attempts.len;
    *VEC_PUSH(&hooks->attempts) = attempt; /* NOLINT(bugprone-sizeof-expression): of pointers */
    CURL *easy = attempt->easy;

    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, (char *)attempt);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, attempt->error);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "wallwatch");
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms < 1 ? 1L : timeout_ms);
    (void)curl_easy_setopt(
        easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms < CONNECT_MS ? timeout_ms : CONNECT_MS);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, (void *)attempt);
    return attempt;
}

void
attempt_go(
    struct webhooks *hooks, struct attempt *attempt, const char *url, bool fine, struct err *err)
{
    (void)curl_easy_setopt(attempt->easy, CURLOPT_HTTPHEADER, attempt->headers);
    if (fine && curl_easy_setopt(attempt->easy, CURLOPT_URL, url) != CURLE_OK)
        fine = err_set(err, ERR_CONFIG, "url '%.256s' cannot be used", url);
    if (fine && curl_multi_add_handle(hooks->multi, attempt->easy) != CURLM_OK)
        fine = err_set(err, ERR_IO, "curl does not take the attempt");
    attempt->failed = !fine;
    if (fine)
        return;
    (void)snprintf(attempt->error, sizeof(attempt->error), "%s", err->text);
    (void)uv_timer_start(&hooks->soon, on_soon, 0, 0);
}

struct webhooks *
webhooks_open(uv_loop_t *loop)
{
    struct webhooks *hooks = mem_zalloc(1, sizeof(*hooks));

    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    hooks->loop = loop;
    hooks->multi = curl_multi_init();
    CHECK(hooks->multi != NULL);
    (void)curl_multi_setopt(hooks->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(hooks->multi, CURLMOPT_SOCKETDATA, (void *)hooks);
    (void)curl_multi_setopt(hooks->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    (void)curl_multi_setopt(hooks->multi, CURLMOPT_TIMERDATA, (void *)hooks);
    (void)curl_multi_setopt(hooks->multi, CURLMOPT_MAX_HOST_CONNECTIONS, CONNECTIONS_PER_HOST);
    CHECK(uv_timer_init(loop, &hooks->timer) == 0);
    CHECK(uv_timer_init(loop, &hooks->soon) == 0);
    hooks->timer.data = hooks;
    hooks->soon.data = hooks;
    hooks->open_handles = 2;
    return hooks;
}

void
webhooks_close(struct webhooks *hooks, void (*on_closed)(void *arg), void *arg)
{
    CHECK(!hooks->closing);
    hooks->closing = true;
    hooks->on_closed = on_closed;
    hooks->closed_arg = arg;
    while (hooks->attempts.len > 0)
        end_attempt(hooks, hooks->attempts.at[hooks->attempts.len - 1]);
    VEC_FREE(&hooks->attempts);
    (void)curl_multi_cleanup(hooks->multi); /* says farewell to each socket by on_socket */
    uv_close((uv_handle_t *)&hooks->timer, on_handle_closed);
    uv_close((uv_handle_t *)&hooks->soon, on_handle_closed);
}

void
webhook_send(
    struct webhooks *hooks, const struct webhook_request *request, webhook_done_fn *done, void *arg)
{
    struct attempt *attempt = attempt_new(hooks, request->timeout, done, arg);
    struct err err = {0};
    const bool fine = request->get || fill_post(attempt, request, &err);

    attempt_go(hooks, attempt, request->url, fine, &err);
}
