/*
 * engine: the one door. Inputs and `now` go in, effects come out as data.
 *
 *   readings, commands, answers, delivery results, facts -> engine -> effects -> lane
 *
 * It joins rules (is it true), lifecycle (since when, who has it), escalation (who must know) and
 * the outbox of dispatch (how, and did it arrive). It reads no clock, no file, no socket, no
 * random number, and iterates in order of keys; so the same inputs give the same effects, byte
 * for byte: live, in a replay, in a back-test, in a scenario test (P7).
 *
 * Before an input at time t has effect, all earlier deadlines fire, each with its own instant,
 * oldest first. Thread: one. Owns: its state; everything passed in is borrowed for the call,
 * options until the next configuration.
 */
#pragma once

#include "alerting/dispatch/channel.h"
#include "alerting/escalation/policy.h"
#include "alerting/rules/rules.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/instant.h"
#include "model/device.h"
#include "model/grid.h"
#include "model/reading.h"

struct engine;

struct engine_options {
    const char *lane;
    bool life_safety; /* an unreadable message is an alert */
    uint32_t config_version;
    const char *config_hash; /* of its files; NULL: not known */
    struct class_table classes;
    const struct device_table *devices;
    const struct grid *grid;
    const struct ruleset *rules;
    const struct policy_set *policies;
    const struct channel_set *channels;
    uint32_t device_rate, device_burst; /* readings/s judged per device, and bucket (20, 200) */
};

/*
 * One numbered sequence. RECORD inputs are numbered by journal position; every other input is
 * appended to the ledger before it is fed, with its now and the journal position after which it is
 * fed. body: a JSON object that json_check() has passed; keys here. What came signed stays nested
 * in `body`, so that a sender cannot write the keys that the lane writes. An instant is a number
 * of microseconds or RFC 3339 text.
 */
enum input_kind {
    INPUT_RECORD,   /* in->record */
    INPUT_TICK,     /* deadlines up to now fire */
    INPUT_COMMAND,  /* at (of signing), id, sender, unit (its subtree only; absent: all), body (the
                       command's own object, docs/interfaces.md); down_until: when the lane came
                       back, if `at` is in a time when it was down */
    INPUT_ANSWER,   /* at, id, sender, centre (the sender's; absent: none), body: {answer, by,
                       comment, order} or {answer: received, notice} */
    INPUT_DELIVERY, /* attempt, delivery, detail, result: delivered|failed|never. Over MQTT only a
                       failure is a result: delivered is what an answer says */
    INPUT_REFUSED,  /* what was not let in: sender, what, why */
    INPUT_FACT,    /* code, detail, on (bool), subject: of Wallwatch itself, see engine/builtin.h */
    INPUT_LINK,    /* up (bool): connected to the broker */
    INPUT_CONFIG,  /* version; in->options holds the new configuration */
    INPUT_REBASE,  /* delta_us: the wall clock was moved; now is the new time, it may be earlier */
    INPUT_START,   /* epoch, late_us: a start; what was in flight is sent again. Deadlines of cases
                      and orders are held back until INPUT_READY, at most ENGINE_HOLD */
    INPUT_READY,   /* what the broker kept of commands and replies has been fed */
    INPUT_NUMBERS, /* n: events before this one may have been told and be in no file: the next is
                      numbered above it; chain: hex of the newest hash on record, absent: ours */
    INPUT_KINDS,
};
extern const char *const input_names[INPUT_KINDS];

#define ENGINE_HOLD SPAN_S(5)

struct input {
    enum input_kind kind;
    struct instant now; /* never smaller than the one before; the engine takes the greater */
    uint64_t pos;       /* RECORD: its end; others: the journal position after which it is fed */
    struct view body;
    const struct decoded *record;
    const struct engine_options *options;
};

/* In the order in which they are to be carried out: events and sends in order of their causes
 * (deadlines, oldest first, then the input), a receipt or an answer, then one PUBLISH for each
 * changed case, in order of ids. Views live until the next call. */
