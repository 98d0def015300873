/* What several verbs need. */
#include "cmd/lakeseg/verb.h"

#include <string.h>
#include <unistd.h>

#include "pipeline/base/file.h"

int verb_own_dir(struct pl_buf *dir, struct pl_err *err)
{
    char path[4096];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (n <= 0)
        return pl_fail_errno(err, PL_HOST_ERROR, "cannot find the programs");
    path[n] = '\0';
    *(strrchr(path, '/') + 1) = '\0';
    return pl_buf_adds(dir, path, err);
}

int verb_read_job(const char *path, struct pl_manifest *job, struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES);
    const int rc = strcmp(path, "-") == 0
                       ? pl_fd_read_all(STDIN_FILENO, path, &text, err)
                       : pl_file_read(path, &text, err);

    if (rc != 0)
        return -1;
    if (pl_manifest_parse(job, pl_buf_str(&text), text.len, err) != 0)
        return pl_context(err, "'%s'", path);
    return 0;
}
