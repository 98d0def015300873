/* Any bytes as a job file: what is taken can be printed and taken again as a
 * manifest. No file is read. */
#include <stdlib.h>

#include "pipeline/runs/job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PL_AUTO(pl_manifest) job = {0};
    PL_AUTO(pl_manifest) again = {0};
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_err err = {0};

    if (pl_job_parse(&job, (const char *)data, size, NULL, &err) != 0)
        return 0;
    if (pl_manifest_print(&job, &text, &err) != 0 ||
        pl_manifest_parse(&again, text.data, text.len, &err) != 0)
        abort();
    return 0;
}
