#include "service/report_config.h"

#include <stdlib.h>
#include <string.h>

bool
report_config_lang(const char *command, const char *name, enum lang *out)
{
    const char *locale = getenv("LANG"); /* NOLINT(concurrency-mt-unsafe): before any thread */

    if (name == NULL) {
        *out = locale != NULL && strncmp(locale, "zh", 2) == 0 ? LANG_ZH : LANG_EN;
        return true;
    }
    if (strcmp(name, "zh") == 0 || strcmp(name, "en") == 0) {
        *out = strcmp(name, "zh") == 0 ? LANG_ZH : LANG_EN;
        return true;
    }
    (void)fprintf(stderr, "wallwatch %s: --lang: '%s' is not a language, allowed are zh, en\n",
        command, name);
    return false;
}

static void
print_found(FILE *to, const struct config *config, enum lang lang)
{
    (void)fprintf(to,
        lang == LANG_ZH ? "%zu 个通道, %zu 个小区, %zu 台设备, %zu 条规则: "
                        : "%zu lanes, %zu compounds, %zu devices, %zu rules: ",
        config->n_lanes, config->grid.n_compounds, config->devices.len, config->rules.len);
}

void
report_config(
    FILE *to, const struct config *config, const struct problems *problems, enum lang lang)
{
    const size_t warnings =
        problems->len - (problems->errors < problems->len ? problems->errors : problems->len);
    struct buf text;

    for (size_t i = 0; i < problems->len; i++) {
        buf_init(&text, (size_t)1 << 16);
        problem_print(&problems->at[i], lang, &text);
        (void)fprintf(to, "%.*s", VIEW_ARG(buf_view(&text)));
        buf_fini(&text);
    }
    if (config != NULL)
        print_found(to, config, lang);
    if (problems->errors == 0 && warnings == 0)
        (void)fprintf(to, lang == LANG_ZH ? "没有问题\n" : "no problems\n");
    else if (lang == LANG_ZH)
        (void)fprintf(to, "%zu 个错误, %zu 个警告\n", problems->errors, warnings);
    else
        (void)fprintf(to, "%zu error%s, %zu warning%s\n", problems->errors,
            problems->errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
}
