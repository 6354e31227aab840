#include "service/assess_print.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>

const char *
assess_scope_name(const struct assess_report *report, const struct scope *scope)
{
    const struct unit *unit;
    enum severity severity;

    if (scope->kind == SCOPE_ALL)
        return words_in(&scope_titles[SCOPE_ALL], report->lang);
    if (scope->kind == SCOPE_UNIT) {
        unit = unit_find(report->grid, view_of(scope->id));
        return unit == NULL ? scope->id : words_in(&unit->name, report->lang);
    }
    if (scope->kind == SCOPE_SEVERITY && severity_parse(view_of(scope->id), &severity))
        return words_in(&severity_titles[severity], report->lang);
    return scope->id;
}

/* To the second, or to the minute beyond an hour: nobody plans by less. */
static struct span
rounded(struct span span)
{
    const int64_t grain = span.us >= SPAN_H(1).us ? 60000000 : 1000000;

    return SPAN_US(span.us / grain * grain);
}

const char *
assess_value(const struct figure *figure, char out[64])
{
    out[0] = '\0';
    if (figure->of == 0)
        return out;
    if (figure->indicator->sort == ASSESS_TIME)
        return span_text(rounded(figure->median), out);
    (void)snprintf(out, 64, "%.1f%%", 100.0 * (double)figure->n / (double)figure->of);
    return out;
}

/* --- text ------------------------------------------------------------------------------------ */

static void
text_figure(const struct assess_report *report, const struct figure *figure, struct buf *out)
{
    char value[64];
    char mean[SPAN_TEXT_BYTES];
    char p90[SPAN_TEXT_BYTES];
    const bool zh = report->lang == LANG_ZH;

    buf_printf(out, "  %-20s %8s", figure->indicator->id, assess_value(figure, value));
    if (figure->indicator->sort == ASSESS_RATE)
        buf_printf(out, " %5zu /%5zu  ", figure->n, figure->of);
    else if (figure->of > 0) {
        buf_printf(out, " %5zu  %s %s, 90%% %s  ", figure->of, zh ? "平均" : "mean",
            span_text(rounded(figure->mean), mean), span_text(rounded(figure->p90), p90));
    } else {
        buf_printf(out, " %5d         ", 0);
    }
    buf_printf(out, "%s: %s\n", words_in(&figure->indicator->title, report->lang),
        words_in(&figure->indicator->formula, report->lang));
}

static void
text_loops(const struct assess_report *report, const struct scope *scope, struct buf *out)
{
    for (int tier = 0; tier < TIER_COUNT; tier++)
        buf_printf(out, "%s%s %zu", tier == 0 ? "  " : ", ",
            words_in(&tier_loops[tier], report->lang), scope->loops[tier]);
    buf_char(out, '\n');
}

static void
text_scope(const struct assess_report *report, const struct scope *scope, struct buf *out)
{
    const bool zh = report->lang == LANG_ZH;

    buf_printf(out, "\n%s %s %s: %zu %s", words_in(&scope_titles[scope->kind], report->lang),
        scope->id, scope->kind == SCOPE_ALL ? "" : assess_scope_name(report, scope), scope->n_cases,
        zh ? "件" : "cases");
    if (scope->score >= 0)
        buf_printf(out, ", %s %.1f", zh ? "综合得分" : "score", scope->score);
    buf_char(out, '\n');
    for (size_t i = 0; i < n_indicators; i++) {
        if (scope->kind == SCOPE_ALL || scope->figures[i].of > 0)
            text_figure(report, &scope->figures[i], out);
    }
    text_loops(report, scope, out);
}

static void
text_centres(const struct assess_report *report, struct buf *out)
{
    const bool zh = report->lang == LANG_ZH;

    for (size_t i = 0; i < report->it->n_centres; i++) {
        const struct centre_figures *centre = &report->it->centres[i];

        buf_printf(out,
            zh ? "%s: 派单 %zu, 按时接单 %zu/%zu, 按时到场 %zu/%zu, 按时完成 %zu/%zu, 拒单 %zu, "
                 "未答复 %zu\n"
               : "%s: %zu orders, accepted in time %zu/%zu, arrived in time %zu/%zu, done in time "
                 "%zu/%zu, refused %zu, unanswered %zu\n",
            centre->id, centre->orders, centre->accepted_in_time, centre->accepted_of,
            centre->arrived_in_time, centre->arrived_of, centre->done_in_time, centre->done_of,
            centre->refused, centre->unanswered);
    }
    for (size_t i = 0; i < report->n_old; i++) {
        const struct assess_old *old = &report->old[i];

        buf_printf(out,
            zh ? "%s 使用%d年及以上: 在册 %zu, 在线 %zu, 安装日期不详 %zu\n"
               : "%s of %d years and more: %zu listed, %zu heard, %zu undated\n",
            old->class_name, old->years, old->listed, old->heard, old->undated);
    }
}

