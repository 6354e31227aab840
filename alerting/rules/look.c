/* What expressions ask, answered for one member; and the windows that some of them look into. */
#include "alerting/rules/state.h"

static bool
ask_value(const struct world *world, uint16_t field, double *number, struct view *text)
{
    const struct look *look = (const struct look *)world;
    const struct member *member = look->member;
    const struct known *known = &member->known[field];

    if (!bit_get(member->have, field))
        return false;
    if (member->expiry > 0 && look->clock >= known->heard + member->expiry &&
        !bit_get(member->layout->sticky, field))
        return false;
    if (member->layout->class->fields[field].type == FIELD_TEXT)
        *text = (struct view){known->text->bytes, known->text->len};
    else
        *number = known->number;
    return true;
}

static bool
ask_absent(const struct world *world, struct span span)
{
    const struct look *look = (const struct look *)world;

    return look->clock >= look->member->root->heard + absence_us(look->member, span);
}

static struct tally_range
ask_count(const struct world *world, const struct expr *count)
{
    const struct look *look = (const struct look *)world;
    const struct group *group = look->member->groups[count->per];

    for (size_t i = 0; group != NULL && i < look->uses->n_counts; i++) {
        if (look->uses->counts[i].node == count) {
            const struct counted *counted = &group->counts[look->uses->counts[i].slot];

            return (struct tally_range){counted->in, (double)counted->in + counted->unknown};
        }
    }
    return (struct tally_range){0, 0};
}

/* How much of the window is seen: all of it, but of a late reading's moment. */
static struct window_view
view_of_window(const struct look *look, const struct window_slot *slot)
{
    const struct member *member = look->member;
    uint64_t fades[FIELD_WORDS];

    for (size_t i = 0; i < FIELD_WORDS; i++)
        fades[i] = slot->fields[i] & ~member->layout->sticky[i];
    return (struct window_view){.end = slot->node->kind == EXPR_TIMES ? look->clock : look->shown,
        .reach = bits_meet(fades, fades) ? member->expiry : 0};
}

static bool
ask_window(const struct world *world, const struct expr *node, struct tally_range *out)
{
    const struct look *look = (const struct look *)world;
    double now;

    for (size_t i = 0; i < look->uses->n_windows; i++) {
        const struct use *use = &look->uses->windows[i];
        const struct window_slot *slot = &look->member->layout->windows[use->slot];
        const struct window_view view = view_of_window(look, slot);

        if (use->node != node)
            continue;
        /* what is no longer known of it now is not known of its past either */
        if (node->kind != EXPR_TIMES && !expr_point(node->left, world, &now))
            return false;
        return window_ask(&look->member->windows[use->slot], node, &view, out);
    }
    CHECK(false);
    return false;
}

struct look
look_at(const struct member *member, const struct uses *uses, const struct moment *moment)
{
    return (struct look){.world = {ask_value, ask_absent, ask_count, ask_window},
        .member = member,
        .uses = uses,
        .clock = moment->clock,
        .shown = moment->passing && moment->member == member ? moment->read_at : INT64_MAX};
}

bool
look_is_suspect(const struct look *look)
{
    for (size_t i = 0; i < look->uses->n_windows; i++) {
        const uint16_t slot = look->uses->windows[i].slot;
        const struct window_slot *of = &look->member->layout->windows[slot];
        const struct window_view view = view_of_window(look, of);

        if (window_is_suspect(&look->member->windows[slot], of->node, &view))
            return true;
    }
    return false;
}

void
member_look_back(
    struct member *member, const uint64_t *fields, const struct moment *moment, bool suspect)
{
    static const struct uses none = {0};
    const struct layout *layout = member->layout;
    const struct look look = look_at(member, &none, moment);

    for (size_t i = 0; i < layout->n_windows; i++) {
        const struct window_slot *slot = &layout->windows[i];
        const bool times = slot->node->kind == EXPR_TIMES;
        struct point point = {.at = times ? moment->at_clock : moment->read_at, .suspect = suspect};

        if (!bits_meet(slot->fields, fields) ||
            !expr_point(slot->node->left, &look.world, &point.value))
            continue;
        if (!times || point.value != 0)
            window_put(&member->windows[i], slot->node, &point);
    }
}
