/*
 * The checkpoint: the engine's whole state in one canonical byte form. Equal states are equal
 * bytes: everything is written in order of keys, nothing that depends on addresses or on how the
 * state came about. Deadlines that follow from the rest (of cases and orders) are not written.
 *
 *   form, lane, config, now, pos, epoch, n, chain, hold_from, hold_until, counts,
 *   conditions, incidents (with orders), gauges, repeats, answered commands, pasts, outbox, facts
 */
#include "alerting/engine/state.h"

static void
save_timer(const struct timer *timer, struct buf *out)
{
    pack_instant(out, timer->slot == 0 ? INSTANT_NEVER : timer->when);
}

static void
save_counts(const struct engine_counts *counts, struct buf *out)
{
    const uint64_t sums[] = {counts->readings, counts->judged, counts->duplicates, counts->flooded,
        counts->canaries, counts->notices, counts->climbs, counts->delivered, counts->failed,
        counts->late_steps};

    for (size_t i = 0; i < ARRAY_LEN(sums); i++)
        pack_u64(out, sums[i]);
}

static void
save_condition(const struct condition *condition, struct buf *out)
{
    pack_view(out, view_bytes(condition->key, condition->key_len));
    pack_u8(out, (uint8_t)condition->per);
    pack_text(out, condition->code);
    pack_text(out, condition->part);
    pack_text(out, condition->compound);
    pack_text(out, condition->building);
    pack_u8(out, (uint8_t)condition->side);
    pack_text(out, condition->anchor_code);
    pack_text(out, condition->anchor_part);
    pack_u8(out, (uint8_t)condition->state);
    pack_u8(out, condition->clearing);
    pack_u8(out, condition->suspect);
    pack_u8(out, condition->late);
    pack_u8(out, condition->held);
    pack_u32(out, (uint32_t)condition->stage);
    pack_instant(out, condition->since);
    pack_text(out, condition->message == NULL ? "" : condition->message);
    for (size_t i = 0; i < FLAP_OPENINGS; i++)
        pack_instant(out, condition->turns[i]);
    save_timer(&condition->due.timer, out);
}

static void
save_climb(const struct climb *climb, struct buf *out)
{
    pack_instant(out, climb->from);
    pack_instant(out, climb->resumed);
    pack_i64(out, climb->put_off.us);
    pack_u64(out, climb->fired);
    pack_instant(out, climb->last);
    pack_u32(out, climb->repeats);
    pack_u8(out, climb->acknowledged);
    pack_u8(out, climb->arrived);
    pack_u8(out, climb->settled);
}

static void
save_order(const struct order *order, struct buf *out)
{
    pack_text(out, order->id);
    pack_text(out, order->centre);
    pack_u8(out, (uint8_t)order->state);
    pack_instant(out, order->issued);
    pack_instant(out, order->since);
    pack_u8(out, order->late_arrival);
    pack_u8(out, order->late_finish);
}

static void
save_lists(const struct incident *incident, struct buf *out)
{
    pack_u32(out, (uint32_t)incident->members.len);
    for (size_t i = 0; i < incident->members.len; i++)
        pack_text(out, incident->members.at[i]);
    pack_u32(out, (uint32_t)incident->orders.len);
    for (size_t i = 0; i < incident->orders.len; i++)
        save_order(incident->orders.at[i], out);
    pack_text(out, incident->evidence);
    pack_text(out, incident->basis);
    pack_text(out, incident->topic == NULL ? "" : incident->topic);
}

static void
save_incident(const struct incident *incident, int64_t connected, struct buf *out)
{
    const struct condition *condition = incident->condition;

    pack_text(out, incident->id);
    pack_view(out, view_bytes(condition->key, condition->key_len));
    pack_text(out, incident->class_name);
    pack_text(out, incident->title_zh);
    pack_text(out, incident->title_en);
    pack_text(out, incident->stage_name);
    pack_u8(out, (uint8_t)incident->severity);
    pack_u8(out, incident->latch);
    pack_u8(out, incident->suspect);
    pack_u8(out, incident->late);
    pack_u8(out, incident->frozen);
    pack_u8(out, incident->muted);
    pack_u8(out, incident->flapping);
    pack_u32(out, (uint32_t)incident->stage);
    pack_instant(out, incident->opened);
    pack_instant(out, incident->stage_entered);
    pack_u8(out, (uint8_t)incident->state);
    pack_instant(out, incident->since);
    pack_text(out, incident->policy_id);
    save_climb(&incident->climb, out);
    pack_u8(out, (uint8_t)(incident->tier + 1));
    for (size_t i = 0; i < TIER_COUNT; i++)
        pack_instant(out, incident->heard[i]);
    pack_u8(out, (uint8_t)(incident->loop + 1));
    pack_text(out, incident->taken.by == NULL ? "" : incident->taken.by);
    pack_instant(out, incident->taken.at);
    pack_instant(out, incident->taken.until);
    pack_text(out, incident->done.by == NULL ? "" : incident->done.by);
    pack_instant(out, incident->done.at);
    pack_instant(out, incident->done.quiet);
    pack_instant(out, incident->done.seen);
    pack_u8(out, incident->done.proving);
    pack_u64(out, incident->count);
    pack_u32(out, incident->config);
    pack_u64(out, incident->n);
    pack_text(out, incident->parent == NULL ? "" : incident->parent->id);
    pack_i64(out, incident->began - connected);
    pack_u8(out, incident->unwell);
    pack_u32(out, incident->peak);
    pack_u8(out, incident->waits);
    save_lists(incident, out);
}

