/*
 * keeper: the housekeeping of the tables, on a connection of its own: roll-ups of what batches have
 * touched (schema/0008_rollup.sql); chunks made ahead, made small when they are old, and dropped by
 * policy (schema/0010_keep.sql). Every lane has one; the database lets one at a time work.
 *
 * Nothing waits for it and it holds no state: what is not done now is done later, by whoever comes.
 * Thread: loop. Time: the loop's, every 10 s, at once again while there is more.
 */
#pragma once

#include <uv.h>

struct keeper;

struct keeper_options {
    uv_loop_t *loop;
    const char *conninfo, *password_file;           /* copied; password_file NULL: none */
    const char *lane;                               /* copied */
    void (*on_trouble)(void *arg, const char *why); /* may come many times; it goes on */
    void (*on_kept)(void *arg, const char *what);   /* one step of housekeeping was done */
    void *arg;
};

struct keeper *keeper_open(const struct keeper_options *opt);
/* Nothing but on_closed comes afterwards. */
void keeper_close(struct keeper *keeper, void (*on_closed)(void *arg), void *arg);
