/* A payload of frames: what checks out becomes the tree, what does not a reject for each frame. */
#include "ingest/normalise/decode.h"

#include <inttypes.h>

static const char *
what_failed(enum frame_check check)
{
    static const char *const words[FRAME_CHECKS] = {
        [FRAME_CHECK_HEX] = "hex digit",
        [FRAME_CHECK_START] = "start mark",
        [FRAME_CHECK_SHORT] = "length of what came",
        [FRAME_CHECK_LENGTH] = "length field",
        [FRAME_CHECK_SUM] = "checksum",
        [FRAME_CHECK_END] = "end mark",
        [FRAME_CHECK_TYPE] = "type",
        [FRAME_CHECK_COUNT] = "number of objects",
        [FRAME_CHECK_MANY] = "number of records",
        [FRAME_CHECK_DEVICE] = "device",
    };

    CHECK(check < FRAME_CHECKS);
    return words[check];
}

static void
reject_frame(struct decoding *d, const struct frame_flaw *flaw)
{
    struct reject *reject = add_reject(d, (enum reason)(REASON_FRAME + (int)flaw->check));
    const char *name = frame_names[d->profile->frame.kind];
    const char *fate = flaw->kept ? " (read, suspect)" : "";

    if (flaw->kept)
        d->suspect |= SUSPECT_CHECK;
    else
        d->out->lost = true;
    switch (flaw->check) {
    case FRAME_CHECK_TYPE:
        set_detail(reject, "%s: type at byte %zu: 0x%02" PRIX64 " is not known%s", name, flaw->at,
            flaw->found, fate);
        break;
    case FRAME_CHECK_HEX:
        set_detail(reject, "%s: '%c' at byte %zu is no hex digit", name,
            flaw->found >= 0x20 && flaw->found < 0x7F ? (int)flaw->found : '?', flaw->at);
        break;
    case FRAME_CHECK_SHORT:
    case FRAME_CHECK_LENGTH:
    case FRAME_CHECK_COUNT:
    case FRAME_CHECK_MANY:
        set_detail(reject, "%s: %s at byte %zu: found %" PRIu64 ", expected %" PRIu64 "%s", name,
            what_failed(flaw->check), flaw->at, flaw->found, flaw->expected, fate);
        break;
    case FRAME_CHECK_START:
    case FRAME_CHECK_SUM:
    case FRAME_CHECK_END:
    case FRAME_CHECK_DEVICE:
    case FRAME_CHECKS:
        set_detail(reject, "%s: %s at byte %zu: found 0x%02" PRIX64 ", expected 0x%02" PRIX64 "%s",
            name, what_failed(flaw->check), flaw->at, flaw->found, flaw->expected, fate);
        break;
    }
    if (reject != NULL && reject->idx > 0) {
        const size_t len =
            flaw->raw.len < NORMALISE_RAW_BYTES ? flaw->raw.len : NORMALISE_RAW_BYTES;

        reject->raw = (struct view){flaw->raw.ptr, len};
    }
}

const struct cJSON *
read_frames(struct decoding *d, struct frame_out *frames)
{
    frame_decode(&d->profile->frame, d->msg->payload, d->arena, frames);
    for (size_t i = 0; i < frames->n_flaws; i++)
        reject_frame(d, &frames->flaws[i]);
    d->more += frames->more;
    return frames->root;
}
