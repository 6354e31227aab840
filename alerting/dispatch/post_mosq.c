/*
 * The post child: one thread, one MQTT 5 session, no state of its own.
 *
 * Why libmosquitto and not Paho, which the lane's intake uses: Paho C 1.3.12 drops the reason code
 * of a PUBACK below 128 (MQTTAsync_cycle fills neither reasonCode nor properties of the success
 * data), so "nobody has subscribed" (16) would look like success. Here it arrives, without threads.
 *
 * Each connection is a new client object: what was in flight is reported as lost (-1) and must not
 * be sent again behind the outbox's back.
 */
#include "alerting/dispatch/post_uv.h"
#include "alerting/dispatch/post_wire.h"
#include "base/arena.h"
#include "base/io/clock_posix.h"
#include "base/io/fs_posix.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <mosquitto.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <mqtt_protocol.h>

#define KEEP_ALIVE_S 10
#define WINDOW 128 /* not less than the parent's */
#define NEVER_EXPIRES 0xFFFFFFFFU
#define MAX_PASSWORD_BYTES 4096
#define READ_BYTES 65536
#define BACKOFF_FIRST SPAN_MS(200)
#define BACKOFF_LAST SPAN_S(5)
#define ANSWER_PATIENCE SPAN_S(10)
#define CLOSE_PATIENCE SPAN_MS(1500)
#define WHY_BYTES 256

enum exit_reason {
    ENDED = 0,    /* told to, or the lane is gone */
    BAD_LANE = 3, /* what came over the socket pair is not ours */
    NO_LIBRARY = 4,
};

struct flight {
    int mid;
    uint64_t seq;
};

struct child {
    int fd;
    struct arena arena; /* the configuration */
    struct post_config config;
    struct buf in, out;

    struct mosquitto *mosq; /* NULL between connections */
    bool connected, up;
    size_t n_granted;     /* filters of this connection that were answered */
    struct span next_try; /* monotonic */
    struct span patience; /* monotonic: up until then, or give this connection up */
    struct span backoff;
    char why[WHY_BYTES]; /* of the connection that ends */
    VEC(struct flight) flights;

    bool closing;
    struct span close_by;
};

