#include "service/whatif.h"

#include "alerting/engine/engine.h"
#include "base/json.h"
#include "base/vec.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#define REPEATS_SHOWN 3
#define ROWS_MAX 2000

struct sent { /* an attempt that its receiver has not answered yet */
    const char *delivery, *notice, *recipient;
    uint32_t attempt;
    bool mqtt, order;
};

struct play {
    const struct whatif_ask *ask;
    struct engine *engine;
    struct instant now;
    struct whatif *out;
    char alert[64]; /* the case; "" until it is open */
    VEC(struct sent) sent;
    int repeats;
};

static const char *
text_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

    return cJSON_IsString(item) ? item->valuestring : "";
}

static void
take_event(struct play *play, const struct effect *effect)
{
    cJSON *event = cJSON_ParseWithLength(effect->body.ptr, effect->body.len);

    if (event != NULL && play->alert[0] == '\0' && strcmp(text_of(event, "event"), "reported") == 0)
        (void)snprintf(play->alert, sizeof(play->alert), "%s", text_of(event, "alert"));
    if (event == NULL || play->alert[0] == '\0' ||
        strcmp(text_of(event, "alert"), play->alert) != 0) {
        cJSON_Delete(event);
        return;
    }
    play->repeats += strcmp(text_of(event, "event"), "repeated") == 0;
    *VEC_PUSH(play->out) = (struct whatif_row){.at = effect->at, .event = event};
}

/* ids, separated by blanks */
static const char *
people_of(struct play *play, const cJSON *body)
{
    const cJSON *item;
    struct buf text;

    buf_init(&text, 1000);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(body, "to"))
    {
        if (cJSON_IsString(item))
            buf_printf(&text, "%s%s", text.len > 0 ? " " : "", item->valuestring);
    }
    const char *people = arena_text(&play->out->arena, buf_view(&text));

    buf_fini(&text);
    return people;
}

static void
take_send(struct play *play, const struct effect *effect)
{
    struct arena *arena = &play->out->arena;
    cJSON *body = cJSON_ParseWithLength(effect->body.ptr, effect->body.len);
    const cJSON *alert = cJSON_GetObjectItemCaseSensitive(body, "alert");

    if (strcmp(text_of(alert, "alert"), play->alert) == 0) {
        const bool order = text_of(body, "order")[0] != '\0';
        const char *recipient =
            arena_text(arena, view_of(text_of(body, order ? "centre" : "unit")));

        *VEC_PUSH(play->out) = (struct whatif_row){
            .at = effect->at,
            .channel = arena_text(arena, view_of(effect->channel->id)),
            .to = arena_text(arena, effect->to),
            .recipient = recipient,
            .people = people_of(play, body),
            .order = order,
        };
        *VEC_PUSH(&play->sent) = (struct sent){
            .delivery = arena_text(arena, effect->delivery),
            .notice = arena_text(arena, view_of(text_of(body, order ? "order" : "notice"))),
            .recipient = recipient,
            .attempt = effect->attempt,
            .mqtt = effect->channel->kind == CHANNEL_MQTT,
            .order = order,
        };
    }
    cJSON_Delete(body);
}

static void
feed(struct play *play, enum input_kind kind, const char *body)
{
    const struct input in = {.kind = kind, .now = play->now, .body = view_of(body)};
    const struct effects effects = engine_feed(play->engine, &in);

    for (size_t i = 0; i < effects.len; i++) {
        if (effects.at[i].kind == EFFECT_EVENT)
            take_event(play, &effects.at[i]);
        else if (effects.at[i].kind == EFFECT_SEND)
            take_send(play, &effects.at[i]);
    }
}

/* Notices arrive, nobody acts on them; a centre that does not answer has not received either. */
static void
answer_all(struct play *play)
{
    for (size_t i = 0; i < play->sent.len; i++) {
        const struct sent sent = play->sent.at[i];
        char body[1024];

        if (play->ask->unreachable || (sent.mqtt && sent.order))
            continue;
        if (sent.mqtt) {
            (void)snprintf(body, sizeof(body),
                "{\"at\":%" PRId64 ",\"id\":\"%s\",\"sender\":\"%s\",\"body\":{\"answer\":"
                "\"received\",\"notice\":\"%s\"}}",
                play->now.us, sent.delivery, sent.recipient, sent.notice);
            feed(play, INPUT_ANSWER, body);
            continue;
        }
        (void)snprintf(body, sizeof(body),
            "{\"attempt\":%" PRIu32 ",\"delivery\":\"%s\",\"detail\":\"\","
            "\"result\":\"delivered\"}",
            sent.attempt, sent.delivery);
        feed(play, INPUT_DELIVERY, body);
    }
    play->sent.len = 0;
}

