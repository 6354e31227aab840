/*
 * Apply with the n-th file operation failing, for every n until none fails: what was in force
 * before stays in force, or the new version is; there is never a third thing.
 */
#include "base/io/fs_posix.h"
#include "config/config.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct fs faulty;
static int until_fault; /* operations that still work; < 0: all work */

static bool
fails(struct err *err)
{
    if (until_fault < 0 || until_fault-- > 0)
        return false;
    until_fault = 0; /* a broken disk stays broken */
    (void)err_set(err, ERR_IO, "planted");
    return true;
}

static bool
faulty_open(void *self, const char *path, enum fs_mode mode, struct fs_file **out, struct err *err)
{
    if (mode != FS_READ && fails(err))
        return false;
    return fs_posix()->open(self, path, mode, out, err);
}

static bool
faulty_write(void *self, struct fs_file *file, uint64_t at, struct view bytes, struct err *err)
{
    if (fails(err)) {
        struct err ignored = {0};

        /* a torn write */
        (void)fs_posix()->write(self, file, at, (struct view){bytes.ptr, bytes.len / 2}, &ignored);
        return false;
    }
    return fs_posix()->write(self, file, at, bytes, err);
}

static bool
faulty_sync(void *self, struct fs_file *file, struct err *err)
{
    return !fails(err) && fs_posix()->sync(self, file, err);
}

static bool
faulty_rename(void *self, const char *from, const char *to, struct err *err)
{
    return !fails(err) && fs_posix()->rename(self, from, to, err);
}

static bool
faulty_make_dir(void *self, const char *path, struct err *err)
{
    return !fails(err) && fs_posix()->make_dir(self, path, err);
}

static bool
faulty_sync_dir(void *self, const char *path, struct err *err)
{
    return !fails(err) && fs_posix()->sync_dir(self, path, err);
}

static void
put(const char *dir, const char *name, const char *text)
{
    struct err err = {0};
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_true(fs_replace(fs_posix(), path, view_of(text), &err));
}

/* A copy of the small configuration of the golden tests, its state folder inside it. */
static void
copy_base(const char *dir)
{
    char command[1024];

    (void)snprintf(
        command, sizeof(command), "cp -r %s/tests/golden/config/base/. %s", SOURCE_ROOT, dir);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
}

static struct config *
load(const char *dir, struct arena *arena)
{
    struct problems problems;
    struct config *config = config_load(fs_posix(), dir, arena, &problems);

    assert_non_null(config);
    return config;
}

static uint32_t
in_force(const char *dir, const char *hash)
{
    struct config *config = NULL;
    struct err err = {0};
    char state[512];

    (void)snprintf(state, sizeof(state), "%s/state", dir);
    if (!config_load_version(fs_posix(), state, 0, &config, &err)) {
        assert_int_equal(err.kind, ERR_GONE);
        return 0;
    }
    if (hash != NULL)
        assert_string_equal(config->hash, hash);
    const uint32_t version = config->version;

    /* what was relative in the folder is still relative to it */
    assert_string_equal(config->state_dir, state);
    config_unref(config);
    return version;
}

/* One apply whose operation n fails; true when none failed any more. */
static bool
apply_with_fault(const char *dir, int n, int *faults)
{
    uint32_t version = 0;
    struct err err = {0};
    struct arena arena;

    arena_init(&arena);
    struct config *config = load(dir, &arena);
    const uint32_t before = in_force(dir, NULL);

    until_fault = n;
    const bool done = config_apply(&faulty, dir, config, &version, &err);
    const bool planted = until_fault == 0;

    until_fault = -1;
    const uint32_t now = in_force(dir, NULL);

    if (done) {
        assert_int_equal(now, version);
        (void)in_force(dir, config->hash);
    } else {
        assert_true(planted);
        /* a failure after the last rename is reported although the new one counts */
        if (now != before)
            (void)in_force(dir, config->hash);
        ++*faults;
    }
    config_unref(config);
    arena_fini(&arena);
    return done;
}

static void
apply_is_all_or_nothing_whichever_operation_fails(void **state)
{
    char dir[] = "/tmp/wallwatch-apply-XXXXXX";
    char command[64];
    int faults = 0;

    (void)state;
    assert_non_null(mkdtemp(dir));
    copy_base(dir);
    /* the first version, and a later one */
    for (int round = 0; round < 2; round++) {
        put(dir, "rules/extra.yaml", round == 0 ? "[]\n" : "[] # again\n");
        for (int n = 0; !apply_with_fault(dir, n, &faults); n++)
            assert_true(n < 1000);
    }
    assert_true(faults > 60);
    /* the same files once more are nothing new */
    const uint32_t version = in_force(dir, NULL);

    assert_true(apply_with_fault(dir, -1, &faults));
    assert_int_equal(in_force(dir, NULL), version);
    (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(apply_is_all_or_nothing_whichever_operation_fails),
    };

    faulty = *fs_posix();
    faulty.open = faulty_open;
    faulty.write = faulty_write;
    faulty.sync = faulty_sync;
    faulty.rename = faulty_rename;
    faulty.make_dir = faulty_make_dir;
    faulty.sync_dir = faulty_sync_dir;
    until_fault = -1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
