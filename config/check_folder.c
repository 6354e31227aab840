/*
 * What stands in a configuration folder and is read by nobody, though somebody may think it is: a
 * rule in such a file would just not be there. Only names that look like configuration are told;
 * notes, scripts and what editors leave behind are nobody's business.
 */
#include "config/load.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_DEPTH 8
#define PATH_BYTES 4096

static const char *const top_files[] = {
    "calendar.yaml", "devices.csv", "grid.yaml", "policies.yaml", "rosters.yaml", "site.yaml"};

static const struct {
    const char *name; /* "": the folder itself */
    const char *ends; /* what is read in it; NULL: top_files */
} folders[] = {
    {"", NULL},
    {"classes", ".yaml"},
    {"classes/examples", ".yaml"},
    {"rules", ".yaml"},
    {"tests", ".scn"},
};

struct entries {
    struct arena *arena;
    VEC(const char *) list;
};

static void
keep_entry(void *arg, const char *name)
{
    struct entries *entries = arg;

    if (name[0] != '.')
        *VEC_PUSH(&entries->list) = arena_text(entries->arena, view_of(name));
}

static int
compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* False: path is no folder. In order of names; VEC_FREE the list. */
static bool
list_entries(const struct loader *loader, const char *path, struct entries *out)
{
    struct err err = {0};
    char whole[PATH_BYTES];

    *out = (struct entries){.arena = loader->schema.scratch};
    (void)snprintf(whole, sizeof(whole), "%s/%s", loader->dir, path);
    if (!loader->fs->list(loader->fs->self, whole, keep_entry, out, &err)) {
        VEC_FREE(&out->list);
        return false;
    }
    if (out->list.len > 0)
        qsort(out->list.at, out->list.len, sizeof(*out->list.at), compare_texts);
    return true;
}

/* Does name end so, in small or large letters? */
static bool
ends_in(const char *name, const char *end)
{
    const size_t len = strlen(name), n = strlen(end);

    if (len <= n)
        return false;
    for (size_t i = 0; i < n; i++) {
        const char c = name[len - n + i];

        if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != end[i])
            return false;
    }
    return true;
}

static bool
looks_meant(const char *name, const char *ends)
{
    if (ends != NULL && strcmp(ends, ".scn") == 0)
        return ends_in(name, ".scn");
    return ends_in(name, ".yaml") || ends_in(name, ".yml");
}

static bool
is_read(const char *name, const char *ends)
{
    const size_t len = strlen(name), n = ends != NULL ? strlen(ends) : 0;

    for (size_t i = 0; ends == NULL && i < ARRAY_LEN(top_files); i++) {
        if (strcmp(name, top_files[i]) == 0)
            return true;
    }
    return ends != NULL && len > n && strcmp(name + len - n, ends) == 0;
}

static const char *
join_path(const struct loader *loader, const char *folder, const char *name)
{
    char path[PATH_BYTES];

    (void)snprintf(path, sizeof(path), "%s%s%s", folder, folder[0] != '\0' ? "/" : "", name);
    return arena_text(loader->schema.scratch, view_of(path));
}

static bool
is_known_folder(const char *path)
{
    for (size_t i = 1; i < ARRAY_LEN(folders); i++) {
        if (strcmp(path, folders[i].name) == 0)
            return true;
    }
    return false;
}

/* The first file in path or below it that somebody may have meant; NULL: none. */
static const char *
find_meant(const struct loader *loader, const char *path, const char *ends, int depth)
{
    const char *found = NULL;
    struct entries entries;

    if (depth == MAX_DEPTH || !list_entries(loader, path, &entries))
        return NULL;
    for (size_t i = 0; i < entries.list.len && found == NULL; i++) {
        const char *inner = join_path(loader, path, entries.list.at[i]);

        found = looks_meant(entries.list.at[i], ends) ? inner
                                                      : find_meant(loader, inner, ends, depth + 1);
    }
    VEC_FREE(&entries.list);
    return found;
}

static void
report_unread(struct loader *loader, const char *path, const char *name, const char *ends)
{
    struct source *source = ARENA_NEW(loader->schema.scratch, struct source);

    *source = (struct source){.name = path, .root = ""};
    if (ends == NULL) {
        report_mark(loader->schema.reporter, source, (struct mark){0, 0}, "unread-file",
            "nobody reads this file, it is none of the configuration's",
            "此文件不会被读取, 不是配置文件");
        report_near(loader->schema.reporter, view_of(name), top_files, ARRAY_LEN(top_files));
        report_is_warning(loader->schema.reporter);
        return;
    }
    report_mark(loader->schema.reporter, source, (struct mark){0, 0}, "unread-file",
        "nobody reads this file, only names that end in '%s' are read",
        "此文件不会被读取, 只读取以 '%s' 结尾的文件", ends);
    report_hint(loader->schema.reporter, "rename it, or move it out of the configuration",
        "请改名, 或移出配置文件夹");
}

static void
report_unread_below(struct loader *loader, const char *path, const char *found, const char *folder)
{
    struct source *source = ARENA_NEW(loader->schema.scratch, struct source);

    *source = (struct source){.name = found, .root = ""};
    report_mark(loader->schema.reporter, source, (struct mark){0, 0}, "unread-folder",
        "nobody reads the folder '%s'", "文件夹 '%s' 不会被读取", path);
    if (folder[0] != '\0') {
        report_hint(loader->schema.reporter,
            "put its files into '%s' itself, or move the folder out of the configuration",
            "请将其中文件直接放入 '%s', 或将此文件夹移出配置", folder);
        return;
    }
    report_hint(loader->schema.reporter,
        "files are read in classes, classes/examples, rules and tests",
        "只读取 classes, classes/examples, rules, tests 中的文件");
    report_is_warning(loader->schema.reporter);
}

/* A link back up, or a large tree beside the files, must not be walked: only the folders that
 * files are read in are looked into, and below these. */
static void
check_entries(struct loader *loader, const char *folder, const char *ends)
{
    struct entries entries;

    if (!list_entries(loader, folder, &entries))
        return;
    for (size_t i = 0; i < entries.list.len; i++) {
        const char *name = entries.list.at[i];
        const char *path = join_path(loader, folder, name);

        if (is_read(name, ends) || is_known_folder(path))
            continue;
        if (looks_meant(name, ends)) {
            report_unread(loader, path, name, ends);
            continue;
        }
        const char *found = find_meant(loader, path, ends, folder[0] == '\0' ? MAX_DEPTH - 1 : 0);

        if (found != NULL)
            report_unread_below(loader, path, found, folder);
    }
    VEC_FREE(&entries.list);
}

void
check_folder(struct loader *loader)
{
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        check_entries(loader, folders[i].name, folders[i].ends);
}
