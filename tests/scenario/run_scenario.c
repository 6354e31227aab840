/*
 * run_scenario FILE...: alerting as a script with a moving clock (style.md, section 3).
 *
 *   config small | DIR            the small configuration of fixture.c, or a folder
 *   device CODE class CLASS compound ID [zone ID]
 *   deliver WHO ok|silent|fail|never    WHO: channel, unit, centre, person or all
 *   M:SS  CODE[/PART] field=value ... [late SPAN] [ahead SPAN] [suspect] [retained] [test]
 * [noclock] M:SS  link up|down            the lane's connection to the broker M:SS  command NAME
 * [RULE SUBJECT] [key=value ...]   until=+SPAN, signed=-SPAN, down, id=X M:SS  answer CENTRE STATE
 * RULE SUBJECT [from CENTRE] M:SS  fact CODE on|off SUBJECT M:SS  deliver ... M:SS  restart M:SS
 * [hold]     down until then; hold: `ready` comes later M:SS  ready M:SS  variant N the small
 * configuration's other form is applied M:SS  rebase [-]SPAN M:SS  expect ...              see the
 * table `checks`
 */
#include "base/io/fs_posix.h"
#include "config/config.h"
#include "tests/scenario/world.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_WORDS 64
#define START_US INT64_C(1795482000000000) /* 2026-11-24T09:00:00+08:00, a Tuesday */

struct script {
    const char *file;
    int line;
    struct fixture fixture, other;
    struct config *config;
    struct arena arena;
    struct world world;
    bool started;
    char *words[MAX_WORDS];
    size_t n;
    int failures;
};

static void
complain(struct script *script, const char *what, const char *detail)
{
    (void)fprintf(stderr, "%s:%d: %s%s%s\n", script->file, script->line, what,
        detail[0] == '\0' ? "" : ": ", detail);
    script->failures++;
}

static void
die(struct script *script, const char *what)
{
    complain(script, what, "");
    exit(1);
}

static struct instant
parse_time(struct script *script, const char *text)
{
    int a = 0, b = 0, c = 0;
    const int n = sscanf(text, "%d:%d:%d", &a, &b, &c);

    if (n < 2)
        die(script, "not a time");
    const int64_t seconds = n == 2 ? a * 60LL + b : a * 3600LL + b * 60LL + c;

    return instant_add((struct instant){START_US}, SPAN_S(seconds));
}

static const char *
show_time(struct instant at, char out[32])
{
    const int64_t ms = (at.us - START_US) / 1000;
    const int n =
        snprintf(out, 32, "%lld:%02lld", (long long)(ms / 60000), (long long)(ms / 1000 % 60));

    if (ms % 1000 != 0)
        (void)snprintf(out + n, 32 - (size_t)n, ".%03lld", (long long)(ms % 1000));
    return out;
}

static void
start(struct script *script)
{
    const struct engine_options *options = &script->fixture.options;
    struct engine_options *filled = NULL;

    if (script->started)
        return;
    script->started = true;
    if (script->config != NULL) {
        const struct config *config = script->config;

        filled = ARENA_NEW(&script->arena, struct engine_options);
        *filled = (struct engine_options){.lane = "plant",
            .life_safety = true,
            .config_version = 1,
            .classes = config->classes,
            .devices = &config->devices,
            .grid = &config->grid,
            .rules = &config->rules,
            .policies = &config->policies,
            .channels = &config->channels,
            .device_rate = config->device_rate,
            .device_burst = config->device_burst};
        options = filled;
    }
    world_init(&script->world, options, true);
    script->world.now.us = START_US;
    world_body(&script->world, INPUT_START, "{\"epoch\":1,\"late_us\":0}");
    world_body(&script->world, INPUT_LINK, "{\"up\":true}");
    world_body(&script->world, INPUT_READY, "{}");
}

static void
load_config(struct script *script)
{
    char path[4096], *copy = strdup(script->file);
    struct problems problems;

    if (strcmp(script->words[1], "small") == 0) {
        free(copy);
        return;
    }
    (void)snprintf(path, sizeof(path), "%s/%s", dirname(copy), script->words[1]);
    free(copy);
    script->config = config_load(fs_posix(), path, &script->arena, &problems);
    if (script->config == NULL)
        die(script, "this configuration has mistakes");
}

