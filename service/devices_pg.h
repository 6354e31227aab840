/*
 * devices: what the database knows of devices: when each was last heard, its last values, its open
 * alerts. Blocking and read-only, for tools.
 *
 * Silence is counted up to where the lane's messages are in the database (`stored`), not up to now:
 * a lane that is down makes no device silent.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/instant.h"
#include "base/map.h"
#include "config/config.h"

#include <libpq-fe.h>

struct heard { /* of ops.seen; times 0: never */
    const char *code, *class_name, *compound, *lane;
    struct instant first, at;
};

struct heard_table { /* by code; lives in the arena that was given */
    const struct heard *at;
    size_t len;
    struct map by_code;        /* code -> const struct heard *; map_fini it */
    struct map stored;         /* lane -> struct instant *; map_fini it */
    struct instant stored_min; /* of the lane that is farthest behind; 0: nothing is stored */
};

enum device_state { DEVICE_NEVER, DEVICE_SILENT, DEVICE_HEARD, DEVICE_UNLISTED, DEVICE_STATES };
extern const char *const device_state_names[DEVICE_STATES];
extern const struct words device_state_titles[DEVICE_STATES];

/* Connects with the reader's account of the configuration; false: err says why. */
MUST_USE bool devices_connect(const struct config *config, PGconn **out, struct err *err);
MUST_USE bool devices_heard(
    PGconn *pg, struct arena *arena, struct heard_table *out, struct err *err);
void heard_fini(struct heard_table *table);
const struct heard *heard_of(const struct heard_table *table, const char *code);
/* heard NULL: never. Silent: for three of its intervals and a minute (ops.seen is to the minute).
 */
enum device_state device_state_of(
    const struct heard_table *table, const struct device *device, const struct heard *heard);

struct devices_row { /* what devices_show and the like find; texts are valid in the call only */
    const char *const *texts;
    int n;
};
typedef void devices_row_fn(void *arg, const struct devices_row *row);

/* part, time, received, row as JSON: the newest row of each part. */
MUST_USE bool devices_last(
    PGconn *pg, const struct device *device, devices_row_fn *row, void *arg, struct err *err);
/* alert, rule, severity, state, part, opened, title_zh, title_en: newest last. */
MUST_USE bool devices_alerts(
    PGconn *pg, const char *code, devices_row_fn *row, void *arg, struct err *err);
struct devices_walk { /* the first message of a device since an instant */
    const struct device *device;
    struct instant since;
    bool any; /* not only under test */
};
/* pos, lane, received, committed, time (microseconds, 0: none), reject (reason: detail, or "");
 * no row: none has come. */
MUST_USE bool devices_walk(
    PGconn *pg, const struct devices_walk *ask, devices_row_fn *row, void *arg, struct err *err);
/* Least received - time of the last 24 h, seconds as text; "" if it gave no time. */
MUST_USE bool devices_skew(PGconn *pg, const struct device *device, char out[32], struct err *err);
