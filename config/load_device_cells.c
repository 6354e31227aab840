/* The cells of one row of devices.csv: everything that is wrong with a row is reported at once. */
#include "config/load_devices.h"

#define CELL_BYTES 64 /* texts for people, where a device stands */
#define MAX_TAGS 32
#define MAX_RATED 16

#define REPORT_CELL(rows, column, code, ...)                                                       \
    report_mark((rows)->loader->schema.reporter, (rows)->source, device_mark((rows), (column)),    \
        (code), __VA_ARGS__)

struct view
device_cell(const struct device_rows *rows, enum device_column column)
{
    const int place = rows->place[column];

    return place < 0 ? (struct view){"", 0} : rows->row.fields[place];
}

struct mark
device_mark(const struct device_rows *rows, enum device_column column)
{
    const int place = rows->place[column];

    return (struct mark){rows->row.line, place < 0 ? 1 : rows->row.columns[place]};
}

/* Texts that repeat in tens of thousands of rows are kept once. */
static const char *
once(struct device_rows *rows, struct view text)
{
    if (text.len == 0)
        return "";
    char *copy = map_get(&rows->texts, text);

    if (copy == NULL) {
        copy = arena_text(rows->loader->schema.arena, text);
        (void)map_put(&rows->texts, text, copy);
    }
    return copy;
}

static void
stranger(struct device_rows *rows, enum device_column column, enum kind kind)
{
    const struct view text = device_cell(rows, column);
    const struct node node = {
        .source = rows->source, .kind = NODE_SCALAR, .at = device_mark(rows, column), .text = text};

    report_stranger(rows->loader, &node, kind, text);
}

static const struct profile *
read_profile(struct device_rows *rows, const struct class *class)
{
    const struct view text = device_cell(rows, COLUMN_PROFILE);
    const struct node node = {.source = rows->source,
        .kind = NODE_SCALAR,
        .at = device_mark(rows, COLUMN_PROFILE),
        .text = text};

    if (class->n_profiles == 0)
        return NULL;
    return text.len == 0 ? class->profiles[0] : profile_of(rows->loader, class, &node, text);
}

static bool
read_place(struct device_rows *rows, struct device *device)
{
    const struct config *config = rows->loader->config;

    device->class = class_find(&config->classes, device_cell(rows, COLUMN_CLASS));
    device->compound = compound_find(&config->grid, device_cell(rows, COLUMN_COMPOUND));
    if (device->class == NULL)
        stranger(rows, COLUMN_CLASS, KIND_CLASS);
    if (device->compound == NULL)
        stranger(rows, COLUMN_COMPOUND, KIND_COMPOUND);
    if (device->class != NULL)
        device->profile = read_profile(rows, device->class);
    return device->profile != NULL && device->compound != NULL;
}

/* The next piece between ';'; false: there is none. */
static bool
next_piece(struct view *rest, struct view *piece)
{
    size_t len = 0;

    if (rest->ptr == NULL)
        return false;
    while (len < rest->len && rest->ptr[len] != ';')
        len++;
    *piece = (struct view){rest->ptr, len};
    *rest = len == rest->len ? (struct view){NULL, 0}
                             : (struct view){rest->ptr + len + 1, rest->len - len - 1};
    return true;
}

static struct view
trim(struct view text)
{
    while (text.len > 0 && text.ptr[0] == ' ') {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && text.ptr[text.len - 1] == ' ')
        text.len--;
    return text;
}

static size_t
count_pieces(struct device_rows *rows, enum device_column column, size_t max)
{
    const struct view text = device_cell(rows, column);
    size_t n = text.len > 0;

    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == ';';
    if (n <= max)
        return n;
    REPORT_CELL(rows, column, "too-many", "has %zu entries, allowed are %zu", "有 %zu 项, 最多 %zu",
        n, max);
    return 0;
}

