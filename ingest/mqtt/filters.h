/*
 * filters: which topic filters the broker's session holds, as we last knew; kept in a file.
 *
 * A filter that is no longer wanted stays in a persistent session until it is unsubscribed, so
 * what was ever asked for is written down before it is asked. One filter a line, "+ " (granted in
 * the session that the broker has) or "? " (asked for, answer unknown) in front. "! gap" says that
 * a session was lost and nobody was told yet. Other lines are passed over. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>

#define FILTERS_MAX_BYTES 65536

struct filter_list {
    const char **at; /* in the arena */
    size_t len;
    size_t n_granted;
    bool gap;
};

/* Granted ones come first. */
struct filter_list filters_parse(struct arena *arena, struct view text);
/* The broker has no session of ours: nothing is granted any more, and that may be a gap. */
void filters_lost(struct filter_list *have);
/* Every wanted one is among the granted, and nothing else is in the list; no gap to tell. */
bool filters_same(const struct filter_list *have, const char *const *wanted, size_t n_wanted);
/* Those of have that are not wanted. */
struct filter_list filters_unwanted(struct arena *arena, const struct filter_list *have,
    const char *const *wanted, size_t n_wanted);
/* Before asking: what was granted stays, all that is wanted is asked for. */
void filters_write_asked(
    const struct filter_list *have, const char *const *wanted, size_t n_wanted, struct buf *out);
void filters_write_granted(const char *const *wanted, size_t n_wanted, struct buf *out);
