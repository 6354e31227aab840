/* The edges under base/io against the real machine: files, the folder lock, log lines. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/instant.h"
#include "base/io/clock_posix.h"
#include "base/io/fs_posix.h"
#include "base/log.h"
#include "tests/unit/cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int
make_folder(void **state)
{
    char *path = strdup("/tmp/wallwatch-io-XXXXXX");

    if (mkdtemp(path) == NULL)
        return -1;
    *state = path;
    return 0;
}

static void
remove_name(void *arg, const char *name)
{
    char *path = fs_join(arg, name);

    assert_int_equal(unlink(path), 0);
    free(path);
}

static int
remove_folder(void **state)
{
    struct err err;

    assert_true(fs_posix()->list(NULL, *state, remove_name, *state, &err));
    const int rc = rmdir(*state);

    free(*state);
    return rc;
}

static void
a_file_is_replaced_whole_and_read_within_a_limit(void **state)
{
    const struct fs *fs = fs_posix();
    char *path = fs_join(*state, "file");
    struct err err = {0};
    struct buf out;

    assert_false(fs_read_all(fs, path, &out, &err));
    assert_int_equal(err.kind, ERR_GONE);
    assert_true(fs_replace(fs, path, view_of("one"), &err));
    assert_true(fs_replace(fs, path, view_of("second"), &err));
    buf_init(&out, 6);
    assert_true(fs_read_all(fs, path, &out, &err));
    assert_true(view_is(buf_view(&out), "second"));
    buf_fini(&out);
    buf_init(&out, 5);
    assert_false(fs_read_all(fs, path, &out, &err));
    assert_int_equal(err.kind, ERR_FULL);
    buf_fini(&out);
    free(path);
}

static void
room_is_reserved_read_stops_at_the_end_and_a_full_disk_says_so(void **state)
{
    const struct fs *fs = fs_posix();
    char *path = fs_join(*state, "room");
    struct fs_file *file;
    struct err err = {0};
    char bytes[8];
    uint64_t size;
    size_t got;

    assert_true(fs->open(fs->self, path, FS_CREATE, &file, &err));
    assert_true(fs->reserve(fs->self, file, 4096, &err));
    assert_true(fs->size(fs->self, file, &size, &err));
    assert_int_equal(size, 4096);
    assert_true(fs->write(fs->self, file, 4090, view_of("abcdef"), &err));
    assert_true(fs->sync(fs->self, file, &err));
    assert_true(fs->read(fs->self, file, 4092, bytes, sizeof(bytes), &got, &err));
    assert_int_equal(got, 4);
    assert_memory_equal(bytes, "cdef", 4);
    fs->close(fs->self, file);
    assert_true(fs->open(fs->self, "/dev/full", FS_WRITE, &file, &err));
    assert_false(fs->write(fs->self, file, 0, view_of("x"), &err));
    assert_int_equal(err.kind, ERR_FULL);
    fs->close(fs->self, file);
    assert_false(fs->open(fs->self, path, FS_CREATE, &file, &err));
    assert_int_equal(err.kind, ERR_IO);
    assert_non_null(strstr(err.text, path));
    free(path);
}

static void
a_folder_has_one_owner_and_the_error_names_it(void **state)
{
    struct err err = {0};
    char want[64];
    int status;

    assert_true(fs_lock_dir(*state, &err));
    (void)snprintf(want, sizeof(want), "in use by process %ld\nhint: ", (long)getpid());
    const pid_t pid = fork();

    if (pid == 0) {
        const bool locked = fs_lock_dir(*state, &err);

        _exit(!locked && err.kind == ERR_AGAIN && strstr(err.text, want) != NULL ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void
a_log_line_is_one_line_and_repeats_are_folded(void **state)
{
    char *path = fs_join(*state, "log");
    const int saved = dup(STDERR_FILENO);
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct err err = {0};
    struct buf out;
    unsigned lines = 0;

    assert_true(saved >= 0 && fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    log_setup(LOG_INFO, "lane-x");
    log_info("a.b", "text=%s", "one\nhint: two");
    for (int i = 0; i < 5; i++)
        log_warning("c.d", "n=%d", 7);
    log_debug("e.f", "unseen=1");
    log_error("g.h", "n=%d", 8);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(fd);
    (void)close(saved);

    buf_init(&out, 65536);
    assert_true(fs_read_all(fs_posix(), path, &out, &err));
    for (size_t i = 0; i < out.len; i++)
        lines += out.ptr[i] == '\n';
    assert_int_equal(lines, 4);
    assert_non_null(strstr(out.ptr, " proc=lane-x level=info id=a.b text=one hint: two\n"));
    assert_non_null(strstr(out.ptr, "level=warning id=c.d n=7\n"));
    assert_non_null(strstr(out.ptr, "level=warning id=c.d n=7 repeated=4\n"));
    assert_non_null(strstr(out.ptr, "level=error id=g.h n=8\n"));
    assert_null(strstr(out.ptr, "unseen"));
    buf_fini(&out);
    free(path);
}

static void
service_time_starts_at_the_floor_and_goes_on(void **state)
{
    const struct instant floor = instant_add(clock_wall(), SPAN_H(1));
    char random[2][16] = {{0}};

    (void)state;
    clock_start(floor);
    const struct instant first = clock_now();

    assert_true(instant_cmp(first, floor) >= 0);
    assert_true(instant_cmp(clock_now(), first) >= 0);
    clock_rebase(SPAN_H(-1));
    assert_true(instant_since(clock_wall(), clock_now()).us < 1000000);
    random_bytes(random[0], 16);
    random_bytes(random[1], 16);
    assert_memory_not_equal(random[0], random[1], 16);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_replaced_whole_and_read_within_a_limit),
        cmocka_unit_test(room_is_reserved_read_stops_at_the_end_and_a_full_disk_says_so),
        cmocka_unit_test(a_folder_has_one_owner_and_the_error_names_it),
        cmocka_unit_test(a_log_line_is_one_line_and_repeats_are_folded),
        cmocka_unit_test(service_time_starts_at_the_floor_and_goes_on),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
