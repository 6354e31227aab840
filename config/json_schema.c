/* The tables of keys, told to editors as JSON Schemas (draft 7). What rows cannot say (references,
 * keys that exclude each other) is for check alone, so a schema is never stricter than the tables:
 * but for plain YAML values that stand in quotes (port: "1883"). */
#include "base/json.h"

#include "config/config.h"
#include "config/load.h"

#include <stdlib.h>

static const struct {
    const char *name, *title;
    const struct shape *shape;
    bool list; /* the file is a list of them */
} files[] = {
    {"calendar", "calendar.yaml", &calendar_shape, false},
    {"classes", "classes/*.yaml", &class_shape, false},
    {"examples", "classes/examples/*.yaml", &example_file_shape, false},
    {"grid", "grid.yaml", &grid_shape, false},
    {"policies", "policies.yaml", &policies_shape, false},
    {"rosters", "rosters.yaml", &rosters_shape, false},
    {"rules", "rules/*.yaml", &rule_shape, true},
    {"site", "site.yaml", &site_shape, false},
};

#define SPAN_PATTERN "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?([0-9]+us)?$"

/* Texts of a form of their own; the others may be anything that YAML takes for one value. */
static const struct {
    const char *pattern, *what;
} forms[] = {
    [KEY_TEXT] = {NULL, NULL},
    [KEY_ID] = {"^[a-z0-9][a-z0-9-]{0,63}$", "id: small letters, digits, -"},
    [KEY_NAME] = {"^[a-z][a-z0-9_]{0,47}$", "name: small letters, digits, _"},
    [KEY_CODE] = {"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$", "code: letters, digits, . _ : -"},
    [KEY_SPAN] = {SPAN_PATTERN, "length of time: 45s, 1m30s, 7d"},
    [KEY_BYTES] = {"^[0-9]+([KMGT]i)?B$", "size: 256MiB"},
    [KEY_CLOCK] = {"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", "time of day: \"08:30\""},
    [KEY_MAP] = {NULL, NULL},
};

static void put_shape(struct json_writer *json, const char *name, const struct shape *shape);
static void put_key(struct json_writer *json, const char *name, const struct key *key);

static void
put_any_scalar(struct json_writer *json)
{
    json_array(json, "type");
    json_text(json, NULL, "string");
    json_text(json, NULL, "number");
    json_text(json, NULL, "boolean");
    json_close(json);
}

static void
put_bound(struct json_writer *json, const char *name, const char *text)
{
    double value = 0;

    if (text == NULL)
        return;
    CHECK(value_real(view_of(text), &value));
    json_number(json, name, value);
}

static void
put_form(struct json_writer *json, const struct key *key)
{
    const bool code = key->type == KEY_ID || key->type == KEY_CODE;

    if (code) { /* 31 is a code to us and a number to YAML */
        json_array(json, "type");
        json_text(json, NULL, "string");
        json_text(json, NULL, "integer");
        json_close(json);
    } else {
        json_text(json, "type", "string");
    }
    json_text(json, "pattern", forms[key->type].pattern);
    if (key->min != NULL && key->max != NULL) {
        struct buf text;

        buf_init(&text, 200);
        buf_printf(&text, "%s; %s to %s", forms[key->type].what, key->min, key->max);
        json_view(json, "description", buf_view(&text));
        buf_fini(&text);
    } else {
        json_text(json, "description", forms[key->type].what);
    }
}

static void
put_simple(struct json_writer *json, const struct key *key)
{
    if (key->type == KEY_BOOL) {
        json_text(json, "type", "boolean");
    } else if (key->type == KEY_INT || key->type == KEY_REAL) {
        json_text(json, "type", key->type == KEY_INT ? "integer" : "number");
        put_bound(json, "minimum", key->min);
        put_bound(json, "maximum", key->max);
    } else if (key->type == KEY_WORD) {
        json_array(json, "enum");
        for (size_t i = 0; i < key->n_choices; i++)
            json_text(json, NULL, key->choices[i]);
        json_close(json);
    } else if (forms[key->type].pattern != NULL) {
        put_form(json, key);
    } else {
        put_any_scalar(json);
    }
    if (key->fallback == NULL || key->fallback[0] == '\0')
        return;
    if (key->type == KEY_BOOL)
        json_bool(json, "default", strcmp(key->fallback, "true") == 0);
    else if (key->type == KEY_INT || key->type == KEY_REAL)
        put_bound(json, "default", key->fallback);
    else
        json_text(json, "default", key->fallback);
}

