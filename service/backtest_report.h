/*
 * backtest_report: two back-tests beside each other, as text, JSON or one HTML page. Pure: the
 * same rows and configurations give the same bytes.
 */
#pragma once

#include "service/backtest.h"

struct backtest_row {
    const char *label; /* lives in the report's arena or in the configurations */
    struct words title;
    size_t before, after;
    size_t counts[BACKTEST_CHANGES]; /* of alerts; calls have none */
};

enum backtest_by {
    BY_COLOUR,
    BY_RULE,
    BY_COMPOUND,
    BY_HOUR,  /* alerts by local hour of day */
    BY_TIER,  /* calls by tier */
    BY_SHIFT, /* calls by unit and third of the day */
    BY_COUNT,
};

struct backtest_table {
    const char *name; /* "rule" */
    struct words title;
    bool calls; /* counts calls, not alerts */
    struct backtest_row *rows;
    size_t n_rows;
};

struct backtest_report {
    struct instant from, to;
    const char *before_name, *after_name; /* which configurations */
    const struct backtest *before, *after;
    struct backtest_diff diff;
    struct backtest_table tables[BY_COUNT];
    struct arena arena;
};

/* Borrows both until fini. from, to and the names are the caller's to fill. */
void backtest_report_init(
    struct backtest_report *report, const struct backtest *before, const struct backtest *after);
void backtest_report_fini(struct backtest_report *report);

void backtest_text(const struct backtest_report *report, enum lang lang, struct buf *out);
void backtest_json(const struct backtest_report *report, struct buf *out);
void backtest_html(const struct backtest_report *report, enum lang lang, struct buf *out);

/* What no data can tell, so every report says it. */
extern const struct words backtest_assumptions;
/* Local time of the configuration, "2026-11-24 14:56:40"; out has INSTANT_TEXT_BYTES. */
const char *backtest_local(const struct backtest *backtest, struct instant at, char *out);
