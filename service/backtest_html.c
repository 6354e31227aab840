/*
 * The page of a back-test: one file, no script, nothing loaded from elsewhere; light and dark as
 * the reader's screen is. Names are text, never markup.
 */
#include "service/backtest_report.h"

#include <inttypes.h>
#include <stdio.h>

static const char style[] =
    "body{font:15px/1.5 system-ui,'Noto Sans SC',sans-serif;max-width:64rem;margin:2rem auto;"
    "padding:0 1rem;color:#1b1f24;background:#fff}"
    "h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}"
    "table{border-collapse:collapse;width:100%}td,th{padding:.2rem .6rem;text-align:left;"
    "border-bottom:1px solid #d8dee4}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}"
    ".b{fill:#8c959f}.a{fill:#0969da}.more{color:#b42318}.less{color:#116329}"
    "p.note{color:#57606a}.red{color:#b42318}.orange{color:#b54708}.yellow{color:#7a5d00}"
    ".blue{color:#0550ae}"
    "@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}td,th{border-color:"
    "#30363d}p.note{color:#9198a1}.a{fill:#4493f8}.more,.red{color:#ff7b72}.less{color:#56d364}"
    ".orange{color:#ffa657}.yellow{color:#e3b341}.blue{color:#79c0ff}}";

static void
put_escaped(struct buf *out, const char *text)
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

static void
put_change(struct buf *out, size_t before, size_t after)
{
    if (after > before)
        buf_printf(out, "<td class=\"n more\">+%zu</td>", after - before);
    else if (after < before)
        buf_printf(out, "<td class=\"n less\">-%zu</td>", before - after);
    else
        buf_text(out, "<td class=\"n\"></td>");
}

/* Two bars, before above after, as wide as their share of the greatest. */
static void
put_bars(struct buf *out, const struct backtest_row *row, size_t most)
{
    buf_printf(out,
        "<td><svg width=\"240\" height=\"16\" role=\"img\" aria-label=\"%zu, %zu\">"
        "<rect class=\"b\" width=\"%zu\" height=\"7\"/>"
        "<rect class=\"a\" y=\"8\" width=\"%zu\" height=\"7\"/></svg></td>",
        row->before, row->after, row->before * 240 / most, row->after * 240 / most);
}

static void
put_head(struct buf *out, bool zh, const char *first)
{
    buf_printf(out,
        "<table><tr><th>%s</th><th class=\"n\">%s</th><th class=\"n\">%s</th>"
        "<th class=\"n\">±</th><th></th></tr>\n",
        first, zh ? "之前" : "before", zh ? "之后" : "after");
}

static void
put_row(struct buf *out, const struct backtest_row *row, const char *title, size_t most)
{
    buf_text(out, "<tr><td>");
    put_escaped(out, title);
    if (title != row->label) {
        buf_text(out, " <small>");
        put_escaped(out, row->label);
        buf_text(out, "</small>");
    }
    buf_printf(
        out, "</td><td class=\"n\">%zu</td><td class=\"n\">%zu</td>", row->before, row->after);
    put_change(out, row->before, row->after);
    put_bars(out, row, most);
    buf_text(out, "</tr>\n");
}

static void
put_table(struct buf *out, const struct backtest_table *table, enum lang lang)
{
    size_t most = 1;

    for (size_t i = 0; i < table->n_rows; i++) {
        most = table->rows[i].before > most ? table->rows[i].before : most;
        most = table->rows[i].after > most ? table->rows[i].after : most;
    }
    buf_printf(out, "<h2>%s</h2>\n", words_in(&table->title, lang));
    put_head(out, lang == LANG_ZH, "");
    for (size_t i = 0; i < table->n_rows; i++)
        put_row(out, &table->rows[i], words_in(&table->rows[i].title, lang), most);
    buf_text(out, "</table>\n");
}

