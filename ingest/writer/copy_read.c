#include "ingest/writer/copy_read.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define HEADER_BYTES 19 /* signature, flags, length of an extension that nobody uses */

struct cursor {
    const unsigned char *at;
    size_t left;
    bool broken;
};

static uint64_t
take_be(struct cursor *in, size_t n)
{
    uint64_t v = 0;

    if (in->left < n) {
        in->broken = true;
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        v = v << 8 | in->at[i];
    in->at += n;
    in->left -= n;
    return v;
}

/* A value of exactly n bytes; NULL is false. */
static bool
take_value(struct cursor *in, size_t n, uint64_t *out)
{
    const uint64_t len = take_be(in, 4);

    if (len == UINT32_MAX)
        return false;
    if (len != n) {
        in->broken = true;
        return false;
    }
    *out = take_be(in, n);
    return !in->broken;
}

static uint64_t
need(struct cursor *in, size_t n)
{
    uint64_t v = 0;

    if (!take_value(in, n, &v))
        in->broken = true;
    return v;
}

static bool
take_text(struct cursor *in, size_t max, struct view *out)
{
    const uint64_t len = take_be(in, 4);

    if (len == UINT32_MAX || in->broken)
        return false;
    if (len > in->left || len > max) {
        in->broken = true;
        return false;
    }
    *out = (struct view){(const char *)in->at, (size_t)len};
    in->at += len;
    in->left -= (size_t)len;
    return true;
}

static void
take_fixed(struct cursor *in, struct copy_origin *origin, struct reading *out)
{
    uint64_t v = 0;

    out->device = need(in, 8);
    out->time = copy_instant_of(need(in, 8));
    out->received = copy_instant_of(need(in, 8));
    origin->pos = (int64_t)need(in, 8);
    origin->sequenced = take_value(in, 8, &v);
    origin->boot = (int64_t)v;
    origin->sequenced = take_value(in, 8, &v) && origin->sequenced;
    origin->sequence = (int64_t)v;
    origin->src = (int32_t)need(in, 4);
    origin->config = (uint32_t)need(in, 4);
    out->idx = (uint16_t)need(in, 2);
    out->suspect = (uint8_t)need(in, 2);
    out->server_time = need(in, 1) != 0;
    out->had_time = !out->server_time;
    out->test = need(in, 1) != 0;
    if (!take_text(in, PART_BYTES, &out->part))
        in->broken = true;
}

static void
take_fields(struct cursor *in, const struct class *class, struct arena *arena, struct reading *out)
{
    struct field_value *values = ARENA_ARRAY(arena, class->n_fields, struct field_value);

    for (uint16_t i = 0; i < class->n_fields && !in->broken; i++) {
        struct field_value *value = &values[out->n_values];
        uint64_t bits = 0;

        if (class->fields[i].type == FIELD_TEXT) {
            if (!take_text(in, FIELD_TEXT_BYTES, &value->text))
                continue;
        } else {
            if (!take_value(in, 8, &bits))
                continue;
            memcpy(&value->number, &bits, sizeof(value->number));
            if (!isfinite(value->number)) {
                in->broken = true;
                return;
            }
        }
        value->field = i;
        out->n_values++;
    }
    out->values = values;
}

enum copy_found
copy_read(struct view row, const struct class *class, struct arena *arena,
    struct copy_origin *origin, struct reading *out, struct err *err)
{
    struct cursor in = {(const unsigned char *)row.ptr, row.len, false};

    if (row.len >= HEADER_BYTES && memcmp(row.ptr, "PGCOPY\n", 7) == 0) {
        in.at += HEADER_BYTES;
        in.left -= HEADER_BYTES;
    }
    const uint64_t columns = take_be(&in, 2);

    if (!in.broken && columns == UINT16_MAX && in.left == 0)
        return COPY_END;
    *out = (struct reading){.class = class};
    *origin = (struct copy_origin){0};
    if (!in.broken && columns == copy_class_columns(class)) {
        take_fixed(&in, origin, out);
        take_fields(&in, class, arena, out);
        if (!in.broken && in.left == 0)
            return COPY_ROW;
    }
    (void)err_set(
        err, ERR_INPUT, "telemetry.%s: a row of %zu bytes cannot be read", class->name, row.len);
    return COPY_BROKEN;
}

void
copy_out_sql(struct buf *out, const struct class *class, const struct map *columns,
    const char *condition, const char *order)
{
    buf_text(out, "COPY (SELECT ");
    for (size_t i = 0; i < copy_class_columns(class); i++) {
        const char *name = copy_class_column(class, i);

        if (map_get(columns, view_of(name)) != NULL)
            buf_printf(out, "%s\"%s\"", i > 0 ? ", " : "", name);
        else
            buf_printf(out, ", NULL::%s",
                class->fields[i - COPY_FIXED].type == FIELD_TEXT ? "text" : "float8");
    }
    buf_printf(out, " FROM telemetry.\"%s\" WHERE %s ORDER BY %s) TO STDOUT (FORMAT binary)",
        class->name, condition, order);
}
