#include "alerting/rules/expr.h"

#include "tests/unit/cmocka_all.h"
#include "tests/unit/rules/fixture.h"

#include <stdio.h>
#include <stdlib.h>

static struct arena arena;

static int
start(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static const struct expr *
compile_per(const char *text, enum per per)
{
    const struct expr *expr = NULL;
    struct err err = {0};
    int column = 0;

    if (!expr_compile(&arena, view_of(text), fixture_class(), per, &expr, &column, &err))
        fail_msg("%s: %d: %s", text, column, err.text);
    return expr;
}

static void
check_print(const char *text, const char *want)
{
    struct buf out;

    buf_init(&out, 10000);
    expr_print(compile_per(text, PER_ZONE), &out);
    assert_string_equal(out.ptr, want);
    buf_reset(&out);
    expr_print(compile_per(want, PER_ZONE), &out);
    assert_string_equal(out.ptr, want);
    buf_fini(&out);
}

static void
an_expression_has_one_canonical_text(void **state)
{
    static const char *const rows[][2] = {
        {"alarm", "alarm"},
        {" ( alarm )", "alarm"},
        {"port_temp>60°C", "port_temp > 60°C"},
        {"port_temp > 60 °C", "port_temp > 60°C"},
        {"port_temp > 60℃ and not moving", "port_temp > 60°C and not moving"},
        {"port_temp > 6.0e1°C", "port_temp > 60°C"},
        {"port_temp > -5.50°C", "port_temp > -5.5°C"},
        {"power > 1500 W", "power > 1500W"},
        {"power/2>1.5kW", "power / 2 > 1.5kW"},
        {"power > 3kW/2", "power > 3kW / 2"},
        {"not(alarm or manual)", "not (alarm or manual)"},
        {"not (doors == closed)", "not doors == closed"},
        {"(not moving) == true", "(not moving) == true"},
        {"alarm or (manual or moving)", "alarm or manual or moving"},
        {"alarm and (manual or moving)", "alarm and (manual or moving)"},
        {"(alarm and manual) or moving", "alarm and manual or moving"},
        {"port_temp - (ambient - 3°C) > 1°C", "port_temp - (ambient - 3°C) > 1°C"},
        {"-port_temp < 5°C", "-port_temp < 5°C"},
        {"--power < 5kW", "--power < 5kW"},
        {"-(power + 1kW) * 2 < 5kW", "-(power + 1kW) * 2 < 5kW"},
        {"closed == doors", "closed == doors"},
        {"doors == moving", "doors == moving"},
        {"state == 'a\"b'", "state == \"a\\\"b\""},
        {"state != \"困人\"", "state != \"困人\""},
        {"absent(90s)", "absent(1m30s)"},
        {"absent( 3  intervals )", "absent(3 intervals)"},
        {"count(alarm,same zone,120s)>=2", "count(alarm, same zone, 2m) >= 2"},
        {"manual or count(alarm or absent(60s), same zone, 2m) >= 2",
            "manual or count(alarm or absent(1m), same zone, 2m) >= 2"},
        {"battery < 20%", "battery < 20%"},
        {"rate( port_temp ,60s)>5°C/min", "rate(port_temp, 1m) > 5°C/min"},
        {"rate(battery, 1h) < -10%/h", "rate(battery, 1h) < -10%/h"},
        {"delta(port_temp - ambient, 90s) > 5K", "delta(port_temp - ambient, 1m30s) > 5K"},
        {"avg(power, 5m) / max(power, 5m) < 0.5 or min(power, 5m) < 1kW",
            "avg(power, 5m) / max(power, 5m) < 0.5 or min(power, 5m) < 1kW"},
        {"count(alarm or manual, 10m) > 3", "count(alarm or manual, 10m) > 3"},
        {"count(stuck(power, 1m), same zone, 1m) > 1",
            "count(stuck(power, 1m), same zone, 1m) > 1"},
        {"not changed(state)", "not changed(state)"},
        {"power > 0.1kW", "power > 0.1kW"},
        {"power > 1e30kW", "power > 1e+30kW"},
        {"power / 3kW > 0.3333333333333333", "power / 3kW > 0.3333333333333333"},
        {"moving == false", "moving == false"},
        {"true or false", "true or false"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_print(rows[i][0], rows[i][1]);
}

struct mistake {
    const char *text;
    int column;
    const char *says;
};

static void
check_mistake(const struct mistake *mistake, enum per per)
{
    const struct expr *expr = NULL;
    struct err err = {0};
    int column = 0;

    if (expr_compile(&arena, view_of(mistake->text), fixture_class(), per, &expr, &column, &err)) {
        fail_msg("'%s' was taken", mistake->text);
    }
    if (column != mistake->column || strcmp(err.text, mistake->says) != 0) {
        fail_msg("'%s': got %d: %s\nwanted %d: %s", mistake->text, column, err.text,
            mistake->column, mistake->says);
    }
    assert_int_equal(err.kind, ERR_CONFIG);
}

static void
a_mistake_is_told_at_its_column(void **state)
{
    static const struct mistake mistakes[] = {
        {"", 1, "an expression is needed\nhint: write a condition such as 'port_temp > 60°C'."},
        {"port_tmp > 60°C", 1,
            "'port_tmp' is not a field of class 'thing', allowed are alarm, ambient, battery, "
            "doors, manual, moving, port_temp, power, state\nhint: did you mean 'port_temp'?"},
        {"alarm and xyzzy", 11,
            "'xyzzy' is not a field of class 'thing', allowed are alarm, ambient, battery, doors, "
            "manual, moving, port_temp, power, state"},
        {"port_temp > 60kg", 13,
            "'60kg' is a number of mass in kg, but 'port_temp' is a number of temperature in °C"},
        {"port_temp > 60", 13,
            "'60' is a number, but 'port_temp' is a number of temperature in °C\nhint: write "
            "'60°C'."},
        {"60 < port_temp", 1,
            "'60' is a number, but 'port_temp' is a number of temperature in °C\nhint: write "
            "'60°C'."},
        {"port_temp > power", 13,
            "'power' is a number of power in kW, but 'port_temp' is a number of temperature in "
            "°C"},
        {"port_temp > 60°X", 13,
            "'°X' is not a unit\nhint: write the number with a unit such as °C, %, kPa, m/s or "
            "min."},
        {"port_temp > 60°C or alram", 21,
            "'alram' is not a field of class 'thing', allowed are alarm, ambient, battery, doors, "
            "manual, moving, port_temp, power, state\nhint: did you mean 'alarm'?"},
        {"doors = closed", 7, "'=' is not a comparison\nhint: write '=='."},
        {"doors == closd", 10,
            "'closd' is not a code of 'doors', allowed are closed, open, moving\nhint: did you "
            "mean 'closed'?"},
        {"doors == 1", 10,
            "'1' is a number, but 'doors' is compared with the name of one of its codes"},
        {"doors > closed", 7, "'>' needs numbers, but 'doors' is a code, allowed are == and !="},
        {"state == closed", 10,
            "'closed' is a word, but 'state' is a text\nhint: write '\"closed\"'."},
        {"state == 5", 10, "'5' is a number, but 'state' is a text"},
        {"port_temp", 1,
            "'port_temp' is a number of temperature in °C, needed is a condition\nhint: compare "
            "it with a number, for example with '>'."},
        {"alarm and doors", 11,
            "'doors' is a code, needed is a condition\nhint: compare it with '==' or '!='."},
        {"alarm > 3", 7, "'>' needs numbers, but 'alarm' is a condition, allowed are == and !="},
        {"alarm == 1", 10, "'1' is a number, but 'alarm' is a condition"},
        {"port_temp * power > 3", 11,
            "'port_temp' * 'power' has no unit that is known here, allowed are a number without a "
            "unit on one side, or a quotient of two numbers of one dimension"},
        {"1kW < power < 3kW", 13,
            "comparisons cannot follow each other\nhint: write 'a < b and b < c'."},
        {"alarm && moving", 7, "'&&' is not known here\nhint: write 'and'."},
        {"!alarm", 1, "'!' is not known here\nhint: write 'not'."},
        {"port_temp ＞ 60°C", 11, "'＞' is not known here\nhint: write '>'."},
        {"（alarm)", 1, "'（' is not known here\nhint: write '('."},
        {"alarm 困", 7, "'困' cannot stand here"},
        {"alarm manual", 7,
            "'manual' cannot stand here, needed is 'and', 'or', a comparison or the end"},
        {"(alarm", 7, "the expression ends here, needed is ')'"},
        {"alarm and", 10, "the expression ends here, needed is a field, a number or a condition"},
        {"alarm and or", 11, "'or' cannot stand here, needed is a field, a number or a condition"},
        {"state == \"abc", 10, "a text without its closing \""},
        {"absent(5x)", 8,
            "'5x' is not a length of time, allowed are 1s to 7d\nhint: write '5m' for five "
            "minutes."},
        {"absent(1 intervals)", 8, "allowed are 2 to 1000 intervals"},
        {"absent(10d)", 8,
            "'10d' is not a length of time, allowed are 1s to 7d\nhint: write '5m' for five "
            "minutes."},
        {"absnt(5m)", 1,
            "'absnt' is not a function, allowed are absent, avg, changed, "
            "count, delta, max, min, rate, stuck\nhint: did you mean 'absent'?"},
        {"frobnicate(port_temp)", 1,
            "'frobnicate' is not a function, allowed are absent, avg, changed, "
            "count, delta, max, min, rate, stuck"},
        {"count(alarm, same zone, 2m) >= 2", 1,
            "count(..., same zone, ...) in a rule that is per: device, needed is per: zone"},
        {"count(alarm, same house, 2m) >= 2", 19,
            "'house' cannot stand here, allowed are zone, building, compound"},
        {"count(count(alarm, same zone, 2m) > 1, same zone, 2m) > 1", 7,
            "count() cannot stand in count()"},
        {"rate(port_temp, 1m) > 5°C", 23,
            "'5°C' is a number of temperature in °C, but 'rate(port_temp, 1m)' is a number of "
            "temperature change in °C/min"},
        {"rate(alarm, 1m) > 5", 6, "'alarm' is a condition, needed is a number"},
        {"rate(rate(power, 1m), 1m) > 5W/s", 6, "rate() cannot stand in rate()"},
        {"rate(port_temp) > 5°C/min", 15, "')' cannot stand here, needed is ', 5m' (how far back)"},
        {"rate(port_temp, 8d) > 5°C/min", 17,
            "'8d' is not a length of time, allowed are 1s to 7d\nhint: write '5m' for five "
            "minutes."},
        {"avg(5°C, 1m) > 5°C", 5, "'5°C' never changes, avg() needs a field"},
        {"count(power, 1m) > 5", 7,
            "'power' is a number of power in kW, needed is a condition\nhint: compare it with a "
            "number, for example with '>'."},
        {"count(alarm) > 5", 12,
            "')' cannot stand here, needed is ', same zone, 120s' (or building, compound) or ', "
            "5m'"},
        {"count(alarm, 10m)", 1,
            "'count(alarm, 10m)' is a number, needed is a condition\nhint: "
            "compare it with a number, for example with '>'."},
        {"changed(dors)", 9,
            "'dors' is not a field of class 'thing', allowed are alarm, ambient, battery, doors, "
            "manual, moving, port_temp, power, state\nhint: did you mean 'doors'?"},
        {"stuck(power, 5m) > 2", 18,
            "'>' needs numbers, but 'stuck(power, 5m)' is a condition, "
            "allowed are == and !="},
        {"温度 > 5", 1, "'温' cannot stand here"},
        {"state == \"困人\" and port_tmp > 1°C", 19,
            "'port_tmp' is not a field of class 'thing', allowed are alarm, ambient, battery, "
            "doors, manual, moving, port_temp, power, state\nhint: did you mean 'port_temp'?"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(mistakes); i++)
        check_mistake(&mistakes[i], PER_DEVICE);
}

static void
depth_and_size_are_bounded(void **state)
{
    char text[EXPR_MAX_BYTES + 2];
    const struct expr *expr;
    struct err err = {0};
    int column = 0;

    (void)state;
    memset(text, '(', sizeof(text));
    assert_false(expr_compile(&arena, (struct view){text, EXPR_MAX_BYTES}, fixture_class(),
        PER_DEVICE, &expr, &column, &err));
    assert_non_null(strstr(err.text, "at most 64 levels deep"));
    assert_false(expr_compile(&arena, (struct view){text, EXPR_MAX_BYTES + 1}, fixture_class(),
        PER_DEVICE, &expr, &column, &err));
    assert_non_null(strstr(err.text, "at most 2000 bytes"));
    memset(text, '-', sizeof(text));
    assert_false(expr_compile(&arena, (struct view){text, EXPR_MAX_BYTES}, fixture_class(),
        PER_DEVICE, &expr, &column, &err));
    for (size_t i = 0; i < EXPR_MAX_BYTES; i++)
        text[i] = i % 2 == 0 ? '1' : '+';
    assert_false(expr_compile(&arena, (struct view){text, EXPR_MAX_BYTES - 1}, fixture_class(),
        PER_DEVICE, &expr, &column, &err));
    assert_non_null(strstr(err.text, "at most 500 parts"));
}

/* A world for evaluation: fields by number, NAN is unknown. */
struct test_world {
    struct world world;
    double values[ARRAY_LEN(fixture_fields)];
    bool silent;
    struct tally_range range;
};

static bool
test_value(const struct world *world, uint16_t field, double *number, struct view *text)
{
    const struct test_world *test = (const struct test_world *)world;

    *number = test->values[field];
    *text = view_of("abc");
    return !isnan(*number);
}

static bool
test_absent(const struct world *world, struct span span)
{
    (void)span;
    return ((const struct test_world *)world)->silent;
}

static struct tally_range
test_count(const struct world *world, const struct expr *count)
{
    (void)count;
    return ((const struct test_world *)world)->range;
}

static struct test_world
make_world(void)
{
    struct test_world test = {.world = {test_value, test_absent, test_count}};

    for (size_t i = 0; i < ARRAY_LEN(test.values); i++)
        test.values[i] = NAN;
    return test;
}

static void
logic_is_three_valued(void **state)
{
    static const double inputs[] = {0, 1, NAN};
    /* [a][b], in the order false, true, unknown */
    static const enum truth want_or[3][3] = {{0, 1, 2}, {1, 1, 1}, {2, 1, 2}};
    static const enum truth want_and[3][3] = {{0, 0, 0}, {0, 1, 2}, {0, 2, 2}};
    static const enum truth want_eq[3][3] = {{1, 0, 2}, {0, 1, 2}, {2, 2, 2}};
    static const enum truth want_not[3] = {1, 0, 2};

    (void)state;
    for (size_t a = 0; a < 3; a++) {
        for (size_t b = 0; b < 3; b++) {
            struct test_world test = make_world();

            test.values[F_ALARM] = inputs[a];
            test.values[F_MANUAL] = inputs[b];
            assert_int_equal(
                expr_truth(compile_per("alarm or manual", PER_ZONE), &test.world), want_or[a][b]);
            assert_int_equal(
                expr_truth(compile_per("alarm and manual", PER_ZONE), &test.world), want_and[a][b]);
            assert_int_equal(
                expr_truth(compile_per("alarm == manual", PER_ZONE), &test.world), want_eq[a][b]);
            assert_int_equal(
                expr_truth(compile_per("not alarm", PER_ZONE), &test.world), want_not[a]);
        }
    }
}

static void
numbers_are_compared_in_one_unit(void **state)
{
    static const struct {
        const char *text;
        enum truth want;
    } rows[] = {
        /* port_temp is 60°C, ambient 86°F = 30°C, power 1.5kW, battery 20%, doors open */
        {"port_temp > 60°C", TRUTH_FALSE},
        {"port_temp >= 60°C", TRUTH_TRUE},
        {"port_temp > 139°F", TRUTH_TRUE},
        {"port_temp > 141°F", TRUTH_FALSE},
        {"port_temp > ambient", TRUTH_TRUE},
        {"ambient > port_temp", TRUTH_FALSE},
        {"port_temp - ambient > 29°C", TRUTH_TRUE},
        {"port_temp > ambient + 29°C", TRUTH_TRUE},
        {"port_temp > ambient + 31°C", TRUTH_FALSE},
        {"port_temp - ambient > 29K", TRUTH_TRUE},
        {"port_temp - ambient > 31K", TRUTH_FALSE},
        {"port_temp - ambient < 55°F", TRUTH_TRUE},
        {"ambient - port_temp < -53°F", TRUTH_TRUE},
        {"power > 1499W", TRUTH_TRUE},
        {"power > 1501W", TRUTH_FALSE},
        {"power * 2 == 3kW", TRUTH_TRUE},
        {"power / 500W == 3", TRUTH_TRUE},
        {"power / 0 > 1kW", TRUTH_UNKNOWN},
        {"-power < -1.4kW", TRUTH_TRUE},
        {"battery < 21%", TRUTH_TRUE},
        {"doors == open", TRUTH_TRUE},
        {"doors != open", TRUTH_FALSE},
        {"moving == doors", TRUTH_FALSE},
        {"state == \"abc\"", TRUTH_UNKNOWN},
        {"power > 1kW and port_temp > 10°C", TRUTH_TRUE},
        {"moving and absent(5m)", TRUTH_UNKNOWN},
    };
    struct test_world test = make_world();

    (void)state;
    test.values[F_PORT_TEMP] = 60;
    test.values[F_AMBIENT] = 86;
    test.values[F_POWER] = 1.5;
    test.values[F_BATTERY] = 20;
    test.values[F_DOORS] = 2;
    test.silent = true;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const enum truth got = expr_truth(compile_per(rows[i].text, PER_ZONE), &test.world);

        if (got != rows[i].want)
            fail_msg("%s: got %d, wanted %d", rows[i].text, (int)got, (int)rows[i].want);
    }
    test.values[F_STATE] = 0;
    assert_int_equal(
        expr_truth(compile_per("state == \"abc\"", PER_ZONE), &test.world), TRUTH_TRUE);
    assert_int_equal(
        expr_truth(compile_per("state != \"abd\"", PER_ZONE), &test.world), TRUTH_TRUE);
}

static void
a_count_with_unknown_members_is_a_range(void **state)
{
    static const struct {
        double lo, hi;
        enum truth want[4]; /* >= 2, == 2, < 2, != 2 */
    } rows[] = {
        {0, 1, {TRUTH_FALSE, TRUTH_FALSE, TRUTH_TRUE, TRUTH_TRUE}},
        {1, 2, {TRUTH_UNKNOWN, TRUTH_UNKNOWN, TRUTH_UNKNOWN, TRUTH_UNKNOWN}},
        {2, 2, {TRUTH_TRUE, TRUTH_TRUE, TRUTH_FALSE, TRUTH_FALSE}},
        {2, 9, {TRUTH_TRUE, TRUTH_UNKNOWN, TRUTH_FALSE, TRUTH_UNKNOWN}},
        {3, 9, {TRUTH_TRUE, TRUTH_FALSE, TRUTH_FALSE, TRUTH_TRUE}},
    };
    static const char *const ops[] = {">=", "==", "<", "!="};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t op = 0; op < ARRAY_LEN(ops); op++) {
            struct test_world test = make_world();
            char text[80];

            test.range = (struct tally_range){rows[i].lo, rows[i].hi};
            (void)snprintf(text, sizeof(text), "count(alarm, same zone, 2m) %s 2", ops[op]);
            assert_int_equal(
                expr_truth(compile_per(text, PER_ZONE), &test.world), rows[i].want[op]);
        }
    }
}

static void
the_fields_that_it_reads_are_known(void **state)
{
    uint64_t bits[CLASS_MAX_FIELDS / 64];

    (void)state;
    expr_fields(
        compile_per(
            "port_temp > 60°C and not count(alarm, same zone, 2m) > 1 or doors == open", PER_ZONE),
        bits);
    assert_int_equal(bits[0], 1U << F_PORT_TEMP | 1U << F_ALARM | 1U << F_DOORS);
    assert_int_equal(bits[1], 0);
}

static void
rules_are_sorted_and_known_by_their_text(void **state)
{
    static const struct class_table table = {.at = &fixture, .len = 1};
    const struct stage hot = {
        .name = "", .policy = "", .severity = SEVERITY_RED, .when = compile_per("alarm", PER_ZONE)};
    struct rule rules[] = {
        {.id = "b-rule", .class = fixture_class(), .stages = &hot, .n_stages = 1},
        {.id = "a-rule", .class = fixture_class(), .stages = &hot, .n_stages = 1},
    };

    (void)state;
    const struct ruleset set = ruleset_make(&arena, rules, ARRAY_LEN(rules), &table);
    const struct rule *a = rule_find(&set, view_of("a-rule"));

    assert_string_equal(set.at[0].id, "a-rule");
    assert_ptr_equal(a, &set.at[0]);
    assert_null(rule_find(&set, view_of("c-rule")));
    assert_int_equal(set.n_by_class[0], 2);
    assert_ptr_equal(set.by_class[0][1], &set.at[1]);
    assert_true(a->red);
    assert_int_equal(a->identity, rule_identity(&rules[1]));
    rules[1].title = (struct words){"热", "hot"};
    assert_int_equal(a->identity, rule_identity(&rules[1]));
    rules[1].for_ = SPAN_S(5);
    assert_int_not_equal(a->identity, rule_identity(&rules[1]));
}

/* Trees of every kind that the types allow, from a seed. */
struct growth {
    uint64_t state;
    struct buf *out;
};

static uint32_t
choose(struct growth *growth, uint32_t n)
{
    growth->state = growth->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(growth->state >> 33) % n;
}

static void grow_condition(struct growth *growth, int depth, bool functions);

static void
grow_number(struct growth *growth, int depth, bool functions)
{
    static const char *const functions_of[] = {"avg", "max", "min"};

    switch (depth <= 0 ? choose(growth, 2) : choose(growth, functions ? 7 : 5)) {
    case 0:
        buf_text(growth->out, "power");
        break;
    case 1:
        buf_printf(growth->out, "%s%u.%ukW", choose(growth, 4) == 0 ? "-" : "", choose(growth, 50),
            choose(growth, 10));
        break;
    case 2:
    case 3:
        buf_char(growth->out, '(');
        grow_number(growth, depth - 1, functions);
        buf_text(growth->out, choose(growth, 2) == 0 ? "+" : " - ");
        grow_number(growth, depth - 1, functions);
        buf_char(growth->out, ')');
        break;
    case 4:
        buf_text(growth->out, "-(");
        grow_number(growth, depth - 1, functions);
        buf_printf(growth->out, ")%s%u", choose(growth, 2) == 0 ? "*" : "/", 1 + choose(growth, 9));
        break;
    case 5:
        buf_printf(growth->out, "%s(power + ", functions_of[choose(growth, 3)]);
        grow_number(growth, depth - 1, false);
        buf_printf(growth->out, ", %us)", 1 + choose(growth, 5000));
        break;
    default:
        buf_printf(growth->out, "delta(power, %um)", 1 + choose(growth, 90));
        break;
    }
}

static void
grow_atom(struct growth *growth, int depth, bool functions)
{
    static const char *const plain[] = {"alarm", "doors == closed", "doors!=moving",
        "state == 'a\"b\\\\'", "battery < 20%", "true", "moving == false"};
    static const char *const calls[] = {"stuck(doors, 90s)", "changed(state)",
        "absent(3 intervals)", "rate(port_temp,60s) > 300°C/h", "rate(battery, 1h) < -2%/h"};

    if (functions && choose(growth, 3) == 0) {
        buf_text(growth->out, calls[choose(growth, ARRAY_LEN(calls))]);
    } else if (depth > 0 && choose(growth, 2) == 0) {
        static const char *const signs[] = {"<", "<=", ">", ">=", "==", "!="};

        grow_number(growth, depth - 1, functions);
        buf_printf(growth->out, " %s ", signs[choose(growth, ARRAY_LEN(signs))]);
        grow_number(growth, depth - 1, functions);
    } else {
        buf_text(growth->out, plain[choose(growth, ARRAY_LEN(plain))]);
    }
}

static void
grow_condition(struct growth *growth, int depth, bool functions)
{
    switch (depth <= 0 ? 9 : choose(growth, functions ? 8 : 6)) {
    case 0:
    case 1:
        buf_char(growth->out, '(');
        grow_condition(growth, depth - 1, functions);
        buf_text(growth->out, choose(growth, 2) == 0 ? ") and (" : " or ");
        grow_condition(growth, depth - 1, functions);
        buf_char(growth->out, ')');
        break;
    case 2:
        buf_text(growth->out, "not (");
        grow_condition(growth, depth - 1, functions);
        buf_char(growth->out, ')');
        break;
    case 3:
        buf_char(growth->out, '(');
        grow_condition(growth, depth - 1, functions);
        buf_text(growth->out, ") == (");
        grow_condition(growth, depth - 1, functions);
        buf_char(growth->out, ')');
        break;
    case 6:
        buf_text(growth->out, "count(alarm or ");
        grow_condition(growth, depth - 1, false);
        buf_printf(growth->out, ", %us) > %u", 1 + choose(growth, 500), choose(growth, 9));
        break;
    default:
        grow_atom(growth, depth - 1, functions);
        break;
    }
}

/* From left to right: a or (b or c) is the same as (a or b) or c, everything else is not. */
static size_t
flatten(const struct expr *expr, const struct expr **out, size_t n)
{
    if (expr == NULL)
        return n;
    n = flatten(expr->left, out, n);
    out[n++] = expr;
    return flatten(expr->right, out, n);
}

static bool
same_node(const struct expr *a, const struct expr *b)
{
    return a->kind == b->kind && a->type == b->type && a->number == b->number &&
           a->value == b->value && view_eq(a->text, b->text) && a->field == b->field &&
           a->span.us == b->span.us && a->per == b->per && a->measure == b->measure &&
           a->from == b->from && a->scale == b->scale && a->difference == b->difference;
}

static bool
same_tree(const struct expr *a, const struct expr *b)
{
    static const struct expr *one[EXPR_MAX_NODES], *other[EXPR_MAX_NODES];
    const size_t n = flatten(a, one, 0);

    if (flatten(b, other, 0) != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!same_node(one[i], other[i]))
            return false;
    }
    return true;
}

