/* One journal record: is it a repeat, when does it count, is its device flooding; then its readings
 * are judged. */
#include "alerting/engine/state.h"

#include <stdio.h>
#include <stdlib.h>

#define READING_COST 1000000 /* millionths */
#define FLOOD_QUIET SPAN_S(60)

struct gauge *
gauge_of(struct engine *engine, struct view code)
{
    struct gauge *gauge = map_get(&engine->gauges, code);

    if (gauge != NULL)
        return gauge;
    gauge = mem_zalloc(1, sizeof(*gauge));
    gauge->code = engine_text(engine, code);
    gauge->due = (struct due){.kind = DUE_GAUGE, .owner = gauge};
    gauge->due.timer.key = hash_bytes(code);
    clock_init(gauge);
    gauge->window.by = gauge->window.why = "";
    gauge->tokens = (int64_t)engine->opt.device_burst * READING_COST;
    gauge->filled = engine->at;
    gauge->second.us = -1;
    map_put(&engine->gauges, code, gauge);
    engine->n_strangers += device_find(engine->opt.devices, code) == NULL;
    return gauge;
}

static void
held_free(struct held *held)
{
    arena_fini(&held->own);
    free(held->part);
    free(held);
}

void
gauge_free(struct gauge *gauge)
{
    for (size_t i = 0; i < gauge->held.len; i++)
        held_free(gauge->held.at[i]);
    VEC_FREE(&gauge->held);
    free(gauge->identities);
    free(gauge);
}

static void
judge(struct engine *engine, struct gauge *gauge, const struct reading *reading)
{
    const struct judgements judgements =
        facts_take(engine->facts, reading, clock_at(engine, gauge, reading), engine->at);
    const bool retained = (reading->suspect & SUSPECT_RETAINED) != 0;

    for (size_t i = 0; i < judgements.len; i++)
        condition_judge(engine, &judgements.at[i], retained);
    engine->counts.judged += judgements.len;
}

static void
check_place(struct engine *engine, struct gauge *gauge, const struct reading *reading)
{
    const struct device *listed = reading->listed;
    const bool moved = listed != NULL && (listed->class != reading->class ||
                                             !view_is(reading->compound, listed->compound->id));
    const bool unlisted = listed == NULL;
    char adopt[256];

    if (moved != gauge->moved) {
        gauge->moved = moved;
        fact_set(engine, "moved", reading->code, moved,
            moved ? reading->compound : view_of("heard from its own place again"));
    }
    if (unlisted == gauge->unlisted)
        return;
    if (unlisted && engine->n_unlisted >= MAX_UNLISTED)
        return;
    gauge->unlisted = unlisted;
    engine->n_unlisted += unlisted ? 1 : UINT32_MAX; /* or minus one */
    (void)snprintf(adopt, sizeof(adopt), "wallwatch device adopt %.*s --class %s --compound %.*s",
        VIEW_ARG(reading->code), reading->class->name, VIEW_ARG(reading->compound));
    fact_set(engine, "unlisted", reading->code, unlisted,
        unlisted ? view_of(adopt) : view_of("it is listed now"));
}

static bool
has_red_rule(const struct engine *engine, const struct class *class)
{
    const struct ruleset *rules = engine->opt.rules;

    for (size_t i = 0; i < rules->n_by_class[class->index]; i++) {
        if (rules->by_class[class->index][i]->red)
            return true;
    }
    return false;
}

static bool
take_token(const struct engine *engine, struct gauge *gauge)
{
    const int64_t full = (int64_t)engine->opt.device_burst * READING_COST;
    const int64_t elapsed = instant_since(engine->at, gauge->filled).us;
    const int64_t rate = engine->opt.device_rate;

    gauge->filled = engine->at;
    if (rate == 0)
        return true; /* no limit */
    if (elapsed >= full / rate)
        gauge->tokens = full;
    else
        gauge->tokens += elapsed * rate;
    if (gauge->tokens > full)
        gauge->tokens = full;
    if (gauge->tokens < READING_COST)
        return false;
    gauge->tokens -= READING_COST;
    return true;
}

/* Where part is or would be among what is held. */
static size_t
held_place(const struct gauge *gauge, struct view part)
{
    size_t i = 0;

    while (i < gauge->held.len && view_cmp(view_of(gauge->held.at[i]->part), part) < 0)
        i++;
    return i;
}

