/* libyaml's events -> nodes with marks. libyaml counts lines and columns from 0, in characters. */
#include "base/map.h"
#include "config/report.h"

#include <stdint.h>

#include <yaml.h>

struct reading_state {
    const struct source *source;
    struct arena *arena;
    struct reporter *reporter;
    struct node *root;
    struct node *open; /* the innermost list or map that is not closed */
    struct view key;   /* of a map: read, its value is next; ptr NULL: none */
    struct mark key_at;
    int depth;
    int documents;
    size_t nodes;
    struct map seen; /* map's address and key -> node */
    bool failed;
};

static struct mark
mark_of(const yaml_mark_t *mark)
{
    return (struct mark){(int)mark->line + 1, (int)mark->column + 1};
}

struct view
source_line(struct view text, int n)
{
    size_t from = 0;

    for (int line = 1; from <= text.len; line++) {
        size_t to = from;

        while (to < text.len && text.ptr[to] != '\n' && text.ptr[to] != '\r')
            to++;
        if (line == n)
            return (struct view){text.ptr + from, to - from};
        from = to + 1;
        if (to + 1 < text.len && text.ptr[to] == '\r' && text.ptr[to + 1] == '\n')
            from++;
    }
    return (struct view){NULL, 0};
}

/* What libyaml says most often, in Chinese. */
static const struct words sayings[] = {
    {"找不到应有的冒号 ':'", "could not find expected ':'"},
    {"此处应为一个键 (缩进可能不对)", "did not find expected key"},
    {"此处不能再出现冒号", "mapping values are not allowed in this context"},
    {"此字符不能开始一个值", "found character that cannot start any token"},
    {"此处应为 ',' 或 ']'", "did not find expected ',' or ']'"},
    {"此处应为 ',' 或 '}'", "did not find expected ',' or '}'"},
    {"此处应为 '-'", "did not find expected '-' indicator"},
    {"缩进中有制表符", "found a tab character that violates indentation"},
    {"引号没有结束", "found unexpected end of stream"},
    {"此处应为一个值", "did not find expected node content"},
    {"此处不能开始新的列表项", "block sequence entries are not allowed in this context"},
    {"不是 UTF-8 文本", "invalid leading UTF-8 octet"},
    {"不是 UTF-8 文本", "invalid trailing UTF-8 octet"},
    {"不是 UTF-8 文本", "incomplete UTF-8 octet sequence"},
    {"含有控制字符", "control characters are not allowed"},
};

static const struct {
    const char *wide, *plain;
} wide_forms[] = {
    {"：", ": "},
    {"，", ","},
    {"“", "\""},
    {"”", "\""},
    {"【", "["},
    {"】", "]"},
    {"｛", "{"},
    {"｝", "}"},
    {"　", " "},
};

/* A Chinese keyboard types full-width punctuation, which YAML takes for letters. */
static void
hint_wide(struct reporter *reporter, struct view line)
{
    for (size_t i = 0; i < ARRAY_LEN(wide_forms); i++) {
        const struct view wide = view_of(wide_forms[i].wide);

        for (size_t at = 0; line.len >= wide.len && at <= line.len - wide.len; at++) {
            if (!view_eq((struct view){line.ptr + at, wide.len}, wide))
                continue;
            report_hint(reporter, "the wide '%s' is a letter to YAML, write '%s'",
                "全角 '%s' 不是标点, 请改为半角 '%s'", wide_forms[i].wide, wide_forms[i].plain);
            return;
        }
    }
}

static struct mark
mark_of_offset(struct view text, size_t offset)
{
    struct mark at = {1, 1};

    for (size_t i = 0; i < offset && i < text.len; i++) {
        if (text.ptr[i] == '\n')
            at = (struct mark){at.line + 1, 1};
        else if (((unsigned char)text.ptr[i] & 0xc0) != 0x80)
            at.column++;
    }
    return at;
}

/* Nothing but blank lines from there on. */
static bool
at_end(struct view text, int line)
{
    struct view rest = source_line(text, line);

    if (rest.ptr == NULL)
        return true;
    for (size_t i = (size_t)(rest.ptr - text.ptr); i < text.len; i++) {
        if (text.ptr[i] != ' ' && text.ptr[i] != '\n' && text.ptr[i] != '\r')
            return false;
    }
    return true;
}

