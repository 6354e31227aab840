/*
 * fs: the file operations under the wal and under whole-file writes, as a table.
 *
 * Torn writes, a full disk and a failed sync cannot be produced on demand with real files; with
 * a table they can, at every single operation (tests/faults). base/io/fs_posix is the real one.
 *
 * Every slot: false with err on failure (ERR_FULL for ENOSPC/EDQUOT, ERR_GONE for ENOENT, else
 * ERR_IO, text names the path). Slots may be called from any thread; one file is written by one.
 */
#pragma once

#include "base/err.h"
#include "base/view.h"

#include <stdint.h>

struct fs_file; /* opaque to everybody but the table's owner */

enum fs_mode {
    FS_READ,   /* must exist */
    FS_WRITE,  /* read and write, must exist */
    FS_CREATE, /* read and write, must not exist */
};

typedef void fs_list_fn(void *arg, const char *name);

struct fs {
    void *self;
    bool (*open)(
        void *self, const char *path, enum fs_mode mode, struct fs_file **out, struct err *err);
    void (*close)(void *self, struct fs_file *file);
    bool (*size)(void *self, struct fs_file *file, uint64_t *out, struct err *err);
    /* Reads up to len bytes; *got < len only at the end of the file. */
    bool (*read)(void *self, struct fs_file *file, uint64_t at, void *buf, size_t len, size_t *got,
        struct err *err);
    /* All or false; after false any part may be there. */
    bool (*write)(
        void *self, struct fs_file *file, uint64_t at, struct view bytes, struct err *err);
    bool (*sync)(void *self, struct fs_file *file, struct err *err);
    /* Makes room for the file to have len bytes, zero-filled. */
    bool (*reserve)(void *self, struct fs_file *file, uint64_t len, struct err *err);
    bool (*truncate)(void *self, struct fs_file *file, uint64_t len, struct err *err);
    bool (*rename)(void *self, const char *from, const char *to, struct err *err);
    bool (*remove)(void *self, const char *path, struct err *err);
    bool (*make_dir)(void *self, const char *path, struct err *err); /* fine if it exists */
    bool (*sync_dir)(void *self, const char *path, struct err *err);
    /* Names in no order, without . and .. */
    bool (*list)(void *self, const char *path, fs_list_fn *each, void *arg, struct err *err);
};

/* dir/name, and the folder that holds path ("." if it names none); free() them. */
char *fs_join(const char *dir, const char *name);
char *fs_parent(const char *path);

/* Whole files. Replace: new file path.new, write, sync, rename over path, sync the directory:
 * after a crash path holds the old or the new bytes, never a mixture. */
MUST_USE bool fs_replace(const struct fs *fs, const char *path, struct view bytes, struct err *err);
struct buf;
/* Appends the file's bytes to out; ERR_FULL if they are more than out's limit allows. */
MUST_USE bool fs_read_all(const struct fs *fs, const char *path, struct buf *out, struct err *err);
