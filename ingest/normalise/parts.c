/*
 * The tree of one message becomes readings, one a part.
 *
 * Cost is bounded by the payload's length times the profile's fields: values that stand outside
 * of the parts are looked up once (root_fields and its like), not once a part.
 */
#include "ingest/normalise/decode.h"

#include <cjson/cJSON.h>

/* In the part's element, else what the root has at that path. */
static const struct cJSON *
find_in_part(const struct decoding *d, const struct cJSON *part, const char *path,
    const struct cJSON *in_root)
{
    const struct cJSON *item = path == NULL || part == d->root ? NULL : path_find(part, path);

    return item != NULL ? item : in_root;
}

/* True if this machine's wire says the opposite (devices.csv); what a profile sets by itself is not
 * from the wire. */
static bool
is_inverted(const struct decoding *d, const struct profile_field *rule)
{
    return !rule->set && d->listed != NULL && d->listed->class == d->class &&
           (d->listed->inverted[rule->field / 64] >> (rule->field % 64) & 1) != 0;
}

/* Fills slots (by class field) from one part; true if something was wrong. */
static bool
read_fields(struct decoding *d, const struct cJSON *part, struct field_value *slots, bool *known)
{
    bool wrong = false;

    for (size_t i = 0; i < d->profile->n_fields; i++) {
        const struct profile_field *rule = &d->profile->fields[i];
        const struct cJSON *item = find_in_part(d, part, rule->path, d->root_fields[i]);
        enum reason reason = REASON_TYPE;
        struct field_value value = {.field = rule->field, .number = rule->number};
        enum fate fate = FATE_FINE;

        if ((item == NULL && rule->path != NULL) || known[rule->field])
            continue;
        if (item != NULL)
            fate =
                value_read(rule, &d->class->fields[rule->field], item, d->arena, &value, &reason);
        if (fate == FATE_KEPT || fate == FATE_LOST) {
            wrong = true;
            reject_field(d, rule, item, fate, reason);
        }
        if (fate == FATE_FINE || fate == FATE_KEPT) {
            if (is_inverted(d, rule))
                value.number = value.number == 0 ? 1 : 0;
            known[rule->field] = true;
            slots[rule->field] = value;
        }
    }
    return wrong;
}

/* Said once of a time that stands for all parts. */
static void
not_a_time(struct decoding *d, size_t i, const struct cJSON *item, struct reading *reading)
{
    const bool of_all = item == d->root_times[i];

    reading->suspect |= SUSPECT_CHECK;
    if (!of_all || !d->time_rejected)
        reject_time(d, &d->profile->times[i], item);
    d->time_rejected |= of_all;
}

static void
read_time(struct decoding *d, const struct cJSON *part, struct reading *reading)
{
    const struct instant received = d->msg->received;
    const struct cJSON *unread = NULL;
    struct instant at = received;
    size_t unread_at = 0;
    bool read = false;

    reading->received = received;
    reading->time = received;
    reading->server_time = true;
    for (size_t i = 0; i < d->profile->n_times && !read; i++) {
        const struct profile_time *time = &d->profile->times[i];
        const struct cJSON *item = find_in_part(d, part, time->path, d->root_times[i]);

        reading->had_time |= item != NULL;
        read = item != NULL && time_read(time->form, item, &at);
        if (item != NULL && unread == NULL) {
            unread = item;
            unread_at = i;
        }
    }
    if (!read && unread != NULL)
        not_a_time(d, unread_at, unread, reading);
    const struct span ahead = instant_since(at, received);

    if (read)
        reading->said = at;
    if (!read || ahead.us > NORMALISE_FUTURE.us || ahead.us < -NORMALISE_PAST.us)
        return;
    reading->time = at;
    reading->server_time = false;
}

/* Only a plain yes counts; what is unreadable or suspect does not hold anything back. */
static bool
read_test(const struct decoding *d, const struct cJSON *part, uint8_t suspect)
{
    static const struct field field = {.type = FIELD_BOOL};
    bool yes = false;

    for (size_t i = 0; i < d->profile->n_tests && suspect == 0; i++) {
        const struct profile_field *rule = &d->profile->tests[i];
        const struct cJSON *item = find_in_part(d, part, rule->path, d->root_tests[i]);
        struct field_value value;
        enum reason reason;

        yes |= item != NULL &&
               value_read(rule, &field, item, d->arena, &value, &reason) == FATE_FINE &&
               value.number != 0;
    }
    return yes;
}

