#include "service/backtest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

const struct words backtest_change_words[] = {
    {"不变", "same"}, {"提前", "earlier"}, {"推后", "later"}, {"新增", "added"}, {"消失", "gone"}};
_Static_assert(ARRAY_LEN(backtest_change_words) == BACKTEST_CHANGES, "words for each change");

struct watched { /* a case that somebody will settle */
    const char *id;
    size_t alert; /* index in backtest->alerts */
    struct instant due;
    bool lasts;   /* its condition is true */
    bool overdue; /* due has passed while it lasted */
    bool gone;
};

struct sent { /* on its way to a receiver that answers at once */
    char *delivery, *topic;
    bool mqtt;
    uint32_t attempt;
};

struct backtest_lane {
    struct backtest *backtest;
    struct engine_options options;
    struct engine *engine;
    struct instant now;
    uint64_t pos;
    uint64_t commands;
    VEC(struct watched) cases; /* due rises */
    size_t first;              /* cases before it have been due */
    struct map by_id;          /* case id -> index in cases + 1, as a pointer */
    VEC(size_t) to_settle;
    VEC(struct sent) sent;
};

static void feed(struct backtest_lane *lane, const struct input *in);

/* --- texts --------------------------------------------------------------------------------- */

static const char *
keep(struct backtest *backtest, const char *text)
{
    const char *kept = map_get(&backtest->words, view_of(text));

    if (kept == NULL) {
        char *copy = arena_text(&backtest->texts, view_of(text));

        (void)map_put(&backtest->words, view_of(text), copy);
        kept = copy;
    }
    return kept;
}

static const char *
text_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

    return cJSON_IsString(item) ? item->valuestring : "";
}

static int
tier_of(const cJSON *object)
{
    enum tier tier;

    return tier_parse(view_of(text_of(object, "tier")), &tier) ? (int)tier : -1;
}

static enum severity
severity_of(const cJSON *snapshot)
{
    enum severity severity = SEVERITY_BLUE;

    (void)severity_parse(view_of(text_of(snapshot, "severity")), &severity);
    return severity;
}

/* --- what came out ------------------------------------------------------------------------- */

static struct watched *
watched_find(struct backtest_lane *lane, const char *id)
{
    const uintptr_t at = (uintptr_t)map_get(&lane->by_id, view_of(id));

    return at == 0 ? NULL : &lane->cases.at[at - 1];
}

static struct watched *
watch(struct backtest_lane *lane, const char *id, const cJSON *snapshot, struct instant at)
{
    struct backtest *backtest = lane->backtest;

    *VEC_PUSH(&backtest->alerts) = (struct backtest_alert){
        .lane = lane->options.lane,
        .rule = keep(backtest, text_of(snapshot, "rule")),
        .subject = keep(backtest, text_of(snapshot, "subject")),
        .compound = keep(backtest, text_of(snapshot, "compound")),
        .severity = severity_of(snapshot),
        .tier = -1,
        .opened = at,
    };
    *VEC_PUSH(&lane->cases) = (struct watched){
        .id = keep(backtest, id),
        .alert = backtest->alerts.len - 1,
        .due = instant_add(at, BACKTEST_SETTLE),
    };
    (void)map_put(
        &lane->by_id, view_of(id), (void *)lane->cases.len); /* NOLINT(performance-no-int-to-ptr) */
    return &lane->cases.at[lane->cases.len - 1];
}

static void
note_snapshot(struct backtest_lane *lane, const cJSON *snapshot, struct instant at)
{
    const char *id = text_of(snapshot, "alert");
    const char *state = text_of(snapshot, "state");
    struct watched *seen = watched_find(lane, id);

    if (seen == NULL)
        seen = watch(lane, id, snapshot, at);
    struct backtest_alert *alert = &lane->backtest->alerts.at[seen->alert];
    const enum severity severity = severity_of(snapshot);
    const int tier = tier_of(snapshot);

    if (severity < alert->severity)
        alert->severity = severity;
    if (tier > alert->tier)
        alert->tier = tier;
    seen->lasts = strcmp(text_of(snapshot, "condition"), "true") == 0;
    seen->gone = strcmp(state, case_names[CASE_CLOSED]) == 0 ||
                 strcmp(state, case_names[CASE_FALSE_ALARM]) == 0;
    if (seen->overdue && !seen->lasts && !seen->gone)
        *VEC_PUSH(&lane->to_settle) = (size_t)(seen - lane->cases.at);
}

