#include "model/calendar.h"

const char *const weekday_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

const struct words weekday_titles[] = {{"周一", "Mon"}, {"周二", "Tue"}, {"周三", "Wed"},
    {"周四", "Thu"}, {"周五", "Fri"}, {"周六", "Sat"}, {"周日", "Sun"}};

/* No holiday lasts so long: after it, there are no working hours at all. */
#define QUIET_DAYS 1000

const struct calendar_year *
calendar_year(const struct calendar *calendar, int year)
{
    for (size_t i = 0; i < calendar->n_years; i++) {
        if (calendar->years[i].year == year)
            return &calendar->years[i];
    }
    return NULL;
}

bool
calendar_missing(const struct calendar *calendar, struct instant now, int *year)
{
    const struct civil today = zone_civil(&calendar->zone, now);
    const struct calendar_year *next = calendar_year(calendar, today.year + 1);

    *year = today.year + 1;
    return today.month == 12 && (next == NULL || next->provisional);
}

bool
calendar_is_working_day(const struct calendar *calendar, int64_t day)
{
    const struct civil date = day_civil(day);
    const struct calendar_year *year = calendar_year(calendar, date.year);
    int64_t first = 0;

    if (year != NULL && day_from_date(date.year, 1, 1, &first)) {
        const char sort = year->days[day - first];

        if (sort != 0)
            return sort == 'w';
    }
    return calendar->week[date.weekday];
}

bool
calendar_is_open(const struct calendar *calendar, struct instant at)
{
    const int64_t day = zone_day(&calendar->zone, at);

    if (!calendar_is_working_day(calendar, day))
        return false;
    for (size_t i = 0; i < calendar->n_hours; i++) {
        if (at.us >= zone_at(&calendar->zone, day, calendar->hours[i].from).us &&
            at.us < zone_at(&calendar->zone, day, calendar->hours[i].to).us)
            return true;
    }
    return false;
}

bool
calendar_is_off(const struct calendar *calendar, struct instant at)
{
    const int64_t day = zone_day(&calendar->zone, at);

    if (calendar->n_hours == 0)
        return false;
    return !calendar_is_working_day(calendar, day) ||
           at.us < zone_at(&calendar->zone, day, calendar->hours[0].from).us ||
           at.us >= zone_at(&calendar->zone, day, calendar->hours[calendar->n_hours - 1].to).us;
}

struct instant
calendar_add(const struct calendar *calendar, struct instant from, struct span work)
{
    int64_t day = zone_day(&calendar->zone, from);
    int64_t left = work.us;

    for (int quiet = 0; calendar->n_hours > 0 && quiet < QUIET_DAYS; day++, quiet++) {
        if (!calendar_is_working_day(calendar, day))
            continue;
        quiet = 0;
        for (size_t i = 0; i < calendar->n_hours; i++) {
            const struct instant begin =
                instant_max(from, zone_at(&calendar->zone, day, calendar->hours[i].from));
            const struct instant end = zone_at(&calendar->zone, day, calendar->hours[i].to);

            if (begin.us >= end.us)
                continue;
            if (left <= end.us - begin.us)
                return instant_add(begin, SPAN_US(left));
            left -= end.us - begin.us;
        }
    }
    return INSTANT_NEVER;
}

struct span
calendar_between(const struct calendar *calendar, struct instant from, struct instant to)
{
    struct span sum = {0};

    if (instant_cmp(from, to) >= 0)
        return sum;
    const int64_t last = zone_day(&calendar->zone, to);

    for (int64_t day = zone_day(&calendar->zone, from); day <= last; day++) {
        if (!calendar_is_working_day(calendar, day))
            continue;
        for (size_t i = 0; i < calendar->n_hours; i++) {
            const struct instant begin =
                instant_max(from, zone_at(&calendar->zone, day, calendar->hours[i].from));
            const struct instant end =
                instant_min(to, zone_at(&calendar->zone, day, calendar->hours[i].to));

            if (begin.us < end.us)
                sum.us += end.us - begin.us;
        }
    }
    return sum;
}
