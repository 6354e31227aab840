/*
 * json: the strict check in front of cJSON, and the one writer of JSON in this program.
 *
 * cJSON is lax (facts.md): invalid UTF-8, raw control characters, trailing garbage, 01, 1e999,
 * duplicate keys and \u0000 all pass. So json_check() runs first and is total; only what it
 * accepts is given to cJSON_ParseWithLength, and only case-sensitive look-ups are used.
 *
 * The writer sorts the keys of every object by their bytes (determinism, design section 11), so
 * an object is closed before it is seen: members may be put in any order.
 */
#pragma once

#include "base/buf.h"
#include "base/instant.h"
#include "base/view.h"

#include <stdbool.h>
#include <stdint.h>

enum json_flaw {
    JSON_FINE,
    JSON_EMPTY,
    JSON_SIZE,  /* longer than max_bytes */
    JSON_DEPTH, /* deeper than JSON_MAX_DEPTH */
    JSON_UTF8,  /* overlong, surrogate (escaped ones too, unless paired), cut, above U+10FFFF */
    JSON_SYNTAX,
    JSON_NUMBER,    /* not the grammar of RFC 8259, or not finite */
    JSON_NUL,       /* \u0000 */
    JSON_DUPLICATE, /* a key twice in one object */
    JSON_TRAILING,  /* bytes after the value */
};

#define JSON_MAX_DEPTH 32
#define JSON_NUMBER_BYTES 63 /* a longer number is a flaw: cJSON would cut it */

/*
 * One pass, no recursion; the work is bounded by n log n whatever the bytes are. *at: byte offset
 * of the flaw (0 if fine). Keys are compared after unescaping ("a" and "\u0061" are one key), at
 * the close of their object, so another flaw inside the object is named before a duplicate.
 */
enum json_flaw json_check(struct view text, size_t max_bytes, size_t *at);
/* "json-utf8" and so on: the reason word of a reject. */
const char *json_flaw_name(enum json_flaw flaw);
/* True for well-formed UTF-8 without NUL. */
bool utf8_valid(struct view text);
/* Bytes of the well-formed character at the start, 1..4; 0: there is none (or it is NUL). */
size_t utf8_char(struct view text);

struct json_frame; /* one open object or array */

struct json_writer {
    struct buf *out; /* borrowed; gets the text when the outermost value is closed */
    struct json_frame *top;
};

void json_begin(struct json_writer *json, struct buf *out);
/* CHECKs that everything was closed. */
void json_end(struct json_writer *json);

/* key is NULL inside an array and for the outermost value. The same key twice in one object is a
 * broken invariant. A text that would pass the limit of out sets out->full. */
void json_object(struct json_writer *json, const char *key);
void json_array(struct json_writer *json, const char *key);
void json_close(struct json_writer *json);
/* Bytes that are not valid UTF-8 are written as U+FFFD, NUL as U+FFFD too. */
void json_view(struct json_writer *json, const char *key, struct view value);
void json_text(struct json_writer *json, const char *key, const char *value);
/* Shortest form that reads back as the same double; not finite: null. */
void json_number(struct json_writer *json, const char *key, double value);
void json_int(struct json_writer *json, const char *key, int64_t value);
void json_bool(struct json_writer *json, const char *key, bool value);
void json_null(struct json_writer *json, const char *key);
void json_instant(struct json_writer *json, const char *key, struct instant value);
/* Text that is JSON already, made by this writer. */
void json_raw(struct json_writer *json, const char *key, struct view value);
