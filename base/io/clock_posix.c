#include "base/io/clock_posix.h"

#include "base/check.h"
#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <sys/random.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct service_clock service; /* under lock */
static bool started;                 /* under lock */

static int64_t
read_us(clockid_t id)
{
    struct timespec ts;

    CHECK(clock_gettime(id, &ts) == 0);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static struct span
boot_time(void)
{
    return SPAN_US(read_us(CLOCK_BOOTTIME));
}

struct instant
clock_wall(void)
{
    return (struct instant){read_us(CLOCK_REALTIME)};
}

struct span
clock_monotonic(void)
{
    return SPAN_US(read_us(CLOCK_MONOTONIC));
}

void
clock_start(struct instant floor)
{
    CHECK(pthread_mutex_lock(&lock) == 0);
    service_clock_start(&service, floor, clock_wall(), boot_time());
    started = true;
    CHECK(pthread_mutex_unlock(&lock) == 0);
}

struct instant
clock_now(void)
{
    CHECK(pthread_mutex_lock(&lock) == 0);
    CHECK(started);
    const struct instant now = service_clock_at(&service, boot_time());

    CHECK(pthread_mutex_unlock(&lock) == 0);
    return now;
}

bool
clock_check(struct span *delta)
{
    CHECK(pthread_mutex_lock(&lock) == 0);
    CHECK(started);
    const bool step = service_clock_check(&service, clock_wall(), boot_time(), delta);

    CHECK(pthread_mutex_unlock(&lock) == 0);
    return step;
}

void
clock_rebase(struct span delta)
{
    CHECK(pthread_mutex_lock(&lock) == 0);
    CHECK(started);
    service_clock_rebase(&service, delta, boot_time());
    CHECK(pthread_mutex_unlock(&lock) == 0);
}

void
random_bytes(void *out, size_t len)
{
    char *at = out;

    while (len > 0) {
        const ssize_t n = getrandom(at, len, 0);

        CHECK(n > 0 || errno == EINTR);
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
}
