#include "pipeline/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/opts.h"

#define BITE_BYTES ((size_t)16384)

/* Reads up to a bite; past the buffer's maximum only to see whether there is
 * more. */
static ssize_t read_bite(int fd, struct pl_buf *buf, struct pl_err *err)
{
    const size_t max =
        buf->max_bytes != 0 ? buf->max_bytes : PL_BUF_MAX_DEFAULT;
    const size_t room = max - buf->len;
    const size_t bite = room < BITE_BYTES ? room : BITE_BYTES;
    char beyond;
    ssize_t n;

    if (pl_buf_reserve(buf, bite, err) != 0)
        return -1;
    do {
        n = bite > 0 ? read(fd, buf->data + buf->len, bite)
                     : read(fd, &beyond, 1);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "a read failed");
    if (n > 0 && bite == 0)
        return pl_fail(err, PL_DATA_INVALID,
                       "more than the %zu bytes allowed here", max);
    return n;
}

int pl_fd_read_all(int fd, const char *name, struct pl_buf *buf,
                   struct pl_err *err)
{
    ssize_t n;

    while ((n = read_bite(fd, buf, err)) > 0) {
        buf->len += (size_t)n;
        buf->data[buf->len] = '\0';
    }
    return n == 0 ? 0 : pl_context(err, "cannot read '%s'", name);
}

int pl_file_read(const char *path, struct pl_buf *buf, struct pl_err *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot open '%s'", path);
    rc = pl_fd_read_all(fd, path, buf, err);
    (void)close(fd);
    return rc;
}

int pl_fd_write_all(int fd, const void *data, size_t len, struct pl_err *err)
{
    const char *p = data;

    while (len > 0) {
        const ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return pl_fail_errno(err, PL_FILE_ERROR, "cannot write");
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

static int write_and_sync(int fd, const char *path, const void *data,
                          size_t len, struct pl_err *err)
{
    if (pl_fd_write_all(fd, data, len, err) != 0) {
        (void)close(fd);
        return pl_context(err, "cannot write '%s'", path);
    }
    if (fsync(fd) != 0 || close(fd) != 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot write '%s'", path);
    return 0;
}

#define TEMPORARY ".writing-" /* then six characters of mkstemp's */
#define RANDOM_CHARS 6

static bool is_left_over(const char *file, const char *name)
{
    const size_t len = strlen(name);

    return strncmp(file, name, len) == 0 &&
           strncmp(file + len, TEMPORARY, strlen(TEMPORARY)) == 0 &&
           strlen(file) == len + strlen(TEMPORARY) + RANDOM_CHARS;
}

static void remove_unheld(int dir, const char *file)
{
    const int fd = openat(dir, file, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        (void)unlinkat(dir, file, 0);
    (void)close(fd);
}

/* Whatever cannot be looked at stays. */
static void sweep(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    PL_AUTO(pl_buf) dir = PL_BUF_INIT;
    struct pl_err ignored = {0};
    const struct dirent *entry;
    DIR *folder;

    if (pl_buf_add(&dir, slash != NULL ? path : "./",
                   slash != NULL ? (size_t)(name - path) : 2, &ignored) != 0)
        return;
    folder = opendir(dir.data);
    if (folder == NULL)
        return;
    while ((entry = readdir(folder)) != NULL)
        if (is_left_over(entry->d_name, name))
            remove_unheld(dirfd(folder), entry->d_name);
    (void)closedir(folder);
}

int pl_file_temporary(const char *path, struct pl_buf *temp, struct pl_err *err)
{
    int fd;

    sweep(path);
    if (pl_buf_addf(temp, err, "%s" TEMPORARY "XXXXXX", path) != 0)
        return -1;
    fd = mkstemp(temp->data);
    if (fd < 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot create '%s'", path);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)flock(fd, LOCK_EX | LOCK_NB);
    return fd;
}

int pl_file_write(const char *path, const void *data, size_t len,
                  struct pl_err *err)
{
    PL_AUTO(pl_buf) temp = PL_BUF_INIT;
    int fd;

    fd = pl_file_temporary(path, &temp, err);
    if (fd < 0)
        return -1;
    if (write_and_sync(fd, path, data, len, err) != 0) {
        (void)unlink(temp.data);
        return -1;
    }
    if (rename(temp.data, path) != 0) {
        (void)pl_fail_errno(err, PL_FILE_ERROR, "cannot rename to '%s'", path);
        (void)unlink(temp.data);
        return -1;
    }
    return 0;
}

int pl_mkdirs(const char *path, struct pl_err *err)
{
    PL_AUTO(pl_buf) part = PL_BUF_INIT;

    if (pl_buf_adds(&part, path, err) != 0)
        return -1;
    for (char *p = part.data + 1; part.len > 0; p++) {
        const char was = *p;

        if (was != '/' && was != '\0')
            continue;
        *p = '\0';
        if (mkdir(part.data, 0777) != 0 && errno != EEXIST)
            return pl_fail_errno(err, PL_FILE_ERROR,
                                 "cannot make directory '%s'", part.data);
        if (was == '\0')
            break;
        *p = was;
    }
    return 0;
}

int pl_mkdirs_for(const char *path, struct pl_err *err)
{
    PL_AUTO(pl_buf) dir = PL_BUF_INIT;
    const char *slash = strrchr(path, '/');

    if (slash == NULL || slash == path)
        return 0;
    if (pl_buf_add(&dir, path, (size_t)(slash - path), err) != 0)
        return -1;
    return pl_mkdirs(dir.data, err);
}

int pl_file_nameless(const char *dir, struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    int fd;

    if (dir == NULL)
        dir = pl_env("TMPDIR");
    if (dir == NULL)
        dir = "/tmp";
    if (pl_buf_addf(&path, err, "%s/lakeseg-XXXXXX", dir) != 0)
        return -1;
    fd = mkstemp(path.data);
    if (fd < 0)
        return pl_fail_errno(err, PL_FILE_ERROR,
                             "cannot make a temporary file in '%s' (TMPDIR "
                             "says where)",
                             dir);
    (void)unlink(path.data);
    return fd;
}
