/*
 * Cases of day and night. What is red or orange outside of working hours is told as by day;
 * besides, its compound has an interim record of that night, and when working hours begin again
 * this becomes the formal report: a case of its own, which the workstation is told of and a person
 * settles by filing it. It is there at night already, in its stage `interim`; its policy's first
 * step, on the working clock, makes it formal. So restarts, holidays and make-up days need nothing
 * more.
 */
#include "alerting/engine/state.h"

#include <stdio.h>

#define NIGHT_RULE "night-report"
#define INTERIM "interim"

static const struct policy_step steps[] = {
    {.tier = TIER_STATION, .clock = CLOCK_WORKING},
    {.tier = TIER_SUBDISTRICT,
        .after = {INT64_C(4) * 3600 * 1000000},
        .unless = UNLESS_ACKNOWLEDGED,
        .clock = CLOCK_WORKING},
    {.tier = TIER_DISTRICT,
        .after = {INT64_C(15) * 3600 * 1000000},
        .unless = UNLESS_SETTLED,
        .clock = CLOCK_WORKING},
};
/* policies.yaml may have one of that name instead. */
const struct policy night_policy = {.id = NIGHT_RULE, .steps = steps, .n_steps = ARRAY_LEN(steps)};

bool
night_is_interim(const struct incident *incident)
{
    return strcmp(incident->condition->rule_id, NIGHT_RULE) == 0 &&
           strcmp(incident->stage_name, INTERIM) == 0;
}

static struct incident *
record_new(
    struct engine *engine, const struct compound *compound, struct view key, const char *date)
{
    struct condition *condition = condition_new(engine, view_of(NIGHT_RULE), key);

    condition->state = CONDITION_UNKNOWN; /* nothing but a person can end it */
    condition->since = engine->at;
    condition->per = PER_COMPOUND;
    condition->code = condition->compound = engine_text(engine, view_of(compound->id));
    condition->part = engine_text(engine, view_of(date));
    condition->side = compound->side;
    const struct opening opening = {
        .class_name = "",
        .title_zh = "夜间与节假日事件报告",
        .title_en = "Report of the night",
        .stage_name = INTERIM,
        .policy = NIGHT_RULE,
        .severity = SEVERITY_BLUE,
        .latch = true,
        .verb = "opened",
        .who = view_of("wallwatch"),
        .why = view_of("outside of working hours"),
    };

    return incident_open(engine, condition, &opening);
}

/* One for each compound and morning. */
static struct incident *
record_of(struct engine *engine, const struct compound *compound)
{
    const struct calendar *calendar = &engine->opt.grid->calendar;
    const struct instant morning = calendar_add(calendar, engine->at, SPAN_S(0));
    const struct civil date = zone_civil(&calendar->zone, morning);
    char part[48];

    (void)snprintf(part, sizeof(part), "%04d-%02d-%02d", date.year, date.month, date.day);
    buf_reset(&engine->text);
    buf_printf(&engine->text, "%s/%s", compound->id, part);
    const struct view key = arena_copy(&engine->scratch, buf_view(&engine->text));
    const struct condition *known = condition_find(engine, view_of(NIGHT_RULE), key);

    if (known != NULL && known->incident != NULL)
        return known->incident;
    return record_new(engine, compound, key, part);
}

static bool
has_member(const struct incident *incident, const char *id)
{
    for (size_t i = 0; i < incident->members.len; i++) {
        if (strcmp(incident->members.at[i], id) == 0)
            return true;
    }
    return false;
}

void
night_consider(struct engine *engine, struct incident *incident)
{
    const struct compound *compound = incident_compound(engine, incident);
    struct incident *record;

    if (incident->severity > SEVERITY_ORANGE || incident->muted || compound == NULL ||
        !calendar_is_off(&engine->opt.grid->calendar, engine->at))
        return;
    record = record_of(engine, compound);
    if (has_member(record, incident->id))
        return;
    incident_member(engine, record, view_of(incident->id));
    event_begin(
        engine, incident, INTERIM, view_of("wallwatch"), view_of("outside of working hours"));
    json_text(&engine->json, "report", record->id);
    event_end(engine, NULL);
}

/* The morning: the record as it stands becomes the report. */
void
night_formal(struct engine *engine, struct incident *record)
{
    struct json_writer *json = &engine->json;

    if (!night_is_interim(record))
        return;
    record->stage_name = engine_text(engine, view_of("formal"));
    record->stage_entered = engine->at;
    event_begin(
        engine, record, "formal", view_of("wallwatch"), view_of("working hours have begun"));
    json_array(json, "cases");
    for (size_t i = 0; i < record->members.len; i++) {
        const struct incident *it = incident_find(engine, view_of(record->members.at[i]));

        json_object(json, NULL);
        json_text(json, "alert", record->members.at[i]);
        json_text(json, "state", it == NULL ? "over" : case_names[it->state]);
        if (it != NULL && it->taken.by != NULL)
            json_text(json, "by", it->taken.by);
        if (it != NULL)
            json_int(json, "orders", (int64_t)it->orders.len);
        json_close(json);
    }
    json_close(json);
    event_end(engine, record);
}
