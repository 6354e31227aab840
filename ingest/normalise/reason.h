/*
 * reason: the stable words that say why a message, or a part of one, was rejected. One table; the
 * words of json_check (base/json.h) belong to it. Words are kept in Postgres and in metrics: they
 * are never renamed.
 */
#pragma once

#include "ingest/normalise/frames/frame.h"

#include <stddef.h>

enum reason {
    REASON_TOPIC,          /* matches no pattern, or is not UTF-8 */
    REASON_DEVICE_CODE,    /* the topic's device is not a possible code */
    REASON_UNKNOWN_CLASS,  /* no such class, or the topic names none and the device is unlisted */
    REASON_CANARY,         /* on our canary's topic, but not a number */
    REASON_ROOT,           /* JSON, but not an object (or the array that the profile asks for) */
    REASON_KIND,           /* a message of a kind that the profile does not know */
    REASON_NO_FIELDS,      /* nothing in it that the profile knows */
    REASON_PARTS,          /* the array of parts is something else */
    REASON_PART,           /* an element of parts is not an object */
    REASON_PART_NAME,      /* an element without a name, or over PART_BYTES, or not printable */
    REASON_TOO_MANY_PARTS, /* over NORMALISE_MAX_PARTS */
    REASON_TYPE,           /* a field of another type */
    REASON_RANGE,          /* a number outside the field's limits */
    REASON_CODE,           /* not one of the field's codes */
    REASON_LENGTH,         /* a text over FIELD_TEXT_BYTES; cut */
    REASON_TIME,           /* a time in none of the profile's forms; dated at arrival */
    REASON_FRAME,          /* to REASON_FRAME + FRAME_CHECKS - 1: a frame, by what failed */
    REASON_FRAME_LAST = REASON_FRAME + FRAME_CHECKS - 1,
    REASON_MORE, /* further rejects of the same record, counted only */
    REASON_COUNT,
};

const char *reason_name(enum reason reason);
/* All words, those of json_check included; NULL after the last. */
const char *reason_word(size_t i);
