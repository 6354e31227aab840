/*
 * What people press. A command is obeyed once: the last ones are kept with their answers, and one
 * that comes again gets the same answer. What clears, silences or acknowledges must be fresh;
 * what raises (report, dispatch) is taken at any age. Arguments: docs/interfaces.md.
 */
#include "alerting/engine/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

struct reply {
    bool ok;
    struct incident *incident; /* NULL: none */
    char alert[ID_BYTES];
    const char *state;
    char en[160], zh[160];
};

struct press { /* one command being obeyed */
    struct engine *engine;
    const struct cJSON *in, *body;
    enum command_kind kind;
    struct incident *incident;
    struct view by, why;
    const struct unit *unit; /* the sender's, NULL: all */
    struct instant at;       /* counts from here */
    struct reply *reply;
};

static bool
say(struct press *press, bool ok, const char *en, const char *zh)
{
    press->reply->ok = ok;
    (void)snprintf(press->reply->en, sizeof(press->reply->en), "%s", en);
    (void)snprintf(press->reply->zh, sizeof(press->reply->zh), "%s", zh);
    return ok;
}

static bool
impossible(struct press *press)
{
    char en[160], zh[160];
    const enum case_state state = press->incident->state;

    (void)snprintf(en, sizeof(en), "not possible for a case that is %s", case_titles[state].en);
    (void)snprintf(zh, sizeof(zh), "案件“%s”时不能这样做", case_titles[state].zh);
    return say(press, false, en, zh);
}

/* A note on the case that changes nothing but what people read. */
static void
note(struct press *press, const char *verb, const char *key, struct view value)
{
    event_begin(press->engine, press->incident, verb, press->by, press->why);
    if (key != NULL)
        json_view(&press->engine->json, key, value);
    event_end(press->engine, press->incident);
}

static bool
acknowledge(struct press *press)
{
    struct incident *incident = press->incident;
    struct instant until;

    if (!incident_can(incident, CASE_EV_ACKNOWLEDGE))
        return impossible(press);
    if (!body_instant(press->body, "until", &until))
        until = instant_add(press->at, PROMISE_DEFAULT);
    if (instant_cmp(until, press->engine->at) <= 0)
        return say(press, false, "the promised time has passed", "承诺时间已过");
    if (instant_cmp(until, instant_add(press->engine->at, PROMISE_LONGEST)) > 0)
        return say(press, false, "a promise is at most 72 hours", "承诺时间最长72小时");
    incident->taken.by = engine_text(press->engine, press->by);
    incident->taken.at = press->at;
    incident->taken.until = until;
    incident_step(
        press->engine, incident, CASE_EV_ACKNOWLEDGE, "acknowledged", press->by, press->why);
    return say(press, true, "acknowledged", "已签收");
}

static bool
dispatch(struct press *press)
{
    const struct view centre = body_text(press->body, "centre");

    if (view_is(centre, CENTRE_PROPERTY)) {
        if (order_call(press->engine, press->incident, centre, press->by) == NULL)
            return say(press, false, "it has no property firm", "该小区没有物业公司");
        return say(press, true, "dispatched", "已派单");
    }
    if (centre_find(press->engine->opt.grid, centre) == NULL)
        return say(press, false, "no such centre", "没有这个中心");
    if (order_issue(press->engine, press->incident, centre, press->by) == NULL)
        return say(press, false, "too many orders for this case", "此案件派单过多");
    return say(press, true, "dispatched", "已派单");
}

/* The loop in which it was settled: that of the unit whose people did it, if they said so. */
static void
settled_by(struct press *press)
{
    struct incident *incident = press->incident;

    if (incident->loop < 0)
        incident->loop = press->unit != NULL ? (int)press->unit->tier : incident->tier;
}

static bool
step(struct press *press, enum case_event event, const char *verb, const char *zh)
{
    if (!incident_can(press->incident, event))
        return impossible(press);
    if (night_is_interim(press->incident))
        return say(
            press, false, "the report opens when working hours begin", "报告在上班后才能处理");
    if (event != CASE_EV_RETURN)
        settled_by(press);
    if (event == CASE_EV_SETTLE && press->incident->condition->state == CONDITION_TRUE)
        done_said(press->engine, press->incident, press->by);
    else if (event == CASE_EV_VERIFY)
        press->incident->done.proving = false; /* a person has looked */
    incident_step(press->engine, press->incident, event, verb, press->by, press->why);
    return say(press, true, verb, zh);
}

