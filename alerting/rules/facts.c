/* The door of facts: configuration, the connected clock, and what time alone changes. */
#include "alerting/rules/state.h"

#include <stdlib.h>

/* Service time while the link is up is clock + offset; while it is down the clock stands still. */
int64_t
facts_clock(const struct facts *facts, struct instant now)
{
    if (!facts->up)
        return facts->frozen;
    const int64_t clock = now.us - facts->offset;

    return clock > facts->frozen ? clock : facts->frozen;
}

struct instant
facts_service(const struct facts *facts, int64_t clock)
{
    return facts->up ? instant_add((struct instant){clock}, SPAN_US(facts->offset)) : facts->now;
}

struct facts *
facts_new(const struct facts_options *opt)
{
    struct facts *facts = mem_zalloc(1, sizeof(*facts));

    facts->opt = *opt;
    facts->ticked = INT64_MIN;
    map_init(&facts->members);
    map_init(&facts->groups);
    map_init(&facts->names);
    timers_init(&facts->timers);
    layouts_make(facts);
    members_list(facts, 0);
    members_recount(facts, 0);
    return facts;
}

void
facts_free(struct facts *facts)
{
    if (facts == NULL)
        return;
    members_free(facts);
    arena_fini(&facts->plans);
    timers_fini(&facts->timers);
    VEC_FREE(&facts->due);
    VEC_FREE(&facts->saved);
    VEC_FREE(&facts->out);
    free(facts);
}

void
facts_configure(struct facts *facts, const struct facts_options *opt)
{
    const struct layout *old = facts->layouts;
    const size_t n_old = facts->n_layouts; /* opt's table may be the new one already */
    const int64_t clock = facts_clock(facts, facts->now);
    struct arena plans = facts->plans;

    facts->opt = *opt;
    facts->first = NULL;
    layouts_make(facts);
    members_relayout(facts, old, n_old, clock);
    members_recount(facts, clock);
    arena_fini(&plans);
    facts->all_due = facts->started;
}

void
facts_link(struct facts *facts, bool up, struct instant now)
{
    now = instant_max(now, facts->now);
    if (up && !facts->up) {
        facts->started = true;
        facts->offset = now.us - facts->frozen;
        facts->up = true;
    } else if (!up && facts->up) {
        facts->frozen = facts_clock(facts, now);
        facts->up = false;
    }
    facts->now = now;
}

void
facts_rebase(struct facts *facts, struct span delta)
{
    facts->offset += delta.us;
    facts->moved += delta.us;
    facts->now = instant_add(facts->now, delta);
}

static struct judgements
result(const struct facts *facts)
{
    return (struct judgements){.at = facts->out.at, .len = facts->out.len};
}

/* A new configuration has come: everybody is judged by it. */
static void
judge_all(struct facts *facts)
{
    const int64_t clock = facts_clock(facts, facts->now);
    const struct touch touch = {.all = true};
    const struct moment moment = {.clock = clock, .at_clock = clock, .since = facts->now};
    struct arena arena;

    arena_init(&arena);
    const struct map_entry *entries = map_sorted(&facts->members, &arena);

    for (size_t i = 0; i < facts->members.len; i++)
        member_judge(facts, entries[i].value, &touch, &moment);
    arena_fini(&arena);
    facts->all_due = false;
}

static bool
is_due(const struct member *member, int64_t clock)
{
    const struct touch touch = member_due(member, clock);

    return touch.absent || touch.counts || touch.aged || bits_meet(touch.fields, touch.fields);
}

/* A timer is not moved at every reading; here the first one is made true. */
static struct instant
first_deadline(struct facts *facts)
{
    for (;;) {
        const struct instant next = timers_next(&facts->timers);

        struct member *member = (struct member *)timers_first(&facts->timers);

        if (member == NULL || member == facts->first)
            return next;
        if (is_due(member, next.us)) {
            facts->first = member;
            return next;
        }
        (void)timers_pop(&facts->timers, next);
        member_arm(facts, member, next.us);
    }
}

struct instant
facts_next(struct facts *facts)
{
    struct instant next;

    if (facts->all_due)
        return facts->now;
    if (!facts->up)
        return INSTANT_NEVER;
    next = first_deadline(facts);
    return next.us == INT64_MAX ? INSTANT_NEVER : facts_service(facts, next.us);
}

