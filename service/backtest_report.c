#include "service/backtest_report.h"

#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX 40 /* alerts in the text; JSON and page have all */
#define BAR_CELLS 24

const struct words backtest_assumptions = {"假设：每条通知立即送达；无人确认，逐级上报全部执行；告"
                                           "警开启一小时后且原因消失即处置结案；通道始终在线",
    "assumed: each notice arrives at once; nobody acknowledges, so every step is taken; a case is "
    "settled an hour after it opened, once its cause is gone; the lanes are always connected"};

static const struct {
    const char *name;
    struct words title;
    bool calls;
} kinds[] = {
    {"colour", {"按颜色 (告警)", "alerts by colour"}, false},
    {"rule", {"按规则 (告警)", "alerts by rule"}, false},
    {"compound", {"按小区 (告警)", "alerts by compound"}, false},
    {"hour", {"按时刻 (告警)", "alerts by hour of day"}, false},
    {"tier", {"按层级 (通知)", "calls by tier"}, true},
    {"shift", {"按单元与班次 (通知)", "calls by unit and shift"}, true},
};
_Static_assert(ARRAY_LEN(kinds) == BY_COUNT, "one for each");

/* --- tables -------------------------------------------------------------------------------- */

static struct civil
civil_of(const struct backtest *backtest, struct instant at)
{
    return zone_civil(&backtest->config->grid.calendar.zone, at);
}

const char *
backtest_local(const struct backtest *backtest, struct instant at, char *out)
{
    const struct civil c = civil_of(backtest, at);

    (void)snprintf(out, INSTANT_TEXT_BYTES, "%04d-%02d-%02d %02d:%02d:%02d", c.year, c.month, c.day,
        c.hour, c.minute, c.second);
    return out;
}

struct tally { /* rows under way, by label */
    struct backtest_report *report;
    struct map rows;
};

static struct backtest_row *
row_of(struct tally *tally, const char *label)
{
    struct backtest_row *row = map_get(&tally->rows, view_of(label));

    if (row == NULL) {
        row = ARENA_NEW(&tally->report->arena, struct backtest_row);
        row->label = arena_text(&tally->report->arena, view_of(label));
        row->title = (struct words){row->label, row->label};
        (void)map_put(&tally->rows, view_of(row->label), row);
    }
    return row;
}

static const char *
alert_label(const struct backtest *backtest, const struct backtest_alert *alert,
    enum backtest_by by, char room[8])
{
    if (by == BY_COLOUR)
        return severity_names[alert->severity];
    if (by == BY_RULE)
        return alert->rule;
    if (by == BY_COMPOUND)
        return alert->compound;
    (void)snprintf(room, 8, "%02d", civil_of(backtest, alert->opened).hour);
    return room;
}

static void
count_alerts(struct tally *tally, enum backtest_by by)
{
    const struct backtest_report *report = tally->report;
    char room[8];

    for (size_t i = 0; i < report->diff.pairs.len; i++) {
        const struct backtest_pair *pair = &report->diff.pairs.at[i];
        const struct backtest_alert *shown = pair->after != NULL ? pair->after : pair->before;

        row_of(tally, alert_label(report->after, shown, by, room))->counts[pair->change]++;
        if (pair->before != NULL)
            row_of(tally, alert_label(report->before, pair->before, by, room))->before++;
        if (pair->after != NULL)
            row_of(tally, alert_label(report->after, pair->after, by, room))->after++;
    }
}

static void
count_calls(struct tally *tally, const struct backtest *backtest, enum backtest_by by, bool after)
{
    for (size_t i = 0; i < backtest->calls.len; i++) {
        const struct backtest_call *call = &backtest->calls.at[i];
        char label[128];

        if (by == BY_TIER) {
            (void)snprintf(
                label, sizeof(label), "%s", call->tier < 0 ? "-" : tier_names[call->tier]);
        } else {
            const int third = civil_of(backtest, call->at).hour / 8;

            (void)snprintf(
                label, sizeof(label), "%s %02d-%02d", call->unit, third * 8, third * 8 + 8);
        }
        struct backtest_row *row = row_of(tally, label);

        row->before += !after;
        row->after += after;
    }
}

/* What people read instead of the label, where there is something. */
static void
name_row(const struct backtest_report *report, enum backtest_by by, struct backtest_row *row)
{
    const struct config *configs[] = {report->after->config, report->before->config};

    for (size_t i = 0; i < ARRAY_LEN(configs) && row->title.en == row->label; i++) {
        const struct ruleset *rules = &configs[i]->rules;
        const struct compound *compound =
            by == BY_COMPOUND ? compound_find(&configs[i]->grid, view_of(row->label)) : NULL;

        if (compound != NULL)
            row->title = compound->name;
        for (size_t k = 0; by == BY_RULE && k < rules->len; k++) {
            if (strcmp(rules->at[k].id, row->label) == 0)
                row->title = rules->at[k].title;
        }
    }
    for (size_t i = 0; by == BY_COLOUR && i < SEVERITY_COUNT; i++) {
        if (strcmp(severity_names[i], row->label) == 0)
            row->title = severity_titles[i];
    }
    for (size_t i = 0; by == BY_TIER && i < TIER_COUNT; i++) {
        if (strcmp(tier_names[i], row->label) == 0)
            row->title = tier_titles[i];
    }
}

