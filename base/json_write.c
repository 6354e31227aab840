/*
 * The writer: a stack of frames. Each open object or array renders its members one after the
 * other into its own text and remembers where each one lies; closing puts them, sorted by key if it
 * is an object, into the frame above or, for the outermost, into out.
 */
#include "base/json.h"

#include "base/vec.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct member {
    char *key;         /* owned; NULL in an array */
    size_t start, end; /* of its value in the frame's text */
};

struct json_frame {
    struct json_frame *up;
    bool object;
    struct buf text;
    VEC(struct member) members;
};

void
json_begin(struct json_writer *json, struct buf *out)
{
    *json = (struct json_writer){.out = out};
}

void
json_end(struct json_writer *json)
{
    CHECK(json->top == NULL);
    json->out = NULL;
}

/* Where the text of the next value goes. */
static struct buf *
start_value(struct json_writer *json, const char *key)
{
    struct json_frame *frame = json->top;

    if (frame == NULL) {
        CHECK(key == NULL);
        return json->out;
    }
    CHECK(frame->object == (key != NULL));
    struct member *member = VEC_PUSH(&frame->members);

    member->start = frame->text.len;
    if (key != NULL) {
        const size_t size = strlen(key) + 1;

        member->key = mem_alloc(size);
        memcpy(member->key, key, size);
    }
    return &frame->text;
}

static void
end_value(struct json_writer *json)
{
    struct json_frame *frame = json->top;

    if (frame != NULL)
        frame->members.at[frame->members.len - 1].end = frame->text.len;
}

static void
open_frame(struct json_writer *json, const char *key, bool object)
{
    (void)start_value(json, key);
    struct json_frame *frame = mem_zalloc(1, sizeof(*frame));

    frame->up = json->top;
    frame->object = object;
    buf_init(&frame->text, json->out->max);
    json->top = frame;
}

void
json_object(struct json_writer *json, const char *key)
{
    open_frame(json, key, true);
}

void
json_array(struct json_writer *json, const char *key)
{
    open_frame(json, key, false);
}

/* Runs of plain bytes go out whole; a byte that is no part of a character becomes U+FFFD. */
static void
put_string(struct buf *out, struct view text)
{
    size_t plain = 0;

    buf_char(out, '"');
    for (size_t i = 0; i < text.len;) {
        const unsigned char c = (unsigned char)text.ptr[i];
        const size_t n = utf8_char((struct view){text.ptr + i, text.len - i});

        if (n > 0 && c >= 0x20 && c != '"' && c != '\\') {
            i += n;
            continue;
        }
        buf_put(out, (struct view){text.ptr + plain, i - plain});
        if (n == 0)
            buf_text(out, "\xEF\xBF\xBD");
        else if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c == '\n')
            buf_text(out, "\\n");
        else
            buf_printf(out, "\\u%04x", c);
        plain = ++i;
    }
    if (plain < text.len)
        buf_put(out, (struct view){text.ptr + plain, text.len - plain});
    buf_char(out, '"');
}

static int
compare_members(const void *left, const void *right)
{
    const struct member *a = left;
    const struct member *b = right;

    return strcmp(a->key, b->key);
}

void
json_close(struct json_writer *json)
{
    struct json_frame *frame = json->top;

    CHECK(frame != NULL);
    json->top = frame->up;
    struct buf *out = frame->up == NULL ? json->out : &frame->up->text;

    if (frame->object && frame->members.len > 1)
        qsort(frame->members.at, frame->members.len, sizeof(*frame->members.at), compare_members);
    buf_char(out, frame->object ? '{' : '[');
    for (size_t i = 0; i < frame->members.len; i++) {
        struct member *member = &frame->members.at[i];

        if (i > 0)
            buf_char(out, ',');
        if (frame->object) {
            CHECK(i == 0 || strcmp(frame->members.at[i - 1].key, member->key) != 0);
            put_string(out, view_of(member->key));
            buf_char(out, ':');
        }
        if (!frame->text.full)
            buf_put(
                out, (struct view){frame->text.ptr + member->start, member->end - member->start});
    }
    buf_char(out, frame->object ? '}' : ']');
    out->full = out->full || frame->text.full;
    for (size_t i = 0; i < frame->members.len; i++)
        free(frame->members.at[i].key);
    VEC_FREE(&frame->members);
    buf_fini(&frame->text);
    free(frame);
    end_value(json);
}

void
json_view(struct json_writer *json, const char *key, struct view value)
{
    put_string(start_value(json, key), value);
    end_value(json);
}

void
json_text(struct json_writer *json, const char *key, const char *value)
{
    json_view(json, key, view_of(value));
}

void
json_number(struct json_writer *json, const char *key, double value)
{
    char text[40] = "null";

    for (int digits = 15; isfinite(value) && digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    json_raw(json, key, view_of(text));
}

void
json_int(struct json_writer *json, const char *key, int64_t value)
{
    buf_printf(start_value(json, key), "%" PRId64, value);
    end_value(json);
}

void
json_bool(struct json_writer *json, const char *key, bool value)
{
    json_raw(json, key, view_of(value ? "true" : "false"));
}

void
json_null(struct json_writer *json, const char *key)
{
    json_raw(json, key, view_of("null"));
}

void
json_instant(struct json_writer *json, const char *key, struct instant value)
{
    char text[INSTANT_TEXT_BYTES];

    json_text(json, key, instant_text(value, text));
}

void
json_raw(struct json_writer *json, const char *key, struct view value)
{
    buf_put(start_value(json, key), value);
    end_value(json);
}
