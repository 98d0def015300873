#include "pipeline/stream/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/file.h"
#include "pipeline/base/log.h"

#define BYTES_MAX ((size_t)64 << 20)

static int take_lock(const struct pl_journal *j, struct pl_err *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fcntl(j->fd, F_SETLK, &lock) == 0)
        return 0;
    if (errno == EAGAIN || errno == EACCES)
        return pl_fail(err, PL_FILE_ERROR,
                       "another process is at work on '%s'; wait for it, or "
                       "stop it",
                       j->path.data);
    pl_debug("no lock on '%s': the file system has none", j->path.data);
    return 0;
}

/* Opens and locks it. One that its owner took away just before we had the lock
 * guards nothing: then there is another one, or none yet. */
static int open_locked(struct pl_journal *j, const char *path,
                       struct pl_err *err)
{
    struct stat st = {.st_nlink = 0};

    if (pl_buf_adds(&j->path, path, err) != 0)
        return -1;
    for (;;) {
        j->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (j->fd < 0) {
            pl_debug("no journal '%s': %s", path, strerror(errno));
            pl_buf_reset(&j->path);
            return 0;
        }
        if (take_lock(j, err) != 0)
            return -1;
        if (fstat(j->fd, &st) != 0 || st.st_nlink > 0)
            return 0;
        (void)close(j->fd);
    }
}

int pl_journal_restart(struct pl_journal *j, const char *head,
                       struct pl_err *err)
{
    pl_buf_reset(&j->lines);
    if (j->fd < 0)
        return 0;
    if (ftruncate(j->fd, 0) != 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot write '%s'",
                             j->path.data);
    return pl_journal_add(j, head, err);
}

int pl_journal_open(struct pl_journal *j, const char *path, const char *head,
                    bool *is_other, struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(BYTES_MAX);
    const size_t head_len = strlen(head);

    memset(j, 0, sizeof(*j));
    *is_other = false;
    j->lines.max_bytes = BYTES_MAX;
    if (open_locked(j, path, err) != 0)
        return -1;
    if (j->fd < 0)
        return 0;
    if (pl_fd_read_all(j->fd, path, &text, err) != 0)
        return -1;
    if (text.len >= head_len && memcmp(text.data, head, head_len) == 0)
        return pl_buf_add(&j->lines, text.data + head_len, text.len - head_len,
                          err);
    if (text.len == 0)
        return pl_journal_restart(j, head, err);
    *is_other = true;
    if (pl_journal_restart(j, head, err) != 0)
        return -1;
    return pl_buf_add(&j->lines, text.data, text.len, err);
}

int pl_journal_add(struct pl_journal *j, const char *line, struct pl_err *err)
{
    if (j->fd < 0)
        return 0;
    if (pl_fd_write_all(j->fd, line, strlen(line), err) != 0)
        return pl_context(err, "cannot write '%s'", j->path.data);
    return 0;
}

void pl_journal_remove(struct pl_journal *j)
{
    if (j->path.len > 0)
        (void)unlink(j->path.data);
    pl_buf_reset(&j->path);
}

void pl_journal_release(struct pl_journal *j)
{
    if (j->fd > 0)
        (void)close(j->fd);
    j->fd = -1;
    pl_buf_release(&j->path);
    pl_buf_release(&j->lines);
}
