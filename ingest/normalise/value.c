/*
 * A JSON value becomes a field's value. What is wrong but can be read (out of range, a number
 * written as text, a bool that is 2) is kept, with a reason: it must be able to raise (design
 * section 1, fail-safe asymmetry). What cannot be read is lost, with a reason; never a zero.
 */
#include "base/json.h"
#include "ingest/normalise/decode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#define MAX_WHOLE 9007199254740992.0 /* 2^53: above, a double skips whole numbers */

static const struct cJSON *
step_into(const struct cJSON *item, const char *name, size_t len)
{
    if (cJSON_IsArray(item)) {
        char text[8];

        if (len == 0 || len >= sizeof(text) || strspn(name, "0123456789") < len)
            return NULL;
        memcpy(text, name, len);
        text[len] = '\0';
        long index = strtol(text, NULL, 10);

        item = item->child;
        while (item != NULL && index-- > 0)
            item = item->next;
        return item;
    }
    if (!cJSON_IsObject(item))
        return NULL;
    for (item = item->child; item != NULL; item = item->next) {
        /* Most names differ in the first byte, and this is asked fields times members often. */
        if (item->string[0] == name[0] && strncmp(item->string, name, len) == 0 &&
            item->string[len] == '\0')
            return item;
    }
    return NULL;
}

/* True if item has what "name=text,other=text" (up to ']') asks for. */
static bool
selected(const struct cJSON *item, const char *conditions, size_t len)
{
    char room[SCALAR_BYTES];

    while (len > 0) {
        const char *comma = memchr(conditions, ',', len);
        const size_t one = comma == NULL ? len : (size_t)(comma - conditions);
        const char *equals = memchr(conditions, '=', one);
        const size_t name = equals == NULL ? one : (size_t)(equals - conditions);
        const struct view wanted =
            equals == NULL ? (struct view){"", 0} : (struct view){equals + 1, one - name - 1};
        const struct cJSON *member = step_into(item, conditions, name);
        struct view text = {"", 0};

        if (member != NULL && !cJSON_IsNull(member) && !scalar_text(member, room, &text))
            return false;
        if (!view_eq(text, wanted))
            return false;
        conditions += comma == NULL ? one : one + 1;
        len -= comma == NULL ? one : one + 1;
    }
    return true;
}

/* at stands behind '['; *end gets what follows ']'. */
static const struct cJSON *
select_from(const struct cJSON *array, const char *at, const char **end)
{
    const size_t len = strcspn(at, "]");
    const struct cJSON *item = cJSON_IsArray(array) ? array->child : NULL;

    *end = at + len + (at[len] == ']');
    while (item != NULL && (!cJSON_IsObject(item) || !selected(item, at, len)))
        item = item->next;
    return item;
}

const struct cJSON *
path_find(const struct cJSON *root, const char *path)
{
    const struct cJSON *item = root;

    while (item != NULL && *path != '\0') {
        size_t len = 0;

        while (path[len] != '\0' && path[len] != '.' && path[len] != '[')
            len++;
        if (len > 0)
            item = step_into(item, path, len);
        path += len;
        while (*path == '[')
            item = select_from(item, path + 1, &path);
        if (*path == '.')
            path++;
    }
    return item == NULL || cJSON_IsNull(item) ? NULL : item;
}

/* What "%.15g" makes of a whole number below 10^15, which boots and sequences are: the digits. */
static bool
whole_text(double number, char room[SCALAR_BYTES], struct view *out)
{
    char *at = room + SCALAR_BYTES;

    if (!(number > -1e15 && number < 1e15) || number != floor(number) ||
        (number == 0 && signbit(number)))
        return false;
    uint64_t rest = (uint64_t)fabs(number);

    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0)
        *--at = '-';
    *out = (struct view){at, (size_t)(room + SCALAR_BYTES - at)};
    return true;
}

bool
scalar_text(const struct cJSON *item, char room[SCALAR_BYTES], struct view *out)
{
    if (cJSON_IsString(item)) {
        *out = view_of(item->valuestring);
        return true;
    }
    if (cJSON_IsBool(item)) {
        *out = view_of(cJSON_IsTrue(item) ? "true" : "false");
        return true;
    }
    if (!cJSON_IsNumber(item))
        return false;
    if (whole_text(item->valuedouble, room, out))
        return true;
    for (int precision = 15; precision <= 17; precision += 2) {
        const int len = snprintf(room, SCALAR_BYTES, "%.*g", precision, item->valuedouble);

        *out = (struct view){room, (size_t)len};
        if (strtod(room, NULL) == item->valuedouble)
            break;
    }
    return true;
}

