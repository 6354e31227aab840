#include "scenario/world.h"

#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void
fail(struct world *world, const char *what, const char *detail)
{
    if (world->flaw[0] == '\0')
        (void)snprintf(world->flaw, sizeof(world->flaw), "%s: %s", what, detail);
}

void
world_init(struct world *world, const struct engine_options *options, bool twin)
{
    *world = (struct world){.options = options, .pos = 1000, .epoch = 1};
    world->engine = engine_new(options);
    world->twin = twin ? engine_new(options) : NULL;
    map_init(&world->shown);
}

void
world_fini(struct world *world)
{
    struct arena arena;

    CHECK(world->flaw[0] == '\0');
    arena_init(&arena);
    const struct map_entry *entries = map_sorted(&world->shown, &arena);

    for (size_t i = 0; i < world->shown.len; i++)
        free(entries[i].value);
    arena_fini(&arena);
    map_fini(&world->shown);
    for (size_t i = 0; i < world->events.len; i++)
        cJSON_Delete(world->events.at[i].json);
    VEC_FREE(&world->events);
    VEC_FREE(&world->played);
    VEC_FREE(&world->sends);
    VEC_FREE(&world->due);
    cJSON_Delete(world->answer);
    engine_free(world->engine);
    engine_free(world->twin);
}

void
world_played(struct world *world, const char *who, enum behaviour behaviour)
{
    for (size_t i = 0; i < world->played.len; i++) {
        if (strcmp(world->played.at[i].who, who) == 0) {
            world->played.at[i].behaviour = behaviour;
            return;
        }
    }
    struct played *played = VEC_PUSH(&world->played);

    (void)snprintf(played->who, sizeof(played->who), "%s", who);
    played->behaviour = behaviour;
}

static enum behaviour
behaviour_of(const struct world *world, const struct sent *sent)
{
    enum behaviour behaviour = BEHAVE_OK;

    for (size_t i = 0; i < world->played.len; i++) {
        const struct played *played = &world->played.at[i];

        if (strcmp(played->who, sent->channel) == 0 || strcmp(played->who, sent->to) == 0 ||
            strcmp(played->who, sent->recipient) == 0 || strcmp(played->who, "all") == 0)
            behaviour = played->behaviour;
    }
    return behaviour;
}

const char *
world_text(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

    return cJSON_IsString(item) ? item->valuestring : "";
}

/* The chain: the text without its hash, over the hash before. */
static void
check_chain(struct world *world, struct view body, const cJSON *json)
{
    char hex[2 * DIGEST_BYTES + 1], *text = mem_alloc(body.len + 1);
    const size_t size = strlen("\"hash\":\"\",") + (size_t)2 * DIGEST_BYTES;

    memcpy(text, body.ptr, body.len);
    text[body.len] = '\0';
    char *hash = strstr(text, "\"hash\":\"");

    if (hash == NULL) {
        fail(world, "event without hash", text);
        free(text);
        return;
    }
    memmove(hash, hash + size, strlen(hash + size) + 1);
    if (strcmp(world_text(json, "prev"), digest_hex(&world->chain, DIGEST_BYTES, hex)) != 0)
        fail(world, "prev is not the hash before", text);
    world->chain = digest_chain(&world->chain, view_of(text));
    if (strcmp(world_text(json, "hash"), digest_hex(&world->chain, DIGEST_BYTES, hex)) != 0)
        fail(world, "hash is not that of the text", text);
    free(text);
}

static void
take_event(struct world *world, const struct effect *effect)
{
    size_t at = 0;
    const enum json_flaw flaw = json_check(effect->body, 1 << 20, &at);

    if (flaw != JSON_FINE)
        fail(world, json_flaw_name(flaw), effect->body.ptr);
    cJSON *json = cJSON_ParseWithLength(effect->body.ptr, effect->body.len);

    check_chain(world, effect->body, json);
    world->n++;
    if ((uint64_t)cJSON_GetObjectItemCaseSensitive(json, "n")->valuedouble != world->n)
        fail(world, "n has a gap", world_text(json, "event"));
    *VEC_PUSH(&world->events) = (struct seen){effect->at, json};
}

