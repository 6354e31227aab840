#include "ingest/normalise/decode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#define SHANGHAI_S (8 * 3600) /* no summer time since 1991 */

static bool
from_number(double number, double us_per_unit, struct instant *out)
{
    const double us = number * us_per_unit;

    if (!isfinite(us) || us < 0 || us > 2.5e17) /* the year 9892 */
        return false;
    out->us = (int64_t)round(us);
    return true;
}

static bool
digits(const char **at, int n, int *out)
{
    *out = 0;
    for (int i = 0; i < n; i++) {
        const char c = (*at)[i];

        if (c < '0' || c > '9')
            return false;
        *out = *out * 10 + (c - '0');
    }
    *at += n;
    return true;
}

static bool
one_of(const char **at, const char *allowed)
{
    if (**at == '\0' || strchr(allowed, **at) == NULL)
        return false;
    (*at)++;
    return true;
}

/* 2026-11-24 14:56:40[.123], also with / and T. */
static bool
from_local(const char *at, struct instant *out)
{
    int part[6];
    int64_t us = 0;

    if (!digits(&at, 4, &part[0]) || !one_of(&at, "-/") || !digits(&at, 2, &part[1]) ||
        !one_of(&at, "-/") || !digits(&at, 2, &part[2]) || !one_of(&at, " T") ||
        !digits(&at, 2, &part[3]) || !one_of(&at, ":") || !digits(&at, 2, &part[4]) ||
        !one_of(&at, ":") || !digits(&at, 2, &part[5]))
        return false;
    if (one_of(&at, ".,")) {
        int64_t unit = 100000;

        for (; *at >= '0' && *at <= '9'; at++, unit /= 10)
            us += unit * (*at - '0');
    }
    if (*at != '\0' ||
        !instant_from_civil(part[0], part[1], part[2], part[3], part[4], part[5], SHANGHAI_S, out))
        return false;
    out->us += us;
    return true;
}

bool
time_read(enum time_form form, const struct cJSON *item, struct instant *out)
{
    const char *text = cJSON_GetStringValue(item);
    double number = item->valuedouble;

    if (form == TIME_RFC3339)
        return text != NULL && instant_parse(view_of(text), out);
    if (form == TIME_LOCAL)
        return text != NULL && from_local(text, out);
    if (form == TIME_NONE)
        return false;
    if (text != NULL) { /* "1795503400" */
        const size_t len = strspn(text, "0123456789.");

        if (len == 0 || len > 20 || text[len] != '\0')
            return false;
        number = strtod(text, NULL);
    } else if (!cJSON_IsNumber(item)) {
        return false;
    }
    return from_number(number, form == TIME_UNIX_S ? 1e6 : 1e3, out);
}
