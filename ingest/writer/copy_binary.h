/*
 * copy_binary: rows in PostgreSQL's binary COPY format. Pure; bytes in a buf.
 *
 * Stream: "PGCOPY\n\377\r\n\0", u32 flags 0, u32 extension 0; then each row: i16 number of
 * columns, each column i32 length (-1: NULL) and its bytes, all big-endian; at the end i16 -1.
 * Text COPY is never used: without escaping a name can add rows.
 *
 * One class row is COPY_FIXED columns that every class has, then the fields of the class in
 * order; the SQL of copy_class_sql names them in that order. The types of the columns are given by
 * copy_class_oid, so that a changed table is noticed before rows are blamed for it.
 */
#pragma once

#include "base/buf.h"
#include "base/instant.h"
#include "model/class.h"
#include "model/reading.h"

#include <stdbool.h>
#include <stdint.h>

void copy_begin(struct buf *out); /* header of the stream */
void copy_end(struct buf *out);   /* its trailer */

void copy_row(struct buf *out, size_t n_columns);
void copy_null(struct buf *out);
void copy_bool(struct buf *out, bool v);
void copy_i16(struct buf *out, int16_t v);
void copy_i32(struct buf *out, int32_t v);
void copy_i64(struct buf *out, int64_t v);
void copy_f64(struct buf *out, double v);
void copy_instant(struct buf *out, struct instant v); /* timestamptz */
void copy_bytes(struct buf *out, struct view v);      /* bytea */
/* text: bytes that are no valid UTF-8 and NULs would fail a whole batch: they become '?'. */
void copy_text(struct buf *out, struct view v);

struct copy_origin { /* where a row comes from */
    int32_t src;
    int64_t pos;
    uint32_t config;
    bool sequenced;         /* the device numbers its messages: */
    int64_t boot, sequence; /* NULL if not */
};

#define COPY_FIXED 13

void copy_reading(struct buf *out, const struct copy_origin *origin, const struct reading *reading);
/* COPY telemetry."class" (columns) FROM STDIN (FORMAT binary) */
void copy_class_sql(struct buf *out, const struct class *class);
/* SELECT columns FROM telemetry."class" LIMIT 0 */
void copy_probe_sql(struct buf *out, const struct class *class);
/* Type (pg_type.oid) of the i-th column of the two. */
uint32_t copy_class_oid(const struct class *class, size_t i);
size_t copy_class_columns(const struct class *class);
const char *copy_class_column(const struct class *class, size_t i);
/* A timestamptz as COPY carries it. */
struct instant copy_instant_of(uint64_t v);

/* A row of ops.reject; reason and detail are given apart, because the database may refuse too. */
struct copy_reject {
    uint16_t idx;
    struct instant received;
    struct view reason, detail, class_name, device, raw;
    struct view topic; /* empty: raw is no message */
    bool retained;
    size_t readings; /* of the same record */
};
#define COPY_REJECT_COLUMNS                                                                        \
    "src, pos, idx, config, received, reason, detail, class, device, raw, topic, retained, "       \
    "readings"
void copy_reject(
    struct buf *out, const struct copy_origin *origin, const struct copy_reject *reject);
