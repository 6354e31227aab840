/* What is open, one case, the board's state, commands, and the trail. */
#include "base/io/clock_posix.h"
#include "base/json.h"
#include "console/inner_uv.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#define LIST_MAX_BYTES ((size_t)256 << 20)
#define TRAIL_ROWS 1000

static void
begin(struct http_response *response, int status, size_t max_bytes)
{
    response->status = status;
    response->type = "application/json";
    buf_init(&response->body, max_bytes);
}

struct listing {
    struct buf *out;
    bool some;
};

static bool
put_case(void *arg, const struct board_change *change)
{
    struct listing *listing = arg;

    if (change->json.len == 0)
        return true;
    if (listing->some)
        buf_char(listing->out, ',');
    listing->some = true;
    buf_put(listing->out, change->json);
    return true;
}

/* {"alerts": [case, ...], "number": n, "state": {...}}, as they last changed. */
void
console_alerts(struct console *console, const struct asked *asked, struct http_response *response)
{
    struct listing listing = {&response->body, false};

    begin(response, 200, LIST_MAX_BYTES);
    buf_text(&response->body, "{\"alerts\":[");
    (void)board_each(console->board, view_of(asked->by.account->unit), 0, put_case, &listing);
    buf_text(&response->body, "],\"state\":");
    board_state_json(console->board, &response->body);
    buf_text(&response->body, "}");
}

void
console_alert(struct console *console, const struct asked *asked, struct http_response *response)
{
    struct board_change change;

    if (!board_find(console->board, view_of(asked->by.account->unit), asked->id, &change)) {
        console_problem(response, 404, "no-such-alert", "no such case is open in your unit");
        return;
    }
    begin(response, 200, BOARD_MAX_CASE_BYTES);
    buf_put(&response->body, change.json);
}

void
console_state(struct console *console, const struct asked *asked, struct http_response *response)
{
    (void)asked;
    begin(response, 200, 65536);
    board_state_json(console->board, &response->body);
}

void
console_session(struct console *console, const struct asked *asked, struct http_response *response)
{
    struct json_writer json;

    (void)console;
    begin(response, 200, 4096);
    json_begin(&json, &response->body);
    json_object(&json, NULL);
    json_text(&json, "name", asked->by.account->name);
    json_text(&json, "role", role_names[asked->by.account->role]);
    json_text(&json, "unit", asked->by.account->unit);
    json_instant(&json, "until", asked->by.session->until);
    json_close(&json);
    json_end(&json);
}

/* Commands. */

struct pending {
    struct http_later *later; /* NULL: the server was closed */
};

static void
cancelled(void *arg)
{
    ((struct pending *)arg)->later = NULL;
}

static void
answered(void *arg, struct view answer)
{
    struct pending *pending = arg;
    struct http_response response = {0};

    if (pending->later != NULL) {
        if (answer.len == 0) {
            console_problem(&response, 504, "no-answer",
                "the lane did not answer within 10 s; the command may still be carried out");
        } else {
            begin(&response, 200, 65536);
            buf_put(&response.body, answer);
        }
        http_answer(pending->later, &response);
    }
    free(pending);
}

/* The texts that commands carry, as interfaces.md lists them; who does it is the session's. */
static const char *const text_keys[] = {"centre", "class", "compound", "device", "into", "part",
    "reason", "rule", "severity", "tier", "title", "until"};

/* False: a key that no command has, or a value of another kind. */
static bool
copy_keys(struct json_writer *json, const cJSON *root)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, root)
    {
        bool text = false;

        if (strcmp(item->string, "command") == 0)
            continue;
        for (size_t i = 0; i < ARRAY_LEN(text_keys); i++)
            text = text || strcmp(item->string, text_keys[i]) == 0;
        if (text && cJSON_IsString(item))
            json_text(json, item->string, item->valuestring);
        else if (strcmp(item->string, "by_s") == 0 && cJSON_IsNumber(item) &&
                 item->valuedouble >= 0 && item->valuedouble <= 1e9)
            json_int(json, "by_s", (int64_t)item->valuedouble);
        else
            return false;
    }
    return true;
}

static bool
write_body(const struct asked *asked, const cJSON *root, const char *command, bool of_case,
    struct buf *out)
{
    struct json_writer json;

    json_begin(&json, out);
    json_object(&json, NULL);
    if (of_case)
        json_view(&json, "alert", asked->id);
    json_text(&json, "by", asked->by.account->name);
    json_text(&json, "command", command);
    const bool fine = copy_keys(&json, root);

