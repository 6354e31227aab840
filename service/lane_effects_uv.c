/*
 * The outbox at the edge: effects wait here until both logs are on disk up to what they follow
 * from, then go out in order. One sync at a time on the pool serves all that came before it.
 *
 * Bounds: the engine has each delivery out once; what waits here is what one sync takes.
 */
#include "base/io/clock_posix.h"
#include "base/json.h"
#include "base/log.h"
#include "service/lane.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static struct view
put_bytes(char **at, struct view bytes)
{
    char *start = *at;

    if (bytes.len > 0)
        memcpy(start, bytes.ptr, bytes.len);
    *at += bytes.len;
    return view_bytes(start, bytes.len);
}

static const char *
put_text(char **at, struct view text)
{
    const struct view copy = put_bytes(at, text);

    *(*at)++ = '\0';
    return copy.ptr;
}

static void
enqueue(struct lane *lane, struct act *act)
{
    struct acts *acts = &lane->acts;

    act->lane = lane;
    act->serial = ++acts->serial;
    act->journal = lane->intake.judged;
    act->ledger = wal_end(lane->ledger);
    act->next = NULL;
    *acts->last = act;
    acts->last = &act->next;
    acts->waiting++;
}

void
acts_add(struct lane *lane, const struct effect *effect)
{
    const struct channel *channel = effect->kind == EFFECT_SEND ? effect->channel : NULL;
    const bool http = channel != NULL && channel->kind != CHANNEL_MQTT;
    const size_t room = http ? strlen(channel->id) + effect->to.len + 2 : 0;
    struct act *act = mem_zalloc(
        1, sizeof(*act) + effect->topic.len + effect->body.len + effect->delivery.len + room);
    char *at = (char *)(act + 1);

    act->kind = effect->kind != EFFECT_SEND ? ACT_PUBLISH : http ? ACT_WEBHOOK : ACT_SEND;
    act->retained = effect->retained;
    act->received = effect->received;
    act->urgent = effect->kind == EFFECT_SEND && effect->severity == SEVERITY_RED;
    act->attempt = effect->attempt;
    act->topic = put_bytes(&at, effect->topic);
    act->body = put_bytes(&at, effect->body);
    act->delivery = put_bytes(&at, effect->delivery);
    if (http) {
        act->channel = put_text(&at, view_of(channel->id));
        act->to = put_text(&at, effect->to);
    }
    enqueue(lane, act);
}

void
acts_add_canary(struct lane *lane, uint64_t number)
{
    struct act *act = mem_zalloc(1, sizeof(*act) + 32);
    char *text = (char *)(act + 1);
    const int len = snprintf(text, 32, "%" PRIu64, number);

    act->kind = ACT_CANARY;
    act->canary = number;
    act->topic = view_of(lane->told_topic);
    act->body = view_bytes(text, (size_t)len);
    enqueue(lane, act);
}

static void
report(struct act *act, const char *result, const char *detail)
{
    struct lane *lane = act->lane;
    struct json_writer json;
    struct buf body;

    if (lane->closing)
        return;
    buf_init(&body, 4096);
    json_begin(&json, &body);
    json_object(&json, NULL);
    json_int(&json, "attempt", act->attempt);
    json_view(&json, "delivery", act->delivery);
    json_text(&json, "detail", detail);
    json_text(&json, "result", result);
    json_close(&json);
    json_end(&json);
    lane_feed(lane, INPUT_DELIVERY, buf_view(&body));
    buf_fini(&body);
}

/* From received to out of our hands: what a device waits for that repeats until it hears. */
static void
count_receipt(struct acts *acts, struct instant received, int reason)
{
    const struct span took = instant_since(clock_now(), received);

    if (reason < 0 || reason == 16 || reason >= 128) {
        acts->receipts.failed++;
        return;
    }
    acts->receipts.sent++;
    acts->receipts.total.us += took.us;
    if (took.us > acts->receipts.longest.us)
        acts->receipts.longest = took;
}

