#include "config/schema.h"

#include "base/instant.h"
#include "config/report.h"

#include <stdlib.h>

static const struct words kind_words[] = {
    [NODE_SCALAR] = {"单个值", "a single value"},
    [NODE_LIST] = {"列表", "a list"},
    [NODE_MAP] = {"映射 (键: 值)", "a map (key: value)"},
};

static bool
is_empty(const struct node *node)
{
    return node->kind == NODE_SCALAR && node->text.len == 0 && !node->quoted;
}

static bool
want_kind(struct schema *schema, const struct node *node, enum node_kind kind)
{
    if (node->kind == kind && !(kind == NODE_SCALAR && is_empty(node)))
        return true;
    if (is_empty(node)) {
        report(schema->reporter, node, "empty-value", "has no value, expected is %s%.0s",
            "没有值, 此处应为 %.0s%s", kind_words[kind].en, kind_words[kind].zh);
        return false;
    }
    report(schema->reporter, node, "wrong-kind", "is %s, expected is %s%.0s%.0s",
        "%.0s%.0s是%s, 应为%s", kind_words[node->kind].en, kind_words[kind].en,
        kind_words[node->kind].zh, kind_words[kind].zh);
    if (kind == NODE_LIST && node->kind == NODE_SCALAR)
        report_hint(schema->reporter, "write it in brackets: [%.*s]", "请用方括号: [%.*s]",
            VIEW_ARG(node->text));
    if (kind == NODE_MAP && node->kind == NODE_SCALAR && node->text.len >= 3) {
        for (size_t i = 0; i + 3 <= node->text.len; i++) {
            if (memcmp(node->text.ptr + i, "：", 3) == 0)
                report_hint(schema->reporter, "the wide '：' is a letter to YAML, write ': '",
                    "全角 '：' 不是标点, 请改为半角 ': '");
        }
    }
    return false;
}

/* 'x' is not a ..., allowed are min to max */
static bool
bad_value(struct schema *schema, const struct node *node, const struct key *key, const char *code,
    struct words what)
{
    if (key->min != NULL || key->max != NULL) {
        report(schema->reporter, node, code, "'%.*s' is not %s%.0s, allowed are %s to %s",
            "'%.*s' 不是%.0s%s, 允许 %s 至 %s", VIEW_ARG(node->text), what.en, what.zh,
            key->min != NULL ? key->min : "-∞", key->max != NULL ? key->max : "∞");
    } else {
        report(schema->reporter, node, code, "'%.*s' is not %s%.0s", "'%.*s' 不是%.0s%s",
            VIEW_ARG(node->text), what.en, what.zh);
    }
    return false;
}

static bool
read_text(struct schema *schema, const struct node *node, const struct key *key, void *out)
{
    static const struct {
        bool (*valid)(struct view text);
        const char *code;
        struct words what;
    } kinds[] = {
        [KEY_TEXT] = {NULL, NULL, {NULL, NULL}},
        [KEY_LINES] = {NULL, NULL, {NULL, NULL}},
        [KEY_ID] = {value_id, "bad-id",
            {"编号, 允许小写字母, 数字和 '-', 最多 64 个",
                "an id, allowed are small letters, digits and '-', at most 64"}},
        [KEY_NAME] = {value_name, "bad-name",
            {"名称, 允许小写字母, 数字和 '_', 字母开头, 最多 48 个",
                "a name, allowed are small letters, digits and '_' after a letter, at most 48"}},
        [KEY_CODE] = {value_code, "bad-code",
            {"代码, 允许字母, 数字和 . _ : -, 最多 64 个",
                "a code, allowed are letters, digits and . _ : -, at most 64"}},
    };
    const size_t longest = key->max != NULL ? strtoul(key->max, NULL, 10) : 1024;

    if (kinds[key->type].valid != NULL && !kinds[key->type].valid(node->text)) {
        report(schema->reporter, node, kinds[key->type].code, "'%.*s' is not %s%.0s",
            "'%.*s' 不是%.0s%s", VIEW_ARG(node->text), kinds[key->type].what.en,
            kinds[key->type].what.zh);
        return false;
    }
    if (node->text.len > longest) {
        report(schema->reporter, node, "too-long", "is %zu bytes long, allowed are %zu",
            "长 %zu 字节, 最多 %zu", node->text.len, longest);
        return false;
    }
    for (size_t i = 0; i < node->text.len; i++) {
        if ((unsigned char)node->text.ptr[i] < 0x20 && key->type == KEY_TEXT) {
            report(schema->reporter, node, "control-character", "holds a control character",
                "含有控制字符");
            return false;
        }
    }
    *(const char **)out = arena_text(schema->arena, node->text);
    return true;
}

