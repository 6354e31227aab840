/*
 * register: the device register as rows of text: what stands in devices.csv, told apart from what
 * is about to stand there. Pure.
 *
 * Cells are texts, column by column, so a new column needs nothing here. A date is brought into one
 * form, so that the same day written differently is no change. What is wrong with a row is for
 * load_devices to say: flaws are passed over.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "config/load_devices.h"

struct register_row {
    const char *cells[DEVICE_COLUMNS]; /* "" where the column is not there */
};

struct register_table { /* by code, one row each */
    struct register_row *at;
    size_t len;
};

void register_read(struct view text, struct arena *arena, struct register_table *out);
/* The rows of base, and those of added, which replace rows with their codes. */
void register_merge(const struct register_table *base, const struct register_table *added,
    struct arena *arena, struct register_table *out);
/* Header and rows as devices.csv has them: columns that some row uses, UTF-8, LF. */
void register_write(const struct register_table *table, struct buf *out);
/* One row and its end of line, of the first columns up to `columns`. */
void register_put_row(const struct register_row *row, const bool *columns, struct buf *out);

struct register_diff {
    size_t added, changed, removed;
};

/* A line for each device that differs: "+ CODE ...", "- CODE ...", "~ CODE column: 'old' -> 'new'".
 */
struct register_diff register_compare(
    const struct register_table *from, const struct register_table *to, struct buf *out);
