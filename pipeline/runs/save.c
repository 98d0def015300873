#include "pipeline/runs/save.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "pipeline/base/file.h"

int runs_sync(const char *dir, struct pl_err *err)
{
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot open '%s'", dir);
    rc = fsync(fd);
    if (rc != 0 && errno == EINVAL) /* not every file system has it */
        rc = 0;
    if (rc != 0)
        (void)pl_fail_errno(err, PL_FILE_ERROR, "cannot write '%s'", dir);
    (void)close(fd);
    return rc;
}

static int write_temporary(const char *path, const void *data, size_t len,
                           struct pl_err *err)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int rc;

    if (fd < 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot create '%s'", path);
    rc = pl_fd_write_all(fd, data, len, err);
    if (rc == 0 && fsync(fd) != 0)
        rc = pl_fail_errno(err, PL_FILE_ERROR, "cannot write");
    if (close(fd) != 0 && rc == 0)
        rc = pl_fail_errno(err, PL_FILE_ERROR, "cannot write");
    return rc == 0 ? 0 : pl_context(err, "'%s'", path);
}

int runs_save(const char *dir, const char *name, const void *data, size_t len,
              struct pl_err *err)
{
    PL_AUTO(pl_buf) temporary = PL_BUF_INIT;
    PL_AUTO(pl_buf) path = PL_BUF_INIT;

    if (pl_buf_addf(&temporary, err, "%s.saving", dir) != 0 ||
        pl_buf_addf(&path, err, "%s%s", dir, name) != 0)
        return -1;
    if (write_temporary(temporary.data, data, len, err) != 0) {
        (void)unlink(temporary.data);
        return -1;
    }
    if (rename(temporary.data, path.data) != 0) {
        (void)pl_fail_errno(err, PL_FILE_ERROR, "cannot rename to '%s'",
                            path.data);
        (void)unlink(temporary.data);
        return -1;
    }
    return runs_sync(dir, err);
}
