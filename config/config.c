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

static void
load_all(struct loader *loader)
{
    load_site(loader);
    load_grid(loader);
    load_rosters(loader);
    load_calendar(loader);
    load_classes(loader);
    load_devices(loader);
    load_policies(loader);
    load_rules(loader);
    load_clients(loader);
    prove_lanes(loader);
    prove_coverage(loader);
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
    };
    struct config_files files;

    arena_init(&box->arena);
    arena_init(&scratch);
    map_init(&box->config.devices.by_code);
    box->refs = 1;
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
    return config_load_from(
        &(struct config_place){.fs = fs, .dir = dir, .base = dir}, arena, problems);
}
