/* Problems for people (a caret under the place) and for programs (JSON). */
#include "base/json.h"
#include "config/config.h"

/* The code point at *at, which moves behind it; text is well-formed UTF-8. */
static uint32_t
next_char(const char **at)
{
    const unsigned char *p = (const unsigned char *)*at;
    const int more = p[0] < 0x80 ? 0 : p[0] < 0xe0 ? 1 : p[0] < 0xf0 ? 2 : 3;
    uint32_t c = more == 0 ? p[0] : p[0] & (0x3fu >> more);

    for (int i = 1; i <= more; i++)
        c = c << 6 | (p[i] & 0x3f);
    *at += more + 1;
    return c;
}

/* Chinese characters, full-width forms and emoji fill two columns of a terminal. */
static bool
is_wide(uint32_t c)
{
    return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
           (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
           (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
           (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1faff) ||
           (c >= 0x20000 && c <= 0x3fffd);
}

static void
print_caret(const struct problem *problem, struct buf *out)
{
    const char *at = problem->line_text;

    buf_printf(out, "    %s\n    ", problem->line_text);
    for (int column = 1; column < problem->column && *at != '\0'; column++) {
        const uint32_t c = next_char(&at);

        buf_text(out, c == '\t' ? "\t" : is_wide(c) ? "  " : " ");
    }
    buf_text(out, "^\n");
}

void
problem_print(const struct problem *problem, enum lang lang, struct buf *out)
{
    buf_text(out, problem->file);
    if (problem->line > 0)
        buf_printf(out, ":%d:%d", problem->line, problem->column);
    buf_text(out, ": ");
    if (problem->warning)
        buf_text(out, lang == LANG_ZH ? "警告: " : "warning: ");
    buf_printf(out, "%s\n", words_in(&problem->text, lang));
    if (problem->line > 0 && problem->line_text != NULL)
        print_caret(problem, out);
    if (problem->hint.en != NULL)
        buf_printf(
            out, "%s: %s\n", lang == LANG_ZH ? "提示" : "hint", words_in(&problem->hint, lang));
}

static void
put_words(struct json_writer *json, const char *key, const struct words *words)
{
    json_object(json, key);
    json_text(json, "en", words->en);
    json_text(json, "zh", words->zh);
    json_close(json);
}

void
problems_json(const struct problems *problems, struct buf *out)
{
    struct json_writer json;
    size_t warnings = 0;

    json_begin(&json, out);
    json_object(&json, NULL);
    json_array(&json, "problems");
    for (size_t i = 0; i < problems->len; i++) {
        const struct problem *problem = &problems->at[i];

        warnings += problem->warning ? 1 : 0;
        json_object(&json, NULL);
        json_text(&json, "code", problem->code);
        json_int(&json, "column", problem->column);
        json_text(&json, "file", problem->file);
        json_int(&json, "line", problem->line);
        json_bool(&json, "warning", problem->warning);
        put_words(&json, "text", &problem->text);
        if (problem->hint.en != NULL)
            put_words(&json, "hint", &problem->hint);
        else
            json_null(&json, "hint");
        json_close(&json);
    }
    json_close(&json);
    json_int(&json, "errors", (int64_t)problems->errors);
    json_int(&json, "warnings", (int64_t)warnings);
    json_close(&json);
    json_end(&json);
}
