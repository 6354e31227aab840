/* The tree of a payload, as cJSON would have made it, but in the arena and without a copy of names.
 */
#include "ingest/normalise/frames/inner.h"

#include <cjson/cJSON.h>

/* cJSON's name and text pointers are not const, though nothing here or in normalise writes there.
 */
static void
set_text(char **to, const char *text)
{
    memcpy(to, &text, sizeof(text));
}

static void
append(struct cJSON *parent, struct cJSON *child)
{
    if (parent->child == NULL) {
        parent->child = child;
        child->prev = child;
        return;
    }
    struct cJSON *last = parent->child->prev;

    last->next = child;
    child->prev = last;
    parent->child->prev = child;
}

static struct cJSON *
add(struct framing *f, struct cJSON *object, const char *name, int type)
{
    struct cJSON *item = ARENA_NEW(f->arena, struct cJSON);

    item->type = type;
    set_text(&item->string, name);
    append(object, item);
    return item;
}

void
frame_number(struct framing *f, struct cJSON *object, const char *name, double value)
{
    add(f, object, name, cJSON_Number)->valuedouble = value;
}

void
frame_bool(struct framing *f, struct cJSON *object, const char *name, bool value)
{
    (void)add(f, object, name, value ? cJSON_True : cJSON_False);
}

void
frame_text(struct framing *f, struct cJSON *object, const char *name, struct view value)
{
    add(f, object, name, cJSON_String)->valuestring = arena_text(f->arena, value);
}

void
frame_literal(struct framing *f, struct cJSON *object, const char *name, const char *value)
{
    set_text(&add(f, object, name, cJSON_String)->valuestring, value);
}

void
frame_instant(struct framing *f, struct cJSON *object, const char *name, struct instant at)
{
    const int64_t ms = at.us / 1000;

    frame_number(f, object, name, (double)ms);
}

struct cJSON *
frame_record(struct framing *f, struct view part, const char *kind)
{
    if (f->out->n_records == FRAME_MAX_RECORDS) {
        frame_flaw_add(f, &(struct frame_flaw){.check = FRAME_CHECK_MANY,
                              .found = FRAME_MAX_RECORDS + 1,
                              .expected = FRAME_MAX_RECORDS,
                              .kept = true});
        return NULL;
    }
    struct cJSON *record = ARENA_NEW(f->arena, struct cJSON);

    record->type = cJSON_Object;
    append(f->records, record);
    f->out->n_records++;
    frame_text(f, record, "part", part);
    frame_literal(f, record, "kind", kind);
    return record;
}

bool
frame_device(struct framing *f, uint64_t key, struct view text, const struct frame_flaw *at)
{
    if (!f->had_device) {
        frame_text(f, f->root, "device", text);
    } else if (key != f->device) {
        struct frame_flaw flaw = *at;

        flaw.check = FRAME_CHECK_DEVICE;
        flaw.found = key;
        flaw.expected = f->device;
        frame_flaw_add(f, &flaw);
        return false;
    }
    f->had_device = true;
    f->device = key;
    return true;
}

void
frame_tree_end(struct framing *f)
{
    /* Of several frames, or beside one that could not be read, the identity of one would make a
     * repetition of what is more than that. */
    if (f->n_frames == 1 && f->out->n_flaws == 0) {
        if (f->identity.len > 0)
            frame_text(f, f->root, "identity", f->identity);
        if (f->has_time)
            frame_instant(f, f->root, "time", f->time);
        else if (f->no_time.len > 0)
            frame_text(f, f->root, "time", f->no_time);
    }
    set_text(&f->records->string, "records");
    append(f->root, f->records);
}

size_t
frame_decimal(uint32_t value, char *out)
{
    char room[10];
    size_t n = 0;

    do {
        room[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (size_t i = 0; i < n; i++)
        out[i] = room[n - 1 - i];
    return n;
}

void
frame_hex(const uint8_t *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}
