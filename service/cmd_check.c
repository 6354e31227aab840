/* check: reads a configuration folder and says all that is wrong with it. */
#include "base/io/clock_posix.h"
#include "base/io/fs_posix.h"
#include "config/config.h"
#include "service/commands.h"
#include "service/configured.h"
#include "service/options.h"
#include "service/report_config.h"

#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

/* Into DIR/NAME.schema.json, in lines, so that a difference can be read. */
static bool
write_schema(const char *dir, const char *name, struct view text, struct err *err)
{
    cJSON *root = cJSON_ParseWithLength(text.ptr, text.len);
    char *lines = cJSON_Print(root), path[4096];
    struct buf out;

    CHECK(lines != NULL); /* our own */
    buf_init(&out, (size_t)16 << 20);
    buf_printf(&out, "%s\n", lines);
    (void)snprintf(path, sizeof(path), "%s/%s.schema.json", dir, name);
    const bool ok = fs_replace(fs_posix(), path, buf_view(&out), err);

    if (ok)
        (void)printf("%s\n", path);
    buf_fini(&out);
    free(lines);
    cJSON_Delete(root);
    return ok;
}

static int
write_schemas(const char *dir)
{
    struct err err = {0};
    bool more = fs_posix()->make_dir(fs_posix()->self, dir, &err);

    for (size_t i = 0; more; i++) {
        struct buf text;

        buf_init(&text, (size_t)16 << 20);
        const char *name = config_json_schema(i, &text);

        more = name != NULL && write_schema(dir, name, buf_view(&text), &err);
        buf_fini(&text);
    }
    if (err.text[0] == '\0')
        return EXIT_FINE;
    (void)fprintf(stderr, "wallwatch check: %s\n", err.text);
    return EXIT_FOUND;
}

int
cmd_check(int argc, char **argv)
{
    const char *lang_name = NULL, *dir = CONFIG_DIR_DEFAULT, *at = NULL, *schemas = NULL;
    struct instant now = clock_wall();
    const char *args[1];
    bool json = false;
    int n_args, code;
    enum lang lang;
    const struct option_row rows[] = {
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")", &dir,
            NULL},
        {"lang", "LANG", "language of the messages, zh or en (default: en, zh if LANG says so)",
            &lang_name, NULL},
        {"at", "TIME", "prove the rosters from then on, 2026-12-01T00:00:00Z (default: now)", &at,
            NULL},
        {"json", NULL, "print the problems as JSON, in both languages", NULL, &json},
        {"schema", "DIR", "only write JSON Schemas of the files there, for editors", &schemas,
            NULL},
    };
    const struct usage usage = {"check", "[DIR]",
        "Reads every file of a configuration and prints all problems with their places. Exit code "
        "1\n"
        "if there is an error; warnings alone are 0.",
        rows, ARRAY_LEN(rows), 0, 1};

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    if (schemas != NULL)
        return write_schemas(schemas);
    if (!report_config_lang("check", lang_name, &lang))
        return EXIT_USAGE;
    if (at != NULL && !instant_parse(view_of(at), &now)) {
        (void)fprintf(stderr,
            "wallwatch check: --at: '%s' is not a time, allowed are times like "
            "2026-12-01T00:00:00Z\n",
            at);
        return EXIT_USAGE;
    }
    if (n_args == 1)
        dir = args[0];
    struct problems problems;
    struct arena arena;

    arena_init(&arena);
    struct config *config = config_load_at(fs_posix(), dir, now, &arena, &problems);

    if (json) {
        struct buf text;

        buf_init(&text, (size_t)16 << 20);
        problems_json(&problems, &text);
        (void)printf("%.*s\n", VIEW_ARG(buf_view(&text)));
        buf_fini(&text);
    } else {
        report_config(stdout, config, &problems, lang);
    }
    code = config != NULL ? EXIT_FINE : EXIT_FOUND;
    config_unref(config);
    arena_fini(&arena);
    return code;
}
