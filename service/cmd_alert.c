/*
 * alert: what a person does to a case from the command line, over the public interface: a signed
 * envelope to the lane, its answer in words; and what is open, from the retained topics.
 */
#include "alerting/dispatch/envelope.h"
#include "base/digest.h"
#include "base/io/clock_posix.h"
#include "base/json.h"
#include "base/map.h"
#include "service/client_account.h"
#include "service/commands.h"
#include "service/configured.h"
#include "service/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#define ANSWER_WITHIN_MS 10000
#define QUIET_MS 500

struct asked { /* what stood on the command line */
    const char *config_dir, *state_dir, *as, *password_file, *username;
    const char *by, *reason, *until, *centre, *tier, *span, *into;
    const char *class_name, *compound, *device, *part, *severity, *title;
    bool json;
    const char *verb, *id;
};

static int
fail(const char *text)
{
    (void)fprintf(stderr, "wallwatch alert: %s\n", text);
    return EXIT_FOUND;
}

static void
put_if(struct json_writer *json, const char *key, const char *value)
{
    if (value != NULL)
        json_text(json, key, value);
}

/* An instant, or a length of time from now. */
static bool
put_until(struct json_writer *json, const char *text)
{
    struct instant at;
    struct span span;

    if (text == NULL)
        return true;
    if (span_parse(view_of(text), &span))
        at = instant_add(clock_wall(), span);
    else if (!instant_parse(view_of(text), &at))
        return false;
    json_instant(json, "until", at);
    return true;
}

static bool
write_command(const struct asked *asked, struct buf *out)
{
    struct json_writer json;
    struct span span = {0};
    bool ok;

    json_begin(&json, out);
    json_object(&json, NULL);
    if (strcmp(asked->verb, "report") != 0 && strcmp(asked->verb, "maintenance") != 0)
        json_text(&json, "alert", asked->id);
    json_text(&json, "by", asked->by != NULL ? asked->by : "command-line");
    put_if(&json, "centre", asked->centre);
    put_if(&json, "class", asked->class_name);
    json_text(&json, "command", asked->verb);
    put_if(&json, "compound", asked->compound);
    put_if(&json, "device", asked->device);
    put_if(&json, "into", asked->into);
    put_if(&json, "part", asked->part);
    json_text(&json, "reason", asked->reason != NULL ? asked->reason : "");
    put_if(&json, "severity", asked->severity);
    put_if(&json, "tier", asked->tier);
    put_if(&json, "title", asked->title);
    ok = put_until(&json, asked->until);
    if (asked->span != NULL) {
        ok = span_parse(view_of(asked->span), &span) && ok;
        json_int(&json, "by_s", span.us / 1000000);
    }
    json_close(&json);
    json_end(&json);
    return ok;
}

static int
print_answer(struct view payload, const struct asked *asked)
{
    cJSON *root = NULL;
    int code = EXIT_FOUND;

    if (json_check(payload, 65536, &(size_t){0}) == JSON_FINE)
        root = cJSON_ParseWithLength(payload.ptr, payload.len);
    const cJSON *text =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(root, "text"), "en");
    const cJSON *state = cJSON_GetObjectItemCaseSensitive(root, "state");
    const cJSON *alert = cJSON_GetObjectItemCaseSensitive(root, "alert");

    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "ok")))
        code = EXIT_FINE;
    if (asked->json) {
        (void)printf("%.*s\n", VIEW_ARG(payload));
    } else {
        (void)printf("%s %s: %s%s%s\n", asked->verb,
            cJSON_IsString(alert) ? alert->valuestring : asked->id,
            cJSON_IsString(text) ? text->valuestring : "the answer cannot be read",
            cJSON_IsString(state) ? ", now " : "", cJSON_IsString(state) ? state->valuestring : "");
    }
    cJSON_Delete(root);
    return code;
}

static void
write_envelope(
    const struct client *client, struct view key, struct view body, char id[48], struct buf *out)
{
    unsigned char random[12];
    char hex[2 * sizeof(random) + 1];
    char signature[SIGNATURE_BYTES];
    struct envelope env = {.sender = view_of(client->id), .body = body};

    random_bytes(random, sizeof(random));
    (void)sodium_bin2hex(hex, sizeof(hex), random, sizeof(random));
    (void)snprintf(id, 48, "cli-%s", hex);
    env.id = view_of(id);
    env.timestamp = clock_wall().us / 1000000;
    env.signature = view_of(envelope_sign(key, env.id, env.timestamp, body, signature));
    envelope_write(&env, out);
}