static void
report_fault(struct play *play)
{
    struct json_writer json;
    struct buf body;

    buf_init(&body, 4096);
    json_begin(&json, &body);
    json_object(&json, NULL);
    json_int(&json, "at", play->now.us);
    json_object(&json, "body");
    json_text(&json, "by", "whatif");
    json_text(&json, "command", "report");
    json_text(&json, "device", play->ask->device->code);
    json_text(&json, "rule", play->ask->rule->id);
    json_close(&json);
    json_text(&json, "id", "whatif");
    json_text(&json, "sender", "whatif");
    json_close(&json);
    json_end(&json);
    buf_char(&body, '\0');
    feed(play, INPUT_COMMAND, body.ptr);
    buf_fini(&body);
}

static const struct lane_config *
lane_of(const struct whatif_ask *ask)
{
    for (size_t i = 0; i < ask->config->n_lanes; i++) {
        if (ask->device->lane != NULL && strcmp(ask->config->lanes[i].name, ask->device->lane) == 0)
            return &ask->config->lanes[i];
    }
    return &ask->config->lanes[0];
}

bool
whatif_run(const struct whatif_ask *ask, struct whatif *out, struct err *err)
{
    const struct instant end = instant_add(ask->at, ask->span);
    struct engine_options options;
    struct play play = {.ask = ask, .now = ask->at, .out = out};

    *out = (struct whatif){0};
    arena_init(&out->arena);
    config_engine_options(ask->config, lane_of(ask), &options);
    play.engine = engine_new(&options);
    /* Without a link nothing is held to be silent: this is about one fault. */
    feed(&play, INPUT_LINK, "{\"up\":false}");
    report_fault(&play);
    answer_all(&play);
    while (play.alert[0] != '\0' && out->len < ROWS_MAX && play.repeats < REPEATS_SHOWN) {
        const struct instant next = engine_next(play.engine);

        if (instant_cmp(next, end) > 0)
            break;
        play.now = instant_max(play.now, next);
        feed(&play, INPUT_TICK, "{}");
        answer_all(&play);
    }
    out->more = play.repeats >= REPEATS_SHOWN || out->len >= ROWS_MAX;
    engine_free(play.engine);
    VEC_FREE(&play.sent);
    if (play.alert[0] != '\0')
        return true;
    whatif_fini(out);
    return err_set(err, ERR_INPUT, "rule '%s' cannot be true of device '%s'", ask->rule->id,
        ask->device->code);
}

void
whatif_fini(struct whatif *whatif)
{
    for (size_t i = 0; i < whatif->len; i++)
        cJSON_Delete(whatif->at[i].event);
    free(whatif->at);
    arena_fini(&whatif->arena);
    *whatif = (struct whatif){0};
}

bool
whatif_time(const struct zone *zone, struct view text, struct instant now, struct instant *out)
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    struct instant at;
    char utc[64];

    if (instant_parse(text, out))
        return true;
    if (text.len == 16) { /* a local date and time */
        (void)snprintf(utc, sizeof(utc), "%.*s:00Z", VIEW_ARG(text));
        if (!instant_parse(view_of(utc), &at))
            return false;
        *out =
            zone_at(zone, at.us / SPAN_DAYS(1).us, (int)(at.us % SPAN_DAYS(1).us / SPAN_MIN(1).us));
        return true;
    }
    if (text.len != 9 || text.ptr[3] != ' ')
        return false;
    (void)snprintf(utc, sizeof(utc), "1970-01-01T%.*s:00Z", 5, text.ptr + 4);
    if (!instant_parse(view_of(utc), &at))
        return false;
    for (int ahead = 0; ahead <= 7; ahead++) {
        const int64_t day = zone_day(zone, now) + ahead;
        const struct instant then = zone_at(zone, day, (int)(at.us / SPAN_MIN(1).us));

        if (memcmp(days[day_civil(day).weekday], text.ptr, 3) == 0 && then.us >= now.us) {
            *out = then;
            return true;
        }
    }
    return false;
}
