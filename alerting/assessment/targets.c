#include "alerting/assessment/assess.h"

#define MIN(n)                                                                                     \
    {                                                                                              \
        INT64_C(60000000) * (n)                                                                    \
    }
#define HOURS(n) MIN(INT64_C(60) * (n))

/* What counts where policies.yaml says nothing. */
const struct assess_targets assess_targets_default = {.of = {
                                                          [SEVERITY_RED] = {.file = MIN(1),
                                                              .acknowledge = MIN(3),
                                                              .dispatch = MIN(5),
                                                              .settle = HOURS(4),
                                                              .verify = HOURS(24),
                                                              .close = HOURS(72)},
                                                          [SEVERITY_ORANGE] = {.file = MIN(1),
                                                              .acknowledge = MIN(15),
                                                              .dispatch = MIN(30),
                                                              .settle = HOURS(24),
                                                              .verify = HOURS(48),
                                                              .close = HOURS(120)},
                                                          [SEVERITY_YELLOW] = {.file = MIN(5),
                                                              .acknowledge = HOURS(4),
                                                              .dispatch = HOURS(8),
                                                              .settle = HOURS(24),
                                                              .verify = HOURS(24),
                                                              .close = HOURS(56),
                                                              .working = true},
                                                          [SEVERITY_BLUE] = {.file = MIN(5),
                                                              .settle = HOURS(56),
                                                              .verify = HOURS(24),
                                                              .close = HOURS(80),
                                                              .working = true},
                                                      }};

static struct instant
due(const struct assess_target *target, const struct calendar *calendar, struct instant from,
    struct span within)
{
    if (within.us <= 0 || from.us == 0)
        return INSTANT_NEVER;
    return target->working ? calendar_add(calendar, from, within) : instant_add(from, within);
}

void
assess_due(
    struct assess_case *it, const struct assess_targets *targets, const struct calendar *calendar)
{
    const struct assess_target *target = &targets->of[it->severity];
    const struct span put_off = it->put_off;

    it->acknowledge_due =
        target->acknowledge.us > 0 ? instant_add(it->opened, target->acknowledge) : INSTANT_NEVER;
    it->dispatch_due =
        target->dispatch.us > 0 ? instant_add(it->opened, target->dispatch) : INSTANT_NEVER;
    it->settle_due = instant_add(due(target, calendar, it->opened, target->settle), put_off);
    it->verify_due = due(target, calendar, it->settled, target->verify);
    it->close_due = instant_add(due(target, calendar, it->opened, target->close), put_off);
    it->filed_late = it->began.us != 0 && target->file.us > 0 &&
                     instant_since(it->opened, it->began).us > it->rule_for.us + target->file.us;
}
