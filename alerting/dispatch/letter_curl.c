/* Mails and forms for gateways of text messages: made by letter.c, sent by libcurl. */
#include "alerting/dispatch/letter.h"

#include "alerting/dispatch/attempt_curl.h"
#include "alerting/dispatch/channel.h"
#include "base/io/fs_posix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BOOK_BYTES ((size_t)1024 * 1024)
#define MAX_SECRET_BYTES 4096

/* A file of one line. NULL file: "". */
static bool
read_line(struct arena *arena, const char *file, struct view *out, struct err *err)
{
    struct buf text;
    bool fine = true;

    *out = view_of("");
    if (file == NULL)
        return true;
    buf_init(&text, MAX_SECRET_BYTES);
    if (!fs_read_all(fs_posix(), file, &text, err)) {
        fine = err_wrap(err, "secret");
    } else {
        while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
            text.len--;
        *out = view_of(arena_text(arena, buf_view(&text)));
    }
    buf_fini(&text);
    return fine;
}

/* The words of an error name the name, never what it stands for. */
static bool
find_address(
    struct arena *arena, const struct letter_request *request, struct view *out, struct err *err)
{
    const char *file = request->channel->book_file;
    struct buf book;
    bool fine;

    if (file == NULL) {
        *out = request->to;
        return letter_address_valid(request->to) ||
               err_set(err, ERR_CONFIG, "'%.*s' is no address", VIEW_ARG(request->to));
    }
    buf_init(&book, MAX_BOOK_BYTES);
    fine = fs_read_all(fs_posix(), file, &book, err);
    if (!fine)
        (void)err_wrap(err, "address book");
    else if (!letter_address(buf_view(&book), request->to, out)) {
        fine = err_set(err, ERR_CONFIG, "address book '%s' has no usable address of '%.*s'", file,
            VIEW_ARG(request->to));
    } else {
        *out = arena_copy(arena, *out);
    }
    buf_fini(&book);
    return fine;
}

static size_t
on_mail(char *to, size_t size, size_t n, void *arg)
{
    struct attempt *attempt = arg;
    const size_t left = attempt->mail.len - attempt->mail_at;
    const size_t len = size * n < left ? size * n : left;

    memcpy(to, attempt->mail.ptr + attempt->mail_at, len);
    attempt->mail_at += len;
    return len;
}

static bool
fill_mail(struct attempt *attempt, const struct letter_request *request,
    const struct letter *letter, struct arena *arena, struct err *err)
{
    const struct channel *channel = request->channel;
    CURL *easy = attempt->easy;
    struct view to, password;
    char line[LETTER_ADDRESS_BYTES + 8];

    attempt->mailed = true;
    if (!find_address(arena, request, &to, err) ||
        !read_line(arena, channel->password_file, &password, err))
        return false;
    letter_mail(letter, channel->from, to, request->when, &attempt->mail);
    if (attempt->mail.full)
        return err_set(err, ERR_INPUT, "the mail would be over %zu bytes", MAX_MAIL_BYTES);
    (void)snprintf(line, sizeof(line), "<%s>", channel->from);
    (void)curl_easy_setopt(easy, CURLOPT_MAIL_FROM, line);
    (void)snprintf(line, sizeof(line), "<%.*s>", VIEW_ARG(to));
    attempt->receivers = curl_slist_append(NULL, line);
    CHECK(attempt->receivers != NULL);
    (void)curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, attempt->receivers);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    /* In the clear only to whoever offers nothing else, and never with a password. */
    (void)curl_easy_setopt(
        easy, CURLOPT_USE_SSL, (long)(channel->username == NULL ? CURLUSESSL_TRY : CURLUSESSL_ALL));
    if (channel->username != NULL) {
        (void)curl_easy_setopt(easy, CURLOPT_USERNAME, channel->username);
        (void)curl_easy_setopt(easy, CURLOPT_PASSWORD, arena_text(arena, password));
    }
    (void)curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_mail);
    (void)curl_easy_setopt(easy, CURLOPT_READDATA, (void *)attempt);
    return true;
}

static bool
fill_form(struct attempt *attempt, const struct letter_request *request,
    const struct letter *letter, struct arena *arena, struct err *err)
{
    const struct channel *channel = request->channel;
    struct view to, secret;

    if (!find_address(arena, request, &to, err) ||
        !read_line(arena, channel->secret_file, &secret, err))
        return false;
    letter_form(letter, channel->form, channel->n_form, to, secret, &attempt->mail);
    if (attempt->mail.full)
        return err_set(err, ERR_INPUT, "the form would be over %zu bytes", MAX_MAIL_BYTES);
    if (channel->accept != NULL) {
        const size_t size = strlen(channel->accept) + 1;

        attempt->accept = mem_alloc(size);
        memcpy(attempt->accept, channel->accept, size);
    }
    attempt_header(attempt, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    (void)curl_easy_setopt(
        attempt->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)attempt->mail.len);
    (void)curl_easy_setopt(attempt->easy, CURLOPT_POSTFIELDS, attempt->mail.ptr);
    return true;
}

void
letter_send(
    struct webhooks *hooks, const struct letter_request *request, webhook_done_fn *done, void *arg)
{
    struct attempt *attempt = attempt_new(hooks, request->channel->timeout, done, arg);
    struct letter letter;
    struct err err = {0};
    struct arena arena;
    bool fine;

    arena_init(&arena);
    if (!letter_read(&arena, request->id, request->body, &letter))
        fine = err_set(&err, ERR_INPUT, "there are no words in it");
    else if (request->channel->kind == CHANNEL_EMAIL)
        fine = fill_mail(attempt, request, &letter, &arena, &err);
    else
        fine = fill_form(attempt, request, &letter, &arena, &err);
    attempt_go(hooks, attempt, request->channel->url, fine, &err);
    arena_fini(&arena);
}
