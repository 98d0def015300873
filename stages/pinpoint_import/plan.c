#include "stages/pinpoint_import/plan.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/aws/s3.h"
#include "pipeline/base/text.h"
#include "pipeline/stream/uri.h"

void pinpoint_plan_release(struct pinpoint_plan *plan)
{
    for (size_t i = 0; i < plan->job_count; i++) {
        free(plan->jobs[i].s3_url);
        free(plan->jobs[i].segment_name);
        pl_pinpoint_job_release(&plan->jobs[i].state);
    }
    free(plan->jobs);
    free(plan->parts);
    memset(plan, 0, sizeof(*plan));
}

static int check_data(const struct pinpoint_plan *plan,
                      const struct pl_data *data, const char *format,
                      struct pl_err *err)
{
    if (!pl_starts_with(data->uri, "s3://"))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s' is local: run s3-put before", data->uri);
    if (data->rows < 0)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "'%s' has no row count: run csv-validate before",
                       data->uri);
    if (strcmp(data->compression, "none") != 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s' is compressed (%s): no import takes that",
                       data->uri, data->compression);
    if (plan->format != NULL && strcmp(plan->format, format) != 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "the normalized data is of two formats: csv and json");
    return 0;
}

static int add_part(struct pinpoint_plan *plan, const struct pl_data *data,
                    struct pl_err *err)
{
    const bool is_json =
        strcmp(data->format, "json") == 0 || strcmp(data->format, "jsonl") == 0;
    const char *format = is_json ? "JSON" : "CSV";

    if (check_data(plan, data, format, err) != 0)
        return -1;
    plan->format = format;
    if (data->rows > INT64_MAX - plan->rows)
        return pl_fail(err, PL_MANIFEST_INVALID, "'%s' has too many rows",
                       data->uri);
    plan->rows += data->rows;
    plan->parts[plan->part_count++] = (struct pinpoint_part){
        .uri = data->uri,
        .etag = data->etag,
        .bytes = data->bytes,
        .rows = data->rows,
    };
    return 0;
}

static int by_uri(const void *a, const void *b)
{
    return strcmp(((const struct pinpoint_part *)a)->uri,
                  ((const struct pinpoint_part *)b)->uri);
}

static int find_parts(struct pinpoint_plan *plan, const struct pl_manifest *m,
                      struct pl_err *err)
{
    const int64_t rows_out = pl_manifest_int(m, "validate.result.rows_out", -1);
    const int64_t gone =
        pl_manifest_int(m, "validate.result.rows_gone_sent", 0);
    const size_t count = pl_manifest_data_count(m);

    plan->parts = calloc(count + 1, sizeof(*plan->parts));
    if (plan->parts == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct pl_data data;

        if (pl_manifest_data_get(m, i, &data, err) != 0)
            return -1;
        if (strcmp(data.role, "normalized") == 0 &&
            add_part(plan, &data, err) != 0)
            return -1;
    }
    if (plan->format == NULL)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "nothing to import: no data with role 'normalized'");
    if (rows_out >= 0 && rows_out != plan->rows - gone)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "counts do not add up: %" PRId64 " rows out, %" PRId64
                       " gone ones, %" PRId64 " in the data",
                       rows_out, gone, plan->rows);
    qsort(plan->parts, plan->part_count, sizeof(*plan->parts), by_uri);
    for (size_t i = 1; i < plan->part_count; i++)
        if (by_uri(&plan->parts[i - 1], &plan->parts[i]) == 0)
            return pl_fail(err, PL_MANIFEST_INVALID,
                           "'%s' stands in data[] "
                           "twice",
                           plan->parts[i].uri);
    return 0;
}

/* How long the folder is in which all of them are: "s3://" at least. */
static size_t common_folder(const struct pinpoint_plan *plan, size_t first,
                            size_t count)
{
    const char *a = plan->parts[first].uri;
    const char *b = plan->parts[first + count - 1].uri; /* they are sorted */
    size_t len = 0;

    assert(a != NULL && b != NULL); /* each entry of data[] has one */
    for (size_t i = 0; a[i] != '\0' && a[i] == b[i]; i++)
        if (a[i] == '/')
            len = i + 1;
    return len;
}

