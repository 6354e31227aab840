/* devices.csv: one row a device. Tens of thousands of rows. */
#include "config/load_devices.h"

#include "config/topic.h"

#include <stdlib.h>

struct row { /* a device and where it stands */
    struct device device;
    bool good; /* else only its code counts, so that it is not given twice */
    int line, column;
};

const char *const device_columns[DEVICE_COLUMNS] = {"code", "class", "compound", "profile",
    "building", "zone", "gateway", "name", "side", "install_date", "interval", "rated", "invert",
    "tags"};

/* What people call them; install_year is what the column was called first. */
static const struct {
    const char *name;
    enum device_column column;
} other_names[] = {
    {"install_year", COLUMN_INSTALLED},
    {"设备编号", COLUMN_CODE},
    {"设备类", COLUMN_CLASS},
    {"小区", COLUMN_COMPOUND},
    {"厂商方案", COLUMN_PROFILE},
    {"楼栋", COLUMN_BUILDING},
    {"分区", COLUMN_ZONE},
    {"网关", COLUMN_GATEWAY},
    {"名称", COLUMN_NAME},
    {"位置", COLUMN_SIDE},
    {"安装日期", COLUMN_INSTALLED},
    {"上报间隔", COLUMN_INTERVAL},
    {"额定值", COLUMN_RATED},
    {"取反", COLUMN_INVERT},
    {"标签", COLUMN_TAGS},
};

int
device_column(struct view name)
{
    for (int i = 0; i < DEVICE_COLUMNS; i++) {
        if (view_is(name, device_columns[i]))
            return i;
    }
    for (size_t i = 0; i < ARRAY_LEN(other_names); i++) {
        if (view_is(name, other_names[i].name))
            return other_names[i].column;
    }
    return -1;
}

/* "'x' is not a column": what is near in its own language, else all of them. */
static void
report_column(
    struct reporter *reporter, const struct source *source, struct mark at, struct view name)
{
    const char *names[DEVICE_COLUMNS + ARRAY_LEN(other_names)];

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        names[i] = i < DEVICE_COLUMNS ? device_columns[i] : other_names[i - DEVICE_COLUMNS].name;
    report_mark(reporter, source, at, "unknown-column", "'%.*s' is not a column",
        "没有 '%.*s' 这一列", VIEW_ARG(name));
    if (nearest(name, names, ARRAY_LEN(names)) != NULL) {
        report_near(reporter, name, names, ARRAY_LEN(names));
        return;
    }
    report_hint(reporter,
        "columns are code, class, compound, profile, building, zone, gateway, name, side, "
        "install_date, interval, rated, invert, tags",
        "列名: 设备编号, 设备类, 小区, 厂商方案, 楼栋, 分区, 网关, 名称, 位置, 安装日期, "
        "上报间隔, 额定值, 取反, 标签 (或其英文名)");
}

/* False: without a column that must be there, every row would be wrong. */
static bool
read_header(struct device_rows *table)
{
    struct reporter *reporter = table->loader->schema.reporter;
    bool whole = true;

    for (int i = 0; i < DEVICE_COLUMNS; i++)
        table->place[i] = -1;
    for (size_t i = 0; i < table->row.n; i++) {
        const struct mark at = {table->row.line, table->row.columns[i]};
        const int found = device_column(table->row.fields[i]);

        if (found >= 0 && table->place[found] < 0) {
            table->place[found] = (int)i;
            continue;
        }
        if (found >= 0) {
            report_mark(reporter, table->source, at, "duplicate-column",
                "column '%s' is given twice", "列 '%s' 重复", device_columns[found]);
            continue;
        }
        report_column(reporter, table->source, at, table->row.fields[i]);
    }
    for (int i = 0; i < REQUIRED_COLUMNS; i++) {
        if (table->place[i] >= 0)
            continue;
        whole = false;
        report_mark(reporter, table->source, (struct mark){table->row.line, 1}, "missing-column",
            "column '%s' is missing", "缺少列 '%s'", device_columns[i]);
    }
    table->n_columns = table->row.n;
    return whole;
}

