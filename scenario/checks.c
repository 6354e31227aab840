/* What a script may expect, and how far what is differs from it. */
#include "scenario/state.h"

#include <stdio.h>

static const cJSON *
need_case(struct script *script, size_t at)
{
    const cJSON *found =
        world_case(&script->world, script_word(script, at), script_word(script, at + 1));

    if (found == NULL)
        script_complain(script, "there is no such case", "没有这个案件", "");
    return found;
}

static int
number_of(const cJSON *found, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(found, key);

    return cJSON_IsNumber(item) ? item->valueint : 0;
}

static void
check_state(struct script *script)
{
    const cJSON *found = need_case(script, 3);

    if (found == NULL)
        return;
    if (strcmp(world_text(found, "state"), script_word(script, 2)) != 0)
        script_complain(script, "its state is", "其状态为", world_text(found, "state"));
    if (script->n > 5 && strcmp(world_text(found, "severity"), script_word(script, 5)) != 0)
        script_complain(script, "its severity is", "其级别为", world_text(found, "severity"));
}

static void
check_none(struct script *script)
{
    const cJSON *found = world_case(&script->world, script_word(script, 3), script_word(script, 4));

    if (found != NULL)
        script_complain(
            script, "there is a case", "有这个案件, 状态为", world_text(found, "state"));
}

/* expect condition STATE RULE SUBJECT and the like: one text of the picture. */
static void
check_text(struct script *script)
{
    const cJSON *found = need_case(script, 4);

    if (found != NULL &&
        strcmp(world_text(found, script_word(script, 2)), script_word(script, 3)) != 0)
        script_complain(script, "it is", "实际为", world_text(found, script_word(script, 2)));
}

static void
check_flag(struct script *script)
{
    const cJSON *found = need_case(script, 3);

    if (found != NULL &&
        !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(found, script_word(script, 2))))
        script_complain(script, "it is not", "不是", script_word(script, 2));
}

static void
check_count(struct script *script)
{
    const cJSON *found = need_case(script, 3);
    char text[32];

    if (found == NULL)
        return;
    (void)snprintf(text, sizeof(text), "%d", number_of(found, "count"));
    if (strcmp(text, script_word(script, 5)) != 0)
        script_complain(script, "its count is", "其次数为", text);
}

/* expect children RULE SUBJECT N */
static void
check_children(struct script *script)
{
    const cJSON *found = need_case(script, 3);
    char text[32];

    if (found == NULL)
        return;
    (void)snprintf(text, sizeof(text), "%d", number_of(found, "children"));
    if (strcmp(text, script_word(script, 5)) != 0)
        script_complain(script, "its children are", "其子案件数为", text);
}

/* expect folded RULE SUBJECT INTO-RULE|nowhere */
static void
check_folded(struct script *script)
{
    const cJSON *found = need_case(script, 3);
    const char *parent = found == NULL ? "" : world_text(found, "parent");

    if (strcmp(script_word(script, 5), "nowhere") == 0) {
        if (parent[0] != '\0')
            script_complain(script, "it is folded into", "它归并于", parent);
        return;
    }
    const cJSON *into = world_alert(&script->world, parent);

    if (into == NULL || strcmp(world_text(into, "rule"), script_word(script, 5)) != 0)
        script_complain(script, "it is folded into", "它归并于",
            into == NULL ? "nothing" : world_text(into, "rule"));
}

/* expect taken RULE SUBJECT WHO|nobody */
static void
check_taken(struct script *script)
{
    const cJSON *found = need_case(script, 3);
    const cJSON *taken = cJSON_GetObjectItemCaseSensitive(found, "acknowledged");
    const char *by = cJSON_IsObject(taken) ? world_text(taken, "by") : "nobody";

    if (found != NULL && strcmp(by, script_word(script, 5)) != 0)
        script_complain(script, "it is taken by", "接单人为", by);
}

static void
check_members(struct script *script)
{
    const cJSON *found = need_case(script, 3);
    const cJSON *members = cJSON_GetObjectItemCaseSensitive(found, "members"), *member;
    char text[512] = "", want[512] = "";

    cJSON_ArrayForEach(member, members)
    {
        (void)snprintf(
            text + strlen(text), sizeof(text) - strlen(text), " %s", member->valuestring);
    }
    for (size_t i = 5; i < script->n; i++)
        (void)snprintf(want + strlen(want), sizeof(want) - strlen(want), " %s", script->words[i]);
    if (strcmp(text, want) != 0)
        script_complain(script, "its members are", "其成员为", text);
}

