/* rejects: what could not become readings, and why; and how it becomes readings later. */
#include "base/io/clock_posix.h"
#include "base/json.h"
#include "service/commands.h"
#include "service/configured.h"
#include "service/migrate_pg.h"
#include "service/options.h"
#include "service/rerun_pg.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES ((size_t)1 << 20)

struct ask {
    const char *dir, *profile;
    struct rejects_options which;
    bool rerun, json;
};

struct printing {
    struct buf line;
    bool json;
    uint64_t n;
};

/* What a device sent may stand in the detail: no control character reaches the terminal. */
static void
put_text(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++)
        buf_char(out, (char)((unsigned char)*text < ' ' || *text == 0x7f ? '.' : *text));
}

static void
put_json(struct buf *out, const struct reject_row *row)
{
    struct json_writer json;

    json_begin(&json, out);
    json_object(&json, NULL);
    json_text(&json, "at", row->at);
    json_int(&json, "bytes", row->bytes);
    json_text(&json, "class", row->class_name);
    json_text(&json, "detail", row->detail);
    json_text(&json, "device", row->device);
    json_int(&json, "idx", row->idx);
    json_text(&json, "lane", row->lane);
    json_int(&json, "pos", row->pos);
    json_text(&json, "reason", row->reason);
    json_bool(&json, "rerun", row->rerun);
    json_close(&json);
    json_end(&json);
}

static void
print_row(void *arg, const struct reject_row *row)
{
    struct printing *printing = arg;
    struct buf *line = &printing->line;

    buf_reset(line);
    printing->n++;
    if (printing->json) {
        put_json(line, row);
    } else {
        buf_printf(line, "%s %-8s %-16s %-20s ", row->at, row->lane, row->reason,
            row->device[0] != '\0' ? row->device : "-");
        put_text(line, row->detail);
        if (row->rerun)
            buf_text(line, " (rerun)");
    }
    (void)printf("%.*s\n", VIEW_ARG(buf_view(line)));
}

static PGconn *
connect_to(const struct config *config, struct err *err)
{
    PGconn *pg = tool_connect(config->database, config->database_password_file, err);

    if (pg != NULL && !tool_check_schema(pg, err)) {
        PQfinish(pg);
        return NULL;
    }
    return pg;
}

static bool
list(const struct config *config, const struct ask *ask, struct err *err)
{
    struct printing printing = {.json = ask->json};
    PGconn *pg = connect_to(config, err);

    if (pg == NULL)
        return false;
    buf_init(&printing.line, LINE_MAX_BYTES);
    const bool ok = rejects_run(pg, &ask->which, print_row, &printing, err);

    if (ok && !ask->json)
        (void)printf("%" PRIu64 " rejects\n", printing.n);
    buf_fini(&printing.line);
    PQfinish(pg);
    return ok;
}

static void
tell_progress(void *arg, uint64_t done, uint64_t all)
{
    const struct span *started = arg;

    if (isatty(STDERR_FILENO) == 0 || clock_monotonic().us - started->us < SPAN_S(2).us)
        return;
    if (done < all)
        (void)fprintf(stderr, "\r%3" PRIu64 " %%, %" PRIu64 " records ", done * 100 / all, done);
    else
        (void)fprintf(stderr, "\r%40s\r", "");
}

static void
print_rerun(const struct rerun_totals *totals, bool as_json)
{
    const uint64_t still = totals->records - totals->done;

    if (as_json) {
        (void)printf("{\"done\":%" PRIu64 ",\"mended\":%" PRIu64 ",\"readings\":%" PRIu64
                     ",\"records\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"run\":%" PRIu64
                     ",\"still\":%" PRIu64 ",\"turned\":%" PRIu64 "}\n",
            totals->done, totals->mended, totals->readings, totals->records, totals->refused,
            totals->run, still, totals->turned);
        return;
    }
    (void)printf("%" PRIu64 " records looked at, %" PRIu64 " readable now (%" PRIu64
                 " readings added, %" PRIu64 " completed), %" PRIu64 " still rejected\n",
        totals->records, totals->done, totals->readings, totals->mended, still);
    if (totals->refused > 0) {
        (void)printf(
            "%" PRIu64 " of them were refused by the database: %s\n", totals->refused, totals->why);
    }
}

