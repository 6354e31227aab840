#include "console/board.h"

#include "base/json.h"
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#define TOPIC_LEVELS 8 /* wallwatch/alert/lane/district/subdistrict/station/point/alert */
#define UNITS 4
#define STATUS_MAX_BYTES 65536

const char *const board_state_names[BOARD_STATES] = {"loading", "complete", "incomplete"};

struct entry {                    /* a case, or one that has gone (json NULL) */
    struct entry *before, *after; /* in the order of change */
    uint64_t number;
    uint64_t round; /* of the connection in which it was last heard */
    size_t lane;
    char *topic;
    size_t topic_len;
    struct view alert, units[UNITS]; /* point into topic */
    char *json;
    size_t json_len;
};

struct lane {
    char *name;
    int64_t open; /* of its status; -1: none came yet */
    int64_t held; /* heard in this connection */
    uint64_t round;
    struct instant heard;
    bool up;
};

struct board {
    struct map by_alert; /* id -> struct entry */
    struct entry *oldest, *newest;
    struct entry *gone[BOARD_GONE]; /* a ring, in the order of going */
    size_t n_gone;                  /* ever */
    uint64_t forgotten;             /* number of the newest change that was forgotten */
    uint64_t number;
    struct lane *lanes;
    size_t n_lanes;
    uint64_t round; /* connections so far */
    bool linked;
    uint64_t refused;
    enum board_state state;
    struct instant since;
    uint64_t state_version;
};

struct board *
board_new(const char *const *lanes, size_t n_lanes, struct instant now)
{
    struct board *board = mem_zalloc(1, sizeof(*board));

    map_init(&board->by_alert);
    board->lanes = mem_zalloc(n_lanes + 1, sizeof(*board->lanes));
    board->n_lanes = n_lanes;
    for (size_t i = 0; i < n_lanes; i++) {
        board->lanes[i].name = mem_alloc(strlen(lanes[i]) + 1);
        memcpy(board->lanes[i].name, lanes[i], strlen(lanes[i]) + 1);
        board->lanes[i].open = -1;
    }
    board->since = now;
    board->state_version = 1;
    return board;
}

static void
free_entry(struct entry *entry)
{
    free(entry->topic);
    free(entry->json);
    free(entry);
}

void
board_free(struct board *board)
{
    if (board == NULL)
        return;
    while (board->oldest != NULL) {
        struct entry *entry = board->oldest;

        board->oldest = entry->after;
        free_entry(entry);
    }
    for (size_t i = 0; i < board->n_lanes; i++)
        free(board->lanes[i].name);
    free(board->lanes);
    map_fini(&board->by_alert);
    free(board);
}

/* The list in the order of change. */

static void
unlink_entry(struct board *board, struct entry *entry)
{
    *(entry->before == NULL ? &board->oldest : &entry->before->after) = entry->after;
    *(entry->after == NULL ? &board->newest : &entry->after->before) = entry->before;
    entry->before = entry->after = NULL;
}

static void
stamp(struct board *board, struct entry *entry)
{
    entry->number = ++board->number;
    entry->before = board->newest;
    entry->after = NULL;
    *(board->newest == NULL ? &board->oldest : &board->newest->after) = entry;
    board->newest = entry;
}

/* Takes a slot of the ring; who had it is forgotten for good. */
static void
remember_gone(struct board *board, struct entry *entry)
{
    struct entry **slot = &board->gone[board->n_gone++ % BOARD_GONE];

    if (*slot != NULL) {
        if ((*slot)->number > board->forgotten)
            board->forgotten = (*slot)->number;
        unlink_entry(board, *slot);
        free_entry(*slot);
    }
    *slot = entry;
}

static void
remove_case(struct board *board, struct entry *entry)
{
    (void)map_del(&board->by_alert, entry->alert);
    if (entry->round == board->round)
        board->lanes[entry->lane].held--;
    free(entry->json);
    entry->json = NULL;
    entry->json_len = 0;
    unlink_entry(board, entry);
    stamp(board, entry);
    remember_gone(board, entry);
}

/* What comes in. */

struct levels {
    struct view at[TOPIC_LEVELS];
    size_t n;
};

static void
split(struct view topic, struct levels *out)
{
    out->n = 0;
    while (out->n < TOPIC_LEVELS) {
        const char *slash = topic.len == 0 ? NULL : memchr(topic.ptr, '/', topic.len);
        const size_t len = slash == NULL ? topic.len : (size_t)(slash - topic.ptr);

        out->at[out->n++] = (struct view){topic.ptr, len};
        if (slash == NULL)
            return;
        topic = (struct view){slash + 1, topic.len - len - 1};
    }
    out->n = TOPIC_LEVELS + 1; /* too many */
}

