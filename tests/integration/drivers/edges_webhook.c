/*
 * Sends webhooks by lines on stdin, tells what became of them on stdout:
 *
 *   post URL ID SECRET_FILE|-[,NEXT] TIMEOUT_MS BODY | get URL TIMEOUT_MS
 *   mail URL ID TO BOOK_FILE TIMEOUT_MS BODY | sms URL ID TO BOOK_FILE TIMEOUT_MS BODY | quit
 *
 * "tick" is told every 20 ms in which the loop was late by more than 50 ms: curl must not block it.
 */
#include "alerting/dispatch/channel.h"
#include "alerting/dispatch/webhook_curl.h"
#include "base/check.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

static struct webhooks *hooks;
static uv_pipe_t input;
static uv_timer_t ticker;
static uint64_t last_ms;
static char line[4096];
static size_t line_len;
static char names[64][64];
static size_t n_names;

static void
on_done(void *arg, int status, const char *why)
{
    (void)printf("done %s %d %s\n", (const char *)arg, status, why);
}

static void
on_closed(void *arg)
{
    (void)arg;
    (void)printf("closed\n");
}

static void
on_tick(uv_timer_t *timer)
{
    const uint64_t now = uv_now(timer->loop);

    if (last_ms != 0 && now - last_ms > 70)
        (void)printf("late %llu\n", (unsigned long long)(now - last_ms));
    last_ms = now;
}

static void
send_letter(const char *words, enum channel_kind kind)
{
    static const char *const form[] = {"mobile={to}", "text={zh}", "id={id}"};
    char url[512], id[64], to[64], book[512], body[1024];
    long timeout_ms = 0;

    CHECK(sscanf(words, "%*s %511s %63s %63s %511s %ld %1023[^\n]", url, id, to, book, &timeout_ms,
              body) == 6);
    CHECK(n_names < 64);
    (void)snprintf(names[n_names], sizeof(names[0]), "%s", id);
    const struct channel channel = {.kind = kind,
        .url = url,
        .timeout = SPAN_MS(timeout_ms),
        .book_file = book,
        .from = "watch@example.org",
        .form = form,
        .n_form = 3,
        .accept = "\"code\":0"};
    const struct letter_request request = {.channel = &channel,
        .to = view_of(to),
        .id = view_of(id),
        .body = view_of(body),
        .when = {INT64_C(1795505000000000)}};

    letter_send(hooks, &request, on_done, names[n_names++]);
    (void)printf("sent\n");
}

static void
obey(const char *words)
{
    char verb[16] = "";
    char url[512] = "";
    char id[64] = "";
    char secret[512] = "";
    char body[512] = "";
    long timeout_ms = 0;

    if (sscanf(words, "%15s", verb) == 1 && strcmp(verb, "quit") == 0) {
        uv_close((uv_handle_t *)&input, NULL);
        uv_close((uv_handle_t *)&ticker, NULL);
        webhooks_close(hooks, on_closed, NULL);
        return;
    }
    if (strcmp(verb, "mail") == 0 || strcmp(verb, "sms") == 0) {
        send_letter(words, verb[0] == 'm' ? CHANNEL_EMAIL : CHANNEL_SMS);
        return;
    }
    const bool get = strcmp(verb, "get") == 0;
    char *next = NULL;

    if (get)
        CHECK(sscanf(words, "%*s %511s %ld", url, &timeout_ms) == 2);
    else
        CHECK(sscanf(words, "%*s %511s %63s %511s %ld %511[^\n]", url, id, secret, &timeout_ms,
                  body) == 5);
    next = strchr(secret, ',');
    if (next != NULL)
        *next++ = '\0';
    CHECK(n_names < 64);
    (void)snprintf(names[n_names], sizeof(names[0]), "%s", get ? "get" : id);
    const struct webhook_request request = {.url = url,
        .get = get,
        .id = view_of(id),
        .body = view_of(body),
        .secret_file = strcmp(secret, "-") == 0 ? NULL : secret,
        .next_secret_file = next,
        .timestamp = 1795505000,
        .timeout = SPAN_MS(timeout_ms)};

    webhook_send(hooks, &request, on_done, names[n_names++]);
    (void)printf("sent\n");
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)handle;
    (void)suggested;
    *out = uv_buf_init(line + line_len, (unsigned)(sizeof(line) - 1 - line_len));
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
    char *end;

    (void)stream;
    (void)bytes;
    CHECK(n >= 0);
    line_len += (size_t)n;
    line[line_len] = '\0';
    while ((end = strchr(line, '\n')) != NULL) {
        *end = '\0';
        obey(line);
        line_len -= (size_t)(end + 1 - line);
        memmove(line, end + 1, line_len + 1);
    }
}

int
main(void)
{
    uv_loop_t *loop = uv_default_loop();

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    hooks = webhooks_open(loop);
    CHECK(uv_timer_init(loop, &ticker) == 0 && uv_timer_start(&ticker, on_tick, 20, 20) == 0);
    CHECK(uv_pipe_init(loop, &input, 0) == 0 && uv_pipe_open(&input, 0) == 0);
    CHECK(uv_read_start((uv_stream_t *)&input, on_alloc, on_read) == 0);
    (void)uv_run(loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(loop) == 0);
    return 0;
}