/* The lane reads all the time; if it is gone there is nothing left to do here. */
static void
flush(struct child *child)
{
    size_t at = 0;

    while (at < child->out.len) {
        const ssize_t n = write(child->fd, child->out.ptr + at, child->out.len - at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            _exit(ENDED);
        at += (size_t)n;
    }
    buf_reset(&child->out);
}

static void
report(struct child *child, uint64_t seq, int reason)
{
    post_wire_done(&child->out, seq, reason);
    flush(child);
}

static void
report_state(struct child *child, bool up, const char *why)
{
    child->up = up;
    post_wire_state(&child->out, up, view_of(why));
    flush(child);
}

static void
lose(struct child *child, const char *why)
{
    if (child->why[0] == '\0')
        (void)snprintf(child->why, sizeof(child->why), "%.*s", WHY_BYTES - 1, why);
    child->connected = false;
    child->up = false;
}

/* Callbacks of libmosquitto: all from within its calls below. */

static void
subscribe_all(struct child *child)
{
    child->n_granted = 0;
    for (size_t i = 0; i < child->config.n_filters; i++) {
        const int rc = mosquitto_subscribe_v5(
            child->mosq, NULL, child->config.filters[i], 1, MQTT_SUB_OPT_SEND_RETAIN_ALWAYS, NULL);

        if (rc != MOSQ_ERR_SUCCESS) {
            char why[WHY_BYTES];

            (void)snprintf(why, sizeof(why), "filter '%s': %s", child->config.filters[i],
                mosquitto_strerror(rc));
            lose(child, why);
            return;
        }
    }
    if (child->config.n_filters == 0)
        report_state(child, true, "");
}

static void
on_connect(
    struct mosquitto *mosq, void *arg, int reason, int flags, const mosquitto_property *props)
{
    struct child *child = arg;

    (void)mosq;
    (void)flags;
    (void)props;
    if (reason != 0) {
        char why[WHY_BYTES];

        (void)snprintf(why, sizeof(why), "the broker refused: %s (%d)",
            mosquitto_reason_string(reason), reason);
        child->backoff = BACKOFF_LAST;
        lose(child, why);
        return;
    }
    subscribe_all(child);
}

static void
on_subscribe(struct mosquitto *mosq, void *arg, int mid, int n, const int *granted,
    const mosquitto_property *props)
{
    struct child *child = arg;

    (void)mosq;
    (void)mid;
    (void)props;
    for (int i = 0; i < n; i++) {
        if (granted[i] >= MQTT_RC_UNSPECIFIED) {
            char why[WHY_BYTES];

            (void)snprintf(why, sizeof(why), "the broker refused a filter: %s (%d)",
                mosquitto_reason_string(granted[i]), granted[i]);
            child->backoff = BACKOFF_LAST;
            lose(child, why);
            return;
        }
    }
    if (++child->n_granted == child->config.n_filters && child->connected) {
        child->backoff = BACKOFF_FIRST;
        report_state(child, true, "");
    }
}

static void
on_disconnect(struct mosquitto *mosq, void *arg, int reason, const mosquitto_property *props)
{
    char why[WHY_BYTES];

    (void)mosq;
    (void)props;
    (void)snprintf(why, sizeof(why), "connection lost: %s (%d)",
        reason >= MQTT_RC_UNSPECIFIED ? mosquitto_reason_string(reason) : "closed", reason);
    lose(arg, why);
}

static void
on_publish(struct mosquitto *mosq, void *arg, int mid, int reason, const mosquitto_property *props)
{
    struct child *child = arg;

    (void)mosq;
    (void)props;
    for (size_t i = 0; i < child->flights.len; i++) {
        if (child->flights.at[i].mid != mid)
            continue;
        const uint64_t seq = child->flights.at[i].seq;

        child->flights.at[i] = child->flights.at[--child->flights.len];
        report(child, seq, reason);
        return;
    }
}

static void
on_message(struct mosquitto *mosq, void *arg, const struct mosquitto_message *msg,
    const mosquitto_property *props)
{
    struct child *child = arg;
    const struct view topic = view_of(msg->topic);

    (void)mosq;
    (void)props;
    /* The lane's interfaces have no such topics and bodies; it is told nothing of them. */
    if (topic.len > POST_MAX_TOPIC_BYTES || msg->payloadlen > POST_MAX_PAYLOAD_BYTES)
        return;
    post_wire_message(
        &child->out, topic, view_bytes(msg->payload, (size_t)msg->payloadlen), msg->retain);
    flush(child);
}

/* Connections. */

static bool
set_account(struct child *child)
{
    struct err err = {0};
    struct buf password;
    bool fine = true;

    if (child->config.username == NULL)
        return true;
    buf_init(&password, MAX_PASSWORD_BYTES);
    if (child->config.password_file != NULL)
        fine = fs_read_all(fs_posix(), child->config.password_file, &password, &err);
    if (fine) {
        while (password.len > 0 && strchr("\r\n", password.ptr[password.len - 1]) != NULL)
            password.ptr[--password.len] = '\0';
        fine = mosquitto_username_pw_set(child->mosq, child->config.username,
                   password.len > 0 ? password.ptr : NULL) == MOSQ_ERR_SUCCESS;
    } else {
        child->backoff = BACKOFF_LAST;
        lose(child, err.text);
    }
    buf_fini(&password);
    return fine;
}

static bool
set_up(struct child *child)
{
    child->mosq = mosquitto_new(child->config.client_id, false, child);
    if (child->mosq == NULL)
        return false;
    bool fine =
        mosquitto_int_option(child->mosq, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5) == 0 &&
        mosquitto_int_option(child->mosq, MOSQ_OPT_SEND_MAXIMUM, WINDOW) == 0 &&
        mosquitto_int_option(child->mosq, MOSQ_OPT_TCP_NODELAY, 1) == 0;

    if (child->config.will_topic != NULL) {
        const char *body = child->config.will_body == NULL ? "" : child->config.will_body;

        fine = fine && mosquitto_will_set_v5(child->mosq, child->config.will_topic,
                           (int)strlen(body), body, 1, true, NULL) == 0;
    }
    mosquitto_connect_v5_callback_set(child->mosq, on_connect);
    mosquitto_disconnect_v5_callback_set(child->mosq, on_disconnect);
    mosquitto_subscribe_v5_callback_set(child->mosq, on_subscribe);
    mosquitto_publish_v5_callback_set(child->mosq, on_publish);
    mosquitto_message_v5_callback_set(child->mosq, on_message);
    return fine && set_account(child);
}

static void
start_connection(struct child *child)
{
    mosquitto_property *props = NULL;

    child->why[0] = '\0';
    child->patience.us = clock_monotonic().us + ANSWER_PATIENCE.us;
    child->connected = set_up(child);
    if (!child->connected) {
        lose(child, "the settings of the broker are refused by libmosquitto");
        return;
    }
    int rc = mosquitto_property_add_int32(&props, MQTT_PROP_SESSION_EXPIRY_INTERVAL, NEVER_EXPIRES);

    if (rc == MOSQ_ERR_SUCCESS) {
        rc = mosquitto_connect_bind_v5(
            child->mosq, child->config.host, child->config.port, KEEP_ALIVE_S, NULL, props);
    }
    mosquitto_property_free_all(&props);
    if (rc != MOSQ_ERR_SUCCESS) {
        char why[WHY_BYTES];

        (void)snprintf(why, sizeof(why), "no connection to %.128s:%d: %s", child->config.host,
            child->config.port, mosquitto_strerror(rc));
        lose(child, why);
    }
}

static void
end_connection(struct child *child)
{
    mosquitto_destroy(child->mosq);
    child->mosq = NULL;
    while (child->flights.len > 0)
        report(child, child->flights.at[--child->flights.len].seq, -1);
    report_state(child, false, child->why);
    child->next_try.us = clock_monotonic().us + child->backoff.us;
    child->backoff.us *= 2;
    if (child->backoff.us > BACKOFF_LAST.us)
        child->backoff = BACKOFF_LAST;
}

/* What the lane says. */

static int
reason_of(int rc)
{
    switch (rc) {
    case MOSQ_ERR_INVAL:
    case MOSQ_ERR_MALFORMED_UTF8:
        return MQTT_RC_TOPIC_NAME_INVALID;
    case MOSQ_ERR_PAYLOAD_SIZE:
    case MOSQ_ERR_OVERSIZE_PACKET:
        return MQTT_RC_PACKET_TOO_LARGE;
    default:
        return -1;
    }
}

static void
publish(struct child *child, const struct post_frame *frame)
{
    char topic[POST_MAX_TOPIC_BYTES + 1];
    int mid = 0;

    if (!child->up) {
        report(child, frame->seq, -1);
        return;
    }
    memcpy(topic, frame->topic.ptr, frame->topic.len);
    topic[frame->topic.len] = '\0';
    const int rc = strlen(topic) != frame->topic.len
                       ? MOSQ_ERR_INVAL
                       : mosquitto_publish_v5(child->mosq, &mid, topic, (int)frame->payload.len,
                             frame->payload.ptr, 1, frame->flag, NULL);

    if (rc != MOSQ_ERR_SUCCESS && rc != MOSQ_ERR_NO_CONN && rc != MOSQ_ERR_CONN_LOST) {
        report(child, frame->seq, reason_of(rc));
        return;
    }
    *VEC_PUSH(&child->flights) = (struct flight){mid, frame->seq};
    if (rc != MOSQ_ERR_SUCCESS)
        lose(child, mosquitto_strerror(rc));
}

/* False: not ours. */
static bool
obey(struct child *child, const struct post_frame *frame)
{
    switch (frame->kind) {
    case POST_CONFIG:
        return child->config.host == NULL &&
               post_wire_config_read(&child->arena, frame->config, &child->config);
    case POST_PUBLISH:
        publish(child, frame);
        return child->config.host != NULL;
    case POST_CLOSE:
        child->closing = true;
        child->close_by.us = clock_monotonic().us + CLOSE_PATIENCE.us;
        return true;
    case POST_STATE:
    case POST_DONE:
    case POST_MESSAGE:
        break;
    }
    return false;
}

static bool
read_lane(struct child *child)
{
    static char bytes[READ_BYTES];
    const ssize_t n = read(child->fd, bytes, sizeof(bytes));
    struct post_frame frame;
    size_t used = 0;
    size_t done = 0;
    enum post_wire got = POST_WIRE_MORE;

    if (n < 0 && errno == EINTR)
        return true;
    if (n <= 0)
        _exit(ENDED); /* the lane is gone: no word of farewell, so the broker sends the will */
    buf_put(&child->in, view_bytes(bytes, (size_t)n));
    while (!child->in.full) {
        const struct view rest = {child->in.ptr + done, child->in.len - done};

        got = post_wire_read(rest, &frame, &used);
        if (got != POST_WIRE_FRAME || !obey(child, &frame))
            break;
        done += used;
        got = POST_WIRE_MORE;
    }
    buf_consume(&child->in, done);
    return got == POST_WIRE_MORE && !child->in.full;
}

/* The session. */

static void
turn(struct child *child, short events)
{
    int rc = MOSQ_ERR_SUCCESS;

    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0)
        rc = mosquitto_loop_read(child->mosq, 1);
    if (rc == MOSQ_ERR_SUCCESS && mosquitto_want_write(child->mosq))
        rc = mosquitto_loop_write(child->mosq, 1);
    if (rc == MOSQ_ERR_SUCCESS)
        rc = mosquitto_loop_misc(child->mosq);
    if (rc != MOSQ_ERR_SUCCESS)
        lose(child, mosquitto_strerror(rc));
    if (!child->up && clock_monotonic().us > child->patience.us)
        lose(child, "no answer from the broker within 10 s");
}

