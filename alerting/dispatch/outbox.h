/*
 * outbox: what has been decided to be told, until the receiver has said that it has it.
 *
 *   escalation (who, when) -> outbox (how, and did it arrive) -> channels, at the edge
 *
 * A parcel is one notice to one recipient, or one order to one centre; it has the recipient's
 * addresses in order of trial. A delivery is one of these addresses being tried, again and again
 * with a growing pause, under one stable id. A parcel leaves when one of its deliveries has
 * arrived, or when its case is over.
 *
 * Red does not wait for a slow channel: 15 s without a delivery and the next address is tried
 * beside the first, after 30 s the caller is told (PARCEL_OVERDUE), which makes it turn to the
 * next recipient and the next tier. Others try the next address after a minute or five.
 *
 * Pure: results and `now` come in, attempts go out as data. It never gives up by itself; `never`
 * is what an edge says of an address (refused for good, no such channel). Blue and yellow have
 * room here for a limit per recipient (recipient is a key).
 */
#pragma once

#include "alerting/dispatch/channel.h"
#include "base/buf.h"
#include "base/pack.h"
#include "base/timers.h"
#include "model/alert.h"
#include "model/grid.h"

#define OUTBOX_REPLY_WITHIN SPAN_S(10) /* a receiver's answer over MQTT */

enum delivery_state {
    DELIVERY_IDLE,    /* its turn has not come */
    DELIVERY_WAITING, /* for its first or next attempt */
    DELIVERY_IN_FLIGHT,
    DELIVERY_DELIVERED,
    DELIVERY_NEVER,
    DELIVERY_STATES,
};
extern const char *const delivery_names[DELIVERY_STATES];

enum delivery_result { RESULT_DELIVERED, RESULT_FAILED, RESULT_NEVER };
extern const char *const delivery_results[3];

struct parcel;

struct parcel_timer {
    struct timer timer; /* first: a timer is its parcel_timer */
    struct parcel *parcel;
    int delivery; /* -1: the parcel's own, for the next address or being overdue */
};

struct delivery {
    const struct channel *channel; /* NULL: the configuration has lost it */
    char *channel_id, *to;         /* owned */
    enum delivery_state state;
    uint32_t attempts;
    struct parcel_timer due; /* next attempt, or end of waiting for an answer */
};

enum parcel_kind { PARCEL_NOTICE, PARCEL_ORDER };

/* What is given to outbox_add and kept in the parcel; texts are copied. */
struct parcel_label {
    const char *id;    /* notice or order; receivers' key against doubles */
    const char *alert; /* case */
    enum parcel_kind kind;
    enum severity severity;
    const char *recipient; /* unit or centre */
    const char *person;    /* "" : the unit itself */
    const char *behind;    /* who is told when this one cannot be reached: deputy; "" */
    const char *officers;  /* ids on duty, separated by spaces: for a unit's board */
    enum tier tier;
    int step; /* of the policy; -1: none */
    bool repeat;
    bool fell_through; /* a tier below was meant, and has nobody */
    struct instant due;
    struct span late;
};

struct parcel {
    struct parcel_label label; /* its texts are the parcel's own */
    char *texts[6];            /* they */
    struct instant made;
    bool overdue; /* has been reported */
    struct parcel_timer ladder;
    struct parcel *next; /* of the same case */
    size_t n;
    struct delivery *deliveries; /* n, owned */
};

enum parcel_event {
    PARCEL_NOTHING,
    PARCEL_SEND,    /* attempt deliveries[delivery].attempts leaves now */
    PARCEL_FAILED,  /* no answer within its time; it will be tried again */
    PARCEL_OVERDUE, /* red and undelivered for 30 s */
    PARCEL_DEAD,    /* every address said never; the parcel stays to be looked at, then drop it */
};

struct parcel_due {
    enum parcel_event event;
    struct parcel *parcel;
    int delivery;
};

struct outbox;

struct outbox *outbox_new(void);
void outbox_free(struct outbox *outbox);
/* The first address is due at once; no addresses: dead at once. An id that is there already is
 * ours already: nothing happens. */
void outbox_add(struct outbox *outbox, const struct parcel_label *label,
    const struct address *addresses, size_t n, struct instant now);
struct instant outbox_next(const struct outbox *outbox);
/* Handles one thing that is due at or before limit and says what it was: false if nothing is. What
 * follows from it counts from now, which may be later: an attempt that was due while nobody could
 * make it is made now, and has its full time from now. */
bool outbox_tick(
    struct outbox *outbox, struct instant limit, struct instant now, struct parcel_due *out);
/* NULL if it has left. id: of a delivery, as outbox_delivery_id writes it. */
struct parcel *outbox_find_delivery(struct outbox *outbox, struct view id, int *delivery);
struct parcel *outbox_find(struct outbox *outbox, struct view id);
/* id "." number of the address */
void outbox_delivery_id(const struct parcel *parcel, int delivery, struct buf *out);
/* Takes a result of that attempt; false if it is old news. After RESULT_DELIVERED: drop it. */
bool outbox_result(struct outbox *outbox, struct parcel *parcel, int delivery, uint32_t attempt,
    enum delivery_result result, struct instant now);
bool outbox_dead(const struct parcel *parcel);
void outbox_drop(struct outbox *outbox, struct parcel *parcel);
/* First parcel of a case (then ->next), NULL if there is none. */
struct parcel *outbox_of(const struct outbox *outbox, struct view alert);
void outbox_drop_case(struct outbox *outbox, struct view alert);
size_t outbox_len(const struct outbox *outbox);
/* Parcels that nothing will move any more, or that should have been moved before limit. */
size_t outbox_stuck(const struct outbox *outbox, struct instant limit);
/* A start: what was in flight is due again, as its next attempt. */
void outbox_again(struct outbox *outbox, struct instant now);
void outbox_rebase(struct outbox *outbox, struct span delta);
void outbox_configure(struct outbox *outbox, const struct channel_set *channels);

void outbox_save(const struct outbox *outbox, struct buf *out);
MUST_USE bool outbox_load(
    struct outbox *outbox, const struct channel_set *channels, struct unpack *in);
