#include "base/wal_memory.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

struct wal_memory *
wal_memory_new(uint64_t base)
{
    struct wal_memory *memory = mem_zalloc(1, sizeof(*memory));

    memory->base = base;
    return memory;
}

void
wal_memory_free(struct wal_memory *memory)
{
    if (memory == NULL)
        return;
    for (size_t i = memory->head; i < memory->len; i++)
        free(memory->slots[i].ptr);
    free(memory->slots);
    free(memory);
}

uint64_t
wal_memory_first(const struct wal_memory *memory)
{
    return memory->base + memory->given;
}

uint64_t
wal_memory_cost(size_t len)
{
    /* The allocator's own part is a guess. */
    return len + sizeof(struct wal_memory_slot) + 16;
}

uint64_t
wal_memory_put(struct wal_memory *memory, struct view frame)
{
    if (memory->len == memory->cap && memory->head > memory->len / 2) {
        memory->len -= memory->head;
        memmove(memory->slots, memory->slots + memory->head,
            memory->len * sizeof(struct wal_memory_slot));
        memory->head = 0;
    } else if (memory->len == memory->cap) {
        memory->cap = memory->cap == 0 ? 64 : memory->cap * 2;
        memory->slots = mem_resize(memory->slots, memory->cap, sizeof(struct wal_memory_slot));
    }
    struct wal_memory_slot *slot = &memory->slots[memory->len++];

    slot->ptr = mem_alloc(frame.len);
    slot->len = (uint32_t)frame.len;
    memcpy(slot->ptr, frame.ptr, frame.len);
    memory->bytes += wal_memory_cost(frame.len);
    return wal_memory_first(memory) + (memory->len - memory->head);
}

void
wal_memory_drop(struct wal_memory *memory, uint64_t pos)
{
    while (memory->head < memory->len && wal_memory_first(memory) < pos) {
        struct wal_memory_slot *slot = &memory->slots[memory->head++];

        memory->bytes -= wal_memory_cost(slot->len);
        memory->given++;
        free(slot->ptr);
    }
}

struct view
wal_memory_next(const struct wal_memory *memory, uint64_t after, uint64_t *end)
{
    const uint64_t first = wal_memory_first(memory);
    const uint64_t skip = after > first ? after - first : 0;

    if (skip >= memory->len - memory->head)
        return (struct view){"", 0};
    const struct wal_memory_slot *slot = &memory->slots[memory->head + skip];

    *end = first + skip + 1;
    return view_bytes(slot->ptr, slot->len);
}
