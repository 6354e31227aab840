#include "base/log.h"
#include "service/commands.h"
#include "service/configured.h"
#include "service/lane_run.h"
#include "service/options.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

int
cmd_lane(int argc, char **argv)
{
    const char *config_dir = CONFIG_DIR_DEFAULT;
    const char *state_dir = NULL;
    bool debug = false;
    const struct option_row rows[] = {
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")",
            &config_dir, NULL},
        {"debug", NULL, "log more", NULL, &debug},
        {"state", "DIR", "state folder (default: as site.yaml says)", &state_dir, NULL},
    };
    const struct usage usage = {"lane", "NAME",
        "Runs one lane until SIGTERM: takes its telemetry from the broker, keeps it, judges it,\n"
        "tells people, and stores it. It runs the version that 'wallwatch apply' put in force; "
        "the\n"
        "very first start applies the folder by itself. SIGHUP: take over the version in force "
        "now.",
        rows, ARRAY_LEN(rows), 1, 1};
    const char *args[1];
    char program[4096];
    struct config *config = NULL;
    struct err err = {0};
    int n_args;
    int code;

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    log_setup(debug ? LOG_DEBUG : LOG_INFO, args[0]);
    if (sodium_init() < 0) {
        (void)fprintf(stderr, "wallwatch lane: libsodium cannot start\n");
        return EXIT_FOUND;
    }
    if (!configured_start(config_dir, state_dir, args[0], &config))
        return EXIT_FOUND;
    code = EXIT_FOUND;
    const ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);

    if (len <= 0) {
        (void)fprintf(stderr, "wallwatch lane: /proc/self/exe cannot be read\n");
    } else if (!configured_lane(config, args[0], &err)) {
        (void)fprintf(stderr, "wallwatch lane: %s\n", err.text);
    } else {
        program[len] = '\0';
        code = lane_run(config, args[0], program);
    }
    config_unref(config);
    return code;
}
