/* The `profiles:` of a class: where in a vendor's messages its fields are found. */
#include "config/load_classes.h"

#include <stdio.h>

struct translation_item {
    struct item is;
    const char *to;
};

static const struct key translation_keys[] = {
    {.name = "to",
        .type = KEY_TEXT,
        .required = true,
        .at = offsetof(struct translation_item, to),
        .max = "64"},
};
static const struct shape translation_shape = {
    translation_keys, ARRAY_LEN(translation_keys), sizeof(struct translation_item), "to"};

struct source_item {
    struct item is;
    const char *path;
    double scale, offset;
    bool text_numbers, invert;
    struct items codes;
};

static const struct key source_keys[] = {
    {.name = "path",
        .type = KEY_TEXT,
        .required = true,
        .at = offsetof(struct source_item, path),
        .max = "200"},
    {.name = "scale", .type = KEY_REAL, .at = offsetof(struct source_item, scale), .fallback = "1"},
    {.name = "offset",
        .type = KEY_REAL,
        .at = offsetof(struct source_item, offset),
        .fallback = "0"},
    {.name = "text_numbers", .type = KEY_BOOL, .at = offsetof(struct source_item, text_numbers)},
    {.name = "invert", .type = KEY_BOOL, .at = offsetof(struct source_item, invert)},
    {.name = "codes",
        .type = KEY_MAP,
        .at = offsetof(struct source_item, codes),
        .shape = &translation_shape,
        .names = KEY_TEXT},
};
static const struct shape source_shape = {
    source_keys, ARRAY_LEN(source_keys), sizeof(struct source_item), "path"};

struct frame_item {
    struct item is;
    int kind, encoding, layout;
    bool bcd_time, big_endian_state, any_length, confirm;
    int64_t first_port;
};

static const struct key frame_keys[] = {
    {.name = "kind",
        .type = KEY_WORD,
        .required = true,
        .at = offsetof(struct frame_item, kind),
        .choices = frame_names,
        .n_choices = FRAME_KINDS},
    {.name = "encoding",
        .type = KEY_WORD,
        .at = offsetof(struct frame_item, encoding),
        .choices = frame_encoding_names,
        .n_choices = FRAME_ENCODINGS},
    {.name = "layout",
        .type = KEY_WORD,
        .at = offsetof(struct frame_item, layout),
        .choices = frame_layout_names,
        .n_choices = FRAME_LAYOUTS},
    {.name = "bcd_time", .type = KEY_BOOL, .at = offsetof(struct frame_item, bcd_time)},
    {.name = "big_endian_state",
        .type = KEY_BOOL,
        .at = offsetof(struct frame_item, big_endian_state)},
    {.name = "any_length", .type = KEY_BOOL, .at = offsetof(struct frame_item, any_length)},
    {.name = "confirm", .type = KEY_BOOL, .at = offsetof(struct frame_item, confirm)},
    {.name = "first_port",
        .type = KEY_INT,
        .at = offsetof(struct frame_item, first_port),
        .min = "0",
        .max = "1"},
};
static const struct shape frame_shape = {
    frame_keys, ARRAY_LEN(frame_keys), sizeof(struct frame_item), "kind"};

struct profile_item {
    struct item is;
    struct frame_item frame;
    const char *parts, *part, *time, *boot, *sequence, *device, *test, *receipt;
    int time_form;
    struct items fields;
};

static const char *const time_forms[] = {"none", "unix_s", "unix_ms", "rfc3339", "local"};
static const struct key profile_keys[] = {
    {.name = "frame",
        .type = KEY_OBJECT,
        .at = offsetof(struct profile_item, frame),
        .shape = &frame_shape},
    {.name = "parts", .type = KEY_TEXT, .at = offsetof(struct profile_item, parts)},
    {.name = "part", .type = KEY_TEXT, .at = offsetof(struct profile_item, part)},
    {.name = "time", .type = KEY_TEXT, .at = offsetof(struct profile_item, time)},
    {.name = "time_form",
        .type = KEY_WORD,
        .at = offsetof(struct profile_item, time_form),
        .choices = time_forms,
        .n_choices = ARRAY_LEN(time_forms)},
    {.name = "boot", .type = KEY_TEXT, .at = offsetof(struct profile_item, boot)},
    {.name = "sequence", .type = KEY_TEXT, .at = offsetof(struct profile_item, sequence)},
    {.name = "device", .type = KEY_TEXT, .at = offsetof(struct profile_item, device)},
    {.name = "test", .type = KEY_TEXT, .at = offsetof(struct profile_item, test)},
    {.name = "receipt", .type = KEY_TEXT, .at = offsetof(struct profile_item, receipt)},
    {.name = "fields",
        .type = KEY_MAP,
        .at = offsetof(struct profile_item, fields),
        .shape = &source_shape,
        .names = KEY_NAME},
};
const struct shape profile_shape = {
    profile_keys, ARRAY_LEN(profile_keys), sizeof(struct profile_item), NULL};

