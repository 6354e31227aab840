#include "base/json.h"

#include <stdlib.h>

#include <cjson/cJSON.h>

/* NOLINTNEXTLINE(readability-identifier-naming) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_tree(struct json_writer *json, const char *key, const cJSON *item)
{
    if (cJSON_IsObject(item) || cJSON_IsArray(item)) {
        if (cJSON_IsObject(item))
            json_object(json, key);
        else
            json_array(json, key);
        for (const cJSON *child = item->child; child != NULL; child = child->next)
            write_tree(json, child->string, child);
        json_close(json);
    } else if (cJSON_IsString(item)) {
        json_text(json, key, item->valuestring);
    } else if (cJSON_IsNumber(item)) {
        json_number(json, key, item->valuedouble);
    } else if (cJSON_IsBool(item)) {
        json_bool(json, key, cJSON_IsTrue(item));
    } else {
        json_null(json, key);
    }
}

/* What the check takes, cJSON takes, and our writer makes text of it that the check takes again
 * and that is the same when it is read and written once more. */
/* NOLINTNEXTLINE(readability-identifier-naming) */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view text = view_bytes(data, size);
    struct json_writer json;
    struct buf out[2];
    size_t at = 0;
    const enum json_flaw flaw = json_check(text, 65536, &at);

    CHECK(at <= size);
    CHECK(json_flaw_name(flaw) != NULL);
    if (flaw != JSON_FINE)
        return 0;
    CHECK(utf8_valid(text));
    for (int i = 0; i < 2; i++) {
        cJSON *tree = cJSON_ParseWithLength(text.ptr, text.len);

        CHECK(tree != NULL);
        buf_init(&out[i], (size_t)1 << 24);
        json_begin(&json, &out[i]);
        write_tree(&json, NULL, tree);
        json_end(&json);
        cJSON_Delete(tree);
        text = buf_view(&out[i]);
        CHECK(json_check(text, (size_t)1 << 24, &at) == JSON_FINE);
    }
    CHECK(view_eq(buf_view(&out[0]), buf_view(&out[1])));
    buf_fini(&out[0]);
    buf_fini(&out[1]);
    return 0;
}
