#include "alerting/dispatch/envelope.h"

#include "tests/unit/cmocka_all.h"

#include <stdio.h>

static const char vector_secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n";
static const char vector_signature[] = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

static struct envelope
vector_envelope(void)
{
    return (struct envelope){.id = view_of("msg_p5jXN8AQM9LWM0D4loKWxJek"),
        .sender = view_of("repair-centre"),
        .body = view_of("{\"test\": 2432232314}"),
        .signature = view_of(vector_signature),
        .timestamp = 1614265330};
}

static struct view
vector_key(struct arena *arena)
{
    struct view key;
    const char *reason = NULL;

    assert_true(envelope_key(arena, view_of(vector_secret), &key, &reason));
    assert_int_equal(key.len, 24);
    return key;
}

static void
the_published_vector_of_standard_webhooks_is_made_and_taken(void **state)
{
    struct arena arena;
    const struct envelope env = vector_envelope();
    char out[SIGNATURE_BYTES];

    (void)state;
    arena_init(&arena);
    const struct sender_key key = {"repair-centre", vector_key(&arena)};

    assert_string_equal(
        envelope_sign(key.key, env.id, env.timestamp, env.body, out), vector_signature);
    assert_true(envelope_verify(&env, &key, 1));
    arena_fini(&arena);
}

static void
a_change_of_any_signed_field_is_noticed(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena);
    const struct sender_key keys[] = {
        {"repair-centre", vector_key(&arena)}, {"other", view_of("0123456789abcdef")}};

    struct envelope env = vector_envelope();
    env.id = view_of("msg_p5jXN8AQM9LWM0D4loKWxJel");
    assert_false(envelope_verify(&env, keys, 2));

    env = vector_envelope();
    env.timestamp++;
    assert_false(envelope_verify(&env, keys, 2));

    env = vector_envelope();
    env.body = view_of("{\"test\": 2432232315}");
    assert_false(envelope_verify(&env, keys, 2));

    env = vector_envelope();
    env.sender = view_of("other");
    assert_false(envelope_verify(&env, keys, 2));

    env = vector_envelope();
    env.sender = view_of("repair-centr");
    assert_false(envelope_verify(&env, keys, 2));
    arena_fini(&arena);
}

static void
a_dot_in_an_id_cannot_move_bytes_between_the_fields(void **state)
{
    const struct sender_key key = {"c", view_of("0123456789abcdef")};
    char out[SIGNATURE_BYTES];
    struct envelope env = {
        .id = view_of("a.1"), .sender = view_of("c"), .body = view_of("{}"), .timestamp = 2};

    (void)state;
    env.signature = view_of(envelope_sign(key.key, env.id, env.timestamp, env.body, out));
    assert_false(envelope_verify(&env, &key, 1));
}

static void
several_signatures_and_two_keys_of_one_sender_allow_rotation(void **state)
{
    const struct sender_key keys[] = {
        {"c", view_of("the old key of the centre")}, {"c", view_of("the new key of the centre")}};
    char made[SIGNATURE_BYTES];
    char list[4 * SIGNATURE_BYTES];
    struct envelope env = {
        .id = view_of("n-1"), .sender = view_of("c"), .body = view_of("{}"), .timestamp = 7};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        (void)envelope_sign(keys[i].key, env.id, env.timestamp, env.body, made);
        (void)snprintf(list, sizeof(list), "v2,abc v1,AAAA  %s v1,!", made);
        env.signature = view_of(list);
        assert_true(envelope_verify(&env, keys, 2));
        assert_true(envelope_verify(&env, &keys[i], 1));
        assert_false(envelope_verify(&env, &keys[1 - i], 1));
    }
    env.signature = view_of(made + 3); /* without its version */
    assert_false(envelope_verify(&env, keys, 2));
    env.signature = view_of("");
    assert_false(envelope_verify(&env, keys, 2));
}

static void
a_key_file_holds_raw_text_or_whsec_and_base64(void **state)
{
    struct arena arena;
    struct view key;
    const char *reason = NULL;

    (void)state;
    arena_init(&arena);
    assert_true(envelope_key(&arena, view_of("sixteen bytes ok\n"), &key, &reason));
    assert_true(view_is(key, "sixteen bytes ok"));
    assert_true(envelope_key(&arena, view_of("sixteen bytes ok\r\n"), &key, &reason));
    assert_true(view_is(key, "sixteen bytes ok"));
    assert_true(envelope_key(&arena, view_of("sixteen bytes ok\n\n"), &key, &reason));
    assert_true(view_is(key, "sixteen bytes ok\n"));
    assert_false(envelope_key(&arena, view_of("fifteen bytes..\n"), &key, &reason));
    assert_string_equal(reason, "the key is shorter than 16 bytes");
    assert_false(envelope_key(&arena, view_of(""), &key, &reason));
    assert_false(envelope_key(&arena, view_of("whsec_not base64"), &key, &reason));
    assert_string_equal(reason, "what follows 'whsec_' is not base64");
    arena_fini(&arena);
}

