/* What was wrong with a record, for a person and for counting; bounded, and always valid UTF-8. */
#include "base/buf.h"
#include "base/json.h"
#include "ingest/normalise/decode.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

/* A cut in the middle of a character would be a byte that Postgres refuses. */
static size_t
trim_utf8(const char *text, size_t len)
{
    while (len > 0 && !utf8_valid((struct view){text, len}))
        len--;
    return len;
}

struct view
short_view(struct view text, size_t max)
{
    if (text.len > max)
        text.len = max;
    return (struct view){text.ptr, trim_utf8(text.ptr, text.len)};
}

struct reject *
add_reject(struct decoding *d, enum reason reason)
{
    struct decoded *out = d->out;

    if (out->n_rejects >= NORMALISE_MAX_REJECTS) {
        d->more++;
        return NULL;
    }
    if (d->rejects == NULL) {
        d->rejects = ARENA_ARRAY(d->arena, NORMALISE_MAX_REJECTS + 1, struct reject);
        out->rejects = d->rejects;
    }
    struct reject *reject = &d->rejects[out->n_rejects];

    reject->reason = reason_name(reason);
    if (out->n_rejects == 0) {
        reject->raw = d->msg->payload;
        if (reject->raw.len > NORMALISE_MAX_PAYLOAD)
            reject->raw.len = NORMALISE_MAX_PAYLOAD;
    }
    reject->code = out->code;
    reject->class_name =
        d->class != NULL ? view_of(d->class->name) : short_view(d->names.class, DEVICE_CODE_BYTES);
    reject->idx = (uint16_t)out->n_rejects++;
    return reject;
}

void
set_detail(struct reject *reject, const char *fmt, ...)
{
    va_list args;

    if (reject == NULL)
        return;
    va_start(args, fmt);
    const int len = vsnprintf(reject->detail, sizeof(reject->detail), fmt, args);
    va_end(args);
    size_t end = len < 0 ? 0 : (size_t)len;

    if (end >= sizeof(reject->detail))
        end = sizeof(reject->detail) - 1;
    reject->detail[trim_utf8(reject->detail, end)] = '\0';
    for (char *at = reject->detail; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7F)
            *at = '?';
    }
}

/* The vendor's own words, if the profile has such; else what the class allows. */
static const char *
allowed_words(const struct profile_field *rule, char room[96])
{
    struct buf text;

    buf_init(&text, 90);
    for (size_t i = 0; i < rule->n_known && !text.full; i++)
        buf_printf(&text, "%s%.*s", i > 0 ? ", " : "", VIEW_ARG(rule->known[i]));
    for (size_t i = 0; i < rule->n_codes && rule->n_known == 0 && !text.full; i++)
        buf_printf(&text, "%s%.*s", i > 0 ? ", " : "", VIEW_ARG(rule->codes[i].text));
    (void)snprintf(room, 96, "%.*s%s", VIEW_ARG(buf_view(&text)), text.full ? ", ..." : "");
    buf_fini(&text);
    return room;
}

static const char *
allowed_text(const struct profile_field *rule, const struct field *field, char room[96])
{
    if (field->type == FIELD_CODE || rule->n_codes > 0 || rule->n_any > 0)
        return allowed_words(rule, room);
    if (field->type == FIELD_BOOL)
        return "true, false, 0, 1";
    if (field->type == FIELD_TEXT)
        return "a text of at most 256 bytes";
    (void)snprintf(room, 96, "%s %.10g to %.10g%s", field->type == FIELD_INT ? "whole" : "numbers",
        field->min, field->max, field->measure->name);
    return room;
}

struct view
render(struct decoding *d, const struct cJSON *item, size_t max)
{
    char room[SCALAR_BYTES];
    struct view text;

    if (scalar_text(item, room, &text))
        return arena_copy(d->arena, short_view(text, max));
    char *printed = cJSON_PrintUnformatted(item);

    CHECK(printed != NULL);
    text = arena_copy(d->arena, short_view(view_of(printed), max));
    free(printed);
    return text;
}

void
reject_field(struct decoding *d, const struct profile_field *rule, const struct cJSON *item,
    enum fate fate, enum reason reason)
{
    const struct field *field = &d->class->fields[rule->field];
    struct reject *reject = add_reject(d, reason);
    char room[96];

    if (reject == NULL)
        return;
    const struct view value = render(d, item, 40);

    set_detail(reject, "%s: '%.*s' at %s%s, allowed are %s", field->name, VIEW_ARG(value),
        rule->path, fate == FATE_KEPT ? " (kept, suspect)" : "", allowed_text(rule, field, room));
    if (reject->idx > 0)
        reject->raw = render(d, item, NORMALISE_RAW_BYTES);
}

void
reject_time(struct decoding *d, const struct profile_time *time, const struct cJSON *item)
{
    static const char *const forms[] = {
        [TIME_NONE] = "none",
        [TIME_UNIX_S] = "unix_s, seconds since 1970",
        [TIME_UNIX_MS] = "unix_ms, milliseconds since 1970",
        [TIME_RFC3339] = "rfc3339, like 2026-11-24T06:56:40Z",
        [TIME_LOCAL] = "local, like 2026-11-24 14:56:40",
    };
    struct reject *reject = add_reject(d, REASON_TIME);

    if (reject == NULL)
        return;
    const struct view value = render(d, item, 40);

    set_detail(reject, "'%.*s' at %s is no time (dated at arrival, suspect), allowed is %s",
        VIEW_ARG(value), time->path, forms[time->form]);
    if (reject->idx > 0)
        reject->raw = render(d, item, NORMALISE_RAW_BYTES);
}
