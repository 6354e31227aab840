/*
 * state: what facts are made of. Inside alerting/rules only.
 *
 *   facts_take -> member (values of one part) -> marks and tallies of its groups -> judgements
 *
 * A member is a device's part; its root is the part '' of the same device, which always exists. A
 * group is a zone, building or compound of members of one class. Per shared rule and stage each
 * member leaves a mark (is it true for me?) and the group keeps how many marks say what: so a
 * reading costs the same in a zone of two and in a compound of six hundred. Tallies are whole
 * numbers and can be made anew from the marks at any time; only values, clocks and the ends of
 * counted conditions are state (save.c).
 *
 * Two times. `at` is service time as readings carry it, minus all rebases so far. `clock` counts
 * only while the lane is connected: silence, expiry and count spans are in it.
 */
#pragma once

#include "alerting/rules/window.h"
#include "base/map.h"
#include "base/timers.h"
#include "base/vec.h"

#define FIELD_WORDS (CLASS_MAX_FIELDS / 64)
#define CLOCK_NEVER INT64_MIN
#define CLOCK_NOW INT64_MAX /* stopped: it has not, the condition is true now */

struct use { /* of a slot, by a node of an expression */
    const struct expr *node;
    uint16_t slot;
};

struct uses {
    const struct use *counts, *windows;
    size_t n_counts, n_windows;
};

struct count_slot { /* one count(..., same ...) of a class; equal text, equal slot */
    const struct expr *node;
    struct view text;
    uint64_t fields[FIELD_WORDS];
    bool fieldless;
    struct uses uses; /* of its condition */
};

struct window_slot { /* one rate(), avg() ... of a class; equal text, equal slot */
    const struct expr *node;
    struct view text;
    uint64_t fields[FIELD_WORDS];
};

struct plan { /* what facts know of one rule */
    const struct rule *rule;
    uint64_t fields[FIELD_WORDS];
    bool fieldless; /* reads no field: it is about the device itself, its root */
    const struct span *absents;
    size_t n_absents;
    size_t mark; /* shared rules: first of its n_stages marks */
    struct uses uses;
    bool ages; /* something in it falls by the passing of time alone */
};

struct layout { /* of one class under one configuration */
    const struct class *class;
    struct plan *plans; /* by rule id */
    size_t n_plans;
    struct count_slot *counts;
    size_t n_counts;
    struct window_slot *windows;
    size_t n_windows;
    bool ages; /* a plan does */
    size_t n_marks;
    bool pers[4]; /* are there rules of it */
    uint64_t sticky[FIELD_WORDS];
    uint64_t timed[FIELD_WORDS]; /* read by a rule and not sticky */
    struct span *absents;        /* distinct, in order */
    size_t n_absents;
    uint16_t *by_name; /* fields in order of their names */
};

struct text {
    uint32_t len;
    char bytes[];
};

struct known {
    int64_t at;
    int64_t heard; /* clock */
    union {
        double number;
        struct text *text; /* heap, owned; FIELD_TEXT */
    };
};

struct tally { /* of one shared rule's stage in a group */
    uint32_t members, yes, sound, unknown, suspect, clear;
};

struct counted { /* of one count() in a group */
    uint32_t in, unknown;
};

struct member {
    struct timer timer; /* first: a timer is its member; never later than the next deadline */
    struct subject self;
    char *name; /* the bytes of self.key, owned */
    const struct layout *layout;
    struct member *root;
    struct parts *parts;     /* root: its device's other parts; NULL: none */
    bool unmarked;           /* made for a part of it, and not looked at yet */
    struct group *groups[4]; /* by per; NULL where the class has no such rule */
    int64_t heard;           /* root: clock of the device's last message, or of its listing */
    int64_t newest;          /* at of the newest reading */
    int64_t tested;          /* at since when it says that it is under test; CLOCK_NEVER: no */
    int64_t expiry;          /* us; 0: never */
    uint64_t have[FIELD_WORDS];
    uint64_t suspect[FIELD_WORDS];
    struct known *known;    /* one block for the four, per layout */
    struct window *windows; /* per window slot */
    int64_t *stopped;       /* per count slot: clock of when its condition was last true */
    uint8_t *counting;
    uint8_t *marks;
};

struct parts { /* by key; owned by their root */
    struct member **at;
    size_t len, cap;
};

struct group {
    struct subject self;
    char *name; /* the bytes of self.key, owned */
    const struct layout *layout;
    struct member **members; /* by key */
    size_t len, cap;
    struct tally *tallies;
    struct counted *counts;
};

struct member_ref {
    struct member *member;
};

struct saved { /* a value that a late reading's view hides for a moment */
    uint16_t field;
    struct known known;
};

