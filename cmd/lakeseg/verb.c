/* What several verbs need. */
#include "cmd/lakeseg/verb.h"

#include "pipeline/base/child.h"

int verb_own_dir(struct pl_buf *dir, struct pl_err *err)
{
    return pl_child_dir(dir, err);
}