static int
wait_ms(const struct child *child)
{
    const struct span now = clock_monotonic();

    if (child->config.host == NULL || child->mosq != NULL)
        return child->closing ? 50 : 500;
    if (child->next_try.us <= now.us)
        return 0;
    return (int)((child->next_try.us - now.us) / 1000) + 1;
}

static bool
finished(const struct child *child)
{
    return child->closing &&
           (child->flights.len == 0 || !child->up || clock_monotonic().us > child->close_by.us);
}

static int
serve(struct child *child)
{
    while (!finished(child)) {
        struct pollfd fds[2] = {{.fd = child->fd, .events = POLLIN}, {.fd = -1}};

        if (child->mosq != NULL) {
            fds[1].fd = mosquitto_socket(child->mosq);
            fds[1].events = POLLIN;
            if (mosquitto_want_write(child->mosq))
                fds[1].events |= POLLOUT;
        }
        if (poll(fds, 2, wait_ms(child)) < 0 && errno != EINTR)
            return BAD_LANE;
        if (fds[0].revents != 0 && !read_lane(child))
            return BAD_LANE;
        if (child->config.host == NULL)
            continue;
        if (child->mosq == NULL && clock_monotonic().us >= child->next_try.us && !child->closing)
            start_connection(child);
        if (child->mosq != NULL && child->connected)
            turn(child, fds[1].revents);
        if (child->mosq != NULL && !child->connected)
            end_connection(child);
    }
    return ENDED;
}

int
post_main(int fd)
{
    struct child child = {.fd = fd, .backoff = BACKOFF_FIRST};

    /* If the lane dies without a word, this end of the pair closes too; this is faster. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN); /* Ctrl-C is for the lane, which closes us when it is done */
    (void)signal(SIGTERM, SIG_IGN);
    if (fcntl(fd, F_SETFL, 0) != 0 || mosquitto_lib_init() != MOSQ_ERR_SUCCESS)
        return NO_LIBRARY;
    arena_init(&child.arena);
    buf_init(&child.in, POST_MAX_FRAME_BYTES + READ_BYTES + 8);
    buf_init(&child.out, POST_MAX_FRAME_BYTES + 8);
    const int code = serve(&child);

    if (child.mosq != NULL && child.connected)
        (void)mosquitto_disconnect_v5(child.mosq, 0, NULL); /* in peace: no will */
    if (child.mosq != NULL)
        mosquitto_destroy(child.mosq);
    (void)mosquitto_lib_cleanup();
    VEC_FREE(&child.flights);
    buf_fini(&child.in);
    buf_fini(&child.out);
    arena_fini(&child.arena);
    return code;
}
