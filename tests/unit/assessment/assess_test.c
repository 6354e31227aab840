/* The formulas against a count that is made another way: from what each story was meant to be. */
#include "alerting/assessment/assess.h"

#include "base/check.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASES 400
#define AT(minute) ((struct instant){INT64_C(1760000000000000) + (int64_t)(minute)*60000000})

static const struct grid no_grid;

static void
say(struct assess_case *it, int minute, const char *verb, const char *state)
{
    const struct assess_event event = {.at = AT(minute),
        .verb = verb,
        .who = "li",
        .state = state,
        .tier = "station",
        .loop = strcmp(state, "resolved") == 0 ? "station" : "",
        .order = "",
        .order_state = "",
        .centre = "",
        .began = AT(minute)};

    history_add(it, &event);
}

static void
order(struct assess_case *it, int minute, const char *verb, const char *state)
{
    const struct assess_event event = {.at = AT(minute),
        .verb = verb,
        .who = "crew",
        .state = "open",
        .tier = "station",
        .loop = "",
        .order = "o1",
        .order_state = state,
        .centre = "repair"};

    history_add(it, &event);
}

static struct assess_case
new_case(void)
{
    struct assess_case it = {.id = "x",
        .rule = "r",
        .class_name = "lift",
        .subject = "L",
        .compound = "C",
        .units = {"", "", "", ""},
        .severity = SEVERITY_ORANGE};

    history_begin(&it);
    return it;
}

static const struct figure *
figure(const struct assessment *out, const char *id)
{
    for (size_t i = 0; i < n_indicators; i++) {
        if (strcmp(indicators[i].id, id) == 0)
            return &out->scopes[0].figures[i];
    }
    fail_msg("no indicator %s", id);
    return NULL;
}

static void
check(const struct assessment *out, const char *id, size_t n, size_t of)
{
    const struct figure *it = figure(out, id);

    if (it->n != n || it->of != of)
        fail_msg("%s: %zu/%zu, expected %zu/%zu", id, it->n, it->of, n, of);
}

static void
a_rework_annuls_the_settlement_before_it(void **state)
{
    struct assess_case it = new_case();
    const struct calendar calendar = {0};

    (void)state;
    say(&it, 0, "opened", "open");
    say(&it, 5, "acknowledged", "acknowledged");
    say(&it, 20, "settled", "resolved");
    say(&it, 30, "recurred", "reopened");
    assert_int_equal(it.settled.us, 0);
    assert_int_equal(it.reworks, 1);
    say(&it, 50, "settled", "resolved");
    say(&it, 60, "verified", "verified");
    say(&it, 60, "closed", "closed");
    assess_due(&it, &assess_targets_default, &calendar);
    assert_int_equal(it.settled.us, AT(50).us);
    assert_int_equal(it.closed.us, AT(60).us);
    assert_int_equal(it.taken.us, AT(5).us);
    assert_int_equal(it.loop, -1);
    history_fini(&it);
}

static void
a_return_of_an_open_case_is_a_wrong_unit_and_of_a_settled_one_rework(void **state)
{
    struct assess_case it = new_case();

    (void)state;
    say(&it, 0, "opened", "open");
    say(&it, 1, "returned", "open");
    say(&it, 5, "settled", "resolved");
    say(&it, 6, "returned", "reopened");
    assert_int_equal(it.misrouted, 1);
    assert_int_equal(it.reworks, 1);
    history_fini(&it);
}

static void
an_extension_moves_the_deadline_and_a_crew_that_is_done_has_been_there(void **state)
{
    struct assess_case it = new_case();
    const struct assess_event extended = {.at = AT(3),
        .verb = "extended",
        .who = "chen",
        .state = "open",
        .tier = "station",
        .loop = "",
        .order = "",
        .order_state = "",
        .centre = "",
        .by = SPAN_H(2)};
    const struct calendar calendar = {0};

    (void)state;
    say(&it, 0, "opened", "open");
    order(&it, 1, "order", "issued");
    history_add(&it, &extended);
    order(&it, 9, "done", "done");
    assess_due(&it, &assess_targets_default, &calendar);
    assert_int_equal(it.settle_due.us, instant_add(AT(0), SPAN_H(26)).us);
    assert_int_equal(it.orders.len, 1);
    assert_int_equal(it.orders.at[0].accepted.us, AT(9).us);
    assert_int_equal(it.orders.at[0].arrived.us, AT(9).us);
    history_fini(&it);
}

