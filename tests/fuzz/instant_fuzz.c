#include "base/instant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read is written back and read again as the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct view text = view_bytes(data, size);
    char at_text[INSTANT_TEXT_BYTES];
    char span_out[SPAN_TEXT_BYTES];
    struct instant at;
    struct instant at_again;
    struct span span;
    struct span span_again;

    if (instant_parse(text, &at)) {
        CHECK(instant_parse(view_of(instant_text(at, at_text)), &at_again));
        CHECK(at.us == at_again.us);
    }
    if (span_parse(text, &span)) {
        CHECK(span_parse(view_of(span_text(span, span_out)), &span_again));
        CHECK(span.us == span_again.us);
    }
    return 0;
}
