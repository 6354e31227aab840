#include "config/store.h"

#include "base/digest.h"
#include "base/vec.h"
#include "config/source.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PATH_BYTES 4096

/* A path that is too long is cut, and then is not there. */
static void put_path(char out[PATH_BYTES], const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
put_path(char out[PATH_BYTES], const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(out, PATH_BYTES, fmt, args);
    va_end(args);
}

static const char *const single_files[] = {
    "calendar.yaml", "devices.csv", "grid.yaml", "policies.yaml", "rosters.yaml", "site.yaml"};
static const char *const folders[] = {"classes", "rules"};

struct listing {
    struct arena *arena;
    const char *folder;
    VEC(const char *) names;
};

static void
keep_name(void *arg, const char *name)
{
    struct listing *listing = arg;
    const size_t len = strlen(name);
    char path[PATH_BYTES];

    if (len <= 5 || strcmp(name + len - 5, ".yaml") != 0 || name[0] == '.')
        return;
    put_path(path, "%s/%s", listing->folder, name);
    *VEC_PUSH(&listing->names) = arena_text(listing->arena, view_of(path));
}

static int
compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void
config_files_list(
    const struct fs *fs, const char *dir, struct arena *arena, struct config_files *out)
{
    struct listing listing = {.arena = arena};
    char path[PATH_BYTES];

    for (size_t i = 0; i < ARRAY_LEN(single_files); i++)
        *VEC_PUSH(&listing.names) = single_files[i];
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        struct err err = {0};

        listing.folder = folders[i];
        put_path(path, "%s/%s", dir, folders[i]);
        /* a folder that is not there has been reported by whoever needs it */
        (void)fs->list(fs->self, path, keep_name, &listing, &err);
    }
    qsort(listing.names.at, listing.names.len, sizeof(*listing.names.at), compare_texts);
    out->at = ARENA_ARRAY(arena, listing.names.len, const char *);
    out->len = listing.names.len;
    memcpy(out->at, listing.names.at, listing.names.len * sizeof(*out->at));
    VEC_FREE(&listing.names);
}

static bool
read_file(const struct fs *fs, const char *dir, const char *name, struct buf *out, struct err *err)
{
    char path[PATH_BYTES];

    put_path(path, "%s/%s", dir, name);
    buf_init(out, SOURCE_MAX_CSV_BYTES);
    if (fs_read_all(fs, path, out, err))
        return true;
    buf_fini(out);
    return false;
}

void
config_files_hash(
    const struct fs *fs, const char *dir, const struct config_files *files, char out[33])
{
    struct digest digest = digest_of(view_of("wallwatch configuration"));

    out[0] = '\0';
    for (size_t i = 0; i < files->len; i++) {
        struct err err = {0};
        struct buf text;

        if (!read_file(fs, dir, files->at[i], &text, &err))
            return;
        digest = digest_chain(&digest, view_of(files->at[i]));
        digest = digest_chain(&digest, buf_view(&text));
        buf_fini(&text);
    }
    (void)digest_hex(&digest, 16, out);
}

static bool
parse_number(struct view text, uint32_t *out)
{
    uint64_t n = 0;

    if (text.len == 0 || text.len > 9)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    *out = (uint32_t)n;
    return n > 0;
}

static void
keep_highest(void *arg, const char *name)
{
    uint32_t *highest = arg;
    uint32_t n;

    if (parse_number(view_of(name), &n) && n > *highest)
        *highest = n;
}

static void
keep_version(void *arg, const char *name)
{
    struct config_versions *versions = arg;
    uint32_t n;

    if (parse_number(view_of(name), &n))
        *VEC_PUSH(versions) = n;
}

static int
compare_versions(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

bool
config_versions_list(
    const struct fs *fs, const char *state_dir, struct config_versions *out, struct err *err)
{
    char path[PATH_BYTES];

    *out = (struct config_versions){0};
    put_path(path, "%s/config", state_dir);
    if (!fs->list(fs->self, path, keep_version, out, err))
        return false;
    if (out->len > 0)
        qsort(out->at, out->len, sizeof(*out->at), compare_versions);
    return true;
}

void
config_versions_fini(struct config_versions *versions)
{
    VEC_FREE(versions);
}

bool
config_current(const struct fs *fs, const char *state_dir, uint32_t *version, struct err *err)
{
    char path[PATH_BYTES];
    struct buf text;

    put_path(path, "%s/config/current", state_dir);
    buf_init(&text, 64);
    if (!fs_read_all(fs, path, &text, err)) {
        buf_fini(&text);
        return err_wrap(err, "current configuration");
    }
    struct view number = buf_view(&text);

    if (number.len > 0 && number.ptr[number.len - 1] == '\n')
        number.len--;
    const bool good = parse_number(number, version);

    buf_fini(&text);
    return good || err_set(err, ERR_CONFIG, "%s: does not hold the number of a version", path);
}

/* Folders from top to bottom. */
static bool
make_folders(const struct fs *fs, const char *state_dir, uint32_t version, struct err *err)
{
    char path[PATH_BYTES];

    if (!fs->make_dir(fs->self, state_dir, err))
        return false;
    put_path(path, "%s/config", state_dir);
    if (!fs->make_dir(fs->self, path, err) || !fs->sync_dir(fs->self, state_dir, err))
        return false;
    put_path(path, "%s/config/%u", state_dir, version);
    if (!fs->make_dir(fs->self, path, err))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        put_path(path, "%s/config/%u/%s", state_dir, version, folders[i]);
        if (!fs->make_dir(fs->self, path, err))
            return false;
    }
    put_path(path, "%s/config/%u", state_dir, version);
    return fs->sync_dir(fs->self, path, err);
}