static struct lane *
find_lane(const struct board *board, struct view name)
{
    for (size_t i = 0; i < board->n_lanes; i++) {
        if (view_is(name, board->lanes[i].name))
            return &board->lanes[i];
    }
    return NULL;
}

static bool
refuse(struct board *board)
{
    board->refused++;
    return false;
}

static struct entry *
new_entry(struct board *board, struct view topic, size_t lane)
{
    struct entry *entry = mem_zalloc(1, sizeof(*entry));
    struct levels levels;

    entry->topic = mem_alloc(topic.len + 1);
    memcpy(entry->topic, topic.ptr, topic.len);
    entry->topic_len = topic.len;
    entry->lane = lane;
    split((struct view){entry->topic, topic.len}, &levels);
    for (size_t i = 0; i < UNITS; i++)
        entry->units[i] = levels.at[3 + i];
    entry->alert = levels.at[TOPIC_LEVELS - 1];
    (void)map_put(&board->by_alert, entry->alert, entry);
    entry->round = board->round - 1;
    stamp(board, entry);
    return entry;
}

static bool
is_object(struct view text, size_t max_bytes)
{
    return json_check(text, max_bytes, &(size_t){0}) == JSON_FINE &&
           text.ptr[strspn(text.ptr, " \t\r\n")] == '{';
}

static bool
feed_case(struct board *board, struct view topic, const struct levels *levels, struct view payload)
{
    struct lane *lane = find_lane(board, levels->at[2]);
    const struct view alert = levels->at[TOPIC_LEVELS - 1];
    struct entry *entry = map_get(&board->by_alert, alert);

    if (lane == NULL || alert.len == 0)
        return refuse(board);
    if (payload.len == 0) {
        /* A grid edit moves a case: its new topic is written first, then the old one cleared. */
        if (entry != NULL && view_eq((struct view){entry->topic, entry->topic_len}, topic))
            remove_case(board, entry);
        return true;
    }
    if (!is_object(payload, BOARD_MAX_CASE_BYTES) ||
        (entry == NULL && board->by_alert.len >= BOARD_MAX_CASES))
        return refuse(board);
    if (entry != NULL && !view_eq((struct view){entry->topic, entry->topic_len}, topic)) {
        remove_case(board, entry);
        entry = NULL;
    }
    if (entry == NULL) {
        entry = new_entry(board, topic, (size_t)(lane - board->lanes));
    } else if (!view_eq((struct view){entry->json, entry->json_len}, payload)) {
        unlink_entry(board, entry);
        stamp(board, entry);
    }
    if (entry->round != board->round)
        lane->held++;
    entry->round = board->round;
    free(entry->json);
    entry->json = mem_alloc(payload.len);
    memcpy(entry->json, payload.ptr, payload.len);
    entry->json_len = payload.len;
    return true;
}

static bool
feed_status(
    struct board *board, const struct levels *levels, struct view payload, struct instant now)
{
    struct lane *lane = find_lane(board, levels->at[2]);
    cJSON *root = NULL;

    if (lane == NULL)
        return false; /* of a lane that this configuration does not know: not for this board */
    if (is_object(payload, STATUS_MAX_BYTES))
        root = cJSON_ParseWithLength(payload.ptr, payload.len);
    if (root == NULL)
        return refuse(board);
    const cJSON *open = cJSON_GetObjectItemCaseSensitive(root, "open");

    lane->up = !cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(root, "up"));
    if (lane->up && cJSON_IsNumber(open))
        lane->open = (int64_t)open->valuedouble;
    lane->heard = now;
    lane->round = board->round;
    cJSON_Delete(root);
    return true;
}

/* Whether it is all there. */

static bool
lane_fresh(const struct board *board, const struct lane *lane, struct instant now)
{
    return board->linked && lane->round == board->round && lane->up &&
           now.us - lane->heard.us <= BOARD_FRESH.us;
}

static bool
all_there(const struct board *board, struct instant now)
{
    if (!board->linked || board->n_lanes == 0)
        return false;
    for (size_t i = 0; i < board->n_lanes; i++) {
        const struct lane *lane = &board->lanes[i];

        if (!lane_fresh(board, lane, now) || lane->held != lane->open)
            return false;
    }
    return true;
}

static void
enter(struct board *board, enum board_state state, struct instant now)
{
    if (board->state == state)
        return;
    board->state = state;
    board->since = now;
    board->state_version++;
}

static void
judge(struct board *board, struct instant now)
{
    if (all_there(board, now))
        enter(board, BOARD_COMPLETE, now);
    else if (board->state == BOARD_COMPLETE)
        enter(board, BOARD_LOADING, now);
    else if (board->state == BOARD_LOADING && now.us - board->since.us >= BOARD_PATIENCE.us)
        enter(board, BOARD_INCOMPLETE, now);
}

