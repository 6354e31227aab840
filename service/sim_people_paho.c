#include "service/sim_people_paho.h"

#include "base/io/clock_posix.h"
#include "base/io/fs_posix.h"
#include "base/json.h"
#include "base/vec.h"
#include "service/sim_accounts.h"
#include "service/sim_hook_mhd.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <MQTTAsync.h>

static const char *const steps[] = {"received", "accepted", "en-route", "arrived", "done"};

struct people;

struct player { /* one declared client */
    struct people *all;
    const struct client *client;
    struct view key;
    const char *password; /* NULL: none */
    char filter[256];
    MQTTAsync mqtt;
};

struct answer {
    struct player *player;
    struct instant due;
    char *topic, *id; /* id of the notice or order; owned */
    const char *word;
};

struct people {
    const struct sim_people_options *opt;
    pthread_mutex_t lock;
    VEC(struct answer) queue;
    struct player *players;
    size_t n_players;
    struct map orders; /* ids answered already */
    uint64_t sent, run;
};

static char *
copy_text(struct view text)
{
    char *copy = mem_zalloc(text.len + 1, 1);

    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return copy;
}

static void
put_answer(
    struct player *player, struct view topic, struct view id, size_t step, struct instant now)
{
    struct answer *answer = VEC_PUSH(&player->all->queue);

    answer->player = player;
    answer->due = instant_add(now, SPAN_US(player->all->opt->answer_after.us * (int64_t)step));
    answer->topic = copy_text(topic);
    answer->id = copy_text(id);
    answer->word = steps[step];
}

/* The level before the last of wallwatch/notice/UNIT/ID or wallwatch/dispatch/CENTRE/ID. */
static bool
is_asleep(const struct people *all, struct view topic, size_t id_start)
{
    size_t start = id_start == 0 ? 0 : id_start - 1;
    const size_t end = start;

    while (start > 0 && topic.ptr[start - 1] != '/')
        start--;
    return sim_listed(all->opt->asleep, (struct view){topic.ptr + start, end - start});
}

/* wallwatch/notice/UNIT/ID or wallwatch/dispatch/CENTRE/ID */
static int
on_message(void *context, char *topic, int len, MQTTAsync_message *message)
{
    struct player *player = context;
    struct people *all = player->all;
    const struct view whole = {topic, len > 0 ? (size_t)len : strlen(topic)};
    size_t start = whole.len;

    while (start > 0 && whole.ptr[start - 1] != '/')
        start--;
    const struct view id = {whole.ptr + start, whole.len - start};

    pthread_mutex_lock(&all->lock);
    const bool asleep = is_asleep(all, whole, start);

    if (!asleep)
        put_answer(player, whole, id, 0, clock_wall());
    if (!asleep && player->client->centre != NULL && map_get(&all->orders, id) == NULL) {
        (void)map_put(&all->orders, id, player);
        for (size_t i = 1; i < ARRAY_LEN(steps); i++)
            put_answer(player, whole, id, i, clock_wall());
    }
    pthread_mutex_unlock(&all->lock);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void
on_connected(void *context, char *cause) /* NOLINT(readability-non-const-parameter): Paho's */
{
    struct player *player = context;
    MQTTAsync_responseOptions call = MQTTAsync_responseOptions_initializer;

    (void)cause;
    (void)MQTTAsync_subscribe(player->mqtt, player->filter, 1, &call);
}

static void
on_refused(void *context, MQTTAsync_failureData5 *data)
{
    const struct player *player = context;

    (void)fprintf(stderr, "wallwatch simulate: %s: the broker refused: %s\n", player->client->id,
        data->reasonCode > 0 ? MQTTReasonCode_toString(data->reasonCode) : "no connection");
}

static bool
connect_player(struct player *player, struct err *err)
{
    const char *uri = player->all->opt->uri;
    MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer5;
    MQTTAsync_connectOptions connect = MQTTAsync_connectOptions_initializer5;
    char id[128];

    (void)snprintf(id, sizeof(id), "people-%s-%ld", player->client->id, (long)getpid());
    create.sendWhileDisconnected = 1;
    create.maxBufferedMessages = 10000;
    int rc = MQTTAsync_createWithOptions(
        &player->mqtt, uri, id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &create);

    if (rc != MQTTASYNC_SUCCESS)
        return err_set(err, ERR_IO, "mqtt client: %s", MQTTAsync_strerror(rc));
    (void)MQTTAsync_setCallbacks(player->mqtt, player, NULL, on_message, NULL);
    (void)MQTTAsync_setConnected(player->mqtt, player, on_connected);
    connect.cleanstart = 1;
    connect.maxInflight = 1000;
    connect.automaticReconnect = 1;
    connect.minRetryInterval = 1;
    connect.maxRetryInterval = 4;
    if (player->password != NULL) {
        connect.username = player->client->id;
        connect.password = player->password;
    }
    connect.onFailure5 = on_refused;
    connect.context = player;
    rc = MQTTAsync_connect(player->mqtt, &connect);
    if (rc != MQTTASYNC_SUCCESS)
        return err_set(err, ERR_IO, "broker %s: %s", uri, MQTTAsync_strerror(rc));
    return true;
}

static bool
add_player(struct people *all, const struct client *client, struct arena *arena, struct err *err)
{
    struct player *player = &all->players[all->n_players];
    const char *beside = sim_password_beside(all->opt->config, client->id, arena);
    const char *reason = "";
    struct buf text;

    *player = (struct player){.all = all, .client = client};
    buf_init(&text, 4096);
    bool good = fs_read_all(fs_posix(), client->key_file, &text, err);

    if (good && !envelope_key(arena, buf_view(&text), &player->key, &reason))
        good = err_set(err, ERR_CONFIG, "%s: %s", client->key_file, reason);
    buf_fini(&text);
    if (!good)
        return false;
    if (beside != NULL)
        player->password = sim_secret(beside, arena, &(struct err){0});
    if (client->centre != NULL) {
        (void)snprintf(
            player->filter, sizeof(player->filter), "wallwatch/dispatch/%s/+", client->centre->id);
    } else
        (void)snprintf(player->filter, sizeof(player->filter), "wallwatch/notice/+/+");
    all->n_players++;
    return connect_player(player, err);
}

static void
write_body(const struct answer *answer, struct buf *out)
{
    const bool order = answer->player->client->centre != NULL;
    struct json_writer json;

    json_begin(&json, out);
    json_object(&json, NULL);
    json_text(&json, "answer", answer->word);
    if (order) {
        json_text(&json, "by", answer->player->client->id);
        json_text(&json, "comment", "");
    }
    json_text(&json, order ? "order" : "notice", answer->id);
    json_close(&json);
    json_end(&json);
}

static void
send_answer(struct people *all, const struct answer *answer, struct instant now)
{
    struct player *player = answer->player;
    struct buf body;
    struct buf text;
    struct buf topic;
    char id[96];
    char signature[SIGNATURE_BYTES];
    struct envelope env = {.sender = view_of(player->client->id)};

    buf_init(&body, ENVELOPE_MAX_BYTES);
    buf_init(&text, ENVELOPE_MAX_BYTES);
    buf_init(&topic, ENVELOPE_MAX_BYTES);
    write_body(answer, &body);
    (void)snprintf(id, sizeof(id), "people-%016" PRIx64 "-%" PRIu64, all->run, ++all->sent);
    env.id = view_of(id);
    env.timestamp = now.us / 1000000;
    env.body = buf_view(&body);
    env.signature = view_of(envelope_sign(player->key, env.id, env.timestamp, env.body, signature));
    envelope_write(&env, &text);
    buf_printf(&topic, "%s/reply", answer->topic);
    (void)MQTTAsync_send(player->mqtt, topic.ptr, (int)text.len, text.ptr, 1, 0, NULL);
    if (!all->opt->quiet)
        (void)printf("%s %s: %s\n", player->client->id, answer->id, answer->word);
    buf_fini(&body);
    buf_fini(&text);
    buf_fini(&topic);
}

/* Takes one answer that is due out of the queue; false: none is. */
static bool
next_answer(struct people *all, struct instant now, struct answer *out)
{
    bool found = false;

    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < all->queue.len && !found; i++) {
        found = instant_cmp(all->queue.at[i].due, now) <= 0;
        if (!found)
            continue;
        *out = all->queue.at[i];
        memmove(&all->queue.at[i], &all->queue.at[i + 1],
            (all->queue.len - i - 1) * sizeof(*all->queue.at));
        all->queue.len--;
    }
    pthread_mutex_unlock(&all->lock);
    return found;
}

