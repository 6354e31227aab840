/* storage: what the readings and their roll-ups take, and how far these are. */
#include "base/io/fs_posix.h"
#include "base/json.h"
#include "config/config.h"
#include "service/commands.h"
#include "service/configured.h"
#include "service/migrate_pg.h"
#include "service/options.h"
#include "service/report_config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_MAX ((size_t)4 << 20)

static const char sql_tables[] =
    "SELECT class, level, chunks, table_bytes, index_bytes, rows FROM ops.storage ORDER BY class, "
    "array_position(ARRAY['reading', 'minute', 'hour', 'day'], level)";
/* Over for 15 s and more, and still not rolled up: how many buckets, and how long the oldest. */
static const char sql_waiting[] =
    "SELECT count(DISTINCT (level, class, time)), count(DISTINCT (level, class, time)) FILTER "
    "(WHERE over), coalesce(extract(epoch FROM max(now() - time - rollup.width(level)) FILTER "
    "(WHERE over)), 0)::bigint FROM (SELECT *, time + rollup.width(level) <= now() - "
    "interval '15 seconds' AS over FROM ops.touched) AS t";

/* Bytes per reading: fresh, older than a week, packed. */
static const char sql_ages[] =
    "SELECT class, age, chunks, bytes, rows FROM ops.storage_age "
    "ORDER BY class, array_position(ARRAY['fresh', 'old', 'packed'], age)";
/* What goes or is packed within so many days. */
static const char sql_plan[] =
    "SELECT to_char(due AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI\"Z\"'), what, class, level, "
    "to_char(low AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI\"Z\"'), bytes, rows, due <= now(), "
    "name "
    "FROM ops.storage_plan WHERE due < now() + $1::integer * interval '1 day' "
    "ORDER BY due, class, level, low";

struct row {
    const char *class, *level;
    int64_t chunks, table, index, rows;
};

static struct row
row_at(const PGresult *result, int i)
{
    return (struct row){PQgetvalue(result, i, 0), PQgetvalue(result, i, 1),
        strtoll(PQgetvalue(result, i, 2), NULL, 10), strtoll(PQgetvalue(result, i, 3), NULL, 10),
        strtoll(PQgetvalue(result, i, 4), NULL, 10), strtoll(PQgetvalue(result, i, 5), NULL, 10)};
}

static void
print_text(const PGresult *tables, const PGresult *waiting, enum lang lang)
{
    const bool zh = lang == LANG_ZH;

    (void)printf("%-14s %-8s %7s %12s %12s %12s %10s\n", zh ? "class 类别" : "class",
        zh ? "level 级别" : "level", "chunks", "rows", "table MiB", "index MiB", "bytes/row");
    for (int i = 0; i < PQntuples(tables); i++) {
        const struct row row = row_at(tables, i);

        (void)printf("%-14s %-8s %7" PRId64 " %12" PRId64 " %12.1f %12.1f", row.class, row.level,
            row.chunks, row.rows, (double)row.table / 1048576, (double)row.index / 1048576);
        if (row.rows > 0)
            (void)printf(" %10.0f", (double)(row.table + row.index) / (double)row.rows);
        (void)printf("\n");
    }
    (void)printf(zh ? "待汇总 %s 个时段，其中 %s 个已结束，最早的已等待 %s 秒；行数为最近一次统计\n"
                    : "%s buckets to roll up, %s of them over, the oldest for %s s; rows are as "
                      "last analysed\n",
        PQgetvalue(waiting, 0, 0), PQgetvalue(waiting, 0, 1), PQgetvalue(waiting, 0, 2));
}

static void
print_ages(const PGresult *ages, enum lang lang)
{
    static const char *const words[2][3] = {
        {"一周内", "一周以前", "已压缩"}, {"fresh", "a week old", "packed"}};
    static const char *const names[3] = {"fresh", "old", "packed"};

    for (int i = 0; i < PQntuples(ages); i++) {
        const double rows = strtod(PQgetvalue(ages, i, 4), NULL);
        const char *word = PQgetvalue(ages, i, 1);

        for (size_t k = 0; k < ARRAY_LEN(names); k++) {
            if (strcmp(word, names[k]) == 0)
                word = words[lang == LANG_ZH ? 0 : 1][k];
        }
        if (rows > 0) {
            (void)printf(lang == LANG_ZH ? "%-14s %s: 每条读数 %.0f 字节\n"
                                         : "%-14s %s: %.0f bytes per reading\n",
                PQgetvalue(ages, i, 0), word, strtod(PQgetvalue(ages, i, 3), NULL) / rows);
        }
    }
}

