/* audit: does every journal record have one verdict, and is what it holds in Postgres once? */
#include "base/io/clock_posix.h"
#include "base/io/fs_posix.h"
#include "base/json.h"
#include "config/config.h"
#include "service/audit_pg.h"
#include "service/commands.h"
#include "service/configured.h"
#include "service/migrate_pg.h"
#include "service/options.h"
#include "service/report_config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define JSON_MAX ((size_t)64 << 20)

struct audit {
    const struct config *config;
    PGconn *pg;
    const char *only;   /* lane; NULL: all */
    const char *ledger; /* NULL: none */
    bool json;
    int64_t wait_s;
    VEC(struct audit_lane) lanes;
    struct audit_sent sent;
};

static void
print_findings(const struct audit_finding *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        (void)printf("  WRONG %s: %s\n", at[i].kind, at[i].text);
}

static void
print_lane(const struct audit_lane *lane)
{
    (void)printf("lane %s\n", lane->name);
    for (size_t i = 0; i < lane->sources.len; i++) {
        const struct audit_source *source = &lane->sources.at[i];

        (void)printf("  journal %s (src %" PRIu32 "): %" PRIu64 " records in %" PRIu64
                     " batches up to %" PRIu64 ", %" PRIu64 " readings, %" PRIu64 " rejects\n",
            source->journal, source->src, source->records, source->batches, source->mark,
            source->readings, source->rejects);
        if (source->on_disk) {
            (void)printf("    its files: %" PRIu64 " records compared, %" PRIu64
                         " not yet stored\n",
                source->compared, source->waiting);
        }
        if (source->in_no_file > 0) {
            (void)printf("    in the database and in no file: %" PRIu64
                         " records (the disk was full or broken, or the files are damaged)\n",
                source->in_no_file);
        }
    }
    (void)printf("  %-18s", "hour");
    for (size_t k = 0; k < ARRAY_LEN(audit_hour_names); k++)
        (void)printf(" %10s", audit_hour_names[k]);
    for (size_t i = 0; i < lane->hours.len; i++) {
        (void)printf("\n  %-18s", lane->hours.at[i].hour);
        for (size_t k = 0; k < ARRAY_LEN(audit_hour_names); k++)
            (void)printf(" %10" PRIu64, lane->hours.at[i].counts[k]);
    }
    (void)printf("\n");
    if (lane->missing > 0) {
        (void)printf("  numbers that devices gave and no reading carries: %" PRIu64
                     " (lost before us, refused or rejected)\n",
            lane->missing);
    }
    for (size_t i = 0; i < lane->gaps.len; i++) {
        const struct audit_gap *gap = &lane->gaps.at[i];

        (void)printf("    %s %s, boot %" PRId64 ": %" PRId64 " of %" PRId64 "..%" PRId64 "\n",
            gap->class, gap->device, gap->boot, gap->missing, gap->first, gap->last);
    }
    if (lane->shed > 0)
        (void)printf("  given up because the journal was full: %" PRIu64 " records\n", lane->shed);
    if (lane->rerun_records > 0) {
        (void)printf("  rejects that became readings by rerun: %" PRIu64 " records, %" PRIu64
                     " readings\n",
            lane->rerun_records, lane->rerun_readings);
    }
    if (lane->dropped > 0)
        (void)printf("  dropped by policy: %" PRIu64 " readings\n", lane->dropped);
    print_findings(lane->findings.at, lane->findings.len);
}

static void
print_sent(const char *path, const struct audit_sent *sent)
{
    (void)printf("ledger %s: %" PRIu64 " messages, %" PRIu64 " answered, %" PRIu64
                 " found once, %" PRIu64 " lost, %" PRIu64 " doubled (%" PRIu64
                 " without answer, %" PRIu64 " bad on purpose, %" PRIu64 " with fewer rows)\n",
        path, sent->lines, sent->answered, sent->found, sent->lost, sent->doubled, sent->unanswered,
        sent->bad, sent->short_rows);
    print_findings(sent->findings.at, sent->findings.len);
}

static void
json_findings(struct json_writer *json, const struct audit_finding *at, size_t len)
{
    json_array(json, "findings");
    for (size_t i = 0; i < len; i++) {
        json_object(json, NULL);
        json_text(json, "kind", at[i].kind);
        json_text(json, "text", at[i].text);
        json_close(json);
    }
    json_close(json);
}

