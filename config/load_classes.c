/* classes/<name>.yaml: fields and codes of a kind of device. Profiles: load_profiles.c. */
#include "config/load_classes.h"

#include "alerting/engine/builtin.h"

#include <math.h>

struct code_item {
    struct item is;
    int64_t number;
    const char *zh, *en;
};

static const struct key code_keys[] = {
    {.name = "number",
        .type = KEY_INT,
        .required = true,
        .at = offsetof(struct code_item, number),
        .min = "-2147483648",
        .max = "2147483647"},
    {.name = "zh", .type = KEY_TEXT, .at = offsetof(struct code_item, zh), .max = "120"},
    {.name = "en", .type = KEY_TEXT, .at = offsetof(struct code_item, en), .max = "120"},
};
static const struct shape code_shape = {
    code_keys, ARRAY_LEN(code_keys), sizeof(struct code_item), "number"};

struct field_item {
    struct item is;
    struct words title;
    int type;
    const char *unit;
    double min, max;
    bool edge;
    struct items codes;
};

static const char *const field_types[] = {"bool", "int", "real", "code", "text"};
static const struct key field_keys[] = {
    {.name = "title",
        .type = KEY_WORDS,
        .required = true,
        .at = offsetof(struct field_item, title)},
    {.name = "type",
        .type = KEY_WORD,
        .required = true,
        .at = offsetof(struct field_item, type),
        .choices = field_types,
        .n_choices = ARRAY_LEN(field_types)},
    {.name = "unit",
        .type = KEY_TEXT,
        .at = offsetof(struct field_item, unit),
        .fallback = "",
        .max = "16"},
    {.name = "min", .type = KEY_REAL, .at = offsetof(struct field_item, min)},
    {.name = "max", .type = KEY_REAL, .at = offsetof(struct field_item, max)},
    {.name = "edge", .type = KEY_BOOL, .at = offsetof(struct field_item, edge)},
    {.name = "codes",
        .type = KEY_MAP,
        .at = offsetof(struct field_item, codes),
        .shape = &code_shape,
        .names = KEY_NAME},
};
static const struct shape field_shape = {
    field_keys, ARRAY_LEN(field_keys), sizeof(struct field_item), NULL};

struct rated_item {
    struct item is;
    const char *unit;
};

static const struct key rated_keys[] = {
    {.name = "unit",
        .type = KEY_TEXT,
        .required = true,
        .at = offsetof(struct rated_item, unit),
        .max = "16"},
};
static const struct shape rated_shape = {
    rated_keys, ARRAY_LEN(rated_keys), sizeof(struct rated_item), "unit"};

static const struct key keep_keys[] = {
    {.name = "raw",
        .type = KEY_SPAN,
        .at = offsetof(struct keep_item, keep.reading),
        .min = "1d",
        .max = "3650d",
        .fallback = "90d"},
    {.name = "minute",
        .type = KEY_SPAN,
        .at = offsetof(struct keep_item, keep.minute),
        .min = "1d",
        .max = "3650d",
        .fallback = "180d"},
    {.name = "hour",
        .type = KEY_SPAN,
        .at = offsetof(struct keep_item, keep.hour),
        .min = "7d",
        .max = "3650d",
        .fallback = "1095d"},
    {.name = "day",
        .type = KEY_SPAN,
        .at = offsetof(struct keep_item, keep.day),
        .min = "30d",
        .max = "3650d",
        .fallback = "3650d"},
    {.name = "pack",
        .type = KEY_SPAN,
        .at = offsetof(struct keep_item, keep.pack),
        .min = "1d",
        .max = "3650d",
        .fallback = "7d"},
};
static const struct shape keep_shape = {
    keep_keys, ARRAY_LEN(keep_keys), sizeof(struct keep_item), NULL};