static void
save_held(const struct reading *reading, struct buf *out)
{
    const struct class *class = reading->class;

    pack_text(out, class->name);
    pack_view(out, reading->compound);
    pack_view(out, reading->part);
    pack_instant(out, reading->time);
    pack_instant(out, reading->received);
    pack_u8(out, reading->server_time);
    pack_u8(out, reading->had_time);
    pack_u8(out, reading->suspect);
    pack_u8(out, reading->test);
    pack_u32(out, (uint32_t)reading->n_values);
    for (size_t i = 0; i < reading->n_values; i++) {
        pack_text(out, class->fields[reading->values[i].field].name);
        pack_f64(out, reading->values[i].number);
        pack_view(out, reading->values[i].text);
    }
}

static void
save_gauge(const struct gauge *gauge, struct buf *out)
{
    pack_text(out, gauge->code);
    for (size_t i = 0; i < ARRAY_LEN(gauge->skew_us); i++)
        pack_i64(out, gauge->skew_us[i]);
    pack_i64(out, gauge->skew_slot);
    pack_i64(out, gauge->skew_said);
    pack_i64(out, gauge->step_low);
    pack_i64(out, gauge->step_high);
    pack_instant(out, gauge->step_since);
    pack_u8(out, gauge->step_n);
    pack_u8(out, gauge->skew_seen);
    pack_u8(out, gauge->believed);
    pack_u8(out, gauge->skewed);
    pack_u8(out, gauge->last_server);
    pack_instant(out, gauge->last_at);
    pack_instant(out, gauge->window.from);
    pack_instant(out, gauge->window.until);
    pack_text(out, gauge->window.by);
    pack_text(out, gauge->window.why);
    pack_u32(out, gauge->n_identities);
    for (uint32_t i = 0; i < gauge->n_identities; i++)
        pack_u64(out, gauge->identities[(gauge->next_identity + i) % gauge->n_identities]);
    pack_i64(out, gauge->tokens);
    pack_instant(out, gauge->filled);
    pack_instant(out, gauge->second);
    pack_instant(out, gauge->flooded_at);
    pack_u8(out, gauge->flooding);
    pack_u8(out, gauge->moved);
    pack_u8(out, gauge->unlisted);
    pack_u8(out, gauge->unreadable);
    save_timer(&gauge->due.timer, out);
    pack_u32(out, (uint32_t)gauge->held.len);
    for (size_t i = 0; i < gauge->held.len; i++)
        save_held(&gauge->held.at[i]->reading, out);
}

static void
save_repeats(const struct engine *engine, struct buf *out)
{
    pack_u32(out, engine->n_contents);
    for (uint32_t i = 0; i < engine->n_contents; i++) {
        const uint32_t oldest = engine->n_contents < CONTENT_RING ? 0 : engine->next_content;

        pack_u64(out, engine->contents[(oldest + i) % CONTENT_RING]);
    }
    pack_u32(out, (uint32_t)engine->duplicates.len);
    for (size_t i = 0; i < engine->duplicates.len; i++)
        pack_u64(out, engine->duplicates.at[i]);
}

static void
save_answered(const struct engine *engine, struct buf *out)
{
    pack_u32(out, (uint32_t)engine->answered.len);
    for (uint32_t i = 0; i < ANSWERED_RING; i++) {
        const struct answered *answered =
            engine->answers[(engine->next_answer + i) % ANSWERED_RING];

        if (answered == NULL)
            continue;
        pack_view(out, view_bytes(answered->key, answered->key_len));
        pack_text(out, answered->topic);
        pack_text(out, answered->body);
    }
}

void
engine_save(const struct engine *engine, struct buf *out)
{
    struct arena arena;

    arena_init(&arena);
    pack_u32(out, STATE_FORM);
    pack_text(out, engine->opt.lane);
    pack_u32(out, engine->opt.config_version);
    pack_instant(out, engine->now);
    pack_u64(out, engine->pos);
    pack_u32(out, engine->epoch);
    pack_u64(out, engine->n);
    buf_put(out, view_bytes(engine->chain.bytes, DIGEST_BYTES));
    pack_instant(out, engine->hold_from);
    pack_instant(out, engine->hold_until);
    save_counts(&engine->counts, out);

    const struct map_entry *entries = map_sorted(&engine->conditions, &arena);

    pack_u32(out, (uint32_t)engine->conditions.len);
    for (size_t i = 0; i < engine->conditions.len; i++)
        save_condition(entries[i].value, out);
    entries = map_sorted(&engine->incidents, &arena);
    pack_u32(out, (uint32_t)engine->incidents.len);
    for (size_t i = 0; i < engine->incidents.len; i++)
        save_incident(entries[i].value, facts_connected(engine->facts), out);
    entries = map_sorted(&engine->gauges, &arena);
    pack_u32(out, (uint32_t)engine->gauges.len);
    for (size_t i = 0; i < engine->gauges.len; i++)
        save_gauge(entries[i].value, out);
    save_repeats(engine, out);
    save_answered(engine, out);
    pasts_save(engine, &arena, out);
    outbox_save(engine->outbox, out);
    facts_save(engine->facts, out);
    arena_fini(&arena);
}
