#include "service/options.h"

#include "tests/unit/cmocka_all.h"

static const char *config;
static bool json;
static const struct option_row rows[] = {
    {"config", "DIR", "folder", &config, NULL},
    {"json", NULL, "print JSON", NULL, &json},
};
static const struct usage usage = {"thing", "NAME", "Does it.", rows, ARRAY_LEN(rows), 1, 2};

static const char *args[2];
static int n_args, code;

static bool
read_words(int argc, const char **words)
{
    config = "default";
    json = false;
    code = -1;
    return options_read(&usage, argc, (char **)(uintptr_t)words, args, &n_args, &code);
}

static void
options_and_arguments_stand_in_any_order(void **state)
{
    (void)state;
    const char *words[] = {"thing", "--json", "one", "--config", "a", "two"};

    assert_true(read_words(6, words));
    assert_true(json);
    assert_string_equal(config, "a");
    assert_int_equal(n_args, 2);
    assert_string_equal(args[1], "two");
}

static void
a_value_may_follow_an_equals_sign(void **state)
{
    (void)state;
    const char *words[] = {"thing", "one", "--config=b", "--", "--json"};

    assert_true(read_words(5, words));
    assert_string_equal(config, "b");
    assert_false(json);
    assert_string_equal(args[1], "--json");
}

static void
what_is_not_allowed_is_wrong_use(void **state)
{
    (void)state;
    const char *unknown[] = {"thing", "one", "--colour"};
    const char *no_value[] = {"thing", "one", "--config"};
    const char *value[] = {"thing", "one", "--json=1"};
    const char *many[] = {"thing", "one", "two", "three"};
    const char *none[] = {"thing"};

    assert_false(read_words(3, unknown));
    assert_int_equal(code, 2);
    assert_false(read_words(3, no_value));
    assert_false(read_words(3, value));
    assert_false(read_words(4, many));
    assert_false(read_words(1, none));
    assert_int_equal(code, 2);
}

static void
a_number_must_be_whole_and_in_range(void **state)
{
    (void)state;
    int64_t n = 7;

    assert_true(options_number("thing", "seconds", "60", 1, 100, &n));
    assert_int_equal(n, 60);
    assert_false(options_number("thing", "seconds", "0", 1, 100, &n));
    assert_false(options_number("thing", "seconds", "6x", 1, 100, &n));
    assert_int_equal(n, 60);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_arguments_stand_in_any_order),
        cmocka_unit_test(a_value_may_follow_an_equals_sign),
        cmocka_unit_test(what_is_not_allowed_is_wrong_use),
        cmocka_unit_test(a_number_must_be_whole_and_in_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
