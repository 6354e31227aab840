/* run_scenario FILE...: scenario/ over the small configuration of fixture.c (config small), or over
 * a folder beside the file; every input also goes through a second engine that is loaded anew. */
#include "base/io/fs_posix.h"
#include "config/config.h"
#include "scenario/scenario.h"
#include "tests/scenario/fixture.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>

struct host {
    const char *file;
    struct fixture fixture, other;
    struct config *config;
    struct engine_options options;
    struct arena arena;
    int failures;
};

static void
failed(void *arg, int line, const char *at, const struct words *what)
{
    struct host *host = arg;

    host->failures++;
    (void)fprintf(stderr, "%s:%d: %s: %s\n", host->file, line, at, what->en);
}

static bool
configure(void *arg, const char *name, const char *device, const struct engine_options **out,
    struct err *err)
{
    struct host *host = arg;
    char path[4096], *copy = strdup(host->file);
    struct problems problems;

    (void)device;
    (void)snprintf(path, sizeof(path), "%s/%s", dirname(copy), name);
    free(copy);
    *out = &host->fixture.options;
    if (strcmp(name, "small") == 0)
        return true;
    host->config = config_load(fs_posix(), path, &host->arena, &problems);
    if (host->config == NULL)
        return err_set(err, ERR_CONFIG, "this configuration has mistakes");
    const struct lane_config lane = {.name = "plant", .life_safety = true};

    config_engine_options(host->config, &lane, &host->options);
    host->options.config_version = 1;
    *out = &host->options;
    return true;
}

static bool
add_device(void *arg, const char *code, const char *class, const char *compound, const char *zone,
    struct err *err)
{
    struct host *host = arg;

    (void)err;
    fixture_device(&host->fixture, code, class, compound, zone);
    return true;
}

static const struct engine_options *
variant(void *arg, int n)
{
    struct host *host = arg;

    fixture_init(&host->other, n);
    return &host->other.options;
}

static int
run_file(const char *path)
{
    struct host host = {.file = path};
    const struct scenario_host table = {.arg = &host,
        .twin = true,
        .configure = configure,
        .device = add_device,
        .variant = variant,
        .failed = failed};
    struct buf text;
    struct err err = {0};

    arena_init(&host.arena);
    fixture_init(&host.fixture, 0);
    buf_init(&text, SCENARIO_MAX_BYTES);
    if (fs_read_all(fs_posix(), path, &text, &err)) {
        scenario_run(buf_view(&text), &table);
    } else {
        (void)fprintf(stderr, "%s\n", err.text);
        host.failures++;
    }
    buf_fini(&text);
    fixture_fini(&host.fixture);
    if (host.other.options.lane != NULL)
        fixture_fini(&host.other);
    config_unref(host.config);
    arena_fini(&host.arena);
    return host.failures;
}

int
main(int argc, char **argv)
{
    int failures = 0;

    for (int i = 1; i < argc; i++)
        failures += run_file(argv[i]);
    return failures == 0 ? 0 : 1;
}
