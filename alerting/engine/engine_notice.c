/*
 * What a notice and an order carry besides the case: everything that a crew needs on its way. Names
 * of places and devices go out, names and numbers of people never do: those are put in by the
 * channel.
 */
#include "alerting/engine/state.h"

#define TOLD_FAULTS 5 /* earlier ones that are listed */

static void
write_words(struct json_writer *json, const char *key, const char *text)
{
    const char *word = text;

    json_array(json, key);
    while (*word != '\0') {
        const size_t len = strcspn(word, " ");

        json_view(json, NULL, view_bytes(word, len));
        word += len + (word[len] == ' ');
    }
    json_close(json);
}

static void
write_within(struct json_writer *json, const struct centre *centre)
{
    json_object(json, "within");
    json_int(json, "receive_s", centre == NULL ? 0 : centre->receive_within.us / 1000000);
    json_int(json, "accept_s", centre == NULL ? 0 : centre->accept_within.us / 1000000);
    json_int(json, "arrive_s", centre == NULL ? 0 : centre->arrive_within.us / 1000000);
    json_int(json, "finish_s", centre == NULL ? 0 : centre->finish_within.us / 1000000);
    json_close(json);
}

static void
write_name(struct json_writer *json, const char *key, const char *id, const struct words *name)
{
    json_object(json, key);
    json_text(json, "id", id);
    json_text(json, "en", name->en);
    json_text(json, "zh", name->zh);
    json_close(json);
}

/* From the district to the door. */
static void
write_where(const struct engine *engine, const struct incident *incident, struct json_writer *json)
{
    const struct condition *condition = incident->condition;
    const struct compound *compound = incident_compound(engine, incident);
    const struct device *device = device_find(engine->opt.devices,
        view_of(condition->anchor_code[0] != '\0' ? condition->anchor_code : condition->code));

    json_object(json, "where");
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        if (compound != NULL && compound->units[tier] != NULL)
            write_name(
                json, tier_names[tier], compound->units[tier]->id, &compound->units[tier]->name);
    }
    if (compound != NULL)
        write_name(json, "compound", compound->id, &compound->name);
    json_text(json, "building",
        condition->building[0] != '\0' || device == NULL ? condition->building : device->building);
    json_text(json, "zone", device == NULL ? "" : device->zone);
    json_text(json, "device", device == NULL ? condition->code : device->code);
    json_text(json, "device_name", device == NULL ? "" : device->name);
    json_text(json, "part", condition->part);
    json_close(json);
}

static void
write_fault(const struct past_fault *fault, struct json_writer *json)
{
    json_object(json, NULL);
    json_instant(json, "at", fault->at);
    json_text(json, "rule", fault->rule_id);
    json_object(json, "title");
    json_text(json, "en", fault->title_en);
    json_text(json, "zh", fault->title_zh);
    json_close(json);
    json_close(json);
}

static void
write_history(struct engine *engine, const struct incident *incident, struct json_writer *json)
{
    const struct past *past = past_of(engine, incident);
    size_t told = 0;

    json_object(json, "history");
    json_array(json, "faults");
    for (size_t i = 0; past != NULL && i < past->n_faults && told < TOLD_FAULTS; i++) {
        if (instant_cmp(past->faults[i].at, incident->opened) >= 0)
            continue; /* itself, or begun since */
        write_fault(&past->faults[i], json);
        told++;
    }
    json_close(json);
    if (past == NULL || past->repair.by == NULL) {
        json_null(json, "repair");
    } else {
        json_object(json, "repair");
        json_instant(json, "at", past->repair.at);
        json_text(json, "by", past->repair.by);
        json_close(json);
    }
    json_int(json, "same_week", (int64_t)past_same_week(past, incident));
    json_close(json);
}

struct view
notice_body(struct engine *engine, const struct incident *incident, const struct parcel *parcel)
{
    const struct parcel_label *label = &parcel->label;
    struct json_writer json;

    buf_reset(&engine->text);
    json_begin(&json, &engine->text);
    json_object(&json, NULL);
    incident_json(engine, incident, "alert", &json);
    json_raw(&json, "basis", view_of(incident->basis));
    json_raw(&json, "evidence", view_of(incident->evidence));
    write_where(engine, incident, &json);
    write_history(engine, incident, &json);
    words_json(engine, incident, label, &json);
    if (label->kind == PARCEL_ORDER) {
        json_text(&json, "centre", label->recipient);
        json_text(&json, "order", label->id);
        write_within(&json, centre_find(engine->opt.grid, view_of(label->recipient)));
    } else {
        json_instant(&json, "due", label->due);
        json_bool(&json, "fell_through", label->fell_through);
        json_int(&json, "late_us", label->late.us);
        json_text(&json, "notice", label->id);
        json_bool(&json, "repeat", label->repeat);
        json_int(&json, "step", label->step);
        json_text(&json, "tier", tier_names[label->tier]);
        write_words(&json, "to", label->officers);
        json_text(&json, "unit", label->recipient);
    }
    json_close(&json);
    json_end(&json);
    return arena_copy(&engine->scratch, buf_view(&engine->text));
}
