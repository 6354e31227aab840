#include "model/day.h"

#include <stdio.h>

static bool
number(struct view text, int *out)
{
    int n = 0;

    if (text.len == 0 || text.len > 4)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        n = n * 10 + (text.ptr[i] - '0');
    }
    *out = n;
    return true;
}

/* month and day as 1 or 2 digits, parted by the sign that stands before both. */
static bool
parted(struct view rest, struct day *out)
{
    const char sign = rest.ptr[0];
    size_t second = 1;

    if (sign != '-' && sign != '/')
        return false;
    while (second < rest.len && rest.ptr[second] != sign)
        second++;
    if (second == rest.len || second > 3 || rest.len - second > 3)
        return false;
    return number((struct view){rest.ptr + 1, second - 1}, &out->month) &&
           number((struct view){rest.ptr + second + 1, rest.len - second - 1}, &out->day);
}

static bool
exists(struct day day)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = day.year % 4 == 0 && (day.year % 100 != 0 || day.year % 400 == 0);

    if (day.month < 1 || day.month > 12 || day.day < 1)
        return false;
    return day.day <= days[day.month - 1] + (day.month == 2 && leap ? 1 : 0);
}

bool
day_parse(struct view text, struct day *out)
{
    struct day day = {0};
    bool ok = text.len >= 4 && number((struct view){text.ptr, 4}, &day.year) &&
              day.year >= DAY_MIN_YEAR && day.year <= DAY_MAX_YEAR;

    if (ok && text.len == 8 && text.ptr[4] != '-' && text.ptr[4] != '/') {
        ok = number((struct view){text.ptr + 4, 2}, &day.month) &&
             number((struct view){text.ptr + 6, 2}, &day.day) && exists(day);
    } else if (ok && text.len > 4) {
        ok = parted((struct view){text.ptr + 4, text.len - 4}, &day) && exists(day);
    }
    if (ok)
        *out = day;
    return ok;
}

const char *
day_text(struct day day, char *out)
{
    if (day.year == 0)
        out[0] = '\0';
    else if (day.month == 0)
        (void)snprintf(out, DAY_TEXT_BYTES, "%04d", day.year);
    else
        (void)snprintf(out, DAY_TEXT_BYTES, "%04d-%02d-%02d", day.year, day.month, day.day);
    return out;
}

struct day
day_whole(struct day day)
{
    return day.month == 0 && day.year != 0 ? (struct day){day.year, 1, 1} : day;
}

int
day_age(struct day day, struct instant now, int offset_s)
{
    const struct civil today = instant_civil(now, offset_s);
    const struct day born = day_whole(day);

    if (day.year == 0)
        return -1;
    const bool had =
        today.month > born.month || (today.month == born.month && today.day >= born.day);
    const int years = today.year - born.year - (had ? 0 : 1);

    return years < 0 ? 0 : years;
}
