/*
 * log: one line to stderr, a stable id and key=value pairs. Only edges and service/ log.
 *
 *     log_info("writer.flushed", "rows=%zu pos=%" PRIu64, rows, pos);
 *
 * error: somebody must act; warning: will heal by itself; info: a change of state; debug: the
 * rest. A line with the id and text of the one before is folded and counted. Never payload bytes,
 * never secrets. Values with spaces are quoted by the caller.
 */
#pragma once

#include "base/check.h"

enum log_level {
    LOG_ERROR,
    LOG_WARNING,
    LOG_INFO,
    LOG_DEBUG,
};

/* Lines above level are dropped (default LOG_INFO); name goes into each line as proc=name. */
void log_setup(enum log_level level, const char *name);
void log_write(enum log_level level, const char *id, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define log_error(id, ...) log_write(LOG_ERROR, (id), __VA_ARGS__)
#define log_warning(id, ...) log_write(LOG_WARNING, (id), __VA_ARGS__)
#define log_info(id, ...) log_write(LOG_INFO, (id), __VA_ARGS__)
#define log_debug(id, ...) log_write(LOG_DEBUG, (id), __VA_ARGS__)
