#include "alerting/engine/builtin.h"
#include "alerting/engine/state.h"

#include <stdlib.h>

const char *const input_names[] = {"record", "tick", "command", "answer", "delivery", "refused",
    "fact", "link", "config", "rebase", "start", "ready", "numbers"};
_Static_assert(ARRAY_LEN(input_names) == INPUT_KINDS, "a name for each input");

const char *const effect_names[] = {"event", "publish", "send", "receipt", "answer"};
_Static_assert(ARRAY_LEN(effect_names) == EFFECT_KINDS, "a name for each effect");

struct engine *
engine_new(const struct engine_options *opt)
{
    struct engine *engine = mem_zalloc(1, sizeof(*engine));
    const struct facts_options facts = {opt->rules, opt->devices, &opt->classes, opt->lane};

    engine->opt = *opt;
    engine->facts = facts_new(&facts);
    engine->outbox = outbox_new();
    engine->hold_from = engine->hold_until = INSTANT_NEVER;
    arena_init(&engine->scratch);
    buf_init(&engine->text, EVENT_MAX_BYTES);
    buf_init(&engine->event, EVENT_MAX_BYTES);
    return engine;
}

static void
free_incident(void *value)
{
    struct incident *incident = value;

    for (size_t i = 0; i < incident->orders.len; i++)
        free(incident->orders.at[i]);
    VEC_FREE(&incident->orders);
    VEC_FREE(&incident->members);
    VEC_FREE(&incident->children);
    free(incident->evidence);
    free(incident->basis);
    free(incident->topic);
    free(incident);
}

static void
free_condition(void *value)
{
    struct condition *condition = value;

    free(condition->key);
    free(condition->message);
    free(condition);
}

static void
free_gauge(void *value)
{
    gauge_free(value);
}

static void
free_map(struct map *map, void free_value(void *value))
{
    struct arena arena;

    arena_init(&arena);
    const struct map_entry *entries = map_sorted(map, &arena);

    for (size_t i = 0; free_value != NULL && i < map->len; i++)
        free_value(entries[i].value);
    arena_fini(&arena);
    map_fini(map);
}

void
engine_free(struct engine *engine)
{
    if (engine == NULL)
        return;
    folds_fini(engine);
    free_map(&engine->incidents, free_incident);
    free_map(&engine->conditions, free_condition);
    free_map(&engine->gauges, free_gauge);
    free_map(&engine->pasts, free);
    free_map(&engine->texts, free);
    free_map(&engine->orders, NULL);
    free_map(&engine->answered, NULL);
    for (size_t i = 0; i < ANSWERED_RING; i++) {
        if (engine->answers[i] == NULL)
            continue;
        free(engine->answers[i]->key);
        free(engine->answers[i]->topic);
        free(engine->answers[i]->body);
        free(engine->answers[i]);
    }
    facts_free(engine->facts);
    outbox_free(engine->outbox);
    timers_fini(&engine->timers);
    timers_fini(&engine->deadlines);
    timers_fini(&engine->held);
    VEC_FREE(&engine->duplicates);
    VEC_FREE(&engine->effects);
    VEC_FREE(&engine->dirty);
    arena_fini(&engine->scratch);
    buf_fini(&engine->text);
    buf_fini(&engine->event);
    free(engine);
}

const struct rule *
engine_rule(const struct engine *engine, struct view id)
{
    const struct rule *rule = builtin_find(id);

    if (rule == NULL)
        rule = rule_find(engine->opt.rules, id);
    return rule != NULL ? rule : folding_find(engine->opt.rules, id);
}

const char *
engine_text(struct engine *engine, struct view text)
{
    char *kept = map_get(&engine->texts, text);

    if (kept != NULL)
        return kept;
    kept = mem_alloc(text.len + 1);
    if (text.len > 0)
        memcpy(kept, text.ptr, text.len);
    kept[text.len] = '\0';
    map_put(&engine->texts, text, kept);
    return kept;
}