/* A whole bucket is nobody's prefix. */
static bool is_below_bucket(const char *uri, size_t folder)
{
    const size_t bucket = strlen("s3://") + strcspn(uri + strlen("s3://"), "/");

    return folder > bucket + 1;
}

static bool fits(const struct pinpoint_plan *plan, size_t first, size_t count,
                 int64_t max_bytes)
{
    int64_t left = max_bytes;

    for (size_t i = first; i < first + count; i++) {
        const int64_t bytes = plan->parts[i].bytes;

        if (bytes < 0 && count > 1) /* nobody knows: a job of its own */
            return false;
        if (bytes > left)
            return false;
        left -= bytes > 0 ? bytes : 0;
    }
    return count <= PINPOINT_JOB_FILES_MAX;
}

static int add_job(struct pinpoint_plan *plan, size_t first, size_t count,
                   size_t url_len, struct pl_err *err)
{
    struct pinpoint_job job = {.first = first, .count = count};
    struct pinpoint_job *jobs;

    for (size_t i = first; i < first + count; i++)
        job.rows += plan->parts[i].rows;
    if (job.rows == 0) /* headers, if anything */
        return 0;
    if (plan->job_count == PINPOINT_JOBS_MAX)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "more than %d import jobs: make larger files "
                       "(csv-validate --max-part-bytes)",
                       PINPOINT_JOBS_MAX);
    jobs = realloc(plan->jobs, (plan->job_count + 1) * sizeof(*jobs));
    if (jobs == NULL)
        return pl_fail_memory(err);
    plan->jobs = jobs;
    job.s3_url = strndup(plan->parts[first].uri, url_len);
    if (job.s3_url == NULL)
        return pl_fail_memory(err);
    jobs[plan->job_count++] = job;
    return 0;
}

/* How many parts from first on have the text of the first one as far as the
 * slash behind len; 1 where there is no such slash: a file. */
static size_t same_folder(const struct pinpoint_plan *plan, size_t first,
                          size_t end, size_t len)
{
    const char *uri = plan->parts[first].uri;
    const size_t folder = len + strcspn(uri + len, "/");
    size_t count = 1;

    if (uri[folder] == '\0')
        return 1;
    while (first + count < end &&
           strncmp(plan->parts[first + count].uri, uri, folder + 1) == 0)
        count++;
    return count;
}

static int group(struct pinpoint_plan *plan, size_t first, size_t count,
                 int64_t max_bytes, struct pl_err *err);

static int group_below(struct pinpoint_plan *plan, size_t first, size_t count,
                       size_t folder, int64_t max_bytes, struct pl_err *err)
{
    const size_t end = first + count;

    while (first < end) {
        const char *uri = plan->parts[first].uri;
        const size_t n = same_folder(plan, first, end, folder);
        const bool is_file = strchr(uri + folder, '/') == NULL;

        if (is_file && !fits(plan, first, 1, max_bytes))
            return group(plan, first, 1, max_bytes, err); /* says why */
        if ((is_file ? add_job(plan, first, 1, strlen(uri), err)
                     : group(plan, first, n, max_bytes, err)) != 0)
            return -1;
        first += n;
    }
    return 0;
}

static int group(struct pinpoint_plan *plan, size_t first, size_t count,
                 int64_t max_bytes, struct pl_err *err)
{
    const size_t folder = common_folder(plan, first, count);
    const char *uri = plan->parts[first].uri;
    const bool is_below = is_below_bucket(uri, folder);

    if (fits(plan, first, count, max_bytes) && (is_below || count == 1))
        return add_job(plan, first, count, is_below ? folder : strlen(uri),
                       err);
    if (count == 1)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s' has %" PRId64
                       " bytes: an import job takes at most %" PRId64
                       " (csv-validate --max-part-bytes)",
                       uri, plan->parts[first].bytes, max_bytes);
    return group_below(plan, first, count, folder, max_bytes, err);
}

