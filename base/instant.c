#include "base/instant.h"

#include <inttypes.h>
#include <stdio.h>

#define US_PER_S INT64_C(1000000)
#define S_PER_DAY INT64_C(86400)
/* 9999-12-31T23:59:59Z: what text can say. */
#define LAST_S INT64_C(253402300799)

struct instant
instant_add(struct instant a, struct span b)
{
    int64_t sum = 0;

    if (__builtin_add_overflow(a.us, b.us, &sum))
        return (struct instant){b.us > 0 ? INT64_MAX : INT64_MIN};
    return (struct instant){sum};
}

struct span
instant_since(struct instant later, struct instant earlier)
{
    int64_t diff = 0;

    if (__builtin_sub_overflow(later.us, earlier.us, &diff))
        return (struct span){later.us > earlier.us ? INT64_MAX : INT64_MIN};
    return (struct span){diff};
}

/* Days from 1970-01-01 of a proleptic Gregorian date, and back: the year is taken to begin in
 * March, so that the leap day is its last (the usual era arithmetic of 400 years). */
static int64_t
days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const int64_t yoe = year - era * 400;
    const int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

    return era * 146097 + doe - 719468;
}

static int64_t
floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

struct civil
instant_civil(struct instant at, int offset_s)
{
    const int64_t secs = floor_div(at.us, US_PER_S) + offset_s;
    const int64_t days = floor_div(secs, S_PER_DAY);
    const int64_t rest = secs - days * S_PER_DAY;
    const int64_t z = days + 719468;
    const int64_t era = floor_div(z, 146097);
    const int64_t doe = z - era * 146097;
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const int64_t mp = (5 * doy + 2) / 153;
    const int month = (int)(mp < 10 ? mp + 3 : mp - 9);

    return (struct civil){
        .year = (int)(yoe + era * 400 + (month <= 2)),
        .month = month,
        .day = (int)(doy - (153 * mp + 2) / 5 + 1),
        .hour = (int)(rest / 3600),
        .minute = (int)(rest / 60 % 60),
        .second = (int)(rest % 60),
        .weekday = (int)(((days + 3) % 7 + 7) % 7),
    };
}

bool
instant_from_civil(int year, int month, int day, int hour, int minute, int second, int offset_s,
    struct instant *out)
{
    if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;

    const int64_t days = days_from_civil(year, month, day);
    const struct instant at = {
        (days * S_PER_DAY + (int64_t)hour * 3600 + (int64_t)minute * 60 + second - offset_s) *
        US_PER_S};
    const struct civil back = instant_civil((struct instant){days * S_PER_DAY * US_PER_S}, 0);

    if (back.month != month || back.day != day)
        return false; /* 31 April and its like */
    if (at.us < 0 || at.us > LAST_S * US_PER_S)
        return false; /* the zone moves it out of the years that have a text */
    *out = at;
    return true;
}

const char *
instant_text(struct instant at, char *out)
{
    const struct civil c = instant_civil(at, 0);
    const int64_t frac = at.us - floor_div(at.us, US_PER_S) * US_PER_S;

    (void)snprintf(out, INSTANT_TEXT_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d.%06" PRId64 "Z",
        c.year % 10000, c.month, c.day, c.hour, c.minute, c.second, frac);
    return out;
}

/* Exactly n digits at *pos. */
static bool
take_digits(struct view text, size_t *pos, int n, int *out)
{
    int value = 0;

    for (int i = 0; i < n; i++, (*pos)++) {
        if (*pos >= text.len || text.ptr[*pos] < '0' || text.ptr[*pos] > '9')
            return false;
        value = value * 10 + (text.ptr[*pos] - '0');
    }
    *out = value;
    return true;
}

static bool
take_char(struct view text, size_t *pos, char want)
{
    if (*pos >= text.len || text.ptr[*pos] != want)
        return false;
    (*pos)++;
    return true;
}

static bool
take_fraction(struct view text, size_t *pos, int64_t *us)
{
    int64_t value = 0;
    int digits = 0;

    if (!take_char(text, pos, '.')) {
        *us = 0;
        return true;
    }
    for (; *pos < text.len && text.ptr[*pos] >= '0' && text.ptr[*pos] <= '9'; (*pos)++, digits++) {
        if (digits < 6)
            value = value * 10 + (text.ptr[*pos] - '0');
    }
    for (int i = digits; i < 6; i++)
        value *= 10;
    *us = value;
    return digits >= 1 && digits <= 9;
}

