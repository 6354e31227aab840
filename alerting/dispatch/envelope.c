#include "alerting/dispatch/envelope.h"

#include "base/digest.h"
#include "base/json.h"

#include <cjson/cJSON.h>
#include <sodium.h>

#define MAX_SIGNATURES 8
#define MAX_SENDER_BYTES 128
/* A timestamp is a double in cJSON; this many seconds are exact, and beyond the year 9999. */
#define MAX_TIMESTAMP 999999999999

static const char key_prefix[] = "whsec_";
static const char signature_prefix[] = "v1,";

static bool
starts_with(struct view text, const char *prefix)
{
    const size_t len = strlen(prefix);

    return text.len >= len && memcmp(text.ptr, prefix, len) == 0;
}

static bool
refuse(const char **reason, const char *why)
{
    *reason = why;
    return false;
}

bool
envelope_id_valid(struct view id)
{
    if (id.len == 0 || id.len > ENVELOPE_MAX_ID_BYTES)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        if (id.ptr[i] <= ' ' || id.ptr[i] > '~' || id.ptr[i] == '.')
            return false;
    }
    return true;
}

bool
envelope_key(struct arena *arena, struct view file_text, struct view *key, const char **reason)
{
    struct view text = file_text;

    if (text.len > 0 && text.ptr[text.len - 1] == '\n')
        text.len--;
    if (text.len > 0 && text.ptr[text.len - 1] == '\r')
        text.len--;
    if (starts_with(text, key_prefix)) {
        const size_t skip = sizeof(key_prefix) - 1;
        unsigned char *bytes = arena_alloc(arena, text.len);
        size_t len = 0;

        if (sodium_base642bin(bytes, text.len, text.ptr + skip, text.len - skip, NULL, &len, NULL,
                sodium_base64_VARIANT_ORIGINAL) != 0)
            return refuse(reason, "what follows 'whsec_' is not base64");
        text = view_bytes(bytes, len);
    } else {
        text = arena_copy(arena, text);
    }
    if (text.len < ENVELOPE_MIN_KEY_BYTES)
        return refuse(reason, "the key is shorter than 16 bytes");
    *key = text;
    return true;
}

static struct digest
mac_of(struct view key, struct view id, int64_t timestamp, struct view body)
{
    struct buf signed_text;

    buf_init(&signed_text, id.len + body.len + 32);
    buf_put(&signed_text, id);
    buf_printf(&signed_text, ".%lld.", (long long)timestamp);
    buf_put(&signed_text, body);
    CHECK(!signed_text.full);
    const struct digest mac = hmac_sha256(key, buf_view(&signed_text));

    buf_fini(&signed_text);
    return mac;
}

const char *
envelope_sign(
    struct view key, struct view id, int64_t timestamp, struct view body, char out[SIGNATURE_BYTES])
{
    const struct digest mac = mac_of(key, id, timestamp, body);
    const size_t skip = sizeof(signature_prefix) - 1;

    memcpy(out, signature_prefix, skip);
    (void)sodium_bin2base64(out + skip, SIGNATURE_BYTES - skip, mac.bytes, sizeof(mac.bytes),
        sodium_base64_VARIANT_ORIGINAL);
    return out;
}

/* The readable signatures of a list; the others (later versions, damaged) are passed over. */
static size_t
read_signatures(struct view list, struct digest out[MAX_SIGNATURES])
{
    size_t n = 0;

    while (list.len > 0 && n < MAX_SIGNATURES) {
        const char *space = memchr(list.ptr, ' ', list.len);
        const size_t len = space == NULL ? list.len : (size_t)(space - list.ptr);
        const struct view one = {list.ptr, len};
        const size_t skip = sizeof(signature_prefix) - 1;
        size_t got = 0;

        if (starts_with(one, signature_prefix) &&
            sodium_base642bin(out[n].bytes, DIGEST_BYTES, one.ptr + skip, one.len - skip, NULL,
                &got, NULL, sodium_base64_VARIANT_ORIGINAL) == 0 &&
            got == DIGEST_BYTES)
            n++;
        list.ptr += len;
        list.len -= len;
        if (list.len > 0) {
            list.ptr++;
            list.len--;
        }
    }
    return n;
}

