/*
 * assess: how well a month's cases were worked on, in the words of grid management.
 *
 *   the ledger's events -> history (one case's story) -> figures (rates and times) -> report
 *
 * A figure is a formula over cases: which count, and out of which. So each names its cases, and the
 * same function says a rate for all, for a unit, a class or a colour. Pure; time comes in: `as_of`
 * is up to when is known what happened. docs/model.md has the formulas in words.
 */
#pragma once

#include "base/arena.h"
#include "base/instant.h"
#include "base/vec.h"
#include "model/alert.h"
#include "model/calendar.h"
#include "model/grid.h"

struct assess_target { /* how long from the opening; `verify` from the settlement; 0: no limit */
    struct span file;  /* from when it became true and its rule's `for` was over */
    struct span acknowledge, dispatch, settle, verify, close;
    bool working; /* settle, verify and close count working hours only */
};

struct assess_targets {
    struct assess_target of[SEVERITY_COUNT];
};
extern const struct assess_targets assess_targets_default;

struct assess_event { /* of the ledger, in the order of its numbers; texts "": not said */
    struct instant at;
    const char *verb, *who, *state, *tier, *loop;
    const char *order, *order_state, *centre;
    struct instant began; /* of `opened`: when its condition became true; 0: not said */
    struct span by;       /* of `extended` */
};

struct assess_order {
    const char *id, *centre;
    struct instant issued, received, accepted, arrived, done; /* 0: not yet */
    bool refused, unanswered;
};

struct assess_case { /* the caller fills what is above the line; texts live as long as it says */
    const char *id, *rule, *class_name, *subject, *compound;
    struct words title;
    const char *units[TIER_COUNT]; /* ids; "": none */
    enum severity severity;
    struct span rule_for;    /* of its rule */
    bool own, folded, muted; /* Wallwatch's own; told by another case; under maintenance */
    /* --- history_add writes the rest */
    struct instant opened, began, taken, settled, verified, closed;
    enum case_state state;
    int first_tier, tier, loop; /* -1: none */
    bool by_hand, by_person, false_alarm, self_cleared, merged, withdrawn;
    uint32_t misrouted, reworks, extensions;
    struct span put_off;
    VEC(struct assess_order) orders; /* history_fini */
    /* --- assess_due writes */
    struct instant acknowledge_due, dispatch_due, settle_due, verify_due, close_due;
    bool filed_late;
};

void history_begin(struct assess_case *it);
void history_add(struct assess_case *it, const struct assess_event *event);
void history_fini(struct assess_case *it);
void assess_due(
    struct assess_case *it, const struct assess_targets *targets, const struct calendar *calendar);
/* Why it is not counted at all: "merged", "folded", "maintenance", "own", "withdrawn"; NULL: it is.
 */
const char *assess_left_out(const struct assess_case *it);

enum assess_sort { ASSESS_RATE, ASSESS_TIME };

struct indicator {
    const char *id; /* "settled": JSON, CSV */
    struct words title, formula;
    enum assess_sort sort;
    bool less_is_better;
    /* RATE: of: does it belong to the whole, counts: to the part. TIME: of: has it such a time */
    bool (*of)(const struct assess_case *it, struct instant as_of);
    bool (*counts)(const struct assess_case *it, struct instant as_of);
    struct span (*time)(const struct assess_case *it);
};
extern const struct indicator indicators[];
extern const size_t n_indicators;

struct figure {
    const struct indicator *indicator;
    size_t n, of;                           /* TIME: n == of */
    const struct assess_case **cases;       /* of `of`: first the n that count, then the others */
    struct span mean, median, p90, longest; /* TIME, when of > 0 */
};

enum scope_kind { SCOPE_ALL, SCOPE_UNIT, SCOPE_CLASS, SCOPE_SEVERITY, SCOPE_KINDS };
extern const char *const scope_names[SCOPE_KINDS];
extern const struct words scope_titles[SCOPE_KINDS];

struct scope {
    enum scope_kind kind;
    const char *id;
    size_t n_cases;
    const struct figure *figures; /* n_indicators */
    size_t loops[TIER_COUNT];     /* settled by people, by the loop that did it */
    double score;                 /* 0..100, of five of the figures; -1: nothing to go by */
};

struct centre_figures { /* how punctual a centre is */
    const char *id;
    size_t orders, refused, unanswered;
    size_t accepted_of, accepted_in_time, arrived_of, arrived_in_time, done_of, done_in_time;
    const char **late; /* ids of cases of late or unanswered orders */
    size_t n_late;
};

struct left_out {
    const struct assess_case *it;
    const char *why;
};

struct assessment {
    struct instant from, to, as_of;
    const struct assess_case **counted; /* in the order given */
    size_t n_counted;
    struct left_out *left_out;
    size_t n_left_out;
    struct scope *scopes; /* all, units by tier (district first) and id, classes, colours */
    size_t n_scopes;
    struct centre_figures *centres; /* by id */
    size_t n_centres;
};

/* Everything lives in arena; cases are borrowed. */
void assess_make(struct arena *arena, const struct grid *grid, const struct assess_case *cases,
    size_t n_cases, struct assessment *out);
