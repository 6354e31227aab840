/*
 * device walk-test: somebody stands at the device and presses "test". Here is seen how far its next
 * message comes: into the journal, through judgement, out to who is told, into the database.
 *
 * What it rests on: the row itself (received is the journal's stamp, committed the database's), the
 * lane's retained status (how far it has judged, each second, and how long the canary took to be
 * told), and the alerts that name the device. Nothing is asked of the lane.
 */
#include "service/device.h"

#include "base/io/clock_posix.h"
#include "base/json.h"
#include "service/client_account.h"
#include "service/configured.h"
#include "service/options.h"
#include "service/report_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#define POLL_MS 250
#define TOLD_WITHIN SPAN_S(3) /* after it was judged: then no rule has asked for it */

struct walk {
    const struct device *device;
    struct device_view *view;
    struct mqtt_client *mqtt;
    enum lang lang;
    bool any;
    struct instant began, until;
    /* 0, "": not yet */
    struct instant device_time, received, judged, told, committed;
    int64_t pos, canary_told_us;
    char alert[128], rejected[256], lane[64];
};

static const char *
text_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

    return cJSON_IsString(item) ? item->valuestring : "";
}

static double
number_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static void
take_status(struct walk *walk, const cJSON *status)
{
    const cJSON *journal = cJSON_GetObjectItemCaseSensitive(status, "journal");

    if (walk->pos == 0 || walk->judged.us != 0 || strcmp(text_of(status, "lane"), walk->lane) != 0)
        return;
    if (number_of(journal, "judged") < (double)walk->pos)
        return;
    if (!instant_parse(view_of(text_of(status, "at")), &walk->judged))
        walk->judged = clock_wall();
    walk->canary_told_us =
        (int64_t)number_of(cJSON_GetObjectItemCaseSensitive(status, "canary"), "told");
}

/* An alert about the device or a part of it, changed since the walk began. */
static void
take_alert(struct walk *walk, const cJSON *alert)
{
    const size_t len = strlen(walk->device->code);
    const char *subject = text_of(alert, "subject");
    struct instant opened;

    if (walk->told.us != 0 || strncmp(subject, walk->device->code, len) != 0 ||
        (subject[len] != '\0' && subject[len] != '/'))
        return;
    if (!instant_parse(view_of(text_of(alert, "opened")), &opened) ||
        instant_cmp(opened, walk->began) < 0)
        return;
    walk->told = clock_wall();
    (void)snprintf(
        walk->alert, sizeof(walk->alert), "%s %s", text_of(alert, "rule"), text_of(alert, "alert"));
}

static void
take_messages(struct walk *walk)
{
    struct view topic, payload;
    int wait = POLL_MS;

    while (mqtt_client_next(walk->mqtt, wait, &topic, &payload)) {
        const size_t status = strlen("wallwatch/status/");
        cJSON *root = payload.len > 0 && json_check(payload, 262144, &(size_t){0}) == JSON_FINE
                          ? cJSON_ParseWithLength(payload.ptr, payload.len)
                          : NULL;

        if (topic.len > status && memcmp(topic.ptr, "wallwatch/status/", status) == 0)
            take_status(walk, root);
        else
            take_alert(walk, root);
        cJSON_Delete(root);
        wait = 0;
    }
}

static void
take_row(void *arg, const struct devices_row *row)
{
    struct walk *walk = arg;

    walk->pos = strtoll(row->texts[0], NULL, 10);
    (void)snprintf(walk->lane, sizeof(walk->lane), "%s", row->texts[1]);
    walk->received.us = strtoll(row->texts[2], NULL, 10);
    walk->committed.us = strtoll(row->texts[3], NULL, 10);
    walk->device_time.us = strtoll(row->texts[4], NULL, 10);
    (void)snprintf(walk->rejected, sizeof(walk->rejected), "%s", row->texts[5]);
}

static bool
look(struct walk *walk, struct err *err)
{
    const struct devices_walk ask = {
        .device = walk->device, .since = walk->began, .any = walk->any};

    return walk->pos != 0 || devices_walk(walk->view->pg, &ask, take_row, walk, err);
}

static bool
over(const struct walk *walk)
{
    const struct instant now = clock_wall();

    if (walk->rejected[0] != '\0' || instant_cmp(now, walk->until) >= 0)
        return true;
    return walk->pos != 0 && walk->judged.us != 0 &&
           (walk->told.us != 0 || instant_since(now, walk->judged).us > TOLD_WITHIN.us);
}

static void
print_stop(const struct walk *walk, const char *en, const char *zh, struct instant at)
{
    char text[INSTANT_TEXT_BYTES];

    (void)printf(
        "%-10s %-28s ", walk->lang == LANG_ZH ? zh : en, at.us != 0 ? instant_text(at, text) : "-");
    if (at.us != 0)
        (void)printf("%8lld ms", (long long)(instant_since(at, walk->received).us / 1000));
}

