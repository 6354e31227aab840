/* device: the register on the command line, and what is known of each device. */
#include "base/io/clock_posix.h"
#include "service/configured.h"
#include "service/device.h"
#include "service/options.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    command_fn *run;
    const char *help;
} verbs[] = {
    {"adopt", device_adopt, "list a device that is heard and not listed"},
    {"coverage", device_coverage, "how many are listed, heard, silent, never heard, by unit"},
    {"import", device_import, "show what a new register changes, then write devices.csv"},
    {"list", device_list, "devices and when they were last heard"},
    {"show", device_show, "all that is known of one device"},
    {"walk-test", device_walk_test, "wait for a device's next test message, stop by stop"},
};

static void
print_usage(FILE *out)
{
    (void)fprintf(out, "usage: wallwatch device VERB [OPTION ...]\n\n");
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        (void)fprintf(out, "  %-10s %s\n", verbs[i].name, verbs[i].help);
    (void)fprintf(out, "\n'wallwatch device VERB --help' tells more. "
                       "Exit codes: 0 fine, 1 found something, 2 wrong use.\n");
}

int
cmd_device(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "--help") == 0) {
        print_usage(stdout);
        return EXIT_FINE;
    }
    for (size_t i = 0; argc >= 2 && i < ARRAY_LEN(verbs); i++) {
        if (strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].run(argc - 1, argv + 1);
    }
    if (argc >= 2)
        (void)fprintf(stderr, "wallwatch device: '%s' is not a verb\n", argv[1]);
    print_usage(stderr);
    return EXIT_USAGE;
}

static bool
unknown(const char *command, const char *option, const char *name, const char *what)
{
    (void)fprintf(
        stderr, "wallwatch %s: --%s: '%s' is not a known %s\n", command, option, name, what);
    return false;
}

bool
device_filter_check(
    const char *command, const struct device_filter *filter, const struct config *config)
{
    if (filter->class_name != NULL &&
        class_find(&config->classes, view_of(filter->class_name)) == NULL)
        return unknown(command, "class", filter->class_name, "class");
    if (filter->compound != NULL && compound_find(&config->grid, view_of(filter->compound)) == NULL)
        return unknown(command, "compound", filter->compound, "compound");
    if (filter->unit != NULL && unit_find(&config->grid, view_of(filter->unit)) == NULL)
        return unknown(command, "unit", filter->unit, "unit");
    return true;
}

static bool
has_tag(const struct device *device, const char *tag)
{
    for (size_t i = 0; i < device->n_tags; i++) {
        if (strcmp(device->tags[i], tag) == 0)
            return true;
    }
    return false;
}

static bool
stands_in(const struct compound *compound, const char *unit)
{
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        if (compound->units[tier] != NULL && strcmp(compound->units[tier]->id, unit) == 0)
            return true;
    }
    return false;
}

bool
device_passes(const struct device_filter *filter, const struct device *device,
    const struct config *config, struct instant now)
{
    return (filter->class_name == NULL || strcmp(device->class->name, filter->class_name) == 0) &&
           (filter->compound == NULL || strcmp(device->compound->id, filter->compound) == 0) &&
           (filter->unit == NULL || stands_in(device->compound, filter->unit)) &&
           (filter->tag == NULL || has_tag(device, filter->tag)) &&
           (filter->age == 0 || day_age(device->installed, now,
                                    zone_offset(&config->grid.calendar.zone, now)) >= filter->age);
}

bool
device_read_age(const char *command, const char *text, int *out)
{
    char digits[16];
    int64_t years;
    const size_t len = strlen(text);

    (void)snprintf(digits, sizeof(digits), "%.*s",
        (int)(len > 0 && text[len - 1] == 'y' ? len - 1 : len), text);
    if (!options_number(command, "age", digits, 1, 200, &years))
        return false;
    *out = (int)years;
    return true;
}

bool
device_open(const char *command, const char *dir, struct device_view *view)
{
    struct err err = {0};

    *view = (struct device_view){0};
    arena_init(&view->arena);
    if (!configured_read(dir, NULL, &view->config))
        return false;
    if (devices_connect(view->config, &view->pg, &err) &&
        devices_heard(view->pg, &view->arena, &view->heard, &err))
        return true;
    (void)fprintf(stderr, "wallwatch %s: %s\n", command, err.text);
    return false;
}

void
device_close(struct device_view *view)
{
    heard_fini(&view->heard);
    PQfinish(view->pg);
    config_unref(view->config);
    arena_fini(&view->arena);
}