static void
print_plan(const PGresult *plan, enum lang lang)
{
    const bool zh = lang == LANG_ZH;
    double dropped = 0;

    for (int i = 0; i < PQntuples(plan); i++) {
        const bool drop = strcmp(PQgetvalue(plan, i, 1), "drop") == 0;
        const double bytes = strtod(PQgetvalue(plan, i, 5), NULL);

        (void)printf("%s%s %-6s %-14s %-8s %s %10.1f MiB %12s\n", PQgetvalue(plan, i, 0),
            PQgetvalue(plan, i, 7)[0] == 't' ? "!" : " ",
            !zh    ? PQgetvalue(plan, i, 1)
            : drop ? "删除"
                   : "压缩",
            PQgetvalue(plan, i, 2), PQgetvalue(plan, i, 3), PQgetvalue(plan, i, 4), bytes / 1048576,
            PQgetvalue(plan, i, 6));
        dropped += drop ? bytes : 0;
    }
    (void)printf(zh ? "共 %d 项，将删除 %.1f MiB；! 表示已到期，等待执行\n"
                    : "%d steps, %.1f MiB would go; !: due now, the keeper of a lane does it\n",
        PQntuples(plan), dropped / 1048576);
}

static void
put_ages(struct json_writer *json, const PGresult *ages)
{
    json_array(json, "ages");
    for (int i = 0; i < PQntuples(ages); i++) {
        json_object(json, NULL);
        json_text(json, "class", PQgetvalue(ages, i, 0));
        json_text(json, "age", PQgetvalue(ages, i, 1));
        json_int(json, "chunks", strtoll(PQgetvalue(ages, i, 2), NULL, 10));
        json_int(json, "bytes", strtoll(PQgetvalue(ages, i, 3), NULL, 10));
        json_int(json, "rows", strtoll(PQgetvalue(ages, i, 4), NULL, 10));
        json_close(json);
    }
    json_close(json);
}

static void
print_plan_json(const PGresult *plan)
{
    static const char *const names[] = {"due", "what", "class", "level", "low"};
    struct json_writer json;
    struct buf out;

    buf_init(&out, JSON_MAX);
    json_begin(&json, &out);
    json_object(&json, NULL);
    json_array(&json, "plan");
    for (int i = 0; i < PQntuples(plan); i++) {
        json_object(&json, NULL);
        for (size_t k = 0; k < ARRAY_LEN(names); k++)
            json_text(&json, names[k], PQgetvalue(plan, i, (int)k));
        json_int(&json, "bytes", strtoll(PQgetvalue(plan, i, 5), NULL, 10));
        json_int(&json, "rows", strtoll(PQgetvalue(plan, i, 6), NULL, 10));
        json_bool(&json, "due_now", PQgetvalue(plan, i, 7)[0] == 't');
        json_text(&json, "chunk", PQgetvalue(plan, i, 8));
        json_close(&json);
    }
    json_close(&json);
    json_close(&json);
    json_end(&json);
    (void)printf("%.*s\n", VIEW_ARG(buf_view(&out)));
    buf_fini(&out);
}

