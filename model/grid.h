/*
 * grid: the tree of units, the compounds in it, and who can be told.
 *
 * district > subdistrict > station > point > compound. Immutable once the configuration is made;
 * all pointers lead into the same configuration.
 */
#pragma once

#include "base/instant.h"
#include "base/view.h"
#include "model/words.h"

#include <stdbool.h>
#include <stddef.h>

enum tier { /* the order of climbing */
    TIER_POINT,
    TIER_STATION,
    TIER_SUBDISTRICT,
    TIER_DISTRICT,
    TIER_COUNT,
};

extern const char *const tier_names[TIER_COUNT];   /* "point" .. "district": files, topics */
extern const struct words tier_titles[TIER_COUNT]; /* for people */
extern const struct words tier_loops[TIER_COUNT];  /* self, micro, small, big loop */
bool tier_parse(struct view name, enum tier *out);

enum side { SIDE_INSIDE, SIDE_OUTSIDE };

struct channel; /* alerting/dispatch/channel.h */

struct address { /* one way to reach somebody; order in a list is order of trial */
    const struct channel *channel;
    const char *to; /* what the channel needs beyond itself: "" for MQTT, a path, a number */
};

struct person {
    const char *id;
    struct words name;
    const struct address *addresses;
    size_t n_addresses;
};

/* One duty: every day from..to, minutes after local midnight; to <= from goes over midnight,
 * 0..1440 is the whole day. */
struct shift {
    int from, to;
    const struct person *officer;
    const struct person *deputy; /* NULL: none */
};

struct unit {
    const char *id; /* [a-z0-9-]+; topic level */
    struct words name;
    enum tier tier;
    const struct unit *parent; /* NULL for a district */
    const struct shift *shifts;
    size_t n_shifts;
    /* also told of everything that this unit is told (a board, a hotline): not persons */
    const struct address *addresses;
    size_t n_addresses;
};

struct centre { /* takes orders: repair centre, micro fire station, lift firm, property firm */
    const char *id;
    struct words name;
    const struct address *addresses;
    size_t n_addresses;
    struct span receive_within, accept_within, arrive_within, finish_within; /* 0: no limit */
    const struct centre *next; /* offered to when this one refuses or does not answer; NULL: none */
};

struct compound {
    const char *id;
    struct words name;
    const struct unit *point; /* the lowest unit that exists for it; may be of a higher tier */
    const struct unit *units[TIER_COUNT]; /* per tier; NULL: routes fall through to the next */
};

struct grid {
    const struct unit *units; /* all tables by id */
    size_t n_units;
    const struct compound *compounds;
    size_t n_compounds;
    const struct centre *centres;
    size_t n_centres;
    const struct person *persons;
    size_t n_persons;
    int offset_s; /* local time east of Greenwich: 28800 for Asia/Shanghai */
};

const struct unit *unit_find(const struct grid *grid, struct view id);
const struct compound *compound_find(const struct grid *grid, struct view id);
const struct centre *centre_find(const struct grid *grid, struct view id);
const struct person *person_find(const struct grid *grid, struct view id);
/* The shift of unit at that time; NULL: a hole. */
const struct shift *unit_on_duty(
    const struct grid *grid, const struct unit *unit, struct instant at);