static bool
has_word(const struct script *script, size_t from, const char *word)
{
    for (size_t i = from; i < script->n; i++) {
        if (strcmp(script->words[i], word) == 0)
            return true;
    }
    return false;
}

static const char *
word(const struct script *script, size_t i)
{
    return i < script->n ? script->words[i] : "";
}

static void
do_deliver(struct script *script, size_t at)
{
    static const char *const names[] = {"ok", "silent", "fail", "never"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(word(script, at + 1), names[i]) == 0) {
            world_played(&script->world, word(script, at), (enum behaviour)i);
            return;
        }
    }
    die(script, "deliver WHO ok|silent|fail|never");
}

static void
do_reading(struct script *script)
{
    char *code = script->words[1], *part = strchr(code, '/');
    struct told_reading told = {.code = code, .part = ""};
    const char *values[MAX_WORDS];

    if (part != NULL) {
        *part = '\0';
        told.part = part + 1;
    }
    for (size_t i = 2; i < script->n; i++) {
        if (strchr(script->words[i], '=') != NULL)
            values[told.n_values++] = script->words[i];
        else if (strcmp(script->words[i], "late") == 0 &&
                 !span_parse(view_of(word(script, ++i)), &told.late))
            die(script, "late SPAN");
        else if (strcmp(script->words[i], "ahead") == 0 &&
                 !span_parse(view_of(word(script, ++i)), &told.ahead))
            die(script, "ahead SPAN");
    }
    if (has_word(script, 2, "suspect"))
        told.suspect |= SUSPECT_CHECK;
    if (has_word(script, 2, "retained"))
        told.suspect |= SUSPECT_RETAINED;
    told.test = has_word(script, 2, "test");
    told.clockless = has_word(script, 2, "noclock");
    told.values = values;
    (void)world_reading(&script->world, &told);
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

    if (strcmp(value, "-0s") == 0)
        cJSON_AddNumberToObject(body, key, (double)script->world.now.us);
    else if (strcmp(key, "until") == 0 && span_parse(view_of(value + 1), &span))
        cJSON_AddNumberToObject(body, key, (double)(script->world.now.us + span.us));
    else if (strcmp(key, "signed") == 0 && span_parse(view_of(value + 1), &span))
        cJSON_ReplaceItemInObjectCaseSensitive(
            outer, "at", cJSON_CreateNumber((double)(script->world.now.us - span.us)));
    else if (strcmp(key, "id") == 0)
        cJSON_ReplaceItemInObjectCaseSensitive(outer, "id", cJSON_CreateString(value));
    else if (strcmp(key, "unit") == 0)
        cJSON_AddStringToObject(outer, "unit", value);
    else if (strcmp(key, "by_s") == 0 && *end == '\0')
        cJSON_AddNumberToObject(body, key, number);
    else
        cJSON_AddStringToObject(body, key, value);
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
    cJSON_AddStringToObject(body, "command", word(script, 2));
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
    const cJSON *found = world_case(&script->world, word(script, 4), word(script, 5));
    const cJSON *orders = cJSON_GetObjectItemCaseSensitive(found, "orders"), *order;
    const char *centre = word(script, 2), *id = "";
    const char *from = strcmp(word(script, 6), "from") == 0 ? word(script, 7) : centre;

    cJSON_ArrayForEach(order, orders)
    {
        if (strcmp(world_text(order, "centre"), centre) == 0)
            id = world_text(order, "order");
    }
    world_body(&script->world, INPUT_ANSWER,
        "{\"at\":%lld,\"centre\":\"%s\",\"id\":\"a\",\"sender\":\"%s\",\"body\":{\"answer\":\"%s\","
        "\"by\":\"crew\",\"comment\":\"\",\"order\":\"%s\"}}",
        (long long)script->world.now.us, from, from, word(script, 3), id);
}

