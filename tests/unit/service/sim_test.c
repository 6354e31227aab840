#include "base/json.h"
#include "service/sim_bad.h"
#include "service/sim_csv.h"
#include "service/sim_device.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>

#define NOW ((struct instant){INT64_C(1795503400000000)})

static const char script_text[] =
    "# a machine\n"
    "every 10s\n"
    "stream event\n"
    "parts 3\n"
    "message "
    "{\"d\":\"$device\",\"n\":$seq,\"v\":$volt,\"w\":\"$word\",\"x\":$unset,\"ps\":[$parts]}\n"
    "part {\"p\":$part,\"s\":\"$state\",\"t\":$temp}\n"
    "replay {\"n\":$seq,$row}\n"
    "column ball_bearing bearing\n"
    "\n"
    "let volt=230..240\n"
    "let word=a|b|c\r\n"
    "part-state idle 1m..2m state=idle temp=20.0~25.0\n"
    "part-state busy 30s state=busy temp=30.00~40.00\n"
    "part-fault hot 1m temp=99\n"
    "fault dead 2m volt=0\n";

static struct arena arena;

static void
parse(struct sim_script *script)
{
    struct err err = {0};

    if (!sim_script_parse(&arena, "x.txt", view_of(script_text), script, &err))
        fail_msg("%s", err.text);
}

static struct sim_device
make_device(const struct sim_script *script)
{
    return (struct sim_device){.script = script,
        .code = "D-1",
        .topic = "estate/d/c/k/D-1/event",
        .seed = 5,
        .boot = 1,
        .parts = ARENA_ARRAY(&arena, script->parts, struct sim_place)};
}

static struct instant
say(struct sim_device *device, int64_t ms, enum sim_twist twist, const char *row, struct buf *out)
{
    struct instant at;

    buf_reset(out);
    sim_device_say(device, instant_add(NOW, SPAN_MS(ms)), twist, view_of(row), out, &at);
    return at;
}

static void
a_script_says_how_a_machine_behaves(void **state)
{
    struct sim_script script;

    (void)state;
    parse(&script);
    assert_int_equal(script.every.us, 10000000);
    assert_string_equal(script.stream, "event");
    assert_int_equal(script.parts, 3);
    assert_int_equal(script.n_part_states, 2);
    assert_int_equal(script.n_faults, 2);
    assert_int_equal(script.let.n_values, 2);
    assert_true(sim_script_fault(&script, view_of("hot"))->of_part);
    assert_false(sim_script_fault(&script, view_of("dead"))->of_part);
    assert_null(sim_script_fault(&script, view_of("cold")));
    assert_string_equal(sim_script_column(&script, "ball_bearing"), "bearing");
    assert_string_equal(sim_script_column(&script, "humidity"), "humidity");
}

static void
a_wrong_script_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", "x.txt: there is no `message`"},
        {"message {}\nevry 5s", "x.txt:2: a statement: 'evry'"},
        {"every soon\nmessage {}", "x.txt:1: every: 'every soon'"},
        {"parts 65", "x.txt:1: parts: '65'"},
        {"parts 0", "x.txt:1: parts: '0'"},
        {"state idle", "x.txt:1: a length of time: ''"},
        {"state idle 5m..1m", "x.txt:1: a length of time: '5m..1m'"},
        {"let a", "x.txt:1: a value: 'a'"},
        {"let a=5..1", "x.txt:1: a value: 'a=5..1'"},
        {"let a=1..x", "x.txt:1: a value: 'a=1..x'"},
        {"column a", "x.txt:1: column: 'a'"},
    };
    struct sim_script script;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {0};

        assert_false(sim_script_parse(&arena, "x.txt", view_of(cases[i].text), &script, &err));
        assert_memory_equal(err.text, cases[i].want, strlen(cases[i].want));
    }
}

static void
what_a_machine_says_is_json_and_the_same_for_the_same_seed(void **state)
{
    struct sim_script script;
    struct buf one;
    struct buf two;
    struct instant last = {0};

    (void)state;
    parse(&script);
    buf_init(&one, 65536);
    buf_init(&two, 65536);
    struct sim_device a = make_device(&script);
    struct sim_device b = make_device(&script);

    for (int i = 0; i < 500; i++) {
        size_t flaw = 0;
        const struct instant at = say(&a, (int64_t)i * 100, SIM_GOOD, "", &one);

        assert_int_equal(json_check(buf_view(&one), 65536, &flaw), JSON_FINE);
        (void)say(&b, (int64_t)i * 100, SIM_GOOD, "", &two);
        assert_true(view_eq(buf_view(&one), buf_view(&two)));
        assert_true(at.us > last.us);
        last = at;
    }
    assert_int_equal(a.seq, 500);
    assert_non_null(strstr(one.ptr, "\"x\":null"));
    assert_non_null(strstr(one.ptr, "\"p\":3"));
    /* two in the same millisecond have two times */
    assert_true(say(&a, 49900, SIM_GOOD, "", &one).us == last.us + 1000);
    buf_fini(&one);
    buf_fini(&two);
}

