/*
 * The wal under every single fault: a script of appends, syncs, rolls and a trim is run with the
 * 1st, 2nd, ... nth file operation failing, until it runs through; then the process dies or the
 * power goes, the log is opened again and held against what was promised:
 *
 *   - what was promised to be on disk is there, at its position, and nothing before it is lost
 *   - no frame turns up that was not given, none twice, in the order in which they were given
 *   - positions only grow, also those given after the restart
 *   - a reader in the running process sees every frame that append took, in order
 */
#include "base/wal.h"
#include "tests/faults/fs_memory.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#define FRAMES 60
#define MAX_FRAME 200
#define DIR "/log"

struct mode {
    const char *name;
    bool sync_each;
    uint64_t memory_bytes;
    enum fs_fault fault;
    uint64_t count;
    bool power; /* power cut at the end, else only the process dies */
};

struct given {
    bool taken;   /* append was true */
    uint64_t end; /* its position then */
    bool file;    /* the log was not in memory */
};

struct run {
    struct fs_memory *memory;
    struct given given[FRAMES];
    uint64_t highest;       /* position ever seen by anybody */
    uint64_t promised;      /* all taken up to here are on disk ... */
    struct wal_doubt doubt; /* ... but these */
    uint64_t doubted;       /* frames */
    uint64_t trimmed;
    uint64_t lost;
    bool reads_fail; /* the fault may strike the reader itself */
};

static char problem[1024];

static bool
wrong(const char *what, uint64_t a, uint64_t b)
{
    (void)snprintf(problem, sizeof(problem), "%s (%llu, %llu)", what, (unsigned long long)a,
        (unsigned long long)b);
    return false;
}

static struct view
frame_of(int i, char *out)
{
    const size_t len = 5 + (size_t)(i * 37 % (MAX_FRAME - 5));

    memset(out, 'a' + i % 26, MAX_FRAME);
    (void)snprintf(out, 5, "%04d", i);
    return view_bytes(out, len);
}

/* Which frame this is; -1: none that was given. */
static int
number_of(struct view frame)
{
    char want[MAX_FRAME];
    int i = -1;

    if (frame.len < 5 || sscanf(frame.ptr, "%4d", &i) != 1 || i < 0 || i >= FRAMES)
        return -1;
    return view_eq(frame_of(i, want), frame) ? i : -1;
}

static struct wal_options
options(struct run *run, const struct mode *mode)
{
    return (struct wal_options){.fs = fs_memory_fs(run->memory),
        .dir = DIR,
        .name = "journal",
        .new_id = "0123456789abcde",
        .segment_bytes = 1200,
        .max_bytes = 1 << 20,
        .max_frame = MAX_FRAME,
        .memory_bytes = mode->memory_bytes,
        .sync_each = mode->sync_each};
}

/* What the cursor says must be what append took, in order. */
static bool
follow(struct run *run, struct wal_cursor *cursor, int *next, int appended)
{
    struct view frame;
    uint64_t end;
    enum wal_next what;

    while ((what = wal_cursor_next(cursor, &frame, &end)) != WAL_END) {
        if (what == WAL_LOST && !(run->reads_fail && fs_memory_failed(run->memory)))
            return wrong("live reader lost something", end, (uint64_t)*next);
        if (what == WAL_LOST) {
            while (*next < appended && (!run->given[*next].taken || run->given[*next].end <= end))
                (*next)++;
            continue;
        }
        const int i = number_of(frame);

        while (*next < appended && !run->given[*next].taken)
            (*next)++;
        if (i != *next || end != run->given[i].end)
            return wrong("live reader saw another frame", (uint64_t)i, (uint64_t)*next);
        (*next)++;
    }
    return true;
}

