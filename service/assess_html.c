/*
 * The printable page of an assessment: one file, no script, nothing loaded from elsewhere. Each
 * figure opens to the cases behind it; a printed page shows the figures alone. Names are text,
 * never markup.
 */
#include "service/assess_print.h"

#include <stdio.h>
#include <string.h>

static const char style[] =
    "body{font:15px/1.5 system-ui,'Noto Sans SC','Noto Sans CJK SC',sans-serif;max-width:64rem;"
    "margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}"
    "h1{font-size:1.6rem;margin-bottom:0}h2{font-size:1.15rem;margin-top:2rem}"
    "table{border-collapse:collapse;width:100%}td,th{padding:.25rem .5rem;text-align:left;"
    "border-bottom:1px solid #d8dee4;vertical-align:top}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    "small,.note{color:#57606a}.note{margin-top:0}details{max-width:36rem}"
    "details p{font:12px/1.4 ui-monospace,monospace;margin:.2rem 0;overflow-wrap:anywhere}"
    "summary{cursor:pointer}.tiles{display:flex;flex-wrap:wrap;gap:.75rem;margin:1rem 0}"
    ".tile{flex:1 1 9rem;border:1px solid #d8dee4;border-radius:6px;padding:.5rem .75rem}"
    ".tile b{display:block;font-size:1.6rem;line-height:1.2}"
    ".self{fill:#1a7f37}.micro{fill:#4ac26b}.small{fill:#d4a72c}.big{fill:#cf222e}"
    ".bar{fill:#0969da}.back{fill:#eaeef2}svg text{font-size:12px;fill:currentColor}"
    ".red{color:#b42318}.orange{color:#b54708}.yellow{color:#7a5d00}.blue{color:#0550ae}"
    "@media print{body{margin:0;max-width:none;font-size:11px}details p,.cases{display:none}"
    "h2,tr{break-inside:avoid}h2{break-after:avoid}}";

static const char *const loop_classes[TIER_COUNT] = {"self", "micro", "small", "big"};

static void
put(struct buf *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        switch (*c) {
        case '&':
            buf_text(out, "&amp;");
            break;
        case '<':
            buf_text(out, "&lt;");
            break;
        case '>':
            buf_text(out, "&gt;");
            break;
        case '"':
            buf_text(out, "&quot;");
            break;
        default:
            buf_char(out, *c);
        }
    }
}

static const char *
say(const struct assess_report *report, const char *zh, const char *en)
{
    return report->lang == LANG_ZH ? zh : en;
}

static const char *
local(const struct assess_report *report, struct instant at, char out[INSTANT_TEXT_BYTES])
{
    const struct civil c = zone_civil(&report->grid->calendar.zone, at);

    (void)snprintf(out, INSTANT_TEXT_BYTES, "%04d-%02d-%02d %02d:%02d", c.year % 10000, c.month,
        c.day, c.hour, c.minute);
    return out;
}

static const struct figure *
figure_of(const struct scope *scope, const char *id)
{
    size_t i = 0;

    while (i + 1 < n_indicators && strcmp(scope->figures[i].indicator->id, id) != 0)
        i++;
    return &scope->figures[i];
}

static void
put_tile(const struct assess_report *report, const struct figure *figure, struct buf *out)
{
    char value[64];

    buf_printf(
        out, "<div class=\"tile\"><b>%s</b>", figure->of == 0 ? "–" : assess_value(figure, value));
    put(out, words_in(&figure->indicator->title, report->lang));
    buf_text(out, "</div>\n");
}

static void
put_tiles(const struct assess_report *report, struct buf *out)
{
    static const char *const shown[] = {"settled-in-time", "low-loops", "false-alarm", "reworked",
        "triage-time", "settlement-time"};
    const struct scope *all = &report->it->scopes[0];

    buf_printf(out, "<div class=\"tiles\"><div class=\"tile\"><b>%zu</b>%s</div>\n", all->n_cases,
        say(report, "立案", "cases filed"));
    if (all->score >= 0)
        buf_printf(out, "<div class=\"tile\"><b>%.1f</b>%s</div>\n", all->score,
            say(report, "综合得分", "score of 100"));
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
        put_tile(report, figure_of(all, shown[i]), out);
    buf_text(out, "</div>\n");
}

