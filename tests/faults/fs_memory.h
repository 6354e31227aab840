/*
 * fs_memory: files in memory under base/fs.h that fail on demand, and lose what was not synced.
 *
 * Two pictures are kept: what the running program sees, and what the disk has. A write reaches
 * the disk picture by a sync of its file; a created, renamed or removed name by a sync of its
 * folder. A power cut throws a dice for every write that was not synced (whole, some of its
 * bytes, or nothing; so writes of different files and of one file change their order) and keeps
 * a beginning of the changes of names. A failed sync throws the same dice at once and forgets the
 * rest: a later sync that succeeds says nothing about them, as in Linux.
 *
 * For tests in one thread. Folders are there at once and for ever.
 */
#pragma once

#include "base/fs.h"

#include <stdbool.h>
#include <stdint.h>

struct fs_memory;

enum fs_fault {
    FS_FAULT_IO,
    FS_FAULT_FULL,  /* only operations that need room fail */
    FS_FAULT_SHORT, /* a write does half of its work, then fails */
    FS_FAULT_CUT,   /* nothing works any more until fs_memory_power_cut */
};

struct fs_memory *fs_memory_new(void);
void fs_memory_free(struct fs_memory *memory);
const struct fs *fs_memory_fs(struct fs_memory *memory);

/* Operations from the nth after this call (1: the next) fail, count of them. */
void fs_memory_fail(struct fs_memory *memory, enum fs_fault fault, uint64_t nth, uint64_t count);
uint64_t fs_memory_operations(const struct fs_memory *memory); /* since fs_memory_fail */
bool fs_memory_failed(const struct fs_memory *memory);         /* a fault has struck since then */
/* The program's picture becomes what the disk has; files must be closed. No more faults. */
void fs_memory_power_cut(struct fs_memory *memory, uint64_t seed);
/* To test tests: from now on syncs say true and do nothing. */
void fs_memory_lie(struct fs_memory *memory);
/* Changes a byte in both pictures; false if there is no such file or byte. */
bool fs_memory_damage(struct fs_memory *memory, const char *path, uint64_t at);