static int
report(const struct walk *walk)
{
    const bool chinese = walk->lang == LANG_ZH;
    const bool whole = walk->pos != 0 && walk->judged.us != 0 && walk->rejected[0] == '\0';

    if (walk->pos == 0) {
        (void)printf(chinese ? "未收到: 在期限内没有消息入库\n"
                             : "received is lacking: no %smessage was stored in time\n",
            walk->any ? "" : "test ");
        (void)printf(chinese ? "提示: 'wallwatch rejects' 查看拒收; --any 接受任何消息\n"
                             : "hint: 'wallwatch rejects' shows what was refused; --any takes any "
                               "message\n");
        return EXIT_FOUND;
    }
    if (walk->device_time.us != 0) {
        print_stop(walk, "device", "设备", walk->device_time);
        (void)printf("\n");
    }
    print_stop(walk, "journaled", "落盘", walk->received);
    (void)printf("\n");
    print_stop(walk, "judged", "研判", walk->judged);
    (void)printf(chinese ? "  (精确到秒)\n" : "  (to the second)\n");
    print_stop(walk, "told", "通知", walk->told);
    if (walk->told.us != 0) {
        (void)printf("  %s\n", walk->alert);
    } else {
        (void)printf(chinese ? "  没有规则要求通知; 自检消息 %lld ms 内发出\n"
                             : "  no rule asked for it; the canary was told in %lld ms\n",
            (long long)(walk->canary_told_us / 1000));
    }
    print_stop(walk, "stored", "入库", walk->committed);
    (void)printf("\n");
    if (walk->rejected[0] != '\0')
        (void)printf(chinese ? "被拒收: %s\n" : "rejected: %s\n", walk->rejected);
    else if (walk->judged.us == 0)
        (void)printf(chinese ? "缺: 研判\n" : "judged is lacking\n");
    else
        (void)printf(chinese ? "全程通过\n" : "all the way\n");
    return whole ? EXIT_FINE : EXIT_FOUND;
}

static int
walk_along(struct walk *walk, struct err *err)
{
    if (!mqtt_client_subscribe(walk->mqtt, "wallwatch/status/+", err) ||
        !mqtt_client_subscribe(walk->mqtt, "wallwatch/alert/#", err))
        return EXIT_FOUND;
    if (walk->lang == LANG_ZH)
        (void)printf("等待 %s 的下一条%s消息\n", walk->device->code, walk->any ? "" : "测试");
    else
        (void)printf(
            "waiting for the next %smessage of %s\n", walk->any ? "" : "test ", walk->device->code);
    (void)fflush(stdout);
    while (!over(walk)) {
        take_messages(walk);
        if (!look(walk, err))
            return EXIT_FOUND;
    }
    return report(walk);
}

static int
run(struct walk *walk, const char *as)
{
    const struct config *config = walk->view->config;
    struct client_account account;
    struct err err = {0};
    int code = EXIT_FOUND;

    if (!client_account(config, as, &account, &err) ||
        !mqtt_client_open(&walk->mqtt, &account.options, &err)) {
        (void)fprintf(stderr, "wallwatch device walk-test: %s\n", err.text);
        return EXIT_FOUND;
    }
    code = walk_along(walk, &err);
    if (err.text[0] != '\0')
        (void)fprintf(stderr, "wallwatch device walk-test: %s\n", err.text);
    mqtt_client_close(walk->mqtt);
    return code;
}

int
device_walk_test(int argc, char **argv)
{
    const char *dir = CONFIG_DIR_DEFAULT, *lang_name = NULL, *wait = "5m", *as = NULL, *args[1];
    struct walk walk = {0};
    struct device_view view;
    struct span span;
    int n_args, code;
    const struct option_row rows[] = {
        {"any", NULL, "any message of it, not only one under test", NULL, &walk.any},
        {"as", "CLIENT", "whose broker account (default: the first that may send commands)", &as,
            NULL},
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")", &dir,
            NULL},
        {"lang", "LANG", "language, zh or en (default: en, zh if LANG says so)", &lang_name, NULL},
        {"wait", "SPAN", "at most so long (default 5m)", &wait, NULL},
    };
    const struct usage usage = {"device walk-test", "CODE",
        "Waits for the next message of the device that says it is under test, and shows at each\n"
        "stop when it came by: device's clock, journaled, judged, told, stored; milliseconds "
        "since\n"
        "it was received. Exit code 0: all the way; 1: not in time, and what is lacking.",
        rows, ARRAY_LEN(rows), 1, 1};

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    if (!report_config_lang("device walk-test", lang_name, &walk.lang))
        return EXIT_USAGE;
    if (!span_parse(view_of(wait), &span) || span.us < 1000000) {
        (void)fprintf(stderr,
            "wallwatch device walk-test: --wait: '%s' is not a length of time from 1s\n", wait);
        return EXIT_USAGE;
    }
    code = EXIT_FOUND;
    walk.began = clock_wall();
    walk.until = instant_add(walk.began, span);
    if (device_open("device walk-test", dir, &view)) {
        walk.view = &view;
        walk.device = device_find(&view.config->devices, view_of(args[0]));
        if (walk.device != NULL) {
            code = run(&walk, as);
        } else {
            (void)fprintf(stderr,
                "wallwatch device walk-test: '%s' is not listed\nhint: 'wallwatch device adopt "
                "%s' lists it\n",
                args[0], args[0]);
        }
    }
    device_close(&view);
    return code;
}
