/* backtest: what a change of the configuration would have done, on stored readings. */
#include "base/io/clock_posix.h"
#include "base/io/fs_posix.h"
#include "service/backtest_pg.h"
#include "service/backtest_report.h"
#include "service/commands.h"
#include "service/configured.h"
#include "service/options.h"
#include "service/report_config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define REPORT_MAX ((size_t)256 << 20)
#define BAR 30

struct ask {
    const char *dir, *against, *from, *to, *html, *lang;
    bool json;
};

struct run { /* for the progress bar */
    struct backtest_span span;
    const char *what;
    int shown; /* percent; -1: nothing yet */
    bool bar;
};

static void
progress(void *arg, struct instant at)
{
    struct run *run = arg;
    const int64_t whole = instant_since(run->span.to, run->span.from).us;
    const int percent = (int)(instant_since(at, run->span.from).us * 100 / whole);

    if (!run->bar || percent == run->shown)
        return;
    run->shown = percent;
    (void)fprintf(stderr, "\r%-6s [", run->what);
    for (int i = 0; i < BAR; i++)
        (void)fputc(i * 100 < percent * BAR ? '#' : ' ', stderr);
    (void)fprintf(stderr, "] %3d %%", percent);
}

static bool
play(struct backtest *backtest, const struct config *config, const struct config *database,
    struct run *run, struct err *err)
{
    uint64_t foreign = 0;

    run->shown = -1;
    backtest_init(backtest, config, run->span.from);
    const bool ok = backtest_rows(backtest, database, &run->span, progress, run, &foreign, err);

    if (run->bar)
        (void)fprintf(stderr, "\r%*s\r", BAR + 20, "");
    if (ok && foreign > 0) {
        (void)fprintf(stderr,
            "wallwatch backtest: %" PRIu64 " records of lanes that '%s' does not have were left "
            "out\n",
            foreign, run->what);
    }
    return ok;
}

static bool
write_page(const char *path, const struct backtest_report *report, enum lang lang)
{
    FILE *file = fopen(path, "we");
    struct buf out;

    buf_init(&out, REPORT_MAX);
    backtest_html(report, lang, &out);
    bool ok = file != NULL && !out.full && fwrite(out.ptr, 1, out.len, file) == out.len;

    ok = (file == NULL || fclose(file) == 0) && ok;
    if (!ok)
        (void)fprintf(stderr, "wallwatch backtest: --html: '%s' cannot be written\n", path);
    buf_fini(&out);
    return ok;
}

static bool
print(const struct ask *ask, const struct backtest_report *report, enum lang lang)
{
    struct buf out;

    buf_init(&out, REPORT_MAX);
    if (ask->json)
        backtest_json(report, &out);
    else
        backtest_text(report, lang, &out);
    const bool ok = !out.full && fwrite(out.ptr, 1, out.len, stdout) == out.len;

    buf_fini(&out);
    if (!ok)
        (void)fprintf(stderr, "wallwatch backtest: the report cannot be printed\n");
    return ok && (ask->html == NULL || write_page(ask->html, report, lang));
}

static int
compare(const struct ask *ask, const struct config *before, const struct config *after,
    const struct backtest_span *span, enum lang lang)
{
    struct backtest old;
    struct backtest new;
    struct backtest_report report;
    struct err err = {0};
    char name[64] = "";
    struct run run = {*span, "before", -1, isatty(STDERR_FILENO) == 1};
    int code = EXIT_FOUND;

    if (!play(&old, before, after, &run, &err)) {
        (void)fprintf(stderr, "wallwatch backtest: %s\n", err.text);
        goto no_after;
    }
    run.what = "after";
    if (!play(&new, after, after, &run, &err)) {
        (void)fprintf(stderr, "wallwatch backtest: %s\n", err.text);
        goto out;
    }
    backtest_report_init(&report, &old, &new);
    (void)snprintf(name, sizeof(name),
        lang == LANG_ZH ? "版本 %" PRIu32 " (现行)" : "version %" PRIu32 " (in force)",
        before->version);
    report.from = span->from;
    report.to = span->to;
    report.before_name = ask->against != NULL ? ask->against : name;
    report.after_name = ask->dir;
    code = print(ask, &report, lang) ? EXIT_FINE : EXIT_FOUND;
    backtest_report_fini(&report);
out:
    backtest_fini(&new);
no_after:
    backtest_fini(&old);
    return code;
}

