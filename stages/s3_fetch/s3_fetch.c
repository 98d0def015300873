#include "stages/s3_fetch/s3_fetch.h"

#include <inttypes.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/log.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"
#include "pipeline/stream/copy.h"
#include "pipeline/stream/uri.h"

/* dir/<number>-<name>: two entries may have the same name. */
static int local_name(const struct s3_fetch_config *cfg,
                      const struct pl_manifest *m, size_t i, const char *uri,
                      struct pl_buf *path, struct pl_err *err)
{
    const char *name = pl_uri_name(uri);

    if (cfg->dir != NULL) {
        if (pl_buf_addf(path, err, "%s/", cfg->dir) != 0)
            return -1;
    } else if (pl_manifest_work_dir(m, path, err) != 0 ||
               pl_buf_adds(path, "fetched/", err) != 0) {
        return -1;
    }
    return pl_buf_addf(path, err, "%zu-%s", i, *name != '\0' ? name : "data");
}

static int fetch_one(const struct s3_fetch_config *cfg, struct pl_aws *aws,
                     struct pl_manifest *m, size_t i, struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    struct pl_copied copied;
    struct pl_data data;

    if (pl_manifest_data_get(m, i, &data, err) != 0)
        return -1;
    if (!pl_starts_with(data.uri, "s3://"))
        return 0;
    if (local_name(cfg, m, i, data.uri, &path, err) != 0 ||
        pl_copy(data.uri, path.data, data.crc64nvme, aws, "fetching", &copied,
                err) != 0)
        return pl_context(err, "cannot fetch '%s'", data.uri);
    pl_info("fetched '%s': %" PRId64 " bytes", data.uri, copied.bytes);
    data.uri = path.data;
    data.bytes = copied.bytes;
    data.crc64nvme = copied.crc64nvme;
    return pl_manifest_data_set(m, i, &data, err);
}

int s3_fetch_run(const struct s3_fetch_config *cfg, struct pl_aws *aws,
                 struct pl_manifest *m, struct pl_err *err)
{
    if (pl_manifest_data_count(m) == 0)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "nothing to fetch: 'data' is empty");
    for (size_t i = 0; i < pl_manifest_data_count(m); i++)
        if (fetch_one(cfg, aws, m, i, err) != 0)
            return -1;
    return 0;
}
