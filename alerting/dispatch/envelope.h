/*
 * envelope: who says so: the signed form of everything that comes in from people and centres.
 *
 * The Standard Webhooks form: signature "v1," base64(HMAC-SHA256(key, id "." timestamp "." body)),
 * timestamp in whole seconds since 1970. Over HTTP the three travel as headers webhook-id,
 * webhook-timestamp, webhook-signature; over MQTT as one JSON object
 *   {"body": "<JSON text>", "id": "...", "sender": "...", "signature": "v1,...", "timestamp": n}
 * sender names the key (a declared client, a centre).
 *
 * An id is 1..128 printable bytes without space and without '.': a dot could move bytes between
 * the signed fields. Whether a timestamp is fresh and an id is new is the engine's question.
 * Pure; views are borrowed.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/instant.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>

struct sender_key { /* a declared client or centre; two keys of one sender: rotation */
    const char *sender;
    struct view key; /* secret bytes; borrowed */
};

struct envelope {
    struct view id, sender, body, signature;
    int64_t timestamp; /* s */
};

#define SIGNATURE_BYTES 64 /* enough for "v1," and base64 of 32 bytes, and a NUL */
#define ENVELOPE_MAX_BYTES 65536
#define ENVELOPE_MAX_ID_BYTES 128
#define ENVELOPE_MIN_KEY_BYTES 16

/* The secret bytes of a key file's text: without one trailing newline, as they stand; a text
 * "whsec_..." is base64 of them. Lives in arena. False with a reason: too short (under
 * ENVELOPE_MIN_KEY_BYTES), or not base64. */
MUST_USE bool envelope_key(
    struct arena *arena, struct view file_text, struct view *key, const char **reason);

/* 1..ENVELOPE_MAX_ID_BYTES printable bytes, no space, no '.'. */
bool envelope_id_valid(struct view id);
/* "v1,..." */
const char *envelope_sign(struct view key, struct view id, int64_t timestamp, struct view body,
    char out[SIGNATURE_BYTES]);
/* True if one of keys with that sender made it; constant time over all keys of the sender. The
 * signature may hold several (at most 8 are looked at), separated by spaces. */
bool envelope_verify(const struct envelope *env, const struct sender_key *keys, size_t n_keys);
/* A timestamp as the header has it: decimal digits only, 1..12 of them. */
MUST_USE bool envelope_timestamp(struct view text, int64_t *out);
/* MQTT form; reason: why it cannot be read. Views live in arena. */
MUST_USE bool envelope_parse(
    struct arena *arena, struct view text, struct envelope *out, const char **reason);
void envelope_write(const struct envelope *env, struct buf *out);
