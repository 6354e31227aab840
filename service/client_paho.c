#include "service/client_paho.h"

#include "base/arena.h"
#include "base/io/clock_posix.h"
#include "base/vec.h"
#include "service/configured.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <MQTTAsync.h>

#define WAIT_MS 5000

struct item {
    struct item *next;
    struct view topic, payload; /* into the same block */
};

struct mqtt_client {
    const struct client_options *opt;
    MQTTAsync handle;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    /* under mutex */
    bool done;  /* the operation in hand has ended */
    int reason; /* MQTT 5 reason code of it; -1: no connection */
    char why[256];
    struct item *first, **last;
    struct item *current; /* given out last */
    struct arena arena;
    struct view password;
};

static void
finish(struct mqtt_client *client, int reason, const char *why)
{
    pthread_mutex_lock(&client->mutex);
    client->done = true;
    client->reason = reason;
    (void)snprintf(client->why, sizeof(client->why), "%s", why != NULL ? why : "");
    pthread_cond_broadcast(&client->cond);
    pthread_mutex_unlock(&client->mutex);
}

static void
on_success(void *context, MQTTAsync_successData5 *data)
{
    finish(context, data != NULL ? (int)data->reasonCode : 0, NULL);
}

static void
on_failure(void *context, MQTTAsync_failureData5 *data)
{
    const int reason = data != NULL && data->reasonCode >= 128 ? (int)data->reasonCode : -1;

    finish(context, reason,
        reason >= 128                           ? MQTTReasonCode_toString(data->reasonCode)
        : data != NULL && data->message != NULL ? data->message
                                                : "no connection");
}

static int
on_arrived(void *context, char *topic, int topic_len, MQTTAsync_message *msg)
{
    struct mqtt_client *client = context;
    const size_t topic_bytes = topic_len > 0 ? (size_t)topic_len : strlen(topic);
    const size_t bytes = (size_t)msg->payloadlen;
    struct item *item = mem_zalloc(1, sizeof(*item) + topic_bytes + bytes);
    char *at = (char *)(item + 1);

    memcpy(at, topic, topic_bytes); /* NOLINT(bugprone-not-null-terminated-result): a view */
    if (bytes > 0)
        memcpy(at + topic_bytes, msg->payload, bytes);
    item->topic = view_bytes(at, topic_bytes);
    item->payload = view_bytes(at + topic_bytes, bytes);
    pthread_mutex_lock(&client->mutex);
    *client->last = item;
    client->last = &item->next;
    pthread_cond_broadcast(&client->cond);
    pthread_mutex_unlock(&client->mutex);
    MQTTAsync_freeMessage(&msg);
    MQTTAsync_free(topic);
    return 1;
}

static struct timespec
deadline(int wait_ms)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += wait_ms / 1000;
    at.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

static int
wait_done(struct mqtt_client *client)
{
    const struct timespec until = deadline(WAIT_MS);
    int reason;

    pthread_mutex_lock(&client->mutex);
    while (!client->done &&
           pthread_cond_timedwait(&client->cond, &client->mutex, &until) != ETIMEDOUT) {
    }
    if (!client->done)
        (void)snprintf(client->why, sizeof(client->why), "no answer within 5 s");
    reason = client->done ? client->reason : -1;
    client->done = false;
    pthread_mutex_unlock(&client->mutex);
    return reason;
}

static bool
connect_now(struct mqtt_client *client, struct err *err)
{
    const struct client_options *opt = client->opt;
    MQTTAsync_connectOptions connect = MQTTAsync_connectOptions_initializer5;

    connect.keepAliveInterval = 20;
    connect.cleanstart = 1;
    connect.connectTimeout = WAIT_MS / 1000;
    connect.username = opt->username;
    if (client->password.len > 0) {
        connect.binarypwd.data = client->password.ptr;
        connect.binarypwd.len = (int)client->password.len;
    }
    connect.onSuccess5 = on_success;
    connect.onFailure5 = on_failure;
    connect.context = client;
    if (MQTTAsync_connect(client->handle, &connect) != MQTTASYNC_SUCCESS)
        return err_set(err, ERR_IO, "broker %s:%d: cannot connect", opt->host, opt->port);
    const int reason = wait_done(client);

    if (reason == 0)
        return true;
    if (reason >= 128) {
        return err_set(err, ERR_CONFIG,
            "broker %s:%d: account '%s' was refused: %s"
            "\nhint: check the password in '%s'",
            opt->host, opt->port, opt->username != NULL ? opt->username : "", client->why,
            opt->password_file != NULL ? opt->password_file : "(no password file)");
    }
    return err_set(err, ERR_AGAIN,
        "broker %s:%d: %s\nhint: is it running, and is broker.host and broker.port in site.yaml "
        "right",
        opt->host, opt->port, client->why);
}

