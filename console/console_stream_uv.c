/*
 * Live changes as server-sent events. A stream is a number on the board; it is asked for bytes when
 * its client can take some, and sleeps in between.
 *
 *   event: reset   the client forgets what it has          (data: {})
 *   event: case    a case as it is now                     (data: the body of its topic)
 *   event: gone    it is not shown any more                (data: {"alert": id})
 *   event: state   complete, loading, incomplete and why   (data: GET /api/v1/state)
 *   event: logout  the session has ended; the stream too   (data: {})
 *
 * Ids are BOOT-NUMBER; Last-Event-ID of this run goes on where it was, any other begins anew.
 */
#include "base/io/clock_posix.h"
#include "console/inner_uv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_BYTES 262144
#define HEARTBEAT SPAN_S(10)

struct stream {
    struct console *console;
    struct stream *next;
    struct http_stream *http;
    char session[SESSION_HEX];
    char unit[128]; /* as it was at the start; another one now: begin anew */
    uint64_t number;
    uint64_t state_version; /* told */
    struct span told;       /* monotonic */
    bool reset;             /* must be told first */
    struct buf *out;        /* while it is asked */
};

static void
put_event(struct stream *stream, const char *name, uint64_t number, struct view data)
{
    buf_printf(stream->out, "event: %s\nid: %s-%llu\ndata: ", name, stream->console->boot,
        (unsigned long long)number);
    /* JSON of our own writer has no line breaks; a foreign one might. */
    for (size_t i = 0; i < data.len;) {
        const char *end = memchr(data.ptr + i, '\n', data.len - i);
        const size_t n = end == NULL ? data.len - i : (size_t)(end - (data.ptr + i));

        buf_put(stream->out, view_bytes(data.ptr + i, n));
        i += n + 1;
        if (end != NULL)
            buf_text(stream->out, "\ndata: ");
    }
    buf_text(stream->out, "\n\n");
}

static bool
put_change(void *arg, const struct board_change *change)
{
    struct stream *stream = arg;
    char gone[320];

    if (change->json.len > 0) {
        put_event(stream, "case", change->number, change->json);
    } else {
        (void)snprintf(gone, sizeof(gone), "{\"alert\":\"%.*s\"}", VIEW_ARG(change->alert));
        put_event(stream, "gone", change->number, view_of(gone));
    }
    return stream->out->len < PIECE_BYTES;
}

static void
put_state(struct stream *stream)
{
    struct buf state;

    buf_init(&state, 65536);
    board_state_json(stream->console->board, &state);
    put_event(stream, "state", stream->number, buf_view(&state));
    buf_fini(&state);
    stream->state_version = board_state_version(stream->console->board);
}

static bool
more(void *arg, struct buf *out)
{
    struct stream *stream = arg;
    const struct board *board = stream->console->board;
    const struct asker by = console_asker_of(stream->console, view_of(stream->session));
    const struct span now = clock_monotonic();

    stream->out = out;
    if (stream->console->closing)
        return false;
    if (by.account == NULL || strcmp(by.account->unit, stream->unit) != 0 ||
        !access_allows(by.account->role, RIGHT_LOOK)) {
        put_event(stream, "logout", stream->number, view_of("{}"));
        return false;
    }
    if (stream->reset || !board_reaches(board, stream->number)) {
        stream->number = 0;
        stream->reset = false;
        put_event(stream, "reset", 0, view_of("{}"));
    }
    const uint64_t before = stream->number;

    stream->number = board_each(board, view_of(stream->unit), stream->number, put_change, stream);
    /* What is complete is said only behind all that it counts. */
    if (stream->number == board_number(board) &&
        (stream->state_version != board_state_version(board) ||
            now.us - stream->told.us >= HEARTBEAT.us))
        put_state(stream);
    if (out->len > 0 || stream->number != before)
        stream->told = now;
    return true;
}

static void
gone(void *arg)
{
    struct stream *stream = arg;
    struct stream **at = &stream->console->streams;

    while (*at != stream)
        at = &(*at)->next;
    *at = stream->next;
    free(stream);
}

/* False: not of this run. */
static bool
parse_id(const struct console *console, const char *text, uint64_t *out)
{
    const size_t len = strlen(console->boot);
    char *end = NULL;

    if (text == NULL || strncmp(text, console->boot, len) != 0 || text[len] != '-' ||
        text[len + 1] < '0' || text[len + 1] > '9')
        return false;
    *out = strtoull(text + len + 1, &end, 10);
    return *end == '\0';
}

void
console_events(struct console *console, const struct asked *asked, struct http_response *response)
{
    struct stream *stream;

    if (strlen(asked->by.account->unit) >= sizeof(stream->unit)) {
        console_problem(response, 403, "not-allowed", "the account's unit is not readable");
        return;
    }
    stream = mem_zalloc(1, sizeof(*stream));
    stream->console = console;
    memcpy(stream->session, asked->by.session->id, SESSION_HEX);
    memcpy(stream->unit, asked->by.account->unit, strlen(asked->by.account->unit) + 1);
    stream->reset =
        !parse_id(console, http_header(asked->request, "Last-Event-ID"), &stream->number);
    stream->next = console->streams;
    console->streams = stream;
    response->status = 200;
    response->type = "text/event-stream";
    http_add_header(response, "X-Accel-Buffering", "no"); /* nginx passes it on at once */
    stream->http = http_stream_start(response, more, gone, stream);
}

void
console_streams_wake(struct console *console)
{
    for (struct stream *stream = console->streams; stream != NULL; stream = stream->next)
        http_stream_wake(stream->http);
}