struct facts {
    struct facts_options opt;
    struct arena plans; /* layouts */
    struct layout *layouts;
    size_t n_layouts;
    struct map members; /* "class/code/part" */
    struct map groups;  /* "class/" and the subject's key */
    struct map names;   /* interned compound ids -> themselves */
    struct timers timers;
    const struct member *first; /* the first timer is this one's, and true; NULL: not known */
    bool started, up;
    bool all_due;          /* a new configuration: everything is judged once */
    struct instant now;    /* of the last call */
    int64_t frozen;        /* clock while not up */
    int64_t offset, moved; /* service time - clock, service time - stored at */
    int64_t ticked;        /* deadlines up to it are done */
    VEC(struct member_ref) due;
    VEC(struct member_ref) gone; /* their subjects may still be named somewhere */
    VEC(struct saved) saved;
    VEC(struct judgement) out;
};

/* What has changed for a member. */
struct touch {
    uint64_t fields[FIELD_WORDS];
    bool counts, all;
    bool aged;       /* what a count(condition, span) saw has become older than the span */
    bool absent;     /* its device's silence has become `silence` long */
    bool ended;      /* or ended, after it was so long */
    int64_t silence; /* us */
};

/* When and how it is judged. */
struct moment {
    int64_t clock;
    int64_t at_clock; /* of the reading; equals clock for ticks */
    bool passing;     /* a late reading's view, which does not stay */
    bool late;
    struct instant since;
    const struct member *member; /* of the reading; NULL: of none */
    int64_t read_at;             /* stored_at of the reading */
};

struct look { /* at one member, at one moment, by what has these uses */
    struct world world;
    const struct member *member;
    const struct uses *uses;
    int64_t clock;
    int64_t shown; /* windows are seen up to it */
};

/* How long a silence of absent() is for this member's device. check.c refuses intervals in a class
 * that has none. */
static inline int64_t
absence_us(const struct member *member, struct span span)
{
    const int64_t interval = member->root->expiry > 0 ? member->root->expiry / 3 : 1000000;

    return span.us >= 0 ? span.us : -span.us * interval;
}

static inline bool
bit_get(const uint64_t *bits, size_t i)
{
    return (bits[i / 64] >> (i % 64) & 1) != 0;
}

static inline void
bit_put(uint64_t *bits, size_t i, bool on)
{
    const uint64_t bit = UINT64_C(1) << (i % 64);

    bits[i / 64] = on ? bits[i / 64] | bit : bits[i / 64] & ~bit;
}

static inline bool
bits_meet(const uint64_t *a, const uint64_t *b)
{
    uint64_t all = 0;

    for (size_t i = 0; i < FIELD_WORDS; i++)
        all |= a[i] & b[i];
    return all != 0;
}

/* plan.c */
void layouts_make(struct facts *facts);

/* members.c */
struct member *member_find(
    const struct facts *facts, const struct class *class, struct view code, struct view part);
/* Finds or makes; heard from clock on. */
struct member *member_get(struct facts *facts, const struct class *class, struct view code,
    struct view part, int64_t clock);
/* The device's parts by key, from the root, which is the first; NULL behind the last. */
struct member *member_part(const struct member *root, size_t i);
/* Frees the list, not who is in it. */
void member_parts_free(struct member *root);
/* Its place: believed compound and the list's entry; joins its groups. */
void member_place(
    struct facts *facts, struct member *member, const struct device *listed, struct view compound);
/* "code" or "code/part". */
struct view member_label(const struct member *member);
/* A new empty block for the layout; the old one is the caller's. */
void member_block(struct member *member, const struct layout *layout);
struct group *group_find(
    const struct facts *facts, const struct class *class, struct view subject_key);
/* No members, and the tallies of its class's present layout. key: in the map of groups. */
void group_reset(struct facts *facts, struct group *group, struct view key);
void known_set_text(struct known *known, struct view text);

/* relayout.c */
/* Listed devices exist from the start, so that their silence is noticed. */
void members_list(struct facts *facts, int64_t clock);
void members_relayout(struct facts *facts, const struct layout *old, size_t n_old, int64_t clock);
/* Marks, tallies and timers anew. */
void members_recount(struct facts *facts, int64_t clock);
void members_free(struct facts *facts);

/* look.c */
struct look look_at(
    const struct member *member, const struct uses *uses, const struct moment *moment);
/* Do its windows rest on suspect readings? */
bool look_is_suspect(const struct look *look);
/* The moment's reading, which touched these fields and is in the member's values, into its windows.
 */
void member_look_back(
    struct member *member, const uint64_t *fields, const struct moment *moment, bool suspect);

/* judge.c */
void member_refresh(struct member *member, const struct moment *moment);
/* Takes its marks and counts out of its group of that per. */
void member_forget(struct member *member, enum per per);
/* Adds to out what the touched rules say. */
void member_judge(struct facts *facts, struct member *member, const struct touch *touch,
    const struct moment *moment);
/* First deadline after clock; INT64_MAX: none. */
int64_t member_deadline(const struct member *member, int64_t clock);
void member_arm(struct facts *facts, struct member *member, int64_t clock);
struct touch member_due(const struct member *member, int64_t clock);
void judgements_sort(struct facts *facts);

/* facts.c */
int64_t facts_clock(const struct facts *facts, struct instant now);
struct instant facts_service(const struct facts *facts, int64_t clock);
