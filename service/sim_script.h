/*
 * sim_script: how the simulated machines of one class behave, from simulate/<class>.txt beside the
 * configuration; so no class is known to the program. Pure.
 *
 * One statement a line, # begins a comment:
 *
 *   every 10s                      how often a machine sends
 *   stream telemetry               last level of its topic
 *   parts 10                       how many parts it has (none if not given)
 *   message {...}                  its payload; $name is replaced
 *   part {...}                     of each part; joined by commas they are $parts
 *   replay {...}                   payload for `--replay`; $row: the cells as JSON members
 *   column FROM TO                 a column of that file and the member that it becomes
 *   let NAME=VALUE ...             what holds in every state
 *   state NAME 20s..90s N=V ...    states that a machine goes through, round and round
 *   part-state NAME 5m..2h N=V ... the same for each part
 *   fault NAME 2m N=V ...          what `--fault NAME@DEVICE` changes, and for how long
 *   part-fault NAME 2m N=V ...     the same, of one part
 *
 * VALUE: a word; 1..5 a number drawn once for the state (for a `let` or a fault, once for all);
 * 1~5 a number drawn for each message; a|b one of these, drawn for the state. Numbers have as many
 * decimals as the first one is written with. Also known are: $device $boot $seq $part $time
 * (RFC 3339) $time_ms $time_s $time_local (Asia/Shanghai).
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/instant.h"

#include <stddef.h>
#include <stdint.h>

#define SIM_MAX_PARTS 64

struct sim_value {
    const char *name;
    const char *text; /* a word, or words with | between */
    double low, high; /* of a number */
    int decimals;
    char kind; /* 'w' word, '|' pick, '.' once a state, '~' once a message */
};

struct sim_state { /* or a fault */
    const char *name;
    struct span least, most;
    bool of_part;
    const struct sim_value *values;
    size_t n_values;
};

struct sim_script {
    struct span every;
    const char *stream;
    size_t parts;
    const char *message, *part, *replay; /* NULL: none */
    const struct sim_value *columns;     /* name: from; text: to */
    size_t n_columns;
    struct sim_state let;
    const struct sim_state *states, *part_states, *faults;
    size_t n_states, n_part_states, n_faults;
};

/* where: for error texts, the file's name. */
MUST_USE bool sim_script_parse(struct arena *arena, const char *where, struct view text,
    struct sim_script *out, struct err *err);
/* NULL if there is none. */
const struct sim_state *sim_script_fault(const struct sim_script *script, struct view name);
/* What a column of a replayed file is called in the message. */
const char *sim_script_column(const struct sim_script *script, const char *name);