static void
note_calls(struct backtest_lane *lane, const cJSON *event, struct instant at)
{
    const struct watched *seen = watched_find(lane, text_of(event, "alert"));
    const cJSON *to = cJSON_GetObjectItemCaseSensitive(event, "to");
    const cJSON *one;

    if (seen == NULL || !cJSON_IsArray(to))
        return;
    const struct backtest_alert *alert = &lane->backtest->alerts.at[seen->alert];

    cJSON_ArrayForEach(one, to)
    {
        const char *unit = text_of(one, "unit");

        if (*unit != '\0') {
            *VEC_PUSH(&lane->backtest->calls) = (struct backtest_call){
                at, keep(lane->backtest, unit), alert->rule, alert->severity, tier_of(event)};
        }
    }
}

static void
note_event(struct backtest_lane *lane, const struct effect *effect)
{
    cJSON *event = cJSON_ParseWithLength(effect->body.ptr, effect->body.len);
    const cJSON *snapshot = cJSON_GetObjectItemCaseSensitive(event, "snapshot");

    if (cJSON_IsObject(snapshot))
        note_snapshot(lane, snapshot, effect->at);
    note_calls(lane, event, effect->at);
    cJSON_Delete(event);
}

static char *
copy_of(struct view text)
{
    char *copy = mem_alloc(text.len + 1);

    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

static void
note_send(struct backtest_lane *lane, const struct effect *effect)
{
    *VEC_PUSH(&lane->sent) = (struct sent){copy_of(effect->delivery), copy_of(effect->topic),
        effect->channel->kind == CHANNEL_MQTT, effect->attempt};
}

/* --- receivers and people ------------------------------------------------------------------ */

static void
feed_body(struct backtest_lane *lane, enum input_kind kind, struct buf *body)
{
    feed(lane,
        &(struct input){.kind = kind, .now = lane->now, .pos = lane->pos, .body = buf_view(body)});
}

/* wallwatch/notice/{unit}/{notice}, wallwatch/dispatch/{centre}/{order} */
static void
answer_over_mqtt(struct backtest_lane *lane, const char *topic, struct buf *body)
{
    const bool order = strncmp(topic, "wallwatch/dispatch/", 19) == 0;
    const char *slash = strchr(topic, '/');
    const char *who = slash == NULL ? NULL : strchr(slash + 1, '/');
    const char *id = strrchr(topic, '/');

    if (who == NULL || id <= who)
        return;
    buf_printf(body,
        "{\"at\":%" PRId64 ",\"body\":{\"answer\":\"received\",\"%s\":\"%s\"},\"centre\":\"%.*s\","
        "\"id\":\"backtest\",\"sender\":\"%.*s\"}",
        lane->now.us, order ? "order" : "notice", id + 1, order ? (int)(id - who - 1) : 0, who + 1,
        (int)(id - who - 1), who + 1);
    feed_body(lane, INPUT_ANSWER, body);
}

static void
answer_all(struct backtest_lane *lane)
{
    for (size_t i = 0; i < lane->sent.len; i++) { /* it grows meanwhile */
        const struct sent sent = lane->sent.at[i];
        struct buf body;

        buf_init(&body, 4096);
        if (sent.mqtt) {
            answer_over_mqtt(lane, sent.topic, &body);
        } else {
            buf_printf(&body,
                "{\"attempt\":%" PRIu32
                ",\"delivery\":\"%s\",\"detail\":\"\",\"result\":\"delivered\"}",
                sent.attempt, sent.delivery);
            feed_body(lane, INPUT_DELIVERY, &body);
        }
        buf_fini(&body);
        free(sent.delivery);
        free(sent.topic);
    }
    lane->sent.len = 0;
}

static void
command(struct backtest_lane *lane, const struct watched *seen, const char *word)
{
    struct buf body;

    buf_init(&body, 4096);
    buf_printf(&body,
        "{\"at\":%" PRId64 ",\"body\":{\"alert\":\"%s\",\"by\":\"backtest\",\"command\":\"%s\","
        "\"reason\":\"backtest\"},\"id\":\"backtest-%" PRIu64 "\",\"sender\":\"backtest\"}",
        lane->now.us, seen->id, word, ++lane->commands);
    feed_body(lane, INPUT_COMMAND, &body);
    buf_fini(&body);
}

static void
settle(struct backtest_lane *lane, size_t at)
{
    if (lane->cases.at[at].gone)
        return;
    if (lane->cases.at[at].lasts) {
        lane->cases.at[at].overdue = true;
        return;
    }
    command(lane, &lane->cases.at[at], "settle");
    if (!lane->cases.at[at].gone)
        command(lane, &lane->cases.at[at], "verify");
}

static void
settle_cleared(struct backtest_lane *lane)
{
    while (lane->to_settle.len > 0)
        settle(lane, lane->to_settle.at[--lane->to_settle.len]);
}

static void
feed(struct backtest_lane *lane, const struct input *in)
{
    const struct effects effects = engine_feed(lane->engine, in);

    for (size_t i = 0; i < effects.len; i++) {
        if (effects.at[i].kind == EFFECT_EVENT)
            note_event(lane, &effects.at[i]);
        else if (effects.at[i].kind == EFFECT_SEND)
            note_send(lane, &effects.at[i]);
    }
}

static void
feed_whole(struct backtest_lane *lane, const struct input *in)
{
    feed(lane, in);
    answer_all(lane);
    settle_cleared(lane);
    answer_all(lane);
}

/* All deadlines up to then, the engine's and people's, oldest first. */
static void
run_until(struct backtest_lane *lane, struct instant to)
{
    for (;;) {
        const struct instant tick = engine_next(lane->engine);
        const struct instant due =
            lane->first < lane->cases.len ? lane->cases.at[lane->first].due : INSTANT_NEVER;
        const struct instant next = instant_min(tick, due);

        if (instant_cmp(next, to) > 0 || next.us == INT64_MAX)
            break;
        lane->now = instant_max(lane->now, next);
        if (instant_cmp(tick, due) <= 0) {
            feed_whole(lane,
                &(struct input){
                    .kind = INPUT_TICK, .now = lane->now, .pos = lane->pos, .body = view_of("{}")});
        } else {
            settle(lane, lane->first++);
            answer_all(lane);
        }
    }
    lane->now = instant_max(lane->now, to);
}

/* --- the whole ----------------------------------------------------------------------------- */

static void
start(struct backtest_lane *lane, struct instant from)
{
    static const struct {
        enum input_kind kind;
        const char *body;
    } inputs[] = {
        {INPUT_START, "{\"epoch\":1,\"late_us\":0}"},
        {INPUT_LINK, "{\"up\":true}"},
        {INPUT_READY, "{}"},
    };

    lane->now = from;
    for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
        feed_whole(lane,
            &(struct input){.kind = inputs[i].kind, .now = from, .body = view_of(inputs[i].body)});
    }
}