static const struct key class_keys[] = {
    {.name = "class",
        .type = KEY_NAME,
        .required = true,
        .at = offsetof(struct class_item, is.name)},
    {.name = "title",
        .type = KEY_WORDS,
        .required = true,
        .at = offsetof(struct class_item, title)},
    {.name = "interval",
        .type = KEY_SPAN,
        .required = true,
        .at = offsetof(struct class_item, interval),
        .min = "1s",
        .max = "7d"},
    {.name = "keep",
        .type = KEY_OBJECT,
        .at = offsetof(struct class_item, keep),
        .shape = &keep_shape,
        .fallback = "{}"},
    {.name = "coverage",
        .type = KEY_INT,
        .at = offsetof(struct class_item, coverage),
        .min = "1",
        .max = "100"},
    {.name = "fields",
        .type = KEY_MAP,
        .required = true,
        .at = offsetof(struct class_item, fields),
        .shape = &field_shape,
        .names = KEY_NAME},
    {.name = "rated",
        .type = KEY_MAP,
        .at = offsetof(struct class_item, rated),
        .shape = &rated_shape,
        .names = KEY_NAME},
    {.name = "profiles",
        .type = KEY_MAP,
        .required = true,
        .at = offsetof(struct class_item, profiles),
        .shape = &profile_shape,
        .names = KEY_NAME},
};
const struct shape class_shape = {
    class_keys, ARRAY_LEN(class_keys), sizeof(struct class_item), NULL};

/* Columns that every table has (design section 8), and words of the rule language. */
static const char *const reserved[] = {"device", "part", "time", "received", "committed", "src",
    "pos", "boot", "sequence", "idx", "config", "class", "compound", "suspect", "test",
    "under_test", "server_time", "late", "and", "or", "not", "true", "false", "unknown", "same",
    "zone", "building", "count", "absent", "rate", "delta", "avg", "min", "max", "stuck",
    "changed"};

static void
check_name(struct loader *loader, const struct field_item *item)
{
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
        if (strcmp(item->is.name, reserved[i]) == 0) {
            report_key(loader->schema.reporter, item->is.node, "reserved-name",
                "'%s' is a word of tables or rules, a field cannot have it",
                "'%s' 是表或规则的保留字, 不能作字段名", item->is.name);
        }
    }
}

static const struct measure *
measure_of(struct loader *loader, const struct node *node, const char *unit)
{
    const struct measure *measure = measure_find(view_of(unit));
    const char *names[256];
    size_t n = 0;

    if (measure != NULL)
        return measure;
    for (const struct measure *at = measure_at(0); at != NULL && n < ARRAY_LEN(names);
         at = measure_at(n))
        names[n++] = at->name;
    report(loader->schema.reporter, node_about(node, "unit"), "unknown-unit",
        "'%s' is not a known unit of measurement", "不认识计量单位 '%s'", unit);
    report_near(loader->schema.reporter, view_of(unit), names, n);
    return measure_find(view_of(""));
}

static void
make_codes(struct loader *loader, const struct field_item *item, struct field *field)
{
    struct field_code *codes =
        ARENA_ARRAY(loader->schema.arena, item->codes.len, struct field_code);

    for (size_t i = 0; i < item->codes.len; i++) {
        const struct code_item *code = items_at(&item->codes, &code_shape, i);

        codes[i] = (struct field_code){
            .number = (double)code->number,
            .name = code->is.name,
            .title.zh = code->zh != NULL ? code->zh : code->is.name,
            .title.en = code->en != NULL ? code->en : code->is.name,
        };
        for (size_t j = 0; j < i; j++) {
            if (codes[j].number == codes[i].number) {
                report(loader->schema.reporter, node_about(code->is.node, "number"),
                    "duplicate-number", "%lld is '%s' already", "%lld 已是 '%s'",
                    (long long)code->number, codes[j].name);
            }
        }
    }
    field->codes = codes;
    field->n_codes = item->codes.len;
}

/* What the table of keys cannot say: keys that only some types have. */
static void
check_field(struct loader *loader, const struct field_item *item)
{
    struct reporter *reporter = loader->schema.reporter;
    const struct node *node = item->is.node;
    const bool number = item->type == FIELD_INT || item->type == FIELD_REAL;

    check_name(loader, item);
    if (item->type == FIELD_CODE && item->codes.len == 0)
        report(reporter, node, "missing-key", "'codes' is missing for type code",
            "类型 code 缺少 'codes'");
    if (item->type != FIELD_CODE && node_child(node, "codes") != NULL)
        report(reporter, node_about(node, "codes"), "useless-key",
            "only a field of type code has codes", "只有类型 code 的字段有 codes");
    for (int i = 0; i < 3 && !number; i++) {
        static const char *const keys[] = {"unit", "min", "max"};

        if (node_child(node, keys[i]) != NULL) {
            report(reporter, node_about(node, keys[i]), "useless-key",
                "only a field of type int or real has a %s", "只有 int 或 real 类型的字段有 %s",
                keys[i]);
        }
    }
    if (node_child(node, "min") != NULL && node_child(node, "max") != NULL &&
        item->min >= item->max)
        report(reporter, node_about(node, "min"), "wrong-order", "min %g is not below max %g",
            "min %g 不小于 max %g", item->min, item->max);
}

