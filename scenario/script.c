/*
 * The lines of a script, one at a time:
 *
 *   config NAME                          its configuration
 *   device CODE class CLASS compound ID [zone ID]
 *   deliver WHO ok|silent|fail|never     WHO: channel, unit, centre, person or all
 *   M:SS  CODE[/PART] field=value ... [late SPAN] [ahead SPAN] [suspect] [retained] [test]
 * [noclock] M:SS  link up|down                   the lane's connection to the broker M:SS  command
 * NAME [RULE SUBJECT] [key=value ...]   until=+SPAN, signed=-SPAN, down, id=X M:SS  answer CENTRE
 * STATE RULE SUBJECT [from CENTRE] M:SS  fact CODE on|off SUBJECT M:SS  deliver ... M:SS  restart
 * M:SS [hold]            down until then; hold: `ready` comes later M:SS  ready M:SS  variant N
 * another form of the configuration is applied M:SS  rebase [-]SPAN M:SS  expect ... the table in
 * checks.c
 */
#include "scenario/state.h"

#include <stdio.h>
#include <stdlib.h>

const char *
script_word(const struct script *script, size_t i)
{
    return i < script->n ? script->words[i] : "";
}

bool
script_has(const struct script *script, size_t from, const char *word)
{
    for (size_t i = from; i < script->n; i++) {
        if (strcmp(script->words[i], word) == 0)
            return true;
    }
    return false;
}

void
script_complain(struct script *script, const char *en, const char *zh, const char *detail)
{
    const char *gap = detail[0] == '\0' ? "" : " ";
    char text_en[700], text_zh[700];
    const struct words what = {.zh = text_zh, .en = text_en};

    while (*detail == ' ')
        detail++;
    (void)snprintf(text_en, sizeof(text_en), "%s%s%s", en, gap, detail);
    (void)snprintf(text_zh, sizeof(text_zh), "%s%s%s", zh, gap, detail);
    script->host->failed(script->host->arg, script->line, script->text, &what);
}

void
script_stop(struct script *script, const char *en, const char *zh, const char *detail)
{
    script_complain(script, en, zh, detail);
    script->stopped = true;
}

/* [H:]M:SS since the start. */
static bool
parse_time(const char *text, struct instant *out)
{
    int64_t seconds = 0;
    int colons = 0;

    for (const char *at = text; *at != '\0'; at++) {
        char *end = NULL;
        const long number = strtol(at, &end, 10);

        if (*at < '0' || *at > '9' || number > 1000000 || (*end != ':' && *end != '\0'))
            return false;
        seconds = seconds * 60 + number;
        if (*end == '\0') {
            *out = instant_add((struct instant){SCRIPT_START_US}, SPAN_S(seconds));
            return colons == 1 || colons == 2;
        }
        colons++;
        at = end;
    }
    return false;
}

const char *
script_time(struct instant at, char out[32])
{
    const int64_t ms = (at.us - SCRIPT_START_US) / 1000;
    const int n =
        snprintf(out, 32, "%lld:%02lld", (long long)(ms / 60000), (long long)(ms / 1000 % 60));

    if (ms % 1000 != 0)
        (void)snprintf(out + n, 32 - (size_t)n, ".%03lld", (long long)(ms % 1000));
    return out;
}

/* The first line that needs the engine makes it; a device spoken of there says in which lane. */
static bool
start(struct script *script)
{
    const struct engine_options *options = NULL;
    struct err err = {0};
    char device[64];

    if (script->started || script->stopped)
        return !script->stopped;
    (void)snprintf(device, sizeof(device), "%s", script_word(script, 1));
    device[strcspn(device, "/")] = '\0';
    if (!script->host->configure(script->host->arg, script->config, device, &options, &err)) {
        script_stop(script, err.text, err.text, "");
        return false;
    }
    script->started = true;
    world_init(&script->world, options, script->host->twin);
    script->world.now.us = SCRIPT_START_US;
    world_body(&script->world, INPUT_START, "{\"epoch\":1,\"late_us\":0}");
    world_body(&script->world, INPUT_LINK, "{\"up\":true}");
    world_body(&script->world, INPUT_READY, "{}");
    return true;
}

static void
do_deliver(struct script *script, size_t at)
{
    static const char *const names[] = {"ok", "silent", "fail", "never"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(script_word(script, at + 1), names[i]) == 0) {
            world_played(&script->world, script_word(script, at), (enum behaviour)i);
            return;
        }
    }
    script_stop(script, "needed is", "应为", "deliver WHO ok|silent|fail|never");
}

