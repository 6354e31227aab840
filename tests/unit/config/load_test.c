#include "base/io/fs_posix.h"
#include "config/config.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

struct loaded {
    struct arena arena;
    struct problems problems;
    struct config *config;
};

static struct loaded
load(const char *folder)
{
    struct loaded loaded;
    char dir[512];

    (void)snprintf(dir, sizeof(dir), "%s/%s", SOURCE_ROOT, folder);
    arena_init(&loaded.arena);
    loaded.config = config_load(fs_posix(), dir, &loaded.arena, &loaded.problems);
    return loaded;
}

static void
unload(struct loaded *loaded)
{
    config_unref(loaded->config);
    arena_fini(&loaded->arena);
}

static void
the_default_configuration_holds_what_its_files_say(void **state)
{
    struct loaded loaded = load("config/default");
    const struct config *config = loaded.config;

    (void)state;
    assert_non_null(config);
    assert_int_equal(loaded.problems.len, 0);
    assert_int_equal(config->devices.len, 734);
    assert_int_equal(config->classes.len, 9);
    assert_int_equal(config->grid.n_compounds, 12);
    assert_int_equal(config->grid.calendar.zone.offset_s, 28800);
    assert_int_equal(config->n_lanes, 2);
    assert_string_equal(config->lanes[0].name, "fire");
    assert_true(config->lanes[0].life_safety);
    assert_int_equal(config->lanes[0].sync.us, 0);
    assert_int_equal(config->lanes[1].sync.us, 50000);
    assert_int_equal(config->lanes[1].journal_max_bytes, UINT64_C(16) << 30);
    assert_int_equal(strlen(config->hash), 32);

    const struct device *lift = device_find(&config->devices, view_of("EL-0001"));

    assert_non_null(lift);
    assert_string_equal(lift->class->name, "elevator");
    assert_string_equal(lift->compound->id, "TL-01");
    assert_string_equal(lift->profile->name, "plain");
    assert_true(lift->key == device_key(view_of("EL-0001")));

    const struct rule *fire = rule_find(&config->rules, view_of("fire"));

    assert_non_null(fire);
    assert_int_equal(fire->per, PER_ZONE);
    assert_int_equal(fire->n_stages, 2);
    assert_int_equal(fire->stages[1].after.us, SPAN_S(180).us);
    assert_true(fire->red && fire->latch);
    assert_int_equal(fire->n_dispatch, 2);
    unload(&loaded);
}

static void
routes_of_a_compound_without_a_point_fall_through(void **state)
{
    struct loaded loaded = load("config/default");
    const struct grid *grid = &loaded.config->grid;
    const struct compound *whole = compound_find(grid, view_of("TL-01"));
    const struct compound *left = compound_find(grid, view_of("TL-11"));

    (void)state;
    assert_string_equal(whole->units[TIER_POINT]->id, "tianlin-12");
    assert_string_equal(whole->units[TIER_STATION]->id, "tianlin-east");
    assert_string_equal(whole->units[TIER_SUBDISTRICT]->id, "tianlin");
    assert_string_equal(whole->units[TIER_DISTRICT]->id, "xuhui");
    assert_null(left->units[TIER_POINT]);
    assert_string_equal(left->point->id, "tianlin-west");
    unload(&loaded);
}

static void
every_unit_of_the_default_configuration_is_on_duty_all_day(void **state)
{
    struct loaded loaded = load("config/default");
    const struct grid *grid = &loaded.config->grid;

    (void)state;
    for (size_t i = 0; i < grid->n_units; i++) {
        for (int minute = 0; minute < 1440; minute++) {
            struct duty duty;
            int64_t day = 0;

            assert_true(day_from_date(2026, 11, 24, &day));
            assert_true(unit_on_duty(
                grid, &grid->units[i], zone_at(&grid->calendar.zone, day, minute), &duty));
            assert_true(duty.officer->n_addresses > 0);
        }
    }
    unload(&loaded);
}

