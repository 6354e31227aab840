/* topic: MQTT filters and a site's own topic patterns. Pure. */
#pragma once

#include "base/buf.h"
#include "base/view.h"

#include <stdbool.h>

/* '+' and '#' only as whole levels, '#' only last; no empty filter, no NUL. */
bool filter_valid(struct view filter);
bool filter_matches(struct view filter, struct view topic);
/* > 0 if a says more than b of the topics that both match: at the first level where they differ,
 * a text beats '+' beats '#'. 0 only for equal filters (when both match one topic). */
int filter_compare(struct view a, struct view b);
/* The level that a filter has at place n (from 0); ptr NULL: none. */
struct view topic_level(struct view topic, size_t n);
/* A filter whose levels may also be {device} (exactly once), {compound} and {class}. */
bool pattern_valid(struct view pattern);
#define ANY_DEVICE "0" /* stands for every device that no filter names */
/* Appends a topic that the pattern takes: ANY_DEVICE for what stands in braces. */
void topic_sample(struct view pattern, struct buf *out);
