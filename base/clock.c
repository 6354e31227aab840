#include "base/clock.h"

void
service_clock_start(
    struct service_clock *clock, struct instant floor, struct instant wall, struct span boot)
{
    *clock = (struct service_clock){.base = instant_max(floor, wall), .boot = boot};
}

struct instant
service_clock_at(const struct service_clock *clock, struct span boot)
{
    /* A boot time read before the last check on another thread counts as that check's. */
    const int64_t passed = boot.us > clock->boot.us ? boot.us - clock->boot.us : 0;
    int64_t slewed = passed / (1000000 / CLOCK_SLEW_PPM);

    if (clock->slew.us >= 0)
        slewed = slewed < clock->slew.us ? slewed : clock->slew.us;
    else
        slewed = -slewed > clock->slew.us ? -slewed : clock->slew.us;
    return instant_add(clock->base, SPAN_US(passed + slewed));
}

bool
service_clock_check(
    struct service_clock *clock, struct instant wall, struct span boot, struct span *delta)
{
    const struct instant now = service_clock_at(clock, boot);
    const struct span gap = instant_since(wall, now);

    if (boot.us > clock->boot.us)
        clock->boot = boot;
    clock->base = now;
    if (gap.us <= CLOCK_STEP.us && gap.us >= -CLOCK_STEP.us) {
        clock->slew = gap;
        clock->off = false;
        return false;
    }
    clock->slew = SPAN_US(0);
    if (!clock->off || clock->off_ahead != (gap.us > 0)) {
        clock->off = true;
        clock->off_ahead = gap.us > 0;
        clock->off_since = boot;
    }
    if (boot.us - clock->off_since.us < CLOCK_STEP_LASTS.us)
        return false;
    *delta = gap;
    return true;
}

void
service_clock_rebase(struct service_clock *clock, struct span delta, struct span boot)
{
    clock->base = instant_add(service_clock_at(clock, boot), delta);
    if (boot.us > clock->boot.us)
        clock->boot = boot;
    clock->slew = SPAN_US(0);
    clock->off = false;
}
