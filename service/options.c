#include "service/options.h"

#include "service/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
print_help(const struct usage *usage, FILE *out)
{
    (void)fprintf(out, "usage: wallwatch %s%s%s%s\n\n%s\n", usage->command,
        usage->args[0] != '\0' ? " " : "", usage->args, usage->n_rows > 0 ? " [OPTION ...]" : "",
        usage->about);
    if (usage->n_rows > 0)
        (void)fprintf(out, "\n");
    for (size_t i = 0; i < usage->n_rows; i++) {
        const struct option_row *row = &usage->rows[i];
        char left[64];

        (void)snprintf(left, sizeof(left), "--%s%s%s", row->name, row->value != NULL ? " " : "",
            row->value != NULL ? row->value : "");
        (void)fprintf(out, "  %-22s %s\n", left, row->help);
    }
    (void)fprintf(out, "\nExit codes: 0 fine, 1 found something, 2 wrong use.\n");
}

static bool
wrong(const struct usage *usage, int *code)
{
    (void)fprintf(stderr, "hint: 'wallwatch %s --help' lists what is allowed\n", usage->command);
    *code = EXIT_USAGE;
    return false;
}

static const struct option_row *
find_row(const struct usage *usage, const char *word, size_t len)
{
    for (size_t i = 0; i < usage->n_rows; i++) {
        const char *name = usage->rows[i].name;

        if (strlen(name) == len && memcmp(name, word, len) == 0)
            return &usage->rows[i];
    }
    return NULL;
}

/* One option at argv[*at]; moves *at over its value. */
static bool
take_option(const struct usage *usage, int argc, char **argv, int *at, int *code)
{
    const char *word = argv[*at] + 2;
    const char *equals = strchr(word, '=');
    const size_t len = equals != NULL ? (size_t)(equals - word) : strlen(word);
    const struct option_row *row = find_row(usage, word, len);

    if (row == NULL) {
        (void)fprintf(
            stderr, "wallwatch %s: '--%.*s' is not an option\n", usage->command, (int)len, word);
        return wrong(usage, code);
    }
    if (row->value == NULL) {
        if (equals != NULL) {
            (void)fprintf(stderr, "wallwatch %s: --%s takes no value\n", usage->command, row->name);
            return wrong(usage, code);
        }
        *row->on = true;
        return true;
    }
    if (equals == NULL && *at + 1 >= argc) {
        (void)fprintf(stderr, "wallwatch %s: --%s: a value (%s) must follow\n", usage->command,
            row->name, row->value);
        return wrong(usage, code);
    }
    if (row->on != NULL)
        *row->on = true;
    *row->text = equals != NULL ? equals + 1 : argv[++*at];
    return true;
}

bool
options_read(
    const struct usage *usage, int argc, char **argv, const char **args, int *n_args, int *code)
{
    bool only_args = false;

    *n_args = 0;
    for (int i = 1; i < argc; i++) {
        if (!only_args && strcmp(argv[i], "--") == 0) {
            only_args = true;
        } else if (!only_args && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
            print_help(usage, stdout);
            *code = EXIT_FINE;
            return false;
        } else if (!only_args && strncmp(argv[i], "--", 2) == 0) {
            if (!take_option(usage, argc, argv, &i, code))
                return false;
        } else if (*n_args == usage->max_args) {
            (void)fprintf(
                stderr, "wallwatch %s: '%s' is one word too many\n", usage->command, argv[i]);
            return wrong(usage, code);
        } else {
            args[(*n_args)++] = argv[i];
        }
    }
    if (*n_args < usage->min_args) {
        (void)fprintf(stderr, "wallwatch %s: %s is missing\n", usage->command, usage->args);
        return wrong(usage, code);
    }
    return true;
}

bool
options_number(
    const char *command, const char *name, const char *text, int64_t min, int64_t max, int64_t *out)
{
    char *end = NULL;

    errno = 0;
    const long long n = strtoll(text, &end, 10);

    if (end == text || *end != '\0' || errno != 0 || n < min || n > max) {
        (void)fprintf(stderr,
            "wallwatch %s: --%s: '%s' is not a number that is allowed here, allowed are %" PRId64
            " to %" PRId64 "\n",
            command, name, text, min, max);
        return false;
    }
    *out = n;
    return true;
}