/* When a lane's count agrees with what came in this connection, the rest of what was held has been
 * cleared while we were away. */
static void
drop_unheard(struct board *board, const struct lane *lane)
{
    struct entry *entry = board->oldest;

    if (lane->round != board->round || !lane->up || lane->held != lane->open)
        return;
    while (entry != NULL) {
        struct entry *next = entry->after;

        if (entry->json != NULL && entry->round != board->round &&
            &board->lanes[entry->lane] == lane)
            remove_case(board, entry);
        entry = next;
    }
}

bool
board_feed(struct board *board, struct view topic, struct view payload, struct instant now)
{
    struct levels levels;
    bool ours = false;

    split(topic, &levels);
    if (levels.n == TOPIC_LEVELS && view_is(levels.at[0], "wallwatch") &&
        view_is(levels.at[1], "alert")) {
        ours = feed_case(board, topic, &levels, payload);
    } else if (levels.n == 3 && view_is(levels.at[0], "wallwatch") &&
               view_is(levels.at[1], "status")) {
        ours = feed_status(board, &levels, payload, now);
        if (ours)
            drop_unheard(board, find_lane(board, levels.at[2]));
    }
    judge(board, now);
    return ours;
}

void
board_link(struct board *board, bool up, struct instant now)
{
    if (up) {
        board->round++;
        for (size_t i = 0; i < board->n_lanes; i++)
            board->lanes[i].held = 0;
    }
    board->linked = up;
    board->state_version++;
    judge(board, now);
}

void
board_tick(struct board *board, struct instant now)
{
    judge(board, now);
}

enum board_state
board_state(const struct board *board)
{
    return board->state;
}

uint64_t
board_state_version(const struct board *board)
{
    return board->state_version;
}

void
board_state_json(const struct board *board, struct buf *out)
{
    struct json_writer json;

    json_begin(&json, out);
    json_object(&json, NULL);
    json_int(&json, "held", (int64_t)board->by_alert.len);
    json_array(&json, "lanes");
    for (size_t i = 0; i < board->n_lanes; i++) {
        const struct lane *lane = &board->lanes[i];
        const bool heard = board->linked && lane->round == board->round;

        json_object(&json, NULL);
        json_bool(&json, "heard", heard);
        json_text(&json, "lane", lane->name);
        if (heard && lane->open >= 0)
            json_int(&json, "missing", lane->open - lane->held);
        else
            json_null(&json, "missing");
        if (heard)
            json_instant(&json, "status", lane->heard);
        else
            json_null(&json, "status");
        json_bool(&json, "up", heard && lane->up);
        json_close(&json);
    }
    json_close(&json);
    json_bool(&json, "linked", board->linked);
    json_int(&json, "refused", (int64_t)board->refused);
    json_instant(&json, "since", board->since);
    json_text(&json, "state", board_state_names[board->state]);
    json_close(&json);
    json_end(&json);
}

/* Reading. */

static bool
in_scope(const struct entry *entry, struct view scope)
{
    if (scope.len == 0)
        return true;
    for (size_t i = 0; i < UNITS; i++) {
        if (view_eq(entry->units[i], scope))
            return true;
    }
    return false;
}

static void
show(const struct board *board, const struct entry *entry, struct board_change *out)
{
    *out = (struct board_change){.number = entry->number,
        .alert = entry->alert,
        .lane = view_of(board->lanes[entry->lane].name),
        .json = {entry->json, entry->json_len}};
}

/* A reader is nearly always near the end: it is sought from there. */
static const struct entry *
seek(const struct board *board, uint64_t after)
{
    const struct entry *entry = board->newest;

    if (after == 0)
        return board->oldest;
    if (entry == NULL || entry->number <= after)
        return NULL;
    while (entry->before != NULL && entry->before->number > after)
        entry = entry->before;
    return entry;
}

uint64_t
board_each(
    const struct board *board, struct view scope, uint64_t after, board_each_fn *each, void *arg)
{
    const bool anew = after == 0; /* nothing is known that could have gone */
    struct board_change change;

    for (const struct entry *entry = seek(board, after); entry != NULL; entry = entry->after) {
        if (in_scope(entry, scope) && (!anew || entry->json != NULL)) {
            show(board, entry, &change);
            if (!each(arg, &change))
                return entry->number;
        }
        after = entry->number;
    }
    return after;
}

uint64_t
board_number(const struct board *board)
{
    return board->number;
}

bool
board_reaches(const struct board *board, uint64_t after)
{
    return after >= board->forgotten && after <= board->number;
}

bool
board_find(
    const struct board *board, struct view scope, struct view alert, struct board_change *out)
{
    const struct entry *entry = map_get(&board->by_alert, alert);

    if (entry == NULL || !in_scope(entry, scope))
        return false;
    show(board, entry, out);
    return true;
}
