/*
 * source: the text of a configuration file, and the tree of marked nodes that YAML makes of it.
 *
 *   files -> source -> schema -> loaders
 *
 * Only the plain part of YAML is taken: maps, lists and scalars. Anchors, aliases, tags, several
 * documents and keys given twice are refused. Scalars stay text: what they mean is for the schema.
 * Size, depth and number of nodes are bounded. Pure. Nodes live in the arena that was given.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>

struct reporter;

#define SOURCE_MAX_BYTES (4u << 20)       /* of one YAML file */
#define SOURCE_MAX_CSV_BYTES (256u << 20) /* devices.csv: a million devices */
#define SOURCE_MAX_DEPTH 24
#define SOURCE_MAX_NODES 500000

struct mark { /* 1-based, in characters; 0, 0: the file as a whole */
    int line, column;
};

struct source {
    const char *name; /* relative to the folder: "rules/fire.yaml" */
    struct view text;
    const char *root; /* what a list at the top is called in messages: "rules" */
};

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
    const struct source *source;
    struct node *parent;
    enum node_kind kind;
    bool quoted;   /* a scalar in quotes: text, also when it is empty */
    bool one_line; /* a scalar that begins and ends in one line */
    struct mark at;
    struct view key; /* its name in a map; ptr NULL: none */
    struct mark key_at;
    size_t index; /* its place in a list, from 0 */
    struct view text;
    struct node *first, *last, *next;
    size_t len; /* children */
};

/* NULL if it cannot be used; then something was reported. */
struct node *yaml_read(const struct source *source, struct arena *arena, struct reporter *reporter);
const struct node *node_child(const struct node *map, const char *key);
/* "rules[3].stages[1].when"; counts from 1, as people do. */
void node_path(const struct node *node, struct buf *out);
/* Line number n (from 1) without its end; ptr NULL if there is none. */
struct view source_line(struct view text, int n);
