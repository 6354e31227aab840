/*
 * The lane's side of the post child: what comes in over it (commands, replies, the others'
 * statuses, our own retained topics), and the start's last step: when the broker has given what
 * it kept, INPUT_READY.
 *
 * Who may do what: a signature of a declared key lets anybody answer a notice; commands need
 * `commands: true`, answers of a centre need `centre: ID`; the rest (is it fresh, is it this
 * centre's order, is the case in the sender's subtree) is the engine's.
 */
#include "base/io/clock_posix.h"
#include "base/json.h"
#include "base/log.h"
#include "service/lane.h"
#include "service/request.h"

#include <stdio.h>

#include <cjson/cJSON.h>

static const struct client *
find_client(const struct lane *lane, struct view id)
{
    for (size_t i = 0; i < lane->config->n_clients; i++) {
        if (view_is(id, lane->config->clients[i].id))
            return &lane->config->clients[i];
    }
    return NULL;
}

/* The text between prefix and the next '/', or an empty view. */
static struct view
level_after(struct view topic, const char *prefix)
{
    const size_t len = strlen(prefix);

    if (topic.len < len || memcmp(topic.ptr, prefix, len) != 0)
        return view_bytes("", 0);
    const char *end = memchr(topic.ptr + len, '/', topic.len - len);

    return view_bytes(
        topic.ptr + len, end != NULL ? (size_t)(end - topic.ptr) - len : topic.len - len);
}

/* wallwatch/{kind}/{to}/{id}/reply with an id of this lane: "LANE-...". */
static bool
is_our_reply(const struct lane *lane, struct view topic)
{
    const size_t name_len = strlen(lane->name);
    const char *at = topic.ptr;
    size_t left = topic.len;

    for (int level = 0; level < 3; level++) {
        const char *slash = memchr(at, '/', left);

        if (slash == NULL)
            return false;
        left -= (size_t)(slash + 1 - at);
        at = slash + 1;
    }
    return left > name_len + 1 && memcmp(at, lane->name, name_len) == 0 && at[name_len] == '-';
}

/* A lane that has never run was not down. */
static bool
signed_while_down(const struct lane *lane, const struct envelope *env)
{
    const int64_t at = env->timestamp;

    return lane->down_from.us != 0 && lane->down_until.us != 0 &&
           at >= lane->down_from.us / 1000000 && at <= lane->down_until.us / 1000000;
}

static const char *
text_of(const cJSON *root, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, key);

    return cJSON_IsString(item) ? item->valuestring : "";
}

/* An order that nobody here gave, or gave so long ago that it is forgotten. Notices are not asked
 * for: an answer to one that is settled is no mistake. */
static bool
is_unknown_order(const struct lane *lane, struct view body)
{
    if (json_check(body, REQUEST_MAX_BYTES, &(size_t){0}) != JSON_FINE)
        return false; /* that is said by others */
    cJSON *root = cJSON_ParseWithLength(body.ptr, body.len);
    const bool unknown = text_of(root, "notice")[0] == '\0' &&
                         !engine_has_order(lane->engine, view_of(text_of(root, "order")));

    cJSON_Delete(root);
    return unknown;
}

/* Who sent a command that was not let in is told at once why, if he is declared; who is not has no
 * topic to be told on. */
static void
answer_refused(struct lane *lane, const struct envelope *env, const char *why)
{
    struct json_writer json;
    struct buf body;
    char topic[256];
    char id[129];

    if (find_client(lane, env->sender) == NULL || env->id.len == 0 || env->id.len >= sizeof(id))
        return;
    for (size_t i = 0; i < env->id.len; i++) {
        if ((unsigned char)env->id.ptr[i] <= ' ' || strchr("/+#", env->id.ptr[i]) != NULL)
            return;
    }
    (void)snprintf(id, sizeof(id), "%.*s", VIEW_ARG(env->id));
    (void)snprintf(topic, sizeof(topic), "wallwatch/answer/%.*s/%s", VIEW_ARG(env->sender), id);
    buf_init(&body, 4096);
    json_begin(&json, &body);
    json_object(&json, NULL);
    json_null(&json, "alert");
    json_text(&json, "id", id);
    json_bool(&json, "ok", false);
    json_null(&json, "state");
    json_object(&json, "text");
    json_text(&json, "en", why);
    json_text(&json, "zh", "命令未被接受");
    json_close(&json);
    json_close(&json);
    json_end(&json);
    post_publish(lane->post, view_of(topic), buf_view(&body), false, false, 0, NULL);
    buf_fini(&body);
}

