/* test: what operators wrote down as examples and scenarios holds for the configuration. */
#include "base/io/fs_posix.h"
#include "config/examples.h"
#include "service/commands.h"
#include "service/configured.h"
#include "service/options.h"
#include "service/report_config.h"
#include "service/test_scenarios.h"

#include <stdio.h>

/* One line a difference: where it was expected, what was expected, what came. */
static void
print_lines(const struct problems *problems, enum lang lang, const char *what)
{
    for (size_t i = 0; i < problems->len; i++) {
        const struct problem *problem = &problems->at[i];

        (void)printf("%s:%d: %s%s%s\n", problem->file, problem->line, what,
            what[0] != '\0' ? ": " : "", lang == LANG_ZH ? problem->text.zh : problem->text.en);
    }
}

static bool
has_example(const struct examples *examples, const struct profile *profile)
{
    for (size_t i = 0; i < examples->len; i++) {
        if (examples->at[i].profile == profile)
            return true;
    }
    return false;
}

static void
print_bare(const struct config *config, const struct examples *examples, enum lang lang)
{
    size_t n = 0;

    for (size_t i = 0; i < config->classes.len; i++) {
        const struct class *class = &config->classes.at[i];

        for (size_t j = 0; j < class->n_profiles; j++) {
            if (has_example(examples, class->profiles[j]))
                continue;
            if (n++ == 0)
                (void)printf("%s", lang == LANG_ZH ? "没有示例的厂商方案:" : "without an example:");
            (void)printf(" %s/%s", class->name, class->profiles[j]->name);
        }
    }
    if (n > 0)
        (void)printf("\n");
}

/* False if anything failed. */
static bool
test_examples(const char *dir, const struct config *config, struct arena *arena, enum lang lang)
{
    struct examples examples;
    struct problems problems;
    size_t failed = 0;

    if (!examples_load(fs_posix(), dir, config, arena, &examples, &problems)) {
        report_config(stdout, NULL, &problems, lang);
        return false;
    }
    for (size_t i = 0; i < examples.len; i++) {
        example_run(config, &examples.at[i], arena, &problems);
        print_lines(&problems, lang, examples.at[i].name);
        failed += problems.len > 0;
    }
    print_bare(config, &examples, lang);
    (void)printf(lang == LANG_ZH ? "%zu 个示例, %zu 个失败\n" : "%zu examples, %zu failed\n",
        examples.len, failed);
    return failed == 0;
}

int
cmd_test(int argc, char **argv)
{
    const char *lang_name = NULL, *dir = CONFIG_DIR_DEFAULT;
    int n_args, code;
    enum lang lang;
    const struct option_row rows[] = {
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")", &dir,
            NULL},
        {"lang", "LANG", "language of the messages, zh or en (default: en, zh if LANG says so)",
            &lang_name, NULL},
    };
    const struct usage usage = {"test", "",
        "Runs every example of classes/examples: a message goes through its profile, and what\n"
        "comes must be what the example expects, no more and no less. Then every scenario of\n"
        "tests/*.scn: readings and commands at their times, and what is expected of alerts\n"
        "(docs/rules.md). One line for each difference, and which profiles and rules are never\n"
        "tried. Exit code 1 if there is a difference, or if the configuration has errors.",
        rows, ARRAY_LEN(rows), 0, 0};

    if (!options_read(&usage, argc, argv, NULL, &n_args, &code))
        return code;
    if (!report_config_lang("test", lang_name, &lang))
        return EXIT_USAGE;
    struct problems problems;
    struct arena arena;

    arena_init(&arena);
    struct config *config = config_load(fs_posix(), dir, &arena, &problems);

    if (config == NULL) {
        report_config(stdout, NULL, &problems, lang);
        code = EXIT_FOUND;
    } else {
        const bool examples = test_examples(dir, config, &arena, lang);

        code = test_scenarios(dir, config, lang) && examples ? EXIT_FINE : EXIT_FOUND;
    }
    config_unref(config);
    arena_fini(&arena);
    return code;
}
