/*
 * normalise: from a journal record to readings and rejects. Pure and total: any bytes give a
 * verdict; what can be read of a bad message is read and marked suspect if it raises, rejected
 * part by part if not.
 *
 *   ingest/journal -> normalise -> ingest/writer, alerting/engine
 *
 * Live intake, replay and back-test use this one function, so they cannot disagree about what a
 * message meant. Time: the record's journal stamp.
 */
#pragma once

#include "base/arena.h"
#include "ingest/normalise/profile.h"
#include "model/device.h"
#include "model/message.h"
#include "model/reading.h"

#define NORMALISE_MAX_PAYLOAD 65536 /* bytes; larger messages are rejects */

struct topic_pattern {             /* a site's own topic tree: "GIOT-GW/UL/{device}" */
    const char *pattern;           /* levels; {device}, {compound}, {class} match one level */
    const struct class *class;     /* NULL: from the topic */
    const struct profile *profile; /* NULL: the device's, else the class's first */
};

struct normalise_options {
    const char *lane; /* own topics: estate-independent canary of this lane is VERDICT_OWN */
    struct class_table classes;
    const struct device_table *devices;
    const struct topic_pattern *patterns;
    size_t n_patterns;
};

/* Believable row times: -30 d .. +5 min around received (design section 8). */
#define NORMALISE_PAST SPAN_DAYS(30)
#define NORMALISE_FUTURE SPAN_MIN(5)

/* Everything in out lives in arena (or points into msg). from/pos are filled by the caller. */
void normalise(const struct normalise_options *opt, const struct message *msg, struct arena *arena,
    struct decoded *out);

/* Topic of the canary of a lane: "wallwatch/canary/LANE"; its payload is decimal: number. */
#define CANARY_TOPIC "wallwatch/canary/"