static void
make_fields(struct loader *loader, const struct class_item *item, struct class *class)
{
    const size_t len = item->fields.len <= CLASS_MAX_FIELDS ? item->fields.len : CLASS_MAX_FIELDS;
    struct field *fields = ARENA_ARRAY(loader->schema.arena, len, struct field);

    if (len < item->fields.len || len == 0) {
        report(loader->schema.reporter, node_about(item->is.node, "fields"), "wrong-number",
            "has %zu fields, allowed are 1 to %d", "有 %zu 个字段, 允许 1 至 %d 个",
            item->fields.len, CLASS_MAX_FIELDS);
    }
    for (size_t i = 0; i < len; i++) {
        const struct field_item *from = items_at(&item->fields, &field_shape, i);
        struct field *field = &fields[i];

        check_field(loader, from);
        *field = (struct field){
            .name = from->is.name,
            .title = from->title,
            .type = (enum field_type)from->type,
            .measure = measure_of(loader, from->is.node, from->unit),
            .min = node_child(from->is.node, "min") != NULL ? from->min : -INFINITY,
            .max = node_child(from->is.node, "max") != NULL ? from->max : INFINITY,
            .edge = from->edge,
        };
        make_codes(loader, from, field);
    }
    class->fields = fields;
    class->n_fields = len;
}

static void
make_rated(struct loader *loader, const struct class_item *item, struct class *class)
{
    struct rated_unit *rated =
        ARENA_ARRAY(loader->schema.arena, item->rated.len, struct rated_unit);

    for (size_t i = 0; i < item->rated.len; i++) {
        const struct rated_item *from = items_at(&item->rated, &rated_shape, i);

        rated[i] =
            (struct rated_unit){from->is.name, measure_of(loader, from->is.node, from->unit)};
    }
    class->rated = rated;
    class->n_rated = item->rated.len;
}

static bool
read_files(struct loader *loader, struct items *items)
{
    const struct yaml_files files = load_folder(loader, "classes");
    bool whole = !files.partial;

    items->at = arena_array(loader->schema.scratch, files.len, class_shape.size);
    for (size_t i = 0; i < files.len; i++) {
        struct class_item *item = items_at(items, &class_shape, items->len);

        if (schema_read(&loader->schema, files.at[i], &class_shape, item)) {
            items->len++;
            continue;
        }
        whole = false;
        memset(item, 0, class_shape.size);
    }
    return whole;
}

void
load_classes(struct loader *loader)
{
    struct items items = {0};
    const bool whole = read_files(loader, &items);

    loader->names[KIND_CLASS].partial = !whole;
    sort_items(loader, &items, &class_shape);
    set_names(loader, KIND_CLASS, &items, &class_shape);
    struct class *classes = ARENA_ARRAY(loader->schema.arena, items.len, struct class);

    for (size_t i = 0; i < items.len; i++) {
        const struct class_item *item = items_at(&items, &class_shape, i);
        struct class *class = &classes[i];

        class->name = item->is.name;
        class->index = (uint16_t)i;
        class->title = item->title;
        class->interval = item->interval;
        class->keep = item->keep.keep;
        class->coverage_age = (int)item->coverage;
        if (strcmp(class->name, builtin_class()->name) == 0) {
            report(loader->schema.reporter, node_about(item->is.node, "class"), "reserved-name",
                "'%s' is the class of wallwatch itself", "'%s' 是本程序自身的类", class->name);
        }
        make_fields(loader, item, class);
        make_rated(loader, item, class);
        make_profiles(loader, item, class);
    }
    loader->config->classes = (struct class_table){classes, items.len};
}
