/* replay: does the record of a lane follow from its inputs? (P7) */
#include "base/io/clock_posix.h"
#include "base/io/fs_posix.h"
#include "base/json.h"
#include "service/commands.h"
#include "service/configured.h"
#include "service/options.h"
#include "service/past.h"
#include "service/report_config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define PROGRESS_AFTER SPAN_S(2)
#define OUT_MAX ((size_t)4 << 20)
#define AROUND ((size_t)60) /* bytes shown before and behind the first that differs */

/* A macro, so that the compiler sees the formats. */
#define WORD(ask, en, zh) ((ask)->lang == LANG_ZH ? (zh) : (en))

struct ask {
    const char *what, *config_dir, *state_dir, *lane, *until, *lang_name;
    enum lang lang;
    bool json;
    char dir[PATH_BYTES], versions[PATH_BYTES], name[64];
    struct span started, told;
};

static void
progress(void *arg, uint64_t at, uint64_t from, uint64_t to)
{
    struct ask *ask = arg;
    const struct span now = clock_monotonic();

    if (isatty(STDERR_FILENO) == 0 || now.us - ask->started.us < PROGRESS_AFTER.us ||
        now.us - ask->told.us < 200000)
        return;
    ask->told = now;
    (void)fprintf(
        stderr, "\r%3.0f %% ", to > from ? 100.0 * (double)(at - from) / (double)(to - from) : 0);
}

static size_t
first_difference(struct view a, struct view b)
{
    size_t at = 0;

    while (at < a.len && at < b.len && a.ptr[at] == b.ptr[at])
        at++;
    return at;
}

/* Around the place where it differs; whole characters only. */
static void
put_around(struct buf *out, struct view text, size_t at)
{
    size_t from = at > AROUND ? at - AROUND : 0;
    size_t to = at + 2 * AROUND < text.len ? at + 2 * AROUND : text.len;

    while (from > 0 && ((unsigned char)text.ptr[from] & 0xc0) == 0x80)
        from--;
    while (to < text.len && ((unsigned char)text.ptr[to] & 0xc0) == 0x80)
        to++;
    buf_printf(out, "%s%.*s%s\n", from > 0 ? "..." : "", (int)(to - from), text.ptr + from,
        to < text.len ? "..." : "");
}

static void
put_events(const struct ask *ask, const struct replay_difference *difference, struct buf *out)
{
    const struct view recorded = difference->recorded, computed = difference->computed;
    const size_t at = first_difference(recorded, computed);
    const bool both = recorded.len > 0 && computed.len > 0;

    buf_text(out, WORD(ask, "  on record: ", "  记录：  "));
    if (recorded.len > 0)
        put_around(out, recorded, both ? at : 0);
    else
        buf_text(out, WORD(ask, "nothing\n", "无\n"));
    buf_text(out, WORD(ask, "  computed:  ", "  重算：  "));
    if (computed.len > 0)
        put_around(out, computed, both ? at : 0);
    else
        buf_text(out, WORD(ask, "nothing\n", "无\n"));
}

static const char *const part_words[] = {
    "other", "not-on-record", "not-computed", "ledger-lost", "journal-lost"};

static void
put_difference(const struct ask *ask, const struct past_result *result, struct buf *out)
{
    static const char *const en[] = {"another event is on record than was computed",
        "an event was computed that is not on record",
        "an event is on record that was not computed", "the ledger cannot be read",
        "the journal cannot be read"};
    static const char *const zh[] = {"记录的事件与重算的不同", "重算出的事件不在记录中",
        "记录中的事件没有重算出来", "台账有一段无法读取", "日志有一段无法读取"};
    const struct replay_difference *difference = &result->difference;
    char at[INSTANT_TEXT_BYTES];

    buf_printf(out,
        WORD(ask, "differs at %s, ledger %" PRIu64 ", after journal %" PRIu64 ": ",
            "首个差异：%s，台账位置 %" PRIu64 "，日志位置 %" PRIu64 " 之后："),
        instant_text(difference->at, at), difference->ledger, difference->journal);
    if (result->state_of != 0) {
        buf_printf(out,
            WORD(ask, "checkpoint %" PRIu64 " holds another state\n",
                "检查点 %" PRIu64 " 的状态与重算的不同\n"),
            result->state_of);
        return;
    }
    buf_printf(out, "%s\n", ask->lang == LANG_ZH ? zh[difference->part] : en[difference->part]);
    if (difference->part != REPLAY_LEDGER_LOST && difference->part != REPLAY_JOURNAL_LOST) {
        put_events(ask, difference, out);
        return;
    }
    buf_printf(out, WORD(ask, "  from position %" PRIu64 "\n", "  自位置 %" PRIu64 " 起\n"),
        difference->from);
}

