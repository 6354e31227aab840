/* config: the versions that were accepted: which there are, what is in them, how they differ. */
#include "base/io/fs_posix.h"
#include "config/config.h"
#include "config/store.h"
#include "service/commands.h"
#include "service/configured.h"
#include "service/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define FILE_MAX ((size_t)64 << 20)

static bool
load(const char *state_dir, uint32_t version, struct config **out)
{
    struct err err = {0};

    if (config_load_version(fs_posix(), state_dir, version, out, &err))
        return true;
    (void)fprintf(stderr,
        "wallwatch config: %s\nhint: 'wallwatch config list' shows which there are.\n", err.text);
    return false;
}

/* --- list, show ----------------------------------------------------------------------------- */

static void
list_one(const char *state_dir, uint32_t version, uint32_t current)
{
    char path[PATH_BYTES];
    char when[INSTANT_TEXT_BYTES] = "-";
    struct config *config = NULL;
    struct err err = {0};
    struct stat found;

    (void)snprintf(path, sizeof(path), "%s/config/%" PRIu32 "/source", state_dir, version);
    if (stat(path, &found) == 0)
        (void)instant_text((struct instant){(int64_t)found.st_mtime * 1000000}, when);
    if (!config_load_version(fs_posix(), state_dir, version, &config, &err)) {
        (void)printf("%c %6" PRIu32 "  %.19sZ  %s\n", version == current ? '*' : ' ', version, when,
            err.text);
        return;
    }
    (void)printf("%c %6" PRIu32 "  %.19sZ  %.12s  %5zu rules  %6zu devices\n",
        version == current ? '*' : ' ', version, when, config->hash, config->rules.len,
        config->devices.len);
    config_unref(config);
}

static int
list(const char *state_dir)
{
    struct config_versions versions;
    struct err err = {0};
    uint32_t current = 0;

    if (!config_versions_list(fs_posix(), state_dir, &versions, &err) ||
        !config_current(fs_posix(), state_dir, &current, &err)) {
        (void)fprintf(stderr,
            "wallwatch config: %s\nhint: 'wallwatch apply' makes the first version.\n", err.text);
        config_versions_fini(&versions);
        return EXIT_FOUND;
    }
    for (size_t i = 0; i < versions.len; i++)
        list_one(state_dir, versions.at[i], current);
    config_versions_fini(&versions);
    return EXIT_FINE;
}

static int
show_file(const char *dir, const char *name)
{
    char *path = fs_join(dir, name);
    struct err err = {0};
    struct buf text;

    buf_init(&text, FILE_MAX);
    const bool ok = fs_read_all(fs_posix(), path, &text, &err);

    if (ok)
        (void)fwrite(text.ptr, 1, text.len, stdout);
    else
        (void)fprintf(stderr, "wallwatch config: %s\n", err.text);
    buf_fini(&text);
    free(path);
    return ok ? EXIT_FINE : EXIT_FOUND;
}

/* name NULL: what there is. Only names that the version has are looked up. */
static int
show(const char *state_dir, uint32_t version, const char *name)
{
    char dir[PATH_BYTES];
    struct config_files files;
    struct arena arena;
    int code = EXIT_FINE;

    (void)snprintf(dir, sizeof(dir), "%s/config/%" PRIu32, state_dir, version);
    arena_init(&arena);
    config_files_list(fs_posix(), dir, &arena, &files);
    bool found = name == NULL;

    for (size_t i = 0; i < files.len; i++) {
        if (name == NULL) {
            (void)printf("%s\n", files.at[i]);
        } else if (strcmp(name, files.at[i]) == 0) {
            found = true;
            code = show_file(dir, name);
        }
    }
    if (!found) {
        (void)fprintf(stderr,
            "wallwatch config: version %" PRIu32 " has no file '%s'\n"
            "hint: 'wallwatch config show %" PRIu32 "' lists them.\n",
            version, name, version);
        code = EXIT_FOUND;
    }
    arena_fini(&arena);
    return code;
}

/* --- diff ----------------------------------------------------------------------------------- */

/* What it means for what runs: only changed rules are judged anew. */
static void
diff_rules(const struct config *a, const struct config *b)
{
    size_t same = 0;

    for (size_t i = 0; i < b->rules.len; i++) {
        const struct rule *rule = &b->rules.at[i];
        const struct rule *old = rule_find(&a->rules, view_of(rule->id));

        if (old != NULL && old->identity == rule->identity)
            same++;
        else
            (void)printf("rule %-28s %s\n", rule->id,
                old == NULL ? "added" : "changed: judged anew, keeps its open cases");
    }
    for (size_t i = 0; i < a->rules.len; i++) {
        if (rule_find(&b->rules, view_of(a->rules.at[i].id)) == NULL)
            (void)printf("rule %-28s removed: its cases close, red and latched ones stay\n",
                a->rules.at[i].id);
    }
    (void)printf("%zu rules unchanged: their timers run on\n", same);
}

