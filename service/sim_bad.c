#include "service/sim_bad.h"

#include "base/check.h"

#include <stdio.h>

#define OVERSIZED 65537 /* one more than a lane reads */
#define DEEP 200

static const struct sim_bad kinds[] = {
    {.name = "empty"},
    {.name = "cut"},
    {.name = "oversized"},
    {.name = "deep"},
    {.name = "utf8"},
    {.name = "nul"},
    {.name = "trailing"},
    {.name = "array"},
    {.name = "wrong-type", .twist = SIM_WRONG_TYPE},
    {.name = "range", .twist = SIM_RANGE, .readable = true},
    {.name = "future", .twist = SIM_FUTURE, .readable = true},
    {.name = "past", .twist = SIM_PAST, .readable = true},
    {.name = "unknown-device", .topic_device = true, .readable = true},
    {.name = "unknown-class", .topic_class = true},
};

const struct sim_bad *
sim_bad_at(size_t i)
{
    return i < ARRAY_LEN(kinds) ? &kinds[i] : NULL;
}

size_t
sim_bad_count(void)
{
    return ARRAY_LEN(kinds);
}

void
sim_bad_spoil(const struct sim_bad *bad, struct buf *payload)
{
    const struct view kind = view_of(bad->name);

    if (view_is(kind, "empty")) {
        buf_reset(payload);
    } else if (view_is(kind, "cut")) {
        payload->len /= 2;
    } else if (view_is(kind, "oversized")) {
        while (payload->len < OVERSIZED)
            buf_char(payload, ' ');
    } else if (view_is(kind, "deep")) {
        buf_reset(payload);
        for (int i = 0; i < DEEP; i++)
            buf_text(payload, "{\"a\":");
    } else if (view_is(kind, "utf8")) {
        buf_reset(payload);
        buf_text(payload, "{\"note\":\"\xff\xfe\"}");
    } else if (view_is(kind, "nul")) {
        buf_reset(payload);
        buf_text(payload, "{\"note\":\"a\\u0000b\"}");
    } else if (view_is(kind, "trailing")) {
        buf_text(payload, "}\r\n");
    } else if (view_is(kind, "array")) {
        buf_reset(payload);
        buf_text(payload, "[1,2,3]");
    }
}

/* estate/DISTRICT/COMPOUND/CLASS/DEVICE/STREAM */
void
sim_bad_topic(const struct sim_bad *bad, const char *topic, char *out, size_t size)
{
    const char *level[6] = {topic};

    (void)snprintf(out, size, "%s", topic);
    if (!bad->topic_device && !bad->topic_class)
        return;
    for (size_t i = 1; i < ARRAY_LEN(level); i++) {
        const char *slash = strchr(level[i - 1], '/');

        if (slash == NULL)
            return;
        level[i] = slash + 1;
    }
    const int before = (int)(level[3] - topic);
    const int class = (int)(level[4] - level[3]);
    const int code = (int)(level[5] - level[4]);

    if (bad->topic_class)
        (void)snprintf(out, size, "%.*snonesuch/%s", before, topic, level[4]);
    else
        (void)snprintf(out, size, "%.*s%.*sX-%.*s%s", before, topic, class, level[3], code,
            level[4], level[5]);
}