static void
do_reading(struct script *script)
{
    char *code = script->words[1], *part = strchr(code, '/');
    struct told_reading told = {.code = code, .part = ""};
    const char *values[SCRIPT_MAX_WORDS];
    bool late_is_wrong = false;

    if (part != NULL) {
        *part = '\0';
        told.part = part + 1;
    }
    for (size_t i = 2; i < script->n; i++) {
        struct span *span = strcmp(script->words[i], "late") == 0    ? &told.late
                            : strcmp(script->words[i], "ahead") == 0 ? &told.ahead
                                                                     : NULL;

        if (span != NULL)
            late_is_wrong |= !span_parse(view_of(script_word(script, ++i)), span);
        else if (strchr(script->words[i], '=') != NULL)
            values[told.n_values++] = script->words[i];
    }
    if (late_is_wrong) {
        script_stop(script, "needed is", "应为", "late SPAN, ahead SPAN");
        return;
    }
    if (script_has(script, 2, "suspect"))
        told.suspect |= SUSPECT_CHECK;
    if (script_has(script, 2, "retained"))
        told.suspect |= SUSPECT_RETAINED;
    told.test = script_has(script, 2, "test");
    told.clockless = script_has(script, 2, "noclock");
    told.values = values;
    const char *stranger = world_stranger(&script->world, &told);

    if (stranger == NULL) {
        (void)world_reading(&script->world, &told);
    } else if (stranger == code) {
        script_stop(script, "there is no such device:", "没有此设备:", code);
    } else {
        script_stop(
            script, "no field=value of this device's class:", "不是此设备类别的字段=值:", stranger);
    }
}

static void
add_argument(struct script *script, cJSON *outer, cJSON *body, const char *text)
{
    const char *equals = strchr(text, '=');
    char key[64], *end = NULL;
    struct span span;

    if (equals == NULL) {
        if (strcmp(text, "down") == 0)
            cJSON_AddNumberToObject(outer, "down_until", (double)script->world.now.us);
        return;
    }
    (void)snprintf(key, sizeof(key), "%.*s", (int)(equals - text), text);
    const char *value = equals + 1;
    const double number = strtod(value, &end);

    /* "+2h", "-5m" */
    const struct view length = view_of(value[0] == '\0' ? "" : value + 1);

    if (strcmp(value, "-0s") == 0) {
        cJSON_AddNumberToObject(body, key, (double)script->world.now.us);
    } else if (strcmp(key, "until") == 0 && span_parse(length, &span)) {
        cJSON_AddNumberToObject(body, key, (double)(script->world.now.us + span.us));
    } else if (strcmp(key, "signed") == 0 && span_parse(length, &span)) {
        cJSON_ReplaceItemInObjectCaseSensitive(
            outer, "at", cJSON_CreateNumber((double)(script->world.now.us - span.us)));
    } else if (strcmp(key, "id") == 0) {
        cJSON_ReplaceItemInObjectCaseSensitive(outer, "id", cJSON_CreateString(value));
    } else if (strcmp(key, "by_s") == 0 && *end == '\0') {
        cJSON_AddNumberToObject(body, key, number);
    } else {
        cJSON_AddStringToObject(strcmp(key, "unit") == 0 ? outer : body, key, value);
    }
}

static void
do_command(struct script *script)
{
    struct world *world = &script->world;
    cJSON *outer = cJSON_CreateObject(), *body = cJSON_CreateObject();
    const cJSON *found = NULL;
    char id[32];
    size_t i = 3;

    (void)snprintf(id, sizeof(id), "c%u", ++world->commands);
    cJSON_AddNumberToObject(outer, "at", (double)world->now.us);
    cJSON_AddStringToObject(outer, "id", id);
    cJSON_AddStringToObject(outer, "sender", "console");
    cJSON_AddStringToObject(body, "command", script_word(script, 2));
    if (script->n > 4 && strchr(script->words[3], '=') == NULL) {
        found = world_case(world, script->words[3], script->words[4]);
        cJSON_AddStringToObject(body, "alert", found == NULL ? "none" : world_text(found, "alert"));
        i = 5;
    }
    for (; i < script->n; i++) {
        if (strcmp(script->words[i], "into") == 0 && i + 2 < script->n) {
            found = world_case(world, script->words[i + 1], script->words[i + 2]);
            cJSON_AddStringToObject(body, "into", world_text(found, "alert"));
            i += 2;
        } else {
            add_argument(script, outer, body, script->words[i]);
        }
    }
    cJSON_AddItemToObject(outer, "body", body);
    char *text = cJSON_PrintUnformatted(outer);

    world_body(world, INPUT_COMMAND, "%s", text);
    cJSON_free(text);
    cJSON_Delete(outer);
}

