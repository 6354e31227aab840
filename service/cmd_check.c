/* check: reads a configuration folder and says all that is wrong with it. */
#include "base/io/clock_posix.h"
#include "base/io/fs_posix.h"
#include "config/config.h"
#include "service/commands.h"
#include "service/configured.h"
#include "service/options.h"
#include "service/report_config.h"

#include <stdio.h>

int
cmd_check(int argc, char **argv)
{
    const char *lang_name = NULL, *dir = CONFIG_DIR_DEFAULT, *at = NULL;
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
    };
    const struct usage usage = {"check", "[DIR]",
        "Reads every file of a configuration and prints all problems with their places. Exit code "
        "1\n"
        "if there is an error; warnings alone are 0.",
        rows, ARRAY_LEN(rows), 0, 1};

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
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
