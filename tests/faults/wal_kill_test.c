/*
 * Real files: a child appends through the journal and tells each position over a pipe; it is
 * killed at a random moment, twenty times on the same folder. What it had told is all there, in
 * order, at the positions it told, and nothing else.
 */
#include "base/io/clock_posix.h"
#include "base/io/fs_posix.h"
#include "ingest/journal/journal.h"
#include "tests/unit/cmocka_all.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KILLS 20

struct told {
    uint64_t number;
    uint64_t end;
};

static char folder[] = "/tmp/wallwatch-kill-XXXXXX";

static struct wal *
open_log(struct wal_report *report)
{
    struct wal_options opt = {.fs = fs_posix(),
        .dir = folder,
        .name = "journal",
        .segment_bytes = 4 << 20,
        .max_bytes = (uint64_t)1 << 32,
        .max_frame = JOURNAL_MAX_FRAME};
    struct err err = {0};
    struct wal *wal;

    random_bytes(opt.new_id, sizeof(opt.new_id));
    if (!wal_open(&wal, &opt, report, &err))
        fail_msg("%s", err.text);
    return wal;
}

static void
append_until_killed(int out, uint64_t number)
{
    struct wal_report report;
    struct wal *wal = open_log(&report);
    struct err err = {0};
    char payload[600];

    memset(payload, 'x', sizeof(payload));
    for (;; number++) {
        const int len = snprintf(payload, sizeof(payload), "%llu", (unsigned long long)number);
        const struct message msg = {.received = clock_wall(),
            .topic = view_of("a/b"),
            .payload = view_bytes(payload, (size_t)len + 1 + number % 500),
            .qos = 1};
        struct told told = {.number = number};

        if (!journal_append(wal, &msg, &told.end, &err) ||
            write(out, &told, sizeof(told)) != sizeof(told))
            _exit(1);
    }
}

/* All of them, from the first on, at the positions that were told. */
static uint64_t
check_all(const struct told *told, size_t n)
{
    struct wal_report report;
    struct wal *wal = open_log(&report);
    struct wal_cursor *cursor = wal_cursor_new(wal, 0);
    struct message msg;
    struct view frame;
    uint64_t end;
    uint64_t count = 0;
    enum wal_next what;

    while ((what = wal_cursor_next(cursor, &frame, &end)) == WAL_FRAME) {
        assert_true(journal_decode(frame, &msg));
        assert_int_equal(strtoull(msg.payload.ptr, NULL, 10), count);
        if (count < n) {
            assert_int_equal(told[count].number, count);
            if (told[count].end != 0)
                assert_int_equal(told[count].end, end);
        }
        count++;
    }
    assert_int_equal(what, WAL_END);
    assert_true(count >= n);
    wal_cursor_free(cursor);
    wal_close(wal);
    return count;
}

static void
what_was_acknowledged_is_there_after_twenty_kills(void **state)
{
    static struct told told[2000000];
    size_t n = 0;
    uint64_t next = 0;

    (void)state;
    for (int kill_no = 0; kill_no < KILLS; kill_no++) {
        int ends[2];
        unsigned char dice;
        struct told one;

        assert_int_equal(pipe(ends), 0);
        const pid_t pid = fork();

        if (pid == 0) {
            (void)close(ends[0]);
            append_until_killed(ends[1], next);
        }
        (void)close(ends[1]);
        random_bytes(&dice, 1);
        const struct span stop = SPAN_US(clock_monotonic().us + 5000 + dice * 200);

        while (n < ARRAY_LEN(told) && read(ends[0], &one, sizeof(one)) == sizeof(one)) {
            /* Told but not yet found again: the child went on where the log ended. */
            if (one.number == n)
                told[n++] = one;
            if (clock_monotonic().us > stop.us)
                (void)kill(pid, SIGKILL);
        }
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        (void)close(ends[0]);
        next = check_all(told, n);
        /* One appended but not told is there, or not; its position is not known to us. */
        for (; n < next && n < ARRAY_LEN(told); n++)
            told[n] = (struct told){.number = n};
    }
    assert_true(next > 100);
    (void)printf("%llu records\n", (unsigned long long)next);
}

static void
remove_name(void *arg, const char *name)
{
    char *path = fs_join(arg, name);

    (void)unlink(path);
    free(path);
}

static int
setup(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
    struct err err = {0};

    (void)state;
    (void)fs_posix()->list(NULL, folder, remove_name, folder, &err);
    return rmdir(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_acknowledged_is_there_after_twenty_kills)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
