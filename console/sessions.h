/*
 * sessions: who is logged in, and the trail of what was done: one log (wal) in the console's
 * folder, read again at the start.
 *
 *   {"at", "by", "session", "until", "what": "login"}   session: BLAKE2b of the cookie, hex
 *   {"at", "by", "session", "what": "logout"}
 *   {"at", "by", "target", "what", "words"}             a command, a look at personal data
 *
 * Frames are made and applied here; the log itself is the caller's. A cookie is never in it.
 * Pure; time is an argument.
 */
#pragma once

#include "base/buf.h"
#include "base/instant.h"
#include "base/map.h"
#include "base/view.h"

#define SESSION_LIFE SPAN_S(24 * 3600) /* from the login; a wall screen logs in once a day */
#define SESSION_HEX 65                 /* of BLAKE2b-256, and a NUL */
#define SESSIONS_MAX 4096              /* at once; over it the one that ends first goes */

struct session {
    char id[SESSION_HEX];
    char user[65];
    struct instant until;
};
struct sessions {
    struct map by_id; /* hex -> struct session */
};

void sessions_init(struct sessions *sessions);
void sessions_fini(struct sessions *sessions);
/* Frames of other kinds change nothing; bad bytes neither. */
void sessions_apply(struct sessions *sessions, struct view frame);
/* NULL: none, or it has ended. */
const struct session *sessions_find(
    const struct sessions *sessions, struct view id, struct instant now);

void session_login_frame(struct buf *out, struct view id, struct view user, struct instant now);
void session_logout_frame(struct buf *out, struct view id, struct view user, struct instant now);
void trail_frame(struct buf *out, struct view user, const char *what, struct view target,
    struct view words, struct instant now);
