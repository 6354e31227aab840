#include "tests/faults/fs_memory.h"

#include "base/arena.h"
#include "base/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct picture {
    char *ptr;
    size_t len;
};

enum change_kind {
    CHANGE_WRITE,
    CHANGE_SIZE,
};

struct change {
    enum change_kind kind;
    uint64_t at; /* CHANGE_SIZE: the new size */
    char *ptr;
    size_t len;
};

/* A file; it lives as long as the memory, so that nobody has to count names. */
struct inode {
    struct picture seen;
    struct picture disk;
    VEC(struct change) pending;
};

struct name {
    char *path;
    struct inode *inode;
};

struct names {
    struct name *at;
    size_t len;
    size_t cap;
};

/* to NULL: removed; from NULL: created. */
struct name_change {
    char *from;
    char *to;
    struct inode *inode;
};

struct fs_file {
    struct inode *inode;
    char path[];
};

struct fs_memory {
    struct fs fs;
    VEC(struct inode *) inodes;
    struct names seen;
    struct names disk;
    VEC(struct name_change) pending;
    enum fs_fault fault;
    uint64_t nth, count, operations, dice;
    bool failed, dead, lie;
};

enum need {
    NEED_NOTHING,
    NEED_ROOM,
    NEED_WRITE,
};

