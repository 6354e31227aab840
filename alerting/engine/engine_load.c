/* The other half of engine_save.c: total, whatever the bytes are. */
#include "alerting/engine/state.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *
load_text(struct engine *engine, struct unpack *in)
{
    return engine_text(engine, unpack_view(in));
}

static int
load_enum(struct unpack *in, int count)
{
    const int value = unpack_u8(in);

    if (value >= count)
        in->bad = true;
    return in->bad ? 0 : value;
}

static void
load_counts(struct engine_counts *counts, struct unpack *in)
{
    uint64_t *const sums[] = {&counts->readings, &counts->judged, &counts->duplicates,
        &counts->flooded, &counts->canaries, &counts->notices, &counts->climbs, &counts->delivered,
        &counts->failed, &counts->late_steps};

    for (size_t i = 0; i < ARRAY_LEN(sums); i++)
        *sums[i] = unpack_u64(in);
}

static char *
load_own(struct unpack *in)
{
    const struct view text = unpack_view(in);
    char *own = mem_alloc(text.len + 1);

    if (text.len > 0)
        memcpy(own, text.ptr, text.len);
    own[text.len] = '\0';
    return own;
}

static void
load_condition(struct engine *engine, struct unpack *in)
{
    const struct view key = unpack_view(in);
    const char *nul = key.len == 0 ? NULL : memchr(key.ptr, '\0', key.len);

    if (nul == NULL || map_get(&engine->conditions, key) != NULL) {
        in->bad = true;
        return;
    }
    const size_t id = (size_t)(nul - key.ptr);
    struct condition *condition =
        condition_new(engine, view_bytes(key.ptr, id), view_bytes(nul + 1, key.len - id - 1));

    condition->rule = engine_rule(engine, view_of(condition->rule_id));
    condition->per = (enum per)load_enum(in, PER_RULES + 1);
    condition->code = load_text(engine, in);
    condition->part = load_text(engine, in);
    condition->compound = load_text(engine, in);
    condition->building = load_text(engine, in);
    condition->side = (enum side)load_enum(in, 2);
    condition->anchor_code = load_text(engine, in);
    condition->anchor_part = load_text(engine, in);
    condition->state = (enum condition_state)load_enum(in, CONDITION_STATES);
    condition->clearing = unpack_u8(in) != 0;
    condition->suspect = unpack_u8(in) != 0;
    condition->late = unpack_u8(in) != 0;
    condition->held = unpack_u8(in) != 0;
    condition->stage = (int)unpack_u32(in);
    condition->since = unpack_instant(in);
    condition->message = load_own(in);
    if (condition->message[0] == '\0')
        basis_forget(condition);
    for (size_t i = 0; i < FLAP_OPENINGS; i++)
        condition->turns[i] = unpack_instant(in);
    const struct instant when = unpack_instant(in);

    if (condition->rule != NULL && (size_t)condition->stage >= condition->rule->n_stages)
        condition->stage = 0;
    if (condition->state == CONDITION_PENDING)
        engine->counts.pending++;
    /* A timer without its rule could only open what nobody describes any more. */
    if (instant_cmp(when, INSTANT_NEVER) != 0 && condition->rule != NULL)
        timers_set(&engine->timers, &condition->due.timer, when);
}

static void
load_climb(struct climb *climb, struct unpack *in)
{
    climb->from = unpack_instant(in);
    climb->resumed = unpack_instant(in);
    climb->put_off.us = unpack_i64(in);
    climb->fired = unpack_u64(in);
    climb->last = unpack_instant(in);
    climb->repeats = unpack_u32(in);
    climb->acknowledged = unpack_u8(in) != 0;
    climb->arrived = unpack_u8(in) != 0;
    climb->settled = unpack_u8(in) != 0;
}

static void
load_id(char out[ID_BYTES], struct unpack *in)
{
    const struct view id = unpack_view(in);

    if (id.len == 0 || id.len >= ID_BYTES) {
        in->bad = true;
        return;
    }
    memcpy(out, id.ptr, id.len);
    out[id.len] = '\0';
}

