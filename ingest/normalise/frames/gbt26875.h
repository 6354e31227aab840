/* gbt26875: what is inside the application unit of a GB/T 26875.3 frame. Only gbt26875.c asks. */
#pragma once

#include "ingest/normalise/frames/inner.h"

/* Objects of unit (type, count, objects), which starts at at in the payload, become records. */
void gbt26875_objects(struct framing *f, struct view unit, size_t at);

/* Six bytes ss mm hh DD MM YY, binary or BCD, Asia/Shanghai; false if they are no date. */
bool gbt26875_time(const struct frame_dialect *dialect, struct view six, struct instant *out);

/* Six bytes that are no date, as hex digits in room; empty if all are 0: none was sent. */
#define GBT26875_TIME_DIGITS 12
struct view gbt26875_no_time(struct view six, char room[GBT26875_TIME_DIGITS]);
