/*
 * store: the files of a configuration as a set, and the versions that were accepted.
 *
 *   STATE/config/7/site.yaml ...  a copy of every file
 *   STATE/config/7/source         the folder it was applied from: what relative paths in it
 *                                 (keys, passwords, state_dir) are relative to
 *   STATE/config/current          "7\n", replaced as the last step
 *
 * A version without its name in `current` was never accepted; its number is not used again.
 */
#pragma once

#include "config/config.h"
#include "config/source.h"

struct config_place {
    const struct fs *fs;
    const char *dir;              /* where the files are read */
    const char *base;             /* what relative paths in them are relative to */
    bool accepted;                /* once: what only proofs say against it are warnings */
    const struct source *devices; /* stands in for devices.csv; NULL: the file */
    struct instant now;           /* days from then on are proven; 0: none are */
    struct instant today;         /* when dates are in the future; 0: never */
};

struct config *config_load_from(
    const struct config_place *place, struct arena *arena, struct problems *problems);

struct config_files { /* relative names, in order */
    const char **at;
    size_t len;
};

/* Those that exist; lives in arena. */
void config_files_list(
    const struct fs *fs, const char *dir, struct arena *arena, struct config_files *out);
/* 32 hex digits of all names and bytes; "" if one cannot be read. */
void config_files_hash(
    const struct fs *fs, const char *dir, const struct config_files *files, char out[33]);

struct config_versions { /* accepted or begun, rising */
    uint32_t *at;        /* heap */
    size_t len, cap;
};

MUST_USE bool config_versions_list(
    const struct fs *fs, const char *state_dir, struct config_versions *out, struct err *err);
void config_versions_fini(struct config_versions *versions);