void
assess_text(const struct assess_report *report, struct buf *out)
{
    const struct assessment *it = report->it;
    char as_of[INSTANT_TEXT_BYTES];
    const bool zh = report->lang == LANG_ZH;

    buf_printf(out, zh ? "%s 考核%s%s，截至 %s\n" : "%s assessment%s%s, as known at %s\n",
        report->month, report->unit[0] != '\0' ? ", " : "", report->unit,
        instant_text(it->as_of, as_of));
    if (it->n_left_out > 0)
        buf_printf(out, zh ? "另有 %zu 件不计\n" : "%zu cases are not counted\n", it->n_left_out);
    for (size_t i = 0; i < it->n_scopes; i++)
        text_scope(report, &it->scopes[i], out);
    if (it->n_centres + report->n_old > 0)
        buf_char(out, '\n');
    text_centres(report, out);
}

/* --- CSV ------------------------------------------------------------------------------------- */

/* A spreadsheet takes what begins with one of these for a formula; an apostrophe makes it text. */
static void
csv_cell(struct buf *out, const char *text)
{
    buf_char(out, '"');
    if (text[0] != '\0' && strchr("=+-@\t\r\n", text[0]) != NULL)
        buf_char(out, '\'');
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"')
            buf_char(out, '"');
        buf_char(out, *c);
    }
    buf_char(out, '"');
}

static void
csv_ids(struct buf *out, const struct figure *figure, size_t from, size_t to)
{
    buf_char(out, '"');
    for (size_t i = from; i < to; i++)
        buf_printf(out, "%s%s", i > from ? " " : "", figure->cases[i]->id);
    buf_char(out, '"');
}

static void
csv_figure(const struct assess_report *report, const struct scope *scope,
    const struct figure *figure, struct buf *out)
{
    const struct span *times[] = {&figure->mean, &figure->median, &figure->p90, &figure->longest};

    buf_printf(out, "%s,%s,", report->month, scope_names[scope->kind]);
    csv_cell(out, scope->id);
    buf_char(out, ',');
    csv_cell(out, assess_scope_name(report, scope));
    buf_printf(out, ",%s,", figure->indicator->id);
    csv_cell(out, words_in(&figure->indicator->title, report->lang));
    buf_printf(out, ",%zu,%zu,", figure->n, figure->of);
    if (figure->indicator->sort == ASSESS_RATE && figure->of > 0)
        buf_printf(out, "%.4f", (double)figure->n / (double)figure->of);
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        buf_char(out, ',');
        if (figure->indicator->sort == ASSESS_TIME && figure->of > 0)
            buf_printf(out, "%.3f", (double)times[i]->us / 1e6);
    }
    buf_char(out, ',');
    csv_ids(out, figure, 0, figure->n);
    buf_char(out, ',');
    csv_ids(out, figure, figure->n, figure->of);
    buf_text(out, "\r\n");
}