static void
report_twice(struct device_rows *rows, enum device_column column, struct view name)
{
    REPORT_CELL(
        rows, column, "duplicate-name", "'%.*s' is given twice", "'%.*s' 重复", VIEW_ARG(name));
}

static bool
is_among(const char *const *texts, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(texts[i], text) == 0)
            return true;
    }
    return false;
}

static void
read_tags(struct device_rows *rows, struct device *device)
{
    const size_t n = count_pieces(rows, COLUMN_TAGS, MAX_TAGS);
    struct view rest = device_cell(rows, COLUMN_TAGS), tag;

    if (n == 0)
        return;
    const char **tags = ARENA_ARRAY(rows->loader->schema.arena, n, const char *);

    while (next_piece(&rest, &tag)) {
        if (!value_id(tag)) {
            REPORT_CELL(rows, COLUMN_TAGS, "bad-tag",
                "'%.*s' is not a tag, allowed are small letters, digits and '-', joined by ';'",
                "'%.*s' 不是标签, 允许小写字母, 数字和 '-', 以 ';' 相连", VIEW_ARG(tag));
            continue;
        }
        tags[device->n_tags] = once(rows, tag);
        if (is_among(tags, device->n_tags, tags[device->n_tags]))
            report_twice(rows, COLUMN_TAGS, tag);
        else
            device->n_tags++;
    }
    device->tags = tags;
}

/* "speed=1.75 m/s": the number ends where the unit begins. */
static bool
read_promise(struct device_rows *rows, struct view text, struct rated *out)
{
    const char *equals = memchr(text.ptr, '=', text.len);
    size_t digits = 0;

    if (equals == NULL)
        return false;
    const struct view name = trim((struct view){text.ptr, (size_t)(equals - text.ptr)});
    const struct view number =
        trim((struct view){equals + 1, (size_t)(text.ptr + text.len - (equals + 1))});

    while (digits < number.len && strchr("+-.0123456789", number.ptr[digits]) != NULL)
        digits++;
    out->measure = measure_find(trim((struct view){number.ptr + digits, number.len - digits}));
    if (!value_name(name) || out->measure == NULL ||
        !value_real((struct view){number.ptr, digits}, &out->number))
        return false;
    out->name = once(rows, name);
    return true;
}

/* In order of names; false: it is there already. */
static bool
insert_rated(struct rated *at, size_t n, struct rated rated)
{
    size_t place = n;

    while (place > 0 && strcmp(at[place - 1].name, rated.name) > 0)
        place--;
    if (place > 0 && strcmp(at[place - 1].name, rated.name) == 0)
        return false;
    memmove(&at[place + 1], &at[place], (n - place) * sizeof(*at));
    at[place] = rated;
    return true;
}

static void
report_no_rated(struct device_rows *rows, const struct class *class, const char *name)
{
    const char *names[64];
    struct buf list;
    size_t n = 0;

    buf_init(&list, 1000);
    for (; n < class->n_rated && n < ARRAY_LEN(names); n++) {
        names[n] = class->rated[n].name;
        buf_printf(&list, "%s%s", n > 0 ? ", " : "", names[n]);
    }
    REPORT_CELL(rows, COLUMN_RATED, "unknown-name",
        "'%s' is not a rated value of '%s', allowed are %.*s", "'%s' 不是 '%s' 的额定值, 允许 %.*s",
        name, class->name, VIEW_ARG(buf_view(&list)));
    report_near(rows->loader->schema.reporter, view_of(name), names, n);
    buf_fini(&list);
}

