/* Prints what the three state machines do for every pair of state and event; compared with
 * tests/golden/lifecycle.txt, so that a new hole is seen in review. */
#include "alerting/lifecycle/case.h"
#include "alerting/lifecycle/condition.h"
#include "alerting/lifecycle/order.h"

#include <stdio.h>

static void
print_row(const char *from, const char *event, const char *to, const char *todo)
{
    printf("%-13s %-12s %-13s %s\n", from, event, to, todo);
}

int
main(void)
{
    printf("# condition: state, event -> state, what is to be done\n");
    for (int from = 0; from < CONDITION_STATES; from++) {
        for (int event = 0; event < CONDITION_EVENTS; event++) {
            enum condition_state state = (enum condition_state)from;
            const enum condition_todo todo = condition_step(&state, (enum condition_event)event);

            print_row(condition_names[from], condition_event_names[event], condition_names[state],
                condition_todo_names[todo]);
        }
    }
    printf("\n# case\n");
    for (int from = 0; from < CASE_STATES; from++) {
        for (int event = 0; event < CASE_EVENTS; event++) {
            enum case_state state = (enum case_state)from;
            const enum case_todo todo = case_step(&state, (enum case_event)event);

            print_row(case_names[from], case_event_names[event], case_names[state],
                case_todo_names[todo]);
        }
    }
    printf("\n# order\n");
    for (int from = 0; from < ORDER_STATES; from++) {
        for (int event = 0; event < ORDER_EVENTS; event++) {
            enum order_state state = (enum order_state)from;
            const enum order_todo todo = order_step(&state, (enum order_event)event);

            print_row(order_names[from], order_event_names[event], order_names[state],
                order_todo_names[todo]);
        }
    }
    return 0;
}
