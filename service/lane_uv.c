/*
 * A lane from its start to its clean end.
 *
 * Start: configuration, lock, logs, checkpoint, replay; what the journal holds beyond is judged at
 * once; INPUT_START; then the ways out and in are opened, and when the broker has given what it
 * kept (300 ms of quiet, at most 5 s) INPUT_READY lets overdue deadlines fire.
 * End: intake stops first, what is journaled is judged, what is judged goes out and is stored as
 * far as 3 s allow, then everything closes and the last checkpoint is written.
 */
#include "service/lane.h"

#include "base/io/clock_posix.h"
#include "base/io/fs_posix.h"
#include "base/log.h"
#include "service/lane_run.h"
#include "service/notify_posix.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define QUIET SPAN_MS(300)
#define QUIET_AT_MOST SPAN_S(5)
#define CLOSE_AT_MOST SPAN_S(3)

struct lane_era *
lane_era_at(struct lane *lane, uint64_t pos)
{
    for (size_t i = lane->eras.len; i-- > 0;) {
        if (lane->eras.at[i].pos <= pos || i == 0)
            return &lane->eras.at[i];
    }
    return NULL;
}

void
lane_use_config_take(struct lane *lane, struct config *config)
{
    /* The engine still holds the one before: it stays until the engine has the new one, and the
     * store's eras hold what the writer needs. */
    config_unref(lane->config_before);
    lane->config_before = lane->config;
    lane->config = config;
    config_engine_options(config, lane->self, &lane->options);
    config_normalise_options(config, lane->self, &lane->normalise);
}

static void
feed_config(struct lane *lane)
{
    char body[64];

    *VEC_PUSH(&lane->eras) =
        (struct lane_era){lane->intake.judged, lane->boot->version, config_ref(lane->boot)};
    lane_use_config_take(lane, config_ref(lane->boot));
    if (lane->engine == NULL)
        lane->engine = engine_new(&lane->options);
    (void)snprintf(body, sizeof(body), "{\"version\":%" PRIu32 "}", lane->config->version);
    lane_feed(lane, INPUT_CONFIG, view_of(body));
}

/* The last run ended while this log was in memory only. */
static void
tell_memory_lost(struct lane *lane, const char *log)
{
    char text[160];

    (void)snprintf(text, sizeof(text), "%s-%s", lane->name, log);
    if (!engine_fact_on(lane->engine, "p1-suspended", view_of(text)))
        return;
    (void)snprintf(text, sizeof(text),
        "the %s was in memory only when the last run ended: what is not in the database is lost",
        log);
    lane_fact_once(lane, "lost", text);
}

static void
feed_start(struct lane *lane)
{
    const struct instant now = clock_now();
    char body[128];

    lane->down_until = now;
    (void)snprintf(body, sizeof(body), "{\"epoch\":%" PRIu32 ",\"late_us\":%" PRId64 "}",
        lane->epoch, lane->down_from.us == 0 ? 0 : instant_since(now, lane->down_from).us);
    lane_feed_at(lane, INPUT_START, now, view_of(body));
    if (lane->differs) {
        lane_fact_once(lane, "replay-differs",
            "a replay gave other events than are on record: what is on record stands");
    }
    if (lane->state_lost) {
        lane_fact_once(lane, "state-lost",
            "no checkpoint can be read: what was open before the oldest record of the ledger is "
            "not known");
    }
    tell_memory_lost(lane, "journal");
    tell_memory_lost(lane, "ledger");
    lane->deadman_at = now;
}

static void
on_start_timer(uv_timer_t *timer)
{
    struct lane *lane = timer->data;
    const struct instant now = clock_now();
    const bool quiet = lane->opened.us != 0 && instant_since(now, lane->heard).us > QUIET.us;

    if (lane->closing || (!quiet && instant_since(now, lane->down_until).us < QUIET_AT_MOST.us))
        return;
    (void)uv_timer_stop(timer);
    lane->ready = true;
    lane_feed(lane, INPUT_READY, view_of("{}"));
    log_info("lane.ready", "lane=%s epoch=%" PRIu32 " config=%" PRIu32 " late_us=%" PRId64,
        lane->name, lane->epoch, lane->config->version,
        lane->down_from.us == 0 ? 0 : instant_since(lane->down_until, lane->down_from).us);
    notify("READY=1");
}

static bool
open_mqtt(struct lane *lane, struct err *err)
{
    const struct lane_config *self = lane->self;
    const char **filters = ARENA_ARRAY(&lane->arena, self->n_filters + 1, const char *);
    char client_id[96];
    char filters_file[LANE_PATH_BYTES + 16];
    const bool own = self->username != NULL;

    for (size_t i = 0; i < self->n_filters; i++)
        filters[i] = self->filters[i];
    filters[self->n_filters] = lane->canary_topic;
    (void)snprintf(client_id, sizeof(client_id), "wallwatch-%s", lane->name);
    (void)snprintf(filters_file, sizeof(filters_file), "%s/filters", lane->dir);
    const struct mqtt_options options = {
        .host = lane->boot->broker.host,
        .port = lane->boot->broker.port,
        .client_id = client_id,
        .username = own ? self->username : lane->boot->broker.username,
        .password_file = own ? self->password_file : lane->boot->broker.password_file,
        .filters = filters,
        .n_filters = self->n_filters + 1,
        .filters_file = filters_file,
        .on_message = intake_on_message,
        .on_state = intake_on_state,
        .arg = lane,
    };

    return mqtt_open(&lane->mqtt, &options, err);
}

