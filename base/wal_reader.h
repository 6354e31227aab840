/*
 * wal_reader: frames of one segment file, read ahead in blocks. Inner header of the wal.
 *
 * It never looks behind the limit it is given, so it can follow a file that is being written.
 */
#pragma once

#include "base/fs.h"
#include "base/view.h"

#include <stddef.h>
#include <stdint.h>

struct wal_reader {
    const struct fs *fs;
    struct fs_file *file; /* borrowed */
    uint32_t seed;
    char *buf; /* owned; holds buf_len bytes of the file from buf_at */
    size_t buf_cap;
    size_t buf_len;
    uint64_t buf_at;
};

enum wal_read {
    WAL_READ_FRAME,
    WAL_READ_NONE, /* zeros, or the limit: nothing was written here */
    WAL_READ_BAD,
    WAL_READ_ERROR, /* err says why */
};

/* Forgets what was read ahead; keeps the buffer. */
void wal_reader_start(
    struct wal_reader *reader, const struct fs *fs, struct fs_file *file, uint32_t seed);
void wal_reader_fini(struct wal_reader *reader);
/* The frame at offset at; it ends at *next, not behind limit. Valid until the next call. */
enum wal_read wal_reader_frame(struct wal_reader *reader, uint64_t at, uint64_t limit,
    struct view *frame, uint64_t *next, struct err *err);
/* After WAL_READ_BAD at `at`: true if its length leads to a whole frame (or exactly to limit), so
 * that only this one is damaged; *next: where it goes on. */
bool wal_reader_skip(struct wal_reader *reader, uint64_t at, uint64_t limit, uint64_t *next);
/* Bytes from offset at to the last one before size that is not zero. */
MUST_USE bool wal_reader_tail(
    struct wal_reader *reader, uint64_t at, uint64_t size, uint64_t *bytes, struct err *err);
