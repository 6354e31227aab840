/*
 * wallwatch: one program, many subcommands. Finds the one that was named; nothing else.
 */
#include "base/check.h"
#include "service/commands.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    command_fn *run;
    const char *help;
} commands[] = {
    {"alert", cmd_alert, "act on a case, or show what is open"},
    {"apply", cmd_apply, "check a configuration and put it in force"},
    {"audit", cmd_audit, "prove that nothing was lost or doubled on the way to the database"},
    {"backtest", cmd_backtest, "show what a changed configuration would have done"},
    {"check", cmd_check, "say all that is wrong with a configuration"},
    {"config", cmd_config, "list, show, compare or roll back configuration versions"},
    {"console", cmd_console, "run the web console"},
    {"device", cmd_device, "the register: import, list, show, coverage, adopt, walk-test"},
    {"journal", cmd_journal, "show or verify a lane's journal or ledger"},
    {"lane", cmd_lane, "run one lane"},
    {"migrate", cmd_migrate, "bring the database to this program's schema"},
    {"post", cmd_post, "publishes for a lane; a lane starts it"},
    {"rejects", cmd_rejects, "list what could not become readings, and why"},
    {"replay", cmd_replay, "feed a lane's record through the engine again and compare"},
    {"report", cmd_report, "assess a month: rates, times, loops, each with its cases"},
    {"run", cmd_run, "run all lanes of this machine and start again what dies"},
    {"simulate", cmd_simulate, "play a fleet of machines, or the people who answer"},
    {"test", cmd_test, "run the examples of a configuration"},
    {"storage", cmd_storage, "show what readings and roll-ups take"},
    {"user", cmd_user, "say who may log in to the console"},
    {"whatif", cmd_whatif, "say who would be told of a fault, when and how"},
};

static void
print_usage(FILE *out)
{
    (void)fprintf(out, "usage: wallwatch COMMAND [OPTION ...]\n\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (commands[i].name != NULL && commands[i].help != NULL)
            (void)fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
    }
    (void)fprintf(out, "\n'wallwatch COMMAND --help' tells more. "
                       "Exit codes: 0 fine, 1 found something, 2 wrong use.\n");
}

int
main(int argc, char **argv)
{
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
        print_usage(stdout);
        return EXIT_FINE;
    }
    for (size_t i = 0; argc >= 2 && i < ARRAY_LEN(commands); i++) {
        if (commands[i].name != NULL && strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    if (argc >= 2)
        (void)fprintf(stderr, "wallwatch: '%s' is not a command\n", argv[1]);
    print_usage(stderr);
    return EXIT_USAGE;
}
