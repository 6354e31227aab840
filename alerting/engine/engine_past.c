/*
 * What a device has been through: its last faults and its last repair, so that whoever is sent
 * knows that it is the third time this week. Bounded: PAST_FAULTS of each, of MAX_PASTS devices;
 * beyond that those are forgotten that were well for the longest time. Part of the checkpoint.
 */
#include "alerting/engine/state.h"

#include <stdlib.h>

#define FORGOTTEN_AT_ONCE (MAX_PASTS / 10)

/* Of a device its code, of a zone, building or compound its compound and name. */
static struct view
key_of(struct engine *engine, const struct condition *condition)
{
    const struct view place = view_of(condition->per == PER_DEVICE ? "" : condition->compound);
    const struct view code = view_of(condition->code);
    char *key = arena_alloc(&engine->scratch, place.len + code.len + 1);
    size_t len = 0;

    if (condition->per != PER_DEVICE) {
        memcpy(key, place.ptr, place.len);
        key[place.len] = '/';
        len = place.len + 1;
    }
    memcpy(key + len, code.ptr, code.len);
    return view_bytes(key, len + code.len);
}

static struct instant
newest(const struct past *past)
{
    return past->n_faults > 0 ? past->faults[0].at : past->repair.at;
}

static int
compare_pasts(const void *a, const void *b)
{
    const struct past *left = *(struct past *const *)a, *right = *(struct past *const *)b;
    const int cmp = instant_cmp(newest(left), newest(right));

    return cmp != 0 ? cmp : strcmp(left->key, right->key);
}

static void
forget_oldest(struct engine *engine)
{
    const struct map_entry *entries = map_sorted(&engine->pasts, &engine->scratch);
    const size_t n = engine->pasts.len;
    struct past **all = ARENA_ARRAY(&engine->scratch, n, struct past *);

    for (size_t i = 0; i < n; i++)
        all[i] = entries[i].value;
    qsort(all, n, sizeof(all[0]), compare_pasts); /* NOLINT(bugprone-sizeof-expression) */
    for (size_t i = 0; i < FORGOTTEN_AT_ONCE; i++) {
        map_del(&engine->pasts, view_of(all[i]->key));
        free(all[i]);
    }
}

struct past *
past_of_key(struct engine *engine, struct view key)
{
    struct past *past = map_get(&engine->pasts, key);

    if (past != NULL)
        return past;
    if (engine->pasts.len == MAX_PASTS)
        forget_oldest(engine);
    past = mem_zalloc(1, sizeof(*past));
    past->key = engine_text(engine, key);
    map_put(&engine->pasts, key, past);
    return past;
}

const struct past *
past_of(struct engine *engine, const struct incident *incident)
{
    return map_get(&engine->pasts, key_of(engine, incident->condition));
}

void
past_fault(struct engine *engine, const struct incident *incident)
{
    const struct condition *condition = incident->condition;

    if (condition->rule == NULL || incident->muted || condition->compound[0] == '\0')
        return; /* a report, an exercise, or Wallwatch's own */
    struct past *past = past_of_key(engine, key_of(engine, condition));

    memmove(&past->faults[1], &past->faults[0], (PAST_FAULTS - 1) * sizeof(past->faults[0]));
    past->faults[0] =
        (struct past_fault){.rule_id = engine_text(engine, view_of(condition->rule_id)),
            .title_zh = incident->title_zh,
            .title_en = incident->title_en,
            .at = incident->opened};
    if (past->n_faults < PAST_FAULTS)
        past->n_faults++;
}

/* It was none: it does not count against the device. */
void
past_false_alarm(struct engine *engine, const struct incident *incident)
{
    struct past *past = map_get(&engine->pasts, key_of(engine, incident->condition));

    for (size_t i = 0; past != NULL && i < past->n_faults; i++) {
        if (instant_cmp(past->faults[i].at, incident->opened) != 0 ||
            strcmp(past->faults[i].rule_id, incident->condition->rule_id) != 0)
            continue;
        past->n_faults--;
        memmove(
            &past->faults[i], &past->faults[i + 1], (past->n_faults - i) * sizeof(past->faults[0]));
        past->faults[past->n_faults] = (struct past_fault){0};
        return;
    }
}

void
past_repair(struct engine *engine, const struct incident *incident, struct view by)
{
    struct past *past = map_get(&engine->pasts, key_of(engine, incident->condition));

    if (past == NULL)
        return;
    past->repair.by = engine_text(engine, by);
    past->repair.at = engine->at;
}

size_t
past_same_week(const struct past *past, const struct incident *incident)
{
    const struct instant from = instant_add(incident->opened, SPAN_US(-SPAN_DAYS(7).us));
    size_t n = 0;

    for (size_t i = 0; past != NULL && i < past->n_faults; i++) {
        n += strcmp(past->faults[i].rule_id, incident->condition->rule_id) == 0 &&
             instant_cmp(past->faults[i].at, from) > 0 &&
             instant_cmp(past->faults[i].at, incident->opened) <= 0;
    }
    return n;
}

void
pasts_save(const struct engine *engine, struct arena *arena, struct buf *out)
{
    const struct map_entry *entries = map_sorted(&engine->pasts, arena);

    pack_u32(out, (uint32_t)engine->pasts.len);
    for (size_t i = 0; i < engine->pasts.len; i++) {
        const struct past *past = entries[i].value;

        pack_text(out, past->key);
        pack_text(out, past->repair.by == NULL ? "" : past->repair.by);
        pack_instant(out, past->repair.at);
        pack_u32(out, past->n_faults);
        for (size_t k = 0; k < past->n_faults; k++) {
            pack_text(out, past->faults[k].rule_id);
            pack_text(out, past->faults[k].title_zh);
            pack_text(out, past->faults[k].title_en);
            pack_instant(out, past->faults[k].at);
        }
    }
}

static const char *
load_text(struct engine *engine, struct unpack *in)
{
    return engine_text(engine, unpack_view(in));
}

void
pasts_load(struct engine *engine, struct unpack *in)
{
    const size_t n = unpack_count(in, 16);

    if (n > MAX_PASTS)
        in->bad = true;
    for (size_t i = 0; i < n && !in->bad; i++) {
        struct past *past = past_of_key(engine, unpack_view(in));

        past->repair.by = load_text(engine, in);
        if (past->repair.by[0] == '\0')
            past->repair.by = NULL;
        past->repair.at = unpack_instant(in);
        const size_t faults = unpack_count(in, 16);

        if (faults > PAST_FAULTS)
            in->bad = true;
        for (size_t k = 0; k < faults && !in->bad; k++) {
            past->faults[k].rule_id = load_text(engine, in);
            past->faults[k].title_zh = load_text(engine, in);
            past->faults[k].title_en = load_text(engine, in);
            past->faults[k].at = unpack_instant(in);
            past->n_faults = (uint32_t)k + 1;
        }
    }
}
