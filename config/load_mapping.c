/* The fields of a mapping: where their values stand, and what a vendor's words mean. */
#include "config/load_mapping.h"

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
    const char *path, *value, *others;
    double scale, offset;
    bool text_numbers, invert;
    struct items codes;
    struct texts any;
};

static const struct key source_keys[] = {
    {.name = "path", .type = KEY_TEXT, .at = offsetof(struct source_item, path), .max = "200"},
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
    {.name = "others", .type = KEY_TEXT, .at = offsetof(struct source_item, others), .max = "64"},
    {.name = "any", .type = KEY_TEXTS, .at = offsetof(struct source_item, any), .repeats = true},
    {.name = "value", .type = KEY_TEXT, .at = offsetof(struct source_item, value), .max = "64"},
};
const struct shape source_shape = {
    source_keys, ARRAY_LEN(source_keys), sizeof(struct source_item), "path"};

/* One step of a path: a name, then perhaps selections "[name=text,other=text]". */
static bool
step_valid(const char *at, size_t len)
{
    const char *bracket = memchr(at, '[', len);
    const size_t name = bracket == NULL ? len : (size_t)(bracket - at);

    for (size_t i = name; i < len;) {
        const char *end = memchr(at + i, ']', len - i);
        const char *equals = memchr(at + i, '=', len - i);

        if (at[i] != '[' || end == NULL || equals == NULL || equals > end || equals == at + i + 1)
            return false;
        i = (size_t)(end - at) + 1;
    }
    return len > 0;
}

/* Steps joined by dots; a dot in brackets is a letter. The array of parts may end in "[]". */
static bool
path_valid(const char *path)
{
    size_t len = strlen(path), from = 0;
    bool inside = false;

    if (len >= 2 && strcmp(path + len - 2, "[]") == 0) {
        len -= 2;
        if (len == 0)
            return true;
    }
    for (size_t i = 0; i <= len; i++) {
        if (i < len && (path[i] == '[' || path[i] == ']'))
            inside = path[i] == '[';
        if (i < len && (inside || path[i] != '.'))
            continue;
        if (!step_valid(path + from, i - from))
            return false;
        from = i + 1;
    }
    return true;
}

void
check_path(struct loader *loader, const struct node *node, const char *path)
{
    if (path != NULL && !path_valid(path)) {
        report(loader->schema.reporter, node, "bad-path",
            "'%s' is not a path, allowed are keys joined by dots, as in data.port",
            "'%s' 不是路径, 允许以点连接的键, 如 data.port", path);
    }
}

static bool
is_among(const char *const *names, const char *path)
{
    while (*names != NULL && strcmp(*names, path) != 0)
        names++;
    return *names != NULL;
}

static void
report_frame_path(struct loader *loader, const struct node *node, const char *path,
    const char *const *names, enum frame_kind frame)
{
    size_t n = 0;

    if (!path_valid(path)) /* that has been said */
        return;
    report(loader->schema.reporter, node, "unknown-value",
        "'%s' is not a value that frames of kind %s have here", "'%s' 不是 %s 帧在此处的值", path,
        frame_names[frame]);
    while (names[n] != NULL)
        n++;
    report_near(loader->schema.reporter, view_of(path), names, n);
}

/* They are looked up in the record first, then in the payload. */
static void
check_frame_items(struct loader *loader, const struct items *items,
    const struct frame_values *values, enum frame_kind frame)
{
    for (size_t i = 0; i < items->len; i++) {
        const struct source_item *item = items_at(items, &source_shape, i);

        if (item->path != NULL && !is_among(values->record, item->path) &&
            !is_among(values->root, item->path))
            report_frame_path(
                loader, node_about(item->is.node, "path"), item->path, values->record, frame);
    }
}

