#include "base/log.h"

#include "base/arena.h"
#include "base/instant.h"
#include "base/io/clock_posix.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 2048
/* A line that goes on repeating is said again this often, with its count. */
#define REPEAT_EVERY SPAN_S(60)

static const char *const level_names[] = {
    [LOG_ERROR] = "error", [LOG_WARNING] = "warning", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* All below under lock. */
static enum log_level threshold = LOG_INFO;
static char process[64];
static char last[LINE_BYTES]; /* "level=... id=... text" of the newest line */
static unsigned repeats;      /* times it came again and was not written */
static struct span last_at;

/* One write, so that lines of several processes on one pipe stay whole. */
static void
emit(const char *body, unsigned folded)
{
    char stamp[INSTANT_TEXT_BYTES];
    char line[LINE_BYTES + 256];
    char times[32] = "";

    if (folded > 0)
        (void)snprintf(times, sizeof(times), " repeated=%u", folded);
    int len = snprintf(line, sizeof(line), "time=%s proc=%s %s%s\n",
        instant_text(clock_wall(), stamp), process[0] == '\0' ? "wallwatch" : process, body, times);

    if (len < 0)
        return;
    if ((size_t)len >= sizeof(line)) {
        len = (int)sizeof(line) - 1;
        line[len - 1] = '\n';
    }
    /* Nobody is left to tell when stderr is gone. */
    (void)!write(STDERR_FILENO, line, (size_t)len);
}

static void
flush_repeats(void)
{
    if (repeats > 0)
        emit(last, repeats);
    repeats = 0;
    last_at = clock_monotonic();
}

static void
flush_at_exit(void)
{
    if (pthread_mutex_lock(&lock) != 0)
        return;
    flush_repeats();
    (void)pthread_mutex_unlock(&lock);
}

void
log_setup(enum log_level level, const char *name)
{
    static bool registered; /* under lock */

    CHECK(pthread_mutex_lock(&lock) == 0);
    threshold = level;
    (void)snprintf(process, sizeof(process), "%s", name);
    if (!registered)
        registered = atexit(flush_at_exit) == 0;
    CHECK(pthread_mutex_unlock(&lock) == 0);
}

void
log_write(enum log_level level, const char *id, const char *fmt, ...)
{
    char body[LINE_BYTES];
    va_list args;
    int used;

    used = snprintf(body, sizeof(body), "level=%s id=%s ", level_names[level], id);
    if (used < 0 || (size_t)used >= sizeof(body))
        used = (int)sizeof(body) - 1;
    va_start(args, fmt);
    (void)vsnprintf(body + used, sizeof(body) - (size_t)used, fmt, args);
    va_end(args);
    /* An error text may hold a line break before its hint; a log line may not. */
    for (char *at = body; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
    }

    CHECK(pthread_mutex_lock(&lock) == 0);
    if (level <= threshold) {
        if (strcmp(body, last) == 0) {
            repeats++;
            if (clock_monotonic().us - last_at.us >= REPEAT_EVERY.us)
                flush_repeats();
        } else {
            flush_repeats();
            memcpy(last, body, sizeof(last));
            emit(body, 0);
        }
    }
    CHECK(pthread_mutex_unlock(&lock) == 0);
}