/* Dotted keys of objects; none is empty. The array of parts may end in "[]". */
static bool
path_valid(const char *path)
{
    const char *brackets = strstr(path, "[]");
    const size_t len = brackets != NULL ? (size_t)(brackets - path) : strlen(path);

    if (brackets != NULL && (brackets[2] != '\0' || len == 0))
        return brackets[2] == '\0';
    return len > 0 && path[0] != '.' && path[len - 1] != '.' && strstr(path, "..") == NULL;
}

static void
check_path(struct loader *loader, const struct node *node, const char *path)
{
    if (path != NULL && !path_valid(path)) {
        report(loader->schema.reporter, node, "bad-path",
            "'%s' is not a path, allowed are keys joined by dots, as in data.port",
            "'%s' 不是路径, 允许以点连接的键, 如 data.port", path);
    }
}

/* The number that a field has for a word of the class file: a code's name, true or false. */
static bool
number_of(const struct field *field, const char *word, double *out)
{
    if (field->type == FIELD_CODE) {
        const struct field_code *code = field_code_by_name(field, view_of(word));

        if (code != NULL)
            *out = code->number;
        return code != NULL;
    }
    *out = strcmp(word, "true") == 0 ? 1 : 0;
    return field->type == FIELD_BOOL && (*out > 0 || strcmp(word, "false") == 0);
}

static const char *
words_of(struct loader *loader, const struct field *field)
{
    struct buf buf;

    if (field->type == FIELD_BOOL)
        return "true, false";
    buf_init(&buf, 1000);
    for (size_t i = 0; i < field->n_codes; i++)
        buf_printf(&buf, "%s%s", i == 0 ? "" : ", ", field->codes[i].name);
    const char *text = arena_text(loader->schema.scratch, buf_view(&buf));

    buf_fini(&buf);
    return text;
}

static void
translate(struct loader *loader, const struct source_item *item, const struct field *field,
    struct profile_field *out)
{
    struct profile_code *codes =
        ARENA_ARRAY(loader->schema.arena, item->codes.len, struct profile_code);

    if (item->codes.len > 0 && field->type != FIELD_CODE && field->type != FIELD_BOOL) {
        report(loader->schema.reporter, node_about(item->is.node, "codes"), "useless-key",
            "only fields of type code or bool have codes", "只有 code 或 bool 类型的字段有 codes");
        return;
    }
    for (size_t i = 0; i < item->codes.len; i++) {
        const struct translation_item *from = items_at(&item->codes, &translation_shape, i);

        codes[i].text = view_of(from->is.name);
        if (!number_of(field, from->to, &codes[i].number)) {
            report(loader->schema.reporter, from->is.node, "unknown-code",
                "'%s' is not a value of '%s', allowed are %s", "'%s' 不是 '%s' 的值, 允许 %s",
                from->to, field->name, words_of(loader, field));
        }
    }
    out->codes = codes;
    out->n_codes = item->codes.len;
}

/* Without codes of its own a code field is written by its name or by its number. */
static void
translate_plainly(struct loader *loader, const struct field *field, struct profile_field *out)
{
    struct profile_code *codes =
        ARENA_ARRAY(loader->schema.arena, field->n_codes * 2, struct profile_code);
    size_t n = 0;

    for (size_t i = 0; i < field->n_codes; i++) {
        char text[32];

        (void)snprintf(text, sizeof(text), "%lld", (long long)field->codes[i].number);
        codes[n++] = (struct profile_code){view_of(field->codes[i].name), field->codes[i].number};
        codes[n++] = (struct profile_code){
            arena_copy(loader->schema.arena, view_of(text)), field->codes[i].number};
    }
    out->codes = codes;
    out->n_codes = n;
}

static void
make_source(struct loader *loader, const struct class *class, const struct source_item *item,
    struct profile_field *out)
{
    const struct field *field = &class->fields[out->field];
    const bool number = field->type == FIELD_INT || field->type == FIELD_REAL;

