#include "ingest/writer/copy_binary.h"

#include "ingest/writer/batch.h"
#include "ingest/writer/copy_read.h"
#include "ingest/writer/sqlstate.h"
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

static const struct measure number = {"", "", 1, 0};
static const struct field fields[] = {
    {.name = "speed", .type = FIELD_REAL, .measure = &number},
    {.name = "note", .type = FIELD_TEXT, .measure = &number},
    {.name = "floor", .type = FIELD_INT, .measure = &number},
};
static const struct class lift = {.name = "lift", .fields = fields, .n_fields = 3};
static const struct class boiler = {.name = "boiler", .fields = fields, .n_fields = 1};

static void
assert_bytes(const struct buf *buf, const char *bytes, size_t len)
{
    assert_int_equal(buf->len, len);
    assert_memory_equal(buf->ptr, bytes, len);
}

static void
a_stream_is_header_rows_and_trailer(void **state)
{
    static const char want[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
                               "\0\4"
                               "\377\377\377\377"
                               "\0\0\0\1\1"
                               "\0\0\0\2\377\376"
                               "\0\0\0\10\277\370\0\0\0\0\0\0"
                               "\377\377";
    struct buf buf;

    (void)state;
    buf_init(&buf, 1000);
    copy_begin(&buf);
    copy_row(&buf, 4);
    copy_null(&buf);
    copy_bool(&buf, true);
    copy_i16(&buf, -2);
    copy_f64(&buf, -1.5);
    copy_end(&buf);
    assert_bytes(&buf, want, sizeof(want) - 1);
    buf_fini(&buf);
}

/* What copy_reading wrote, for the fields of lift. */
static void
write_row(struct buf *buf)
{
    const struct field_value values[] = {{0, 2.5, {"", 0}}, {1, 0, {"slow", 4}}};
    const struct reading reading = {.device = 77,
        .class = &lift,
        .part = {"p1", 2},
        .time = {1000000000000001},
        .received = {1000000000000002},
        .suspect = 3,
        .test = true,
        .values = values,
        .n_values = 2,
        .idx = 9};

    copy_begin(buf);
    copy_reading(buf, &(struct copy_origin){.src = 4, .pos = 5, .config = 6}, &reading);
}

static void
a_row_that_was_written_is_read_back(void **state)
{
    struct copy_origin origin;
    struct reading reading;
    struct arena arena;
    struct err err = {0};
    struct buf buf;

    (void)state;
    arena_init(&arena);
    buf_init(&buf, 1000);
    write_row(&buf);
    assert_int_equal(copy_read(buf_view(&buf), &lift, &arena, &origin, &reading, &err), COPY_ROW);
    assert_int_equal(reading.device, 77);
    assert_int_equal(reading.time.us, 1000000000000001);
    assert_int_equal(reading.received.us, 1000000000000002);
    assert_true(view_eq(reading.part, view_of("p1")));
    assert_int_equal(reading.suspect, 3);
    assert_true(reading.test);
    assert_int_equal(reading.idx, 9);
    assert_int_equal(reading.n_values, 2);
    assert_true(reading.values[0].number == 2.5);
    assert_true(view_eq(reading.values[1].text, view_of("slow")));
    assert_int_equal(origin.src, 4);
    assert_int_equal(origin.pos, 5);
    assert_false(origin.sequenced);
    assert_int_equal(
        copy_read(view_bytes("\377\377", 2), &lift, &arena, &origin, &reading, &err), COPY_END);
    buf_fini(&buf);
    arena_fini(&arena);
}

static void
a_row_that_is_cut_or_of_another_class_is_refused(void **state)
{
    struct copy_origin origin;
    struct reading reading;
    struct arena arena;
    struct err err = {0};
    struct buf buf;

    (void)state;
    arena_init(&arena);
    buf_init(&buf, 1000);
    write_row(&buf);
    for (size_t len = 0; len < buf.len; len++) {
        char *cut = mem_alloc(len + 1); /* so that a read beyond it is seen */

        memcpy(cut, buf.ptr, len);
        assert_int_equal(
            copy_read(view_bytes(cut, len), &lift, &arena, &origin, &reading, &err), COPY_BROKEN);
        free(cut);
    }
    assert_int_equal(
        copy_read(buf_view(&buf), &boiler, &arena, &origin, &reading, &err), COPY_BROKEN);
    assert_non_null(strstr(err.text, "telemetry.boiler"));
    buf_fini(&buf);
    arena_fini(&arena);
}

static void
times_count_from_the_year_2000(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 1000);
    copy_instant(&buf, (struct instant){946684800000001});
    copy_instant(&buf, (struct instant){946684799999999});
    assert_bytes(&buf, "\0\0\0\10\0\0\0\0\0\0\0\1\0\0\0\10\377\377\377\377\377\377\377\377", 24);
    buf_fini(&buf);
}

