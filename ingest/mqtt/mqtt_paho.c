/*
 * Paho's callbacks only note what happened; one thread of our own takes the notes in order, asks
 * session.c what to do, and does it. So nothing here is called under Paho's lock except on_message,
 * and no lock of ours is held while Paho is called.
 *
 * One handle lives as long as it answers: destroying it would stop Paho's threads (100 ms to 1 s).
 */
#include "ingest/mqtt/mqtt_paho.h"

#include "base/arena.h"
#include "base/instant.h"
#include "base/io/clock_posix.h"
#include "base/io/fs_posix.h"
#include "base/log.h"
#include "ingest/mqtt/filters.h"
#include "ingest/mqtt/session.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <MQTTAsync.h>

#define KEEP_ALIVE_S 12
#define CONNECT_TIMEOUT_S 5
#define RECEIVE_MAXIMUM 1000
#define NEVER_EXPIRES 0xFFFFFFFFU
#define MAX_PASSWORD_BYTES 4096
#define MAX_NOTES 32
#define WHY_BYTES 256
#define CLOSE_PATIENCE SPAN_S(1)

struct note {
    enum session_event event;
    bool session_present;
    char why[WHY_BYTES];
};

struct mqtt {
    struct mqtt_options opt; /* texts and filters are our copies */
    struct arena arena;
    char *uri;
    MQTTAsync client; /* used by the thread only, and by close after it has ended */
    pthread_t thread;

    pthread_mutex_t lock; /* for the fields up to the blank line; never held while Paho is called */
    int wake_fd; /* eventfd: something new below; poll keeps time whatever the wall clock does */
    struct note notes[MAX_NOTES];
    size_t n_notes;
    bool closing;
    bool disconnected; /* our own disconnect has been done */

    struct session session; /* from here on: the thread's */
    struct span deadline;   /* monotonic; INT64_MAX: none */
    struct span up_since;   /* monotonic */
    struct arena round;     /* what the filters file held when this connection began */
    struct filter_list have;
    enum mqtt_state told;
    char told_why[WHY_BYTES];
};

static void
wake(const struct mqtt *mqtt)
{
    (void)eventfd_write(mqtt->wake_fd, 1);
}

/* Until somebody wakes us or the deadline has passed. */
static void
wait_until(const struct mqtt *mqtt, struct span deadline)
{
    const struct span now = clock_monotonic();
    struct pollfd fd = {.fd = mqtt->wake_fd, .events = POLLIN};
    eventfd_t n;
    int wait_ms = -1;

    if (deadline.us != INT64_MAX)
        wait_ms = deadline.us <= now.us ? 0 : (int)((deadline.us - now.us) / 1000) + 1;
    if (poll(&fd, 1, wait_ms) > 0)
        (void)eventfd_read(mqtt->wake_fd, &n);
}

static void
note(struct mqtt *mqtt, enum session_event event, bool session_present, const char *why)
{
    (void)pthread_mutex_lock(&mqtt->lock);
    /* Nothing can come so often without being taken; and if it did, the patience of the phase
     * would end it. */
    if (mqtt->n_notes < MAX_NOTES) {
        struct note *new = &mqtt->notes[mqtt->n_notes++];

        new->event = event;
        new->session_present = session_present;
        (void)snprintf(new->why, sizeof(new->why), "%.*s", WHY_BYTES - 1, why);
        wake(mqtt);
    }
    (void)pthread_mutex_unlock(&mqtt->lock);
}

/* Paho's callbacks, on its threads. */

static int
on_arrived(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
    const struct mqtt *mqtt = context;
    const struct mqtt_message msg = {
        .topic = {topic, topic_len > 0 ? (size_t)topic_len : strlen(topic)},
        .payload = {message->payload, (size_t)message->payloadlen},
        .qos = (uint8_t)message->qos,
        .retained = message->retained != 0,
        .dup = message->dup != 0,
    };

    mqtt->opt.on_message(mqtt->opt.arg, &msg);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1; /* anything else would be acknowledged as well, and kept in memory only */
}

static void
on_connected(void *context, MQTTAsync_successData5 *data)
{
    note(context, SESSION_EV_CONNECTED, data->alt.connect.sessionPresent != 0, "");
}

