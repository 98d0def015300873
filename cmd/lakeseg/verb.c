/* What several verbs need. */
#include "cmd/lakeseg/verb.h"

#include <string.h>
#include <unistd.h>

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