static void
put_texts(struct json_writer *json)
{
    json_text(json, "type", "array");
    json_object(json, "items");
    put_any_scalar(json);
    json_close(json);
}

/* One of them, or a list of them. */
static void
put_one_or_list(struct json_writer *json, const struct shape *shape)
{
    json_array(json, "anyOf");
    put_shape(json, NULL, shape);
    json_object(json, NULL);
    json_text(json, "type", "array");
    put_shape(json, "items", shape);
    json_close(json);
    json_close(json);
}

static void
put_list(struct json_writer *json, const struct key *key)
{
    if (key->repeats) {
        put_one_or_list(json, key->shape);
        return;
    }
    json_text(json, "type", "array");
    put_shape(json, "items", key->shape);
}

static void
put_map(struct json_writer *json, const struct key *key)
{
    json_text(json, "type", "object");
    if (forms[key->names].pattern != NULL) {
        json_object(json, "propertyNames");
        json_text(json, "pattern", forms[key->names].pattern);
        json_close(json);
    }
    if (!key->repeats) {
        put_shape(json, "additionalProperties", key->shape);
        return;
    }
    json_object(json, "additionalProperties");
    put_one_or_list(json, key->shape);
    json_close(json);
}

static void
put_words(struct json_writer *json)
{
    static const char *const languages[] = {"en", "zh"};

    json_array(json, "anyOf");
    json_object(json, NULL);
    put_any_scalar(json);
    json_close(json);
    json_object(json, NULL);
    json_text(json, "type", "object");
    json_bool(json, "additionalProperties", false);
    json_object(json, "properties");
    for (size_t i = 0; i < ARRAY_LEN(languages); i++) {
        json_object(json, languages[i]);
        put_any_scalar(json);
        json_close(json);
    }
    json_close(json);
    json_array(json, "required");
    for (size_t i = 0; i < ARRAY_LEN(languages); i++)
        json_text(json, NULL, languages[i]);
    json_close(json);
    json_close(json);
    json_close(json);
}

static void
put_key(struct json_writer *json, const char *name, const struct key *key)
{
    if (key->type == KEY_OBJECT) {
        put_shape(json, name, key->shape);
        return;
    }
    json_object(json, name);
    if (key->type == KEY_WORDS) {
        put_words(json);
    } else if (key->type == KEY_LIST) {
        put_list(json, key);
    } else if (key->type == KEY_MAP) {
        put_map(json, key);
    } else if (key->type == KEY_TEXTS && key->repeats) {
        json_array(json, "anyOf");
        json_object(json, NULL);
        put_any_scalar(json);
        json_close(json);
        json_object(json, NULL);
        put_texts(json);
        json_close(json);
        json_close(json);
    } else if (key->type == KEY_TEXTS) {
        put_texts(json);
    } else {
        put_simple(json, key);
    }
    json_close(json);
}

static void
put_keys(struct json_writer *json, const struct shape *shape)
{
    json_text(json, "type", "object");
    json_bool(json, "additionalProperties", false);
    json_object(json, "properties");
    for (size_t i = 0; i < shape->n_keys; i++)
        put_key(json, shape->keys[i].name, &shape->keys[i]);
    json_close(json);
    json_array(json, "required");
    for (size_t i = 0; i < shape->n_keys; i++) {
        if (shape->keys[i].required && shape->keys[i].fallback == NULL)
            json_text(json, NULL, shape->keys[i].name);
    }
    json_close(json);
}

static void
put_shape(struct json_writer *json, const char *name, const struct shape *shape)
{
    json_object(json, name);
    if (shape->shorthand == NULL) {
        put_keys(json, shape);
        json_close(json);
        return;
    }
    json_array(json, "anyOf");
    for (size_t i = 0; i < shape->n_keys; i++) {
        if (strcmp(shape->keys[i].name, shape->shorthand) == 0)
            put_key(json, NULL, &shape->keys[i]);
    }
    json_object(json, NULL);
    put_keys(json, shape);
    json_close(json);
    json_close(json);
    json_close(json);
}

const char *
config_json_schema(size_t i, struct buf *out)
{
    struct json_writer json;

    if (i >= ARRAY_LEN(files))
        return NULL;
    json_begin(&json, out);
    json_object(&json, NULL);
    json_text(&json, "$schema", "http://json-schema.org/draft-07/schema#");
    json_text(&json, "title", files[i].title);
    if (files[i].list) {
        json_text(&json, "type", "array");
        put_shape(&json, "items", files[i].shape);
    } else {
        put_keys(&json, files[i].shape);
    }
    json_close(&json);
    json_end(&json);
    return files[i].name;
}
