#include "base/instant.h"

#include "tests/unit/cmocka_all.h"

static void
check_text(const char *in, const char *want)
{
    struct instant at;
    char out[INSTANT_TEXT_BYTES];

    assert_true(instant_parse(view_of(in), &at));
    assert_string_equal(instant_text(at, out), want);
}

static void
rfc3339_is_read_and_written(void **state)
{
    (void)state;
    check_text("2026-11-24T14:56:40+08:00", "2026-11-24T06:56:40.000000Z");
    check_text("2024-02-29 00:00:00.5Z", "2024-02-29T00:00:00.500000Z");
    check_text("1970-01-01T00:00:00.123456789Z", "1970-01-01T00:00:00.123456Z");
}

static void
what_is_no_instant_is_refused(void **state)
{
    static const char *const wrong[] = {"", "2026", "2026-02-29T00:00:00Z", "2026-11-24T25:00:00Z",
        "2026-11-24T00:00:00", "2026-11-24T00:00:00.Z", "2026-11-24T00:00:00Zx",
        "2026-11-31T00:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:56:40+08:00",
        "9999-12-31T23:59:59-01:00"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct instant at;

        assert_false(instant_parse(view_of(wrong[i]), &at));
    }
}

static void
civil_dates_go_there_and_back(void **state)
{
    (void)state;
    for (int64_t day = 0; day < 40000; day++) {
        const struct instant at = {day * INT64_C(86400000000) + 3723000000};
        const struct civil c = instant_civil(at, 28800);
        struct instant back;

        assert_true(
            instant_from_civil(c.year, c.month, c.day, c.hour, c.minute, c.second, 28800, &back));
        assert_int_equal(back.us, at.us);
        assert_int_equal(c.weekday, (day + 3) % 7);
    }
}

static void
spans_have_one_text(void **state)
{
    static const char *const same[] = {"0s", "45s", "1m30s", "250ms", "7d", "1h1us"};
    char out[SPAN_TEXT_BYTES];
    struct span span;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        assert_true(span_parse(view_of(same[i]), &span));
        assert_string_equal(span_text(span, out), same[i]);
    }
    assert_true(span_parse(view_of("90s"), &span));
    assert_string_equal(span_text(span, out), "1m30s");
    assert_false(span_parse(view_of("5x"), &span));
    assert_false(span_parse(view_of("30s1m"), &span));
    assert_false(span_parse(view_of("s"), &span));
    assert_false(span_parse(view_of("99999999999999999999d"), &span));
    assert_false(span_parse(view_of(""), &span));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc3339_is_read_and_written),
        cmocka_unit_test(what_is_no_instant_is_refused),
        cmocka_unit_test(civil_dates_go_there_and_back),
        cmocka_unit_test(spans_have_one_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
