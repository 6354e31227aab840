/*
 * commands: the subcommands of wallwatch, one file each (service/cmd_<name>.c).
 *
 * Each gets argv from its own name on, answers --help, and returns an exit code. Service decides
 * nothing: it wires modules and prints.
 */
#pragma once

enum exit_code {
    EXIT_FINE = 0,
    EXIT_FOUND = 1, /* found something: a problem, an imbalance, a difference; or could not */
    EXIT_USAGE = 2, /* wrong use */
};

typedef int command_fn(int argc, char **argv);

/* In order of the alphabet; each is a row of the table in main.c. */
command_fn cmd_alert;
command_fn cmd_apply;
command_fn cmd_audit;
command_fn cmd_backtest;
command_fn cmd_check;
command_fn cmd_config;
command_fn cmd_console;
command_fn cmd_device;
command_fn cmd_journal;
command_fn cmd_lane;
command_fn cmd_migrate;
command_fn cmd_post;
command_fn cmd_rejects;
command_fn cmd_replay;
command_fn cmd_report;
command_fn cmd_run;
command_fn cmd_simulate;
command_fn cmd_storage;
command_fn cmd_test;
command_fn cmd_user;
command_fn cmd_whatif;
