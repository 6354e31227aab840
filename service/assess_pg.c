#include "service/assess_pg.h"

#include "service/migrate_pg.h"

#include <stdlib.h>
#include <string.h>

/* A case that was opened by a night's report is no case of its own; the database's clock has no say
 * in what is counted. */
static const char sql_cases[] =
    "SELECT alert, rule, coalesce(class, ''), coalesce(subject, ''), coalesce(compound, ''), "
    "coalesce(title_zh, ''), coalesce(title_en, ''), coalesce(point, ''), coalesce(station, ''), "
    "coalesce(subdistrict, ''), coalesce(district, ''), severity, "
    "coalesce(body->>'parent', '') <> '', coalesce(body->>'maintenance', '') = 'true' "
    "FROM alerting.case WHERE opened >= $1::timestamptz AND opened < $2::timestamptz "
    "AND ($3 = '' OR $3 IN (point, station, subdistrict, district)) "
    "ORDER BY opened, alert COLLATE \"C\"";
static const char sql_events[] =
    "SELECT e.alert, (extract(epoch FROM e.at) * 1000000)::bigint, e.event, coalesce(e.who, ''), "
    "coalesce(e.body#>>'{snapshot,state}', ''), coalesce(e.body#>>'{snapshot,tier}', ''), "
    "coalesce(e.body#>>'{snapshot,loop}', ''), coalesce(e.body->>'order', ''), "
    "coalesce(e.body->>'order_state', ''), coalesce(e.body->>'centre', ''), "
    "coalesce((extract(epoch FROM (e.body->>'began')::timestamptz) * 1000000)::bigint, 0), "
    "coalesce(e.body->>'by_s', '0') FROM alerting.event e JOIN alerting.case c ON c.alert = "
    "e.alert WHERE c.opened >= $1::timestamptz AND c.opened < $2::timestamptz "
    "AND ($3 = '' OR $3 IN (c.point, c.station, c.subdistrict, c.district)) "
    "AND e.at <= $4::timestamptz AND e.event NOT IN ('delivered', 'failed', 'never', 'comment') "
    "ORDER BY e.lane, e.n";

struct reading_in {
    const struct config *config;
    struct arena *arena;
    struct map by_id;
};

static const char *
text_at(const struct reading_in *in, const PGresult *result, int row, int column)
{
    return arena_text(in->arena,
        view_bytes(PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)));
}

static int64_t
number_at(const PGresult *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

static void
read_case(struct reading_in *in, const PGresult *result, int row, struct assess_case *it)
{
    const struct rule *rule;

    it->id = text_at(in, result, row, 0);
    it->rule = text_at(in, result, row, 1);
    it->class_name = text_at(in, result, row, 2);
    it->subject = text_at(in, result, row, 3);
    it->compound = text_at(in, result, row, 4);
    it->title = (struct words){text_at(in, result, row, 5), text_at(in, result, row, 6)};
    for (int tier = 0; tier < TIER_COUNT; tier++)
        it->units[tier] = text_at(in, result, row, 7 + tier);
    if (!severity_parse(view_of(PQgetvalue(result, row, 11)), &it->severity))
        it->severity = SEVERITY_BLUE;
    it->folded = PQgetvalue(result, row, 12)[0] == 't';
    it->muted = PQgetvalue(result, row, 13)[0] == 't';
    it->own = it->compound[0] == '\0' || strcmp(it->rule, "night-report") == 0;
    rule = rule_find(&in->config->rules, view_of(it->rule));
    if (rule != NULL)
        it->rule_for = rule->for_;
    history_begin(it);
    map_put(&in->by_id, view_of(it->id), it);
}

static void
read_event(struct reading_in *in, const PGresult *result, int row)
{
    struct assess_case *it = map_get(&in->by_id, view_of(PQgetvalue(result, row, 0)));
    const struct assess_event event = {
        .at = {number_at(result, row, 1)},
        .verb = PQgetvalue(result, row, 2),
        .who = PQgetvalue(result, row, 3),
        .state = PQgetvalue(result, row, 4),
        .tier = PQgetvalue(result, row, 5),
        .loop = PQgetvalue(result, row, 6),
        .order = text_at(in, result, row, 7),
        .order_state = PQgetvalue(result, row, 8),
        .centre = text_at(in, result, row, 9),
        .began = {number_at(result, row, 10)},
        .by = SPAN_S(number_at(result, row, 11)),
    };

    if (it != NULL)
        history_add(it, &event);
}

bool
assess_read(PGconn *pg, const struct config *config, const struct assess_ask *ask,
    struct arena *arena, struct assess_case **cases, size_t *n, struct err *err)
{
    struct reading_in in = {.config = config, .arena = arena};
    char from[INSTANT_TEXT_BYTES];
    char to[INSTANT_TEXT_BYTES];
    char as_of[INSTANT_TEXT_BYTES];
    const char *params[] = {instant_text(ask->from, from), instant_text(ask->to, to), ask->unit,
        instant_text(ask->as_of, as_of)};
    PGresult *found = tool_query(pg, "alerting.case", sql_cases, 3, params, err);
    PGresult *events =
        found == NULL ? NULL : tool_query(pg, "alerting.event", sql_events, 4, params, err);

    if (events == NULL) {
        PQclear(found);
        return false;
    }
    map_init(&in.by_id);
    *n = (size_t)PQntuples(found);
    *cases = mem_zalloc(*n + 1, sizeof(**cases));
    for (size_t i = 0; i < *n; i++)
        read_case(&in, found, (int)i, &(*cases)[i]);
    for (int i = 0; i < PQntuples(events); i++)
        read_event(&in, events, i);
    for (size_t i = 0; i < *n; i++)
        assess_due(&(*cases)[i], &config->targets, &config->grid.calendar);
    map_fini(&in.by_id);
    PQclear(found);
    PQclear(events);
    return true;
}

void
assess_free(struct assess_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        history_fini(&cases[i]);
    free(cases);
}
