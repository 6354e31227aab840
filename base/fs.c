#include "base/fs.h"

#include "base/arena.h"
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *
fs_join(const char *dir, const char *name)
{
    const size_t size = strlen(dir) + strlen(name) + 2;
    char *path = mem_alloc(size);

    (void)snprintf(path, size, "%s/%s", dir, name);
    return path;
}

char *
fs_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    const size_t len = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    char *parent = mem_alloc(len + 1);

    memcpy(parent, slash == NULL ? "." : path, len);
    parent[len] = '\0';
    return parent;
}

static bool
write_new(const struct fs *fs, const char *path, struct view bytes, struct err *err)
{
    struct err gone = {0};
    struct fs_file *file;

    /* One left over by a crash; if it cannot be removed, open says why. */
    (void)fs->remove(fs->self, path, &gone);
    if (!fs->open(fs->self, path, FS_CREATE, &file, err))
        return false;
    const bool ok = (bytes.len == 0 || fs->write(fs->self, file, 0, bytes, err)) &&
                    fs->sync(fs->self, file, err);

    fs->close(fs->self, file);
    return ok;
}

bool
fs_replace(const struct fs *fs, const char *path, struct view bytes, struct err *err)
{
    const size_t size = strlen(path) + sizeof(".new");
    char *fresh = mem_alloc(size);
    char *dir = fs_parent(path);
    bool ok = false;

    (void)snprintf(fresh, size, "%s.new", path);
    if (!write_new(fs, fresh, bytes, err) || !fs->rename(fs->self, fresh, path, err)) {
        struct err ignored = {0};

        (void)fs->remove(fs->self, fresh, &ignored);
    } else {
        ok = fs->sync_dir(fs->self, dir, err);
    }
    free(dir);
    free(fresh);
    return ok;
}

bool
fs_read_all(const struct fs *fs, const char *path, struct buf *out, struct err *err)
{
    char part[65536];
    struct fs_file *file;
    uint64_t at = 0;
    size_t got = 0;
    bool ok = false;

    if (!fs->open(fs->self, path, FS_READ, &file, err))
        return false;
    do {
        if (!fs->read(fs->self, file, at, part, sizeof(part), &got, err))
            goto done;
        buf_put(out, view_bytes(part, got));
        at += got;
        if (out->full) {
            (void)err_set(err, ERR_FULL, "%s: is larger than %zu bytes", path, out->max);
            goto done;
        }
    } while (got == sizeof(part));
    ok = true;
done:
    fs->close(fs->self, file);
    return ok;
}