static void
load_order(struct engine *engine, struct incident *incident, struct unpack *in)
{
    struct order *order = mem_zalloc(1, sizeof(*order));

    load_id(order->id, in);
    order->due = (struct due){.kind = DUE_ORDER, .owner = order};
    order->due.timer.key = hash_bytes(view_of(order->id));
    order->incident = incident;
    order->centre = load_text(engine, in);
    order->state = (enum order_state)load_enum(in, ORDER_STATES);
    order->issued = unpack_instant(in);
    order->since = unpack_instant(in);
    order->late_arrival = unpack_u8(in) != 0;
    order->late_finish = unpack_u8(in) != 0;
    if (in->bad || map_get(&engine->orders, view_of(order->id)) != NULL) {
        in->bad = true;
        free(order);
        return;
    }
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): of pointers */
    *VEC_PUSH(&incident->orders) = order;
    map_put(&engine->orders, view_of(order->id), order);
    engine->counts.orders_open += order_over(order->state) ? 0 : 1;
    order_arm(engine, order);
}

static void
load_lists(struct engine *engine, struct incident *incident, struct unpack *in)
{
    size_t n = unpack_count(in, 4);

    for (size_t i = 0; i < n && !in->bad; i++)
        /* NOLINTNEXTLINE(bugprone-sizeof-expression): of pointers */
        *VEC_PUSH(&incident->members) = load_text(engine, in);
    n = unpack_count(in, 4);
    for (size_t i = 0; i < n && !in->bad; i++)
        load_order(engine, incident, in);
    incident->evidence = load_own(in);
    incident->basis = load_own(in);
    incident->topic = load_own(in);
    if (incident->topic[0] == '\0') {
        free(incident->topic);
        incident->topic = NULL;
    }
}

static void
load_done(struct engine *engine, struct incident *incident, struct unpack *in)
{
    incident->done.by = load_text(engine, in);
    if (incident->done.by[0] == '\0')
        incident->done.by = NULL;
    incident->done.at = unpack_instant(in);
    incident->done.quiet = unpack_instant(in);
    incident->done.seen = unpack_instant(in);
    incident->done.proving = unpack_u8(in) != 0;
    /* Nobody could say later what was said to be done, or by what rule. */
    if (incident->done.by == NULL || incident->condition->rule == NULL)
        incident->done.proving = false;
}

static void
load_life(struct engine *engine, struct incident *incident, struct unpack *in)
{
    incident->opened = unpack_instant(in);
    incident->stage_entered = unpack_instant(in);
    incident->state = (enum case_state)load_enum(in, CASE_STATES);
    incident->since = unpack_instant(in);
    incident->policy_id = load_text(engine, in);
    load_climb(&incident->climb, in);
    incident->tier = load_enum(in, TIER_COUNT + 1) - 1;
    for (size_t i = 0; i < TIER_COUNT; i++)
        incident->heard[i] = unpack_instant(in);
    incident->loop = load_enum(in, TIER_COUNT + 1) - 1;
    incident->taken.by = load_text(engine, in);
    if (incident->taken.by[0] == '\0')
        incident->taken.by = NULL;
    incident->taken.at = unpack_instant(in);
    incident->taken.until = unpack_instant(in);
    load_done(engine, incident, in);
    incident->count = unpack_u64(in);
    incident->config = unpack_u32(in);
    incident->n = unpack_u64(in);
    incident->parent_id = load_text(engine, in);
    incident->began = unpack_i64(in);
    incident->unwell = unpack_u8(in) != 0;
    incident->peak = unpack_u32(in);
    incident->waits = unpack_u8(in) != 0;
}

static void
load_incident(struct engine *engine, struct unpack *in)
{
    char id[ID_BYTES] = "";

    load_id(id, in);
    struct condition *condition = map_get(&engine->conditions, unpack_view(in));

    if (in->bad || condition == NULL || condition->incident != NULL ||
        incident_find(engine, view_of(id)) != NULL) {
        in->bad = true;
        return;
    }
    struct incident *incident = mem_zalloc(1, sizeof(*incident));

    memcpy(incident->id, id, sizeof(id));
    incident->due = (struct due){.kind = DUE_CASE, .owner = incident};
    incident->due.timer.key = hash_bytes(view_of(id));
    incident->condition = condition;
    condition->incident = incident;
    map_put(&engine->incidents, view_of(id), incident);
    incident->counted_severity = incident->counted_tier = -1;
    incident->class_name = load_text(engine, in);
    incident->title_zh = load_text(engine, in);
    incident->title_en = load_text(engine, in);
    incident->stage_name = load_text(engine, in);
    incident->severity = (enum severity)load_enum(in, SEVERITY_COUNT);
    incident->latch = unpack_u8(in) != 0;
    incident->suspect = unpack_u8(in) != 0;
    incident->late = unpack_u8(in) != 0;
    incident->frozen = unpack_u8(in) != 0;
    incident->muted = unpack_u8(in) != 0;
    incident->flapping = unpack_u8(in) != 0;
    incident->stage = (int)unpack_u32(in);
    load_life(engine, incident, in);
    incident_choose_policy(engine, incident, incident->policy_id);
    load_lists(engine, incident, in);
    if (in->bad)
        return;
    incident_touch(engine, incident);
    incident->dirty = false;
    incident_arm(engine, incident);
}

