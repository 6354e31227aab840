/* classes/examples: messages and what must come of them. */
#include "config/load.h"

#include "config/examples.h"
#include "config/topic.h"

#include <stdio.h>

#define EXAMPLE_FOLDER "classes/examples"
#define EXAMPLE_PAYLOAD "600000" /* bytes of its text; hex is twice as long */

struct value_item {
    struct item is;
    const char *text;
};

static const struct key value_keys[] = {
    {.name = "is",
        .type = KEY_TEXT,
        .required = true,
        .at = offsetof(struct value_item, text),
        .max = "256"},
};
static const struct shape value_shape = {
    value_keys, ARRAY_LEN(value_keys), sizeof(struct value_item), "is"};

struct reading_item {
    struct item is;
    const char *part, *time;
    bool suspect, test;
    struct items fields;
};

static const struct key reading_keys[] = {
    {.name = "part",
        .type = KEY_TEXT,
        .at = offsetof(struct reading_item, part),
        .fallback = "",
        .max = "32"},
    {.name = "time", .type = KEY_TEXT, .at = offsetof(struct reading_item, time)},
    {.name = "suspect", .type = KEY_BOOL, .at = offsetof(struct reading_item, suspect)},
    {.name = "test", .type = KEY_BOOL, .at = offsetof(struct reading_item, test)},
    {.name = "fields",
        .type = KEY_MAP,
        .required = true,
        .at = offsetof(struct reading_item, fields),
        .shape = &value_shape,
        .names = KEY_NAME},
};
static const struct shape reading_shape = {
    reading_keys, ARRAY_LEN(reading_keys), sizeof(struct reading_item), NULL};

struct reject_item {
    struct item is;
    const char *reason, *detail;
};

static const struct key reject_keys[] = {
    {.name = "reason",
        .type = KEY_TEXT,
        .required = true,
        .at = offsetof(struct reject_item, reason),
        .max = "40"},
    {.name = "detail", .type = KEY_TEXT, .at = offsetof(struct reject_item, detail)},
};
static const struct shape reject_shape = {
    reject_keys, ARRAY_LEN(reject_keys), sizeof(struct reject_item), "reason"};

struct example_item {
    struct item is;
    const char *name, *device, *stream, *topic, *received, *payload, *payload_hex, *receipt;
    bool retained;
    struct items readings, rejects;
};

static const struct key example_keys[] = {
    {.name = "example",
        .type = KEY_TEXT,
        .required = true,
        .at = offsetof(struct example_item, name),
        .max = "200"},
    {.name = "device",
        .type = KEY_CODE,
        .at = offsetof(struct example_item, device),
        .fallback = "EX-1"},
    {.name = "stream",
        .type = KEY_TEXT,
        .at = offsetof(struct example_item, stream),
        .fallback = "telemetry",
        .max = "64"},
    {.name = "topic", .type = KEY_TEXT, .at = offsetof(struct example_item, topic)},
    {.name = "received",
        .type = KEY_TEXT,
        .at = offsetof(struct example_item, received),
        .fallback = "2026-11-24T06:56:40Z"},
    {.name = "retained", .type = KEY_BOOL, .at = offsetof(struct example_item, retained)},
    {.name = "payload",
        .type = KEY_LINES,
        .at = offsetof(struct example_item, payload),
        .max = EXAMPLE_PAYLOAD},
    {.name = "payload_hex",
        .type = KEY_LINES,
        .at = offsetof(struct example_item, payload_hex),
        .max = EXAMPLE_PAYLOAD},
    {.name = "receipt", .type = KEY_TEXT, .at = offsetof(struct example_item, receipt)},
    {.name = "readings",
        .type = KEY_LIST,
        .at = offsetof(struct example_item, readings),
        .shape = &reading_shape},
    {.name = "rejects",
        .type = KEY_LIST,
        .at = offsetof(struct example_item, rejects),
        .shape = &reject_shape},
};
static const struct shape example_shape = {
    example_keys, ARRAY_LEN(example_keys), sizeof(struct example_item), NULL};

struct file_item {
    struct item is;
    const char *class, *profile;
    struct items examples;
};

static const struct key file_keys[] = {
    {.name = "class", .type = KEY_NAME, .required = true, .at = offsetof(struct file_item, class)},
    {.name = "profile",
        .type = KEY_NAME,
        .required = true,
        .at = offsetof(struct file_item, profile)},
    {.name = "examples",
        .type = KEY_LIST,
        .required = true,
        .at = offsetof(struct file_item, examples),
        .shape = &example_shape},
};
const struct shape example_file_shape = {
    file_keys, ARRAY_LEN(file_keys), sizeof(struct file_item), NULL};