void
backtest_init(struct backtest *backtest, const struct config *config, struct instant from)
{
    *backtest = (struct backtest){.config = config, .n_lanes = config->n_lanes};
    arena_init(&backtest->texts);
    map_init(&backtest->words);
    backtest->lanes = mem_zalloc(config->n_lanes, sizeof(*backtest->lanes));
    for (size_t i = 0; i < config->n_lanes; i++) {
        struct backtest_lane *lane = &backtest->lanes[i];

        lane->backtest = backtest;
        config_engine_options(config, &config->lanes[i], &lane->options);
        lane->engine = engine_new(&lane->options);
        map_init(&lane->by_id);
        start(lane, from);
    }
}

void
backtest_fini(struct backtest *backtest)
{
    for (size_t i = 0; i < backtest->n_lanes; i++) {
        struct backtest_lane *lane = &backtest->lanes[i];

        engine_free(lane->engine);
        map_fini(&lane->by_id);
        VEC_FREE(&lane->cases);
        VEC_FREE(&lane->to_settle);
        VEC_FREE(&lane->sent);
    }
    free(backtest->lanes);
    map_fini(&backtest->words);
    arena_fini(&backtest->texts);
    VEC_FREE(&backtest->alerts);
    VEC_FREE(&backtest->calls);
}

void
backtest_feed(struct backtest *backtest, size_t lane_at, const struct decoded *record)
{
    struct backtest_lane *lane = &backtest->lanes[lane_at];

    CHECK(lane_at < backtest->n_lanes && record->pos > lane->pos);
    run_until(lane, record->received);
    lane->pos = record->pos;
    backtest->readings += record->n_readings;
    backtest->rejects += record->n_rejects;
    feed_whole(
        lane, &(struct input){
                  .kind = INPUT_RECORD, .now = lane->now, .pos = record->pos, .record = record});
    engine_stored(lane->engine, record->pos);
}

