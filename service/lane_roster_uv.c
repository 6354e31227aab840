/*
 * The rosters of the days to come, proven again each night on the configuration in force, after a
 * start and after each new version: what was fine when it was applied runs out. One lane does it,
 * the first by name; the walk is on the pool.
 */
#include "base/log.h"
#include "config/coverage.h"
#include "service/lane.h"

#include <stdio.h>

#define NIGHT SPAN_H(3) /* local */
#define RANGES_TOLD 4

static bool
is_ours(const struct lane *lane)
{
    for (size_t i = 0; i < lane->config->n_lanes; i++) {
        if (strcmp(lane->config->lanes[i].name, lane->name) < 0)
            return false;
    }
    return true;
}

static void
prove(uv_work_t *work)
{
    struct lane_roster *roster = work->data;

    roster->coverage = coverage_of(
        roster->config, roster->from, instant_add(roster->from, COVERAGE_REFUSED), &roster->arena);
}

static const struct dead_unit *
dead_find(const struct coverage *coverage, const struct unit *unit)
{
    for (size_t i = 0; i < coverage->len; i++) {
        if (coverage->at[i].unit == unit)
            return &coverage->at[i];
    }
    return NULL;
}

static void
tell(struct lane *lane, const struct lane_roster *roster)
{
    const struct grid *grid = &roster->config->grid;
    char year_text[160];
    int year = 0;

    for (size_t i = 0; i < grid->n_units; i++) {
        const struct unit *unit = &grid->units[i];
        const struct dead_unit *dead = dead_find(&roster->coverage, unit);
        struct buf text;

        if (dead == NULL && !engine_fact_on(lane->engine, "roster-hole", view_of(unit->id)))
            continue;
        buf_init(&text, 400);
        buf_printf(&text, "nobody can be reached at '%s' or above: ", unit->id);
        if (dead != NULL)
            ranges_print(&grid->calendar.zone, dead->ranges, RANGES_TOLD, LANG_EN, &text);
        buf_char(&text, '\0');
        lane_fact(lane, "roster-hole", unit->id, dead != NULL, text.ptr);
        buf_fini(&text);
    }
    const bool missing = calendar_missing(&grid->calendar, roster->from, &year);

    (void)snprintf(year_text, sizeof(year_text),
        "calendar.yaml holds no announced holidays of %d: what is missing counts as weekdays",
        year);
    lane_fact(lane, "calendar-missing", lane->name, missing, year_text);
    log_info("roster.proven", "holes=%zu", roster->coverage.len);
}

static void
after_prove(uv_work_t *work, int status)
{
    struct lane_roster *roster = work->data;
    struct lane *lane = roster->lane;

    (void)status;
    roster->busy = false;
    /* a newer version is proven by itself */
    if (!lane->closing && roster->config == lane->config)
        tell(lane, roster);
    config_unref(roster->config);
    arena_fini(&roster->arena);
}

void
roster_second(struct lane *lane, struct instant now)
{
    struct lane_roster *roster = &lane->roster;
    const struct zone *zone = &lane->config->grid.calendar.zone;
    const int64_t night = zone_day(zone, instant_add(now, SPAN_US(-NIGHT.us)));

    if (roster->busy || !lane->ready || !is_ours(lane) ||
        (roster->night == night && roster->version == lane->config->version))
        return;
    roster->busy = true;
    roster->night = night;
    roster->version = lane->config->version;
    roster->lane = lane;
    roster->from = now;
    roster->config = config_ref(lane->config);
    roster->work.data = roster;
    arena_init(&roster->arena);
    CHECK(uv_queue_work(lane->loop, &roster->work, prove, after_prove) == 0);
}
