/* What became of the query, in the manifest. */
#include <string.h>

#include "pipeline/aws/s3.h"
#include "pipeline/base/log.h"
#include "pipeline/base/text.h"
#include "pipeline/stream/uri.h"
#include "stages/athena_exec/job.h"

#define MB INT64_C(1000000)
#define TB 1e12

int64_t athena_billed_bytes(const struct pl_athena_execution *x,
                            int64_t min_bytes)
{
    if (x->state == PL_ATHENA_FAILED || x->is_reused)
        return 0;
    if (x->scanned_bytes <= 0)
        return x->scanned_bytes;
    if (x->scanned_bytes < min_bytes)
        return min_bytes;
    return x->scanned_bytes > INT64_MAX - MB
               ? x->scanned_bytes
               : (x->scanned_bytes + MB - 1) / MB * MB;
}

double athena_cost(int64_t billed_bytes, double price_per_tb)
{
    return (double)billed_bytes / TB * price_per_tb;
}

static int record_numbers(struct athena_job *job, struct pl_err *err)
{
    const struct pl_athena_execution *x = &job->x;
    const struct {
        const char *path;
        int64_t value;
    } numbers[] = {
        {"query.result.attempt", job->attempt},
        {"query.result.scanned_bytes", x->scanned_bytes},
        {"query.result.queue_ms", x->queue_ms},
        {"query.result.planning_ms", x->planning_ms},
        {"query.result.engine_ms", x->engine_ms},
        {"query.result.total_ms", x->total_ms},
        {"query.result.billed_bytes",
         athena_has_ended(x) ? athena_billed_bytes(x, job->set.min_billed_bytes)
                             : -1},
    };

    for (size_t i = 0; i < PL_COUNT(numbers); i++)
        if (numbers[i].value >= 0 &&
            pl_manifest_set_int(job->m, numbers[i].path, numbers[i].value,
                                err) != 0)
            return -1;
    return 0;
}

static int record_cost(struct athena_job *job, struct pl_err *err)
{
    const int64_t billed =
        pl_manifest_int(job->m, "query.result.billed_bytes", -1);

    if (billed < 0 || job->set.price_per_tb < 0)
        return 0;
    return pl_manifest_set_new(
        job->m, "query.result.cost",
        json_real(athena_cost(billed, job->set.price_per_tb)), err);
}

static int record_error(struct athena_job *job, struct pl_err *err)
{
    const struct pl_athena_execution *x = &job->x;

    if (x->error_type < 0 || x->state == PL_ATHENA_SUCCEEDED)
        return 0;
    return pl_manifest_set_new(
        job->m, "query.result.athena_error",
        json_pack("{s:i, s:i, s:b}", "category", x->error_category, "type",
                  x->error_type, "retryable", (int)x->is_retryable),
        err);
}

/* An attempt begins with nothing of the one before. */
static int forget(struct pl_manifest *m, struct pl_err *err)
{
    json_t *columns = pl_manifest_get(m, "query.result.columns");
    json_t *explain = pl_manifest_get(m, "query.result.explain_id");
    json_t *fresh = json_object();

    if ((columns != NULL && json_object_set(fresh, "columns", columns) != 0) ||
        (explain != NULL &&
         json_object_set(fresh, "explain_id", explain) != 0)) {
        json_decref(fresh);
        return pl_fail_memory(err);
    }
    return pl_manifest_set_new(m, "query.result", fresh, err);
}

int athena_result_record(struct athena_job *job, struct pl_err *err)
{
    const struct pl_athena_execution *x = &job->x;

    if (forget(job->m, err) != 0 ||
        pl_manifest_set_str(job->m, "query.result.execution_id", x->id, err) !=
            0 ||
        (x->state_text[0] != '\0' &&
         pl_manifest_set_str(job->m, "query.result.state", x->state_text,
                             err) != 0) ||
        record_numbers(job, err) != 0 || record_cost(job, err) != 0)
        return -1;
    if (x->is_reused && pl_manifest_set_new(job->m, "query.result.reused",
                                            json_true(), err) != 0)
        return -1;
    return record_error(job, err);
}

static int add_column(void *ctx, const char *name, struct pl_err *err)
{
    return json_array_append_new(ctx, json_string(name)) == 0
               ? 0
               : pl_fail_memory(err);
}

/* "SELECT *": only the result tells the columns. A missing right is survived:
 * the transformer reads the header anyway. */
static int learn_columns(struct athena_job *job, struct pl_err *err)
{
    json_t *list;
    struct pl_err cause = {0};

    if (job->has_columns)
        return 0;
    list = json_array();
    if (list == NULL)
        return pl_fail_memory(err);
    if (pl_athena_columns(job->aws, job->x.id, add_column, list, &cause) != 0) {
        json_decref(list);
        if (cause.code == PL_INTERRUPTED) {
            *err = cause;
            return -1;
        }
        pl_warn("cannot read the result's columns: %s", cause.msg);
        return 0;
    }
    return pl_manifest_set_new(job->m, "query.result.columns", list, err);
}

int athena_result_writer(struct athena_job *job, struct pl_transfer *how,
                         struct pl_err *err)
{
    struct pl_transfer_options options = PL_TRANSFER_OPTIONS;

    options.bucket_owner = job->aws->bucket_owner;
    return pl_transfer_settings(how, &options, job->aws, err);
}

/* Beside the result, when nothing else tells a place. */
static int set_work_uri(struct athena_job *job, struct pl_err *err)
{
    PL_AUTO(pl_buf) work = PL_BUF_INIT;
    const char *output = job->x.output_uri;

    if (pl_manifest_str(job->m, "run.work_uri") != NULL)
        return 0;
    if (pl_buf_addf(&work, err, "%.*s/lakeseg/%s/",
                    (int)(pl_uri_name(output) - output - 1), output,
                    job->set.run_id) != 0)
        return -1;
    return pl_manifest_set_str(job->m, "run.work_uri", work.data, err);
}

/* The one object that a SELECT wrote. */
static int add_object(struct athena_job *job, struct pl_err *err)
{
    struct pl_s3_object object = {0};
    struct pl_uri uri;
    struct pl_data data = {.uri = job->x.output_uri,
                           .role = "query-result",
                           .format = "csv",
                           .compression = "none",
                           .rows = -1};

    if (pl_uri_parse(job->x.output_uri, &uri, err) != 0)
        return -1;
    if (!uri.is_s3)
        return pl_fail(err, PL_SERVICE_REFUSED, "query %s has no result in S3",
                       job->x.id);
    if (pl_s3_head(job->aws, uri.bucket, uri.path, &object, err) != 0)
        return pl_context(err, "cannot find the result '%s'",
                          job->x.output_uri);
    data.bytes = object.bytes;
    data.etag = object.etag;
    data.crc64nvme = object.crc64nvme[0] != '\0' ? object.crc64nvme : NULL;
    if (pl_manifest_data_add(job->m, &data, err) != 0)
        return -1;
    return set_work_uri(job, err);
}

int athena_result_add(struct athena_job *job, struct pl_err *err)
{
    if (job->set.is_unload)
        return athena_unload_add(job, err);
    if (job->x.is_managed)
        return athena_managed_add(job, err);
    if (learn_columns(job, err) != 0)
        return -1;
    return add_object(job, err);
}
