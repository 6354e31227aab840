/*
 * world: an engine with everything around it played: a clock that is moved, receivers that answer
 * or do not, and a memory of all that came out. For scenarios and the engine's tests.
 *
 * With a twin two engines run side by side; before every input the second one is saved, thrown away
 * and loaded anew, and both must say and hold the same bytes. So every scenario also shows that a
 * restart at any point changes nothing. Pure; what breaks a promise of the engine is kept in flaw.
 */
#pragma once

#include "alerting/engine/engine.h"
#include "base/digest.h"
#include "base/map.h"
#include "base/vec.h"

#include <cjson/cJSON.h>

enum behaviour { BEHAVE_OK, BEHAVE_SILENT, BEHAVE_FAIL, BEHAVE_NEVER };

struct played { /* how a recipient, person or channel answers */
    char who[64];
    enum behaviour behaviour;
};

struct seen { /* one event */
    struct instant at;
    cJSON *json;
};

struct sent {
    struct instant at;
    char channel[32], recipient[64], to[64], delivery[96], topic[192];
    char says[2048]; /* its `text`: zh, a space, en */
    uint32_t attempt;
    bool order;
};

struct world {
    const struct engine_options *options;
    struct engine *engine;
    struct engine *twin; /* loaded anew before every input; NULL: not */
    struct instant now;
    uint64_t pos;
    uint32_t epoch;
    unsigned commands;
    VEC(struct played) played;
    VEC(struct seen) events;
    VEC(struct sent) sends;
    VEC(struct sent) due;         /* not answered yet */
    size_t new_events, new_sends; /* first ones of the last instant */
    struct map shown;             /* retained topics -> body */
    struct digest chain;
    uint64_t n;
    char flaw[1100];     /* the first thing that must never be; "": nothing */
    cJSON *answer;       /* the last */
    struct effects last; /* of the last feed */
};

void world_init(struct world *world, const struct engine_options *options, bool twin);
void world_fini(struct world *world);
void world_feed(struct world *world, const struct input *in);
void world_body(struct world *world, enum input_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Everything that is due up to then happens, each thing at its own instant. */
void world_until(struct world *world, struct instant to);
void world_played(struct world *world, const char *who, enum behaviour behaviour);
/* One reading of a listed device: "field=value ..." words; late: its clock says so much earlier. */
struct told_reading {
    const char *code, *part;
    const char *const *values; /* "port_temp=63" */
    size_t n_values;
    struct span late, ahead;
    uint8_t suspect;
    bool test, clockless;
    uint64_t identity;
    bool dup;
};
enum verdict world_reading(struct world *world, const struct told_reading *told);
/* The first of its words that is no field=value of the device's class; NULL: all are, and the
 * device is listed. */
const char *world_stranger(const struct world *world, const struct told_reading *told);
/* The newest picture of a case; NULL: there never was one. */
const cJSON *world_case(const struct world *world, const char *rule, const char *subject);
/* The newest picture of the case of that id; NULL: there is none. */
const cJSON *world_alert(const struct world *world, const char *id);
const char *world_text(const cJSON *object, const char *key);
