#include "base/arena.h"

#include "base/check.h"

#include <stdint.h>
#include <stdlib.h>

#define BLOCK_BYTES ((size_t)16 * 1024)
#define ALIGN _Alignof(max_align_t)

struct arena_block {
    struct arena_block *next;
    size_t size;
    max_align_t data[];
};

void *
mem_alloc(size_t size)
{
    void *ptr = malloc(size == 0 ? 1 : size);

    CHECK(ptr != NULL);
    return ptr;
}

void *
mem_zalloc(size_t count, size_t size)
{
    void *ptr = calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);

    CHECK(ptr != NULL);
    return ptr;
}

void *
mem_resize(void *ptr, size_t count, size_t size)
{
    size_t bytes = 0;

    CHECK(!__builtin_mul_overflow(count, size, &bytes));
    void *bigger = realloc(ptr, bytes == 0 ? 1 : bytes);

    CHECK(bigger != NULL);
    return bigger;
}

void
arena_init(struct arena *arena)
{
    *arena = (struct arena){0};
}

static void
free_blocks(struct arena_block *block)
{
    while (block != NULL) {
        struct arena_block *next = block->next;

        free(block);
        block = next;
    }
}

void
arena_reset(struct arena *arena)
{
    if (arena->first == NULL)
        return;
    free_blocks(arena->first->next);
    arena->first->next = NULL;
    arena->used = 0;
}

void
arena_fini(struct arena *arena)
{
    free_blocks(arena->first);
    *arena = (struct arena){0};
}

void *
arena_alloc(struct arena *arena, size_t size)
{
    CHECK(size <= SIZE_MAX / 2);
    size = (size + ALIGN - 1) / ALIGN * ALIGN;
    if (arena->first == NULL || arena->first->size - arena->used < size) {
        const size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        struct arena_block *block = mem_alloc(sizeof(*block) + room);

        block->next = arena->first;
        block->size = room;
        arena->first = block;
        arena->used = 0;
    }
    char *ptr = (char *)arena->first->data + arena->used;

    arena->used += size;
    if (size > 0)
        memset(ptr, 0, size);
    return ptr;
}

void *
arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t bytes = 0;

    CHECK(!__builtin_mul_overflow(count, size, &bytes));
    return arena_alloc(arena, bytes);
}

struct view
arena_copy(struct arena *arena, struct view bytes)
{
    return (struct view){arena_text(arena, bytes), bytes.len};
}

char *
arena_text(struct arena *arena, struct view bytes)
{
    char *copy = arena_alloc(arena, bytes.len + 1);

    if (bytes.len > 0)
        memcpy(copy, bytes.ptr, bytes.len);
    return copy;
}
