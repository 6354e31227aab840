/*
 * calendar.yaml: working hours, holidays and make-up days, as tables of the years they were
 * announced for. Only checked so far: every clock runs on natural time.
 */
#include "config/load.h"

#include <stdio.h>

struct hours_item {
    struct item is;
    int from, to;
};

static const struct key hours_keys[] = {
    {.name = "from", .type = KEY_CLOCK, .required = true, .at = offsetof(struct hours_item, from)},
    {.name = "to", .type = KEY_CLOCK, .required = true, .at = offsetof(struct hours_item, to)},
};
static const struct shape hours_shape = {
    hours_keys, ARRAY_LEN(hours_keys), sizeof(struct hours_item), NULL};

struct year_item {
    struct item is;
    int64_t year;
    bool provisional;
    struct texts holidays, working_days;
};

static const struct key year_keys[] = {
    {.name = "year",
        .type = KEY_INT,
        .required = true,
        .at = offsetof(struct year_item, year),
        .min = "2020",
        .max = "2100"},
    {.name = "provisional", .type = KEY_BOOL, .at = offsetof(struct year_item, provisional)},
    {.name = "holidays",
        .type = KEY_TEXTS,
        .required = true,
        .at = offsetof(struct year_item, holidays)},
    {.name = "working_days", .type = KEY_TEXTS, .at = offsetof(struct year_item, working_days)},
};
static const struct shape year_shape = {
    year_keys, ARRAY_LEN(year_keys), sizeof(struct year_item), NULL};

struct calendar_item {
    struct item is;
    struct items working_hours, years;
    struct texts working_week;
};

static const struct key calendar_keys[] = {
    {.name = "working_week",
        .type = KEY_TEXTS,
        .required = true,
        .at = offsetof(struct calendar_item, working_week)},
    {.name = "working_hours",
        .type = KEY_LIST,
        .required = true,
        .at = offsetof(struct calendar_item, working_hours),
        .shape = &hours_shape},
    {.name = "years",
        .type = KEY_LIST,
        .required = true,
        .at = offsetof(struct calendar_item, years),
        .shape = &year_shape},
};
static const struct shape calendar_shape = {
    calendar_keys, ARRAY_LEN(calendar_keys), sizeof(struct calendar_item), NULL};

static const char *const weekdays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

#define YEAR_DAYS 366

/* "2026-02-15" -> day of that year from 0; false if it is no such date. */
static bool
read_date(struct view text, int64_t year, int *day)
{
    struct instant at, start;
    int64_t parts[3];

    if (text.len != 10 || text.ptr[4] != '-' || text.ptr[7] != '-' ||
        !value_int((struct view){text.ptr, 4}, &parts[0]) ||
        !value_int((struct view){text.ptr + 5, 2}, &parts[1]) ||
        !value_int((struct view){text.ptr + 8, 2}, &parts[2]) || parts[0] != year)
        return false;
    if (!instant_from_civil((int)year, (int)parts[1], (int)parts[2], 0, 0, 0, 0, &at) ||
        !instant_from_civil((int)year, 1, 1, 0, 0, 0, 0, &start))
        return false;
    *day = (int)(instant_since(at, start).us / SPAN_DAYS(1).us);
    return true;
}

/* One date, or two joined by "..": both are of the range. */
static bool
read_range(struct view text, int64_t year, int *from, int *to)
{
    if (text.len == 22 && text.ptr[10] == '.' && text.ptr[11] == '.')
        return read_date((struct view){text.ptr, 10}, year, from) &&
               read_date((struct view){text.ptr + 12, 10}, year, to) && *from <= *to;
    if (!read_date(text, year, from))
        return false;
    *to = *from;
    return true;
}

static void
mark_days(
    struct loader *loader, const struct texts *texts, int64_t year, char sort, char days[YEAR_DAYS])
{
    for (size_t i = 0; i < texts->len; i++) {
        int from, to;

        if (!read_range(view_of(texts->at[i]), year, &from, &to)) {
            report(loader->schema.reporter, texts->nodes[i], "bad-date",
                "'%s' is not a date of %d, allowed are %d-01-01 and ranges %d-01-01..%d-01-03",
                "'%s' 不是 %d 年的日期, 写作 %d-01-01 或范围 %d-01-01..%d-01-03", texts->at[i],
                (int)year, (int)year, (int)year, (int)year);
            continue;
        }
        for (int day = from; day <= to; day++) {
            if (days[day] != 0) {
                report(loader->schema.reporter, texts->nodes[i], "duplicate-date",
                    "'%s' holds a day that is in the table already", "'%s' 中有一天已在表中",
                    texts->at[i]);
                break;
            }
            days[day] = sort;
        }
    }
}

void
load_calendar(struct loader *loader)
{
    const struct node *root = load_yaml(loader, "calendar.yaml", "");
    struct calendar_item item = {0};
    const struct key weekday = {
        .name = "", .type = KEY_WORD, .choices = weekdays, .n_choices = ARRAY_LEN(weekdays)};

    if (root == NULL)
        return;
    (void)schema_read(&loader->schema, root, &calendar_shape, &item);
    for (size_t i = 0; i < item.working_week.len; i++) {
        int index;

        (void)schema_value(&loader->schema, item.working_week.nodes[i], &weekday, &index);
    }
    for (size_t i = 0; i < item.working_hours.len; i++) {
        const struct hours_item *hours = items_at(&item.working_hours, &hours_shape, i);

        if (hours->to <= hours->from)
            report(loader->schema.reporter, hours->is.node, "wrong-order",
                "working hours end before they begin", "工作时间的结束早于开始");
    }
    for (size_t i = 0; i < item.years.len; i++) {
        const struct year_item *year = items_at(&item.years, &year_shape, i);
        char days[YEAR_DAYS] = {0};

        mark_days(loader, &year->holidays, year->year, 'h', days);
        mark_days(loader, &year->working_days, year->year, 'w', days);
    }
}