static void
a_fault_changes_its_part_alone_and_ends(void **state)
{
    struct sim_script script;
    struct buf out;

    (void)state;
    parse(&script);
    buf_init(&out, 65536);
    struct sim_device device = make_device(&script);

    sim_device_fault(&device, sim_script_fault(&script, view_of("hot")), 2, NOW);
    (void)say(&device, 0, SIM_GOOD, "", &out);
    const char *second = strstr(out.ptr, "\"p\":2");

    assert_non_null(strstr(second, "\"t\":99}"));
    assert_null(strstr(strstr(second, "\"t\":99}") + 5, "\"t\":99}"));
    (void)say(&device, 60001, SIM_GOOD, "", &out);
    assert_null(strstr(out.ptr, "\"t\":99}"));
    sim_device_fault(&device, sim_script_fault(&script, view_of("dead")), 0, NOW);
    (void)say(&device, 60002, SIM_GOOD, "", &out);
    assert_non_null(strstr(out.ptr, "\"v\":0,"));
    buf_fini(&out);
}

static void
bad_messages_are_bad_in_the_way_their_name_says(void **state)
{
    struct sim_script script;
    struct buf out;
    char topic[256];
    size_t at = 0;

    (void)state;
    parse(&script);
    buf_init(&out, (size_t)1024 * 1024);
    struct sim_device device = make_device(&script);

    for (size_t i = 0; i < sim_bad_count(); i++) {
        const struct sim_bad *bad = sim_bad_at(i);

        (void)say(&device, (int64_t)i, bad->twist, "", &out);
        sim_bad_spoil(bad, &out);
        const enum json_flaw flaw = json_check(buf_view(&out), 65536, &at);

        assert_true(flaw == JSON_FINE || !bad->readable);
        sim_bad_topic(bad, device.topic, topic, sizeof(topic));
        assert_int_equal(strcmp(topic, device.topic) != 0, bad->topic_class || bad->topic_device);
        if (bad->topic_class)
            assert_string_equal(topic, "estate/d/c/nonesuch/D-1/event");
        if (bad->topic_device)
            assert_string_equal(topic, "estate/d/c/k/X-D-1/event");
        if (bad->twist == SIM_WRONG_TYPE) {
            assert_int_equal(flaw, JSON_FINE);
            assert_non_null(strstr(out.ptr, "\"v\":\"31. Jul\""));
        }
        if (bad->twist == SIM_RANGE)
            assert_non_null(strstr(out.ptr, "\"v\":1000000000"));
    }
    assert_null(sim_bad_at(sim_bad_count()));
    buf_fini(&out);
}

static void
rows_of_a_file_go_out_as_they_are(void **state)
{
    struct sim_script script;
    struct sim_csv csv;
    struct err err = {0};
    struct buf row;
    struct buf out;

    (void)state;
    parse(&script);
    buf_init(&row, 4096);
    buf_init(&out, 4096);
    struct sim_device device = make_device(&script);

    assert_true(sim_csv_header(&arena,
        view_of("\xEF\xBB\xBF"
                "ball-bearing;Humidity %;vibration"),
        &csv, &err));
    assert_int_equal(csv.n, 3);
    assert_string_equal(csv.names[0], "ball_bearing");
    assert_string_equal(csv.names[1], "humidity__");
    csv.names[0] = sim_script_column(&script, csv.names[0]);
    sim_csv_row(&csv, view_of("93.74;31. Jul;"), &row);
    assert_string_equal(row.ptr, "\"bearing\":93.74,\"humidity__\":\"31. Jul\"");
    (void)say(&device, 0, SIM_GOOD, row.ptr, &out);
    assert_string_equal(out.ptr, "{\"n\":1,\"bearing\":93.74,\"humidity__\":\"31. Jul\"}");
    buf_reset(&row);
    sim_csv_row(&csv, view_of("01;-2e5;\"x\";surplus"), &row);
    assert_string_equal(row.ptr, "\"bearing\":\"01\",\"humidity__\":-2e5,\"vibration\":\"x\"");
    assert_true(sim_csv_header(&arena, view_of("a,b"), &csv, &err));
    assert_int_equal(csv.n, 2);
    assert_false(sim_csv_header(&arena, view_of("a;;b"), &csv, &err));
    buf_fini(&row);
    buf_fini(&out);
}

static int
set_up(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script_says_how_a_machine_behaves),
        cmocka_unit_test(a_wrong_script_is_refused_with_its_line),
        cmocka_unit_test(what_a_machine_says_is_json_and_the_same_for_the_same_seed),
        cmocka_unit_test(a_fault_changes_its_part_alone_and_ends),
        cmocka_unit_test(bad_messages_are_bad_in_the_way_their_name_says),
        cmocka_unit_test(rows_of_a_file_go_out_as_they_are),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