static int
take_request(struct lane *lane, enum input_kind kind, const struct envelope *env, const char **why)
{
    const struct client *client = find_client(lane, env->sender);
    struct request request = {.env = env};
    struct buf body;
    int status = 202;

    if (client == NULL || !envelope_verify(env, lane->keys, lane->n_keys)) {
        *why = client == NULL ? "sender is not a declared client" : "signature is wrong";
        return 401;
    }
    if (kind == INPUT_COMMAND && !client->commands) {
        *why = "this client may not send commands";
        return 403;
    }
    request.unit = kind == INPUT_COMMAND && client->unit != NULL ? client->unit->id : NULL;
    request.centre = kind == INPUT_ANSWER && client->centre != NULL ? client->centre->id : NULL;
    if (kind == INPUT_COMMAND && signed_while_down(lane, env))
        request.down_until = lane->down_until;
    buf_init(&body, (size_t)2 * REQUEST_MAX_BYTES);
    if (request_write(&request, &body, why))
        lane_feed(lane, kind, buf_view(&body));
    else
        status = 400;
    buf_fini(&body);
    return status;
}

int
lane_take_answer(struct lane *lane, const struct envelope *env, const char **why)
{
    int status = take_request(lane, INPUT_ANSWER, env, why);

    if (status == 202 && is_unknown_order(lane, env->body)) {
        *why = "no such order";
        status = 404;
    }
    if (status != 202)
        lane_refused(lane, "answer", env->sender, *why);
    return status;
}

static void
take_envelope(struct lane *lane, enum input_kind kind, struct view payload)
{
    const char *what = kind == INPUT_COMMAND ? "command" : "reply";
    const char *why = "";
    struct envelope env;
    struct arena arena;

    lane->heard = clock_now();
    arena_init(&arena);
    if (!envelope_parse(&arena, payload, &env, &why)) {
        lane_refused(lane, what, view_bytes("", 0), why);
    } else if (take_request(lane, kind, &env, &why) != 202) {
        lane_refused(lane, what, env.sender, why);
        if (kind == INPUT_COMMAND)
            answer_refused(lane, &env, why);
    }
    arena_fini(&arena);
}

/* Statuses come from our own kind over a topic that only lanes may write. */
static void
take_status(struct lane *lane, struct view name, struct view payload)
{
    struct instant at = {0};
    cJSON *root;

    if (view_is(name, lane->name) || json_check(payload, 65536, &(size_t){0}) != JSON_FINE)
        return;
    root = cJSON_ParseWithLength(payload.ptr, payload.len);
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(root, "at");
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(root, "config");
    const bool up = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "up"));

    if (cJSON_IsString(text) && !instant_parse(view_of(text->valuestring), &at))
        at = (struct instant){0};
    peers_heard(&lane->peers, name, up,
        cJSON_IsNumber(version) && version->valuedouble > 0 ? (uint32_t)version->valuedouble : 0,
        at, clock_now());
    cJSON_Delete(root);
}

/* A run without its predecessor's state does not know what that had open: of each such case whose
 * picture the broker kept, a person is told, before the picture goes. */
