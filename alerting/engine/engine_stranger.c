/*
 * Devices that are not listed: taken in and judged like others, but only so many of them. A broker
 * account that makes up a code for each message must not fill the memory of a lane; and what is
 * kept of strangers goes at the first new configuration after a day in which they were not heard.
 */
#include "alerting/engine/state.h"

#define FORGET_AFTER SPAN_DAYS(1)

bool
stranger_turned_away(struct engine *engine, const struct decoded *record)
{
    if (engine->n_strangers < MAX_STRANGERS || record->code.len == 0 ||
        map_get(&engine->gauges, record->code) != NULL ||
        device_find(engine->opt.devices, record->code) != NULL)
        return false;
    engine->counts.readings += record->n_readings;
    fact_set(engine, "unlisted-crowd", view_of(engine->opt.lane), true,
        view_of(
            "so many unlisted devices are known that what others send is stored, but not judged"));
    return true;
}

static bool
is_forgotten(const struct engine *engine, const struct gauge *gauge)
{
    return !gauge->flooding && device_find(engine->opt.devices, view_of(gauge->code)) == NULL &&
           instant_since(engine->at, gauge->filled).us > FORGET_AFTER.us;
}

void
strangers_configure(struct engine *engine)
{
    const struct map_entry *entries = map_sorted(&engine->gauges, &engine->scratch);
    const size_t n = engine->gauges.len;

    engine->n_strangers = 0;
    for (size_t i = 0; i < n; i++) {
        struct gauge *gauge = entries[i].value;

        if (!is_forgotten(engine, gauge)) {
            engine->n_strangers += device_find(engine->opt.devices, view_of(gauge->code)) == NULL;
            continue;
        }
        if (gauge->unlisted) {
            engine->n_unlisted--;
            fact_set(engine, "unlisted", view_of(gauge->code), false,
                view_of("not heard for a day: forgotten"));
        }
        timers_cancel(&engine->timers, &gauge->due.timer);
        (void)map_del(&engine->gauges, view_of(gauge->code));
        gauge_free(gauge);
    }
    if (engine->n_strangers < MAX_STRANGERS)
        fact_set(engine, "unlisted-crowd", view_of(engine->opt.lane), false,
            view_of("there is room for unlisted devices again"));
}
