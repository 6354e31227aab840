#include "service/configured.h"

#include "base/io/clock_posix.h"
#include "base/io/fs_posix.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

bool
configured_lane(const struct config *config, const char *lane, struct err *err)
{
    char names[128] = "";
    size_t len = 0;

    for (size_t i = 0; i < config->n_lanes; i++) {
        if (strcmp(config->lanes[i].name, lane) == 0)
            return true;
        len += (size_t)snprintf(
            names + len, sizeof(names) - len, "%s'%s'", i > 0 ? ", " : "", config->lanes[i].name);
        if (len >= sizeof(names))
            len = sizeof(names) - 1;
    }
    return err_set(
        err, ERR_CONFIG, "'%s' is not a lane of this configuration, allowed are %s", lane, names);
}

struct wanted {
    const char *config_dir, *state_dir, *lane;
    bool start;
};

static bool
apply_first(
    const struct wanted *wanted, struct config *folder, struct config **out, struct err *err)
{
    uint32_t version;

    if (!config_apply(fs_posix(), wanted->config_dir, folder, &version, err))
        return false;
    (void)fprintf(stderr, "wallwatch: nothing was in force: applied '%s' as version %" PRIu32 "\n",
        wanted->config_dir, version);
    return config_load_version(fs_posix(), folder->state_dir, version, out, err);
}

/* What is put in force must hold for the days to come; what was accepted once always starts. */
static bool
days_pass(const struct wanted *wanted, struct err *err)
{
    struct problems problems = {0};
    struct arena arena;

    arena_init(&arena);
    struct config *config =
        config_load_at(fs_posix(), wanted->config_dir, clock_wall(), &arena, &problems);

    if (config == NULL)
        print_problems(&problems);
    config_unref(config);
    arena_fini(&arena);
    return config != NULL ||
           err_set(err, ERR_CONFIG, "configuration '%s' has errors, see above", wanted->config_dir);
}

/* folder NULL: not read yet; GONE when it would be needed. */
static bool
load(const struct wanted *wanted, struct config *folder, struct config **out, struct err *err)
{
    const char *state_dir = folder != NULL ? folder->state_dir : wanted->state_dir;
    uint32_t version;

    if (config_current(fs_posix(), state_dir, &version, err))
        return config_load_version(fs_posix(), state_dir, version, out, err);
    if (err->kind != ERR_GONE || folder == NULL)
        return false;
    if (wanted->start) {
        return (wanted->lane == NULL || configured_lane(folder, wanted->lane, err)) &&
               days_pass(wanted, err) && apply_first(wanted, folder, out, err);
    }
    *out = config_ref(folder);
    return true;
}

/* With a state folder named, the files are read only if nothing was ever applied: somebody may be
 * in the middle of editing them. */
static bool
find(struct wanted *wanted, struct arena *arena, struct config **out, struct err *err)
{
    struct problems problems = {0};
    struct config *folder;
    bool ok;

    if (wanted->state_dir != NULL) {
        ok = load(wanted, NULL, out, err);
        if (ok || err->kind != ERR_GONE)
            return ok;
    }
    folder = config_load(fs_posix(), wanted->config_dir, arena, &problems);
    if (folder == NULL) {
        print_problems(&problems);
        return err_set(
            err, ERR_CONFIG, "configuration '%s' has errors, see above", wanted->config_dir);
    }
    config_place_state(folder, wanted->state_dir);
    ok = load(wanted, folder, out, err);
    config_unref(folder);
    return ok;
}

static bool
look(struct wanted wanted, struct config **out)
{
    char whole[PATH_MAX], state[PATH_MAX];
    struct arena arena;
    struct err err = {0};
    bool ok;

    /* a version remembers the folder that its relative paths are relative to; a folder that is not
     * there is reported by config_load */
    if (realpath(wanted.config_dir, whole) != NULL)
        wanted.config_dir = whole;
    if (wanted.state_dir != NULL && realpath(wanted.state_dir, state) != NULL)
        wanted.state_dir = state;
    arena_init(&arena);
    ok = find(&wanted, &arena, out, &err);
    if (ok)
        config_place_state(*out, wanted.state_dir);
    else
        (void)fprintf(stderr, "wallwatch: %s\n", err.text);
    arena_fini(&arena);
    return ok;
}

bool
configured_start(
    const char *config_dir, const char *state_dir, const char *lane, struct config **out)
{
    return look((struct wanted){config_dir, state_dir, lane, true}, out);
}

bool
configured_read(const char *config_dir, const char *state_dir, struct config **out)
{
    return look((struct wanted){config_dir, state_dir, NULL, false}, out);
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
