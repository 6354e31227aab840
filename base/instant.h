/*
 * instant: a point in time, and span: a length of time, as types that the compiler keeps apart.
 *
 * Both count microseconds; an instant from 1970-01-01T00:00:00Z (UTC, no leap seconds). Pure:
 * nothing here reads a clock. Range: years 1970..9999 for text; arithmetic saturates.
 */
#pragma once

#include "base/check.h"
#include "base/view.h"

#include <stdbool.h>
#include <stdint.h>

struct instant {
    int64_t us;
};

struct span {
    int64_t us;
};

#define SPAN_US(n) ((struct span){(int64_t)(n)})
#define SPAN_MS(n) ((struct span){(int64_t)(n)*1000})
#define SPAN_S(n) ((struct span){(int64_t)(n)*1000000})
#define SPAN_MIN(n) SPAN_S((int64_t)(n)*60)
#define SPAN_H(n) SPAN_S((int64_t)(n)*3600)
#define SPAN_DAYS(n) SPAN_S((int64_t)(n)*86400)
/* "never" as a deadline: later than everything. */
#define INSTANT_NEVER ((struct instant){INT64_MAX})

static inline int
instant_cmp(struct instant a, struct instant b)
{
    return (a.us > b.us) - (a.us < b.us);
}

static inline struct instant
instant_max(struct instant a, struct instant b)
{
    return a.us > b.us ? a : b;
}

static inline struct instant
instant_min(struct instant a, struct instant b)
{
    return a.us < b.us ? a : b;
}

struct instant instant_add(struct instant a, struct span b);
struct span instant_since(struct instant later, struct instant earlier);

#define INSTANT_TEXT_BYTES 32
/* "2026-11-24T06:56:40.123456Z" (always UTC, always 6 digits); out has INSTANT_TEXT_BYTES. */
const char *instant_text(struct instant at, char *out);
/* RFC 3339 with Z or +hh:mm, 0..9 digits of fraction; false when it is anything else. */
MUST_USE bool instant_parse(struct view text, struct instant *out);
/* Civil date of a zone that is offset_s seconds east of Greenwich -> instant; false if no such
 * date. month 1..12, day 1..31. */
MUST_USE bool instant_from_civil(int year, int month, int day, int hour, int minute, int second,
    int offset_s, struct instant *out);

struct civil {
    int year, month, day, hour, minute, second, weekday; /* weekday 0 = Monday .. 6 = Sunday */
};
struct civil instant_civil(struct instant at, int offset_s);

#define SPAN_TEXT_BYTES 48
/* The shortest exact form: "45s", "1m30s", "250ms", "7d"; out has SPAN_TEXT_BYTES. */
const char *span_text(struct span span, char *out);
/* One or more <integer><unit>, units us ms s m h d, each at most once, largest first, total
 * 0..3650 d; false when it is anything else. */
MUST_USE bool span_parse(struct view text, struct span *out);