/* All hours, colours and tiers in their own order, the rest by label. */
static void
make_table(struct backtest_report *report, enum backtest_by by)
{
    struct backtest_table *table = &report->tables[by];
    struct tally tally = {.report = report};

    map_init(&tally.rows);
    for (int hour = 0; by == BY_HOUR && hour < 24; hour++) {
        char label[8];

        (void)snprintf(label, sizeof(label), "%02d", hour);
        (void)row_of(&tally, label);
    }
    if (kinds[by].calls) {
        count_calls(&tally, report->before, by, false);
        count_calls(&tally, report->after, by, true);
    } else {
        count_alerts(&tally, by);
    }
    const struct map_entry *entries = map_sorted(&tally.rows, &report->arena);

    *table = (struct backtest_table){kinds[by].name, kinds[by].title, kinds[by].calls,
        ARENA_ARRAY(&report->arena, tally.rows.len, struct backtest_row), tally.rows.len};
    for (size_t i = 0; i < table->n_rows; i++) {
        table->rows[i] = *(const struct backtest_row *)entries[i].value;
        name_row(report, by, &table->rows[i]);
    }
    map_fini(&tally.rows);
}

void
backtest_report_init(
    struct backtest_report *report, const struct backtest *before, const struct backtest *after)
{
    *report = (struct backtest_report){.before = before, .after = after};
    arena_init(&report->arena);
    backtest_compare(before, after, &report->diff);
    for (int by = 0; by < BY_COUNT; by++)
        make_table(report, by);
}

void
backtest_report_fini(struct backtest_report *report)
{
    backtest_diff_fini(&report->diff);
    arena_fini(&report->arena);
}

/* --- text ---------------------------------------------------------------------------------- */

static void
put_bar(struct buf *out, size_t value, size_t most)
{
    const size_t cells = most == 0 ? 0 : (value * BAR_CELLS + most - 1) / most;

    for (size_t i = 0; i < cells; i++)
        buf_text(out, "▇");
}

static size_t
most_of(const struct backtest_table *table)
{
    size_t most = 0;

    for (size_t i = 0; i < table->n_rows; i++) {
        most = table->rows[i].before > most ? table->rows[i].before : most;
        most = table->rows[i].after > most ? table->rows[i].after : most;
    }
    return most;
}

static void
text_table(const struct backtest_table *table, enum lang lang, struct buf *out)
{
    const size_t most = most_of(table);

    buf_printf(out, "\n%s\n", words_in(&table->title, lang));
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct backtest_row *row = &table->rows[i];

        if (row->before == 0 && row->after == 0)
            continue;
        buf_printf(out, "  %-28s %6zu %6zu  ", row->label, row->before, row->after);
        if (row->after != row->before) {
            const bool more = row->after > row->before;

            buf_printf(out, "%c%-5zu ", more ? '+' : '-',
                more ? row->after - row->before : row->before - row->after);
        } else {
            buf_text(out, "       ");
        }
        put_bar(out, row->after, most);
        buf_char(out, '\n');
    }
}

static void
text_pair(const struct backtest_report *report, const struct backtest_pair *pair, enum lang lang,
    struct buf *out)
{
    const struct backtest_alert *alert = pair->after != NULL ? pair->after : pair->before;
    char time[INSTANT_TEXT_BYTES];
    char span[SPAN_TEXT_BYTES];

    buf_printf(out, "  %s  %s  %s %s  %s", backtest_local(report->after, alert->opened, time),
        severity_names[alert->severity], alert->rule, alert->subject,
        words_in(&backtest_change_words[pair->change], lang));
    if (pair->before != NULL && pair->after != NULL) {
        const int64_t us = instant_since(pair->after->opened, pair->before->opened).us;

        buf_printf(out, " %s", span_text(SPAN_US(us < 0 ? -us : us), span));
    }
    buf_char(out, '\n');
}

static void
text_pairs(const struct backtest_report *report, enum lang lang, struct buf *out)
{
    const size_t changed = report->diff.pairs.len - report->diff.counts[BACKTEST_SAME];
    size_t listed = 0;

    if (changed == 0)
        return;
    buf_printf(out, "\n%s\n", lang == LANG_ZH ? "有变化的告警" : "alerts that change");
    for (size_t i = 0; i < report->diff.pairs.len && listed < LIST_MAX; i++) {
        if (report->diff.pairs.at[i].change == BACKTEST_SAME)
            continue;
        text_pair(report, &report->diff.pairs.at[i], lang, out);
        listed++;
    }
    if (listed < changed) {
        buf_printf(out,
            lang == LANG_ZH ? "  ... 另有 %zu 条，见 --json 或 --html\n"
                            : "  ... and %zu more, see --json or --html\n",
            changed - listed);
    }
}