static void
on_connect_failed(void *context, MQTTAsync_failureData5 *data)
{
    const int reason = data->reasonCode > 0 ? (int)data->reasonCode : data->code;
    const bool refused = reason == MQTTREASONCODE_BAD_USER_NAME_OR_PASSWORD ||
                         reason == MQTTREASONCODE_NOT_AUTHORIZED ||
                         reason == MQTTREASONCODE_CLIENT_IDENTIFIER_NOT_VALID ||
                         reason == MQTTREASONCODE_BANNED ||
                         reason == MQTTREASONCODE_UNSUPPORTED_PROTOCOL_VERSION;
    char why[WHY_BYTES];

    if (reason >= MQTTREASONCODE_UNSPECIFIED_ERROR) {
        (void)snprintf(why, sizeof(why), "the broker refused: %s (%d)",
            MQTTReasonCode_toString((enum MQTTReasonCodes)reason), reason);
    } else {
        (void)snprintf(why, sizeof(why), "no connection: %s",
            data->message != NULL ? data->message : "the broker does not answer");
    }
    note(context, refused ? SESSION_EV_REFUSED : SESSION_EV_FAILED, false, why);
}

static void
on_lost(void *context, char *cause) /* NOLINT(readability-non-const-parameter): Paho's type */
{
    char why[WHY_BYTES];

    (void)snprintf(why, sizeof(why), "connection lost%s%s", cause != NULL ? ": " : "",
        cause != NULL ? cause : "");
    note(context, SESSION_EV_LOST, false, why);
}

static void
on_disconnected(void *context, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
    char why[WHY_BYTES];

    (void)properties;
    (void)snprintf(why, sizeof(why), "the broker ended the connection: %s (%d)",
        MQTTReasonCode_toString(reason), (int)reason);
    note(context, reason == MQTTREASONCODE_SESSION_TAKEN_OVER ? SESSION_EV_TAKEN : SESSION_EV_LOST,
        false, why);
}

static void
on_subscribed(void *context, MQTTAsync_successData5 *data)
{
    const struct mqtt *mqtt = context;
    const int n = data->alt.sub.reasonCodeCount;

    for (int i = 0; i < n; i++) {
        const int reason = n == 1 ? (int)data->reasonCode : (int)data->alt.sub.reasonCodes[i];

        if (reason >= MQTTREASONCODE_UNSPECIFIED_ERROR) {
            char why[WHY_BYTES];

            (void)snprintf(why, sizeof(why), "the broker refused the filter '%s': %s (%d)",
                (size_t)i < mqtt->opt.n_filters ? mqtt->opt.filters[i] : "?",
                MQTTReasonCode_toString((enum MQTTReasonCodes)reason), reason);
            note(context, SESSION_EV_DENIED, false, why);
            return;
        }
    }
    note(context, SESSION_EV_SUBSCRIBED, false, "");
}

static void
on_subscribe_failed(void *context, MQTTAsync_failureData5 *data)
{
    const struct mqtt *mqtt = context;
    char why[WHY_BYTES];

    /* Ended with its connection: that is told by itself. */
    if (data->reasonCode < MQTTREASONCODE_UNSPECIFIED_ERROR)
        return;
    (void)snprintf(why, sizeof(why), "the broker refused the filter '%s': %s (%d)",
        mqtt->opt.filters[0], MQTTReasonCode_toString(data->reasonCode), (int)data->reasonCode);
    note(context, SESSION_EV_DENIED, false, why);
}

static void
on_unsubscribed(void *context, MQTTAsync_successData5 *data)
{
    (void)data;
    note(context, SESSION_EV_UNSUBSCRIBED, false, "");
}

static void
on_unsubscribe_failed(void *context, MQTTAsync_failureData5 *data)
{
    /* It stays in the file and is tried again with the next change. */
    if (data->reasonCode >= MQTTREASONCODE_UNSPECIFIED_ERROR)
        note(context, SESSION_EV_UNSUBSCRIBED, false, "");
}

static void
on_closed(void *context)
{
    struct mqtt *mqtt = context;

    (void)pthread_mutex_lock(&mqtt->lock);
    mqtt->disconnected = true;
    wake(mqtt);
    (void)pthread_mutex_unlock(&mqtt->lock);
}

