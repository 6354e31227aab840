/*
 * The engine's door as the lane uses it: append to the ledger, feed, append what came out, then
 * hand the rest to the outbox.
 */
#include "alerting/ledger/ledger.h"
#include "base/io/clock_posix.h"
#include "base/json.h"
#include "base/log.h"
#include "service/lane.h"

#include <inttypes.h>
#include <stdio.h>

/* The ledger goes on in memory when its disk is broken (design section 11), so a failure here means
 * that even that is used up: said loudly, and people are told all the same. */
static void
append(struct lane *lane, const struct ledger_record *record)
{
    uint64_t end;
    struct err err;

    if (!ledger_append(lane->ledger, record, &end, &err))
        log_error("ledger.append", "text=\"%s\"", err.text);
    if (lane->marked && wal_state(lane->ledger) != WAL_FINE)
        numbers_in_doubt(lane);
}

void
lane_effects(struct lane *lane, const struct effects *effects, uint64_t pos)
{
    for (size_t i = 0; i < effects->len; i++) {
        const struct effect *effect = &effects->at[i];

        if (effect->kind != EFFECT_EVENT) {
            acts_add(lane, effect);
            continue;
        }
        append(lane, &(struct ledger_record){.type = LEDGER_EVENT,
                         .epoch = lane->epoch,
                         .now = effect->at,
                         .pos = pos,
                         .body = effect->body});
        if (lane->store.copy != NULL)
            ledger_copy_wake(lane->store.copy);
    }
}

void
lane_feed_at(struct lane *lane, enum input_kind kind, struct instant now, struct view body)
{
    const struct input input = {
        .kind = kind,
        .now = now,
        .pos = lane->intake.judged,
        .body = body,
        .options = kind == INPUT_CONFIG ? &lane->options : NULL,
    };

    append(lane, &(struct ledger_record){.type = LEDGER_INPUT,
                     .kind = (uint8_t)kind,
                     .epoch = lane->epoch,
                     .now = now,
                     .pos = input.pos,
                     .body = body});
    const struct effects effects = engine_feed(lane->engine, &input);

    lane_effects(lane, &effects, input.pos);
    acts_kick(lane);
    lane_arm_tick(lane);
}

void
lane_feed(struct lane *lane, enum input_kind kind, struct view body)
{
    lane_feed_at(lane, kind, clock_now(), body);
}

enum verdict
lane_feed_record(struct lane *lane, const struct decoded *record)
{
    const struct input input = {
        .kind = INPUT_RECORD,
        .now = record->received,
        .pos = record->pos,
        .record = record,
    };
    const struct effects effects = engine_feed(lane->engine, &input);
    const enum verdict verdict = effects.verdict;

    lane->intake.judged = record->pos;
    lane->intake.records++;
    lane->checkpoints.records++;
    lane_effects(lane, &effects, record->pos);
    return verdict;
}

static void
on_tick(uv_timer_t *timer)
{
    struct lane *lane = timer->data;
    const struct instant now = clock_now();

    lane->tick_at = INSTANT_NEVER;
    if (instant_cmp(engine_next(lane->engine), now) <= 0)
        lane_feed_at(lane, INPUT_TICK, now, view_of("{}"));
    else
        lane_arm_tick(lane);
}

void
lane_arm_tick(struct lane *lane)
{
    const struct instant next = engine_next(lane->engine);

    if (lane->tick.loop == NULL || lane->closing || next.us == lane->tick_at.us)
        return;
    lane->tick_at = next;
    if (next.us == INSTANT_NEVER.us) {
        (void)uv_timer_stop(&lane->tick);
        return;
    }
    const int64_t us = instant_since(next, clock_now()).us;

    /* Never early, and at most 200 times a second however many deadlines there are: one tick
     * fires all that are due. */
    (void)uv_timer_start(&lane->tick, on_tick, us > 4000 ? (uint64_t)(us / 1000) + 1 : 5, 0);
}

static struct lane_fact *
find_fact(struct lane *lane, const char *code, const char *subject)
{
    for (size_t i = 0; i < lane->facts.len; i++) {
        struct lane_fact *fact = &lane->facts.at[i];

        if (strcmp(fact->code, code) == 0 && strcmp(fact->subject, subject) == 0)
            return fact;
    }
    return NULL;
}

static void
feed_fact(struct lane *lane, const char *code, const char *subject, bool on, const char *detail)
{
    struct json_writer json;
    struct buf body;

    if (on)
        log_warning("fact", "code=%s subject=%s detail=\"%s\"", code, subject, detail);
    buf_init(&body, 4096);
    json_begin(&json, &body);
    json_object(&json, NULL);
    json_text(&json, "code", code);
    json_text(&json, "detail", detail);
    json_bool(&json, "on", on);
    json_text(&json, "subject", subject);
    json_close(&json);
    json_end(&json);
    lane_feed(lane, INPUT_FACT, buf_view(&body));
    buf_fini(&body);
}

void
lane_fact_once(struct lane *lane, const char *code, const char *detail)
{
    feed_fact(lane, code, lane->name, true, detail);
    feed_fact(lane, code, lane->name, false, "it was one moment; a person closes it");
}

void
lane_fact(struct lane *lane, const char *code, const char *subject, bool on, const char *detail)
{
    struct lane_fact *fact = find_fact(lane, code, subject);

    if (fact != NULL && fact->on == on)
        return;
    /* What was on when the last run ended is not known here: the first word of each fact is
     * always fed, the engine knows whether it is news. */
    if (fact == NULL) {
        fact = VEC_PUSH(&lane->facts);
        (void)snprintf(fact->code, sizeof(fact->code), "%s", code);
        (void)snprintf(fact->subject, sizeof(fact->subject), "%s", subject);
    }
    fact->on = on;
    feed_fact(lane, code, subject, on, detail);
}

void
lane_refused(struct lane *lane, const char *what, struct view sender, const char *why)
{
    struct json_writer json;
    struct buf body;

    lane->refused++;
    log_warning("refused", "what=%s why=\"%s\"", what, why);
    buf_init(&body, 4096);
    json_begin(&json, &body);
    json_object(&json, NULL);
    json_view(&json, "sender", view_bytes(sender.ptr, sender.len < 64 ? sender.len : 64));
    json_text(&json, "what", what);
    json_text(&json, "why", why);
    json_close(&json);
    json_end(&json);
    lane_feed(lane, INPUT_REFUSED, buf_view(&body));
    buf_fini(&body);
}
