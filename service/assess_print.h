/* assess_print: an assessment as text, CSV, JSON or one printable page. Pure: the same cases give
 * the same bytes. */
#pragma once

#include "alerting/assessment/assess.h"
#include "base/buf.h"
#include "model/words.h"

struct assess_old { /* devices of a class that are watched because of their age */
    const char *class_name;
    int years; /* and more */
    size_t listed, heard, undated;
    const char **unheard; /* codes */
    size_t n_unheard;
};

struct assess_report {
    const struct assessment *it;
    const struct grid *grid;
    const char *month; /* "2026-10" */
    const char *unit;  /* "": all */
    const struct assess_old *old;
    size_t n_old;
    enum lang lang;
};

void assess_text(const struct assess_report *report, struct buf *out);
void assess_csv(const struct assess_report *report, struct buf *out);
void assess_json(const struct assess_report *report, struct buf *out);
void assess_html(const struct assess_report *report, struct buf *out);

/* Shared by them: what a scope is called; a figure's value in words, "" if there is none. */
const char *assess_scope_name(const struct assess_report *report, const struct scope *scope);
const char *assess_value(const struct figure *figure, char out[64]);