static void
drop_held(struct gauge *gauge, struct view part)
{
    const size_t i = held_place(gauge, part);

    if (i == gauge->held.len || !view_is(part, gauge->held.at[i]->part))
        return;
    held_free(gauge->held.at[i]);
    gauge->held.len--;
    memmove(
        &gauge->held.at[i], &gauge->held.at[i + 1], (gauge->held.len - i) * sizeof(struct held *));
}

void
held_add(struct engine *engine, struct gauge *gauge, const struct reading *reading)
{
    struct held *held = mem_zalloc(1, sizeof(*held));
    struct field_value *values;

    drop_held(gauge, reading->part);
    const size_t i = held_place(gauge, reading->part);

    arena_init(&held->own);
    held->reading = *reading;
    held->reading.code = view_of(gauge->code);
    held->reading.part = arena_copy(&held->own, reading->part);
    held->reading.compound = view_of(engine_text(engine, reading->compound));
    held->part = mem_alloc(reading->part.len + 1);
    memcpy(held->part, reading->part.ptr, reading->part.len);
    held->part[reading->part.len] = '\0';
    values = ARENA_ARRAY(&held->own, reading->n_values, struct field_value);
    for (size_t v = 0; v < reading->n_values; v++) {
        values[v] = reading->values[v];
        values[v].text = arena_copy(&held->own, reading->values[v].text);
    }
    held->reading.values = values;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): of pointers */
    (void)VEC_PUSH(&gauge->held);
    memmove(&gauge->held.at[i + 1], &gauge->held.at[i],
        (gauge->held.len - 1 - i) * sizeof(struct held *));
    gauge->held.at[i] = held;
}

static void
judge_held(struct engine *engine, struct gauge *gauge)
{
    for (size_t i = 0; i < gauge->held.len; i++) {
        judge(engine, gauge, &gauge->held.at[i]->reading);
        held_free(gauge->held.at[i]);
    }
    gauge->held.len = 0;
}

/* Over its rate: stored all the same, but of each second only the first and the newest of each
 * part are judged; inputs of red rules always. */
static void
flooded(struct engine *engine, struct gauge *gauge, const struct reading *reading)
{
    const struct instant second = {engine->at.us - engine->at.us % 1000000};

    gauge->flooded_at = engine->at;
    if (!gauge->flooding) {
        gauge->flooding = true;
        fact_set(engine, "flooding", reading->code, true, view_of("more readings than allowed"));
    }
    if (has_red_rule(engine, reading->class)) {
        judge(engine, gauge, reading);
    } else if (instant_cmp(second, gauge->second) != 0) {
        gauge->second = second;
        judge(engine, gauge, reading);
    } else {
        engine->counts.flooded++;
        held_add(engine, gauge, reading);
    }
    timers_set(&engine->timers, &gauge->due.timer,
        gauge->held.len > 0 ? instant_add(second, SPAN_S(1))
                            : instant_add(engine->at, FLOOD_QUIET));
}

void
gauge_due(struct engine *engine, struct gauge *gauge)
{
    const struct instant quiet = instant_add(gauge->flooded_at, FLOOD_QUIET);

    judge_held(engine, gauge);
    if (instant_cmp(quiet, engine->at) > 0) {
        timers_set(&engine->timers, &gauge->due.timer, quiet);
        return;
    }
    gauge->flooding = false;
    fact_set(engine, "flooding", view_of(gauge->code), false, view_of("within its rate again"));
}

void
gauges_flush(struct engine *engine)
{
    const struct map_entry *entries = map_sorted(&engine->gauges, &engine->scratch);

    for (size_t i = 0; i < engine->gauges.len; i++)
        judge_held(engine, entries[i].value);
}

static void
reading_take(struct engine *engine, const struct reading *reading, bool alone)
{
    struct gauge *gauge = gauge_of(engine, reading->code);

    engine->counts.readings++;
    clock_note(engine, gauge, reading, alone);
    check_place(engine, gauge, reading);
    if (!take_token(engine, gauge)) {
        flooded(engine, gauge, reading);
        return;
    }
    if (gauge->held.len > 0)
        drop_held(gauge, reading->part); /* this one is newer */
    judge(engine, gauge, reading);
}

static bool
identity_known(const struct gauge *gauge, uint64_t identity)
{
    for (uint32_t i = 0; i < gauge->n_identities; i++) {
        if (gauge->identities[i] == identity)
            return true;
    }
    return false;
}

