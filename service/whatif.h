/*
 * whatif: who would be told of a fault, when, and over which channel, if nobody acts: an engine of
 * its own, in which a person reports the fault, and time is taken forward.
 *
 * It asks the door that the lane asks (alerting/engine), so it says what would happen. Pure.
 */
#pragma once

#include "base/buf.h"
#include "config/config.h"

struct whatif_ask {
    const struct config *config;
    const struct device *device;
    const struct rule *rule;
    struct instant at;
    struct span span; /* how long nobody acts */
    bool unreachable; /* nothing arrives either: the next ways and persons are tried */
};

struct whatif_row { /* an event of the case, or one attempt of one notice or order */
    struct instant at;
    struct cJSON *event;            /* NULL: an attempt */
    const char *channel, *to;       /* of the attempt */
    const char *recipient, *people; /* unit or centre; ids of those it is for, "" */
    bool order;
};

struct whatif {
    struct whatif_row *at; /* in order */
    size_t len, cap;
    struct arena arena;
    bool more; /* it would go on repeating */
};

MUST_USE bool whatif_run(const struct whatif_ask *ask, struct whatif *out, struct err *err);
void whatif_fini(struct whatif *whatif);
void whatif_text(
    const struct whatif_ask *ask, const struct whatif *whatif, enum lang lang, struct buf *out);
void whatif_json(const struct whatif_ask *ask, const struct whatif *whatif, struct buf *out);
/* "Sat 02:10" (the next one after now), "2026-10-01T02:10" (local), or RFC 3339. */
MUST_USE bool whatif_time(
    const struct zone *zone, struct view text, struct instant now, struct instant *out);
