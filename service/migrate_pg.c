#include "service/migrate_pg.h"

#include "base/arena.h"
#include "base/digest.h"
#include "base/io/schema.h"
#include "base/json.h"
#include "ingest/normalise/profile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_MAX ((size_t)256 * 1024 * 1024) /* grid.load of about a million devices */

static const char sql_settings[] = "SELECT set_config('lock_timeout', '2s', false), "
                                   "set_config('client_min_messages', 'warning', false)";
static const char sql_has_table[] = "SELECT to_regclass('ops.migration') IS NOT NULL";
static const char sql_version[] = "SELECT coalesce(max(version), 0) FROM ops.migration";
static const char sql_applied[] =
    "SELECT version, name, checksum FROM ops.migration ORDER BY version";
static const char sql_record[] =
    "INSERT INTO ops.migration (version, name, checksum) VALUES ($1, $2, $3)";
static const char sql_driver[] = "SELECT ops.choose_driver($1)";
static const char sql_class[] = "SELECT telemetry.ensure_class($1, $2, $3)";
static const char sql_rollup[] =
    "SELECT rollup.ensure_class($1, $2::bigint * interval '1 microsecond', $3)";
static const char sql_policy[] = "SELECT ops.ensure_policy($1, $2, $3)";
static const char sql_grid[] = "SELECT grid.load($1, $2, $3)";

/* --- tools --------------------------------------------------------------------------------- */

static const char *
server_words(const PGconn *pg, const PGresult *result, char *out, size_t size)
{
    const char *text = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *hint = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);

    if (text == NULL)
        text = PQerrorMessage(pg);
    const int len = (int)strcspn(text, "\n");

    (void)snprintf(
        out, size, "%.*s%s%s", len, text, hint != NULL ? "\nhint: " : "", hint != NULL ? hint : "");
    return out;
}

PGconn *
tool_connect(const char *conninfo, const char *password_file, struct err *err)
{
    char password[1024] = "";
    char words[512];

    if (password_file != NULL) {
        FILE *file = fopen(password_file, "re");

        if (file == NULL || fgets(password, sizeof(password), file) == NULL) {
            if (file != NULL)
                (void)fclose(file);
            (void)err_set(err, ERR_CONFIG,
                "database: password file '%s' cannot be read\nhint: Put the password into its "
                "first line, and let this user read it.",
                password_file);
            return NULL;
        }
        (void)fclose(file);
        password[strcspn(password, "\r\n")] = '\0';
    }
    const char *keys[] = {"connect_timeout", "dbname", "application_name", "client_encoding",
        password_file != NULL ? "password" : NULL, NULL};
    const char *values[] = {"10", conninfo, "wallwatch", "UTF8", password, NULL};
    PGconn *pg = PQconnectdbParams(keys, values, 1);

    explicit_bzero(password, sizeof(password));
    CHECK(pg != NULL);
    if (PQstatus(pg) == CONNECTION_OK)
        return pg;
    (void)err_set(err, ERR_AGAIN, "database '%s': %s", conninfo,
        server_words(pg, NULL, words, sizeof(words)));
    PQfinish(pg);
    return NULL;
}

PGresult *
tool_query(PGconn *pg, const char *what, const char *sql, int n_params, const char *const *params,
    struct err *err)
{
    /* PQexec for what has no parameters: a file holds many statements */
    PGresult *result = n_params == 0 ? PQexec(pg, sql)
                                     : PQexecParams(pg, sql, n_params, NULL, params, NULL, NULL, 0);
    const ExecStatusType status = PQresultStatus(result);
    char words[512];

    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return result;
    (void)err_set(err, ERR_CONFIG, "%s: %s", what, server_words(pg, result, words, sizeof(words)));
    PQclear(result);
    return NULL;
}

static bool
run(PGconn *pg, const char *what, const char *sql, struct err *err)
{
    PGresult *result = tool_query(pg, what, sql, 0, NULL, err);

    PQclear(result);
    return result != NULL;
}

static bool
read_number(PGconn *pg, const char *sql, uint32_t *out, struct err *err)
{
    PGresult *result = tool_query(pg, "ops.migration", sql, 0, NULL, err);

    if (result == NULL)
        return false;
    const char *text = PQgetvalue(result, 0, 0);

    *out = text[0] == 't' ? 1 : (uint32_t)strtoul(text, NULL, 10);
    PQclear(result);
    return true;
}