static void
text_that_would_fail_the_batch_is_made_harmless(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 1000);
    copy_text(&buf, view_of("\xe6\xa2\xaf"));
    copy_text(&buf, (struct view){"a\0\xff", 3});
    copy_text(&buf, (struct view){NULL, 0});
    assert_bytes(&buf, "\0\0\0\3\xe6\xa2\xaf\0\0\0\3a??\0\0\0\0", 18);
    buf_fini(&buf);
}

static struct reading
reading_of(const struct class *class, const struct field_value *values, size_t n)
{
    return (struct reading){
        .code = {"EL-1", 4},
        .device = 7,
        .class = class,
        .part = {"1", 1},
        .time = {86400000000},
        .values = values,
        .n_values = n,
    };
}

static void
fields_that_were_not_heard_are_null(void **state)
{
    const struct field_value values[] = {{.field = 1, .text = {"x", 1}}, {.field = 2, .number = 1}};
    const struct reading reading = reading_of(&lift, values, 2);
    const struct copy_origin origin = {.src = 3, .pos = 4, .config = 5};
    struct buf buf;

    (void)state;
    buf_init(&buf, 1000);
    copy_reading(&buf, &origin, &reading);
    assert_memory_equal(buf.ptr, "\0\20", 2); /* 13 + 3 columns */
    assert_memory_equal(buf.ptr + buf.len - 26,
        "\0\0\0\1"
        "1"
        "\377\377\377\377"
        "\0\0\0\1x"
        "\0\0\0\10\77\360\0\0\0\0\0\0",
        26);
    buf_fini(&buf);
}

static void
columns_and_types_stand_in_the_same_order(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 1000);
    copy_class_sql(&buf, &lift);
    assert_string_equal(buf.ptr,
        "COPY telemetry.\"lift\" (\"device\", \"time\", \"received\", \"pos\", \"boot\", "
        "\"sequence\", \"src\", \"config\", \"idx\", \"suspect\", \"server_time\", "
        "\"under_test\", \"part\", \"speed\", \"note\", \"floor\") "
        "FROM STDIN (FORMAT binary)");
    assert_int_equal(copy_class_columns(&lift), 16);
    assert_int_equal(copy_class_oid(&lift, 0), 20);
    assert_int_equal(copy_class_oid(&lift, 13), 701);
    assert_int_equal(copy_class_oid(&lift, 14), 25);
    buf_fini(&buf);
}

