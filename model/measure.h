/*
 * measure: units of measurement, so that 60°C and 60kg cannot be compared by mistake.
 *
 * value in the dimension's base unit = value * factor + offset.
 */
#pragma once

#include "base/view.h"

struct measure {
    const char *name;      /* "°C", "kPa", "%" */
    const char *dimension; /* "temperature", "pressure"; "" for bare numbers */
    double factor;
    double offset;
};

/* NULL if it is not known. "" gives the bare number. */
const struct measure *measure_find(struct view name);
/* In what a rate of change of its dimension is told: that of the base unit, each minute. NULL: it
 * has none. */
const struct measure *measure_rate(const struct measure *measure);
/* i-th of the table, NULL after the last. */
const struct measure *measure_at(size_t i);
/* Both of one dimension, or CHECK. */
double measure_convert(double value, const struct measure *from, const struct measure *to);