/* A decimal number and nothing else, white space around it allowed; so "31. Jul", "0x10", "nan"
 * and "12,5" are none. */
static bool
number_of_text(const char *text, double *out)
{
    static const char space[] = " \t\r\n";
    const char *start = text + strspn(text, space);
    const char *at = start + (*start == '-' || *start == '+');
    size_t n = strspn(at, "0123456789");

    at += n;
    if (*at == '.') {
        const size_t fraction = strspn(++at, "0123456789");

        n = n == 0 ? 0 : fraction; /* neither ".5" nor "5." */
        at += fraction;
    }
    if (n == 0)
        return false;
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '-' || *at == '+';
        n = strspn(at, "0123456789");
        at += n;
        if (n == 0)
            return false;
    }
    at += strspn(at, space);
    if (*at != '\0' || at - text > JSON_NUMBER_BYTES)
        return false;
    *out = strtod(start, NULL);
    return isfinite(*out);
}

/* True if there is a number in item; *exact: in the way the profile says. */
static bool
number_of(const struct profile_field *rule, const struct cJSON *item, double *out, bool *exact)
{
    *exact = true;
    if (cJSON_IsNumber(item)) {
        *out = item->valuedouble;
        return true;
    }
    *exact = cJSON_IsString(item) && rule->text_numbers;
    if (cJSON_IsBool(item)) {
        *out = cJSON_IsTrue(item) ? 1 : 0;
        return true;
    }
    return cJSON_IsString(item) && number_of_text(item->valuestring, out);
}

static enum fate
read_bool(const struct profile_field *rule, const struct cJSON *item, double *out, enum reason *why)
{
    bool exact = true;

    *why = REASON_TYPE;
    if (cJSON_IsBool(item)) {
        *out = cJSON_IsTrue(item) ? 1 : 0;
        return FATE_FINE;
    }
    if (cJSON_IsString(item) &&
        (strcmp(item->valuestring, "true") == 0 || strcmp(item->valuestring, "false") == 0)) {
        *out = item->valuestring[0] == 't' ? 1 : 0;
        return rule->text_numbers ? FATE_FINE : FATE_KEPT;
    }
    if (!number_of(rule, item, out, &exact))
        return FATE_LOST;
    if (*out != 0 && *out != 1) {
        *out = 1;
        *why = REASON_RANGE;
        return FATE_KEPT;
    }
    return exact ? FATE_FINE : FATE_KEPT;
}

/* False: not whole, so a whole number would be one that nobody sent. 0.29 * 100 is 29. */
static bool
make_whole(const struct profile_field *rule, double *number)
{
    const double near = round(*number);
    const double slack = rule->scale == 1 ? 0 : 1e-9 * fmax(1, fabs(near));

    if (!(fabs(*number - near) <= slack))
        return false;
    *number = near;
    return true;
}

static enum fate
read_number(const struct profile_field *rule, const struct field *field, const struct cJSON *item,
    double *out, enum reason *why)
{
    bool exact = true;

    *why = REASON_TYPE;
    if (!number_of(rule, item, out, &exact))
        return FATE_LOST;
    *out = *out * rule->scale + rule->offset;
    if (field->type == FIELD_INT && isfinite(*out) && !make_whole(rule, out))
        return FATE_LOST;
    if (!isfinite(*out) || (field->type == FIELD_INT && fabs(*out) > MAX_WHOLE)) {
        *why = REASON_RANGE;
        return FATE_LOST;
    }
    if (*out < field->min || *out > field->max) {
        *why = REASON_RANGE;
        return FATE_KEPT;
    }
    return exact ? FATE_FINE : FATE_KEPT;
}

