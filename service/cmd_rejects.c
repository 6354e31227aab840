/* rejects: lists what could not become readings, and why. */
#include "base/io/clock_posix.h"
#include "base/json.h"
#include "service/commands.h"
#include "service/configured.h"
#include "service/migrate_pg.h"
#include "service/options.h"
#include "service/rejects_pg.h"

#include <inttypes.h>
#include <stdio.h>

#define LINE_MAX_BYTES ((size_t)1 << 20)

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

static bool
list(const struct config *config, const struct rejects_options *opt, struct printing *printing,
    struct err *err)
{
    PGconn *pg = tool_connect(config->database, config->database_password_file, err);
    bool ok = pg != NULL && tool_check_schema(pg, err);

    if (ok)
        ok = rejects_run(pg, opt, print_row, printing, err);
    PQfinish(pg);
    return ok;
}

/* An instant as it is, or a length of time before now. */
static bool
read_since(const char *text, char out[INSTANT_TEXT_BYTES])
{
    struct instant at;
    struct span span;

    if (span_parse(view_of(text), &span))
        at = instant_add(clock_wall(), SPAN_US(-span.us));
    else if (!instant_parse(view_of(text), &at))
        return false;
    (void)instant_text(at, out);
    return true;
}

static int
run(const char *dir, const struct rejects_options *opt, bool as_json)
{
    struct printing printing = {.json = as_json};
    struct config *config = NULL;
    struct err err = {0};
    bool ok = false;

    if (!configured_read(dir, NULL, &config))
        return EXIT_FOUND;
    buf_init(&printing.line, LINE_MAX_BYTES);
    if (config->database == NULL)
        (void)err_set(&err, ERR_CONFIG, "site.yaml names no database");
    else if (opt->lane == NULL || configured_lane(config, opt->lane, &err))
        ok = list(config, opt, &printing, &err);
    if (!ok)
        (void)fprintf(stderr, "wallwatch rejects: %s\n", err.text);
    else if (!as_json)
        (void)printf("%" PRIu64 " rejects\n", printing.n);
    buf_fini(&printing.line);
    config_unref(config);
    return ok ? EXIT_FINE : EXIT_FOUND;
}

int
cmd_rejects(int argc, char **argv)
{
    const char *dir = CONFIG_DIR_DEFAULT, *limit = "50", *since = NULL;
    struct rejects_options opt = {0};
    char from[INSTANT_TEXT_BYTES];
    const char *args[1];
    bool as_json = false;
    int n_args, code;
    const struct option_row rows[] = {
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")", &dir,
            NULL},
        {"json", NULL, "one JSON object a line", NULL, &as_json},
        {"lane", "NAME", "only this lane", &opt.lane, NULL},
        {"limit", "N", "the newest so many (default 50)", &limit, NULL},
        {"since", "WHEN", "received since: 2h, or an instant", &since, NULL},
    };
    const struct usage usage = {"rejects", "",
        "Lists messages, or parts of them, that could not become readings: when, lane, reason,\n"
        "device, detail; oldest first. Their bytes are kept in ops.reject.",
        rows, ARRAY_LEN(rows), 0, 0};

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    if (!options_number("rejects", "limit", limit, 1, 1000000, &opt.limit))
        return EXIT_USAGE;
    if (since != NULL && !read_since(since, from)) {
        (void)fprintf(stderr,
            "wallwatch rejects: --since: '%s' is neither a length of time nor an instant, allowed "
            "are 2h or 2026-11-24T06:00:00Z\n",
            since);
        return EXIT_USAGE;
    }
    opt.since = since != NULL ? from : NULL;
    return run(dir, &opt, as_json);
}
