/*
 * load: what the loaders of the single files share while one configuration is being read.
 *
 * Each file has its loader: it reads its nodes by a table of keys (schema.h), checks references
 * against what was loaded before it, and builds the final structs in the configuration's arena.
 * Order: site (channels, zone), classes, grid, calendar, rosters, devices, policies, rules, site
 * (lanes, clients, patterns), proofs.
 */
#pragma once

#include "config/report.h"
#include "config/schema.h"
#include "ingest/normalise/profile.h"

#include <stdbool.h>

enum kind { /* what names can stand for */
    KIND_CHANNEL,
    KIND_UNIT,
    KIND_COMPOUND,
    KIND_CENTRE,
    KIND_PERSON,
    KIND_CLASS,
    KIND_POLICY,
    KIND_RULE,
    KIND_COUNT,
};

struct names {
    const char **at;
    size_t len;
    bool partial; /* some could not be read: an unknown one may be among them, say nothing */
};

struct site_item; /* load_site.c */
struct examples;

struct loader {
    struct schema schema; /* arena: the configuration's; scratch: freed after loading */
    const struct fs *fs;
    const char *dir;  /* where the files are read */
    const char *base; /* what relative paths in them are relative to */
    struct config *config;
    struct names names[KIND_COUNT];
    const struct site_item *site; /* NULL: unreadable */
    /* the same tables as in config, still to be changed */
    struct device *devices;
    struct channel *channels;
    struct unit *units;
    struct compound *compounds;
    struct centre *centres;
    struct person *persons;
    const struct node **unit_nodes;     /* by unit: grid.yaml */
    const struct node **compound_nodes; /* by compound */
    const struct node **roster_nodes;   /* by unit: its `shifts:`, NULL: it has none */
    const struct node *years;           /* `years:` of calendar.yaml */
    struct instant now;                 /* 0: nothing is proven about days to come */
    struct instant today;               /* 0: not known which dates are to come */
    const struct node *site_lanes;      /* `lanes:` of site.yaml */
    const struct node **pattern_nodes;  /* by pattern */
    const struct node **rule_nodes;     /* by rule */
    const struct source *devices_csv;
    int *device_lines; /* by device: line in devices.csv */
};

/* The root map of a file; NULL: it is missing or unreadable, and that was reported. */
const struct node *load_yaml(struct loader *loader, const char *name, const char *root);
/* All files of a folder, "rules": their top lists, in order of names, appended to one. */
struct yaml_files {
    const struct node **at;
    size_t len;
    bool partial;
};
struct yaml_files load_folder(struct loader *loader, const char *folder);
const struct source *load_source(struct loader *loader, const char *name, size_t max_bytes);

/* Sorts by item.name and drops what is named twice, reporting it. */
void sort_items(struct loader *loader, struct items *items, const struct shape *shape);
void set_names(
    struct loader *loader, enum kind kind, const struct items *items, const struct shape *shape);
/* "'x' is not a known class": says nothing if not all names are known. */
void report_stranger(
    struct loader *loader, const struct node *node, enum kind kind, struct view name);
/* relative to base -> absolute (if base is) */
const char *resolve_path(struct loader *loader, const char *path);

struct address_item {
    struct item is;
    const char *channel;
    const char *to;
};
extern const struct shape address_shape;
/* Addresses of a `tell:` list. */
const struct address *make_addresses(
    struct loader *loader, const struct items *tell, size_t *n_addresses);

/* "'x' is not a field of ..." at the key of a map. */
void report_no_field(struct loader *loader, const struct node *node, const struct class *class);
/* The profile of that name in class; NULL: reported at node. */
const struct profile *profile_of(
    struct loader *loader, const struct class *class, const struct node *node, struct view name);

/* Dates "2026-10-01" and local times "2026-10-01 08:30"; false: reported, or (parse) not one. */
bool date_parse(struct view text, int64_t *day);
bool date_read(struct loader *loader, const struct node *node, struct view text, int64_t *day);
bool moment_read(struct loader *loader, const struct node *node, struct view text, bool ends,
    struct instant *out);
void report_midnight(struct loader *loader, const struct node *node);

/* What stands in each file, for json_schema.c too; a file of rules is a list of them. */
extern const struct shape calendar_shape, class_shape, example_file_shape, grid_shape,
    policies_shape, rosters_shape, rule_shape, site_shape;

void load_site(struct loader *loader);
/* The rest of site.yaml: what refers to centres, units and classes. */
void load_clients(struct loader *loader);
void load_grid(struct loader *loader);
void load_rosters(struct loader *loader);
void load_calendar(struct loader *loader);
void load_classes(struct loader *loader);
void load_devices(struct loader *loader);
/* After lanes and patterns: which lane hears each device. */
void load_device_lanes(struct loader *loader);
void load_policies(struct loader *loader);
void load_rules(struct loader *loader);
/* check_rules.c: what cannot be meant, of the rules that were loaded. */
void check_rules(struct loader *loader);
/* classes/examples: their syntax and what they name; out may be NULL (examples.h). */
void load_examples(struct loader *loader, struct examples *out);
/* check_folder.c: files that are taken for read and are not. */
void check_folder(struct loader *loader);
/* What only holds for the whole: owners of topics, rosters without holes. */
void prove_lanes(struct loader *loader);
/* Of the days from loader->now on: config/prove_days.c. */
void prove_days(struct loader *loader);
