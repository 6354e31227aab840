/*
 * normalise: from a journal record to readings and rejects. Pure and total: any bytes give a
 * verdict.
 *
 *   ingest/journal -> normalise -> ingest/writer, alerting/engine
 *
 * Live intake, replay and back-test use this one function, so they cannot disagree about what a
 * message meant. Time: the record's journal stamp.
 *
 * Each field is read for itself. What is wrong but readable (out of range, a number written as
 * text where the profile has none, a fraction of a whole number, a text that is too long) is kept
 * AND named in a reject; what is unreadable is only a reject, never a zero. Either way the whole
 * reading is SUSPECT_CHECK: it may raise, it cannot clear red or orange. A reading without any
 * field is only its rejects. null is "not heard": the field is absent, without a reject.
 *
 * Stream `status` (births and wills): read like any other, through the profile; a bare scalar or
 * the words online/offline are read as {"online": it}. Without any known field it is stored with 0
 * readings, not rejected. Any other stream name is read as telemetry.
 *
 * Time: the device's if it is within NORMALISE_PAST .. NORMALISE_FUTURE of received; else received
 * with server_time (had_time tells "sent none" from "not believed"); neither is suspect. A time
 * that is there and cannot be read is a reject of its own, and its reading is suspect: what clears
 * must be fresh, and of this one nobody can say how old it is. Test bit: believed only of a reading
 * that is not suspect. Receipt: only if at least one reading (or, on status, nothing wrong) came
 * out of it, so that a device repeats what was not understood.
 */
#pragma once

#include "base/arena.h"
#include "ingest/normalise/profile.h"
#include "model/device.h"
#include "model/message.h"
#include "model/reading.h"

#define NORMALISE_MAX_PAYLOAD 262144 /* bytes, 600 records of 400; larger ones are rejects */
#define NORMALISE_MAX_PARTS 1024
#define NORMALISE_MAX_REJECTS 32 /* of one record; one more says how many more there were */
#define NORMALISE_RAW_BYTES 512  /* of each reject after the first, which has the payload */
#define NORMALISE_ID_BYTES 128   /* boot, sequence and receipt: longer ones are none */

/* Tried in order, before estate/{district}/{compound}/{class}/{device}/{stream}. */
struct topic_pattern {
    const char *pattern;       /* "GIOT-GW/UL/{device}": {name} and + match one level, # the rest */
    const struct class *class; /* NULL: {class} of the topic, else the listed device's */
    const struct profile *profile; /* NULL: the device's, else the class's first */
};

struct normalise_options {
    const char *lane; /* the canary of this lane is VERDICT_OWN */
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