static void
diff_devices(const struct config *a, const struct config *b)
{
    size_t added = 0;
    size_t removed = 0;

    for (size_t i = 0; i < b->devices.len; i++)
        added += device_find(&a->devices, view_of(b->devices.at[i].code)) == NULL;
    for (size_t i = 0; i < a->devices.len; i++)
        removed += device_find(&b->devices, view_of(a->devices.at[i].code)) == NULL;
    (void)printf("devices: %zu added, %zu removed\n\n", added, removed);
}

/* The lines, by diff(1): without a shell, and its words are its own. */
static int
diff_files(const char *state_dir, uint32_t from, uint32_t to)
{
    char paths[2][PATH_BYTES];
    int status = 0;

    (void)snprintf(paths[0], PATH_BYTES, "%s/config/%" PRIu32, state_dir, from);
    (void)snprintf(paths[1], PATH_BYTES, "%s/config/%" PRIu32, state_dir, to);
    (void)fflush(stdout);
    const pid_t child = fork();

    if (child == 0) {
        (void)execlp("diff", "diff", "-ruN", "--", paths[0], paths[1], (char *)NULL);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
        WEXITSTATUS(status) > 1) {
        (void)fprintf(
            stderr, "wallwatch config: diff(1) could not be run\nhint: Install diffutils.\n");
        return EXIT_USAGE;
    }
    return WEXITSTATUS(status) == 0 ? EXIT_FINE : EXIT_FOUND;
}

static int
diff(const char *state_dir, uint32_t from, uint32_t to)
{
    struct config *a = NULL;
    struct config *b = NULL;
    int code = EXIT_USAGE;

    if (load(state_dir, from, &a) && load(state_dir, to, &b)) {
        diff_rules(a, b);
        diff_devices(a, b);
        code = diff_files(state_dir, from, to);
    }
    config_unref(a);
    config_unref(b);
    return code;
}

/* --- the command ---------------------------------------------------------------------------- */

static int
rollback(const char *dir, const char *version)
{
    char words[3][PATH_BYTES] = {"apply"};
    char where[] = "--config";
    char which[] = "--version";

    (void)snprintf(words[1], PATH_BYTES, "%s", dir);
    (void)snprintf(words[2], PATH_BYTES, "%s", version);
    char *argv[] = {words[0], where, words[1], which, words[2], NULL};

    return cmd_apply(5, argv);
}

static bool
version_read(const char *text, uint32_t *out)
{
    int64_t n = 0;

    if (!options_number("config", "version", text, 1, 999999999, &n))
        return false;
    *out = (uint32_t)n;
    return true;
}

static int
act(const char *dir, const char *const *args, int n_args, const struct usage *usage)
{
    struct config *config = NULL;
    uint32_t versions[2] = {0, 0};
    const bool shows = strcmp(args[0], "show") == 0;
    const bool compares = strcmp(args[0], "diff") == 0;
    int code = EXIT_USAGE;

    if (strcmp(args[0], "rollback") == 0 && n_args == 2)
        return rollback(dir, args[1]);
    if ((shows || compares) && n_args >= 2 && !version_read(args[1], &versions[0]))
        return EXIT_USAGE;
    if (compares && n_args == 3 && !version_read(args[2], &versions[1]))
        return EXIT_USAGE;
    if (!configured_read(dir, NULL, &config))
        return EXIT_FOUND;
    if (strcmp(args[0], "list") == 0 && n_args == 1)
        code = list(config->state_dir);
    else if (shows && n_args >= 2)
        code = show(config->state_dir, versions[0], n_args == 3 ? args[2] : NULL);
    else if (compares && n_args == 3)
        code = diff(config->state_dir, versions[0], versions[1]);
    else
        (void)fprintf(stderr, "wallwatch config: wrong words, allowed are %s\n", usage->args);
    config_unref(config);
    return code;
}

int
cmd_config(int argc, char **argv)
{
    const char *dir = CONFIG_DIR_DEFAULT;
    const char *args[3];
    int n_args;
    int code;
    const struct option_row rows[] = {
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")", &dir,
            NULL},
    };
    const struct usage usage = {"config", "list | show N [FILE] | diff A B | rollback N",
        "Shows the accepted versions (* is in force), what is in one, or what differs between two\n"
        "(exit code 1: something does), and puts an older one in force again, as apply would.",
        rows, ARRAY_LEN(rows), 1, 3};

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    return act(dir, args, n_args, &usage);
}