const char *
engine_id(struct engine *engine, char out[ID_BYTES], const struct view *parts, size_t n)
{
    char hex[17];

    buf_reset(&engine->text);
    buf_text(&engine->text, engine->opt.lane);
    for (size_t i = 0; i < n; i++) {
        buf_char(&engine->text, '\0');
        buf_put(&engine->text, parts[i]);
    }
    const struct digest digest = digest_of(buf_view(&engine->text));
    const size_t lane = strlen(engine->opt.lane);

    CHECK(lane + 18 <= ID_BYTES);
    memcpy(out, engine->opt.lane, lane);
    out[lane] = '-';
    memcpy(out + lane + 1, digest_hex(&digest, 8, hex), 17);
    return out;
}

struct effect *
engine_effect(struct engine *engine, enum effect_kind kind)
{
    struct effect *effect = VEC_PUSH(&engine->effects);

    effect->kind = kind;
    effect->at = engine->at;
    return effect;
}

/* While a start waits for what the broker kept, what fell due before it lies in a heap of its own:
 * the answer that cancels it may be on its way. */
void
deadline_set(struct engine *engine, struct due *due, struct instant when, bool may_wait)
{
    deadline_cancel(engine, due);
    if (instant_cmp(when, INSTANT_NEVER) == 0)
        return;
    due->held = may_wait && instant_cmp(engine->hold_until, INSTANT_NEVER) != 0 &&
                instant_cmp(when, engine->hold_from) < 0;
    timers_set(due->held ? &engine->held : &engine->deadlines, &due->timer, when);
}

void
deadline_cancel(struct engine *engine, struct due *due)
{
    timers_cancel(due->held ? &engine->held : &engine->deadlines, &due->timer);
    due->held = false;
}

void
release_held(struct engine *engine)
{
    struct timer *timer;

    engine->hold_from = engine->hold_until = INSTANT_NEVER;
    while ((timer = timers_pop(&engine->held, INSTANT_NEVER)) != NULL) {
        struct due *due = (struct due *)timer;

        due->held = false;
        timers_set(&engine->deadlines, timer, timer->when);
    }
}

static void
run_due(struct engine *engine, struct due *due)
{
    switch (due->kind) {
    case DUE_CONDITION:
        condition_due(engine, due->owner);
        break;
    case DUE_GAUGE:
        gauge_due(engine, due->owner);
        break;
    case DUE_CASE:
        incident_due(engine, due->owner);
        break;
    case DUE_ORDER:
        order_due(engine, due->owner);
        break;
    }
}

/* Of everything but the rules, which are asked apart because their answer costs something. */
static struct instant
next_but_facts(const struct engine *engine)
{
    struct instant next = timers_next(&engine->timers);

    next = instant_min(next, timers_next(&engine->deadlines));
    next = instant_min(next, outbox_next(engine->outbox));
    return instant_min(next, engine->hold_until);
}

static void
run_one(struct engine *engine, struct instant next, struct instant facts)
{
    if (instant_cmp(facts, next) <= 0) {
        const struct judgements judgements = facts_tick(engine->facts, next);

        condition_facts(engine, &judgements);
    } else if (instant_cmp(timers_next(&engine->timers), next) <= 0) {
        run_due(engine, (struct due *)timers_pop(&engine->timers, next));
    } else if (instant_cmp(timers_next(&engine->deadlines), next) <= 0) {
        run_due(engine, (struct due *)timers_pop(&engine->deadlines, next));
    } else if (instant_cmp(engine->hold_until, next) <= 0) {
        release_held(engine);
    } else {
        CHECK(tell_tick(engine, next));
    }
}

/* All deadlines up to limit, oldest first; of one instant: rules, conditions and gauges, cases
 * and orders, the outbox. */
void
engine_run(struct engine *engine, struct instant limit)
{
    for (;;) {
        const struct instant facts = facts_next(engine->facts);
        const struct instant next = instant_min(facts, next_but_facts(engine));

        if (instant_cmp(next, limit) > 0)
            break;
        engine->at = next;
        run_one(engine, next, facts);
    }
    engine->at = limit;
}

