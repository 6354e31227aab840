/*
 * The way of one payload: hex digits to bytes, then frame by frame. Where a frame does not check
 * out, the next place at which one does is looked for, and what lies between is one flaw.
 *
 * Cost: a place is probed only if it has a start mark, and a probe costs at most one frame, so a
 * payload that is all start marks costs payload times frame: some ten milliseconds.
 */
#include "ingest/normalise/frames/frame.h"

#include "base/check.h"
#include "ingest/normalise/frames/inner.h"

#include <cjson/cJSON.h>

const char *const frame_names[FRAME_KINDS] = {"none", "gbt26875", "dny", "meokon"};
const char *const frame_encoding_names[FRAME_ENCODINGS] = {"usual", "binary", "hex"};
const char *const frame_layout_names[FRAME_LAYOUTS] = {"standard", "nbiot"};

static const struct frame_protocol *
protocol_of(enum frame_kind kind)
{
    static const struct frame_protocol *const protocols[FRAME_KINDS] = {
        NULL, &frame_gbt26875, &frame_dny, &frame_meokon};

    CHECK(kind > FRAME_NONE && kind < FRAME_KINDS);
    return protocols[kind];
}

struct frame_values
frame_values_of(enum frame_kind kind)
{
    return protocol_of(kind)->values;
}

static bool
is_hex(const struct frame_dialect *dialect)
{
    return dialect->encoding == FRAME_ENCODING_HEX ||
           (dialect->encoding == FRAME_ENCODING_USUAL && dialect->kind == FRAME_MEOKON);
}

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* White space between the bytes is allowed. What follows a bad digit is not believed. */
static void
read_hex(struct framing *f, struct view text)
{
    char *bytes = arena_alloc(f->arena, text.len / 2);
    size_t n = 0;
    size_t i = 0;

    while (i < text.len) {
        const char c = text.ptr[i];

        if (c == ' ' || c == '\r' || c == '\n' || c == '\t') {
            i++;
            continue;
        }
        const int high = hex_value(c);
        const int low = i + 1 < text.len ? hex_value(text.ptr[i + 1]) : -1;

        if (high < 0 || low < 0) {
            f->hex_at = high < 0 ? i : i + 1;
            f->hex_found = f->hex_at < text.len ? (unsigned char)text.ptr[f->hex_at] : 0;
            f->hex_bad = true;
            break;
        }
        bytes[n++] = (char)(high * 16 + low);
        i += 2;
    }
    f->bytes = (struct view){bytes, n};
}

/* The first thing that cannot be read behind a bad digit is due to the digit. */
static void
add_flaw(struct framing *f, struct frame_flaw flaw)
{
    if (f->hex_bad && !flaw.kept) {
        flaw.check = FRAME_CHECK_HEX;
        flaw.at = f->hex_at;
        flaw.found = f->hex_found;
        flaw.expected = 0;
        f->hex_bad = false;
    }
    if (f->out->n_flaws == FRAME_MAX_FLAWS) {
        f->out->more++;
        return;
    }
    if (f->flaws == NULL) {
        f->flaws = ARENA_ARRAY(f->arena, FRAME_MAX_FLAWS, struct frame_flaw);
        f->out->flaws = f->flaws;
    }
    f->flaws[f->out->n_flaws++] = flaw;
}

void
frame_flaw_add(struct framing *f, const struct frame_flaw *flaw)
{
    if (f->flawed)
        return;
    f->flawed = true;
    add_flaw(f, *flaw);
}

static void
add_head(struct framing *f, const struct frame_protocol *protocol, struct view frame, bool good)
{
    struct frame_head head = {.good = good};

    if (!protocol->head(frame, &head))
        return;
    if (f->heads == NULL) { /* as many as there can be frames */
        f->max_heads = f->bytes.len / protocol->min_bytes + 1;
        f->heads = ARENA_ARRAY(f->arena, f->max_heads, struct frame_head);
        f->out->heads = f->heads;
    }
    if (f->out->n_heads < f->max_heads)
        f->heads[f->out->n_heads++] = head;
}

static void
probe_at(const struct framing *f, const struct frame_protocol *protocol, size_t at,
    struct frame_probe *out)
{
    *out = (struct frame_probe){0};
    protocol->probe(f->dialect, view_part(f->bytes, at, f->bytes.len - at), out);
}