/* answer CENTRE STATE RULE SUBJECT [from CENTRE] */
static void
do_answer(struct script *script)
{
    const cJSON *found = world_case(&script->world, script_word(script, 4), script_word(script, 5));
    const cJSON *orders = cJSON_GetObjectItemCaseSensitive(found, "orders"), *order;
    const char *centre = script_word(script, 2), *id = "";
    const char *from =
        strcmp(script_word(script, 6), "from") == 0 ? script_word(script, 7) : centre;

    cJSON_ArrayForEach(order, orders)
    {
        if (strcmp(world_text(order, "centre"), centre) == 0)
            id = world_text(order, "order");
    }
    world_body(&script->world, INPUT_ANSWER,
        "{\"at\":%lld,\"centre\":\"%s\",\"id\":\"a\",\"sender\":\"%s\",\"body\":{\"answer\":\"%s\","
        "\"by\":\"crew\",\"comment\":\"\",\"order\":\"%s\"}}",
        (long long)script->world.now.us, from, from, script_word(script, 3), id);
}

static void
do_restart(struct script *script)
{
    struct world *world = &script->world;
    const struct instant was = world->now;
    struct instant at;

    if (!parse_time(script_word(script, 2), &at)) {
        script_stop(script, "needed is", "应为", "restart M:SS [hold]");
        return;
    }
    world->now = instant_max(at, was);
    world->new_events = world->events.len;
    world->new_sends = world->sends.len;
    world_body(world, INPUT_START, "{\"epoch\":%u,\"late_us\":%lld}", ++world->epoch,
        (long long)instant_since(world->now, was).us);
    world_body(world, INPUT_LINK, "{\"up\":true}");
    if (!script_has(script, 3, "hold"))
        world_body(world, INPUT_READY, "{}");
}

static void
do_variant(struct script *script)
{
    const struct engine_options *options = script->host->variant == NULL
                                               ? NULL
                                               : script->host->variant(script->host->arg,
                                                     (int)strtol(script_word(script, 2), NULL, 10));

    if (options == NULL) {
        script_stop(script, "there is no variant here", "此处没有其他版本", "");
        return;
    }
    const struct input in = {.kind = INPUT_CONFIG,
        .now = script->world.now,
        .pos = script->world.pos,
        .body = view_of("{\"version\":2}"),
        .options = options};

    world_feed(&script->world, &in);
}

static void
do_rebase(struct script *script)
{
    const char *text = script_word(script, 2);
    struct span span;

    if (!span_parse(view_of(text + (text[0] == '-')), &span)) {
        script_stop(script, "needed is", "应为", "rebase [-]SPAN");
        return;
    }
    if (text[0] == '-')
        span.us = -span.us;
    script->world.now = instant_add(script->world.now, span);
    world_body(&script->world, INPUT_REBASE, "{\"delta_us\":%lld}", (long long)span.us);
}

static void
do_link(struct script *script)
{
    world_body(&script->world, INPUT_LINK, "{\"up\":%s}",
        strcmp(script_word(script, 2), "up") == 0 ? "true" : "false");
}

static void
do_fact(struct script *script)
{
    world_body(&script->world, INPUT_FACT,
        "{\"code\":\"%s\",\"detail\":\"played\",\"on\":%s,\"subject\":\"%s\"}",
        script_word(script, 2), strcmp(script_word(script, 3), "on") == 0 ? "true" : "false",
        script_word(script, 4));
}

static void
do_ready(struct script *script)
{
    world_body(&script->world, INPUT_READY, "{}");
}

static void
do_deliver_at(struct script *script)
{
    do_deliver(script, 2);
}

static const struct verb {
    const char *name;
    void (*run)(struct script *script);
} verbs[] = {
    {"expect", script_expect},
    {"command", do_command},
    {"answer", do_answer},
    {"restart", do_restart},
    {"ready", do_ready},
    {"deliver", do_deliver_at},
    {"fact", do_fact},
    {"link", do_link},
    {"variant", do_variant},
    {"rebase", do_rebase},
};