static void
on_close_done(void *context, MQTTAsync_successData5 *data)
{
    (void)data;
    on_closed(context);
}

static void
on_close_failed(void *context, MQTTAsync_failureData5 *data)
{
    (void)data;
    on_closed(context);
}

/* What the todos do, on our thread. */

static void
tell(struct mqtt *mqtt, enum mqtt_state state, bool session_lost, const char *why)
{
    const char *words = why == NULL ? "" : why;

    if (state == mqtt->told && strcmp(words, mqtt->told_why) == 0 && !session_lost)
        return;
    mqtt->told = state;
    (void)snprintf(mqtt->told_why, sizeof(mqtt->told_why), "%s", words);
    mqtt->opt.on_state(mqtt->opt.arg, state, session_lost, why);
}

static bool
create(struct mqtt *mqtt, struct err *err)
{
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer5;
    int rc = MQTTAsync_createWithOptions(
        &mqtt->client, mqtt->uri, mqtt->opt.client_id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &options);

    if (rc == MQTTASYNC_SUCCESS)
        rc = MQTTAsync_setCallbacks(mqtt->client, mqtt, on_lost, on_arrived, NULL);
    if (rc == MQTTASYNC_SUCCESS)
        rc = MQTTAsync_setDisconnected(mqtt->client, mqtt, on_disconnected);
    if (rc != MQTTASYNC_SUCCESS) {
        return err_set(err, ERR_IO, "mqtt: Paho refuses the client '%s' for '%s': %s (%d)",
            mqtt->opt.client_id, mqtt->uri, MQTTAsync_strerror(rc), rc);
    }
    return true;
}

/* Paho gave no answer within our patience (a step of the wall clock can stop its timers), or does
 * not want to connect: begin anew with another handle. */
static void
recreate(struct mqtt *mqtt)
{
    struct err err = {0};

    MQTTAsync_destroy(&mqtt->client);
    CHECK(create(mqtt, &err));
}

/* The password is read at each attempt, so that it can be changed without a restart. */
static bool
read_password(const struct mqtt *mqtt, struct buf *out, struct err *err)
{
    if (mqtt->opt.password_file == NULL)
        return true;
    if (!fs_read_all(fs_posix(), mqtt->opt.password_file, out, err))
        return err_wrap(err, "password");
    while (out->len > 0 && (out->ptr[out->len - 1] == '\n' || out->ptr[out->len - 1] == '\r'))
        out->ptr[--out->len] = '\0';
    return true;
}

static void
start_connect(struct mqtt *mqtt)
{
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer5;
    MQTTProperties properties = MQTTProperties_initializer;
    MQTTProperty expiry = {
        .identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, .value.integer4 = NEVER_EXPIRES};
    MQTTProperty window = {
        .identifier = MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, .value.integer2 = RECEIVE_MAXIMUM};
    struct err err = {0};
    struct buf password;

    buf_init(&password, MAX_PASSWORD_BYTES);
    if (!read_password(mqtt, &password, &err)) {
        note(mqtt, SESSION_EV_REFUSED, false, err.text);
        buf_fini(&password);
        return;
    }
    (void)MQTTProperties_add(&properties, &expiry);
    (void)MQTTProperties_add(&properties, &window);
    options.keepAliveInterval = KEEP_ALIVE_S;
    options.connectTimeout = CONNECT_TIMEOUT_S;
    options.cleanstart = 0;
    options.connectProperties = &properties;
    options.username = mqtt->opt.username;
    options.binarypwd.data = password.len > 0 ? password.ptr : NULL;
    options.binarypwd.len = (int)password.len;
    options.onSuccess5 = on_connected;
    options.onFailure5 = on_connect_failed;
    options.context = mqtt;
    const int rc = MQTTAsync_connect(mqtt->client, &options);

    if (rc != MQTTASYNC_SUCCESS) {
        recreate(mqtt);
        note(mqtt, SESSION_EV_FAILED, false, MQTTAsync_strerror(rc));
    }
    MQTTProperties_free(&properties);
    buf_fini(&password);
}