static void
copy_view(char *out, size_t size, struct view text)
{
    (void)snprintf(out, size, "%.*s", VIEW_ARG(text));
}

static void
take_words(struct world *world, struct sent *sent, struct view body)
{
    size_t at = 0;
    const enum json_flaw flaw = json_check(body, 1 << 20, &at);

    if (flaw != JSON_FINE)
        fail(world, json_flaw_name(flaw), body.ptr);
    cJSON *json = cJSON_ParseWithLength(body.ptr, body.len);
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(json, "text");

    (void)snprintf(
        sent->says, sizeof(sent->says), "%s %s", world_text(text, "zh"), world_text(text, "en"));
    cJSON_Delete(json);
}

static void
take_send(struct world *world, const struct effect *effect)
{
    struct sent *sent = VEC_PUSH(&world->sends);
    const char *slash;

    sent->at = effect->at;
    sent->attempt = effect->attempt;
    copy_view(sent->channel, sizeof(sent->channel), view_of(effect->channel->id));
    copy_view(sent->to, sizeof(sent->to), effect->to);
    copy_view(sent->delivery, sizeof(sent->delivery), effect->delivery);
    copy_view(sent->topic, sizeof(sent->topic), effect->topic);
    take_words(world, sent, effect->body);
    sent->order = strncmp(sent->topic, "wallwatch/dispatch/", 19) == 0;
    slash = sent->topic + (sent->order ? 19 : 17);
    copy_view(sent->recipient, sizeof(sent->recipient), view_bytes(slash, strcspn(slash, "/")));
    *VEC_PUSH(&world->due) = *sent;
}

static void
take_publish(struct world *world, const struct effect *effect)
{
    char *body = NULL;

    if (effect->body.len > 0) {
        body = mem_alloc(effect->body.len + 1);
        memcpy(body, effect->body.ptr, effect->body.len);
        body[effect->body.len] = '\0';
        free(map_put(&world->shown, effect->topic, body));
    } else {
        free(map_del(&world->shown, effect->topic));
    }
}

static void
take_effects(struct world *world, const struct effects *effects)
{
    for (size_t i = 0; i < effects->len; i++) {
        const struct effect *effect = &effects->at[i];

        switch (effect->kind) {
        case EFFECT_EVENT:
            take_event(world, effect);
            break;
        case EFFECT_SEND:
            take_send(world, effect);
            break;
        case EFFECT_PUBLISH:
            take_publish(world, effect);
            break;
        case EFFECT_ANSWER:
            cJSON_Delete(world->answer);
            world->answer = cJSON_ParseWithLength(effect->body.ptr, effect->body.len);
            break;
        case EFFECT_RECEIPT:
        case EFFECT_KINDS:
            break;
        }
    }
}

static void
compare(struct world *world, const struct effects *a, const struct effects *b)
{
    if (a->len != b->len || a->verdict != b->verdict) {
        fail(world, "after a load", "another number of effects");
        return;
    }
    for (size_t i = 0; i < a->len; i++) {
        const struct effect *x = &a->at[i], *y = &b->at[i];
        char text[700];

        if (x->kind != y->kind || x->at.us != y->at.us || !view_eq(x->topic, y->topic) ||
            !view_eq(x->body, y->body) || !view_eq(x->delivery, y->delivery) ||
            x->attempt != y->attempt || x->channel != y->channel || !view_eq(x->to, y->to) ||
            x->severity != y->severity || x->retained != y->retained) {
            (void)snprintf(text, sizeof(text), "%s: %.*s | %s: %.*s", effect_names[x->kind],
                VIEW_ARG(x->body), effect_names[y->kind], VIEW_ARG(y->body));
            fail(world, "another effect after a load", text);
            return;
        }
    }
}

static void
check_same_state(struct world *world, const struct buf *a, const struct buf *b)
{
    char text[64];

    if (view_eq(buf_view(a), buf_view(b)))
        return;
    size_t i = 0;

    while (i < a->len && i < b->len && a->ptr[i] == b->ptr[i])
        i++;
    (void)snprintf(text, sizeof(text), "byte %zu of %zu and %zu", i, a->len, b->len);
    fail(world, "another state", text);
}

