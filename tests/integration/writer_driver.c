/*
 * writer_driver: the writer, or the ledger's copy, and nothing else, for the pg_*_test.py beside
 * it.
 *
 *     writer_driver migrate CONNINFO              schema and the tables of its two classes
 *     writer_driver write CONNINFO LANE ID N      feeds N made-up records from the mark on, prints
 *                                                 what the writer says, ends when all are stored
 *
 *     writer_driver ledger DIR                    appends the events that stdin has, one a line
 *     writer_driver copy CONNINFO LANE DIR        copies that ledger, ends when all is copied
 *
 * Record i is at position (i + 1) * 100 and is a function of i alone, so a second run over the
 * same positions is the same journal. WRITER_DRIVER_ROWS=1: every record is one row.
 * WRITER_DRIVER_JOURNAL=DIR: positions and id are those of a real journal, made if it is not there.
 */
#include "alerting/ledger/copy_pg.h"
#include "alerting/ledger/ledger.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/io/clock_posix.h"
#include "base/io/fs_posix.h"
#include "ingest/writer/writer_pg.h"
#include "service/migrate_pg.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct measure number = {"", "", 1, 0};
static const struct field lift_fields[] = {
    {.name = "speed", .title = {"速度", "Speed"}, .type = FIELD_REAL, .measure = &number},
    {.name = "note", .title = {"备注", "Note"}, .type = FIELD_TEXT, .measure = &number},
};
static const struct field charger_fields[] = {
    {.name = "port_temp", .title = {"温度", "Temperature"}, .type = FIELD_REAL, .measure = &number},
};
static const struct class classes[] = {
    {.name = "charger", .title = {"充电桩", "Charger"}, .fields = charger_fields, .n_fields = 1},
    {.name = "elevator", .title = {"电梯", "Lift"}, .fields = lift_fields, .n_fields = 2},
};
static const struct class_table table = {classes, ARRAY_LEN(classes)};

struct driver {
    uv_loop_t loop;
    uv_idle_t feeder;
    struct writer *writer;
    uint64_t next, n; /* records */
    uint64_t *ends;   /* their positions, n + 1 with that before the first */
    struct instant base;
    bool rows_only;
    bool ready;
};

static void
make_reading(struct reading *reading, uint64_t i, uint16_t idx, struct instant at)
{
    static struct field_value values[3][2];
    static char code[3][16];
    const int len = snprintf(code[idx], sizeof(code[idx]), "EL-%05" PRIu64, i % 600);

    values[idx][0] = (struct field_value){.field = 0, .number = (double)i};
    values[idx][1] = (struct field_value){.field = 1, .text = {"bad \xff byte", 10}};
    *reading = (struct reading){
        .code = {code[idx], (size_t)len},
        .device = device_key((struct view){code[idx], (size_t)len}),
        .class = &classes[1],
        .compound = {"c1", 2},
        .part = {"", 0},
        .time = {at.us - (int64_t)(i % 3) * 86400000000},
        .received = at,
        .values = values[idx],
        .n_values = i % 5 == 0 ? 2 : 1,
        .idx = idx,
    };
}

static void
make_charger(struct reading *reading, uint64_t i, uint16_t idx, struct instant at)
{
    static struct field_value values[3][1];

    make_reading(reading, i, idx, at);
    values[idx][0] = (struct field_value){.field = 0, .number = 20 + (double)idx};
    reading->class = &classes[0];
    reading->part = (struct view){idx == 0 ? "1" : "2", 1};
    reading->values = values[idx];
    reading->n_values = 1;
}

