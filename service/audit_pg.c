#include "service/audit_pg.h"

#include "base/check.h"
#include "base/wal.h"
#include "service/migrate_pg.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char sql_begin[] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
static const char sql_sources[] =
    "SELECT j.src, encode(j.journal, 'hex'), coalesce(m.pos, 0), coalesce(sum(b.batches), 0), "
    "coalesce(sum(b.records), 0), coalesce(sum(b.readings), 0), coalesce(sum(b.rejects), 0) "
    "FROM ops.journal j LEFT JOIN ops.mark m USING (src) LEFT JOIN ops.batch b USING (src) "
    "WHERE j.lane = $1 GROUP BY j.src, j.journal, m.pos ORDER BY j.src";
static const char sql_tiles[] = "SELECT before, from_pos, to_pos FROM ops.audit_tiles($1::integer)";
static const char sql_balance[] =
    "SELECT what, from_pos, to_pos, claimed, found FROM ops.audit_balance($1::integer)";
static const char sql_doubles[] =
    "SELECT class, pos, idx, times FROM ops.audit_doubles($1::integer)";
static const char sql_batches[] =
    "SELECT from_pos, to_pos, records, shed FROM ops.batch WHERE src = $1::integer ORDER BY to_pos";
static const char sql_hours[] =
    "SELECT to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI\"Z\"'), sum(batches), "
    "sum(records), sum(stored), sum(rejected), sum(duplicate), sum(own), sum(shed), sum(readings), "
    "sum(rejects) FROM ops.account WHERE lane = $1 GROUP BY hour ORDER BY hour";
static const char sql_afterwards[] =
    "SELECT rerun_records, rerun_readings, dropped_readings FROM ops.afterwards WHERE lane = $1";
static const char sql_gaps[] =
    "SELECT class, code, boot, first, last, missing, sum(missing) OVER () FROM ops.audit_gaps($1)";
static const char sql_mark[] =
    "SELECT encode(j.journal, 'hex'), m.pos FROM ops.journal j JOIN ops.mark m USING (src) "
    "WHERE j.lane = $1";

const char *const audit_hour_names[9] = {
    "batches", "records", "stored", "rejected", "duplicate", "own", "shed", "readings", "rejects"};

struct findings { /* of one kind: the first AUDIT_NAMED one by one, then how many more */
    struct audit_lane *lane;
    const char *kind;
    uint64_t n;
};

static void PRINTF_LIKE(2, 3) find(struct findings *of, const char *fmt, ...)
{
    va_list args;

    if (of->n++ >= AUDIT_NAMED)
        return;
    struct audit_finding *finding = VEC_PUSH(&of->lane->findings);

    finding->kind = of->kind;
    va_start(args, fmt);
    (void)vsnprintf(finding->text, sizeof(finding->text), fmt, args);
    va_end(args);
}

static void
find_rest(struct findings *of)
{
    if (of->n <= AUDIT_NAMED)
        return;
    struct audit_finding *finding = VEC_PUSH(&of->lane->findings);

    finding->kind = of->kind;
    (void)snprintf(finding->text, sizeof(finding->text), "and %" PRIu64 " more of this kind",
        of->n - AUDIT_NAMED);
}

static uint64_t
number(const PGresult *result, int row, int column)
{
    return strtoull(PQgetvalue(result, row, column), NULL, 10);
}

static PGresult *
query(PGconn *pg, const char *what, const char *sql, const char *param, struct err *err)
{
    return tool_query(pg, what, sql, 1, &param, err);
}

bool
audit_begin(PGconn *pg, struct err *err)
{
    PGresult *result = tool_query(pg, "snapshot", sql_begin, 0, NULL, err);

    PQclear(result);
    return result != NULL;
}

void
audit_lane_fini(struct audit_lane *lane)
{
    VEC_FREE(&lane->sources);
    VEC_FREE(&lane->hours);
    VEC_FREE(&lane->gaps);
    VEC_FREE(&lane->findings);
}

/* --- inside the database ------------------------------------------------------------------- */

static bool
check_tiles(PGconn *pg, struct audit_lane *lane, const char *src, struct err *err)
{
    PGresult *result = query(pg, "ops.audit_tiles", sql_tiles, src, err);
    struct findings gaps = {lane, "gap", 0};
    struct findings overlaps = {lane, "overlap", 0};
    struct findings marks = {lane, "mark", 0};

    for (int i = 0; result != NULL && i < PQntuples(result); i++) {
        const uint64_t before = number(result, i, 0);
        const uint64_t from = number(result, i, 1);
        const uint64_t to = number(result, i, 2);

        if (from == to) {
            find(&marks, "src %s: the mark is %" PRIu64 ", the last batch ends at %" PRIu64, src,
                to, before);
        } else if (from > before) {
            find(&gaps, "src %s: no batch has the records from %" PRIu64 " to %" PRIu64, src,
                before, from);
        } else {
            find(&overlaps, "src %s: two batches have the records from %" PRIu64 " to %" PRIu64,
                src, from, before);
        }
    }
    find_rest(&gaps);
    find_rest(&overlaps);
    PQclear(result);
    return result != NULL;
}