static bool
read_bool(struct schema *schema, const struct node *node, const struct key *key, void *out)
{
    (void)key;
    if (!view_is(node->text, "true") && !view_is(node->text, "false")) {
        report(schema->reporter, node, "bad-bool",
            "'%.*s' is not a truth value, allowed are "
            "true and false",
            "'%.*s' 不是真假值, 允许 true 和 false", VIEW_ARG(node->text));
        return false;
    }
    *(bool *)out = view_is(node->text, "true");
    return true;
}

static bool
read_int(struct schema *schema, const struct node *node, const struct key *key, void *out)
{
    int64_t value = 0, min = INT64_MIN, max = INT64_MAX;

    CHECK(key->min == NULL || value_int(view_of(key->min), &min));
    CHECK(key->max == NULL || value_int(view_of(key->max), &max));
    if (!value_int(node->text, &value) || value < min || value > max)
        return bad_value(schema, node, key, "bad-int", (struct words){"整数", "a whole number"});
    *(int64_t *)out = value;
    return true;
}

static bool
read_real(struct schema *schema, const struct node *node, const struct key *key, void *out)
{
    double value = 0, bound = 0;

    if (!value_real(node->text, &value) ||
        (key->min != NULL && value_real(view_of(key->min), &bound) && value < bound) ||
        (key->max != NULL && value_real(view_of(key->max), &bound) && value > bound))
        return bad_value(schema, node, key, "bad-number", (struct words){"数", "a number"});
    *(double *)out = value;
    return true;
}

static bool
read_span(struct schema *schema, const struct node *node, const struct key *key, void *out)
{
    struct span value = {0}, min = {0}, max = {INT64_MAX};

    CHECK(key->min == NULL || span_parse(view_of(key->min), &min));
    CHECK(key->max == NULL || span_parse(view_of(key->max), &max));
    if (!span_parse(node->text, &value) || value.us < min.us || value.us > max.us) {
        (void)bad_value(schema, node, key, "bad-span", (struct words){"时长", "a length of time"});
        report_hint(schema->reporter, "write '5m' for five minutes; units are ms, s, m, h and d",
            "五分钟写作 '5m'; 单位为 ms, s, m, h, d");
        return false;
    }
    *(struct span *)out = value;
    return true;
}

static bool
read_bytes(struct schema *schema, const struct node *node, const struct key *key, void *out)
{
    uint64_t value = 0, min = 0, max = UINT64_MAX;

    CHECK(key->min == NULL || value_bytes(view_of(key->min), &min));
    CHECK(key->max == NULL || value_bytes(view_of(key->max), &max));
    if (!value_bytes(node->text, &value) || value < min || value > max) {
        (void)bad_value(schema, node, key, "bad-size", (struct words){"容量", "a size"});
        report_hint(schema->reporter, "write '2GiB' for two gibibytes; units are KiB, MiB and GiB",
            "写作 '2GiB'; 单位为 KiB, MiB, GiB");
        return false;
    }
    *(uint64_t *)out = value;
    return true;
}

static bool
read_clock(struct schema *schema, const struct node *node, const struct key *key, void *out)
{
    (void)key;
    if (!value_clock(node->text, out)) {
        report(schema->reporter, node, "bad-clock",
            "'%.*s' is not a time of day, allowed are 00:00 to 24:00",
            "'%.*s' 不是时刻, 允许 00:00 至 24:00", VIEW_ARG(node->text));
        return false;
    }
    return true;
}

static const char *
join(struct schema *schema, const char *const *names, size_t n)
{
    struct buf buf;

    buf_init(&buf, 1000);
    for (size_t i = 0; i < n; i++)
        buf_printf(&buf, "%s%s", i == 0 ? "" : ", ", names[i]);
    const char *text = arena_text(schema->scratch, buf_view(&buf));

    buf_fini(&buf);
    return text;
}

static bool
read_word(struct schema *schema, const struct node *node, const struct key *key, void *out)
{
    for (size_t i = 0; i < key->n_choices; i++) {
        if (view_is(node->text, key->choices[i])) {
            *(int *)out = (int)i;
            return true;
        }
    }
    report(schema->reporter, node, "bad-word", "'%.*s' is not known here, allowed are %s",
        "此处不认识 '%.*s', 允许 %s", VIEW_ARG(node->text),
        join(schema, key->choices, key->n_choices));
    report_near(schema->reporter, node->text, key->choices, key->n_choices);
    return false;
}

struct words_item {
    struct item is;
    const char *zh, *en;
};

static const struct key words_keys[] = {
    {.name = "zh",
        .type = KEY_TEXT,
        .required = true,
        .at = offsetof(struct words_item, zh),
        .max = "120"},
    {.name = "en",
        .type = KEY_TEXT,
        .required = true,
        .at = offsetof(struct words_item, en),
        .max = "120"},
};
static const struct shape words_shape = {
    words_keys, ARRAY_LEN(words_keys), sizeof(struct words_item), NULL};