/* The twin goes through its checkpoint, and must hold what the other holds. */
static void
reload_twin(struct world *world)
{
    struct buf a, b;
    struct err err = {0};

    buf_init(&a, (size_t)1 << 30);
    buf_init(&b, (size_t)1 << 30);
    engine_save(world->engine, &a);
    engine_save(world->twin, &b);
    check_same_state(world, &a, &b);
    engine_free(world->twin);
    world->twin = engine_new(world->options);
    if (!engine_load(world->twin, buf_view(&b), &err))
        fail(world, "load", err.text);
    buf_reset(&b);
    engine_save(world->twin, &b);
    check_same_state(world, &a, &b);
    buf_fini(&a);
    buf_fini(&b);
}

void
world_feed(struct world *world, const struct input *in)
{
    if (world->twin != NULL)
        reload_twin(world);
    world->last = engine_feed(world->engine, in);
    if (world->twin != NULL) {
        const struct effects twin = engine_feed(world->twin, in);

        compare(world, &world->last, &twin);
    }
    if (in->kind == INPUT_CONFIG)
        world->options = in->options;
    take_effects(world, &world->last);
    if (in->kind != INPUT_TICK) /* only time makes a step due */
        return;
    const struct engine_audit audit = engine_audit(world->engine, world->now);

    if (audit.overdue > 0)
        fail(world, "the auditor finds overdue", audit.first);
}

void
world_body(struct world *world, enum input_kind kind, const char *fmt, ...)
{
    char text[4096];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    const struct input in = {
        .kind = kind, .now = world->now, .pos = world->pos, .body = view_of(text)};

    world_feed(world, &in);
}

static void
answer_one(struct world *world, const struct sent *sent)
{
    const char *id = strrchr(sent->topic, '/') + 1;
    const char *const results[] = {"delivered", "", "failed", "never"};
    const enum behaviour behaviour = behaviour_of(world, sent);

    if (behaviour == BEHAVE_SILENT)
        return;
    if (behaviour == BEHAVE_OK && strcmp(sent->channel, "mqtt") == 0) {
        world_body(world, INPUT_ANSWER,
            "{\"at\":%lld,\"id\":\"r\",\"sender\":\"%s\",\"centre\":\"%s\",\"body\":{\"answer\":"
            "\"received\",\"%s\":\"%s\"}}",
            (long long)world->now.us, sent->recipient, sent->order ? sent->recipient : "",
            sent->order ? "order" : "notice", id);
        return;
    }
    world_body(world, INPUT_DELIVERY,
        "{\"attempt\":%u,\"delivery\":\"%s\",\"detail\":\"played\",\"result\":\"%s\"}",
        sent->attempt, sent->delivery, results[behaviour]);
}

static void
answer_all(struct world *world)
{
    while (world->due.len > 0) {
        const struct sent sent = world->due.at[0];

        world->due.len--;
        memmove(&world->due.at[0], &world->due.at[1], world->due.len * sizeof(sent));
        answer_one(world, &sent);
    }
}

void
world_until(struct world *world, struct instant to)
{
    if (instant_cmp(to, world->now) > 0) {
        world->new_events = world->events.len;
        world->new_sends = world->sends.len;
    }
    answer_all(world);
    for (;;) {
        const struct instant next = engine_next(world->engine);

        if (instant_cmp(next, to) > 0)
            break;
        if (instant_cmp(next, world->now) > 0) {
            world->now = next;
            world->new_events = world->events.len;
            world->new_sends = world->sends.len;
        }
        world_body(world, INPUT_TICK, "{}");
        answer_all(world);
    }
    if (instant_cmp(to, world->now) > 0) {
        world->now = to;
        world->new_events = world->events.len;
        world->new_sends = world->sends.len;
    }
}

static double
parse_value(const struct field *field, const char *text)
{
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return text[0] == 't';
    const struct field_code *code =
        field->type == FIELD_CODE ? field_code_by_name(field, view_of(text)) : NULL;

    return code != NULL ? code->number : strtod(text, NULL);
}

static int
compare_values(const void *a, const void *b)
{
    return ((const struct field_value *)a)->field - ((const struct field_value *)b)->field;
}

