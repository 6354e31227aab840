#include "alerting/dispatch/letter.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#define LINE_BYTES 57     /* become 76 characters of base64 */
#define SUBJECT_BYTES 120 /* of the text, at most */
#define SUBJECT_PIECE 42  /* bytes of one encoded word: 75 characters at most */

static struct view
text_of(struct arena *arena, const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

    return arena_copy(arena, cJSON_IsString(item) ? view_of(item->valuestring) : view_of(""));
}

bool
letter_read(struct arena *arena, struct view id, struct view body, struct letter *out)
{
    cJSON *object = cJSON_ParseWithLength(body.ptr, body.len);
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(object, "text");

    *out = (struct letter){
        .id = id, .zh = text_of(arena, text, "zh"), .en = text_of(arena, text, "en")};
    cJSON_Delete(object);
    return out->zh.len > 0 && out->en.len > 0;
}

bool
letter_address_valid(struct view address)
{
    if (address.len == 0 || address.len > LETTER_ADDRESS_BYTES)
        return false;
    for (size_t i = 0; i < address.len; i++) {
        const unsigned char c = (unsigned char)address.ptr[i];

        if (c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == ',')
            return false;
    }
    return true;
}

static struct view
word(struct view *rest)
{
    size_t from = 0, to;

    while (from < rest->len && (rest->ptr[from] == ' ' || rest->ptr[from] == '\t'))
        from++;
    to = from;
    while (to < rest->len && rest->ptr[to] != ' ' && rest->ptr[to] != '\t' && rest->ptr[to] != '\r')
        to++;
    const struct view out = view_bytes(rest->ptr + from, to - from);

    *rest = view_bytes(rest->ptr + to, rest->len - to);
    return out;
}

bool
letter_address(struct view book, struct view name, struct view *out)
{
    while (book.len > 0) {
        const char *end = memchr(book.ptr, '\n', book.len);
        const size_t len = end == NULL ? book.len : (size_t)(end - book.ptr);
        struct view line = view_bytes(book.ptr, len);

        if (view_eq(word(&line), name)) {
            *out = word(&line);
            return name.len > 0 && name.ptr[0] != '#' && letter_address_valid(*out);
        }
        book = end == NULL ? view_bytes(book.ptr, 0) : view_bytes(end + 1, book.len - len - 1);
    }
    return false;
}

static void
put_base64(struct buf *out, struct view bytes)
{
    char text[4 * (LINE_BYTES / 3) + 1];

    (void)sodium_bin2base64(text, sizeof(text), (const unsigned char *)bytes.ptr, bytes.len,
        sodium_base64_VARIANT_ORIGINAL);
    buf_text(out, text);
}

/* At most max bytes, and no character cut in two. */
static size_t
whole(struct view text, size_t max)
{
    size_t n = text.len < max ? text.len : max;

    while (n > 0 && n < text.len && ((unsigned char)text.ptr[n] & 0xc0) == 0x80)
        n--;
    return n;
}

/* The first sentence. */
static void
put_subject(struct buf *out, struct view zh)
{
    const char *stop = "。";
    struct view rest = view_bytes(zh.ptr, whole(zh, SUBJECT_BYTES));

    for (size_t i = 0; i + 3 <= rest.len; i++) {
        if (memcmp(rest.ptr + i, stop, 3) == 0) {
            rest.len = i;
            break;
        }
    }
    buf_text(out, "Subject:");
    while (rest.len > 0) {
        const size_t n = whole(rest, SUBJECT_PIECE);

        buf_text(out, " =?UTF-8?B?");
        put_base64(out, view_bytes(rest.ptr, n));
        rest = view_bytes(rest.ptr + n, rest.len - n);
        buf_text(out, rest.len > 0 ? "?=\r\n" : "?=");
    }
    buf_text(out, "\r\n");
}

static void
put_date(struct buf *out, struct instant when)
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char *const months[] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const struct civil civil = instant_civil(when, 0);

    buf_printf(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[civil.weekday], civil.day,
        months[civil.month - 1], civil.year, civil.hour, civil.minute, civil.second);
}

void
letter_mail(const struct letter *letter, const char *from, struct view to, struct instant when,
    struct buf *out)
{
    struct buf text;

    buf_init(&text, 65536);
    buf_printf(&text, "%.*s\r\n\r\n%.*s\r\n\r\n%.*s\r\n", VIEW_ARG(letter->zh),
        VIEW_ARG(letter->en), VIEW_ARG(letter->id));
    buf_printf(out, "From: Wallwatch <%s>\r\nTo: <%.*s>\r\n", from, VIEW_ARG(to));
    put_subject(out, letter->zh);
    put_date(out, when);
    buf_printf(out, "Message-ID: <%.*s@wallwatch>\r\n", VIEW_ARG(letter->id));
    buf_text(out, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                  "Content-Transfer-Encoding: base64\r\nAuto-Submitted: auto-generated\r\n\r\n");
    for (size_t at = 0; at < text.len; at += LINE_BYTES) {
        const size_t left = text.len - at;

        put_base64(out, view_bytes(text.ptr + at, left < LINE_BYTES ? left : LINE_BYTES));
        buf_text(out, "\r\n");
    }
    buf_fini(&text);
}

static void
put_encoded(struct buf *out, struct view text)
{
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '-' || c == '.' || c == '_' || c == '~')
            buf_char(out, c);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
}

static const char *const places[] = {"{to}", "{zh}", "{en}", "{id}", "{secret}"};

/* Which of them begins here; -1: none. */
static int
place_at(const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (strncmp(text, places[i], strlen(places[i])) == 0)
            return (int)i;
    }
    return -1;
}

void
letter_form(const struct letter *letter, const char *const *fields, size_t n, struct view to,
    struct view secret, struct buf *out)
{
    const struct view values[ARRAY_LEN(places)] = {to, letter->zh, letter->en, letter->id, secret};

    for (size_t i = 0; i < n; i++) {
        const char *equals = strchr(fields[i], '=');
        const char *at = equals == NULL ? "" : equals + 1;

        if (i > 0)
            buf_char(out, '&');
        put_encoded(out, view_bytes(fields[i], equals == NULL ? 0 : (size_t)(equals - fields[i])));
        buf_char(out, '=');
        while (*at != '\0') {
            const int place = place_at(at);

            put_encoded(out, place < 0 ? view_bytes(at, 1) : values[place]);
            at += place < 0 ? 1 : strlen(places[place]);
        }
    }
}

bool
letter_field_valid(const char *field)
{
    const char *equals = strchr(field, '=');

    if (equals == NULL || equals == field)
        return false;
    for (const char *at = strchr(equals, '{'); at != NULL; at = strchr(at + 1, '{')) {
        if (place_at(at) < 0)
            return false;
    }
    return true;
}
