#include "model/alert.h"

#include "base/check.h"
#include "model/reading.h"

const char *const severity_names[] = {"red", "orange", "yellow", "blue"};
const struct words severity_titles[] = {
    {"红色", "red"},
    {"橙色", "orange"},
    {"黄色", "yellow"},
    {"蓝色", "blue"},
};

const char *const condition_names[] = {"false", "pending", "true", "unknown"};

const char *const case_names[] = {
    "open",
    "acknowledged",
    "resolved",
    "verified",
    "closed",
    "false-alarm",
    "reopened",
};
const struct words case_titles[] = {
    {"待受理", "open"},
    {"已受理", "acknowledged"},
    {"已处置", "settled"},
    {"已核查", "verified"},
    {"已结案", "closed"},
    {"误报", "false alarm"},
    {"返工", "reopened"},
};

const char *const order_names[] = {
    "issued",
    "received",
    "accepted",
    "en-route",
    "arrived",
    "done",
    "refused",
    "unanswered",
};

const char *const command_names[] = {
    "acknowledge",
    "dispatch",
    "settle",
    "verify",
    "false-alarm",
    "comment",
    "report",
    "return",
    "extend",
    "merge",
    "maintenance",
};

const char *const verdict_names[] = {"stored", "rejected", "duplicate", "own", "shed"};

_Static_assert(ARRAY_LEN(severity_names) == SEVERITY_COUNT, "a name for each severity");
_Static_assert(ARRAY_LEN(severity_titles) == SEVERITY_COUNT, "a title for each severity");
_Static_assert(ARRAY_LEN(condition_names) == CONDITION_STATES, "a name for each state");
_Static_assert(ARRAY_LEN(case_names) == CASE_STATES, "a name for each state");
_Static_assert(ARRAY_LEN(case_titles) == CASE_STATES, "a title for each state");
_Static_assert(ARRAY_LEN(order_names) == ORDER_STATES, "a name for each state");
_Static_assert(ARRAY_LEN(command_names) == COMMAND_KINDS, "a name for each command");
_Static_assert(ARRAY_LEN(verdict_names) == VERDICT_COUNT, "a name for each verdict");

static int
find_name(const char *const *names, int n, struct view name)
{
    for (int i = 0; i < n; i++) {
        if (view_is(name, names[i]))
            return i;
    }
    return -1;
}

bool
severity_parse(struct view name, enum severity *out)
{
    const int i = find_name(severity_names, SEVERITY_COUNT, name);

    if (i >= 0)
        *out = (enum severity)i;
    return i >= 0;
}

bool
order_state_parse(struct view name, enum order_state *out)
{
    const int i = find_name(order_names, ORDER_STATES, name);

    if (i >= 0)
        *out = (enum order_state)i;
    return i >= 0;
}

bool
command_parse(struct view name, enum command_kind *out)
{
    const int i = find_name(command_names, COMMAND_KINDS, name);

    if (i >= 0)
        *out = (enum command_kind)i;
    return i >= 0;
}
