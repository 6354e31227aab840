/*
 * profile: how one vendor's payload, JSON or frames, becomes the fields of a class. From
 * classes/<name>.yaml; immutable data, filled by config/.
 *
 * Paths are dotted object keys, "data.port.temp"; `[]` in parts is the array whose elements are
 * the parts ("[]" alone: the payload is that array). A value path is looked up in the part's
 * element first, then from the root; two entries for one field are tried in their order. A step
 * into an array is its index, or "[name=text,other=text]": the first element that has these
 * members ("[name=]": has none of that name).
 *
 * A message whose array of parts is missing or empty is about the device itself (part '').
 *
 * A vendor with several kinds of messages has a mapping for each: the first of messages whose
 * conditions hold is used in place of the profile itself.
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
    const char *path; /* NULL: none, the field is set to number in every message */
    /* INT, REAL: value * scale + offset, in the field's measure; 1 and 0 if not given: whoever
     * fills this must set scale */
    double scale, offset;
    const struct profile_code *codes;
    size_t n_codes;
    bool has_others; /* a word that is not in codes is others, and suspect */
    double others;
    /* A bool: one of these words, or a list that holds one of them, is true, anything else false.
     * known: the words that anybody reads from this path (NULL: somebody else looks); one that is
     * not among them is named, and the reading suspect. */
    const struct view *any, *known;
    size_t n_any, n_known;
    /* It is set to number where the path leads somewhere (and there is one of any), else not heard
     * at all: one of a pair of edges. */
    bool set;
    double number;
    uint16_t field;    /* index in the class */
    bool text_numbers; /* "1", "0.3" are numbers */
    bool invert;       /* booleans the other way round */
};

struct profile_time {
    const char *path;
    enum time_form form;
};

struct profile_when {
    const char *path; /* NULL: the topic's stream */
    const struct view *words;
    size_t n_words;
};

struct profile {
    const char *name; /* "plain", unique in its class */
    /* kind FRAME_NONE: JSON. Else parts is "records[]", part "part", time "time" in unix_ms */
    struct frame_dialect frame;
    const char *parts;       /* path of the array of parts, NULL: the message is about one part */
    const char *part;        /* path of the part's name, '' is the device itself; NULL: '' */
    const struct view *self; /* names of parts that mean the device itself */
    size_t n_self;
    const struct profile_time *times; /* the first that is there and can be read */
    size_t n_times;
    /* paths of the identity, from the root; NULL: none. Without a boot the time takes its place;
     * with a sequence alone there is no identity, for it starts again at every reboot */
    const char *boot, *sequence;
    const char *device; /* path of the device's code, to compare with the topic's; NULL */
    const struct profile_field *tests; /* bools: under test or inspection if one of them is true */
    size_t n_tests;
    const char *receipt; /* path of the message's id to be sent back; NULL: no receipts */
    const struct profile_field *fields;
    size_t n_fields;
    bool array;  /* a payload that is an array has members that the paths name */
    bool ignore; /* a message of no interest: no reading, no reject */
    const struct profile_when *when; /* of one of messages; none: fits always */
    size_t n_when;
    const struct profile *messages;
    size_t n_messages;
};
