#include "alerting/engine/state.h"

#include <stdlib.h>

#include <cjson/cJSON.h>

static const struct unit *
unit_of(const struct compound *compound, int tier)
{
    return compound == NULL ? NULL : compound->units[tier];
}

const char *
incident_subject(struct engine *engine, const struct incident *incident)
{
    const struct condition *condition = incident->condition;
    const size_t code = strlen(condition->code), part = strlen(condition->part);
    char *out = arena_alloc(&engine->scratch, code + part + 2);

    memcpy(out, condition->code, code);
    if (part > 0) {
        out[code] = '/';
        memcpy(out + code + 1, condition->part, part);
    }
    return out;
}

static void
write_people(const struct incident *incident, struct json_writer *json)
{
    if (incident->taken.by == NULL) {
        json_null(json, "acknowledged");
    } else {
        json_object(json, "acknowledged");
        json_instant(json, "at", incident->taken.at);
        json_text(json, "by", incident->taken.by);
        json_instant(json, "until", incident->taken.until);
        json_close(json);
    }
    if (incident->done.by == NULL) {
        json_null(json, "done");
    } else {
        json_object(json, "done");
        json_instant(json, "at", incident->done.at);
        json_text(json, "by", incident->done.by);
        if (incident->done.seen.us == 0)
            json_null(json, "seen");
        else
            json_instant(json, "seen", incident->done.seen);
        json_close(json);
    }
    json_array(json, "orders");
    for (size_t i = 0; i < incident->orders.len; i++) {
        const struct order *order = incident->orders.at[i];

        json_object(json, NULL);
        json_instant(json, "at", order->since);
        json_text(json, "centre", order->centre);
        json_text(json, "order", order->id);
        json_text(json, "state", order_names[order->state]);
        json_close(json);
    }
    json_close(json);
}

static void
write_tier(struct json_writer *json, const char *key, int tier)
{
    if (tier < 0)
        json_null(json, key);
    else
        json_text(json, key, tier_names[tier]);
}

static void
write_climb(const struct engine *engine, const struct incident *incident, struct json_writer *json)
{
    const struct climb_due due =
        climb_next(incident->policy, &incident->climb, &engine->opt.grid->calendar);

    if (incident->parent == NULL)
        json_null(json, "parent");
    else
        json_text(json, "parent", incident->parent->id);
    write_tier(json, "tier", incident->tier);
    write_tier(json, "loop", incident->loop);
    json_text(json, "policy", incident->policy_id);
    if (due.step < 0 || incident->parent != NULL) {
        json_null(json, "next");
        return;
    }
    json_object(json, "next");
    json_instant(json, "at", due.at);
    json_text(json, "tier", tier_names[incident->policy->steps[due.step].tier]);
    json_close(json);
}

static void
write_subject(struct engine *engine, const struct incident *incident, struct json_writer *json)
{
    const struct condition *condition = incident->condition;
    const struct compound *compound = incident_compound(engine, incident);

    json_text(json, "building", condition->building);
    json_text(json, "class", incident->class_name);
    json_text(json, "compound", condition->compound);
    json_text(json, "condition", condition_names[condition->state]);
    json_text(json, "part", condition->part);
    json_text(json, "per", per_names[condition->per]);
    json_text(json, "rule", condition->rule_id);
    json_text(json, "side", condition->side == SIDE_INSIDE ? "inside" : "outside");
    json_text(json, "subject", incident_subject(engine, incident));
    json_array(json, "members");
    for (size_t i = 0; i < incident->members.len; i++)
        json_text(json, NULL, incident->members.at[i]);
    json_close(json);
    json_object(json, "units");
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        const struct unit *unit = unit_of(compound, tier);

        if (unit == NULL)
            json_null(json, tier_names[tier]);
        else
            json_text(json, tier_names[tier], unit->id);
    }
    json_close(json);
}