/* Where the next frame that checks out begins, or the end. */
static size_t
find_next(const struct framing *f, const struct frame_protocol *protocol, size_t at)
{
    struct frame_probe probe;

    for (; at < f->bytes.len; at++) {
        if (protocol->skip != NULL && protocol->skip(f->bytes, at) == f->bytes.len - at)
            return at;
        probe_at(f, protocol, at, &probe);
        if (probe.len > 0)
            return at;
    }
    return at;
}

static size_t
read_at(struct framing *f, const struct frame_protocol *protocol, size_t at)
{
    struct frame_probe probe;

    f->flawed = false;
    f->foreign = false;
    probe_at(f, protocol, at, &probe);
    size_t len = probe.len;

    if (len == 0)
        len = find_next(f, protocol, at + 1) - at;
    const struct view frame = view_part(f->bytes, at, len);

    if (probe.flawed) {
        probe.flaw.at += at;
        probe.flaw.raw = frame;
        probe.flaw.kept = probe.len > 0;
        frame_flaw_add(f, &probe.flaw);
    }
    if (probe.len > 0) {
        f->n_frames++;
        protocol->read(f, frame, at);
        if (!f->foreign)
            add_head(f, protocol, frame, true);
    } else if (probe.flaw.check == FRAME_CHECK_SUM && len >= protocol->min_bytes) {
        add_head(f, protocol, frame, false);
    }
    return len;
}

void
frame_decode(const struct frame_dialect *dialect, struct view payload, struct arena *arena,
    struct frame_out *out)
{
    const struct frame_protocol *protocol = protocol_of(dialect->kind);
    struct framing f = {.dialect = dialect, .arena = arena, .bytes = payload, .out = out};
    size_t at = 0;

    *out = (struct frame_out){0};
    f.root = ARENA_NEW(arena, struct cJSON);
    f.root->type = cJSON_Object;
    out->root = f.root;
    f.records = ARENA_NEW(arena, struct cJSON);
    f.records->type = cJSON_Array;
    if (payload.len > FRAME_MAX_BYTES) {
        f.bytes.len = 0;
        add_flaw(&f, (struct frame_flaw){.check = FRAME_CHECK_LENGTH,
                         .at = FRAME_MAX_BYTES,
                         .found = payload.len,
                         .expected = FRAME_MAX_BYTES,
                         .raw = {payload.ptr, FRAME_MAX_BYTES}});
    } else if (is_hex(dialect)) {
        read_hex(&f, payload);
    }
    while (at < f.bytes.len) {
        const size_t beside = protocol->skip == NULL ? 0 : protocol->skip(f.bytes, at);

        at += beside > 0 ? beside : read_at(&f, protocol, at);
    }
    if (f.hex_bad)
        add_flaw(&f, (struct frame_flaw){.raw = f.bytes});
    else if (payload.len == 0)
        add_flaw(&f, (struct frame_flaw){.check = FRAME_CHECK_SHORT, .raw = payload});
    frame_tree_end(&f);
}

size_t
frame_confirm(const struct frame_dialect *dialect, const struct frame_head *head,
    struct instant now, uint8_t room[FRAME_CONFIRM_BYTES])
{
    const struct frame_protocol *protocol = protocol_of(dialect->kind);

    return protocol->confirm == NULL ? 0 : protocol->confirm(dialect, head, now, room);
}

struct view
frame_answer(const struct frame_dialect *dialect, const struct frame_out *frames,
    struct instant now, struct arena *arena)
{
    const size_t width = is_hex(dialect) ? 2 : 1;
    size_t len = 0;

    if (!dialect->confirm || frames->n_heads == 0)
        return (struct view){"", 0};
    char *text = arena_alloc(arena, frames->n_heads * FRAME_CONFIRM_BYTES * width);

    for (size_t i = 0; i < frames->n_heads; i++) {
        uint8_t room[FRAME_CONFIRM_BYTES];
        const size_t n = frame_confirm(dialect, &frames->heads[i], now, room);

        if (width == 1)
            memcpy(text + len, room, n);
        else
            frame_hex(room, n, text + len);
        len += n * width;
    }
    return (struct view){text, len};
}
