/*
 * rules: is it true now? From last known values of a subject to three-valued judgements.
 *
 *   ingest/normalise -> rules -> alerting/lifecycle
 *
 * A rule set is compiled once (pure data, part of the configuration); a `struct facts` holds what
 * is known: per subject each field's last value with its own time, windows, members of zones.
 * Hysteresis (clear) and windows live here; pending, for and cases do not. Pure: time comes in.
 *
 * A subject is (device, part) for `per: device`, else the zone, building or compound that the
 * device stands in. Fields of a shared subject are those of its members: `when` is true if it is
 * true for any member, false if for all, else unknown; count(..., same zone, ...) counts distinct
 * members.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/pack.h"
#include "model/alert.h"
#include "model/class.h"
#include "model/device.h"
#include "model/reading.h"

enum per { PER_DEVICE, PER_ZONE, PER_BUILDING, PER_COMPOUND, PER_GATEWAY };
#define PER_RULES 4 /* of them a rule's own subjects can be; the last is a folding's only */
/* "device", "zone", "building", "compound", "gateway" */
extern const char *const per_names[5];

struct expr;

#define RULE_MAX_STAGES 4

struct stage {
    const char *name; /* "" for the only stage of a rule without stages */
    const struct expr *when;
    const struct expr *clear; /* NULL: when `when` is false */
    enum severity severity;
    const char *policy; /* "" : by class, else by severity and side */
    struct span after;  /* reached when so long unverified after the stage before; 0: never */
};

struct rule {
    const char *id; /* [a-z0-9-]+ */
    const struct class *class;
    struct words title;
    enum per per;
    bool latch;
    bool red;      /* a stage is red: its inputs keep their value (design section 7) */
    bool inhibits; /* another rule names it so */
    struct span for_, clear_for;
    struct span hold; /* a case stays open at least so long */
    const char *const
        *inhibited_by; /* rules: while one is true of the same subject no case opens */
    size_t n_inhibited_by;
    const struct stage *stages;
    size_t n_stages;             /* 1..RULE_MAX_STAGES; stage k is entered from k-1 or directly */
    const char *const *dispatch; /* centres' ids, sent when the case opens */
    size_t n_dispatch;
    uint64_t identity; /* of the canonical text: equal means unchanged */
};

/* Many cases of one cause: what its rules raise within a place and a time becomes one case, that of
 * `rule`, which has no `when`, one stage, and a class of no devices. */
struct folding {
    struct rule rule;
    const char *const *gathers; /* ids of rules, none of them red */
    size_t n_gathers;
    uint32_t least;     /* devices */
    uint32_t percent;   /* of the listed devices of the place; 0: any */
    struct span within; /* of each other they must have begun */
};

struct ruleset {
    const struct rule *at; /* by id */
    size_t len;
    /* per class index: rules of that class, in order of ids */
    const struct rule *const *const *by_class;
    const size_t *n_by_class;
    const struct folding *foldings; /* narrowest places first, then by id */
    size_t n_foldings;
};

const struct rule *rule_find(const struct ruleset *set, struct view id);
/* Canonical text of all that decides when it is true and what then happens (not its title). */
void rule_print(const struct rule *rule, struct buf *out);
/* Of the canonical text: equal means unchanged. Never 0. */
uint64_t rule_identity(const struct rule *rule);
/* From checked rules with distinct ids, in any order: sorts them, writes identity, red and
 * inhibits, makes by_class. Lives in arena. */
struct ruleset ruleset_make(
    struct arena *arena, const struct rule *rules, size_t n, const struct class_table *classes);

/* Adds them to a set that is made; copied into arena, their rules' identity is written. */
void foldings_make(
    struct arena *arena, struct ruleset *set, const struct folding *foldings, size_t n);
const struct rule *folding_find(const struct ruleset *set, struct view id);
bool folding_gathers(const struct folding *folding, struct view rule_id);
/* Does it gather a rule of that class? */
bool folding_knows(
    const struct folding *folding, const struct ruleset *set, const struct class *class);
/* The class of foldings' own cases. */
const struct class *folding_class(void);
/* It speaks of nothing but absent(). */
bool rule_is_silence(const struct rule *rule);

/* Compiles one expression for a class (grammar and meaning: docs/rules.md). In err: the text and
 * perhaps a hint; *column: 1-based, of the mistake, in characters of text. per: what same
 * zone|building|compound may be used. Lives in arena; text is not kept. */
MUST_USE bool expr_compile(struct arena *arena, struct view text, const struct class *class,
    enum per per, const struct expr **out, int *column, struct err *err);

