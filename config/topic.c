#include "config/topic.h"

#include "config/config.h"

struct view
topic_level(struct view topic, size_t n)
{
    size_t from = 0;

    for (size_t i = 0; i <= topic.len; i++) {
        if (i < topic.len && topic.ptr[i] != '/')
            continue;
        if (n == 0)
            return (struct view){topic.ptr + from, i - from};
        n--;
        from = i + 1;
    }
    return (struct view){NULL, 0};
}

bool
filter_valid(struct view filter)
{
    if (filter.len == 0 || filter.len > 1024 || memchr(filter.ptr, '\0', filter.len) != NULL)
        return false;
    for (size_t n = 0;; n++) {
        const struct view level = topic_level(filter, n);

        if (level.ptr == NULL)
            return true;
        const bool wild = level.len > 0 && (memchr(level.ptr, '+', level.len) != NULL ||
                                               memchr(level.ptr, '#', level.len) != NULL);

        if (wild && level.len != 1)
            return false;
        if (view_is(level, "#") && topic_level(filter, n + 1).ptr != NULL)
            return false;
    }
}

bool
filter_matches(struct view filter, struct view topic)
{
    for (size_t n = 0;; n++) {
        const struct view want = topic_level(filter, n);
        const struct view have = topic_level(topic, n);

        if (want.ptr != NULL && view_is(want, "#"))
            return true;
        if (want.ptr == NULL || have.ptr == NULL)
            return want.ptr == NULL && have.ptr == NULL;
        if (!view_is(want, "+") && !view_eq(want, have))
            return false;
    }
}

static int
weight(struct view level)
{
    if (level.ptr == NULL)
        return 0;
    return view_is(level, "#") ? 1 : view_is(level, "+") ? 2 : 3;
}

int
filter_compare(struct view a, struct view b)
{
    for (size_t n = 0;; n++) {
        const struct view left = topic_level(a, n);
        const struct view right = topic_level(b, n);

        if (weight(left) != weight(right))
            return weight(left) - weight(right);
        if (left.ptr == NULL)
            return 0;
    }
}

bool
pattern_valid(struct view pattern)
{
    int devices = 0;

    if (!filter_valid(pattern))
        return false;
    for (size_t n = 0;; n++) {
        const struct view level = topic_level(pattern, n);

        if (level.ptr == NULL)
            return devices == 1;
        if (view_is(level, "{device}"))
            devices++;
        else if (level.len > 0 && memchr(level.ptr, '{', level.len) != NULL &&
                 !view_is(level, "{compound}") && !view_is(level, "{class}"))
            return false;
    }
}

const struct lane_config *
config_lane_of(const struct config *config, struct view topic)
{
    const struct lane_config *best = NULL;
    const char *best_filter = NULL;

    for (size_t i = 0; i < config->n_lanes; i++) {
        const struct lane_config *lane = &config->lanes[i];

        for (size_t j = 0; j < lane->n_filters; j++) {
            const struct view filter = view_of(lane->filters[j]);

            if (!filter_matches(filter, topic))
                continue;
            if (best == NULL || filter_compare(filter, view_of(best_filter)) > 0) {
                best = lane;
                best_filter = lane->filters[j];
            }
        }
    }
    return best;
}

void
topic_sample(struct view pattern, struct buf *out)
{
    for (size_t n = 0; topic_level(pattern, n).ptr != NULL; n++) {
        const struct view level = topic_level(pattern, n);

        if (n > 0)
            buf_char(out, '/');
        buf_put(out, level.len > 0 && level.ptr[0] == '{' ? view_of(ANY_DEVICE) : level);
    }
}
