/*
 * metrics: Prometheus text, version 0.0.4, made piece by piece.
 *
 * Pure. Names are ours and valid; label values are escaped.
 */
#pragma once

#include "base/buf.h"

#include <stdint.h>

struct metrics {
    struct buf *out;  /* borrowed */
    const char *last; /* name whose head is written */
    const char *lane; /* goes into every line as label lane */
};

/* One line; HELP and TYPE before the first of a name, so lines of one name come together. kind is
 * "counter" or "gauge"; label and value NULL: no label besides lane. */
void metrics_put(struct metrics *metrics, const char *name, const char *kind, const char *help,
    const char *label, const char *label_value, double value);