void
check_frame_paths(struct loader *loader, const struct mapping_item *item, enum frame_kind frame)
{
    const struct frame_values values = frame_values_of(frame);
    const struct {
        const char *name, *path;
    } of_payload[] = {
        {"boot", item->boot},
        {"sequence", item->sequence},
        {"device", item->device},
    };

    for (size_t i = 0; i < ARRAY_LEN(of_payload); i++) {
        const char *path = of_payload[i].path;

        if (path != NULL && !is_among(values.root, path))
            report_frame_path(
                loader, node_about(item->is.node, of_payload[i].name), path, values.root, frame);
    }
    check_frame_items(loader, &item->test, &values, frame);
    check_frame_items(loader, &item->fields, &values, frame);
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
take_word(struct loader *loader, const struct node *node, const struct field *field,
    const char *word, double *out)
{
    const char *names[64];
    size_t n = 0;

    if (number_of(field, word, out))
        return;
    report(loader->schema.reporter, node, "unknown-code",
        "'%s' is not a value of '%s', allowed are %s", "'%s' 不是 '%s' 的值, 允许 %s", word,
        field->name, words_of(loader, field));
    for (; n < field->n_codes && n < ARRAY_LEN(names); n++)
        names[n] = field->codes[n].name;
    report_near(loader->schema.reporter, view_of(word), names, n);
}

static void
translate(struct loader *loader, const struct source_item *item, const struct field *field,
    struct profile_field *out)
{
    struct profile_code *codes =
        ARENA_ARRAY(loader->schema.arena, item->codes.len, struct profile_code);

    for (size_t i = 0; i < item->codes.len; i++) {
        const struct translation_item *from = items_at(&item->codes, &translation_shape, i);

        codes[i].text = view_of(from->is.name);
        take_word(loader, from->is.node, field, from->to, &codes[i].number);
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
useless(
    struct loader *loader, const struct node *node, const char *key, const char *en, const char *zh)
{
    if (node_child(node, key) != NULL)
        report(loader->schema.reporter, node_about(node, key), "useless-key", "%s%.0s", "%.0s%s",
            en, zh);
}

/* Keys that a field of this type has no use for, and keys that exclude each other. */
static void
check_source(struct loader *loader, const struct source_item *item, const struct field *field)
{
    const struct node *node = item->is.node;
    const bool number = field->type == FIELD_INT || field->type == FIELD_REAL;
    const bool word = field->type == FIELD_BOOL || field->type == FIELD_CODE;
    static const char *const translations[] = {"codes", "others", "any", "value"};

    check_path(loader, node_about(node, "path"), item->path);
    if (item->path == NULL && (item->value == NULL || item->any.len > 0))
        report(loader->schema.reporter, node, "missing-key", "'path' is missing", "缺少 'path'");
    if (!number && (item->scale != 1 || item->offset != 0)) {
        report(loader->schema.reporter, node, "useless-key",
            "only fields of type int or real have scale and offset",
            "只有 int 或 real 类型的字段有 scale 和 offset");
    }
    if (number && item->scale == 0)
        report(loader->schema.reporter, node_about(node, "scale"), "bad-number",
            "'0' is not a scale, it makes everything the same", "scale 不能为 '0'");
    if (item->invert && field->type != FIELD_BOOL)
        report(loader->schema.reporter, node_about(node, "invert"), "useless-key",
            "only a field of type bool can be inverted", "只有 bool 类型的字段可以 invert");
    for (size_t i = 0; i < ARRAY_LEN(translations) && !word; i++)
        useless(loader, node, translations[i], "only fields of type code or bool have it",
            "只有 code 或 bool 类型的字段有此键");
    if (!word)
        return;
    if (field->type == FIELD_CODE && item->value == NULL)
        useless(loader, node, "any", "a field of type code needs a 'value' besides",
            "code 类型的字段还须给出 'value'");
    if (field->type == FIELD_BOOL && item->codes.len == 0)
        useless(loader, node, "others", "others than which? 'codes' are missing",
            "没有 'codes', 何谓其他");
    for (size_t i = 0; i < 2 && (item->value != NULL || item->any.len > 0); i++)
        useless(loader, node, translations[i], "'any' and 'value' leave nothing for it",
            "已有 'any' 或 'value', 此键无用");
    if (item->value != NULL)
        useless(loader, node, "invert", "write the other value", "请直接写相反的值");
    if (node_child(node, "any") != NULL && item->any.len == 0)
        report(loader->schema.reporter, node_about(node, "any"), "empty-value",
            "names no word, so it is never true", "没有任何词, 永不为真");
}

static struct view *
make_words(struct loader *loader, const struct texts *texts)
{
    struct view *words = ARENA_ARRAY(loader->schema.arena, texts->len, struct view);

    for (size_t i = 0; i < texts->len; i++)
        words[i] = view_of(texts->at[i]);
    return words;
}

static void
make_source(struct loader *loader, const struct field *field, const struct source_item *item,
    struct profile_field *out)
{
    const bool word = field->type == FIELD_BOOL || field->type == FIELD_CODE;

    out->path = item->path;
    out->scale = item->scale;
    out->offset = item->offset;
    out->text_numbers |= item->text_numbers;
    out->invert = item->invert;
    check_source(loader, item, field);
    if (!word)
        return;
    if (item->any.len > 0) {
        out->any = make_words(loader, &item->any);
        out->n_any = item->any.len;
    }
    out->set = item->value != NULL;
    if (item->value != NULL) {
        take_word(loader, node_about(item->is.node, "value"), field, item->value, &out->number);
        return;
    }
    if (item->others != NULL) {
        out->has_others = true;
        take_word(loader, node_about(item->is.node, "others"), field, item->others, &out->others);
    }
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

static struct sources
room_for(struct loader *loader, size_t n)
{
    return (struct sources){ARENA_ARRAY(loader->schema.arena, n, struct profile_field),
        ARENA_ARRAY(loader->schema.scratch, n, const struct node *), 0};
}

struct sources
make_sources(struct loader *loader, const struct class *class, const struct mapping_item *item,
    bool text_numbers)
{
    struct sources sources = room_for(loader, item->fields.len);

    for (size_t i = 0; i < item->fields.len; i++) {
        const struct source_item *from = items_at(&item->fields, &source_shape, i);
        const int field = field_find(class, view_of(from->is.name));

        if (field < 0) {
            /* a list of places has the field's name one level up */
            report_no_field(loader,
                from->is.node->key.ptr != NULL ? from->is.node : from->is.node->parent, class);
            continue;
        }
        sources.at[sources.len].field = (uint16_t)field;
        sources.at[sources.len].text_numbers = text_numbers;
        make_source(loader, &class->fields[field], from, &sources.at[sources.len]);
        sources.nodes[sources.len++] = from->is.node;
    }
    return sources;
}

struct sources
make_tests(struct loader *loader, const struct mapping_item *item)
{
    static const struct field field = {.name = "test", .type = FIELD_BOOL};
    struct sources sources = room_for(loader, item->test.len);

    for (size_t i = 0; i < item->test.len; i++) {
        const struct source_item *from = items_at(&item->test, &source_shape, i);

        sources.at[i].text_numbers = true;
        make_source(loader, &field, from, &sources.at[i]);
        if (from->path == NULL && from->value != NULL)
            report(loader->schema.reporter, from->is.node, "missing-key", "'path' is missing",
                "缺少 'path'");
        sources.nodes[sources.len++] = from->is.node;
    }
    return sources;
}

/* Two fields that get the very same from one path: one of them is a slip of the pen. */
static bool
read_alike(const struct profile_field *a, const struct profile_field *b)
{
    const bool translated =
        a->n_any > 0 || b->n_any > 0 || a->set || b->set || a->n_codes > 0 || b->n_codes > 0;

    return a->path != NULL && b->path != NULL && strcmp(a->path, b->path) == 0 && !translated &&
           a->scale == b->scale && a->offset == b->offset && a->invert == b->invert;
}

static bool
names_field(const struct sources *sources, uint16_t field)
{
    for (size_t i = 0; i < sources->len; i++) {
        if (sources->at[i].field == field)
            return true;
    }
    return false;
}

struct sources
join_sources(
    struct loader *loader, const struct class *class, struct sources ours, struct sources theirs)
{
    struct sources sources = room_for(loader, ours.len + theirs.len + class->n_fields);

    for (size_t i = 0; i < ours.len; i++) {
        if (!names_field(&theirs, ours.at[i].field))
            sources.at[sources.len++] = ours.at[i];
    }
    for (size_t i = 0; i < theirs.len; i++) {
        for (size_t j = 0; j < sources.len; j++) {
            if (!read_alike(&sources.at[j], &theirs.at[i]))
                continue;
            report(loader->schema.reporter, node_about(theirs.nodes[i], "path"), "path-twice",
                "'%s' is read into '%s' already", "'%s' 已读入 '%s'", theirs.at[i].path,
                class->fields[sources.at[j].field].name);
            break;
        }
        sources.at[sources.len++] = theirs.at[i];
    }
    return sources;
}

void
add_own_names(struct loader *loader, const struct class *class, struct sources *sources)
{
    for (size_t i = 0; i < class->n_fields; i++) {
        const struct field *field = &class->fields[i];

        if (names_field(sources, (uint16_t)i))
            continue;
        struct profile_field *out = &sources->at[sources->len++];

        *out = (struct profile_field){.path = field->name, .scale = 1, .field = (uint16_t)i};
        if (field->type == FIELD_CODE)
            translate_plainly(loader, field, out);
    }
}

static void
add_words(struct view *words, size_t *n, const struct profile_field *field)
{
    for (size_t i = 0; i < field->n_any; i++)
        words[(*n)++] = field->any[i];
    for (size_t i = 0; i < field->n_codes; i++)
        words[(*n)++] = field->codes[i].text;
}

void
finish_sources(struct loader *loader, const struct sources *sources)
{
    for (size_t i = 0; i < sources->len; i++) {
        struct profile_field *field = &sources->at[i];
        size_t n = 0;
        bool first = field->n_any > 0 && field->path != NULL;

        for (size_t j = 0; j < sources->len; j++) {
            const struct profile_field *other = &sources->at[j];
            const bool same =
                other->path != NULL && field->path != NULL && strcmp(other->path, field->path) == 0;

            n += same ? other->n_any + other->n_codes : 0;
            first &= !same || j >= i || other->n_any == 0;
        }
        if (!first)
            continue;
        struct view *words = ARENA_ARRAY(loader->schema.arena, n, struct view);

        n = 0;
        for (size_t j = 0; j < sources->len; j++) {
            if (sources->at[j].path != NULL && strcmp(sources->at[j].path, field->path) == 0)
                add_words(words, &n, &sources->at[j]);
        }
        field->known = words;
        field->n_known = n;
    }
}
