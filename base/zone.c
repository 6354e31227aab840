#include "base/zone.h"

#define DAY_S INT64_C(86400)
#define US INT64_C(1000000)

static int64_t
floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

bool
day_from_date(int year, int month, int day, int64_t *out)
{
    struct instant at;

    if (!instant_from_civil(year, month, day, 0, 0, 0, 0, &at))
        return false;
    *out = at.us / (DAY_S * US);
    return true;
}

struct civil
day_civil(int64_t day)
{
    return instant_civil((struct instant){day * DAY_S * US}, 0);
}

/* The local day of that year on which it changes. */
static int64_t
change_day(const struct zone_change *change, int year)
{
    int64_t first = 0;
    int64_t next = 0;

    if (!day_from_date(year, change->month, 1, &first) ||
        !day_from_date(year + change->month / 12, change->month % 12 + 1, 1, &next))
        return 0; /* beyond the years that have a text */
    const int64_t day = first + (change->weekday - day_civil(first).weekday + 7) % 7;
    const int64_t wanted = day + 7 * (int64_t)(change->week - 1);

    return wanted < next ? wanted : wanted - 7;
}

static struct instant
change_at(const struct zone_change *change, int year, int offset_s)
{
    return (struct instant){(change_day(change, year) * DAY_S + change->at_s - offset_s) * US};
}

int
zone_offset(const struct zone *zone, struct instant at)
{
    if (!zone->summer)
        return zone->offset_s;
    const int year = instant_civil(at, zone->offset_s).year;
    const bool begun = at.us >= change_at(&zone->begin, year, zone->offset_s).us;
    const bool ended = at.us >= change_at(&zone->end, year, zone->summer_offset_s).us;
    /* in the south summer goes over the turn of the year */
    const bool south = zone->end.month < zone->begin.month;
    const bool summer = south ? begun || !ended : begun && !ended;

    return summer ? zone->summer_offset_s : zone->offset_s;
}

struct civil
zone_civil(const struct zone *zone, struct instant at)
{
    return instant_civil(at, zone_offset(zone, at));
}

int64_t
zone_day(const struct zone *zone, struct instant at)
{
    return floor_div(at.us + zone_offset(zone, at) * US, DAY_S * US);
}

struct instant
zone_at(const struct zone *zone, int64_t day, int minute)
{
    const int64_t local_us = (day * DAY_S + (int64_t)minute * 60) * US;
    const struct instant winter = {local_us - zone->offset_s * US};

    if (!zone->summer)
        return winter;
    const struct instant summer = {local_us - zone->summer_offset_s * US};
    const struct instant early = instant_min(winter, summer);
    const struct instant late = instant_max(winter, summer);

    /* Given twice: the first. Left out: neither holds, then the change lies between them. */
    if (early.us + zone_offset(zone, early) * US == local_us)
        return early;
    if (late.us + zone_offset(zone, late) * US == local_us)
        return late;
    const int year = day_civil(day).year;
    const struct instant begin = change_at(&zone->begin, year, zone->offset_s);

    return begin.us >= early.us && begin.us <= late.us
               ? begin
               : change_at(&zone->end, year, zone->summer_offset_s);
}

struct text {
    struct view rest;
};

static bool
take(struct text *text, char want)
{
    if (text->rest.len == 0 || text->rest.ptr[0] != want)
        return false;
    text->rest = (struct view){text->rest.ptr + 1, text->rest.len - 1};
    return true;
}

static bool
take_number(struct text *text, int max, int *out)
{
    int value = 0;
    size_t n = 0;

    for (; n < text->rest.len && n < 3 && text->rest.ptr[n] >= '0' && text->rest.ptr[n] <= '9'; n++)
        value = value * 10 + (text->rest.ptr[n] - '0');
    if (n == 0 || value > max)
        return false;
    text->rest = (struct view){text->rest.ptr + n, text->rest.len - n};
    *out = value;
    return true;
}

/* At least three letters, or anything of letters, digits and signs in < >. */
static bool
take_name(struct text *text)
{
    const bool quoted = take(text, '<');
    size_t n = 0;

    for (; n < text->rest.len; n++) {
        const char c = text->rest.ptr[n];
        const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

        if (!letter && !(quoted && ((c >= '0' && c <= '9') || c == '+' || c == '-')))
            break;
    }
    if (n < 3 || n > 16)
        return false;
    text->rest = (struct view){text->rest.ptr + n, text->rest.len - n};
    return !quoted || take(text, '>');
}

/* [+-]hh[:mm[:ss]] */
static bool
take_time(struct text *text, int max_hours, int *out)
{
    int hours = 0;
    int minutes = 0;
    int seconds = 0;
    const bool minus = take(text, '-');

    if (!minus)
        (void)take(text, '+');
    if (!take_number(text, max_hours, &hours))
        return false;
    if (take(text, ':') && !take_number(text, 59, &minutes))
        return false;
    if (take(text, ':') && !take_number(text, 59, &seconds))
        return false;
    *out = (minus ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

static bool
take_change(struct text *text, struct zone_change *out)
{
    int weekday = 0; /* 0 = Sunday */

    if (!take(text, ',') || !take(text, 'M') || !take_number(text, 12, &out->month) ||
        !take(text, '.') || !take_number(text, 5, &out->week) || !take(text, '.') ||
        !take_number(text, 6, &weekday) || out->month < 1 || out->week < 1)
        return false;
    out->weekday = (weekday + 6) % 7;
    out->at_s = 2 * 3600;
    return !take(text, '/') || take_time(text, 24, &out->at_s);
}

bool
zone_parse(struct view text, struct zone *out)
{
    struct text in = {text};
    struct zone zone = {0};
    int west_s = 0;

    if (view_is(text, "Asia/Shanghai")) {
        *out = (struct zone){.offset_s = 8 * 3600};
        return true;
    }
    if (!take_name(&in) || !take_time(&in, 14, &west_s))
        return false;
    zone.offset_s = -west_s;
    if (in.rest.len > 0) {
        if (!take_name(&in))
            return false;
        zone.summer = true;
        zone.summer_offset_s = zone.offset_s + 3600;
        if (in.rest.len > 0 && in.rest.ptr[0] != ',') {
            if (!take_time(&in, 14, &west_s))
                return false;
            zone.summer_offset_s = -west_s;
        }
        if (!take_change(&in, &zone.begin) || !take_change(&in, &zone.end) || in.rest.len > 0 ||
            zone.begin.month == zone.end.month || zone.summer_offset_s <= zone.offset_s)
            return false;
    }
    *out = zone;
    return true;
}
