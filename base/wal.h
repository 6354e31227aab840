/*
 * wal: an append-only log in segment files: what returned true (and was synced) survives.
 *
 * Used twice, by the journal (messages) and the ledger (engine log); it does not know what a
 * frame means. Position = where a frame ends, a 64-bit number that only grows and is never used
 * again, not even over restarts and lost tails: each open starts a new segment well above (the
 * next but one multiple of 4 GiB). The first position of a new log is 0 ("before everything").
 * The form of the files is told at the head of base/wal_format.c.
 *
 * A broken disk: after a failed write or sync the segment is never written or synced again.
 * wal_append then tries a new file (the pre-allocated reserve if there is one) and fails only if
 * that fails too. In a log opened with memory_bytes > 0 it then goes on in memory, in the same
 * sequence of positions (wal_state says so, wal_lost counts frames that are in no file), and
 * every wal_retry() tries to get back to a file; such a log also goes to its reserve, which stands
 * beside max_bytes, and then to memory instead of saying ERR_FULL, and when its memory is full
 * gives up its oldest frames. What was survived on the way
 * is told by wal_trouble and wal_doubt: whoever owns the log must ask them now and then.
 *
 * Damage that open or a cursor finds stays in its file, untouched; readers get WAL_LOST for it.
 *
 * Threads: wal_append from one thread; wal_sync from one other; the rest, readers included, from
 * the loop. Time: none.
 */
#pragma once

#include "base/err.h"
#include "base/fs.h"
#include "base/view.h"

#include <stdbool.h>
#include <stdint.h>

#define WAL_ID_BYTES 16
#define WAL_MAX_FRAME ((uint32_t)16 << 20)

struct wal;

struct wal_options {
    const struct fs *fs; /* borrowed, outlives the wal */
    const char *dir;     /* copied; made if it does not exist */
    const char *name;    /* "journal" or "ledger": for error texts */
    unsigned char
        new_id[WAL_ID_BYTES]; /* the id, if the log is new; from the caller's random source */
    uint64_t segment_bytes;   /* a segment is closed when it has this much */
    uint64_t max_bytes;       /* of all files; over it append is ERR_FULL */
    uint32_t max_frame;       /* bytes, at most WAL_MAX_FRAME */
    uint64_t memory_bytes;    /* 0: never from memory */
    bool sync_each;           /* wal_append returns after fdatasync */
};

enum wal_state {
    WAL_FINE,
    WAL_MEMORY, /* taking frames in memory only */
    WAL_BROKEN, /* taking nothing */
};

struct wal_report { /* what open or scan found */
    bool created;
    uint64_t first;      /* position before the oldest frame */
    uint64_t end;        /* position of the newest frame */
    uint64_t torn_bytes; /* cut off at the end of the last segment */
    uint64_t frames;     /* scan: of all segments; open: of the last one, the only one it reads */
    uint64_t bytes;      /* of all segment files */
    uint32_t segments;
    uint32_t damaged; /* segments in which damage was seen: open goes on and keeps them */
};

/* Frames whose sync failed before anybody could say that they were on disk. */
struct wal_doubt {
    uint64_t frames;   /* since open, at most so many */
    uint64_t from, to; /* the newest range of positions */
};

MUST_USE bool wal_open(
    struct wal **out, const struct wal_options *opt, struct wal_report *report, struct err *err);
void wal_close(struct wal *wal); /* syncs what it can */
/* Only for cursors, as the log is now: writes nothing and takes no lock, so somebody else may be
 * writing it. What is appended later is not seen; what its owner trims meanwhile is WAL_LOST.
 * ERR_GONE: there is no segment. */
MUST_USE bool wal_open_read(struct wal **out, const struct fs *fs, const char *dir,
    const char *name, struct wal_report *report, struct err *err);

const unsigned char *wal_id(const struct wal *wal); /* WAL_ID_BYTES */
enum wal_state wal_state(const struct wal *wal);
uint64_t wal_lost(const struct wal *wal);
struct wal_doubt wal_doubt(struct wal *wal);
/* True if something failed since the last call, though the log went on; *err: the newest. */
bool wal_trouble(struct wal *wal, struct err *err);

/* After false the frame may or may not turn up after a restart. *end: its position. */
MUST_USE bool wal_append(struct wal *wal, struct view frame, uint64_t *end, struct err *err);
/* Everything appended before the call is on disk when it returns true, or counted by wal_lost
 * (in WAL_MEMORY it is true at once: there is nothing to wait for). Blocks; *synced: up to where.
 * After false the next append opens a new file; what was not synced is in wal_doubt. */
MUST_USE bool wal_sync(struct wal *wal, uint64_t *synced, struct err *err);
uint64_t wal_end(const struct wal *wal);    /* newest appended; any thread */
uint64_t wal_synced(const struct wal *wal); /* nothing up to here waits for a sync; any thread */
uint64_t wal_first(struct wal *wal);        /* position before the oldest frame kept */
uint64_t wal_bytes(const struct wal *wal);  /* of all files */
/* Removes segments whose frames all end at or below pos. */
MUST_USE bool wal_trim(struct wal *wal, uint64_t pos, struct err *err);
/* After WAL_MEMORY or WAL_BROKEN: true if it writes to a file again. */
MUST_USE bool wal_retry(struct wal *wal, struct err *err);

/* Reading, live or afterwards. A cursor stands between two frames. */
struct wal_cursor;
struct wal_cursor *wal_cursor_new(struct wal *wal, uint64_t after);
void wal_cursor_free(struct wal_cursor *cursor);
void wal_cursor_seek(struct wal_cursor *cursor, uint64_t after);
enum wal_next {
    WAL_FRAME,
    WAL_END,  /* nothing newer yet */
    WAL_LOST, /* what follows `after` was trimmed or cannot be read: *end is where it goes on */
};
/* *frame is valid until the next call on this cursor. */
enum wal_next wal_cursor_next(struct wal_cursor *cursor, struct view *frame, uint64_t *end);

/* Read-only walk of a folder that somebody else may be writing, for tools: report, then each
 * frame in order. A torn tail is in report->torn_bytes. Damage in the middle is an error that
 * names file and offset of the first; the walk goes on behind it, and each is given an empty frame
 * whose end is where it goes on (frames of a log that was in memory only are such a hole, too).
 * If report->damaged is 0 after false, the folder could not be read. each may be NULL. */
typedef bool wal_each_fn(void *arg, struct view frame, uint64_t end);
MUST_USE bool wal_scan(const struct fs *fs, const char *dir, struct wal_report *report,
    unsigned char id[WAL_ID_BYTES], wal_each_fn *each, void *arg, struct err *err);
