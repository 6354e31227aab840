#include "alerting/dispatch/outbox.h"

#include "alerting/dispatch/outbox_parcel.h"
#include "base/check.h"
#include "base/map.h"

#include <stdlib.h>

const char *const delivery_names[] = {"idle", "waiting", "in-flight", "delivered", "never"};
_Static_assert(ARRAY_LEN(delivery_names) == DELIVERY_STATES, "a name for each state");

const char *const delivery_results[] = {"delivered", "failed", "never"};

/* How long the next address waits for this one, and when a red parcel is overdue. */
static const struct span next_address[SEVERITY_COUNT] = {
    [SEVERITY_RED] = {15 * 1000000LL},
    [SEVERITY_ORANGE] = {60 * 1000000LL},
    [SEVERITY_YELLOW] = {300 * 1000000LL},
    [SEVERITY_BLUE] = {300 * 1000000LL},
};
static const struct span red_overdue = {30 * 1000000LL};

/* Pause after the n-th attempt, seconds; the last one for all further ones. */
static const int pauses_s[] = {1, 2, 5, 10, 30, 60, 120, 300};

/* An edge reports every attempt; this is for the case that it does not. */
#define REPORT_GRACE SPAN_S(20)

static struct instant
pause_end(uint32_t attempts, struct instant now)
{
    const size_t i = attempts == 0 ? 0 : attempts - 1;

    return instant_add(
        now, SPAN_S(pauses_s[i < ARRAY_LEN(pauses_s) ? i : ARRAY_LEN(pauses_s) - 1]));
}

static struct instant
answer_end(const struct delivery *delivery, struct instant now)
{
    if (delivery->channel->kind == CHANNEL_MQTT)
        return instant_add(now, OUTBOX_REPLY_WITHIN);
    return instant_add(instant_add(now, delivery->channel->timeout), REPORT_GRACE);
}

/* The first address whose turn has not come; -1: none. */
static int
first_idle(const struct parcel *parcel)
{
    for (size_t i = 0; i < parcel->n; i++) {
        if (parcel->deliveries[i].state == DELIVERY_IDLE)
            return (int)i;
    }
    return -1;
}

/* When the parcel itself must be looked at again: for its next address, or for being overdue. */
static void
set_ladder(struct outbox *outbox, struct parcel *parcel, struct instant now)
{
    struct instant when = INSTANT_NEVER;

    if (first_idle(parcel) >= 0)
        when = instant_add(now, next_address[parcel->label.severity]);
    if (parcel->label.severity == SEVERITY_RED && !parcel->overdue)
        when = instant_min(when, instant_add(parcel->made, red_overdue));
    if (instant_cmp(when, INSTANT_NEVER) == 0)
        timers_cancel(&outbox->timers, &parcel->ladder.timer);
    else
        timers_set(&outbox->timers, &parcel->ladder.timer, when);
}

/* The next address gets its turn; false: there is none. */
static bool
start_next(struct outbox *outbox, struct parcel *parcel, struct instant now)
{
    for (;;) {
        const int i = first_idle(parcel);

        if (i < 0)
            return false;
        struct delivery *delivery = &parcel->deliveries[i];

        if (delivery->channel == NULL) {
            delivery->state = DELIVERY_NEVER;
            continue;
        }
        delivery->state = DELIVERY_WAITING;
        timers_set(&outbox->timers, &delivery->due.timer, now);
        return true;
    }
}

void
outbox_add(struct outbox *outbox, const struct parcel_label *label, const struct address *addresses,
    size_t n, struct instant now)
{
    if (outbox_find(outbox, view_of(label->id)) != NULL)
        return;
    if (n > PARCEL_MAX_ADDRESSES)
        n = PARCEL_MAX_ADDRESSES;
    struct parcel *parcel = parcel_new(label, n);

    parcel->made = now;
    for (size_t i = 0; i < n; i++)
        parcel_address(parcel, i, addresses[i].channel, addresses[i].channel->id, addresses[i].to);
    outbox_take_parcel(outbox, parcel);
    if (start_next(outbox, parcel, now))
        set_ladder(outbox, parcel, now);
    else
        timers_set(&outbox->timers, &parcel->ladder.timer, now);
}

bool
outbox_dead(const struct parcel *parcel)
{
    for (size_t i = 0; i < parcel->n; i++) {
        if (parcel->deliveries[i].state != DELIVERY_NEVER)
            return false;
    }
    return true;
}

static struct parcel_due
tick_delivery(struct outbox *outbox, struct parcel *parcel, int i, struct instant now)
{
    struct delivery *delivery = &parcel->deliveries[i];

    if (delivery->state == DELIVERY_IN_FLIGHT) {
        delivery->state = DELIVERY_WAITING;
        timers_set(&outbox->timers, &delivery->due.timer, pause_end(delivery->attempts, now));
        return (struct parcel_due){PARCEL_FAILED, parcel, i};
    }
    if (delivery->channel == NULL) {
        delivery->state = DELIVERY_NEVER;
        if (!start_next(outbox, parcel, now) && outbox_dead(parcel))
            return (struct parcel_due){PARCEL_DEAD, parcel, i};
        return (struct parcel_due){PARCEL_NOTHING, parcel, i};
    }
    delivery->state = DELIVERY_IN_FLIGHT;
    delivery->attempts++;
    timers_set(&outbox->timers, &delivery->due.timer, answer_end(delivery, now));
    return (struct parcel_due){PARCEL_SEND, parcel, i};
}

