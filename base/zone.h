/*
 * zone: local time, as a pure function of a text: no tables of the machine are read, so the same
 * configuration gives the same times everywhere.
 *
 * A zone is "Asia/Shanghai" or a POSIX TZ text: "CST-8", "CET-1CEST,M3.5.0,M10.5.0/3" (only the
 * M form of the rules). A local time that summer time leaves out counts as the moment of the
 * change; one that it gives twice is the first of them. Days are numbered from 1970-01-01.
 */
#pragma once

#include "base/instant.h"

struct zone_change { /* "M3.5.0/2": in month 3, the last Sunday, at 02:00 of the time before it */
    int month;       /* 1..12 */
    int week;        /* 1..5, 5 is the last */
    int weekday;     /* 0 = Monday .. 6 = Sunday */
    int at_s;        /* after midnight */
};

struct zone {
    int offset_s; /* east of Greenwich: 28800 for Asia/Shanghai */
    bool summer;
    int summer_offset_s;
    struct zone_change begin, end; /* of summer time */
};

MUST_USE bool zone_parse(struct view text, struct zone *out);
int zone_offset(const struct zone *zone, struct instant at);
struct civil zone_civil(const struct zone *zone, struct instant at);
int64_t zone_day(const struct zone *zone, struct instant at); /* local day */
/* Local minute after local midnight of that day; 1440 and more is the next day. */
struct instant zone_at(const struct zone *zone, int64_t day, int minute);

/* False: no such date. */
MUST_USE bool day_from_date(int year, int month, int day, int64_t *out);
struct civil day_civil(int64_t day); /* its date and weekday */
