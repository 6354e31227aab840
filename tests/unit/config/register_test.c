#include "config/register.h"

#include "tests/unit/cmocka_all.h"

struct scene {
    struct arena arena;
    struct buf out;
};

static int
start(void **state)
{
    struct scene *scene = mem_zalloc(1, sizeof(*scene));

    arena_init(&scene->arena);
    buf_init(&scene->out, 65536);
    *state = scene;
    return 0;
}

static int
stop(void **state)
{
    struct scene *scene = *state;

    arena_fini(&scene->arena);
    buf_fini(&scene->out);
    free(scene);
    return 0;
}

static struct register_table
read(struct scene *scene, const char *text)
{
    struct register_table table;

    register_read(view_of(text), &scene->arena, &table);
    return table;
}

static const char *
text(struct scene *scene)
{
    buf_char(&scene->out, '\0');
    return scene->out.ptr;
}

static void
a_register_is_written_by_code_with_the_columns_it_uses(void **state)
{
    struct scene *scene = *state;
    const struct register_table table =
        read(scene, "\xef\xbb\xbftags,install_year,code,compound,class,name\r\n"
                    "\r\n"
                    ",2019/5/1,B,TL-01,lift,\"1,\"\"A\"\"\"\r\n"
                    ",,A,TL-01,lift,\r\n");

    register_write(&table, &scene->out);
    assert_string_equal(text(scene), "code,class,compound,name,install_date\n"
                                     "A,lift,TL-01,,\n"
                                     "B,lift,TL-01,\"1,\"\"A\"\"\",2019-05-01\n");
}

static void
what_was_written_reads_as_the_same(void **state)
{
    struct scene *scene = *state;
    const struct register_table table =
        read(scene, "code,class,compound,rated\nA,lift,TL-01,\"speed=1.75 m/s; load=1 t\"\n");

    register_write(&table, &scene->out);
    const struct register_table again = read(scene, text(scene));

    buf_reset(&scene->out);
    const struct register_diff diff = register_compare(&table, &again, &scene->out);

    assert_int_equal(diff.added + diff.changed + diff.removed, 0);
    assert_int_equal(scene->out.len, 0);
}

static void
a_difference_is_told_field_by_field_and_a_date_in_another_form_is_none(void **state)
{
    struct scene *scene = *state;
    const struct register_table from =
        read(scene, "code,class,compound,install_date,name\n"
                    "A,lift,TL-01,2019-05-01,x\nB,lift,TL-01,2019,\nC,lift,TL-02,,\n");
    const struct register_table to = read(scene,
        "compound,code,class,install_date,name,tags\n"
        "TL-01,A,lift,20190501,x,\nTL-02,B,lift,2019-01-01,,\nTL-01,D,lift,,,old-lift\n");
    const struct register_diff diff = register_compare(&from, &to, &scene->out);

    assert_int_equal(diff.added, 1);
    assert_int_equal(diff.changed, 1);
    assert_int_equal(diff.removed, 1);
    assert_string_equal(text(scene), "~ B compound: 'TL-01' -> 'TL-02'\n"
                                     "~ B install_date: '2019' -> '2019-01-01'\n"
                                     "- C class=lift compound=TL-02\n"
                                     "+ D class=lift compound=TL-01 tags=old-lift\n");
}

static void
a_merge_adds_and_replaces_and_removes_nothing(void **state)
{
    struct scene *scene = *state;
    const struct register_table base =
        read(scene, "code,class,compound,name\nA,lift,TL-01,x\nC,lift,TL-01,z\n");
    const struct register_table added =
        read(scene, "code,class,compound\nB,lift,TL-02\nC,lift,TL-02\n");
    struct register_table merged;

    register_merge(&base, &added, &scene->arena, &merged);
    register_write(&merged, &scene->out);
    assert_string_equal(text(scene), "code,class,compound,name\n"
                                     "A,lift,TL-01,x\nB,lift,TL-02,\nC,lift,TL-02,\n");
}

static void
a_register_that_cannot_be_read_is_an_empty_one(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(read(scene, "").len, 0);
    assert_int_equal(read(scene, "\n\n").len, 0);
    assert_int_equal(read(scene, "a,b\nc,d\n").len, 0);
    assert_int_equal(read(scene, "code,class,compound\nA,lift\n\"B,lift,x\nC,lift,x\n").len, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_register_is_written_by_code_with_the_columns_it_uses, start, stop),
        cmocka_unit_test_setup_teardown(what_was_written_reads_as_the_same, start, stop),
        cmocka_unit_test_setup_teardown(
            a_difference_is_told_field_by_field_and_a_date_in_another_form_is_none, start, stop),
        cmocka_unit_test_setup_teardown(a_merge_adds_and_replaces_and_removes_nothing, start, stop),
        cmocka_unit_test_setup_teardown(
            a_register_that_cannot_be_read_is_an_empty_one, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