bool
tool_check_schema(PGconn *pg, struct err *err)
{
    uint32_t there = 0;
    uint32_t version = 0;

    if (!read_number(pg, sql_has_table, &there, err) ||
        (there == 1 && !read_number(pg, sql_version, &version, err)))
        return false;
    if (version < schema_version) {
        return err_set(err, ERR_CONFIG,
            "database: the schema is at version %" PRIu32 ", this program needs %" PRIu32
            "\nhint: Run wallwatch migrate.",
            version, schema_version);
    }
    if (version > schema_version) {
        return err_set(err, ERR_CONFIG,
            "database: the schema is at version %" PRIu32 ", this program knows only %" PRIu32
            "\nhint: Install the newer program; a schema never goes back.",
            version, schema_version);
    }
    return true;
}

/* --- the numbered files -------------------------------------------------------------------- */

static const char *
checksum(const struct schema_file *file, char *out)
{
    const struct digest digest = digest_of(file->sql);

    return digest_hex(&digest, DIGEST_BYTES, out);
}

/* What is there must be the beginning of what we have. *next: the first that is missing. */
static bool
compare_applied(PGconn *pg, size_t *next, struct err *err)
{
    uint32_t there = 0;
    char sum[2 * DIGEST_BYTES + 1];

    *next = 0;
    if (!read_number(pg, sql_has_table, &there, err))
        return false;
    if (there == 0)
        return true;
    PGresult *result = tool_query(pg, "ops.migration", sql_applied, 0, NULL, err);
    bool ok = result != NULL;

    for (int i = 0; ok && i < PQntuples(result); i++) {
        if ((size_t)i >= schema_len) {
            ok = err_set(err, ERR_CONFIG,
                "database: the schema is at version %s ('%s'), this program knows only %" PRIu32
                "\nhint: Install the newer program; a schema never goes back.",
                PQgetvalue(result, PQntuples(result) - 1, 0),
                PQgetvalue(result, PQntuples(result) - 1, 1), schema_version);
        } else if (strcmp(PQgetvalue(result, i, 2), checksum(&schema_files[i], sum)) != 0) {
            ok = err_set(err, ERR_CONFIG,
                "database: migration %s was applied as '%s' with other bytes than '%s' of this "
                "program\nhint: A migration that was applied is never edited; write a new one.",
                PQgetvalue(result, i, 0), PQgetvalue(result, i, 1), schema_files[i].name);
        }
        *next = (size_t)i + 1;
    }
    PQclear(result);
    return ok;
}

static bool
apply_file(PGconn *pg, const struct schema_file *file, bool own, struct err *err)
{
    char version[16];
    char sum[2 * DIGEST_BYTES + 1];
    struct buf sql;

    (void)snprintf(version, sizeof(version), "%" PRIu32, file->version);
    buf_init(&sql, file->sql.len + 1);
    buf_put(&sql, file->sql);
    buf_char(&sql, '\0');
    bool ok = (!own || run(pg, file->name, "BEGIN", err)) && run(pg, file->name, sql.ptr, err) &&
              run(pg, file->name, "RESET ROLE", err);
    buf_fini(&sql);
    if (ok) {
        const char *params[] = {version, file->name, checksum(file, sum)};
        PGresult *result = tool_query(pg, file->name, sql_record, 3, params, err);

        ok = result != NULL;
        PQclear(result);
    }
    if (own) {
        struct err ignored = {0};

        ok = ok ? run(pg, file->name, "COMMIT", err)
                : run(pg, file->name, "ROLLBACK", &ignored) && false;
    }
    return ok;
}

/* --- class tables, grid -------------------------------------------------------------------- */

static void
put_field(struct json_writer *json, const struct field *field)
{
    char comment[512];
    const char *measure = field->measure != NULL ? field->measure->name : "";

    (void)snprintf(comment, sizeof(comment), "%s / %s%s%s", field->title.en, field->title.zh,
        measure[0] != '\0' ? ", " : "", measure);
    json_object(json, NULL);
    json_text(json, "name", field->name);
    json_text(json, "kind",
        field->type == FIELD_TEXT                                ? "text"
        : field->type == FIELD_BOOL || field->type == FIELD_CODE ? "state"
                                                                 : "number");
    json_text(json, "type", field->type == FIELD_TEXT ? "text" : "number");
    json_text(json, "comment", comment);
    json_close(json);
}

