/*
 * Proofs about the days to come: rosters in which two are on duty in one place, or one in two, or
 * nobody; alerts that would reach nobody; a year without holidays.
 */
#include "config/coverage.h"
#include "config/load.h"
#include "config/store.h"

#define RANGES_SHOWN 4

static const struct node *
roster_node(const struct loader *loader, const struct unit *unit)
{
    const size_t i = (size_t)(unit - loader->units);

    return loader->roster_nodes[i] != NULL ? loader->roster_nodes[i] : loader->unit_nodes[i];
}

/* The ranges as text, in both languages; they live in scratch. */
static struct words
say_ranges(struct loader *loader, struct ranges ranges)
{
    const struct zone *zone = &loader->config->grid.calendar.zone;
    struct words words;
    struct buf buf;

    buf_init(&buf, 1000);
    ranges_print(zone, ranges, RANGES_SHOWN, LANG_EN, &buf);
    words.en = arena_text(loader->schema.scratch, buf_view(&buf));
    buf_reset(&buf);
    ranges_print(zone, ranges, RANGES_SHOWN, LANG_ZH, &buf);
    words.zh = arena_text(loader->schema.scratch, buf_view(&buf));
    buf_fini(&buf);
    return words;
}

static void
prove_one_place(struct loader *loader, const struct unit *unit, struct range days)
{
    const struct grid *grid = &loader->config->grid;
    struct duty two = {0};
    struct instant at = {0};
    const struct ranges holes = coverage_holes(grid, unit, days, loader->schema.scratch, &two, &at);

    if (two.also != NULL) {
        const struct words when =
            say_ranges(loader, (struct ranges){&(struct range){at, two.until}, 1});

        report(loader->schema.reporter, roster_node(loader, unit), "roster-overlap",
            "both '%s' and '%s' are on duty in '%s': %s%.0s",
            "'%s' 与 '%s' 同时在 '%s' 值班: %.0s%s", two.officer->id, two.also->id, unit->id,
            when.en, when.zh);
        report_hint(loader->schema.reporter,
            "let one shift end where the next begins, or write an override",
            "请让前一班在后一班开始时结束, 或写成替班 (overrides)");
        report_is_proof(loader->schema.reporter);
    }
    if (holes.len == 0)
        return;
    const struct words when = say_ranges(loader, holes);

    report(loader->schema.reporter, roster_node(loader, unit), "roster-hole",
        "nobody is on duty in '%s': %s%.0s", "'%s' 无人值班: %.0s%s", unit->id, when.en, when.zh);
    if (unit->parent != NULL)
        report_hint(loader->schema.reporter, "'%s' is told instead then", "届时改为通知 '%s'",
            unit->parent->id);
    report_is_warning(loader->schema.reporter);
}

/* In how many units a person may be the officer, from what the roster says. */
static bool
may_be_officer(const struct unit *unit, const struct person *person)
{
    for (size_t i = 0; i < unit->n_shifts; i++) {
        if (unit->shifts[i].officer == person)
            return true;
    }
    for (size_t i = 0; i < unit->n_covers; i++) {
        if (unit->covers[i].officer == person)
            return true;
    }
    for (size_t i = 0; i < unit->n_swaps; i++) {
        if (unit->swaps[i].between[0] == person || unit->swaps[i].between[1] == person)
            return true;
    }
    return false;
}

struct places { /* of one person */
    const struct unit **at;
    size_t len;
};

static bool
prove_at(struct loader *loader, const struct person *person, const struct places *places,
    struct instant at, struct instant *until)
{
    const struct unit *one = NULL;

    for (size_t i = 0; i < places->len; i++) {
        struct duty duty;

        (void)unit_on_duty(&loader->config->grid, places->at[i], at, &duty);
        *until = instant_min(*until, duty.until);
        if (duty.officer != person)
            continue;
        if (one == NULL) {
            one = places->at[i];
            continue;
        }
        const struct words when =
            say_ranges(loader, (struct ranges){&(struct range){at, *until}, 1});

        report(loader->schema.reporter, roster_node(loader, places->at[i]), "two-places",
            "'%s' is on duty in '%s' and in '%s' at once: %s%.0s",
            "'%s' 同时在 '%s' 和 '%s' 值班: %.0s%s", person->id, one->id, places->at[i]->id,
            when.en, when.zh);
        report_hint(loader->schema.reporter,
            "give one of them another officer; a deputy may stand behind in several places",
            "请为其中一处另派值班员; 副班可以兼任多处");
        report_is_proof(loader->schema.reporter);
        return false;
    }
    return true;
}