/* Times as people write them: RFC 3339, or a local date, or "-7d". */
static bool
read_time(const struct config *config, const char *name, const char *text, struct instant *out)
{
    struct instant midnight;
    struct span span;
    char utc[64];

    if (instant_parse(view_of(text), out))
        return true;
    if (text[0] == '-' && span_parse(view_of(text + 1), &span)) {
        *out = instant_add(clock_wall(), SPAN_US(-span.us));
        return true;
    }
    (void)snprintf(utc, sizeof(utc), "%sT00:00:00Z", text);
    if (instant_parse(view_of(utc), &midnight)) {
        *out = zone_at(&config->grid.calendar.zone, midnight.us / SPAN_DAYS(1).us, 0);
        return true;
    }
    (void)fprintf(stderr,
        "wallwatch backtest: --%s: '%s' is not a time, allowed are 2026-11-24T06:00:00Z, "
        "2026-11-24 (local midnight) and -7d\n",
        name, text);
    return false;
}

static struct config *
load(const char *dir, enum lang lang)
{
    struct problems problems;
    struct arena arena;

    arena_init(&arena);
    struct config *config = config_load(fs_posix(), dir, &arena, &problems);

    if (config == NULL)
        report_config(stderr, config, &problems, lang);
    arena_fini(&arena);
    return config;
}

static int
run(const struct ask *ask, enum lang lang)
{
    struct config *after = load(ask->dir, lang);
    struct config *before = NULL;
    struct backtest_span span;
    struct err err = {0};
    int code = EXIT_FOUND;

    if (after == NULL)
        return EXIT_FOUND;
    if (after->database == NULL) {
        (void)fprintf(stderr, "wallwatch backtest: site.yaml names no database\n");
    } else if (ask->against != NULL) {
        before = load(ask->against, lang);
    } else if (!config_load_version(fs_posix(), after->state_dir, 0, &before, &err)) {
        (void)fprintf(stderr,
            "wallwatch backtest: %s\nhint: Name a folder to compare with: --against DIR\n",
            err.text);
    }
    if (before != NULL) {
        code = EXIT_USAGE;
        if (read_time(after, "from", ask->from, &span.from) &&
            read_time(after, "to", ask->to, &span.to)) {
            if (instant_cmp(span.from, span.to) < 0)
                code = compare(ask, before, after, &span, lang);
            else
                (void)fprintf(stderr, "wallwatch backtest: --from is not before --to\n");
        }
    }
    config_unref(before);
    config_unref(after);
    return code;
}

int
cmd_backtest(int argc, char **argv)
{
    struct ask ask = {.dir = CONFIG_DIR_DEFAULT, .from = "-7d", .to = "-0s"};
    const char *args[1];
    enum lang lang;
    int n_args;
    int code;
    const struct option_row rows[] = {
        {"config", "DIR", "the changed configuration (default " CONFIG_DIR_DEFAULT ")", &ask.dir,
            NULL},
        {"against", "DIR", "compare with this one (default: the version in force)", &ask.against,
            NULL},
        {"from", "TIME", "readings received from then on (default -7d)", &ask.from, NULL},
        {"to", "TIME", "up to then (default: now)", &ask.to, NULL},
        {"html", "FILE", "also write a page with charts", &ask.html, NULL},
        {"json", NULL, "print JSON", NULL, &ask.json},
        {"lang", "LANG", "zh or en (default: the environment's)", &ask.lang, NULL},
    };
    const struct usage usage = {"backtest", "",
        "Judges stored readings anew, once with the configuration in force (or --against), once\n"
        "with the changed one, and shows what differs: alerts added, gone, earlier, later; calls\n"
        "by tier, unit and shift. Nobody is told anything. TIME is RFC 3339, a local date, or -7d.",
        rows, ARRAY_LEN(rows), 0, 0};

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    if (!report_config_lang("backtest", ask.lang, &lang))
        return EXIT_USAGE;
    return run(&ask, lang);
}