static uint64_t throw(struct fs_memory * memory)
{
    /* splitmix64 */
    uint64_t z = memory->dice += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static char *
copy_text(const char *text)
{
    char *copy = mem_alloc(strlen(text) + 1);

    memcpy(copy, text, strlen(text) + 1);
    return copy;
}

static void
resize(struct picture *picture, size_t len)
{
    if (len > picture->len) {
        picture->ptr = mem_resize(picture->ptr, len, 1);
        memset(picture->ptr + picture->len, 0, len - picture->len);
    }
    picture->len = len;
}

static void
put(struct picture *picture, uint64_t at, const char *ptr, size_t len)
{
    if (at + len > picture->len)
        resize(picture, (size_t)at + len);
    if (len > 0)
        memcpy(picture->ptr + at, ptr, len);
}

/* Counts the operation; false if it is to fail. */
static bool
step(struct fs_memory *memory, enum need need, const char *path, struct err *err)
{
    memory->operations++;
    const bool due = memory->nth > 0 && memory->operations >= memory->nth &&
                     memory->operations - memory->nth < memory->count;

    if (memory->dead)
        return err_set(err, ERR_IO, "%s: the machine is off", path);
    if (!due || (memory->fault == FS_FAULT_FULL && need == NEED_NOTHING) ||
        (memory->fault == FS_FAULT_SHORT && need != NEED_WRITE))
        return true;
    memory->failed = true;
    memory->dead = memory->fault == FS_FAULT_CUT;
    return err_set(err, memory->fault == FS_FAULT_FULL ? ERR_FULL : ERR_IO,
        "%s: planned fault at operation %llu", path, (unsigned long long)memory->operations);
}

static struct name *
find(struct names *names, const char *path)
{
    for (size_t i = 0; i < names->len; i++) {
        if (strcmp(names->at[i].path, path) == 0)
            return &names->at[i];
    }
    return NULL;
}

static void
drop_name(struct names *names, const char *path)
{
    struct name *name = find(names, path);

    if (name == NULL)
        return;
    free(name->path);
    *name = names->at[--names->len];
}

static void
set_name(struct names *names, const char *path, struct inode *inode)
{
    drop_name(names, path);
    *VEC_PUSH(names) = (struct name){copy_text(path), inode};
}

static void
change_name(struct names *names, const struct name_change *change)
{
    if (change->from != NULL)
        drop_name(names, change->from);
    if (change->to != NULL)
        set_name(names, change->to, change->inode);
}

static void
record_name(struct fs_memory *memory, const char *from, const char *to, struct inode *inode)
{
    const struct name_change change = {
        from == NULL ? NULL : copy_text(from), to == NULL ? NULL : copy_text(to), inode};

    change_name(&memory->seen, &change);
    *VEC_PUSH(&memory->pending) = change;
}

static bool
memory_open(void *self, const char *path, enum fs_mode mode, struct fs_file **out, struct err *err)
{
    struct fs_memory *memory = self;
    const struct name *name = find(&memory->seen, path);

    if (!step(memory, mode == FS_CREATE ? NEED_ROOM : NEED_NOTHING, path, err))
        return false;
    if (mode != FS_CREATE && name == NULL)
        return err_set(err, ERR_GONE, "%s: not there", path);
    if (mode == FS_CREATE && name != NULL)
        return err_set(err, ERR_IO, "%s: is there already", path);
    struct inode *inode = name == NULL ? mem_zalloc(1, sizeof(*inode)) : name->inode;

    if (name == NULL) {
        *VEC_PUSH(&memory->inodes) = inode;
        record_name(memory, NULL, path, inode);
    }
    struct fs_file *file = mem_alloc(sizeof(*file) + strlen(path) + 1);

    file->inode = inode;
    memcpy(file->path, path, strlen(path) + 1);
    *out = file;
    return true;
}

static void
memory_close(void *self, struct fs_file *file)
{
    (void)self;
    free(file);
}

static bool
memory_size(void *self, struct fs_file *file, uint64_t *out, struct err *err)
{
    if (!step(self, NEED_NOTHING, file->path, err))
        return false;
    *out = file->inode->seen.len;
    return true;
}

static bool
memory_read(void *self, struct fs_file *file, uint64_t at, void *buf, size_t len, size_t *got,
    struct err *err)
{
    const struct picture *seen = &file->inode->seen;

    if (!step(self, NEED_NOTHING, file->path, err))
        return false;
    *got = at >= seen->len ? 0 : len < seen->len - at ? len : seen->len - (size_t)at;
    if (*got > 0)
        memcpy(buf, seen->ptr + at, *got);
    return true;
}

static void
record_write(struct inode *inode, uint64_t at, const char *ptr, size_t len)
{
    struct change *change = VEC_PUSH(&inode->pending);

    put(&inode->seen, at, ptr, len);
    *change = (struct change){CHANGE_WRITE, at, mem_alloc(len), len};
    memcpy(change->ptr, ptr, len);
}

static bool
memory_write(void *self, struct fs_file *file, uint64_t at, struct view bytes, struct err *err)
{
    struct fs_memory *memory = self;
    const bool off = memory->dead;

    if (!step(memory, NEED_WRITE, file->path, err)) {
        if (!off)
            record_write(file->inode, at, bytes.ptr, bytes.len / 2);
        return false;
    }
    record_write(file->inode, at, bytes.ptr, bytes.len);
    return true;
}

static void
apply(struct picture *disk, const struct change *change)
{
    if (change->kind == CHANGE_SIZE)
        resize(disk, (size_t)change->at);
    else
        put(disk, change->at, change->ptr, change->len);
}

/* The disk got some of what it was given. */
static void
gamble(struct fs_memory *memory, struct inode *inode)
{
    for (size_t i = 0; i < inode->pending.len; i++) {
        struct change change = inode->pending.at[i];
        const uint64_t dice = throw(memory);

        if (change.kind == CHANGE_WRITE && dice % 4 == 1 && change.len > 1)
            change.len = 1 + (size_t)(dice / 4 % (change.len - 1));
        if (dice % 4 == 2)
            continue;
        apply(&inode->disk, &change);
    }
}

static void
forget(struct inode *inode)
{
    for (size_t i = 0; i < inode->pending.len; i++)
        free(inode->pending.at[i].ptr);
    inode->pending.len = 0;
}

static bool
memory_sync(void *self, struct fs_file *file, struct err *err)
{
    struct fs_memory *memory = self;
    struct inode *inode = file->inode;

    if (!step(memory, NEED_NOTHING, file->path, err)) {
        if (!memory->dead) {
            gamble(memory, inode);
            forget(inode);
        }
        return false;
    }
    if (memory->lie)
        return true;
    for (size_t i = 0; i < inode->pending.len; i++)
        apply(&inode->disk, &inode->pending.at[i]);
    forget(inode);
    return true;
}

static void
record_size(struct inode *inode, uint64_t len)
{
    resize(&inode->seen, (size_t)len);
    *VEC_PUSH(&inode->pending) = (struct change){.kind = CHANGE_SIZE, .at = len};
}

static bool
memory_reserve(void *self, struct fs_file *file, uint64_t len, struct err *err)
{
    if (!step(self, NEED_ROOM, file->path, err))
        return false;
    if (len > file->inode->seen.len)
        record_size(file->inode, len);
    return true;
}

static bool
memory_truncate(void *self, struct fs_file *file, uint64_t len, struct err *err)
{
    if (!step(self, NEED_NOTHING, file->path, err))
        return false;
    record_size(file->inode, len);
    return true;
}

static bool
memory_rename(void *self, const char *from, const char *to, struct err *err)
{
    struct fs_memory *memory = self;
    const struct name *name = find(&memory->seen, from);

    if (!step(memory, NEED_ROOM, from, err))
        return false;
    if (name == NULL)
        return err_set(err, ERR_GONE, "%s: not there", from);
    record_name(memory, from, to, name->inode);
    return true;
}

static bool
memory_remove(void *self, const char *path, struct err *err)
{
    struct fs_memory *memory = self;

    if (!step(memory, NEED_NOTHING, path, err))
        return false;
    if (find(&memory->seen, path) == NULL)
        return err_set(err, ERR_GONE, "%s: not there", path);
    record_name(memory, path, NULL, NULL);
    return true;
}

static bool
memory_make_dir(void *self, const char *path, struct err *err)
{
    return step(self, NEED_ROOM, path, err);
}

/* One folder is as good as all: the tests' logs lie in one. */
static bool
memory_sync_dir(void *self, const char *path, struct err *err)
{
    struct fs_memory *memory = self;

    if (!step(memory, NEED_NOTHING, path, err))
        return false;
    if (memory->lie)
        return true;
    for (size_t i = 0; i < memory->pending.len; i++) {
        change_name(&memory->disk, &memory->pending.at[i]);
        free(memory->pending.at[i].from);
        free(memory->pending.at[i].to);
    }
    memory->pending.len = 0;
    return true;
}

static bool
memory_list(void *self, const char *path, fs_list_fn *each, void *arg, struct err *err)
{
    struct fs_memory *memory = self;
    const size_t len = strlen(path);

    if (!step(memory, NEED_NOTHING, path, err))
        return false;
    for (size_t i = 0; i < memory->seen.len; i++) {
        const char *name = memory->seen.at[i].path;

        if (strncmp(name, path, len) == 0 && name[len] == '/' &&
            strchr(name + len + 1, '/') == NULL)
            each(arg, name + len + 1);
    }
    return true;
}

struct fs_memory *
fs_memory_new(void)
{
    struct fs_memory *memory = mem_zalloc(1, sizeof(*memory));

    memory->fs = (struct fs){
        .self = memory,
        .open = memory_open,
        .close = memory_close,
        .size = memory_size,
        .read = memory_read,
        .write = memory_write,
        .sync = memory_sync,
        .reserve = memory_reserve,
        .truncate = memory_truncate,
        .rename = memory_rename,
        .remove = memory_remove,
        .make_dir = memory_make_dir,
        .sync_dir = memory_sync_dir,
        .list = memory_list,
    };
    return memory;
}

static void
clear_names(struct names *names)
{
    while (names->len > 0)
        free(names->at[--names->len].path);
}

void
fs_memory_free(struct fs_memory *memory)
{
    for (size_t i = 0; i < memory->inodes.len; i++) {
        struct inode *inode = memory->inodes.at[i];

        forget(inode);
        VEC_FREE(&inode->pending);
        free(inode->seen.ptr);
        free(inode->disk.ptr);
        free(inode);
    }
    for (size_t i = 0; i < memory->pending.len; i++) {
        free(memory->pending.at[i].from);
        free(memory->pending.at[i].to);
    }
    clear_names(&memory->seen);
    clear_names(&memory->disk);
    VEC_FREE(&memory->seen);
    VEC_FREE(&memory->disk);
    VEC_FREE(&memory->pending);
    VEC_FREE(&memory->inodes);
    free(memory);
}

const struct fs *
fs_memory_fs(struct fs_memory *memory)
{
    return &memory->fs;
}

void
fs_memory_fail(struct fs_memory *memory, enum fs_fault fault, uint64_t nth, uint64_t count)
{
    memory->fault = fault;
    memory->nth = nth;
    memory->count = count;
    memory->operations = 0;
    memory->failed = false;
    memory->dice = nth;
}

uint64_t
fs_memory_operations(const struct fs_memory *memory)
{
    return memory->operations;
}

bool
fs_memory_failed(const struct fs_memory *memory)
{
    return memory->failed;
}

void
fs_memory_power_cut(struct fs_memory *memory, uint64_t seed)
{
    memory->dice = seed;
    const size_t kept = memory->pending.len == 0 ? 0 : throw(memory) % (memory->pending.len + 1);

    for (size_t i = 0; i < memory->pending.len; i++) {
        if (i < kept)
            change_name(&memory->disk, &memory->pending.at[i]);
        free(memory->pending.at[i].from);
        free(memory->pending.at[i].to);
    }
    memory->pending.len = 0;
    clear_names(&memory->seen);
    for (size_t i = 0; i < memory->disk.len; i++)
        set_name(&memory->seen, memory->disk.at[i].path, memory->disk.at[i].inode);
    for (size_t i = 0; i < memory->inodes.len; i++) {
        struct inode *inode = memory->inodes.at[i];

        gamble(memory, inode);
        forget(inode);
        resize(&inode->seen, 0);
        put(&inode->seen, 0, inode->disk.ptr == NULL ? "" : inode->disk.ptr, inode->disk.len);
    }
    memory->dead = false;
    memory->nth = 0;
}

void
fs_memory_lie(struct fs_memory *memory)
{
    memory->lie = true;
}

bool
fs_memory_damage(struct fs_memory *memory, const char *path, uint64_t at)
{
    const struct name *name = find(&memory->seen, path);

    if (name == NULL || at >= name->inode->seen.len)
        return false;
    name->inode->seen.ptr[at] ^= 0x40;
    if (at < name->inode->disk.len)
        name->inode->disk.ptr[at] ^= 0x40;
    return true;
}