bool
mqtt_client_open(struct mqtt_client **out, const struct client_options *opt, struct err *err)
{
    struct mqtt_client *client = mem_zalloc(1, sizeof(*client));
    MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer5;
    pthread_condattr_t attr;
    char uri[512];

    client->opt = opt;
    client->last = &client->first;
    arena_init(&client->arena);
    (void)pthread_mutex_init(&client->mutex, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&client->cond, &attr);
    (void)pthread_condattr_destroy(&attr);
    (void)snprintf(uri, sizeof(uri), "tcp://%s:%d", opt->host, opt->port);
    if (opt->password_file != NULL &&
        !configured_secret(opt->password_file, &client->arena, &client->password, err))
        goto failed;
    if (MQTTAsync_createWithOptions(&client->handle, uri, opt->client_id,
            MQTTCLIENT_PERSISTENCE_NONE, NULL, &create) != MQTTASYNC_SUCCESS) {
        err_set(err, ERR_IO, "broker %s: the MQTT library cannot start", uri);
        goto failed;
    }
    (void)MQTTAsync_setCallbacks(client->handle, client, NULL, on_arrived, NULL);
    if (!connect_now(client, err))
        goto failed;
    *out = client;
    return true;
failed:
    mqtt_client_close(client);
    return false;
}

void
mqtt_client_close(struct mqtt_client *client)
{
    if (client->handle != NULL) {
        MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer5;

        options.timeout = 200;
        (void)MQTTAsync_disconnect(client->handle, &options);
        MQTTAsync_destroy(&client->handle);
    }
    while (client->first != NULL) {
        struct item *item = client->first;

        client->first = item->next;
        free(item);
    }
    free(client->current);
    arena_fini(&client->arena);
    free(client);
}

bool
mqtt_client_subscribe(struct mqtt_client *client, const char *filter, struct err *err)
{
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;

    response.onSuccess5 = on_success;
    response.onFailure5 = on_failure;
    response.context = client;
    if (MQTTAsync_subscribe(client->handle, filter, 1, &response) != MQTTASYNC_SUCCESS)
        return err_set(err, ERR_IO, "subscribe '%s': no connection", filter);
    const int reason = wait_done(client);

    if (reason < 0 || reason >= 128)
        return err_set(err, ERR_CONFIG, "subscribe '%s': %s", filter,
            reason >= 128 ? "refused by the broker" : client->why);
    return true;
}

bool
mqtt_client_publish(
    struct mqtt_client *client, const char *topic, struct view payload, struct err *err)
{
    MQTTAsync_message msg = MQTTAsync_message_initializer;
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;

    msg.payload = (void *)(uintptr_t)payload.ptr; /* NOLINT(performance-no-int-to-ptr) */
    msg.payloadlen = (int)payload.len;
    msg.qos = 1;
    response.onSuccess5 = on_success;
    response.onFailure5 = on_failure;
    response.context = client;
    if (MQTTAsync_sendMessage(client->handle, topic, &msg, &response) != MQTTASYNC_SUCCESS)
        return err_set(err, ERR_IO, "publish '%s': no connection", topic);
    const int reason = wait_done(client);

    if (reason < 0 || reason >= 128) {
        return err_set(err, ERR_CONFIG, "publish '%s': %s", topic,
            reason >= 128 ? "refused by the broker's access list" : client->why);
    }
    return true;
}

bool
mqtt_client_next(struct mqtt_client *client, int wait_ms, struct view *topic, struct view *payload)
{
    const struct timespec until = deadline(wait_ms);

    free(client->current);
    pthread_mutex_lock(&client->mutex);
    while (client->first == NULL &&
           pthread_cond_timedwait(&client->cond, &client->mutex, &until) != ETIMEDOUT) {
    }
    client->current = client->first;
    if (client->current != NULL) {
        client->first = client->current->next;
        if (client->first == NULL)
            client->last = &client->first;
    }
    pthread_mutex_unlock(&client->mutex);
    if (client->current == NULL)
        return false;
    *topic = client->current->topic;
    *payload = client->current->payload;
    return true;
}
