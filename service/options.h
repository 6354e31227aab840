/*
 * options: the words after a subcommand, as data: the parser, --help and the error texts come from
 * one table.
 *
 *     static const char *config = "/etc/wallwatch";
 *     const struct option_row rows[] = {
 *         {"config", "DIR", "folder of the configuration", &config, NULL},
 *         {"json", NULL, "print JSON", NULL, &json},
 *     };
 *     const struct usage usage = {"check", "[FILE ...]", "What it does.", rows, ARRAY_LEN(rows),
 *         0, 8};
 *     const char *args[8];
 *     int n_args, code;
 *
 *     if (!options_read(&usage, argc, argv, args, &n_args, &code))
 *         return code;
 *
 * Both --config DIR and --config=DIR; options and arguments in any order; -- ends the options.
 * Thread: any; prints to stdout (--help) or stderr (wrong use).
 */
#pragma once

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct option_row {
    const char *name;  /* without the dashes */
    const char *value; /* what stands after it in the help, "DIR"; NULL: a switch */
    const char *help;  /* what stays when it is not given goes into the text: "(default 8)" */
    const char **text; /* gets the value; untouched if not given */
    bool *on;          /* gets true */
};

struct usage {
    const char *command; /* "lane" */
    const char *args;    /* "NAME"; "" for none */
    const char *about;   /* what it does, in sentences */
    const struct option_row *rows;
    size_t n_rows;
    int min_args, max_args; /* args of options_read has room for max_args */
};

/* argv as a command gets it, from its own name on. False: it has printed, the command returns
 * *code (--help: 0, wrong use: 2). */
MUST_USE bool options_read(
    const struct usage *usage, int argc, char **argv, const char **args, int *n_args, int *code);

/* text as a whole number; false has printed "--name: 'x' is not ..., allowed are MIN to MAX". */
MUST_USE bool options_number(const char *command, const char *name, const char *text, int64_t min,
    int64_t max, int64_t *out);