static bool
extend(struct press *press)
{
    struct incident *incident = press->incident;
    const int64_t by_s = body_int(press->body, "by_s", 0);
    enum tier tier = press->unit != NULL ? press->unit->tier : TIER_DISTRICT;
    enum tier said;

    if (tier_parse(body_text(press->body, "tier"), &said) && said < tier)
        tier = said;
    if ((int)tier <= incident->tier && tier != TIER_DISTRICT)
        return say(press, false, "only a tier above may extend", "只有上一级可以延期");
    if (by_s <= 0 || by_s > INT64_C(30) * 86400)
        return say(press, false, "by_s must be 1 to 2592000", "延期须为1秒至30天");
    if (press->why.len == 0)
        return say(press, false, "a reason is needed", "必须说明理由");
    incident->climb.put_off.us += by_s * 1000000;
    event_begin(press->engine, incident, "extended", press->by, press->why);
    json_int(&press->engine->json, "by_s", by_s);
    json_text(&press->engine->json, "tier", tier_names[tier]);
    event_end(press->engine, incident);
    incident_arm(press->engine, incident);
    return say(press, true, "extended", "已延期");
}

static bool
merge(struct press *press)
{
    struct incident *into = incident_find(press->engine, body_text(press->body, "into"));
    struct incident *from = press->incident;

    if (into == NULL || into == from)
        return say(press, false, "no such open case to merge into", "没有可并入的案件");
    if (into->severity > from->severity)
        return say(press, false, "a graver case is not merged into a lesser one",
            "较重的案件不能并入较轻的案件");
    const struct view subject = view_of(incident_subject(press->engine, from));

    incident_member(press->engine, into, subject);
    incident_step(press->engine, from, CASE_EV_END, "merged", press->by, view_of(into->id));
    return say(press, true, "merged", "已合并");
}

/* The open case with the least id about the same thing; a report joins it. */
static struct incident *
same_subject(struct engine *engine, struct view code, struct view part)
{
    const struct map_entry *entries = map_sorted(&engine->incidents, &engine->scratch);

    for (size_t i = 0; i < engine->incidents.len; i++) {
        struct incident *incident = entries[i].value;

        if (view_is(code, incident->condition->code) && view_is(part, incident->condition->part))
            return incident;
    }
    return NULL;
}

static void
report_new(struct press *press, const struct device *device, struct view code, struct view part)
{
    struct engine *engine = press->engine;
    const struct view title = body_text(press->body, "title");
    const char *words = engine_text(engine, title.len > 0 ? title : view_of("reported"));
    enum severity severity = SEVERITY_YELLOW;
    struct view key;

    (void)severity_parse(body_text(press->body, "severity"), &severity);
    buf_reset(&engine->text);
    buf_put(&engine->text, code);
    buf_char(&engine->text, '/');
    buf_put(&engine->text, part);
    key = arena_copy(&engine->scratch, buf_view(&engine->text));
    struct condition *condition = condition_new(engine, view_of("reported"), key);

    condition->state = CONDITION_UNKNOWN;
    condition->since = engine->at;
    condition->code = engine_text(engine, code);
    condition->part = engine_text(engine, part);
    condition->compound = engine_text(engine, body_text(press->body, "compound"));
    if (device != NULL) {
        condition->compound = engine_text(engine, view_of(device->compound->id));
        condition->building = engine_text(engine, view_of(device->building));
        condition->side = device->side;
    } else {
        condition->per = PER_COMPOUND;
    }
    const struct opening opening = {
        .class_name = device != NULL ? device->class->name
                                     : engine_text(engine, body_text(press->body, "class")),
        .title_zh = words,
        .title_en = words,
        .stage_name = "",
        .policy = "",
        .severity = severity,
        .latch = true, /* nothing but a person can end it */
        .verb = "reported",
        .who = press->by,
        .why = press->why,
    };

    press->incident = incident_open(engine, condition, &opening);
}

