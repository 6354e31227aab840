/* The timeline of a what-if: as lines on a terminal, and as JSON. */
#include "service/whatif.h"

#include "base/json.h"

#include <string.h>

#include <cjson/cJSON.h>

static const struct {
    const char *event;
    struct words words;
} verbs[] = {
    {"reported", {"发生", "it happens"}},
    {"told", {"通知", "told"}},
    {"repeated", {"再次通知", "told again"}},
    {"climbed", {"提前升级", "climbs early"}},
    {"stage", {"进入下一阶段", "next stage"}},
    {"order", {"派单", "order"}},
    {"unanswered", {"派单无人应答", "order unanswered"}},
    {"overdue", {"逾期未接收", "not received in time"}},
    {"failed", {"未送达, 将重试", "no answer, will be tried again"}},
    {"never", {"无法送达", "cannot be delivered"}},
};

static const char *
text_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

    return cJSON_IsString(item) ? item->valuestring : "";
}

static const char *
in(struct words words, enum lang lang)
{
    return lang == LANG_ZH ? words.zh : words.en;
}

static const char *
verb_of(const char *event, enum lang lang)
{
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (strcmp(verbs[i].event, event) == 0)
            return in(verbs[i].words, lang);
    }
    return event;
}

static void
put_person(const struct grid *grid, struct view id, enum lang lang, struct buf *out)
{
    const struct person *person = person_find(grid, id);

    if (person != NULL)
        buf_printf(out, "%s (%s)", in(person->name, lang), person->id);
    else
        buf_printf(out, "%.*s", VIEW_ARG(id));
}

static void
put_recipient(const struct grid *grid, const cJSON *to, enum lang lang, struct buf *out)
{
    const struct unit *unit = unit_find(grid, view_of(text_of(to, "unit")));
    const struct centre *centre = centre_find(grid, view_of(text_of(to, "centre")));
    const char *officer = text_of(to, "officer");
    const char *deputy = text_of(to, "deputy");

    buf_text(out, "         │            ");
    if (unit != NULL)
        buf_printf(out, "%s %s", in(tier_titles[unit->tier], lang), in(unit->name, lang));
    else if (centre != NULL)
        buf_text(out, in(centre->name, lang));
    if (officer[0] != '\0') {
        buf_text(out, lang == LANG_ZH ? ", 值班 " : ", on duty ");
        put_person(grid, view_of(officer), lang, out);
    }
    if (deputy[0] != '\0') {
        buf_text(out, lang == LANG_ZH ? ", 副班 " : ", deputy ");
        put_person(grid, view_of(deputy), lang, out);
    }
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(to, "hole")))
        buf_text(
            out, lang == LANG_ZH ? ", 无人值班, 转上一级" : ", nobody on duty: the tier above");
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(to, "fell_through")))
        buf_text(out, lang == LANG_ZH ? ", 缺少下级, 转至此" : ", in place of a tier below");
    buf_char(out, '\n');
}

static void
put_event(
    const struct whatif_ask *ask, const struct whatif_row *row, enum lang lang, struct buf *out)
{
    const struct grid *grid = &ask->config->grid;
    const struct civil c = zone_civil(&grid->calendar.zone, row->at);
    const char *tier = text_of(row->event, "tier");
    const char *event = text_of(row->event, "event");
    const cJSON *to;
    enum tier named;
    char after[SPAN_TEXT_BYTES];

    span_text(instant_since(row->at, ask->at), after);
    buf_printf(
        out, "%02d:%02d:%02d ●─ +%-8s %s", c.hour, c.minute, c.second, after, verb_of(event, lang));
    if (tier_parse(view_of(tier), &named))
        buf_printf(out, ": %s", in(tier_loops[named], lang));
    if (text_of(row->event, "centre")[0] != '\0')
        buf_printf(out, ": %s", text_of(row->event, "centre"));
    buf_char(out, '\n');
    cJSON_ArrayForEach(to, cJSON_GetObjectItemCaseSensitive(row->event, "to"))
        put_recipient(grid, to, lang, out);
}

