#include "ingest/mqtt/filters.h"

static bool
among(const char *filter, const char *const *list, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (strcmp(filter, list[i]) == 0)
            return true;
    }
    return false;
}

/* Adds the lines with that mark in front that are not in the list yet. */
static void
add_marked(struct arena *arena, struct view text, char mark, struct filter_list *list)
{
    while (text.len > 0) {
        const char *end = memchr(text.ptr, '\n', text.len);
        const size_t len = end == NULL ? text.len : (size_t)(end - text.ptr);

        if (len > 2 && text.ptr[0] == mark && text.ptr[1] == ' ') {
            const char *filter = arena_text(arena, view_bytes(text.ptr + 2, len - 2));

            if (!among(filter, list->at, list->len))
                list->at[list->len++] = filter;
        }
        text.ptr += len;
        text.len -= len;
        if (text.len > 0) {
            text.ptr++;
            text.len--;
        }
    }
}

struct filter_list
filters_parse(struct arena *arena, struct view text)
{
    struct filter_list list = {0};
    size_t lines = 1;

    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    list.at = ARENA_ARRAY(arena, lines, const char *);
    add_marked(arena, text, '+', &list);
    list.n_granted = list.len;
    list.gap = (text.len >= 5 && memcmp(text.ptr, "! gap", 5) == 0);
    add_marked(arena, text, '?', &list);
    return list;
}

void
filters_lost(struct filter_list *have)
{
    have->gap = have->gap || have->n_granted > 0;
    have->len = 0;
    have->n_granted = 0;
}

bool
filters_same(const struct filter_list *have, const char *const *wanted, size_t n_wanted)
{
    if (have->gap)
        return false;
    for (size_t i = 0; i < n_wanted; i++) {
        if (!among(wanted[i], have->at, have->n_granted))
            return false;
    }
    for (size_t i = 0; i < have->len; i++) {
        if (!among(have->at[i], wanted, n_wanted))
            return false;
    }
    return true;
}

struct filter_list
filters_unwanted(
    struct arena *arena, const struct filter_list *have, const char *const *wanted, size_t n_wanted)
{
    struct filter_list list = {.at = ARENA_ARRAY(arena, have->len, const char *)};

    for (size_t i = 0; i < have->len; i++) {
        if (!among(have->at[i], wanted, n_wanted))
            list.at[list.len++] = have->at[i];
    }
    return list;
}

void
filters_write_asked(
    const struct filter_list *have, const char *const *wanted, size_t n_wanted, struct buf *out)
{
    if (have->gap)
        buf_text(out, "! gap\n");
    for (size_t i = 0; i < have->len; i++)
        buf_printf(out, "%c %s\n", i < have->n_granted ? '+' : '?', have->at[i]);
    for (size_t i = 0; i < n_wanted; i++) {
        if (!among(wanted[i], have->at, have->len))
            buf_printf(out, "? %s\n", wanted[i]);
    }
}

void
filters_write_granted(const char *const *wanted, size_t n_wanted, struct buf *out)
{
    for (size_t i = 0; i < n_wanted; i++)
        buf_printf(out, "+ %s\n", wanted[i]);
}
