/*
 * inner: what the protocols share: one payload on its way, and the making of the tree. Nobody
 * outside of this folder includes it.
 */
#pragma once

#include "base/instant.h"
#include "ingest/normalise/frames/frame.h"

#define FRAME_LOCAL_S                                                                              \
    (8 * 3600) /* times in frames are Asia/Shanghai; no summer time since 1991                     \
                */

/* What stands at one place of the payload. */
struct frame_probe {
    size_t len;             /* of the frame; 0: it does not check out */
    bool flawed;            /* flaw is set: kept if there is a len */
    struct frame_flaw flaw; /* at counts from the start of the frame */
};

/* One payload on its way. */
struct framing {
    const struct frame_dialect *dialect;
    struct arena *arena;
    struct view bytes; /* as binary */
    struct cJSON *root, *records;
    struct frame_out *out;
    struct frame_flaw *flaws;
    struct frame_head *heads;
    size_t max_heads;
    size_t n_frames;
    bool hex_bad; /* the text has something else at hex_at; bytes end before it */
    size_t hex_at;
    uint64_t hex_found;
    bool flawed;  /* this frame has its flaw: one is enough */
    bool foreign; /* this frame is another device's and was not read: nor is it confirmed */
    bool had_device;
    uint64_t device; /* of the frames before */
    /* of the last frame; into the tree if it was the only one */
    char identity_room[32];
    struct view identity;
    bool has_time;
    struct instant time;
    char no_time_room[12]; /* the six bytes of a time that is none, as hex digits */
    struct view no_time;
};

struct frame_protocol {
    struct frame_values values; /* what read gives; frames_test.c holds it to that, both ways */
    size_t min_bytes;           /* of a frame */
    /* Length of what may stand between frames at at; 0: nothing of that kind. NULL: nothing may. */
    size_t (*skip)(struct view bytes, size_t at);
    void (*probe)(const struct frame_dialect *dialect, struct view rest, struct frame_probe *out);
    /* The frame is whole. False: it wants no answer. */
    bool (*head)(struct view frame, struct frame_head *out);
    /* The frame checks out; at is where it starts in the payload. */
    void (*read)(struct framing *f, struct view frame, size_t at);
    size_t (*confirm)(const struct frame_dialect *dialect, const struct frame_head *head,
        struct instant now, uint8_t room[FRAME_CONFIRM_BYTES]);
};
extern const struct frame_protocol frame_gbt26875, frame_dny, frame_meokon;

/* The flaw of a frame that is read; only its first one is kept. at from the payload's start. */
void frame_flaw_add(struct framing *f, const struct frame_flaw *flaw);
/* A new element of records; NULL over the limit, which is a flaw. part is copied. */
struct cJSON *frame_record(struct framing *f, struct view part, const char *kind);
/* The device that the frame names: key tells it from others, text is for people, copied. False: it
 * is another one than that of the frames before, and at (kept or not) has become a flaw. */
bool frame_device(struct framing *f, uint64_t key, struct view text, const struct frame_flaw *at);

/* Root and records become one tree. */
void frame_tree_end(struct framing *f);

/* Adds to an object; name outlives the tree, texts are copied unless they are literals. */
void frame_number(struct framing *f, struct cJSON *object, const char *name, double value);
void frame_bool(struct framing *f, struct cJSON *object, const char *name, bool value);
void frame_text(struct framing *f, struct cJSON *object, const char *name, struct view value);
void frame_literal(struct framing *f, struct cJSON *object, const char *name, const char *value);
void frame_instant(struct framing *f, struct cJSON *object, const char *name, struct instant at);

/* Decimal digits at out, without a NUL; their number, at most 10. */
size_t frame_decimal(uint32_t value, char *out);
/* Two digits a byte, most significant digit first, at out, without a NUL. */
void frame_hex(const uint8_t *bytes, size_t n, char *out);

static inline uint8_t
frame_u8(struct view bytes, size_t at)
{
    return (uint8_t)bytes.ptr[at];
}

static inline uint16_t
frame_u16le(struct view bytes, size_t at)
{
    return (uint16_t)(frame_u8(bytes, at) | frame_u8(bytes, at + 1) << 8);
}

static inline uint16_t
frame_u16be(struct view bytes, size_t at)
{
    return (uint16_t)(frame_u8(bytes, at) << 8 | frame_u8(bytes, at + 1));
}

static inline uint32_t
frame_u32le(struct view bytes, size_t at)
{
    return frame_u16le(bytes, at) | (uint32_t)frame_u16le(bytes, at + 2) << 16;
}

static inline uint32_t
frame_u32be(struct view bytes, size_t at)
{
    return (uint32_t)frame_u16be(bytes, at) << 16 | frame_u16be(bytes, at + 2);
}

static inline struct view
view_part(struct view bytes, size_t at, size_t len)
{
    return (struct view){bytes.ptr + at, len};
}
