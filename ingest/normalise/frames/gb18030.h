/*
 * gb18030: texts of Chinese devices as UTF-8. Pure; its tables are made at build time from what
 * Python knows of the code (gb18030_table.py), two bytes a character and four.
 */
#pragma once

#include "base/arena.h"

#include <stdint.h>

/* Up to the first NUL, without spaces at the end. What is no character becomes U+FFFD, a control
 * character a space. In the arena, at most three bytes for each. */
struct view gb18030_text(struct view bytes, struct arena *arena);

/* gb18030_table.c */
#define GB18030_TRAILS 190
extern const uint16_t gb18030_two[126 * GB18030_TRAILS]; /* 0: none */
struct gb18030_range {
    uint32_t linear; /* of four bytes, from 81308130 */
    uint32_t unicode;
};
extern const struct gb18030_range gb18030_four[]; /* ascending; each up to the next */
extern const unsigned gb18030_n_four;