static int
exchange(struct mqtt_client *mqtt, const struct asked *asked, const struct client *client,
    struct view text, const char *id)
{
    CHECK(asked->id != NULL);
    const size_t lane_len = strcspn(asked->id, "-");
    char topic[256];
    char answers[256];
    struct view from;
    struct view payload;
    struct err err;

    (void)snprintf(topic, sizeof(topic), "wallwatch/command/%.*s", (int)lane_len, asked->id);
    (void)snprintf(answers, sizeof(answers), "wallwatch/answer/%s/%s", client->id, id);
    if (!mqtt_client_subscribe(mqtt, answers, &err) ||
        !mqtt_client_publish(mqtt, topic, text, &err))
        return fail(err.text);
    if (!mqtt_client_next(mqtt, ANSWER_WITHIN_MS, &from, &payload)) {
        return fail(
            "no answer within 10 s; the command may still be carried out"
            "\nhint: is the lane running; 'wallwatch alert show ID' shows the case as it is, and "
            "the lane's log says what it refused");
    }
    return print_answer(payload, asked);
}

static int
send_command(struct mqtt_client *mqtt, const struct asked *asked, const struct client *client)
{
    struct arena arena;
    struct view key;
    struct buf body;
    struct buf text;
    struct err err;
    char id[48];
    int code;

    arena_init(&arena);
    buf_init(&body, ENVELOPE_MAX_BYTES);
    buf_init(&text, (size_t)2 * ENVELOPE_MAX_BYTES);
    if (!configured_key(client->key_file, &arena, &key, &err)) {
        code = fail(err.text);
    } else if (!write_command(asked, &body)) {
        (void)fail("--until takes a length of time (30m) or an instant (2026-11-24T06:00:00Z), "
                   "--for a length of time");
        code = EXIT_USAGE;
    } else {
        write_envelope(client, key, buf_view(&body), id, &text);
        code = exchange(mqtt, asked, client, buf_view(&text), id);
    }
    buf_fini(&body);
    buf_fini(&text);
    arena_fini(&arena);
    return code;
}

static const char *
text_at(const cJSON *root, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, key);

    return cJSON_IsString(item) ? item->valuestring : "";
}

static void
print_line(struct view payload)
{
    cJSON *root = cJSON_ParseWithLength(payload.ptr, payload.len);

    (void)printf("%-24s %-7s %-13s %-12s %-20s %s/%s %s\n", text_at(root, "alert"),
        text_at(root, "severity"), text_at(root, "state"), text_at(root, "tier"),
        text_at(root, "opened"), text_at(root, "rule"), text_at(root, "subject"),
        text_at(cJSON_GetObjectItemCaseSensitive(root, "title"), "en"));
    cJSON_Delete(root);
}

static int
print_open(const struct map *cases, const struct asked *asked, struct arena *arena)
{
    const struct map_entry *entries = map_sorted(cases, arena);
    const bool one = strcmp(asked->verb, "show") == 0;

    for (size_t i = 0; i < cases->len; i++) {
        const struct view *payload = entries[i].value;

        if (one || asked->json)
            (void)printf("%.*s\n", VIEW_ARG(*payload));
        else
            print_line(*payload);
    }
    if (one && cases->len == 0)
        return fail("no such case is open\nhint: closed cases are in the database");
    if (!one && !asked->json)
        (void)printf("%zu open\n", cases->len);
    return EXIT_FINE;
}

/* What is retained comes at once after the subscription; 500 ms of quiet end it. */
static int
show_open(struct mqtt_client *mqtt, const struct asked *asked)
{
    char filter[256] = "wallwatch/alert/#";
    struct arena arena;
    struct map cases;
    struct view topic;
    struct view payload;
    struct err err;
    int code;

    if (strcmp(asked->verb, "show") == 0)
        (void)snprintf(filter, sizeof(filter), "wallwatch/alert/+/+/+/+/+/%s", asked->id);
    if (!mqtt_client_subscribe(mqtt, filter, &err))
        return fail(err.text);
    arena_init(&arena);
    map_init(&cases);
    while (mqtt_client_next(mqtt, QUIET_MS, &topic, &payload)) {
        struct view *copy = ARENA_NEW(&arena, struct view);

        *copy = arena_copy(&arena, payload);
        if (payload.len == 0)
            (void)map_del(&cases, topic);
        else if (json_check(payload, 262144, &(size_t){0}) == JSON_FINE)
            (void)map_put(&cases, topic, copy);
    }
    code = print_open(&cases, asked, &arena);
    map_fini(&cases);
    arena_fini(&arena);
    return code;
}