void
backtest_text(const struct backtest_report *report, enum lang lang, struct buf *out)
{
    const bool zh = lang == LANG_ZH;
    const size_t *counts = report->diff.counts;
    char from[INSTANT_TEXT_BYTES];
    char to[INSTANT_TEXT_BYTES];

    buf_printf(out, "%s .. %s, %" PRIu64 "%s\n", backtest_local(report->after, report->from, from),
        backtest_local(report->after, report->to, to), report->after->readings,
        zh ? " 条读数" : " readings");
    buf_printf(out, "%s: %s\n%s: %s\n%s\n\n", zh ? "之前" : "before", report->before_name,
        zh ? "之后" : "after", report->after_name, words_in(&backtest_assumptions, lang));
    buf_printf(out, "  %-28s %6s %6s\n", "", zh ? "之前" : "before", zh ? "之后" : "after");
    buf_printf(out, "  %-28s %6zu %6zu  +%zu -%zu", zh ? "告警" : "alerts",
        report->before->alerts.len, report->after->alerts.len, counts[BACKTEST_ADDED],
        counts[BACKTEST_GONE]);
    buf_printf(out, zh ? ", %zu 提前, %zu 推后\n" : ", %zu earlier, %zu later\n",
        counts[BACKTEST_EARLIER], counts[BACKTEST_LATER]);
    buf_printf(out, "  %-28s %6zu %6zu\n", zh ? "通知" : "calls", report->before->calls.len,
        report->after->calls.len);
    for (int by = 0; by < BY_COUNT; by++)
        text_table(&report->tables[by], lang, out);
    text_pairs(report, lang, out);
}

/* --- JSON ---------------------------------------------------------------------------------- */

static void
json_side(
    struct json_writer *json, const char *key, const char *name, const struct backtest *backtest)
{
    json_object(json, key);
    json_int(json, "alerts", (int64_t)backtest->alerts.len);
    json_int(json, "calls", (int64_t)backtest->calls.len);
    json_text(json, "config", name);
    json_int(json, "readings", (int64_t)backtest->readings);
    json_int(json, "rejects", (int64_t)backtest->rejects);
    json_close(json);
}

static void
json_counts(struct json_writer *json, const size_t *counts)
{
    for (int change = 0; change < BACKTEST_CHANGES; change++)
        json_int(json, backtest_change_words[change].en, (int64_t)counts[change]);
}

static void
json_table(struct json_writer *json, const struct backtest_table *table)
{
    json_array(json, table->name);
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct backtest_row *row = &table->rows[i];

        json_object(json, NULL);
        json_int(json, "after", (int64_t)row->after);
        json_int(json, "before", (int64_t)row->before);
        json_text(json, "name", row->label);
        if (!table->calls)
            json_counts(json, row->counts);
        json_close(json);
    }
    json_close(json);
}

static void
json_opened(struct json_writer *json, const char *key, const struct backtest_alert *alert)
{
    if (alert == NULL)
        json_null(json, key);
    else
        json_instant(json, key, alert->opened);
}

static void
json_pair(struct json_writer *json, const struct backtest_pair *pair)
{
    const struct backtest_alert *alert = pair->after != NULL ? pair->after : pair->before;

    json_object(json, NULL);
    json_opened(json, "after", pair->after);
    json_opened(json, "before", pair->before);
    json_text(json, "change", backtest_change_words[pair->change].en);
    json_text(json, "compound", alert->compound);
    json_text(json, "lane", alert->lane);
    json_text(json, "rule", alert->rule);
    json_text(json, "severity", severity_names[alert->severity]);
    json_text(json, "subject", alert->subject);
    if (alert->tier < 0)
        json_null(json, "tier");
    else
        json_text(json, "tier", tier_names[alert->tier]);
    json_close(json);
}

void
backtest_json(const struct backtest_report *report, struct buf *out)
{
    struct json_writer json;

    json_begin(&json, out);
    json_object(&json, NULL);
    json_side(&json, "after", report->after_name, report->after);
    json_side(&json, "before", report->before_name, report->before);
    json_text(&json, "assumptions", backtest_assumptions.en);
    json_object(&json, "changes");
    json_counts(&json, report->diff.counts);
    json_close(&json);
    json_instant(&json, "from", report->from);
    json_instant(&json, "to", report->to);
    json_object(&json, "by");
    for (int by = 0; by < BY_COUNT; by++)
        json_table(&json, &report->tables[by]);
    json_close(&json);
    json_array(&json, "alerts");
    for (size_t i = 0; i < report->diff.pairs.len; i++)
        json_pair(&json, &report->diff.pairs.at[i]);
    json_close(&json);
    json_close(&json);
    json_end(&json);
    buf_char(out, '\n');
}
