/* devices.csv: one row a device. Tens of thousands of rows: texts that repeat are kept once. */
#include "config/load.h"

#include "config/csv.h"
#include "config/topic.h"

#include <stdlib.h>

struct row { /* a device and where it stands */
    struct device device;
    int line, column;
};

enum column {
    COLUMN_CODE,
    COLUMN_CLASS,
    COLUMN_COMPOUND,
    COLUMN_PROFILE,
    COLUMN_BUILDING,
    COLUMN_ZONE,
    COLUMN_GATEWAY,
    COLUMN_NAME,
    COLUMN_SIDE,
    COLUMN_YEAR,
    COLUMN_INTERVAL,
    COLUMN_TAGS,
    COLUMN_COUNT,
};

static const char *const column_names[COLUMN_COUNT] = {"code", "class", "compound", "profile",
    "building", "zone", "gateway", "name", "side", "install_year", "interval", "tags"};
#define REQUIRED_COLUMNS 3 /* the first ones */

struct table { /* devices.csv while it is being read */
    struct loader *loader;
    const struct source *source;
    struct csv_row row;
    int place[COLUMN_COUNT]; /* in the file; -1: not there */
    size_t n_columns;
    struct map texts; /* text -> the one copy of it */
};

static const char *
once(struct table *table, struct view text)
{
    if (text.len == 0)
        return "";
    char *copy = map_get(&table->texts, text);

    if (copy == NULL) {
        copy = arena_text(table->loader->schema.arena, text);
        (void)map_put(&table->texts, text, copy);
    }
    return copy;
}

static struct view
field(const struct table *table, enum column column)
{
    const int place = table->place[column];

    return place < 0 ? (struct view){"", 0} : table->row.fields[place];
}

static struct mark
mark_of(const struct table *table, enum column column)
{
    const int place = table->place[column];

    return (struct mark){table->row.line, place < 0 ? 1 : table->row.columns[place]};
}

#define REPORT_FIELD(table, column, code, ...)                                                     \
    report_mark((table)->loader->schema.reporter, (table)->source, mark_of((table), (column)),     \
        (code), __VA_ARGS__)

static bool
read_header(struct table *table)
{
    struct reporter *reporter = table->loader->schema.reporter;
    bool good = true;

    for (int i = 0; i < COLUMN_COUNT; i++)
        table->place[i] = -1;
    for (size_t i = 0; i < table->row.n; i++) {
        const struct mark at = {table->row.line, table->row.columns[i]};
        int found = -1;

        for (int j = 0; j < COLUMN_COUNT; j++) {
            if (view_is(table->row.fields[i], column_names[j]))
                found = j;
        }
        if (found >= 0 && table->place[found] < 0) {
            table->place[found] = (int)i;
            continue;
        }
        good = false;
        if (found >= 0) {
            report_mark(reporter, table->source, at, "duplicate-column",
                "column '%s' is given twice", "列 '%s' 重复", column_names[found]);
            continue;
        }
        report_mark(reporter, table->source, at, "unknown-column", "'%.*s' is not a column",
            "没有 '%.*s' 这一列", VIEW_ARG(table->row.fields[i]));
        report_near(reporter, table->row.fields[i], column_names, COLUMN_COUNT);
    }
    for (int i = 0; i < REQUIRED_COLUMNS; i++) {
        if (table->place[i] >= 0)
            continue;
        good = false;
        report_mark(reporter, table->source, (struct mark){table->row.line, 1}, "missing-column",
            "column '%s' is missing", "缺少列 '%s'", column_names[i]);
    }
    table->n_columns = table->row.n;
    return good;
}

static void
stranger(struct table *table, enum column column, enum kind kind)
{
    const struct mark at = mark_of(table, column);
    const struct node node = {
        .source = table->source, .kind = NODE_SCALAR, .at = at, .text = field(table, column)};

    report_stranger(table->loader, &node, kind, field(table, column));
}

static bool
read_place(struct table *table, struct device *device)
{
    const struct config *config = table->loader->config;
    const struct view profile = field(table, COLUMN_PROFILE);

    device->class = class_find(&config->classes, field(table, COLUMN_CLASS));
    device->compound = compound_find(&config->grid, field(table, COLUMN_COMPOUND));
    if (device->class == NULL)
        stranger(table, COLUMN_CLASS, KIND_CLASS);
    if (device->compound == NULL)
        stranger(table, COLUMN_COMPOUND, KIND_COMPOUND);
    if (device->class == NULL || device->compound == NULL || device->class->n_profiles == 0)
        return false;
    if (profile.len == 0) {
        device->profile = device->class->profiles[0];
        return true;
    }
    const struct node node = {.source = table->source,
        .kind = NODE_SCALAR,
        .at = mark_of(table, COLUMN_PROFILE),
        .text = profile};

    device->profile = profile_of(table->loader, device->class, &node, profile);
    return device->profile != NULL;
}

