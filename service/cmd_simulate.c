/*
 * wallwatch simulate: a fleet over MQTT, or the people who answer it. The machines' behaviour is in
 * files (sim_script.h); here are the options, the wiring and the account of what was sent.
 */
#include "base/io/clock_posix.h"
#include "base/io/fs_posix.h"
#include "service/commands.h"
#include "service/configured.h"
#include "service/options.h"
#include "service/report_config.h"
#include "service/sim_accounts.h"
#include "service/sim_people_paho.h"
#include "service/sim_play.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PATIENCE SPAN_S(30) /* for the last answers */

static volatile sig_atomic_t stopped;

static void
on_signal(int number)
{
    (void)number;
    stopped = 1;
}

struct settings { /* as they were written */
    const char *config, *lane, *devices, *rate, *seconds, *fault, *fault_rate, *seed, *ledger,
        *broker, *user, *password_file, *bad, *replay, *speed, *answer_after, *hook_port, *asleep;
    bool made_up, quiet, people;
    const char *host; /* of the broker */
    int port;
};

static struct settings set;

static const struct option_row rows[] = {
    {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")", &set.config,
        NULL},
    {"devices", "N", "how many machines (default: all of the register)", &set.devices, NULL},
    {"made-up", NULL, "machines that the register lacks of --devices are made up", NULL,
        &set.made_up},
    {"lane", "NAME", "only machines whose topics belong to this lane", &set.lane, NULL},
    {"rate", "N", "messages a second of all (default: as often as each class does)", &set.rate,
        NULL},
    {"seconds", "N", "how long (default: until Ctrl-C, or the file's end)", &set.seconds, NULL},
    {"fault", "NAME@DEVICE[/PART][@AFTER]", "a fault of one machine, as often as wanted",
        &set.fault, NULL},
    {"fault-rate", "N", "faults an hour, of any machine (default 0)", &set.fault_rate, NULL},
    {"bad", "PERCENT", "malformed messages of all kinds (default 0)", &set.bad, NULL},
    {"seed", "N", "of everything that is drawn (default 1)", &set.seed, NULL},
    {"ledger", "FILE", "gets a JSON line for each message, with the broker's answer", &set.ledger,
        NULL},
    {"replay", "FILE", "plays a CSV with a header instead, 4 rows a second", &set.replay, NULL},
    {"speed", "N", "times that (default 1)", &set.speed, NULL},
    {"broker", "HOST:PORT", "instead of the configuration's", &set.broker, NULL},
    {"user", "NAME", "account at the broker (default simulator, if the configuration has accounts)",
        &set.user, NULL},
    {"password-file", "FILE", "(default: the user's name, beside the lanes' password files)",
        &set.password_file, NULL},
    {"quiet", NULL, "no progress line", NULL, &set.quiet},
    {"people", NULL, "plays those who are told: answers notices and orders", NULL, &set.people},
    {"answer-after", "SPAN", "between the answers to an order (default 5s)", &set.answer_after,
        NULL},
    {"hook-port", "N", "also takes webhooks there, and answers 200", &set.hook_port, NULL},
    {"asleep", "ID,...", "units, centres and persons who do not answer", &set.asleep, NULL},
};

static const struct usage usage = {"simulate", "",
    "Plays a fleet of machines over MQTT (QoS 1), as simulate/CLASS.txt in the configuration's "
    "folder says, and accounts for every message. Exit code 0 only if the broker acknowledged all.",
    rows, ARRAY_LEN(rows), 0, 0};

static bool
number(const char *name, const char *text, int64_t otherwise, int64_t max, int64_t *out)
{
    *out = otherwise;
    return text == NULL || options_number("simulate", name, text, 0, max, out);
}

static bool
choose_account(
    const struct config *config, struct arena *arena, struct sim_link_options *out, struct err *err)
{
    const char *file = set.password_file;

    out->user = set.user;
    if (set.user == NULL && sim_password_beside(config, "simulator", arena) != NULL)
        out->user = "simulator";
    if (out->user != NULL && file == NULL)
        file = sim_password_beside(config, out->user, arena);
    if (file != NULL) {
        out->password = sim_secret(file, arena, err);
        if (out->password == NULL)
            return err_wrap(err, "--password-file");
    }
    return true;
}

