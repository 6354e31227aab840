#include "service/devices_pg.h"

#include "service/migrate_pg.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const device_state_names[DEVICE_STATES] = {"never", "silent", "heard", "unlisted"};
const struct words device_state_titles[DEVICE_STATES] = {
    {"从未上报", "never"}, {"失联", "silent"}, {"在线", "heard"}, {"未登记", "unlisted"}};

#define SILENT_INTERVALS 3
#define SEEN_GRAIN SPAN_MIN(1)

static const char sql_heard[] =
    "SELECT code, class, compound, lane, (extract(epoch FROM first) * 1000000)::bigint, "
    "(extract(epoch FROM heard) * 1000000)::bigint FROM ops.seen ORDER BY code COLLATE \"C\"";
static const char sql_stored[] =
    "SELECT j.lane, (extract(epoch FROM max(m.at)) * 1000000)::bigint FROM ops.mark m "
    "JOIN ops.journal j USING (src) GROUP BY j.lane";
static const char sql_alerts[] =
    "SELECT alert, rule, severity, state, coalesce(part, ''), "
    "to_char(opened AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), "
    "coalesce(title_zh, ''), coalesce(title_en, '') FROM alerting.case "
    "WHERE (subject = $1 OR starts_with(subject, $1 || '/')) "
    "AND state NOT IN ('closed', 'false alarm', 'false-alarm') ORDER BY alerting.case.opened";
/* What stands before and after the class's table; its name was checked when its file was read. */
struct table_query {
    const char *before, *after;
};

static const struct table_query last_rows = {
    "SELECT part, to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), "
    "to_char(received AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), to_json(newest) "
    "FROM (SELECT DISTINCT ON (part) * FROM ",
    "WHERE device = $1::bigint AND time >= "
    "(SELECT coalesce(max(heard), now()) FROM ops.seen WHERE device = $1::bigint) "
    "- interval '2 days' ORDER BY part, time DESC) newest ORDER BY part"};
static const struct table_query least_skew = {
    "SELECT round(extract(epoch FROM min(received - time))::numeric, 3) FROM ",
    "WHERE device = $1::bigint AND time > now() - interval '2 days' "
    "AND received > now() - interval '24 hours' AND NOT server_time"};
/* Rejects have no test bit: one that came while somebody stands there is what he wants to know. */
static const struct table_query first_message = {
    "SELECT pos, lane, (extract(epoch FROM received) * 1000000)::bigint, "
    "(extract(epoch FROM committed) * 1000000)::bigint, "
    "(extract(epoch FROM time) * 1000000)::bigint, reject FROM ("
    "SELECT src, pos, received, committed, CASE WHEN server_time THEN NULL ELSE time "
    "END AS time, '' AS reject FROM ",
    "WHERE device = $1::bigint AND time > $2::timestamptz - interval '31 days' "
    "AND received >= $2::timestamptz AND ($4::boolean OR under_test) "
    "UNION ALL SELECT src, pos, received, committed, NULL, reason || ': ' || detail FROM "
    "ops.reject "
    "WHERE device = $3 AND received >= $2::timestamptz) m JOIN ops.journal USING (src) "
    "ORDER BY received LIMIT 1"};

bool
devices_connect(const struct config *config, PGconn **out, struct err *err)
{
    if (config->database == NULL)
        return err_set(err, ERR_CONFIG, "site.yaml names no database");
    PGconn *pg = tool_connect(config->database, config->database_password_file, err);

    if (pg != NULL && !tool_check_schema(pg, err)) {
        PQfinish(pg);
        pg = NULL;
    }
    *out = pg;
    return pg != NULL;
}

static struct instant
instant_at(const PGresult *result, int row, int column)
{
    /* NULL reads as "" and is 0 */
    return (struct instant){strtoll(PQgetvalue(result, row, column), NULL, 10)};
}

static const char *
text_at(const PGresult *result, int row, int column, struct arena *arena)
{
    return arena_text(arena, view_of(PQgetvalue(result, row, column)));
}

static void
take_heard(const PGresult *result, struct arena *arena, struct heard_table *out)
{
    struct heard *at = ARENA_ARRAY(arena, (size_t)PQntuples(result), struct heard);

    out->at = at;
    out->len = (size_t)PQntuples(result);
    for (int i = 0; i < PQntuples(result); i++) {
        at[i] = (struct heard){
            .code = text_at(result, i, 0, arena),
            .class_name = text_at(result, i, 1, arena),
            .compound = text_at(result, i, 2, arena),
            .lane = text_at(result, i, 3, arena),
            .first = instant_at(result, i, 4),
            .at = instant_at(result, i, 5),
        };
        (void)map_put(&out->by_code, view_of(at[i].code), &at[i]);
    }
}

