/*
 * A folder of two segments, the second one made of the fuzzer's bytes: first as they are, then
 * behind a true header, so that frames are reached. Scan, open and read are total, and what open
 * and its cursor say fits together.
 */
#include "base/wal_format.h"
#include "tests/faults/fs_memory.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
put_file(const struct fs *fs, const char *path, struct view head, struct view rest)
{
    struct err err = {0};
    struct fs_file *file;

    CHECK(fs->open(fs->self, path, FS_CREATE, &file, &err));
    CHECK(fs->write(fs->self, file, 0, head, &err));
    CHECK(fs->write(fs->self, file, head.len, rest, &err));
    fs->close(fs->self, file);
}

static void
read_all(const struct fs *fs)
{
    const struct wal_options opt = {.fs = fs,
        .dir = "/log",
        .name = "fuzz",
        .segment_bytes = 1 << 13,
        .max_bytes = 1 << 30,
        .max_frame = 1 << 12};
    unsigned char id[WAL_ID_BYTES];
    struct wal_report report;
    struct err err = {0};
    struct view frame;
    uint64_t before = 0;
    uint64_t end = 0;
    enum wal_next next;
    struct wal *wal;

    (void)!wal_scan(fs, "/log", &report, id, NULL, NULL, &err);
    CHECK(wal_open(&wal, &opt, &report, &err));
    CHECK(wal_append(wal, view_of("last"), &end, &err));
    struct wal_cursor *cursor = wal_cursor_new(wal, 0);

    while ((next = wal_cursor_next(cursor, &frame, &end)) != WAL_END) {
        CHECK(end > before);
        before = end;
    }
    CHECK(before == wal_end(wal));
    wal_cursor_seek(cursor, before / 2);
    while (wal_cursor_next(cursor, &frame, &end) != WAL_END)
        CHECK(end <= before);
    wal_cursor_free(cursor);
    wal_close(wal);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wal_header header = {.log_id = "fuzz", .number = 1};
    struct view bytes = view_bytes(data, size);
    char head[WAL_HEADER_BYTES];
    char frame[WAL_FRAME_BYTES + 5];
    uint32_t seed;

    for (int with_header = 0; with_header < 2; with_header++) {
        struct fs_memory *memory = fs_memory_new();
        const struct fs *fs = fs_memory_fs(memory);

        header.number = 1;
        header.base = 0;
        header.prev_end = 0;
        wal_header_encode(&header, head, &seed);
        wal_frame_encode(seed, view_of("first"), frame);
        put_file(fs, "/log/0000000000000000.seg", view_bytes(head, sizeof(head)),
            view_bytes(frame, sizeof(frame)));
        header.number = 2;
        header.base = 0x100000000;
        header.prev_end = 13;
        wal_header_encode(&header, head, &seed);
        put_file(fs, "/log/0000000100000000.seg", view_bytes(head, with_header ? sizeof(head) : 0),
            bytes);
        read_all(fs);
        fs_memory_free(memory);
    }
    return 0;
}