    out->path = item->path;
    out->scale = item->scale;
    out->offset = item->offset;
    out->text_numbers = item->text_numbers;
    out->invert = item->invert;
    check_path(loader, node_about(item->is.node, "path"), item->path);
    if (!number && (item->scale != 1 || item->offset != 0)) {
        report(loader->schema.reporter, item->is.node, "useless-key",
            "only fields of type int or real have scale and offset",
            "只有 int 或 real 类型的字段有 scale 和 offset");
    }
    if (item->invert && field->type != FIELD_BOOL)
        report(loader->schema.reporter, node_about(item->is.node, "invert"), "useless-key",
            "only a field of type bool can be inverted", "只有 bool 类型的字段可以 invert");
    if (number && item->scale == 0)
        report(loader->schema.reporter, node_about(item->is.node, "scale"), "bad-number",
            "'0' is not a scale, it makes everything the same", "scale 不能为 '0'");
    if (item->codes.len == 0 && field->type == FIELD_CODE)
        translate_plainly(loader, field, out);
    else
        translate(loader, item, field, out);
}

void
report_no_field(struct loader *loader, const struct node *node, const struct class *class)
{
    const char *names[CLASS_MAX_FIELDS];

    for (size_t i = 0; i < class->n_fields; i++)
        names[i] = class->fields[i].name;
    report_key(loader->schema.reporter, node, "unknown-name", "'%.*s' is not a field of '%s'",
        "'%.*s' 不是 '%s' 的字段", VIEW_ARG(node->key), class->name);
    report_near(loader->schema.reporter, node->key, names, class->n_fields);
}

static void
make_sources(struct loader *loader, const struct profile_item *item, const struct class *class,
    struct profile *profile)
{
    const bool same = node_child(item->is.node, "fields") == NULL;
    const size_t len = same ? class->n_fields : item->fields.len;
    struct profile_field *sources = ARENA_ARRAY(loader->schema.arena, len, struct profile_field);
    size_t n = 0;

    for (size_t i = 0; i < len && same; i++) {
        sources[n].field = (uint16_t)i;
        make_source(loader, class,
            &(struct source_item){
                .is.node = item->is.node, .path = class->fields[i].name, .scale = 1},
            &sources[n++]);
    }
    for (size_t i = 0; i < len && !same; i++) {
        const struct source_item *from = items_at(&item->fields, &source_shape, i);
        const int field = field_find(class, view_of(from->is.name));

        if (field < 0) {
            report_no_field(loader, from->is.node, class);
            continue;
        }
        sources[n].field = (uint16_t)field;
        make_source(loader, class, from, &sources[n++]);
    }
    profile->fields = sources;
    profile->n_fields = n;
}

static void
check_profile(struct loader *loader, const struct profile_item *item)
{
    const struct node *node = item->is.node;
    static const struct {
        const char *name;
        size_t at;
    } paths[] = {
        {"parts", offsetof(struct profile_item, parts)},
        {"part", offsetof(struct profile_item, part)},
        {"time", offsetof(struct profile_item, time)},
        {"boot", offsetof(struct profile_item, boot)},
        {"sequence", offsetof(struct profile_item, sequence)},
        {"device", offsetof(struct profile_item, device)},
        {"test", offsetof(struct profile_item, test)},
        {"receipt", offsetof(struct profile_item, receipt)},
    };

    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        check_path(loader, node_about(node, paths[i].name),
            *(const char *const *)(const void *)((const char *)item + paths[i].at));
    if (item->time != NULL && item->time_form == TIME_NONE) {
        report(loader->schema.reporter, node_about(node, "time"), "missing-key",
            "'time_form' is missing, allowed are unix_s, unix_ms, rfc3339, local",
            "缺少 'time_form', 允许 unix_s, unix_ms, rfc3339, local");
    }
    if (item->time == NULL && item->time_form != TIME_NONE)
        report(loader->schema.reporter, node_about(node, "time_form"), "missing-key",
            "'time' is missing, where the time stands", "缺少 'time', 不知时间在何处");
    if (item->parts != NULL && item->part == NULL)
        report(loader->schema.reporter, node_about(node, "parts"), "missing-key",
            "'part' is missing, what the parts are called by", "缺少 'part', 不知部件如何命名");
    if ((item->boot != NULL) && item->sequence == NULL) {
        report(loader->schema.reporter, node_about(node, "boot"), "missing-key",
            "'sequence' is missing, a boot alone is no identity",
            "缺少 'sequence', 只有 boot 不能识别消息");
    }
}