void
gauge_identity(struct gauge *gauge, uint64_t identity)
{
    if (gauge->n_identities < IDENTITY_RING) {
        if (gauge->n_identities == gauge->cap_identities) {
            gauge->cap_identities = gauge->cap_identities == 0 ? 16 : gauge->cap_identities * 2;
            gauge->identities =
                mem_resize(gauge->identities, gauge->cap_identities, sizeof(uint64_t));
        }
        gauge->identities[gauge->n_identities++] = identity;
        return;
    }
    gauge->identities[gauge->next_identity] = identity;
    gauge->next_identity = (gauge->next_identity + 1) % IDENTITY_RING;
}

static bool
content_known(const struct engine *engine, uint64_t content)
{
    for (uint32_t i = 0; i < engine->n_contents; i++) {
        if (engine->contents[i] == content)
            return true;
    }
    return false;
}

static void
content_keep(struct engine *engine, uint64_t content)
{
    engine->contents[engine->next_content] = content;
    engine->next_content = (engine->next_content + 1) % CONTENT_RING;
    if (engine->n_contents < CONTENT_RING)
        engine->n_contents++;
}

/* A record is a repeat if its profile names an identity that its device has shown lately; without
 * one, if the broker says so and the same came lately. Nothing else is. */
static bool
is_repeat(struct engine *engine, const struct decoded *record)
{
    bool known;

    if (record->identity != 0) {
        struct gauge *gauge = gauge_of(engine, record->code);

        known = identity_known(gauge, record->identity);
        if (!known)
            gauge_identity(gauge, record->identity);
        return known;
    }
    known = record->dup && content_known(engine, record->content);
    if (!known)
        content_keep(engine, record->content);
    return known;
}

static void
unreadable(struct engine *engine, const struct decoded *record)
{
    const bool bad = record->verdict == VERDICT_REJECTED || record->lost;
    struct view subject = record->code;

    if (!engine->opt.life_safety)
        return;
    if (!bad && record->n_rejects > 0)
        return;
    if (subject.len == 0) {
        if (bad)
            fact_set(engine, "unreadable", view_of(engine->opt.lane), true,
                record->n_rejects > 0 ? view_of(record->rejects[0].reason) : view_of(""));
        return;
    }
    struct gauge *gauge = gauge_of(engine, subject);

    if (!bad && !gauge->unreadable)
        return;
    gauge->unreadable = bad;
    fact_set(engine, "unreadable", subject, bad,
        bad && record->n_rejects > 0 ? view_of(record->rejects[0].reason) : view_of(""));
}

static void
receipt(struct engine *engine, const struct decoded *record)
{
    struct json_writer json;

    buf_reset(&engine->text);
    if (record->receipt_raw) {
        buf_put(&engine->text, record->receipt);
    } else {
        json_begin(&json, &engine->text);
        json_object(&json, NULL);
        json_instant(&json, "at", engine->at);
        json_view(&json, "id", record->receipt);
        json_close(&json);
        json_end(&json);
    }
    const struct view body = arena_copy(&engine->scratch, buf_view(&engine->text));

    buf_reset(&engine->text);
    buf_text(&engine->text, "wallwatch/receipt/");
    buf_put(&engine->text, record->code);
    struct effect *effect = engine_effect(engine, EFFECT_RECEIPT);

    effect->topic = arena_copy(&engine->scratch, buf_view(&engine->text));
    effect->body = body;
    effect->received = record->received;
}

enum verdict
record_take(struct engine *engine, const struct decoded *record)
{
    enum verdict verdict = record->verdict;

    if (verdict == VERDICT_OWN) {
        engine->counts.canaries += record->canary != 0;
        return verdict;
    }
    if (verdict == VERDICT_SHED || stranger_turned_away(engine, record))
        return verdict;
    if (is_repeat(engine, record)) {
        *VEC_PUSH(&engine->duplicates) = record->pos;
        engine->counts.duplicates++;
        verdict = VERDICT_DUPLICATE;
    } else {
        unreadable(engine, record);
        engine->record = record;
        for (size_t i = 0; i < record->n_readings; i++)
            reading_take(engine, &record->readings[i], record->n_readings == 1);
        engine->record = NULL;
    }
    if (record->wants_receipt && record->code.len > 0)
        receipt(engine, record);
    return verdict;
}
