/*
 * Pages of records, in the order in which they were received; each page is one transaction. The
 * payload is in the first reject of a record (idx 0). Rejects that were stored before the topic
 * was kept are read as telemetry of the listed device.
 */
#include "service/rerun_pg.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/map.h"
#include "ingest/normalise/normalise.h"
#include "ingest/writer/sqlstate.h"
#include "service/migrate_pg.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 200
#define JSON_MAX ((size_t)256 << 20)
/* telemetry.ensure_chunk refuses what is older than 400 days */
#define OLDEST SPAN_DAYS(399)

#define WHICH                                                                                      \
    "r.verdict = 'rejected' AND r.reason <> 'database' "                                           \
    "AND ($1::timestamptz IS NULL OR r.received >= $1::timestamptz) "                              \
    "AND ($2::timestamptz IS NULL OR r.received < $2::timestamptz) "                               \
    "AND ($3::text IS NULL OR j.lane = $3::text) "                                                 \
    "AND ($4::text IS NULL OR r.device = $4::text) "                                               \
    "AND ($5::text IS NULL OR r.reason = $5::text) "

static const char sql_count[] = "SELECT count(DISTINCT (r.src, r.pos)) FROM ops.reject r "
                                "JOIN ops.journal j USING (src) WHERE " WHICH;
static const char sql_run[] = "SELECT nextval('ops.run')";
static const char sql_page[] =
    "WITH page AS (SELECT DISTINCT r.received, r.src, r.pos, j.lane FROM ops.reject r "
    "JOIN ops.journal j USING (src) WHERE " WHICH
    "AND (extract(epoch FROM r.received) * 1000000, r.src, r.pos) > ($6::bigint, $7::integer, "
    "$8::bigint) ORDER BY 1, 2, 3 LIMIT $9::integer) "
    "SELECT DISTINCT ON (p.received, p.src, p.pos) p.src, p.pos, p.lane, "
    "(extract(epoch FROM p.received) * 1000000)::bigint, r.device, r.topic, "
    "coalesce(r.retained, false), r.readings, r.raw FROM page p "
    "LEFT JOIN ops.reject r ON r.src = p.src AND r.pos = p.pos AND r.idx = 0 "
    "AND r.reason <> 'database' ORDER BY p.received, p.src, p.pos, r.committed";
static const char sql_chunk[] =
    "SELECT telemetry.ensure_chunk($1, to_timestamp($2::bigint * 86400))";
static const char sql_rerun[] =
    "SELECT records, readings, mended, turned FROM ops.rerun($1::bigint, $2::integer, "
    "$3::jsonb, $4::jsonb, $5::jsonb)";

struct record {
    int32_t src;
    int64_t pos;
    const char *lane;
    struct message msg;
    bool fresh; /* nothing of it was stored */
    bool take;  /* goes into the step */
    int16_t readings;
    struct decoded said;
};

struct rerun {
    PGconn *pg;
    const struct config *config;
    const struct rerun_options *opt;
    struct rerun_totals *totals;
    struct arena arena; /* of a page */
    struct map chunks;  /* "class day": is there */
    struct record page[PAGE];
    struct instant at; /* where the next page begins: after this */
    int32_t src;
    int64_t pos;
    struct buf records, said, left; /* of a step */
};

static const char *
text_of(struct rerun *rerun, const PGresult *result, int row, int column)
{
    return arena_text(&rerun->arena, view_of(PQgetvalue(result, row, column)));
}

/* For a reject without topic: where its device speaks. "": nobody knows. */
static struct view
topic_of(struct rerun *rerun, const char *code)
{
    const struct device *device = device_find(&rerun->config->devices, view_of(code));
    char topic[512];

    if (device == NULL || device->compound->units[TIER_DISTRICT] == NULL)
        return (struct view){"", 0};
    (void)snprintf(topic, sizeof(topic), "estate/%s/%s/%s/%s/telemetry",
        device->compound->units[TIER_DISTRICT]->id, device->compound->id, device->class->name,
        device->code);
    return arena_copy(&rerun->arena, view_of(topic));
}

static bool
wanted(const struct rerun *rerun, const struct record *record)
{
    const char *profile = rerun->opt->profile;

    return profile == NULL ||
           (record->said.profile != NULL && strcmp(record->said.profile, profile) == 0);
}

