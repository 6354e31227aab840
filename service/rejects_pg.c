#include "service/rejects_pg.h"

#include "service/migrate_pg.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char sql_rejects[] =
    "SELECT to_char(received AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), lane, "
    "reason, class, device, detail, pos, idx, bytes, verdict FROM ("
    "SELECT r.received, j.lane, r.reason, r.class, r.device, r.detail, r.src, r.pos, r.idx, "
    "length(r.raw) AS bytes, r.verdict FROM ops.reject r JOIN ops.journal j USING (src) "
    "WHERE ($1::timestamptz IS NULL OR r.received >= $1::timestamptz) "
    "AND ($2::timestamptz IS NULL OR r.received < $2::timestamptz) "
    "AND ($3::text IS NULL OR j.lane = $3::text) "
    "AND ($4::text IS NULL OR r.device = $4::text) "
    "AND ($5::text IS NULL OR r.reason = $5::text) "
    "ORDER BY r.received DESC, r.src DESC, r.pos DESC, r.idx DESC LIMIT $6::bigint) newest "
    "ORDER BY received, src, pos, idx";

bool
rejects_run(PGconn *pg, const struct rejects_options *opt,
    void (*row)(void *arg, const struct reject_row *row), void *arg, struct err *err)
{
    char limit[24];
    const char *params[] = {opt->since, opt->until, opt->lane, opt->device, opt->reason, limit};

    (void)snprintf(limit, sizeof(limit), "%" PRId64, opt->limit);
    PGresult *result = tool_query(pg, "ops.reject", sql_rejects, 6, params, err);

    for (int i = 0; result != NULL && i < PQntuples(result); i++) {
        row(arg, &(struct reject_row){
                     .at = PQgetvalue(result, i, 0),
                     .lane = PQgetvalue(result, i, 1),
                     .reason = PQgetvalue(result, i, 2),
                     .class_name = PQgetvalue(result, i, 3),
                     .device = PQgetvalue(result, i, 4),
                     .detail = PQgetvalue(result, i, 5),
                     .pos = strtoll(PQgetvalue(result, i, 6), NULL, 10),
                     .idx = (int32_t)strtol(PQgetvalue(result, i, 7), NULL, 10),
                     .bytes = strtoll(PQgetvalue(result, i, 8), NULL, 10),
                     .rerun = strcmp(PQgetvalue(result, i, 9), "rerun") == 0,
                 });
    }
    const bool ok = result != NULL;

    PQclear(result);
    return ok;
}