static void
print_json(const PGresult *tables, const PGresult *waiting, const PGresult *ages)
{
    struct json_writer json;
    struct buf out;

    buf_init(&out, JSON_MAX);
    json_begin(&json, &out);
    json_object(&json, NULL);
    put_ages(&json, ages);
    json_int(&json, "oldest_s", strtoll(PQgetvalue(waiting, 0, 2), NULL, 10));
    json_int(&json, "over", strtoll(PQgetvalue(waiting, 0, 1), NULL, 10));
    json_array(&json, "tables");
    for (int i = 0; i < PQntuples(tables); i++) {
        const struct row row = row_at(tables, i);

        json_object(&json, NULL);
        json_int(&json, "bytes", row.table + row.index);
        json_int(&json, "chunks", row.chunks);
        json_text(&json, "class", row.class);
        json_int(&json, "index_bytes", row.index);
        json_text(&json, "level", row.level);
        json_int(&json, "rows", row.rows);
        json_close(&json);
    }
    json_close(&json);
    json_int(&json, "waiting", strtoll(PQgetvalue(waiting, 0, 0), NULL, 10));
    json_close(&json);
    json_end(&json);
    (void)printf("%.*s\n", VIEW_ARG(buf_view(&out)));
    buf_fini(&out);
}

static bool
show(PGconn *pg, bool as_json, enum lang lang, struct err *err)
{
    PGresult *tables = tool_query(pg, "ops.storage", sql_tables, 0, NULL, err);
    PGresult *ages = tables == NULL ? NULL : tool_query(pg, "ages", sql_ages, 0, NULL, err);
    PGresult *waiting = ages == NULL ? NULL : tool_query(pg, "touched", sql_waiting, 0, NULL, err);
    const bool ok = waiting != NULL;

    if (ok && as_json) {
        print_json(tables, waiting, ages);
    } else if (ok) {
        print_text(tables, waiting, lang);
        print_ages(ages, lang);
    }
    PQclear(tables);
    PQclear(ages);
    PQclear(waiting);
    return ok;
}

static bool
show_plan(PGconn *pg, int64_t days, bool as_json, enum lang lang, struct err *err)
{
    char text[24];
    const char *params[] = {text};

    (void)snprintf(text, sizeof(text), "%" PRId64, days);
    PGresult *plan = tool_query(pg, "ops.storage_plan", sql_plan, 1, params, err);

    if (plan == NULL)
        return false;
    if (as_json)
        print_plan_json(plan);
    else
        print_plan(plan, lang);
    PQclear(plan);
    return true;
}

struct ask {
    bool plan, json;
    int64_t days;
    enum lang lang;
};

static int
storage(const struct config *config, const struct ask *ask)
{
    struct err err = {0};
    PGconn *pg = tool_connect(config->database, config->database_password_file, &err);
    bool ok = pg != NULL && tool_check_schema(pg, &err);

    if (ok) {
        ok = ask->plan ? show_plan(pg, ask->days, ask->json, ask->lang, &err)
                       : show(pg, ask->json, ask->lang, &err);
    }
    if (!ok)
        (void)fprintf(stderr, "wallwatch storage: %s\n", err.text);
    PQfinish(pg);
    return ok ? EXIT_FINE : EXIT_FOUND;
}

int
cmd_storage(int argc, char **argv)
{
    const char *dir = CONFIG_DIR_DEFAULT;
    const char *lang_name = NULL;
    const char *days = "30";
    const char *args[1];
    struct config *config;
    struct ask ask = {0};
    int n_args;
    int code;
    const struct option_row rows[] = {
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")", &dir,
            NULL},
        {"days", "N", "with --plan: so many days ahead (default 30)", &days, NULL},
        {"json", NULL, "print JSON", NULL, &ask.json},
        {"lang", "LANG", "zh or en (default: the environment's)", &lang_name, NULL},
        {"plan", NULL, "what goes or is packed by policy, when, and how many bytes", NULL,
            &ask.plan},
    };
    const struct usage usage = {"storage", "",
        "Shows what readings and roll-ups take by class, level and age, and what waits to be\n"
        "rolled up; with --plan what the keeper of a lane will drop or pack, and when.",
        rows, ARRAY_LEN(rows), 0, 0};

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    if (!report_config_lang("storage", lang_name, &ask.lang) ||
        !options_number("storage", "days", days, 0, 4000, &ask.days))
        return EXIT_USAGE;
    if (!configured_read(dir, NULL, &config))
        return EXIT_FOUND;
    code = EXIT_FOUND;
    if (config->database == NULL)
        (void)fprintf(stderr, "wallwatch storage: site.yaml names no database\n");
    else
        code = storage(config, &ask);
    config_unref(config);
    return code;
}
