/*
 * profile: how one vendor's payload, JSON or frames, becomes the fields of a class. From
 * classes/<name>.yaml; immutable data, filled by config/.
 *
 * Paths are dotted object keys, "data.port.temp"; `[]` in parts is the array whose elements are
 * the parts ("[]" alone: the payload is that array). A value path is looked up in the part's
 * element first, then from the root; two entries for one field are tried in their order. A step
 * into an array is its index.
 *
 * A message whose array of parts is missing or empty is about the device itself (part '').
 */
#pragma once

#include "ingest/normalise/frames/frame.h"
#include "model/class.h"

enum time_form {
    TIME_NONE,
    TIME_UNIX_S,
    TIME_UNIX_MS,
    TIME_RFC3339,
    TIME_LOCAL, /* "2026-11-24 14:56:40" in Asia/Shanghai */
};

struct profile_code { /* what the vendor writes -> number of the field */
    struct view text; /* JSON string, or the text of a JSON number or true/false */
    double number;
};

struct profile_field {
    const char *path;
    /* INT, REAL: value * scale + offset, in the field's measure; 1 and 0 if not given: whoever
     * fills this must set scale */
    double scale, offset;
    const struct profile_code *codes;
    size_t n_codes;
    uint16_t field;    /* index in the class */
    bool text_numbers; /* "1", "0.3" are numbers */
    bool invert;       /* booleans the other way round */
};

struct profile {
    const char *name; /* "plain", unique in its class */
    /* kind FRAME_NONE: JSON. Else parts is "records[]", part "part", time "time" in unix_ms */
    struct frame_dialect frame;
    const char *parts; /* path of the array of parts, NULL: the message is about one part */
    const char *part;  /* path of the part's name, '' is the device itself; NULL: '' */
    const char *time;  /* NULL: no time */
    enum time_form time_form;
    /* paths of the identity, from the root; NULL: none. Without a boot the time takes its place;
     * with a sequence alone there is no identity, for it starts again at every reboot */
    const char *boot, *sequence;
    const char *device;  /* path of the device's code, to compare with the topic's; NULL */
    const char *test;    /* path of a bool: under test or inspection; NULL */
    const char *receipt; /* path of the message's id to be sent back; NULL: no receipts */
    const struct profile_field *fields;
    size_t n_fields;
};