/* One bar of four parts, with its words below. */
static void
put_loops(const struct assess_report *report, const struct scope *scope, struct buf *out)
{
    size_t sum = 0;
    size_t x = 0;

    for (int tier = 0; tier < TIER_COUNT; tier++)
        sum += scope->loops[tier];
    buf_printf(
        out, "<h2>%s</h2>\n", say(report, "在哪一级循环解决", "In which loop it was settled"));
    buf_printf(out,
        "<svg width=\"100%%\" viewBox=\"0 0 900 46\" role=\"img\" aria-label=\"%s\">"
        "<rect class=\"back\" width=\"900\" height=\"22\"/>",
        say(report, "各级循环解决数", "settled by loop"));
    for (int tier = 0; tier < TIER_COUNT && sum > 0; tier++) {
        const size_t width = scope->loops[tier] * 900 / sum;

        buf_printf(out, "<rect class=\"%s\" x=\"%zu\" width=\"%zu\" height=\"22\"/>",
            loop_classes[tier], x, width);
        x += width;
    }
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        buf_printf(out,
            "<rect class=\"%s\" x=\"%d\" y=\"32\" width=\"12\" height=\"12\"/>"
            "<text x=\"%d\" y=\"43\">%s %zu",
            loop_classes[tier], tier * 225, tier * 225 + 18,
            words_in(&tier_loops[tier], report->lang), scope->loops[tier]);
        if (sum > 0)
            buf_printf(out, " (%zu%%)", (scope->loops[tier] * 100 + sum / 2) / sum);
        buf_text(out, "</text>");
    }
    buf_text(out, "</svg>\n");
}

/* Cases by local day of opening. */
static void
put_days(const struct assess_report *report, struct buf *out)
{
    const struct assessment *it = report->it;
    const struct zone *zone = &report->grid->calendar.zone;
    const int64_t first = zone_day(zone, it->from);
    size_t days[31] = {0};
    size_t most = 1;
    const int64_t n = zone_day(zone, it->to) - first;

    for (size_t i = 0; i < it->n_counted; i++) {
        const int64_t day = zone_day(zone, it->counted[i]->opened) - first;

        if (day >= 0 && day < 31 && ++days[day] > most)
            most = days[day];
    }
    buf_printf(out, "<h2>%s</h2>\n<svg width=\"100%%\" viewBox=\"0 0 900 130\" role=\"img\">",
        say(report, "每日立案", "Filed by day"));
    for (int64_t day = 0; day < n && day < 31; day++) {
        const int x = (int)day * 29;
        const size_t height = days[day] * 95 / most;

        buf_printf(out,
            "<rect class=\"bar\" x=\"%d\" y=\"%zu\" width=\"22\" height=\"%zu\"/>"
            "<text x=\"%d\" y=\"127\" text-anchor=\"middle\">%d</text>",
            x, 110 - height, height, x + 11, (int)day + 1);
        if (days[day] > 0)
            buf_printf(out, "<text x=\"%d\" y=\"%zu\" text-anchor=\"middle\">%zu</text>", x + 11,
                106 - height, days[day]);
    }
    buf_text(out, "</svg>\n");
}

static void
put_ids(struct buf *out, const struct figure *figure, size_t from, size_t to)
{
    buf_text(out, "<p>");
    for (size_t i = from; i < to; i++) {
        buf_text(out, i > from ? " <a href=\"#" : "<a href=\"#");
        put(out, figure->cases[i]->id);
        buf_text(out, "\">");
        put(out, figure->cases[i]->id);
        buf_text(out, "</a>");
    }
    buf_text(out, "</p>");
}

static void
put_behind(const struct assess_report *report, const struct figure *figure, struct buf *out)
{
    const bool rate = figure->indicator->sort == ASSESS_RATE;

    if (figure->of == 0) {
        put(out, words_in(&figure->indicator->formula, report->lang));
        return;
    }
    buf_text(out, "<details><summary>");
    put(out, words_in(&figure->indicator->formula, report->lang));
    buf_text(out, "</summary>");
    if (rate)
        buf_printf(out, "<small>%s</small>", say(report, "分子", "counted"));
    put_ids(out, figure, 0, figure->n);
    if (rate) {
        buf_printf(out, "<small>%s</small>", say(report, "其余", "the others"));
        put_ids(out, figure, figure->n, figure->of);
    }
    buf_text(out, "</details>");
}

static void
put_numbers(const struct assess_report *report, const struct figure *figure, struct buf *out)
{
    char value[64];
    char mean[SPAN_TEXT_BYTES];

    buf_printf(out, "<td class=\"n\">%s</td><td class=\"n\">", assess_value(figure, value));
    if (figure->indicator->sort == ASSESS_RATE)
        buf_printf(out, "%zu / %zu", figure->n, figure->of);
    else if (figure->of > 0)
        buf_printf(out, "%zu, %s %s", figure->of, say(report, "平均", "mean"),
            span_text(SPAN_S(figure->mean.us / 1000000), mean));
    buf_text(out, "</td><td>");
    if (figure->indicator->sort == ASSESS_RATE && figure->of > 0) {
        buf_printf(out,
            "<svg width=\"120\" height=\"12\"><rect class=\"back\" width=\"120\" height=\"12\"/>"
            "<rect class=\"bar\" width=\"%zu\" height=\"12\"/></svg>",
            figure->n * 120 / figure->of);
    }
    buf_text(out, "</td>");
}