/* All members with something due at the first deadline up to `until`. False: none. */
static bool
collect_due(struct facts *facts, int64_t until, int64_t *at)
{
    facts->due.len = 0;
    *at = first_deadline(facts).us;
    if (*at > until || *at == INT64_MAX)
        return false;
    facts->first = NULL;
    while (timers_next(&facts->timers).us == *at) {
        struct member *member = (struct member *)timers_pop(&facts->timers, (struct instant){*at});

        if (is_due(member, *at))
            VEC_PUSH(&facts->due)->member = member;
        else
            member_arm(facts, member, *at);
    }
    return true;
}

static void
judge_due(struct facts *facts, int64_t clock)
{
    const struct moment moment = {
        .clock = clock, .at_clock = clock, .since = facts_service(facts, clock)};

    for (size_t i = 0; i < facts->due.len; i++)
        member_refresh(facts->due.at[i].member, &moment);
    for (size_t i = 0; i < facts->due.len; i++) {
        struct member *member = facts->due.at[i].member;
        const struct touch touch = member_due(member, clock);

        member_judge(facts, member, &touch, &moment);
        member_arm(facts, member, clock);
    }
    facts->ticked = clock;
    facts->now = instant_max(facts->now, moment.since);
}

struct judgements
facts_tick(struct facts *facts, struct instant now)
{
    int64_t clock;

    facts->out.len = 0;
    if (facts->all_due)
        judge_all(facts);
    else if (facts->up && collect_due(facts, facts_clock(facts, now), &clock))
        judge_due(facts, clock);
    judgements_sort(facts);
    return result(facts);
}

/* Puts the reading's values in. Older ones than what is known are only shown for a moment; what
 * they hide goes to saved. */
static void
store_values(struct facts *facts, struct member *member, const struct reading *reading, int64_t at,
    int64_t clock)
{
    const struct class *class = member->layout->class;
    const bool suspect = reading->suspect != SUSPECT_NO || at < member->newest;

    facts->saved.len = 0;
    for (size_t i = 0; i < reading->n_values; i++) {
        const struct field_value *value = &reading->values[i];
        struct known *known = &member->known[value->field];
        const bool text = class->fields[value->field].type == FIELD_TEXT;

        CHECK(value->field < class->n_fields);
        if (bit_get(member->have, value->field) && known->at > at) {
            *VEC_PUSH(&facts->saved) = (struct saved){value->field, *known};
            if (text)
                known->text = NULL;
            known->heard = clock;
        } else {
            known->at = at;
            known->heard = clock;
            bit_put(member->have, value->field, true);
            bit_put(member->suspect, value->field, suspect);
        }
        if (text)
            known_set_text(known, value->text);
        else
            known->number = value->number;
    }
}

static void
restore_values(struct facts *facts, struct member *member)
{
    for (size_t i = facts->saved.len; i > 0; i--) {
        const struct saved *saved = &facts->saved.at[i - 1];
        struct known *known = &member->known[saved->field];

        if (member->layout->class->fields[saved->field].type == FIELD_TEXT)
            free(known->text);
        *known = saved->known;
    }
}

/* The device may be believed to stand elsewhere now. */
static void
place_device(struct facts *facts, struct member *member, const struct reading *reading)
{
    const struct subject *self = &member->self;
    const bool moved = reading->compound.len > 0 && !view_eq(reading->compound, self->compound);
    struct member *part;

    if (!moved && self->listed == reading->listed && self->compound.len > 0)
        return;
    for (size_t i = 0; (part = member_part(member->root, i)) != NULL; i++)
        member_place(facts, part, reading->listed, reading->compound);
}

/* The shortest silence that means something; INT64_MAX: none does. */
static int64_t
shortest_absence(const struct member *member)
{
    int64_t shortest = INT64_MAX;

    for (size_t i = 0; i < member->layout->n_absents; i++) {
        const int64_t us = absence_us(member, member->layout->absents[i]);

        shortest = us < shortest ? us : shortest;
    }
    return shortest;
}

/* A reading sets deadlines no sooner than this, so a timer that is early enough can stay. */
static bool
timer_is_early(const struct member *member, int64_t clock)
{
    const struct layout *layout = member->layout;
    int64_t soonest = INT64_MAX;

    if (member->timer.slot == 0 || layout->n_counts > 0 || layout->ages)
        return false;
    if (member->expiry > 0)
        soonest = clock + member->expiry;
    if (layout->n_absents > 0 && clock + shortest_absence(member) < soonest)
        soonest = clock + shortest_absence(member);
    return member->timer.when.us <= soonest;
}

