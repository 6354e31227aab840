/*
 * What a lane does every second about itself: status, canary, facts, the other lanes, clock,
 * checkpoint, watchdog, deadman.
 */
#include "base/io/clock_posix.h"
#include "base/json.h"
#include "base/log.h"
#include "service/lane.h"
#include "service/notify_posix.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECKPOINT_EVERY SPAN_S(60)
#define CHECKPOINT_RECORDS 1000000
#define POST_DOWN_AFTER SPAN_S(5)
#define DATABASE_AWAY_AFTER SPAN_S(30)
#define STOLEN_WAIT SPAN_S(5)
#define TROUBLE_SHOWN SPAN_S(60)
#define DEADMAN_EVERY SPAN_S(30)
#define AUDIT_EVERY SPAN_S(60)

static void
put_canary(struct lane *lane, struct json_writer *json)
{
    json_object(json, "canary");
    for (int i = 0; i < CANARY_STOPS; i++)
        json_int(json, canary_stop_names[i], lane->canary.took[i].us);
    json_close(json);
}

static void
put_journal(struct lane *lane, struct json_writer *json)
{
    json_object(json, "journal");
    json_int(json, "bytes", (int64_t)wal_bytes(lane->journal));
    json_int(json, "end", (int64_t)wal_end(lane->journal));
    json_int(json, "judged", (int64_t)lane->intake.judged);
    json_bool(json, "memory", wal_state(lane->journal) != WAL_FINE);
    json_int(json, "stored", (int64_t)lane->store.mark);
    json_close(json);
}

static void
put_audit(struct lane *lane, struct json_writer *json)
{
    const struct engine_audit *audit = &lane->audit;

    json_object(json, "audit");
    json_instant(json, "at", audit->at);
    json_int(json, "done", (int64_t)audit->done);
    json_int(json, "due", (int64_t)audit->due);
    json_int(json, "overdue", (int64_t)audit->overdue);
    json_close(json);
}

static void
put_counts(struct lane *lane, struct json_writer *json)
{
    const struct engine_counts counts = engine_counts(lane->engine);
    int64_t open = 0;

    for (int i = 0; i < SEVERITY_COUNT; i++)
        open += counts.open[i];
    json_int(json, "n", (int64_t)counts.events);
    json_int(json, "open", open);
    json_object(json, "open_by_severity");
    for (int i = 0; i < SEVERITY_COUNT; i++)
        json_int(json, severity_names[i], counts.open[i]);
    json_close(json);
    json_object(json, "open_by_tier");
    for (int i = 0; i < TIER_COUNT; i++)
        json_int(json, tier_names[i], counts.open_by_tier[i]);
    json_close(json);
    json_int(json, "climbs", (int64_t)counts.climbs);
    json_int(json, "delivered", (int64_t)counts.delivered);
    json_int(json, "deliveries_waiting", counts.deliveries_waiting);
    json_int(json, "duplicates", (int64_t)counts.duplicates);
    json_int(json, "failed", (int64_t)counts.failed);
    json_int(json, "flooded", (int64_t)counts.flooded);
    json_int(json, "judged", (int64_t)counts.judged);
    json_int(json, "late_steps", (int64_t)counts.late_steps);
    json_int(json, "notices", (int64_t)counts.notices);
    json_int(json, "orders_open", counts.orders_open);
    json_int(json, "readings", (int64_t)counts.readings);
}

void
status_publish(struct lane *lane, bool up)
{
    struct json_writer json;
    struct buf body;

    buf_init(&body, 65536);
    json_begin(&json, &body);
    json_object(&json, NULL);
    json_instant(&json, "at", clock_now());
    put_audit(lane, &json);
    put_canary(lane, &json);
    json_int(&json, "config", lane->config->version);
    json_bool(&json, "connected", lane->intake.seen_state == MQTT_UP);
    put_counts(lane, &json);
    json_int(&json, "epoch", lane->epoch);
    json_int(&json, "foreign", (int64_t)atomic_load(&lane->intake.foreign));
    put_journal(lane, &json);
    json_text(&json, "lane", lane->name);
    json_int(&json, "messages", (int64_t)atomic_load(&lane->intake.taken));
    json_text(&json, "postgres",
        lane->store.writer == NULL ? "none"
        : lane->store.ready        ? "up"
                                   : "away");
    json_bool(&json, "ready", lane->ready);
    json_bool(&json, "up", up);
    json_close(&json);
    json_end(&json);
    post_publish(lane->post, view_of(lane->status_topic), buf_view(&body), true, false, 0, NULL);
    buf_fini(&body);
}

/* A life-safety lane never stops; its promise is suspended as long as one of its logs is in
 * memory only. Each second it tries to get back to a file. */
static void
watch_log(struct lane *lane, const char *name, struct wal *log, struct lane_trouble *trouble,
    struct instant now)
{
    const struct wal_doubt doubt = wal_doubt(log);
    char subject[64];
    char detail[160];
    struct err err = {0};