static enum verdict
take(struct engine *engine, const struct input *in)
{
    switch (in->kind) {
    case INPUT_RECORD:
        engine->pos = in->pos;
        return record_take(engine, in->record);
    case INPUT_COMMAND:
        command_take(engine, in);
        break;
    case INPUT_ANSWER:
        order_answered(engine, in);
        break;
    case INPUT_DELIVERY:
        tell_result(engine, in);
        break;
    case INPUT_REFUSED:
        admin_refused(engine, in);
        break;
    case INPUT_FACT:
        fact_take(engine, in);
        break;
    case INPUT_LINK:
        admin_link(engine, in);
        break;
    case INPUT_CONFIG:
        admin_configure(engine, in);
        break;
    case INPUT_READY:
        release_held(engine);
        break;
    case INPUT_NUMBERS:
        admin_numbers(engine, in);
        break;
    case INPUT_TICK:
    case INPUT_START:
    case INPUT_REBASE:
    case INPUT_KINDS:
        break;
    }
    return VERDICT_STORED;
}

struct effects
engine_feed(struct engine *engine, const struct input *in)
{
    enum verdict verdict = VERDICT_STORED;

    arena_reset(&engine->scratch);
    engine->effects.len = 0;
    engine->before = engine->now;
    if (in->kind == INPUT_REBASE) {
        admin_rebase(engine, in);
    } else {
        engine->now = instant_max(engine->now, in->now);
        if (in->kind == INPUT_START)
            admin_start(engine, in); /* first: it holds back what it finds overdue */
        engine_run(engine, engine->now);
        verdict = take(engine, in);
    }
    engine_run(engine, engine->now);
    publish_dirty(engine);
    return (struct effects){engine->effects.at, engine->effects.len, verdict};
}

struct instant
engine_next(const struct engine *engine)
{
    return instant_min(facts_next(engine->facts), next_but_facts(engine));
}

struct instant
engine_now(const struct engine *engine)
{
    return engine->now;
}

uint64_t
engine_pos(const struct engine *engine)
{
    return engine->pos;
}

static size_t
first_above(const struct engine *engine, uint64_t mark)
{
    size_t from = 0, to = engine->duplicates.len;

    while (from < to) {
        const size_t mid = from + (to - from) / 2;

        if (engine->duplicates.at[mid] <= mark)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

bool
engine_is_duplicate(const struct engine *engine, uint64_t pos)
{
    const size_t i = pos == 0 ? 0 : first_above(engine, pos - 1);

    return i < engine->duplicates.len && engine->duplicates.at[i] == pos;
}

void
engine_stored(struct engine *engine, uint64_t mark)
{
    const size_t n = first_above(engine, mark);

    if (n == 0)
        return;
    engine->duplicates.len -= n;
    memmove(engine->duplicates.at, engine->duplicates.at + n,
        engine->duplicates.len * sizeof(*engine->duplicates.at));
}

struct engine_counts
engine_counts(const struct engine *engine)
{
    struct engine_counts counts = engine->counts;

    counts.events = engine->n;
    counts.deliveries_waiting = (uint32_t)outbox_len(engine->outbox);
    return counts;
}

struct effects
engine_snapshot(struct engine *engine)
{
    arena_reset(&engine->scratch);
    engine->effects.len = 0;
    engine->at = engine->now;
    const struct map_entry *entries = map_sorted(&engine->incidents, &engine->scratch);

    for (size_t i = 0; i < engine->incidents.len; i++) {
        struct incident *incident = entries[i].value;

        if (!incident->dirty)
            /* NOLINTNEXTLINE(bugprone-sizeof-expression): of pointers */
            *VEC_PUSH(&engine->dirty) = incident;
        incident->dirty = true;
    }
    publish_dirty(engine);
    return (struct effects){engine->effects.at, engine->effects.len, VERDICT_STORED};
}

bool
engine_shows(const struct engine *engine, struct view topic)
{
    size_t start = topic.len;

    while (start > 0 && topic.ptr[start - 1] != '/')
        start--;
    const struct incident *incident =
        incident_find(engine, view_bytes(topic.ptr + start, topic.len - start));

    return incident != NULL && incident->topic != NULL && view_is(topic, incident->topic);
}
