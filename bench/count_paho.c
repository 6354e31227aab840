/*
 * The least that a subscriber can do: takes the same topics by the same library at the same
 * quality of service as a lane, and only counts. What a lane costs is shown beside it.
 *
 *   count_paho HOST PORT USER PASSWORD_FILE FILTER     prints "up", then the count each half second
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <MQTTAsync.h>

static atomic_ulong count;
static atomic_int up; /* 1: subscribed, -1: refused */

static int
on_message(void *arg, char *topic, int topic_len, MQTTAsync_message *message)
{
    (void)arg;
    (void)topic_len;
    atomic_fetch_add(&count, 1);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void
on_subscribed(void *arg, MQTTAsync_successData5 *data)
{
    (void)arg;
    (void)data;
    atomic_store(&up, 1);
}

static void
on_refused(void *arg, MQTTAsync_failureData5 *data)
{
    (void)arg;
    (void)fprintf(stderr, "count_paho: refused, code %d\n", data != NULL ? data->code : -1);
    atomic_store(&up, -1);
}

static void
sleep_ms(long ms)
{
    (void)nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static int
wait_up(void)
{
    while (atomic_load(&up) == 0)
        sleep_ms(10);
    return atomic_exchange(&up, 0);
}

static int
connect_and_subscribe(MQTTAsync client, char **argv, const char *password)
{
    MQTTAsync_connectOptions opt = MQTTAsync_connectOptions_initializer5;
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;

    opt.keepAliveInterval = 20;
    opt.cleanstart = 1;
    opt.maxInflight = 1000;
    opt.username = argv[3];
    opt.password = password;
    opt.onSuccess5 = on_subscribed;
    opt.onFailure5 = on_refused;
    if (MQTTAsync_connect(client, &opt) != MQTTASYNC_SUCCESS || wait_up() != 1)
        return 0;
    response.onSuccess5 = on_subscribed;
    response.onFailure5 = on_refused;
    return MQTTAsync_subscribe(client, argv[5], 1, &response) == MQTTASYNC_SUCCESS &&
           wait_up() == 1;
}

int
main(int argc, char **argv)
{
    MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer5;
    MQTTAsync client;
    char url[256], password[256] = "";
    FILE *file;

    if (argc != 6) {
        (void)fprintf(stderr, "usage: count_paho HOST PORT USER PASSWORD_FILE FILTER\n");
        return 2;
    }
    file = fopen(argv[4], "r");
    if (file == NULL || fgets(password, sizeof(password), file) == NULL) {
        perror(argv[4]);
        return 1;
    }
    (void)fclose(file);
    password[strcspn(password, "\n")] = '\0';
    (void)snprintf(url, sizeof(url), "tcp://%s:%s", argv[1], argv[2]);
    if (MQTTAsync_createWithOptions(
            &client, url, "bench-count", MQTTCLIENT_PERSISTENCE_NONE, NULL, &create) != 0 ||
        MQTTAsync_setMessageArrivedCallback(client, NULL, on_message) != 0 ||
        !connect_and_subscribe(client, argv, password))
        return 1;
    (void)puts("up");
    for (;;) {
        (void)printf("%lu\n", atomic_load(&count));
        (void)fflush(stdout);
        sleep_ms(500);
    }
}
