/* report: the assessment of a month, from the copy of the lanes' ledgers. */
#include "base/io/clock_posix.h"
#include "model/day.h"
#include "service/assess_pg.h"
#include "service/assess_print.h"
#include "service/configured.h"
#include "service/device.h"
#include "service/options.h"
#include "service/report_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPORT_MAX ((size_t)256 << 20)

typedef void print_fn(const struct assess_report *report, struct buf *out);

static const struct {
    const char *name;
    print_fn *print;
} formats[] = {
    {"text", assess_text}, {"csv", assess_csv}, {"json", assess_json}, {"html", assess_html}};

struct ask {
    const char *month, *unit, *format, *lang, *as_of, *dir;
};

static int
fail(const char *text)
{
    (void)fprintf(stderr, "wallwatch report: %s\n", text);
    return EXIT_FOUND;
}

static int
wrong(const char *what, const char *value, const char *allowed)
{
    (void)fprintf(
        stderr, "wallwatch report: %s: '%s' is not allowed, allowed is %s\n", what, value, allowed);
    return EXIT_USAGE;
}

/* "2026-10": from its first local midnight to the next month's. */
static bool
month_span(const char *text, const struct zone *zone, struct assess_ask *out)
{
    int year;
    int month;
    int64_t first;
    int64_t next;
    char rest;

    if (text == NULL || strlen(text) != 7 || text[4] != '-' ||
        sscanf(text, "%4d-%2d%c", &year, &month, &rest) != 2 || /* NOLINT(cert-err34-c) */
        year < 1970 || !day_from_date(year, month, 1, &first) ||
        !day_from_date(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1, &next))
        return false;
    out->from = zone_at(zone, first, 0);
    out->to = zone_at(zone, next, 0);
    return true;
}

static bool
below(const struct device *device, const char *unit)
{
    if (unit[0] == '\0')
        return true;
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        if (device->compound->units[tier] != NULL &&
            strcmp(device->compound->units[tier]->id, unit) == 0)
            return true;
    }
    return false;
}

/* Devices of the classes that say from what age on all must be watched, as they are now. */
static void
count_old(struct device_view *view, const char *unit, struct instant now, struct assess_old *old)
{
    const struct zone *zone = &view->config->grid.calendar.zone;
    const size_t n = view->config->devices.len;

    old->unheard = ARENA_ARRAY(&view->arena, n, const char *);
    for (size_t i = 0; i < n; i++) {
        const struct device *device = &view->config->devices.at[i];
        const int age = day_age(device->installed, now, zone_offset(zone, now));

        if (strcmp(device->class->name, old->class_name) != 0 || !below(device, unit))
            continue;
        old->undated += age < 0;
        if (age < old->years)
            continue;
        old->listed++;
        if (device_state_of(&view->heard, device, heard_of(&view->heard, device->code)) ==
            DEVICE_HEARD)
            old->heard++;
        else
            old->unheard[old->n_unheard++] = device->code;
    }
}

static size_t
make_old(struct device_view *view, const char *unit, struct instant now, struct assess_old **out)
{
    const struct class_table *classes = &view->config->classes;
    size_t n = 0;

    *out = ARENA_ARRAY(&view->arena, classes->len, struct assess_old);
    for (size_t i = 0; i < classes->len; i++) {
        if (classes->at[i].coverage_age == 0)
            continue;
        (*out)[n] = (struct assess_old){
            .class_name = classes->at[i].name, .years = classes->at[i].coverage_age};
        count_old(view, unit, now, &(*out)[n++]);
    }
    return n;
}

static int
print(const struct assess_report *report, print_fn *write)
{
    struct buf out;

    buf_init(&out, REPORT_MAX);
    write(report, &out);
    const bool ok = !out.full && fwrite(out.ptr, 1, out.len, stdout) == out.len;

    buf_fini(&out);
    return ok ? EXIT_FINE : fail("the report cannot be printed");
}

static int
assess(struct device_view *view, const struct assess_ask *span, const struct ask *ask,
    enum lang lang, print_fn *write)
{
    struct assess_case *cases = NULL;
    struct assess_old *old = NULL;
    struct assessment it = {.from = span->from, .to = span->to, .as_of = span->as_of};
    struct err err = {0};
    size_t n = 0;

    if (!assess_read(view->pg, view->config, span, &view->arena, &cases, &n, &err))
        return fail(err.text);
    assess_make(&view->arena, &view->config->grid, cases, n, &it);
    const size_t n_old = make_old(view, span->unit, clock_wall(), &old);
    const struct assess_report report = {
        .it = &it,
        .grid = &view->config->grid,
        .month = ask->month,
        .unit = span->unit,
        .old = old,
        .n_old = n_old,
        .lang = lang,
    };
    const int code = print(&report, write);

    assess_free(cases, n);
    return code;
}

static int
run(struct device_view *view, const struct ask *ask, enum lang lang, print_fn *write)
{
    struct assess_ask span = {.as_of = clock_wall(), .unit = ask->unit};

    if (!month_span(ask->month, &view->config->grid.calendar.zone, &span))
        return wrong("--month", ask->month, "a month such as 2026-10");
    if (ask->as_of != NULL && !instant_parse(view_of(ask->as_of), &span.as_of))
        return wrong("--as-of", ask->as_of, "an instant such as 2026-11-01T00:00:00Z");
    if (ask->unit[0] != '\0' && unit_find(&view->config->grid, view_of(ask->unit)) == NULL)
        return wrong("--unit", ask->unit, "a unit of grid.yaml");
    return assess(view, &span, ask, lang, write);
}

int
cmd_report(int argc, char **argv)
{
    struct ask ask = {.unit = "", .format = "text", .dir = CONFIG_DIR_DEFAULT};
    struct device_view view = {0};
    const char *args[1];
    print_fn *write = NULL;
    enum lang lang;
    int n_args;
    int code;
    const struct option_row rows[] = {
        {"as-of", "INSTANT", "what was known then (default: now)", &ask.as_of, NULL},
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")", &ask.dir,
            NULL},
        {"format", "FORMAT", "text (default), csv, json or html", &ask.format, NULL},
        {"lang", "LANG", "zh or en (default: the environment's)", &ask.lang, NULL},
        {"month", "YYYY-MM", "cases filed in that month (needed)", &ask.month, NULL},
        {"unit", "ID", "only what is below this unit", &ask.unit, NULL},
    };
    const struct usage usage = {"report", "--month YYYY-MM",
        "Assesses a month: rates and times in the terms of grid management, for all, by unit,\n"
        "class and colour; each figure with the cases behind it.",
        rows, ARRAY_LEN(rows), 0, 0};

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    if (!report_config_lang("report", ask.lang, &lang))
        return EXIT_USAGE;
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        if (strcmp(formats[i].name, ask.format) == 0)
            write = formats[i].print;
    }
    if (write == NULL)
        return wrong("--format", ask.format, "text, csv, json, html");
    if (ask.month == NULL)
        return wrong("--month", "", "a month such as 2026-10");
    code = device_open("report", ask.dir, &view) ? run(&view, &ask, lang, write) : EXIT_FOUND;
    device_close(&view);
    return code;
}