static bool
read_part_name(struct decoding *d, const struct cJSON *part, bool one_of_many, struct view *out)
{
    const struct cJSON *item = find_in_part(d, part, d->profile->part, d->root_part);
    char room[SCALAR_BYTES];
    struct view name = {"", 0};

    *out = name;
    if (d->profile->part == NULL || (item == NULL && !one_of_many))
        return true;
    bool good = item != NULL && scalar_text(item, room, &name) && name.len <= PART_BYTES;

    for (size_t i = 0; good && i < name.len; i++)
        good = (unsigned char)name.ptr[i] > 0x20 && name.ptr[i] != 0x7F;
    for (size_t i = 0; good && i < d->profile->n_self; i++) {
        if (view_eq(name, d->profile->self[i]))
            return true;
    }
    if (good) {
        *out = arena_copy(d->arena, name);
        return true;
    }
    struct reject *reject = add_reject(d, REASON_PART_NAME);
    const struct view shown = short_view(name, 40);

    set_detail(reject, "%s: '%.*s', allowed are up to %d printable bytes (read as '', suspect)",
        d->profile->part, VIEW_ARG(shown), PART_BYTES);
    if (reject != NULL && reject->idx > 0)
        reject->raw = render(d, part, NORMALISE_RAW_BYTES);
    return false;
}

/* True if there is a reading, or a reject that says why there is none. */
static bool
read_part(struct decoding *d, const struct cJSON *part, bool one_of_many)
{
    struct field_value slots[CLASS_MAX_FIELDS];
    bool known[CLASS_MAX_FIELDS] = {false};
    const size_t rejects_before = d->out->n_rejects + d->more;
    struct reading *reading = &d->readings[d->out->n_readings];
    size_t n = 0;

    *reading = (struct reading){.code = d->out->code,
        .device = d->listed != NULL ? d->listed->key : device_key(d->out->code),
        .listed = d->listed,
        .class = d->class,
        .compound = d->names.compound,
        .suspect = d->suspect,
        .idx = (uint16_t)d->out->n_readings};
    if (!read_part_name(d, part, one_of_many, &reading->part))
        reading->suspect |= SUSPECT_CHECK;
    if (read_fields(d, part, slots, known))
        reading->suspect |= SUSPECT_CHECK;
    for (size_t i = 0; i < d->class->n_fields; i++)
        n += known[i];
    if (n == 0)
        return d->out->n_rejects + d->more > rejects_before;
    struct field_value *values = ARENA_ARRAY(d->arena, n, struct field_value);

    for (size_t i = 0; i < d->class->n_fields; i++) {
        if (known[i])
            values[reading->n_values++] = slots[i];
    }
    reading->values = values;
    read_time(d, part, reading);
    reading->test = read_test(d, part, reading->suspect);
    d->out->n_readings++;
    return true;
}

/* The array of parts, or NULL: the message is about one part. */
static const struct cJSON *
find_parts(struct decoding *d)
{
    char path[256];

    if (d->profile->parts == NULL)
        return NULL;
    const size_t len = strlen(d->profile->parts);
    const size_t brackets = len >= 2 && strcmp(d->profile->parts + len - 2, "[]") == 0 ? 2 : 0;

    CHECK(len < sizeof(path));
    memcpy(path, d->profile->parts, len - brackets);
    path[len - brackets] = '\0';
    const struct cJSON *parts = path_find(d->root, path);

    if (parts == NULL || cJSON_IsArray(parts))
        return parts;
    d->suspect |= SUSPECT_CHECK;
    set_detail(add_reject(d, REASON_PARTS), "%s is not an array (read as one part, suspect)", path);
    return cJSON_IsObject(parts) ? parts : NULL;
}

static void
reject_part(struct decoding *d, const struct cJSON *part, size_t i, enum reason reason)
{
    struct reject *reject = add_reject(d, reason);

    if (reason == REASON_TOO_MANY_PARTS)
        set_detail(reject, "part %zu and later, allowed are %d", i, NORMALISE_MAX_PARTS);
    else
        set_detail(reject, "part %zu: %s", i,
            reason == REASON_PART ? "not an object" : "no field that the profile knows");
    if (reject != NULL && reject->idx > 0)
        reject->raw = render(d, part, NORMALISE_RAW_BYTES);
}

void
read_parts(struct decoding *d)
{
    const struct cJSON *parts = find_parts(d);
    const size_t n = cJSON_IsArray(parts) ? (size_t)cJSON_GetArraySize(parts) : 0;
    size_t i = 0;

    d->readings = ARENA_ARRAY(d->arena,
        n == 0                    ? 1
        : n < NORMALISE_MAX_PARTS ? n
                                  : NORMALISE_MAX_PARTS,
        struct reading);
    d->out->readings = d->readings;
    if (n == 0 && d->framed)
        return; /* a heartbeat, or what was wrong has been said */
    if (n == 0) {
        const struct cJSON *part = cJSON_IsObject(parts) ? parts : d->root;

        if (!read_part(d, part, false) && !view_is(d->names.stream, "status")) {
            set_detail(add_reject(d, REASON_NO_FIELDS), "nothing in it that profile '%s' knows",
                d->profile->name);
        }
        return;
    }
    for (const struct cJSON *part = parts->child; part != NULL; part = part->next, i++) {
        if (i == NORMALISE_MAX_PARTS) {
            reject_part(d, part, i, REASON_TOO_MANY_PARTS);
            return;
        }
        if (!cJSON_IsObject(part))
            reject_part(d, part, i, REASON_PART);
        else if (!read_part(d, part, true) && !d->framed)
            reject_part(d, part, i, REASON_NO_FIELDS);
    }
}
