/*
 * device: one machine, as devices.csv lists it. Its code is text and unique in the installation;
 * its key in tables is the first 63 bits of BLAKE2b(code), so nothing needs Postgres to know it.
 */
#pragma once

#include "base/instant.h"
#include "base/map.h"
#include "base/view.h"
#include "model/class.h"
#include "model/day.h"
#include "model/grid.h"

#include <stdint.h>

#define DEVICE_CODE_BYTES 64 /* at most; [A-Za-z0-9._:-]+ */
#define PART_BYTES 32        /* at most; '' for the device itself */

struct rated {        /* what the maker promises: speed=1.75 m/s */
    const char *name; /* [a-z][a-z0-9_]* */
    double number;    /* in measure */
    const struct measure *measure;
};

struct device {
    const char *code;
    uint64_t key;
    const struct class *class;
    const struct profile *profile; /* never NULL */
    const struct compound *compound;
    const char *building; /* "" if none */
    const char *zone;     /* "" if none: then the device is its own zone */
    const char *gateway;  /* "" if none is known: what it is heard through */
    const char *name;     /* "" if none; text for people */
    enum side side;
    const char *lane; /* whose filters take its topics; NULL: not known, then any lane's */
    struct day installed;
    struct span interval;      /* expected; 0: the class's */
    const struct rated *rated; /* by name */
    size_t n_rated;
    /* by field of the class: bools that this machine sends the other way round */
    uint64_t inverted[CLASS_MAX_FIELDS / 64];
    const char *const *tags;
    size_t n_tags;
};

struct device_table {
    const struct device *at; /* by code */
    size_t len;
    struct map by_code; /* code -> const struct device * */
};

const struct device *device_find(const struct device_table *table, struct view code);
uint64_t device_key(struct view code);
MUST_USE bool device_code_valid(struct view code);
