/*
 * The way of one record: topic -> class and profile -> strict check -> tree -> one reading a part,
 * with a reject for each thing that was wrong.
 */
#include "ingest/normalise/normalise.h"

#include "base/buf.h"
#include "base/digest.h"
#include "base/json.h"
#include "ingest/normalise/decode.h"

#include <math.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#define STATUS_WORD_BYTES 32

/* A number as text that tells it from its neighbours; false above 2^53, where it would not. */
static bool
identity_text(const struct cJSON *item, char room[SCALAR_BYTES], struct view *out)
{
    if (item == NULL)
        return false;
    if (cJSON_IsNumber(item) &&
        (item->valuedouble >= 9007199254740992.0 || item->valuedouble <= -9007199254740992.0))
        return false;
    return scalar_text(item, room, out) && out->len > 0 && out->len <= NORMALISE_ID_BYTES;
}

static bool
whole_number(const struct cJSON *item, int64_t *out)
{
    if (!cJSON_IsNumber(item) || item->valuedouble != floor(item->valuedouble))
        return false;
    *out = (int64_t)item->valuedouble; /* identity_text has seen that it is below 2^53 */
    return true;
}

/* Of device, stream, boot (or else the device's time) and sequence. With a sequence alone there is
 * none: after a reboot it starts again, and a true alarm would pass for a repetition. */
static void
read_identity(struct decoding *d)
{
    const struct profile *p = d->profile;
    char room[2][SCALAR_BYTES];
    struct view sequence;
    struct view since;
    struct buf text;
    char kind = 'b';

    if (p->sequence == NULL || !identity_text(path_find(d->root, p->sequence), room[0], &sequence))
        return;
    if (p->boot == NULL || !identity_text(path_find(d->root, p->boot), room[1], &since)) {
        size_t i = 0;

        kind = 't';
        while (i < p->n_times && d->root_times[i] == NULL)
            i++;
        if (i == p->n_times || !identity_text(d->root_times[i], room[1], &since))
            return;
    }
    buf_init(&text, (size_t)4 * NORMALISE_ID_BYTES + NORMALISE_MAX_PAYLOAD);
    buf_put(&text, d->out->code);
    buf_char(&text, '\0');
    buf_put(&text, short_view(d->names.stream, NORMALISE_ID_BYTES));
    buf_char(&text, '\0');
    buf_char(&text, kind);
    buf_put(&text, since);
    buf_char(&text, '\0');
    buf_put(&text, sequence);
    d->out->identity = digest_key(buf_view(&text));
    d->out->sequenced = kind == 'b' && whole_number(path_find(d->root, p->boot), &d->out->boot) &&
                        whole_number(path_find(d->root, p->sequence), &d->out->sequence);
    buf_fini(&text);
}

static const struct cJSON *
find_in_root(const struct decoding *d, const char *path)
{
    return path == NULL ? NULL : path_find(d->root, path);
}

static void
read_record(struct decoding *d)
{
    const struct profile *p = d->profile;
    const struct cJSON *named = find_in_root(d, p->device);
    const struct cJSON *id = find_in_root(d, p->receipt);
    char room[SCALAR_BYTES];
    struct view text;

    CHECK(d->class->n_fields <= CLASS_MAX_FIELDS);
    d->root_fields = ARENA_ARRAY(d->arena, p->n_fields, const struct cJSON *);
    for (size_t i = 0; i < p->n_fields; i++)
        d->root_fields[i] = find_in_root(d, p->fields[i].path);
    d->root_times = ARENA_ARRAY(d->arena, p->n_times, const struct cJSON *);
    for (size_t i = 0; i < p->n_times; i++)
        d->root_times[i] = find_in_root(d, p->times[i].path);
    d->root_tests = ARENA_ARRAY(d->arena, p->n_tests, const struct cJSON *);
    for (size_t i = 0; i < p->n_tests; i++)
        d->root_tests[i] = find_in_root(d, p->tests[i].path);
    d->root_part = find_in_root(d, p->part);
    if (d->msg->retained)
        d->suspect |= SUSPECT_RETAINED;
    if (named != NULL && (!scalar_text(named, room, &text) || !view_eq(text, d->out->code)))
        d->suspect |= SUSPECT_IDENTITY;
    read_parts(d);
    read_identity(d);
    if (d->out->n_readings == 0 && d->out->n_rejects > 0)
        return; /* not taken, so it is not answered for */
    if (identity_text(id, room, &text)) {
        d->out->wants_receipt = true;
        d->out->receipt = arena_copy(d->arena, text);
    }
}

