/* whatif: who would be told of a fault, when and how, if nobody acts. */
#include "base/io/clock_posix.h"
#include "service/commands.h"
#include "service/configured.h"
#include "service/options.h"
#include "service/report_config.h"
#include "service/whatif.h"

#include <stdio.h>

struct texts {
    const char *dir, *device, *rule, *at, *span;
    bool json, unreachable;
};

static bool
wrong(const char *name, const char *value, const char *allowed)
{
    (void)fprintf(stderr, "wallwatch whatif: --%s: '%s' is not %s\n", name,
        value == NULL ? "" : value, allowed);
    return false;
}

static bool
read_ask(const struct texts *texts, const struct config *config, struct whatif_ask *ask)
{
    *ask = (struct whatif_ask){.config = config, .unreachable = texts->unreachable};
    if (texts->device == NULL ||
        (ask->device = device_find(&config->devices, view_of(texts->device))) == NULL)
        return wrong("device", texts->device, "a device of this configuration");
    if (texts->rule == NULL ||
        (ask->rule = rule_find(&config->rules, view_of(texts->rule))) == NULL)
        return wrong("rule", texts->rule, "a rule of this configuration");
    ask->at = clock_wall();
    if (texts->at != NULL &&
        !whatif_time(&config->grid.calendar.zone, view_of(texts->at), ask->at, &ask->at))
        return wrong("at", texts->at,
            "a time, allowed are 'Sat 02:10', 2026-10-01T02:10 (local) and 2026-10-01T02:10:00Z");
    if (!span_parse(view_of(texts->span), &ask->span))
        return wrong("span", texts->span, "a length of time, allowed are texts like 24h");
    return true;
}

static int
show(const struct whatif_ask *ask, bool json, enum lang lang)
{
    struct whatif whatif;
    struct err err = {0};
    struct buf out;

    if (!whatif_run(ask, &whatif, &err)) {
        (void)fprintf(stderr, "wallwatch whatif: %s\n", err.text);
        return EXIT_USAGE;
    }
    buf_init(&out, (size_t)16 << 20);
    if (json)
        whatif_json(ask, &whatif, &out);
    else
        whatif_text(ask, &whatif, lang, &out);
    (void)printf("%.*s%s", VIEW_ARG(buf_view(&out)), json ? "\n" : "");
    buf_fini(&out);
    whatif_fini(&whatif);
    return EXIT_FINE;
}

int
cmd_whatif(int argc, char **argv)
{
    struct texts texts = {.dir = CONFIG_DIR_DEFAULT, .span = "24h"};
    const char *lang_name = NULL, *state_dir = NULL;
    struct whatif_ask ask;
    struct config *config = NULL;
    int n_args, code;
    enum lang lang;
    const struct option_row rows[] = {
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")",
            &texts.dir, NULL},
        {"state", "DIR", "folder of state, if not as site.yaml says", &state_dir, NULL},
        {"device", "CODE", "the device with the fault", &texts.device, NULL},
        {"rule", "ID", "the rule that becomes true", &texts.rule, NULL},
        {"at", "TIME", "'Sat 02:10' (the next), 2026-10-01T02:10 (local) (default: now)", &texts.at,
            NULL},
        {"span", "SPAN", "how long nobody acts (default 24h)", &texts.span, NULL},
        {"unreachable", NULL, "nothing arrives either", NULL, &texts.unreachable},
        {"lang", "LANG", "language, zh or en (default: en, zh if LANG says so)", &lang_name, NULL},
        {"json", NULL, "print the timeline as JSON", NULL, &texts.json},
    };
    const struct usage usage = {"whatif", "",
        "Shows who would be told of a fault, when and over which channel, if nobody acts: the\n"
        "version in force (or the folder, if nothing was applied) and the engine of a lane, with\n"
        "time taken forward. Nothing is sent.",
        rows, ARRAY_LEN(rows), 0, 0};

    if (!options_read(&usage, argc, argv, NULL, &n_args, &code))
        return code;
    if (!report_config_lang("whatif", lang_name, &lang))
        return EXIT_USAGE;
    if (!configured_read(texts.dir, state_dir, &config))
        return EXIT_FOUND;
    code = read_ask(&texts, config, &ask) ? show(&ask, texts.json, lang) : EXIT_USAGE;
    config_unref(config);
    return code;
}
