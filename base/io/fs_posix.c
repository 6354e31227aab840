#include "base/io/fs_posix.h"

#include "base/arena.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct fs_file {
    int fd;
    char path[]; /* for error texts */
};

/* Telemetry of people's homes: nobody outside the service's group reads it. */
#define FILE_MODE 0640
#define DIR_MODE 0750

static bool
fail(struct err *err, const char *path, const char *what, int number)
{
    char reason[128];
    enum err_kind kind = ERR_IO;

    if (strerror_r(number, reason, sizeof(reason)) != 0)
        (void)snprintf(reason, sizeof(reason), "error %d", number);
    if (number == ENOSPC || number == EDQUOT)
        kind = ERR_FULL;
    else if (number == ENOENT)
        kind = ERR_GONE;
    return err_set(err, kind, "%s: %s: %s", path, what, reason);
}

static bool
file_open(void *self, const char *path, enum fs_mode mode, struct fs_file **out, struct err *err)
{
    static const int flags[] = {
        [FS_READ] = O_RDONLY, [FS_WRITE] = O_RDWR, [FS_CREATE] = O_RDWR | O_CREAT | O_EXCL};
    static const char *const words[] = {
        [FS_READ] = "open", [FS_WRITE] = "open", [FS_CREATE] = "create"};
    const int fd = open(path, flags[mode] | O_CLOEXEC, FILE_MODE);

    (void)self;
    if (fd < 0)
        return fail(err, path, words[mode], errno);
    const size_t len = strlen(path) + 1;
    struct fs_file *file = mem_alloc(sizeof(*file) + len);

    file->fd = fd;
    memcpy(file->path, path, len);
    *out = file;
    return true;
}

static void
file_close(void *self, struct fs_file *file)
{
    (void)self;
    (void)close(file->fd);
    free(file);
}

static bool
file_size(void *self, struct fs_file *file, uint64_t *out, struct err *err)
{
    struct stat st;

    (void)self;
    if (fstat(file->fd, &st) != 0)
        return fail(err, file->path, "stat", errno);
    *out = (uint64_t)st.st_size;
    return true;
}

static bool
file_read(void *self, struct fs_file *file, uint64_t at, void *buf, size_t len, size_t *got,
    struct err *err)
{
    size_t done = 0;

    (void)self;
    while (done < len) {
        const ssize_t n = pread(file->fd, (char *)buf + done, len - done, (off_t)(at + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(err, file->path, "read", errno);
        if (n == 0)
            break;
        done += (size_t)n;
    }
    *got = done;
    return true;
}

static bool
file_write(void *self, struct fs_file *file, uint64_t at, struct view bytes, struct err *err)
{
    size_t done = 0;

    (void)self;
    while (done < bytes.len) {
        const ssize_t n = pwrite(file->fd, bytes.ptr + done, bytes.len - done, (off_t)(at + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(err, file->path, "write", errno);
        done += (size_t)n;
    }
    return true;
}

static bool
file_sync(void *self, struct fs_file *file, struct err *err)
{
    (void)self;
    /* No second try, not even after EINTR: a sync that failed may have dropped the pages. */
    return fdatasync(file->fd) == 0 || fail(err, file->path, "sync", errno);
}

static bool
file_reserve(void *self, struct fs_file *file, uint64_t len, struct err *err)
{
    struct stat st;
    int number;

    (void)self;
    if (fstat(file->fd, &st) != 0)
        return fail(err, file->path, "stat", errno);
    do {
        number = posix_fallocate(file->fd, 0, (off_t)len);
    } while (number == EINTR);
    if (number == 0)
        return true;
    /* What it got before it failed it keeps, and a full disk would stay full. */
    (void)!ftruncate(file->fd, st.st_size);
    return fail(err, file->path, "reserve room", number);
}

static bool
file_truncate(void *self, struct fs_file *file, uint64_t len, struct err *err)
{
    (void)self;
    return ftruncate(file->fd, (off_t)len) == 0 || fail(err, file->path, "truncate", errno);
}

static bool
path_rename(void *self, const char *from, const char *to, struct err *err)
{
    (void)self;
    return rename(from, to) == 0 || fail(err, from, "rename", errno);
}

static bool
path_remove(void *self, const char *path, struct err *err)
{
    (void)self;
    return unlink(path) == 0 || fail(err, path, "remove", errno);
}

static bool
path_make_dir(void *self, const char *path, struct err *err)
{
    struct stat st;

    (void)self;
    if (mkdir(path, DIR_MODE) == 0)
        return true;
    const int number = errno;

    if (number == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return true;
    return fail(err, path, "make folder", number);
}

static bool
path_sync_dir(void *self, const char *path, struct err *err)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)self;
    if (fd < 0)
        return fail(err, path, "open folder", errno);
    const int number = fsync(fd) == 0 ? 0 : errno;

    (void)close(fd);
    return number == 0 || fail(err, path, "sync folder", number);
}

static bool
path_list(void *self, const char *path, fs_list_fn *each, void *arg, struct err *err)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;

    (void)self;
    if (dir == NULL)
        return fail(err, path, "list folder", errno);
    errno = 0;
    /* This stream is ours alone, which is all that readdir asks for. */
    while ((entry = readdir(dir)) != NULL) { /* NOLINT(concurrency-mt-unsafe) */
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            each(arg, entry->d_name);
        errno = 0;
    }
    const int number = errno;

    (void)closedir(dir);
    return number == 0 || fail(err, path, "list folder", number);
}

const struct fs *
fs_posix(void)
{
    static const struct fs fs = {
        .open = file_open,
        .close = file_close,
        .size = file_size,
        .read = file_read,
        .write = file_write,
        .sync = file_sync,
        .reserve = file_reserve,
        .truncate = file_truncate,
        .rename = path_rename,
        .remove = path_remove,
        .make_dir = path_make_dir,
        .sync_dir = path_sync_dir,
        .list = path_list,
    };

    return &fs;
}

/* Who has it, for the error text; "?" if the owner has not written it yet. */
static void
read_owner(int fd, char *pid, size_t size)
{
    const ssize_t n = pread(fd, pid, size - 1, 0);
    size_t len = 0;

    while (n > 0 && len < (size_t)n && pid[len] >= '0' && pid[len] <= '9')
        len++;
    if (len == 0)
        pid[len++] = '?';
    pid[len] = '\0';
}

bool
fs_lock_dir(const char *dir, struct err *err)
{
    const size_t size = strlen(dir) + sizeof("/lock");
    char *path = mem_alloc(size);
    char pid[24];
    bool ok = false;

    (void)snprintf(path, size, "%s/lock", dir);
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);

    if (fd < 0) {
        (void)fail(err, path, "open", errno);
        goto done;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            read_owner(fd, pid, sizeof(pid));
            (void)err_set(err, ERR_AGAIN,
                "%s: in use by process %s\n"
                "hint: one folder belongs to one process; stop that one first",
                dir, pid);
        } else {
            (void)fail(err, path, "lock", errno);
        }
        (void)close(fd);
        goto done;
    }
    const int len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());

    /* The pid is for people, the lock is the flock: a full disk must not keep us from starting.
     * fd stays open until the process ends, and with it the lock. */
    if (ftruncate(fd, 0) == 0)
        (void)!pwrite(fd, pid, (size_t)len, 0);
    ok = true;
done:
    free(path);
    return ok;
}
