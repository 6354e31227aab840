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
        zh ? "level 级别" : "level", zh ? "chunks" : "chunks", "rows", "table MiB", "index MiB",
        "bytes/row");
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
print_json(const PGresult *tables, const PGresult *waiting)
{
    struct json_writer json;
    struct buf out;

    buf_init(&out, JSON_MAX);
    json_begin(&json, &out);
    json_object(&json, NULL);
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

static int
storage(const struct config *config, bool as_json, enum lang lang)
{
    struct err err = {0};
    PGconn *pg = tool_connect(config->database, config->database_password_file, &err);
    PGresult *tables = NULL;
    PGresult *waiting = NULL;
    bool ok = pg != NULL && tool_check_schema(pg, &err);

    if (ok)
        tables = tool_query(pg, "ops.storage", sql_tables, 0, NULL, &err);
    if (tables != NULL)
        waiting = tool_query(pg, "ops.touched", sql_waiting, 0, NULL, &err);
    ok = waiting != NULL;
    if (!ok)
        (void)fprintf(stderr, "wallwatch storage: %s\n", err.text);
    else if (as_json)
        print_json(tables, waiting);
    else
        print_text(tables, waiting, lang);
    PQclear(tables);
    PQclear(waiting);
    PQfinish(pg);
    return ok ? EXIT_FINE : EXIT_FOUND;
}

int
cmd_storage(int argc, char **argv)
{
    const char *dir = CONFIG_DIR_DEFAULT;
    const char *lang_name = NULL;
    const char *args[1];
    struct config *config;
    bool as_json = false;
    enum lang lang;
    int n_args;
    int code;
    const struct option_row rows[] = {
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")", &dir,
            NULL},
        {"json", NULL, "print JSON", NULL, &as_json},
        {"lang", "LANG", "zh or en (default: the environment's)", &lang_name, NULL},
    };
    const struct usage usage = {"storage", "",
        "Shows what readings and roll-ups take by class and level, and what waits to be rolled up.",
        rows, ARRAY_LEN(rows), 0, 0};

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    if (!report_config_lang("storage", lang_name, &lang))
        return EXIT_USAGE;
    if (!configured_read(dir, NULL, &config))
        return EXIT_FOUND;
    code = EXIT_FOUND;
    if (config->database == NULL)
        (void)fprintf(stderr, "wallwatch storage: site.yaml names no database\n");
    else
        code = storage(config, as_json, lang);
    config_unref(config);
    return code;
}