/* RFC 4180, with a byte order mark: without one, spreadsheets in Chinese take it for GBK. */
void
assess_csv(const struct assess_report *report, struct buf *out)
{
    buf_text(out, "\xEF\xBB\xBFmonth,scope,id,name,indicator,title,n,of,rate,mean_s,median_s,p90_s,"
                  "longest_s,cases,others\r\n");
    for (size_t i = 0; i < report->it->n_scopes; i++) {
        for (size_t f = 0; f < n_indicators; f++)
            csv_figure(report, &report->it->scopes[i], &report->it->scopes[i].figures[f], out);
    }
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void
json_ids(
    struct json_writer *json, const char *key, const struct figure *figure, size_t from, size_t to)
{
    json_array(json, key);
    for (size_t i = from; i < to; i++)
        json_text(json, NULL, figure->cases[i]->id);
    json_close(json);
}

static void
json_figure(struct json_writer *json, const struct figure *figure)
{
    const bool rate = figure->indicator->sort == ASSESS_RATE;

    json_object(json, figure->indicator->id);
    json_int(json, "n", (int64_t)figure->n);
    json_int(json, "of", (int64_t)figure->of);
    json_ids(json, "cases", figure, 0, figure->n);
    json_ids(json, "others", figure, figure->n, figure->of);
    if (rate && figure->of > 0)
        json_number(json, "rate", (double)figure->n / (double)figure->of);
    if (!rate && figure->of > 0) {
        json_number(json, "longest_s", (double)figure->longest.us / 1e6);
        json_number(json, "mean_s", (double)figure->mean.us / 1e6);
        json_number(json, "median_s", (double)figure->median.us / 1e6);
        json_number(json, "p90_s", (double)figure->p90.us / 1e6);
    }
    json_close(json);
}

static void
json_scope(struct json_writer *json, const struct assess_report *report, const struct scope *scope)
{
    json_object(json, NULL);
    json_int(json, "cases", (int64_t)scope->n_cases);
    json_text(json, "id", scope->id);
    json_text(json, "name", assess_scope_name(report, scope));
    json_text(json, "scope", scope_names[scope->kind]);
    if (scope->score >= 0)
        json_number(json, "score", scope->score);
    json_object(json, "figures");
    for (size_t i = 0; i < n_indicators; i++)
        json_figure(json, &scope->figures[i]);
    json_close(json);
    json_object(json, "loops");
    for (int tier = 0; tier < TIER_COUNT; tier++)
        json_int(json, tier_names[tier], (int64_t)scope->loops[tier]);
    json_close(json);
    json_close(json);
}

static void
json_moment(struct json_writer *json, const char *key, struct instant at)
{
    if (at.us != 0)
        json_instant(json, key, at);
}

static void
json_case(struct json_writer *json, const struct assess_case *it)
{
    json_object(json, NULL);
    json_text(json, "alert", it->id);
    json_text(json, "class", it->class_name);
    json_moment(json, "closed", it->closed);
    json_text(json, "compound", it->compound);
    json_bool(json, "false_alarm", it->false_alarm);
    if (it->loop >= 0)
        json_text(json, "loop", tier_names[it->loop]);
    json_moment(json, "opened", it->opened);
    json_text(json, "rule", it->rule);
    json_moment(json, "settled", it->settled);
    json_text(json, "severity", severity_names[it->severity]);
    json_text(json, "subject", it->subject);
    json_moment(json, "taken", it->taken);
    json_moment(json, "verified", it->verified);
    json_close(json);
}

static void
json_centres(struct json_writer *json, const struct assessment *it)
{
    json_array(json, "centres");
    for (size_t i = 0; i < it->n_centres; i++) {
        const struct centre_figures *centre = &it->centres[i];

        json_object(json, NULL);
        json_int(json, "accepted_in_time", (int64_t)centre->accepted_in_time);
        json_int(json, "accepted_of", (int64_t)centre->accepted_of);
        json_int(json, "arrived_in_time", (int64_t)centre->arrived_in_time);
        json_int(json, "arrived_of", (int64_t)centre->arrived_of);
        json_text(json, "centre", centre->id);
        json_int(json, "done_in_time", (int64_t)centre->done_in_time);
        json_int(json, "done_of", (int64_t)centre->done_of);
        json_array(json, "late");
        for (size_t c = 0; c < centre->n_late; c++)
            json_text(json, NULL, centre->late[c]);
        json_close(json);
        json_int(json, "orders", (int64_t)centre->orders);
        json_int(json, "refused", (int64_t)centre->refused);
        json_int(json, "unanswered", (int64_t)centre->unanswered);
        json_close(json);
    }
    json_close(json);
}

static void
json_old(struct json_writer *json, const struct assess_report *report)
{
    json_array(json, "old_devices");
    for (size_t i = 0; i < report->n_old; i++) {
        const struct assess_old *old = &report->old[i];

        json_object(json, NULL);
        json_text(json, "class", old->class_name);
        json_int(json, "heard", (int64_t)old->heard);
        json_int(json, "listed", (int64_t)old->listed);
        json_int(json, "undated", (int64_t)old->undated);
        json_array(json, "unheard");
        for (size_t d = 0; d < old->n_unheard; d++)
            json_text(json, NULL, old->unheard[d]);
        json_close(json);
        json_int(json, "years", old->years);
        json_close(json);
    }
    json_close(json);
}

void
assess_json(const struct assess_report *report, struct buf *out)
{
    const struct assessment *it = report->it;
    struct json_writer json;

    json_begin(&json, out);
    json_object(&json, NULL);
    json_instant(&json, "as_of", it->as_of);
    json_instant(&json, "from", it->from);
    json_text(&json, "month", report->month);
    json_instant(&json, "to", it->to);
    json_text(&json, "unit", report->unit);
    json_array(&json, "cases");
    for (size_t i = 0; i < it->n_counted; i++)
        json_case(&json, it->counted[i]);
    json_close(&json);
    json_centres(&json, it);
    json_old(&json, report);
    json_array(&json, "not_counted");
    for (size_t i = 0; i < it->n_left_out; i++) {
        json_object(&json, NULL);
        json_text(&json, "alert", it->left_out[i].it->id);
        json_text(&json, "why", it->left_out[i].why);
        json_close(&json);
    }
    json_close(&json);
    json_array(&json, "scopes");
    for (size_t i = 0; i < it->n_scopes; i++)
        json_scope(&json, report, &it->scopes[i]);
    json_close(&json);
    json_close(&json);
    json_end(&json);
    buf_char(out, '\n');
}