static bool
read_words(struct schema *schema, const struct node *node, const struct key *key, void *out)
{
    struct words_item item = {0};

    if (node->kind == NODE_SCALAR) {
        if (!want_kind(schema, node, NODE_SCALAR) ||
            !read_text(schema, node, &words_keys[0], &item.zh))
            return false;
        *(struct words *)out = (struct words){item.zh, item.zh};
        return true;
    }
    (void)key;
    if (!schema_read(schema, node, &words_shape, &item))
        return false;
    *(struct words *)out = (struct words){item.zh, item.en};
    return true;
}

static bool
read_texts(struct schema *schema, const struct node *node, const struct key *key, void *out)
{
    struct texts *texts = out;
    bool good = true;

    if (key->repeats && node->kind == NODE_SCALAR && !is_empty(node)) {
        texts->at = ARENA_ARRAY(schema->arena, 1, const char *);
        texts->nodes = ARENA_ARRAY(schema->scratch, 1, const struct node *);
        texts->at[0] = arena_text(schema->arena, node->text);
        texts->nodes[0] = node;
        texts->len = 1;
        return true;
    }
    if (!want_kind(schema, node, NODE_LIST))
        return false;
    texts->at = ARENA_ARRAY(schema->arena, node->len, const char *);
    texts->nodes = ARENA_ARRAY(schema->scratch, node->len, const struct node *);
    for (const struct node *child = node->first; child != NULL; child = child->next) {
        if (!want_kind(schema, child, NODE_SCALAR)) {
            good = false;
            continue;
        }
        texts->at[texts->len] = arena_text(schema->arena, child->text);
        texts->nodes[texts->len++] = child;
    }
    return good;
}

static bool
read_object(struct schema *schema, const struct node *node, const struct key *key, void *out)
{
    return schema_read(schema, node, key->shape, out);
}

static bool
read_list(struct schema *schema, const struct node *node, const struct key *key, void *out)
{
    struct items *items = out;

    if (!key->repeats || node->kind == NODE_LIST || is_empty(node))
        return schema_read_list(schema, node, key->shape, out);
    items->at = arena_array(schema->scratch, 1, key->shape->size);
    items->len = schema_read(schema, node, key->shape, items->at);
    return items->len == 1;
}

/* One element of a map, under the name that its key is; false: it was reported and is not kept. */
static bool
read_named(struct schema *schema, const struct node *named, const struct node *node,
    const struct key *key, struct items *items)
{
    const struct key name = {.name = "", .type = key->names, .max = "64"};
    const struct node as_text = {.source = named->source,
        .parent = named->parent,
        .kind = NODE_SCALAR,
        .quoted = true,
        .one_line = true,
        .at = named->key_at,
        .key = named->key,
        .key_at = named->key_at,
        .text = named->key};
    struct item *item = items_at(items, key->shape, items->len);

    if (!schema_value(schema, &as_text, &name, &item->name) ||
        !schema_read(schema, node, key->shape, item)) {
        memset(item, 0, key->shape->size);
        return false;
    }
    items->len++;
    return true;
}

static bool
read_map(struct schema *schema, const struct node *node, const struct key *key, void *out)
{
    struct items *items = out;
    size_t n = 0;
    bool good = true;

    if (!want_kind(schema, node, NODE_MAP))
        return false;
    for (const struct node *child = node->first; child != NULL; child = child->next)
        n += key->repeats && child->kind == NODE_LIST ? child->len : 1;
    items->at = arena_array(schema->scratch, n, key->shape->size);
    for (const struct node *child = node->first; child != NULL; child = child->next) {
        if (!key->repeats || child->kind != NODE_LIST) {
            good &= read_named(schema, child, child, key, items);
            continue;
        }
        for (const struct node *one = child->first; one != NULL; one = one->next)
            good &= read_named(schema, child, one, key, items);
    }
    return good;
}

typedef bool read_fn(
    struct schema *schema, const struct node *node, const struct key *key, void *out);

bool
schema_value(struct schema *schema, const struct node *node, const struct key *key, void *out)
{
    static read_fn *const readers[] = {
        [KEY_TEXT] = read_text,
        [KEY_LINES] = read_text,
        [KEY_ID] = read_text,
        [KEY_NAME] = read_text,
        [KEY_CODE] = read_text,
        [KEY_BOOL] = read_bool,
        [KEY_INT] = read_int,
        [KEY_REAL] = read_real,
        [KEY_SPAN] = read_span,
        [KEY_BYTES] = read_bytes,
        [KEY_CLOCK] = read_clock,
        [KEY_WORD] = read_word,
        [KEY_WORDS] = read_words,
        [KEY_TEXTS] = read_texts,
        [KEY_OBJECT] = read_object,
        [KEY_LIST] = read_list,
        [KEY_MAP] = read_map,
    };

    if (key->type < KEY_WORDS && !want_kind(schema, node, NODE_SCALAR))
        return false;
    return readers[key->type](schema, node, key, out);
}

