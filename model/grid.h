/*
 * grid: the tree of units, the compounds in it, and who can be told.
 *
 * district > subdistrict > station > point > compound. Immutable once the configuration is made;
 * all pointers lead into the same configuration.
 */
#pragma once

#include "base/instant.h"
#include "base/view.h"
#include "model/calendar.h"
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

enum shift_days { SHIFT_EVERY_DAY, SHIFT_WORKING_DAYS, SHIFT_FREE_DAYS };

/* One duty: on its days from..to, minutes after local midnight; to <= from goes over midnight,
 * 0..1440 is the whole day. What goes over midnight belongs to the day on which it begins. */
struct shift {
    int from, to;
    const struct person *officer;
    const struct person *deputy; /* NULL: none */
    enum shift_days days;
    unsigned weekdays; /* bit 0 = Monday; 0: all */
    int64_t anchor;    /* a local day with phase 0 */
    int cycle, phase;  /* only on each cycle-th day; 0: on all */
};

struct cover { /* an override: somebody else is on duty, whatever the shifts say */
    struct instant from, to;
    const struct person *officer;
    const struct person *deputy; /* NULL: none */
};

struct swap { /* two persons do each other's duties */
    struct instant from, to;
    const struct person *between[2];
};

struct besides { /* who is told besides of one class of devices: fire, the safety office */
    const char *class_name;
    const char *const *tell; /* ids of units and centres */
    size_t n_tell;
};

struct unit {
    const char *id; /* [a-z0-9-]+; topic level */
    struct words name;
    enum tier tier;
    const struct unit *parent; /* NULL for a district */
    const struct shift *shifts;
    size_t n_shifts;
    const struct cover *covers;
    size_t n_covers;
    const struct swap *swaps;
    size_t n_swaps;
    /* also told of everything that this unit is told (a board, a hotline): not persons */
    const struct address *addresses;
    size_t n_addresses;
    /* the duty phone, in the hands of whoever is on duty: tried after the officer's own ways */
    const struct address *phone;
    size_t n_phone;
    const struct besides *besides;
    size_t n_besides;
    const char *code; /* of the public administrative division; "" if not told */
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
    const struct centre *property;        /* its property firm; NULL: it has left */
    const char *code;                     /* of the public administrative division; "" */
    enum side side;                       /* of its devices that do not say */
    const char *const *buildings, *const *zones; /* as listed; none: not told */
    size_t n_buildings, n_zones;
    int x, y; /* on the schematic, 0..10000; -1: not placed */
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
    struct calendar calendar; /* local time, working hours, holidays */
};

const struct unit *unit_find(const struct grid *grid, struct view id);
const struct compound *compound_find(const struct grid *grid, struct view id);
/* In a rule's `dispatch`: the property firm of the compound. No centre has this id. */
#define CENTRE_PROPERTY "property"
const struct centre *centre_find(const struct grid *grid, struct view id);
const struct person *person_find(const struct grid *grid, struct view id);

struct duty {
    const struct person *officer;    /* NULL: a hole */
    const struct person *deputy;     /* NULL: none */
    const struct person *also;       /* of a second shift at that time, a mistake; NULL: none */
    const struct cover *cover, *two; /* that makes it so, and a second one at that time; NULL */
    struct instant until;            /* later than at: nothing changes before */
};

/* Who is on duty at that time; false: nobody, a hole (until is set then too). */
bool unit_on_duty(
    const struct grid *grid, const struct unit *unit, struct instant at, struct duty *out);
/* Is there a way to somebody on duty? */
bool duty_is_reachable(const struct unit *unit, const struct duty *duty);
