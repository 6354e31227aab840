#include "ingest/normalise/reason.h"

#include "base/check.h"
#include "base/json.h"

static const char *const names[] = {
    [REASON_TOPIC] = "topic",
    [REASON_DEVICE_CODE] = "device-code",
    [REASON_UNKNOWN_CLASS] = "unknown-class",
    [REASON_CANARY] = "canary",
    [REASON_ROOT] = "root",
    [REASON_KIND] = "kind",
    [REASON_NO_FIELDS] = "no-fields",
    [REASON_PARTS] = "parts",
    [REASON_PART] = "part",
    [REASON_PART_NAME] = "part-name",
    [REASON_TOO_MANY_PARTS] = "too-many-parts",
    [REASON_TYPE] = "type",
    [REASON_RANGE] = "range",
    [REASON_CODE] = "code",
    [REASON_LENGTH] = "length",
    [REASON_TIME] = "time",
    [REASON_FRAME + FRAME_CHECK_HEX] = "frame-hex",
    [REASON_FRAME + FRAME_CHECK_START] = "frame-start",
    [REASON_FRAME + FRAME_CHECK_SHORT] = "frame-short",
    [REASON_FRAME + FRAME_CHECK_LENGTH] = "frame-length",
    [REASON_FRAME + FRAME_CHECK_SUM] = "frame-sum",
    [REASON_FRAME + FRAME_CHECK_END] = "frame-end",
    [REASON_FRAME + FRAME_CHECK_TYPE] = "frame-type",
    [REASON_FRAME + FRAME_CHECK_COUNT] = "frame-count",
    [REASON_FRAME + FRAME_CHECK_MANY] = "frame-many",
    [REASON_FRAME + FRAME_CHECK_DEVICE] = "frame-device",
    [REASON_MORE] = "more",
};
_Static_assert(ARRAY_LEN(names) == REASON_COUNT, "a name for each reason");

const char *
reason_name(enum reason reason)
{
    CHECK((size_t)reason < REASON_COUNT);
    return names[reason];
}

const char *
reason_word(size_t i)
{
    if (i < REASON_COUNT)
        return names[i];
    i = i - REASON_COUNT + JSON_FINE + 1;
    return i <= JSON_TRAILING ? json_flaw_name((enum json_flaw)i) : NULL;
}
