/*
 * The lane's side of post, moved by lines on stdin, told on stdout:
 *
 *   edges_post WALLWATCH PORT CLIENT USER PASSWORD_FILE FILTER ...
 *
 *   pub TOKEN TOPIC TEXT | urgent TOKEN TOPIC TEXT | retain TOKEN TOPIC TEXT
 *   many N TOPIC         tokens 1..N
 *   pid | waiting | quit
 */
#include "alerting/dispatch/post_uv.h"
#include "base/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

static struct post *post;
static uv_pipe_t input;
static char line[4096];
static size_t line_len;

static void
on_done(void *arg, uint64_t token, int reason)
{
    (void)arg;
    (void)printf("done %llu %d\n", (unsigned long long)token, reason);
}

static void
on_message(void *arg, struct view topic, struct view payload, bool retained)
{
    (void)arg;
    (void)printf("message %.*s %.*s retained=%d\n", VIEW_ARG(topic), VIEW_ARG(payload), retained);
}

static void
on_state(void *arg, bool up, const char *why)
{
    (void)arg;
    (void)printf("%s %s\n", up ? "up" : "down", why);
}

static void
on_closed(void *arg)
{
    (void)arg;
    (void)printf("closed\n");
}

static void
obey(const char *words)
{
    char verb[16] = "";
    char topic[256] = "";
    char text[256] = "";
    unsigned long long n = 0;
    const int got = sscanf(words, "%15s %llu %255s %255s", verb, &n, topic, text);

    if (strcmp(verb, "pid") == 0) {
        (void)printf("pid %d\n", post_child_pid(post));
    } else if (strcmp(verb, "waiting") == 0) {
        (void)printf("waiting %zu\n", post_waiting(post));
    } else if (strcmp(verb, "quit") == 0) {
        uv_close((uv_handle_t *)&input, NULL);
        post_close(post, on_closed, NULL);
    } else if (strcmp(verb, "many") == 0 && got == 3) {
        for (unsigned long long i = 1; i <= n; i++)
            post_publish(post, view_of(topic), view_of("many"), false, false, i, on_done);
    } else if (got >= 3) {
        post_publish(post, view_of(topic), view_of(text), strcmp(verb, "retain") == 0,
            strcmp(verb, "urgent") == 0, n, on_done);
    }
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
    if (n < 0)
        _Exit(9); /* a lane that dies without a word */
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
main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();

    CHECK(argc >= 6);
    (void)signal(SIGPIPE, SIG_IGN); /* as the lane does: a child may end while it is written to */
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    const struct post_options opt = {.loop = loop,
        .program = argv[1],
        .host = "127.0.0.1",
        .port = (int)strtol(argv[2], NULL, 10),
        .client_id = argv[3],
        .username = argv[4],
        .password_file = argv[5],
        .will_topic = "wallwatch/status/fire",
        .will_body = "{\"lane\":\"fire\",\"up\":false}",
        .filters = (const char *const *)&argv[6],
        .n_filters = (size_t)argc - 6,
        .on_message = on_message,
        .on_state = on_state};

    post = post_open(&opt);
    CHECK(uv_pipe_init(loop, &input, 0) == 0 && uv_pipe_open(&input, 0) == 0);
    CHECK(uv_read_start((uv_stream_t *)&input, on_alloc, on_read) == 0);
    (void)uv_run(loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(loop) == 0);
    return 0;
}
