/*
 * vec: a growing array of one type, as three fields and two macros.
 *
 *     VEC(struct rule) rules = {0};
 *     *VEC_PUSH(&rules) = rule;          (new elements are zeroed)
 *     for (size_t i = 0; i < rules.len; i++) use(&rules.at[i]);
 *     VEC_FREE(&rules);
 *
 * Elements move when it grows: keep indexes, not pointers.
 */
#pragma once

#include "base/arena.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define VEC(type)                                                                                  \
    struct {                                                                                       \
        type *at;                                                                                  \
        size_t len;                                                                                \
        size_t cap;                                                                                \
    }

#define VEC_PUSH(vec)                                                                              \
    (vec_reserve((void **)&(vec)->at, &(vec)->cap, (vec)->len + 1, sizeof(*(vec)->at)),            \
        memset(&(vec)->at[(vec)->len], 0, sizeof(*(vec)->at)), &(vec)->at[(vec)->len++])

#define VEC_FREE(vec) (free((vec)->at), (vec)->at = NULL, (vec)->len = 0, (vec)->cap = 0)

static inline void
vec_reserve(void **at, size_t *cap, size_t want, size_t size)
{
    if (want <= *cap)
        return;
    const size_t more = *cap < 8 ? 8 : *cap * 2;

    *at = mem_resize(*at, more < want ? want : more, size);
    *cap = more < want ? want : more;
}
