#include "service/checkpoint.h"

#include "tests/unit/cmocka_all.h"

static const struct checkpoint_era eras[] = {{0, 1}, {4096, 2}};
static const struct checkpoint point = {
    .version = 2,
    .journal = 8192,
    .ledger = 77,
    .epoch = 3,
    .at = {1000},
    .shed_from = 1,
    .shed_to = 2,
    .shed_records = 3,
    .eras = eras,
    .n_eras = 2,
    .engine = {"engine bytes", 12},
};

static void
what_was_written_is_read(void **state)
{
    struct checkpoint read;
    struct arena arena;
    struct buf bytes;
    struct err err;

    (void)state;
    arena_init(&arena);
    buf_init(&bytes, 4096);
    checkpoint_write(&point, &bytes);
    assert_true(checkpoint_read(buf_view(&bytes), &arena, &read, &err));
    assert_int_equal(read.journal, 8192);
    assert_int_equal(read.ledger, 77);
    assert_int_equal(read.n_eras, 2);
    assert_int_equal(read.eras[1].version, 2);
    assert_int_equal(read.shed_records, 3);
    assert_true(view_eq(read.engine, point.engine));
    buf_fini(&bytes);
    arena_fini(&arena);
}

static void
no_flipped_or_missing_byte_passes(void **state)
{
    struct checkpoint read;
    struct arena arena;
    struct buf bytes;
    struct err err;

    (void)state;
    arena_init(&arena);
    buf_init(&bytes, 4096);
    checkpoint_write(&point, &bytes);
    for (size_t i = 0; i < bytes.len; i++) {
        bytes.ptr[i] ^= 0x20;
        assert_false(checkpoint_read(buf_view(&bytes), &arena, &read, &err));
        bytes.ptr[i] ^= 0x20;
        assert_false(checkpoint_read(view_bytes(bytes.ptr, i), &arena, &read, &err));
    }
    buf_fini(&bytes);
    arena_fini(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(no_flipped_or_missing_byte_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