bool
envelope_verify(const struct envelope *env, const struct sender_key *keys, size_t n_keys)
{
    struct digest given[MAX_SIGNATURES];
    unsigned matches = 0;

    if (!envelope_id_valid(env->id))
        return false;
    const size_t n = read_signatures(env->signature, given);

    /* No early way out: how long it takes says nothing about which key or byte was right. */
    for (size_t k = 0; k < n_keys; k++) {
        if (!view_is(env->sender, keys[k].sender))
            continue;
        const struct digest mac = mac_of(keys[k].key, env->id, env->timestamp, env->body);

        for (size_t i = 0; i < n; i++)
            matches |= digest_equal(&mac, &given[i]) ? 1U : 0U;
    }
    return matches != 0;
}

bool
envelope_timestamp(struct view text, int64_t *out)
{
    int64_t value = 0;

    if (text.len == 0 || text.len > 12)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        value = value * 10 + (text.ptr[i] - '0');
    }
    *out = value;
    return true;
}

static bool
get_text(struct arena *arena, const cJSON *object, const char *name, struct view *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    if (!cJSON_IsString(item))
        return false;
    *out = view_of(arena_text(arena, view_of(item->valuestring)));
    return true;
}

static bool
read_fields(struct arena *arena, const cJSON *object, struct envelope *env, const char **reason)
{
    const cJSON *timestamp = cJSON_GetObjectItemCaseSensitive(object, "timestamp");

    if (!cJSON_IsObject(object))
        return refuse(reason, "not an object");
    if (!get_text(arena, object, "id", &env->id) || !envelope_id_valid(env->id))
        return refuse(reason, "id: 1 to 128 printable characters without '.' are needed");
    if (!get_text(arena, object, "sender", &env->sender) || env->sender.len == 0 ||
        env->sender.len > MAX_SENDER_BYTES)
        return refuse(reason, "sender: 1 to 128 characters are needed");
    if (!get_text(arena, object, "signature", &env->signature))
        return refuse(reason, "signature: a text is needed");
    if (!get_text(arena, object, "body", &env->body))
        return refuse(reason, "body: JSON as text is needed");
    if (!cJSON_IsNumber(timestamp) || !(timestamp->valuedouble >= 0) ||
        timestamp->valuedouble > MAX_TIMESTAMP)
        return refuse(reason, "timestamp: seconds since 1970 are needed");
    env->timestamp = (int64_t)timestamp->valuedouble;
    if ((double)env->timestamp != timestamp->valuedouble)
        return refuse(reason, "timestamp: whole seconds are needed");
    return true;
}

bool
envelope_parse(struct arena *arena, struct view text, struct envelope *out, const char **reason)
{
    struct envelope env = {0};
    size_t at = 0;
    const enum json_flaw flaw = json_check(text, ENVELOPE_MAX_BYTES, &at);

    if (flaw != JSON_FINE)
        return refuse(reason, json_flaw_name(flaw));
    cJSON *object = cJSON_ParseWithLength(text.ptr, text.len);

    if (object == NULL)
        return refuse(reason, json_flaw_name(JSON_SYNTAX));
    const bool fine = read_fields(arena, object, &env, reason);

    cJSON_Delete(object);
    if (fine)
        *out = env;
    return fine;
}

void
envelope_write(const struct envelope *env, struct buf *out)
{
    struct json_writer json;

    json_begin(&json, out);
    json_object(&json, NULL);
    json_view(&json, "body", env->body);
    json_view(&json, "id", env->id);
    json_view(&json, "sender", env->sender);
    json_view(&json, "signature", env->signature);
    json_int(&json, "timestamp", env->timestamp);
    json_close(&json);
    json_end(&json);
}
