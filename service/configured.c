#include "service/configured.h"

#include "base/io/fs_posix.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define SECRET_MAX_BYTES 4096

static void
print_problems(const struct problems *problems)
{
    struct buf text;

    buf_init(&text, (size_t)1 << 20);
    for (size_t i = 0; i < problems->len; i++)
        problem_print(&problems->at[i], LANG_EN, &text);
    (void)fprintf(stderr, "%.*s", (int)text.len, text.ptr != NULL ? text.ptr : "");
    buf_fini(&text);
}

static bool
apply_first(const char *config_dir, struct config *config, uint32_t *version, struct err *err)
{
    if (!config_apply(fs_posix(), config_dir, config, version, err))
        return false;
    (void)fprintf(stderr, "wallwatch: nothing was in force: applied '%s' as version %" PRIu32 "\n",
        config_dir, *version);
    return true;
}

static bool
load(const char *config_dir, const char *state_dir, struct config *folder, struct config **out,
    struct err *err)
{
    uint32_t version;

    if (!config_current(fs_posix(), state_dir, &version, err)) {
        if (err->kind != ERR_GONE || folder == NULL)
            return false;
        if (!apply_first(config_dir, folder, &version, err))
            return false;
    }
    return config_load_version(fs_posix(), state_dir, version, out, err);
}

bool
configured_current(const char *config_dir, const char *state_dir, struct config **out)
{
    char whole[PATH_MAX];
    struct config *folder = NULL;
    struct problems problems = {0};
    struct arena arena;
    struct err err = {0};
    bool ok;

    /* a version remembers the folder that its relative paths are relative to; a folder that is not
     * there is reported by config_load */
    if (realpath(config_dir, whole) != NULL)
        config_dir = whole;
    arena_init(&arena);
    /* With a state folder named, the files are read only if nothing was ever applied: somebody may
     * be in the middle of editing them. */
    if (state_dir != NULL) {
        ok = load(config_dir, state_dir, NULL, out, &err);
        if (ok || err.kind != ERR_GONE)
            goto out;
    }
    folder = config_load(fs_posix(), config_dir, &arena, &problems);
    if (folder == NULL) {
        print_problems(&problems);
        (void)err_set(&err, ERR_CONFIG, "configuration '%s' has errors, see above", config_dir);
        ok = false;
        goto out;
    }
    ok = load(config_dir, state_dir != NULL ? state_dir : folder->state_dir, folder, out, &err);
out:
    if (!ok)
        (void)fprintf(stderr, "wallwatch: %s\n", err.text);
    config_unref(folder);
    arena_fini(&arena);
    return ok;
}

bool
configured_secret(const char *file, struct arena *arena, struct view *out, struct err *err)
{
    struct buf text;
    size_t len = 0;
    bool ok;

    buf_init(&text, SECRET_MAX_BYTES);
    ok = fs_read_all(fs_posix(), file, &text, err);
    while (len < text.len && text.ptr[len] != '\n' && text.ptr[len] != '\r')
        len++;
    if (ok && len == 0)
        ok = err_set(err, ERR_CONFIG, "'%s': the secret is empty", file);
    if (ok)
        *out = arena_copy(arena, view_bytes(text.ptr, len));
    buf_fini(&text);
    return ok;
}

bool
configured_key(const char *file, struct arena *arena, struct view *out, struct err *err)
{
    const char *reason = "";
    struct buf text;
    bool ok;

    buf_init(&text, SECRET_MAX_BYTES);
    ok = fs_read_all(fs_posix(), file, &text, err);
    if (ok && !envelope_key(arena, buf_view(&text), out, &reason))
        ok = err_set(err, ERR_CONFIG, "'%s': key: %s", file, reason);
    buf_fini(&text);
    return ok;
}