    (void)snprintf(subject, sizeof(subject), "%s-%s", lane->name, name);
    if (wal_trouble(log, &err)) {
        const bool stops = log == lane->journal && !lane->self->life_safety && err.kind != ERR_FULL;

        log_error("log.trouble", "log=%s text=\"%s\" next=%s", name, err.text,
            stops ? "abort" : "\"goes on\"");
        if (stops)
            abort(); /* what is on the disk is not known: only recovery may decide */
        *trouble = (struct lane_trouble){.at = now, .err = err};
    }
    (void)snprintf(detail, sizeof(detail), "%.150s", trouble->err.text);
    lane_fact(lane, "disk-trouble", subject,
        trouble->at.us != 0 && instant_since(now, trouble->at).us < TROUBLE_SHOWN.us, detail);
    if (doubt.frames > trouble->doubted) {
        (void)snprintf(detail, sizeof(detail),
            "%s: up to %" PRIu64 " records may not be on disk: a sync failed", name,
            doubt.frames - trouble->doubted);
        trouble->doubted = doubt.frames;
        lane_fact_once(lane, "lost", detail);
    }
    if (wal_state(log) != WAL_FINE && !wal_retry(log, &err))
        log_error("log.retry", "log=%s text=\"%s\"", name, err.text);
    (void)snprintf(detail, sizeof(detail), "%s: %" PRIu64 " records are in no file%s%.80s", name,
        wal_lost(log), err.text[0] != '\0' ? ": " : "", err.text);
    lane_fact(lane, "p1-suspended", subject, wal_state(log) != WAL_FINE, detail);
}

static void
watch_logs(struct lane *lane, struct instant now)
{
    watch_log(lane, "journal", lane->journal, &lane->trouble[0], now);
    watch_log(lane, "ledger", lane->ledger, &lane->trouble[1], now);
    if (lane->intake.lost_gaps > lane->lost_told) {
        lane->lost_told = lane->intake.lost_gaps;
        lane_fact_once(lane, "lost", "a part of the journal could not be read: it was not judged");
    }
}

static void
watch_canary(struct lane *lane, struct instant now)
{
    /* A canary leaves by the same child that tells: one that has not gone out says nothing about
     * the way in, unless that is known to be down too. */
    const bool stuck = canary_stuck(&lane->canary, now);
    const bool judged_late = canary_late(&lane->canary, CANARY_JUDGED, now) &&
                             (!stuck || lane->intake.seen_state != MQTT_UP);
    const bool told_late = stuck || (!judged_late && canary_late(&lane->canary, CANARY_TOLD, now));

    lane_fact(lane, "canary-not-judged", lane->name, judged_late,
        "no canary was judged for 5 s: telemetry does not get through");
    lane_fact(lane, "canary-not-told", lane->name, told_late,
        "no canary was told for 5 s: alerts over MQTT do not get out");
    if (lane->store.writer == NULL)
        return;
    lane_fact(lane, "database-away", lane->name,
        lane->store.away_since.us != 0 &&
            instant_since(now, lane->store.away_since).us > DATABASE_AWAY_AFTER.us,
        "the database is away: judging goes on, the journal keeps what belongs there");
    if (lane->store.away_since.us != 0)
        return; /* known: silent */
    lane_fact(lane, "canary-not-stored", lane->name,
        !judged_late && !stuck && lane->store.mark < lane->intake.judged &&
            instant_since(now, lane->store.ready_since).us > CANARY_LATE.us &&
            canary_late(&lane->canary, CANARY_STORED, now),
        "no canary was stored for 5 s: the database is behind");
}

static void
watch_peers(struct lane *lane, struct instant now)
{
    struct arena arena;
    struct peer_change *changes;
    size_t n;

    arena_init(&arena);
    changes = ARENA_ARRAY(&arena, 2 * lane->peers.len, struct peer_change);
    n = peers_check(&lane->peers, post_up(lane->post), lane->config->version, now, changes);
    for (size_t i = 0; i < n; i++) {
        lane_fact(lane, changes[i].code, changes[i].peer->name, changes[i].on,
            strcmp(changes[i].code, "wallwatch-down") == 0
                ? "silent for 15 s, or its will was heard"
                : "runs another configuration version");
    }
    arena_fini(&arena);
}

static void
shift(struct instant *at, struct span delta)
{
    if (at->us != 0)
        *at = instant_add(*at, delta);
}

/* What is watched here by the service's time goes on where it was. */
static void
shift_watch(struct lane *lane, struct span delta)
{
    struct instant *const all[] = {
        &lane->checkpoints.at,
        &lane->store.away_since,
        &lane->store.ready_since,
        &lane->post_down_since,
        &lane->deadman_at,
        &lane->audit.at,
        &lane->stolen_at,
        &lane->trouble[0].at,
        &lane->trouble[1].at,
        &lane->heard,
    };

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        shift(all[i], delta);
}