/* MQTT: reason 16 (nobody subscribes) and everything from 128 is a failure at once; an accepted
 * publish proves nothing about the receiver, so the engine waits for its reply. */
static void
on_published(void *arg, uint64_t token, int reason)
{
    struct act *act = (struct act *)(uintptr_t)token; /* NOLINT(performance-no-int-to-ptr) */
    struct lane *lane = arg;
    char detail[64];

    lane->acts.out--;
    if (act->kind == ACT_CANARY) {
        if (reason >= 0 && reason < 128)
            canary_pass(&lane->canary, CANARY_TOLD, act->canary, clock_now());
    } else if (act->received.us != 0) {
        count_receipt(&lane->acts, act->received, reason);
    } else if (act->kind == ACT_SEND && (reason < 0 || reason == 16 || reason >= 128)) {
        (void)snprintf(detail, sizeof(detail),
            reason < 0     ? "not sent: broker away"
            : reason == 16 ? "nobody subscribes"
                           : "refused by the broker, reason %d",
            reason);
        report(act, "failed", detail);
    }
    free(act);
}

/* For good: the receiver says that it will never take anything there. */
static bool
is_never(const struct channel *channel, int status)
{
    if (channel != NULL && channel->kind == CHANNEL_EMAIL)
        return status == 550 || status == 551 || status == 553;
    return status == 410;
}

static const struct channel *
channel_of(const struct act *act)
{
    const struct channel_set *channels = &act->lane->config->channels;

    for (size_t i = 0; i < channels->len; i++) {
        if (strcmp(channels->at[i].id, act->channel) == 0)
            return &channels->at[i];
    }
    return NULL;
}

static void
on_webhook(void *arg, int status, const char *why)
{
    struct act *act = arg;
    char detail[256];

    act->lane->acts.out--;
    if (status >= 200 && status < 300) {
        report(act, "delivered", "");
    } else {
        const bool mail = why[0] != '\0' && status != 0;

        if (status == 0)
            (void)snprintf(detail, sizeof(detail), "%s", why);
        else
            (void)snprintf(detail, sizeof(detail), "%s %d%s%s", mail ? "SMTP" : "HTTP", status,
                mail ? ": " : "", why);
        report(act, is_never(channel_of(act), status) ? "never" : "failed", detail);
    }
    free(act);
}

static void
send_webhook(struct lane *lane, struct act *act, const struct channel *channel)
{
    const size_t len = strlen(channel->url);
    const bool slash =
        act->to[0] != '\0' && act->to[0] != '/' && len > 0 && channel->url[len - 1] != '/';
    char url[2048];

    (void)snprintf(url, sizeof(url), "%s%s%s", channel->url, slash ? "/" : "", act->to);
    webhook_send(lane->hooks,
        &(struct webhook_request){
            .url = url,
            .id = act->delivery,
            .body = act->body,
            .secret_file = channel->secret_file,
            .next_secret_file = channel->next_secret_file,
            .timestamp = clock_wall().us / 1000000,
            .timeout = channel->timeout,
        },
        on_webhook, act);
}

static void
send_over(struct lane *lane, struct act *act)
{
    const struct channel *channel = channel_of(act);

    if (channel == NULL) {
        lane->acts.out--; /* the configuration has lost it: the engine knows */
        free(act);
    } else if (channel->kind == CHANNEL_EMAIL || channel->kind == CHANNEL_SMS) {
        letter_send(lane->hooks,
            &(struct letter_request){.channel = channel,
                .to = view_of(act->to),
                .id = act->delivery,
                .body = act->body,
                .when = clock_wall()},
            on_webhook, act);
    } else {
        send_webhook(lane, act, channel);
    }
}

static void
perform(struct lane *lane, struct act *act)
{
    lane->acts.out++;
    if (act->kind == ACT_WEBHOOK) {
        send_over(lane, act);
    } else {
        post_publish(lane->post, act->topic, act->body, act->retained, act->urgent,
            (uint64_t)(uintptr_t)act, on_published);
    }
}