static void
write_filters(const struct mqtt *mqtt, const struct buf *text)
{
    struct err err = {0};

    if (!text->full && fs_replace(fs_posix(), mqtt->opt.filters_file, buf_view(text), &err))
        return;
    /* The session goes on; the next start subscribes once more than needed, and a filter that was
     * given up meanwhile may stay. */
    log_warning("mqtt.filters", "file=%s why='%s'", mqtt->opt.filters_file, err.text);
}

static void
read_filters(struct mqtt *mqtt, bool session_present)
{
    struct err err = {0};
    struct buf text;

    arena_reset(&mqtt->round);
    buf_init(&text, FILTERS_MAX_BYTES);
    if (!fs_read_all(fs_posix(), mqtt->opt.filters_file, &text, &err) && err.kind != ERR_GONE)
        log_warning("mqtt.filters", "file=%s why='%s'", mqtt->opt.filters_file, err.text);
    mqtt->have = filters_parse(&mqtt->round, buf_view(&text));
    if (!session_present)
        filters_lost(&mqtt->have);
    buf_fini(&text);
}

static void
start_subscribe(struct mqtt *mqtt)
{
    const size_t n = mqtt->opt.n_filters;
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    MQTTSubscribe_options *each = ARENA_ARRAY(&mqtt->round, n, MQTTSubscribe_options);
    char **filters = ARENA_ARRAY(&mqtt->round, n, char *);
    int *qos = ARENA_ARRAY(&mqtt->round, n, int);
    struct buf text;

    buf_init(&text, FILTERS_MAX_BYTES);
    filters_write_asked(&mqtt->have, mqtt->opt.filters, n, &text);
    write_filters(mqtt, &text);
    buf_fini(&text);

    for (size_t i = 0; i < n; i++) {
        const MQTTSubscribe_options one = MQTTSubscribe_options_initializer;

        each[i] = one;
        each[i].retainAsPublished = 1;
        each[i].retainHandling = 1; /* what is retained comes once, with a new subscription */
        filters[i] = arena_text(&mqtt->round, view_of(mqtt->opt.filters[i]));
        qos[i] = 1;
    }
    options.subscribeOptionsCount = (int)n;
    options.subscribeOptionsList = each;
    options.subscribeOptions = each[0];
    options.onSuccess5 = on_subscribed;
    options.onFailure5 = on_subscribe_failed;
    options.context = mqtt;
    const int rc = MQTTAsync_subscribeMany(mqtt->client, (int)n, filters, qos, &options);

    if (rc != MQTTASYNC_SUCCESS)
        note(mqtt, SESSION_EV_LOST, false, MQTTAsync_strerror(rc));
}

static void
start_unsubscribe(struct mqtt *mqtt)
{
    const struct filter_list old =
        filters_unwanted(&mqtt->round, &mqtt->have, mqtt->opt.filters, mqtt->opt.n_filters);
    char **filters = ARENA_ARRAY(&mqtt->round, old.len, char *);
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

    for (size_t i = 0; i < old.len; i++)
        filters[i] = arena_text(&mqtt->round, view_of(old.at[i]));
    options.onSuccess5 = on_unsubscribed;
    options.onFailure5 = on_unsubscribe_failed;
    options.context = mqtt;
    const int rc = MQTTAsync_unsubscribeMany(mqtt->client, (int)old.len, filters, &options);

    if (rc != MQTTASYNC_SUCCESS)
        note(mqtt, SESSION_EV_LOST, false, MQTTAsync_strerror(rc));
}

static void
tell_up(struct mqtt *mqtt)
{
    const bool same = filters_same(&mqtt->have, mqtt->opt.filters, mqtt->opt.n_filters);

    mqtt->up_since = clock_monotonic();
    tell(mqtt, MQTT_UP, mqtt->have.gap, NULL);
    if (!same) {
        struct buf text;

        buf_init(&text, FILTERS_MAX_BYTES);
        filters_write_granted(mqtt->opt.filters, mqtt->opt.n_filters, &text);
        write_filters(mqtt, &text);
        buf_fini(&text);
    }
    mqtt->have.gap = false;
}

