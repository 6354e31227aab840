/*
 * libmosquitto, not Paho: Paho 1.3.12 tells no reason code below 128, and 16, nobody subscribes, is
 * what a test of loss must see. (mosquitto 2.0.11 drops a client after a refused message; the
 * library connects again and goes on, one refusal a second.)
 */
#include "service/sim_link_mosq.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/io/clock_posix.h"
#include "base/json.h"

#include <errno.h>
#include <mosquitto.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <mqtt_protocol.h>

#define KEEP_ALIVE_S 30
#define SESSION_S 3600 /* long enough for a broker to restart */

struct link;

struct flight { /* one message without an answer */
    struct flight *prev, *next;
    struct link *link;
    char *topic;
    const char *device, *fault, *bad;
    uint64_t boot, seq;
    struct instant at, sent;
    size_t parts;
    char hash[17];
    int token; /* the packet's number */
};

struct link {
    struct sim_links *all;
    struct mosquitto *client;
    size_t waiting;
    struct flight **flights; /* by packet number, 65,536 */
    bool connected, started;
    int refused; /* the answer to its first CONNECT, 0: fine so far */
};

struct sim_links {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    struct sim_link_options opt;
    struct link *at;
    struct flight *flights;
    struct sim_totals totals;
    struct buf line;
};

static void
write_line(struct sim_links *all, const struct flight *flight, int answer)
{
    struct json_writer json;

    if (all->opt.ledger == NULL)
        return;
    buf_reset(&all->line);
    json_begin(&json, &all->line);
    json_object(&json, NULL);
    if (answer >= 0)
        json_int(&json, "answer", answer);
    else
        json_null(&json, "answer");
    json_instant(&json, "at", flight->at);
    if (flight->bad != NULL)
        json_text(&json, "bad", flight->bad);
    else
        json_null(&json, "bad");
    json_int(&json, "boot", (int64_t)flight->boot);
    json_text(&json, "device", flight->device);
    if (flight->fault != NULL)
        json_text(&json, "fault", flight->fault);
    else
        json_null(&json, "fault");
    json_text(&json, "hash", flight->hash);
    json_int(&json, "parts", (int64_t)flight->parts);
    json_instant(&json, "sent", flight->sent);
    json_int(&json, "seq", (int64_t)flight->seq);
    json_int(&json, "token", flight->token);
    json_text(&json, "topic", flight->topic);
    json_close(&json);
    json_end(&json);
    buf_char(&all->line, '\n');
    (void)fwrite(all->line.ptr, 1, all->line.len, all->opt.ledger);
}

static void
drop_flight(struct flight *flight)
{
    struct sim_links *all = flight->link->all;

    if (flight->prev != NULL)
        flight->prev->next = flight->next;
    else
        all->flights = flight->next;
    if (flight->next != NULL)
        flight->next->prev = flight->prev;
    flight->link->waiting--;
    all->totals.waiting--;
    free(flight->topic);
    free(flight);
}

/* Under the lock. answer: the reason code; -1: it could not be sent at all. */
static void
settle(struct flight *flight, int answer)
{
    struct sim_links *all = flight->link->all;

    if (answer < 0)
        all->totals.lost++;
    else if (answer >= MQTT_RC_UNSPECIFIED)
        all->totals.refused++;
    else
        all->totals.acknowledged++;
    if (answer == MQTT_RC_NO_MATCHING_SUBSCRIBERS)
        all->totals.unheard++;
    if (answer >= MQTT_RC_UNSPECIFIED)
        all->totals.reasons[answer & 255]++;
    write_line(all, flight, answer);
    drop_flight(flight);
    pthread_cond_signal(&all->moved);
}

static void
on_publish(struct mosquitto *client, void *arg, int token, int reason,
    const mosquitto_property *properties)
{
    struct link *link = arg;

    (void)client;
    (void)properties;
    pthread_mutex_lock(&link->all->lock);
    struct flight *flight = link->flights[token & UINT16_MAX];

    link->flights[token & UINT16_MAX] = NULL;
    if (flight != NULL)
        settle(flight, reason);
    pthread_mutex_unlock(&link->all->lock);
}

