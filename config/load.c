#include "config/load.h"

#include <stdio.h>
#include <stdlib.h>

static const struct words kind_titles[KIND_COUNT] = {
    [KIND_CHANNEL] = {"渠道", "channel"},
    [KIND_UNIT] = {"网格单元", "unit"},
    [KIND_COMPOUND] = {"小区", "compound"},
    [KIND_CENTRE] = {"处置中心", "centre"},
    [KIND_PERSON] = {"人员", "person"},
    [KIND_CLASS] = {"设备类", "class"},
    [KIND_POLICY] = {"策略", "policy"},
    [KIND_RULE] = {"规则", "rule"},
};

const struct source *
load_source(struct loader *loader, const char *name, size_t max_bytes)
{
    struct source *source = ARENA_NEW(loader->schema.scratch, struct source);
    struct err err = {0};
    char path[4096];
    struct buf text;

    *source = (struct source){.name = name, .root = ""};
    (void)snprintf(path, sizeof(path), "%s/%s", loader->dir, name);
    buf_init(&text, max_bytes);
    if (!fs_read_all(loader->fs, path, &text, &err)) {
        if (err.kind == ERR_GONE) {
            report_mark(loader->schema.reporter, source, (struct mark){0, 0}, "missing-file",
                "the file is missing", "文件不存在");
        } else if (err.kind == ERR_FULL) {
            report_mark(loader->schema.reporter, source, (struct mark){0, 0}, "too-large",
                "the file is larger than %zu bytes", "文件超过 %zu 字节", max_bytes);
        } else {
            report_mark(loader->schema.reporter, source, (struct mark){0, 0}, "unreadable",
                "cannot be read: %s", "无法读取: %s", err.text);
        }
        buf_fini(&text);
        return NULL;
    }
    source->text = arena_copy(loader->schema.scratch, buf_view(&text));
    buf_fini(&text);
    return source;
}

const struct node *
load_yaml(struct loader *loader, const char *name, const char *root)
{
    const struct source *read = load_source(loader, name, SOURCE_MAX_BYTES);

    if (read == NULL)
        return NULL;
    struct source *source = ARENA_NEW(loader->schema.scratch, struct source);

    *source = (struct source){read->name, read->text, root};
    return yaml_read(source, loader->schema.scratch, loader->schema.reporter);
}

struct found_names {
    struct arena *arena;
    VEC(const char *) list;
};

static void
keep_yaml(void *arg, const char *name)
{
    struct found_names *found = arg;
    const size_t len = strlen(name);

    /* editors leave .#x.yaml and x.yaml~ behind */
    if (len > 5 && strcmp(name + len - 5, ".yaml") == 0 && name[0] != '.')
        *VEC_PUSH(&found->list) = arena_text(found->arena, view_of(name));
}

static int
compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct yaml_files
load_folder(struct loader *loader, const char *folder)
{
    struct found_names found = {.arena = loader->schema.scratch};
    struct yaml_files files = {0};
    struct source *whole = ARENA_NEW(loader->schema.scratch, struct source);
    struct err err = {0};
    char path[4096];

    *whole = (struct source){.name = folder, .root = ""};
    (void)snprintf(path, sizeof(path), "%s/%s", loader->dir, folder);
    if (!loader->fs->list(loader->fs->self, path, keep_yaml, &found, &err) || found.list.len == 0) {
        report_mark(loader->schema.reporter, whole, (struct mark){0, 0}, "missing-file",
            "the folder has no .yaml file", "文件夹中没有 .yaml 文件");
        files.partial = true;
        VEC_FREE(&found.list);
        return files;
    }
    qsort(found.list.at, found.list.len, sizeof(*found.list.at), compare_texts);
    files.at = ARENA_ARRAY(loader->schema.scratch, found.list.len, const struct node *);
    for (size_t i = 0; i < found.list.len; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, found.list.at[i]);
        const char *name = arena_text(loader->schema.scratch, view_of(path));
        const struct node *root = load_yaml(loader, name, folder);

        if (root != NULL)
            files.at[files.len++] = root;
        else
            files.partial = true;
    }
    VEC_FREE(&found.list);
    return files;
}

static int
compare_items(const void *a, const void *b)
{
    const struct item *left = a;
    const struct item *right = b;
    const int cmp = strcmp(left->name, right->name);
    const int file = cmp != 0 ? cmp : strcmp(left->node->source->name, right->node->source->name);

    if (file != 0)
        return file;
    if (left->node->at.line != right->node->at.line)
        return left->node->at.line < right->node->at.line ? -1 : 1;
    return left->node->at.column - right->node->at.column;
}

