/*
 * migrate: brings the database to this program's schema and to the classes of a folder.
 *
 * Class tables come from the folder, so that a field can be added before the version that has it
 * is applied; grid and devices from the version in force, because rows carry that one.
 */
#include "base/io/fs_posix.h"
#include "config/config.h"
#include "service/commands.h"
#include "service/configured.h"
#include "service/migrate_pg.h"
#include "service/options.h"
#include "service/report_config.h"

#include <stdio.h>

#define REPORT_MAX ((size_t)4 << 20)

static int
migrate(struct config *folder, const char *database, const char *driver, bool check)
{
    struct config *current = NULL;
    struct err err = {0};
    struct buf report;

    if (!config_load_version(fs_posix(), folder->state_dir, 0, &current, &err)) {
        if (err.kind != ERR_GONE) {
            (void)fprintf(stderr, "wallwatch migrate: %s\n", err.text);
            return EXIT_FOUND;
        }
        current = config_ref(folder); /* nothing was ever applied: copied as version 0 */
    }
    const struct migrate_options opt = {
        .conninfo = database != NULL ? database : folder->database,
        .password_file = database != NULL ? NULL : folder->database_password_file,
        .classes = folder->classes,
        .grid = &current->grid,
        .devices = &current->devices,
        .config_version = current->version,
        .config_hash = current->hash,
        .driver = driver,
        .check = check,
    };

    buf_init(&report, REPORT_MAX);
    const bool ok = migrate_run(&opt, &report, &err);

    if (report.len > 0)
        (void)printf("%s%.*s", check ? "would do:\n" : "", VIEW_ARG(buf_view(&report)));
    if (ok)
        (void)printf(check ? "nothing was changed\n" : "the database fits this program\n");
    else
        (void)fprintf(stderr, "wallwatch migrate: %s\n", err.text);
    buf_fini(&report);
    config_unref(current);
    return ok ? EXIT_FINE : EXIT_FOUND;
}

int
cmd_migrate(int argc, char **argv)
{
    const char *dir = CONFIG_DIR_DEFAULT;
    const char *database = NULL;
    const char *driver = NULL;
    const char *args[1];
    struct problems problems;
    struct arena arena;
    bool check = false;
    int n_args;
    int code;
    const struct option_row rows[] = {
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")", &dir,
            NULL},
        {"database", "CONNINFO", "connect as this says, instead of site.yaml: as the owner",
            &database, NULL},
        {"driver", "NAME", "plain or timescale; only the first time (default: what the server has)",
            &driver, NULL},
        {"check", NULL, "say what would be done, and do nothing", NULL, &check},
    };
    const struct usage usage = {"migrate", "",
        "Brings the database to this program's schema, makes or widens the tables of the classes,\n"
        "and copies grid and devices. The first time the user must be a superuser, or have\n"
        "CREATEROLE and own the database; later a member of wallwatch_owner is enough. A password\n"
        "comes from site.yaml's file, or from PGPASSFILE.",
        rows, ARRAY_LEN(rows), 0, 0};

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    arena_init(&arena);
    struct config *config = config_load(fs_posix(), dir, &arena, &problems);

    code = EXIT_FOUND;
    if (config == NULL) {
        report_config(stderr, config, &problems, LANG_EN);
    } else if (config->database == NULL && database == NULL) {
        (void)fprintf(stderr, "wallwatch migrate: site.yaml names no database\n"
                              "hint: Write 'database: {conninfo: ...}' into it.\n");
    } else {
        code = migrate(config, database, driver, check);
    }
    config_unref(config);
    arena_fini(&arena);
    return code;
}