/* --broker HOST:PORT, else the configuration's. */
static bool
choose_broker(const struct config *config, struct arena *arena)
{
    const char *colon = set.broker == NULL ? NULL : strrchr(set.broker, ':');
    int64_t number_of_port = 0;

    set.host = config->broker.host;
    set.port = config->broker.port;
    if (set.broker == NULL)
        return true;
    if (colon == NULL || colon == set.broker) {
        (void)fprintf(stderr,
            "wallwatch simulate: --broker: '%s' is not a broker, allowed as 127.0.0.1:1883\n",
            set.broker);
        return false;
    }
    set.host = arena_text(arena, (struct view){set.broker, (size_t)(colon - set.broker)});
    if (!options_number("simulate", "broker", colon + 1, 1, 65535, &number_of_port))
        return false;
    set.port = (int)number_of_port;
    return true;
}

static bool
read_faults(struct sim_run *run, int argc, char **argv, struct err *err)
{
    static const char option[] = "--fault";
    const size_t len = sizeof(option) - 1;

    for (int i = 1; i < argc; i++) {
        const char *text = NULL;

        if (strcmp(argv[i], option) == 0 && i + 1 < argc)
            text = argv[++i];
        else if (strncmp(argv[i], option, len) == 0 && argv[i][len] == '=')
            text = argv[i] + len + 1;
        if (text != NULL &&
            !sim_fleet_order(&run->fleet, text, run->start, VEC_PUSH(&run->orders), err))
            return false;
    }
    return true;
}

static int
print_totals(const struct sim_totals *t, struct span lasted)
{
    const double seconds = (double)(lasted.us < 1 ? 1 : lasted.us) / 1e6;

    (void)printf("sent %" PRIu64 " in %.1f s (%.0f a second, %" PRIu64 " of them bad on purpose): "
                 "acknowledged %" PRIu64 ", refused %" PRIu64 ", not answered %" PRIu64 "\n",
        t->sent, seconds, (double)t->sent / seconds, t->bad, t->acknowledged, t->refused, t->lost);
    for (size_t i = 0; i < ARRAY_LEN(t->reasons); i++) {
        if (t->reasons[i] > 0)
            (void)printf("refused with reason %zu: %" PRIu64 "\n", i, t->reasons[i]);
    }
    if (t->unheard > 0)
        (void)printf("acknowledged, but nobody subscribes to it: %" PRIu64 "\n", t->unheard);
    return t->acknowledged == t->sent ? EXIT_FINE : EXIT_FOUND;
}

static bool
open_ledger(FILE **out, struct err *err)
{
    *out = NULL;
    if (set.ledger == NULL)
        return true;
    *out = fopen(set.ledger, "we");
    return *out != NULL || err_set(err, ERR_IO, "--ledger: '%s' cannot be written", set.ledger);
}

static bool
play(struct sim_run *run, const struct config *config, struct arena *arena, int argc, char **argv,
    struct sim_totals *totals, struct err *err)
{
    struct sim_link_options link = {.host = set.host,
        .port = set.port,
        .links = (run->fleet.n + SIM_PER_LINK - 1) / SIM_PER_LINK};
    bool good = read_faults(run, argc, argv, err) && choose_account(config, arena, &link, err) &&
                open_ledger(&link.ledger, err) && sim_links_open(&run->links, &link, err);

    if (good) {
        if (run->opt->replay != NULL)
            good = sim_play_file(run, arena, err);
        else
            sim_play_fleet(run);
        *totals = sim_links_close(run->links, PATIENCE);
        if (run->opt->progress)
            (void)fputc('\n', stderr);
    }
    if (link.ledger != NULL && fclose(link.ledger) != 0 && good)
        good = err_set(err, ERR_IO, "--ledger: '%s' cannot be written", set.ledger);
    return good;
}