static void
put_text(
    const struct ask *ask, const struct past_result *result, enum past_end end, struct buf *out)
{
    char from[INSTANT_TEXT_BYTES], to[INSTANT_TEXT_BYTES];

    if (result->opening.len > 0) {
        buf_put(out, buf_view(&result->opening));
        buf_char(out, '\n');
    }
    buf_printf(out,
        WORD(ask,
            "lane '%s': %s to %s; fed %" PRIu64 " readings' records and %" PRIu64
            " other inputs; compared %" PRIu64 " events and %" PRIu64 " checkpoints\n",
            "通道 '%s'：%s 至 %s；重放报文 %" PRIu64 " 条、其他输入 %" PRIu64
            " 条；比对事件 %" PRIu64 " 条、检查点 %" PRIu64 " 个\n"),
        ask->name,
        result->from.us != 0 ? instant_text(result->from, from)
                             : WORD(ask, "the first record", "首条记录"),
        instant_text(result->to, to), result->records, result->inputs, result->events,
        result->checkpoints);
    if (result->unwritten > 0) {
        buf_printf(out,
            WORD(ask, "%" PRIu64 " events at the end were not yet written when the lane ended\n",
                "末尾 %" PRIu64 " 条事件在通道结束时尚未写入\n"),
            result->unwritten);
    }
    if (end == PAST_DIFFERS)
        put_difference(ask, result, out);
    else
        buf_text(out, WORD(ask, "everything is as on record\n", "与记录完全一致\n"));
}

static void
put_json_difference(const struct past_result *result, struct json_writer *json)
{
    const struct replay_difference *difference = &result->difference;

    json_object(json, "difference");
    json_instant(json, "at", difference->at);
    if (difference->computed.len > 0)
        json_view(json, "computed", difference->computed);
    json_int(json, "journal", (int64_t)difference->journal);
    json_text(json, "kind", result->state_of != 0 ? "state" : part_words[difference->part]);
    json_int(json, "ledger", (int64_t)difference->ledger);
    if (difference->recorded.len > 0)
        json_view(json, "recorded", difference->recorded);
    json_close(json);
}

static void
put_json(
    const struct ask *ask, const struct past_result *result, enum past_end end, struct buf *out)
{
    struct json_writer json;

    json_begin(&json, out);
    json_object(&json, NULL);
    json_int(&json, "checkpoints", (int64_t)result->checkpoints);
    if (end == PAST_DIFFERS)
        put_json_difference(result, &json);
    json_int(&json, "events", (int64_t)result->events);
    if (result->from.us != 0)
        json_instant(&json, "from", result->from);
    json_int(&json, "inputs", (int64_t)result->inputs);
    json_text(&json, "lane", ask->name);
    if (result->opening.len > 0)
        json_raw(&json, "opening", buf_view(&result->opening));
    json_int(&json, "records", (int64_t)result->records);
    json_bool(&json, "same", end == PAST_SAME);
    json_instant(&json, "to", result->to);
    json_int(&json, "unwritten", (int64_t)result->unwritten);
    json_close(&json);
    json_end(&json);
    buf_char(out, '\n');
}

