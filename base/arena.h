/*
 * arena: memory that is freed whole. One for each message, tick and configuration.
 *
 * Out of memory stops the program. Sizes that come from outside must have met their limit before
 * they get here. Pointers stay valid until arena_reset or arena_fini.
 */
#pragma once

#include "base/view.h"

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *first; /* newest block first */
    size_t used;               /* bytes used of the newest */
};

void arena_init(struct arena *arena);
/* Forgets all contents; keeps one block for the next round. */
void arena_reset(struct arena *arena);
void arena_fini(struct arena *arena);

/* Zeroed, aligned for any type; size 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size);
/* count * size with an overflow check. */
void *arena_array(struct arena *arena, size_t count, size_t size);
/* A copy; arena_text adds a NUL. */
struct view arena_copy(struct arena *arena, struct view bytes);
char *arena_text(struct arena *arena, struct view bytes);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, count, type) ((type *)arena_array((arena), (count), sizeof(type)))

/* malloc, realloc and calloc that stop the program when memory is out; free with free(). */
void *mem_alloc(size_t size);
void *mem_zalloc(size_t count, size_t size);
void *mem_resize(void *ptr, size_t count, size_t size);
