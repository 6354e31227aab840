/*
 * recipients: who must be told when a step of a policy fires: the unit of that tier, the officer
 * on duty there at that instant with the deputy behind, and whom the step names besides.
 *
 * A tier that a compound does not have falls through to the next higher one that exists; a hole
 * in a roster leaves the unit's own addresses and adds the tier above. Both are said, so that the
 * event can say them. Pure; the instant comes in.
 */
#pragma once

#include "alerting/escalation/policy.h"
#include "base/arena.h"
#include "model/grid.h"

struct recipient {
    const struct unit *unit;               /* NULL: a centre told besides */
    const struct centre *centre;           /* NULL: a unit */
    const struct person *officer, *deputy; /* NULL: none */
    bool hole;                             /* nobody is on duty there */
    bool fell_through;                     /* asked for a lower tier */
};

struct recipients {
    const struct recipient *at;
    size_t len;
    enum tier tier; /* highest that is told */
};

struct recipients_query {
    const struct grid *grid;
    const struct compound *compound; /* NULL: all units of the highest tier */
    enum tier tier;
    const char *class_name;  /* of the devices: some units have offices for some classes */
    const char *const *tell; /* ids of units and centres besides */
    size_t n_tell;
    struct instant at;
};

/* Lives in arena. */
struct recipients recipients_of(struct arena *arena, const struct recipients_query *query);