static void
put_rows(const PGresult *result, struct buf *report)
{
    for (int i = 0; i < PQntuples(result); i++)
        buf_printf(report, "%s\n", PQgetvalue(result, i, 0));
}

/* Before the first table of a class is made: its kind depends on the driver. */
static bool
choose_driver(PGconn *pg, const char *wanted, struct buf *report, struct err *err)
{
    const char *params[] = {wanted};
    PGresult *result = tool_query(pg, "driver", sql_driver, 1, params, err);

    put_rows(result, report);
    PQclear(result);
    return result != NULL;
}

/* A function of three parameters that says in rows what it did. */
static bool
report_rows(PGconn *pg, const char *what, const char *sql, const char *const *params,
    struct buf *report, struct err *err)
{
    PGresult *result = tool_query(pg, what, sql, 3, params, err);

    put_rows(result, report);
    PQclear(result);
    return result != NULL;
}

static bool
ensure_class(PGconn *pg, const struct class *class, struct buf *report, struct err *err)
{
    struct buf text;
    struct json_writer json;
    char title[256];
    char interval[24];

    (void)snprintf(title, sizeof(title), "%s / %s", class->title.en, class->title.zh);
    buf_init(&text, JSON_MAX);
    json_begin(&json, &text);
    json_array(&json, NULL);
    for (size_t i = 0; i < class->n_fields; i++)
        put_field(&json, &class->fields[i]);
    json_close(&json);
    json_end(&json);
    buf_char(&text, '\0');
    (void)snprintf(interval, sizeof(interval), "%" PRId64,
        class->interval.us > 0 ? class->interval.us : SPAN_MIN(1).us);
    const char *params[] = {class->name, title, text.ptr};
    const char *more[] = {class->name, interval, text.ptr};
    const bool ok = report_rows(pg, "class tables", sql_class, params, report, err) &&
                    report_rows(pg, "roll-ups", sql_rollup, more, report, err);

    buf_fini(&text);
    return ok;
}

/* Classes that no file made (tests, drivers) have no policy: they are kept. */
static bool
ensure_policy(PGconn *pg, const struct class *class, struct buf *report, struct err *err)
{
    const struct class_keep *keep = &class->keep;
    char text[256];

    if (keep->reading.us == 0)
        return true;
    (void)snprintf(text, sizeof(text),
        "{\"reading\":%" PRId64 ",\"minute\":%" PRId64 ",\"hour\":%" PRId64 ",\"day\":%" PRId64
        ",\"pack\":%" PRId64 "}",
        keep->reading.us, keep->minute.us, keep->hour.us, keep->day.us, keep->pack.us);
    const char *params[] = {class->name, "", text};

    return report_rows(pg, "policies", sql_policy, params, report, err);
}

static const char *
unit_id(const struct unit *unit)
{
    return unit != NULL ? unit->id : NULL;
}

static void
put_text(struct json_writer *json, const char *key, const char *value)
{
    if (value != NULL)
        json_text(json, key, value);
    else
        json_null(json, key);
}

static void
put_grid(struct json_writer *json, const struct grid *grid)
{
    json_array(json, "units");
    for (size_t i = 0; i < grid->n_units; i++) {
        json_object(json, NULL);
        json_text(json, "id", grid->units[i].id);
        json_text(json, "tier", tier_names[grid->units[i].tier]);
        put_text(json, "parent", unit_id(grid->units[i].parent));
        json_text(json, "name_zh", grid->units[i].name.zh);
        json_text(json, "name_en", grid->units[i].name.en);
        json_close(json);
    }
    json_close(json);
    json_array(json, "compounds");
    for (size_t i = 0; i < grid->n_compounds; i++) {
        const struct compound *compound = &grid->compounds[i];

        json_object(json, NULL);
        json_text(json, "id", compound->id);
        json_text(json, "name_zh", compound->name.zh);
        json_text(json, "name_en", compound->name.en);
        for (int tier = 0; tier < TIER_COUNT; tier++)
            put_text(json, tier_names[tier], unit_id(compound->units[tier]));
        json_close(json);
    }
    json_close(json);
}