/* expect order CENTRE STATE RULE SUBJECT */
static void
check_order(struct script *script)
{
    const cJSON *found = need_case(script, 5);
    const cJSON *orders = cJSON_GetObjectItemCaseSensitive(found, "orders"), *order;
    const char *state = "not there";

    cJSON_ArrayForEach(order, orders)
    {
        if (strcmp(world_text(order, "centre"), script_word(script, 3)) == 0)
            state = world_text(order, "state");
    }
    if (found != NULL && strcmp(state, script_word(script, 4)) != 0)
        script_complain(script, "the order is", "派单状态为", state);
}

static bool
is_telling(const char *event)
{
    return strcmp(event, "told") == 0 || strcmp(event, "climbed") == 0 ||
           strcmp(event, "repeated") == 0;
}

static void
put_telling(const struct seen *seen, char *out, size_t size)
{
    const char *event = world_text(seen->json, "event");
    const double late = cJSON_GetObjectItemCaseSensitive(seen->json, "late_us")->valuedouble;
    char time[32], span[SPAN_TEXT_BYTES] = "";

    if (late > 0)
        span_text(SPAN_US(late), span);
    (void)snprintf(out, size, " %s%s@%s%s%s",
        event[0] == 'c'   ? "^"
        : event[0] == 'r' ? "~"
                          : "",
        world_text(seen->json, "tier"), script_time(seen->at, time), late > 0 ? "+" : "", span);
}

/* expect tells RULE SUBJECT point@0:45 ^station@1:15 ~district@40:00 district@30:00+5m: all of
 * them so far; ^ climbed out of turn, ~ repeated, +SPAN late by. */
static void
check_tells(struct script *script)
{
    const cJSON *found = need_case(script, 3);
    char text[1024] = "", want[1024] = "";

    if (found == NULL)
        return;
    for (size_t i = 0; i < script->world.events.len; i++) {
        const struct seen *seen = &script->world.events.at[i];
        const size_t len = strlen(text);

        if (strcmp(world_text(seen->json, "alert"), world_text(found, "alert")) == 0 &&
            is_telling(world_text(seen->json, "event")))
            put_telling(seen, text + len, sizeof(text) - len);
    }
    for (size_t i = 5; i < script->n; i++)
        (void)snprintf(want + strlen(want), sizeof(want) - strlen(want), " %s", script->words[i]);
    if (strcmp(text, want) != 0)
        script_complain(script, "told were", "已通知", text);
}

/* expect event VERB RULE SUBJECT: at this very time */
static void
check_event(struct script *script)
{
    const struct world *world = &script->world;
    const cJSON *found = script->n > 4 ? need_case(script, 4) : NULL;

    for (size_t i = world->new_events; i < world->events.len; i++) {
        const cJSON *json = world->events.at[i].json;

        if (strcmp(world_text(json, "event"), script_word(script, 3)) == 0 &&
            (found == NULL || strcmp(world_text(json, "alert"), world_text(found, "alert")) == 0))
            return;
    }
    script_complain(script, "no such event now", "此刻没有这个事件", script_word(script, 3));
}

/* expect sent CHANNEL WHO: at this very time; WHO: unit, centre or the address's `to` */
static void
check_sent(struct script *script)
{
    const struct world *world = &script->world;

    for (size_t i = world->new_sends; i < world->sends.len; i++) {
        const struct sent *sent = &world->sends.at[i];

        if (strcmp(sent->channel, script_word(script, 3)) == 0 &&
            (strcmp(sent->recipient, script_word(script, 4)) == 0 ||
                strcmp(sent->to, script_word(script, 4)) == 0))
            return;
    }
    script_complain(
        script, "nothing was sent now over", "此刻没有经此渠道发送", script_word(script, 3));
}

/* Commas are gone from a script's words, so they go from what they are looked for in. */
static void
without_commas(const char *text, char *out, size_t size)
{
    size_t len = 0;

    for (; *text != '\0' && len + 1 < size; text++) {
        const char c = (char)(*text == ',' ? ' ' : *text);

        if (c != ' ' || (len > 0 && out[len - 1] != ' '))
            out[len++] = c;
    }
    out[len] = '\0';
}

/* expect says WHO WORDS: what was sent to him at this very time holds these words, in one of the
 * languages */
static void
check_says(struct script *script)
{
    const struct world *world = &script->world;
    char want[512] = "", said[2048] = "nothing";

    for (size_t i = 4; i < script->n; i++)
        (void)snprintf(want + strlen(want), sizeof(want) - strlen(want), "%s%s", i > 4 ? " " : "",
            script->words[i]);
    for (size_t i = world->new_sends; i < world->sends.len; i++) {
        const struct sent *sent = &world->sends.at[i];

        if (strcmp(sent->recipient, script_word(script, 3)) != 0 &&
            strcmp(sent->to, script_word(script, 3)) != 0)
            continue;
        without_commas(sent->says, said, sizeof(said));
        if (strstr(said, want) != NULL)
            return;
    }
    script_complain(script, "it says", "内容为", said);
}

