/*
 * state: what the engine is made of, shared by the files of this folder only.
 *
 *   engine.c            the door: feed, deadlines in order, effects
 *   engine_record.c     one journal record: duplicates, clocks, floods, readings
 *   engine_stranger.c   devices that are not listed, and how many of them
 *   engine_condition.c  judgements -> conditions
 *   engine_case.c       the life of a case, its next deadline, stages
 *   engine_tell.c       steps -> notices; what the outbox says
 *   engine_notice.c     what a notice and an order say
 *   engine_words.c      the same as a sentence, in two languages
 *   engine_basis.c      the message, the rule and the times a case rests on
 *   engine_past.c       earlier faults and repairs of a device
 *   engine_order.c      orders and the answers of centres
 *   engine_command.c    what people press
 *   engine_done.c       a word that it is done, against the readings
 *   engine_clock.c      devices' clocks
 *   engine_hold.c       tests and maintenance
 *   engine_night.c      the interim record of a night, the formal report in the morning
 *   engine_fold.c       many cases of one cause
 *   engine_fact.c       Wallwatch's alerts about itself
 *   engine_admin.c      start, link, configuration, re-base
 *   engine_audit.c      due against done
 *   engine_json.c       pictures, events, the hash chain
 *   engine_save.c, engine_load.c  the checkpoint
 *
 * A case is called incident here, because case is a word of C.
 */
#pragma once

#include "alerting/dispatch/outbox.h"
#include "alerting/engine/engine.h"
#include "alerting/escalation/climb.h"
#include "alerting/lifecycle/case.h"
#include "alerting/lifecycle/condition.h"
#include "alerting/lifecycle/order.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/map.h"
#include "base/timers.h"
#include "base/vec.h"

#define ID_BYTES 64              /* lane "-" 16 hex digits */
#define FLAP_OPENINGS 5          /* so often true */
#define FLAP_WINDOW SPAN_MIN(30) /* within this: flapping; and so long quiet: no more */
#define MAX_MEMBERS 300          /* of a case; more are counted, not named */
#define MAX_ORDERS 32            /* of a case */
#define MAX_WHY_BYTES 2048       /* of what a person wrote, in an event */
#define MAX_EVIDENCE 32          /* readings frozen into a case */
#define CONTENT_RING 1024        /* records before a reconnect that may come again */
#define IDENTITY_RING 256        /* of a device */
#define ANSWERED_RING 4096       /* commands that may be sent again */
#define LATE_OPENS SPAN_MIN(10)  /* a late reading this old may still open what is not red */
#define LATE_STEP SPAN_S(2)      /* a step this late is marked so */
#define COMMAND_FRESH SPAN_MIN(5)
#define PROMISE_DEFAULT SPAN_MIN(30)
#define PROMISE_LONGEST SPAN_H(72)
#define MAINTENANCE_LONGEST SPAN_H(12)
#define MAINTENANCE_AHEAD SPAN_DAYS(7)
#define MAX_UNLISTED 1000   /* open cases about unlisted devices */
#define MAX_STRANGERS 10000 /* unlisted devices that are judged; of more, only that they are */
#define PAST_FAULTS 8       /* that are remembered of a device, newest first */
#define MAX_PASTS 20000     /* devices of which they are */
#define EVENT_MAX_BYTES ((size_t)240 * 1024)

enum due_kind { DUE_CONDITION, DUE_GAUGE, DUE_CASE, DUE_ORDER };

struct due {
    struct timer timer; /* first: a timer in the engine's heaps is its due */
    enum due_kind kind;
    bool held; /* in the heap of what waits for INPUT_READY */
    void *owner;
};

struct incident;

/* A rule and a subject. It exists while it is pending, true, unknown after true, or has a case. */
struct condition {
    struct due due; /* end of `for`, or of `clear_for` when clearing */
    char *key;      /* rule id, NUL, subject key; owned */
    size_t key_len;
    const char *rule_id;           /* start of key */
    const struct rule *rule;       /* NULL: not in this configuration, or reported by a person */
    const struct subject *subject; /* NULL after a load, and of facts and reports */
    enum per per;
    const char *code, *part, *compound; /* of the subject */
    const char *building;
    enum side side;
    const char *anchor_code, *anchor_part; /* a member, to find the subject again */
    enum condition_state state;
    char *message; /* that made it true, JSON, while no case is open; owned; NULL: none did */
    bool clearing, suspect, late;
    bool held; /* true, but held back: no case has opened; due is when that ends */
    int stage;
    struct instant since;                /* corrected time of the reading that made it so */
    struct instant turns[FLAP_OPENINGS]; /* when it became true, newest first; 0: not yet */
    struct incident *incident;           /* NULL: none is open */
};