/* A log that is not fine is in memory only, by design: what it holds may go out. */
static bool
on_disk(struct wal *log, uint64_t pos)
{
    return wal_synced(log) >= pos || wal_state(log) != WAL_FINE;
}

static void
let_out(struct lane *lane)
{
    struct acts *acts = &lane->acts;

    if (lane->post == NULL)
        return; /* still recovering */
    while (acts->first != NULL) {
        struct act *act = acts->first;

        if (act->serial > acts->committed &&
            !(on_disk(lane->journal, act->journal) && on_disk(lane->ledger, act->ledger)))
            break;
        acts->first = act->next;
        if (acts->first == NULL)
            acts->last = &acts->first;
        acts->waiting--;
        perform(lane, act);
    }
}

/* On the pool. A ledger record is on disk only after the journal is, up to the position it
 * names: hence this order. */
static void
sync_logs(uv_work_t *work)
{
    struct lane *lane = work->data;
    struct acts *acts = &lane->acts;
    uint64_t synced;

    acts->journal_ok = wal_sync(lane->journal, &synced, &acts->journal_err);
    acts->ledger_ok = wal_sync(lane->ledger, &synced, &acts->ledger_err);
}

static void
sync_failed(struct lane *lane, const char *log, struct lane_trouble *trouble, const struct err *err)
{
    log_error("log.sync", "lane=%s log=%s text=\"%s\"", lane->name, log, err->text);
    trouble->at = clock_now();
    trouble->err = *err;
}

static void
after_sync(uv_work_t *work, int status)
{
    struct lane *lane = work->data;
    struct acts *acts = &lane->acts;

    (void)status;
    acts->syncing = false;
    /* Also after a failure: people are told whatever the disk does; the second's watch raises
     * p1-suspended from the state of the logs. */
    acts->committed = acts->sync_upto;
    if (!acts->ledger_ok)
        sync_failed(lane, "ledger", &lane->trouble[1], &acts->ledger_err);
    if (!acts->journal_ok) {
        sync_failed(lane, "journal", &lane->trouble[0], &acts->journal_err);
        if (!lane->self->life_safety && acts->journal_err.kind != ERR_FULL)
            abort(); /* what is on the disk is not known: only recovery may decide */
    }
    let_out(lane);
    if (acts->first != NULL || acts->want_sync)
        acts_sync(lane);
}

void
acts_sync(struct lane *lane)
{
    struct acts *acts = &lane->acts;

    acts->want_sync = acts->syncing;
    if (acts->syncing || lane->closed)
        return;
    acts->syncing = true;
    acts->sync_upto = acts->serial;
    acts->work.data = lane;
    CHECK(uv_queue_work(lane->loop, &acts->work, sync_logs, after_sync) == 0);
}

void
acts_kick(struct lane *lane)
{
    let_out(lane);
    if (lane->acts.first != NULL && lane->post != NULL && !lane->acts.syncing)
        acts_sync(lane);
}

static void
on_span(uv_timer_t *timer)
{
    struct lane *lane = timer->data;

    if (wal_synced(lane->journal) < wal_end(lane->journal) && !lane->acts.syncing)
        acts_sync(lane);
}

void
acts_init(struct lane *lane)
{
    const int64_t span_us = lane->self->sync.us;

    lane->acts.last = &lane->acts.first;
    lane->acts.span.data = lane;
    (void)uv_timer_init(lane->loop, &lane->acts.span);
    if (span_us > 0) {
        const uint64_t ms = span_us < 2000 ? 1 : (uint64_t)span_us / 1000;

        (void)uv_timer_start(&lane->acts.span, on_span, ms, ms);
    }
}

void
acts_fini(struct lane *lane)
{
    struct act *act = lane->acts.first;

    while (act != NULL) {
        struct act *next = act->next;

        free(act);
        act = next;
    }
    lane->acts.first = NULL;
    lane->acts.last = &lane->acts.first;
}
