/* lakeseg local - lakeseg-local, by the name that people look for. */
#include <unistd.h>

#include "cmd/lakeseg/verb.h"
#include "pipeline/base/process.h"

int verb_local(int argc, char **argv)
{
    static char name[] = "lakeseg-local";
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    struct pl_err err = {0};

    (void)argc;
    if (verb_own_dir(&path, &err) == 0 && pl_buf_adds(&path, name, &err) == 0) {
        argv[0] = name;
        (void)execv(path.data, argv);
        (void)pl_fail_errno(&err, PL_HOST_ERROR, "cannot start '%s'",
                            path.data);
    }
    return pl_process_exit(&err);
}