static void
json_sources(struct json_writer *json, const struct audit_lane *lane)
{
    json_array(json, "sources");
    for (size_t i = 0; i < lane->sources.len; i++) {
        const struct audit_source *source = &lane->sources.at[i];

        json_object(json, NULL);
        json_int(json, "batches", (int64_t)source->batches);
        json_int(json, "compared", (int64_t)source->compared);
        json_int(json, "in_no_file", (int64_t)source->in_no_file);
        json_text(json, "journal", source->journal);
        json_int(json, "mark", (int64_t)source->mark);
        json_bool(json, "on_disk", source->on_disk);
        json_int(json, "readings", (int64_t)source->readings);
        json_int(json, "records", (int64_t)source->records);
        json_int(json, "rejects", (int64_t)source->rejects);
        json_int(json, "src", source->src);
        json_int(json, "waiting", (int64_t)source->waiting);
        json_close(json);
    }
    json_close(json);
}

static void
json_lane(struct json_writer *json, const struct audit_lane *lane)
{
    json_object(json, NULL);
    json_findings(json, lane->findings.at, lane->findings.len);
    json_array(json, "gaps");
    for (size_t i = 0; i < lane->gaps.len; i++) {
        json_object(json, NULL);
        json_int(json, "boot", lane->gaps.at[i].boot);
        json_text(json, "class", lane->gaps.at[i].class);
        json_text(json, "device", lane->gaps.at[i].device);
        json_int(json, "first", lane->gaps.at[i].first);
        json_int(json, "last", lane->gaps.at[i].last);
        json_int(json, "missing", lane->gaps.at[i].missing);
        json_close(json);
    }
    json_close(json);
    json_array(json, "hours");
    for (size_t i = 0; i < lane->hours.len; i++) {
        json_object(json, NULL);
        json_text(json, "hour", lane->hours.at[i].hour);
        for (size_t k = 0; k < ARRAY_LEN(audit_hour_names); k++)
            json_int(json, audit_hour_names[k], (int64_t)lane->hours.at[i].counts[k]);
        json_close(json);
    }
    json_close(json);
    json_text(json, "lane", lane->name);
    json_int(json, "missing", (int64_t)lane->missing);
    json_int(json, "dropped_by_policy", (int64_t)lane->dropped);
    json_int(json, "rerun", (int64_t)lane->rerun_records);
    json_int(json, "rerun_readings", (int64_t)lane->rerun_readings);
    json_sources(json, lane);
    json_close(json);
}

static void
print_json(const struct audit *audit, bool balanced)
{
    struct json_writer json;
    struct buf out;

    buf_init(&out, JSON_MAX);
    json_begin(&json, &out);
    json_object(&json, NULL);
    json_bool(&json, "balanced", balanced);
    json_array(&json, "lanes");
    for (size_t i = 0; i < audit->lanes.len; i++)
        json_lane(&json, &audit->lanes.at[i]);
    json_close(&json);
    if (audit->ledger != NULL) {
        json_object(&json, "ledger");
        json_int(&json, "answered", (int64_t)audit->sent.answered);
        json_int(&json, "bad", (int64_t)audit->sent.bad);
        json_int(&json, "doubled", (int64_t)audit->sent.doubled);
        json_findings(&json, audit->sent.findings.at, audit->sent.findings.len);
        json_int(&json, "found", (int64_t)audit->sent.found);
        json_int(&json, "lines", (int64_t)audit->sent.lines);
        json_int(&json, "lost", (int64_t)audit->sent.lost);
        json_int(&json, "short", (int64_t)audit->sent.short_rows);
        json_int(&json, "unanswered", (int64_t)audit->sent.unanswered);
        json_close(&json);
    }
    json_close(&json);
    json_end(&json);
    (void)printf("%.*s\n", VIEW_ARG(buf_view(&out)));
    buf_fini(&out);
}

static void
journal_dir(const struct audit *audit, const char *lane, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/lane-%s/journal", audit->config->state_dir, lane);
}

static bool
chosen(const struct audit *audit, size_t i)
{
    return audit->only == NULL || strcmp(audit->only, audit->config->lanes[i].name) == 0;
}

/* Until what the lanes have taken is stored, or for so long. A lane that stands still is not an
 * error: what it has not stored is said. */
