#include "ingest/mqtt/filters.h"

#include "base/check.h"
#include "tests/unit/cmocka_all.h"

static const char *const wanted[] = {"estate/+/+/fire/#", "estate/+/+/smoke/#"};

static void
what_was_granted_and_is_wanted_needs_nothing(void **state)
{
    struct arena arena;
    struct buf text;

    (void)state;
    arena_init(&arena);
    buf_init(&text, FILTERS_MAX_BYTES);
    filters_write_granted(wanted, ARRAY_LEN(wanted), &text);
    const struct filter_list have = filters_parse(&arena, buf_view(&text));

    assert_true(filters_same(&have, wanted, ARRAY_LEN(wanted)));
    assert_false(filters_same(&have, wanted, 1));
    assert_int_equal(filters_unwanted(&arena, &have, wanted, 1).len, 1);
    buf_fini(&text);
    arena_fini(&arena);
}

static void
what_was_only_asked_for_is_asked_for_again_and_given_up_if_not_wanted(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena);
    const struct filter_list have = filters_parse(
        &arena, view_of("? estate/+/+/smoke/#\n+ estate/+/+/fire/#\n? estate/#\nrubbish\n\n+ \n"));

    assert_int_equal(have.len, 3);
    assert_int_equal(have.n_granted, 1);
    assert_string_equal(have.at[0], wanted[0]);
    assert_false(filters_same(&have, wanted, ARRAY_LEN(wanted)));
    const struct filter_list old = filters_unwanted(&arena, &have, wanted, ARRAY_LEN(wanted));

    assert_int_equal(old.len, 1);
    assert_string_equal(old.at[0], "estate/#");
    arena_fini(&arena);
}

static void
a_lost_session_is_a_gap_until_it_was_told_also_over_a_crash(void **state)
{
    struct arena arena;
    struct buf text;

    (void)state;
    arena_init(&arena);
    buf_init(&text, FILTERS_MAX_BYTES);
    struct filter_list have = filters_parse(&arena, view_of("+ estate/+/+/fire/#\n"));

    filters_lost(&have);
    assert_true(have.gap);
    assert_int_equal(have.len, 0);
    filters_write_asked(&have, wanted, 1, &text);
    /* Died here: the broker has a session without our filters now. */
    have = filters_parse(&arena, buf_view(&text));
    assert_true(have.gap);
    assert_int_equal(have.n_granted, 0);
    assert_false(filters_same(&have, wanted, 1));
    buf_fini(&text);
    arena_fini(&arena);
}

static void
a_first_session_that_died_while_asking_is_not_a_gap(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena);
    struct filter_list have = filters_parse(&arena, view_of("? estate/+/+/fire/#\n"));

    filters_lost(&have);
    assert_false(have.gap);
    arena_fini(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_granted_and_is_wanted_needs_nothing),
        cmocka_unit_test(what_was_only_asked_for_is_asked_for_again_and_given_up_if_not_wanted),
        cmocka_unit_test(a_lost_session_is_a_gap_until_it_was_told_also_over_a_crash),
        cmocka_unit_test(a_first_session_that_died_while_asking_is_not_a_gap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
