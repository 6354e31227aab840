#include "service/peers.h"

#include "tests/unit/cmocka_all.h"

static const struct instant t0 = {1000000000};
static const char *const names[] = {"plant", "fire", "air"};

static struct arena arena;
static struct peers peers;
static struct peer_change changes[8];

static struct instant
after(int s)
{
    return instant_add(t0, SPAN_S(s));
}

static int
begin(void **state, const char *self)
{
    (void)state;
    arena_init(&arena);
    peers_init(&peers, &arena, self, names, 3);
    (void)peers_check(&peers, true, 1, t0, changes);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static void
hear(const char *name, int s)
{
    peers_heard(&peers, view_of(name), true, 1, after(s), after(s));
}

static void
the_first_by_name_of_the_living_speaks(void **state)
{
    begin(state, "fire");
    hear("air", 10);
    assert_int_equal(peers_check(&peers, true, 1, after(16), changes), 0); /* air speaks */
    assert_int_equal(peers_check(&peers, true, 1, after(26), changes), 2);
    assert_string_equal(changes[0].peer->name, "air");
    assert_string_equal(changes[1].peer->name, "plant");
    assert_string_equal(changes[0].code, "wallwatch-down");
    assert_true(changes[0].on);
}

static void
a_will_is_believed_at_once_and_life_clears_it(void **state)
{
    begin(state, "air");
    hear("plant", 1);
    hear("fire", 1);
    peers_heard(&peers, view_of("fire"), false, 0, (struct instant){0}, after(2));
    assert_int_equal(peers_check(&peers, true, 1, after(2), changes), 1);
    assert_string_equal(changes[0].peer->name, "fire");
    assert_int_equal(peers_check(&peers, true, 1, after(3), changes), 0);
    hear("fire", 4);
    assert_int_equal(peers_check(&peers, true, 1, after(4), changes), 1);
    assert_false(changes[0].on);
}

static void
an_old_retained_status_proves_no_life(void **state)
{
    begin(state, "air");
    hear("plant", 10);
    peers_heard(&peers, view_of("fire"), true, 1, t0, after(15));
    assert_int_equal(peers_check(&peers, true, 1, after(16), changes), 1);
    assert_string_equal(changes[0].peer->name, "fire");
}

static void
who_cannot_hear_accuses_nobody(void **state)
{
    begin(state, "air");
    assert_int_equal(peers_check(&peers, false, 1, after(60), changes), 0);
    assert_int_equal(peers_check(&peers, true, 1, after(61), changes), 0);
    assert_int_equal(peers_check(&peers, true, 1, after(76), changes), 0);
    assert_int_equal(peers_check(&peers, true, 1, after(77), changes), 2);
}

static void
another_version_for_more_than_ten_seconds_is_a_mismatch(void **state)
{
    begin(state, "air");
    for (int s = 1; s <= 12; s++) {
        hear("plant", s);
        peers_heard(&peers, view_of("fire"), true, 2, after(s), after(s));
        const size_t n = peers_check(&peers, true, 1, after(s), changes);

        assert_int_equal(n, s == 11 ? 1 : 0);
    }
    assert_string_equal(changes[0].code, "config-mismatch");
    hear("fire", 13);
    assert_int_equal(peers_check(&peers, true, 1, after(13), changes), 1);
    assert_false(changes[0].on);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_first_by_name_of_the_living_speaks, end),
        cmocka_unit_test_teardown(a_will_is_believed_at_once_and_life_clears_it, end),
        cmocka_unit_test_teardown(an_old_retained_status_proves_no_life, end),
        cmocka_unit_test_teardown(who_cannot_hear_accuses_nobody, end),
        cmocka_unit_test_teardown(another_version_for_more_than_ten_seconds_is_a_mismatch, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
