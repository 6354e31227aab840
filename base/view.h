/*
 * view: bytes that somebody else owns. Never NUL-terminated by promise; len 0 may have any ptr.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct view {
    const char *ptr;
    size_t len;
};

/* printf("%.*s", VIEW_ARG(v)): for bytes already known to be printable. */
#define VIEW_ARG(v) (int)(v).len, (v).ptr

static inline struct view
view_of(const char *text)
{
    return (struct view){text, strlen(text)};
}

static inline struct view
view_bytes(const void *ptr, size_t len)
{
    return (struct view){ptr, len};
}

static inline bool
view_eq(struct view a, struct view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool
view_is(struct view a, const char *text)
{
    return view_eq(a, view_of(text));
}

/* Order of bytes, then of length: the order in which everything in this program iterates. */
static inline int
view_cmp(struct view a, struct view b)
{
    const size_t len = a.len < b.len ? a.len : b.len;
    const int cmp = len == 0 ? 0 : memcmp(a.ptr, b.ptr, len);

    if (cmp != 0)
        return cmp;
    return (a.len > b.len) - (a.len < b.len);
}
