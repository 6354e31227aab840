/*
 * post_wire: what the lane and its post child say to each other over their socket pair.
 *
 * A frame is u32 length of the rest, u8 kind, body (base/pack). Reading is total: a frame that is
 * too long, of no known kind, or does not add up is POST_WIRE_BAD, and the reader gives up on the
 * other side (the parent starts a new child, the child ends). Pure.
 *
 *   lane -> child: CONFIG (first), PUBLISH ..., CLOSE (finish what you have, then end)
 *   child -> lane: STATE, DONE (one for each PUBLISH), MESSAGE
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POST_MAX_TOPIC_BYTES 1024
#define POST_MAX_PAYLOAD_BYTES (1024 * 1024 - 4096) /* the broker's limit is 1 MiB a packet */
#define POST_MAX_FRAME_BYTES (1024 * 1024 + 65536)

enum post_kind {
    POST_CONFIG = 1,
    POST_PUBLISH,
    POST_CLOSE,
    POST_STATE,
    POST_DONE,
    POST_MESSAGE,
};

struct post_config { /* NULL: none; texts after reading live in the arena */
    const char *host;
    int port;
    const char *client_id, *username, *password_file, *will_topic, *will_body;
    const char *const *filters;
    size_t n_filters;
};

struct post_frame {
    enum post_kind kind;
    uint64_t seq;        /* PUBLISH, DONE */
    int reason;          /* DONE */
    bool flag;           /* PUBLISH, MESSAGE: retained; STATE: up */
    struct view topic;   /* PUBLISH, MESSAGE */
    struct view payload; /* PUBLISH, MESSAGE; STATE: why */
    struct view config;  /* CONFIG: for post_wire_config_read */
};

enum post_wire {
    POST_WIRE_MORE, /* not a whole frame yet */
    POST_WIRE_FRAME,
    POST_WIRE_BAD,
};

/* The first frame of bytes; *used: its length. Views point into bytes. */
enum post_wire post_wire_read(struct view bytes, struct post_frame *out, size_t *used);
MUST_USE bool post_wire_config_read(
    struct arena *arena, struct view config, struct post_config *out);

void post_wire_config(struct buf *out, const struct post_config *config);
void post_wire_publish(
    struct buf *out, uint64_t seq, struct view topic, struct view payload, bool retained);
void post_wire_close(struct buf *out);
void post_wire_state(struct buf *out, bool up, struct view why);
void post_wire_done(struct buf *out, uint64_t seq, int reason);
void post_wire_message(struct buf *out, struct view topic, struct view payload, bool retained);
