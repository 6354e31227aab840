/*
 * The formulas, one row each. A case that is a false alarm or cleared by itself is filed, but there
 * was nothing to settle; what is not yet due at `as_of` is in no rate about being on time.
 */
#include "alerting/assessment/assess.h"
#include "base/check.h"

static bool
past(struct instant due, struct instant as_of)
{
    return instant_cmp(due, as_of) < 0;
}

static bool
had(struct instant at)
{
    return at.us != 0;
}

static bool
in_time(struct instant at, struct instant due)
{
    return had(at) && instant_cmp(at, due) <= 0;
}

/* There is something to settle, by people. */
static bool
is_work(const struct assess_case *it)
{
    return !it->false_alarm && !it->self_cleared;
}

static bool
filed(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    return had(it->opened);
}

static bool
filed_in_time(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    return !it->filed_late;
}

static bool
by_rule(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    return !it->by_hand && had(it->began);
}

static bool
to_take(const struct assess_case *it, struct instant as_of)
{
    return it->acknowledge_due.us != INT64_MAX && !it->self_cleared &&
           (had(it->taken) || past(it->acknowledge_due, as_of));
}

static bool
taken_in_time(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    return in_time(it->taken, it->acknowledge_due);
}

static bool
dispatched(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    return it->orders.len > 0;
}

static bool
dispatched_in_time(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    return instant_cmp(it->orders.at[0].issued, it->dispatch_due) <= 0;
}

static bool
sent_somewhere(const struct assess_case *it, struct instant as_of)
{
    return dispatched(it, as_of) || it->misrouted > 0;
}

static bool
sent_right(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    for (size_t i = 0; i < it->orders.len; i++) {
        if (it->orders.at[i].refused)
            return false;
    }
    return it->misrouted == 0;
}

static bool
to_settle(const struct assess_case *it, struct instant as_of)
{
    return is_work(it) && (had(it->settled) || past(it->settle_due, as_of));
}

static bool
settled(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    return had(it->settled);
}

static bool
settled_in_time(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    return in_time(it->settled, it->settle_due);
}

static bool
overdue_open(const struct assess_case *it, struct instant as_of)
{
    return !had(it->settled) && past(it->settle_due, as_of);
}

static bool
overdue(const struct assess_case *it, struct instant as_of)
{
    return to_settle(it, as_of) && !settled_in_time(it, as_of);
}

static bool
climbed(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    return it->first_tier >= 0 && it->tier > it->first_tier;
}

static bool
extended(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    return it->extensions > 0;
}

static bool
to_verify(const struct assess_case *it, struct instant as_of)
{
    return is_work(it) && had(it->settled) && (had(it->verified) || past(it->verify_due, as_of));
}

static bool
verified_in_time(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    return in_time(it->verified, it->verify_due);
}

static bool
to_close(const struct assess_case *it, struct instant as_of)
{
    return is_work(it) && (had(it->closed) || past(it->close_due, as_of));
}

static bool
closed(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    return had(it->closed);
}

static bool
closed_in_time(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    return in_time(it->closed, it->close_due);
}

static bool
closed_late(const struct assess_case *it, struct instant as_of)
{
    return closed(it, as_of) && !closed_in_time(it, as_of);
}

static bool
reworked(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    return it->reworks > 0;
}

static bool
by_hand(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    return it->by_hand;
}

static bool
is_real(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    return !it->false_alarm;
}

static bool
is_false(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    return it->false_alarm;
}

static bool
by_itself(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    return it->self_cleared;
}

static bool
settled_by_people(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    return is_work(it) && had(it->settled) && it->by_person && it->loop >= 0;
}

static bool
settled_low(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    return it->loop <= (int)TIER_STATION;
}

static bool
was_taken(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    return had(it->taken);
}

static bool
work_settled(const struct assess_case *it, struct instant as_of)
{
    (void)as_of;
    return is_work(it) && had(it->settled);
}

static struct span
detection(const struct assess_case *it)
{
    return instant_since(it->opened, it->began);
}

static struct span
triage(const struct assess_case *it)
{
    return instant_since(it->taken, it->opened);
}

static struct span
settlement(const struct assess_case *it)
{
    return instant_since(it->settled, it->opened);
}

