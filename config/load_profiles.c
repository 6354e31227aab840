/* The `profiles:` of a class: where in a vendor's messages its fields are found. */
#include "config/load_classes.h"
#include "config/load_mapping.h"

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

struct word_item { /* of `when`: its name is a path */
    struct item is;
    const char *word;
};

static const struct key word_keys[] = {
    {.name = "is",
        .type = KEY_TEXT,
        .required = true,
        .at = offsetof(struct word_item, word),
        .max = "200"},
};
static const struct shape word_shape = {
    word_keys, ARRAY_LEN(word_keys), sizeof(struct word_item), "is"};

struct message_item {
    struct mapping_item mapping;
    struct items when;
    struct texts stream;
    bool ignore;
};

static const struct key message_keys[] = {
    MAPPING_KEYS,
    {.name = "when",
        .type = KEY_MAP,
        .at = offsetof(struct message_item, when),
        .shape = &word_shape,
        .names = KEY_TEXT,
        .repeats = true},
    {.name = "stream",
        .type = KEY_TEXTS,
        .at = offsetof(struct message_item, stream),
        .repeats = true},
    {.name = "ignore", .type = KEY_BOOL, .at = offsetof(struct message_item, ignore)},
};
static const struct shape message_shape = {
    message_keys, ARRAY_LEN(message_keys), sizeof(struct message_item), NULL};

struct profile_item {
    struct mapping_item mapping;
    struct frame_item frame;
    struct items messages;
};

static const struct key profile_keys[] = {
    MAPPING_KEYS,
    {.name = "frame",
        .type = KEY_OBJECT,
        .at = offsetof(struct profile_item, frame),
        .shape = &frame_shape},
    {.name = "messages",
        .type = KEY_LIST,
        .at = offsetof(struct profile_item, messages),
        .shape = &message_shape},
};
const struct shape profile_shape = {
    profile_keys, ARRAY_LEN(profile_keys), sizeof(struct profile_item), NULL};

static const char *const time_forms[] = {"unix_s", "unix_ms", "rfc3339", "local"};

static bool
read_form(struct loader *loader, const struct node *node, const char *text, enum time_form *out)
{
    for (size_t i = 0; i < ARRAY_LEN(time_forms); i++) {
        if (strcmp(text, time_forms[i]) == 0) {
            *out = (enum time_form)(TIME_UNIX_S + i);
            return true;
        }
    }
    report(loader->schema.reporter, node, "bad-word",
        "'%s' is not known here, allowed are unix_s, unix_ms, rfc3339, local",
        "此处不认识 '%s', 允许 unix_s, unix_ms, rfc3339, local", text);
    report_near(loader->schema.reporter, view_of(text), time_forms, ARRAY_LEN(time_forms));
    return false;
}

/* Each path in each form: the first that can be read counts. */
static void
make_times(struct loader *loader, const struct mapping_item *item, struct profile *out)
{
    struct profile_time *times = ARENA_ARRAY(
        loader->schema.arena, item->time.len * item->time_form.len, struct profile_time);
    enum time_form form;
    size_t n = 0;

    for (size_t i = 0; i < item->time.len; i++) {
        for (size_t j = 0; j < item->time_form.len; j++) {
            if (i == 0 &&
                !read_form(loader, item->time_form.nodes[j], item->time_form.at[j], &form))
                return;
            if (i > 0)
                form = times[j].form;
            times[n++] = (struct profile_time){item->time.at[i], form};
        }
    }
    out->times = times;
    out->n_times = n;
}

static void
check_paths(struct loader *loader, const struct mapping_item *item)
{
    const struct node *node = item->is.node;
    const struct {
        const char *name, *path;
    } paths[] = {
        {"parts", item->parts},
        {"part", item->part},
        {"boot", item->boot},
        {"sequence", item->sequence},
        {"device", item->device},
        {"receipt", item->receipt},
    };

    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        check_path(loader, node_about(node, paths[i].name), paths[i].path);
    for (size_t i = 0; i < item->time.len; i++)
        check_path(loader, item->time.nodes[i], item->time.at[i]);
}

