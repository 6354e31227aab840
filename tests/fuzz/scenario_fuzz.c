/* A scenario is any text: what it cannot mean is told at its line, and no promise is broken. */
#include "scenario/scenario.h"

#include "tests/scenario/fixture.h"

#include <stddef.h>
#include <stdint.h>

/* NOLINTNEXTLINE(readability-identifier-naming) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct host {
    struct fixture fixture;
    int last;
};

static bool
configure(void *arg, const char *name, const char *device, const struct engine_options **out,
    struct err *err)
{
    struct host *host = arg;

    (void)name;
    (void)device;
    (void)err;
    *out = &host->fixture.options;
    return true;
}

static void
failed(void *arg, int line, const char *at, const struct words *what)
{
    struct host *host = arg;

    (void)at;
    CHECK(line >= host->last && what->en[0] != '\0' && what->zh[0] != '\0');
    CHECK(strstr(what->en, "broke a promise") == NULL);
    host->last = line;
}

int
/* NOLINTNEXTLINE(readability-identifier-naming) */
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct host host = {.last = 0};
    const struct scenario_host table = {.arg = &host, .configure = configure, .failed = failed};

    if (size > 4096)
        return 0;
    fixture_init(&host.fixture, 0);
    scenario_run((struct view){(const char *)data, size}, &table);
    fixture_fini(&host.fixture);
    return 0;
}
