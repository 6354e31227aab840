/*
 * The lane's loopback port: /metrics for Prometheus, /ready for whoever starts things, and
 * POST /answer for signed answers of centres (nginx in front).
 */
#include "base/io/clock_posix.h"
#include "base/log.h"
#include "service/lane.h"
#include "service/metrics.h"

#include <stdio.h>

#define MAX_BODY 65536

static void
put_counts(struct lane *lane, struct metrics *m)
{
    const struct engine_counts counts = engine_counts(lane->engine);

    metrics_put(m, "wallwatch_readings_total", "counter", "Readings taken in.", NULL, NULL,
        (double)counts.readings);
    metrics_put(m, "wallwatch_judged_total", "counter", "Readings judged by rules.", NULL, NULL,
        (double)counts.judged);
    metrics_put(m, "wallwatch_duplicates_total", "counter", "Records found to be duplicates.", NULL,
        NULL, (double)counts.duplicates);
    metrics_put(m, "wallwatch_flooded_total", "counter", "Readings stored but not judged: flood.",
        NULL, NULL, (double)counts.flooded);
    metrics_put(m, "wallwatch_events_total", "counter", "Events of cases and orders.", NULL, NULL,
        (double)counts.events);
    for (int i = 0; i < SEVERITY_COUNT; i++)
        metrics_put(m, "wallwatch_cases_open", "gauge", "Open cases.", "severity",
            severity_names[i], counts.open[i]);
    for (int i = 0; i < TIER_COUNT; i++)
        metrics_put(m, "wallwatch_cases_open_by_tier", "gauge",
            "Open cases by the highest tier told.", "tier", tier_names[i], counts.open_by_tier[i]);
    metrics_put(m, "wallwatch_notices_total", "counter", "Notices made.", NULL, NULL,
        (double)counts.notices);
    metrics_put(m, "wallwatch_climbs_total", "counter", "Steps to a higher tier.", NULL, NULL,
        (double)counts.climbs);
    metrics_put(m, "wallwatch_delivered_total", "counter",
        "Deliveries that the receiver confirmed.", NULL, NULL, (double)counts.delivered);
    metrics_put(m, "wallwatch_failed_total", "counter", "Attempts that failed.", NULL, NULL,
        (double)counts.failed);
    metrics_put(m, "wallwatch_late_steps_total", "counter", "Steps that fired late.", NULL, NULL,
        (double)counts.late_steps);
    metrics_put(m, "wallwatch_audit_due", "gauge",
        "Steps of open cases whose time has come, at the newest audit.", NULL, NULL,
        (double)lane->audit.due);
    metrics_put(m, "wallwatch_audit_done", "gauge", "Those of them that fired.", NULL, NULL,
        (double)lane->audit.done);
    metrics_put(m, "wallwatch_audit_overdue", "gauge",
        "What should have happened over 10 s ago and has not.", NULL, NULL,
        (double)lane->audit.overdue);
    metrics_put(m, "wallwatch_deliveries_waiting", "gauge", "Deliveries not confirmed yet.", NULL,
        NULL, counts.deliveries_waiting);
}

static void
put_path(struct lane *lane, struct metrics *m)
{
    metrics_put(m, "wallwatch_records_total", "counter", "Records appended to the journal.", NULL,
        NULL, (double)atomic_load(&lane->intake.taken));
    metrics_put(m, "wallwatch_foreign_total", "counter", "Messages that another lane owns.", NULL,
        NULL, (double)atomic_load(&lane->intake.foreign));
    metrics_put(m, "wallwatch_refused_total", "counter", "Commands and replies not let in.", NULL,
        NULL, (double)lane->refused);
    metrics_put(m, "wallwatch_journal_bytes", "gauge", "Bytes of the journal's files.", NULL, NULL,
        (double)wal_bytes(lane->journal));
    metrics_put(m, "wallwatch_journal_max_bytes", "gauge", "Quota of the journal.", NULL, NULL,
        (double)lane->self->journal_max_bytes);
    metrics_put(m, "wallwatch_journal_memory_only", "counter", "Records that are in no file.", NULL,
        NULL, (double)wal_lost(lane->journal));
    metrics_put(m, "wallwatch_records_waiting", "gauge",
        "Records that are not in the database yet.", NULL, NULL, (double)store_waiting(lane));
    metrics_put(m, "wallwatch_connected", "gauge", "Is the broker's session up (0, 1).", NULL, NULL,
        lane->intake.seen_state == MQTT_UP);
    metrics_put(m, "wallwatch_config_version", "gauge", "Configuration in force.", NULL, NULL,
        lane->config->version);
    for (int i = 0; i < CANARY_STOPS; i++) {
        metrics_put(m, "wallwatch_canary_seconds", "gauge",
            "How long the newest canary took to a stop.", "stop", canary_stop_names[i],
            (double)lane->canary.took[i].us / 1e6);
    }
    metrics_put(m, "wallwatch_receipts_total", "counter", "Receipts sent to devices.", NULL, NULL,
        (double)lane->acts.receipts.sent);
    metrics_put(m, "wallwatch_receipts_failed_total", "counter",
        "Receipts that nobody took, or that could not be sent.", NULL, NULL,
        (double)lane->acts.receipts.failed);
    metrics_put(m, "wallwatch_receipt_seconds_total", "counter",
        "From a message to its receipt, sum over those sent.", NULL, NULL,
        (double)lane->acts.receipts.total.us / 1e6);
    metrics_put(m, "wallwatch_receipt_seconds_max", "gauge",
        "From a message to its receipt, the longest since the start.", NULL, NULL,
        (double)lane->acts.receipts.longest.us / 1e6);
    metrics_put(m, "wallwatch_outbox_waiting", "gauge", "Effects waiting for a sync.", NULL, NULL,
        (double)lane->acts.waiting);
}