static const struct key *
key_of(const struct shape *shape, struct view name)
{
    for (size_t i = 0; i < shape->n_keys; i++) {
        if (view_is(name, shape->keys[i].name))
            return &shape->keys[i];
    }
    return NULL;
}

static void
report_unknown(struct schema *schema, const struct node *child, const struct shape *shape)
{
    const char **names = ARENA_ARRAY(schema->scratch, shape->n_keys, const char *);

    for (size_t i = 0; i < shape->n_keys; i++)
        names[i] = shape->keys[i].name;
    report_key(schema->reporter, child, "unknown-key", "'%.*s' is not a key, allowed are %s",
        "没有 '%.*s' 这个键, 允许 %s", VIEW_ARG(child->key), join(schema, names, shape->n_keys));
    for (size_t i = 0; i + 3 <= child->key.len; i++) {
        if (memcmp(child->key.ptr + i, "：", 3) == 0) {
            report_hint(schema->reporter, "the wide '：' is a letter to YAML, write ': '",
                "全角 '：' 不是标点, 请改为半角 ': '");
            return;
        }
    }
    report_near(schema->reporter, child->key, names, shape->n_keys);
}

/* What was not given: its fallback, or a report if it must be there. */
static bool
fill_rest(struct schema *schema, const struct node *node, const struct shape *shape, char *out)
{
    bool good = true;

    for (size_t i = 0; i < shape->n_keys; i++) {
        const struct key *key = &shape->keys[i];

        if (node->kind == NODE_MAP && node_child(node, key->name) != NULL)
            continue;
        if (node->kind != NODE_MAP && shape->shorthand != NULL &&
            strcmp(key->name, shape->shorthand) == 0)
            continue;
        if (key->fallback != NULL && key->type == KEY_OBJECT) {
            const struct node none = {.source = node->source, .kind = NODE_MAP, .at = node->at};

            CHECK(schema_read(schema, &none, key->shape, out + key->at));
        } else if (key->fallback != NULL) {
            const struct node given = {.source = node->source,
                .kind = NODE_SCALAR,
                .quoted = true,
                .text = view_of(key->fallback)};

            CHECK(schema_value(schema, &given, key, out + key->at));
        } else if (key->required) {
            report(
                schema->reporter, node, "missing-key", "'%s' is missing", "缺少 '%s'", key->name);
            good = false;
        }
    }
    return good;
}

bool
schema_read(struct schema *schema, const struct node *node, const struct shape *shape, void *out)
{
    bool good = true;

    ((struct item *)out)->node = node;
    const struct key *key =
        shape->shorthand != NULL ? key_of(shape, view_of(shape->shorthand)) : NULL;

    if (key != NULL && !is_empty(node) &&
        node->kind == (key->type == KEY_TEXTS ? NODE_LIST : NODE_SCALAR)) {
        good = schema_value(schema, node, key, (char *)out + key->at);
        return fill_rest(schema, node, shape, out) && good;
    }
    if (!want_kind(schema, node, NODE_MAP))
        return false;
    for (const struct node *child = node->first; child != NULL; child = child->next) {
        key = key_of(shape, child->key);
        if (key == NULL) {
            report_unknown(schema, child, shape);
            good = false;
        } else if (!schema_value(schema, child, key, (char *)out + key->at)) {
            good = false;
        }
    }
    return fill_rest(schema, node, shape, out) && good;
}

bool
schema_read_list(
    struct schema *schema, const struct node *node, const struct shape *shape, struct items *out)
{
    bool good = true;

    if (!want_kind(schema, node, NODE_LIST))
        return false;
    out->at = arena_array(schema->scratch, node->len, shape->size);
    for (const struct node *child = node->first; child != NULL; child = child->next) {
        void *item = items_at(out, shape, out->len);

        if (schema_read(schema, child, shape, item)) {
            out->len++;
            continue;
        }
        /* what is half read would only raise more complaints */
        good = false;
        memset(item, 0, shape->size);
    }
    return good;
}

void *
items_at(const struct items *items, const struct shape *shape, size_t i)
{
    return (char *)items->at + i * shape->size;
}

const struct node *
node_about(const struct node *map, const char *key)
{
    const struct node *child = map->kind == NODE_MAP ? node_child(map, key) : NULL;

    return child != NULL ? child : map;
}
