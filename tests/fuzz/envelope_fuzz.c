/*
 * What is accepted survives write and parse; a signature made over it verifies, a bent one does
 * not; the key reader is total.
 */
#include "alerting/dispatch/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct view text = view_bytes(data, size);
    const struct sender_key key = {"fuzz", view_of("0123456789abcdef")};
    struct arena arena;
    struct envelope env;
    struct view secret;
    const char *reason = NULL;

    arena_init(&arena);
    if (!envelope_key(&arena, text, &secret, &reason))
        CHECK(reason != NULL);
    reason = NULL;
    if (!envelope_parse(&arena, text, &env, &reason)) {
        CHECK(reason != NULL);
    } else {
        struct buf out;
        struct envelope back;
        char made[SIGNATURE_BYTES];

        buf_init(&out, (size_t)8 * ENVELOPE_MAX_BYTES);
        envelope_write(&env, &out);
        CHECK(!out.full);
        if (out.len <= ENVELOPE_MAX_BYTES) {
            CHECK(envelope_parse(&arena, buf_view(&out), &back, &reason));
            CHECK(view_eq(env.body, back.body) && view_eq(env.id, back.id) &&
                  env.timestamp == back.timestamp);
        }
        (void)envelope_verify(&env, &key, 1);
        env.sender = view_of("fuzz");
        env.signature = view_of(envelope_sign(key.key, env.id, env.timestamp, env.body, made));
        CHECK(envelope_verify(&env, &key, 1));
        made[10] = made[10] == 'A' ? 'B' : 'A';
        CHECK(!envelope_verify(&env, &key, 1));
        buf_fini(&out);
    }
    arena_fini(&arena);
    return 0;
}