static bool
rerun(const struct config *config, const struct ask *ask, struct err *err)
{
    struct rerun_totals totals;
    struct span started = clock_monotonic();
    const struct rerun_options opt = {&ask->which, ask->profile, clock_wall()};
    PGconn *pg = connect_to(config, err);

    if (pg == NULL)
        return false;
    const bool ok = rerun_run(pg, config, &opt, tell_progress, &started, &totals, err);

    /* What was done before an error stays done. */
    print_rerun(&totals, ask->json);
    PQfinish(pg);
    return ok;
}

/* An instant as it is, or a length of time before now. */
static bool
read_when(const char *name, const char *text, char out[INSTANT_TEXT_BYTES])
{
    struct instant at;
    struct span span;

    if (span_parse(view_of(text), &span)) {
        at = instant_add(clock_wall(), SPAN_US(-span.us));
    } else if (!instant_parse(view_of(text), &at)) {
        (void)fprintf(stderr,
            "wallwatch rejects: --%s: '%s' is neither a length of time nor an instant, allowed "
            "are 2h or 2026-11-24T06:00:00Z\n",
            name, text);
        return false;
    }
    (void)instant_text(at, out);
    return true;
}

static int
run(const struct ask *ask)
{
    struct config *config = NULL;
    struct err err = {0};
    bool ok = false;

    if (!configured_read(ask->dir, NULL, &config))
        return EXIT_FOUND;
    if (config->database == NULL)
        (void)err_set(&err, ERR_CONFIG, "site.yaml names no database");
    else if (ask->which.lane == NULL || configured_lane(config, ask->which.lane, &err))
        ok = ask->rerun ? rerun(config, ask, &err) : list(config, ask, &err);
    if (!ok)
        (void)fprintf(stderr, "wallwatch rejects: %s\n", err.text);
    config_unref(config);
    return ok ? EXIT_FINE : EXIT_FOUND;
}

int
cmd_rejects(int argc, char **argv)
{
    struct ask ask = {.dir = CONFIG_DIR_DEFAULT};
    const char *limit = "50", *since = NULL, *until = NULL;
    char from[INSTANT_TEXT_BYTES], to[INSTANT_TEXT_BYTES];
    const char *args[1];
    int n_args, code;
    const struct option_row rows[] = {
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")", &ask.dir,
            NULL},
        {"device", "CODE", "only this device", &ask.which.device, NULL},
        {"from", "WHEN", "received since: 2h, or an instant", &since, NULL},
        {"json", NULL, "one JSON object a line", NULL, &ask.json},
        {"lane", "NAME", "only this lane", &ask.which.lane, NULL},
        {"limit", "N", "list the newest so many (default 50)", &limit, NULL},
        {"profile", "NAME", "with --rerun: only what this profile reads now", &ask.profile, NULL},
        {"reason", "WORD", "only this reason", &ask.which.reason, NULL},
        {"rerun", NULL, "read them again with the configuration in force", NULL, &ask.rerun},
        {"since", "WHEN", "the same as --from", &since, NULL},
        {"to", "WHEN", "received before", &until, NULL},
    };
    const struct usage usage = {"rejects", "",
        "Lists messages, or parts of them, that could not become readings: when, lane, reason,\n"
        "device, detail; oldest first. Their bytes are kept in ops.reject.\n"
        "--rerun: after a profile was mended and applied, they go through it again and become "
        "rows\n"
        "with their original times. Nobody judges them and nobody is called; twice adds nothing.",
        rows, ARRAY_LEN(rows), 0, 0};

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    if (ask.profile != NULL && !ask.rerun) {
        (void)fprintf(stderr, "wallwatch rejects: --profile goes with --rerun\n");
        return EXIT_USAGE;
    }
    if (!options_number("rejects", "limit", limit, 1, 1000000, &ask.which.limit) ||
        (since != NULL && !read_when("from", since, from)) ||
        (until != NULL && !read_when("to", until, to)))
        return EXIT_USAGE;
    ask.which.since = since != NULL ? from : NULL;
    ask.which.until = until != NULL ? to : NULL;
    return run(&ask);
}