static bool
check_rows(PGconn *pg, struct audit_lane *lane, const char *src, struct err *err)
{
    struct findings rows = {lane, "rows", 0};
    struct findings doubles = {lane, "double", 0};
    PGresult *result = query(pg, "ops.audit_balance", sql_balance, src, err);

    if (result == NULL)
        return false;
    for (int i = 0; i < PQntuples(result); i++) {
        find(&rows, "src %s: records from %s to %s: %s %s claimed, %s found", src,
            PQgetvalue(result, i, 1), PQgetvalue(result, i, 2), PQgetvalue(result, i, 3),
            PQgetvalue(result, i, 0), PQgetvalue(result, i, 4));
    }
    find_rest(&rows);
    PQclear(result);
    result = query(pg, "ops.audit_doubles", sql_doubles, src, err);
    if (result == NULL)
        return false;
    for (int i = 0; i < PQntuples(result); i++) {
        find(&doubles, "src %s: record %s, number %s is %s times in %s", src,
            PQgetvalue(result, i, 1), PQgetvalue(result, i, 2), PQgetvalue(result, i, 3),
            PQgetvalue(result, i, 0));
    }
    find_rest(&doubles);
    PQclear(result);
    return true;
}

static bool
read_hours(PGconn *pg, struct audit_lane *lane, struct err *err)
{
    PGresult *result = query(pg, "ops.account", sql_hours, lane->name, err);

    for (int i = 0; result != NULL && i < PQntuples(result); i++) {
        struct audit_hour *hour = VEC_PUSH(&lane->hours);

        (void)snprintf(hour->hour, sizeof(hour->hour), "%s", PQgetvalue(result, i, 0));
        for (int k = 0; k < (int)ARRAY_LEN(hour->counts); k++)
            hour->counts[k] = number(result, i, k + 1);
        lane->shed += hour->counts[6];
    }
    PQclear(result);
    return result != NULL;
}

static bool
read_gaps(PGconn *pg, struct audit_lane *lane, struct err *err)
{
    PGresult *result = query(pg, "ops.audit_gaps", sql_gaps, lane->name, err);

    for (int i = 0; result != NULL && i < PQntuples(result) && i < AUDIT_NAMED; i++) {
        struct audit_gap *gap = VEC_PUSH(&lane->gaps);

        (void)snprintf(gap->class, sizeof(gap->class), "%s", PQgetvalue(result, i, 0));
        (void)snprintf(gap->device, sizeof(gap->device), "%s", PQgetvalue(result, i, 1));
        gap->boot = (int64_t)number(result, i, 2);
        gap->first = (int64_t)number(result, i, 3);
        gap->last = (int64_t)number(result, i, 4);
        gap->missing = (int64_t)number(result, i, 5);
        lane->missing = number(result, i, 6);
    }
    PQclear(result);
    return result != NULL;
}

static bool
read_afterwards(PGconn *pg, struct audit_lane *lane, struct err *err)
{
    PGresult *result = query(pg, "ops.afterwards", sql_afterwards, lane->name, err);

    if (result != NULL && PQntuples(result) == 1) {
        lane->rerun_records = number(result, 0, 0);
        lane->rerun_readings = number(result, 0, 1);
        lane->dropped = number(result, 0, 2);
    }
    PQclear(result);
    return result != NULL;
}

/* --- against the journal's files ----------------------------------------------------------- */

struct hole { /* nothing between the two can be read in the files */
    uint64_t from, to;
};

struct frames { /* ends of all frames, in order */
    VEC(uint64_t) ends;
    VEC(struct hole) holes;
    uint64_t last; /* where the newest frame or hole ends */
};

static bool
note_frame(void *arg, struct view frame, uint64_t end)
{
    struct frames *frames = arg;

    if (frame.len > 0)
        *VEC_PUSH(&frames->ends) = end;
    else
        *VEC_PUSH(&frames->holes) = (struct hole){frames->last, end};
    frames->last = end;
    return true;
}

static void
frames_free(struct frames *frames)
{
    VEC_FREE(&frames->ends);
    VEC_FREE(&frames->holes);
}

static bool
over_hole(const struct frames *frames, uint64_t from, uint64_t to)
{
    for (size_t i = 0; i < frames->holes.len; i++) {
        if (frames->holes.at[i].from < to && frames->holes.at[i].to > from)
            return true;
    }
    return false;
}