static void
tell_unknown(struct lane *lane, struct view payload)
{
    struct instant opened = {0};
    char detail[256];

    if ((!lane->fresh && !lane->state_lost) ||
        json_check(payload, 262144, &(size_t){0}) != JSON_FINE)
        return;
    cJSON *root = cJSON_ParseWithLength(payload.ptr, payload.len);
    const char *const at = text_of(root, "opened"), *const alert = text_of(root, "alert");

    if (alert[0] != '\0' && instant_parse(view_of(at), &opened) &&
        instant_cmp(opened, lane->down_until) < 0) {
        (void)snprintf(detail, sizeof(detail),
            "open when the state was lost: %.40s, %.40s %.40s in %.20s, %.16s, since %.32s", alert,
            text_of(root, "rule"), text_of(root, "subject"), text_of(root, "compound"),
            text_of(root, "severity"), at);
        log_error("state.lost", "case=%.60s", alert);
        lane_fact(lane, "state-lost", alert, true, detail);
        lane_fact(lane, "state-lost", alert, false, "a person looks after it");
    }
    cJSON_Delete(root);
}

static void
on_message(void *arg, struct view topic, struct view payload, bool retained)
{
    struct lane *lane = arg;
    const struct view status = level_after(topic, "wallwatch/status/");

    (void)retained;
    if (lane->closing)
        return; /* the session keeps what we do not take */
    if (view_is(topic, lane->command_topic)) {
        take_envelope(lane, INPUT_COMMAND, payload);
    } else if (level_after(topic, lane->alert_prefix).len > 0) {
        /* Ours, and not shown any more: closed while the broker was away, or left by a run whose
         * disk is lost. An empty one is a clear. */
        if (payload.len > 0 && !engine_shows(lane->engine, topic)) {
            tell_unknown(lane, payload);
            post_publish(lane->post, topic, view_bytes("", 0), true, false, 0, NULL);
        }
    } else if (status.len > 0) {
        take_status(lane, status, payload);
    } else if (is_our_reply(lane, topic)) {
        take_envelope(lane, INPUT_ANSWER, payload);
    }
}

void
lane_publish_all(struct lane *lane)
{
    const struct effects effects = engine_snapshot(lane->engine);

    lane_effects(lane, &effects, lane->intake.judged);
    acts_kick(lane);
}

static void
on_state(void *arg, bool up, const char *why)
{
    struct lane *lane = arg;
    const struct instant now = clock_now();

    if (lane->closing)
        return;
    if (!up) {
        log_warning("post.down", "why=\"%s\"", why != NULL ? why : "");
        if (lane->post_down_since.us == 0)
            lane->post_down_since = now;
        return;
    }
    log_info("post.up", "lane=%s", lane->name);
    lane->post_down_since = (struct instant){0};
    if (lane->opened.us == 0)
        lane->opened = lane->heard = now;
    /* What changed while it was down was not seen by anybody. */
    lane_publish_all(lane);
    status_publish(lane, true);
}

void
lane_open_post(struct lane *lane)
{
    static const char *filters[] = {NULL, "wallwatch/notice/+/+/reply",
        "wallwatch/dispatch/+/+/reply", "wallwatch/status/+", NULL};
    char client_id[96];
    char will[128];
    char alerts[128];
    const struct broker *broker = &lane->boot->broker;
    const bool own = lane->self->username != NULL;

    (void)snprintf(client_id, sizeof(client_id), "wallwatch-%s-post", lane->name);
    (void)snprintf(will, sizeof(will), "{\"lane\":\"%s\",\"up\":false}", lane->name);
    (void)snprintf(alerts, sizeof(alerts), "%s#", lane->alert_prefix);
    filters[0] = lane->command_topic;
    filters[4] = alerts;
    lane->post_down_since = clock_now();
    const struct post_options options = {
        .loop = lane->loop,
        .program = lane->program,
        .host = broker->host,
        .port = broker->port,
        .client_id = client_id,
        .username = own ? lane->self->username : broker->username,
        .password_file = own ? lane->self->password_file : broker->password_file,
        .will_topic = lane->status_topic,
        .will_body = will,
        .filters = filters,
        .n_filters = ARRAY_LEN(filters),
        .on_message = on_message,
        .on_state = on_state,
        .arg = lane,
    };

    lane->post = post_open(&options);
}