/* What needs another key, where a message has what its profile has. */
static void
check_mapping(struct loader *loader, const struct mapping_item *item)
{
    const struct node *node = item->is.node;

    if (item->time.len > 0 && item->time_form.len == 0) {
        report(loader->schema.reporter, node_about(node, "time"), "missing-key",
            "'time_form' is missing, allowed are unix_s, unix_ms, rfc3339, local",
            "缺少 'time_form', 允许 unix_s, unix_ms, rfc3339, local");
    }
    if (item->boot != NULL && item->sequence == NULL) {
        report(loader->schema.reporter, node_about(node, "boot"), "missing-key",
            "'sequence' is missing, a boot alone is no identity",
            "缺少 'sequence', 只有 boot 不能识别消息");
    }
    if (item->self.len > 0 && item->part == NULL) {
        report(loader->schema.reporter, node_about(node, "self"), "missing-key",
            "'part' is missing, whose names these would be", "缺少 'part', 不知是谁的名称");
    }
}

static bool
from_array(const char *path)
{
    return path != NULL && ((path[0] >= '0' && path[0] <= '9') || path[0] == '[');
}

/* True if its paths say that the payload is an array. */
static bool
of_array(const struct profile *p)
{
    bool array = from_array(p->parts) || from_array(p->part) || from_array(p->receipt) ||
                 from_array(p->sequence) || from_array(p->device);

    for (size_t i = 0; i < p->n_fields; i++)
        array |= from_array(p->fields[i].path);
    for (size_t i = 0; i < p->n_times; i++)
        array |= from_array(p->times[i].path);
    for (size_t i = 0; i < p->n_when; i++)
        array |= from_array(p->when[i].path);
    return array;
}

static void
make_mapping(struct loader *loader, const struct mapping_item *item, struct sources sources,
    struct profile *out)
{
    const struct sources tests = make_tests(loader, item);
    struct view *self = ARENA_ARRAY(loader->schema.arena, item->self.len, struct view);

    for (size_t i = 0; i < item->self.len; i++)
        self[i] = view_of(item->self.at[i]);
    finish_sources(loader, &sources);
    finish_sources(loader, &tests);
    out->parts = item->parts;
    out->part = item->part;
    out->self = self;
    out->n_self = item->self.len;
    out->boot = item->boot;
    out->sequence = item->sequence;
    out->device = item->device;
    out->receipt = item->receipt;
    out->tests = tests.at;
    out->n_tests = tests.len;
    out->fields = sources.at;
    out->n_fields = sources.len;
    make_times(loader, item, out);
}

static const char *
first_of(const char *ours, const char *theirs)
{
    return ours != NULL ? ours : theirs;
}

/* What a message does not say is as its profile says. Its fields are joined elsewhere. */
static struct mapping_item
inherit(const struct mapping_item *message, const struct mapping_item *profile)
{
    struct mapping_item item = *message;
    const bool tested = node_child(message->is.node, "test") != NULL;

    item.parts = first_of(message->parts, profile->parts);
    item.part = first_of(message->part, profile->part);
    item.boot = first_of(message->boot, profile->boot);
    item.sequence = first_of(message->sequence, profile->sequence);
    item.device = first_of(message->device, profile->device);
    item.receipt = first_of(message->receipt, profile->receipt);
    if (item.self.len == 0)
        item.self = profile->self;
    if (item.time.len == 0)
        item.time = profile->time;
    if (item.time_form.len == 0)
        item.time_form = profile->time_form;
    if (!tested)
        item.test = profile->test;
    item.text_numbers |= profile->text_numbers;
    item.own_names |= profile->own_names;
    return item;
}

static struct view *
word_views(struct loader *loader, const struct items *when, size_t from, size_t to)
{
    struct view *words = ARENA_ARRAY(loader->schema.arena, to - from, struct view);

    for (size_t i = from; i < to; i++)
        words[i - from] = view_of(((struct word_item *)items_at(when, &word_shape, i))->word);
    return words;
}