static int name_segments(struct pinpoint_plan *plan,
                         const struct pinpoint_settings *set,
                         struct pl_err *err)
{
    for (size_t i = 0; i < plan->job_count && set->segment_name != NULL; i++) {
        PL_AUTO(pl_buf) name = PL_BUF_INIT;

        if (pl_buf_adds(&name, set->segment_name, err) != 0 ||
            (set->segment_per_part &&
             pl_buf_addf(&name, err, "-%zu", i + 1) != 0))
            return -1;
        plan->jobs[i].segment_name = pl_buf_take(&name);
        if (plan->jobs[i].segment_name == NULL)
            return pl_fail_memory(err);
    }
    return 0;
}

int pinpoint_plan_make(struct pinpoint_plan *plan,
                       const struct pinpoint_settings *set,
                       const struct pl_manifest *m, struct pl_err *err)
{
    if (find_parts(plan, m, err) != 0)
        return -1;
    if (plan->rows == 0)
        return 0;
    if (group(plan, 0, plan->part_count, set->max_job_bytes, err) != 0)
        return -1;
    if (set->define_segment && plan->job_count > 1 && !set->segment_per_part)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "%zu import jobs cannot define one segment (whether a "
                       "second extends or replaces it is not documented): "
                       "import.segment_per_part makes one of each",
                       plan->job_count);
    return name_segments(plan, set, err);
}

/* The listing of one prefix. */
struct listing {
    struct pinpoint_plan *plan;
    const struct pinpoint_job *job;
    const char *bucket;
    struct pl_buf uri;
};

static int judge_object(struct pinpoint_part *part, int64_t bytes,
                        const char *etag, struct pl_err *err)
{
    if ((part->bytes >= 0 && part->bytes != bytes) ||
        (part->etag != NULL && *etag != '\0' && strcmp(part->etag, etag) != 0))
        return pl_fail(err, PL_DATA_INVALID,
                       "'%s' is not what this run wrote: it has %" PRId64
                       " bytes and ETag %s",
                       part->uri, bytes, etag);
    part->bytes = bytes;
    part->is_seen = true;
    return 0;
}

static int see_object(void *ctx, const char *key, int64_t bytes,
                      const char *etag, struct pl_err *err)
{
    struct listing *l = ctx;
    struct pinpoint_part wanted = {.uri = NULL};
    struct pinpoint_part *part;

    pl_buf_reset(&l->uri);
    if (pl_buf_addf(&l->uri, err, "s3://%s/%s", l->bucket, key) != 0)
        return -1;
    wanted.uri = l->uri.data;
    part = bsearch(&wanted, l->plan->parts + l->job->first, l->job->count,
                   sizeof(*part), by_uri);
    if (part == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s' stands under the import's prefix, and this run "
                       "did not write it: it would be imported, too",
                       l->uri.data);
    return judge_object(part, bytes, etag, err);
}

static int check_job(struct pinpoint_plan *plan, const struct pinpoint_job *job,
                     int64_t max_bytes, struct pl_aws *aws, struct pl_err *err)
{
    struct pl_uri uri;
    struct listing l = {.plan = plan, .job = job, .bucket = uri.bucket};
    int rc;

    if (pl_uri_parse(job->s3_url, &uri, err) != 0)
        return -1;
    rc = pl_s3_list(aws, uri.bucket, uri.path, see_object, &l, err);
    pl_buf_release(&l.uri);
    if (rc != 0)
        return pl_context(err, "cannot import '%s'", job->s3_url);
    for (size_t i = job->first; i < job->first + job->count; i++)
        if (!plan->parts[i].is_seen)
            return pl_fail(err, PL_DATA_INVALID, "'%s' is not there",
                           plan->parts[i].uri);
    if (!fits(plan, job->first, job->count, max_bytes))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s' has more than the %" PRId64
                       " bytes that an import job takes",
                       job->s3_url, max_bytes);
    return 0;
}

int pinpoint_plan_check(struct pinpoint_plan *plan,
                        const struct pinpoint_settings *set, struct pl_aws *aws,
                        struct pl_err *err)
{
    for (size_t i = 0; i < plan->job_count; i++)
        if (check_job(plan, &plan->jobs[i], set->max_job_bytes, aws, err) != 0)
            return -1;
    return 0;
}