static int
run(struct ask *ask)
{
    const struct past_options opt = {
        .fs = fs_posix(),
        .dir = ask->dir,
        .state_dir = ask->versions,
        .lane = ask->name,
        .until = ask->until,
        .arg = ask,
        .progress = progress,
    };
    struct past_result result;
    struct err err = {0};
    struct buf out;

    ask->started = clock_monotonic();
    const enum past_end end = past_replay(&opt, &result, &err);

    if (ask->told.us != 0)
        (void)fprintf(stderr, "\r%20s\r", "");
    buf_init(&out, OUT_MAX);
    if (end == PAST_FAILED)
        (void)fprintf(stderr, "wallwatch replay: %s\n", err.text);
    else if (ask->json)
        put_json(ask, &result, end, &out);
    else
        put_text(ask, &result, end, &out);
    if (out.len > 0)
        (void)printf("%.*s", VIEW_ARG(buf_view(&out)));
    buf_fini(&out);
    past_result_fini(&result);
    return end == PAST_SAME ? EXIT_FINE : EXIT_FOUND;
}

/* A folder has a slash, or is there; a lane is a name of the configuration. */
static bool
find_folder(struct ask *ask)
{
    struct config *config = NULL;
    const char *slash;
    const char *last;

    if (strchr(ask->what, '/') == NULL && access(ask->what, F_OK) != 0) {
        struct err err = {0};
        bool ok = configured_read(ask->config_dir, ask->state_dir, &config);

        if (!ok)
            return false;
        ok = configured_lane(config, ask->what, &err);
        if (!ok)
            (void)fprintf(stderr, "wallwatch replay: %s\n", err.text);
        (void)snprintf(ask->versions, PATH_BYTES, "%s", config->state_dir);
        (void)snprintf(ask->dir, PATH_BYTES, "%.3900s/lane-%.64s", config->state_dir, ask->what);
        (void)snprintf(ask->name, sizeof(ask->name), "%s", ask->what);
        config_unref(config);
        return ok;
    }
    (void)snprintf(ask->dir, PATH_BYTES, "%s", ask->what);
    while (strlen(ask->dir) > 1 && ask->dir[strlen(ask->dir) - 1] == '/')
        ask->dir[strlen(ask->dir) - 1] = '\0';
    slash = strrchr(ask->dir, '/');
    last = slash != NULL ? slash + 1 : ask->dir;
    (void)snprintf(ask->versions, PATH_BYTES, "%.*s", slash != NULL ? (int)(slash - ask->dir) : 1,
        slash != NULL ? ask->dir : ".");
    if (ask->state_dir != NULL)
        (void)snprintf(ask->versions, PATH_BYTES, "%s", ask->state_dir);
    if (ask->lane == NULL && strncmp(last, "lane-", 5) != 0) {
        (void)fprintf(stderr,
            "wallwatch replay: '%s' is not called lane-NAME\nhint: Say whose it is: --lane NAME\n",
            ask->what);
        return false;
    }
    (void)snprintf(ask->name, sizeof(ask->name), "%s", ask->lane != NULL ? ask->lane : last + 5);
    return true;
}

int
cmd_replay(int argc, char **argv)
{
    struct ask ask = {.config_dir = CONFIG_DIR_DEFAULT};
    const char *args[1];
    int n_args;
    int code;
    const struct option_row rows[] = {
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")",
            &ask.config_dir, NULL},
        {"state", "DIR",
            "state folder: where the configuration versions are (default: as site.yaml says, or "
            "the folder around FOLDER)",
            &ask.state_dir, NULL},
        {"lane", "NAME", "whose FOLDER it is (default: its name, lane-NAME)", &ask.lane, NULL},
        {"until", "ALERT", "stop where that case opened, and show what made it", &ask.until, NULL},
        {"json", NULL, "print JSON", NULL, &ask.json},
        {"lang", "LANG", "zh or en (default: the environment's)", &ask.lang_name, NULL},
    };
    const struct usage usage = {"replay", "LANE|FOLDER",
        "Feeds what a lane has on record - its journal, and the ledger of everything else that\n"
        "came in - through the engine again, and compares what comes out with the events on\n"
        "record, byte for byte. Exit code 1 with the first difference. It only reads: the lane\n"
        "may be running, the folder may be a copy. It goes back as far as both logs do.",
        rows, ARRAY_LEN(rows), 1, 1};

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    if (!report_config_lang("replay", ask.lang_name, &ask.lang))
        return EXIT_USAGE;
    ask.what = args[0];
    if (!find_folder(&ask))
        return EXIT_USAGE;
    return run(&ask);
}
