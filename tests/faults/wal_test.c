/* What the wal does when things are as they should be, and when one thing is not. */
#include "base/wal.h"

#include "tests/faults/fs_memory.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#define DIR "/log"
#define GAP (UINT64_C(1) << 32)

static struct wal_options
options(struct fs_memory *memory)
{
    return (struct wal_options){.fs = fs_memory_fs(memory),
        .dir = DIR,
        .name = "ledger",
        .new_id = "fedcba987654321",
        .segment_bytes = 1024,
        .max_bytes = 1 << 20,
        .max_frame = 100};
}

static struct wal *
opened(const struct wal_options *opt, struct wal_report *report)
{
    struct err err = {0};
    struct wal *wal;

    if (!wal_open(&wal, opt, report, &err))
        fail_msg("%s", err.text);
    return wal;
}

static uint64_t
append(struct wal *wal, int from, int to)
{
    struct err err = {0};
    char text[32];
    uint64_t end = 0;

    for (int i = from; i < to; i++) {
        (void)snprintf(text, sizeof(text), "frame %04d", i);
        if (!wal_append(wal, view_of(text), &end, &err))
            fail_msg("%s", err.text);
    }
    return end;
}

/* Reads on: frames from to to must come, then nothing. */
static void
expect(struct wal_cursor *cursor, int from, int to)
{
    struct view frame;
    char text[32];
    uint64_t end;

    for (int i = from; i < to; i++) {
        (void)snprintf(text, sizeof(text), "frame %04d", i);
        assert_int_equal(wal_cursor_next(cursor, &frame, &end), WAL_FRAME);
        assert_true(view_is(frame, text));
    }
    assert_int_equal(wal_cursor_next(cursor, &frame, &end), WAL_END);
}

static void
a_cursor_follows_live_over_segments_and_restarts(void **state)
{
    struct fs_memory *memory = fs_memory_new();
    const struct wal_options opt = options(memory);
    struct wal_report report;
    struct wal *wal = opened(&opt, &report);
    struct wal_cursor *cursor = wal_cursor_new(wal, 0);

    (void)state;
    assert_true(report.created);
    for (int i = 0; i < 300; i += 7) {
        (void)append(wal, i, i + 7);
        expect(cursor, i, i + 7);
    }
    const uint64_t end = wal_end(wal);

    wal_cursor_free(cursor);
    wal_close(wal);
    for (int round = 0; round < 4; round++) { /* opened and closed without a frame between */
        wal = opened(&opt, &report);
        assert_false(report.created);
        assert_int_equal(report.end, end);
        assert_int_equal(report.torn_bytes + report.damaged, 0);
        cursor = wal_cursor_new(wal, 0);
        expect(cursor, 0, 301);
        if (round == 3) {
            assert_true(append(wal, 301, 400) > 4 * GAP);
            expect(cursor, 301, 400);
        }
        wal_cursor_free(cursor);
        wal_close(wal);
    }
    fs_memory_free(memory);
}

static void
a_cursor_may_start_between_frames_or_below_what_is_kept(void **state)
{
    struct fs_memory *memory = fs_memory_new();
    const struct wal_options opt = options(memory);
    struct wal_report report;
    struct wal *wal = opened(&opt, &report);
    const uint64_t middle = append(wal, 0, 200);
    struct err err = {0};
    struct view frame;
    uint64_t end;

    (void)state;
    (void)append(wal, 200, 400);
    struct wal_cursor *cursor = wal_cursor_new(wal, middle);

    expect(cursor, 200, 400);
    wal_cursor_seek(cursor, middle + 3);
    expect(cursor, 200, 400);
    assert_true(wal_trim(wal, middle, &err));
    assert_true(wal_first(wal) > 0 && wal_first(wal) <= middle);
    wal_cursor_seek(cursor, 0);
    assert_int_equal(wal_cursor_next(cursor, &frame, &end), WAL_LOST);
    assert_int_equal(end, wal_first(wal));
    wal_cursor_seek(cursor, middle);
    expect(cursor, 200, 400);
    wal_cursor_free(cursor);
    wal_close(wal);
    fs_memory_free(memory);
}

static void
a_log_opened_to_read_is_read_beside_its_writer_and_not_written(void **state)
{
    struct fs_memory *memory = fs_memory_new();
    const struct wal_options opt = options(memory);
    struct wal_report report;
    struct err err = {0};
    struct wal *reader;

    (void)state;
    assert_false(wal_open_read(&reader, opt.fs, DIR, "ledger", &report, &err));
    assert_int_equal(err.kind, ERR_GONE);
    struct wal *wal = opened(&opt, &report);
    const uint64_t end = append(wal, 0, 200);

    assert_true(wal_open_read(&reader, opt.fs, DIR, "ledger", &report, &err));
    assert_int_equal(wal_end(reader), end);
    struct wal_cursor *cursor = wal_cursor_new(reader, wal_first(reader));

    (void)append(wal, 200, 300); /* not seen by the reader, and not hindered */
    expect(cursor, 0, 200);
    wal_cursor_free(cursor);
    wal_close(reader);
    cursor = wal_cursor_new(wal, 0);
    expect(cursor, 0, 300);
    wal_cursor_free(cursor);
    wal_close(wal);
    fs_memory_free(memory);
}