/* False without err: the folder is not there. Damage is no error: there is a hole in frames. */
static bool
scan_journal(const struct fs *fs, const char *dir, char hex[33], uint64_t *first,
    struct frames *frames, struct err *err)
{
    struct wal_report report;
    unsigned char id[WAL_ID_BYTES];

    *err = (struct err){0};
    if (!wal_scan(fs, dir, &report, id, note_frame, frames, err) && report.damaged == 0) {
        if (err->kind == ERR_GONE)
            *err = (struct err){0};
        return false;
    }
    for (size_t i = 0; i < WAL_ID_BYTES; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", id[i]);
    *first = report.first;
    return true;
}

static bool
compare_frames(PGconn *pg, struct audit_lane *lane, struct audit_source *source,
    const struct frames *frames, uint64_t first, struct err *err)
{
    struct findings records = {lane, "records", 0};
    char src[16];
    size_t at = 0;

    (void)snprintf(src, sizeof(src), "%" PRIu32, source->src);
    PGresult *result = query(pg, "ops.batch", sql_batches, src, err);

    for (int i = 0; result != NULL && i < PQntuples(result); i++) {
        const uint64_t from = number(result, i, 0);
        const uint64_t to = number(result, i, 1);
        const uint64_t claimed = number(result, i, 2);
        uint64_t found = 0;

        for (; at < frames->ends.len && frames->ends.at[at] <= to; at++)
            found += frames->ends.at[at] > from;
        if (from < first) /* partly trimmed */
            continue;
        source->compared += found;
        if (found < claimed && over_hole(frames, from, to)) {
            source->in_no_file += claimed - found;
            continue;
        }
        /* What was given up may have been unreadable: not counted, only named. */
        if (found != claimed && number(result, i, 3) == 0) {
            find(&records,
                "src %s: batch from %" PRIu64 " to %" PRIu64 " has %" PRIu64
                " records, the journal has %" PRIu64,
                src, from, to, claimed, found);
        }
    }
    find_rest(&records);
    source->waiting = 0;
    for (size_t i = frames->ends.len; i > 0 && frames->ends.at[i - 1] > source->mark; i--)
        source->waiting++;
    PQclear(result);
    return result != NULL;
}

bool
audit_lane_run(PGconn *pg, const struct fs *fs, const char *journal_dir, struct audit_lane *lane,
    struct err *err)
{
    struct frames frames = {0};
    char journal[33] = "";
    uint64_t first = 0;
    bool ok = scan_journal(fs, journal_dir, journal, &first, &frames, err) || err->kind == ERR_NONE;
    PGresult *result = ok ? query(pg, "ops.journal", sql_sources, lane->name, err) : NULL;

    ok = result != NULL;
    for (int i = 0; ok && i < PQntuples(result); i++) {
        struct audit_source *source = VEC_PUSH(&lane->sources);

        source->src = (uint32_t)number(result, i, 0);
        (void)snprintf(source->journal, sizeof(source->journal), "%s", PQgetvalue(result, i, 1));
        source->mark = number(result, i, 2);
        source->batches = number(result, i, 3);
        source->records = number(result, i, 4);
        source->readings = number(result, i, 5);
        source->rejects = number(result, i, 6);
        source->on_disk = strcmp(source->journal, journal) == 0;
        ok = check_tiles(pg, lane, PQgetvalue(result, i, 0), err) &&
             check_rows(pg, lane, PQgetvalue(result, i, 0), err) &&
             (!source->on_disk || compare_frames(pg, lane, source, &frames, first, err));
    }
    ok = ok && read_hours(pg, lane, err) && read_gaps(pg, lane, err) &&
         read_afterwards(pg, lane, err);
    PQclear(result);
    frames_free(&frames);
    return ok;
}

bool
audit_waiting(PGconn *pg, const struct fs *fs, const char *journal_dir, const char *lane,
    uint64_t *waiting, struct err *err)
{
    struct frames frames = {0};
    char journal[33] = "";
    uint64_t first = 0;
    uint64_t mark = 0;

    *waiting = 0;
    if (!scan_journal(fs, journal_dir, journal, &first, &frames, err))
        return err->kind == ERR_NONE;
    PGresult *result = query(pg, "ops.mark", sql_mark, lane, err);

    for (int i = 0; result != NULL && i < PQntuples(result); i++) {
        if (strcmp(PQgetvalue(result, i, 0), journal) == 0)
            mark = number(result, i, 1);
    }
    for (size_t i = frames.ends.len; i > 0 && frames.ends.at[i - 1] > mark; i--)
        (*waiting)++;
    PQclear(result);
    frames_free(&frames);
    return result != NULL;
}