static bool
read_number(const struct field *field, const char *text, double *out)
{
    if (field->type == FIELD_CODE) {
        const struct field_code *code = field_code_by_name(field, view_of(text));

        if (code != NULL)
            *out = code->number;
        return code != NULL;
    }
    if (field->type != FIELD_BOOL)
        return value_real(view_of(text), out);
    *out = strcmp(text, "true") == 0 ? 1 : 0;
    return *out > 0 || strcmp(text, "false") == 0;
}

static void
make_values(struct loader *loader, const struct class *class, const struct reading_item *item,
    struct example_reading *out)
{
    struct example_value *values =
        ARENA_ARRAY(loader->schema.arena, class->n_fields, struct example_value);
    const struct value_item *given[CLASS_MAX_FIELDS] = {NULL};

    for (size_t i = 0; i < item->fields.len; i++) {
        const struct value_item *value = items_at(&item->fields, &value_shape, i);
        const int field = field_find(class, view_of(value->is.name));

        if (field >= 0)
            given[field] = value;
        else
            report_no_field(loader, value->is.node, class);
    }
    for (size_t i = 0; i < class->n_fields; i++) {
        struct example_value *value = &values[out->n_values];

        if (given[i] == NULL)
            continue;
        *value = (struct example_value){.at = given[i]->is.node->at, .field = (uint16_t)i};
        if (class->fields[i].type == FIELD_TEXT)
            value->text = view_of(given[i]->text);
        else if (!read_number(&class->fields[i], given[i]->text, &value->number)) {
            report(loader->schema.reporter, given[i]->is.node, "bad-value",
                "'%s' is not a value of '%s'", "'%s' 不是 '%s' 的值", given[i]->text,
                class->fields[i].name);
        }
        out->n_values++;
    }
    out->values = values;
}

static bool
read_instant(struct loader *loader, const struct node *node, const char *text, struct instant *out)
{
    if (instant_parse(view_of(text), out))
        return true;
    report(loader->schema.reporter, node, "bad-time",
        "'%s' is not a time, allowed are times as in 2026-11-24T06:56:40Z",
        "'%s' 不是时间, 应写作 2026-11-24T06:56:40Z", text);
    return false;
}

static void
make_readings(struct loader *loader, const struct example_item *item, struct example *out)
{
    struct example_reading *readings =
        ARENA_ARRAY(loader->schema.arena, item->readings.len, struct example_reading);

    for (size_t i = 0; i < item->readings.len; i++) {
        const struct reading_item *from = items_at(&item->readings, &reading_shape, i);

        readings[i] = (struct example_reading){.at = from->is.node->at,
            .part = view_of(from->part),
            .timed = from->time != NULL,
            .suspect = from->suspect,
            .test = from->test};
        if (from->time != NULL)
            (void)read_instant(
                loader, node_about(from->is.node, "time"), from->time, &readings[i].time);
        make_values(loader, out->class, from, &readings[i]);
    }
    out->readings = readings;
    out->n_readings = item->readings.len;
}

