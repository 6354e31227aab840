/*
 * schema: a key of the configuration is one row of a table: its name, its type, whether it must be
 * there, what is allowed, and where it goes.
 *
 * One function reads any map by its table and reports all that is wrong with it. What rows cannot
 * say (references, two keys that exclude each other) is checked by the loader of the file.
 * Every struct that a table fills starts with a struct item.
 */
#pragma once

#include "config/source.h"
#include "model/words.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reporter;

enum key_type {
    KEY_TEXT,   /* const char * */
    KEY_LINES,  /* const char *: may hold tabs and ends of lines */
    KEY_ID,     /* const char *: [a-z0-9][a-z0-9-]* */
    KEY_NAME,   /* const char *: [a-z][a-z0-9_]* */
    KEY_CODE,   /* const char *: [A-Za-z0-9][A-Za-z0-9._:-]* */
    KEY_BOOL,   /* bool */
    KEY_INT,    /* int64_t */
    KEY_REAL,   /* double */
    KEY_SPAN,   /* struct span: "45s" */
    KEY_BYTES,  /* uint64_t: "256MiB" */
    KEY_CLOCK,  /* int, minutes after midnight: "08:30" .. "24:00" */
    KEY_WORD,   /* int: index in choices */
    KEY_WORDS,  /* struct words: {zh: .., en: ..}, or one text for both */
    KEY_TEXTS,  /* struct texts: a list of texts */
    KEY_OBJECT, /* a struct in place */
    KEY_LIST,   /* struct items: a list of maps */
    KEY_MAP,    /* struct items: a map of maps; the keys are names of type `names` */
};

struct shape;

struct key {
    const char *name;
    enum key_type type;
    bool required;
    size_t at;                  /* offset in the struct */
    const char *min, *max;      /* INT, REAL, SPAN, BYTES: as text; TEXT: longest length in max */
    const char *const *choices; /* WORD */
    size_t n_choices;
    const struct shape *shape; /* OBJECT, LIST, MAP: of the elements */
    enum key_type names;       /* MAP: type of its keys */
    /* MAP: a list under a name is several of that name; LIST, TEXTS: a single one is a list */
    bool repeats;
    const char *fallback; /* what counts if it is not given; NULL: zero; OBJECT: "{}" */
};

struct shape {
    const struct key *keys;
    size_t n_keys;
    size_t size;           /* of the struct */
    const char *shorthand; /* key that a bare text, or list of texts, stands for; NULL */
};

struct item { /* how every struct of a shape begins */
    const struct node *node;
    const char *name; /* of a MAP: its key; of a LIST: what the loader's table puts there */
};

struct items { /* at: array of the shape's struct */
    void *at;
    size_t len;
};

struct texts {
    const char **at;
    const struct node **nodes;
    size_t len;
};

struct schema {          /* what reading needs */
    struct arena *arena; /* texts that stay */
    struct arena *scratch;
    struct reporter *reporter;
};

/* Fills out (of shape->size, zeroed by the caller). False if anything was reported. */
bool schema_read(
    struct schema *schema, const struct node *node, const struct shape *shape, void *out);
/* A list of maps at the top of a file, or inside it. */
bool schema_read_list(
    struct schema *schema, const struct node *node, const struct shape *shape, struct items *out);
/* Reads one value of a simple type; false if it was reported. */
bool schema_value(struct schema *schema, const struct node *node, const struct key *key, void *out);
/* i-th element. */
void *items_at(const struct items *items, const struct shape *shape, size_t i);
/* Where to complain about a key: its value if given, else the map. */
const struct node *node_about(const struct node *map, const char *key);

/* Values: false when text is something else. Pure, no reports. */
bool value_int(struct view text, int64_t *out);
bool value_real(struct view text, double *out);
bool value_bytes(struct view text, uint64_t *out);
bool value_clock(struct view text, int *out);
bool value_id(struct view text);
bool value_name(struct view text);
bool value_code(struct view text);