static void
free_answer(struct answer *answer)
{
    free(answer->topic);
    free(answer->id);
}

static void
play(struct people *all)
{
    const struct timespec pause = {0, 20000000};
    const struct instant end = all->opt->seconds == 0
                                   ? INSTANT_NEVER
                                   : instant_add(clock_wall(), SPAN_S(all->opt->seconds));
    struct answer answer;

    while (!*all->opt->stopped && instant_cmp(clock_wall(), end) < 0) {
        while (next_answer(all, clock_wall(), &answer)) {
            send_answer(all, &answer, clock_wall());
            free_answer(&answer);
        }
        (void)fflush(stdout);
        (void)nanosleep(&pause, NULL);
    }
}

static void
stop(struct people *all)
{
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer5;

    options.timeout = 500;
    for (size_t i = 0; i < all->n_players; i++) {
        if (all->players[i].mqtt == NULL)
            continue;
        (void)MQTTAsync_disconnect(all->players[i].mqtt, &options);
    }
    for (size_t i = 0; i < all->n_players; i++) {
        const struct timespec pause = {0, 20000000};

        for (int n = 0; n < 25 && MQTTAsync_isConnected(all->players[i].mqtt); n++)
            (void)nanosleep(&pause, NULL);
        MQTTAsync_destroy(&all->players[i].mqtt); /* no callback comes after this */
    }
    for (size_t i = 0; i < all->queue.len; i++)
        free_answer(&all->queue.at[i]);
    VEC_FREE(&all->queue);
    map_fini(&all->orders);
    (void)pthread_mutex_destroy(&all->lock);
}

bool
sim_people_run(const struct sim_people_options *opt, struct arena *arena, struct err *err)
{
    const struct config *config = opt->config;
    struct people all = {
        .opt = opt, .players = ARENA_ARRAY(arena, config->n_clients + 1, struct player)};
    struct sim_hook *hook = NULL;
    bool notices = false;
    bool good = true;

    random_bytes(&all.run, sizeof(all.run));
    map_init(&all.orders);
    (void)pthread_mutex_init(&all.lock, NULL);
    for (size_t i = 0; good && i < config->n_clients; i++) {
        const struct client *client = &config->clients[i];

        if (client->centre == NULL && notices)
            continue;
        notices = notices || client->centre == NULL;
        good = add_player(&all, client, arena, err);
    }
    if (good && all.n_players == 0)
        good = err_set(err, ERR_CONFIG, "site.yaml: clients: there is nobody to play");
    if (good && opt->hook_port != 0)
        good = sim_hook_open(&hook, opt->hook_port, opt->asleep, opt->quiet, err);
    if (good)
        play(&all);
    sim_hook_close(hook);
    stop(&all);
    return good;
}