/* expect why RULE SUBJECT WORDS: of the newest event of that case */
static void
check_why(struct script *script)
{
    const cJSON *found = need_case(script, 3);
    char want[256] = "";
    const char *why = "";

    for (size_t i = 5; i < script->n; i++)
        (void)snprintf(want + strlen(want), sizeof(want) - strlen(want), "%s%s", i > 5 ? " " : "",
            script->words[i]);
    for (size_t i = 0; found != NULL && i < script->world.events.len; i++) {
        const cJSON *json = script->world.events.at[i].json;
        const char *event = world_text(json, "event");

        if (strcmp(world_text(json, "alert"), world_text(found, "alert")) == 0 &&
            !is_telling(event) && strcmp(event, "delivered") != 0 && strcmp(event, "member") != 0)
            why = world_text(json, "why");
    }
    if (strcmp(why, want) != 0)
        script_complain(script, "the reason is", "原因为", why);
}

static void
check_quiet(struct script *script)
{
    const struct world *world = &script->world;

    if (world->sends.len > world->new_sends)
        script_complain(script, "something was sent to", "发送给了",
            world->sends.at[world->new_sends].recipient);
}

static void
check_answer(struct script *script)
{
    const bool ok = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(script->world.answer, "ok"));

    if (ok != (strcmp(script_word(script, 3), "ok") == 0))
        script_complain(script, "the answer is", "答复为",
            world_text(cJSON_GetObjectItemCaseSensitive(script->world.answer, "text"), "en"));
}

static void
check_number(struct script *script)
{
    const struct engine_counts counts = engine_counts(script->world.engine);
    uint64_t n = world_case(&script->world, "", "") != NULL;
    char text[32];

    if (strcmp(script_word(script, 2), "waiting") == 0)
        n = counts.deliveries_waiting;
    else if (strcmp(script_word(script, 2), "shown") == 0)
        n = script->world.shown.len;
    else if (strcmp(script_word(script, 2), "pending") == 0)
        n = counts.pending;
    else if (strcmp(script_word(script, 2), "orders") == 0)
        n = counts.orders_open;
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
    if (strcmp(text, script_word(script, 3)) != 0)
        script_complain(script, "there are", "实际数量为", text);
}

static const struct check {
    const char *name;
    void (*run)(struct script *script);
} checks[] = {
    {"none", check_none}, /* RULE SUBJECT: there never was one */
    {"open", check_state}, {"acknowledged", check_state}, {"resolved", check_state},
    {"verified", check_state}, {"closed", check_state}, {"false-alarm", check_state},
    {"reopened", check_state},                        /* RULE SUBJECT [COLOUR] */
    {"condition", check_text}, {"stage", check_text}, /* VALUE RULE SUBJECT */
    {"loop", check_text}, {"tier", check_text}, {"policy", check_text}, {"late", check_flag},
    {"suspect", check_flag}, {"flapping", check_flag}, /* RULE SUBJECT */
    {"count", check_count},                            /* RULE SUBJECT N */
    {"children", check_children}, {"folded", check_folded}, {"taken", check_taken},
    {"members", check_members}, {"tells", check_tells},
    {"order", check_order},                   /* CENTRE STATE RULE SUBJECT */
    {"event", check_event},                   /* VERB [RULE SUBJECT] */
    {"why", check_why}, {"sent", check_sent}, /* CHANNEL WHO */
    {"says", check_says},                     /* WHO WORDS */
    {"quiet", check_quiet},                   /* nothing is sent */
    {"answer", check_answer},                 /* ok|refused */
    {"waiting", check_number}, {"shown", check_number}, {"pending", check_number},
    {"orders", check_number}, /* N */
};

static void
unknown_check(struct script *script)
{
    char names[600] = "";

    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        const size_t len = strlen(names);

        (void)snprintf(names + len, sizeof(names) - len, "%s%s", i > 0 ? ", " : "", checks[i].name);
    }
    script_stop(script, "what is expected? allowed are", "不认识的 expect, 允许", names);
}

void
script_expect(struct script *script)
{
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        if (strcmp(checks[i].name, script_word(script, 2)) == 0) {
            checks[i].run(script);
            return;
        }
    }
    unknown_check(script);
}
