/*
 * calendar.yaml: working hours, holidays and make-up days, as tables of the years they were
 * announced for.
 */
#include "config/load.h"

#include <stdlib.h>

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
const struct shape calendar_shape = {
    calendar_keys, ARRAY_LEN(calendar_keys), sizeof(struct calendar_item), NULL};

/* "2026-02-15" -> day of that year from 0; false if it is no such date. */
static bool
read_day(struct view text, int64_t year, int *day)
{
    int64_t at = 0;
    int64_t first = 0;

    if (!date_parse(text, &at) || day_civil(at).year != (int)year ||
        !day_from_date((int)year, 1, 1, &first))
        return false;
    *day = (int)(at - first);
    return true;
}

/* One date, or two joined by "..": both are of the range. */
static bool
read_range(struct view text, int64_t year, int *from, int *to)
{
    if (text.len == 22 && text.ptr[10] == '.' && text.ptr[11] == '.')
        return read_day((struct view){text.ptr, 10}, year, from) &&
               read_day((struct view){text.ptr + 12, 10}, year, to) && *from <= *to;
    if (!read_day(text, year, from))
        return false;
    *to = *from;
    return true;
}

static void
mark_days(struct loader *loader, const struct texts *texts, int64_t year, char sort, char *days)
{
    for (size_t i = 0; i < texts->len; i++) {
        int from = 0;
        int to = 0;

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

static void
make_week(struct loader *loader, const struct texts *week)
{
    const struct key weekday = {
        .name = "", .type = KEY_WORD, .choices = weekday_names, .n_choices = 7};

    for (size_t i = 0; i < week->len; i++) {
        int index = 0;

        if (schema_value(&loader->schema, week->nodes[i], &weekday, &index))
            loader->config->grid.calendar.week[index] = true;
    }
}

static int
compare_hours(const void *a, const void *b)
{
    return ((const struct hours_item *)a)->from - ((const struct hours_item *)b)->from;
}

static void
make_hours(struct loader *loader, const struct items *items)
{
    struct hours *hours = ARENA_ARRAY(loader->schema.arena, items->len, struct hours);
    size_t n = 0;

    if (items->len > 1)
        qsort(items->at, items->len, sizeof(struct hours_item), compare_hours);
    for (size_t i = 0; i < items->len; i++) {
        const struct hours_item *item = items_at(items, &hours_shape, i);

        if (item->to <= item->from) {
            report(loader->schema.reporter, item->is.node, "wrong-order",
                "working hours end before they begin", "工作时间的结束早于开始");
        } else if (n > 0 && item->from < hours[n - 1].to) {
            report(loader->schema.reporter, item->is.node, "overlap",
                "these working hours overlap others", "工作时间重叠");
        } else {
            hours[n++] = (struct hours){item->from, item->to};
        }
    }
    if (items->len == 0 && items->at != NULL)
        report(loader->schema.reporter, loader->years, "empty-value", "there are no working hours",
            "没有工作时间");
    loader->config->grid.calendar.hours = hours;
    loader->config->grid.calendar.n_hours = n;
}

static int
compare_years(const void *a, const void *b)
{
    const int64_t left = ((const struct year_item *)a)->year;
    const int64_t right = ((const struct year_item *)b)->year;

    return (left > right) - (left < right);
}

static void
make_years(struct loader *loader, const struct items *items)
{
    struct calendar_year *years =
        ARENA_ARRAY(loader->schema.arena, items->len, struct calendar_year);

    if (items->len > 1)
        qsort(items->at, items->len, sizeof(struct year_item), compare_years);
    for (size_t i = 0; i < items->len; i++) {
        const struct year_item *item = items_at(items, &year_shape, i);

        years[i].year = (int)item->year;
        years[i].provisional = item->provisional;
        if (i > 0 && years[i - 1].year == years[i].year)
            report(loader->schema.reporter, item->is.node, "duplicate-name",
                "there are two tables for %d", "%d 年有两张表", years[i].year);
        mark_days(loader, &item->holidays, item->year, 'h', years[i].days);
        mark_days(loader, &item->working_days, item->year, 'w', years[i].days);
    }
    loader->config->grid.calendar.years = years;
    loader->config->grid.calendar.n_years = items->len;
}

void
load_calendar(struct loader *loader)
{
    const struct node *root = load_yaml(loader, "calendar.yaml", "");
    struct calendar_item item = {0};

    if (root == NULL)
        return;
    (void)schema_read(&loader->schema, root, &calendar_shape, &item);
    loader->years = node_about(root, "years");
    make_week(loader, &item.working_week);
    make_hours(loader, &item.working_hours);
    make_years(loader, &item.years);
}
