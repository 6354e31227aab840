/* apply: checks a folder and, if it passes, makes it the configuration in force. */
#include "base/io/clock_posix.h"
#include "base/io/fs_posix.h"
#include "config/config.h"
#include "service/commands.h"
#include "service/configured.h"
#include "service/options.h"
#include "service/report_config.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define PATH_BYTES 4096

struct told { /* processes that were asked to read it */
    const char *run_dir;
    int count;
};

/* A pid file may outlive its process, and the number may be somebody else's by now. */
static bool
is_ours(long pid)
{
    char path[64];
    struct err err = {0};
    struct buf name;

    (void)snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
    buf_init(&name, 64);
    const bool ours =
        fs_read_all(fs_posix(), path, &name, &err) && view_is(buf_view(&name), "wallwatch\n");

    buf_fini(&name);
    return ours;
}

static void
tell_process(void *arg, const char *name)
{
    struct told *told = arg;
    const size_t len = strlen(name);
    char path[PATH_BYTES];
    struct err err = {0};
    struct buf text;

    if (len <= 4 || strcmp(name + len - 4, ".pid") != 0)
        return;
    (void)snprintf(path, sizeof(path), "%s/%s", told->run_dir, name);
    buf_init(&text, 32);
    if (fs_read_all(fs_posix(), path, &text, &err)) {
        buf_char(&text, '\0');
        const long pid = strtol(text.ptr, NULL, 10);

        if (pid > 1 && is_ours(pid) && kill((pid_t)pid, SIGHUP) == 0)
            told->count++;
    }
    buf_fini(&text);
}

/* SIGHUP to all that run, and a line that says so. */
static int
announce(const struct config *config, uint32_t before, uint32_t version, enum lang lang)
{
    char run_dir[PATH_BYTES];
    struct told told = {run_dir, 0};
    struct err err = {0};

    (void)snprintf(run_dir, sizeof(run_dir), "%s/run", config->state_dir);
    /* without the folder nothing runs yet */
    (void)fs_posix()->list(fs_posix()->self, run_dir, tell_process, &told, &err);
    (void)printf(lang == LANG_ZH ? "版本 %" PRIu32 " %s, 已通知 %d 个进程\n"
                                 : "version %" PRIu32 " %s, %d processes told\n",
        version,
        version == before ? (lang == LANG_ZH ? "已在使用" : "is in force already")
                          : (lang == LANG_ZH ? "已生效" : "is in force"),
        told.count);
    return EXIT_FINE;
}

/* again 0: the folder's files become a new version; else that version is in force again, and of the
 * folder only the place of its state counts. */
static int
apply(const char *dir, uint32_t again, enum lang lang)
{
    struct problems problems;
    struct arena arena;
    struct err err = {0};
    uint32_t before = 0, version = again;
    int code = EXIT_FOUND;

    arena_init(&arena);
    struct config *config = config_load_at(
        fs_posix(), dir, again == 0 ? clock_wall() : (struct instant){0}, &arena, &problems);

    if (again == 0 || config == NULL)
        report_config(config != NULL ? stdout : stderr, config, &problems, lang);
    if (config != NULL) {
        if (!config_current(fs_posix(), config->state_dir, &before, &err))
            before = 0;
        if (again > 0 ? config_apply_version(fs_posix(), config->state_dir, again, &err)
                      : config_apply(fs_posix(), dir, config, &version, &err))
            code = announce(config, before, version, lang);
        else
            (void)fprintf(stderr, "wallwatch apply: %s\n", err.text);
    }
    config_unref(config);
    arena_fini(&arena);
    return code;
}

int
cmd_apply(int argc, char **argv)
{
    const char *lang_name = NULL, *dir = CONFIG_DIR_DEFAULT, *again = NULL;
    int64_t version = 0;
    const char *args[1];
    char whole[PATH_BYTES];
    int n_args, code;
    enum lang lang;
    const struct option_row rows[] = {
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")", &dir,
            NULL},
        {"lang", "LANG", "language of the messages, zh or en (default: en, zh if LANG says so)",
            &lang_name, NULL},
        {"version", "N", "go back to version N, which was in force before", &again, NULL},
    };
    const struct usage usage = {"apply", "[DIR]",
        "Checks the files and, if there is no error, stores them as a new version in the state\n"
        "folder, makes it current and tells the running processes (SIGHUP).",
        rows, ARRAY_LEN(rows), 0, 1};

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    if (!report_config_lang("apply", lang_name, &lang))
        return EXIT_USAGE;
    if (again != NULL && !options_number("apply", "version", again, 1, 999999999, &version))
        return EXIT_USAGE;
    if (n_args == 1)
        dir = args[0];
    /* a version remembers the folder that its relative paths are relative to */
    if (realpath(dir, whole) == NULL) {
        (void)fprintf(stderr, "wallwatch apply: '%s' is not a folder that can be read\n", dir);
        return EXIT_FOUND;
    }
    return apply(whole, (uint32_t)version, lang);
}
