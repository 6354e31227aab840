#include "ingest/normalise/decode.h"

static const char estate[] = "estate/{district}/{compound}/{class}/{device}/{stream}";

/* Cuts the next level off; false when nothing is left. */
static bool
next_level(struct view *rest, bool *more, struct view *level)
{
    if (!*more)
        return false;
    const char *slash = rest->len == 0 ? NULL : memchr(rest->ptr, '/', rest->len);
    const size_t len = slash == NULL ? rest->len : (size_t)(slash - rest->ptr);

    *level = (struct view){rest->ptr, len};
    *more = slash != NULL;
    if (*more)
        *rest = (struct view){rest->ptr + len + 1, rest->len - len - 1};
    return true;
}

static void
take_name(struct view name, struct view level, struct topic_names *out)
{
    if (view_is(name, "{compound}"))
        out->compound = level;
    else if (view_is(name, "{class}"))
        out->class = level;
    else if (view_is(name, "{device}"))
        out->device = level;
    else if (view_is(name, "{stream}"))
        out->stream = level;
}

bool
topic_match(const char *pattern, struct view topic, struct topic_names *out)
{
    struct view rest = view_of(pattern);
    struct view wanted;
    struct view level;
    bool more_pattern = true;
    bool more_topic = true;

    *out = (struct topic_names){0};
    while (next_level(&rest, &more_pattern, &wanted)) {
        if (view_is(wanted, "#") && !more_pattern)
            return true;
        if (!next_level(&topic, &more_topic, &level))
            return false;
        if (wanted.len > 0 && wanted.ptr[0] == '{')
            take_name(wanted, level, out);
        else if (!view_is(wanted, "+") && !view_eq(wanted, level))
            return false;
    }
    return !more_topic;
}

bool
topic_read(const struct normalise_options *opt, struct view topic, struct topic_names *out)
{
    for (size_t i = 0; i < opt->n_patterns; i++) {
        if (topic_match(opt->patterns[i].pattern, topic, out)) {
            out->pattern = &opt->patterns[i];
            return true;
        }
    }
    return topic_match(estate, topic, out);
}
