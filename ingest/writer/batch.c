#include "ingest/writer/batch.h"

#include "base/check.h"
#include "base/json.h"

#include <inttypes.h>

#define DAY_US INT64_C(86400000000)

/* What the map of known devices points to: the minute in which a device was noted last, as a place
 * in a ring; the first is for who was only seen by what the broker kept, which is no sign of life.
 * A prime number: a device that speaks by the hour or day does not meet its old place for weeks. */
#define MINUTES 1021
static char minutes[1 + MINUTES];

void
batch_init(struct batch *batch)
{
    *batch = (struct batch){0};
    buf_init(&batch->reject_rows, BATCH_LIMIT);
    buf_init(&batch->seen, BATCH_LIMIT);
    batch_reset(batch, 0);
}

static void
table_fini(struct batch_table *table)
{
    buf_fini(&table->class_name);
    buf_fini(&table->sql);
    buf_fini(&table->rows);
    buf_fini(&table->codes);
    VEC_FREE(&table->row);
    VEC_FREE(&table->days);
    VEC_FREE(&table->touched);
}

void
batch_fini(struct batch *batch)
{
    for (size_t i = 0; i < batch->tables.len; i++)
        table_fini(&batch->tables.at[i]);
    VEC_FREE(&batch->tables);
    buf_fini(&batch->reject_rows);
    buf_fini(&batch->seen);
}

static void
table_reset(struct batch_table *table)
{
    buf_reset(&table->rows);
    copy_begin(&table->rows);
    buf_reset(&table->codes);
    table->row.len = 0;
    table->days.len = 0;
    table->touched.len = 0;
}

void
batch_reset(struct batch *batch, uint64_t from)
{
    batch->from = batch->to = from;
    batch->records = batch->readings = batch->rejects = batch->canary = 0;
    memset(batch->counts, 0, sizeof(batch->counts));
    batch->bytes = 0;
    for (size_t i = 0; i < batch->tables.len; i++)
        table_reset(&batch->tables.at[i]);
    buf_reset(&batch->reject_rows);
    copy_begin(&batch->reject_rows);
    buf_reset(&batch->seen);
}

void
batch_forget(struct batch *batch)
{
    for (size_t i = 0; i < batch->tables.len; i++)
        batch->tables.at[i].key = NULL;
}

static struct batch_table *
table_new(struct batch *batch, size_t place, const struct class *class, struct view sql)
{
    struct batch_table table = {0};

    buf_init(&table.class_name, BATCH_LIMIT);
    buf_init(&table.sql, BATCH_LIMIT);
    buf_init(&table.rows, BATCH_LIMIT);
    buf_init(&table.codes, BATCH_LIMIT);
    buf_text(&table.class_name, class->name);
    buf_put(&table.sql, sql);
    table_reset(&table);
    (void)VEC_PUSH(&batch->tables);
    memmove(&batch->tables.at[place + 1], &batch->tables.at[place],
        (batch->tables.len - 1 - place) * sizeof(table));
    batch->tables.at[place] = table;
    return &batch->tables.at[place];
}

static struct batch_table *
find_table(struct batch *batch, const struct class *class)
{
    struct buf sql;
    struct batch_table *table = NULL;
    size_t place = 0;

    for (size_t i = 0; i < batch->tables.len; i++) {
        if (batch->tables.at[i].key == class)
            return &batch->tables.at[i];
    }
    buf_init(&sql, BATCH_LIMIT);
    copy_class_sql(&sql, class);
    while (place < batch->tables.len &&
           view_cmp(buf_view(&batch->tables.at[place].sql), buf_view(&sql)) < 0)
        place++;
    if (place < batch->tables.len &&
        view_eq(buf_view(&batch->tables.at[place].sql), buf_view(&sql)))
        table = &batch->tables.at[place];
    else
        table = table_new(batch, place, class, buf_view(&sql));
    table->key = class;
    buf_fini(&sql);
    return table;
}

static void
need_day(struct batch_table *table, struct instant time)
{
    const int64_t day = time.us / DAY_US - (time.us % DAY_US < 0);

    for (size_t i = table->days.len; i > 0; i--) {
        if (table->days.at[i - 1] == day)
            return;
    }
    *VEC_PUSH(&table->days) = day;
}

#define MINUTE_US INT64_C(60000000)
#define TOUCH_LOOK 8 /* entries looked at for an equal one; the database takes out the rest */

static void
note_touched(struct batch_table *table, const struct reading *reading)
{
    const struct batch_touch touch = {
        .minute = reading->time.us / MINUTE_US - (reading->time.us % MINUTE_US < 0),
        .device = reading->device,
        .all = instant_since(reading->received, reading->time).us <= BATCH_FRESH.us,
    };

    for (size_t i = 0; i < TOUCH_LOOK && i < table->touched.len; i++) {
        const struct batch_touch *old = &table->touched.at[table->touched.len - 1 - i];

        if (old->minute == touch.minute && (old->all || old->device == touch.device))
            return;
    }
    *VEC_PUSH(&table->touched) = touch;
}

void
batch_touched(const struct batch *batch, struct buf *out)
{
    buf_char(out, '[');
    for (size_t i = 0; i < batch->tables.len; i++) {
        const struct batch_table *table = &batch->tables.at[i];

        for (size_t k = 0; k < table->touched.len; k++) {
            const struct batch_touch *touch = &table->touched.at[k];

            buf_printf(out, "%s{\"c\":\"%.*s\",\"m\":%" PRId64, out->len > 1 ? "," : "",
                VIEW_ARG(buf_view(&table->class_name)), touch->minute);
            if (touch->all)
                buf_text(out, "}");
            else
                buf_printf(out, ",\"d\":%" PRId64 "}", (int64_t)touch->device);
        }
    }
    buf_char(out, ']');
}