static void
add_record(struct driver *driver, uint64_t i)
{
    struct reading readings[2];
    struct reject reject = {.reason = "range", .detail = "speed: \xe2\x98", .raw = {"\0{raw}", 6}};
    struct decoded record = {
        .from = driver->ends[i],
        .pos = driver->ends[i + 1],
        .received = {driver->base.us + (int64_t)i * 1000},
        .sequenced = true,
        .boot = 1,
        .sequence = (int64_t)(i / 600),
        .readings = readings,
        .n_readings = 1,
        .rejects = &reject,
    };
    const unsigned kind = driver->rows_only ? 0 : (unsigned)(i % 10);

    make_reading(&readings[0], i, 0, record.received);
    if (kind == 9) {
        record.verdict = VERDICT_REJECTED;
        record.n_readings = 0;
        record.n_rejects = 1;
    } else if (kind == 8) {
        record.verdict = VERDICT_OWN;
        record.n_readings = 0;
        record.canary = i;
    } else if (kind == 7) {
        record.verdict = VERDICT_DUPLICATE;
    } else if (kind == 6) {
        make_charger(&readings[0], i, 0, record.received);
        make_charger(&readings[1], i, 1, record.received);
        record.n_readings = 2;
    }
    writer_add(driver->writer, &record, record.verdict);
}

static void
on_idle(uv_idle_t *idle)
{
    struct driver *driver = idle->data;

    while (driver->next < driver->n && writer_room(driver->writer))
        add_record(driver, driver->next++);
    (void)uv_idle_stop(idle);
}

static void
on_ready(void *arg, uint64_t mark, uint32_t epoch)
{
    struct driver *driver = arg;

    printf("ready %" PRIu64 " %" PRIu32 "\n", mark, epoch);
    for (driver->next = 0; driver->next < driver->n && driver->ends[driver->next] < mark;)
        driver->next++;
    if (driver->next >= driver->n) {
        printf("nothing\n");
        exit(0);
    }
    (void)uv_idle_start(&driver->feeder, on_idle);
}

static void
on_closed(void *arg)
{
    (void)arg;
    printf("closed\n");
}

static void
on_stored(void *arg, uint64_t mark, uint64_t canary)
{
    struct driver *driver = arg;

    printf("stored %" PRIu64 " %" PRIu64 "\n", mark, canary);
    if (mark < driver->ends[driver->n]) {
        (void)uv_idle_start(&driver->feeder, on_idle);
        return;
    }
    uv_close((uv_handle_t *)&driver->feeder, NULL);
    writer_close(driver->writer, on_closed, driver);
}

static void
on_away(void *arg, const char *why, const char *fact)
{
    (void)arg;
    printf("away %s %s\n", fact != NULL ? fact : "-", why);
}

static void
on_quarantine(void *arg, uint64_t rows, const char *why)
{
    (void)arg;
    printf("quarantine %" PRIu64 " %s\n", rows, why);
}

