/*
 * frame: the binary protocols of the field. Bytes become the tree that a JSON message of the same
 * content would have been, so that a profile maps it as it maps JSON.
 *
 *   the payload -> frame -> the rest of ingest/normalise
 *
 * Pure and total: any bytes give a tree, perhaps without records, and a flaw for each frame that
 * does not check out. A payload may hold several frames; a good one is read whatever stands before
 * or behind it. The tree of every protocol:
 *
 *   {"device": text, "identity": text, "time": ms, "records": [{"part": text, "kind": text,
 *    "time": ms, "test": bool, ...}, ...]}
 *
 * identity and time of the root are there if the payload is one frame: a repetition of it has the
 * same. time is milliseconds since 1970 (form unix_ms); a time that is no date is the text of its
 * bytes. The names of the values are in docs/interfaces.md.
 *
 * The tree lives in the arena and is never given to cJSON_Delete. Time: none, except the now of a
 * confirmation.
 */
#pragma once

#include "base/arena.h"
#include "base/instant.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;

#define FRAME_MAX_RECORDS 1024 /* of one payload; one more is a flaw */
#define FRAME_MAX_FLAWS 32     /* of one payload; the others are counted in more */
#define FRAME_MAX_BYTES 65536  /* of the payload, as binary */

enum frame_kind {
    FRAME_NONE, /* the payload is JSON */
    FRAME_GBT26875,
    FRAME_DNY,
    FRAME_MEOKON,
    FRAME_KINDS,
};
extern const char *const frame_names[FRAME_KINDS]; /* as profiles write them: none, gbt26875 .. */

enum frame_encoding {
    FRAME_ENCODING_USUAL, /* the protocol's own: hex for meokon, else binary */
    FRAME_ENCODING_BINARY,
    FRAME_ENCODING_HEX,
    FRAME_ENCODINGS,
};
extern const char *const frame_encoding_names[FRAME_ENCODINGS]; /* usual, binary, hex */

enum frame_layout {
    FRAME_LAYOUT_STANDARD,
    FRAME_LAYOUT_NBIOT, /* gbt26875 of stand-alone detectors: battery and signal in the objects */
    FRAME_LAYOUTS,
};
extern const char *const frame_layout_names[FRAME_LAYOUTS]; /* standard, nbiot */

/* How one vendor reads the protocol; all zero is the standard's way. */
struct frame_dialect {
    enum frame_kind kind;
    enum frame_encoding encoding;
    enum frame_layout layout;
    bool bcd_time;         /* gbt26875: times are BCD */
    bool big_endian_state; /* gbt26875: the two state bytes the other way round */
    bool any_length;       /* gbt26875: the length field says nothing; end mark and sum decide */
    uint8_t first_port;    /* dny: the number of the first port on the wire; parts count from 1 */
    bool confirm;          /* answer with a confirmation, see frame_answer */
};

/* What did not check out. */
enum frame_check {
    FRAME_CHECK_HEX,    /* a byte that is no hex digit, or half a byte at the end */
    FRAME_CHECK_START,  /* no start mark where a frame must begin */
    FRAME_CHECK_SHORT,  /* the payload ends inside of the frame */
    FRAME_CHECK_LENGTH, /* the length field */
    FRAME_CHECK_SUM,    /* checksum or CRC */
    FRAME_CHECK_END,    /* the end mark */
    FRAME_CHECK_TYPE,   /* a command or data type that the protocol does not know */
    FRAME_CHECK_COUNT,  /* the number of objects does not fit the length */
    FRAME_CHECK_MANY,   /* over FRAME_MAX_RECORDS */
    FRAME_CHECK_DEVICE, /* of another device than the frames before it */
    FRAME_CHECKS,
};

struct frame_flaw {
    enum frame_check check;
    size_t at;                /* byte of the payload, as binary, that failed */
    uint64_t found, expected; /* as numbers; text marks read big-endian */
    bool kept;                /* it was read all the same, and is suspect */
    struct view raw;          /* the bytes of the frame, in the arena or the payload */
};

/* What a confirmation needs to know of a frame. */
struct frame_head {
    uint16_t serial;
    uint8_t version[2], source[6], target[6]; /* gbt26875 */
    uint32_t device;                          /* dny */
    uint8_t command;
    bool good; /* it checked out; else a denial is due */
};

/* All names that a tree of one protocol can have, in any dialect: a path with another one leads
 * nowhere. At the end stands NULL. */
struct frame_values {
    const char *const *root;   /* of the payload: device, identity .. */
    const char *const *record; /* of one of its records */
};
/* Not of FRAME_NONE. */
struct frame_values frame_values_of(enum frame_kind kind);

struct frame_out {
    const struct cJSON *root; /* never NULL; "records" is an array */
    size_t n_records;
    const struct frame_flaw *flaws;
    size_t n_flaws, more;
    const struct frame_head *heads; /* those that are to be answered, in order */
    size_t n_heads;
};

/* Everything in out lives in arena or points into payload. */
void frame_decode(const struct frame_dialect *dialect, struct view payload, struct arena *arena,
    struct frame_out *out);

#define FRAME_CONFIRM_BYTES 30
/* The confirmation (or, where the protocol has one, the denial) of one frame; its length, 0 if the
 * protocol asks for none. */
size_t frame_confirm(const struct frame_dialect *dialect, const struct frame_head *head,
    struct instant now, uint8_t room[FRAME_CONFIRM_BYTES]);
/* All confirmations of one payload, one after the other, encoded as the payload was; empty if
 * there is nothing to answer or the dialect does not answer. */
struct view frame_answer(const struct frame_dialect *dialect, const struct frame_out *frames,
    struct instant now, struct arena *arena);
