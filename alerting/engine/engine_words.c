/*
 * A notice as one sentence after the other, in two languages, for whoever reads it on a telephone:
 * what and how grave, where, why we think so, what the device has been through, and what is odd
 * about it.
 */
#include "alerting/engine/state.h"

#include <inttypes.h>

#include <cjson/cJSON.h>

#define WORDS_BYTES 4096
#define TOLD_EVIDENCE 4

enum tongue { ZH, EN };

static const char *
pick(enum tongue tongue, const char *zh, const char *en)
{
    return tongue == ZH ? zh : en;
}

static void
put(struct buf *out, enum tongue tongue, const char *zh, const char *en)
{
    buf_text(out, pick(tongue, zh, en));
}

static const char *
name_in(enum tongue tongue, const struct words *words)
{
    return pick(tongue, words->zh, words->en);
}

static void
put_where(const struct engine *engine, const struct incident *incident, enum tongue tongue,
    struct buf *out)
{
    const struct condition *condition = incident->condition;
    const struct compound *compound = incident_compound(engine, incident);
    const struct device *device = device_find(engine->opt.devices, view_of(condition->code));

    if (compound != NULL)
        buf_text(out, name_in(tongue, &compound->name));
    if (condition->building[0] != '\0' && compound != NULL)
        buf_printf(out, " %s", condition->building);
    if (condition->code[0] != '\0' && strcmp(condition->code, condition->compound) != 0)
        buf_printf(out, " %s", condition->code);
    if (condition->part[0] != '\0')
        buf_printf(out, "/%s", condition->part);
    if (device != NULL && device->name[0] != '\0')
        buf_printf(out, " (%s)", device->name);
}

static void
put_value(const cJSON *fact, const struct field *field, enum tongue tongue, struct buf *out)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(fact, "value");
    const struct view unit = body_text(fact, "unit");

    if (cJSON_IsBool(value)) {
        put(out, tongue, cJSON_IsTrue(value) ? "是" : "否", cJSON_IsTrue(value) ? "yes" : "no");
    } else if (cJSON_IsNumber(value)) {
        buf_printf(out, "%.6g", value->valuedouble);
        if (unit.len > 0)
            buf_printf(out, " %.*s", VIEW_ARG(unit));
    } else if (cJSON_IsString(value)) {
        const struct field_code *code = field->type == FIELD_CODE
                                            ? field_code_by_name(field, view_of(value->valuestring))
                                            : NULL;

        buf_text(out, code == NULL ? value->valuestring : name_in(tongue, &code->title));
    }
}

/* The newest readings that it was opened on. */
static void
put_evidence(const struct engine *engine, const struct incident *incident, enum tongue tongue,
    struct buf *out)
{
    const struct class *class = class_find(&engine->opt.classes, view_of(incident->class_name));
    cJSON *evidence = cJSON_Parse(incident->evidence), *fact;
    const int len = cJSON_GetArraySize(evidence);
    bool first = true;
    int at = 0;

    cJSON_ArrayForEach(fact, evidence)
    {
        const int field = class == NULL || at++ < len - TOLD_EVIDENCE
                              ? -1
                              : field_find(class, body_text(fact, "field"));

        if (field < 0)
            continue;
        put(out, tongue, first ? "。" : "，", first ? ". " : ", ");
        buf_printf(out, "%s ", name_in(tongue, &class->fields[field].title));
        put_value(fact, &class->fields[field], tongue, out);
        first = false;
    }
    cJSON_Delete(evidence);
}

/* "third fault of this kind in seven days, last repair two days ago" */
static void
put_history(
    struct engine *engine, const struct incident *incident, enum tongue tongue, struct buf *out)
{
    static const char *const nth[] = {
        "", "", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"};
    const struct past *past = past_of(engine, incident);
    const size_t n = past_same_week(past, incident);

    _Static_assert(ARRAY_LEN(nth) == PAST_FAULTS + 1, "a word for each");
    if (n > 1 && tongue == ZH)
        buf_printf(out, "。7天内第%zu次同类故障", n);
    else if (n > 1)
        buf_printf(out, ". The %s fault of this kind in 7 days", nth[n]);
    if (past == NULL || past->repair.by == NULL)
        return;
    const struct centre *centre = centre_find(engine->opt.grid, view_of(past->repair.by));
    const char *by = centre == NULL ? past->repair.by : name_in(tongue, &centre->name);
    const struct zone *zone = &engine->opt.grid->calendar.zone;
    const int64_t days = zone_day(zone, engine->at) - zone_day(zone, past->repair.at);

    if (days < 1)
        put(out, tongue, "。今天已维修过", ". Last repair today");
    else if (tongue == ZH)
        buf_printf(out, "。上次维修%" PRId64 "天前", days);
    else
        buf_printf(out, ". Last repair %" PRId64 " day%s ago", days, days == 1 ? "" : "s");
    buf_printf(out, " (%s)", by);
}

static void
put_clock(const struct engine *engine, struct instant at, struct buf *out)
{
    const struct civil civil = zone_civil(&engine->opt.grid->calendar.zone, at);

    buf_printf(out, "%02d:%02d", civil.hour, civil.minute);
}

static void
put_oddities(const struct engine *engine, const struct incident *incident,
    const struct parcel_label *label, enum tongue tongue, struct buf *out)
{
    if (incident->state == CASE_REOPENED && incident->done.by != NULL &&
        incident->done.seen.us != 0) {
        put(out, tongue, "。", ". ");
        buf_text(out, incident->done.by);
        put(out, tongue, " 报称 ", " said at ");
        put_clock(engine, incident->done.at, out);
        put(out, tongue, " 已修复，", " that it is done; the fault was seen again at ");
        put_clock(engine, incident->done.seen, out);
        put(out, tongue, " 故障仍在", "");
    }
    if (incident->suspect)
        put(out, tongue, "。消息存疑", ". The message is suspect");
    if (label->fell_through)
        put(out, tongue, "。下级无人值守，转到此处",
            ". Nobody is there on the tier below, so it comes here");
    if (label->late.us > 0)
        put(out, tongue, "。此通知因系统停机而迟到", ". This comes late: Wallwatch was down");
    if (incident->muted)
        put(out, tongue, "。设备检修中", ". The device is under maintenance");
}

static void
put_words(struct engine *engine, const struct incident *incident, const struct parcel_label *label,
    enum tongue tongue, struct buf *out)
{
    put(out, tongue, "【", "[");
    buf_text(out, name_in(tongue, &severity_titles[incident->severity]));
    put(out, tongue, "】", "] ");
    put(out, tongue, incident->title_zh, incident->title_en);
    put(out, tongue, "：", ": ");
    put_where(engine, incident, tongue, out);
    put_evidence(engine, incident, tongue, out);
    put_history(engine, incident, tongue, out);
    put_oddities(engine, incident, label, tongue, out);
    put(out, tongue, "。", ".");
}

void
words_json(struct engine *engine, const struct incident *incident, const struct parcel_label *label,
    struct json_writer *json)
{
    struct buf words;

    buf_init(&words, WORDS_BYTES);
    json_object(json, "text");
    put_words(engine, incident, label, ZH, &words);
    json_view(json, "zh", buf_view(&words));
    buf_reset(&words);
    put_words(engine, incident, label, EN, &words);
    json_view(json, "en", buf_view(&words));
    json_close(json);
    buf_fini(&words);
}
