#include "base/digest.h"

#include "base/check.h"

#include <sodium.h>

struct digest
digest_of(struct view bytes)
{
    struct digest out;

    CHECK(crypto_generichash(out.bytes, sizeof(out.bytes), (const unsigned char *)bytes.ptr,
              bytes.len, NULL, 0) == 0);
    return out;
}

struct digest
digest_chain(const struct digest *prev, struct view bytes)
{
    struct digest out;
    crypto_generichash_state state;

    CHECK(crypto_generichash_init(&state, NULL, 0, sizeof(out.bytes)) == 0);
    CHECK(crypto_generichash_update(&state, prev->bytes, sizeof(prev->bytes)) == 0);
    CHECK(crypto_generichash_update(&state, (const unsigned char *)bytes.ptr, bytes.len) == 0);
    CHECK(crypto_generichash_final(&state, out.bytes, sizeof(out.bytes)) == 0);
    return out;
}

uint64_t
digest_key(struct view bytes)
{
    const struct digest d = digest_of(bytes);
    uint64_t key = 0;

    for (size_t i = 0; i < 8; i++)
        key = key << 8 | d.bytes[i];
    key >>= 1;
    return key == 0 ? 1 : key;
}

const char *
digest_hex(const struct digest *digest, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";

    CHECK(n <= DIGEST_BYTES);
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[digest->bytes[i] >> 4];
        out[2 * i + 1] = digits[digest->bytes[i] & 15];
    }
    out[2 * n] = '\0';
    return out;
}

struct digest
hmac_sha256(struct view key, struct view bytes)
{
    struct digest out;
    crypto_auth_hmacsha256_state state;

    _Static_assert(crypto_auth_hmacsha256_BYTES == DIGEST_BYTES, "one size of digest");
    CHECK(crypto_auth_hmacsha256_init(&state, (const unsigned char *)key.ptr, key.len) == 0);
    CHECK(crypto_auth_hmacsha256_update(&state, (const unsigned char *)bytes.ptr, bytes.len) == 0);
    CHECK(crypto_auth_hmacsha256_final(&state, out.bytes) == 0);
    return out;
}

bool
digest_equal(const struct digest *a, const struct digest *b)
{
    return sodium_memcmp(a->bytes, b->bytes, DIGEST_BYTES) == 0;
}
