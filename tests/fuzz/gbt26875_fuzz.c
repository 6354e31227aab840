/* See frames_fuzz.h; wrapped is the command, then the unit. */
#include "tests/fuzz/frames_fuzz.h"

/* NOLINTNEXTLINE(readability-identifier-naming) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* NOLINTNEXTLINE(readability-identifier-naming) */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct frame_dialect dialect = {.kind = FRAME_GBT26875,
        .encoding = (data[0] & 1) != 0 ? FRAME_ENCODING_HEX : FRAME_ENCODING_USUAL,
        .layout = (data[0] & 2) != 0 ? FRAME_LAYOUT_NBIOT : FRAME_LAYOUT_STANDARD,
        .bcd_time = (data[0] & 4) != 0,
        .big_endian_state = (data[0] & 8) != 0,
        .any_length = (data[0] & 16) != 0,
        .confirm = true};
    struct made made = {.kind = FRAME_GBT26875};

    if ((data[0] & WRAPPED) == 0) {
        check_frames(&dialect, view_bytes(data + 1, size - 1));
        return 0;
    }
    if (size < 2 || size > 1026 || (data[0] & 1) != 0)
        return 0;
    make_gbt26875_unit(&made, data[1], data + 2, size - 2);
    check_frames(&dialect, (struct view){made.bytes, made.len});
    return 0;
}
