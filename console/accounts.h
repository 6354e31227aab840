/*
 * accounts: who may log in, as the file accounts.json of the console's folder holds them:
 *
 *   [{"hash": "$argon2id$...", "name": "wang", "role": "duty", "unit": "tianlin"}, ...]
 *
 * `wallwatch user` writes it whole, the console reads it again when it has changed. Only hashes
 * (argon2id) are in it. Pure; texts live in the arena.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "console/access.h"

#define ACCOUNTS_MAX_BYTES ((size_t)4 << 20)
#define ACCOUNT_MAX_NAME 64
#define PASSWORD_MIN_BYTES 10
#define PASSWORD_MAX_BYTES 1024

struct account {
    const char *name; /* a letter or digit, then letters, digits, '-', '_', '.' (ASCII) */
    const char *hash;
    const char *unit; /* sees and touches its subtree; "": all */
    enum role role;
};
struct accounts {
    struct account *at; /* in order of names */
    size_t len;
};

bool account_name_valid(struct view name);
/* Empty text: no accounts. */
MUST_USE bool accounts_parse(
    struct arena *arena, struct view text, struct accounts *out, struct err *err);
void accounts_write(const struct accounts *accounts, struct buf *out);
const struct account *accounts_find(const struct accounts *accounts, struct view name);
/* A copy of accounts with this one added or in place of its namesake; account NULL: without. */
struct accounts accounts_with(struct arena *arena, const struct accounts *accounts,
    struct view name, const struct account *account);