static struct wal *
open_wal(const char *dir, const char *name)
{
    struct wal *wal;
    struct wal_report report;
    struct err err = {0};
    struct wal_options opt = {
        .fs = fs_posix(),
        .dir = dir,
        .name = name,
        .segment_bytes = 1 << 20,
        .max_bytes = 1 << 30,
        .max_frame = LEDGER_MAX_FRAME,
    };

    random_bytes(opt.new_id, sizeof(opt.new_id));
    if (!wal_open(&wal, &opt, &report, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    return wal;
}

/* Made-up positions, or those of a real journal that is filled up to n frames. */
static void
place_records(struct driver *driver, unsigned char id[WAL_ID_BYTES])
{
    const char *dir = getenv("WRITER_DRIVER_JOURNAL");
    struct wal_cursor *cursor;
    struct view frame;
    struct err err;
    uint64_t have = 0;

    driver->ends = mem_zalloc(driver->n + 1, sizeof(*driver->ends));
    for (uint64_t i = 0; i <= driver->n; i++)
        driver->ends[i] = i * 100;
    if (dir == NULL)
        return;
    struct wal *wal = open_wal(dir, "journal");

    cursor = wal_cursor_new(wal, 0);
    while (have < driver->n) {
        if (wal_cursor_next(cursor, &frame, &driver->ends[have + 1]) == WAL_FRAME)
            have++;
        else
            CHECK(wal_append(wal, view_of("record"), &driver->ends[have + 1], &err));
    }
    wal_cursor_free(cursor);
    memcpy(id, wal_id(wal), WAL_ID_BYTES);
    wal_close(wal);
}

static int
append_events(const char *dir)
{
    static char line[65536];
    struct wal *wal = open_wal(dir, "ledger");
    uint64_t end;
    struct err err;

    while (fgets(line, sizeof(line), stdin) != NULL) {
        const struct ledger_record record = {
            .type = line[0] == '{' ? LEDGER_EVENT : LEDGER_INPUT,
            .body = {line, strcspn(line, "\n")},
        };

        CHECK(ledger_append(wal, &record, &end, &err));
    }
    wal_close(wal);
    return 0;
}

struct copying {
    uv_loop_t loop;
    struct ledger_copy *copy;
    uint64_t end;
};

static void
on_copy_closed(void *arg)
{
    (void)arg;
    printf("closed\n");
}

static void
on_copied(void *arg, uint64_t mark)
{
    struct copying *copying = arg;

    printf("copied %" PRIu64 "\n", mark);
    if (mark >= copying->end)
        ledger_copy_close(copying->copy, on_copy_closed, copying);
}

static void
on_copy_away(void *arg, const char *why)
{
    (void)arg;
    printf("away - %s\n", why);
}

static int
copy_ledger(const char *conninfo, const char *lane, const char *dir)
{
    struct wal *wal = open_wal(dir, "ledger");
    struct copying copying = {.end = wal_end(wal)};
    const struct ledger_copy_options opt = {
        .loop = &copying.loop,
        .conninfo = conninfo,
        .lane = lane,
        .ledger = wal,
        .on_copied = on_copied,
        .on_away = on_copy_away,
        .arg = &copying,
    };

    CHECK(uv_loop_init(&copying.loop) == 0);
    copying.copy = ledger_copy_open(&opt);
    (void)uv_run(&copying.loop, UV_RUN_DEFAULT);
    wal_close(wal);
    return uv_loop_close(&copying.loop);
}

static int
write_records(const char *conninfo, const char *lane, unsigned id, uint64_t n)
{
    struct driver driver = {.n = n, .rows_only = getenv("WRITER_DRIVER_ROWS") != NULL};
    struct writer_options opt = {
        .loop = &driver.loop,
        .conninfo = conninfo,
        .lane = lane,
        .classes = table,
        .config_version = 7,
        .on_ready = on_ready,
        .on_stored = on_stored,
        .on_away = on_away,
        .on_quarantine = on_quarantine,
        .arg = &driver,
    };
    uv_timeval64_t now;

    CHECK(uv_loop_init(&driver.loop) == 0 && uv_idle_init(&driver.loop, &driver.feeder) == 0);
    CHECK(uv_gettimeofday(&now) == 0);
    driver.base.us = now.tv_sec * 1000000 + now.tv_usec;
    driver.feeder.data = &driver;
    opt.journal_id[15] = (unsigned char)id;
    place_records(&driver, opt.journal_id);
    driver.writer = writer_open(&opt);
    (void)uv_run(&driver.loop, UV_RUN_DEFAULT);
    free(driver.ends);
    return uv_loop_close(&driver.loop);
}

static int
migrate(const char *conninfo)
{
    struct buf report;
    struct err err = {0};
    const struct migrate_options opt = {.conninfo = conninfo, .classes = table};

    buf_init(&report, 1 << 20);
    const bool ok = migrate_run(&opt, &report, &err);

    printf("%.*s", VIEW_ARG(buf_view(&report)));
    if (!ok)
        printf("%s\n", err.text);
    buf_fini(&report);
    return ok ? 0 : 1;
}

int
main(int argc, char **argv)
{
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 3 && strcmp(argv[1], "migrate") == 0)
        return migrate(argv[2]);
    if (argc == 6 && strcmp(argv[1], "write") == 0) {
        return write_records(
            argv[2], argv[3], (unsigned)strtoul(argv[4], NULL, 10), strtoull(argv[5], NULL, 10));
    }
    if (argc == 3 && strcmp(argv[1], "ledger") == 0)
        return append_events(argv[2]);
    if (argc == 5 && strcmp(argv[1], "copy") == 0)
        return copy_ledger(argv[2], argv[3], argv[4]);
    (void)fprintf(stderr, "usage: see the head of the source\n");
    return 2;
}
