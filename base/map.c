#include "base/map.h"

#include "base/check.h"

#include <stdlib.h>

struct map_slot {
    char *key; /* NULL: never used; with value NULL: deleted */
    size_t len;
    uint64_t hash;
    void *value;
};

/* FNV-1a with a final mix (fmix64 of MurmurHash3). */
uint64_t
hash_bytes(struct view bytes)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < bytes.len; i++)
        h = (h ^ (unsigned char)bytes.ptr[i]) * UINT64_C(0x100000001b3);
    h = (h ^ (h >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ (h >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ (h >> 33);
}

void
map_init(struct map *map)
{
    *map = (struct map){0};
}

void
map_fini(struct map *map)
{
    for (size_t i = 0; i < map->cap; i++)
        free(map->slots[i].key);
    free(map->slots);
    *map = (struct map){0};
}

/* The slot of key, or the first free one on its way. */
static struct map_slot *
find_slot(const struct map *map, struct view key, uint64_t hash)
{
    struct map_slot *deleted = NULL;

    for (size_t i = hash & (map->cap - 1);; i = (i + 1) & (map->cap - 1)) {
        struct map_slot *slot = &map->slots[i];

        if (slot->key == NULL)
            return deleted != NULL ? deleted : slot;
        if (slot->value == NULL) {
            if (deleted == NULL)
                deleted = slot;
        } else if (slot->hash == hash && view_eq((struct view){slot->key, slot->len}, key)) {
            return slot;
        }
    }
}

static void
grow(struct map *map)
{
    const struct map old = *map;

    map->cap = old.len * 4 < 16 ? 16 : old.cap;
    while (map->cap < old.len * 3)
        map->cap *= 2;
    map->slots = mem_zalloc(map->cap, sizeof(*map->slots));
    map->used = old.len;
    for (size_t i = 0; i < old.cap; i++) {
        const struct map_slot *slot = &old.slots[i];

        if (slot->value == NULL) {
            free(slot->key);
            continue;
        }
        *find_slot(map, (struct view){slot->key, slot->len}, slot->hash) = *slot;
    }
    free(old.slots);
}

void *
map_get(const struct map *map, struct view key)
{
    return map->len == 0 ? NULL : find_slot(map, key, hash_bytes(key))->value;
}

void *
map_put(struct map *map, struct view key, void *value)
{
    const uint64_t hash = hash_bytes(key);

    CHECK(value != NULL);
    if ((map->used + 1) * 3 > map->cap * 2)
        grow(map);
    struct map_slot *slot = find_slot(map, key, hash);
    void *old = slot->value;

    if (old == NULL) {
        if (slot->key == NULL)
            map->used++;
        free(slot->key);
        slot->key = mem_alloc(key.len);
        if (key.len > 0)
            memcpy(slot->key, key.ptr, key.len);
        slot->len = key.len;
        slot->hash = hash;
        map->len++;
    }
    slot->value = value;
    return old;
}

void *
map_del(struct map *map, struct view key)
{
    if (map->len == 0)
        return NULL;
    struct map_slot *slot = find_slot(map, key, hash_bytes(key));
    void *old = slot->value;

    if (old != NULL) {
        slot->value = NULL;
        map->len--;
    }
    return old;
}

static int
compare_entries(const void *a, const void *b)
{
    return view_cmp(((const struct map_entry *)a)->key, ((const struct map_entry *)b)->key);
}

struct map_entry *
map_sorted(const struct map *map, struct arena *arena)
{
    struct map_entry *entries = ARENA_ARRAY(arena, map->len, struct map_entry);
    size_t n = 0;

    for (size_t i = 0; i < map->cap; i++) {
        const struct map_slot *slot = &map->slots[i];

        if (slot->value != NULL)
            entries[n++] = (struct map_entry){{slot->key, slot->len}, slot->value};
    }
    CHECK(n == map->len);
    if (n > 1)
        qsort(entries, n, sizeof(*entries), compare_entries);
    return entries;
}
