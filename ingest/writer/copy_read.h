/*
 * copy_read: rows of a class table back into readings, from a binary COPY to us. Pure; total: any
 * bytes give a reading or a refusal. The other half of copy_binary, for back-tests.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "ingest/writer/copy_binary.h"

/* COPY (SELECT columns of copy_binary FROM telemetry."class" WHERE condition ORDER BY order) TO
 * STDOUT (FORMAT binary). columns: set of the names that the table has; what it lacks is NULL. */
void copy_out_sql(struct buf *out, const struct class *class, const struct map *columns,
    const char *condition, const char *order);

enum copy_found { COPY_ROW, COPY_END, COPY_BROKEN };

/* One message of the stream; the first may begin with the stream's header. out's values live in
 * arena, its texts in row; code, listed and compound are the caller's to fill. COPY_BROKEN: err. */
enum copy_found copy_read(struct view row, const struct class *class, struct arena *arena,
    struct copy_origin *origin, struct reading *out, struct err *err);