static void
what_is_printed_compiles_to_the_same_tree(void **state)
{
    struct buf text, printed;
    int taken = 0;

    (void)state;
    buf_init(&text, 1 << 20);
    buf_init(&printed, 1 << 20);
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        struct growth growth = {seed, &text};
        const struct expr *one = NULL, *other = NULL;
        struct err err = {0};
        int column = 0;

        buf_reset(&text);
        buf_reset(&printed);
        grow_condition(&growth, 5, true);
        if (!expr_compile(
                &arena, buf_view(&text), fixture_class(), PER_DEVICE, &one, &column, &err))
            continue; /* too long, or with a number that never changes in a function */
        taken++;
        expr_print(one, &printed);
        if (printed.len > EXPR_MAX_BYTES)
            continue;
        if (!expr_compile(
                &arena, buf_view(&printed), fixture_class(), PER_DEVICE, &other, &column, &err) ||
            !same_tree(one, other)) {
            fail_msg("%.*s\n%.*s\n%d: %s", VIEW_ARG(buf_view(&text)), VIEW_ARG(buf_view(&printed)),
                column, err.text);
        }
    }
    assert_true(taken > 2000);
    buf_fini(&text);
    buf_fini(&printed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_expression_has_one_canonical_text),
        cmocka_unit_test(what_is_printed_compiles_to_the_same_tree),
        cmocka_unit_test(a_mistake_is_told_at_its_column),
        cmocka_unit_test(depth_and_size_are_bounded),
        cmocka_unit_test(logic_is_three_valued),
        cmocka_unit_test(numbers_are_compared_in_one_unit),
        cmocka_unit_test(a_count_with_unknown_members_is_a_range),
        cmocka_unit_test(the_fields_that_it_reads_are_known),
        cmocka_unit_test(rules_are_sorted_and_known_by_their_text),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
