/*
 * console: the process of the web console: its MQTT session (through a post child, as a lane's),
 * the signing of its commands, and the answers that come back.
 */
#include "alerting/dispatch/envelope.h"
#include "alerting/dispatch/post_uv.h"
#include "base/io/clock_posix.h"
#include "base/io/fs_posix.h"
#include "base/log.h"
#include "base/vec.h"
#include "console/console_uv.h"
#include "service/client_account.h"
#include "service/commands.h"
#include "service/configured.h"
#include "service/notify_posix.h"
#include "service/options.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <sodium.h>

#define ANSWER_WITHIN SPAN_S(10)
#define ID_BYTES 48

struct sent { /* a command that waits for its answer */
    char id[ID_BYTES];
    struct span by; /* monotonic */
    console_answer_fn *answered;
    void *arg;
};

struct site {
    uv_loop_t *loop;
    struct config *config;
    struct arena arena;
    struct view key;
    struct client_account account;
    char answers[256], answer_filter[260];
    struct console *console;
    struct post *post;
    VEC(struct sent) sent;
    uv_timer_t timer;
    uv_signal_t signals[2];
    int closing; /* parts that are still open */
};

static void
finish(struct site *site, size_t i, struct view answer)
{
    const struct sent sent = site->sent.at[i];

    site->sent.at[i] = site->sent.at[--site->sent.len];
    sent.answered(sent.arg, answer);
}

static void
send_command(
    void *arg, struct view lane, struct view body, console_answer_fn *answered, void *answered_arg)
{
    struct site *site = arg;
    struct sent *sent = VEC_PUSH(&site->sent);
    unsigned char random[12];
    char hex[2 * sizeof(random) + 1];
    char signature[SIGNATURE_BYTES];
    char topic[256];
    struct buf text;
    struct envelope env = {.sender = view_of(site->account.client->id), .body = body};

    randombytes_buf(random, sizeof(random));
    (void)sodium_bin2hex(hex, sizeof(hex), random, sizeof(random));
    (void)snprintf(sent->id, sizeof(sent->id), "console-%s", hex);
    sent->by.us = clock_monotonic().us + ANSWER_WITHIN.us;
    sent->answered = answered;
    sent->arg = answered_arg;
    env.id = view_of(sent->id);
    env.timestamp = clock_wall().us / 1000000;
    env.signature = view_of(envelope_sign(site->key, env.id, env.timestamp, body, signature));
    buf_init(&text, (size_t)2 * ENVELOPE_MAX_BYTES);
    envelope_write(&env, &text);
    (void)snprintf(topic, sizeof(topic), "wallwatch/command/%.*s", VIEW_ARG(lane));
    post_publish(site->post, view_of(topic), buf_view(&text), false, true, 0, NULL);
    buf_fini(&text);
}

static void
on_message(void *arg, struct view topic, struct view payload, bool retained)
{
    struct site *site = arg;
    const size_t len = strlen(site->answers);

    (void)retained;
    if (topic.len <= len || memcmp(topic.ptr, site->answers, len) != 0) {
        console_topic(site->console, topic, payload);
        return;
    }
    const struct view id = {topic.ptr + len, topic.len - len};

    for (size_t i = 0; i < site->sent.len; i++) {
        if (view_is(id, site->sent.at[i].id)) {
            finish(site, i, payload);
            return;
        }
    }
}

static void
on_state(void *arg, bool up, const char *why)
{
    struct site *site = arg;

    if (up)
        log_info("post.up", "port=%d", console_port(site->console));
    else
        log_warning("post.down", "why=\"%s\"", why != NULL ? why : "");
    console_link(site->console, up);
}

static void
on_timer(uv_timer_t *timer)
{
    struct site *site = timer->data;
    const struct span now = clock_monotonic();

    for (size_t i = site->sent.len; i > 0; i--) {
        if (site->sent.at[i - 1].by.us <= now.us)
            finish(site, i - 1, view_bytes("", 0));
    }
}

static void
on_part_closed(void *arg)
{
    struct site *site = arg;

    site->closing--;
}

static void
on_handle_closed(uv_handle_t *handle)
{
    on_part_closed(handle->data);
}

static void
on_signal(uv_signal_t *signal, int number)
{
    struct site *site = signal->data;

    if (site->closing > 0)
        return;
    log_info("console.stop", "signal=%d", number);
    site->closing = 5;
    console_close(site->console, on_part_closed, site);
    post_close(site->post, on_part_closed, site);
    uv_close((uv_handle_t *)&site->timer, on_handle_closed);
    for (size_t i = 0; i < ARRAY_LEN(site->signals); i++)
        uv_close((uv_handle_t *)&site->signals[i], on_handle_closed);
}

static void
open_post(struct site *site, const char *program)
{
    static const char *filters[] = {"wallwatch/alert/#", "wallwatch/status/+", NULL};
    const struct client_options *account = &site->account.options;
    char client_id[160];

    (void)snprintf(
        site->answers, sizeof(site->answers), "wallwatch/answer/%s/", site->account.client->id);
    (void)snprintf(site->answer_filter, sizeof(site->answer_filter), "%s+", site->answers);
    filters[2] = site->answer_filter;
    (void)snprintf(client_id, sizeof(client_id), "wallwatch-%s-post", site->account.client->id);
    const struct post_options options = {
        .loop = site->loop,
        .program = program,
        .host = account->host,
        .port = account->port,
        .client_id = client_id,
        .username = account->username,
        .password_file = account->password_file,
        .filters = filters,
        .n_filters = ARRAY_LEN(filters),
        .on_message = on_message,
        .on_state = on_state,
        .arg = site,
    };

    site->post = post_open(&options);
}