static void
a_topic_belongs_to_the_lane_with_the_most_specific_filter(void **state)
{
    struct loaded loaded = load("config/default");
    const struct config *config = loaded.config;

    (void)state;
    assert_string_equal(
        config_lane_of(config, view_of("estate/xuhui/TL-01/fire/FA-0001/event"))->name, "fire");
    assert_string_equal(
        config_lane_of(config, view_of("estate/xuhui/TL-01/elevator/EL-0001/event"))->name,
        "plant");
    assert_string_equal(config_lane_of(config, view_of("estate"))->name, "plant");
    assert_null(config_lane_of(config, view_of("wallwatch/status/fire")));
    assert_string_equal(device_find(&config->devices, view_of("FA-0001"))->lane, "fire");
    assert_string_equal(device_find(&config->devices, view_of("EL-0001"))->lane, "plant");
    unload(&loaded);
}

static void
profiles_translate_words_numbers_and_polarity(void **state)
{
    struct loaded loaded = load("tests/golden/config/base");
    const struct class *lift = class_find(&loaded.config->classes, view_of("lift"));

    (void)state;
    assert_int_equal(lift->n_profiles, 2);
    assert_string_equal(lift->profiles[0]->name, "plain");
    /* without `fields` each field is found by its own name, codes by name or number */
    assert_int_equal(lift->profiles[0]->n_fields, lift->n_fields);
    assert_string_equal(lift->profiles[0]->fields[1].path, "doors");
    assert_int_equal(lift->profiles[0]->fields[1].n_codes, 4);
    assert_true(view_is(lift->profiles[0]->fields[1].codes[3].text, "1"));

    const struct profile *other = lift->profiles[1];

    assert_int_equal(other->n_fields, 3);
    assert_int_equal(other->fields[0].n_codes, 3);
    assert_true(view_is(other->fields[0].codes[0].text, "1"));
    assert_float_equal(other->fields[0].codes[0].number, 1, 0);
    assert_float_equal(other->fields[0].codes[2].number, 0, 0);
    assert_true(other->fields[2].text_numbers);
    assert_float_equal(other->fields[2].scale, 0.1, 1e-12);
    unload(&loaded);
}

static void
problems_come_out_in_order_and_as_json(void **state)
{
    struct loaded loaded =
        load("tests/golden/config"); /* no file; one in base/ that nobody reads */
    struct buf text;

    (void)state;
    assert_null(loaded.config);
    assert_true(loaded.problems.errors >= 7);
    for (size_t i = 1; i < loaded.problems.len; i++)
        assert_true(strcmp(loaded.problems.at[i - 1].file, loaded.problems.at[i].file) <= 0);
    buf_init(&text, 1u << 20);
    problems_json(&loaded.problems, &text);
    buf_char(&text, '\0');
    assert_non_null(strstr(text.ptr, "\"code\":\"missing-file\""));
    assert_non_null(strstr(text.ptr, "\"warnings\":1"));
    buf_fini(&text);
    unload(&loaded);
}

static void
a_caret_stands_under_its_place_behind_wide_letters(void **state)
{
    const struct problem problem = {
        .file = "grid.yaml",
        .line = 2,
        .column = 8,
        .code = "x",
        .text = {"错", "wrong"},
        .hint = {"提", "a hint"},
        .line_text = "\t王伟: ab",
    };
    struct buf text;

    (void)state;
    buf_init(&text, 1000);
    problem_print(&problem, LANG_EN, &text);
    buf_char(&text, '\0');
    assert_string_equal(text.ptr, "grid.yaml:2:8: wrong\n    \t王伟: ab\n    \t        ^\n"
                                  "hint: a hint\n");
    buf_fini(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_configuration_holds_what_its_files_say),
        cmocka_unit_test(routes_of_a_compound_without_a_point_fall_through),
        cmocka_unit_test(every_unit_of_the_default_configuration_is_on_duty_all_day),
        cmocka_unit_test(a_topic_belongs_to_the_lane_with_the_most_specific_filter),
        cmocka_unit_test(profiles_translate_words_numbers_and_polarity),
        cmocka_unit_test(problems_come_out_in_order_and_as_json),
        cmocka_unit_test(a_caret_stands_under_its_place_behind_wide_letters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