/* At most once a minute for each device, and not for all in the same second. */
static void
note_seen(struct batch *batch, const struct reading *reading, struct map *known)
{
    const struct view key = view_bytes(&reading->device, sizeof(reading->device));
    const bool kept = (reading->suspect & SUSPECT_RETAINED) != 0;
    const uint64_t second = (uint64_t)reading->received.us / 1000000 + reading->device % 60;
    char *noted = &minutes[kept ? 0 : 1 + second / 60 % MINUTES];
    struct json_writer json;

    if (map_get(known, key) == noted)
        return;
    (void)map_put(known, key, noted);
    buf_char(&batch->seen, ',');
    json_begin(&json, &batch->seen);
    json_object(&json, NULL);
    json_int(&json, "device", (int64_t)reading->device);
    json_view(&json, "code", reading->code);
    json_text(&json, "class", reading->class->name);
    json_view(&json, "compound", reading->compound);
    if (!kept)
        json_instant(&json, "heard", reading->received);
    json_close(&json);
    json_end(&json);
}

static void
add_reading(struct batch *batch, const struct copy_origin *origin, const struct reading *reading)
{
    struct batch_table *table = find_table(batch, reading->class);
    const size_t at = table->rows.len;

    *VEC_PUSH(&table->row) = (struct batch_row){
        .at = at,
        .pos = (uint64_t)origin->pos,
        .received = reading->received,
        .code_at = table->codes.len,
        .code_len = (uint16_t)(reading->code.len > UINT16_MAX ? UINT16_MAX : reading->code.len),
        .idx = reading->idx,
    };
    buf_put(&table->codes,
        (struct view){reading->code.ptr, table->row.at[table->row.len - 1].code_len});
    copy_reading(&table->rows, origin, reading);
    CHECK(!table->rows.full && !table->codes.full);
    need_day(table, reading->time);
    note_touched(table, reading);
    batch->bytes += table->rows.len - at;
    batch->readings++;
}

static void
add_reject(struct batch *batch, const struct copy_origin *origin, const struct copy_reject *reject)
{
    const size_t at = batch->reject_rows.len;

    copy_reject(&batch->reject_rows, origin, reject);
    CHECK(!batch->reject_rows.full);
    batch->bytes += batch->reject_rows.len - at;
    batch->rejects++;
}

void
batch_add(struct batch *batch, const struct copy_origin *origin, const struct decoded *record,
    enum verdict verdict, struct map *known)
{
    const bool kept = verdict == VERDICT_STORED || verdict == VERDICT_REJECTED;

    /* A gap here would be a loss that the books do not show. */
    CHECK(record->from == batch->to && record->pos > record->from);
    batch->to = record->pos;
    batch->records++;
    batch->counts[verdict]++;
    batch->config = origin->config;
    if (record->canary > batch->canary)
        batch->canary = record->canary;
    for (size_t i = 0; kept && i < record->n_readings; i++) {
        add_reading(batch, origin, &record->readings[i]);
        note_seen(batch, &record->readings[i], known);
    }
    for (size_t i = 0; kept && i < record->n_rejects; i++) {
        const struct reject *reject = &record->rejects[i];

        add_reject(batch, origin,
            &(struct copy_reject){.idx = reject->idx,
                .received = record->received,
                .reason = view_of(reject->reason),
                .detail = view_of(reject->detail),
                .class_name = reject->class_name,
                .device = reject->code,
                .raw = reject->raw,
                .topic = record->topic,
                .retained = record->retained,
                .readings = record->n_readings});
    }
}

void
batch_shed(struct batch *batch, uint64_t to, uint64_t records)
{
    CHECK(to > batch->to);
    batch->to = to;
    batch->records += records;
    batch->counts[VERDICT_SHED] += records;
}

bool
batch_full(const struct batch *batch)
{
    /* records without rows (own, duplicate) count too: the mark must not lag behind */
    return batch->readings + batch->rejects >= BATCH_ROWS || batch->records >= BATCH_RECORDS ||
           batch->bytes >= BATCH_BYTES;
}

bool
batch_empty(const struct batch *batch)
{
    return batch->from == batch->to;
}

static struct view
slice(const struct batch_table *table, size_t first, size_t end)
{
    const size_t from = table->row.at[first].at;
    const size_t to = end < table->row.len ? table->row.at[end].at : table->rows.len;

    return (struct view){table->rows.ptr + from, to - from};
}

void
batch_slice(const struct batch_table *table, size_t first, size_t end, struct buf *out)
{
    CHECK(first < end && end <= table->row.len);
    buf_reset(out);
    copy_begin(out);
    buf_put(out, slice(table, first, end));
    copy_end(out);
}

void
batch_quarantine(struct batch *batch, const struct batch_table *table, size_t row,
    const struct copy_origin *origin, const char *why)
{
    const struct batch_row *bad = &table->row.at[row];

    add_reject(batch,
        &(struct copy_origin){
            .src = origin->src, .pos = (int64_t)bad->pos, .config = origin->config},
        &(struct copy_reject){.idx = bad->idx,
            .received = bad->received,
            .reason = view_of("database"),
            .detail = view_of(why),
            .class_name = buf_view(&table->class_name),
            .device = {table->codes.ptr + bad->code_at, bad->code_len},
            .raw = slice(table, row, row + 1)});
    batch->readings--;
}
