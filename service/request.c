#include "service/request.h"

#include "base/json.h"

static bool
is_object(struct view text)
{
    size_t i = 0;

    while (i < text.len && strchr(" \t\r\n", text.ptr[i]) != NULL)
        i++;
    return i < text.len && text.ptr[i] == '{';
}

bool
request_write(const struct request *request, struct buf *out, const char **why)
{
    const struct envelope *env = request->env;
    const enum json_flaw flaw = json_check(env->body, REQUEST_MAX_BYTES, &(size_t){0});
    struct json_writer json;

    if (flaw != JSON_FINE) {
        *why = json_flaw_name(flaw);
        return false;
    }
    if (!is_object(env->body)) {
        *why = "body is not a JSON object";
        return false;
    }
    json_begin(&json, out);
    json_object(&json, NULL);
    json_int(&json, "at", env->timestamp * 1000000);
    json_raw(&json, "body", env->body);
    if (request->centre != NULL)
        json_text(&json, "centre", request->centre);
    if (request->down_until.us != 0)
        json_int(&json, "down_until", request->down_until.us);
    json_view(&json, "id", env->id);
    json_view(&json, "sender", env->sender);
    if (request->unit != NULL)
        json_text(&json, "unit", request->unit);
    json_close(&json);
    json_end(&json);
    return true;
}
