#include "model/day.h"

#include "tests/unit/cmocka_all.h"

static void
three_forms_and_a_bare_year_are_dates(void **state)
{
    static const struct {
        const char *text, *shown;
    } table[] = {{"2019-05-01", "2019-05-01"}, {"2019/5/1", "2019-05-01"},
        {"20190501", "2019-05-01"}, {"2019-5-1", "2019-05-01"}, {"2020-02-29", "2020-02-29"},
        {"2000/2/29", "2000-02-29"}, {"1900", "1900"}, {"2100/12/31", "2100-12-31"}};
    char text[DAY_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct day day;

        assert_true(day_parse(view_of(table[i].text), &day));
        assert_string_equal(day_text(day, text), table[i].shown);
    }
}

static void
what_is_no_day_is_refused(void **state)
{
    static const char *const texts[] = {"", "19", "1899", "2101", "20191", "201905", "2019050",
        "2019-02-29", "1900/2/29", "2019-13-01", "2019-00-01", "2019-01-00", "2019-04-31",
        "2019-5/1", "2019--1", "2019-1-", "2019-1-1-1", "2019.5.1", "01/05/2019", "2019-005-1",
        "2019-05-01 ", " 2019", "20190532", "2019年5月1日", "2019-05-01T00:00:00Z"};
    struct day day = {1, 2, 3};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_false(day_parse(view_of(texts[i]), &day));
    assert_int_equal(day.year, 1); /* untouched */
}

static int
age(const char *installed, const char *now)
{
    struct instant at;
    struct day day = {0};

    assert_true(installed[0] == '\0' || day_parse(view_of(installed), &day));
    assert_true(instant_parse(view_of(now), &at));
    return day_age(day, at, 28800);
}

static void
age_is_in_whole_years_of_the_local_calendar(void **state)
{
    (void)state;
    assert_int_equal(age("2011-11-24", "2026-11-23T15:59:59Z"), 14);
    assert_int_equal(age("2011-11-24", "2026-11-23T16:00:00Z"), 15); /* midnight in Shanghai */
    assert_int_equal(age("2011", "2025-12-31T15:59:59Z"), 14);
    assert_int_equal(age("2011", "2025-12-31T16:00:00Z"), 15); /* a year alone: from January */
    assert_int_equal(age("2012-02-29", "2027-02-28T12:00:00Z"), 14);
    assert_int_equal(age("2030-01-01", "2026-11-24T00:00:00Z"), 0);
    assert_int_equal(age("", "2026-11-24T00:00:00Z"), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_forms_and_a_bare_year_are_dates),
        cmocka_unit_test(what_is_no_day_is_refused),
        cmocka_unit_test(age_is_in_whole_years_of_the_local_calendar),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
