#include "ingest/writer/copy_binary.h"

#include "base/json.h"

#include <string.h>

/* 2000-01-01T00:00:00Z, where PostgreSQL counts from, in microseconds of ours */
#define EPOCH_2000_US INT64_C(946684800000000)

enum oid { OID_BOOL = 16, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23, OID_TEXT = 25 };
enum { OID_FLOAT8 = 701, OID_TIMESTAMPTZ = 1184 };

static const struct {
    const char *name;
    uint32_t oid;
} fixed[COPY_FIXED] = {
    {"device", OID_INT8},
    {"time", OID_TIMESTAMPTZ},
    {"received", OID_TIMESTAMPTZ},
    {"pos", OID_INT8},
    {"boot", OID_INT8},
    {"sequence", OID_INT8},
    {"src", OID_INT4},
    {"config", OID_INT4},
    {"idx", OID_INT2},
    {"suspect", OID_INT2},
    {"server_time", OID_BOOL},
    {"under_test", OID_BOOL},
    {"part", OID_TEXT},
};

static void
put_be(struct buf *out, uint64_t v, size_t n)
{
    char bytes[8];

    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(v >> (8 * (n - 1 - i)));
    buf_put(out, (struct view){bytes, n});
}

void
copy_begin(struct buf *out)
{
    static const char header[19] = "PGCOPY\n\377\r\n"; /* and nine zero bytes */

    buf_put(out, (struct view){header, sizeof(header)});
}

void
copy_end(struct buf *out)
{
    put_be(out, UINT16_MAX, 2);
}

void
copy_row(struct buf *out, size_t n_columns)
{
    put_be(out, n_columns, 2);
}

void
copy_null(struct buf *out)
{
    put_be(out, UINT32_MAX, 4);
}

/* length and value in one go: this runs some thirty times a row */
static void
put_sized(struct buf *out, uint64_t v, size_t n)
{
    char bytes[12] = {0, 0, 0, (char)n};

    for (size_t i = 0; i < n; i++)
        bytes[4 + i] = (char)(v >> (8 * (n - 1 - i)));
    buf_put(out, (struct view){bytes, 4 + n});
}

void
copy_bool(struct buf *out, bool v)
{
    put_sized(out, v ? 1 : 0, 1);
}

void
copy_i16(struct buf *out, int16_t v)
{
    put_sized(out, (uint16_t)v, 2);
}

void
copy_i32(struct buf *out, int32_t v)
{
    put_sized(out, (uint32_t)v, 4);
}

void
copy_i64(struct buf *out, int64_t v)
{
    put_sized(out, (uint64_t)v, 8);
}

void
copy_f64(struct buf *out, double v)
{
    uint64_t bits = 0;

    memcpy(&bits, &v, sizeof(bits));
    copy_i64(out, (int64_t)bits);
}

void
copy_instant(struct buf *out, struct instant v)
{
    copy_i64(out, v.us - EPOCH_2000_US);
}

struct instant
copy_instant_of(uint64_t v)
{
    return instant_add((struct instant){EPOCH_2000_US}, SPAN_US(v));
}

void
copy_bytes(struct buf *out, struct view v)
{
    put_be(out, v.len, 4);
    buf_put(out, v);
}

void
copy_text(struct buf *out, struct view v)
{
    put_be(out, v.len, 4);
    if (utf8_valid(v)) {
        buf_put(out, v);
        return;
    }
    for (size_t i = 0; i < v.len; i++) {
        const bool odd = (unsigned char)v.ptr[i] >= 0x80 || v.ptr[i] == '\0';

        buf_put(out, (struct view){odd ? "?" : v.ptr + i, 1});
    }
}

void
copy_reading(struct buf *out, const struct copy_origin *origin, const struct reading *reading)
{
    const struct class *class = reading->class;
    const struct field_value *value = reading->values;
    const struct field_value *end = reading->n_values == 0 ? value : value + reading->n_values;

    copy_row(out, copy_class_columns(class));
    copy_i64(out, (int64_t)reading->device);
    copy_instant(out, reading->time);
    copy_instant(out, reading->received);
    copy_i64(out, origin->pos);
    if (origin->sequenced) {
        copy_i64(out, origin->boot);
        copy_i64(out, origin->sequence);
    } else {
        copy_null(out);
        copy_null(out);
    }
    copy_i32(out, origin->src);
    copy_i32(out, (int32_t)origin->config);
    copy_i16(out, (int16_t)reading->idx);
    copy_i16(out, reading->suspect);
    copy_bool(out, reading->server_time);
    copy_bool(out, reading->test);
    copy_text(out, reading->part);
    for (uint16_t i = 0; i < class->n_fields; i++) {
        if (value == end || value->field != i) {
            copy_null(out);
        } else if (class->fields[i].type == FIELD_TEXT) {
            copy_text(out, value->text);
            value++;
        } else {
            copy_f64(out, value->number);
            value++;
        }
    }
}

size_t
copy_class_columns(const struct class *class)
{
    return COPY_FIXED + class->n_fields;
}

uint32_t
copy_class_oid(const struct class *class, size_t i)
{
    if (i < COPY_FIXED)
        return fixed[i].oid;
    return class->fields[i - COPY_FIXED].type == FIELD_TEXT ? (uint32_t)OID_TEXT
                                                            : (uint32_t)OID_FLOAT8;
}

const char *
copy_class_column(const struct class *class, size_t i)
{
    return i < COPY_FIXED ? fixed[i].name : class->fields[i - COPY_FIXED].name;
}

static void
put_columns(struct buf *out, const struct class *class)
{
    for (size_t i = 0; i < copy_class_columns(class); i++)
        buf_printf(out, "%s\"%s\"", i > 0 ? ", " : "", copy_class_column(class, i));
}

void
copy_class_sql(struct buf *out, const struct class *class)
{
    buf_printf(out, "COPY telemetry.\"%s\" (", class->name);
    put_columns(out, class);
    buf_text(out, ") FROM STDIN (FORMAT binary)");
}

void
copy_probe_sql(struct buf *out, const struct class *class)
{
    buf_text(out, "SELECT ");
    put_columns(out, class);
    buf_printf(out, " FROM telemetry.\"%s\" LIMIT 0", class->name);
}

void
copy_reject(struct buf *out, const struct copy_origin *origin, const struct copy_reject *reject)
{
    copy_row(out, 13);
    copy_i32(out, origin->src);
    copy_i64(out, origin->pos);
    copy_i32(out, reject->idx);
    copy_i32(out, (int32_t)origin->config);
    copy_instant(out, reject->received);
    copy_text(out, reject->reason);
    copy_text(out, reject->detail);
    copy_text(out, reject->class_name);
    copy_text(out, reject->device);
    copy_bytes(out, reject->raw);
    if (reject->topic.len == 0) {
        copy_null(out);
        copy_null(out);
        copy_null(out);
        return;
    }
    copy_text(out, reject->topic);
    copy_bool(out, reject->retained);
    copy_i16(out, (int16_t)reject->readings);
}