static enum fate
read_text(const struct cJSON *item, struct arena *arena, struct view *out, enum reason *why)
{
    char room[SCALAR_BYTES];
    struct view text;

    *why = REASON_TYPE;
    if (!scalar_text(item, room, &text))
        return FATE_LOST;
    if (text.len > FIELD_TEXT_BYTES) {
        size_t len = FIELD_TEXT_BYTES;

        while (len > 0 && ((unsigned char)text.ptr[len] & 0xC0) == 0x80)
            len--;
        *out = arena_copy(arena, (struct view){text.ptr, len});
        *why = REASON_LENGTH;
        return FATE_KEPT;
    }
    *out = arena_copy(arena, text);
    return cJSON_IsString(item) ? FATE_FINE : FATE_KEPT;
}

static bool
is_one_of(struct view text, const struct view *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (view_eq(words[i], text))
            return true;
    }
    return false;
}

/* A word, or a list of words: is one of ours among them? */
static enum fate
read_any(const struct profile_field *rule, const struct cJSON *item, double *out, enum reason *why)
{
    const struct cJSON *element = cJSON_IsArray(item) ? item->child : item;
    bool found = false, strange = false;
    char room[SCALAR_BYTES];
    struct view text;

    *why = REASON_CODE;
    while (element != NULL) {
        if (!scalar_text(element, room, &text)) {
            *why = REASON_TYPE;
            strange = true;
        } else {
            found |= is_one_of(text, rule->any, rule->n_any);
            strange |= rule->known != NULL && !is_one_of(text, rule->known, rule->n_known);
        }
        element = cJSON_IsArray(item) ? element->next : NULL;
    }
    *out = found ? 1 : 0;
    if (rule->set && !found)
        return strange ? FATE_LOST : FATE_NONE;
    /* of something that is no word at all nobody can say that nothing is in it */
    if (strange && !found && *why == REASON_TYPE)
        return FATE_LOST;
    return strange ? FATE_KEPT : FATE_FINE;
}

/* By the vendor's own words. A field that has them knows no others: what is 0 here may be the
 * opposite there. */
static enum fate
read_vendor_code(
    const struct profile_field *rule, const struct cJSON *item, double *out, enum reason *why)
{
    char room[SCALAR_BYTES];
    struct view text;

    *why = REASON_TYPE;
    if (!scalar_text(item, room, &text))
        return FATE_LOST;
    for (size_t i = 0; i < rule->n_codes; i++) {
        if (view_eq(rule->codes[i].text, text)) {
            *out = rule->codes[i].number;
            return FATE_FINE;
        }
    }
    *why = REASON_CODE;
    *out = rule->others;
    return rule->has_others ? FATE_KEPT : FATE_LOST;
}

enum fate
value_read(const struct profile_field *rule, const struct field *field, const struct cJSON *item,
    struct arena *arena, struct field_value *out, enum reason *reason)
{
    enum fate fate = FATE_FINE;

    *out = (struct field_value){.field = rule->field};
    if (rule->n_any > 0)
        fate = read_any(rule, item, &out->number, reason);
    else if (rule->set)
        fate = FATE_FINE;
    else if (field->type == FIELD_TEXT)
        return read_text(item, arena, &out->text, reason);
    else if (rule->n_codes > 0 || field->type == FIELD_CODE)
        fate = read_vendor_code(rule, item, &out->number, reason);
    else if (field->type == FIELD_BOOL)
        fate = read_bool(rule, item, &out->number, reason);
    else
        fate = read_number(rule, field, item, &out->number, reason);
    if (rule->set)
        out->number = rule->number;
    else if (field->type == FIELD_BOOL && rule->invert && fate != FATE_LOST)
        out->number = out->number == 0 ? 1 : 0;
    return fate;
}

static bool
holds(const struct decoding *d, const struct profile_when *when, const struct cJSON *root)
{
    char room[SCALAR_BYTES];
    struct view text = d->names.stream;

    if (when->path != NULL) {
        const struct cJSON *item = path_find(root, when->path);

        if (item == NULL || !scalar_text(item, room, &text))
            return false;
    }
    return is_one_of(text, when->words, when->n_words);
}

const struct profile *
message_find(const struct decoding *d, const struct cJSON *root)
{
    const struct profile *profile = d->profile;

    for (size_t i = 0; i < profile->n_messages; i++) {
        const struct profile *message = &profile->messages[i];
        size_t n = 0;

        while (n < message->n_when && holds(d, &message->when[n], root))
            n++;
        if (n == message->n_when)
            return message;
    }
    return profile->n_messages == 0 ? profile : NULL;
}