/* What a rule would have seen: its title, severity, policy and orders are the case's. */
static bool
report_rule(struct press *press, struct view code, struct view part)
{
    struct engine *engine = press->engine;
    const struct rule *rule = rule_find(engine->opt.rules, body_text(press->body, "rule"));
    const struct device *device = device_find(engine->opt.devices, code);

    if (rule == NULL || device == NULL || rule->class != device->class)
        return say(press, false, "no such rule for this device", "此设备没有这条规则");
    const struct subject *subject = facts_subject(engine->facts, rule->per, code, part);

    if (subject == NULL)
        return say(press, false, "no such part of the device", "设备没有这个部位");
    buf_reset(&engine->text);
    buf_put(&engine->text, code);
    if (part.len > 0)
        buf_char(&engine->text, '/');
    buf_put(&engine->text, part);
    const struct view member = arena_copy(&engine->scratch, buf_view(&engine->text));

    press->incident = condition_report(engine, rule, subject, member, press->by, press->why);
    return say(press, true, "reported", "已立案");
}

static bool
report(struct press *press)
{
    struct engine *engine = press->engine;
    const struct view device_code = body_text(press->body, "device");
    const struct view part = body_text(press->body, "part");
    const struct view compound = body_text(press->body, "compound");
    const struct device *device = device_find(engine->opt.devices, device_code);
    const struct view code = device_code.len > 0 ? device_code : compound;

    if (device_code.len > 0 && device == NULL)
        return say(press, false, "no such device", "没有这个设备");
    if (device == NULL && compound_find(engine->opt.grid, compound) == NULL)
        return say(press, false, "no such compound", "没有这个小区");
    if (part.len > PART_BYTES || body_text(press->body, "title").len > 300)
        return say(press, false, "part or title is too long", "部位或标题过长");
    if (body_text(press->body, "rule").len > 0)
        return report_rule(press, device_code, part);
    press->incident = same_subject(engine, code, part);
    if (press->incident != NULL) {
        note(press, "reported", "title", body_text(press->body, "title"));
        return say(press, true, "joined the open case", "已并入现有案件");
    }
    report_new(press, device, code, part);
    return say(press, true, "reported", "已立案");
}

/* A window in which a device may be held back; what it silences is bounded, named and recorded. */
static bool
maintenance(struct press *press)
{
    struct engine *engine = press->engine;
    const struct view code = body_text(press->body, "device");
    struct instant from, until;

    if (device_find(engine->opt.devices, code) == NULL)
        return say(press, false, "no such device", "没有这个设备");
    if (press->why.len == 0)
        return say(press, false, "a reason is needed", "必须说明理由");
    if (!body_instant(press->body, "from", &from))
        from = press->at;
    if (!body_instant(press->body, "until", &until))
        return say(press, false, "it says not until when", "缺少结束时间");
    if (instant_since(until, from).us > MAINTENANCE_LONGEST.us ||
        instant_since(until, engine->at).us > MAINTENANCE_AHEAD.us)
        return say(press, false, "at most 12 hours, and within 7 days", "最长12小时, 7天之内");
    struct gauge *gauge = gauge_of(engine, code);
    const bool ends = instant_cmp(until, engine->at) <= 0;

    gauge->window.from = from;
    gauge->window.until = until;
    gauge->window.by = engine_text(engine, press->by);
    gauge->window.why =
        engine_text(engine, view_bytes(press->why.ptr,
                                press->why.len > MAX_WHY_BYTES ? MAX_WHY_BYTES : press->why.len));
    event_begin(engine, NULL, "maintenance", press->by, press->why);
    json_view(&engine->json, "device", code);
    json_instant(&engine->json, "from", from);
    json_instant(&engine->json, "until", until);
    event_end(engine, NULL);
    hold_ended(engine); /* the one before may have been longer */
    return say(press, true, ends ? "ended" : "opened", ends ? "已结束检修" : "已开始检修");
}

