#include "alerting/dispatch/post_wire.h"

#include "tests/unit/cmocka_all.h"

static const char *const filters[] = {"wallwatch/command/fire", "wallwatch/status/+"};

static void
write_all(struct buf *out)
{
    const struct post_config config = {.host = "127.0.0.1",
        .port = 1883,
        .client_id = "wallwatch-fire-post",
        .username = "lane-fire",
        .filters = filters,
        .n_filters = ARRAY_LEN(filters)};

    post_wire_config(out, &config);
    post_wire_publish(out, 7, view_of("wallwatch/notice/u/n"), view_of("{}"), true);
    post_wire_close(out);
    post_wire_state(out, false, view_of("no connection"));
    post_wire_done(out, 7, -1);
    post_wire_done(out, 8, 16);
    post_wire_message(out, view_of("wallwatch/command/fire"), view_of(""), false);
}

static void
what_is_written_is_read_back_frame_by_frame(void **state)
{
    static const enum post_kind kinds[] = {
        POST_CONFIG, POST_PUBLISH, POST_CLOSE, POST_STATE, POST_DONE, POST_DONE, POST_MESSAGE};
    struct arena arena;
    struct buf text;
    struct post_config config;
    struct post_frame frames[ARRAY_LEN(kinds)];
    size_t used = 0;

    (void)state;
    arena_init(&arena);
    buf_init(&text, POST_MAX_FRAME_BYTES);
    write_all(&text);
    struct view rest = buf_view(&text);

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        assert_int_equal(post_wire_read(rest, &frames[i], &used), POST_WIRE_FRAME);
        assert_int_equal(frames[i].kind, kinds[i]);
        rest.ptr += used;
        rest.len -= used;
    }
    assert_int_equal(rest.len, 0);
    assert_int_equal(post_wire_read(rest, &frames[0], &used), POST_WIRE_MORE);
    assert_true(post_wire_config_read(&arena, frames[0].config, &config));
    assert_string_equal(config.host, "127.0.0.1");
    assert_int_equal(config.port, 1883);
    assert_string_equal(config.username, "lane-fire");
    assert_null(config.password_file);
    assert_null(config.will_topic);
    assert_int_equal(config.n_filters, 2);
    assert_string_equal(config.filters[1], filters[1]);
    assert_int_equal(frames[1].seq, 7);
    assert_true(frames[1].flag);
    assert_true(view_is(frames[1].topic, "wallwatch/notice/u/n"));
    assert_true(view_is(frames[3].payload, "no connection"));
    assert_int_equal(frames[4].reason, -1);
    assert_int_equal(frames[5].reason, 16);
    buf_fini(&text);
    arena_fini(&arena);
}

static void
a_part_of_a_frame_is_never_taken_for_a_whole_one(void **state)
{
    struct buf text;
    struct post_frame frame;
    size_t used = 0;

    (void)state;
    buf_init(&text, POST_MAX_FRAME_BYTES);
    post_wire_publish(&text, 7, view_of("wallwatch/notice/u/n"), view_of("{}"), true);
    for (size_t len = 0; len < text.len; len++)
        assert_int_equal(post_wire_read(view_bytes(text.ptr, len), &frame, &used), POST_WIRE_MORE);
    buf_fini(&text);
}

static void
what_does_not_add_up_is_bad(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {"\0\0\0\0", 4},                          /* nothing in it */
        {"\xff\xff\xff\xff", 4},                  /* longer than any */
        {"\1\0\0\0\x63", 5},                      /* no such kind */
        {"\2\0\0\0\3\0", 6},                      /* CLOSE with a body */
        {"\3\0\0\0\5\1\1", 7},                    /* DONE cut short */
        {"\x0a\0\0\0\4\0\xff\0\0\0\0\0\0\0", 14}, /* text longer than the frame */
    };
    struct post_frame frame;
    size_t used = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(
            post_wire_read(view_bytes(cases[i].bytes, cases[i].len), &frame, &used), POST_WIRE_BAD);
    }
}

static void
a_configuration_with_missing_parts_is_refused(void **state)
{
    struct arena arena;
    struct buf text;
    struct post_config config = {.client_id = "c", .filters = filters, .n_filters = 1};
    struct post_frame frame;
    size_t used = 0;

    (void)state;
    arena_init(&arena);
    buf_init(&text, POST_MAX_FRAME_BYTES);
    post_wire_config(&text, &config); /* no host */
    assert_int_equal(post_wire_read(buf_view(&text), &frame, &used), POST_WIRE_FRAME);
    for (size_t len = 0; len <= frame.config.len; len++) {
        assert_false(post_wire_config_read(&arena, view_bytes(frame.config.ptr, len), &config));
    }
    buf_fini(&text);
    arena_fini(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back_frame_by_frame),
        cmocka_unit_test(a_part_of_a_frame_is_never_taken_for_a_whole_one),
        cmocka_unit_test(what_does_not_add_up_is_bad),
        cmocka_unit_test(a_configuration_with_missing_parts_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