static void
take_stored(const PGresult *result, struct arena *arena, struct heard_table *out)
{
    for (int i = 0; i < PQntuples(result); i++) {
        struct instant *at = ARENA_NEW(arena, struct instant);

        *at = instant_at(result, i, 1);
        (void)map_put(&out->stored, view_of(PQgetvalue(result, i, 0)), at);
        if (i == 0 || instant_cmp(*at, out->stored_min) < 0)
            out->stored_min = *at;
    }
}

bool
devices_heard(PGconn *pg, struct arena *arena, struct heard_table *out, struct err *err)
{
    PGresult *heard = tool_query(pg, "ops.seen", sql_heard, 0, NULL, err);
    PGresult *stored = heard == NULL ? NULL : tool_query(pg, "ops.mark", sql_stored, 0, NULL, err);
    const bool ok = stored != NULL;

    if (ok) {
        *out = (struct heard_table){0};
        map_init(&out->by_code);
        map_init(&out->stored);
        take_heard(heard, arena, out);
        take_stored(stored, arena, out);
    }
    PQclear(heard);
    PQclear(stored);
    return ok;
}

void
heard_fini(struct heard_table *table)
{
    map_fini(&table->by_code);
    map_fini(&table->stored);
}

const struct heard *
heard_of(const struct heard_table *table, const char *code)
{
    return map_get(&table->by_code, view_of(code));
}

enum device_state
device_state_of(
    const struct heard_table *table, const struct device *device, const struct heard *heard)
{
    const struct span interval =
        device->interval.us > 0 ? device->interval : device->class->interval;

    if (heard == NULL || heard->at.us == 0)
        return DEVICE_NEVER;
    const struct instant *stored = map_get(&table->stored, view_of(heard->lane));
    const int64_t limit = interval.us * SILENT_INTERVALS + SEEN_GRAIN.us;

    return stored != NULL && instant_since(*stored, heard->at).us > limit ? DEVICE_SILENT
                                                                          : DEVICE_HEARD;
}

#define MAX_TEXTS 8

static bool
each_row(PGresult *result, devices_row_fn *row, void *arg)
{
    const char *texts[MAX_TEXTS];
    const bool ok = result != NULL;

    for (int i = 0; ok && i < PQntuples(result); i++) {
        const int n = PQnfields(result) < MAX_TEXTS ? PQnfields(result) : MAX_TEXTS;

        for (int column = 0; column < n; column++)
            texts[column] = PQgetvalue(result, i, column);
        row(arg, &(struct devices_row){texts, n});
    }
    PQclear(result);
    return ok;
}

static PGresult *
ask_table(PGconn *pg, const struct table_query *query, const struct class *class,
    const char *const *params, struct err *err)
{
    struct buf sql;
    int n = 0;

    while (params[n] != NULL)
        n++;
    buf_init(&sql, 4096);
    buf_printf(&sql, "%s telemetry.\"%s\" %s", query->before, class->name, query->after);
    buf_char(&sql, '\0');
    PGresult *result = tool_query(pg, class->name, sql.ptr, n, params, err);

    buf_fini(&sql);
    return result;
}

static const char *
key_text(const struct device *device, char out[24])
{
    (void)snprintf(out, 24, "%" PRIu64, device->key);
    return out;
}

bool
devices_last(
    PGconn *pg, const struct device *device, devices_row_fn *row, void *arg, struct err *err)
{
    char key[24];
    const char *params[] = {key_text(device, key), NULL};

    return each_row(ask_table(pg, &last_rows, device->class, params, err), row, arg);
}

bool
devices_walk(
    PGconn *pg, const struct devices_walk *ask, devices_row_fn *row, void *arg, struct err *err)
{
    char key[24], since[INSTANT_TEXT_BYTES];
    const char *params[] = {key_text(ask->device, key), instant_text(ask->since, since),
        ask->device->code, ask->any ? "true" : "false", NULL};

    return each_row(ask_table(pg, &first_message, ask->device->class, params, err), row, arg);
}

bool
devices_alerts(PGconn *pg, const char *code, devices_row_fn *row, void *arg, struct err *err)
{
    const char *params[] = {code};

    return each_row(tool_query(pg, "alerting.case", sql_alerts, 1, params, err), row, arg);
}

bool
devices_skew(PGconn *pg, const struct device *device, char out[32], struct err *err)
{
    char key[24];
    const char *params[] = {key_text(device, key), NULL};
    PGresult *result = ask_table(pg, &least_skew, device->class, params, err);
    const bool ok = result != NULL;

    if (ok)
        (void)snprintf(out, 32, "%s", PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return ok;
}
