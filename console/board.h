/*
 * board: what is open now, as the retained topics of the lanes tell it, and what has changed since
 * a reader last looked.
 *
 *   wallwatch/alert/#, wallwatch/status/+  ->  board  ->  streams and lists of the console
 *
 * Promises: it is `complete` only while every lane's status is fresh, came after this connection,
 * and counts as many open cases as are held; until then it is `loading`, and when it once was
 * complete or 10 s have passed, `incomplete` with the lane and what is missing. It never shows an
 * empty board for one that it does not know.
 *
 * Every change has a number, from 1 on. All cases, and the newest BOARD_GONE that have gone, stand
 * in one list in the order of their last change, so a reader is a number: what it has not seen is
 * the end of the list, each case once however often it changed. A slow reader costs nothing.
 *
 * A case is seen by who may see its unit: scope is the id of a unit (or "" for all), and a case is
 * in it if one of the four units of its topic is that. Place: pure. Time: an argument. Memory: its
 * own; views that it gives live until the next call that is not const.
 */
#pragma once

#include "base/buf.h"
#include "base/instant.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOARD_GONE 4096             /* so many that have gone are remembered */
#define BOARD_MAX_CASE_BYTES 262144 /* a longer body is refused */
#define BOARD_MAX_CASES 200000      /* more are counted as refused: the board is incomplete */
#define BOARD_FRESH SPAN_S(5)       /* a status comes every second */
#define BOARD_PATIENCE SPAN_S(10)   /* to become complete, before it is called incomplete */

struct board;

enum board_state {
    BOARD_LOADING,
    BOARD_COMPLETE,
    BOARD_INCOMPLETE,
    BOARD_STATES,
};
extern const char *const board_state_names[BOARD_STATES];

/* The lanes of the configuration; names are copied. */
struct board *board_new(const char *const *lanes, size_t n_lanes, struct instant now);
void board_free(struct board *board);

/* The connection to the broker. Up: the retained topics come again; what has not come again when
 * the lane's count agrees with what has is dropped. */
void board_link(struct board *board, bool up, struct instant now);
/* Any topic; false: it was none of ours, or its body was refused. */
bool board_feed(struct board *board, struct view topic, struct view payload, struct instant now);
/* To be called every second: notices silence. */
void board_tick(struct board *board, struct instant now);

enum board_state board_state(const struct board *board);
/* {"held", "lanes": [{"heard", "lane", "missing", "status", "up"}], "linked", "refused", "since",
 * "state"} */
void board_state_json(const struct board *board, struct buf *out);
/* Grows whenever board_state_json would differ in more than numbers. */
uint64_t board_state_version(const struct board *board);

struct board_change {
    uint64_t number;
    struct view alert; /* id */
    struct view lane;
    struct view json; /* the body of its topic; empty: it has gone */
};
/* False: enough for now. */
typedef bool board_each_fn(void *arg, const struct board_change *change);
/* What has changed after `after` and scope may see, in order, until each has enough. Returns the
 * number to go on from. */
uint64_t board_each(
    const struct board *board, struct view scope, uint64_t after, board_each_fn *each, void *arg);
uint64_t board_number(const struct board *board); /* of the newest change */
/* False: what has gone since `after` is not all remembered: the reader must begin anew, at 0. */
bool board_reaches(const struct board *board, uint64_t after);
/* One case; false: not held, or not in scope (which is the same to who asks). */
bool board_find(
    const struct board *board, struct view scope, struct view alert, struct board_change *out);
