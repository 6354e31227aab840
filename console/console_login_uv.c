/*
 * Logging in and out. argon2id runs on the loop's pool, a few at a time; a name that does not
 * exist costs the same as a wrong password. Five failures of a name in five minutes close it for
 * the rest of them.
 */
#include "base/digest.h"
#include "base/io/clock_posix.h"
#include "base/json.h"
#include "base/log.h"
#include "console/inner_uv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#define FAILURES_MAX 5
#define FAILURES_WITHIN SPAN_S(300)
#define NAMES_MAX 10000 /* of failures; a crowd of made-up names begins anew */
/* Of no password: a name that does not exist is compared with it. */
#define NOBODY                                                                                     \
    "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$"                                       \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

struct failures {
    struct instant first;
    unsigned n;
};

struct login {
    uv_work_t work;
    struct console *console;
    struct http_later *later; /* NULL: the server was closed */
    char name[ACCOUNT_MAX_NAME + 1];
    char password[PASSWORD_MAX_BYTES + 1];
    char hash[crypto_pwhash_STRBYTES];
    bool known, right;
};

static struct failures *
failures_of(struct console *console, const char *name)
{
    struct failures *failures = map_get(&console->failures, view_of(name));

    if (failures != NULL && clock_wall().us - failures->first.us > FAILURES_WITHIN.us)
        failures->n = 0;
    return failures;
}

static void
count_failure(struct console *console, const char *name)
{
    struct failures *failures = failures_of(console, name);

    if (failures == NULL) {
        if (console->failures.len >= NAMES_MAX)
            return;
        failures = mem_zalloc(1, sizeof(*failures));
        (void)map_put(&console->failures, view_of(name), failures);
    }
    if (failures->n++ == 0)
        failures->first = clock_wall();
}

static void
compare(uv_work_t *work)
{
    struct login *login = work->data;

    login->right =
        crypto_pwhash_str_verify(login->hash, login->password, strlen(login->password)) == 0 &&
        login->known;
    sodium_memzero(login->password, sizeof(login->password));
}

/* The cookie is 32 random bytes; what is kept of it is its digest. */
static bool
begin_session(struct console *console, const char *name, struct http_response *response)
{
    unsigned char random[32];
    char cookie[64];
    char header[256];
    char hex[SESSION_HEX];
    struct buf frame;

    randombytes_buf(random, sizeof(random));
    (void)sodium_bin2base64(
        cookie, sizeof(cookie), random, sizeof(random), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    const struct digest digest = digest_of(view_of(cookie));

    buf_init(&frame, 4096);
    session_login_frame(
        &frame, view_of(digest_hex(&digest, DIGEST_BYTES, hex)), view_of(name), clock_wall());
    const bool fine = console_record(console, &frame);

    buf_fini(&frame);
    if (fine) {
        (void)snprintf(header, sizeof(header),
            COOKIE "=%s; Path=/; Max-Age=%d; Secure; HttpOnly; SameSite=Strict", cookie,
            (int)(SESSION_LIFE.us / 1000000));
        http_add_header(response, "Set-Cookie", header);
        response->status = 204;
    }
    return fine;
}

static void
refuse(struct console *console, const char *name, struct http_response *response)
{
    struct buf frame;

    count_failure(console, name);
    buf_init(&frame, 4096);
    trail_frame(&frame, view_of(name), "login-refused", view_of(""), view_of(""), clock_wall());
    (void)console_record(console, &frame); /* refused either way */
    buf_fini(&frame);
    console_problem(response, 401, "wrong-password", "name or password is wrong");
}

static void
on_compared(uv_work_t *work, int status)
{
    struct login *login = work->data;
    struct console *console = login->console;
    struct http_response response = {0};

    (void)status;
    if (login->later != NULL) {
        console->logins--;
        if (!login->right)
            refuse(console, login->name, &response);
        else if (!begin_session(console, login->name, &response))
            console_problem(&response, 503, "not-recorded", "the session cannot be recorded");
        http_answer(login->later, &response);
    }
    free(login);
}

static void
cancelled(void *arg)
{
    ((struct login *)arg)->later = NULL;
}

/* False: not {"name": text, "password": text} of allowed lengths. */
static bool
read_login(struct view body, struct login *login)
{
    cJSON *root = NULL;
    bool fine;

    if (json_check(body, 8192, &(size_t){0}) == JSON_FINE)
        root = cJSON_ParseWithLength(body.ptr, body.len);
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(root, "name");
    const cJSON *password = cJSON_GetObjectItemCaseSensitive(root, "password");

    fine = cJSON_IsString(name) && account_name_valid(view_of(name->valuestring)) &&
           cJSON_IsString(password) && strlen(password->valuestring) <= PASSWORD_MAX_BYTES;
    if (fine) {
        memcpy(login->name, name->valuestring, strlen(name->valuestring) + 1);
        memcpy(login->password, password->valuestring, strlen(password->valuestring) + 1);
    }
    if (cJSON_IsString(password))
        sodium_memzero(password->valuestring, strlen(password->valuestring));
    cJSON_Delete(root);
    return fine;
}

void
console_login(struct console *console, const struct asked *asked, struct http_response *response)
{
    struct login *login = mem_zalloc(1, sizeof(*login));
    const bool fine = read_login(asked->request->body, login);
    const struct failures *failures = fine ? failures_of(console, login->name) : NULL;

    if (!fine) {
        console_problem(response, 400, "bad-login", "name and password are needed");
    } else if (failures != NULL && failures->n >= FAILURES_MAX) {
        console_problem(response, 429, "too-many", "too many failures, try again in five minutes");
        http_add_header(response, "Retry-After", "300");
    } else if (console->logins >= LOGINS_AT_ONCE) {
        console_problem(response, 503, "busy", "too many are logging in, try again");
        http_add_header(response, "Retry-After", "2");
    } else {
        const struct account *account = accounts_find(&console->accounts, view_of(login->name));

        login->known = account != NULL;
        (void)snprintf(
            login->hash, sizeof(login->hash), "%s", login->known ? account->hash : NOBODY);
        login->console = console;
        login->work.data = login;
        console->logins++;
        login->later = http_later(asked->request, cancelled, login);
        CHECK(uv_queue_work(console->opt.loop, &login->work, compare, on_compared) == 0);
        return;
    }
    sodium_memzero(login->password, sizeof(login->password));
    free(login);
}

void
console_logout(struct console *console, const struct asked *asked, struct http_response *response)
{
    struct buf frame;

    buf_init(&frame, 4096);
    session_logout_frame(
        &frame, view_of(asked->by.session->id), view_of(asked->by.account->name), clock_wall());
    if (console_record(console, &frame)) {
        response->status = 204;
        http_add_header(response, "Set-Cookie",
            COOKIE "=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict");
        console_streams_wake(console);
    } else {
        console_problem(response, 503, "not-recorded", "the end of the session cannot be recorded");
    }
    buf_fini(&frame);
}