static void
do_restart(struct script *script)
{
    struct world *world = &script->world;
    const struct instant was = world->now;

    world->now = parse_time(script, word(script, 2));
    world->new_events = world->events.len;
    world->new_sends = world->sends.len;
    world_body(world, INPUT_START, "{\"epoch\":%u,\"late_us\":%lld}", ++world->epoch,
        (long long)instant_since(world->now, was).us);
    world_body(world, INPUT_LINK, "{\"up\":true}");
    if (!has_word(script, 3, "hold"))
        world_body(world, INPUT_READY, "{}");
}

static void
do_variant(struct script *script)
{
    fixture_init(&script->other, atoi(word(script, 2)));
    const struct input in = {.kind = INPUT_CONFIG,
        .now = script->world.now,
        .pos = script->world.pos,
        .body = view_of("{\"version\":2}"),
        .options = &script->other.options};

    world_feed(&script->world, &in);
}

static void
do_rebase(struct script *script)
{
    const char *text = word(script, 2);
    struct span span;

    if (!span_parse(view_of(text + (text[0] == '-')), &span))
        die(script, "rebase [-]SPAN");
    if (text[0] == '-')
        span.us = -span.us;
    script->world.now = instant_add(script->world.now, span);
    world_body(&script->world, INPUT_REBASE, "{\"delta_us\":%lld}", (long long)span.us);
}

/* Checks: each gets the words after its name. */
static void
differs(struct script *script, const char *what, const char *is)
{
    char text[512];

    (void)snprintf(text, sizeof(text), "%s", is);
    complain(script, what, text);
}

static const cJSON *
need_case(struct script *script, size_t at)
{
    const cJSON *found = world_case(&script->world, word(script, at), word(script, at + 1));

    if (found == NULL)
        complain(script, "there is no such case", word(script, at));
    return found;
}

static void
check_state(struct script *script)
{
    const cJSON *found = need_case(script, 3);

    if (found == NULL)
        return;
    if (strcmp(world_text(found, "state"), word(script, 2)) != 0)
        differs(script, "its state is", world_text(found, "state"));
    if (script->n > 5 && strcmp(world_text(found, "severity"), word(script, 5)) != 0)
        differs(script, "its severity is", world_text(found, "severity"));
}

static void
check_none(struct script *script)
{
    const cJSON *found = world_case(&script->world, word(script, 3), word(script, 4));

    if (found != NULL)
        differs(script, "there is a case", world_text(found, "state"));
}

/* expect condition STATE RULE SUBJECT and the like: one text of the picture. */
static void
check_text(struct script *script)
{
    const cJSON *found = need_case(script, 4);

    if (found != NULL && strcmp(world_text(found, word(script, 2)), word(script, 3)) != 0)
        differs(script, "it is", world_text(found, word(script, 2)));
}

static void
check_flag(struct script *script)
{
    const cJSON *found = need_case(script, 3);

    if (found != NULL && !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(found, word(script, 2))))
        differs(script, "it is not", word(script, 2));
}

static void
check_count(struct script *script)
{
    const cJSON *found = need_case(script, 3);
    char text[32];

    if (found == NULL)
        return;
    (void)snprintf(
        text, sizeof(text), "%d", cJSON_GetObjectItemCaseSensitive(found, "count")->valueint);
    if (strcmp(text, word(script, 5)) != 0)
        differs(script, "its count is", text);
}

/* expect children RULE SUBJECT N */
static void
check_children(struct script *script)
{
    const cJSON *found = need_case(script, 3);
    char text[32];

    if (found == NULL)
        return;
    (void)snprintf(
        text, sizeof(text), "%d", cJSON_GetObjectItemCaseSensitive(found, "children")->valueint);
    if (strcmp(text, word(script, 5)) != 0)
        differs(script, "its children are", text);
}

