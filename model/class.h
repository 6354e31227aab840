/*
 * class: a kind of device and the fields that its readings have. From classes/<name>.yaml; no class
 * name appears in C outside tests. Immutable once the configuration is made.
 */
#pragma once

#include "base/instant.h"
#include "base/view.h"
#include "model/measure.h"
#include "model/words.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_type {
    FIELD_BOOL, /* 0 or 1 */
    FIELD_INT,  /* whole, |x| <= 2^53 */
    FIELD_REAL, /* finite */
    FIELD_CODE, /* one of codes[]; the number is the code's number */
    FIELD_TEXT, /* UTF-8 without NUL, at most FIELD_TEXT_BYTES */
};

#define FIELD_TEXT_BYTES 256
#define CLASS_MAX_FIELDS 128

struct field_code {
    double number;
    const char *name; /* as rules write it: closed */
    struct words title;
};

struct field {
    const char *name; /* column and rule name: [a-z][a-z0-9_]* */
    struct words title;
    enum field_type type;
    /* keeps its value until the opposite is heard (design section 7); else the value is unknown
     * three expected intervals after it was last heard */
    bool edge;
    const struct measure *measure; /* never NULL; the bare number if it has none */
    double min, max;               /* allowed, in measure; -inf/inf if not given */
    const struct field_code *codes;
    size_t n_codes;
};

struct rated_unit { /* of a rated value */
    const char *name;
    const struct measure *measure;
};

/* How long rows of a class are kept, by level; pack: when old readings are made small, 0: never. */
struct class_keep {
    struct span reading, minute, hour, day, pack;
};

struct class
{
    const char *name; /* topic level, table name, rule's class: [a-z][a-z0-9_]* */
    uint16_t index;   /* place in the table of this configuration only: never stored */
    struct words title;
    struct span interval; /* how often a device is expected to be heard */
    struct class_keep keep;
    int coverage_age; /* who is so many years old is counted by default; 0: not the class's */
    const struct field *fields;
    size_t n_fields;
    const struct rated_unit *rated; /* what devices.csv may say of a machine; none: anything */
    size_t n_rated;
    const struct profile *const *profiles; /* of ingest/normalise; [0] is the default one */
    size_t n_profiles;
};

struct class_table {
    const struct class *at; /* by name */
    size_t len;
};

const struct class *class_find(const struct class_table *table, struct view name);
/* -1 if there is none. */
int field_find(const struct class *class, struct view name);
const struct field_code *field_code_by_name(const struct field *field, struct view name);
const struct field_code *field_code_by_number(const struct field *field, double number);
