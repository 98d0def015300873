/* What several verbs need. */
#include "cmd/lakeseg/verb.h"

#include "pipeline/base/child.h"
#include "pipeline/base/text.h"
#include "pipeline/runs/job.h"
#include "pipeline/stream/small.h"

int verb_own_dir(struct pl_buf *dir, struct pl_err *err)
{
    return pl_child_dir(dir, err);
}

int verb_read_job(const char *path, struct pl_manifest *job, struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES);
    PL_AUTO(pl_aws) aws = {0};

    if (!pl_starts_with(path, "s3://"))
        return pl_job_read(path, job, err);
    if (pl_aws_open(&aws, NULL, err) != 0 ||
        pl_small_read(path, &aws, &text, err) != 0)
        return -1;
    if (pl_job_parse(job, pl_buf_str(&text), text.len, NULL, err) != 0)
        return pl_context(err, "'%s'", path);
    return 0;
}
