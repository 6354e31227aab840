/*
 * digest: BLAKE2b (libsodium) for ids, keys and the chain of events; HMAC-SHA256 for signatures.
 *
 * Pure: no state, no randomness. Compare secrets with digest_equal only (constant time).
 */
#pragma once

#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_BYTES 32

struct digest {
    unsigned char bytes[DIGEST_BYTES];
};

struct digest digest_of(struct view bytes);
/* Of prev's bytes, then these: a link of a hash chain. */
struct digest digest_chain(const struct digest *prev, struct view bytes);
/* The first 63 bits, big-endian, never 0: keys in tables (design section 11, identity). */
uint64_t digest_key(struct view bytes);
/* Lower-case hex of the first n bytes and a NUL; out has 2 * n + 1 bytes. */
const char *digest_hex(const struct digest *digest, size_t n, char *out);
struct digest hmac_sha256(struct view key, struct view bytes);
bool digest_equal(const struct digest *a, const struct digest *b);
