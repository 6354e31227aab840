/*
 * schema: the numbered SQL files of schema/, as they were when the program was built.
 *
 * The program carries them, so that the binary alone can migrate, and so that whoever writes to
 * the database knows which schema it was built for. Made by schema_embed.py; immutable.
 */
#pragma once

#include "base/view.h"

#include <stddef.h>
#include <stdint.h>

struct schema_file {
    uint32_t version; /* 1, 2, ...: the number in its name */
    const char *name; /* "0001_roles.sql" */
    struct view sql;
};

extern const struct schema_file schema_files[];
extern const size_t schema_len;
/* The version this program was built for: that of the last file. */
extern const uint32_t schema_version;