static void
watch_clock(struct lane *lane)
{
    struct span delta;
    char body[64];

    if (!clock_check(&delta))
        return;
    log_warning("clock.rebase", "delta_us=%" PRId64, delta.us);
    (void)snprintf(body, sizeof(body), "{\"delta_us\":%" PRId64 "}", delta.us);
    clock_rebase(delta);
    lane_feed(lane, INPUT_REBASE, view_of(body));
    shift_watch(lane, delta);
    canary_start(&lane->canary, clock_now());
    lane->peers.hearing = false; /* their clocks begin anew */
    lane->ages.len = 0;
}

static void
deadman_done(void *arg, int status, const char *why)
{
    (void)arg;
    if (status < 200 || status >= 300)
        log_warning("deadman", "status=%d why=\"%s\"", status, why != NULL ? why : "");
}

static void
feed_deadman(struct lane *lane, struct instant now)
{
    const struct channel_set *channels = &lane->config->channels;

    if (instant_since(now, lane->deadman_at).us < DEADMAN_EVERY.us ||
        lane->canary.seen[CANARY_JUDGED].us == 0 || canary_late(&lane->canary, CANARY_JUDGED, now))
        return;
    lane->deadman_at = now;
    for (size_t i = 0; i < channels->len; i++) {
        if (channels->at[i].kind != CHANNEL_DEADMAN)
            continue;
        webhook_send(lane->hooks,
            &(struct webhook_request){
                .url = channels->at[i].url, .get = true, .timeout = channels->at[i].timeout},
            deadman_done, lane);
    }
}

static void
watch_deadlines(struct lane *lane, struct instant now)
{
    char detail[200];

    if (!lane->ready || instant_since(now, lane->audit.at).us < AUDIT_EVERY.us)
        return;
    lane->audit = engine_audit(lane->engine, now);
    (void)snprintf(detail, sizeof(detail), "%" PRIu64 " overdue, the oldest: %s",
        lane->audit.overdue, lane->audit.first);
    lane_fact(lane, "steps-overdue", lane->name, lane->audit.overdue > 0, detail);
}

void
status_second(struct lane *lane)
{
    watch_clock(lane);
    const struct instant now = clock_now();
    const bool post_down = lane->post_down_since.us != 0 &&
                           instant_since(now, lane->post_down_since).us > POST_DOWN_AFTER.us;

    notify("WATCHDOG=1");
    watch_logs(lane, now);
    watch_canary(lane, now);
    watch_peers(lane, now);
    lane_fact(lane, "post-down", lane->name, post_down,
        "the connection for notices and orders over MQTT is down");
    if (lane->stolen_at.us != 0 && instant_since(now, lane->stolen_at).us > STOLEN_WAIT.us) {
        lane->stolen_at = (struct instant){0};
        mqtt_reconnect(lane->mqtt);
    }
    watch_deadlines(lane, now);
    feed_deadman(lane, now);
    roster_second(lane, now);
    if (lane->checkpoints.bytes.ptr != NULL ||
        instant_since(now, lane->checkpoints.at).us >= CHECKPOINT_EVERY.us ||
        lane->checkpoints.records >= CHECKPOINT_RECORDS)
        checkpoint_start(lane, now);
    store_second(lane, now);
    if (post_up(lane->post))
        status_publish(lane, true);
}

static void
on_second(uv_timer_t *timer)
{
    struct lane *lane = timer->data;

    if (!lane->closing)
        status_second(lane);
}

static void
on_canary_out(void *arg, uint64_t token, int reason)
{
    struct lane *lane = arg;

    if (reason >= 0 && reason < 128)
        canary_gone_out(&lane->canary, token, clock_now());
}

static void
on_half_second(uv_timer_t *timer)
{
    struct lane *lane = timer->data;
    const uint64_t at = (uint64_t)clock_now().us;
    char number[32];

    if (lane->closing || !post_up(lane->post) || lane->intake.seen_state != MQTT_UP)
        return;
    (void)snprintf(number, sizeof(number), "%" PRIu64, at);
    post_publish(
        lane->post, view_of(lane->canary_topic), view_of(number), false, false, at, on_canary_out);
}

void
status_open(struct lane *lane)
{
    const char **names = ARENA_ARRAY(&lane->arena, lane->boot->n_lanes, const char *);
    const uint64_t every_ms = (uint64_t)CANARY_EVERY.us / 1000;

    for (size_t i = 0; i < lane->boot->n_lanes; i++)
        names[i] = lane->boot->lanes[i].name;
    peers_init(&lane->peers, &lane->arena, lane->name, names, lane->boot->n_lanes);
    canary_start(&lane->canary, clock_now());
    lane->second.data = lane->half_second.data = lane;
    (void)uv_timer_init(lane->loop, &lane->second);
    (void)uv_timer_init(lane->loop, &lane->half_second);
    (void)uv_timer_start(&lane->second, on_second, 1000, 1000);
    (void)uv_timer_start(&lane->half_second, on_half_second, every_ms, every_ms);
}