/* expect folded RULE SUBJECT INTO-RULE|nowhere */
static void
check_folded(struct script *script)
{
    const cJSON *found = need_case(script, 3);
    const char *parent = found == NULL ? "" : world_text(found, "parent");

    if (strcmp(word(script, 5), "nowhere") == 0) {
        if (parent[0] != '\0')
            differs(script, "it is folded into", parent);
        return;
    }
    const cJSON *into = world_alert(&script->world, parent);

    if (into == NULL || strcmp(world_text(into, "rule"), word(script, 5)) != 0)
        differs(script, "it is folded into", into == NULL ? "nothing" : world_text(into, "rule"));
}

/* expect taken RULE SUBJECT WHO|nobody */
static void
check_taken(struct script *script)
{
    const cJSON *found = need_case(script, 3);
    const cJSON *taken = cJSON_GetObjectItemCaseSensitive(found, "acknowledged");
    const char *by = cJSON_IsObject(taken) ? world_text(taken, "by") : "nobody";

    if (found != NULL && strcmp(by, word(script, 5)) != 0)
        differs(script, "it is taken by", by);
}

static void
check_members(struct script *script)
{
    const cJSON *found = need_case(script, 3);
    const cJSON *members = cJSON_GetObjectItemCaseSensitive(found, "members"), *member;
    char text[512] = "", want[512] = "";

    cJSON_ArrayForEach(member, members)
    {
        (void)snprintf(
            text + strlen(text), sizeof(text) - strlen(text), " %s", member->valuestring);
    }
    for (size_t i = 5; i < script->n; i++)
        (void)snprintf(want + strlen(want), sizeof(want) - strlen(want), " %s", script->words[i]);
    if (strcmp(text, want) != 0)
        differs(script, "its members are", text);
}

/* expect order CENTRE STATE RULE SUBJECT */
static void
check_order(struct script *script)
{
    const cJSON *found = need_case(script, 5);
    const cJSON *orders = cJSON_GetObjectItemCaseSensitive(found, "orders"), *order;
    const char *state = "not there";

    cJSON_ArrayForEach(order, orders)
    {
        if (strcmp(world_text(order, "centre"), word(script, 3)) == 0)
            state = world_text(order, "state");
    }
    if (found != NULL && strcmp(state, word(script, 4)) != 0)
        differs(script, "the order is", state);
}

static bool
is_telling(const char *event)
{
    return strcmp(event, "told") == 0 || strcmp(event, "climbed") == 0 ||
           strcmp(event, "repeated") == 0;
}

static void
put_telling(const struct seen *seen, char *out, size_t size)
{
    const char *event = world_text(seen->json, "event");
    const double late = cJSON_GetObjectItemCaseSensitive(seen->json, "late_us")->valuedouble;
    char time[32], span[SPAN_TEXT_BYTES] = "";

    if (late > 0)
        span_text(SPAN_US(late), span);
    (void)snprintf(out, size, " %s%s@%s%s%s",
        event[0] == 'c'   ? "^"
        : event[0] == 'r' ? "~"
                          : "",
        world_text(seen->json, "tier"), show_time(seen->at, time), late > 0 ? "+" : "", span);
}

/* expect tells RULE SUBJECT point@0:45 ^station@1:15 ~district@40:00 district@30:00+5m: all of
 * them so far; ^ climbed out of turn, ~ repeated, +SPAN late by. */
static void
check_tells(struct script *script)
{
    const cJSON *found = need_case(script, 3);
    char text[1024] = "", want[1024] = "";

    if (found == NULL)
        return;
    for (size_t i = 0; i < script->world.events.len; i++) {
        const struct seen *seen = &script->world.events.at[i];
        const size_t len = strlen(text);

        if (strcmp(world_text(seen->json, "alert"), world_text(found, "alert")) == 0 &&
            is_telling(world_text(seen->json, "event")))
            put_telling(seen, text + len, sizeof(text) - len);
    }
    for (size_t i = 5; i < script->n; i++)
        (void)snprintf(want + strlen(want), sizeof(want) - strlen(want), " %s", script->words[i]);
    if (strcmp(text, want) != 0)
        differs(script, "told were", text);
}

