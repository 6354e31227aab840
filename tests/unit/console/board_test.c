#include "console/board.h"

#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

static const struct instant t0 = {INT64_C(1795000000000000)};

static struct instant
at(int seconds)
{
    return (struct instant){t0.us + (int64_t)seconds * 1000000};
}

static struct board *
make(void)
{
    const char *const lanes[] = {"fire", "plant"};

    return board_new(lanes, 2, t0);
}

static bool
say(struct board *board, const char *lane, const char *point, int id, const char *body, int when)
{
    char topic[256];

    (void)snprintf(
        topic, sizeof(topic), "wallwatch/alert/%s/d1/s1/st1/%s/%s-%d", lane, point, lane, id);
    return board_feed(board, view_of(topic), view_of(body), at(when));
}

static bool
status(struct board *board, const char *lane, int open, int when)
{
    char topic[64];
    char body[64];

    (void)snprintf(topic, sizeof(topic), "wallwatch/status/%s", lane);
    (void)snprintf(body, sizeof(body), "{\"n\": 7, \"open\": %d, \"up\": true}", open);
    return board_feed(board, view_of(topic), view_of(body), at(when));
}

static bool
list(void *arg, const struct board_change *change)
{
    struct buf *out = arg;

    buf_printf(out, "%llu %.*s %.*s;", (unsigned long long)change->number, VIEW_ARG(change->alert),
        VIEW_ARG(change->json));
    return true;
}

static void
expect(const struct board *board, const char *scope, uint64_t after, const char *want)
{
    struct buf out;

    buf_init(&out, 65536);
    (void)board_each(board, view_of(scope), after, list, &out);
    buf_char(&out, '\0');
    assert_string_equal(out.ptr, want);
    buf_fini(&out);
}

static void
it_is_complete_when_every_lane_counts_what_is_held(void **state)
{
    struct board *board = make();

    (void)state;
    assert_int_equal(board_state(board), BOARD_LOADING);
    board_link(board, true, at(0));
    assert_true(status(board, "fire", 1, 1));
    assert_true(status(board, "plant", 0, 1));
    assert_int_equal(board_state(board), BOARD_LOADING);
    assert_true(say(board, "fire", "p1", 1, "{\"a\": 1}", 1));
    assert_int_equal(board_state(board), BOARD_COMPLETE);
    board_free(board);
}

static void
it_is_incomplete_when_a_case_is_missing_for_ten_seconds(void **state)
{
    struct board *board = make();

    (void)state;
    board_link(board, true, at(0));
    for (int s = 0; s < 10; s++) {
        assert_true(status(board, "fire", 1, s) && status(board, "plant", 0, s));
        assert_int_equal(board_state(board), BOARD_LOADING);
    }
    board_tick(board, at(10));
    assert_int_equal(board_state(board), BOARD_INCOMPLETE);
    assert_true(say(board, "fire", "p1", 1, "{}", 11));
    assert_true(status(board, "fire", 1, 11) && status(board, "plant", 0, 11));
    assert_int_equal(board_state(board), BOARD_COMPLETE);
    board_free(board);
}

static void
a_lane_that_falls_silent_ends_what_was_complete(void **state)
{
    struct board *board = make();

    (void)state;
    board_link(board, true, at(0));
    assert_true(status(board, "fire", 0, 0) && status(board, "plant", 0, 0));
    assert_int_equal(board_state(board), BOARD_COMPLETE);
    assert_true(status(board, "plant", 0, 5));
    board_tick(board, at(6));
    assert_int_equal(board_state(board), BOARD_LOADING);
    board_tick(board, at(16));
    assert_int_equal(board_state(board), BOARD_INCOMPLETE);
    board_free(board);
}

static void
a_will_of_a_lane_ends_it_too(void **state)
{
    struct board *board = make();

    (void)state;
    board_link(board, true, at(0));
    assert_true(status(board, "fire", 0, 0) && status(board, "plant", 0, 0));
    assert_true(board_feed(board, view_of("wallwatch/status/fire"),
        view_of("{\"lane\": \"fire\", \"up\": false}"), at(1)));
    assert_int_equal(board_state(board), BOARD_LOADING);
    board_free(board);
}

static void
what_was_cleared_while_the_broker_was_away_goes_and_is_told_as_gone(void **state)
{
    struct board *board = make();

    (void)state;
    board_link(board, true, at(0));
    assert_true(say(board, "fire", "p1", 1, "{\"a\": 1}", 0));
    assert_true(say(board, "fire", "p1", 2, "{\"a\": 2}", 0));
    assert_true(status(board, "fire", 2, 0) && status(board, "plant", 0, 0));
    board_link(board, false, at(1));
    assert_int_equal(board_state(board), BOARD_LOADING);
    board_link(board, true, at(20));
    /* Case 1 was closed and case 3 opened meanwhile: two are counted, two are held, one is old. */
    assert_true(status(board, "fire", 2, 20) && status(board, "plant", 0, 20));
    assert_int_not_equal(board_state(board), BOARD_COMPLETE);
    assert_true(say(board, "fire", "p1", 2, "{\"a\": 2}", 20));
    assert_true(say(board, "fire", "p1", 3, "{\"a\": 3}", 20));
    assert_true(status(board, "fire", 2, 21));
    assert_int_equal(board_state(board), BOARD_COMPLETE);
    expect(board, "", 2, "3 fire-3 {\"a\": 3};4 fire-1 ;");
    board_free(board);
}