static void
a_damaged_frame_loses_only_itself_and_verify_names_it(void **state)
{
    struct fs_memory *memory = fs_memory_new();
    const struct wal_options opt = options(memory);
    unsigned char id[WAL_ID_BYTES];
    struct wal_report report;
    struct wal *wal = opened(&opt, &report);
    struct err err = {0};
    struct view frame;
    uint64_t end;

    (void)state;
    (void)append(wal, 0, 150);
    assert_true(wal_scan(opt.fs, DIR, &report, id, NULL, NULL, &err));
    assert_int_equal(report.frames, 150);
    /* Frames have 8 + 10 bytes: this is in the text of number 3. */
    assert_true(fs_memory_damage(memory, DIR "/0000000000000000.seg", 64 + 3 * 18 + 12));
    struct wal_cursor *cursor = wal_cursor_new(wal, 0);

    for (int i = 0; i < 3; i++)
        assert_int_equal(wal_cursor_next(cursor, &frame, &end), WAL_FRAME);
    assert_int_equal(wal_cursor_next(cursor, &frame, &end), WAL_LOST);
    assert_int_equal(end, 4 * 18);
    expect(cursor, 4, 150);
    assert_false(wal_scan(opt.fs, DIR, &report, id, NULL, NULL, &err));
    assert_non_null(strstr(err.text, "0000000000000000.seg: damaged at offset 118"));
    wal_cursor_free(cursor);
    wal_close(wal);
    fs_memory_free(memory);
}

static void
memory_is_bounded_counted_and_left_again(void **state)
{
    struct fs_memory *memory = fs_memory_new();
    struct wal_options opt = options(memory);
    struct wal_report report;
    struct err err = {0};
    struct view frame;
    uint64_t end;

    (void)state;
    opt.memory_bytes = 4200; /* a frame takes 42 */
    opt.sync_each = true;
    struct wal *wal = opened(&opt, &report);
    struct wal_cursor *cursor = wal_cursor_new(wal, 0);

    (void)append(wal, 0, 10);
    fs_memory_fail(memory, FS_FAULT_IO, 1, 1000000);
    (void)append(wal, 10, 20);
    assert_int_equal(wal_state(wal), WAL_MEMORY);
    assert_int_equal(wal_lost(wal), 10);
    assert_true(wal_trouble(wal, &err));
    assert_non_null(strstr(err.text, "planned fault"));
    assert_false(wal_trouble(wal, &err));
    assert_false(wal_retry(wal, &err));
    fs_memory_fail(memory, FS_FAULT_IO, 0, 0);
    expect(cursor, 0, 20);
    (void)append(wal, 20, 320);
    assert_int_equal(wal_cursor_next(cursor, &frame, &end), WAL_LOST);
    expect(cursor, 220, 320);
    assert_true(wal_retry(wal, &err));
    assert_int_equal(wal_state(wal), WAL_FINE);
    (void)append(wal, 320, 330);
    expect(cursor, 320, 330);
    assert_int_equal(wal_lost(wal), 310);
    wal_cursor_free(cursor);
    wal_close(wal);
    fs_memory_free(memory);
}

static void
a_full_quota_is_an_error_until_something_is_trimmed(void **state)
{
    struct fs_memory *memory = fs_memory_new();
    struct wal_options opt = options(memory);
    struct wal_report report;
    struct err err = {0};
    uint64_t end = 0;
    uint64_t last = 0;

    (void)state;
    opt.max_bytes = 5000;
    struct wal *wal = opened(&opt, &report);

    while (wal_append(wal, view_of("0123456789"), &end, &err))
        last = end;
    assert_int_equal(err.kind, ERR_FULL);
    assert_true(wal_bytes(wal) <= 5000 && wal_bytes(wal) > 4900);
    assert_true(wal_trim(wal, last, &err));
    assert_true(wal_append(wal, view_of("0123456789"), &end, &err));
    assert_false(wal_append(wal, view_of(""), &end, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    wal_close(wal);
    fs_memory_free(memory);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cursor_follows_live_over_segments_and_restarts),
        cmocka_unit_test(a_cursor_may_start_between_frames_or_below_what_is_kept),
        cmocka_unit_test(a_log_opened_to_read_is_read_beside_its_writer_and_not_written),
        cmocka_unit_test(a_damaged_frame_loses_only_itself_and_verify_names_it),
        cmocka_unit_test(memory_is_bounded_counted_and_left_again),
        cmocka_unit_test(a_full_quota_is_an_error_until_something_is_trimmed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