static void
put_figures(const struct assess_report *report, struct buf *out)
{
    const struct scope *all = &report->it->scopes[0];

    buf_printf(out,
        "<h2>%s</h2>\n<table><tr><th>%s</th><th class=\"n\">%s</th><th class=\"n\">%s"
        "</th><th></th><th>%s</th></tr>\n",
        say(report, "指标", "Indicators"), say(report, "指标", "indicator"),
        say(report, "值（用时为中位数）", "value (times: median)"), say(report, "案件", "cases"),
        say(report, "公式，点开见案件", "formula; open for the cases"));
    for (size_t i = 0; i < n_indicators; i++) {
        buf_text(out, "<tr><td>");
        put(out, words_in(&all->figures[i].indicator->title, report->lang));
        buf_text(out, "</td>");
        put_numbers(report, &all->figures[i], out);
        buf_text(out, "<td>");
        put_behind(report, &all->figures[i], out);
        buf_text(out, "</td></tr>\n");
    }
    buf_text(out, "</table>\n");
}

static void
put_scopes(const struct assess_report *report, enum scope_kind kind, struct buf *out)
{
    static const char *const columns[] = {"settled", "settled-in-time", "low-loops", "reworked",
        "overdue-open", "false-alarm", "triage-time", "settlement-time"};
    char value[64];

    buf_printf(out,
        "<h2>%s</h2>\n<table><tr><th></th><th class=\"n\">%s</th><th class=\"n\">%s"
        "</th>",
        words_in(&scope_titles[kind], report->lang), say(report, "立案", "filed"),
        say(report, "得分", "score"));
    for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++) {
        buf_printf(out, "<th class=\"n\" style=\"white-space:normal\">%s</th>",
            words_in(
                &figure_of(&report->it->scopes[0], columns[c])->indicator->title, report->lang));
    }
    buf_text(out, "</tr>\n");
    for (size_t i = 0; i < report->it->n_scopes; i++) {
        const struct scope *scope = &report->it->scopes[i];

        if (scope->kind != kind)
            continue;
        buf_text(out, "<tr><td>");
        put(out, assess_scope_name(report, scope));
        buf_text(out, " <small>");
        put(out, scope->id);
        buf_printf(out, "</small></td><td class=\"n\">%zu</td><td class=\"n\">", scope->n_cases);
        if (scope->score >= 0)
            buf_printf(out, "%.1f", scope->score);
        buf_text(out, "</td>");
        for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++)
            buf_printf(
                out, "<td class=\"n\">%s</td>", assess_value(figure_of(scope, columns[c]), value));
        buf_text(out, "</tr>\n");
    }
    buf_text(out, "</table>\n");
}

static void
put_centres(const struct assess_report *report, struct buf *out)
{
    if (report->it->n_centres == 0)
        return;
    buf_printf(out, "<h2>%s</h2>\n<table><tr><th></th>", say(report, "派单", "Dispatch"));
    const char *const heads[] = {say(report, "派单", "orders"),
        say(report, "按时接单", "accepted in time"), say(report, "按时到场", "arrived in time"),
        say(report, "按时完成", "done in time"), say(report, "拒单", "refused"),
        say(report, "未答复", "unanswered")};

    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        buf_printf(out, "<th class=\"n\">%s</th>", heads[i]);
    buf_text(out, "</tr>\n");
    for (size_t i = 0; i < report->it->n_centres; i++) {
        const struct centre_figures *it = &report->it->centres[i];
        const struct centre *centre = centre_find(report->grid, view_of(it->id));

        buf_text(out, "<tr><td>");
        put(out, centre == NULL ? it->id : words_in(&centre->name, report->lang));
        buf_printf(out,
            "</td><td class=\"n\">%zu</td><td class=\"n\">%zu / %zu</td><td class=\"n\">%zu / "
            "%zu</td><td class=\"n\">%zu / %zu</td><td class=\"n\">%zu</td><td "
            "class=\"n\">%zu</td></tr>\n",
            it->orders, it->accepted_in_time, it->accepted_of, it->arrived_in_time, it->arrived_of,
            it->done_in_time, it->done_of, it->refused, it->unanswered);
    }
    buf_text(out, "</table>\n");
}