struct order {
    struct due due;
    char id[ID_BYTES];
    struct incident *incident;
    const char *centre;
    enum order_state state;
    struct instant issued, since;
    bool late_arrival, late_finish; /* overdue has been said */
};

struct incident {
    struct due due; /* the first of promise, stage and step */
    char id[ID_BYTES];
    struct condition *condition; /* never NULL */
    const char *class_name, *title_zh, *title_en, *stage_name;
    enum severity severity;
    bool latch, suspect, late, frozen, muted, flapping; /* frozen: its rule is gone, it stays in
 force; muted: red, but under maintenance: shown as blue */
    bool unwell;                                        /* of a child: its condition is not over */
    bool waits; /* in a crowd, for others that began when it did */
    int stage;
    struct instant opened, stage_entered;
    enum case_state state;
    struct instant since; /* of state */
    const char *policy_id;
    const struct policy *policy; /* never NULL */
    struct climb climb;
    int tier;                         /* highest told; -1: none */
    struct instant heard[TIER_COUNT]; /* newest delivery of a notice there */
    int loop;                         /* tier in which it was settled; -1 */
    struct {
        const char *by; /* NULL: nobody has it */
        struct instant at, until;
    } taken;
    struct {
        const char *by; /* who says that it is done; NULL: nobody has */
        struct instant at;
        struct instant quiet; /* its condition has been over since; 0: it was not */
        struct instant seen;  /* newest reading after `at` that says it is not; 0: none */
        bool proving;         /* the readings have not decided yet */
    } done;
    uint64_t count; /* how often its condition became true */
    uint32_t config;
    uint64_t n;                      /* event that made the picture */
    VEC(const char *) members;       /* in order of bytes */
    VEC(struct order *) orders;      /* in order of issue; owned */
    struct incident *parent;         /* it is folded into; NULL: into none */
    const char *parent_id;           /* while a checkpoint is loaded */
    VEC(struct incident *) children; /* in order of ids */
    int64_t began;     /* connected clock; of a parent: of the last storm's newest child */
    uint32_t n_unwell; /* of a parent: such children */
    uint32_t peak;     /* the most of them at once in this storm */
    char *evidence;    /* JSON array, owned */
    char *basis;       /* JSON object, owned */
    char *topic;       /* as published; owned; NULL: not yet */
    bool dirty;
    int counted_severity, counted_tier; /* as it stands in counts; -1: not */
};

struct held { /* the newest reading of a flooding part, judged at the end of its second */
    char *part;
    struct reading reading; /* views into own */
    struct arena own;
};

/* What is known of a device besides its values: its clock, its repeats, its rate. */
struct gauge {
    struct due due; /* end of the second in which it floods, then of its quiet time */
    const char *code;
    int64_t skew_us[8]; /* least (received - device time) per 3 h, INT64_MAX: none */
    int64_t skew_slot;  /* number of the newest 3 h */
    int64_t skew_said;  /* in its alert, us */
    /* messages in a row that disagree with the skew and agree with each other */
    int64_t step_low, step_high;
    struct instant step_since;
    uint8_t step_n;
    uint8_t skew_seen;      /* messages of the same kind, up to enough */
    bool believed, skewed;  /* its time was within the window; its alert is on */
    bool last_server;       /* last_at is of our clock */
    struct instant last_at; /* the newest time that counted; INT64_MIN: none */
    uint64_t *identities;
    uint32_t n_identities, cap_identities, next_identity;
    int64_t tokens; /* millionths of a reading */
    struct instant filled;
    struct instant second; /* start of the second in which one was judged */
    struct instant flooded_at;
    bool flooding, moved, unlisted, unreadable;
    struct {
        struct instant from, until; /* equal: none */
        const char *by, *why;
    } window;                /* of maintenance */
    VEC(struct held *) held; /* in order of parts */
};

struct past_fault {
    const char *rule_id, *title_zh, *title_en;
    struct instant at;
};