static void
make_rejects(struct loader *loader, const struct example_item *item, struct example *out)
{
    struct example_reject *rejects =
        ARENA_ARRAY(loader->schema.arena, item->rejects.len, struct example_reject);

    for (size_t i = 0; i < item->rejects.len; i++) {
        const struct reject_item *from = items_at(&item->rejects, &reject_shape, i);

        rejects[i] = (struct example_reject){from->is.node->at, from->reason, from->detail};
    }
    out->rejects = rejects;
    out->n_rejects = item->rejects.len;
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Pairs of digits, blanks between them as one likes. */
static bool
read_hex(struct loader *loader, const char *text, struct view *out)
{
    char *bytes = arena_alloc(loader->schema.arena, strlen(text) / 2 + 1);
    int high = -1;

    *out = (struct view){bytes, 0};
    for (; *text != '\0'; text++) {
        const int digit = hex_digit(*text);

        if (high < 0 && strchr(" \t\r\n", *text) != NULL)
            continue;
        if (digit < 0)
            return false;
        if (high >= 0)
            bytes[out->len++] = (char)(high << 4 | digit);
        high = high < 0 ? digit : -1;
    }
    return high < 0;
}

static void
make_payload(struct loader *loader, const struct example_item *item, struct example *out)
{
    const struct node *node = item->is.node;

    if ((item->payload == NULL) == (item->payload_hex == NULL)) {
        report(loader->schema.reporter, node, "missing-key",
            "has both or none of 'payload' and 'payload_hex', expected is one of them",
            "'payload' 与 'payload_hex' 须且只须给出一个");
        return;
    }
    if (item->payload != NULL)
        out->message.payload = view_of(item->payload);
    else if (!read_hex(loader, item->payload_hex, &out->message.payload))
        report(loader->schema.reporter, node_about(node, "payload_hex"), "bad-hex",
            "is not pairs of hex digits", "不是成对的十六进制数字");
}

static void
make_topic(struct loader *loader, const struct example_item *item, struct example *out)
{
    const struct view device = view_of(item->device);
    struct view level = {"", 0};
    char topic[512];

    if (item->topic == NULL) {
        (void)snprintf(topic, sizeof(topic), "estate/example/EX/%s/%s/%s", out->class->name,
            item->device, item->stream);
        out->message.topic = view_of(arena_text(loader->schema.arena, view_of(topic)));
        return;
    }
    out->message.topic = view_of(item->topic);
    for (size_t i = 0; level.ptr != NULL && !view_eq(level, device); i++)
        level = topic_level(out->message.topic, i);
    if (level.ptr == NULL)
        report(loader->schema.reporter, node_about(item->is.node, "topic"), "no-device",
            "no level of it is the device '%s'", "其中没有设备 '%s' 这一级", item->device);
}

static void
make_example(struct loader *loader, const struct example_item *item, struct example *out)
{
    const struct node *node = item->is.node;

    out->source = node->source;
    out->at = node->at;
    out->name = item->name;
    out->device = item->device;
    out->receipt = item->receipt;
    out->message.retained = item->retained;
    out->message.qos = 1;
    (void)read_instant(
        loader, node_about(node, "received"), item->received, &out->message.received);
    make_payload(loader, item, out);
    make_topic(loader, item, out);
    make_readings(loader, item, out);
    make_rejects(loader, item, out);
    if (out->n_readings > 0 || out->n_rejects > 0 || node_child(node, "readings") != NULL)
        return;
    report(loader->schema.reporter, node, "missing-key",
        "expects nothing: 'readings' and 'rejects' are missing",
        "没有期望: 缺少 'readings' 和 'rejects'");
    report_hint(loader->schema.reporter, "write 'readings: []' if nothing is to come of it",
        "若应当没有读数, 请写 'readings: []'");
}

struct found {
    VEC(struct example) list;
};

static void
make_file(struct loader *loader, const struct file_item *item, struct found *found)
{
    const struct node *node = item->is.node;
    const struct class *class = class_find(&loader->config->classes, view_of(item->class));

    if (class == NULL) {
        report_stranger(loader, node_about(node, "class"), KIND_CLASS, view_of(item->class));
        return;
    }
    const struct profile *profile =
        profile_of(loader, class, node_about(node, "profile"), view_of(item->profile));

    for (size_t i = 0; profile != NULL && i < item->examples.len; i++) {
        struct example *example = VEC_PUSH(&found->list);

        example->class = class;
        example->profile = profile;
        make_example(loader, items_at(&item->examples, &example_shape, i), example);
    }
}

static void
no_name(void *arg, const char *name)
{
    (void)arg;
    (void)name;
}

static void
load_files(struct loader *loader, struct found *found)
{
    const bool sound = !loader->names[KIND_CLASS].partial;
    struct yaml_files files;
    struct err err = {0};
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/" EXAMPLE_FOLDER, loader->dir);
    if (!loader->fs->list(loader->fs->self, path, no_name, NULL, &err) && err.kind == ERR_GONE)
        return;
    files = load_folder(loader, EXAMPLE_FOLDER);
    for (size_t i = 0; i < files.len; i++) {
        struct file_item item = {0};

        if (schema_read(&loader->schema, files.at[i], &example_file_shape, &item) && sound)
            make_file(loader, &item, found);
    }
}

void
load_examples(struct loader *loader, struct examples *out)
{
    struct found found = {0};

    load_files(loader, &found);
    if (out != NULL) {
        struct example *examples =
            ARENA_ARRAY(loader->schema.arena, found.list.len, struct example);

        if (found.list.len > 0)
            memcpy(examples, found.list.at, found.list.len * sizeof(*examples));
        *out = (struct examples){examples, found.list.len};
    }
    VEC_FREE(&found.list);
}

bool
examples_load(const struct fs *fs, const char *dir, const struct config *config,
    struct arena *arena, struct examples *out, struct problems *problems)
{
    struct reporter reporter = {.arena = arena};
    struct config with = *config; /* loaders fill one; here it is only asked */
    struct loader loader = {
        .schema = {arena, arena, &reporter}, .fs = fs, .dir = dir, .base = dir, .config = &with};
    struct names *classes = &loader.names[KIND_CLASS];

    classes->at = ARENA_ARRAY(arena, with.classes.len, const char *);
    for (; classes->len < with.classes.len; classes->len++)
        classes->at[classes->len] = with.classes.at[classes->len].name;
    load_examples(&loader, out);
    report_finish(&reporter, problems);
    return problems->errors == 0;
}
