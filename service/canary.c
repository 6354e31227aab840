#include "service/canary.h"

const char *const canary_stop_names[CANARY_STOPS] = {"journaled", "judged", "told", "stored"};

void
canary_start(struct canary *canary, struct instant now)
{
    *canary = (struct canary){.since = now};
}

void
canary_pass(struct canary *canary, enum canary_stop stop, uint64_t number, struct instant now)
{
    /* Anybody who may publish on our topic can send any number: one from the future would keep a
     * dead path looking alive. */
    if (number == 0 || number > (uint64_t)now.us)
        return;
    const struct instant sent = {(int64_t)number};

    if (instant_cmp(sent, canary->seen[stop]) <= 0)
        return;
    canary->seen[stop] = sent;
    canary->took[stop] = instant_since(now, sent);
}

void
canary_gone_out(struct canary *canary, uint64_t number, struct instant now)
{
    /* One from the future was sent before the clock was moved back. */
    if (number <= (uint64_t)now.us && number > (uint64_t)canary->out.us)
        canary->out = (struct instant){(int64_t)number};
}

bool
canary_late(const struct canary *canary, enum canary_stop stop, struct instant now)
{
    const struct instant last = instant_max(canary->seen[stop], canary->since);

    return instant_since(now, last).us > CANARY_LATE.us;
}

bool
canary_stuck(const struct canary *canary, struct instant now)
{
    return instant_since(now, instant_max(canary->out, canary->since)).us > CANARY_LATE.us;
}