static struct parcel_due
tick_ladder(struct outbox *outbox, struct parcel *parcel, struct instant now)
{
    const struct instant overdue = instant_add(parcel->made, red_overdue);
    struct parcel_due due = {PARCEL_NOTHING, parcel, -1};

    if (outbox_dead(parcel))
        return (struct parcel_due){PARCEL_DEAD, parcel, -1};
    if (parcel->label.severity == SEVERITY_RED && !parcel->overdue &&
        instant_cmp(overdue, now) <= 0) {
        parcel->overdue = true;
        due.event = PARCEL_OVERDUE;
    }
    (void)start_next(outbox, parcel, now);
    set_ladder(outbox, parcel, now);
    return due;
}

struct instant
outbox_next(const struct outbox *outbox)
{
    return timers_next(&outbox->timers);
}

bool
outbox_tick(struct outbox *outbox, struct instant limit, struct instant now, struct parcel_due *out)
{
    /* A timer is the first member of its parcel_timer, and every timer here is one. */
    struct parcel_timer *due = (struct parcel_timer *)timers_pop(&outbox->timers, limit);

    if (due == NULL)
        return false;
    if (due->delivery < 0)
        *out = tick_ladder(outbox, due->parcel, now);
    else
        *out = tick_delivery(outbox, due->parcel, due->delivery, now);
    return true;
}

bool
outbox_result(struct outbox *outbox, struct parcel *parcel, int i, uint32_t attempt,
    enum delivery_result result, struct instant now)
{
    struct delivery *delivery = &parcel->deliveries[i];

    switch (result) {
    case RESULT_DELIVERED: /* of whatever attempt: it has arrived */
        delivery->state = DELIVERY_DELIVERED;
        timers_cancel(&outbox->timers, &delivery->due.timer);
        return true;
    case RESULT_FAILED:
        if (delivery->state != DELIVERY_IN_FLIGHT || delivery->attempts != attempt)
            return false;
        delivery->state = DELIVERY_WAITING;
        timers_set(&outbox->timers, &delivery->due.timer, pause_end(delivery->attempts, now));
        return true;
    case RESULT_NEVER:
        if (delivery->state == DELIVERY_NEVER)
            return false;
        delivery->state = DELIVERY_NEVER;
        timers_cancel(&outbox->timers, &delivery->due.timer);
        if (start_next(outbox, parcel, now))
            set_ladder(outbox, parcel, now);
        return true;
    }
    return false;
}

static bool
is_stuck(const struct parcel *parcel, struct instant limit)
{
    bool moves = parcel->ladder.timer.slot != 0;

    if (moves && instant_cmp(parcel->ladder.timer.when, limit) <= 0)
        return true;
    for (size_t i = 0; i < parcel->n; i++) {
        const struct timer *timer = &parcel->deliveries[i].due.timer;

        if (timer->slot != 0 && instant_cmp(timer->when, limit) <= 0)
            return true;
        moves |= timer->slot != 0;
    }
    return !moves;
}

size_t
outbox_stuck(const struct outbox *outbox, struct instant limit)
{
    struct arena arena;
    size_t n = 0;

    arena_init(&arena);
    const struct map_entry *entries = map_sorted(&outbox->parcels, &arena);

    for (size_t i = 0; i < outbox->parcels.len; i++)
        n += is_stuck(entries[i].value, limit);
    arena_fini(&arena);
    return n;
}

void
outbox_again(struct outbox *outbox, struct instant now)
{
    struct arena arena;

    arena_init(&arena);
    const struct map_entry *entries = map_sorted(&outbox->parcels, &arena);

    for (size_t i = 0; i < outbox->parcels.len; i++) {
        struct parcel *parcel = entries[i].value;

        for (size_t k = 0; k < parcel->n; k++) {
            struct delivery *delivery = &parcel->deliveries[k];

            if (delivery->state != DELIVERY_IN_FLIGHT)
                continue;
            delivery->state = DELIVERY_WAITING;
            timers_set(&outbox->timers, &delivery->due.timer, now);
        }
    }
    arena_fini(&arena);
}

void
outbox_rebase(struct outbox *outbox, struct span delta)
{
    struct arena arena;

    arena_init(&arena);
    const struct map_entry *entries = map_sorted(&outbox->parcels, &arena);

    timers_shift(&outbox->timers, delta);
    for (size_t i = 0; i < outbox->parcels.len; i++) {
        struct parcel *parcel = entries[i].value;

        parcel->made = instant_add(parcel->made, delta);
    }
    arena_fini(&arena);
}