    if (fine && !cJSON_HasObjectItem(root, "reason"))
        json_text(&json, "reason", "");
    json_close(&json);
    json_end(&json);
    return fine && !out->full;
}

/* Recorded first: what cannot be in the trail is not done. */
static void
send_command(struct console *console, const struct asked *asked, struct view lane,
    const char *command, const struct buf *body, struct http_response *response)
{
    struct pending *pending;
    struct buf frame;

    buf_init(&frame, 65536);
    trail_frame(
        &frame, view_of(asked->by.account->name), command, asked->id, buf_view(body), clock_wall());
    const bool recorded = console_record(console, &frame);

    buf_fini(&frame);
    if (!recorded) {
        console_problem(response, 503, "not-recorded", "the command cannot be recorded: not sent");
        return;
    }
    pending = mem_zalloc(1, sizeof(*pending));
    pending->later = http_later(asked->request, cancelled, pending);
    console->opt.send(console->opt.arg, lane, buf_view(body), answered, pending);
}

static void
take_command(struct console *console, const struct asked *asked, struct view lane, bool of_case,
    struct http_response *response)
{
    cJSON *root = NULL;
    struct buf body;

    if (json_check(asked->request->body, 16384, &(size_t){0}) == JSON_FINE)
        root = cJSON_ParseWithLength(asked->request->body.ptr, asked->request->body.len);
    const cJSON *command = cJSON_GetObjectItemCaseSensitive(root, "command");
    const char *name = cJSON_IsString(command) ? command->valuestring : "";

    buf_init(&body, 32768);
    if (!cJSON_IsObject(root))
        console_problem(response, 400, "bad-json", "the body is not a JSON object");
    else if (!access_command(asked->by.account->role, view_of(name))) {
        console_problem(
            response, 403, "not-allowed", "this role may not send that command, or there is none");
    } else if ((strcmp(name, "report") == 0) == of_case) {
        console_problem(
            response, 400, "bad-command", "a report goes to a lane, all else to a case");
    } else if (!write_body(asked, root, name, of_case, &body)) {
        console_problem(response, 400, "bad-command", "a key or value that no command has");
    } else {
        send_command(console, asked, lane, name, &body, response);
    }
    buf_fini(&body);
    cJSON_Delete(root);
}

void
console_command(struct console *console, const struct asked *asked, struct http_response *response)
{
    struct board_change change;

    if (!board_find(console->board, view_of(asked->by.account->unit), asked->id, &change)) {
        console_problem(response, 404, "no-such-alert", "no such case is open in your unit");
        return;
    }
    take_command(console, asked, change.lane, true, response);
}

/* A case by hand. Which unit it will be in is the lane's to know, so it needs an account for all.
 */
void
console_report(struct console *console, const struct asked *asked, struct http_response *response)
{
    bool known = false;

    for (size_t i = 0; i < console->opt.n_lanes; i++)
        known = known || view_is(asked->id, console->opt.lanes[i]);
    if (!known)
        console_problem(response, 404, "no-such-lane", "there is no such lane");
    else if (asked->by.account->unit[0] != '\0')
        console_problem(response, 403, "not-allowed", "this account is bound to a unit");
    else
        take_command(console, asked, asked->id, false, response);
}

/* The newest rows of the trail, oldest first. */
void
console_trail(struct console *console, const struct asked *asked, struct http_response *response)
{
    struct wal_cursor *cursor = wal_cursor_new(console->log, wal_first(console->log));
    VEC(struct buf) rows = {0};
    size_t n = 0;
    struct view frame;
    uint64_t end;

    (void)asked;
    for (;;) {
        const enum wal_next next = wal_cursor_next(cursor, &frame, &end);

        if (next == WAL_END)
            break;
        if (next == WAL_LOST) {
            wal_cursor_seek(cursor, end);
            continue;
        }
        if (rows.len < TRAIL_ROWS)
            buf_init(VEC_PUSH(&rows), 65536);
        struct buf *row = &rows.at[n++ % TRAIL_ROWS];

        buf_reset(row);
        buf_put(row, frame);
    }
    wal_cursor_free(cursor);
    begin(response, 200, LIST_MAX_BYTES);
    buf_text(&response->body, "[");
    for (size_t i = 0; i < rows.len; i++) {
        if (i > 0)
            buf_char(&response->body, ',');
        buf_put(&response->body, buf_view(&rows.at[(n > TRAIL_ROWS ? n + i : i) % TRAIL_ROWS]));
    }
    buf_text(&response->body, "]");
    for (size_t i = 0; i < rows.len; i++)
        buf_fini(&rows.at[i]);
    VEC_FREE(&rows);
}