struct past { /* what a device, zone, building or compound has been through */
    const char *key;
    struct past_fault faults[PAST_FAULTS];
    uint32_t n_faults;
    struct {
        const char *by; /* centre or person; NULL: none that we know of */
        struct instant at;
    } repair;
};

struct answered {
    char *key; /* sender, NUL, id */
    size_t key_len;
    char *topic, *body;
};

struct engine {
    struct engine_options opt;
    struct facts *facts;
    struct outbox *outbox;
    struct map conditions, incidents, orders, gauges, texts, answered;
    struct map pasts;                     /* engine_past.c */
    struct map crowds;                    /* engine_fold.c; follows from the incidents */
    struct timers timers;                 /* conditions and gauges */
    struct timers deadlines;              /* cases and orders */
    struct timers held;                   /* those of them that fell due before a start */
    struct instant before;                /* now of the input before */
    struct instant now;                   /* of the input */
    struct instant at;                    /* of what is being handled: a deadline's own, or now */
    struct instant hold_from, hold_until; /* INSTANT_NEVER: not holding */
    uint64_t pos;
    uint32_t epoch;
    uint64_t n; /* of the newest event */
    struct digest chain;
    uint64_t contents[CONTENT_RING];
    uint32_t n_contents, next_content;
    VEC(uint64_t) duplicates;                /* positions, ascending */
    struct answered *answers[ANSWERED_RING]; /* oldest overwritten */
    uint32_t next_answer;
    uint32_t n_unlisted;
    uint32_t n_strangers; /* gauges of devices that are not listed */
    struct engine_counts counts;

    struct arena scratch; /* of one feed: everything that effects show */
    VEC(struct effect) effects;
    VEC(struct incident *) dirty;
    const struct decoded *record; /* being taken; NULL: none */
    struct view command, sender;  /* that is being obeyed: events say so; len 0: none */
    struct buf text;              /* being written */
    struct buf event;             /* the event being written */
    struct json_writer json;
};

/* engine.c */
void engine_run(struct engine *engine, struct instant limit); /* all deadlines up to limit */
/* Rule of that id: of the configuration or built in; NULL: there is none. */
const struct rule *engine_rule(const struct engine *engine, struct view id);
const char *engine_text(struct engine *engine, struct view text); /* kept for ever, one each */
const char *engine_id(struct engine *engine, char out[ID_BYTES], const struct view *parts,
    size_t n); /* lane "-" 16 hex digits of the digest of the parts */
struct effect *engine_effect(struct engine *engine, enum effect_kind kind);
/* may_wait: a start may hold it back if it fell due before. */
void deadline_set(struct engine *engine, struct due *due, struct instant when, bool may_wait);
void deadline_cancel(struct engine *engine, struct due *due);
void release_held(struct engine *engine);

/* engine_record.c */
enum verdict record_take(struct engine *engine, const struct decoded *record);
void gauge_due(struct engine *engine, struct gauge *gauge);
void gauges_flush(struct engine *engine);
struct gauge *gauge_of(struct engine *engine, struct view code);
void gauge_free(struct gauge *gauge);
void gauge_identity(struct gauge *gauge, uint64_t identity);
void held_add(struct engine *engine, struct gauge *gauge, const struct reading *reading);

/* engine_stranger.c */
/* True: it comes from one unlisted device too many; it is counted and no more. */
bool stranger_turned_away(struct engine *engine, const struct decoded *record);
/* Counts anew who is not listed, and forgets who was not heard for a day. */
void strangers_configure(struct engine *engine);

/* engine_condition.c */
struct condition *condition_new(
    struct engine *engine, struct view rule_id, struct view subject_key);
struct condition *condition_find(
    const struct engine *engine, struct view rule_id, struct view subject_key);
void condition_free(struct engine *engine, struct condition *condition);
/* A person says that the rule holds there: opens its case, or gives the one that is open. member:
 * code/part. */
struct incident *condition_report(struct engine *engine, const struct rule *rule,
    const struct subject *subject, struct view member, struct view who, struct view why);
void condition_judge(struct engine *engine, const struct judgement *judgement, bool retained);
void condition_due(struct engine *engine, struct condition *condition);
/* Drops it if nothing needs it any more. */
void condition_tidy(struct engine *engine, struct condition *condition);
void condition_facts(struct engine *engine, const struct judgements *judgements);

