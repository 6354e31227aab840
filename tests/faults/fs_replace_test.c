/* fs_replace with every operation failing, then a power cut: the old bytes or the new, whole. */
#include "base/buf.h"
#include "base/fs.h"
#include "tests/faults/fs_memory.h"
#include "tests/unit/cmocka_all.h"

#define PATH "/state/current"

static const char *const words[] = {"the old bytes", "the new bytes, which are longer"};

/* Which of the words the file holds; -1: neither. */
static int
which(const struct fs *fs)
{
    struct err err = {0};
    struct buf out;
    int found = -1;

    buf_init(&out, 4096);
    if (fs_read_all(fs, PATH, &out, &err)) {
        for (int i = 0; i < 2; i++) {
            if (view_is(buf_view(&out), words[i]))
                found = i;
        }
    }
    buf_fini(&out);
    return found;
}

static bool
replaced_well(enum fs_fault fault, uint64_t nth, uint64_t seed, bool lie, bool *struck)
{
    struct fs_memory *memory = fs_memory_new();
    const struct fs *fs = fs_memory_fs(memory);
    struct err err = {0};

    assert_true(fs_replace(fs, PATH, view_of(words[0]), &err));
    if (lie)
        fs_memory_lie(memory);
    fs_memory_fail(memory, fault, nth, 1);
    const bool done = fs_replace(fs, PATH, view_of(words[1]), &err);

    *struck = fs_memory_failed(memory);
    fs_memory_power_cut(memory, seed);
    const int after = which(fs);
    /* And a second try is not held up by what the first left behind. */
    const bool again = fs_replace(fs, PATH, view_of(words[1]), &err) && which(fs) == 1;

    fs_memory_free(memory);
    return (done ? after == 1 : after >= 0) && again;
}

static void
a_file_is_old_or_new_and_new_once_it_was_said(void **state)
{
    static const enum fs_fault faults[] = {
        FS_FAULT_IO, FS_FAULT_FULL, FS_FAULT_SHORT, FS_FAULT_CUT};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        bool struck = true;

        for (uint64_t nth = 1; struck; nth++) {
            for (uint64_t seed = 1; seed <= 50; seed++)
                assert_true(replaced_well(faults[i], nth, seed, false, &struck));
        }
    }
}

static void
a_sync_that_lies_is_found_out(void **state)
{
    int found = 0;
    bool struck;

    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++)
        found += !replaced_well(FS_FAULT_CUT, 100, seed, true, &struck);
    assert_true(found >= 20);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_old_or_new_and_new_once_it_was_said),
        cmocka_unit_test(a_sync_that_lies_is_found_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