/* What only the register knows: dates, promises, tags. */
static void
put_register(struct json_writer *json, const struct device *device)
{
    const struct span interval =
        device->interval.us > 0 ? device->interval : device->class->interval;
    char day[DAY_TEXT_BYTES];

    if (device->installed.year != 0) {
        json_int(json, "install_year", device->installed.year);
        json_text(json, "installed", day_text(day_whole(device->installed), day));
    }
    json_int(json, "interval_s", interval.us / 1000000);
    json_object(json, "rated");
    for (size_t i = 0; i < device->n_rated; i++) {
        json_object(json, device->rated[i].name);
        json_text(json, "unit", device->rated[i].measure->name);
        json_number(json, "value", device->rated[i].number);
        json_close(json);
    }
    json_close(json);
    json_array(json, "tags");
    for (size_t i = 0; i < device->n_tags; i++)
        json_text(json, NULL, device->tags[i]);
    json_close(json);
}

static void
put_devices(struct json_writer *json, const struct device_table *devices)
{
    json_array(json, "devices");
    for (size_t i = 0; i < devices->len; i++) {
        const struct device *device = &devices->at[i];

        json_object(json, NULL);
        json_int(json, "device", (int64_t)device->key);
        json_text(json, "code", device->code);
        json_text(json, "class", device->class->name);
        json_text(json, "compound", device->compound->id);
        json_text(json, "building", device->building);
        json_text(json, "zone", device->zone);
        json_text(json, "name", device->name);
        json_text(json, "side", device->side == SIDE_INSIDE ? "inside" : "outside");
        json_text(json, "profile", device->profile->name);
        json_text(json, "gateway", device->gateway);
        put_register(json, device);
        json_close(json);
    }
    json_close(json);
}

static bool
load_grid(PGconn *pg, const struct migrate_options *opt, struct buf *report, struct err *err)
{
    struct buf text;
    struct json_writer json;
    char version[16];

    (void)snprintf(version, sizeof(version), "%" PRIu32, opt->config_version);
    buf_init(&text, JSON_MAX);
    json_begin(&json, &text);
    json_object(&json, NULL);
    put_grid(&json, opt->grid);
    put_devices(&json, opt->devices);
    json_close(&json);
    json_end(&json);
    buf_char(&text, '\0');
    if (text.full) {
        buf_fini(&text);
        return err_set(
            err, ERR_FULL, "grid: %zu devices are too many to copy at once", opt->devices->len);
    }
    const char *params[] = {version, opt->config_hash, text.ptr};
    PGresult *result = tool_query(pg, "grid", sql_grid, 3, params, err);

    if (result != NULL) {
        buf_printf(report,
            "grid: version %" PRIu32 ", %zu units, %zu compounds, %zu devices copied\n",
            opt->config_version, opt->grid->n_units, opt->grid->n_compounds, opt->devices->len);
    }
    buf_fini(&text);
    PQclear(result);
    return result != NULL;
}

static bool
apply_config(PGconn *pg, const struct migrate_options *opt, struct buf *report, struct err *err)
{
    if (!choose_driver(pg, opt->driver, report, err))
        return false;
    for (size_t i = 0; i < opt->classes.len; i++) {
        if (!ensure_class(pg, &opt->classes.at[i], report, err) ||
            !ensure_policy(pg, &opt->classes.at[i], report, err))
            return false;
    }
    return opt->grid == NULL || load_grid(pg, opt, report, err);
}

bool
migrate_run(const struct migrate_options *opt, struct buf *report, struct err *err)
{
    struct err ignored = {0};
    size_t next = 0;
    PGconn *pg = tool_connect(opt->conninfo, opt->password_file, err);

    if (pg == NULL)
        return false;
    bool ok = run(pg, "database", sql_settings, err) && compare_applied(pg, &next, err) &&
              (!opt->check || run(pg, "check", "BEGIN", err));

    for (; ok && next < schema_len; next++) {
        ok = apply_file(pg, &schema_files[next], !opt->check, err);
        if (ok)
            buf_printf(report, "migration %s applied\n", schema_files[next].name);
    }
    /* The tables of all classes change together, or none. */
    if (ok && !opt->check)
        ok = run(pg, "class tables", "BEGIN", err);
    ok = ok && apply_config(pg, opt, report, err);
    if (opt->check || !ok)
        (void)run(pg, "database", "ROLLBACK", &ignored);
    else
        ok = run(pg, "class tables", "COMMIT", err);
    PQfinish(pg);
    return ok;
}