static void
on_part_closed(void *arg)
{
    struct lane *lane = arg;

    lane->open_parts--;
}

static void
close_parts(struct lane *lane)
{
    lane->closed = true;
    lane->open_parts = 2;
    post_close(lane->post, on_part_closed, lane);
    webhooks_close(lane->hooks, on_part_closed, lane);
    if (lane->http != NULL) {
        lane->open_parts++;
        http_close(lane->http, on_part_closed, lane);
    }
    if (lane->store.writer != NULL) {
        lane->open_parts += 3;
        writer_close(lane->store.writer, on_part_closed, lane);
        ledger_copy_close(lane->store.copy, on_part_closed, lane);
        keeper_close(lane->store.keeper, on_part_closed, lane);
    }
}

static void
close_handles(struct lane *lane)
{
    uv_handle_t *handles[] = {
        (uv_handle_t *)&lane->intake.wake,
        (uv_handle_t *)&lane->acts.span,
        (uv_handle_t *)&lane->tick,
        (uv_handle_t *)&lane->second,
        (uv_handle_t *)&lane->half_second,
        (uv_handle_t *)&lane->start_timer,
        (uv_handle_t *)&lane->on_term,
        (uv_handle_t *)&lane->on_int,
        (uv_handle_t *)&lane->on_hup,
        (uv_handle_t *)&lane->closing_timer,
    };

    for (size_t i = 0; i < ARRAY_LEN(handles); i++)
        uv_close(handles[i], NULL);
}

/* Each 20 ms while closing: first let out what may still go, then close the parts, then the loop
 * ends by itself. */
static void
on_closing(uv_timer_t *timer)
{
    struct lane *lane = timer->data;
    const bool out_of_time = instant_cmp(clock_now(), lane->close_by) > 0;

    if (!lane->closed) {
        const bool more = intake_drain(lane, LANE_TURN_US);

        acts_kick(lane);
        store_pump(lane);
        const bool stored = !lane->store.ready || lane->store.mark >= lane->intake.judged;
        const bool busy =
            lane->acts.syncing || lane->checkpoints.writing || lane->reloading || lane->roster.busy;
        const bool out = lane->acts.first == NULL && post_waiting(lane->post) == 0;

        if (busy || (!out_of_time && (more || !stored || !out)))
            return;
        close_parts(lane);
    }
    if (lane->open_parts == 0)
        close_handles(lane);
}

void
lane_stop(struct lane *lane, int exit_code)
{
    if (lane->closing)
        return;
    log_info("lane.stop", "lane=%s", lane->name);
    notify("STOPPING=1");
    lane->closing = true;
    lane->exit_code = exit_code;
    lane->close_by = instant_add(clock_now(), CLOSE_AT_MOST);
    atomic_store(&lane->intake.stopping, true);
    mqtt_close(lane->mqtt);
    if (post_up(lane->post))
        status_publish(lane, false);
    if (lane->store.writer != NULL)
        writer_flush(lane->store.writer);
    (void)uv_timer_stop(&lane->tick);
    (void)uv_timer_start(&lane->closing_timer, on_closing, 0, 20);
}

static void
on_signal(uv_signal_t *handle, int number)
{
    struct lane *lane = handle->data;

    if (number == SIGHUP)
        lane_reload(lane);
    else
        lane_stop(lane, 0);
}

static void
open_signals(struct lane *lane)
{
    uv_signal_t *handles[] = {&lane->on_term, &lane->on_int, &lane->on_hup};
    const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

    for (size_t i = 0; i < ARRAY_LEN(handles); i++) {
        handles[i]->data = lane;
        (void)uv_signal_init(lane->loop, handles[i]);
        (void)uv_signal_start(handles[i], on_signal, numbers[i]);
    }
    (void)signal(SIGPIPE, SIG_IGN); /* NOLINT(cert-err33-c): cannot fail for this signal */
}

static void
open_timers(struct lane *lane)
{
    lane->tick.data = lane->closing_timer.data = lane->start_timer.data = lane;
    lane->tick_at = INSTANT_NEVER;
    (void)uv_timer_init(lane->loop, &lane->tick);
    (void)uv_timer_init(lane->loop, &lane->closing_timer);
    (void)uv_timer_init(lane->loop, &lane->start_timer);
    (void)uv_timer_start(&lane->start_timer, on_start_timer, 50, 50);
}