static void
understand(struct rerun *rerun, struct record *record)
{
    const struct config *config = rerun->config;
    const struct normalise_options options = {
        .lane = record->lane,
        .classes = config->classes,
        .devices = &config->devices,
        .patterns = config->patterns,
        .n_patterns = config->n_patterns,
    };
    const struct instant oldest = instant_add(rerun->opt->now, SPAN_US(-OLDEST.us));

    /* A payload that was cut cannot be read for what it was. */
    if (record->msg.topic.len == 0 || record->msg.payload.len >= NORMALISE_MAX_PAYLOAD)
        return;
    normalise(&options, &record->msg, &rerun->arena, &record->said);
    if (!wanted(rerun, record))
        return;
    rerun->totals->records++;
    record->take = record->said.verdict == VERDICT_STORED;
    for (size_t i = 0; i < record->said.n_readings; i++) {
        if (instant_cmp(record->said.readings[i].time, oldest) < 0)
            record->take = false;
    }
}

static bool
read_record(struct rerun *rerun, const PGresult *result, int row, struct record *out)
{
    size_t len = 0;
    unsigned char *raw = NULL;

    *out = (struct record){
        .src = (int32_t)strtol(PQgetvalue(result, row, 0), NULL, 10),
        .pos = strtoll(PQgetvalue(result, row, 1), NULL, 10),
        .lane = text_of(rerun, result, row, 2),
        .readings = (int16_t)strtol(PQgetvalue(result, row, 7), NULL, 10),
        .fresh = !PQgetisnull(result, row, 7) && PQgetvalue(result, row, 7)[0] == '0',
    };
    out->msg.received = (struct instant){strtoll(PQgetvalue(result, row, 3), NULL, 10)};
    out->msg.retained = PQgetvalue(result, row, 6)[0] == 't';
    rerun->at = out->msg.received;
    rerun->src = out->src;
    rerun->pos = out->pos;
    if (PQgetisnull(result, row, 8))
        return false;
    raw = PQunescapeBytea((const unsigned char *)PQgetvalue(result, row, 8), &len);
    CHECK(raw != NULL);
    out->msg.payload = arena_copy(&rerun->arena, view_bytes(raw, len));
    PQfreemem(raw);
    out->msg.topic = PQgetisnull(result, row, 5)
                         ? topic_of(rerun, PQgetvalue(result, row, 4))
                         : arena_copy(&rerun->arena, view_of(PQgetvalue(result, row, 5)));
    return true;
}

/* --- a step as JSON ------------------------------------------------------------------------ */

static void
put_value(struct json_writer *json, const struct class *class, const struct field_value *value)
{
    const struct field *field = &class->fields[value->field];

    if (field->type == FIELD_TEXT)
        json_view(json, field->name, value->text);
    else
        json_number(json, field->name, value->number);
}

static void
put_reading(struct rerun *rerun, struct json_writer *json, const struct record *record,
    const struct reading *reading)
{
    const struct decoded *said = &record->said;

    json_object(json, NULL);
    json_text(json, "class", reading->class->name);
    json_view(json, "code", reading->code);
    json_view(json, "compound", reading->compound);
    json_text(json, "lane", record->lane);
    json_bool(json, "fresh", record->fresh);
    json_object(json, "row");
    json_int(json, "device", (int64_t)reading->device);
    json_view(json, "part", reading->part);
    json_instant(json, "time", reading->time);
    json_instant(json, "received", reading->received);
    json_int(json, "src", record->src);
    json_int(json, "pos", record->pos);
    json_int(json, "idx", reading->idx);
    if (said->sequenced) {
        json_int(json, "boot", said->boot);
        json_int(json, "sequence", said->sequence);
    }
    json_int(json, "config", rerun->config->version);
    json_int(json, "suspect", reading->suspect);
    json_bool(json, "server_time", reading->server_time);
    json_bool(json, "under_test", reading->test);
    for (size_t i = 0; i < reading->n_values; i++)
        put_value(json, reading->class, &reading->values[i]);
    json_close(json);
    json_close(json);
}

