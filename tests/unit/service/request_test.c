#include "service/request.h"

#include "tests/unit/cmocka_all.h"

static const char *
written(struct buf *out, const char *body, const char *unit, const char **why)
{
    struct envelope env = {.id = view_of("c1"),
        .sender = view_of("console"),
        .body = view_of(body),
        .timestamp = 1764000000};
    struct request request = {.env = &env, .unit = unit};

    buf_init(out, 4096);
    if (!request_write(&request, out, why))
        return NULL;
    buf_char(out, '\0');
    return out->ptr;
}

static void
a_sender_cannot_write_the_keys_that_the_lane_writes(void **state)
{
    const char *why = NULL;
    struct buf out;

    (void)state;
    assert_string_equal(written(&out, " {\"sender\":\"mayor\",\"unit\":\"all\"}", "st-1", &why),
        "{\"at\":1764000000000000,\"body\": {\"sender\":\"mayor\",\"unit\":\"all\"},\"id\":\"c1\","
        "\"sender\":\"console\",\"unit\":\"st-1\"}");
    buf_fini(&out);
}

static void
a_body_that_is_not_an_object_is_refused_with_a_reason(void **state)
{
    static const char *const bodies[] = {"", "[1]", "{", "{\"a\":1,\"a\":2}", "{} x", "7"};
    const char *why = NULL;
    struct buf out;

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        why = NULL;
        assert_null(written(&out, bodies[i], NULL, &why));
        assert_non_null(why);
        buf_fini(&out);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sender_cannot_write_the_keys_that_the_lane_writes),
        cmocka_unit_test(a_body_that_is_not_an_object_is_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