static void
report_syntax(struct reading_state *state, const yaml_parser_t *parser)
{
    const char *problem = parser->problem != NULL ? parser->problem : "cannot be read";
    const char *zh = problem;
    struct mark at = mark_of(&parser->problem_mark);

    if (parser->error == YAML_READER_ERROR) {
        at = mark_of_offset(state->source->text, parser->problem_offset);
        /* a key without its colon, an open bracket or quote is found out only lines later; the
         * context is where it stands */
    } else if (parser->context != NULL &&
               (strstr(problem, "expected ':'") != NULL || at_end(state->source->text, at.line))) {
        at = mark_of(&parser->context_mark);
    }
    for (size_t i = 0; i < ARRAY_LEN(sayings); i++) {
        if (strcmp(problem, sayings[i].en) == 0)
            zh = sayings[i].zh;
    }
    report_mark(state->reporter, state->source, at, "yaml-syntax", "not YAML: %s%.0s",
        "不是正确的 YAML: %.0s%s", problem, zh);
    const struct view line = source_line(state->source->text, at.line);

    if (line.ptr == NULL)
        return;
    if (memchr(line.ptr, '\t', line.len) != NULL)
        report_hint(state->reporter, "indent with spaces, YAML takes no tabs",
            "请用空格缩进, YAML 不接受制表符");
    hint_wide(state->reporter, line);
}

static void
refuse(struct reading_state *state, const yaml_mark_t *mark, const char *en, const char *zh)
{
    report_mark(state->reporter, state->source, mark_of(mark), "yaml-refused",
        "%s%.0s, which this program does not take", "%.0s%s, 本程序不接受", en, zh);
    state->failed = true;
}

/* The child that has this key already; else child becomes it. */
static const struct node *
key_twice(struct reading_state *state, const struct node *map, struct node *child)
{
    struct buf name;
    const struct node *twin;

    const uintptr_t place = (uintptr_t)map;

    buf_init(&name, sizeof(place) + child->key.len);
    buf_put(&name, view_bytes(&place, sizeof(place)));
    buf_put(&name, child->key);
    twin = map_get(&state->seen, buf_view(&name));
    if (twin == NULL)
        (void)map_put(&state->seen, buf_view(&name), child);
    buf_fini(&name);
    return twin;
}

/* Adds a node where the events stand; NULL when a limit is met. */
static struct node *
add_node(struct reading_state *state, enum node_kind kind, const yaml_event_t *event)
{
    struct node *parent = state->open;

    if (++state->nodes > SOURCE_MAX_NODES) {
        refuse(state, &event->start_mark, "more than 500000 values", "超过 500000 个值");
        return NULL;
    }
    struct node *node = ARENA_NEW(state->arena, struct node);

    node->source = state->source;
    node->kind = kind;
    node->at = mark_of(&event->start_mark);
    node->one_line = event->start_mark.line == event->end_mark.line;
    node->parent = parent;
    if (parent == NULL) {
        state->root = node;
        return node;
    }
    if (parent->kind == NODE_MAP) {
        node->key = state->key;
        node->key_at = state->key_at;
        state->key = (struct view){NULL, 0};
        const struct node *twin = key_twice(state, parent, node);

        if (twin != NULL) {
            report_key(state->reporter, node, "duplicate-key",
                "'%.*s' is given twice, first in line %d", "'%.*s' 重复, 首次在第 %d 行",
                VIEW_ARG(node->key), twin->key_at.line);
            return node; /* not linked: the first one counts */
        }
    }
    node->index = parent->len++;
    if (parent->last != NULL)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
    return node;
}

static void
take_scalar(struct reading_state *state, const yaml_event_t *event)
{
    const struct view text =
        arena_copy(state->arena, view_bytes(event->data.scalar.value, event->data.scalar.length));

    if (event->data.scalar.anchor != NULL)
        refuse(state, &event->start_mark, "an anchor", "锚点 (&)");
    if (event->data.scalar.tag != NULL)
        refuse(state, &event->start_mark, "a tag", "标签 (!)");
    if (state->open != NULL && state->open->kind == NODE_MAP && state->key.ptr == NULL) {
        state->key = text.len > 0 ? text : view_of("");
        state->key_at = mark_of(&event->start_mark);
        return;
    }
    struct node *node = add_node(state, NODE_SCALAR, event);

    if (node == NULL)
        return;
    node->text = text;
    node->quoted = event->data.scalar.style == YAML_SINGLE_QUOTED_SCALAR_STYLE ||
                   event->data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    if (event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
        event->data.scalar.style == YAML_FOLDED_SCALAR_STYLE)
        node->one_line = false;
}