const struct indicator indicators[] = {
    {.id = "settled",
        .title = {"处置率", "settled"},
        .formula = {"处置数/应处置数", "settled / to be settled"},
        .of = to_settle,
        .counts = settled},
    {.id = "settled-in-time",
        .title = {"按期处置率", "settled in time"},
        .formula = {"按期处置数/应处置数", "settled in time / to be settled"},
        .of = to_settle,
        .counts = settled_in_time},
    {.id = "closed",
        .title = {"结案率", "closed"},
        .formula = {"结案数/应结案数", "closed / to be closed"},
        .of = to_close,
        .counts = closed},
    {.id = "closed-in-time",
        .title = {"按期结案率", "closed in time"},
        .formula = {"按期结案数/应结案数", "closed in time / to be closed"},
        .of = to_close,
        .counts = closed_in_time},
    {.id = "closed-late",
        .title = {"超期结案率", "closed late"},
        .formula = {"超期结案数/应结案数", "closed late / to be closed"},
        .less_is_better = true,
        .of = to_close,
        .counts = closed_late},
    {.id = "dispatched-in-time",
        .title = {"按时派遣率", "dispatched in time"},
        .formula = {"按时派遣数/应派遣数", "first order in time / with an order"},
        .of = dispatched,
        .counts = dispatched_in_time},
    {.id = "dispatched-right",
        .title = {"准确派遣率", "dispatched right"},
        .formula = {"准确派遣数/应派遣数（含退回）",
            "neither refused nor returned / with an order or returned"},
        .of = sent_somewhere,
        .counts = sent_right},
    {.id = "filed-in-time",
        .title = {"按时立案率", "filed in time"},
        .formula = {"按时立案数/规则立案数", "opened in time / opened by a rule"},
        .of = by_rule,
        .counts = filed_in_time},
    {.id = "taken-in-time",
        .title = {"按时受理率", "taken in time"},
        .formula = {"按时受理数/应受理数", "taken in time / to be taken"},
        .of = to_take,
        .counts = taken_in_time},
    {.id = "verified-in-time",
        .title = {"按期核查率", "verified in time"},
        .formula = {"按时核查数/应核查数", "verified in time / to be verified"},
        .of = to_verify,
        .counts = verified_in_time},
    {.id = "reports-valid",
        .title = {"有效上报率", "reports that were right"},
        .formula = {"有效上报数/上报数", "no false alarm / reported by hand"},
        .of = by_hand,
        .counts = is_real},
    {.id = "reworked",
        .title = {"返工率", "reworked"},
        .formula = {"返工数/应结案数", "settled and opened again / to be closed"},
        .less_is_better = true,
        .of = to_close,
        .counts = reworked},
    {.id = "overdue-open",
        .title = {"超期待处置率", "overdue and open"},
        .formula = {"超期待处置数/应处置数", "overdue, not settled / to be settled"},
        .less_is_better = true,
        .of = to_settle,
        .counts = overdue_open},
    {.id = "extended",
        .title = {"延期率", "extended"},
        .formula = {"延期数/应处置数", "extended / to be settled"},
        .less_is_better = true,
        .of = to_settle,
        .counts = extended},
    {.id = "supervised",
        .title = {"督办率", "climbed"},
        .formula = {"督办数/立案数", "climbed to a tier above / filed"},
        .less_is_better = true,
        .of = filed,
        .counts = climbed},
    {.id = "overdue-supervised",
        .title = {"超期督办率", "overdue under supervision"},
        .formula = {"已督办的超期数/超期数", "overdue and climbed / overdue"},
        .of = overdue,
        .counts = climbed},
    {.id = "false-alarm",
        .title = {"误报率", "false alarms"},
        .formula = {"误报数/立案数", "false alarms / filed"},
        .less_is_better = true,
        .of = filed,
        .counts = is_false},
    {.id = "self-cleared",
        .title = {"自愈率", "cleared by themselves"},
        .formula = {"自愈数/立案数", "cleared before anybody took them / filed"},
        .of = filed,
        .counts = by_itself},
    {.id = "low-loops",
        .title = {"自循环、微循环解决率", "settled in the self and micro loops"},
        .formula = {"信息点与工作站解决数/人工处置数",
            "settled by point or station / settled by people"},
        .of = settled_by_people,
        .counts = settled_low},
    {.id = "detection-time",
        .title = {"发现用时", "detection time"},
        .formula = {"条件成立至立案", "from when it became true to the opening"},
        .sort = ASSESS_TIME,
        .less_is_better = true,
        .of = by_rule,
        .time = detection},
    {.id = "triage-time",
        .title = {"受理用时", "triage time"},
        .formula = {"立案至首次受理", "from the opening until somebody took it"},
        .sort = ASSESS_TIME,
        .less_is_better = true,
        .of = was_taken,
        .time = triage},
    {.id = "settlement-time",
        .title = {"处置用时", "settlement time"},
        .formula = {"立案至处置完成", "from the opening to the settlement that stood"},
        .sort = ASSESS_TIME,
        .less_is_better = true,
        .of = work_settled,
        .time = settlement},
};
const size_t n_indicators = ARRAY_LEN(indicators);