static void
run_verb(struct script *script)
{
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (strcmp(verbs[i].name, script_word(script, 1)) == 0) {
            verbs[i].run(script);
            return;
        }
    }
    do_reading(script);
}

static void
run_timed(struct script *script)
{
    struct instant at;

    if (!parse_time(script->words[0], &at)) {
        script_stop(script, "a line begins with a time, config, device or deliver",
            "每行以时间, config, device 或 deliver 开头", "");
        return;
    }
    if (script->n < 2) {
        script_stop(script, "nothing follows the time", "时间之后没有内容", "");
        return;
    }
    if (script->started && instant_cmp(at, script->world.now) < 0) {
        script_stop(script, "the time goes backwards", "时间倒退", "");
        return;
    }
    if (!start(script))
        return;
    world_until(&script->world, at);
    run_verb(script);
    world_until(&script->world, script->world.now);
}

static void
run_device(struct script *script)
{
    const struct scenario_host *host = script->host;
    struct err err = {0};

    if (script->n < 6 || script->started || strcmp(script->words[2], "class") != 0 ||
        strcmp(script->words[4], "compound") != 0) {
        script_stop(script, "needed is, before the first time", "应在第一个时间之前写",
            "device CODE class CLASS compound ID [zone ID]");
        return;
    }
    if (host->device == NULL) {
        script_stop(script, "only listed devices can be used here", "此处只能使用清单中的设备", "");
        return;
    }
    if (!host->device(host->arg, script->words[1], script->words[3], script->words[5],
            script->n > 7 ? script->words[7] : "", &err))
        script_stop(script, err.text, err.text, "");
}

static void
run_line(struct script *script)
{
    if (strcmp(script->words[0], "config") == 0) {
        (void)snprintf(script->config, sizeof(script->config), "%s", script_word(script, 1));
    } else if (strcmp(script->words[0], "device") == 0) {
        run_device(script);
    } else if (strcmp(script->words[0], "deliver") == 0) {
        if (start(script))
            do_deliver(script, 1);
    } else {
        run_timed(script);
    }
    if (script->started && script->world.flaw[0] != '\0') {
        script_stop(script, "the engine broke a promise:", "引擎违反约定:", script->world.flaw);
        script->world.flaw[0] = '\0';
    }
}

/* The line without what is behind '#', and its words. */
static void
split_line(struct script *script, struct view line)
{
    char *save = NULL;
    size_t len = 0;

    while (len < line.len && line.ptr[len] != '#' && line.ptr[len] != '\r')
        len++;
    while (len > 0 && (line.ptr[len - 1] == ' ' || line.ptr[len - 1] == '\t'))
        len--;
    script->n = 0;
    if (len >= sizeof(script->text)) {
        script->text[0] = '\0';
        script_stop(script, "the line is too long", "行过长", "");
        return;
    }
    memcpy(script->text, line.ptr, len);
    script->text[len] = '\0';
    memcpy(script->split, script->text, len + 1);
    for (char *token = strtok_r(script->split, " ,\t", &save);
         token != NULL && script->n < SCRIPT_MAX_WORDS; token = strtok_r(NULL, " ,\t", &save))
        script->words[script->n++] = token;
}

static void
tell_raised(const struct script *script)
{
    for (size_t i = 0; i < script->world.events.len; i++) {
        const cJSON *snapshot =
            cJSON_GetObjectItemCaseSensitive(script->world.events.at[i].json, "snapshot");

        if (cJSON_IsObject(snapshot))
            script->host->raised(script->host->arg, world_text(snapshot, "rule"));
    }
}

void
scenario_run(struct view text, const struct scenario_host *host)
{
    struct script *script = mem_zalloc(1, sizeof(*script));

    script->host = host;
    for (size_t at = 0; at < text.len && !script->stopped;) {
        const char *end = memchr(text.ptr + at, '\n', text.len - at);
        const size_t len = end == NULL ? text.len - at : (size_t)(end - text.ptr) - at;

        script->line++;
        split_line(script, (struct view){text.ptr + at, len});
        if (script->n > 0)
            run_line(script);
        at += len + 1;
    }
    if (script->started) {
        if (host->raised != NULL)
            tell_raised(script);
        world_fini(&script->world);
    }
    free(script);
}
