#include "service/checkpoint.h"

#include "base/crc32c.h"
#include "base/pack.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MAGIC "WWC1"

void
checkpoint_write(const struct checkpoint *checkpoint, struct buf *out)
{
    const size_t start = out->len;

    buf_text(out, MAGIC);
    pack_u32(out, checkpoint->version);
    pack_u64(out, checkpoint->journal);
    pack_u64(out, checkpoint->ledger);
    pack_u32(out, checkpoint->epoch);
    pack_instant(out, checkpoint->at);
    pack_u64(out, checkpoint->shed_from);
    pack_u64(out, checkpoint->shed_to);
    pack_u64(out, checkpoint->shed_records);
    pack_u32(out, (uint32_t)checkpoint->n_eras);
    for (size_t i = 0; i < checkpoint->n_eras; i++) {
        pack_u64(out, checkpoint->eras[i].pos);
        pack_u32(out, checkpoint->eras[i].version);
    }
    pack_view(out, checkpoint->engine);
    pack_u32(out, crc32c(0, view_bytes(out->ptr + start, out->len - start)));
}

bool
checkpoint_read(struct view bytes, struct arena *arena, struct checkpoint *out, struct err *err)
{
    struct checkpoint read = {0};
    struct checkpoint_era *eras;

    if (bytes.len < 8 || memcmp(bytes.ptr, MAGIC, 4) != 0)
        return err_set(err, ERR_INPUT, "not a checkpoint of this program");
    struct unpack tail = unpack_from(view_bytes(bytes.ptr + bytes.len - 4, 4));

    if (unpack_u32(&tail) != crc32c(0, view_bytes(bytes.ptr, bytes.len - 4)))
        return err_set(err, ERR_INPUT, "checksum is wrong");
    struct unpack in = unpack_from(view_bytes(bytes.ptr + 4, bytes.len - 8));

    read.version = unpack_u32(&in);
    read.journal = unpack_u64(&in);
    read.ledger = unpack_u64(&in);
    read.epoch = unpack_u32(&in);
    read.at = unpack_instant(&in);
    read.shed_from = unpack_u64(&in);
    read.shed_to = unpack_u64(&in);
    read.shed_records = unpack_u64(&in);
    read.n_eras = unpack_count(&in, 12);
    eras = ARENA_ARRAY(arena, read.n_eras, struct checkpoint_era);
    for (size_t i = 0; i < read.n_eras; i++) {
        eras[i].pos = unpack_u64(&in);
        eras[i].version = unpack_u32(&in);
    }
    read.eras = eras;
    read.engine = unpack_view(&in);
    if (!unpack_done(&in))
        return err_set(err, ERR_INPUT, "its contents do not fit its form");
    *out = read;
    return true;
}

void
checkpoint_path(const char *dir, uint64_t serial, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/checkpoint/%012" PRIu64, dir, serial);
}

static void
each_name(void *arg, const char *name)
{
    uint64_t *newest = arg;
    char *end = NULL;
    const unsigned long long n = strtoull(name, &end, 10);

    if (end == name || *end != '\0')
        return;
    if (n > newest[0]) {
        newest[1] = newest[0];
        newest[0] = n;
    } else if (n > newest[1]) {
        newest[1] = n;
    }
}

bool
checkpoint_serials(const struct fs *fs, const char *dir, uint64_t newest[2], struct err *err)
{
    char *folder = fs_join(dir, "checkpoint");

    newest[0] = newest[1] = 0;
    const bool ok = fs->list(fs->self, folder, each_name, newest, err);

    free(folder);
    return ok;
}