static bool
append_all(struct run *run, struct wal *wal, const struct mode *mode)
{
    struct wal_cursor *cursor = wal_cursor_new(wal, 0);
    bool ok = true;
    int next = 0;

    for (int i = 0; ok && i < FRAMES; i++) {
        struct given *given = &run->given[i];
        char bytes[MAX_FRAME];
        struct err err = {0};
        uint64_t synced;

        given->taken = wal_append(wal, frame_of(i, bytes), &given->end, &err);
        given->file = wal_state(wal) != WAL_MEMORY;
        if (given->taken && given->end <= run->highest)
            ok = wrong("a position was given twice", given->end, run->highest);
        if (given->taken)
            run->highest = given->end;
        if (given->taken && mode->sync_each && given->file)
            run->promised = given->end;
        if (!mode->sync_each && i % 7 == 6 && wal_sync(wal, &synced, &err))
            run->promised = synced;
        if (i == 40) { /* also after false it may have removed something */
            (void)!wal_trim(wal, run->given[20].end, &err);
            run->trimmed = run->given[20].end;
        }
        if (i % 10 == 9)
            (void)!wal_retry(wal, &err);
        if (i % 3 == 0)
            ok = ok && follow(run, cursor, &next, i + 1);
    }
    if (ok)
        ok = follow(run, cursor, &next, FRAMES);
    wal_cursor_free(cursor);
    run->lost = wal_lost(wal);
    run->doubt = wal_doubt(wal);
    run->doubted = run->doubt.frames;
    return ok;
}

/* Promised frames must be there. A doubted range is known only as the newest; a run with more
 * than one is held by the count alone. */
static bool
is_due(const struct run *run, int i, uint64_t *excused)
{
    const struct given *given = &run->given[i];

    if (!given->taken || given->end > run->promised || given->end <= run->trimmed)
        return false;
    if (!given->file) {
        (*excused)++;
        return false;
    }
    return true;
}

static bool
check_restart(struct run *run, const struct mode *mode)
{
    const struct wal_options opt = options(run, mode);
    struct wal_report report;
    struct err err = {0};
    struct view frame;
    bool seen[FRAMES] = {false};
    uint64_t in_memory = 0;
    uint64_t missing = 0;
    uint64_t before = 0;
    uint64_t end;
    int last = -1;
    bool ok = true;
    struct wal *wal;
    enum wal_next what;

    if (!wal_open(&wal, &opt, &report, &err))
        return wrong(err.text, 0, 0);
    struct wal_cursor *cursor = wal_cursor_new(wal, run->trimmed);

    while (ok && (what = wal_cursor_next(cursor, &frame, &end)) != WAL_END) {
        const int i = what == WAL_FRAME ? number_of(frame) : -1;

        if (what == WAL_FRAME && view_is(frame, "9999 between"))
            continue;
        if (end <= before)
            ok = wrong("positions do not grow", end, before);
        before = end;
        if (what == WAL_LOST)
            continue;
        if (i < 0 || i <= last)
            ok = wrong("a frame was invented or came out of order", (uint64_t)i, (uint64_t)last);
        else if (run->given[i].taken && run->given[i].file && end != run->given[i].end)
            ok = wrong("a frame has moved", end, run->given[i].end);
        else
            seen[i] = true;
        last = i;
    }
    for (int i = 0; ok && i < FRAMES; i++) {
        if (is_due(run, i, &in_memory) && !seen[i])
            missing++;
    }
    if (ok && missing > run->doubted)
        ok = wrong("promised frames are missing", missing, run->doubted);
    if (ok && mode->sync_each && missing > 0)
        ok = wrong("synced frames are missing", missing, 0);
    if (ok && in_memory > run->lost)
        ok = wrong("more frames were in memory than counted", in_memory, run->lost);
    /* A log of which no file was ever whole is made again, under another id. */
    if (ok && !wal_append(wal, view_of("9999 after"), &end, &err))
        ok = wrong(err.text, 0, 0);
    if (ok && !report.created && end <= run->highest)
        ok = wrong("a position was given again after the restart", end, run->highest);
    wal_cursor_free(cursor);
    wal_close(wal);
    return ok;
}

