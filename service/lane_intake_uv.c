/*
 * From the broker to the engine. Paho's thread appends and wakes (intake_on_message,
 * intake_on_state: nothing else here runs on it); the loop reads the journal by its cursor, so
 * live, lag and start are one path.
 */
#include "base/io/clock_posix.h"
#include "base/log.h"
#include "ingest/journal/journal.h"
#include "service/lane.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define WAIT_FOR_ROOM_US 10000

/* Paho's thread. A message is acknowledged when this returns: so it returns when the journal has
 * it, and waits when the journal is full (the broker keeps the rest). */
static void
keep(struct lane *lane, const struct message *msg)
{
    uint64_t end;
    struct err err;

    while (!journal_append(lane->journal, msg, &end, &err)) {
        const bool full = err.kind == ERR_FULL || err.kind == ERR_AGAIN;

        if (atomic_load(&lane->intake.stopping))
            abort(); /* not journaled, must not be acknowledged: the broker sends it again */
        if (!full && !lane->self->life_safety) {
            log_error("journal.append", "text=\"%s\" next=abort", err.text);
            abort();
        }
        if (atomic_fetch_add(&lane->intake.waits, 1) % 1000 == 0)
            log_error("journal.append", "text=\"%s\" next=\"wait for room\"", err.text);
        (void)uv_async_send(&lane->intake.wake);
        (void)usleep(WAIT_FOR_ROOM_US);
    }
}

void
intake_on_message(void *arg, const struct mqtt_message *in)
{
    struct lane *lane = arg;
    const struct lane_config *owner = config_lane_of(lane->boot, in->topic);
    const struct message msg = {
        .received = clock_now(),
        .topic = in->topic,
        .payload = in->payload,
        .qos = in->qos,
        .retained = in->retained,
        .dup = in->dup,
    };

    /* boot is never written after the start, so this needs no lock. A topic that is nobody's by
     * filter is our canary. */
    if (owner != NULL && owner != lane->self) {
        atomic_fetch_add(&lane->intake.foreign, 1);
        return;
    }
    keep(lane, &msg);
    atomic_fetch_add(&lane->intake.taken, 1);
    (void)uv_async_send(&lane->intake.wake);
}

void
intake_on_state(void *arg, enum mqtt_state state, bool session_lost, const char *why)
{
    static const char *const words[] = {"down", "up", "stolen", "refused"};
    struct lane *lane = arg;

    if (state != MQTT_UP) {
        const struct lane_config *self = lane->self;
        const bool own = self->username != NULL;
        const char *account = own ? self->username : lane->boot->broker.username;
        const char *password = own ? self->password_file : lane->boot->broker.password_file;

        log_warning("mqtt.state",
            "state=%s broker=%s:%d account=%s password_file=%s why=\"%s\" next=\"tries again\"",
            words[state], lane->boot->broker.host, lane->boot->broker.port,
            account != NULL ? account : "(none)", password != NULL ? password : "(none)",
            why != NULL ? why : "");
    }
    atomic_store(&lane->intake.mqtt_state, (int)state);
    if (session_lost)
        atomic_store(&lane->intake.session_lost, true);
    (void)uv_async_send(&lane->intake.wake);
}

/* The loop's side of intake_on_state. */
static void
see_state(struct lane *lane)
{
    const int state = atomic_load(&lane->intake.mqtt_state);

    if (atomic_exchange(&lane->intake.session_lost, false)) {
        lane_fact_once(lane, "gap-possible",
            "the broker had no session where one was expected: messages may be lost");
    }
    if (state == lane->intake.seen_state)
        return;
    const bool up = state == MQTT_UP;
    const bool was_up = lane->intake.seen_state == MQTT_UP;

    lane->intake.seen_state = state;
    if (up) {
        log_info("mqtt.up", "lane=%s", lane->name);
        canary_start(&lane->canary, clock_now());
    }
    if (up != was_up)
        lane_feed(lane, INPUT_LINK, up ? view_of("{\"up\":true}") : view_of("{\"up\":false}"));
    if (state == MQTT_STOLEN) {
        /* The lock on our folder is ours as long as this process lives, and the folder is the
         * lane's identity. Not at once, or two thieves throw each other out for ever. */
        log_error("mqtt.stolen",
            "client=wallwatch-%s next=\"connects again in 5 s\" hint=\"another program uses this "
            "client id: stop it\"",
            lane->name);
        lane->stolen_at = clock_now();
    }
}

static void
take_record(struct lane *lane, struct view frame, uint64_t end)
{
    struct intake *intake = &lane->intake;
    struct decoded record = {0};
    struct message msg;

    arena_reset(&intake->arena);
    if (!journal_decode(frame, &msg)) {
        /* A frame that passed its checksum and is not ours: another version's file. It has to have
         * a verdict all the same. */
        record.verdict = VERDICT_REJECTED;
        msg = (struct message){.received = engine_now(lane->engine)};
    } else {
        normalise(&lane->normalise, &msg, &intake->arena, &record);
    }
    record.from = intake->judged;
    record.pos = end;
    record.received = msg.received;
    const enum verdict verdict = lane_feed_record(lane, &record);

    if (record.canary != 0) {
        const struct instant now = clock_now();

        canary_pass(&lane->canary, CANARY_JOURNALED, record.canary, record.received);
        canary_pass(&lane->canary, CANARY_JUDGED, record.canary, now);
        if (lane->post != NULL)
            acts_add_canary(lane, record.canary);
    }
    store_take(lane, &record, verdict);
}

bool
intake_drain(struct lane *lane, uint64_t us)
{
    struct intake *intake = &lane->intake;
    const uint64_t until = uv_hrtime() + us * 1000;
    struct view frame;
    uint64_t end;

    for (;;) {
        switch (wal_cursor_next(intake->cursor, &frame, &end)) {
        case WAL_END:
            return false;
        case WAL_LOST:
            log_error("journal.lost", "from=%" PRIu64 " to=%" PRIu64, intake->judged, end);
            intake->lost_gaps++;
            break;
        case WAL_FRAME:
            take_record(lane, frame, end);
            break;
        }
        if (uv_hrtime() > until)
            return true;
    }
}

static void
on_wake(uv_async_t *wake)
{
    struct lane *lane = wake->data;

    see_state(lane);
    const bool more = intake_drain(lane, LANE_TURN_US);

    acts_kick(lane);
    lane_arm_tick(lane);
    store_pump(lane);
    if (more)
        (void)uv_async_send(&lane->intake.wake); /* after everybody else has had a turn */
}

void
intake_init(struct lane *lane)
{
    lane->intake.wake.data = lane;
    lane->intake.seen_state = MQTT_DOWN;
    atomic_store(&lane->intake.mqtt_state, MQTT_DOWN);
    CHECK(uv_async_init(lane->loop, &lane->intake.wake, on_wake) == 0);
}
