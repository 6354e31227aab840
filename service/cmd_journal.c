/*
 * journal: shows and verifies a lane's journal or ledger, read-only; the lane may be running.
 */
#include "alerting/ledger/ledger.h"
#include "base/io/clock_posix.h"
#include "base/io/fs_posix.h"
#include "base/json.h"
#include "ingest/journal/journal.h"
#include "service/commands.h"
#include "service/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHOWN_BYTES ((size_t)120)
#define LINE_MAX_BYTES ((size_t)8 << 20)
#define PROGRESS_AFTER SPAN_S(2)

struct show {
    bool verify, ledger, json;
    uint64_t from;
    uint64_t limit; /* 0: none */
    uint64_t shown;
    uint64_t unknown; /* frames of no format we know */
    uint64_t walked;  /* bytes */
    struct wal_report report;
    struct span started;
    struct span told; /* last progress */
    struct buf line;
};

static void
tell_progress(struct show *show, bool last)
{
    const struct span now = clock_monotonic();

    if (isatty(STDERR_FILENO) == 0 || now.us - show->started.us < PROGRESS_AFTER.us)
        return;
    if (last) {
        (void)fprintf(stderr, "\r%60s\r", "");
    } else if (now.us - show->told.us >= 200000) {
        show->told = now;
        (void)fprintf(stderr, "\r%3.0f %%, %" PRIu64 " frames ",
            100.0 * (double)show->walked /
                (double)(show->report.bytes == 0 ? 1 : show->report.bytes),
            show->report.frames);
    }
}

/* Bytes as text of one line, cut; what cannot be printed is a dot. */
static void
put_printable(struct buf *out, struct view bytes)
{
    const size_t len = bytes.len < SHOWN_BYTES ? bytes.len : SHOWN_BYTES;

    for (size_t i = 0; i < len;) {
        const size_t n = utf8_char((struct view){bytes.ptr + i, bytes.len - i});

        if (n == 0 || (unsigned char)bytes.ptr[i] < ' ' || bytes.ptr[i] == 0x7f) {
            buf_char(out, '.');
            i++;
        } else {
            buf_put(out, (struct view){bytes.ptr + i, n});
            i += n;
        }
    }
    if (len < bytes.len)
        buf_text(out, "...");
}

static void
put_message(struct show *show, const struct message *msg, uint64_t end)
{
    struct buf *out = &show->line;
    char at[INSTANT_TEXT_BYTES];

    if (show->json) {
        struct json_writer json;

        json_begin(&json, out);
        json_object(&json, NULL);
        json_int(&json, "pos", (int64_t)end);
        json_instant(&json, "received", msg->received);
        json_int(&json, "qos", msg->qos);
        json_bool(&json, "retained", msg->retained);
        json_bool(&json, "dup", msg->dup);
        json_view(&json, "topic", msg->topic);
        json_view(&json, "payload", msg->payload);
        json_close(&json);
        json_end(&json);
        return;
    }
    buf_printf(out, "%" PRIu64 " %s q%u%s%s ", end, instant_text(msg->received, at), msg->qos,
        msg->retained ? " retained" : "", msg->dup ? " dup" : "");
    put_printable(out, msg->topic);
    buf_printf(out, " %zu ", msg->payload.len);
    put_printable(out, msg->payload);
}

static void
put_record(struct show *show, const struct ledger_record *record, uint64_t end)
{
    const char *kind = record->type == LEDGER_EVENT ? "event" : input_names[record->kind];
    struct buf *out = &show->line;
    char at[INSTANT_TEXT_BYTES];

    if (show->json) {
        struct json_writer json;

        json_begin(&json, out);
        json_object(&json, NULL);
        json_int(&json, "pos", (int64_t)end);
        json_text(&json, "kind", kind);
        json_int(&json, "epoch", record->epoch);
        json_instant(&json, "now", record->now);
        json_int(&json, "journal", (int64_t)record->pos);
        json_view(&json, "body", record->body);
        json_close(&json);
        json_end(&json);
        return;
    }
    buf_printf(out, "%" PRIu64 " %s epoch=%" PRIu32 " journal=%" PRIu64 " %s %zu ", end,
        instant_text(record->now, at), record->epoch, record->pos, kind, record->body.len);
    put_printable(out, record->body);
}

static bool
show_frame(void *arg, struct view frame, uint64_t end)
{
    struct show *show = arg;
    struct message msg;
    struct ledger_record record;
    bool known;

    if (frame.len == 0) /* damage: the walk's error names the first */
        return true;
    show->walked += frame.len;
    if (show->report.frames % 1024 == 0)
        tell_progress(show, false);
    if (end <= show->from && !show->verify)
        return true;
    buf_reset(&show->line);
    known = show->ledger ? ledger_decode(frame, &record) : journal_decode(frame, &msg);
    show->unknown += !known;
    if (show->verify)
        return true;
    if (!known) {
        buf_printf(&show->line, "%" PRIu64 " not a %s record, %zu bytes", end,
            show->ledger ? "ledger" : "journal", frame.len);
    } else if (show->ledger) {
        put_record(show, &record, end);
    } else {
        put_message(show, &msg, end);
    }
    (void)printf("%.*s\n", VIEW_ARG(buf_view(&show->line)));
    show->shown++;
    return show->limit == 0 || show->shown < show->limit;
}