static bool
obey(struct press *press)
{
    switch (press->kind) {
    case COMMAND_ACKNOWLEDGE:
        return acknowledge(press);
    case COMMAND_DISPATCH:
        return dispatch(press);
    case COMMAND_SETTLE:
        return step(press, CASE_EV_SETTLE, "settled", "已处置");
    case COMMAND_VERIFY:
        return step(press, CASE_EV_VERIFY, "verified", "已核查");
    case COMMAND_FALSE_ALARM:
        return step(press, CASE_EV_FALSE_ALARM, "false-alarm", "已标为误报");
    case COMMAND_COMMENT:
        note(press, "comment", NULL, view_of(""));
        return say(press, true, "noted", "已记录");
    case COMMAND_REPORT:
        return report(press);
    case COMMAND_RETURN:
        return step(press, CASE_EV_RETURN, "returned", "已退回");
    case COMMAND_EXTEND:
        return extend(press);
    case COMMAND_MERGE:
        return merge(press);
    case COMMAND_MAINTENANCE:
        return maintenance(press);
    case COMMAND_KINDS:
        break;
    }
    return false;
}

/* A command counts at its signed time if the lane was down then, else from now. */
static bool
fresh(struct press *press)
{
    const struct instant now = press->engine->at;
    struct instant signed_at, down_until;
    const bool down = body_instant(press->in, "down_until", &down_until);

    press->at = now;
    if (press->kind == COMMAND_REPORT || press->kind == COMMAND_DISPATCH)
        return true;
    if (!body_instant(press->in, "at", &signed_at))
        return say(press, false, "it says not when it was signed", "缺少签名时间");
    if (instant_since(signed_at, now).us > COMMAND_FRESH.us)
        return say(press, false, "it is signed in the future", "签名时间在未来");
    if (down && instant_cmp(signed_at, down_until) <= 0) {
        press->at = signed_at;
        return true;
    }
    return instant_since(now, signed_at).us <= COMMAND_FRESH.us ||
           say(press, false, "it is older than 5 minutes", "指令已超过5分钟");
}

/* A sender who speaks for one unit may touch what stands in its subtree. */
static bool
may_touch(struct press *press)
{
    const struct view unit = body_text(press->in, "unit");
    struct view compound_id = body_text(press->body, "compound");

    if (unit.len == 0)
        return true;
    press->unit = unit_find(press->engine->opt.grid, unit);
    if (press->incident != NULL)
        compound_id = view_of(press->incident->condition->compound);
    const struct device *device =
        device_find(press->engine->opt.devices, body_text(press->body, "device"));

    if (press->incident == NULL && device != NULL)
        compound_id = view_of(device->compound->id);
    const struct compound *compound = compound_find(press->engine->opt.grid, compound_id);

    for (int tier = 0; compound != NULL && press->unit != NULL && tier < TIER_COUNT; tier++) {
        if (compound->units[tier] == press->unit)
            return true;
    }
    return say(press, false, "outside the sender's unit", "不在发送者的辖区内");
}

static bool
run(struct press *press)
{
    const struct view alert = body_text(press->body, "alert");

    if (!command_parse(body_text(press->body, "command"), &press->kind))
        return say(press, false, "no such command", "没有这个指令");
    press->by = body_text(press->body, "by");
    if (press->by.len == 0 || press->by.len > 128)
        press->by = body_text(press->in, "sender");
    press->why = body_text(press->body, "reason");
    if (press->kind != COMMAND_REPORT && press->kind != COMMAND_MAINTENANCE) {
        press->incident = incident_find(press->engine, alert);
        if (press->incident == NULL)
            return say(press, false, "no such open case", "没有这个未结案件");
    }
    if (!fresh(press) || !may_touch(press))
        return false;
    return obey(press);
}

/* Refused commands are events too, without a snapshot: nothing has changed. */
static void
record_refusal(struct press *press)
{
    event_begin(
        press->engine, press->incident, "command-refused", press->by, view_of(press->reply->en));
    json_view(&press->engine->json, "pressed", body_text(press->body, "command"));
    event_end(press->engine, NULL);
}

