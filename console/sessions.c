#include "console/sessions.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#define FRAME_MAX_BYTES 65536

void
sessions_init(struct sessions *sessions)
{
    map_init(&sessions->by_id);
}

void
sessions_fini(struct sessions *sessions)
{
    struct arena arena;

    arena_init(&arena);
    const struct map_entry *entries = map_sorted(&sessions->by_id, &arena);

    for (size_t i = 0; i < sessions->by_id.len; i++)
        free(entries[i].value);
    arena_fini(&arena);
    map_fini(&sessions->by_id);
}

static void
drop(struct sessions *sessions, struct view id)
{
    free(map_del(&sessions->by_id, id));
}

/* Those that have ended; if there is still no room, the one that ends first. */
static void
make_room(struct sessions *sessions, struct instant now)
{
    struct arena arena;
    const struct session *first = NULL;

    if (sessions->by_id.len < SESSIONS_MAX)
        return;
    arena_init(&arena);
    const size_t n = sessions->by_id.len;
    const struct map_entry *entries = map_sorted(&sessions->by_id, &arena);

    for (size_t i = 0; i < n; i++) {
        const struct session *session = entries[i].value;

        if (first == NULL || session->until.us < first->until.us)
            first = session;
    }
    for (size_t i = 0; i < n; i++) {
        const struct session *session = entries[i].value;

        if (session == first || session->until.us <= now.us)
            drop(sessions, entries[i].key);
    }
    arena_fini(&arena);
}

static const char *
text_of(const cJSON *root, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, key);

    return cJSON_IsString(item) ? item->valuestring : "";
}

static void
add(struct sessions *sessions, const cJSON *root, const char *id)
{
    const char *user = text_of(root, "by");
    struct session *session;
    struct instant at;
    struct instant until;

    if (strlen(user) >= sizeof(session->user) ||
        !instant_parse(view_of(text_of(root, "at")), &at) ||
        !instant_parse(view_of(text_of(root, "until")), &until))
        return;
    make_room(sessions, at);
    drop(sessions, view_of(id));
    session = mem_zalloc(1, sizeof(*session));
    memcpy(session->id, id, strlen(id) + 1);
    memcpy(session->user, user, strlen(user) + 1);
    session->until = until;
    (void)map_put(&sessions->by_id, view_of(session->id), session);
}

void
sessions_apply(struct sessions *sessions, struct view frame)
{
    cJSON *root = NULL;

    if (json_check(frame, FRAME_MAX_BYTES, &(size_t){0}) == JSON_FINE)
        root = cJSON_ParseWithLength(frame.ptr, frame.len);
    const char *what = text_of(root, "what");
    const char *id = text_of(root, "session");

    if (strlen(id) == SESSION_HEX - 1) {
        if (strcmp(what, "login") == 0)
            add(sessions, root, id);
        else if (strcmp(what, "logout") == 0)
            drop(sessions, view_of(id));
    }
    cJSON_Delete(root);
}

const struct session *
sessions_find(const struct sessions *sessions, struct view id, struct instant now)
{
    const struct session *session = map_get(&sessions->by_id, id);

    return session != NULL && session->until.us > now.us ? session : NULL;
}

void
session_login_frame(struct buf *out, struct view id, struct view user, struct instant now)
{
    struct json_writer json;

    json_begin(&json, out);
    json_object(&json, NULL);
    json_instant(&json, "at", now);
    json_view(&json, "by", user);
    json_view(&json, "session", id);
    json_instant(&json, "until", instant_add(now, SESSION_LIFE));
    json_text(&json, "what", "login");
    json_close(&json);
    json_end(&json);
}

void
session_logout_frame(struct buf *out, struct view id, struct view user, struct instant now)
{
    struct json_writer json;

    json_begin(&json, out);
    json_object(&json, NULL);
    json_instant(&json, "at", now);
    json_view(&json, "by", user);
    json_view(&json, "session", id);
    json_text(&json, "what", "logout");
    json_close(&json);
    json_end(&json);
}

void
trail_frame(struct buf *out, struct view user, const char *what, struct view target,
    struct view words, struct instant now)
{
    struct json_writer json;

    json_begin(&json, out);
    json_object(&json, NULL);
    json_instant(&json, "at", now);
    json_view(&json, "by", user);
    json_view(&json, "target", target);
    json_text(&json, "what", what);
    json_view(&json, "words", words);
    json_close(&json);
    json_end(&json);
}
