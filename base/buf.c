#include "base/buf.h"

#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
buf_init(struct buf *buf, size_t max_bytes)
{
    *buf = (struct buf){.max = max_bytes};
}

void
buf_fini(struct buf *buf)
{
    free(buf->ptr);
    *buf = (struct buf){0};
}

void
buf_reset(struct buf *buf)
{
    buf->len = 0;
    buf->full = false;
}

struct view
buf_view(const struct buf *buf)
{
    return (struct view){buf->ptr, buf->len};
}

/* Room for n more bytes and a NUL that is not counted. */
static bool
make_room(struct buf *buf, size_t n)
{
    if (buf->full || n > buf->max - buf->len) {
        buf->full = true;
        return false;
    }
    if (buf->len + n + 1 > buf->cap) {
        size_t cap = buf->cap < 128 ? 256 : buf->cap * 2;

        if (cap < buf->len + n + 1)
            cap = buf->len + n + 1;
        buf->ptr = mem_resize(buf->ptr, cap, 1);
        buf->cap = cap;
    }
    return true;
}

void
buf_reserve(struct buf *buf, size_t n)
{
    const size_t room = buf->max - buf->len;

    (void)make_room(buf, n < room ? n : room);
}

void
buf_put(struct buf *buf, struct view bytes)
{
    if (!make_room(buf, bytes.len))
        return;
    if (bytes.len > 0)
        memcpy(buf->ptr + buf->len, bytes.ptr, bytes.len);
    buf->len += bytes.len;
    buf->ptr[buf->len] = '\0';
}

void
buf_text(struct buf *buf, const char *text)
{
    buf_put(buf, view_of(text));
}

void
buf_char(struct buf *buf, char c)
{
    buf_put(buf, view_bytes(&c, 1));
}

void
buf_printf(struct buf *buf, const char *fmt, ...)
{
    char small[512];
    va_list args;

    va_start(args, fmt);
    const int len = vsnprintf(small, sizeof(small), fmt, args);
    va_end(args);
    CHECK(len >= 0);
    if ((size_t)len < sizeof(small)) {
        buf_put(buf, view_bytes(small, (size_t)len));
        return;
    }
    if (!make_room(buf, (size_t)len))
        return;
    va_start(args, fmt);
    (void)vsnprintf(buf->ptr + buf->len, (size_t)len + 1, fmt, args);
    va_end(args);
    buf->len += (size_t)len;
}

void
buf_consume(struct buf *buf, size_t n)
{
    CHECK(n <= buf->len);
    if (n > 0 && n < buf->len)
        memmove(buf->ptr, buf->ptr + n, buf->len - n);
    buf->len -= n;
}