static void
load_held(struct engine *engine, struct gauge *gauge, struct arena *arena, struct unpack *in)
{
    struct reading reading = {.code = view_of(gauge->code)};

    reading.class = class_find(&engine->opt.classes, unpack_view(in));
    reading.compound = unpack_view(in);
    reading.part = unpack_view(in);
    reading.time = unpack_instant(in);
    reading.received = unpack_instant(in);
    reading.server_time = unpack_u8(in) != 0;
    reading.had_time = unpack_u8(in) != 0;
    reading.suspect = unpack_u8(in);
    reading.test = unpack_u8(in) != 0;
    const size_t n = unpack_count(in, 16);
    struct field_value *values = ARENA_ARRAY(arena, n, struct field_value);

    for (size_t i = 0; i < n && !in->bad; i++) {
        const struct view name = unpack_view(in);
        const int field = reading.class == NULL ? -1 : field_find(reading.class, name);
        const double number = unpack_f64(in);
        const struct view text = unpack_view(in);

        if (field >= 0)
            values[reading.n_values++] = (struct field_value){(uint16_t)field, number, text};
    }
    reading.values = values;
    reading.device = device_key(reading.code);
    reading.listed = device_find(engine->opt.devices, reading.code);
    if (!in->bad && reading.class != NULL)
        held_add(engine, gauge, &reading);
}

static void
load_gauge(struct engine *engine, struct arena *arena, struct unpack *in)
{
    struct gauge *gauge = gauge_of(engine, unpack_view(in));

    for (size_t i = 0; i < ARRAY_LEN(gauge->skew_us); i++)
        gauge->skew_us[i] = unpack_i64(in);
    gauge->skew_slot = unpack_i64(in);
    gauge->skew_said = unpack_i64(in);
    gauge->step_low = unpack_i64(in);
    gauge->step_high = unpack_i64(in);
    gauge->step_since = unpack_instant(in);
    gauge->step_n = unpack_u8(in);
    gauge->skew_seen = unpack_u8(in);
    gauge->believed = unpack_u8(in) != 0;
    gauge->skewed = unpack_u8(in) != 0;
    gauge->last_server = unpack_u8(in) != 0;
    gauge->last_at = unpack_instant(in);
    gauge->window.from = unpack_instant(in);
    gauge->window.until = unpack_instant(in);
    gauge->window.by = load_text(engine, in);
    gauge->window.why = load_text(engine, in);
    size_t n = unpack_count(in, 8);

    if (n > IDENTITY_RING || gauge->skew_slot < 0)
        in->bad = true;
    for (size_t i = 0; i < n && !in->bad; i++)
        gauge_identity(gauge, unpack_u64(in));
    gauge->tokens = unpack_i64(in);
    gauge->filled = unpack_instant(in);
    gauge->second = unpack_instant(in);
    gauge->flooded_at = unpack_instant(in);
    gauge->flooding = unpack_u8(in) != 0;
    gauge->moved = unpack_u8(in) != 0;
    gauge->unlisted = unpack_u8(in) != 0;
    gauge->unreadable = unpack_u8(in) != 0;
    engine->n_unlisted += gauge->unlisted;
    const struct instant when = unpack_instant(in);

    if (instant_cmp(when, INSTANT_NEVER) != 0)
        timers_set(&engine->timers, &gauge->due.timer, when);
    n = unpack_count(in, 16);
    for (size_t i = 0; i < n && !in->bad; i++)
        load_held(engine, gauge, arena, in);
}