static bool
copy_files(const struct fs *fs, const char *from, const char *to, const struct config_files *files,
    struct err *err)
{
    for (size_t i = 0; i < files->len; i++) {
        char path[PATH_BYTES];
        struct buf text;

        if (!read_file(fs, from, files->at[i], &text, err))
            return false;
        put_path(path, "%s/%s", to, files->at[i]);
        const bool good = fs_replace(fs, path, buf_view(&text), err);

        buf_fini(&text);
        if (!good)
            return false;
    }
    return true;
}

/* The folder a version was applied from; owned by arena. */
static bool
read_source(const struct fs *fs, const char *version_dir, struct arena *arena, const char **out,
    struct err *err)
{
    struct buf text;

    if (!read_file(fs, version_dir, "source", &text, err))
        return false;
    struct view source = buf_view(&text);

    if (source.len > 0 && source.ptr[source.len - 1] == '\n')
        source.len--;
    *out = arena_text(arena, source);
    buf_fini(&text);
    return true;
}

/* Is what runs the same files from the same folder? Then there is nothing to apply. */
static bool
is_current(const struct fs *fs, const char *dir, const struct config *config, uint32_t *version)
{
    struct config_files files;
    struct err err = {0};
    const char *source = "";
    char path[PATH_BYTES];
    struct arena arena;
    char hash[33];

    if (!config_current(fs, config->state_dir, version, &err))
        return false;
    put_path(path, "%s/config/%u", config->state_dir, *version);
    arena_init(&arena);
    config_files_list(fs, path, &arena, &files);
    config_files_hash(fs, path, &files, hash);
    const bool same = strcmp(hash, config->hash) == 0 &&
                      read_source(fs, path, &arena, &source, &err) && strcmp(source, dir) == 0;

    arena_fini(&arena);
    return same;
}

static bool
store_version(const struct fs *fs, const char *dir, const struct config *config, uint32_t version,
    struct err *err)
{
    struct config_files files;
    char path[PATH_BYTES];
    struct buf text;
    char hash[33];
    struct arena arena;

    if (!make_folders(fs, config->state_dir, version, err))
        return false;
    put_path(path, "%s/config/%u", config->state_dir, version);
    arena_init(&arena);
    config_files_list(fs, dir, &arena, &files);
    bool good = copy_files(fs, dir, path, &files, err);

    if (good) {
        config_files_hash(fs, path, &files, hash);
        good = strcmp(hash, config->hash) == 0 ||
               err_set(err, ERR_AGAIN,
                   "%s: the files changed while they were being applied\n"
                   "hint: apply again when nobody is writing them.",
                   dir);
    }
    arena_fini(&arena);
    if (!good)
        return false;
    put_path(path, "%s/config/%u/source", config->state_dir, version);
    buf_init(&text, PATH_BYTES);
    buf_printf(&text, "%s\n", dir);
    good = fs_replace(fs, path, buf_view(&text), err);
    buf_fini(&text);
    return good;
}

static bool
name_current(const struct fs *fs, const char *state_dir, uint32_t version, struct err *err)
{
    char path[PATH_BYTES], text[32];

    put_path(path, "%s/config/current", state_dir);
    (void)snprintf(text, sizeof(text), "%u\n", version);
    return fs_replace(fs, path, view_of(text), err) || err_wrap(err, "apply: version %u", version);
}

bool
config_apply(const struct fs *fs, const char *dir, const struct config *config, uint32_t *version,
    struct err *err)
{
    char path[PATH_BYTES];
    struct err ignored = {0};
    uint32_t highest = 0;

    if (is_current(fs, dir, config, version))
        return true;
    put_path(path, "%s/config", config->state_dir);
    /* no folder yet: the first version */
    (void)fs->list(fs->self, path, keep_highest, &highest, &ignored);
    if (!store_version(fs, dir, config, highest + 1, err))
        return err_wrap(err, "apply: version %u", highest + 1);
    if (!name_current(fs, config->state_dir, highest + 1, err))
        return false;
    *version = highest + 1;
    return true;
}

bool
config_load_version(const struct fs *fs, const char *state_dir, uint32_t version,
    struct config **out, struct err *err)
{
    struct problems problems;
    const char *source = NULL;
    char path[PATH_BYTES];
    struct arena arena;
    bool good = false;

    if (version == 0 && !config_current(fs, state_dir, &version, err))
        return false;
    put_path(path, "%s/config/%u", state_dir, version);
    arena_init(&arena);
    if (!read_source(fs, path, &arena, &source, err)) {
        /* GONE would say that nothing was ever applied */
        if (err->kind == ERR_GONE)
            err->kind = ERR_CONFIG;
    } else {
        struct config *config = config_load_from(
            &(struct config_place){.fs = fs, .dir = path, .base = source, .accepted = true}, &arena,
            &problems);

        if (config != NULL) {
            config->version = version;
            *out = config;
            good = true;
        } else {
            const struct problem *first = &problems.at[0];

            (void)err_set(err, ERR_CONFIG, "%s/%s:%d:%d: %s (%zu problems in all)", path,
                first->file, first->line, first->column, first->text.en, problems.len);
        }
    }
    arena_fini(&arena);
    return good || err_wrap(err, "configuration %u", version);
}

bool
config_apply_version(const struct fs *fs, const char *state_dir, uint32_t version, struct err *err)
{
    struct config *config = NULL;

    if (!config_load_version(fs, state_dir, version, &config, err))
        return false;
    config_unref(config);
    return name_current(fs, state_dir, version, err);
}