/* Which persons are officers of several units: a list for each person, by index. */
static void
prove_persons(struct loader *loader, struct range days)
{
    const struct grid *grid = &loader->config->grid;
    size_t *count = ARENA_ARRAY(loader->schema.scratch, grid->n_persons, size_t);
    const struct unit **units =
        ARENA_ARRAY(loader->schema.scratch, grid->n_units, const struct unit *);

    for (size_t i = 0; i < grid->n_units; i++) {
        const struct unit *unit = &grid->units[i];

        for (size_t j = 0; j < unit->n_shifts; j++)
            count[unit->shifts[j].officer - grid->persons]++;
        for (size_t j = 0; j < unit->n_covers; j++)
            count[unit->covers[j].officer - grid->persons]++;
        for (size_t j = 0; j < unit->n_swaps; j++) {
            count[unit->swaps[j].between[0] - grid->persons]++;
            count[unit->swaps[j].between[1] - grid->persons]++;
        }
    }
    for (size_t p = 0; p < grid->n_persons; p++) {
        struct places places = {units, 0};
        const struct person *person = &grid->persons[p];

        for (size_t i = 0; count[p] > 1 && i < grid->n_units; i++) {
            if (may_be_officer(&grid->units[i], person))
                places.at[places.len++] = &grid->units[i];
        }
        if (places.len < 2)
            continue;
        for (struct instant at = days.from; instant_cmp(at, days.to) < 0;) {
            struct instant until = days.to;

            if (!prove_at(loader, person, &places, at, &until))
                break;
            at = until;
        }
    }
}

/* Has the version that runs the same hole? Then refusing this one would help nobody. */
static bool
runs_already(const struct coverage *running, const struct dead_unit *dead)
{
    for (size_t i = 0; i < running->len; i++) {
        if (strcmp(running->at[i].unit->id, dead->unit->id) == 0)
            return ranges_within(dead->ranges, running->at[i].ranges);
    }
    return false;
}

static void
report_dead(struct loader *loader, const struct dead_unit *dead, bool refused, bool running)
{
    const struct words when = say_ranges(loader, dead->ranges);

    report(loader->schema.reporter, roster_node(loader, dead->unit), "coverage-hole",
        "a red or orange alert reaches nobody at %s '%s' or above: %s%.0s",
        "红色或橙色告警在 %s '%s' 及其上级通知不到任何人: %.0s%s", tier_names[dead->unit->tier],
        dead->unit->id, when.en, when.zh);
    if (running) {
        report_hint(loader->schema.reporter, "the version in force has the same hole",
            "现行版本有同样的空缺");
    } else {
        report_hint(loader->schema.reporter,
            "give '%s' or a unit above it a shift then, in rosters.yaml",
            "请在 rosters.yaml 中为 '%s' 或其上级补上班次", dead->unit->id);
    }
    if (refused)
        report_is_proof(loader->schema.reporter);
    else
        report_is_warning(loader->schema.reporter);
}

static void
prove_reach(struct loader *loader, struct range days)
{
    struct arena *scratch = loader->schema.scratch;
    const struct range near = {days.from, instant_add(days.from, COVERAGE_REFUSED)};
    const struct range far = {near.to, days.to};
    const struct coverage coverage = coverage_of(loader->config, days.from, days.to, scratch);
    struct coverage before = {0};
    struct config *running = NULL;
    struct err err;

    if (coverage.len > 0 &&
        config_load_version(loader->fs, loader->config->state_dir, 0, &running, &err))
        before = coverage_of(running, near.from, near.to, scratch);
    for (size_t i = 0; i < coverage.len; i++) {
        struct dead_unit dead = coverage.at[i];

        dead.ranges = ranges_cut(coverage.at[i].ranges, (struct ranges){&near, 1}, scratch);
        const bool same = runs_already(&before, &dead);

        if (dead.ranges.len > 0)
            report_dead(loader, &dead, !same, same);
        dead.ranges = ranges_cut(coverage.at[i].ranges, (struct ranges){&far, 1}, scratch);
        if (dead.ranges.len > 0)
            report_dead(loader, &dead, false, false);
    }
    config_unref(running);
}

static void
prove_calendar(struct loader *loader)
{
    int year = 0;

    if (!calendar_missing(&loader->config->grid.calendar, loader->now, &year))
        return;
    report(loader->schema.reporter, loader->years, "calendar-missing",
        "holds no announced holidays of %d, what is missing counts as ordinary weekdays",
        "没有已公布的 %d 年放假安排, 缺少的日子按普通工作日计算", year);
    report_hint(loader->schema.reporter, "add the table that the State Council has announced",
        "请加入国务院公布的放假安排");
    report_is_warning(loader->schema.reporter);
}

void
prove_days(struct loader *loader)
{
    static const char *const needed[] = {
        "calendar.yaml", "grid.yaml", "policies.yaml", "rosters.yaml", "site.yaml"};
    const struct range days = {loader->now, instant_add(loader->now, COVERAGE_WARNED)};

    if (loader->now.us == 0)
        return;
    /* a proof about what is wrong anyway would only repeat it */
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        if (report_spoiled(loader->schema.reporter, needed[i]))
            return;
    }
    for (size_t i = 0; i < loader->config->grid.n_units; i++) {
        if (loader->roster_nodes[i] != NULL)
            prove_one_place(loader, &loader->config->grid.units[i], days);
    }
    prove_persons(loader, days);
    prove_reach(loader, days);
    prove_calendar(loader);
}
