#include "stages/s3_put/s3_put.h"

#include <string.h>

#include "pipeline/base/text.h"
#include "pipeline/stream/copy.h"
#include "pipeline/stream/uri.h"

/* The folder of a role below the run's place; "": it stays where it is. Each
 * normalized file has one to itself, as the transformer makes them: parts have
 * one name. */
static void folder_of(const char *role, size_t number, char folder[32])
{
    folder[0] = '\0';
    if (strcmp(role, "normalized") == 0)
        (void)snprintf(folder, 32, "import/p%04zu/", number);
    else if (strcmp(role, "rejects") == 0)
        (void)snprintf(folder, 32, "rejects/");
}

static const char *content_type_of(const struct pl_data *data)
{
    if (data->compression != NULL && strcmp(data->compression, "zstd") == 0)
        return "application/zstd";
    if (data->compression != NULL && strcmp(data->compression, "gzip") == 0)
        return "application/gzip";
    if (data->format != NULL && strcmp(data->format, "jsonl") == 0)
        return "application/x-ndjson";
    if (data->format != NULL && strcmp(data->format, "csv") == 0)
        return "text/csv; charset=utf-8";
    return NULL;
}

/* Where an entry goes; *uri stays empty when it stays where it is. number: of
 * the files with its role before it. */
static int place_of(const struct s3_put_config *cfg, const char *work_uri,
                    const struct pl_data *data, size_t number,
                    struct pl_buf *uri, struct pl_err *err)
{
    char folder[32];

    folder_of(data->role, number, folder);
    if (cfg->is_direct)
        return pl_buf_addf(uri, err, "%s%s", cfg->to,
                           pl_ends_with(cfg->to, "/") ? pl_uri_name(data->uri)
                                                      : "");
    if (folder[0] == '\0' || pl_starts_with(data->uri, "s3://"))
        return 0;
    return pl_buf_addf(uri, err, "%s%s%s%s", work_uri,
                       pl_ends_with(work_uri, "/") ? "" : "/", folder,
                       pl_uri_name(data->uri));
}

/* How many entries before this one have its role. */
static size_t count_before(const struct pl_manifest *m, size_t i,
                           const char *role)
{
    size_t count = 0;

    for (size_t j = 0; j < i; j++) {
        struct pl_err ignored = {0};
        struct pl_data data;

        count += pl_manifest_data_get(m, j, &data, &ignored) == 0 &&
                 strcmp(data.role, role) == 0;
    }
    return count;
}

static int put_one(const struct s3_put_config *cfg, struct pl_transfer *how,
                   const char *work_uri, struct pl_aws *aws,
                   struct pl_manifest *m, size_t i, struct pl_err *err)
{
    PL_AUTO(pl_buf) uri = PL_BUF_INIT;
    struct pl_copied copied;
    struct pl_data data;

    if (pl_manifest_data_get(m, i, &data, err) != 0 ||
        place_of(cfg, work_uri, &data, count_before(m, i, data.role), &uri,
                 err) != 0)
        return -1;
    if (uri.len == 0)
        return 0;
    how->put.content_type = content_type_of(&data);
    if (pl_copy(data.uri, uri.data, data.crc64nvme, aws, how, "sent", &copied,
                err) != 0)
        return pl_context(err, "cannot put '%s'", data.uri);
    data.uri = uri.data;
    data.bytes = copied.bytes;
    data.crc64nvme = copied.crc64nvme;
    data.etag = copied.etag[0] != '\0' ? copied.etag : NULL;
    return pl_manifest_data_set(m, i, &data, err);
}

static const char *format_of(const char *file)
{
    return pl_ends_with(file, ".csv") ? "csv"
           : pl_ends_with(file, ".jsonl") || pl_ends_with(file, ".json")
               ? "jsonl"
               : "other";
}

int s3_put_direct(struct s3_put_config *cfg, const char *file,
                  struct pl_manifest *m, struct pl_err *err)
{
    const struct pl_data data = {.uri = file,
                                 .role = "normalized",
                                 .format = format_of(file),
                                 .compression = "none",
                                 .bytes = -1,
                                 .rows = -1};

    cfg->is_direct = true;
    if (cfg->to == NULL || !pl_starts_with(cfg->to, "s3://"))
        return pl_fail(err, PL_USAGE_INVALID,
                       "say with --to s3://BUCKET/KEY where '%s' goes", file);
    if (strcmp(file, "-") == 0 && pl_ends_with(cfg->to, "/"))
        return pl_fail(err, PL_USAGE_INVALID,
                       "standard input has no name: --to must name an object");
    return pl_manifest_data_add(m, &data, err);
}

static int put_all(const struct s3_put_config *cfg, struct pl_transfer *how,
                   struct pl_aws *aws, struct pl_manifest *m,
                   struct pl_err *err)
{
    PL_AUTO(pl_buf) work = PL_BUF_INIT;

    if (pl_transfer_settings(how, &cfg->transfer, aws, err) != 0)
        return -1;
    if (!cfg->is_direct && cfg->to != NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "--to goes with one file, --work-uri with a manifest");
    if (!cfg->is_direct &&
        (cfg->work_uri != NULL ? pl_buf_adds(&work, cfg->work_uri, err) != 0
                               : pl_manifest_work_uri(m, &work, err) != 0))
        return -1;
    for (size_t i = 0; i < pl_manifest_data_count(m); i++)
        if (put_one(cfg, how, pl_buf_str(&work), aws, m, i, err) != 0)
            return -1;
    return 0;
}

int s3_put_run(const struct s3_put_config *cfg, struct pl_aws *aws,
               struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_transfer) how = {.threads = 0};

    return put_all(cfg, &how, aws, m, err);
}
