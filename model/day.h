/*
 * day: a date as people write it into lists: when a machine was put in. Pure; today is an argument.
 */
#pragma once

#include "base/instant.h"
#include "base/view.h"

#define DAY_TEXT_BYTES 16
#define DAY_MIN_YEAR 1900
#define DAY_MAX_YEAR 2100

struct day {
    int year;       /* 0: not known */
    int month, day; /* 0: only the year is known; then it counts from 1 January */
};

/* 2019-05-01, 2019/5/1, 20190501, or the year alone; false when it is anything else or no such
 * day exists. */
MUST_USE bool day_parse(struct view text, struct day *out);
/* "2019-05-01", "2019", or "" when not known; out has DAY_TEXT_BYTES. */
const char *day_text(struct day day, char *out);
/* With the first of January where only the year is known. */
struct day day_whole(struct day day);
/* Whole years from day to now, in the zone offset_s east of Greenwich; 0 before it; -1: not known.
 */
int day_age(struct day day, struct instant now, int offset_s);
