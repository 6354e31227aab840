/*
 * map: bytes -> pointer, by hash; keys are copied in, values are borrowed.
 *
 * The order inside is never visible: who iterates gets map_sorted, in order of keys
 * (design section 11, determinism).
 */
#pragma once

#include "base/arena.h"
#include "base/view.h"

#include <stddef.h>
#include <stdint.h>

struct map_slot;

struct map {
    struct map_slot *slots;
    size_t len;  /* live entries */
    size_t used; /* live and deleted slots */
    size_t cap;  /* a power of two, or 0 */
};

struct map_entry {
    struct view key;
    void *value;
};

void map_init(struct map *map);
void map_fini(struct map *map);
/* NULL if there is none; so a stored value is never NULL. */
void *map_get(const struct map *map, struct view key);
/* Returns the value that was there before, or NULL. */
void *map_put(struct map *map, struct view key, void *value);
void *map_del(struct map *map, struct view key);
/* All entries in order of keys, in arena; keys point into the map. */
struct map_entry *map_sorted(const struct map *map, struct arena *arena);

uint64_t hash_bytes(struct view bytes);
