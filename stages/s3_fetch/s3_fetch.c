#include "stages/s3_fetch/s3_fetch.h"

#include <string.h>

#include "pipeline/base/text.h"
#include "pipeline/stream/copy.h"
#include "pipeline/stream/uri.h"

/* dir/<number>-<name>: two entries may have the same name. */
static int local_name(const struct s3_fetch_config *cfg,
                      const struct pl_manifest *m, size_t i, const char *uri,
                      struct pl_buf *path, struct pl_err *err)
{
    const char *name = pl_uri_name(uri);

    if (cfg->is_direct)
        return pl_buf_adds(path, cfg->output != NULL ? cfg->output : "-", err);
    if (cfg->dir != NULL) {
        if (pl_buf_addf(path, err, "%s/", cfg->dir) != 0)
            return -1;
    } else if (pl_manifest_work_dir(m, path, err) != 0 ||
               pl_buf_adds(path, "fetched/", err) != 0) {
        return -1;
    }
    return pl_buf_addf(path, err, "%zu-%s", i, *name != '\0' ? name : "data");
}

static int fetch_one(const struct s3_fetch_config *cfg,
                     const struct pl_transfer *how, struct pl_aws *aws,
                     struct pl_manifest *m, size_t i, struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    struct pl_transfer own = *how;
    struct pl_copied copied;
    struct pl_data data;

    if (pl_manifest_data_get(m, i, &data, err) != 0)
        return -1;
    own.compress = how->compress && strcmp(data.compression, "none") == 0;
    if (!pl_starts_with(data.uri, "s3://"))
        return 0;
    if (local_name(cfg, m, i, data.uri, &path, err) != 0 ||
        (own.compress && !cfg->is_direct &&
         pl_buf_adds(&path, ".zst", err) != 0) ||
        pl_copy(data.uri, path.data, data.crc64nvme, aws, &own, "fetched",
                &copied, err) != 0)
        return pl_context(err, "cannot fetch '%s'", data.uri);
    data.uri = path.data;
    data.bytes = copied.bytes;
    data.crc64nvme = copied.crc64nvme;
    data.etag = NULL;
    if (own.compress)
        data.compression = "zstd";
    return pl_manifest_data_set(m, i, &data, err);
}

int s3_fetch_direct(struct s3_fetch_config *cfg, const char *uri,
                    struct pl_manifest *m, struct pl_err *err)
{
    const struct pl_data data = {.uri = uri,
                                 .role = "query-result",
                                 .format = "csv",
                                 .compression = "none",
                                 .bytes = -1,
                                 .rows = -1};

    cfg->is_direct = true;
    if (!pl_starts_with(uri, "s3://"))
        return pl_fail(err, PL_USAGE_INVALID, "'%s' is not s3://BUCKET/KEY",
                       uri);
    if (pl_manifest_data_add(m, &data, err) != 0)
        return -1;
    return cfg->output == NULL || strcmp(cfg->output, "-") == 0;
}

static int fetch_all(const struct s3_fetch_config *cfg, struct pl_transfer *how,
                     struct pl_aws *aws, struct pl_manifest *m,
                     struct pl_err *err)
{
    const char *compress =
        pl_setting(cfg->compress, "LAKESEG_SPOOL_COMPRESSION", "none");

    if (pl_transfer_settings(how, &cfg->transfer, aws, err) != 0)
        return -1;
    how->compress = strcmp(compress, "zstd") == 0;
    if (!how->compress && strcmp(compress, "none") != 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "compression '%s' is neither none nor zstd", compress);
    if (!cfg->is_direct && cfg->output != NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "--output goes with one s3:// URI, --dir with a "
                       "manifest");
    if (pl_manifest_data_count(m) == 0)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "nothing to fetch: 'data' is empty");
    for (size_t i = 0; i < pl_manifest_data_count(m); i++)
        if (fetch_one(cfg, how, aws, m, i, err) != 0)
            return -1;
    return 0;
}

int s3_fetch_run(const struct s3_fetch_config *cfg, struct pl_aws *aws,
                 struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_transfer) how = {.threads = 0};

    return fetch_all(cfg, &how, aws, m, err);
}