static void
set_connected(struct link *link, bool connected, int refused)
{
    pthread_mutex_lock(&link->all->lock);
    if (connected && !link->connected)
        link->all->totals.connected++;
    if (!connected && link->connected)
        link->all->totals.connected--;
    link->connected = connected;
    if (refused != 0)
        link->refused = refused;
    pthread_cond_signal(&link->all->moved);
    pthread_mutex_unlock(&link->all->lock);
}

static void
on_connect(struct mosquitto *client, void *arg, int reason, int flags,
    const mosquitto_property *properties)
{
    (void)client;
    (void)flags;
    (void)properties;
    set_connected(arg, reason == 0, reason);
}

static void
on_disconnect(struct mosquitto *client, void *arg, int reason, const mosquitto_property *properties)
{
    (void)client;
    (void)reason;
    (void)properties;
    set_connected(arg, false, 0);
}

static bool
open_link(struct link *link, size_t number, struct err *err)
{
    const struct sim_link_options *opt = &link->all->opt;
    mosquitto_property *properties = NULL;
    char id[64];

    (void)snprintf(id, sizeof(id), "simulate-%ld-%zu", (long)getpid(), number);
    link->flights = mem_zalloc((size_t)UINT16_MAX + 1, sizeof(struct flight *));
    /* Not clean, and a session that outlives a broker's restart: what is in flight goes on. */
    link->client = mosquitto_new(id, false, link);
    CHECK(link->client != NULL);
    (void)mosquitto_int_option(link->client, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
    (void)mosquitto_int_option(link->client, MOSQ_OPT_TCP_NODELAY, 1);
    (void)mosquitto_max_inflight_messages_set(link->client, SIM_WINDOW);
    (void)mosquitto_reconnect_delay_set(link->client, 1, 4, false);
    mosquitto_publish_v5_callback_set(link->client, on_publish);
    mosquitto_connect_v5_callback_set(link->client, on_connect);
    mosquitto_disconnect_v5_callback_set(link->client, on_disconnect);
    if (opt->user != NULL)
        (void)mosquitto_username_pw_set(link->client, opt->user, opt->password);
    (void)mosquitto_property_add_int32(&properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL, SESSION_S);
    int rc = mosquitto_connect_bind_v5(
        link->client, opt->host, opt->port, KEEP_ALIVE_S, NULL, properties);

    mosquitto_property_free_all(&properties);
    if (rc == MOSQ_ERR_SUCCESS)
        rc = mosquitto_loop_start(link->client);
    if (rc != MOSQ_ERR_SUCCESS) {
        return err_set(err, ERR_IO,
            "broker %s:%d: %s\nhint: Start the broker, or name it by --broker HOST:PORT.",
            opt->host, opt->port, mosquitto_strerror(rc));
    }
    link->started = true;
    return true;
}

void
sim_links_wait(struct sim_links *links, struct span most)
{
    struct timespec until;
    const struct instant at = instant_add(clock_wall(), most);

    until.tv_sec = (time_t)(at.us / 1000000);
    until.tv_nsec = (long)(at.us % 1000000 * 1000);
    pthread_mutex_lock(&links->lock);
    (void)pthread_cond_timedwait(&links->moved, &links->lock, &until);
    pthread_mutex_unlock(&links->lock);
}

/* All connected, or why not. */
static bool
await_connections(struct sim_links *links, struct err *err)
{
    const struct sim_link_options *opt = &links->opt;

    for (int i = 0; i < 100; i++) {
        if (sim_links_totals(links).connected == opt->links)
            return true;
        for (size_t k = 0; k < opt->links; k++) {
            const int refused = links->at[k].refused;

            if (refused != 0) {
                return err_set(err, ERR_IO,
                    "broker %s:%d: %s (reason %d), user '%s'\nhint: Look at --user and "
                    "--password-file, and at the broker's accounts.",
                    opt->host, opt->port, mosquitto_reason_string(refused), refused,
                    opt->user == NULL ? "" : opt->user);
            }
        }
        sim_links_wait(links, SPAN_MS(100));
    }
    return err_set(err, ERR_IO, "broker %s:%d: no connection within 10s", opt->host, opt->port);
}

bool
sim_links_open(struct sim_links **out, const struct sim_link_options *opt, struct err *err)
{
    struct sim_links *links = mem_zalloc(1, sizeof(*links));
    bool good = true;

    (void)mosquitto_lib_init();
    links->opt = *opt;
    links->at = mem_zalloc(opt->links, sizeof(*links->at));
    buf_init(&links->line, 8192);
    (void)pthread_mutex_init(&links->lock, NULL);
    (void)pthread_cond_init(&links->moved, NULL);
    for (size_t i = 0; good && i < opt->links; i++) {
        links->at[i].all = links;
        good = open_link(&links->at[i], i, err);
    }
    good = good && await_connections(links, err);
    if (good)
        *out = links;
    else
        (void)sim_links_close(links, SPAN_MS(0));
    return good;
}

bool
sim_links_full(struct sim_links *links, size_t number)
{
    pthread_mutex_lock(&links->lock);
    const bool full = links->at[number].waiting >= SIM_WINDOW;

    pthread_mutex_unlock(&links->lock);
    return full;
}

void
sim_links_send(struct sim_links *links, size_t number, const struct sim_message *msg)
{
    struct link *link = &links->at[number];
    const struct digest digest = digest_of(msg->payload);

    pthread_mutex_lock(&links->lock);
    struct flight *flight = mem_zalloc(1, sizeof(*flight));

    *flight = (struct flight){.next = links->flights,
        .link = link,
        .topic = mem_alloc(strlen(msg->topic) + 1),
        .device = msg->device,
        .fault = msg->fault,
        .bad = msg->bad,
        .boot = msg->boot,
        .seq = msg->seq,
        .at = msg->at,
        .sent = msg->sent,
        .parts = msg->parts};
    memcpy(flight->topic, msg->topic, strlen(msg->topic) + 1);
    (void)digest_hex(&digest, 8, flight->hash);
    if (links->flights != NULL)
        links->flights->prev = flight;
    links->flights = flight;
    link->waiting++;
    links->totals.waiting++;
    links->totals.sent++;
    links->totals.bad += msg->bad != NULL;
    /* Under the lock, so that the answer finds its flight. */
    const int rc = mosquitto_publish_v5(link->client, &flight->token, msg->topic,
        (int)msg->payload.len, msg->payload.ptr, 1, false, NULL);

    if (rc != MOSQ_ERR_SUCCESS && rc != MOSQ_ERR_NO_CONN)
        settle(flight, -1);
    else
        link->flights[flight->token & UINT16_MAX] = flight;
    pthread_mutex_unlock(&links->lock);
}

struct sim_totals
sim_links_totals(struct sim_links *links)
{
    pthread_mutex_lock(&links->lock);
    const struct sim_totals totals = links->totals;

    pthread_mutex_unlock(&links->lock);
    return totals;
}

struct sim_totals
sim_links_close(struct sim_links *links, struct span patience)
{
    const struct span started = clock_monotonic();
    mosquitto_property *properties = NULL;

    while (sim_links_totals(links).waiting > 0 && clock_monotonic().us - started.us < patience.us)
        sim_links_wait(links, SPAN_MS(100));
    (void)mosquitto_property_add_int32(&properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL, 0);
    for (size_t i = 0; i < links->opt.links && links->at[i].client != NULL; i++)
        (void)mosquitto_disconnect_v5(links->at[i].client, 0, properties);
    mosquitto_property_free_all(&properties);
    for (size_t i = 0; i < links->opt.links && links->at[i].client != NULL; i++) {
        if (links->at[i].started)
            (void)mosquitto_loop_stop(links->at[i].client, false);
        mosquitto_destroy(links->at[i].client); /* no callback comes after this */
        free(links->at[i].flights);
    }
    (void)mosquitto_lib_cleanup();
    for (struct flight *flight = links->flights, *next = NULL; flight != NULL; flight = next) {
        next = flight->next;
        links->totals.lost++;
        write_line(links, flight, -1);
        free(flight->topic);
        free(flight);
    }
    const struct sim_totals totals = links->totals;

    buf_fini(&links->line);
    (void)pthread_mutex_destroy(&links->lock);
    (void)pthread_cond_destroy(&links->moved);
    free(links->at);
    free(links);
    return totals;
}
