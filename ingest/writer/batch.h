/*
 * batch: records on their way into one transaction, encoded as they come. Pure.
 *
 * It holds copies only (rows as COPY bytes, names, SQL), so nothing of the configuration or of a
 * record must outlive the call that added it. One batch_table per class, in order of the COPY
 * statement; two only if the columns of the class changed between two records.
 */
#pragma once

#include "base/map.h"
#include "base/vec.h"
#include "ingest/writer/copy_binary.h"
#include "model/reading.h"

#define BATCH_ROWS 5000
#define BATCH_RECORDS 20000
#define BATCH_BYTES ((size_t)8 << 20)   /* full above this; one record may go over */
#define BATCH_LIMIT ((size_t)256 << 20) /* of each buffer: never reached by one record more */

struct batch_row {
    size_t at; /* where its bytes begin in rows */
    uint64_t pos;
    struct instant received;
    size_t code_at; /* the device's code, in codes */
    uint16_t code_len;
    uint16_t idx;
};

/* A minute that must be rolled up anew: for a device that is late only its own. */
struct batch_touch {
    int64_t minute; /* since 1970 */
    uint64_t device;
    bool all;
};

#define BATCH_FRESH                                                                                \
    SPAN_MIN(10) /* rows no older than this are rolled up for all devices at once                  \
                  */

struct batch_table {
    const struct class *key; /* compared, never followed; NULL after batch_forget */
    struct buf class_name;
    struct buf sql;   /* its COPY statement */
    struct buf rows;  /* stream header and rows, no trailer */
    struct buf codes; /* of the devices, one after the other */
    VEC(struct batch_row) row;
    VEC(int64_t) days;               /* UTC days since 1970 that the rows need chunks for */
    VEC(struct batch_touch) touched; /* some may stand there twice */
};

struct batch {
    uint64_t from, to; /* equal: nothing in it */
    uint64_t records, counts[VERDICT_COUNT];
    uint64_t readings, rejects; /* rows */
    uint64_t canary;            /* newest number in it, 0: none */
    uint32_t config;            /* of the newest record */
    size_t bytes;
    VEC(struct batch_table) tables; /* by sql; they move when one is added */
    struct buf reject_rows;         /* stream header and rows, no trailer */
    struct buf seen;                /* JSON objects for ops.seen, comma before each */
};

void batch_init(struct batch *batch);
void batch_fini(struct batch *batch);
void batch_reset(struct batch *batch, uint64_t from);
/* known: devices by key, and the minute in which ops.seen was last told of them; grows. */
void batch_add(struct batch *batch, const struct copy_origin *origin, const struct decoded *record,
    enum verdict verdict, struct map *known);
void batch_shed(struct batch *batch, uint64_t to, uint64_t records);
bool batch_full(const struct batch *batch);
bool batch_empty(const struct batch *batch);
/* The class pointers of what is in it are no longer valid. */
void batch_forget(struct batch *batch);

/* [{"c": class, "d": device or null, "m": minute}, ...] of all tables. */
void batch_touched(const struct batch *batch, struct buf *out);
/* A COPY stream of rows [first, end) of table, in out. */
void batch_slice(const struct batch_table *table, size_t first, size_t end, struct buf *out);
/* The reject that takes the place of a row which the database refused. */
void batch_quarantine(struct batch *batch, const struct batch_table *table, size_t row,
    const struct copy_origin *origin, const char *why);