/* In the dimension that its class gives it, where it gives one. */
static bool
is_rated_so(struct device_rows *rows, const struct class *class, const struct rated *rated)
{
    const struct measure *measure = NULL;

    for (size_t i = 0; i < class->n_rated; i++) {
        if (strcmp(class->rated[i].name, rated->name) == 0)
            measure = class->rated[i].measure;
    }
    if (measure == NULL && class->n_rated > 0) {
        report_no_rated(rows, class, rated->name);
        return false;
    }
    if (measure == NULL || strcmp(measure->dimension, rated->measure->dimension) == 0)
        return true;
    if (rated->measure->name[0] == '\0') {
        REPORT_CELL(
            rows, COLUMN_RATED, "wrong-unit", "'%s' has no unit", "'%s' 没有单位", rated->name);
    } else if (measure->name[0] == '\0') {
        REPORT_CELL(rows, COLUMN_RATED, "wrong-unit",
            "'%s' has no unit in its class, '%s' is given",
            "'%s' 在设备类中没有单位, 给出的是 '%s'", rated->name, rated->measure->name);
        return false;
    } else {
        REPORT_CELL(rows, COLUMN_RATED, "wrong-unit",
            "'%s' is told in %s, '%s' is no unit of that kind", "'%s' 以 %s 计, '%s' 不是同类单位",
            rated->name, measure->name, rated->measure->name);
    }
    report_hint(rows->loader->schema.reporter, "write '%s=%g %s'", "写作 '%s=%g %s'", rated->name,
        rated->number, measure->name);
    return false;
}

static void
read_rated(struct device_rows *rows, struct device *device)
{
    const size_t n = count_pieces(rows, COLUMN_RATED, MAX_RATED);
    struct view rest = device_cell(rows, COLUMN_RATED), piece;

    if (n == 0)
        return;
    struct rated *at = ARENA_ARRAY(rows->loader->schema.arena, n + 1, struct rated);

    while (next_piece(&rest, &piece)) {
        struct rated rated;

        if (!read_promise(rows, piece, &rated)) {
            REPORT_CELL(rows, COLUMN_RATED, "bad-rated",
                "'%.*s' is not a rated value, allowed are name=number with a known unit, "
                "'speed=1.75 m/s', joined by ';'",
                "'%.*s' 不是额定值, 须为 名称=数值加计量单位, 如 'speed=1.75 m/s', 以 ';' 相连",
                VIEW_ARG(piece));
        } else if (device->class != NULL && !is_rated_so(rows, device->class, &rated)) {
            continue;
        } else if (!insert_rated(at, device->n_rated, rated)) {
            report_twice(rows, COLUMN_RATED, view_of(rated.name));
        } else {
            device->n_rated++;
        }
    }
    device->rated = at;
}

static void
report_no_bool(struct device_rows *rows, const struct class *class, struct view name)
{
    const char *names[CLASS_MAX_FIELDS];
    size_t n = 0;

    REPORT_CELL(rows, COLUMN_INVERT, "unknown-name",
        "'%.*s' is not a field of type bool of '%s', only such can be inverted",
        "'%.*s' 不是 '%s' 的 bool 类型字段, 不能取反", VIEW_ARG(name), class->name);
    for (size_t i = 0; i < class->n_fields; i++) {
        if (class->fields[i].type == FIELD_BOOL)
            names[n++] = class->fields[i].name;
    }
    report_near(rows->loader->schema.reporter, name, names, n);
}

/* The fields whose polarity is the other way round on this machine. */
static void
read_inverted(struct device_rows *rows, struct device *device)
{
    struct view rest = device_cell(rows, COLUMN_INVERT), name;

    if (rest.len == 0 || device->class == NULL)
        return;
    while (next_piece(&rest, &name)) {
        const int field = field_find(device->class, trim(name));
        const uint64_t bit = (uint64_t)1 << (field < 0 ? 0 : field % 64);

        if (field < 0 || device->class->fields[field].type != FIELD_BOOL)
            report_no_bool(rows, device->class, name);
        else if ((device->inverted[field / 64] & bit) != 0)
            report_twice(rows, COLUMN_INVERT, trim(name));
        else
            device->inverted[field / 64] |= bit;
    }
}