/* What a reader does not act on: deliveries that went well, members. */
static bool
is_shown(const struct whatif_row *row)
{
    const char *event = row->event == NULL ? "" : text_of(row->event, "event");

    return row->event == NULL || (strcmp(event, "delivered") != 0 && strcmp(event, "member") != 0);
}

static void
put_attempt(
    const struct whatif_ask *ask, const struct whatif_row *row, enum lang lang, struct buf *out)
{
    buf_printf(out, "         │              → %s%s%s %s ", row->channel,
        row->to[0] != '\0' ? " " : "", row->to,
        row->order ? (lang == LANG_ZH ? "派单给" : "order to") : (lang == LANG_ZH ? "至" : "to"));
    if (row->people[0] != '\0' && strchr(row->people, ' ') == NULL)
        put_person(&ask->config->grid, view_of(row->people), lang, out);
    else
        buf_text(out, row->recipient);
    buf_char(out, '\n');
}

void
whatif_text(
    const struct whatif_ask *ask, const struct whatif *whatif, enum lang lang, struct buf *out)
{
    const struct compound *compound = ask->device->compound;
    const struct civil c = zone_civil(&ask->config->grid.calendar.zone, ask->at);
    char span[SPAN_TEXT_BYTES];

    buf_printf(out, "%04d-%02d-%02d %s  %s  %s (%s), %s\n", c.year, c.month, c.day,
        in(weekday_titles[c.weekday], lang), in(ask->rule->title, lang), ask->device->code,
        compound->id, in(compound->name, lang));
    if (!calendar_is_open(&ask->config->grid.calendar, ask->at))
        buf_text(out, lang == LANG_ZH ? "非工作时间\n" : "outside working hours\n");
    for (size_t i = 0; i < whatif->len; i++) {
        if (!is_shown(&whatif->at[i]))
            continue;
        if (whatif->at[i].event != NULL)
            put_event(ask, &whatif->at[i], lang, out);
        else
            put_attempt(ask, &whatif->at[i], lang, out);
    }
    if (whatif->more) {
        buf_text(out, lang == LANG_ZH ? "         ▼  如此重复, 直到有人签收\n"
                                      : "         ▼  and so on, until somebody takes it\n");
    } else {
        buf_printf(out,
            lang == LANG_ZH ? "         ■  %s 内不再有通知\n"
                            : "         ■  nothing more within %s\n",
            span_text(ask->span, span));
    }
}

static void
json_row(const struct whatif_ask *ask, const struct whatif_row *row, struct json_writer *json)
{
    json_object(json, NULL);
    json_int(json, "after_s", instant_since(row->at, ask->at).us / 1000000);
    json_instant(json, "at", row->at);
    if (row->event == NULL) {
        json_text(json, "channel", row->channel);
        json_text(json, "event", "sent");
        json_bool(json, "order", row->order);
        json_text(json, "people", row->people);
        json_text(json, "recipient", row->recipient);
        json_text(json, "to", row->to);
    } else {
        const cJSON *to = cJSON_GetObjectItemCaseSensitive(row->event, "to");
        char *text = cJSON_IsArray(to) ? cJSON_PrintUnformatted(to) : NULL;

        json_text(json, "event", text_of(row->event, "event"));
        json_text(json, "tier", text_of(row->event, "tier"));
        if (text != NULL)
            json_raw(json, "to", view_of(text));
        json_text(json, "why", text_of(row->event, "why"));
        cJSON_free(text);
    }
    json_close(json);
}

void
whatif_json(const struct whatif_ask *ask, const struct whatif *whatif, struct buf *out)
{
    struct json_writer json;

    json_begin(&json, out);
    json_object(&json, NULL);
    json_instant(&json, "at", ask->at);
    json_text(&json, "device", ask->device->code);
    json_bool(&json, "more", whatif->more);
    json_text(&json, "rule", ask->rule->id);
    json_array(&json, "timeline");
    for (size_t i = 0; i < whatif->len; i++)
        json_row(ask, &whatif->at[i], &json);
    json_close(&json);
    json_close(&json);
    json_end(&json);
}