static void
act(struct mqtt *mqtt, enum session_todo todo, const char *why)
{
    switch (todo) {
    case SESSION_TODO_NONE:
        break;
    case SESSION_TODO_CONNECT:
        start_connect(mqtt);
        break;
    case SESSION_TODO_SUBSCRIBE:
        start_subscribe(mqtt);
        break;
    case SESSION_TODO_UNSUBSCRIBE:
        start_unsubscribe(mqtt);
        break;
    case SESSION_TODO_TELL_UP:
        tell_up(mqtt);
        break;
    case SESSION_TODO_TELL_DOWN:
        tell(mqtt, MQTT_DOWN, false, why);
        break;
    case SESSION_TODO_TELL_REFUSED:
        tell(mqtt, MQTT_REFUSED, false, why);
        break;
    case SESSION_TODO_TELL_STOLEN:
        tell(mqtt, MQTT_STOLEN, false, why);
        break;
    case SESSION_TODO_DROP:
        recreate(mqtt);
        tell(mqtt, MQTT_DOWN, false, "no answer from the broker within 10 s");
        break;
    }
}

/* What a note means depends on the filters file and the time, which the callback does not have. */
static enum session_event
refine(struct mqtt *mqtt, const struct note *note)
{
    if (note->event == SESSION_EV_CONNECTED) {
        read_filters(mqtt, note->session_present);
        if (!filters_same(&mqtt->have, mqtt->opt.filters, mqtt->opt.n_filters))
            return SESSION_EV_CONNECTED_NEW;
    }
    if (note->event == SESSION_EV_SUBSCRIBED) {
        const struct filter_list old =
            filters_unwanted(&mqtt->round, &mqtt->have, mqtt->opt.filters, mqtt->opt.n_filters);

        if (old.len > 0)
            return SESSION_EV_SUBSCRIBED_OLD;
    }
    if (note->event == SESSION_EV_LOST &&
        clock_monotonic().us - mqtt->up_since.us < SESSION_BRIEF.us)
        return SESSION_EV_LOST_SOON;
    return note->event;
}

/* False: closing. */
static bool
next_note(struct mqtt *mqtt, struct note *out)
{
    (void)pthread_mutex_lock(&mqtt->lock);
    while (!mqtt->closing && mqtt->n_notes == 0 && clock_monotonic().us < mqtt->deadline.us) {
        (void)pthread_mutex_unlock(&mqtt->lock);
        wait_until(mqtt, mqtt->deadline);
        (void)pthread_mutex_lock(&mqtt->lock);
    }
    *out = (struct note){.event = SESSION_EV_TIMER};
    if (mqtt->n_notes > 0) {
        *out = mqtt->notes[0];
        mqtt->n_notes--;
        memmove(&mqtt->notes[0], &mqtt->notes[1], mqtt->n_notes * sizeof(mqtt->notes[0]));
    }
    const bool closing = mqtt->closing;

    (void)pthread_mutex_unlock(&mqtt->lock);
    return !closing;
}

static void
set_deadline(struct mqtt *mqtt)
{
    const struct span patience = session_patience(&mqtt->session);

    mqtt->deadline.us = patience.us == 0 ? INT64_MAX : clock_monotonic().us + patience.us;
}

static void *
keep_session(void *arg)
{
    struct mqtt *mqtt = arg;
    struct note note;

    set_deadline(mqtt);
    while (next_note(mqtt, &note)) {
        const enum session_phase before = mqtt->session.phase;
        const enum session_todo todo = session_step(&mqtt->session, refine(mqtt, &note));

        act(mqtt, todo, note.why);
        if (mqtt->session.phase != before || todo != SESSION_TODO_NONE)
            set_deadline(mqtt);
    }
    return NULL;
}

static bool
check_version(struct err *err)
{
    const char *version = "unknown";

    for (const MQTTAsync_nameValue *info = MQTTAsync_getVersionInfo(); info->name != NULL; info++) {
        if (strcmp(info->name, "Version") == 0)
            version = info->value;
    }
    char *end = NULL;
    const unsigned long major = strtoul(version, &end, 10);
    const unsigned long minor = *end == '.' ? strtoul(end + 1, &end, 10) : 0;
    const unsigned long patch = *end == '.' ? strtoul(end + 1, &end, 10) : 0;

    if (major * 1000000 + minor * 1000 + patch >= 1003010)
        return true;
    return err_set(err, ERR_CONFIG,
        "mqtt: version '%s' of Paho MQTT C, allowed is 1.3.10 or later\n"
        "hint: earlier ones acknowledge a message before it is kept.",
        version);
}

