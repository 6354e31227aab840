/* device list: who is listed, who is heard, and who is heard without being listed. */
#include "service/device.h"

#include "base/io/clock_posix.h"
#include "base/json.h"
#include "service/configured.h"
#include "service/options.h"
#include "service/report_config.h"

#include <stdio.h>
#include <string.h>

#define LINE_BYTES 65536

struct listing {
    const struct device_view *view;
    struct device_filter filter;
    int state; /* of enum device_state; -1: all that are listed */
    bool json;
    enum lang lang;
    struct buf line;
    size_t n;
};

static const char *
when(struct instant at, char out[INSTANT_TEXT_BYTES])
{
    if (at.us == 0)
        return "-";
    (void)instant_text(at, out);
    memcpy(out + 19, "Z", 2); /* to the second */
    return out;
}

static void
put_instant(struct json_writer *json, const char *key, struct instant at)
{
    if (at.us == 0)
        json_null(json, key);
    else
        json_instant(json, key, at);
}

static void
print_line(struct listing *listing)
{
    (void)printf("%.*s\n", VIEW_ARG(buf_view(&listing->line)));
    listing->n++;
}

static void
put_listed(struct listing *listing, const struct device *device, const struct heard *heard,
    enum device_state state)
{
    char at[INSTANT_TEXT_BYTES], day[DAY_TEXT_BYTES];
    struct json_writer json;

    buf_reset(&listing->line);
    if (!listing->json) {
        buf_printf(&listing->line, "%-20s %-12s %-10s %-9s %-20s %-10s %s %s", device->code,
            device->class->name, device->compound->id,
            words_in(&device_state_titles[state], listing->lang),
            when(heard != NULL ? heard->at : (struct instant){0}, at),
            device->installed.year == 0 ? "-" : day_text(device->installed, day), device->building,
            device->name);
        print_line(listing);
        return;
    }
    json_begin(&json, &listing->line);
    json_object(&json, NULL);
    json_text(&json, "building", device->building);
    json_text(&json, "class", device->class->name);
    json_text(&json, "code", device->code);
    json_text(&json, "compound", device->compound->id);
    put_instant(&json, "heard", heard != NULL ? heard->at : (struct instant){0});
    json_text(&json, "install_date", day_text(device->installed, day));
    json_text(&json, "name", device->name);
    json_text(&json, "state", device_state_names[state]);
    json_text(&json, "zone", device->zone);
    json_close(&json);
    json_end(&json);
    print_line(listing);
}

/* With the line that lists it: what was heard is what a row needs. */
static void
put_unlisted(struct listing *listing, const struct heard *heard)
{
    char at[INSTANT_TEXT_BYTES];
    struct json_writer json;

    buf_reset(&listing->line);
    if (!listing->json) {
        buf_printf(&listing->line, "%-20s %-12s %-10s %-20s wallwatch device adopt %s", heard->code,
            heard->class_name, heard->compound[0] != '\0' ? heard->compound : "-",
            when(heard->at, at), heard->code);
        if (heard->compound[0] == '\0')
            buf_text(&listing->line, " --compound CODE");
        print_line(listing);
        return;
    }
    json_begin(&json, &listing->line);
    json_object(&json, NULL);
    json_text(&json, "class", heard->class_name);
    json_text(&json, "code", heard->code);
    json_text(&json, "compound", heard->compound);
    put_instant(&json, "first", heard->first);
    put_instant(&json, "heard", heard->at);
    json_text(&json, "state", device_state_names[DEVICE_UNLISTED]);
    json_close(&json);
    json_end(&json);
    print_line(listing);
}

static void
list_listed(struct listing *listing)
{
    const struct device_view *view = listing->view;
    const struct instant now = clock_wall();

    for (size_t i = 0; i < view->config->devices.len; i++) {
        const struct device *device = &view->config->devices.at[i];
        const struct heard *heard = heard_of(&view->heard, device->code);
        const enum device_state state = device_state_of(&view->heard, device, heard);

        if (device_passes(&listing->filter, device, view->config, now) &&
            (listing->state < 0 || listing->state == (int)state))
            put_listed(listing, device, heard, state);
    }
}