static void
make_when(struct loader *loader, const struct message_item *item, struct profile *out)
{
    const struct node *node = item->mapping.is.node;
    struct profile_when *when =
        ARENA_ARRAY(loader->schema.arena, item->when.len + 1, struct profile_when);
    struct view *streams = ARENA_ARRAY(loader->schema.arena, item->stream.len, struct view);
    size_t n = 0, to;

    for (size_t i = 0; i < item->stream.len; i++)
        streams[i] = view_of(item->stream.at[i]);
    if (item->stream.len > 0)
        when[n++] = (struct profile_when){NULL, streams, item->stream.len};
    for (size_t i = 0; i < item->when.len; i = to) {
        const struct item *first = items_at(&item->when, &word_shape, i);

        for (to = i + 1; to < item->when.len; to++) {
            const struct item *next = items_at(&item->when, &word_shape, to);

            if (strcmp(next->name, first->name) != 0)
                break;
        }
        check_path(loader, first->node, first->name);
        when[n++] =
            (struct profile_when){first->name, word_views(loader, &item->when, i, to), to - i};
    }
    for (size_t i = 0; i < 2; i++) {
        const char *name = i == 0 ? "when" : "stream";

        if (node_child(node, name) != NULL && (i == 0 ? item->when.len : item->stream.len) == 0)
            report(loader->schema.reporter, node_about(node, name), "empty-value",
                "names no message, expected are words", "没有指明任何消息, 应给出词");
    }
    out->when = when;
    out->n_when = n;
}

static bool
same_when(const struct profile_when *a, const struct profile_when *b)
{
    if ((a->path == NULL) != (b->path == NULL) || a->n_words != b->n_words ||
        (a->path != NULL && strcmp(a->path, b->path) != 0))
        return false;
    for (size_t i = 0; i < a->n_words; i++) {
        if (!view_eq(a->words[i], b->words[i]))
            return false;
    }
    return true;
}

/* The first that fits is taken: what stands behind one that takes all of its messages is never
 * reached. */
static void
check_reach(
    struct loader *loader, const struct node *node, const struct profile *messages, size_t n)
{
    const struct profile *last = &messages[n];

    for (size_t i = 0; i < n; i++) {
        const struct profile *earlier = &messages[i];
        bool all = true;

        for (size_t j = 0; j < earlier->n_when && all; j++) {
            bool found = false;

            for (size_t k = 0; k < last->n_when; k++)
                found |= same_when(&earlier->when[j], &last->when[k]);
            all = found;
        }
        if (!all)
            continue;
        report(loader->schema.reporter, node, "never-reached",
            "is never reached, message %zu takes all of these", "不会用到, 第 %zu 项已包括这些消息",
            i + 1);
        report_hint(loader->schema.reporter, "put the one that asks for more in front",
            "条件更多的应放在前面");
        return;
    }
}

static void
make_message(struct loader *loader, const struct class *class, const struct profile_item *profile,
    const struct message_item *item, struct profile *out)
{
    const struct node *node = item->mapping.is.node;
    const bool text_numbers = profile->mapping.text_numbers || item->mapping.text_numbers;
    struct mapping_item mapping = inherit(&item->mapping, &profile->mapping);

    check_paths(loader, &item->mapping);
    make_when(loader, item, out);
    out->name = profile->mapping.is.name;
    out->ignore = item->ignore;
    if (item->ignore) {
        if (node_child(node, "fields") != NULL)
            report(loader->schema.reporter, node_about(node, "fields"), "useless-key",
                "what is ignored has no fields", "被忽略的消息没有字段");
        return;
    }
    check_mapping(loader, &mapping);
    const struct sources ours = make_sources(loader, class, &profile->mapping, text_numbers);
    const struct sources own = make_sources(loader, class, &item->mapping, text_numbers);
    struct sources sources = join_sources(loader, class, ours, own);

    if (mapping.own_names)
        add_own_names(loader, class, &sources);
    if (sources.len == 0 && item->mapping.fields.len == 0) {
        report(loader->schema.reporter, node, "missing-key",
            "'fields' is missing, nothing can come of it", "缺少 'fields', 得不到任何读数");
        report_hint(loader->schema.reporter, "write 'ignore: true' if that is meant",
            "若有意如此, 请写 'ignore: true'");
    }
    make_mapping(loader, &mapping, sources, out);
}

