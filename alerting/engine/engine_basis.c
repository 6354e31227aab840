/* What a case rests on besides its readings: the message that made its rule true, the rule as it
 * was written, its configuration, and every time on the way. Frozen at the opening. */
#include "alerting/engine/state.h"

#include <stdlib.h>

#define MAX_TOPIC_BYTES 512
#define MAX_PAYLOAD_BYTES ((size_t)4096) /* kept of a message; escaped it may be more */
#define MAX_RULE_BYTES ((size_t)16384)   /* a longer one is not told */
#define MAX_HEX_BYTES (MAX_PAYLOAD_BYTES / 2)

static bool
is_text(struct view payload)
{
    for (size_t i = 0; i < payload.len; i++) {
        const char c = payload.ptr[i];

        if ((unsigned char)c < ' ' && c != '\n' && c != '\r' && c != '\t')
            return false;
    }
    return utf8_valid(payload);
}

/* Cut where a character begins. */
static size_t
text_len(struct view payload)
{
    size_t len = payload.len;

    if (len <= MAX_PAYLOAD_BYTES)
        return len;
    len = MAX_PAYLOAD_BYTES;
    while (len > 0 && ((unsigned char)payload.ptr[len] & 0xc0) == 0x80)
        len--;
    return len;
}

static void
write_payload(struct json_writer *json, struct view payload)
{
    static const char digits[] = "0123456789abcdef";
    char hex[2 * MAX_HEX_BYTES];
    size_t len = 0;

    if (is_text(payload)) {
        json_view(json, "payload", view_bytes(payload.ptr, text_len(payload)));
        return;
    }
    for (size_t i = 0; i < payload.len && i < MAX_HEX_BYTES; i++) {
        hex[len++] = digits[(unsigned char)payload.ptr[i] >> 4];
        hex[len++] = digits[(unsigned char)payload.ptr[i] & 15];
    }
    json_view(json, "payload_hex", view_bytes(hex, len));
}

void
basis_forget(struct condition *condition)
{
    free(condition->message);
    condition->message = NULL;
}

void
basis_note(struct engine *engine, struct condition *condition)
{
    const struct decoded *record = engine->record;
    const struct reading *reading;
    struct json_writer json;

    basis_forget(condition);
    if (record == NULL)
        return; /* by the clock, not by a message */
    reading = record->n_readings > 0 ? &record->readings[0] : NULL;
    buf_reset(&engine->text);
    json_begin(&json, &engine->text);
    json_object(&json, NULL);
    json_int(&json, "bytes", (int64_t)record->payload.len);
    if (reading != NULL && reading->had_time)
        json_instant(&json, "device_time", reading->said);
    write_payload(&json, record->payload);
    json_instant(&json, "received", record->received);
    json_view(&json, "topic",
        view_bytes(record->topic.ptr,
            record->topic.len < MAX_TOPIC_BYTES ? record->topic.len : MAX_TOPIC_BYTES));
    json_close(&json);
    json_end(&json);
    condition->message = mem_alloc(engine->text.len + 1);
    memcpy(condition->message, engine->text.ptr, engine->text.len);
    condition->message[engine->text.len] = '\0';
}

struct view
basis_json(struct engine *engine, const struct condition *condition)
{
    const struct rule *rule = rule_find(engine->opt.rules, view_of(condition->rule_id));
    struct json_writer json;
    struct buf text;

    buf_init(&text, MAX_RULE_BYTES);
    if (rule != NULL)
        rule_print(rule, &text);
    buf_reset(&engine->text);
    json_begin(&json, &engine->text);
    json_object(&json, NULL);
    json_int(&json, "config", engine->opt.config_version);
    json_text(&json, "config_hash", engine->opt.config_hash == NULL ? "" : engine->opt.config_hash);
    json_instant(&json, "judged", engine->at);
    if (condition->message != NULL)
        json_raw(&json, "message", view_of(condition->message));
    else
        json_null(&json, "message");
    json_view(&json, "rule", text.full ? view_of("") : buf_view(&text));
    json_instant(&json, "true_since", condition->since);
    json_close(&json);
    json_end(&json);
    buf_fini(&text);
    return arena_copy(&engine->scratch, buf_view(&engine->text));
}
