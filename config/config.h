/*
 * config: the only place that knows the files: text -> checked structs, or all problems at once.
 *
 * A configuration is one immutable object in one arena with a reference count (the writer may
 * still need the version under which a record was judged). Modules never ask it anything: they get
 * their options structs, which it holds filled.
 */
#pragma once

#include "alerting/assessment/assess.h"
#include "alerting/dispatch/channel.h"
#include "alerting/dispatch/envelope.h"
#include "alerting/engine/engine.h"
#include "alerting/escalation/policy.h"
#include "alerting/rules/rules.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "ingest/normalise/normalise.h"
#include "model/device.h"
#include "model/grid.h"

struct problem {
    const char *file; /* relative to the folder */
    int line, column; /* 1-based, characters; 0: the file as a whole */
    bool warning;
    const char *code;      /* stable word of the kind of mistake, for --json and tests */
    struct words text;     /* 'where: what, the value, what is allowed' without file and line */
    struct words hint;     /* NULL pointers: none */
    const char *line_text; /* the line, for the caret; NULL: none */
};

struct problems {
    const struct problem *at; /* by file, line, column */
    size_t len;
    size_t errors;
};

struct broker {
    const char *host;
    int port;
    const char *username;      /* NULL: none; "%s" is not expanded: post uses username too */
    const char *password_file; /* NULL: none */
};

struct lane_config {
    const char *name;           /* [a-z][a-z0-9]* */
    const char *const *filters; /* MQTT topic filters */
    size_t n_filters;
    bool life_safety;
    struct span sync; /* 0: each */
    uint64_t journal_max_bytes;
    struct span journal_keep; /* 24 h */
    int port;                 /* loopback: /metrics, /ready, /answer; 0: none */
    const char *username;     /* broker account of this lane; NULL: the broker's */
    const char *password_file;
};

struct client { /* declared to send commands (console, command line), or a centre's key */
    const char *id;
    const char *key_file;
    bool commands;               /* may send commands */
    const struct centre *centre; /* may answer orders of this centre; NULL: none */
    const struct unit *unit;     /* its subtree only; NULL: all */
};

struct console_config {
    const char *address;         /* a number; loopback unless told otherwise */
    int port;                    /* 0: no console */
    const struct client *client; /* whose key signs its commands; NULL: no console */
};

struct config {
    uint32_t version;
    char hash[33]; /* of all files' bytes, hex */
    struct broker broker;
    const char *database; /* libpq connection string without password; NULL: none */
    const char *database_password_file;
    const char *state_dir; /* absolute */
    const struct lane_config *lanes;
    size_t n_lanes;
    const struct client *clients;
    size_t n_clients;
    struct console_config console;
    struct class_table classes;
    struct device_table devices;
    struct grid grid;
    struct ruleset rules;
    struct policy_set policies;
    struct assess_targets targets; /* within what an assessment counts as in time */
    struct channel_set channels;
    const struct topic_pattern *patterns;
    size_t n_patterns;
    uint32_t device_rate, device_burst;
};

/* Reads a folder. NULL if there were errors. *problems lives in arena (the caller's). Never fails
 * without a problem. */
struct config *config_load(
    const struct fs *fs, const char *dir, struct arena *arena, struct problems *problems);
/* The same, and what is wrong with the rosters from now on (whoever puts it in force): two at once
 * in one place, one in two places, hours in which nobody can be reached, missing holidays. */
struct config *config_load_at(const struct fs *fs, const char *dir, struct instant now,
    struct arena *arena, struct problems *problems);
struct config *config_ref(struct config *config);
void config_unref(struct config *config); /* NULL is fine */
/* Another place for its state than its files say (copied); NULL: as they say. Before it is used. */
void config_place_state(struct config *config, const char *state_dir);

/* "file:line:column: text", the line, a caret, "hint: ...". */
void problem_print(const struct problem *problem, enum lang lang, struct buf *out);
/* {"errors": n, "problems": [...], "warnings": n} */
void problems_json(const struct problems *problems, struct buf *out);

/* JSON Schema of the i-th kind of file, for editors; its name, "rules"; NULL after the last. */
const char *config_json_schema(size_t i, struct buf *out);

/* What the engine of one of its lanes is given. Borrows. */
void config_engine_options(
    const struct config *config, const struct lane_config *lane, struct engine_options *out);
/* What turns its records into readings. Borrows. */
void config_normalise_options(
    const struct config *config, const struct lane_config *lane, struct normalise_options *out);
/* NULL: it has no such lane. */
const struct lane_config *config_lane_named(const struct config *config, const char *name);

/* Which lane a topic belongs to: the most specific matching filter; NULL: none. */
const struct lane_config *config_lane_of(const struct config *config, struct view topic);

/* The one door (design section 7): versions in STATE/config/N/, `current` names one. */
MUST_USE bool config_apply(const struct fs *fs, const char *dir, const struct config *config,
    uint32_t *version, struct err *err);
/* A roll-back: the accepted version N is in force again, under its number. ERR_GONE: no such one.
 */
MUST_USE bool config_apply_version(
    const struct fs *fs, const char *state_dir, uint32_t version, struct err *err);
/* Loads version (0: current) from the state folder; ERR_GONE if nothing was ever applied. A version
 * that was accepted once always starts. */
MUST_USE bool config_load_version(const struct fs *fs, const char *state_dir, uint32_t version,
    struct config **out, struct err *err);
MUST_USE bool config_current(
    const struct fs *fs, const char *state_dir, uint32_t *version, struct err *err);