static void
make_messages(struct loader *loader, const struct class *class, const struct profile_item *item,
    struct profile *out)
{
    struct profile *messages =
        ARENA_ARRAY(loader->schema.arena, item->messages.len, struct profile);

    for (size_t i = 0; i < item->messages.len; i++) {
        const struct message_item *from = items_at(&item->messages, &message_shape, i);

        make_message(loader, class, item, from, &messages[i]);
        check_reach(loader, from->mapping.is.node, messages, i);
        out->array |= messages[i].array = of_array(&messages[i]);
    }
    out->messages = messages;
    out->n_messages = item->messages.len;
    if (node_child(item->mapping.is.node, "messages") != NULL && item->messages.len == 0)
        report(loader->schema.reporter, node_about(item->mapping.is.node, "messages"),
            "empty-value", "names no message", "没有任何消息");
}

static void
make_profile(struct loader *loader, const struct class *class, const struct profile_item *item,
    struct profile *out)
{
    const struct mapping_item *mapping = &item->mapping;
    const struct sources none = {0};

    out->name = mapping->is.name;
    check_paths(loader, mapping);
    if (item->messages.len > 0) {
        make_messages(loader, class, item, out);
        return;
    }
    check_mapping(loader, mapping);
    if (mapping->time.len == 0 && mapping->time_form.len > 0)
        report(loader->schema.reporter, node_about(mapping->is.node, "time_form"), "missing-key",
            "'time' is missing, where the time stands", "缺少 'time', 不知时间在何处");
    struct sources sources = join_sources(
        loader, class, none, make_sources(loader, class, mapping, mapping->text_numbers));

    if (mapping->own_names || node_child(mapping->is.node, "fields") == NULL)
        add_own_names(loader, class, &sources);
    make_mapping(loader, mapping, sources, out);
    out->array = of_array(out);
}

/* A dialect is about one protocol, and a tree of frames has its parts and times at fixed places. */
static void
make_frame(struct loader *loader, const struct profile_item *item, struct profile *profile)
{
    const struct frame_item *frame = &item->frame;
    const struct node *node = node_child(item->mapping.is.node, "frame");
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
    static const char *const fixed[] = {
        "parts", "part", "time", "time_form", "receipt", "messages"};
    static const struct profile_time time = {"time", TIME_UNIX_MS};

    if (node == NULL || frame->kind == FRAME_NONE)
        return;
    for (size_t i = 0; i < ARRAY_LEN(dialects); i++) {
        if (dialects[i].kind != (enum frame_kind)frame->kind &&
            node_child(node, dialects[i].name) != NULL) {
            report(loader->schema.reporter, node_about(node, dialects[i].name), "useless-key",
                "only frames of kind %s have '%s'", "只有 %s 帧有 '%s'",
                frame_names[dialects[i].kind], dialects[i].name);
        }
    }
    if (frame->kind == FRAME_MEOKON && frame->confirm)
        report(loader->schema.reporter, node_about(node, "confirm"), "useless-key",
            "frames of kind meokon are not confirmed", "meokon 帧没有确认");
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
        if (node_child(item->mapping.is.node, fixed[i]) != NULL) {
            report(loader->schema.reporter, node_about(item->mapping.is.node, fixed[i]),
                "useless-key", "a profile of frames has no '%s', frames have a place for it",
                "帧方案没有 '%s', 帧中位置是固定的", fixed[i]);
        }
    }
    check_frame_paths(loader, &item->mapping, (enum frame_kind)frame->kind);
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
    profile->times = &time;
    profile->n_times = 1;
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

        make_profile(loader, class, from, profile);
        make_frame(loader, from, profile);
        profiles[i] = profile;
    }
    if (len == 0)
        report(loader->schema.reporter, node_about(item->is.node, "profiles"), "empty-value",
            "names no profile, so nothing can be read", "没有厂商方案, 无法解读消息");
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
        "'%.*s' 不是 '%s' 的厂商方案", VIEW_ARG(name), class->name);
    report_near(loader->schema.reporter, name, names, n);
    return NULL;
}