/* False if a promise was broken. *struck: the fault came. */
static bool
run_once(const struct mode *mode, uint64_t nth, uint64_t seed, bool lie, bool *struck)
{
    static struct run run;
    struct wal_report report;
    struct err err = {0};
    struct wal *wal = NULL;
    bool ok = true;

    run = (struct run){.memory = fs_memory_new(),
        .reads_fail = mode->fault == FS_FAULT_IO || mode->fault == FS_FAULT_CUT};
    if (lie)
        fs_memory_lie(run.memory);
    fs_memory_fail(run.memory, mode->fault, nth, mode->count);
    const struct wal_options opt = options(&run, mode);

    if (wal_open(&wal, &opt, &report, &err)) {
        ok = append_all(&run, wal, mode);
        if (!mode->power) /* what the process left in the machine is there, synced or not */
            run.promised = run.highest;
        wal_close(wal);
    }
    *struck = fs_memory_failed(run.memory);
    if (mode->power || mode->fault == FS_FAULT_CUT)
        fs_memory_power_cut(run.memory, seed);
    fs_memory_fail(run.memory, mode->fault, 0, 0);
    ok = ok && check_restart(&run, mode);
    fs_memory_free(run.memory);
    return ok;
}

/* The same for recovery: the script runs through, the power goes, and opening (with an append
 * after it) meets the fault. */
static bool
recover_once(const struct mode *mode, uint64_t nth, uint64_t seed, bool *struck)
{
    static struct run run;
    struct wal_report report;
    struct err err = {0};
    struct wal *wal = NULL;
    uint64_t end;

    run = (struct run){.memory = fs_memory_new(),
        .reads_fail = mode->fault == FS_FAULT_IO || mode->fault == FS_FAULT_CUT};
    const struct wal_options opt = options(&run, mode);

    fs_memory_fail(run.memory, mode->fault, 0, 0);
    bool ok = wal_open(&wal, &opt, &report, &err) && append_all(&run, wal, mode);

    fs_memory_power_cut(run.memory, seed);
    fs_memory_fail(run.memory, mode->fault, nth, mode->count);
    wal_close(wal);
    if (wal_open(&wal, &opt, &report, &err)) {
        if (wal_append(wal, view_of("9999 between"), &end, &err)) {
            ok = ok && (report.created || end > run.highest || wrong("reused", end, run.highest));
            run.highest = end;
        }
        wal_close(wal);
    }
    *struck = fs_memory_failed(run.memory);
    fs_memory_power_cut(run.memory, seed + 1);
    fs_memory_fail(run.memory, mode->fault, 0, 0);
    ok = ok && check_restart(&run, mode);
    fs_memory_free(run.memory);
    return ok;
}

static void
loop(const struct mode *mode)
{
    bool struck = true;

    for (uint64_t nth = 1; struck; nth++) {
        for (uint64_t seed = 1; seed <= 5; seed++) {
            if (!run_once(mode, nth, nth * 131 + seed, false, &struck))
                fail_msg("%s, operation %llu, seed %llu: %s", mode->name, (unsigned long long)nth,
                    (unsigned long long)seed, problem);
        }
        assert_true(nth < 5000);
    }
}

static void
each_synced_frame_survives_every_fault_and_power_cut(void **state)
{
    (void)state;
    loop(&(struct mode){"io, power", true, 0, FS_FAULT_IO, 1, true});
    loop(&(struct mode){"io x4, power", true, 0, FS_FAULT_IO, 4, true});
    loop(&(struct mode){"full, power", true, 0, FS_FAULT_FULL, 1, true});
    loop(&(struct mode){"full x20, power", true, 0, FS_FAULT_FULL, 20, true});
    loop(&(struct mode){"short write, power", true, 0, FS_FAULT_SHORT, 1, true});
    loop(&(struct mode){"cut", true, 0, FS_FAULT_CUT, 1, true});
}