static int
run(const struct asked *asked, bool command)
{
    struct config *config = NULL;
    struct mqtt_client *mqtt = NULL;
    struct client_account account;
    char lane[64];
    struct err err = {0};
    int code = EXIT_FOUND;

    if (!configured_read(asked->config_dir, asked->state_dir, &config))
        return EXIT_FOUND;
    (void)snprintf(lane, sizeof(lane), "%.*s", asked->id != NULL ? (int)strcspn(asked->id, "-") : 0,
        asked->id != NULL ? asked->id : "");
    bool ok = (asked->id == NULL || configured_lane(config, lane, &err)) &&
              client_account(config, asked->as, &account, &err);

    if (ok && asked->password_file != NULL) {
        account.options.username = account.client->id;
        account.options.password_file = asked->password_file;
    }
    if (ok && asked->username != NULL)
        account.options.username = asked->username;
    ok = ok && mqtt_client_open(&mqtt, &account.options, &err);
    if (!ok)
        code = fail(err.text);
    else
        code = command ? send_command(mqtt, asked, account.client) : show_open(mqtt, asked);
    if (mqtt != NULL)
        mqtt_client_close(mqtt);
    config_unref(config);
    return code;
}

static int
check_words(struct asked *asked, int n_args, const char *const *args, bool *command)
{
    enum command_kind kind;

    asked->verb = args[0];
    *command = command_parse(view_of(args[0]), &kind);
    if (!*command && strcmp(args[0], "list") != 0 && strcmp(args[0], "show") != 0) {
        (void)fprintf(
            stderr, "wallwatch alert: '%s' is not a command, allowed are list, show", args[0]);
        for (int i = 0; i < COMMAND_KINDS; i++)
            (void)fprintf(stderr, ", %s", command_names[i]);
        (void)fprintf(stderr, "\n");
        return EXIT_USAGE;
    }
    if (strcmp(args[0], "list") == 0)
        return EXIT_FINE;
    if (n_args != 2 || strpbrk(args[1], "/+#") != NULL) {
        (void)fprintf(stderr,
            "wallwatch alert: %s: the alert's id is needed (for report and maintenance: the lane's "
            "name)\n",
            args[0]);
        return EXIT_USAGE;
    }
    asked->id = args[1];
    return EXIT_FINE;
}

int
cmd_alert(int argc, char **argv)
{
    struct asked asked = {.config_dir = CONFIG_DIR_DEFAULT};
    const struct option_row rows[] = {
        {"as", "CLIENT", "whose key signs (default: the first client that may send commands)",
            &asked.as, NULL},
        {"by", "PERSON", "who does it: goes into the event", &asked.by, NULL},
        {"centre", "ID", "dispatch: to whom", &asked.centre, NULL},
        {"class", "NAME", "report: class of the device", &asked.class_name, NULL},
        {"compound", "ID", "report: where", &asked.compound, NULL},
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")",
            &asked.config_dir, NULL},
        {"device", "CODE", "report, maintenance: which device", &asked.device, NULL},
        {"for", "SPAN", "extend: by how long, 30m", &asked.span, NULL},
        {"into", "ID", "merge: the case that stays", &asked.into, NULL},
        {"json", NULL, "print JSON", NULL, &asked.json},
        {"part", "PART", "report: which part of it", &asked.part, NULL},
        {"password-file", "FILE", "of the broker account (default: CLIENT beside the broker's)",
            &asked.password_file, NULL},
        {"reason", "TEXT", "why: goes into the event", &asked.reason, NULL},
        {"severity", "COLOUR", "report: red, orange, yellow or blue", &asked.severity, NULL},
        {"state", "DIR", "state folder (default: as site.yaml says)", &asked.state_dir, NULL},
        {"tier", "TIER", "extend: the tier that allows it", &asked.tier, NULL},
        {"title", "TEXT", "report: what is wrong", &asked.title, NULL},
        {"until", "SPAN", "acknowledge, maintenance: until when, 30m or an instant", &asked.until,
            NULL},
        {"username", "NAME", "broker account (default: CLIENT)", &asked.username, NULL},
    };
    const struct usage usage = {"alert", "VERB [ID]",
        "Acts on one case: acknowledge, dispatch, settle, verify, false-alarm, comment, report, "
        "return,\nextend, merge; opens a window of maintenance for a device; or shows what is "
        "open: "
        "list, show.\nSends a signed command to the lane and prints its answer; exit code 1 if the "
        "lane says no.",
        rows, ARRAY_LEN(rows), 1, 2};
    const char *args[2];
    bool command = false;
    int n_args;
    int code;

    if (!options_read(&usage, argc, argv, args, &n_args, &code))
        return code;
    code = check_words(&asked, n_args, args, &command);
    if (code != EXIT_FINE)
        return code;
    if (sodium_init() < 0)
        return fail("libsodium cannot start");
    return run(&asked, command);
}