/* expect event VERB RULE SUBJECT: at this very time */
static void
check_event(struct script *script)
{
    const struct world *world = &script->world;
    const cJSON *found = script->n > 4 ? need_case(script, 4) : NULL;

    for (size_t i = world->new_events; i < world->events.len; i++) {
        const cJSON *json = world->events.at[i].json;

        if (strcmp(world_text(json, "event"), word(script, 3)) == 0 &&
            (found == NULL || strcmp(world_text(json, "alert"), world_text(found, "alert")) == 0))
            return;
    }
    complain(script, "no such event now", word(script, 3));
}

/* expect sent CHANNEL WHO: at this very time; WHO: unit, centre or the address's `to` */
static void
check_sent(struct script *script)
{
    const struct world *world = &script->world;

    for (size_t i = world->new_sends; i < world->sends.len; i++) {
        const struct sent *sent = &world->sends.at[i];

        if (strcmp(sent->channel, word(script, 3)) == 0 &&
            (strcmp(sent->recipient, word(script, 4)) == 0 ||
                strcmp(sent->to, word(script, 4)) == 0))
            return;
    }
    complain(script, "nothing was sent now over", word(script, 3));
}

/* expect why RULE SUBJECT WORDS: of the newest event of that case */
static void
check_why(struct script *script)
{
    const cJSON *found = need_case(script, 3);
    char want[256] = "";
    const char *why = "";

    for (size_t i = 5; i < script->n; i++)
        (void)snprintf(want + strlen(want), sizeof(want) - strlen(want), "%s%s", i > 5 ? " " : "",
            script->words[i]);
    for (size_t i = 0; found != NULL && i < script->world.events.len; i++) {
        const cJSON *json = script->world.events.at[i].json;
        const char *event = world_text(json, "event");

        if (strcmp(world_text(json, "alert"), world_text(found, "alert")) == 0 &&
            !is_telling(event) && strcmp(event, "delivered") != 0 && strcmp(event, "member") != 0)
            why = world_text(json, "why");
    }
    if (strcmp(why, want) != 0)
        differs(script, "the reason is", why);
}

static void
check_quiet(struct script *script)
{
    const struct world *world = &script->world;

    if (world->sends.len > world->new_sends)
        differs(script, "something was sent to", world->sends.at[world->new_sends].recipient);
}

static void
check_answer(struct script *script)
{
    const bool ok = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(script->world.answer, "ok"));

    if (ok != (strcmp(word(script, 3), "ok") == 0))
        differs(script, "the answer is",
            world_text(cJSON_GetObjectItemCaseSensitive(script->world.answer, "text"), "en"));
}

static void
check_number(struct script *script)
{
    const struct engine_counts counts = engine_counts(script->world.engine);
    uint64_t n = world_case(&script->world, "", "") != NULL;
    char text[32];

    if (strcmp(word(script, 2), "waiting") == 0)
        n = counts.deliveries_waiting;
    else if (strcmp(word(script, 2), "shown") == 0)
        n = script->world.shown.len;
    else if (strcmp(word(script, 2), "pending") == 0)
        n = counts.pending;
    else if (strcmp(word(script, 2), "orders") == 0)
        n = counts.orders_open;
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
    if (strcmp(text, word(script, 3)) != 0)
        differs(script, "there are", text);
}

static const struct check {
    const char *name;
    void (*run)(struct script *script);
} checks[] = {
    {"none", check_none}, /* RULE SUBJECT: there never was one */
    {"open", check_state}, {"acknowledged", check_state}, {"resolved", check_state},
    {"verified", check_state}, {"closed", check_state}, {"false-alarm", check_state},
    {"reopened", check_state},                        /* RULE SUBJECT [COLOUR] */
    {"condition", check_text}, {"stage", check_text}, /* VALUE RULE SUBJECT */
    {"loop", check_text}, {"tier", check_text}, {"policy", check_text}, {"late", check_flag},
    {"suspect", check_flag}, {"flapping", check_flag}, /* RULE SUBJECT */
    {"count", check_count},                            /* RULE SUBJECT N */
    {"children", check_children}, {"folded", check_folded}, {"taken", check_taken},
    {"members", check_members}, {"tells", check_tells},
    {"order", check_order},                   /* CENTRE STATE RULE SUBJECT */
    {"event", check_event},                   /* VERB [RULE SUBJECT] */
    {"why", check_why}, {"sent", check_sent}, /* CHANNEL WHO */
    {"quiet", check_quiet},                   /* nothing is sent */
    {"answer", check_answer},                 /* ok|refused */
    {"waiting", check_number}, {"shown", check_number}, {"pending", check_number},
    {"orders", check_number}, /* N */
};