static int
run_fleet(const struct config *config, struct arena *arena, int argc, char **argv)
{
    struct sim_play_options opt = {
        .replay = set.replay, .progress = !set.quiet && isatty(STDERR_FILENO), .stopped = &stopped};
    struct sim_run run = {.opt = &opt, .start = clock_wall()};
    struct sim_totals totals;
    struct err err = {0};
    int64_t devices = 0;
    int64_t seconds = 0;

    if (!number("devices", set.devices, set.replay == NULL ? 0 : 1, 1000000, &devices) ||
        !number("rate", set.rate, 0, 1000000, &opt.rate) ||
        !number("seconds", set.seconds, 0, 31536000, &seconds) ||
        !number("fault-rate", set.fault_rate, 0, 10000000, &opt.fault_rate) ||
        !number("seed", set.seed, 1, INT32_MAX, &opt.seed) ||
        !number("bad", set.bad, 0, 100, &opt.bad) ||
        !number("speed", set.speed, 1, 100000, &opt.speed))
        return EXIT_USAGE;
    if (opt.speed == 0)
        opt.speed = 1;
    const struct sim_fleet_options fleet = {.dir = set.config,
        .lane = set.lane,
        .devices = (size_t)devices,
        .made_up = set.made_up,
        .replay = set.replay != NULL,
        .rate = opt.rate,
        .seed = (uint64_t)opt.seed,
        .boot = (uint64_t)(run.start.us / 1000000)};

    run.end = seconds == 0 ? INSTANT_NEVER : instant_add(run.start, SPAN_S(seconds));
    run.next_fault = run.start;
    buf_init(&run.payload, (size_t)1024 * 1024);
    bool good = sim_fleet_make(config, &fleet, run.start, arena, &run.fleet, &err);

    if (good) {
        if (run.fleet.silent > 0)
            (void)fprintf(stderr, "wallwatch simulate: %zu classes have no file in %s/simulate\n",
                run.fleet.silent, set.config);
        good = play(&run, config, arena, argc, argv, &totals, &err);
        sim_fleet_fini(&run.fleet);
    }
    VEC_FREE(&run.orders);
    buf_fini(&run.payload);
    if (!good) {
        (void)fprintf(stderr, "wallwatch simulate: %s\n", err.text);
        return EXIT_FOUND;
    }
    return print_totals(&totals, instant_since(clock_wall(), run.start));
}

static int
run_people(const struct config *config, struct arena *arena)
{
    char uri[300];
    struct sim_people_options opt = {.config = config,
        .uri = uri,
        .answer_after = SPAN_S(5),
        .quiet = set.quiet,
        .stopped = &stopped};
    struct err err = {0};
    int64_t port = 0;
    int64_t seconds = 0;

    if (!number("hook-port", set.hook_port, 0, 65535, &port) ||
        !number("seconds", set.seconds, 0, 31536000, &seconds))
        return EXIT_USAGE;
    if (set.answer_after != NULL && !span_parse(view_of(set.answer_after), &opt.answer_after)) {
        (void)fprintf(stderr,
            "wallwatch simulate: --answer-after: '%s' is not a length of time, allowed as 5s\n",
            set.answer_after);
        return EXIT_USAGE;
    }
    (void)snprintf(uri, sizeof(uri), "tcp://%s:%d", set.host, set.port);
    opt.hook_port = (uint16_t)port;
    opt.seconds = seconds;
    opt.asleep = set.asleep;
    if (!sim_people_run(&opt, arena, &err)) {
        (void)fprintf(stderr, "wallwatch simulate: %s\n", err.text);
        return EXIT_FOUND;
    }
    return EXIT_FINE;
}

/* What is wrong with it is printed; warnings are for check. */
static struct config *
load(struct arena *arena)
{
    struct problems problems;
    struct config *config = config_load(fs_posix(), set.config, arena, &problems);

    if (config == NULL)
        report_config(stderr, config, &problems, LANG_EN);
    return config;
}

int
cmd_simulate(int argc, char **argv)
{
    const struct sigaction action = {.sa_handler = on_signal};
    struct arena arena;
    int n_args = 0;
    int code = EXIT_FINE;
    const char *args[1];

    set.config = CONFIG_DIR_DEFAULT;
    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    arena_init(&arena);
    clock_start((struct instant){0});
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    struct config *config = load(&arena);

    if (config == NULL)
        code = EXIT_FOUND;
    else if (!choose_broker(config, &arena))
        code = EXIT_USAGE;
    else if (set.people)
        code = run_people(config, &arena);
    else
        code = run_fleet(config, &arena, argc, argv);
    config_unref(config);
    arena_fini(&arena);
    return code;
}