static bool
wait_for_lanes(const struct audit *audit, struct err *err)
{
    const struct span until = {clock_monotonic().us + audit->wait_s * 1000000};
    uint64_t waiting = 1;
    char dir[PATH_BYTES];

    while (waiting > 0 && clock_monotonic().us < until.us) {
        waiting = 0;
        for (size_t i = 0; i < audit->config->n_lanes; i++) {
            const char *lane = audit->config->lanes[i].name;
            uint64_t more = 0;

            journal_dir(audit, lane, dir, sizeof(dir));
            if (chosen(audit, i) && !audit_waiting(audit->pg, fs_posix(), dir, lane, &more, err))
                return false;
            waiting += more;
        }
        if (waiting > 0)
            (void)usleep(100000);
    }
    return true;
}

static bool
run(struct audit *audit, bool *balanced, struct err *err)
{
    char dir[PATH_BYTES];

    if (!tool_check_schema(audit->pg, err) || !wait_for_lanes(audit, err) ||
        !audit_begin(audit->pg, err))
        return false;
    *balanced = true;
    for (size_t i = 0; i < audit->config->n_lanes; i++) {
        if (!chosen(audit, i))
            continue;
        struct audit_lane *lane = VEC_PUSH(&audit->lanes);

        lane->name = audit->config->lanes[i].name;
        journal_dir(audit, lane->name, dir, sizeof(dir));
        if (!audit_lane_run(audit->pg, fs_posix(), dir, lane, err))
            return err_wrap(err, "lane '%s'", lane->name);
        *balanced = *balanced && lane->findings.len == 0;
    }
    if (audit->ledger != NULL && !audit_sent_run(audit->pg, audit->ledger, &audit->sent, err))
        return false;
    *balanced = *balanced && audit->sent.lost == 0 && audit->sent.doubled == 0;
    return true;
}

static int
report(struct audit *audit)
{
    struct err err = {0};
    bool balanced = false;
    bool ok;

    audit->pg = tool_connect(audit->config->database, audit->config->database_password_file, &err);
    ok = audit->pg != NULL && run(audit, &balanced, &err);
    PQfinish(audit->pg);
    if (!ok) {
        (void)fprintf(stderr, "wallwatch audit: %s\n", err.text);
    } else if (audit->json) {
        print_json(audit, balanced);
    } else {
        for (size_t i = 0; i < audit->lanes.len; i++)
            print_lane(&audit->lanes.at[i]);
        if (audit->ledger != NULL)
            print_sent(audit->ledger, &audit->sent);
        (void)printf("%s\n", balanced ? "the books balance" : "the books do not balance");
    }
    for (size_t i = 0; i < audit->lanes.len; i++)
        audit_lane_fini(&audit->lanes.at[i]);
    VEC_FREE(&audit->lanes);
    audit_sent_fini(&audit->sent);
    return ok && balanced ? EXIT_FINE : EXIT_FOUND;
}

static bool
lane_exists(const struct audit *audit)
{
    for (size_t i = 0; i < audit->config->n_lanes; i++) {
        if (chosen(audit, i))
            return true;
    }
    (void)fprintf(
        stderr, "wallwatch audit: --lane: '%s' is not a lane of this configuration\n", audit->only);
    return false;
}

int
cmd_audit(int argc, char **argv)
{
    const char *dir = CONFIG_DIR_DEFAULT;
    const char *wait = "10";
    const char *args[1];
    struct audit audit = {0};
    int n_args;
    int code;
    const struct option_row rows[] = {
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")", &dir,
            NULL},
        {"lane", "NAME", "only this lane", &audit.only, NULL},
        {"ledger", "FILE", "also find each message that the simulator got an answer for",
            &audit.ledger, NULL},
        {"wait", "SECONDS", "for what the lanes have taken to be stored (default 10)", &wait, NULL},
        {"json", NULL, "print JSON", NULL, &audit.json},
    };
    const struct usage usage = {"audit", "",
        "Proves that every journal record has one verdict and is in the database exactly once:\n"
        "batches against each other and the mark, rows against batches, journal files against\n"
        "batches. Exit code 1 if something does not balance, and says what. Reads all rows.",
        rows, ARRAY_LEN(rows), 0, 0};
    struct problems problems;
    struct arena arena;
    struct config *config;

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    if (!options_number("audit", "wait", wait, 0, 3600, &audit.wait_s))
        return EXIT_USAGE;
    arena_init(&arena);
    config = config_load(fs_posix(), dir, &arena, &problems);
    audit.config = config;
    code = EXIT_FOUND;
    if (config == NULL)
        report_config(stderr, config, &problems, LANG_EN);
    else if (config->database == NULL)
        (void)fprintf(stderr, "wallwatch audit: site.yaml names no database\n");
    else if (lane_exists(&audit))
        code = report(&audit);
    config_unref(config);
    arena_fini(&arena);
    return code;
}