/* A dialect is about one protocol, and a tree of frames has its parts and times at fixed places. */
static void
make_frame(struct loader *loader, const struct profile_item *item, struct profile *profile)
{
    const struct frame_item *frame = &item->frame;
    const struct node *node = node_child(item->is.node, "frame");
    static const struct {
        const char *name;
        enum frame_kind kind;
    } dialects[] = {
        {"layout", FRAME_GBT26875},
        {"bcd_time", FRAME_GBT26875},
        {"big_endian_state", FRAME_GBT26875},
        {"any_length", FRAME_GBT26875},
        {"first_port", FRAME_DNY},
    };
    static const char *const fixed[] = {"parts", "part", "time", "time_form", "receipt"};

    if (node == NULL || frame->kind == FRAME_NONE)
        return;
    for (size_t i = 0; i < ARRAY_LEN(dialects); i++) {
        if (dialects[i].kind != (enum frame_kind)frame->kind &&
            node_child(node, dialects[i].name) != NULL)
            report(loader->schema.reporter, node_about(node, dialects[i].name), "useless-key",
                "only frames of kind %s have '%s'", "只有 %s 帧有 '%s'",
                frame_names[dialects[i].kind], dialects[i].name);
    }
    if (frame->kind == FRAME_MEOKON && frame->confirm)
        report(loader->schema.reporter, node_about(node, "confirm"), "useless-key",
            "frames of kind meokon are not confirmed", "meokon 帧没有确认");
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
        if (node_child(item->is.node, fixed[i]) != NULL)
            report(loader->schema.reporter, node_about(item->is.node, fixed[i]), "useless-key",
                "a profile of frames has no '%s', frames have a place for it",
                "帧配置没有 '%s', 帧中位置是固定的", fixed[i]);
    }
    profile->frame = (struct frame_dialect){
        .kind = (enum frame_kind)frame->kind,
        .encoding = (enum frame_encoding)frame->encoding,
        .layout = (enum frame_layout)frame->layout,
        .bcd_time = frame->bcd_time,
        .big_endian_state = frame->big_endian_state,
        .any_length = frame->any_length,
        .first_port = (uint8_t)frame->first_port,
        .confirm = frame->confirm,
    };
    profile->parts = "records[]";
    profile->part = "part";
    profile->time = "time";
    profile->time_form = TIME_UNIX_MS;
}

void
make_profiles(struct loader *loader, const struct class_item *item, struct class *class)
{
    const size_t len = item->profiles.len;
    const struct profile **profiles =
        ARENA_ARRAY(loader->schema.arena, len, const struct profile *);

    for (size_t i = 0; i < len; i++) {
        const struct profile_item *from = items_at(&item->profiles, &profile_shape, i);
        struct profile *profile = ARENA_NEW(loader->schema.arena, struct profile);

        check_profile(loader, from);
        *profile = (struct profile){
            .name = from->is.name,
            .parts = from->parts,
            .part = from->part,
            .time = from->time,
            .time_form = (enum time_form)from->time_form,
            .boot = from->boot,
            .sequence = from->sequence,
            .device = from->device,
            .test = from->test,
            .receipt = from->receipt,
        };
        make_frame(loader, from, profile);
        make_sources(loader, from, class, profile);
        profiles[i] = profile;
    }
    if (len == 0)
        report(loader->schema.reporter, node_about(item->is.node, "profiles"), "empty-value",
            "names no profile, so nothing can be read", "没有配置, 无法解读消息");
    class->profiles = profiles;
    class->n_profiles = len;
}

const struct profile *
profile_of(
    struct loader *loader, const struct class *class, const struct node *node, struct view name)
{
    const char *names[64];
    size_t n = 0;

    for (size_t i = 0; i < class->n_profiles; i++) {
        if (view_is(name, class->profiles[i]->name))
            return class->profiles[i];
        if (n < ARRAY_LEN(names))
            names[n++] = class->profiles[i]->name;
    }
    report(loader->schema.reporter, node, "unknown-name", "'%.*s' is not a profile of '%s'",
        "'%.*s' 不是 '%s' 的配置", VIEW_ARG(name), class->name);
    report_near(loader->schema.reporter, name, names, n);
    return NULL;
}
