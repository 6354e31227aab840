/*
 * Devices' clocks. A device's skew is the least (received - its time) among its single-record
 * messages of the last 24 h: what is not the way of the message is its clock. Beyond 5 s it is
 * applied, so that times of devices and ours meet in one clock, and said in a blue alert.
 *
 * The least of 24 h would believe for a day in a clock that was ahead and has been set right. So
 * a few messages in a row that agree with each other for ten minutes, and not with the skew, are a
 * clock that was set; a backlog that drains does not agree with itself.
 */
#include "alerting/engine/state.h"

#define SKEW_SLOT_US ((int64_t)3 * 3600 * 1000000)
#define SKEW_APPLIES SPAN_S(5)
#define SKEW_FORGIVEN SPAN_S(3) /* the alert ends below this */
#define SKEW_MOVED SPAN_MIN(1)  /* is said again */
#define SEEN_ENOUGH 3           /* messages, before it is said */
#define SET_AGREE 4             /* messages */
#define SET_FOR SPAN_MIN(10)

void
clock_init(struct gauge *gauge)
{
    for (size_t i = 0; i < ARRAY_LEN(gauge->skew_us); i++)
        gauge->skew_us[i] = INT64_MAX;
    gauge->last_at.us = INT64_MIN;
}

static int64_t
skew_of(const struct gauge *gauge)
{
    int64_t skew = INT64_MAX;

    for (size_t i = 0; i < ARRAY_LEN(gauge->skew_us); i++) {
        if (gauge->skew_us[i] < skew)
            skew = gauge->skew_us[i];
    }
    return skew;
}

static int64_t
size_of(int64_t us)
{
    return us < 0 ? -us : us;
}

static void
put_skew(struct gauge *gauge, int64_t received_us, int64_t skew)
{
    const int64_t slot = received_us / SKEW_SLOT_US;
    const int n = (int)ARRAY_LEN(gauge->skew_us);

    if (slot > gauge->skew_slot) {
        for (int64_t s = gauge->skew_slot + 1; s <= slot && s <= gauge->skew_slot + n; s++)
            gauge->skew_us[s % n] = INT64_MAX;
        gauge->skew_slot = slot;
    }
    if (skew < gauge->skew_us[gauge->skew_slot % n])
        gauge->skew_us[gauge->skew_slot % n] = skew;
}

/* Has its clock been set forth or back without our knowing? Back is seen at once, being less. */
static void
watch_step(struct gauge *gauge, struct instant received, int64_t skew)
{
    const int64_t low = skew < gauge->step_low ? skew : gauge->step_low;
    const int64_t high = skew > gauge->step_high ? skew : gauge->step_high;

    if (skew - skew_of(gauge) <= SKEW_APPLIES.us) {
        gauge->step_n = 0;
        return;
    }
    if (gauge->step_n == 0 || high - low > SKEW_APPLIES.us) {
        gauge->step_n = 1;
        gauge->step_low = gauge->step_high = skew;
        gauge->step_since = received;
        return;
    }
    if (gauge->step_n < SET_AGREE)
        gauge->step_n++;
    gauge->step_low = low;
    gauge->step_high = high;
    if (gauge->step_n < SET_AGREE || instant_since(received, gauge->step_since).us < SET_FOR.us)
        return;
    gauge->step_n = 0;
    for (size_t i = 0; i < ARRAY_LEN(gauge->skew_us); i++)
        gauge->skew_us[i] = INT64_MAX;
    put_skew(gauge, received.us, low);
}

static void
say(struct engine *engine, struct gauge *gauge, const char *what, int64_t us)
{
    char span[SPAN_TEXT_BYTES];

    gauge->skew_said = us;
    gauge->skewed = true;
    buf_reset(&engine->text);
    buf_printf(&engine->text, "%s%s", span_text(SPAN_US(size_of(us)), span), what);
    fact_set(engine, "clock-skewed", view_of(gauge->code), true,
        arena_copy(&engine->scratch, buf_view(&engine->text)));
}

static void
tell_skew(struct engine *engine, struct gauge *gauge, int64_t us, bool believable)
{
    if (gauge->skew_seen < SEEN_ENOUGH)
        return;
    if (believable && size_of(us) <= (gauge->skewed ? SKEW_FORGIVEN : SKEW_APPLIES).us) {
        if (gauge->skewed)
            fact_set(engine, "clock-skewed", view_of(gauge->code), false,
                view_of("its clock is right again"));
        gauge->skewed = false;
        return;
    }
    if (gauge->skewed && size_of(us - gauge->skew_said) <= SKEW_MOVED.us)
        return;
    if (believable)
        say(engine, gauge, us < 0 ? " fast" : " slow", us);
    else
        say(engine, gauge, us < 0 ? " fast: not believed" : " slow: not believed", us);
}

/* alone: of a message with one reading, so that it was sent when it was measured. */
void
clock_note(struct engine *engine, struct gauge *gauge, const struct reading *reading, bool alone)
{
    const bool believable = !reading->server_time;
    int64_t skew = instant_since(reading->received, reading->time).us;

    if (!alone || !reading->had_time || (reading->suspect & SUSPECT_RETAINED) != 0)
        return;
    if (!believable && reading->said.us == 0)
        return; /* it could not be read */
    if (believable != gauge->believed)
        gauge->skew_seen = 0;
    gauge->believed = believable;
    if (gauge->skew_seen < SEEN_ENOUGH)
        gauge->skew_seen++;
    if (believable) {
        put_skew(gauge, reading->received.us, skew);
        watch_step(gauge, reading->received, skew);
        skew = skew_of(gauge);
    } else {
        skew = instant_since(reading->received, reading->said).us;
    }
    tell_skew(engine, gauge, skew, believable);
}

/* The time that counts for it, in service time. A device that sends its time only now and then is
 * never judged late by the difference of two clocks. */
struct instant
clock_at(const struct engine *engine, struct gauge *gauge, const struct reading *reading)
{
    const bool server = reading->server_time || !reading->had_time;
    const int64_t skew = skew_of(gauge);
    struct instant at = server ? reading->received : reading->time;

    if (!server && skew != INT64_MAX && size_of(skew) > SKEW_APPLIES.us)
        at = instant_add(at, SPAN_US(skew));
    at = instant_min(at, engine->at);
    if (server != gauge->last_server && instant_cmp(at, gauge->last_at) < 0 &&
        instant_since(gauge->last_at, at).us <= SKEW_APPLIES.us)
        at = gauge->last_at;
    if (instant_cmp(at, gauge->last_at) >= 0) {
        gauge->last_at = at;
        gauge->last_server = server;
    }
    return at;
}