/* For people and for apply, which signals by it. A lane runs without: the disk may be full. */
static void
write_pid(struct lane *lane, char path[LANE_PATH_BYTES + 128])
{
    char text[32];
    struct err err;

    (void)snprintf(path, LANE_PATH_BYTES + 128, "%s/run", lane->state_dir);
    bool ok = lane->fs->make_dir(lane->fs->self, path, &err);

    (void)snprintf(path, LANE_PATH_BYTES + 128, "%s/run/%s.pid", lane->state_dir, lane->name);
    (void)snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    ok = ok && fs_replace(lane->fs, path, view_of(text), &err);
    if (!ok)
        log_warning("lane.pid", "text=\"%s\"", err.text);
}

static void
name_things(struct lane *lane, const struct config *config, const char *name)
{
    lane->name = name;
    (void)snprintf(lane->state_dir, sizeof(lane->state_dir), "%s", config->state_dir);
    (void)snprintf(lane->dir, sizeof(lane->dir), "%.3900s/lane-%.64s", config->state_dir, name);
    (void)snprintf(lane->canary_topic, sizeof(lane->canary_topic), CANARY_TOPIC "%s", name);
    (void)snprintf(lane->told_topic, sizeof(lane->told_topic), CANARY_TOPIC "%s/told", name);
    (void)snprintf(lane->status_topic, sizeof(lane->status_topic), "wallwatch/status/%s", name);
    (void)snprintf(lane->command_topic, sizeof(lane->command_topic), "wallwatch/command/%s", name);
    (void)snprintf(lane->alert_prefix, sizeof(lane->alert_prefix), "wallwatch/alert/%s/", name);
}

static bool
open_all(struct lane *lane, struct err *err)
{
    acts_init(lane);
    intake_init(lane);
    arena_init(&lane->intake.arena);
    if (!lane_recover(lane, err))
        return false;
    clock_start(lane->down_from);
    if (lane->engine == NULL)
        feed_config(lane); /* an empty ledger begins with it */
    /* Raises are judged at once, under the configuration of their time; what fell due until then
     * fires in its order. From the start on, what is overdue waits for INPUT_READY. */
    numbers_feed(lane);
    while (intake_drain(lane, 1000000)) {
    }
    feed_start(lane);
    if (lane->config->version != lane->boot->version)
        feed_config(lane); /* applied while the lane was down */
    lane_load_keys(lane);
    lane->hooks = webhooks_open(lane->loop);
    open_timers(lane);
    status_open(lane);
    lane_open_post(lane);
    if (!store_open(lane, err) || !lane_open_http(lane, err) || !open_mqtt(lane, err))
        return false;
    open_signals(lane);
    acts_kick(lane);
    lane_arm_tick(lane);
    checkpoint_start(lane, clock_now());
    return true;
}

static void
free_all(struct lane *lane)
{
    for (size_t i = 0; i < lane->eras.len; i++)
        config_unref(lane->eras.at[i].config);
    VEC_FREE(&lane->eras);
    VEC_FREE(&lane->facts);
    VEC_FREE(&lane->ages);
    acts_fini(lane);
    engine_free(lane->engine);
    wal_cursor_free(lane->intake.cursor);
    if (lane->store.cursor != NULL)
        wal_cursor_free(lane->store.cursor);
    wal_close(lane->journal);
    wal_close(lane->ledger);
    arena_fini(&lane->intake.arena);
    arena_fini(&lane->store.arena);
    arena_fini(&lane->keys_arena);
    arena_fini(&lane->arena);
    config_unref(lane->config_before);
    config_unref(lane->config);
}

int
lane_run(struct config *boot, const char *name, const char *program)
{
    struct lane *lane = mem_zalloc(1, sizeof(*lane));
    char pid_file[LANE_PATH_BYTES + 128];
    struct err err = {0};
    uv_loop_t loop;
    int code = 1;

    CHECK(uv_loop_init(&loop) == 0);
    lane->loop = &loop;
    lane->fs = fs_posix();
    lane->program = program;
    lane->boot = boot;
    arena_init(&lane->arena);
    arena_init(&lane->keys_arena);
    name_things(lane, boot, name);
    lane->self = config_lane_named(boot, name);
    if (!open_all(lane, &err)) {
        /* Nothing was promised to anybody yet: the process ends and the system cleans up. */
        log_error("lane.start", "text=\"%s\"", err.text);
        (void)fprintf(stderr, "wallwatch lane: %s\n", err.text);
        exit(1); /* NOLINT(concurrency-mt-unsafe) */
    }
    write_pid(lane, pid_file);
    log_info("lane.start", "lane=%s dir=%s", name, lane->dir);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    code = lane->exit_code;
    if (!checkpoint_final(lane, &err)) {
        log_error("lane.stop", "text=\"%s\"", err.text);
        code = 1;
    }
    (void)unlink(pid_file);
    free_all(lane);
    CHECK(uv_loop_close(&loop) == 0);
    log_info("lane.stopped", "lane=%s", name);
    free(lane);
    return code;
}
