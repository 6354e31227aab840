/* sim_accounts: passwords of the accounts that the simulator plays, beside those of the lanes. */
#pragma once

#include "config/config.h"

/* FOLDER/user, where FOLDER holds the password file of the broker or of the first lane that has
 * one; NULL: none has, the broker takes anybody. */
const char *sim_password_beside(const struct config *config, const char *user, struct arena *arena);
/* Text of a file without the white space at its end; NULL with err if it cannot be read. */
const char *sim_secret(const char *path, struct arena *arena, struct err *err);