static void
read_tags(struct table *table, struct device *device)
{
    const struct view text = field(table, COLUMN_TAGS);
    size_t from = 0, n = 1;

    if (text.len == 0)
        return;
    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == ';';
    const char **tags = ARENA_ARRAY(table->loader->schema.arena, n, const char *);

    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.ptr[i] != ';')
            continue;
        const struct view tag = {text.ptr + from, i - from};

        from = i + 1;
        if (!value_id(tag)) {
            REPORT_FIELD(table, COLUMN_TAGS, "bad-tag",
                "'%.*s' is not a tag, allowed are small letters, digits and '-', joined by ';'",
                "'%.*s' 不是标签, 允许小写字母, 数字和 '-', 以 ';' 相连", VIEW_ARG(tag));
            continue;
        }
        tags[device->n_tags++] = once(table, tag);
    }
    device->tags = tags;
}

static void
read_details(struct table *table, struct device *device)
{
    const struct view side = field(table, COLUMN_SIDE);
    const struct view year = field(table, COLUMN_YEAR);
    const struct view interval = field(table, COLUMN_INTERVAL);
    int64_t number = 0;

    if (view_is(side, "outside"))
        device->side = SIDE_OUTSIDE;
    else if (side.len > 0 && !view_is(side, "inside")) {
        REPORT_FIELD(table, COLUMN_SIDE, "bad-word",
            "'%.*s' is not a side, allowed are inside, outside",
            "'%.*s' 不是位置, 允许 inside, outside", VIEW_ARG(side));
    }
    if (year.len > 0 && (!value_int(year, &number) || number < 1900 || number > 2100)) {
        REPORT_FIELD(table, COLUMN_YEAR, "bad-int",
            "'%.*s' is not a year, allowed are 1900 to 2100", "'%.*s' 不是年份, 允许 1900 至 2100",
            VIEW_ARG(year));
    } else {
        device->install_year = (int)number;
    }
    if (interval.len > 0 &&
        (!span_parse(interval, &device->interval) || device->interval.us < SPAN_S(1).us ||
            device->interval.us > SPAN_DAYS(7).us)) {
        REPORT_FIELD(table, COLUMN_INTERVAL, "bad-span",
            "'%.*s' is not a length of time, allowed are 1s to 7d",
            "'%.*s' 不是时长, 允许 1s 至 7d", VIEW_ARG(interval));
    }
}

#define PLACE_TEXT_BYTES 64

static bool
read_device(struct table *table, struct device *device)
{
    static const enum column texts[] = {COLUMN_BUILDING, COLUMN_ZONE, COLUMN_GATEWAY, COLUMN_NAME};
    const struct view code = field(table, COLUMN_CODE);

    if (table->row.n != table->n_columns) {
        report_mark(table->loader->schema.reporter, table->source,
            (struct mark){table->row.line, 1}, "wrong-number",
            "the row has %zu fields, the header has %zu", "本行有 %zu 个字段, 表头有 %zu 个",
            table->row.n, table->n_columns);
        return false;
    }
    if (!device_code_valid(code)) {
        REPORT_FIELD(table, COLUMN_CODE, "bad-code",
            "'%.*s' is not a device code, allowed are letters, digits and . _ : -, 1 to 64",
            "'%.*s' 不是设备代码, 允许字母, 数字和 . _ : -, 1 至 64 个", VIEW_ARG(code));
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (field(table, texts[i]).len > PLACE_TEXT_BYTES)
            REPORT_FIELD(table, texts[i], "too-long", "is %zu bytes long, allowed are %d",
                "长 %zu 字节, 最多 %d", field(table, texts[i]).len, PLACE_TEXT_BYTES);
    }
    if (!read_place(table, device))
        return false;
    read_details(table, device);
    read_tags(table, device);
    device->code = arena_text(table->loader->schema.arena, code);
    device->key = device_key(code);
    device->building = once(table, field(table, COLUMN_BUILDING));
    device->zone = once(table, field(table, COLUMN_ZONE));
    device->gateway = once(table, field(table, COLUMN_GATEWAY));
    device->name = once(table, field(table, COLUMN_NAME));
    return true;
}

static int
compare_rows(const void *a, const void *b)
{
    const struct row *left = a;
    const struct row *right = b;
    const int cmp = strcmp(left->device.code, right->device.code);

    return cmp != 0 ? cmp : left->line - right->line;
}

struct keyed { /* what is sorted by key */
    const struct device *device;
};

static int
compare_keys(const void *a, const void *b)
{
    const uint64_t left = ((const struct keyed *)a)->device->key;
    const uint64_t right = ((const struct keyed *)b)->device->key;

    return (left > right) - (left < right);
}