static void
put_reject(struct json_writer *json, const struct record *record, const struct reject *reject)
{
    struct buf hex;

    buf_init(&hex, 2 * NORMALISE_MAX_PAYLOAD + 2);
    for (size_t i = 0; i < reject->raw.len; i++)
        buf_printf(&hex, "%02x", (unsigned)(unsigned char)reject->raw.ptr[i]);
    json_object(json, NULL);
    json_int(json, "src", record->src);
    json_int(json, "pos", record->pos);
    json_int(json, "idx", reject->idx);
    json_instant(json, "received", record->msg.received);
    json_text(json, "reason", reject->reason);
    json_text(json, "detail", reject->detail);
    json_view(json, "class", reject->class_name);
    json_view(json, "device", reject->code);
    json_view(json, "raw", buf_view(&hex));
    json_view(json, "topic", record->msg.topic);
    json_bool(json, "retained", record->msg.retained);
    json_int(json, "readings", (int64_t)record->said.n_readings);
    json_close(json);
    buf_fini(&hex);
}

static void
put_record(struct rerun *rerun, struct json_writer *records, struct json_writer *said,
    struct json_writer *left, const struct record *record)
{
    json_object(records, NULL);
    json_int(records, "src", record->src);
    json_int(records, "pos", record->pos);
    json_close(records);
    for (size_t i = 0; i < record->said.n_readings; i++)
        put_reading(rerun, said, record, &record->said.readings[i]);
    for (size_t i = 0; i < record->said.n_rejects; i++)
        put_reject(left, record, &record->said.rejects[i]);
}