static struct view
reply_json(struct engine *engine, const struct reply *reply, struct view id)
{
    struct json_writer json;

    buf_reset(&engine->text);
    json_begin(&json, &engine->text);
    json_object(&json, NULL);
    if (reply->alert[0] != '\0')
        json_text(&json, "alert", reply->alert);
    else
        json_null(&json, "alert");
    json_view(&json, "id", id);
    json_bool(&json, "ok", reply->ok);
    if (reply->state != NULL)
        json_text(&json, "state", reply->state);
    else
        json_null(&json, "state");
    json_object(&json, "text");
    json_text(&json, "en", reply->en);
    json_text(&json, "zh", reply->zh);
    json_close(&json);
    json_close(&json);
    json_end(&json);
    return arena_copy(&engine->scratch, buf_view(&engine->text));
}

static char *
copy(struct view bytes)
{
    char *out = mem_alloc(bytes.len + 1);

    memcpy(out, bytes.ptr, bytes.len);
    out[bytes.len] = '\0';
    return out;
}

void
answered_keep(struct engine *engine, struct view key, struct view topic, struct view body)
{
    struct answered **slot = &engine->answers[engine->next_answer];

    if (*slot != NULL) {
        map_del(&engine->answered, view_bytes((*slot)->key, (*slot)->key_len));
        free((*slot)->key);
        free((*slot)->topic);
        free((*slot)->body);
        free(*slot);
    }
    *slot = mem_zalloc(1, sizeof(**slot));
    (*slot)->key = copy(key);
    (*slot)->key_len = key.len;
    (*slot)->topic = copy(topic);
    (*slot)->body = copy(body);
    map_put(&engine->answered, key, *slot);
    engine->next_answer = (engine->next_answer + 1) % ANSWERED_RING;
}

static void
answer(struct engine *engine, struct view topic, struct view body)
{
    struct effect *effect = engine_effect(engine, EFFECT_ANSWER);

    effect->topic = arena_copy(&engine->scratch, topic);
    effect->body = arena_copy(&engine->scratch, body);
}

/* One level of a topic: what would make it another topic becomes '_'. */
static void
put_level(struct buf *out, struct view level)
{
    for (size_t i = 0; i < level.len; i++) {
        const char c = level.ptr[i];

        if ((unsigned char)c > ' ' && c != '/' && c != '+' && c != '#')
            buf_char(out, c);
        else
            buf_char(out, '_');
    }
}

static void
take(struct engine *engine, const struct cJSON *in, const struct cJSON *body)
{
    const struct view id = body_text(in, "id"), sender = body_text(in, "sender");
    struct reply reply = {0};
    struct press press = {.engine = engine, .in = in, .body = body, .reply = &reply};

    if (id.len == 0 || id.len > 128 || sender.len > 128)
        return; /* the lane lets no such envelope in */
    buf_reset(&engine->text);
    buf_put(&engine->text, sender);
    buf_char(&engine->text, '\0');
    buf_put(&engine->text, id);
    const struct view key = arena_copy(&engine->scratch, buf_view(&engine->text));
    const struct answered *known = map_get(&engine->answered, key);

    if (known != NULL) {
        answer(engine, view_of(known->topic), view_of(known->body));
        return;
    }
    engine->command = id;
    engine->sender = sender;
    if (!run(&press))
        record_refusal(&press);
    engine->command = engine->sender = view_of("");
    if (press.incident != NULL) {
        memcpy(reply.alert, press.incident->id, sizeof(reply.alert));
        reply.state = case_names[press.incident->state];
    }
    const struct view text = reply_json(engine, &reply, id);

    buf_reset(&engine->text);
    buf_text(&engine->text, "wallwatch/answer/");
    put_level(&engine->text, sender);
    buf_char(&engine->text, '/');
    put_level(&engine->text, id);
    const struct view topic = arena_copy(&engine->scratch, buf_view(&engine->text));

    answer(engine, topic, text);
    answered_keep(engine, key, topic, text);
}

void
command_take(struct engine *engine, const struct input *in)
{
    struct cJSON *outer = body_parse(in->body);

    if (outer == NULL)
        return;
    const cJSON *body = cJSON_GetObjectItemCaseSensitive(outer, "body");

    if (cJSON_IsObject(body))
        take(engine, outer, body);
    cJSON_Delete(outer);
}
