/* Whatever comes over the socket pair is read without harm, and what is read is written the same.
 */
#include "alerting/dispatch/post_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest = view_bytes(data, size);
    struct post_frame frame;
    struct post_config config;
    struct arena arena;
    struct buf again;
    size_t used = 0;

    arena_init(&arena);
    buf_init(&again, (size_t)2 * POST_MAX_FRAME_BYTES);
    while (post_wire_read(rest, &frame, &used) == POST_WIRE_FRAME) {
        CHECK(used > 0 && used <= rest.len);
        buf_reset(&again);
        if (frame.kind == POST_PUBLISH) {
            post_wire_publish(&again, frame.seq, frame.topic, frame.payload, frame.flag);
        } else if (frame.kind == POST_DONE) {
            post_wire_done(&again, frame.seq, frame.reason);
        } else if (frame.kind == POST_CONFIG &&
                   post_wire_config_read(&arena, frame.config, &config)) {
            post_wire_config(&again, &config);
        }
        /* A flag of 2 is read as 1: all but that byte must agree. */
        if (again.len > 0 && frame.kind == POST_DONE)
            CHECK(view_eq(buf_view(&again), view_bytes(rest.ptr, used)));
        rest.ptr += used;
        rest.len -= used;
    }
    buf_fini(&again);
    arena_fini(&arena);
    return 0;
}