/* A text is any; true, false and codes are words, all else a number. */
static bool
is_value(const struct field *field, const char *text)
{
    char *end = NULL;

    if (field->type == FIELD_TEXT || strcmp(text, "true") == 0 || strcmp(text, "false") == 0 ||
        (field->type == FIELD_CODE && field_code_by_name(field, view_of(text)) != NULL))
        return true;
    (void)strtod(text, &end);
    return end != text && *end == '\0' && field->type != FIELD_CODE;
}

const char *
world_stranger(const struct world *world, const struct told_reading *told)
{
    const struct device *device = device_find(world->options->devices, view_of(told->code));

    if (device == NULL)
        return told->code;
    for (size_t i = 0; i < told->n_values; i++) {
        const char *equals = strchr(told->values[i], '=');
        const int field =
            equals == NULL ? -1
                           : field_find(device->class,
                                 view_bytes(told->values[i], (size_t)(equals - told->values[i])));

        if (field < 0 || !is_value(&device->class->fields[field], equals + 1))
            return told->values[i];
    }
    return NULL;
}

enum verdict
world_reading(struct world *world, const struct told_reading *told)
{
    const struct device *device = device_find(world->options->devices, view_of(told->code));
    struct field_value values[CLASS_MAX_FIELDS];

    CHECK(device != NULL && world_stranger(world, told) == NULL);
    for (size_t i = 0; i < told->n_values; i++) {
        const char *equals = strchr(told->values[i], '=');
        const int field = field_find(
            device->class, view_bytes(told->values[i], (size_t)(equals - told->values[i])));

        values[i] = (struct field_value){
            (uint16_t)field, parse_value(&device->class->fields[field], equals + 1), {"", 0}};
        if (device->class->fields[field].type == FIELD_TEXT)
            values[i].text = view_of(equals + 1);
    }
    const struct instant said = instant_add(world->now, SPAN_US(told->ahead.us - told->late.us));
    const bool believable =
        !told->clockless && told->ahead.us <= SPAN_MIN(5).us && told->late.us <= SPAN_DAYS(30).us;

    qsort(values, told->n_values, sizeof(values[0]), compare_values);
    const struct reading reading = {.code = view_of(device->code),
        .device = device->key,
        .listed = device,
        .class = device->class,
        .compound = view_of(device->compound->id),
        .part = view_of(told->part),
        .time = believable ? said : world->now,
        .said = said,
        .received = world->now,
        .had_time = !told->clockless,
        .server_time = !believable,
        .test = told->test,
        .suspect = told->suspect,
        .values = values,
        .n_values = told->n_values};

    world->pos += 100;
    const struct decoded record = {.from = world->pos - 100,
        .pos = world->pos,
        .received = world->now,
        .verdict = VERDICT_STORED,
        .dup = told->dup,
        .identity = told->identity,
        .content = told->dup ? 42 : world->pos,
        .readings = &reading,
        .n_readings = 1,
        .code = reading.code};
    const struct input in = {
        .kind = INPUT_RECORD, .now = world->now, .pos = world->pos, .record = &record};

    world_feed(world, &in);
    return world->last.verdict;
}

const cJSON *
world_alert(const struct world *world, const char *id)
{
    for (size_t i = world->events.len; i > 0; i--) {
        const cJSON *snapshot =
            cJSON_GetObjectItemCaseSensitive(world->events.at[i - 1].json, "snapshot");

        if (cJSON_IsObject(snapshot) && strcmp(world_text(snapshot, "alert"), id) == 0)
            return snapshot;
    }
    return NULL;
}

const cJSON *
world_case(const struct world *world, const char *rule, const char *subject)
{
    for (size_t i = world->events.len; i > 0; i--) {
        const cJSON *snapshot =
            cJSON_GetObjectItemCaseSensitive(world->events.at[i - 1].json, "snapshot");

        if (cJSON_IsObject(snapshot) && strcmp(world_text(snapshot, "rule"), rule) == 0 &&
            strcmp(world_text(snapshot, "subject"), subject) == 0)
            return snapshot;
    }
    return NULL;
}
