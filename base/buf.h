/*
 * buf: bytes that grow, up to a limit that is given at birth.
 *
 * A write that would pass the limit writes nothing and sets full; it stays set until buf_reset,
 * so a chain of writes is checked once at its end.
 */
#pragma once

#include "base/check.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char *ptr; /* heap, owned */
    size_t len;
    size_t cap;
    size_t max; /* bytes; len never passes it */
    bool full;
};

void buf_init(struct buf *buf, size_t max_bytes);
void buf_fini(struct buf *buf);
void buf_reset(struct buf *buf);
struct view buf_view(const struct buf *buf);

/* Room for n bytes at once, for who knows how long it will be; writes nothing. */
void buf_reserve(struct buf *buf, size_t n);
void buf_put(struct buf *buf, struct view bytes);
void buf_text(struct buf *buf, const char *text);
void buf_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Drops the first n bytes. */
void buf_consume(struct buf *buf, size_t n);