/* engine_case.c */
struct opening { /* what a case is made of; texts are copied */
    const char *class_name, *title_zh, *title_en, *stage_name, *policy;
    enum severity severity;
    bool latch, muted;
    int stage;
    const char *verb; /* "opened", "reported" */
    struct view who, why;
};
struct incident *incident_open(
    struct engine *engine, struct condition *condition, const struct opening *opening);
struct incident *incident_find(const struct engine *engine, struct view id);
bool incident_can(const struct incident *incident, enum case_event event);
/* Steps it, writes the event and does what is to be done; false: refused. If it is over after
 * that, it lives until the end of the feed only for its topic to be cleared. */
bool incident_step(struct engine *engine, struct incident *incident, enum case_event event,
    const char *verb, struct view who, struct view why);
void incident_stage(struct engine *engine, struct incident *incident, int stage, const char *why);
void incident_member(struct engine *engine, struct incident *incident, struct view member);
void incident_due(struct engine *engine, struct incident *incident);
/* The next end of a promise, a stage or a proof. */
struct instant incident_when(const struct incident *incident);
/* Sets its next deadline. */
void incident_arm(struct engine *engine, struct incident *incident);
void incident_choose_policy(struct engine *engine, struct incident *incident, const char *wanted);
void incident_free(struct engine *engine, struct incident *incident);
/* Counts it anew and publishes it at the end of the feed. */
void incident_touch(struct engine *engine, struct incident *incident);
const struct compound *incident_compound(
    const struct engine *engine, const struct incident *incident);

/* engine_tell.c */
void tell_step(struct engine *engine, struct incident *incident, const struct climb_due *due);
/* The next tier at once. */
void tell_above(struct engine *engine, struct incident *incident, const char *why);
/* The highest tier once more. */
void tell_again(struct engine *engine, struct incident *incident, const char *why);
/* A person besides, over his own addresses. */
void tell_person(struct engine *engine, struct incident *incident, struct view id);
void tell_order(struct engine *engine, const struct order *order, const struct centre *centre);
bool tell_tick(struct engine *engine, struct instant limit);
void tell_delivered(struct engine *engine, struct parcel *parcel, int number);
void tell_result(struct engine *engine, const struct input *in);

/* engine_notice.c; lives in scratch */
struct view notice_body(
    struct engine *engine, const struct incident *incident, const struct parcel *parcel);

/* engine_basis.c: keeps the message being taken, if one is; what a case is made on, in scratch */
void basis_note(struct engine *engine, struct condition *condition);
void basis_forget(struct condition *condition);
struct view basis_json(struct engine *engine, const struct condition *condition);

/* engine_words.c: `text`, for telephones and mail */
void words_json(struct engine *engine, const struct incident *incident,
    const struct parcel_label *label, struct json_writer *json);

/* engine_past.c */
struct past *past_of_key(struct engine *engine, struct view key);
/* NULL: nothing is known. */
const struct past *past_of(struct engine *engine, const struct incident *incident);
void past_fault(struct engine *engine, const struct incident *incident);
void past_false_alarm(struct engine *engine, const struct incident *incident);
void past_repair(struct engine *engine, const struct incident *incident, struct view by);
/* How often its rule was true there in the seven days up to its opening, that time included. */
size_t past_same_week(const struct past *past, const struct incident *incident);
void pasts_save(const struct engine *engine, struct arena *arena, struct buf *out);
void pasts_load(struct engine *engine, struct unpack *in);

/* engine_order.c */
struct order *order_issue(
    struct engine *engine, struct incident *incident, struct view centre, struct view who);
/* As order_issue, or to the property firm of its compound; NULL: there is none, which the record
 * says, or there is no room. */
struct order *order_call(
    struct engine *engine, struct incident *incident, struct view wanted, struct view who);
/* What its rule sends for; if nobody can be, the next tier is told at once. */
void orders_of_rule(struct engine *engine, struct incident *incident, const struct rule *rule);
void order_due(struct engine *engine, struct order *order);
/* The centre cannot be reached. */
void order_lost(struct engine *engine, struct order *order, const char *why);
void order_answered(struct engine *engine, const struct input *in);
/* When its next limit passes. */
struct instant order_when(const struct engine *engine, const struct order *order);
void order_arm(struct engine *engine, struct order *order);
void order_free(struct engine *engine, struct order *order);

