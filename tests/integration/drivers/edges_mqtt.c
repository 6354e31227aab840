/*
 * Takes in as a lane does, in little: each message is a line in a file, synced, before the callback
 * returns. Words on stdout; commands on stdin: "reconnect", "quit".
 *
 *   edges_mqtt PORT CLIENT USER PASSWORD_FILE FILTERS_FILE JOURNAL KILL_AT FILTER ...
 *
 * KILL_AT n: dies by SIGKILL inside the n-th callback, after the line is synced (0: never);
 * -n: before it is written. JOURNAL "-": counts only and prints every 10000th.
 */
#include "base/check.h"
#include "ingest/mqtt/mqtt_paho.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct taker {
    int fd;
    long n, kill_at;
};

static void
on_message(void *arg, const struct mqtt_message *msg)
{
    struct taker *taker = arg;
    char line[512];

    taker->n++;
    if (taker->fd < 0) {
        if (taker->n % 10000 == 0)
            (void)printf("count %ld\n", taker->n);
        return;
    }
    if (taker->n == -taker->kill_at)
        (void)kill(getpid(), SIGKILL);
    const int len = snprintf(line, sizeof(line), "%.*s %.*s qos=%d retained=%d dup=%d\n",
        VIEW_ARG(msg->topic), VIEW_ARG(msg->payload), msg->qos, msg->retained, msg->dup);

    CHECK(len > 0 && (size_t)len < sizeof(line));
    CHECK(write(taker->fd, line, (size_t)len) == len);
    CHECK(fdatasync(taker->fd) == 0);
    if (taker->n == taker->kill_at)
        (void)kill(getpid(), SIGKILL);
}

static void
on_state(void *arg, enum mqtt_state state, bool session_lost, const char *why)
{
    static const char *const names[] = {"down", "up", "stolen", "refused"};

    (void)arg;
    (void)printf("%s lost=%d %s\n", names[state], session_lost, why == NULL ? "" : why);
}

int
main(int argc, char **argv)
{
    struct taker taker = {.fd = -1};
    struct err err = {0};
    struct mqtt *mqtt;
    char line[64];

    CHECK(argc >= 9);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (strcmp(argv[6], "-") != 0) {
        taker.fd = open(argv[6], O_WRONLY | O_CREAT | O_APPEND, 0600);
        CHECK(taker.fd >= 0);
    }
    taker.kill_at = strtol(argv[7], NULL, 10);
    const struct mqtt_options opt = {.host = "127.0.0.1",
        .port = (int)strtol(argv[1], NULL, 10),
        .client_id = argv[2],
        .username = argv[3],
        .password_file = argv[4],
        .filters_file = argv[5],
        .filters = (const char *const *)&argv[8],
        .n_filters = (size_t)argc - 8,
        .on_message = on_message,
        .on_state = on_state,
        .arg = &taker};

    if (!mqtt_open(&mqtt, &opt, &err)) {
        (void)printf("error %s\n", err.text);
        return 1;
    }
    while (fgets(line, sizeof(line), stdin) != NULL && strcmp(line, "quit\n") != 0) {
        if (strcmp(line, "reconnect\n") == 0)
            mqtt_reconnect(mqtt);
    }
    mqtt_close(mqtt);
    (void)printf("closed n=%ld\n", taker.n);
    return 0;
}