static void
what_is_written_is_read_back_the_same(void **state)
{
    struct arena arena;
    struct buf text;
    struct envelope env = vector_envelope();
    struct envelope back;
    const char *reason = NULL;

    (void)state;
    arena_init(&arena);
    buf_init(&text, ENVELOPE_MAX_BYTES);
    env.body = view_of("{\"comment\": \"\xe7\x94\xb5\xe6\xa2\xaf \\\"A\\\"\", \"order\": \"x\"}");
    envelope_write(&env, &text);
    assert_true(envelope_parse(&arena, buf_view(&text), &back, &reason));
    assert_true(view_eq(back.id, env.id));
    assert_true(view_eq(back.sender, env.sender));
    assert_true(view_eq(back.body, env.body));
    assert_true(view_eq(back.signature, env.signature));
    assert_int_equal(back.timestamp, env.timestamp);
    buf_fini(&text);
    arena_fini(&arena);
}

static void
what_cannot_be_an_envelope_is_refused_with_a_reason(void **state)
{
    static const struct {
        const char *text;
        const char *word;
    } cases[] = {
        {"", "json"},
        {"{", "json"},
        {"[]", "object"},
        {"{\"id\": \"a\", \"id\": \"b\"}", "json"},
        {"{\"ID\": \"a\"}", "id"},
        {"{\"id\": \"a.b\", \"sender\": \"s\"}", "id"},
        {"{\"id\": \"a b\", \"sender\": \"s\"}", "id"},
        {"{\"id\": 5, \"sender\": \"s\"}", "id"},
        {"{\"id\": \"a\", \"sender\": \"\"}", "sender"},
        {"{\"id\": \"a\", \"sender\": \"s\", \"signature\": null}", "signature"},
        {"{\"id\": \"a\", \"sender\": \"s\", \"signature\": \"x\", \"body\": {}}", "body"},
        {"{\"id\": \"a\", \"sender\": \"s\", \"signature\": \"x\", \"body\": \"{}\"}", "timestamp"},
        {"{\"id\": \"a\", \"sender\": \"s\", \"signature\": \"x\", \"body\": \"{}\", "
         "\"timestamp\": 1.5}",
            "timestamp"},
        {"{\"id\": \"a\", \"sender\": \"s\", \"signature\": \"x\", \"body\": \"{}\", "
         "\"timestamp\": -1}",
            "timestamp"},
        {"{\"id\": \"a\", \"sender\": \"s\", \"signature\": \"x\", \"body\": \"{}\", "
         "\"timestamp\": 1e300}",
            "timestamp"},
        {"{\"id\": \"a\", \"sender\": \"s\", \"signature\": \"x\", \"body\": \"{}\", "
         "\"timestamp\": \"1\"}",
            "timestamp"},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct envelope env;
        const char *reason = NULL;

        assert_false(envelope_parse(&arena, view_of(cases[i].text), &env, &reason));
        assert_non_null(reason);
        if (strstr(reason, cases[i].word) == NULL)
            fail_msg("%s: %s", cases[i].text, reason);
    }
    arena_fini(&arena);
}

static void
a_timestamp_of_a_header_is_digits_only(void **state)
{
    int64_t at = 0;

    (void)state;
    assert_true(envelope_timestamp(view_of("1614265330"), &at));
    assert_int_equal(at, 1614265330);
    assert_true(envelope_timestamp(view_of("999999999999"), &at));
    assert_false(envelope_timestamp(view_of(""), &at));
    assert_false(envelope_timestamp(view_of("-1"), &at));
    assert_false(envelope_timestamp(view_of(" 1"), &at));
    assert_false(envelope_timestamp(view_of("1.0"), &at));
    assert_false(envelope_timestamp(view_of("9999999999999"), &at));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_vector_of_standard_webhooks_is_made_and_taken),
        cmocka_unit_test(a_change_of_any_signed_field_is_noticed),
        cmocka_unit_test(a_dot_in_an_id_cannot_move_bytes_between_the_fields),
        cmocka_unit_test(several_signatures_and_two_keys_of_one_sender_allow_rotation),
        cmocka_unit_test(a_key_file_holds_raw_text_or_whsec_and_base64),
        cmocka_unit_test(what_is_written_is_read_back_the_same),
        cmocka_unit_test(what_cannot_be_an_envelope_is_refused_with_a_reason),
        cmocka_unit_test(a_timestamp_of_a_header_is_digits_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
