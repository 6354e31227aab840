#include "service/peers.h"

#include <stdlib.h>

static int
by_name(const void *a, const void *b)
{
    return strcmp(((const struct peer *)a)->name, ((const struct peer *)b)->name);
}

void
peers_init(struct peers *peers, struct arena *arena, const char *self, const char *const *names,
    size_t n_names)
{
    *peers = (struct peers){.self = self, .at = ARENA_ARRAY(arena, n_names, struct peer)};
    for (size_t i = 0; i < n_names; i++) {
        if (strcmp(names[i], self) != 0)
            peers->at[peers->len++].name = names[i];
    }
    if (peers->len > 1)
        qsort(peers->at, peers->len, sizeof(*peers->at), by_name);
}

void
peers_heard(struct peers *peers, struct view name, bool up, uint32_t version, struct instant at,
    struct instant now)
{
    for (size_t i = 0; i < peers->len; i++) {
        struct peer *peer = &peers->at[i];

        if (!view_is(name, peer->name))
            continue;
        if (!up) {
            peer->said_down = true;
        } else if (instant_since(now, at).us < PEER_SILENCE.us) {
            peer->said_down = false;
            peer->heard = now;
            peer->version = version;
        }
    }
}

static bool
is_down(const struct peer *peer, struct instant now)
{
    return peer->said_down || instant_since(now, peer->heard).us > PEER_SILENCE.us;
}

static bool
we_speak(const struct peers *peers, struct instant now)
{
    for (size_t i = 0; i < peers->len; i++) {
        if (strcmp(peers->at[i].name, peers->self) < 0 && !is_down(&peers->at[i], now))
            return false;
    }
    return true;
}

size_t
peers_check(struct peers *peers, bool hearing, uint32_t version, struct instant now,
    struct peer_change *changes)
{
    size_t n = 0;

    /* While we are deaf nobody is known to be silent: clocks begin anew when we hear again. */
    if (!hearing || !peers->hearing) {
        for (size_t i = 0; i < peers->len; i++) {
            peers->at[i].heard = now;
            peers->at[i].same_since = now;
        }
        peers->hearing = hearing;
        return 0;
    }
    const bool speak = we_speak(peers, now);

    for (size_t i = 0; i < peers->len; i++) {
        struct peer *peer = &peers->at[i];
        const bool down = is_down(peer, now) && speak;

        if (peer->version == version || peer->version == 0 || is_down(peer, now))
            peer->same_since = now;
        const bool differs = instant_since(now, peer->same_since).us > PEER_DIFFERS.us && speak;

        if (down != peer->down)
            changes[n++] = (struct peer_change){peer, "wallwatch-down", down};
        if (differs != peer->differs)
            changes[n++] = (struct peer_change){peer, "config-mismatch", differs};
        peer->down = down;
        peer->differs = differs;
    }
    return n;
}