void
incident_json(struct engine *engine, const struct incident *incident, const char *key,
    struct json_writer *json)
{
    json_object(json, key);
    json_text(json, "alert", incident->id);
    json_int(json, "children", (int64_t)incident->children.len);
    json_int(json, "config", incident->config);
    json_int(json, "count", (int64_t)incident->count);
    json_int(json, "epoch", engine->epoch);
    json_bool(json, "flapping", incident->flapping);
    json_text(json, "lane", engine->opt.lane);
    json_bool(json, "late", incident->late);
    json_bool(json, "maintenance", incident->muted);
    json_int(json, "n", (int64_t)incident->n);
    json_instant(json, "opened", incident->opened);
    json_text(json, "severity", severity_names[incident->severity]);
    json_instant(json, "since", incident->since);
    json_text(json, "stage", incident->stage_name);
    json_text(json, "state", case_names[incident->state]);
    json_bool(json, "suspect", incident->suspect);
    json_object(json, "title");
    json_text(json, "en", incident->title_en);
    json_text(json, "zh", incident->title_zh);
    json_close(json);
    write_people(incident, json);
    write_climb(engine, incident, json);
    write_subject(engine, incident, json);
    json_close(json);
}

static void
write_value(struct json_writer *json, const struct fact *fact)
{
    const struct field *field = fact->field;
    const struct field_code *code;

    switch (field->type) {
    case FIELD_BOOL:
        json_bool(json, "value", fact->value.number != 0);
        break;
    case FIELD_TEXT:
        json_view(json, "value", fact->value.text);
        break;
    case FIELD_CODE:
        code = field_code_by_number(field, fact->value.number);
        if (code != NULL)
            json_text(json, "value", code->name);
        else
            json_number(json, "value", fact->value.number);
        break;
    case FIELD_INT:
    case FIELD_REAL:
        json_number(json, "value", fact->value.number);
        json_text(json, "unit", field->measure->name);
        break;
    }
}

struct view
evidence_json(struct engine *engine, const struct condition *condition)
{
    struct fact facts[MAX_EVIDENCE];
    struct json_writer json;
    size_t n = 0;

    if (condition->rule != NULL && condition->subject != NULL)
        n = facts_evidence(engine->facts, condition->rule, condition->subject, facts, MAX_EVIDENCE);
    buf_reset(&engine->text);
    json_begin(&json, &engine->text);
    json_array(&json, NULL);
    for (size_t i = 0; i < n; i++) {
        json_object(&json, NULL);
        json_instant(&json, "at", facts[i].at);
        json_view(&json, "device", facts[i].code);
        json_text(&json, "field", facts[i].field->name);
        json_view(&json, "part", facts[i].part);
        write_value(&json, &facts[i]);
        json_close(&json);
    }
    json_close(&json);
    json_end(&json);
    return arena_copy(&engine->scratch, buf_view(&engine->text));
}

void
event_begin(struct engine *engine, struct incident *incident, const char *verb, struct view who,
    struct view why)
{
    char prev[2 * DIGEST_BYTES + 1];

    engine->n++;
    buf_reset(&engine->event);
    json_begin(&engine->json, &engine->event);
    json_object(&engine->json, NULL);
    if (incident != NULL)
        json_text(&engine->json, "alert", incident->id);
    else
        json_null(&engine->json, "alert");
    json_instant(&engine->json, "at", engine->at);
    json_text(&engine->json, "event", verb);
    json_int(&engine->json, "n", (int64_t)engine->n);
    json_text(&engine->json, "prev", digest_hex(&engine->chain, DIGEST_BYTES, prev));
    json_view(&engine->json, "who", who);
    if (why.len > MAX_WHY_BYTES)
        why.len = MAX_WHY_BYTES;
    json_view(&engine->json, "why", why);
    if (engine->command.len > 0) {
        json_view(&engine->json, "command", engine->command);
        json_view(&engine->json, "sender", engine->sender);
    }
}

/* Where `"hash":...` belongs among the sorted keys of the outermost object: the offset of the
 * first key after it. There is always one: n. */
static size_t
hash_place(struct view text)
{
    int depth = 0;
    bool key_next = false;

    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];

        if (c == '"') {
            if (depth == 1 && key_next && strncmp(&text.ptr[i + 1], "hash", 4) > 0)
                return i;
            key_next = false;
            for (i++; text.ptr[i] != '"'; i++)
                i += text.ptr[i] == '\\';
        } else if (c == '{' || c == '[') {
            depth++;
            key_next = true;
        } else if (c == '}' || c == ']') {
            depth--;
        } else if (c == ',') {
            key_next = true;
        }
    }
    CHECK(false);
    return 0;
}