static void
put_pair(struct buf *out, const struct backtest_report *report, const struct backtest_pair *pair,
    enum lang lang)
{
    const struct backtest_alert *sides[] = {pair->before, pair->after};
    const struct backtest_alert *alert = pair->after != NULL ? pair->after : pair->before;
    char time[INSTANT_TEXT_BYTES];

    buf_printf(out, "<tr><td class=\"%s\">%s</td><td>", severity_names[alert->severity],
        words_in(&severity_titles[alert->severity], lang));
    put_escaped(out, alert->rule);
    buf_text(out, "</td><td>");
    put_escaped(out, alert->subject);
    buf_text(out, "</td>");
    for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
        buf_printf(out, "<td>%s</td>",
            sides[i] == NULL ? "" : backtest_local(report->after, sides[i]->opened, time));
    }
    buf_printf(out, "<td>%s</td></tr>\n", words_in(&backtest_change_words[pair->change], lang));
}

static void
put_pairs(struct buf *out, const struct backtest_report *report, enum lang lang)
{
    const bool zh = lang == LANG_ZH;

    buf_printf(out,
        "<h2>%s</h2>\n<table><tr><th>%s</th><th>%s</th><th>%s</th><th>%s</th><th>%s</th><th></th>"
        "</tr>\n",
        zh ? "有变化的告警" : "Alerts that change", zh ? "颜色" : "colour", zh ? "规则" : "rule",
        zh ? "对象" : "subject", zh ? "之前" : "before", zh ? "之后" : "after");
    for (size_t i = 0; i < report->diff.pairs.len; i++) {
        if (report->diff.pairs.at[i].change != BACKTEST_SAME)
            put_pair(out, report, &report->diff.pairs.at[i], lang);
    }
    buf_text(out, "</table>\n");
}

static void
put_total(struct buf *out, const char *title, size_t before, size_t after)
{
    buf_printf(out, "<tr><td>%s</td><td class=\"n\">%zu</td><td class=\"n\">%zu</td>", title,
        before, after);
    put_change(out, before, after);
    buf_text(out, "<td></td></tr>\n");
}

void
backtest_html(const struct backtest_report *report, enum lang lang, struct buf *out)
{
    const bool zh = lang == LANG_ZH;
    const size_t *counts = report->diff.counts;
    char from[INSTANT_TEXT_BYTES];
    char to[INSTANT_TEXT_BYTES];

    buf_printf(out,
        "<!doctype html>\n<html lang=\"%s\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width\"><title>%s</title><style>%s</style>\n<h1>%s</h1>\n",
        zh ? "zh-CN" : "en", zh ? "回测" : "Back-test", style,
        zh ? "回测：改动会带来什么" : "Back-test: what a change would have done");
    buf_printf(out,
        "<p>%s – %s, %" PRIu64 " %s<br>%s: ", backtest_local(report->after, report->from, from),
        backtest_local(report->after, report->to, to), report->after->readings,
        zh ? "条读数" : "readings", zh ? "之前" : "before");
    put_escaped(out, report->before_name);
    buf_printf(out, "<br>%s: ", zh ? "之后" : "after");
    put_escaped(out, report->after_name);
    buf_printf(out, "</p>\n<p class=\"note\">%s</p>\n", words_in(&backtest_assumptions, lang));
    put_head(out, zh, "");
    put_total(out, zh ? "告警" : "alerts", report->before->alerts.len, report->after->alerts.len);
    put_total(out, zh ? "通知" : "calls", report->before->calls.len, report->after->calls.len);
    buf_text(out, "</table>\n<p>");
    for (int change = 0; change < BACKTEST_CHANGES; change++)
        buf_printf(out, "%s%s %zu", change > 0 ? " · " : "",
            words_in(&backtest_change_words[change], lang), counts[change]);
    buf_text(out, "</p>\n");
    for (int by = 0; by < BY_COUNT; by++)
        put_table(out, &report->tables[by], lang);
    put_pairs(out, report, lang);
    buf_text(out, "</html>\n");
}