static void
every_class_of_errors_has_its_decision(void **state)
{
    (void)state;
    assert_int_equal(sqlstate_decide("22021"), SQL_QUARANTINE); /* bad encoding */
    assert_int_equal(sqlstate_decide("23514"), SQL_QUARANTINE); /* check, or no chunk */
    assert_int_equal(sqlstate_decide("22P03"), SQL_MIGRATE);    /* the column has another type */
    assert_int_equal(sqlstate_decide("23503"), SQL_AGAIN);
    assert_int_equal(sqlstate_decide("42703"), SQL_MIGRATE);
    assert_int_equal(sqlstate_decide("42P01"), SQL_MIGRATE);
    assert_int_equal(sqlstate_decide("53100"), SQL_WAIT);
    assert_int_equal(sqlstate_decide("57P01"), SQL_AGAIN);
    assert_int_equal(sqlstate_decide("57P03"), SQL_WAIT);
    assert_int_equal(sqlstate_decide("40P01"), SQL_AGAIN);
    assert_int_equal(sqlstate_decide("ZZ999"), SQL_WAIT);
    assert_int_equal(sqlstate_decide(NULL), SQL_WAIT);
}

struct fixture {
    struct batch batch;
    struct map known;
    struct reading readings[2];
    struct reject reject;
    struct decoded record;
};

static void
add(struct fixture *f, uint64_t pos, const struct class *class, enum verdict verdict)
{
    const struct copy_origin origin = {.src = 1, .pos = (int64_t)pos, .config = 2};

    f->readings[0] = reading_of(class, NULL, 0);
    f->record = (struct decoded){
        .from = f->batch.to,
        .pos = pos,
        .readings = f->readings,
        .n_readings = 1,
        .canary = verdict == VERDICT_OWN ? pos : 0,
    };
    batch_add(&f->batch, &origin, &f->record, verdict, &f->known);
}

static void
a_batch_keeps_count_of_verdicts_rows_days_and_devices(void **state)
{
    struct fixture f = {0};

    (void)state;
    batch_init(&f.batch);
    map_init(&f.known);
    batch_reset(&f.batch, 100);
    assert_true(batch_empty(&f.batch));
    add(&f, 200, &lift, VERDICT_STORED);
    add(&f, 300, &boiler, VERDICT_STORED);
    add(&f, 400, &lift, VERDICT_STORED);
    add(&f, 500, &lift, VERDICT_DUPLICATE);
    add(&f, 600, &lift, VERDICT_OWN);
    batch_shed(&f.batch, 900, 3);
    assert_int_equal(f.batch.from, 100);
    assert_int_equal(f.batch.to, 900);
    assert_int_equal(f.batch.records, 8);
    assert_int_equal(f.batch.readings, 3);
    assert_int_equal(f.batch.counts[VERDICT_STORED], 3);
    assert_int_equal(f.batch.counts[VERDICT_DUPLICATE], 1);
    assert_int_equal(f.batch.counts[VERDICT_SHED], 3);
    assert_int_equal(f.batch.canary, 600);
    /* tables in order of their names, one day each, the device told once */
    assert_int_equal(f.batch.tables.len, 2);
    assert_string_equal(f.batch.tables.at[0].class_name.ptr, "boiler");
    assert_int_equal(f.batch.tables.at[1].row.len, 2);
    assert_int_equal(f.batch.tables.at[1].days.len, 1);
    assert_int_equal(f.batch.tables.at[1].days.at[0], 1);
    assert_string_equal(f.batch.seen.ptr,
        ",{\"class\":\"lift\",\"code\":\"EL-1\",\"compound\":\"\",\"device\":7,"
        "\"heard\":\"1970-01-01T00:00:00.000000Z\"}");
    batch_fini(&f.batch);
    map_fini(&f.known);
}

/* Bytes that one reading adds to what ops.seen is told. */
static size_t
told(struct fixture *f, int second, uint8_t suspect)
{
    const struct copy_origin origin = {.src = 1, .pos = 1, .config = 2};
    const size_t before = f->batch.seen.len;

    f->readings[0] = reading_of(&lift, NULL, 0);
    f->readings[0].received = (struct instant){(int64_t)second * 1000000};
    f->readings[0].suspect = suspect;
    f->record = (struct decoded){
        .from = f->batch.to, .pos = f->batch.to + 1, .readings = f->readings, .n_readings = 1};
    batch_add(&f->batch, &origin, &f->record, VERDICT_STORED, &f->known);
    return f->batch.seen.len - before;
}

