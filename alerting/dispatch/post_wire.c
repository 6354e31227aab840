#include "alerting/dispatch/post_wire.h"

#include "base/pack.h"

#define HEAD_BYTES 4

static void
read_body(struct unpack *in, struct post_frame *frame)
{
    switch (frame->kind) {
    case POST_CONFIG:
        frame->config = in->rest;
        in->rest.len = 0;
        break;
    case POST_PUBLISH:
        frame->seq = unpack_u64(in);
        frame->flag = unpack_u8(in) != 0;
        frame->topic = unpack_view(in);
        frame->payload = unpack_view(in);
        break;
    case POST_CLOSE:
        break;
    case POST_STATE:
        frame->flag = unpack_u8(in) != 0;
        frame->payload = unpack_view(in);
        break;
    case POST_DONE:
        frame->seq = unpack_u64(in);
        frame->reason = (int)(int16_t)unpack_u16(in);
        break;
    case POST_MESSAGE:
        frame->flag = unpack_u8(in) != 0;
        frame->topic = unpack_view(in);
        frame->payload = unpack_view(in);
        break;
    default:
        in->bad = true;
    }
}

enum post_wire
post_wire_read(struct view bytes, struct post_frame *out, size_t *used)
{
    struct post_frame frame = {0};
    struct unpack head = unpack_from(bytes);

    if (bytes.len < HEAD_BYTES)
        return POST_WIRE_MORE;
    const size_t len = unpack_u32(&head);

    if (len == 0 || len > POST_MAX_FRAME_BYTES)
        return POST_WIRE_BAD;
    if (bytes.len - HEAD_BYTES < len)
        return POST_WIRE_MORE;
    struct unpack in = unpack_from(view_bytes(bytes.ptr + HEAD_BYTES, len));

    frame.kind = (enum post_kind)unpack_u8(&in);
    read_body(&in, &frame);
    if (!unpack_done(&in) || frame.topic.len > POST_MAX_TOPIC_BYTES)
        return POST_WIRE_BAD;
    *out = frame;
    *used = HEAD_BYTES + len;
    return POST_WIRE_FRAME;
}

static void
put_text(struct buf *out, const char *text)
{
    pack_u8(out, text != NULL);
    if (text != NULL)
        pack_text(out, text);
}

static const char *
get_text(struct arena *arena, struct unpack *in)
{
    if (unpack_u8(in) == 0)
        return NULL;
    const struct view text = unpack_view(in);

    /* A NUL inside would silently become another text. */
    if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL)
        in->bad = true;
    return arena_text(arena, text);
}

bool
post_wire_config_read(struct arena *arena, struct view config, struct post_config *out)
{
    struct unpack in = unpack_from(config);
    struct post_config got = {.host = get_text(arena, &in)};

    got.port = unpack_u16(&in);
    got.client_id = get_text(arena, &in);
    got.username = get_text(arena, &in);
    got.password_file = get_text(arena, &in);
    got.will_topic = get_text(arena, &in);
    got.will_body = get_text(arena, &in);
    got.n_filters = unpack_count(&in, 1);
    const char **filters = ARENA_ARRAY(arena, got.n_filters, const char *);

    got.filters = filters;
    for (size_t i = 0; i < got.n_filters; i++) {
        filters[i] = get_text(arena, &in);
        if (filters[i] == NULL)
            in.bad = true;
    }
    if (!unpack_done(&in) || got.host == NULL || got.client_id == NULL)
        return false;
    *out = got;
    return true;
}

/* The length is put in front when the body is there. */
static size_t
begin(struct buf *out, enum post_kind kind)
{
    const size_t at = out->len;

    pack_u32(out, 0);
    pack_u8(out, (uint8_t)kind);
    return at;
}

static void
end(struct buf *out, size_t at)
{
    CHECK(!out->full);
    const size_t len = out->len - at - HEAD_BYTES;

    CHECK(len <= POST_MAX_FRAME_BYTES);
    for (size_t i = 0; i < HEAD_BYTES; i++)
        out->ptr[at + i] = (char)(unsigned char)(len >> (8 * i));
}

void
post_wire_config(struct buf *out, const struct post_config *config)
{
    const size_t at = begin(out, POST_CONFIG);

    put_text(out, config->host);
    pack_u16(out, (uint16_t)config->port);
    put_text(out, config->client_id);
    put_text(out, config->username);
    put_text(out, config->password_file);
    put_text(out, config->will_topic);
    put_text(out, config->will_body);
    pack_u32(out, (uint32_t)config->n_filters);
    for (size_t i = 0; i < config->n_filters; i++)
        put_text(out, config->filters[i]);
    end(out, at);
}

void
post_wire_publish(
    struct buf *out, uint64_t seq, struct view topic, struct view payload, bool retained)
{
    const size_t at = begin(out, POST_PUBLISH);

    pack_u64(out, seq);
    pack_u8(out, retained);
    pack_view(out, topic);
    pack_view(out, payload);
    end(out, at);
}

void
post_wire_close(struct buf *out)
{
    end(out, begin(out, POST_CLOSE));
}

void
post_wire_state(struct buf *out, bool up, struct view why)
{
    const size_t at = begin(out, POST_STATE);

    pack_u8(out, up);
    pack_view(out, why);
    end(out, at);
}

void
post_wire_done(struct buf *out, uint64_t seq, int reason)
{
    const size_t at = begin(out, POST_DONE);

    pack_u64(out, seq);
    pack_u16(out, (uint16_t)(int16_t)reason);
    end(out, at);
}

void
post_wire_message(struct buf *out, struct view topic, struct view payload, bool retained)
{
    const size_t at = begin(out, POST_MESSAGE);

    pack_u8(out, retained);
    pack_view(out, topic);
    pack_view(out, payload);
    end(out, at);
}
