/* device coverage: of the devices that the plan asks for, how many are listed and heard, by unit.
 */
#include "service/device.h"

#include "base/io/clock_posix.h"
#include "base/json.h"
#include "service/configured.h"
#include "service/options.h"
#include "service/report_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tally { /* of a unit or a compound */
    size_t listed, by_state[DEVICE_STATES];
    size_t undated; /* of no known date: old enough or not, nobody knows */
};

struct coverage {
    const struct device_view *view;
    struct device_filter filter;
    enum lang lang;
    bool json;
    struct tally all, *units, *compounds; /* as in the grid */
    struct json_writer writer;
};

/* The age that counts for a device; 0: it is not asked for, -1: of any age. */
static int
asked_age(const struct coverage *coverage, const struct device *device)
{
    const bool named = coverage->filter.class_name != NULL || coverage->filter.tag != NULL;

    if (!named && device->class->coverage_age == 0)
        return 0;
    if (coverage->filter.age > 0)
        return coverage->filter.age;
    return device->class->coverage_age > 0 ? device->class->coverage_age : -1;
}

static void
count(struct coverage *coverage, const struct device *device, enum device_state state, bool dated)
{
    const struct grid *grid = &coverage->view->config->grid;
    struct tally *tallies[TIER_COUNT + 2] = {
        &coverage->all, &coverage->compounds[device->compound - grid->compounds]};
    size_t n = 2;

    for (int tier = 0; tier < TIER_COUNT; tier++) {
        if (device->compound->units[tier] != NULL)
            tallies[n++] = &coverage->units[device->compound->units[tier] - grid->units];
    }
    for (size_t i = 0; i < n; i++) {
        tallies[i]->undated += !dated;
        tallies[i]->listed += dated;
        tallies[i]->by_state[state] += dated;
    }
}

static void
count_all(struct coverage *coverage)
{
    const struct config *config = coverage->view->config;
    const struct instant now = clock_wall();
    struct device_filter filter = coverage->filter;

    filter.age = 0;
    for (size_t i = 0; i < config->devices.len; i++) {
        const struct device *device = &config->devices.at[i];
        const int asked = asked_age(coverage, device);
        const int age =
            day_age(device->installed, now, zone_offset(&config->grid.calendar.zone, now));

        if (asked == 0 || !device_passes(&filter, device, config, now))
            continue;
        if (asked > 0 && age >= 0 && age < asked)
            continue;
        count(coverage, device,
            device_state_of(
                &coverage->view->heard, device, heard_of(&coverage->view->heard, device->code)),
            asked < 0 || age >= 0);
    }
}

static void
put_row(struct coverage *coverage, const char *kind, const char *id, const struct words *name,
    const struct tally *tally)
{
    const size_t heard = tally->by_state[DEVICE_HEARD];

    if (tally->listed + tally->undated == 0)
        return;
    if (!coverage->json) {
        (void)printf("%-12s %-20s %7zu %7zu %7zu %7zu %6.1f%% %9zu  %s\n", kind, id, tally->listed,
            heard, tally->by_state[DEVICE_SILENT], tally->by_state[DEVICE_NEVER],
            tally->listed > 0 ? 100.0 * (double)heard / (double)tally->listed : 0.0, tally->undated,
            words_in(name, coverage->lang));
        return;
    }
    json_object(&coverage->writer, NULL);
    json_text(&coverage->writer, "id", id);
    json_text(&coverage->writer, "kind", kind);
    json_int(&coverage->writer, "listed", (int64_t)tally->listed);
    json_int(&coverage->writer, "heard", (int64_t)heard);
    json_int(&coverage->writer, "silent", (int64_t)tally->by_state[DEVICE_SILENT]);
    json_int(&coverage->writer, "never", (int64_t)tally->by_state[DEVICE_NEVER]);
    json_int(&coverage->writer, "undated", (int64_t)tally->undated);
    json_close(&coverage->writer);
}