/* False: there is not even a code. */
static bool
read_device(struct device_rows *rows, struct row *row)
{
    if (rows->row.n == rows->n_columns)
        return device_read_cells(rows, &row->device, &row->good);
    report_mark(rows->loader->schema.reporter, rows->source, (struct mark){rows->row.line, 1},
        "wrong-number", "the row has %zu fields, the header has %zu",
        "本行有 %zu 个字段, 表头有 %zu 个", rows->row.n, rows->n_columns);
    return false;
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
        const int line = rows[i].line;

        if (i > 0 && strcmp(rows[i - 1].device.code, rows[i].device.code) == 0) {
            rows[i].line = rows[i - 1].line; /* the first of them */
            report_mark(loader->schema.reporter, loader->devices_csv,
                (struct mark){line, rows[i].column}, "duplicate-name",
                "'%s' is given twice, first in line %d", "'%s' 重复, 首次在第 %d 行",
                rows[i].device.code, rows[i].line);
            continue;
        }
        if (!rows[i].good)
            continue;
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
read_rows(struct device_rows *table, struct csv *csv, struct row *rows)
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
            (struct row){.line = table->row.line, .column = device_mark(table, COLUMN_CODE).column};
        if (read_device(table, &rows[n]))
            n++;
    }
    if (!header)
        report_mark(reporter, table->source, (struct mark){0, 0}, "empty-file", "the file is empty",
            "文件是空的");
    return n;
}

/* What spreadsheets write in China. Read as UTF-8, each of its rows would be a problem. */
static bool
is_foreign(struct device_rows *rows)
{
    struct reporter *reporter = rows->loader->schema.reporter;
    struct mark at;

    switch (csv_dialect(rows->source->text)) {
    case CSV_UTF16:
        report_mark(reporter, rows->source, (struct mark){0, 0}, "utf16",
            "the file is UTF-16 ('Unicode text' of a spreadsheet), not UTF-8",
            "文件编码是 UTF-16 (表格软件的 'Unicode 文本'), 不是 UTF-8");
        report_hint(reporter,
            "save it as 'CSV UTF-8', or convert it: iconv -f UTF-16 -t UTF-8 OLD > NEW",
            "另存为 'CSV UTF-8', 或转换编码: iconv -f UTF-16 -t UTF-8 旧文件 > 新文件");
        return true;
    case CSV_SEPARATOR:
        report_mark(reporter, rows->source, (struct mark){1, 1}, "separator",
            "the columns are not separated by commas", "各列之间不是半角逗号");
        report_hint(reporter,
            "semicolons, tabs and the wide comma do not separate columns here: save it as "
            "'CSV UTF-8 (comma delimited)'",
            "此处不以分号, 制表符或全角逗号分列: 请另存为 'CSV UTF-8 (逗号分隔)'");
        return true;
    case CSV_COMMA:
        break;
    }
    if (!csv_is_gb18030(rows->source->text, &at))
        return false;
    report_mark(reporter, rows->source, at, "gb18030",
        "the file is GB18030 (GBK), not UTF-8; this is the first row with Chinese text",
        "文件编码是 GB18030 (GBK), 不是 UTF-8; 此为首个含中文的行");
    report_hint(reporter,
        "convert it: iconv -f GB18030 -t UTF-8 OLD > NEW, or save it as 'CSV UTF-8'; "
        "'wallwatch device import' converts by itself",
        "转换编码: iconv -f GB18030 -t UTF-8 旧文件 > 新文件, 或另存为 'CSV UTF-8'; "
        "'wallwatch device import' 会自动转换");
    return true;
}

void
load_devices(struct loader *loader)
{
    const struct source *source = loader->devices_csv != NULL
                                      ? loader->devices_csv
                                      : load_source(loader, "devices.csv", SOURCE_MAX_CSV_BYTES);
    struct device_rows table = {.loader = loader, .source = source};
    size_t lines = 1;
    struct csv csv;

    if (source == NULL)
        return;
    loader->devices_csv = source;
    if (is_foreign(&table))
        return;
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
        report_spoiled(loader->schema.reporter, "grid.yaml") || loader->devices_csv == NULL ||
        report_spoiled(loader->schema.reporter, loader->devices_csv->name))
        return;
    for (size_t i = 0; i < loader->config->devices.len; i++) {
        const struct lane_config *lane = lane_of(loader->config, &loader->devices[i]);

        loader->devices[i].lane = lane != NULL ? lane->name : NULL;
    }
}