enum effect_kind {
    EFFECT_EVENT,   /* append body to the ledger before anything after it is carried out */
    EFFECT_PUBLISH, /* topic, body (empty: clear), retained */
    EFFECT_SEND,    /* one attempt of one delivery: see below */
    EFFECT_RECEIPT, /* topic, body: application receipt to a device */
    EFFECT_ANSWER,  /* topic, body: to the sender of a command */
    EFFECT_KINDS,
};
extern const char *const effect_names[EFFECT_KINDS];

struct effect {
    enum effect_kind kind;
    struct instant at; /* the instant it belongs to (a deadline's own) */
    struct view topic; /* PUBLISH, RECEIPT, ANSWER, SEND over MQTT */
    struct view body;  /* JSON; RECEIPT: perhaps the device's own protocol */
    bool retained;
    struct view delivery; /* SEND: stable id, the receiver's key against doubles; goes back in
                             INPUT_DELIVERY */
    uint32_t attempt;     /* SEND: 1.. */
    const struct channel *channel; /* SEND */
    struct view to;                /* SEND: address.to */
    enum severity severity;        /* SEND: red goes first */
    struct instant received;       /* RECEIPT: when what it is for came; else 0 */
};

struct effects {
    const struct effect *at;
    size_t len;
    enum verdict verdict; /* RECORD: the final one */
};

struct engine *engine_new(const struct engine_options *opt);
void engine_free(struct engine *engine);
struct effects engine_feed(struct engine *engine, const struct input *in);
/* The next deadline, INSTANT_NEVER if there is none: feed INPUT_TICK when it is due. */
struct instant engine_next(const struct engine *engine);
struct instant engine_now(const struct engine *engine); /* of the last input */
uint64_t engine_pos(const struct engine *engine);       /* of the last RECORD */
/* Positions of records found to be duplicates, above the mark given to engine_stored: the writer
 * asks, so that it may be hours behind and still give the same verdict. */
bool engine_is_duplicate(const struct engine *engine, uint64_t pos);
void engine_stored(struct engine *engine, uint64_t mark);

struct engine_counts { /* for status, metrics, summary */
    uint64_t readings, judged, duplicates, flooded, canaries;
    uint64_t events;                   /* number of the newest: `n` of status and topics */
    uint32_t open[SEVERITY_COUNT];     /* cases that are not closed or false alarms */
    uint32_t open_by_tier[TIER_COUNT]; /* by the highest tier told */
    uint32_t pending, deliveries_waiting, orders_open;
    uint64_t notices, climbs, delivered, failed, late_steps;
};
struct engine_counts engine_counts(const struct engine *engine);

/* What is due against what is done, reckoned anew at `now`, which is not before the last input:
 * overdue is what should have happened more than AUDIT_GRACE ago and has not. */
#define AUDIT_GRACE SPAN_S(10)

struct engine_audit {
    struct instant at;
    uint64_t due, done; /* steps of open cases whose time has come, and those that fired */
    uint64_t overdue;   /* of them, and of promises, stages, repetitions, orders, attempts */
    struct instant oldest;
    char first[128]; /* the oldest of these, in words; "" */
};
struct engine_audit engine_audit(const struct engine *engine, struct instant now);

/* What is open now, as the retained topics would show it, in order of case ids: for the start
 * ("publish what is open and clear what is not"). */
bool engine_has_order(const struct engine *engine, struct view id);
struct effects engine_snapshot(struct engine *engine);
/* Retained topic of one of this lane's cases, for clearing: true if that case is still shown. */
bool engine_shows(const struct engine *engine, struct view topic);
/* Was the last word about this fact that it is on? */
bool engine_fact_on(const struct engine *engine, const char *code, struct view subject);

/* The whole state in one canonical byte form; includes the head of the hash chain of events.
 * Load into a new engine with the options of the version it was saved under. */
void engine_save(const struct engine *engine, struct buf *out);
MUST_USE bool engine_load(struct engine *engine, struct view bytes, struct err *err);
