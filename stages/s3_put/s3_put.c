#include "stages/s3_put/s3_put.h"

#include <inttypes.h>
#include <string.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/log.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"
#include "pipeline/stream/copy.h"
#include "pipeline/stream/uri.h"

/* The folder of a role below the run's place; NULL: it stays where it is. */
static const char *folder_of(const char *role)
{
    if (strcmp(role, "normalized") == 0)
        return "import/p0000/";
    if (strcmp(role, "rejects") == 0)
        return "rejects/";
    return NULL;
}

static int put_one(const char *work_uri, struct pl_aws *aws,
                   struct pl_manifest *m, size_t i, struct pl_err *err)
{
    PL_AUTO(pl_buf) uri = PL_BUF_INIT;
    struct pl_copied copied;
    struct pl_data data;
    const char *folder;

    if (pl_manifest_data_get(m, i, &data, err) != 0)
        return -1;
    folder = folder_of(data.role);
    if (folder == NULL || pl_starts_with(data.uri, "s3://"))
        return 0;
    if (pl_buf_addf(&uri, err, "%s%s%s%s", work_uri,
                    pl_ends_with(work_uri, "/") ? "" : "/", folder,
                    pl_uri_name(data.uri)) != 0 ||
        pl_copy(data.uri, uri.data, data.crc64nvme, aws, "sending", &copied,
                err) != 0)
        return pl_context(err, "cannot put '%s'", data.uri);
    pl_info("put '%s': %" PRId64 " bytes", uri.data, copied.bytes);
    data.uri = uri.data;
    data.bytes = copied.bytes;
    data.crc64nvme = copied.crc64nvme;
    data.etag = copied.etag[0] != '\0' ? copied.etag : NULL;
    return pl_manifest_data_set(m, i, &data, err);
}

int s3_put_run(const struct s3_put_config *cfg, struct pl_aws *aws,
               struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_buf) work = PL_BUF_INIT;

    if (cfg->work_uri != NULL ? pl_buf_adds(&work, cfg->work_uri, err) != 0
                              : pl_manifest_work_uri(m, &work, err) != 0)
        return -1;
    for (size_t i = 0; i < pl_manifest_data_count(m); i++)
        if (put_one(work.data, aws, m, i, err) != 0)
            return -1;
    return 0;
}