/* Two codes with one key would be one device in every table. */
static void
check_keys(struct loader *loader, const struct device *devices, size_t len)
{
    struct keyed *order = mem_zalloc(len + 1, sizeof(*order));

    for (size_t i = 0; i < len; i++)
        order[i].device = &devices[i];
    qsort(order, len, sizeof(*order), compare_keys);
    for (size_t i = 1; i < len; i++) {
        if (order[i].device->key != order[i - 1].device->key)
            continue;
        report_mark(loader->schema.reporter, loader->devices_csv,
            (struct mark){loader->device_lines[order[i].device - devices], 1}, "key-collision",
            "'%s' and '%s' have the same key, one must be renamed",
            "'%s' 与 '%s' 的键相同, 须改其一", order[i].device->code, order[i - 1].device->code);
    }
    free(order);
}

static void
keep(struct loader *loader, struct row *rows, size_t n)
{
    struct device *devices = ARENA_ARRAY(loader->schema.arena, n, struct device);
    struct device_table *table = &loader->config->devices;
    size_t len = 0;

    loader->device_lines = ARENA_ARRAY(loader->schema.scratch, n, int);
    qsort(rows, n, sizeof(*rows), compare_rows);
    for (size_t i = 0; i < n; i++) {
        if (len > 0 && strcmp(devices[len - 1].code, rows[i].device.code) == 0) {
            report_mark(loader->schema.reporter, loader->devices_csv,
                (struct mark){rows[i].line, rows[i].column}, "duplicate-name",
                "'%s' is given twice, first in line %d", "'%s' 重复, 首次在第 %d 行",
                rows[i].device.code, loader->device_lines[len - 1]);
            continue;
        }
        loader->device_lines[len] = rows[i].line;
        devices[len++] = rows[i].device;
    }
    loader->devices = devices;
    table->at = devices;
    table->len = len;
    for (size_t i = 0; i < len; i++)
        (void)map_put(&table->by_code, view_of(devices[i].code), &devices[i]);
    check_keys(loader, devices, len);
}

static size_t
read_rows(struct table *table, struct csv *csv, struct row *rows)
{
    struct reporter *reporter = table->loader->schema.reporter;
    bool header = false;
    struct words what;
    struct mark at;
    size_t n = 0;

    for (;;) {
        const enum csv_result result =
            csv_next(csv, table->loader->schema.scratch, &table->row, &at, &what);

        if (result == CSV_END)
            break;
        if (result == CSV_FLAW) {
            report_mark(
                reporter, table->source, at, "csv-syntax", "%s%.0s", "%.0s%s", what.en, what.zh);
            if (!header)
                return 0;
            continue;
        }
        if (!header) {
            if (!read_header(table))
                return 0;
            header = true;
            continue;
        }
        rows[n] =
            (struct row){.line = table->row.line, .column = mark_of(table, COLUMN_CODE).column};
        if (read_device(table, &rows[n].device))
            n++;
    }
    if (!header)
        report_mark(reporter, table->source, (struct mark){0, 0}, "empty-file", "the file is empty",
            "文件是空的");
    return n;
}

void
load_devices(struct loader *loader)
{
    const struct source *source = load_source(loader, "devices.csv", SOURCE_MAX_CSV_BYTES);
    struct table table = {.loader = loader, .source = source};
    size_t lines = 1;
    struct csv csv;

    if (source == NULL)
        return;
    loader->devices_csv = source;
    for (size_t i = 0; i < source->text.len; i++)
        lines += source->text.ptr[i] == '\n';
    struct row *rows = mem_zalloc(lines, sizeof(*rows));

    map_init(&table.texts);
    csv_open(&csv, source->text);
    keep(loader, rows, read_rows(&table, &csv, rows));
    map_fini(&table.texts);
    free(rows);
}

/* Where a device of that class and profile speaks: by the first pattern made for it, else in the
 * tree of its own. */
static const struct lane_config *
lane_of(const struct config *config, const struct device *device)
{
    const struct unit *district = device->compound->units[TIER_DISTRICT];
    const struct lane_config *lane;
    struct buf topic;

    buf_init(&topic, 1024);
    for (size_t i = 0; i < config->n_patterns && topic.len == 0; i++) {
        const struct topic_pattern *pattern = &config->patterns[i];

        if (pattern->class == device->class &&
            (pattern->profile == NULL || pattern->profile == device->profile))
            topic_sample(view_of(pattern->pattern), &topic);
    }
    if (topic.len == 0) {
        buf_printf(&topic, "estate/%s/%s/%s/%s/telemetry", district != NULL ? district->id : "-",
            device->compound->id, device->class->name, device->code);
    }
    lane = config_lane_of(config, buf_view(&topic));
    buf_fini(&topic);
    return lane;
}

void
load_device_lanes(struct loader *loader)
{
    /* what is wrong there has been said, and nobody will judge by this */
    if (report_spoiled(loader->schema.reporter, "site.yaml") ||
        report_spoiled(loader->schema.reporter, "grid.yaml") ||
        report_spoiled(loader->schema.reporter, "devices.csv"))
        return;
    for (size_t i = 0; i < loader->config->devices.len; i++) {
        const struct lane_config *lane = lane_of(loader->config, &loader->devices[i]);

        loader->devices[i].lane = lane != NULL ? lane->name : NULL;
    }
}