struct expr_mistake {
    int column;              /* 1-based, in characters */
    struct err err;          /* in English; "\nhint: ..." behind it */
    char zh[ERR_TEXT_BYTES]; /* the same in Chinese */
};
/* The same, with the mistake in both languages. */
MUST_USE bool expr_compile_words(struct arena *arena, struct view text, const struct class *class,
    enum per per, const struct expr **out, struct expr_mistake *mistake);
/* Canonical text: what it prints compiles to the same. */
void expr_print(const struct expr *expr, struct buf *out);
/* Can one be true, and other (NULL: none) with it, of values that the class allows? Unknown: that
 * is not decided. True: where says of which, "port_temp = 61°C". */
enum truth expr_can_hold(const struct expr *one, const struct expr *other, struct buf *where);
/* False also where it is not decided. */
bool expr_always_holds(const struct expr *expr);
/* Fields it reads, as a bit set of CLASS_MAX_FIELDS bits. */
void expr_fields(const struct expr *expr, uint64_t bits[CLASS_MAX_FIELDS / 64]);

/* What is known. */
struct facts;

struct facts_options {
    const struct ruleset *rules;        /* borrowed until the next facts_configure */
    const struct device_table *devices; /* borrowed likewise */
    const struct class_table *classes;
    const char *lane; /* silence is judged only of listed devices that this lane hears; NULL: all */
};

struct facts *facts_new(const struct facts_options *opt);
void facts_free(struct facts *facts);
/* New configuration: values are kept by field name, members regrouped, all judged at the next
 * facts_tick (facts_next is at once). The old classes, rules and devices must live until it
 * returns. */
void facts_configure(struct facts *facts, const struct facts_options *opt);

struct subject { /* names what a condition and a case are about; owned by facts, never moves */
    enum per per;
    struct view key;             /* unique bytes; order of iteration */
    struct view code;            /* device code, or zone/building/compound id */
    struct view part;            /* "" unless per device */
    const struct device *listed; /* a device of it, NULL if unlisted */
    struct view compound;
};

struct judgement {
    const struct rule *rule;
    const struct subject *subject;
    int stage;            /* the highest stage whose `when` is true; -1: none is */
    enum truth truth;     /* of `when` of any stage */
    bool clear;           /* the clear expression (or not when) is true: it may end */
    bool suspect;         /* rests on a suspect reading: must not clear red or orange */
    bool late;            /* made by a late reading: must not clear anything */
    struct instant since; /* when it became so: reading's time corrected to service time */
    struct view member;   /* code/part of the member that made it so (shared subjects) */
};

struct judgements {
    const struct judgement *at; /* in order of (rule id, subject key); valid until the next call */
    size_t len;
};

/* Takes in one reading and judges all rules that it touches. at: the time that counts for it,
 * service time (device time corrected by skew, or received). now >= at. */
struct judgements facts_take(
    struct facts *facts, const struct reading *reading, struct instant at, struct instant now);
/* When facts_tick has something to say: absent(), windows, fields growing unknown; INSTANT_NEVER if
 * nothing. Changes nothing that can be seen (deadlines are found when they are asked for). */
struct instant facts_next(struct facts *facts);
/* Judges what the passing of time alone has changed up to now; call until facts_next > now. Each
 * call handles one instant. */
struct judgements facts_tick(struct facts *facts, struct instant now);
/* Silence counts only time in which the lane was connected: all absent() clocks and expiries
 * stop while the link is down. */
void facts_link(struct facts *facts, bool up, struct instant now);
/* Moves every clock by delta (input `rebase`). */
void facts_rebase(struct facts *facts, struct span delta);
/* The connected clock now, in which silence is counted. */
int64_t facts_connected(const struct facts *facts);
/* When on that clock it began: for a rule about silence when the device was last heard. */
int64_t facts_began(const struct facts *facts, const struct rule *rule,
    const struct subject *subject, struct instant since);
/* The members that make that stage of it true now: at most max of them; how many there are. */
struct cause {
    struct view code;
    bool test; /* says that it is under test or inspection, */
    struct instant since;
};
size_t facts_causes(const struct facts *facts, const struct rule *rule,
    const struct subject *subject, int stage, struct cause *out, size_t max);
/* The subject a rule of that `per` has for this device and part; NULL if never heard. */
const struct subject *facts_subject(
    const struct facts *facts, enum per per, struct view code, struct view part);
/* Last known values of a subject's members, for evidence: at most max, oldest first. */
struct fact {
    struct view code, part;
    const struct field *field;
    struct field_value value;
    struct instant at;
};
size_t facts_evidence(const struct facts *facts, const struct rule *rule,
    const struct subject *subject, struct fact *out, size_t max);

/* Canonical bytes, by names, not by indexes; load into a new facts with its configuration. */
void facts_save(const struct facts *facts, struct buf *out);
MUST_USE bool facts_load(struct facts *facts, struct unpack *in, struct err *err);