static void
print_report(const struct show *show, const unsigned char id[WAL_ID_BYTES])
{
    const struct wal_report *report = &show->report;
    char hex[2 * WAL_ID_BYTES + 1];

    for (size_t i = 0; i < WAL_ID_BYTES; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", id[i]);
    if (show->json) {
        (void)printf("{\"bytes\":%" PRIu64 ",\"damaged\":%" PRIu32 ",\"end\":%" PRIu64
                     ",\"first\":%" PRIu64 ",\"frames\":%" PRIu64 ",\"id\":\"%s\""
                     ",\"segments\":%" PRIu32 ",\"torn_bytes\":%" PRIu64 ",\"unknown\":%" PRIu64
                     "}\n",
            report->bytes, report->damaged, report->end, report->first, report->frames, hex,
            report->segments, report->torn_bytes, show->unknown);
        return;
    }
    (void)printf("id %s\nsegments %" PRIu32 "\nframes %" PRIu64 "\nbytes %" PRIu64
                 "\npositions %" PRIu64 " to %" PRIu64 "\ntorn tail %" PRIu64
                 " bytes\nunknown records %" PRIu64 "\n",
        hex, report->segments, report->frames, report->bytes, report->first, report->end,
        report->torn_bytes, show->unknown);
}

static void
no_name(void *arg, const char *name)
{
    (void)arg;
    (void)name;
}

/* DIR/journal or DIR/ledger where there is one, else DIR itself. */
static char *
log_folder(const char *dir, bool ledger)
{
    const struct fs *fs = fs_posix();
    char *inner = fs_join(dir, ledger ? "ledger" : "journal");
    struct err err = {0};

    if (fs->list(fs->self, inner, no_name, NULL, &err))
        return inner;
    free(inner);
    return fs_join(dir, ".");
}

static int
run(struct show *show, const char *dir)
{
    unsigned char id[WAL_ID_BYTES];
    char *folder = log_folder(dir, show->ledger);
    struct err err = {0};

    show->started = clock_monotonic();
    buf_init(&show->line, LINE_MAX_BYTES);
    bool ok = wal_scan(fs_posix(), folder, &show->report, id, show_frame, show, &err);

    tell_progress(show, true);
    if (ok && show->report.segments == 0) {
        ok = err_set(&err, ERR_GONE,
            "%s: no segment of a log in there\n"
            "hint: name a lane's state folder, or the journal or ledger folder in it",
            dir);
    }
    if (show->verify && show->report.segments > 0)
        print_report(show, id);
    if (!ok)
        (void)fprintf(stderr, "wallwatch journal: %s\n", err.text);
    buf_fini(&show->line);
    free(folder);
    return ok && show->unknown == 0 ? EXIT_FINE : EXIT_FOUND;
}

int
cmd_journal(int argc, char **argv)
{
    const char *args[2];
    const char *from = "0";
    const char *limit = "0";
    struct show show = {0};
    int64_t number;
    int n_args;
    int code;
    const struct option_row rows[] = {
        {"from", "POS", "show what is behind this position (default 0)", &from, NULL},
        {"limit", "N", "stop after so many records (default: all)", &limit, NULL},
        {"ledger", NULL, "the ledger instead of the journal", NULL, &show.ledger},
        {"json", NULL, "one JSON object a line", NULL, &show.json},
    };
    const struct usage usage = {"journal", "show|verify DIR",
        "Shows the records of a lane's journal, or verifies every checksum of it. DIR is a lane's\n"
        "state folder, or a journal or ledger folder. A torn tail is what a crash leaves behind;\n"
        "damage before it, or a record that is none, makes the exit code 1.",
        rows, ARRAY_LEN(rows), 2, 2};

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    show.verify = strcmp(args[0], "verify") == 0;
    if (!show.verify && strcmp(args[0], "show") != 0) {
        (void)fprintf(
            stderr, "wallwatch journal: '%s' is not known, allowed are show and verify\n", args[0]);
        return EXIT_USAGE;
    }
    if (!options_number("journal", "from", from, 0, INT64_MAX, &number))
        return EXIT_USAGE;
    show.from = (uint64_t)number;
    if (!options_number("journal", "limit", limit, 0, INT64_MAX, &number))
        return EXIT_USAGE;
    show.limit = (uint64_t)number;
    return run(&show, args[1]);
}
