/* Dates as the files write them, and what is wrong with them. */
#include "config/load.h"

/* "2026-02-15" */
static bool
split(struct view text, int64_t parts[3])
{
    return text.len == 10 && text.ptr[4] == '-' && text.ptr[7] == '-' &&
           value_int((struct view){text.ptr, 4}, &parts[0]) &&
           value_int((struct view){text.ptr + 5, 2}, &parts[1]) &&
           value_int((struct view){text.ptr + 8, 2}, &parts[2]);
}

bool
date_parse(struct view text, int64_t *day)
{
    int64_t parts[3];

    return split(text, parts) && day_from_date((int)parts[0], (int)parts[1], (int)parts[2], day);
}

bool
date_read(struct loader *loader, const struct node *node, struct view text, int64_t *day)
{
    int64_t parts[3] = {0};

    if (date_parse(text, day))
        return true;
    report(loader->schema.reporter, node, "bad-date",
        "'%.*s' is not a date, allowed are dates like 2026-10-01",
        "'%.*s' 不是日期, 写作 2026-10-01", VIEW_ARG(text));
    if (split(text, parts) && parts[1] == 2 && parts[2] == 29)
        report_hint(loader->schema.reporter, "%d has no 29 February", "%d 年没有 2 月 29 日",
            (int)parts[0]);
    return false;
}

/* "2026-10-01 08:30"; 24:00 is the end of that day and only ends something. */
bool
moment_read(struct loader *loader, const struct node *node, struct view text, bool ends,
    struct instant *out)
{
    int64_t day = 0;
    int minute = 0;

    if (text.len != 16 || text.ptr[10] != ' ' ||
        !value_clock((struct view){text.ptr + 11, 5}, &minute)) {
        report(loader->schema.reporter, node, "bad-moment",
            "'%.*s' is not a local time, allowed are times like '2026-10-01 08:30'",
            "'%.*s' 不是本地时刻, 写作 '2026-10-01 08:30'", VIEW_ARG(text));
        return false;
    }
    if (!date_read(loader, node, (struct view){text.ptr, 10}, &day))
        return false;
    if (minute == 1440 && !ends) {
        report_midnight(loader, node);
        return false;
    }
    *out = zone_at(&loader->config->grid.calendar.zone, day, minute);
    return true;
}

void
report_midnight(struct loader *loader, const struct node *node)
{
    report(loader->schema.reporter, node, "bad-clock", "'24:00' ends a day, it does not begin one",
        "'24:00' 是一天的结束, 不能作为开始");
    report_hint(loader->schema.reporter, "write '00:00' of the next day", "请写次日的 '00:00'");
}
