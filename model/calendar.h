/*
 * calendar: the local time of the installation, its working hours, holidays and make-up days.
 *
 * A year without a table has ordinary weekdays. A working day is one of the week's working days
 * that is no holiday, or a make-up day. Pure; the configuration owns the tables.
 */
#pragma once

#include "base/zone.h"
#include "model/words.h"

#include <stddef.h>

extern const char *const weekday_names[7];   /* "mon" .. "sun": files */
extern const struct words weekday_titles[7]; /* for people */

struct hours { /* minutes after local midnight */
    int from, to;
};

#define CALENDAR_YEAR_DAYS 366

struct calendar_year {
    int year;
    bool provisional;              /* not announced yet: only what the law fixes */
    char days[CALENDAR_YEAR_DAYS]; /* 'h' holiday, 'w' make-up working day, 0 neither */
};

struct calendar {
    struct zone zone;
    bool week[7];              /* working days, 0 = Monday */
    const struct hours *hours; /* in order, apart from each other */
    size_t n_hours;
    const struct calendar_year *years; /* in order */
    size_t n_years;
};

/* NULL: nobody has told of that year. */
const struct calendar_year *calendar_year(const struct calendar *calendar, int year);
/* From 1 December on: nobody has told of the next year, or only what the law fixes. */
bool calendar_missing(const struct calendar *calendar, struct instant now, int *year);
bool calendar_is_working_day(const struct calendar *calendar, int64_t day);
bool calendar_is_open(const struct calendar *calendar, struct instant at);
/* Night, week-end or holiday: not from the first to the last hour of a working day. A break at noon
 * is no night. False where there are no working hours. */
bool calendar_is_off(const struct calendar *calendar, struct instant at);

/* The first instant at which so much working time has passed since from; if it is none, from itself
 * within working hours, else their next beginning. INSTANT_NEVER: there are no working hours. */
struct instant calendar_add(const struct calendar *calendar, struct instant from, struct span work);
/* Its inverse: the working time from one to the other; 0 if they are in the wrong order. */
struct span calendar_between(
    const struct calendar *calendar, struct instant from, struct instant to);