/* The chain: each hash is over the one before and the event's text without its `hash`. */
void
event_end(struct engine *engine, struct incident *incident)
{
    char hex[2 * DIGEST_BYTES + 1];

    if (incident != NULL) {
        incident->n = engine->n;
        incident_json(engine, incident, "snapshot", &engine->json);
        incident_touch(engine, incident);
    } else {
        json_null(&engine->json, "snapshot");
    }
    json_close(&engine->json);
    json_end(&engine->json);
    /* Everything in it has a limit of its own, far below that of the buffer. */
    CHECK(!engine->event.full);
    const struct view text = buf_view(&engine->event);
    const size_t place = hash_place(text);

    engine->chain = digest_chain(&engine->chain, text);
    buf_reset(&engine->text);
    buf_put(&engine->text, view_bytes(text.ptr, place));
    buf_printf(&engine->text, "\"hash\":\"%s\",", digest_hex(&engine->chain, DIGEST_BYTES, hex));
    buf_put(&engine->text, view_bytes(text.ptr + place, text.len - place));
    engine_effect(engine, EFFECT_EVENT)->body =
        arena_copy(&engine->scratch, buf_view(&engine->text));
}

const char *
incident_topic(struct engine *engine, const struct incident *incident)
{
    const struct compound *compound = incident_compound(engine, incident);

    buf_reset(&engine->text);
    buf_printf(&engine->text, "wallwatch/alert/%s", engine->opt.lane);
    for (int tier = TIER_COUNT - 1; tier >= 0; tier--) {
        const struct unit *unit = unit_of(compound, tier);

        buf_printf(&engine->text, "/%s", unit == NULL ? "-" : unit->id);
    }
    buf_printf(&engine->text, "/%s", incident->id);
    return arena_text(&engine->scratch, buf_view(&engine->text));
}

static void
publish(struct engine *engine, const char *topic, struct view body)
{
    struct effect *effect = engine_effect(engine, EFFECT_PUBLISH);

    effect->topic = view_of(topic);
    effect->body = body;
    effect->retained = true;
}

static void
publish_one(struct engine *engine, struct incident *incident)
{
    const char *topic = incident_topic(engine, incident);
    char *old = incident->topic;
    struct json_writer json;

    buf_reset(&engine->text);
    json_begin(&json, &engine->text);
    incident_json(engine, incident, NULL, &json);
    json_end(&json);
    publish(engine, topic, arena_copy(&engine->scratch, buf_view(&engine->text)));
    engine->effects.at[engine->effects.len - 1].severity = incident->severity;
    if (old != NULL && strcmp(old, topic) == 0)
        return;
    /* The new one first: at no moment is it missing from the board. */
    if (old != NULL)
        publish(engine, arena_text(&engine->scratch, view_of(old)), view_of(""));
    free(old);
    const size_t size = strlen(topic) + 1;

    incident->topic = mem_alloc(size);
    memcpy(incident->topic, topic, size);
}

static int
compare_incidents(const void *a, const void *b)
{
    return strcmp((*(struct incident *const *)a)->id, (*(struct incident *const *)b)->id);
}

void
publish_dirty(struct engine *engine)
{
    engine->at = engine->now;
    if (engine->dirty.len > 1)
        qsort(engine->dirty.at, engine->dirty.len, sizeof(struct incident *), compare_incidents);
    for (size_t i = 0; i < engine->dirty.len; i++) {
        struct incident *incident = engine->dirty.at[i];

        incident->dirty = false;
        if (!case_over(incident->state)) {
            publish_one(engine, incident);
            continue;
        }
        if (incident->topic != NULL)
            publish(engine, arena_text(&engine->scratch, view_of(incident->topic)), view_of(""));
        incident_free(engine, incident);
    }
    engine->dirty.len = 0;
}

struct cJSON *
body_parse(struct view body)
{
    cJSON *object = cJSON_ParseWithLength(body.ptr, body.len);

    if (object != NULL && !cJSON_IsObject(object)) {
        cJSON_Delete(object);
        return NULL;
    }
    return object;
}

struct view
body_text(const struct cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

    return cJSON_IsString(item) ? view_of(item->valuestring) : view_of("");
}

bool
body_bool(const struct cJSON *object, const char *key)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, key));
}

int64_t
body_int(const struct cJSON *object, const char *key, int64_t absent)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

    if (!cJSON_IsNumber(item) || item->valuedouble < -9e15 || item->valuedouble > 9e15)
        return absent;
    return (int64_t)item->valuedouble;
}

bool
body_instant(const struct cJSON *object, const char *key, struct instant *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

    if (cJSON_IsString(item))
        return instant_parse(view_of(item->valuestring), out);
    if (!cJSON_IsNumber(item))
        return false;
    out->us = body_int(object, key, -1);
    return out->us >= 0;
}