static bool
take_offset(struct view text, size_t *pos, int *offset_s)
{
    int hours = 0;
    int minutes = 0;

    if (take_char(text, pos, 'Z')) {
        *offset_s = 0;
        return true;
    }
    const bool west = *pos < text.len && text.ptr[*pos] == '-';

    if (!west && !(*pos < text.len && text.ptr[*pos] == '+'))
        return false;
    (*pos)++;
    if (!take_digits(text, pos, 2, &hours) || !take_char(text, pos, ':') ||
        !take_digits(text, pos, 2, &minutes) || hours > 14 || minutes > 59)
        return false;
    *offset_s = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
}

bool
instant_parse(struct view text, struct instant *out)
{
    size_t pos = 0;
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, offset_s = 0;
    int64_t us = 0;
    struct instant at = {0};

    if (!take_digits(text, &pos, 4, &year) || !take_char(text, &pos, '-') ||
        !take_digits(text, &pos, 2, &month) || !take_char(text, &pos, '-') ||
        !take_digits(text, &pos, 2, &day))
        return false;
    if (!take_char(text, &pos, 'T') && !take_char(text, &pos, ' '))
        return false;
    if (!take_digits(text, &pos, 2, &hour) || !take_char(text, &pos, ':') ||
        !take_digits(text, &pos, 2, &minute) || !take_char(text, &pos, ':') ||
        !take_digits(text, &pos, 2, &second))
        return false;
    if (!take_fraction(text, &pos, &us) || !take_offset(text, &pos, &offset_s) || pos != text.len)
        return false;
    if (!instant_from_civil(year, month, day, hour, minute, second, offset_s, &at))
        return false;
    *out = instant_add(at, SPAN_US(us));
    return true;
}

static const struct {
    const char *name;
    int64_t us;
} span_units[] = {
    {"d", S_PER_DAY *US_PER_S},
    {"h", 3600 * US_PER_S},
    {"m", 60 * US_PER_S},
    {"s", US_PER_S},
    {"ms", 1000},
    {"us", 1},
};

const char *
span_text(struct span span, char *out)
{
    uint64_t rest = span.us < 0 ? 0 - (uint64_t)span.us : (uint64_t)span.us;
    size_t len = 0;

    if (span.us < 0)
        out[len++] = '-';
    for (size_t i = 0; i < ARRAY_LEN(span_units); i++) {
        const uint64_t n = rest / (uint64_t)span_units[i].us;

        rest %= (uint64_t)span_units[i].us;
        if (n > 0)
            len += (size_t)snprintf(
                out + len, SPAN_TEXT_BYTES - len, "%" PRIu64 "%s", n, span_units[i].name);
    }
    if (len == 0)
        (void)snprintf(out, SPAN_TEXT_BYTES, "0s");
    return out;
}

bool
span_parse(struct view text, struct span *out)
{
    const int64_t most = 3650 * S_PER_DAY * US_PER_S;
    int64_t total = 0;
    size_t pos = 0;
    size_t unit = 0;

    if (text.len == 0 || text.len > 40)
        return false;
    while (pos < text.len) {
        int64_t n = 0;
        const size_t start = pos;

        for (; pos < text.len && text.ptr[pos] >= '0' && text.ptr[pos] <= '9'; pos++) {
            n = n * 10 + (text.ptr[pos] - '0');
            if (n > most)
                return false;
        }
        const size_t word = pos;

        for (; pos < text.len && text.ptr[pos] >= 'a' && text.ptr[pos] <= 'z'; pos++)
            ;
        const struct view name = {text.ptr + word, pos - word};

        for (; unit < ARRAY_LEN(span_units) && !view_is(name, span_units[unit].name); unit++)
            ;
        if (word == start || unit == ARRAY_LEN(span_units) || n > most / span_units[unit].us)
            return false;
        total += n * span_units[unit].us;
        if (total > most)
            return false;
        unit++;
    }
    *out = (struct span){total};
    return true;
}