static void
of_a_log_with_a_span_only_what_was_not_synced_is_lost(void **state)
{
    (void)state;
    loop(&(struct mode){"span, io, power", false, 0, FS_FAULT_IO, 1, true});
    loop(&(struct mode){"span, io x4, power", false, 0, FS_FAULT_IO, 4, true});
    loop(&(struct mode){"span, full x20, power", false, 0, FS_FAULT_FULL, 20, true});
    loop(&(struct mode){"span, short write, power", false, 0, FS_FAULT_SHORT, 1, true});
    loop(&(struct mode){"span, cut", false, 0, FS_FAULT_CUT, 1, true});
}

static void
a_log_with_memory_takes_every_frame_and_counts_those_in_no_file(void **state)
{
    (void)state;
    loop(&(struct mode){"memory, io, power", true, 1 << 20, FS_FAULT_IO, 1, true});
    loop(&(struct mode){"memory, io for ever, power", true, 1 << 20, FS_FAULT_IO, 1000000, true});
    loop(&(struct mode){"memory, full x9, power", true, 1 << 20, FS_FAULT_FULL, 9, true});
    loop(&(struct mode){"memory, span, io x9, power", false, 1 << 20, FS_FAULT_IO, 9, true});
    loop(&(struct mode){"memory, full for ever", true, 1 << 20, FS_FAULT_FULL, 1000000, true});
}

static void
nothing_taken_is_lost_when_only_the_process_dies(void **state)
{
    (void)state;
    loop(&(struct mode){"io, kill", true, 0, FS_FAULT_IO, 1, false});
    loop(&(struct mode){"span, io, kill", false, 0, FS_FAULT_IO, 1, false});
    loop(&(struct mode){"span, short write, kill", false, 0, FS_FAULT_SHORT, 2, false});
}

static void
recovery_bears_every_fault_too(void **state)
{
    const struct mode modes[] = {
        {"recovery, io", true, 0, FS_FAULT_IO, 1, true},
        {"recovery, io for ever", true, 1 << 20, FS_FAULT_IO, 1000000, true},
        {"recovery, cut", true, 0, FS_FAULT_CUT, 1, true},
        {"recovery, full x9", true, 1 << 20, FS_FAULT_FULL, 9, true},
        {"recovery, span, io", false, 0, FS_FAULT_IO, 1, true},
        {"recovery, span, cut", false, 0, FS_FAULT_CUT, 1, true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        bool struck = true;

        for (uint64_t nth = 1; struck; nth++) {
            for (uint64_t seed = 1; seed <= 5; seed++) {
                if (!recover_once(&modes[i], nth, nth * 131 + seed, &struck))
                    fail_msg("%s, operation %llu, seed %llu: %s", modes[i].name,
                        (unsigned long long)nth, (unsigned long long)seed, problem);
            }
        }
    }
}

/* The oracle itself: with syncs that do nothing it must find a loss, and soon. */
static void
a_sync_that_lies_is_found_out(void **state)
{
    const struct mode mode = {"lie", true, 0, FS_FAULT_CUT, 1, true};
    bool struck;
    int found = 0;

    (void)state;
    for (uint64_t nth = 40; nth < 60; nth++)
        found += !run_once(&mode, nth, nth, true, &struck);
    assert_true(found >= 15);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_synced_frame_survives_every_fault_and_power_cut),
        cmocka_unit_test(of_a_log_with_a_span_only_what_was_not_synced_is_lost),
        cmocka_unit_test(a_log_with_memory_takes_every_frame_and_counts_those_in_no_file),
        cmocka_unit_test(nothing_taken_is_lost_when_only_the_process_dies),
        cmocka_unit_test(recovery_bears_every_fault_too),
        cmocka_unit_test(a_sync_that_lies_is_found_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
