/*
 * backtest: what a configuration would have done with stored readings. Pure; time is the data's.
 *
 *   rows of Postgres -> backtest -> alerts and calls -> compare -> report
 *
 * One engine per lane, the same engine behind the same door as in the lane. What people and
 * receivers would have done is not in the data, so it is the same for every configuration, and
 * said in every report: each notice is delivered at once; nobody acknowledges, so every step of a
 * policy runs; and BACKTEST_SETTLE after it opened, or as soon as its cause is gone after that, a
 * case is settled and verified. The lanes are always connected.
 */
#pragma once

#include "alerting/engine/engine.h"
#include "base/vec.h"
#include "config/config.h"

#define BACKTEST_SETTLE SPAN_H(1)

struct backtest_alert { /* texts live as long as the backtest */
    const char *lane, *rule, *subject, *compound;
    enum severity severity; /* the worst it had */
    int tier;               /* enum tier, the highest told; -1: nobody */
    struct instant opened;
};

struct backtest_call { /* one unit told, once */
    struct instant at;
    const char *unit, *rule;
    enum severity severity;
    int tier;
};

struct backtest_lane;

struct backtest {
    const struct config *config;
    struct arena texts;
    struct map words; /* each text once */
    struct backtest_lane *lanes;
    size_t n_lanes;
    uint64_t readings, rejects;
    VEC(struct backtest_alert) alerts; /* in order of opening, lane by lane within an instant */
    VEC(struct backtest_call) calls;
};

/* config is borrowed. The lanes are connected from from on. */
void backtest_init(struct backtest *backtest, const struct config *config, struct instant from);
void backtest_fini(struct backtest *backtest);
/* In order of received. lane_at: as config numbers them. record->pos rises with each call. */
void backtest_feed(struct backtest *backtest, size_t lane_at, const struct decoded *record);
/* Deadlines up to there fire. */
void backtest_end(struct backtest *backtest, struct instant to);

enum backtest_change {
    BACKTEST_SAME,
    BACKTEST_EARLIER,
    BACKTEST_LATER,
    BACKTEST_ADDED,
    BACKTEST_GONE,
    BACKTEST_CHANGES,
};
extern const struct words backtest_change_words[BACKTEST_CHANGES];

/* Alerts of one rule and subject belong together if they opened within this of each other. */
#define BACKTEST_NEAR SPAN_H(1)

struct backtest_pair {
    const struct backtest_alert *before, *after; /* NULL: added, gone */
    enum backtest_change change;
};

struct backtest_diff {
    VEC(struct backtest_pair) pairs; /* in order of opening, then rule and subject */
    size_t counts[BACKTEST_CHANGES];
};

/* Pointers into both. */
void backtest_compare(
    const struct backtest *before, const struct backtest *after, struct backtest_diff *out);
void backtest_diff_fini(struct backtest_diff *diff);
