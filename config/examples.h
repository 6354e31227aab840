/*
 * examples: payload in, readings out: what the profiles of a configuration must make of messages
 * that their vendors' machines send. From classes/examples/<any name>.yaml, beside the profiles.
 *
 *   classes/examples -> examples -> ingest/normalise
 *
 * For people who write profiles, and for tests. Comparison is exact both ways: nothing may be
 * missing, nothing may come besides. Pure, but for the reading through fs. Time: an example says
 * when it was received. Everything lives in the arena that was given.
 */
#pragma once

#include "config/config.h"
#include "config/source.h"

struct example_value {
    struct mark at;
    uint16_t field;
    double number;
    struct view text;
};

struct example_reading {
    struct mark at;
    struct view part;
    bool timed; /* the device's time is expected; else received */
    struct instant time;
    bool suspect, test;
    const struct example_value *values; /* by field */
    size_t n_values;
};

struct example_reject {
    struct mark at;
    const char *reason;
    const char *detail; /* NULL: any */
};

struct example {
    const struct source *source;
    struct mark at;
    const char *name;
    const struct class *class;
    const struct profile *profile;
    const char *device;
    struct message message;
    const char *receipt; /* NULL: none is expected */
    const struct example_reading *readings;
    size_t n_readings;
    const struct example_reject *rejects;
    size_t n_rejects;
};

struct examples {
    const struct example *at; /* by file, in their order */
    size_t len;
};

/* No folder: no examples. *problems: what is wrong with the files themselves; false if something
 * is. */
bool examples_load(const struct fs *fs, const char *dir, const struct config *config,
    struct arena *arena, struct examples *out, struct problems *problems);
/* What the profile makes of it, as a lane would. */
void example_decode(const struct config *config, const struct example *example, struct arena *arena,
    struct decoded *out);
/* Decodes and compares; *differences: one problem for each, none if all is as expected. */
void example_run(const struct config *config, const struct example *example, struct arena *arena,
    struct problems *differences);
