/*
 * checkpoint: the form of a lane's checkpoint file. Pure; service/lane_checkpoint_uv writes it.
 * The files are DIR/checkpoint/N, N growing, two kept.
 *
 * "WWC1", then what follows in base/pack form, then crc32c over all before it:
 *   u32 version in force, u64 journal position judged, u64 ledger position, u32 epoch, instant,
 *   u64 shed from, u64 shed to, u64 shed records,
 *   u32 count of eras, each: u64 position, u32 version,
 *   view engine (its own canonical form, engine_save).
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/instant.h"

#include <stdint.h>

/* Records after that position are decoded under that version. */
struct checkpoint_era {
    uint64_t pos;
    uint32_t version;
};

struct checkpoint {
    uint32_t version;
    uint64_t journal, ledger; /* start = this + what comes after these */
    uint32_t epoch;
    struct instant at;
    uint64_t shed_from, shed_to, shed_records; /* given up, not yet told to the database */
    const struct checkpoint_era *eras;         /* by position; oldest the writer may still need */
    size_t n_eras;
    struct view engine;
};

void checkpoint_write(const struct checkpoint *checkpoint, struct buf *out);
/* eras live in arena, engine points into bytes. */
MUST_USE bool checkpoint_read(
    struct view bytes, struct arena *arena, struct checkpoint *out, struct err *err);

/* Numbers of the newest two files of a lane's folder DIR/checkpoint; 0: there is none. */
MUST_USE bool checkpoint_serials(
    const struct fs *fs, const char *dir, uint64_t newest[2], struct err *err);
void checkpoint_path(const char *dir, uint64_t serial, char *out, size_t size);
