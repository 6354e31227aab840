/* The simulator's ledger against the rows: what the broker answered for is there exactly once. */
#include "base/check.h"
#include "base/instant.h"
#include "base/map.h"
#include "model/device.h"
#include "service/audit_pg.h"
#include "service/migrate_pg.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#define LINE_MAX_BYTES ((size_t)64 * 1024)

static const char sql_messages[] =
    "SELECT device, boot, sequence, records, rows FROM ops.audit_messages($1::timestamptz)";

struct key {
    uint64_t device;
    int64_t boot, sequence;
};

struct found {
    uint64_t records, rows;
};

void
audit_sent_fini(struct audit_sent *sent)
{
    VEC_FREE(&sent->findings);
}

static void
add_row(const PGresult *result, struct map *rows, struct arena *arena)
{
    struct key key = {
        .device = strtoull(PQgetvalue(result, 0, 0), NULL, 10),
        .boot = strtoll(PQgetvalue(result, 0, 1), NULL, 10),
        .sequence = strtoll(PQgetvalue(result, 0, 2), NULL, 10),
    };
    struct found *found = ARENA_NEW(arena, struct found);

    found->records = strtoull(PQgetvalue(result, 0, 3), NULL, 10);
    found->rows = strtoull(PQgetvalue(result, 0, 4), NULL, 10);
    (void)map_put(rows, view_bytes(&key, sizeof(key)), found);
}

/* Row by row: the answer may be larger than memory should hold twice. */
static bool
read_rows(PGconn *pg, struct instant since, struct map *rows, struct arena *arena, struct err *err)
{
    char text[INSTANT_TEXT_BYTES];
    const char *params[] = {instant_text(since, text)};
    bool ok = PQsendQueryParams(pg, sql_messages, 1, NULL, params, NULL, NULL, 0) == 1 &&
              PQsetSingleRowMode(pg) == 1;
    PGresult *result;

    while ((result = PQgetResult(pg)) != NULL) {
        if (PQresultStatus(result) == PGRES_SINGLE_TUPLE)
            add_row(result, rows, arena);
        else if (PQresultStatus(result) != PGRES_TUPLES_OK)
            ok = false;
        PQclear(result);
    }
    return ok || err_set(err, ERR_IO, "ops.audit_messages: %s", PQerrorMessage(pg));
}

static const char *
text_of(const cJSON *line, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(line, key);

    return cJSON_IsString(item) ? item->valuestring : NULL;
}

static double
number_of(const cJSON *line, const char *key, double otherwise)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(line, key);

    return cJSON_IsNumber(item) ? item->valuedouble : otherwise;
}

static void
find(struct audit_sent *sent, const char *kind, const cJSON *line, uint64_t times)
{
    if (sent->findings.len >= 2 * (size_t)AUDIT_NAMED)
        return;
    struct audit_finding *finding = VEC_PUSH(&sent->findings);
    const char *device = text_of(line, "device");
    const char *at = text_of(line, "sent");

    finding->kind = kind;
    (void)snprintf(finding->text, sizeof(finding->text),
        "%s: boot %.0f, sequence %.0f, sent %s: in %" PRIu64 " records",
        device != NULL ? device : "?", number_of(line, "boot", -1), number_of(line, "seq", -1),
        at != NULL ? at : "?", times);
}

static void
check_line(struct audit_sent *sent, const cJSON *line, const struct map *rows)
{
    const double answer = number_of(line, "answer", -1);
    const char *device = text_of(line, "device");
    const bool answered = answer >= 0 && answer < 128;

    sent->lines++;
    if (text_of(line, "bad") != NULL || device == NULL) {
        sent->bad++;
        return;
    }
    const struct key key = {
        .device = device_key(view_of(device)),
        .boot = (int64_t)number_of(line, "boot", -1),
        .sequence = (int64_t)number_of(line, "seq", -1),
    };
    const struct found *found = map_get(rows, view_bytes(&key, sizeof(key)));

    sent->answered += answered;
    sent->unanswered += !answered;
    if (found == NULL && answered) {
        sent->lost++;
        find(sent, "lost", line, 0);
    } else if (found != NULL && found->records > 1) {
        sent->doubled++;
        find(sent, "doubled", line, found->records);
    } else if (found != NULL) {
        sent->found++;
        sent->short_rows += found->rows < (uint64_t)number_of(line, "parts", 0);
    }
}

/* Calls each with the lines that are objects; a torn last line is passed over. */
static bool
each_line(const char *path, void (*each)(void *arg, const cJSON *line), void *arg, struct err *err)
{
    FILE *file = fopen(path, "re");
    char *text = mem_alloc(LINE_MAX_BYTES);

    while (file != NULL && fgets(text, LINE_MAX_BYTES, file) != NULL) {
        cJSON *line = cJSON_Parse(text);

        if (cJSON_IsObject(line))
            each(arg, line);
        cJSON_Delete(line);
    }
    free(text);
    if (file == NULL)
        return err_set(err, ERR_GONE, "--ledger: '%s' cannot be read", path);
    (void)fclose(file);
    return true;
}

static void
note_earliest(void *arg, const cJSON *line)
{
    struct instant *earliest = arg;
    struct instant at;
    const char *text = text_of(line, "sent");

    if (text != NULL && instant_parse(view_of(text), &at))
        *earliest = instant_min(*earliest, at);
}

struct checking {
    struct audit_sent *sent;
    const struct map *rows;
};

static void
check_each(void *arg, const cJSON *line)
{
    const struct checking *checking = arg;

    check_line(checking->sent, line, checking->rows);
}

bool
audit_sent_run(PGconn *pg, const char *path, struct audit_sent *sent, struct err *err)
{
    struct instant earliest = INSTANT_NEVER;
    struct checking checking = {.sent = sent};
    struct arena arena;
    struct map rows;

    if (!each_line(path, note_earliest, &earliest, err))
        return false;
    if (earliest.us == INSTANT_NEVER.us)
        return err_set(
            err, ERR_INPUT, "--ledger: '%s' has no line that tells when it was sent", path);
    arena_init(&arena);
    map_init(&rows);
    checking.rows = &rows;
    /* the lane's clock may differ a little from the simulator's */
    const bool ok = read_rows(pg, instant_add(earliest, SPAN_MIN(-60)), &rows, &arena, err) &&
                    each_line(path, check_each, &checking, err);

    map_fini(&rows);
    arena_fini(&arena);
    return ok;
}