static void
do_expect(struct script *script)
{
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        if (strcmp(checks[i].name, word(script, 2)) == 0) {
            checks[i].run(script);
            return;
        }
    }
    die(script, "what is expected here?");
}

static void
do_link(struct script *script)
{
    world_body(&script->world, INPUT_LINK, "{\"up\":%s}",
        strcmp(word(script, 2), "up") == 0 ? "true" : "false");
}

static void
do_fact(struct script *script)
{
    world_body(&script->world, INPUT_FACT,
        "{\"code\":\"%s\",\"detail\":\"played\",\"on\":%s,\"subject\":\"%s\"}", word(script, 2),
        strcmp(word(script, 3), "on") == 0 ? "true" : "false", word(script, 4));
}

static void
run_timed(struct script *script)
{
    const char *verb = word(script, 1);

    start(script);
    world_until(&script->world, parse_time(script, script->words[0]));
    if (strcmp(verb, "expect") == 0)
        do_expect(script);
    else if (strcmp(verb, "command") == 0)
        do_command(script);
    else if (strcmp(verb, "answer") == 0)
        do_answer(script);
    else if (strcmp(verb, "restart") == 0)
        do_restart(script);
    else if (strcmp(verb, "ready") == 0)
        world_body(&script->world, INPUT_READY, "{}");
    else if (strcmp(verb, "deliver") == 0)
        do_deliver(script, 2);
    else if (strcmp(verb, "fact") == 0)
        do_fact(script);
    else if (strcmp(verb, "link") == 0)
        do_link(script);
    else if (strcmp(verb, "variant") == 0)
        do_variant(script);
    else if (strcmp(verb, "rebase") == 0)
        do_rebase(script);
    else
        do_reading(script);
    world_until(&script->world, script->world.now);
}

static void
run_line(struct script *script)
{
    if (strcmp(script->words[0], "config") == 0) {
        load_config(script);
    } else if (strcmp(script->words[0], "device") == 0) {
        if (script->n < 6 || script->started || script->config != NULL)
            die(script, "device CODE class CLASS compound ID [zone ID], first, with config small");
        fixture_device(&script->fixture, script->words[1], script->words[3], script->words[5],
            script->n > 7 ? script->words[7] : "");
    } else if (strcmp(script->words[0], "deliver") == 0) {
        start(script);
        do_deliver(script, 1);
    } else {
        run_timed(script);
    }
}

static int
run_file(const char *path)
{
    struct script script = {.file = path};
    FILE *file = fopen(path, "r");
    char line[1024];

    if (file == NULL) {
        (void)fprintf(stderr, "%s: cannot be opened\n", path);
        return 1;
    }
    arena_init(&script.arena);
    fixture_init(&script.fixture, 0);
    while (fgets(line, sizeof(line), file) != NULL) {
        char *save = NULL;

        script.line++;
        script.n = 0;
        line[strcspn(line, "#\n")] = '\0';
        for (char *token = strtok_r(line, " ,\t", &save); token != NULL && script.n < MAX_WORDS;
             token = strtok_r(NULL, " ,\t", &save))
            script.words[script.n++] = token;
        if (script.n > 0)
            run_line(&script);
    }
    (void)fclose(file);
    if (script.started)
        world_fini(&script.world);
    fixture_fini(&script.fixture);
    if (script.other.options.lane != NULL)
        fixture_fini(&script.other);
    config_unref(script.config);
    arena_fini(&script.arena);
    return script.failures;
}

int
main(int argc, char **argv)
{
    int failures = 0;

    for (int i = 1; i < argc; i++)
        failures += run_file(argv[i]);
    return failures == 0 ? 0 : 1;
}
