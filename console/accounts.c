#include "console/accounts.h"

#include "base/json.h"

#include <string.h>

#include <cjson/cJSON.h>

static bool
is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool
account_name_valid(struct view name)
{
    if (name.len == 0 || name.len > ACCOUNT_MAX_NAME || !is_word(name.ptr[0]))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (!is_word(name.ptr[i]) && strchr("-_.", name.ptr[i]) == NULL)
            return false;
    }
    return true;
}

static const char *
text_of(struct arena *arena, const cJSON *item, const char *key)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(item, key);

    return cJSON_IsString(found) ? arena_text(arena, view_of(found->valuestring)) : NULL;
}

static bool
read_account(struct arena *arena, const cJSON *item, struct account *out, struct err *err)
{
    const char *role = text_of(arena, item, "role");

    out->name = text_of(arena, item, "name");
    out->hash = text_of(arena, item, "hash");
    out->unit = text_of(arena, item, "unit");
    if (out->name == NULL || !account_name_valid(view_of(out->name)))
        return err_set(err, ERR_CONFIG, "an account has no name, or one that is not allowed");
    if (out->hash == NULL || out->unit == NULL || role == NULL)
        return err_set(err, ERR_CONFIG, "account '%s': hash, role and unit are needed", out->name);
    if (!role_parse(view_of(role), &out->role))
        return err_set(err, ERR_CONFIG, "account '%s': '%.40s' is not a role", out->name, role);
    return true;
}

bool
accounts_parse(struct arena *arena, struct view text, struct accounts *out, struct err *err)
{
    struct accounts accounts = {0};
    size_t at = 0;
    cJSON *root = NULL;
    bool fine = true;

    if (text.len == 0) {
        *out = accounts;
        return true;
    }
    if (json_check(text, ACCOUNTS_MAX_BYTES, &at) != JSON_FINE)
        return err_set(err, ERR_CONFIG, "not JSON at byte %zu", at);
    root = cJSON_ParseWithLength(text.ptr, text.len);
    if (!cJSON_IsArray(root)) {
        cJSON_Delete(root);
        return err_set(err, ERR_CONFIG, "not a list of accounts");
    }
    accounts.at = ARENA_ARRAY(arena, (size_t)cJSON_GetArraySize(root), struct account);
    for (const cJSON *item = root->child; item != NULL && fine; item = item->next) {
        fine = read_account(arena, item, &accounts.at[accounts.len], err);
        if (fine && accounts.len > 0 &&
            strcmp(accounts.at[accounts.len - 1].name, accounts.at[accounts.len].name) >= 0)
            fine = err_set(err, ERR_CONFIG, "account '%s' is there twice, or out of order",
                accounts.at[accounts.len].name);
        accounts.len++;
    }
    cJSON_Delete(root);
    if (fine)
        *out = accounts;
    return fine;
}

void
accounts_write(const struct accounts *accounts, struct buf *out)
{
    struct json_writer json;

    json_begin(&json, out);
    json_array(&json, NULL);
    for (size_t i = 0; i < accounts->len; i++) {
        json_object(&json, NULL);
        json_text(&json, "hash", accounts->at[i].hash);
        json_text(&json, "name", accounts->at[i].name);
        json_text(&json, "role", role_names[accounts->at[i].role]);
        json_text(&json, "unit", accounts->at[i].unit);
        json_close(&json);
    }
    json_close(&json);
    json_end(&json);
}

const struct account *
accounts_find(const struct accounts *accounts, struct view name)
{
    for (size_t i = 0; i < accounts->len; i++) {
        if (view_is(name, accounts->at[i].name))
            return &accounts->at[i];
    }
    return NULL;
}

struct accounts
accounts_with(struct arena *arena, const struct accounts *accounts, struct view name,
    const struct account *account)
{
    struct accounts made = {ARENA_ARRAY(arena, accounts->len + 1, struct account), 0};
    bool placed = account == NULL;

    for (size_t i = 0; i < accounts->len; i++) {
        const int order = view_cmp(view_of(accounts->at[i].name), name);

        if (!placed && order >= 0) {
            made.at[made.len++] = *account;
            placed = true;
        }
        if (order != 0)
            made.at[made.len++] = accounts->at[i];
    }
    if (!placed)
        made.at[made.len++] = *account;
    return made;
}