static void
put_step(struct rerun *rerun, const struct record *first, size_t n)
{
    struct json_writer json[3];
    struct buf *const out[3] = {&rerun->records, &rerun->said, &rerun->left};

    for (size_t i = 0; i < 3; i++) {
        buf_reset(out[i]);
        json_begin(&json[i], out[i]);
        json_array(&json[i], NULL);
    }
    for (size_t i = 0; i < n; i++) {
        if (first[i].take)
            put_record(rerun, &json[0], &json[1], &json[2], &first[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        json_close(&json[i]);
        json_end(&json[i]);
        buf_char(out[i], '\0');
    }
}

/* --- steps --------------------------------------------------------------------------------- */

static bool
ensure_chunk(struct rerun *rerun, const struct reading *reading, struct err *err)
{
    const int64_t day = reading->time.us / SPAN_DAYS(1).us;
    char key[128];
    char text[24];
    const char *params[] = {reading->class->name, text};

    (void)snprintf(key, sizeof(key), "%s %" PRId64, reading->class->name, day);
    if (map_get(&rerun->chunks, view_of(key)) != NULL)
        return true;
    (void)snprintf(text, sizeof(text), "%" PRId64, day);
    PGresult *result = tool_query(rerun->pg, "ensure_chunk", sql_chunk, 2, params, err);

    if (result != NULL)
        (void)map_put(&rerun->chunks, view_of(key), rerun);
    PQclear(result);
    return result != NULL;
}

static bool
ensure_chunks(struct rerun *rerun, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct decoded *said = &rerun->page[i].said;

        for (size_t k = 0; rerun->page[i].take && k < said->n_readings; k++) {
            if (!ensure_chunk(rerun, &said->readings[k], err))
                return false;
        }
    }
    return true;
}

static uint64_t
number(const PGresult *result, int column)
{
    return strtoull(PQgetvalue(result, 0, column), NULL, 10);
}

static bool
send_step(struct rerun *rerun, bool *bad, struct err *err)
{
    struct rerun_totals *totals = rerun->totals;
    char run[24];
    char config[16];
    const char *params[] = {run, config, rerun->records.ptr, rerun->said.ptr, rerun->left.ptr};

    (void)snprintf(run, sizeof(run), "%" PRIu64, totals->run);
    (void)snprintf(config, sizeof(config), "%" PRIu32, rerun->config->version);
    PGresult *result = PQexecParams(rerun->pg, sql_rerun, 5, NULL, params, NULL, NULL, 0);
    const bool ok = PQresultStatus(result) == PGRES_TUPLES_OK;

    if (ok) {
        totals->done += number(result, 0);
        totals->readings += number(result, 1);
        totals->mended += number(result, 2);
        totals->turned += number(result, 3);
    } else {
        const char *why = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

        *bad = sqlstate_decide(PQresultErrorField(result, PG_DIAG_SQLSTATE)) == SQL_QUARANTINE;
        (void)err_set(
            err, ERR_AGAIN, "ops.rerun: %s", why != NULL ? why : PQerrorMessage(rerun->pg));
    }
    PQclear(result);
    return ok;
}

/* All of them, or by halves all but those that the database refuses. */
static bool
step(struct rerun *rerun, struct record *first, size_t n, struct err *err)
{
    bool bad = false;
    size_t taken = 0;

    for (size_t i = 0; i < n; i++)
        taken += first[i].take;
    if (taken == 0)
        return true;
    put_step(rerun, first, n);
    if (send_step(rerun, &bad, err))
        return true;
    if (!bad)
        return false;
    if (n > 1)
        return step(rerun, first, n / 2, err) && step(rerun, first + n / 2, n - n / 2, err);
    rerun->totals->refused++;
    (void)snprintf(rerun->totals->why, sizeof(rerun->totals->why), "%.159s", err->text);
    *err = (struct err){0};
    return true;
}

static void
which_params(const struct rejects_options *which, const char *params[5])
{
    params[0] = which->since;
    params[1] = which->until;
    params[2] = which->lane;
    params[3] = which->device;
    params[4] = which->reason;
}

/* *n: records of the page; 0: that was all. */
static bool
page(struct rerun *rerun, int *n, struct err *err)
{
    char texts[4][24];
    const char *params[9] = {[5] = texts[0], texts[1], texts[2], texts[3]};

    which_params(rerun->opt->which, params);
    (void)snprintf(texts[0], sizeof(texts[0]), "%" PRId64, rerun->at.us);
    (void)snprintf(texts[1], sizeof(texts[1]), "%" PRId32, rerun->src);
    (void)snprintf(texts[2], sizeof(texts[2]), "%" PRId64, rerun->pos);
    (void)snprintf(texts[3], sizeof(texts[3]), "%d", PAGE);
    PGresult *result = tool_query(rerun->pg, "ops.reject", sql_page, 9, params, err);

    if (result == NULL)
        return false;
    *n = PQntuples(result);
    arena_reset(&rerun->arena);
    for (int i = 0; i < *n; i++) {
        if (read_record(rerun, result, i, &rerun->page[i]))
            understand(rerun, &rerun->page[i]);
    }
    PQclear(result);
    return ensure_chunks(rerun, (size_t)*n, err) && step(rerun, rerun->page, (size_t)*n, err);
}

static bool
one_number(PGconn *pg, const char *sql, int n_params, const char *const *params, uint64_t *out,
    struct err *err)
{
    PGresult *result = tool_query(pg, "ops.reject", sql, n_params, params, err);

    if (result == NULL)
        return false;
    *out = number(result, 0);
    PQclear(result);
    return true;
}

bool
rerun_run(PGconn *pg, const struct config *config, const struct rerun_options *opt,
    void (*progress)(void *arg, uint64_t done, uint64_t all), void *arg, struct rerun_totals *out,
    struct err *err)
{
    struct rerun *rerun = mem_zalloc(1, sizeof(*rerun));
    const char *params[5];
    uint64_t all = 0;
    uint64_t done = 0;
    int n = PAGE;

    *out = (struct rerun_totals){0};
    *rerun = (struct rerun){.pg = pg, .config = config, .opt = opt, .totals = out};
    rerun->at = (struct instant){INT64_MIN};
    arena_init(&rerun->arena);
    map_init(&rerun->chunks);
    buf_init(&rerun->records, JSON_MAX);
    buf_init(&rerun->said, JSON_MAX);
    buf_init(&rerun->left, JSON_MAX);
    which_params(opt->which, params);
    bool ok = one_number(pg, sql_count, 5, params, &all, err) &&
              (all == 0 || one_number(pg, sql_run, 0, NULL, &out->run, err));

    while (ok && all > 0 && n == PAGE) {
        ok = page(rerun, &n, err);
        done += (uint64_t)n;
        progress(arg, done, all);
    }
    buf_fini(&rerun->records);
    buf_fini(&rerun->said);
    buf_fini(&rerun->left);
    map_fini(&rerun->chunks);
    arena_fini(&rerun->arena);
    free(rerun);
    return ok;
}