static void
load_repeats(struct engine *engine, struct unpack *in)
{
    size_t n = unpack_count(in, 8);

    if (n > CONTENT_RING)
        in->bad = true;
    for (size_t i = 0; i < n && !in->bad; i++)
        engine->contents[i] = unpack_u64(in);
    engine->n_contents = in->bad ? 0 : (uint32_t)n;
    engine->next_content = engine->n_contents % CONTENT_RING;
    n = unpack_count(in, 8);
    for (size_t i = 0; i < n && !in->bad; i++)
        *VEC_PUSH(&engine->duplicates) = unpack_u64(in);
}

static void
load_answered(struct engine *engine, struct unpack *in)
{
    const size_t n = unpack_count(in, 12);

    if (n > ANSWERED_RING)
        in->bad = true;
    for (size_t i = 0; i < n && !in->bad; i++) {
        const struct view key = unpack_view(in);
        const struct view topic = unpack_view(in);
        const struct view body = unpack_view(in);

        answered_keep(engine, key, topic, body);
    }
}

static void
load_tables(struct engine *engine, struct arena *arena, struct unpack *in)
{
    size_t n = unpack_count(in, 16);

    for (size_t i = 0; i < n && !in->bad; i++)
        load_condition(engine, in);
    n = unpack_count(in, 16);
    for (size_t i = 0; i < n && !in->bad; i++)
        load_incident(engine, in);
    engine->dirty.len = 0;
    n = unpack_count(in, 16);
    for (size_t i = 0; i < n && !in->bad; i++)
        load_gauge(engine, arena, in);
    load_repeats(engine, in);
    load_answered(engine, in);
    pasts_load(engine, in);
}

/* Who is whose child; and `began`, which was written as a distance from the clock of the facts. */
static bool
load_families(struct engine *engine)
{
    arena_reset(&engine->scratch);
    const struct map_entry *entries = map_sorted(&engine->incidents, &engine->scratch);

    for (size_t i = 0; i < engine->incidents.len; i++) {
        struct incident *child = entries[i].value;
        struct incident *parent = incident_find(engine, view_of(child->parent_id));

        child->began += facts_connected(engine->facts);
        if (child->parent_id[0] == '\0')
            continue;
        if (parent == NULL || parent->parent_id[0] != '\0')
            return false;
        child->parent = parent;
        parent->n_unwell += child->unwell;
        /* NOLINTNEXTLINE(bugprone-sizeof-expression): of pointers */
        *VEC_PUSH(&parent->children) = child; /* in order of ids */
        incident_arm(engine, child);
    }
    folds_rebuild(engine);
    return true;
}

bool
engine_load(struct engine *engine, struct view bytes, struct err *err)
{
    struct unpack in = unpack_from(bytes);
    struct arena arena;
    const uint32_t form = unpack_u32(&in);
    const struct view lane = unpack_view(&in);
    const uint32_t version = unpack_u32(&in);

    if (form != STATE_FORM) {
        return err_set(err, ERR_INPUT, "checkpoint: form %" PRIu32 ", this program reads %d", form,
            STATE_FORM);
    }
    if (!view_is(lane, engine->opt.lane)) {
        return err_set(
            err, ERR_INPUT, "checkpoint: it is of another lane, not of '%s'", engine->opt.lane);
    }
    if (version != engine->opt.config_version) {
        return err_set(err, ERR_INPUT,
            "checkpoint: saved under configuration %" PRIu32 ", given is %" PRIu32, version,
            engine->opt.config_version);
    }
    engine->now = engine->at = unpack_instant(&in);
    engine->pos = unpack_u64(&in);
    engine->epoch = unpack_u32(&in);
    engine->n = unpack_u64(&in);
    for (size_t i = 0; i < DIGEST_BYTES; i++)
        engine->chain.bytes[i] = unpack_u8(&in);
    engine->hold_from = unpack_instant(&in);
    engine->hold_until = unpack_instant(&in);
    load_counts(&engine->counts, &in);
    arena_init(&arena);
    load_tables(engine, &arena, &in);
    arena_fini(&arena);
    if (in.bad || !outbox_load(engine->outbox, engine->opt.channels, &in))
        return err_set(err, ERR_INPUT, "checkpoint: it is damaged");
    if (!facts_load(engine->facts, &in, err))
        return err_wrap(err, "checkpoint");
    if (!unpack_done(&in) || !load_families(engine))
        return err_set(err, ERR_INPUT, "checkpoint: it is damaged");
    return true;
}