static void
list_unlisted(struct listing *listing)
{
    const struct device_view *view = listing->view;
    const struct device_filter *filter = &listing->filter;

    for (size_t i = 0; i < view->heard.len; i++) {
        const struct heard *heard = &view->heard.at[i];
        const struct compound *compound =
            compound_find(&view->config->grid, view_of(heard->compound));
        const struct device stands = {.compound = compound};

        if (device_find(&view->config->devices, view_of(heard->code)) != NULL)
            continue;
        if (filter->class_name != NULL && strcmp(filter->class_name, heard->class_name) != 0)
            continue;
        if (filter->compound != NULL && strcmp(filter->compound, heard->compound) != 0)
            continue;
        if (filter->unit != NULL &&
            (compound == NULL || !device_passes(&(struct device_filter){.unit = filter->unit},
                                     &stands, view->config, clock_wall())))
            continue;
        put_unlisted(listing, heard);
    }
}

static int
list(const char *dir, struct listing *listing)
{
    struct device_view view;
    char at[INSTANT_TEXT_BYTES];
    int code = EXIT_FOUND;

    if (device_open("device list", dir, &view)) {
        code = EXIT_USAGE;
        if (device_filter_check("device list", &listing->filter, view.config)) {
            listing->view = &view;
            buf_init(&listing->line, LINE_BYTES);
            if (listing->state == DEVICE_UNLISTED)
                list_unlisted(listing);
            else
                list_listed(listing);
            buf_fini(&listing->line);
            code = EXIT_FINE;
            if (!listing->json) {
                (void)printf(listing->lang == LANG_ZH ? "%zu 台设备, 数据截至 %s\n"
                                                      : "%zu devices, as stored up to %s\n",
                    listing->n, when(view.heard.stored_min, at));
            }
        }
    }
    device_close(&view);
    return code;
}

static bool
read_state(const char *text, int *out)
{
    *out = -1;
    if (text == NULL || strcmp(text, "listed") == 0)
        return true;
    for (int i = 0; i < DEVICE_STATES; i++) {
        if (strcmp(text, device_state_names[i]) == 0) {
            *out = i;
            return true;
        }
    }
    (void)fprintf(stderr,
        "wallwatch device list: --state: '%s' is not a state, allowed are listed, heard, silent, "
        "never, unlisted\n",
        text);
    return false;
}

int
device_list(int argc, char **argv)
{
    const char *dir = CONFIG_DIR_DEFAULT, *lang_name = NULL, *state = NULL, *age = NULL, *args[1];
    struct listing listing = {0};
    int n_args, code;
    const struct option_row rows[] = {
        {"age", "YEARS", "of so many years and more: 15y", &age, NULL},
        {"class", "NAME", "only this class", &listing.filter.class_name, NULL},
        {"compound", "CODE", "only this compound", &listing.filter.compound, NULL},
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")", &dir,
            NULL},
        {"json", NULL, "one JSON object a line", NULL, &listing.json},
        {"lang", "LANG", "language, zh or en (default: en, zh if LANG says so)", &lang_name, NULL},
        {"state", "STATE", "listed (default), heard, silent, never, or unlisted", &state, NULL},
        {"tag", "TAG", "only with this tag", &listing.filter.tag, NULL},
        {"unit", "ID", "only below this unit", &listing.filter.unit, NULL},
    };
    const struct usage usage = {"device list", "",
        "Lists devices of the version in force by code: class, compound, state, when last heard\n"
        "(to the minute), date of installation, building, name. Silent is who was not heard for\n"
        "three of its intervals and a minute, counted up to what is stored. Unlisted are devices\n"
        "that are heard and not in devices.csv, each with the command that adopts it.",
        rows, ARRAY_LEN(rows), 0, 0};

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    if (!report_config_lang("device list", lang_name, &listing.lang) ||
        !read_state(state, &listing.state) ||
        (age != NULL && !device_read_age("device list", age, &listing.filter.age)))
        return EXIT_USAGE;
    return list(dir, &listing);
}