static void
a_reader_gets_each_case_once_however_often_it_changed(void **state)
{
    struct board *board = make();
    char body[32];

    (void)state;
    board_link(board, true, at(0));
    assert_true(say(board, "fire", "p1", 1, "{\"v\": 0}", 0));
    for (int i = 1; i < 100; i++) {
        (void)snprintf(body, sizeof(body), "{\"v\": %d}", i);
        assert_true(say(board, "plant", "p2", 2, body, 0));
    }
    assert_true(say(board, "plant", "p2", 2, "{\"v\": 99}", 0)); /* the same again: no change */
    expect(board, "", 0, "1 fire-1 {\"v\": 0};100 plant-2 {\"v\": 99};");
    expect(board, "", 1, "100 plant-2 {\"v\": 99};");
    expect(board, "", 100, "");
    assert_true(say(board, "plant", "p2", 2, "", 0));
    expect(board, "", 100, "101 plant-2 ;");
    assert_true(board_reaches(board, 100) && !board_reaches(board, 102));
    board_free(board);
}

static void
a_scope_sees_its_own_units_only(void **state)
{
    struct board *board = make();
    struct board_change change;

    (void)state;
    board_link(board, true, at(0));
    assert_true(say(board, "fire", "p1", 1, "{}", 0));
    assert_true(say(board, "fire", "p2", 2, "{}", 0));
    expect(board, "p2", 0, "2 fire-2 {};");
    expect(board, "d1", 0, "1 fire-1 {};2 fire-2 {};");
    expect(board, "p", 0, "");
    assert_true(board_find(board, view_of("p1"), view_of("fire-1"), &change));
    assert_false(board_find(board, view_of("p2"), view_of("fire-1"), &change));
    assert_false(board_find(board, view_of(""), view_of("fire-9"), &change));
    board_free(board);
}

static void
a_case_that_moves_in_the_grid_stays_one_case(void **state)
{
    struct board *board = make();

    (void)state;
    board_link(board, true, at(0));
    assert_true(say(board, "fire", "p1", 1, "{}", 0));
    assert_true(say(board, "fire", "p2", 1, "{}", 0)); /* the new topic first */
    assert_true(say(board, "fire", "p1", 1, "", 0));   /* then the old one is cleared */
    expect(board, "p2", 0, "3 fire-1 {};");
    expect(board, "p1", 1, "2 fire-1 ;");
    assert_true(status(board, "fire", 1, 1) && status(board, "plant", 0, 1));
    assert_int_equal(board_state(board), BOARD_COMPLETE);
    board_free(board);
}

static void
what_went_longest_ago_is_forgotten_and_readers_are_told_to_begin_anew(void **state)
{
    struct board *board = make();

    (void)state;
    board_link(board, true, at(0));
    for (int i = 0; i < BOARD_GONE + 10; i++) {
        assert_true(say(board, "fire", "p1", i, "{}", 0));
        assert_true(say(board, "fire", "p1", i, "", 0));
    }
    assert_false(board_reaches(board, 1));
    assert_true(board_reaches(board, 20) && board_reaches(board, board_number(board)));
    board_free(board);
}

static void
foreign_topics_and_bad_bodies_are_refused_and_counted(void **state)
{
    struct board *board = make();
    struct buf out;

    (void)state;
    board_link(board, true, at(0));
    assert_false(board_feed(board, view_of("estate/a/b"), view_of("{}"), at(0)));
    assert_false(board_feed(board, view_of(""), view_of("{}"), at(0)));
    assert_false(board_feed(board, view_of("wallwatch/status/other"), view_of("{}"), at(0)));
    assert_false(board_feed(board, view_of("wallwatch/status/fire"), view_of("[1]"), at(0)));
    assert_false(say(board, "other", "p1", 1, "{}", 0));
    assert_false(say(board, "fire", "p1", 1, "{\"a\": }", 0));
    assert_false(say(board, "fire", "p1", 1, "\"text\"", 0));
    assert_false(say(board, "fire", "p1/more", 1, "{}", 0));
    expect(board, "", 0, "");
    buf_init(&out, 65536);
    board_state_json(board, &out);
    buf_char(&out, '\0');
    assert_non_null(strstr(out.ptr, "\"refused\":4"));
    buf_fini(&out);
    board_free(board);
}

static void
fifty_thousand_cases_are_read_in_pieces(void **state)
{
    struct board *board = make();
    uint64_t after = 0;
    struct buf out;

    (void)state;
    board_link(board, true, at(0));
    for (int i = 0; i < 50000; i++)
        assert_true(say(board, "plant", "p1", i, "{\"a\": 1}", 0));
    buf_init(&out, (size_t)8 << 20);
    after = board_each(board, view_of(""), after, list, &out);
    assert_int_equal(after, 50000);
    assert_false(out.full);
    buf_fini(&out);
    board_free(board);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_complete_when_every_lane_counts_what_is_held),
        cmocka_unit_test(it_is_incomplete_when_a_case_is_missing_for_ten_seconds),
        cmocka_unit_test(a_lane_that_falls_silent_ends_what_was_complete),
        cmocka_unit_test(a_will_of_a_lane_ends_it_too),
        cmocka_unit_test(what_was_cleared_while_the_broker_was_away_goes_and_is_told_as_gone),
        cmocka_unit_test(a_reader_gets_each_case_once_however_often_it_changed),
        cmocka_unit_test(a_scope_sees_its_own_units_only),
        cmocka_unit_test(a_case_that_moves_in_the_grid_stays_one_case),
        cmocka_unit_test(what_went_longest_ago_is_forgotten_and_readers_are_told_to_begin_anew),
        cmocka_unit_test(foreign_topics_and_bad_bodies_are_refused_and_counted),
        cmocka_unit_test(fifty_thousand_cases_are_read_in_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
