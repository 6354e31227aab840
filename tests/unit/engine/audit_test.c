/* The auditor against an engine that nobody wakes. Where it is woken, every scenario asks it. */
#include "tests/scenario/fixture.h"
#include "tests/unit/cmocka_all.h"

#define T0 INT64_C(1795482000000000)

static void
feed(struct engine *engine, enum input_kind kind, int64_t us, const char *body)
{
    const struct input in = {.kind = kind, .now = {us}, .body = view_of(body)};

    (void)engine_feed(engine, &in);
}

static void
what_should_have_happened_is_counted_and_the_oldest_is_named(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture, 0);
    struct engine *engine = engine_new(&fixture.options);

    feed(engine, INPUT_START, T0, "{\"epoch\":1,\"late_us\":0}");
    feed(engine, INPUT_READY, T0, "{}");
    feed(engine, INPUT_FACT, T0,
        "{\"code\":\"lost\",\"detail\":\"x\",\"on\":true,\"subject\":\"plant\"}");
    struct engine_audit audit = engine_audit(engine, (struct instant){T0});

    assert_int_equal(audit.overdue, 0);
    assert_true(audit.due == audit.done);
    const struct instant next = engine_next(engine);

    audit = engine_audit(engine, instant_add(next, SPAN_S(9)));
    assert_int_equal(audit.overdue, 0);
    audit = engine_audit(engine, instant_add(next, SPAN_H(12)));
    assert_true(audit.overdue > 0);
    assert_true(audit.due > audit.done);
    assert_true(audit.first[0] != '\0');
    /* woken, it catches up */
    feed(engine, INPUT_TICK, next.us + SPAN_H(12).us, "{}");
    audit = engine_audit(engine, engine_now(engine));
    assert_int_equal(audit.overdue, 0);
    assert_true(audit.due == audit.done && audit.due > 0);
    engine_free(engine);
    fixture_fini(&fixture);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_should_have_happened_is_counted_and_the_oldest_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
