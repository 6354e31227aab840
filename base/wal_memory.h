/*
 * wal_memory: frames that found no file. Inner header of the wal; its lock holds this.
 *
 * Each frame takes one position, whatever its length: so a day in memory stays within the 4 GiB
 * that the next open leaves free above the last file.
 */
#pragma once

#include "base/view.h"

#include <stddef.h>
#include <stdint.h>

struct wal_memory_slot {
    char *ptr; /* owned */
    uint32_t len;
};

struct wal_memory {
    uint64_t base;  /* position before the first frame that was ever in here */
    uint64_t given; /* frames ever dropped at the old end */
    struct wal_memory_slot *slots;
    size_t head; /* first slot in use */
    size_t len;  /* one behind the last */
    size_t cap;
    uint64_t bytes; /* of what is kept, slots included */
};

struct wal_memory *wal_memory_new(uint64_t base);
void wal_memory_free(struct wal_memory *memory);
uint64_t wal_memory_first(const struct wal_memory *memory); /* position before the oldest kept */
uint64_t wal_memory_put(struct wal_memory *memory, struct view frame); /* its position */
/* What a frame of len bytes will add to bytes. */
uint64_t wal_memory_cost(size_t len);
/* Drops the oldest frames up to pos. */
void wal_memory_drop(struct wal_memory *memory, uint64_t pos);
/* The first frame behind `after`; len 0 if there is none. */
struct view wal_memory_next(const struct wal_memory *memory, uint64_t after, uint64_t *end);
