/* inner_uv: what the files of the console share; nobody else includes it. */
#pragma once

#include "base/arena.h"
#include "base/digest.h"
#include "base/io/http_mhd.h"
#include "base/vec.h"
#include "base/wal.h"
#include "console/access.h"
#include "console/accounts.h"
#include "console/board.h"
#include "console/console_uv.h"
#include "console/sessions.h"

#define COOKIE "__Host-wallwatch"
#define LOGINS_AT_ONCE 4 /* argon2id takes 64 MiB each */

struct stream;
struct console {
    struct console_options opt;
    struct http_server *server;
    struct board *board;
    struct wal *log;
    struct sessions sessions;
    struct arena account_arena;
    struct accounts accounts;
    struct digest accounts_digest; /* of the file as it was read */
    struct stream *streams;
    unsigned logins;     /* on the pool now */
    struct map failures; /* account name -> struct failures */
    char boot[17];       /* random: event ids of another run are not ours */
    uv_timer_t tick, flush;
    bool flushing, closing;
    int open_handles;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

/* Who asks, as found in his cookie at this moment. */
struct asker {
    const struct session *session; /* NULL: nobody */
    const struct account *account;
};

/* An RFC 9457 problem; code is the word that a program or a catalogue of texts goes by. */
void console_problem(
    struct http_response *response, int status, const char *code, const char *title);
struct asker console_asker(struct console *console, const struct http_request *request);
/* Again, later: still logged in, the account still there. */
struct asker console_asker_of(struct console *console, struct view session_id);
/* Into the log, synced; false has been logged. */
bool console_record(struct console *console, const struct buf *frame);

/* Handlers, one a route (console_api_uv.c, console_login_uv.c, console_stream_uv.c). */
struct asked {
    const struct http_request *request;
    struct view id; /* what stands for {x} in the path */
    struct asker by;
};
typedef void console_handler_fn(
    struct console *console, const struct asked *asked, struct http_response *response);
console_handler_fn console_login, console_logout, console_session, console_alerts, console_alert,
    console_command, console_report, console_events, console_state, console_trail;

void console_streams_wake(struct console *console);
