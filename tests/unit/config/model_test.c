#include "model/alert.h"
#include "model/device.h"
#include "model/grid.h"
#include "model/measure.h"
#include "tests/unit/cmocka_all.h"

static void
measures_convert_within_a_dimension_and_back(void **state)
{
    const struct measure *celsius = measure_find(view_of("°C"));
    const struct measure *kelvin = measure_find(view_of("K"));

    (void)state;
    assert_float_equal(measure_convert(60, celsius, kelvin), 333.15, 1e-9);
    assert_float_equal(measure_convert(212, measure_find(view_of("°F")), celsius), 100, 1e-9);
    assert_float_equal(
        measure_convert(1, measure_find(view_of("MPa")), measure_find(view_of("bar"))), 10, 1e-9);
    assert_ptr_equal(measure_find(view_of("℃")), celsius);
    assert_null(measure_find(view_of("kgg")));
    assert_string_equal(measure_find(view_of(""))->dimension, "");
}

static void
each_measure_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; measure_at(i) != NULL; i++)
        assert_ptr_equal(measure_find(view_of(measure_at(i)->name)), measure_at(i));
}

static void
names_are_parsed_to_what_they_name(void **state)
{
    enum severity severity;
    enum tier tier;
    enum command_kind command;
    enum order_state order;

    (void)state;
    for (int i = 0; i < SEVERITY_COUNT; i++) {
        assert_true(severity_parse(view_of(severity_names[i]), &severity));
        assert_int_equal(severity, i);
    }
    for (int i = 0; i < TIER_COUNT; i++) {
        assert_true(tier_parse(view_of(tier_names[i]), &tier));
        assert_int_equal(tier, i);
    }
    for (int i = 0; i < COMMAND_KINDS; i++) {
        assert_true(command_parse(view_of(command_names[i]), &command));
        assert_int_equal(command, i);
    }
    for (int i = 0; i < ORDER_STATES; i++) {
        assert_true(order_state_parse(view_of(order_names[i]), &order));
        assert_int_equal(order, i);
    }
    assert_false(severity_parse(view_of("Red"), &severity));
    assert_false(tier_parse(view_of(""), &tier));
}

static void
a_night_shift_goes_over_midnight(void **state)
{
    static const struct person wang = {.id = "wang"}, li = {.id = "li"};
    static const struct shift shifts[] = {
        {.from = 8 * 60, .to = 20 * 60, .officer = &wang},
        {.from = 20 * 60, .to = 8 * 60, .officer = &li},
    };
    static const struct unit unit = {.id = "p", .shifts = shifts, .n_shifts = 2};
    static const struct grid grid = {
        .units = &unit, .n_units = 1, .calendar = {.zone = {.offset_s = 28800}}};
    static const struct {
        int hour, minute;
        const char *who;
    } cases[] = {{8, 0, "wang"}, {19, 59, "wang"}, {20, 0, "li"}, {0, 0, "li"}, {7, 59, "li"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct instant at;
        struct duty duty;

        assert_true(
            instant_from_civil(2026, 11, 24, cases[i].hour, cases[i].minute, 0, 28800, &at));
        assert_true(unit_on_duty(&grid, &unit, at, &duty));
        assert_string_equal(duty.officer->id, cases[i].who);
    }
    assert_ptr_equal(unit_find(&grid, view_of("p")), &unit);
    assert_null(unit_find(&grid, view_of("q")));
}

static void
device_codes_are_plain_text_of_limited_length(void **state)
{
    char longest[DEVICE_CODE_BYTES + 1];

    (void)state;
    assert_true(device_code_valid(view_of("EL-0001")));
    assert_true(device_code_valid(view_of("310104.a:b_c")));
    assert_false(device_code_valid(view_of("")));
    assert_false(device_code_valid(view_of("a/b")));
    assert_false(device_code_valid(view_of("a b")));
    assert_false(device_code_valid(view_of("电梯")));
    memset(longest, 'x', sizeof(longest));
    assert_true(device_code_valid((struct view){longest, DEVICE_CODE_BYTES}));
    assert_false(device_code_valid((struct view){longest, DEVICE_CODE_BYTES + 1}));
    assert_true(device_key(view_of("EL-0001")) != device_key(view_of("EL-0002")));
    assert_true(device_key(view_of("EL-0001")) >> 63 == 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_convert_within_a_dimension_and_back),
        cmocka_unit_test(each_measure_has_a_name_of_its_own),
        cmocka_unit_test(names_are_parsed_to_what_they_name),
        cmocka_unit_test(a_night_shift_goes_over_midnight),
        cmocka_unit_test(device_codes_are_plain_text_of_limited_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