/* Every part of the device, where the end of a silence may have changed all of them. */
static void
refresh(struct member *member, bool all, const struct moment *moment)
{
    struct member *part;

    if (!all) {
        if (member->root->unmarked)
            member_refresh(member->root, moment);
        member_refresh(member, moment);
        return;
    }
    for (size_t i = 0; (part = member_part(member->root, i)) != NULL; i++)
        member_refresh(part, moment);
}

/* The root has none yet if it was made for a part. */
static void
arm(struct facts *facts, struct member *member, bool all, int64_t clock)
{
    struct member *part;

    if (member->root->timer.slot == 0)
        member_arm(facts, member->root, facts->ticked);
    if (!all && !timer_is_early(member, clock))
        member_arm(facts, member, facts->ticked);
    for (size_t i = 0; all && (part = member_part(member->root, i)) != NULL; i++)
        member_arm(facts, part, facts->ticked);
}

static struct touch
touch_of(const struct member *member, const struct reading *reading, int64_t clock)
{
    struct touch touch = {.silence = clock - member->root->heard};

    for (size_t i = 0; i < reading->n_values; i++)
        bit_put(touch.fields, reading->values[i].field, true);
    touch.ended = touch.silence >= shortest_absence(member);
    return touch;
}

/* Holding back is done on a fresh and sound word only; any newer word to the contrary ends it, and
 * all that it may have held back is judged again. */
static void
note_test(struct facts *facts, struct member *member, const struct reading *reading, bool late,
    struct touch *touch)
{
    const bool was = member->tested != CLOCK_NEVER;

    if (late || reading->test == was || (reading->test && reading->suspect != SUSPECT_NO))
        return;
    member->tested = reading->test ? facts->now.us - facts->moved : CLOCK_NEVER;
    touch->all = was;
}

struct judgements
facts_take(
    struct facts *facts, const struct reading *reading, struct instant at, struct instant now)
{
    const int64_t stored_at = at.us - facts->moved;

    facts->out.len = 0;
    facts_link(facts, facts->up || !facts->started, now);
    const int64_t clock = facts_clock(facts, facts->now);
    struct member *member = member_get(facts, reading->class, reading->code, reading->part, clock);
    struct touch touch = touch_of(member, reading, clock);
    struct moment moment = {.clock = clock,
        .at_clock = clock - (facts->now.us > at.us ? facts->now.us - at.us : 0),
        .late = stored_at < member->newest,
        .since = at,
        .member = member,
        .read_at = stored_at};

    if (facts->first != NULL && facts->first->root == member->root)
        facts->first = NULL; /* what it was due for may come later now */
    note_test(facts, member, reading, moment.late, &touch);
    place_device(facts, member, reading);
    store_values(facts, member, reading, stored_at, clock);
    if (stored_at > member->newest)
        member->newest = stored_at;
    /* what the broker kept does not show that the device is alive */
    if ((reading->suspect & SUSPECT_RETAINED) == 0)
        member->root->heard = clock;
    moment.passing = facts->saved.len > 0;
    member_look_back(member, touch.fields, &moment, reading->suspect != SUSPECT_NO || moment.late);
    refresh(member, touch.ended, &moment);
    member_judge(facts, member, &touch, &moment);
    if (moment.passing) {
        restore_values(facts, member);
        moment.passing = false;
        refresh(member, touch.ended, &moment);
    }
    arm(facts, member, touch.ended, clock);
    return result(facts);
}

int64_t
facts_connected(const struct facts *facts)
{
    return facts_clock(facts, facts->now);
}

int64_t
facts_began(const struct facts *facts, const struct rule *rule, const struct subject *subject,
    struct instant since)
{
    const struct member *member = NULL;

    if (subject != NULL && subject->per == PER_DEVICE && rule_is_silence(rule))
        member = member_find(facts, rule->class, subject->code, subject->part);
    return member != NULL ? member->root->heard
                          : facts_connected(facts) - instant_since(facts->now, since).us;
}

const struct subject *
facts_subject(const struct facts *facts, enum per per, struct view code, struct view part)
{
    const struct device *listed = device_find(facts->opt.devices, code);
    const struct member *member =
        listed == NULL ? NULL : member_find(facts, listed->class, code, part);

    for (size_t i = 0; member == NULL && i < facts->opt.classes->len; i++)
        member = member_find(facts, &facts->opt.classes->at[i], code, part);
    if (member == NULL || per >= PER_RULES)
        return NULL;
    if (per == PER_DEVICE)
        return &member->self;
    return member->groups[per] == NULL ? NULL : &member->groups[per]->self;
}