static void
take_start(struct reading_state *state, const yaml_event_t *event)
{
    const bool map = event->type == YAML_MAPPING_START_EVENT;
    const yaml_char_t *anchor =
        map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
    const yaml_char_t *tag = map ? event->data.mapping_start.tag : event->data.sequence_start.tag;

    if (anchor != NULL)
        refuse(state, &event->start_mark, "an anchor", "锚点 (&)");
    if (tag != NULL)
        refuse(state, &event->start_mark, "a tag", "标签 (!)");
    if (state->open != NULL && state->open->kind == NODE_MAP && state->key.ptr == NULL) {
        refuse(state, &event->start_mark, "a list or a map as a key", "以列表或映射作键");
        return;
    }
    if (state->depth >= SOURCE_MAX_DEPTH) {
        refuse(state, &event->start_mark, "more than 24 levels", "超过 24 层");
        return;
    }
    struct node *node = add_node(state, map ? NODE_MAP : NODE_LIST, event);

    if (node == NULL)
        return;
    state->open = node;
    state->depth++;
}

static void
take_event(struct reading_state *state, const yaml_event_t *event)
{
    /* libyaml has many events, most need nothing */
    if (event->type == YAML_SCALAR_EVENT) {
        take_scalar(state, event);
    } else if (event->type == YAML_MAPPING_START_EVENT ||
               event->type == YAML_SEQUENCE_START_EVENT) {
        take_start(state, event);
    } else if (event->type == YAML_MAPPING_END_EVENT || event->type == YAML_SEQUENCE_END_EVENT) {
        state->open = state->open->parent;
        state->depth--;
    } else if (event->type == YAML_ALIAS_EVENT) {
        refuse(state, &event->start_mark, "an alias", "别名 (*)");
    } else if (event->type == YAML_DOCUMENT_START_EVENT) {
        if (++state->documents == 2)
            refuse(state, &event->start_mark, "a second document", "第二个文档 (---)");
        else if (event->data.document_start.version_directive != NULL ||
                 event->data.document_start.tag_directives.start !=
                     event->data.document_start.tag_directives.end)
            refuse(state, &event->start_mark, "a directive", "指令 (%)");
    }
}

static void
read_events(struct reading_state *state, yaml_parser_t *parser)
{
    bool end = false;

    while (!end && !state->failed) {
        yaml_event_t event;

        if (yaml_parser_parse(parser, &event) == 0) {
            report_syntax(state, parser);
            state->failed = true;
            return;
        }
        end = event.type == YAML_STREAM_END_EVENT;
        take_event(state, &event);
        yaml_event_delete(&event);
    }
}

struct node *
yaml_read(const struct source *source, struct arena *arena, struct reporter *reporter)
{
    struct reading_state state = {.source = source, .arena = arena, .reporter = reporter};
    struct view text = source->text;
    yaml_parser_t parser;

    if (text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0)
        text = (struct view){text.ptr + 3, text.len - 3};
    CHECK(yaml_parser_initialize(&parser) == 1);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.ptr, text.len);
    map_init(&state.seen);
    read_events(&state, &parser);
    map_fini(&state.seen);
    yaml_parser_delete(&parser);
    if (!state.failed && state.root == NULL)
        report_mark(
            reporter, source, (struct mark){0, 0}, "empty-file", "the file is empty", "文件是空的");
    return state.failed ? NULL : state.root;
}

const struct node *
node_child(const struct node *map, const char *key)
{
    for (const struct node *child = map->first; child != NULL; child = child->next) {
        if (view_is(child->key, key))
            return child;
    }
    return NULL;
}

void
node_path(const struct node *node, struct buf *out)
{
    if (node->parent == NULL) {
        if (node->kind == NODE_LIST)
            buf_text(out, node->source->root);
        return;
    }
    node_path(node->parent, out);
    if (node->key.ptr == NULL) {
        buf_printf(out, "[%zu]", node->index + 1);
        return;
    }
    if (out->len > 0)
        buf_char(out, '.');
    buf_put(out, node->key);
}