/*
 * What devices and wills put on a status topic is often no JSON object but a word or a scalar:
 * "online", offline, 1. That is read as {"online": it}.
 */
static struct view
status_text(struct decoding *d)
{
    const struct view payload = d->msg->payload;
    char room[STATUS_WORD_BYTES + 3];
    size_t len = 0;
    size_t at = 0;

    if (!view_is(d->names.stream, "status") || payload.len == 0 || payload.len > STATUS_WORD_BYTES)
        return payload;
    for (size_t i = 0; i < payload.len; i++) {
        const char c = payload.ptr[i];

        if (c != '"')
            room[len++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    struct view value = {room, len};

    if (view_is(value, "online"))
        value = view_of("true");
    else if (view_is(value, "offline"))
        value = view_of("false");
    else if (payload.ptr[0] == '{' || json_check(payload, STATUS_WORD_BYTES, &at) != JSON_FINE)
        return payload;
    else
        value = payload;
    char *text = arena_alloc(d->arena, value.len + 16);

    len = (size_t)snprintf(text, value.len + 16, "{\"online\":%.*s}", VIEW_ARG(value));
    return (struct view){text, len};
}

/* Confirmed is what could be read, so that the device repeats the rest; denied, what it should
 * repeat at once. */
static void
read_framed(struct decoding *d)
{
    struct frame_out frames;

    d->framed = true;
    d->root = read_frames(d, &frames);
    read_record(d);
    const struct view answer =
        frame_answer(&d->profile->frame, &frames, d->msg->received, d->arena);

    if (answer.len > 0) {
        d->out->wants_receipt = true;
        d->out->receipt_raw = true;
        d->out->receipt = answer;
    }
}

/* By the mapping that is for messages of its kind. */
static void
read_message(struct decoding *d)
{
    const struct profile *mapping = message_find(d, d->root);

    if (mapping != NULL) {
        d->profile = mapping;
        if (!mapping->ignore)
            read_record(d);
    } else if (!view_is(d->names.stream, "status")) {
        set_detail(add_reject(d, REASON_KIND), "no message of profile '%s' is of this kind",
            d->profile->name);
    }
}

static void
read_json(struct decoding *d, struct view payload)
{
    size_t at = 0;
    const enum json_flaw flaw = json_check(payload, NORMALISE_MAX_PAYLOAD, &at);

    if (flaw != JSON_FINE) {
        struct reject *reject = add_reject(d, REASON_ROOT);

        reject->reason = json_flaw_name(flaw);
        set_detail(reject, "payload of %zu bytes, at byte %zu", payload.len, at);
        return;
    }
    cJSON *root = cJSON_ParseWithLength(payload.ptr, payload.len);

    CHECK(root != NULL); /* what passes the strict check cJSON takes; else memory is out */
    d->root = root;
    if (cJSON_IsObject(root) || (d->profile->array && cJSON_IsArray(root)))
        read_message(d);
    else
        set_detail(add_reject(d, REASON_ROOT), "the payload is not an object");
    d->root = NULL;
    cJSON_Delete(root);
}

static void
read_payload(struct decoding *d)
{
    const struct view payload = status_text(d);

    if (d->profile->frame.kind != FRAME_NONE && payload.ptr == d->msg->payload.ptr)
        read_framed(d);
    else
        read_json(d, payload);
    if (d->more > 0) {
        struct reject *reject = &d->rejects[d->out->n_rejects];

        *reject = d->rejects[0];
        reject->reason = reason_name(REASON_MORE);
        reject->raw = (struct view){0};
        reject->idx = (uint16_t)d->out->n_rejects++;
        set_detail(reject, "%zu more rejects of this record", d->more);
    }
}

/* Class, device and profile from the topic; false: rejected. */
static bool
read_topic(struct decoding *d)
{
    const struct message *msg = d->msg;
    const struct topic_pattern *pattern = NULL;
    const struct view shown = short_view(msg->topic, 100);

    if (!utf8_valid(msg->topic) || !topic_read(d->opt, msg->topic, &d->names)) {
        d->names = (struct topic_names){0};
        set_detail(add_reject(d, REASON_TOPIC), "'%.*s' matches no pattern", VIEW_ARG(shown));
        return false;
    }
    if (!device_code_valid(d->names.device)) {
        set_detail(add_reject(d, REASON_DEVICE_CODE), "'%.*s' has no device code", VIEW_ARG(shown));
        return false;
    }
    d->out->code = d->names.device;
    d->listed = device_find(d->opt->devices, d->out->code);
    pattern = d->names.pattern;
    if (pattern != NULL && pattern->class != NULL)
        d->class = pattern->class;
    else if (d->names.class.len > 0)
        d->class = class_find(&d->opt->classes, d->names.class);
    else if (d->listed != NULL)
        d->class = d->listed->class;
    if (d->class == NULL) {
        set_detail(
            add_reject(d, REASON_UNKNOWN_CLASS), "'%.*s' is of no known class", VIEW_ARG(shown));
        return false;
    }
    if (d->names.compound.len == 0 && d->listed != NULL)
        d->names.compound = view_of(d->listed->compound->id);
    if (pattern != NULL && pattern->profile != NULL)
        d->profile = pattern->profile;
    else if (d->listed != NULL && d->listed->class == d->class)
        d->profile = d->listed->profile;
    else
        d->profile = d->class->profiles[0];
    d->out->profile = d->profile->name;
    return true;
}

/* True if it is on the topic of our own canary. */
static bool
read_canary(struct decoding *d)
{
    const struct view prefix = view_of(CANARY_TOPIC);
    const struct view topic = d->msg->topic;
    const struct view number = d->msg->payload;
    uint64_t n = 0;

    if (topic.len <= prefix.len || memcmp(topic.ptr, prefix.ptr, prefix.len) != 0 ||
        !view_is((struct view){topic.ptr + prefix.len, topic.len - prefix.len}, d->opt->lane))
        return false;
    bool good = number.len > 0 && number.len < 20; /* fewer digits than 2^64 has */

    for (size_t i = 0; good && i < number.len; i++) {
        good = number.ptr[i] >= '0' && number.ptr[i] <= '9';
        n = n * 10 + (uint64_t)(number.ptr[i] - '0');
    }
    if (good) {
        d->out->verdict = VERDICT_OWN;
        d->out->canary = n;
    } else {
        set_detail(add_reject(d, REASON_CANARY), "the payload is not a decimal number");
    }
    return true;
}

static uint64_t
content_key(const struct message *msg, struct arena *arena)
{
    const size_t len = msg->topic.len + 1 + msg->payload.len;
    char *bytes = arena_alloc(arena, len);

    if (msg->topic.len > 0)
        memcpy(bytes, msg->topic.ptr, msg->topic.len);
    if (msg->payload.len > 0)
        memcpy(bytes + msg->topic.len + 1, msg->payload.ptr, msg->payload.len);
    return digest_key((struct view){bytes, len});
}

void
normalise(const struct normalise_options *opt, const struct message *msg, struct arena *arena,
    struct decoded *out)
{
    struct decoding d = {.opt = opt, .msg = msg, .arena = arena, .out = out};

    *out = (struct decoded){.received = msg->received,
        .dup = msg->dup,
        .retained = msg->retained,
        .topic = msg->topic,
        .payload = msg->payload,
        .verdict = VERDICT_REJECTED,
        .code = {"", 0}};
    if (!read_canary(&d) && read_topic(&d)) {
        read_payload(&d);
        if (out->n_readings > 0 || out->n_rejects == 0)
            out->verdict = VERDICT_STORED;
    }
    /* Only who has no identity is told from its repeats by what it says. */
    if (out->identity == 0 && out->verdict != VERDICT_OWN)
        out->content = content_key(msg, arena);
}