void
backtest_end(struct backtest *backtest, struct instant to)
{
    for (size_t i = 0; i < backtest->n_lanes; i++)
        run_until(&backtest->lanes[i], to);
}

/* --- before and after ---------------------------------------------------------------------- */

static int
by_subject(const void *a, const void *b)
{
    const struct backtest_alert *x = *(const struct backtest_alert *const *)a;
    const struct backtest_alert *y = *(const struct backtest_alert *const *)b;
    int order = strcmp(x->rule, y->rule);

    if (order == 0)
        order = strcmp(x->subject, y->subject);
    if (order == 0)
        order = strcmp(x->lane, y->lane);
    return order != 0 ? order : instant_cmp(x->opened, y->opened);
}

static int
same_subject(const struct backtest_alert *x, const struct backtest_alert *y)
{
    int order = strcmp(x->rule, y->rule);

    if (order == 0)
        order = strcmp(x->subject, y->subject);
    return order != 0 ? order : strcmp(x->lane, y->lane);
}

static const struct backtest_alert *
first_of(const struct backtest_pair *pair)
{
    if (pair->before == NULL || pair->after == NULL)
        return pair->before != NULL ? pair->before : pair->after;
    return instant_cmp(pair->before->opened, pair->after->opened) <= 0 ? pair->before : pair->after;
}

static int
by_opening(const void *a, const void *b)
{
    const struct backtest_alert *x = first_of(a);
    const struct backtest_alert *y = first_of(b);
    const int order = instant_cmp(x->opened, y->opened);

    return order != 0 ? order : by_subject(&x, &y);
}

static const struct backtest_alert **
sorted(const struct backtest *backtest)
{
    const struct backtest_alert **all = mem_zalloc(backtest->alerts.len + 1, sizeof(void *));

    for (size_t i = 0; i < backtest->alerts.len; i++)
        all[i] = &backtest->alerts.at[i];
    qsort((void *)all, backtest->alerts.len, sizeof(void *), by_subject);
    return all;
}

static void
put_pair(struct backtest_diff *out, const struct backtest_alert *before,
    const struct backtest_alert *after)
{
    enum backtest_change change = BACKTEST_SAME;

    if (before == NULL || after == NULL) {
        change = before == NULL ? BACKTEST_ADDED : BACKTEST_GONE;
    } else {
        const int order = instant_cmp(after->opened, before->opened);

        change = order < 0 ? BACKTEST_EARLIER : order > 0 ? BACKTEST_LATER : BACKTEST_SAME;
    }
    out->counts[change]++;
    *VEC_PUSH(&out->pairs) = (struct backtest_pair){before, after, change};
}

/* Which of the two comes first and finds no partner; 0: they are a pair. */
static int
apart(const struct backtest_alert *x, const struct backtest_alert *y)
{
    const int order = same_subject(x, y);
    const int64_t us = instant_since(y->opened, x->opened).us;

    if (order != 0)
        return order;
    return us > BACKTEST_NEAR.us ? -1 : us < -BACKTEST_NEAR.us ? 1 : 0;
}

void
backtest_compare(
    const struct backtest *before, const struct backtest *after, struct backtest_diff *out)
{
    const struct backtest_alert **x = sorted(before);
    const struct backtest_alert **y = sorted(after);
    size_t i = 0;
    size_t k = 0;

    *out = (struct backtest_diff){0};
    while (i < before->alerts.len || k < after->alerts.len) {
        const int order = i == before->alerts.len  ? 1
                          : k == after->alerts.len ? -1
                                                   : apart(x[i], y[k]);

        put_pair(out, order <= 0 ? x[i] : NULL, order >= 0 ? y[k] : NULL);
        i += order <= 0;
        k += order >= 0;
    }
    if (out->pairs.len > 0)
        qsort(out->pairs.at, out->pairs.len, sizeof(*out->pairs.at), by_opening);
    free((void *)x);
    free((void *)y);
}

void
backtest_diff_fini(struct backtest_diff *diff)
{
    VEC_FREE(&diff->pairs);
}
