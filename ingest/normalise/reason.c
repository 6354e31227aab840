#include "ingest/normalise/reason.h"

#include "base/check.h"
#include "base/json.h"

static const char *const names[] = {
    [REASON_TOPIC] = "topic",
    [REASON_DEVICE_CODE] = "device-code",
    [REASON_UNKNOWN_CLASS] = "unknown-class",
    [REASON_CANARY] = "canary",
    [REASON_ROOT] = "root",
    [REASON_NO_FIELDS] = "no-fields",
    [REASON_PARTS] = "parts",
    [REASON_PART] = "part",
    [REASON_PART_NAME] = "part-name",
    [REASON_TOO_MANY_PARTS] = "too-many-parts",
    [REASON_TYPE] = "type",
    [REASON_RANGE] = "range",
    [REASON_CODE] = "code",
    [REASON_LENGTH] = "length",
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