/* Later than today, where the site stands. */
static bool
is_to_come(const struct loader *loader, struct day day)
{
    const struct zone *zone = &loader->config->grid.calendar.zone;
    const struct day first = day_whole(day);

    if (loader->today.us == 0 || day.year == 0)
        return false;
    const struct civil today = instant_civil(loader->today, zone_offset(zone, loader->today));

    if (first.year != today.year)
        return first.year > today.year;
    return first.month > today.month || (first.month == today.month && first.day > today.day);
}

static void
read_details(struct device_rows *rows, struct device *device)
{
    const struct view side = device_cell(rows, COLUMN_SIDE);
    const struct view installed = device_cell(rows, COLUMN_INSTALLED);
    const struct view interval = device_cell(rows, COLUMN_INTERVAL);

    if (view_is(side, "outside"))
        device->side = SIDE_OUTSIDE;
    else if (side.len == 0)
        device->side = device->compound != NULL ? device->compound->side : SIDE_INSIDE;
    else if (!view_is(side, "inside")) {
        REPORT_CELL(rows, COLUMN_SIDE, "bad-word",
            "'%.*s' is not a side, allowed are inside, outside",
            "'%.*s' 不是位置, 允许 inside, outside", VIEW_ARG(side));
    }
    if (installed.len > 0 && !day_parse(installed, &device->installed)) {
        REPORT_CELL(rows, COLUMN_INSTALLED, "bad-date",
            "'%.*s' is not a date, allowed are 2019-05-01, 2019/5/1, 20190501 or 2019, "
            "from %d to %d",
            "'%.*s' 不是日期, 允许 2019-05-01, 2019/5/1, 20190501 或 2019, %d 至 %d 年",
            VIEW_ARG(installed), DAY_MIN_YEAR, DAY_MAX_YEAR);
    }
    if (installed.len > 0 && is_to_come(rows->loader, device->installed)) {
        REPORT_CELL(rows, COLUMN_INSTALLED, "future-date", "'%.*s' is still to come",
            "'%.*s' 尚未到来", VIEW_ARG(installed));
        report_is_warning(rows->loader->schema.reporter);
    }
    if (interval.len > 0 &&
        (!span_parse(interval, &device->interval) || device->interval.us < SPAN_S(1).us ||
            device->interval.us > SPAN_DAYS(7).us)) {
        REPORT_CELL(rows, COLUMN_INTERVAL, "bad-span",
            "'%.*s' is not a length of time, allowed are 1s to 7d",
            "'%.*s' 不是时长, 允许 1s 至 7d", VIEW_ARG(interval));
    }
}

static const char *
read_text(struct device_rows *rows, enum device_column column)
{
    const struct view text = device_cell(rows, column);

    if (text.len > CELL_BYTES)
        REPORT_CELL(rows, column, "too-long", "is %zu bytes long, allowed are %d",
            "长 %zu 字节, 最多 %d", text.len, CELL_BYTES);
    return once(rows, text);
}

bool
device_read_cells(struct device_rows *rows, struct device *device, bool *good)
{
    const struct view code = device_cell(rows, COLUMN_CODE);
    const bool named = device_code_valid(code);
    const bool placed = read_place(rows, device);

    if (!named) {
        REPORT_CELL(rows, COLUMN_CODE, "bad-code",
            "'%.*s' is not a device code, allowed are letters, digits and . _ : -, 1 to 64",
            "'%.*s' 不是设备代码, 允许字母, 数字和 . _ : -, 1 至 64 个",
            (int)(code.len < 200 ? code.len : 200), code.ptr);
    }
    read_details(rows, device);
    read_rated(rows, device);
    read_tags(rows, device);
    read_inverted(rows, device);
    device->building = read_text(rows, COLUMN_BUILDING);
    device->zone = read_text(rows, COLUMN_ZONE);
    device->gateway = read_text(rows, COLUMN_GATEWAY);
    device->name = read_text(rows, COLUMN_NAME);
    if (!named)
        return false;
    device->code = arena_text(rows->loader->schema.arena, code);
    device->key = device_key(code);
    *good = placed;
    return true;
}