static bool
copy_options(struct mqtt *mqtt, const struct mqtt_options *opt, struct err *err)
{
    const char **filters = ARENA_ARRAY(&mqtt->arena, opt->n_filters, const char *);
    const size_t uri_bytes = strlen(opt->host) + 32;
    const bool ipv6 = strchr(opt->host, ':') != NULL;

    if (opt->n_filters == 0)
        return err_set(err, ERR_CONFIG, "mqtt: no filters: nothing would ever come in");
    for (size_t i = 0; i < opt->n_filters; i++) {
        if (opt->filters[i][0] == '\0' || strchr(opt->filters[i], '\n') != NULL)
            return err_set(err, ERR_CONFIG, "mqtt: filter %zu is empty or has a line break", i + 1);
        filters[i] = arena_text(&mqtt->arena, view_of(opt->filters[i]));
    }
    mqtt->opt = *opt;
    mqtt->opt.filters = filters;
    mqtt->opt.client_id = arena_text(&mqtt->arena, view_of(opt->client_id));
    mqtt->opt.filters_file = arena_text(&mqtt->arena, view_of(opt->filters_file));
    if (opt->username != NULL)
        mqtt->opt.username = arena_text(&mqtt->arena, view_of(opt->username));
    if (opt->password_file != NULL)
        mqtt->opt.password_file = arena_text(&mqtt->arena, view_of(opt->password_file));
    mqtt->uri = arena_alloc(&mqtt->arena, uri_bytes);
    (void)snprintf(
        mqtt->uri, uri_bytes, ipv6 ? "tcp://[%s]:%d" : "tcp://%s:%d", opt->host, opt->port);
    return true;
}

static void
free_mqtt(struct mqtt *mqtt)
{
    (void)pthread_mutex_destroy(&mqtt->lock);
    if (mqtt->wake_fd >= 0)
        (void)close(mqtt->wake_fd);
    arena_fini(&mqtt->arena);
    arena_fini(&mqtt->round);
    free(mqtt);
}

bool
mqtt_open(struct mqtt **out, const struct mqtt_options *opt, struct err *err)
{
    if (!check_version(err))
        return false;
    struct mqtt *mqtt = mem_zalloc(1, sizeof(*mqtt));

    arena_init(&mqtt->arena);
    arena_init(&mqtt->round);
    (void)pthread_mutex_init(&mqtt->lock, NULL);
    mqtt->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(mqtt->wake_fd >= 0);
    if (!copy_options(mqtt, opt, err) || !create(mqtt, err)) {
        free_mqtt(mqtt);
        return false;
    }
    const int rc = pthread_create(&mqtt->thread, NULL, keep_session, mqtt);

    if (rc != 0) {
        MQTTAsync_destroy(&mqtt->client);
        free_mqtt(mqtt);
        return err_set(err, ERR_IO, "mqtt: no thread: error %d", rc);
    }
    *out = mqtt;
    return true;
}

void
mqtt_reconnect(struct mqtt *mqtt)
{
    note(mqtt, SESSION_EV_RECONNECT, false, "");
}

void
mqtt_close(struct mqtt *mqtt)
{
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer5;
    const struct span until = {clock_monotonic().us + CLOSE_PATIENCE.us};
    bool gone = false;

    (void)pthread_mutex_lock(&mqtt->lock);
    mqtt->closing = true;
    wake(mqtt);
    (void)pthread_mutex_unlock(&mqtt->lock);
    (void)pthread_join(mqtt->thread, NULL);

    options.onSuccess5 = on_close_done;
    options.onFailure5 = on_close_failed;
    options.context = mqtt;
    gone = MQTTAsync_disconnect(mqtt->client, &options) != MQTTASYNC_SUCCESS;
    while (!gone && clock_monotonic().us < until.us) {
        wait_until(mqtt, until);
        (void)pthread_mutex_lock(&mqtt->lock);
        gone = mqtt->disconnected;
        (void)pthread_mutex_unlock(&mqtt->lock);
    }
    MQTTAsync_destroy(&mqtt->client);
    free_mqtt(mqtt);
}
