/*
 * alert: the words of a case that everybody uses: severities, states, commands, as enums and as
 * the names that files, topics and tables carry.
 *
 * A condition is "is it true"; a case is what people work on; an order hangs on a case.
 */
#pragma once

#include "base/view.h"
#include "model/words.h"

#include <stdbool.h>

enum severity { /* worst first */
    SEVERITY_RED,
    SEVERITY_ORANGE,
    SEVERITY_YELLOW,
    SEVERITY_BLUE,
    SEVERITY_COUNT,
};
extern const char *const severity_names[SEVERITY_COUNT];
extern const struct words severity_titles[SEVERITY_COUNT];
bool severity_parse(struct view name, enum severity *out);

enum truth { TRUTH_FALSE, TRUTH_TRUE, TRUTH_UNKNOWN };

enum condition_state {
    CONDITION_FALSE,
    CONDITION_PENDING, /* its `for` runs */
    CONDITION_TRUE,
    CONDITION_UNKNOWN,
    CONDITION_STATES,
};
extern const char *const condition_names[CONDITION_STATES];

enum case_state {
    CASE_OPEN,
    CASE_ACKNOWLEDGED,
    CASE_RESOLVED, /* settled by a person, or its condition cleared after somebody took it */
    CASE_VERIFIED,
    CASE_CLOSED,
    CASE_FALSE_ALARM,
    CASE_REOPENED, /* counts as open */
    CASE_STATES,
};
extern const char *const case_names[CASE_STATES];
extern const struct words case_titles[CASE_STATES];

enum order_state {
    ORDER_ISSUED,
    ORDER_RECEIVED,
    ORDER_ACCEPTED,
    ORDER_EN_ROUTE,
    ORDER_ARRIVED,
    ORDER_DONE,
    ORDER_REFUSED,
    ORDER_UNANSWERED,
    ORDER_STATES,
};
extern const char *const order_names[ORDER_STATES];
bool order_state_parse(struct view name, enum order_state *out);

enum command_kind {
    COMMAND_ACKNOWLEDGE,
    COMMAND_DISPATCH,
    COMMAND_SETTLE,
    COMMAND_VERIFY,
    COMMAND_FALSE_ALARM,
    COMMAND_COMMENT,
    COMMAND_REPORT,
    COMMAND_RETURN,
    COMMAND_EXTEND,
    COMMAND_MERGE,
    COMMAND_MAINTENANCE,
    COMMAND_KINDS,
};
extern const char *const command_names[COMMAND_KINDS];
bool command_parse(struct view name, enum command_kind *out);