static void
answer_text(struct http_response *response, int status, const char *text)
{
    response->status = status;
    response->type = "text/plain; charset=utf-8";
    buf_text(&response->body, text);
    buf_char(&response->body, '\n');
}

static void
ready(struct lane *lane, struct http_response *response)
{
    const char *why = lane->closing  ? "stopping"
                      : !lane->ready ? "starting: waits for what the broker kept"
                      : lane->intake.seen_state != MQTT_UP   ? "not connected to the broker"
                      : !post_up(lane->post)                 ? "post is not connected to the broker"
                      : wal_state(lane->journal) != WAL_FINE ? "the journal cannot be written"
                                                             : NULL;

    answer_text(response, why == NULL ? 200 : 503, why == NULL ? "ready" : why);
}

static bool
header(const struct http_request *request, const char *name, struct view *out)
{
    const char *value = http_header(request, name);

    *out = value != NULL ? view_of(value) : view_bytes("", 0);
    return value != NULL;
}

static void
take_answer(struct lane *lane, const struct http_request *request, struct http_response *response)
{
    struct envelope env = {.body = request->body};
    struct view timestamp;
    const char *why = "";

    if (!header(request, "webhook-id", &env.id) ||
        !header(request, "webhook-sender", &env.sender) ||
        !header(request, "webhook-signature", &env.signature) ||
        !header(request, "webhook-timestamp", &timestamp)) {
        answer_text(response, 400,
            "webhook-id, webhook-sender, webhook-signature and webhook-timestamp are needed");
        return;
    }
    if (!envelope_timestamp(timestamp, &env.timestamp)) {
        answer_text(response, 400, "webhook-timestamp is not a number of seconds since 1970");
        return;
    }
    const int status = lane_take_answer(lane, &env, &why);

    answer_text(response, status, status == 202 ? "accepted" : why);
}

static void
handle(void *arg, const struct http_request *request, struct http_response *response)
{
    struct lane *lane = arg;

    buf_init(&response->body, (size_t)1 << 20);
    if (view_is(request->path, "/metrics")) {
        struct metrics metrics = {.out = &response->body, .lane = lane->name};

        response->status = 200;
        response->type = "text/plain; version=0.0.4; charset=utf-8";
        put_path(lane, &metrics);
        put_counts(lane, &metrics);
    } else if (view_is(request->path, "/ready")) {
        ready(lane, response);
    } else if (view_is(request->path, "/answer") && view_is(request->method, "POST")) {
        if (lane->closing)
            answer_text(response, 503, "stopping");
        else
            take_answer(lane, request, response);
    } else {
        answer_text(response, 404, "there are /metrics, /ready and POST /answer");
    }
}

bool
lane_open_http(struct lane *lane, struct err *err)
{
    if (lane->self->port == 0)
        return true;
    const struct http_options options = {
        .loop = lane->loop,
        .address = "127.0.0.1",
        .port = lane->self->port,
        .max_body = MAX_BODY,
        .handler = handle,
        .arg = lane,
    };

    if (!http_open(&lane->http, &options, err))
        return err_wrap(err, "lane '%s'", lane->name);
    return true;
}