struct count { /* of a sort of story */
    size_t all, to_settle, settled, in_time, overdue, false_alarms, self, to_close, closed;
};

/* Settle within 24 h, close within 5 d, looked at after 3 d. */
static void
tell_story(struct assess_case *it, unsigned dice, struct count *count)
{
    const int settle = (int)(dice / 8 % 40) * 60 + 10;

    count->all++;
    say(it, 0, "opened", "open");
    switch (dice % 5) {
    case 0:
        say(it, 30, "false-alarm", "false-alarm");
        count->false_alarms++;
        return;
    case 1:
        say(it, 30, "self-cleared", "closed");
        count->self++;
        return;
    case 2: /* nobody does anything */
        count->to_settle++;
        count->overdue++;
        return;
    case 3:
        say(it, settle, "settled", "resolved");
        break;
    default:
        say(it, settle, "settled", "resolved");
        say(it, settle + 60, "verified", "verified");
        say(it, settle + 60, "closed", "closed");
        count->to_close++;
        count->closed++;
    }
    count->to_settle++;
    count->settled++;
    count->in_time += settle <= 1440;
}

static void
the_rates_are_those_of_a_count_by_what_each_story_was(void **state)
{
    static struct assess_case cases[CASES];
    struct count count = {0};
    struct assessment out = {.from = AT(0), .to = AT(1), .as_of = AT(3 * 1440)};
    const struct calendar calendar = {0};
    struct arena arena;
    uint64_t dice = 7;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < CASES; i++) {
        dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407;
        cases[i] = new_case();
        tell_story(&cases[i], (unsigned)(dice >> 40), &count);
        assess_due(&cases[i], &assess_targets_default, &calendar);
    }
    assess_make(&arena, &no_grid, cases, CASES, &out);
    check(&out, "settled", count.settled, count.to_settle);
    check(&out, "settled-in-time", count.in_time, count.to_settle);
    check(&out, "overdue-open", count.overdue, count.to_settle);
    check(&out, "false-alarm", count.false_alarms, count.all);
    check(&out, "self-cleared", count.self, count.all);
    check(&out, "closed", count.closed, count.to_close);
    arena_fini(&arena);
    for (size_t i = 0; i < CASES; i++)
        history_fini(&cases[i]);
}

static void
the_cases_behind_a_figure_are_those_that_count_and_then_the_others_in_order(void **state)
{
    struct assess_case cases[4];
    static const char *const ids[] = {"a", "b", "c", "d"};
    struct assessment out = {.as_of = AT(3 * 1440)};
    const struct calendar calendar = {0};
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (int i = 0; i < 4; i++) {
        cases[i] = new_case();
        cases[i].id = ids[i];
        say(&cases[i], 0, "opened", "open");
        if (i % 2 == 1)
            say(&cases[i], 10, "settled", "resolved");
        assess_due(&cases[i], &assess_targets_default, &calendar);
    }
    cases[3].merged = true;
    assess_make(&arena, &no_grid, cases, 4, &out);
    const struct figure *it = figure(&out, "settled");

    assert_int_equal(it->n, 1);
    assert_int_equal(it->of, 3);
    assert_string_equal(it->cases[0]->id, "b");
    assert_string_equal(it->cases[1]->id, "a");
    assert_string_equal(it->cases[2]->id, "c");
    assert_int_equal(out.n_left_out, 1);
    assert_string_equal(out.left_out[0].why, "merged");
    assert_int_equal(figure(&out, "settlement-time")->median.us, SPAN_MIN(10).us);
    arena_fini(&arena);
    for (size_t i = 0; i < 4; i++)
        history_fini(&cases[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rework_annuls_the_settlement_before_it),
        cmocka_unit_test(a_return_of_an_open_case_is_a_wrong_unit_and_of_a_settled_one_rework),
        cmocka_unit_test(an_extension_moves_the_deadline_and_a_crew_that_is_done_has_been_there),
        cmocka_unit_test(the_rates_are_those_of_a_count_by_what_each_story_was),
        cmocka_unit_test(
            the_cases_behind_a_figure_are_those_that_count_and_then_the_others_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
