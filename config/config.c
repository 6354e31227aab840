#include "config/config.h"

#include "config/load.h"
#include "config/store.h"

#include <stdlib.h>

/* A configuration with the memory it lives in. */
struct config_box {
    struct config config; /* first: a config is its box */
    struct arena arena;
    unsigned refs;
};

struct config *
config_ref(struct config *config)
{
    ((struct config_box *)config)->refs++;
    return config;
}

void
config_unref(struct config *config)
{
    struct config_box *box = (struct config_box *)config;

    if (box == NULL || --box->refs > 0)
        return;
    map_fini(&box->config.devices.by_code);
    arena_fini(&box->arena);
    free(box);
}

void
config_place_state(struct config *config, const char *state_dir)
{
    if (state_dir != NULL)
        config->state_dir = arena_text(&((struct config_box *)config)->arena, view_of(state_dir));
}

static void
no_name(void *arg, const char *name)
{
    (void)arg;
    (void)name;
}

void
config_engine_options(
    const struct config *config, const struct lane_config *lane, struct engine_options *out)
{
    *out = (struct engine_options){
        .lane = lane->name,
        .life_safety = lane->life_safety,
        .config_version = config->version,
        .config_hash = config->hash,
        .classes = config->classes,
        .devices = &config->devices,
        .grid = &config->grid,
        .rules = &config->rules,
        .policies = &config->policies,
        .channels = &config->channels,
        .device_rate = config->device_rate,
        .device_burst = config->device_burst,
    };
}

void
config_normalise_options(
    const struct config *config, const struct lane_config *lane, struct normalise_options *out)
{
    *out = (struct normalise_options){
        .lane = lane->name,
        .classes = config->classes,
        .devices = &config->devices,
        .patterns = config->patterns,
        .n_patterns = config->n_patterns,
    };
}

const struct lane_config *
config_lane_named(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->n_lanes; i++) {
        if (strcmp(config->lanes[i].name, name) == 0)
            return &config->lanes[i];
    }
    return NULL;
}

/* One line instead of one for each file that is missing in a folder that is not there. */
static bool
is_folder(const struct loader *loader)
{
    struct source *whole = ARENA_NEW(loader->schema.scratch, struct source);
    struct err err = {0};

    *whole = (struct source){.name = loader->dir, .root = ""};
    if (loader->fs->list(loader->fs->self, loader->dir, no_name, NULL, &err))
        return true;
    report_mark(loader->schema.reporter, whole, (struct mark){0, 0}, "missing-folder",
        "this is not a folder that can be read", "不是可读取的文件夹");
    return false;
}

static void
load_all(struct loader *loader)
{
    load_site(loader);
    load_classes(loader);
    load_grid(loader);
    load_calendar(loader);
    load_rosters(loader);
    load_devices(loader);
    load_policies(loader);
    load_rules(loader);
    load_clients(loader);
    load_device_lanes(loader);
    load_examples(loader, NULL);
    check_folder(loader);
    prove_lanes(loader);
    prove_days(loader);
}

struct config *
config_load_from(const struct config_place *place, struct arena *arena, struct problems *problems)
{
    struct config_box *box = mem_zalloc(1, sizeof(*box));
    struct reporter reporter = {.arena = arena, .soften = place->accepted};
    struct arena scratch;
    struct loader loader = {
        .schema = {&box->arena, &scratch, &reporter},
        .fs = place->fs,
        .dir = place->dir,
        .base = place->base,
        .config = &box->config,
        .devices_csv = place->devices,
        .now = place->now,
        .today = place->today,
    };
    struct config_files files;

    arena_init(&box->arena);
    arena_init(&scratch);
    map_init(&box->config.devices.by_code);
    box->refs = 1;
    if (is_folder(&loader))
        load_all(&loader);
    config_files_list(place->fs, place->dir, &scratch, &files);
    config_files_hash(place->fs, place->dir, &files, box->config.hash);
    arena_fini(&scratch);
    report_finish(&reporter, problems);
    if (problems->errors == 0)
        return &box->config;
    config_unref(&box->config);
    return NULL;
}

struct config *
config_load(const struct fs *fs, const char *dir, struct arena *arena, struct problems *problems)
{
    return config_load_at(fs, dir, (struct instant){0}, arena, problems);
}

struct config *
config_load_at(const struct fs *fs, const char *dir, struct instant now, struct arena *arena,
    struct problems *problems)
{
    return config_load_from(
        &(struct config_place){.fs = fs, .dir = dir, .base = dir, .now = now, .today = now}, arena,
        problems);
}