static void
a_device_is_noted_as_heard_at_most_once_a_minute(void **state)
{
    struct fixture f = {0};
    int times = 0;

    (void)state;
    batch_init(&f.batch);
    map_init(&f.known);
    assert_int_not_equal(told(&f, 0, SUSPECT_RETAINED), 0); /* its code, no sign of life */
    assert_null(strstr(f.batch.seen.ptr, "heard"));
    assert_int_equal(told(&f, 0, SUSPECT_RETAINED), 0);
    assert_int_not_equal(told(&f, 0, SUSPECT_NO), 0);
    for (int second = 1; second <= 600; second++)
        times += told(&f, second, SUSPECT_NO) > 0;
    assert_int_equal(times, 10);
    batch_fini(&f.batch);
    map_fini(&f.known);
}

static void
any_range_of_rows_is_a_stream_of_its_own(void **state)
{
    struct fixture f = {0};
    struct buf whole;
    struct buf parts;

    (void)state;
    batch_init(&f.batch);
    map_init(&f.known);
    buf_init(&whole, 10000);
    buf_init(&parts, 10000);
    for (uint64_t i = 1; i <= 5; i++)
        add(&f, i, &lift, VERDICT_STORED);
    const struct batch_table *table = &f.batch.tables.at[0];

    batch_slice(table, 0, 5, &whole);
    for (size_t i = 0; i < 5; i++) {
        struct buf one;

        buf_init(&one, 10000);
        batch_slice(table, i, i + 1, &one);
        buf_put(&parts, (struct view){one.ptr + 19, one.len - 21});
        buf_fini(&one);
    }
    assert_int_equal(whole.len, parts.len + 21);
    assert_memory_equal(whole.ptr + 19, parts.ptr, parts.len);
    buf_fini(&whole);
    buf_fini(&parts);
    batch_fini(&f.batch);
    map_fini(&f.known);
}

static void
a_refused_row_becomes_a_reject_with_its_own_position(void **state)
{
    const struct copy_origin origin = {.src = 1, .config = 2};
    struct fixture f = {0};

    (void)state;
    batch_init(&f.batch);
    map_init(&f.known);
    add(&f, 10, &lift, VERDICT_STORED);
    add(&f, 20, &lift, VERDICT_STORED);
    batch_quarantine(&f.batch, &f.batch.tables.at[0], 1, &origin, "too big");
    assert_int_equal(f.batch.readings, 1);
    assert_int_equal(f.batch.rejects, 1);
    assert_int_equal(f.batch.counts[VERDICT_STORED], 2);
    /* header; columns, src, then pos */
    assert_memory_equal(f.batch.reject_rows.ptr + 19 + 2 + 8, "\0\0\0\10\0\0\0\0\0\0\0\24", 12);
    batch_fini(&f.batch);
    map_fini(&f.known);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_is_header_rows_and_trailer),
        cmocka_unit_test(a_row_that_was_written_is_read_back),
        cmocka_unit_test(a_row_that_is_cut_or_of_another_class_is_refused),
        cmocka_unit_test(times_count_from_the_year_2000),
        cmocka_unit_test(text_that_would_fail_the_batch_is_made_harmless),
        cmocka_unit_test(fields_that_were_not_heard_are_null),
        cmocka_unit_test(columns_and_types_stand_in_the_same_order),
        cmocka_unit_test(every_class_of_errors_has_its_decision),
        cmocka_unit_test(a_batch_keeps_count_of_verdicts_rows_days_and_devices),
        cmocka_unit_test(a_device_is_noted_as_heard_at_most_once_a_minute),
        cmocka_unit_test(any_range_of_rows_is_a_stream_of_its_own),
        cmocka_unit_test(a_refused_row_becomes_a_reject_with_its_own_position),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