static void
put_old(const struct assess_report *report, struct buf *out)
{
    for (size_t i = 0; i < report->n_old; i++) {
        const struct assess_old *old = &report->old[i];

        if (i == 0)
            buf_printf(
                out, "<h2>%s</h2>\n", say(report, "老旧设备覆盖", "Old devices that are watched"));
        buf_text(out, "<p>");
        put(out, old->class_name);
        buf_printf(out,
            report->lang == LANG_ZH ? "，使用 %d 年及以上：在册 %zu，在线 %zu，安装日期不详 %zu"
                                    : ", %d years and more: %zu listed, %zu heard, %zu undated",
            old->years, old->listed, old->heard, old->undated);
        if (old->n_unheard > 0)
            buf_printf(out, "<br><small>%s ", say(report, "未在线：", "not heard:"));
        for (size_t d = 0; d < old->n_unheard; d++) {
            put(out, old->unheard[d]);
            buf_char(out, ' ');
        }
        buf_text(out, old->n_unheard > 0 ? "</small></p>\n" : "</p>\n");
    }
}

static void
put_case(const struct assess_report *report, const struct assess_case *it, struct buf *out)
{
    char at[INSTANT_TEXT_BYTES];

    buf_printf(out, "<tr id=\"%s\"><td>%s</td><td class=\"%s\">%s</td><td>", it->id, it->id,
        severity_names[it->severity], words_in(&severity_titles[it->severity], report->lang));
    put(out, words_in(&it->title, report->lang));
    buf_text(out, " <small>");
    put(out, it->subject);
    buf_text(out, "</small></td><td>");
    put(out, it->compound);
    buf_printf(out, "</td><td>%s</td><td>", local(report, it->opened, at));
    buf_printf(out, "%s</td><td>%s</td><td>%s</td></tr>\n",
        it->settled.us == 0 ? "" : local(report, it->settled, at),
        words_in(&case_titles[it->state], report->lang),
        it->loop < 0 ? "" : words_in(&tier_loops[it->loop], report->lang));
}

static void
put_cases(const struct assess_report *report, struct buf *out)
{
    const struct assessment *it = report->it;
    const char *const heads[] = {say(report, "案件", "case"), "", "",
        say(report, "小区", "compound"), say(report, "立案", "filed"),
        say(report, "处置", "settled"), say(report, "状态", "state"), say(report, "循环", "loop")};

    buf_printf(out, "<div class=\"cases\"><h2>%s</h2>\n<table><tr>", say(report, "案件", "Cases"));
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        buf_printf(out, "<th>%s</th>", heads[i]);
    buf_text(out, "</tr>\n");
    for (size_t i = 0; i < it->n_counted; i++)
        put_case(report, it->counted[i], out);
    buf_text(out, "</table>\n");
    for (size_t i = 0; i < it->n_left_out; i++) {
        buf_printf(out, "%s%s (%s)",
            i == 0 ? say(report, "<p class=\"note\">不计：", "<p class=\"note\">not counted: ")
                   : ", ",
            it->left_out[i].it->id, it->left_out[i].why);
    }
    buf_text(out, it->n_left_out > 0 ? "</p></div>\n" : "</div>\n");
}

void
assess_html(const struct assess_report *report, struct buf *out)
{
    const char *title = say(report, "网格管理考核", "Grid management: assessment");
    char as_of[INSTANT_TEXT_BYTES];

    buf_printf(out,
        "<!doctype html>\n<html lang=\"%s\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width\"><title>%s %s</title><style>%s</style>\n<h1>%s %s</h1>\n",
        say(report, "zh-CN", "en"), title, report->month, style, title, report->month);
    buf_text(out, "<p class=\"note\">");
    if (report->unit[0] != '\0') {
        const struct unit *unit = unit_find(report->grid, view_of(report->unit));

        put(out, unit == NULL ? report->unit : words_in(&unit->name, report->lang));
        buf_text(out, " · ");
    }
    buf_printf(out, "%s %s</p>\n", say(report, "截至", "as known at"),
        local(report, report->it->as_of, as_of));
    put_tiles(report, out);
    put_loops(report, &report->it->scopes[0], out);
    put_days(report, out);
    put_figures(report, out);
    put_scopes(report, SCOPE_UNIT, out);
    put_scopes(report, SCOPE_CLASS, out);
    put_scopes(report, SCOPE_SEVERITY, out);
    put_centres(report, out);
    put_old(report, out);
    put_cases(report, out);
    buf_text(out, "</html>\n");
}
