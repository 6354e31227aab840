/* See frames_fuzz.h; wrapped is what stands between the id and the checksum, at least the fixed
 * part of it. */
#include "tests/fuzz/frames_fuzz.h"

/* NOLINTNEXTLINE(readability-identifier-naming) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* NOLINTNEXTLINE(readability-identifier-naming) */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct made made = {.kind = FRAME_MEOKON};
    char room[2 * sizeof(made.bytes)];

    if (size == 0)
        return 0;
    struct frame_dialect dialect = {.kind = FRAME_MEOKON,
        .encoding = (data[0] & 1) != 0 ? FRAME_ENCODING_BINARY : FRAME_ENCODING_USUAL,
        .confirm = true};

    if ((data[0] & WRAPPED) == 0) {
        check_frames(&dialect, view_bytes(data + 1, size - 1));
        return 0;
    }
    if (size > 1200)
        return 0;
    make_meokon_rest(&made, data + 1, size - 1);
    dialect.encoding = FRAME_ENCODING_USUAL;
    check_frames(&dialect, made_payload(&made, room));
    return 0;
}
