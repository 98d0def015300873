/* What several verbs need. */
#include "cmd/lakeseg/verb.h"

#include <stdio.h>

#include "pipeline/base/child.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/text.h"
#include "pipeline/runs/job.h"
#include "pipeline/stream/small.h"

int verb_own_dir(struct pl_buf *dir, struct pl_err *err)
{
    return pl_child_dir(dir, err);
}

static int read_job(const char *path, struct pl_manifest *job,
                    struct pl_err *err)
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

int verb_read_job(const char *path, struct pl_manifest *job, struct pl_err *err)
{
    const char *name = pl_env("LAKESEG_JOB_NAME");

    if (read_job(path, job, err) != 0)
        return -1;
    return name != NULL && pl_manifest_str(job, "run.name") == NULL
               ? pl_manifest_set_str(job, "run.name", name, err)
               : 0;
}

void verb_print(const char *text)
{
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;

        (void)putchar((c < ' ' && c != '\n') || c == 0x7f ? '?' : c);
    }
}
