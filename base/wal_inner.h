/*
 * wal_inner: what the files of the wal share among themselves; nobody else includes it.
 *
 * Two locks, always taken in this order:
 *   sync_lock  held over each fdatasync and while the current file is exchanged, so that a failed
 *              sync is seen by whoever syncs next, and a file is not closed under one that runs
 *   lock       the list of segments, the frames in memory and the state; held briefly (but for
 *              wal_retry, which must keep frames from being added while it makes a file)
 * In state WAL_FINE the current file belongs to the appending thread, which writes without a
 * lock and publishes what it has written through `end`.
 */
#pragma once

#include "base/fs.h"
#include "base/vec.h"
#include "base/wal.h"
#include "base/wal_format.h"
#include "base/wal_memory.h"
#include "base/wal_reader.h"

#include <pthread.h>
#include <stdatomic.h>

struct wal_segment {
    unsigned char log_id[WAL_ID_BYTES];
    uint64_t base;
    uint64_t prev_end; /* a bad one's is not known: its base */
    uint64_t number;
    uint64_t bytes; /* of the file; the current one's are wal->offset */
    uint32_t seed;
    bool bad;                  /* the header cannot be read */
    struct wal_memory *memory; /* NULL: a file */
};

struct wal_segments {
    struct wal_segment *at;
    size_t len;
    size_t cap;
};

/* The file that is written. */
struct wal_file {
    struct fs_file *file; /* NULL: none */
    uint64_t base;
    uint64_t offset; /* where the next frame goes */
    uint32_t seed;
};

struct wal {
    struct wal_options opt; /* dir and name are ours */
    char *dir;
    char *name;
    unsigned char id[WAL_ID_BYTES];

    pthread_mutex_t sync_lock;
    pthread_mutex_t lock;
    struct wal_segments list; /* oldest first, the last one is written; lock */
    uint64_t closed_bytes;    /* of all files but the current; lock */
    struct err trouble;       /* lock; kind ERR_NONE: nothing new */
    struct wal_doubt doubt;   /* lock */
    uint64_t next_number;     /* sync_lock */
    uint64_t next_base;       /* no position up to here may be given again; sync_lock or owner */
    struct wal_file current;  /* owner, or sync_lock when the state is not WAL_FINE */
    char *scratch;            /* one frame as it is written; appending thread */

    _Atomic(enum wal_state) state;
    atomic_bool failed; /* current must not be used any more */
    atomic_bool has_reserve;
    _Atomic uint64_t end;
    _Atomic uint64_t synced;
    _Atomic uint64_t frames;        /* ever appended; stored before end */
    _Atomic uint64_t synced_frames; /* at most those up to synced */
    _Atomic uint64_t lost;
    _Atomic uint64_t bytes;
};

static inline void
wal_lock(pthread_mutex_t *mutex)
{
    CHECK(pthread_mutex_lock(mutex) == 0);
}

static inline void
wal_unlock(pthread_mutex_t *mutex)
{
    CHECK(pthread_mutex_unlock(mutex) == 0);
}

/* All segment files of a folder with what their headers say, in order of base. */
MUST_USE bool wal_list_segments(
    const struct fs *fs, const char *dir, struct wal_segments *out, struct err *err);
/* Opens a segment's file for reading. */
MUST_USE bool wal_open_segment(
    const struct fs *fs, const char *dir, uint64_t base, struct fs_file **out, struct err *err);
/* Makes a segment file and its header durable. */
MUST_USE bool wal_make_segment(
    struct wal *wal, const struct wal_header *header, struct wal_file *out, struct err *err);
/* The same out of the reserve, after *err; if there is none, false, and *err stays. */
MUST_USE bool wal_use_reserve(
    struct wal *wal, const struct wal_header *header, struct wal_file *out, struct err *err);
/* Makes the reserve if this log holds one and it is not there; failing is no error. */
void wal_make_reserve(struct wal *wal);
MUST_USE bool wal_remove_file(const struct wal *wal, const char *name, struct err *err);

/* The rest is called with sync_lock held. */

/* Ends the current file, if any: syncs it if that may be done, counts what is in doubt. */
void wal_retire(struct wal *wal);
/* Makes a new current file; the old one must be retired. lock must not be held. */
MUST_USE bool wal_start_file(struct wal *wal, struct err *err);
/* Goes on in memory. lock must not be held. */
void wal_start_memory(struct wal *wal);
void wal_note(struct wal *wal, const struct err *err);