/* engine_done.c */
/* A word that it is done; the caller writes the event and arms the case. */
void done_said(struct engine *engine, struct incident *incident, struct view who);
/* A reading says that its condition holds. */
void done_still(struct engine *engine, struct incident *incident);
/* Its condition is over. */
void done_quiet(struct engine *engine, struct incident *incident);
/* Its condition is back: true if that broke a word, and the case is open again. */
bool done_broken(struct engine *engine, struct incident *incident);
/* When the readings will have decided as things stand, and then. */
struct instant done_when(const struct incident *incident);
void done_due(struct engine *engine, struct incident *incident);

/* engine_clock.c */
void clock_init(struct gauge *gauge);
void clock_note(
    struct engine *engine, struct gauge *gauge, const struct reading *reading, bool alone);
struct instant clock_at(
    const struct engine *engine, struct gauge *gauge, const struct reading *reading);

/* engine_fold.c */
void fold_consider(struct engine *engine, struct incident *incident);
void fold_note(struct engine *engine, struct incident *child, bool unwell);
void fold_leave(struct engine *engine, struct incident *child);
void fold_release(struct engine *engine, struct incident *parent, bool all, struct view why);
void fold_finish(struct engine *engine, struct incident *incident);
void folds_fini(struct engine *engine);
void folds_rebuild(struct engine *engine);

/* engine_hold.c */
bool hold_back(struct engine *engine, struct condition *condition);
const struct gauge *hold_mutes(struct engine *engine, struct condition *condition);
void hold_unmute(struct engine *engine, struct incident *incident, const char *why);
void hold_review(struct engine *engine, struct incident *incident);
void hold_ended(struct engine *engine);
/* It is not true any more: whom it inhibited is looked at again. */
void hold_uninhibit(struct engine *engine, const struct condition *condition);

/* engine_night.c */
extern const struct policy night_policy; /* of the report, where policies.yaml has none */
bool night_is_interim(const struct incident *incident);
/* A grave case outside of working hours goes into its compound's record of the night. */
void night_consider(struct engine *engine, struct incident *incident);
/* Its first step is due: the record becomes the formal report. */
void night_formal(struct engine *engine, struct incident *record);

/* engine_command.c */
void command_take(struct engine *engine, const struct input *in);
void answered_keep(struct engine *engine, struct view key, struct view topic, struct view body);

/* engine_fact.c */
void fact_take(struct engine *engine, const struct input *in);
void fact_set(
    struct engine *engine, const char *code, struct view subject, bool on, struct view detail);

/* engine_admin.c */
void admin_start(struct engine *engine, const struct input *in);
void admin_numbers(struct engine *engine, const struct input *in);
void admin_link(struct engine *engine, const struct input *in);
void admin_refused(struct engine *engine, const struct input *in);
void admin_configure(struct engine *engine, const struct input *in);
void admin_rebase(struct engine *engine, const struct input *in);

/* engine_save.c, engine_load.c; the form changes: this number does */
#define STATE_FORM 6

/* engine_json.c */
/* Begins an event: alert (NULL: of no case), at, event, n, prev, who, why are written; the caller
 * adds keys to engine->json and calls event_end, with the case if its picture has changed. */
void event_begin(struct engine *engine, struct incident *incident, const char *verb,
    struct view who, struct view why);
void event_end(struct engine *engine, struct incident *incident);
void incident_json(struct engine *engine, const struct incident *incident, const char *key,
    struct json_writer *json);
/* `evidence` of a condition that opens: a JSON array in scratch. */
struct view evidence_json(struct engine *engine, const struct condition *condition);
const char *incident_topic(struct engine *engine, const struct incident *incident);
const char *incident_subject(struct engine *engine, const struct incident *incident);
void publish_dirty(struct engine *engine);
/* Reading of input bodies. */
struct cJSON;
struct cJSON *body_parse(struct view body);                         /* NULL: no object */
struct view body_text(const struct cJSON *object, const char *key); /* "" if absent */
bool body_bool(const struct cJSON *object, const char *key);
int64_t body_int(const struct cJSON *object, const char *key, int64_t absent);
bool body_instant(const struct cJSON *object, const char *key, struct instant *out);