void
sort_items(struct loader *loader, struct items *items, const struct shape *shape)
{
    size_t kept = 0;

    if (items->len == 0)
        return;
    qsort(items->at, items->len, shape->size, compare_items);
    for (size_t i = 0; i < items->len; i++) {
        struct item *item = items_at(items, shape, i);
        const struct item *before = kept > 0 ? items_at(items, shape, kept - 1) : NULL;

        if (before != NULL && strcmp(before->name, item->name) == 0) {
            report(loader->schema.reporter, item->node, "duplicate-name",
                "'%s' is given twice, first in %s:%d", "'%s' 重复, 首次在 %s:%d", item->name,
                before->node->source->name, before->node->at.line);
            continue;
        }
        memmove(items_at(items, shape, kept++), item, shape->size);
    }
    items->len = kept;
}

void
set_names(
    struct loader *loader, enum kind kind, const struct items *items, const struct shape *shape)
{
    struct names *names = &loader->names[kind];

    names->at = ARENA_ARRAY(loader->schema.scratch, items->len, const char *);
    for (size_t i = 0; i < items->len; i++)
        names->at[names->len++] = ((const struct item *)items_at(items, shape, i))->name;
}

void
report_stranger(struct loader *loader, const struct node *node, enum kind kind, struct view name)
{
    const struct names *names = &loader->names[kind];

    if (names->partial)
        return;
    report(loader->schema.reporter, node, "unknown-name", "'%.*s' is not a known %s%.0s",
        "'%.*s' 不是%.0s已定义的%s", VIEW_ARG(name), kind_titles[kind].en, kind_titles[kind].zh);
    if (nearest(name, names->at, names->len) != NULL) {
        report_near(loader->schema.reporter, name, names->at, names->len);
        return;
    }
    struct buf list;

    if (names->len == 0 || names->len > 12)
        return;
    buf_init(&list, 1000);
    for (size_t i = 0; i < names->len; i++)
        buf_printf(&list, "%s%s", i == 0 ? "" : ", ", names->at[i]);
    buf_char(&list, '\0');
    report_hint(loader->schema.reporter, "known are %s", "已定义的有 %s", list.ptr);
    buf_fini(&list);
}

const char *
resolve_path(struct loader *loader, const char *path)
{
    char whole[4096];

    if (path == NULL || path[0] == '/')
        return path;
    (void)snprintf(whole, sizeof(whole), "%s/%s", loader->base, path);
    return arena_text(loader->schema.arena, view_of(whole));
}

static const struct key address_keys[] = {
    {.name = "channel",
        .type = KEY_ID,
        .required = true,
        .at = offsetof(struct address_item, channel)},
    {.name = "to",
        .type = KEY_TEXT,
        .at = offsetof(struct address_item, to),
        .fallback = "",
        .max = "200"},
};
const struct shape address_shape = {
    address_keys, ARRAY_LEN(address_keys), sizeof(struct address_item), "channel"};

const struct address *
make_addresses(struct loader *loader, const struct items *tell, size_t *n_addresses)
{
    struct address *addresses = ARENA_ARRAY(loader->schema.arena, tell->len, struct address);
    const struct channel_set *channels = &loader->config->channels;
    size_t n = 0;

    for (size_t i = 0; i < tell->len; i++) {
        const struct address_item *item = items_at(tell, &address_shape, i);

        for (size_t j = 0; j < channels->len; j++) {
            if (strcmp(channels->at[j].id, item->channel) == 0)
                addresses[n].channel = &channels->at[j];
        }
        if (addresses[n].channel == NULL) {
            report_stranger(
                loader, node_about(item->is.node, "channel"), KIND_CHANNEL, view_of(item->channel));
            continue;
        }
        if (addresses[n].channel->kind == CHANNEL_DEADMAN) {
            report(loader->schema.reporter, node_about(item->is.node, "channel"), "wrong-channel",
                "'%s' is a deadman channel, it tells nobody", "'%s' 是看门狗渠道, 不能通知人",
                item->channel);
            addresses[n].channel = NULL;
            continue;
        }
        addresses[n++].to = item->to;
    }
    *n_addresses = n;
    return addresses;
}