static bool
open_site(struct site *site, const char *folder, const char *program, struct err *err)
{
    const struct config *config = site->config;
    const char **lanes = ARENA_ARRAY(&site->arena, config->n_lanes, const char *);
    const int numbers[] = {SIGINT, SIGTERM};

    for (size_t i = 0; i < config->n_lanes; i++)
        lanes[i] = config->lanes[i].name;
    const struct console_options options = {
        .loop = site->loop,
        .address = config->console.address,
        .port = config->console.port,
        .folder = folder,
        .lanes = lanes,
        .n_lanes = config->n_lanes,
        .send = send_command,
        .arg = site,
    };

    if (!client_account(config, config->console.client->id, &site->account, err) ||
        !configured_key(config->console.client->key_file, &site->arena, &site->key, err) ||
        !console_open(&site->console, &options, err))
        return false;
    open_post(site, program);
    CHECK(uv_timer_init(site->loop, &site->timer) == 0);
    site->timer.data = site;
    CHECK(uv_timer_start(&site->timer, on_timer, 500, 500) == 0);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        CHECK(uv_signal_init(site->loop, &site->signals[i]) == 0);
        site->signals[i].data = site;
        CHECK(uv_signal_start(&site->signals[i], on_signal, numbers[i]) == 0);
    }
    return true;
}

/* One console a folder: the log has one writer. */
static bool
lock_folder(const char *state_dir, const char *folder, struct err *err)
{
    char path[4200];

    if (!fs_posix()->make_dir(fs_posix()->self, state_dir, err) ||
        !fs_posix()->make_dir(fs_posix()->self, folder, err))
        return false;
    (void)snprintf(path, sizeof(path), "%s/lock", folder);
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return err_set(err, ERR_IO, "'%s' cannot be opened (errno %d)", path, errno);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return err_set(err, ERR_CONFIG,
            "another console runs on '%s'\nhint: stop it first, it holds %s", folder, path);
    return true; /* held until the process ends */
}

static int
run(struct site *site, const char *folder, const char *program)
{
    struct err err = {0};

    site->loop = uv_default_loop();
    arena_init(&site->arena);
    (void)signal(SIGPIPE, SIG_IGN);
    /* A version that is applied changes lanes, broker and our port only at a restart. */
    (void)signal(SIGHUP, SIG_IGN);
    if (!lock_folder(site->config->state_dir, folder, &err) ||
        !open_site(site, folder, program, &err)) {
        (void)fprintf(stderr, "wallwatch console: %s\n", err.text);
        arena_fini(&site->arena);
        return EXIT_FOUND;
    }
    log_info("console.start", "address=%s port=%d", site->config->console.address,
        console_port(site->console));
    notify("READY=1");
    (void)uv_run(site->loop, UV_RUN_DEFAULT);
    for (size_t i = site->sent.len; i > 0; i--)
        finish(site, i - 1, view_bytes("", 0));
    VEC_FREE(&site->sent);
    arena_fini(&site->arena);
    return EXIT_FINE;
}

int
cmd_console(int argc, char **argv)
{
    const char *config_dir = CONFIG_DIR_DEFAULT;
    const char *state_dir = NULL;
    const struct option_row rows[] = {
        {"config", "DIR", "folder of the configuration (default " CONFIG_DIR_DEFAULT ")",
            &config_dir, NULL},
        {"state", "DIR", "state folder (default: as site.yaml says)", &state_dir, NULL},
    };
    const struct usage usage = {"console", "",
        "Runs the web console until SIGTERM, on the address and port that site.yaml says under\n"
        "'console'. Who may log in: 'wallwatch user'. What is open comes from the lanes' topics,\n"
        "what people press goes to the lanes as signed commands.",
        rows, ARRAY_LEN(rows), 0, 0};
    static struct site site;
    char program[4096];
    char folder[4096];
    int n_args;
    int code;

    if (!options_read(&usage, argc, argv, NULL, &n_args, &code))
        return code;
    log_setup(LOG_INFO, "console");
    const ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);

    if (sodium_init() < 0 || len <= 0) {
        (void)fprintf(stderr, "wallwatch console: libsodium or /proc/self/exe is not there\n");
        return EXIT_FOUND;
    }
    program[len] = '\0';
    if (!configured_read(config_dir, state_dir, &site.config))
        return EXIT_FOUND;
    code = EXIT_FOUND;
    if (site.config->console.client == NULL) {
        (void)fprintf(stderr, "wallwatch console: site.yaml has no 'console'\nhint: add "
                              "'console: {port: 8840}' and apply it\n");
    } else {
        (void)snprintf(folder, sizeof(folder), "%s/console", site.config->state_dir);
        code = run(&site, folder, program);
    }
    config_unref(site.config);
    return code;
}