static void
put_rows(struct coverage *coverage)
{
    const struct grid *grid = &coverage->view->config->grid;
    const struct words city = {"全部", "all"};

    put_row(coverage, "city", "-", &city, &coverage->all);
    for (int tier = TIER_DISTRICT; tier >= TIER_SUBDISTRICT; tier--) {
        for (size_t i = 0; i < grid->n_units; i++) {
            if ((int)grid->units[i].tier == tier)
                put_row(coverage, tier_names[tier], grid->units[i].id, &grid->units[i].name,
                    &coverage->units[i]);
        }
    }
    for (size_t i = 0; i < grid->n_compounds; i++)
        put_row(coverage, "compound", grid->compounds[i].id, &grid->compounds[i].name,
            &coverage->compounds[i]);
}

static void
print(struct coverage *coverage)
{
    struct buf text;

    if (!coverage->json) {
        if (coverage->lang == LANG_ZH) /* a Chinese character is two columns wide, three bytes */
            (void)printf("%-12s %-20s    登记    在线    失联    从未         日期不明\n", "", "");
        else
            (void)printf("%-12s %-20s %7s %7s %7s %7s %7s %9s\n", "", "", "listed", "heard",
                "silent", "never", "", "undated");
        put_rows(coverage);
        return;
    }
    buf_init(&text, (size_t)64 << 20);
    json_begin(&coverage->writer, &text);
    json_object(&coverage->writer, NULL);
    json_array(&coverage->writer, "rows");
    put_rows(coverage);
    json_close(&coverage->writer);
    if (coverage->view->heard.stored_min.us != 0)
        json_instant(&coverage->writer, "stored", coverage->view->heard.stored_min);
    json_close(&coverage->writer);
    json_end(&coverage->writer);
    (void)printf("%.*s\n", VIEW_ARG(buf_view(&text)));
    buf_fini(&text);
}

static int
run(struct coverage *coverage)
{
    const struct config *config = coverage->view->config;

    if (!device_filter_check("device coverage", &coverage->filter, config))
        return EXIT_USAGE;
    coverage->units = mem_zalloc(config->grid.n_units + 1, sizeof(struct tally));
    coverage->compounds = mem_zalloc(config->grid.n_compounds + 1, sizeof(struct tally));
    count_all(coverage);
    print(coverage);
    free(coverage->units);
    free(coverage->compounds);
    if (coverage->all.listed + coverage->all.undated > 0)
        return EXIT_FINE;
    (void)fprintf(stderr, "wallwatch device coverage: no device counts\n"
                          "hint: give --class, or 'coverage: YEARS' in the file of a class\n");
    return EXIT_FOUND;
}

int
device_coverage(int argc, char **argv)
{
    const char *dir = CONFIG_DIR_DEFAULT, *lang_name = NULL, *age = NULL, *args[1];
    struct coverage coverage = {0};
    struct device_view view;
    int n_args, code;
    const struct option_row rows[] = {
        {"age", "YEARS", "of so many years and more (default: as the class says)", &age, NULL},
        {"class", "NAME", "only this class (default: all with 'coverage')",
            &coverage.filter.class_name, NULL},
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")", &dir,
            NULL},
        {"json", NULL, "print JSON", NULL, &coverage.json},
        {"lang", "LANG", "language, zh or en (default: en, zh if LANG says so)", &lang_name, NULL},
        {"tag", "TAG", "only with this tag", &coverage.filter.tag, NULL},
        {"unit", "ID", "only below this unit", &coverage.filter.unit, NULL},
    };
    const struct usage usage = {"device coverage", "",
        "Counts the devices that are to be watched, by default those of 'coverage: YEARS' and "
        "more\n"
        "of each class that has it: listed, of these heard, silent, never heard; for all, by\n"
        "district, subdistrict and compound. Undated: listed without a date of installation.",
        rows, ARRAY_LEN(rows), 0, 0};

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    if (!report_config_lang("device coverage", lang_name, &coverage.lang) ||
        (age != NULL && !device_read_age("device coverage", age, &coverage.filter.age)))
        return EXIT_USAGE;
    coverage.view = &view;
    code = device_open("device coverage", dir, &view) ? run(&coverage) : EXIT_FOUND;
    device_close(&view);
    return code;
}
