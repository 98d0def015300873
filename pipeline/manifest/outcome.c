#include "pipeline/manifest/outcome.h"

#include <inttypes.h>
#include <string.h>

#include "pipeline/base/advice.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/text.h"

#define BUCKET_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789.-"

const char *pl_outcome_type(const struct pl_manifest *m)
{
    return strcmp(pl_manifest_subject(m), "successful") == 0 ? "success"
                                                             : "failure";
}

void pl_outcome_message(const struct pl_manifest *m,
                        char text[PL_OUTCOME_MESSAGE_LEN])
{
    const char *name = pl_manifest_str(m, "error.name");
    const char *message = pl_manifest_str(m, "error.message");

    if (message == NULL)
        message = "";
    if (name != NULL && !pl_code_info(pl_code_by_name(name))->may_quote_data)
        (void)snprintf(text, PL_OUTCOME_MESSAGE_LEN, "%s", message);
    else
        pl_mask_literals(message, text, PL_OUTCOME_MESSAGE_LEN);
}

static int add_error(const struct pl_manifest *m, struct pl_buf *text,
                     struct pl_err *err)
{
    const char *name = pl_manifest_str(m, "error.name");
    const char *stage = pl_manifest_str(m, "error.stage");
    const struct pl_advice *advice;
    char masked[PL_OUTCOME_MESSAGE_LEN];

    if (!pl_manifest_is_failed(m) || name == NULL ||
        pl_manifest_str(m, "error.message") == NULL)
        return 0;
    advice = pl_advice(pl_code_by_name(name));
    pl_outcome_message(m, masked);
    return pl_buf_addf(text, err,
                       "\n%s in %s: %s\nTo be mended by: %s\nWhat to do: "
                       "%s\n",
                       name, stage != NULL ? stage : "an unknown stage", masked,
                       advice->who, advice->next);
}

static int add_query(const struct pl_manifest *m, struct pl_buf *text,
                     struct pl_err *err)
{
    const char *id = pl_manifest_str(m, "query.result.execution_id");
    const char *state = pl_manifest_str(m, "query.result.state");

    if (id == NULL)
        return 0;
    return pl_buf_addf(text, err,
                       "\nQuery: %s, %s, %" PRId64 " bytes scanned\n", id,
                       state != NULL ? state : "state unknown",
                       pl_manifest_int(m, "query.result.scanned_bytes", 0));
}

static int add_rows(const struct pl_manifest *m, struct pl_buf *text,
                    struct pl_err *err)
{
    const int64_t in = pl_manifest_int(m, "validate.result.rows_in", -1);
    json_t *rules = pl_manifest_get(m, "validate.result.by_rule");
    const char *rule;
    json_t *count;

    if (in < 0)
        return 0;
    if (pl_buf_addf(text, err,
                    "Rows: %" PRId64 " in, %" PRId64 " out, %" PRId64
                    " rejected, %" PRId64 " dropped as duplicates\n",
                    in, pl_manifest_int(m, "validate.result.rows_out", 0),
                    pl_manifest_int(m, "validate.result.rows_rejected", 0),
                    pl_manifest_int(m, "validate.result.rows_dropped", 0)) != 0)
        return -1;
    json_object_foreach(rules, rule, count)
    {
        if (pl_buf_addf(text, err, "  %s: %lld\n", rule,
                        (long long)json_integer_value(count)) != 0)
            return -1;
    }
    return 0;
}

static int add_rejects(const struct pl_manifest *m, struct pl_buf *text,
                       struct pl_err *err)
{
    for (size_t i = 0; i < pl_manifest_data_count(m); i++) {
        struct pl_data data;

        if (pl_manifest_data_get(m, i, &data, err) != 0)
            return -1;
        if (strcmp(data.role, "rejects") == 0 && data.rows > 0 &&
            pl_buf_addf(text, err, "Rejects: %s\n", data.uri) != 0)
            return -1;
    }
    return 0;
}

/* What the service says of the rows that failed may hold these people's data,
 * in whatever form: it stays in the manifest. */
static int add_failures(const json_t *job, struct pl_buf *text,
                        struct pl_err *err)
{
    const size_t count = json_array_size(json_object_get(job, "failures"));

    if (count == 0)
        return 0;
    return pl_buf_addf(text, err,
                       "  %zu texts of the service about it: "
                       "import.result.jobs in the manifest\n",
                       count);
}

static int add_jobs(const struct pl_manifest *m, struct pl_buf *text,
                    struct pl_err *err)
{
    const json_t *jobs = pl_manifest_get(m, "import.result.jobs");
    const json_t *job;
    size_t i;

    json_array_foreach(jobs, i, job)
    {
        const char *id = json_string_value(json_object_get(job, "id"));
        const char *status = json_string_value(json_object_get(job, "status"));

        if (pl_buf_addf(text, err,
                        "Import job: %s, %s, %lld processed, %lld failed\n",
                        id != NULL ? id : "?", status != NULL ? status : "?",
                        (long long)json_integer_value(
                            json_object_get(job, "processed")),
                        (long long)json_integer_value(
                            json_object_get(job, "failed"))) != 0 ||
            add_failures(job, text, err) != 0)
            return -1;
    }
    return 0;
}

static int add_segment(const struct pl_manifest *m, struct pl_buf *text,
                       struct pl_err *err)
{
    const char *name = pl_manifest_str(m, "import.result.segment.name");
    const int64_t size =
        pl_manifest_int(m, "import.result.segment.estimate", -1);

    if (name == NULL || size < 0)
        return 0;
    return pl_buf_addf(text, err, "Segment: %s, about %" PRId64 " profiles\n",
                       name, size);
}

/* The console's page of an object, for people in a mail: none for the
 * partitions whose console is nowhere written down. */
static int add_link(const char *uri, struct pl_buf *text, struct pl_err *err)
{
    static const struct {
        const char *prefix; /* of the region */
        const char *host;   /* behind the region, if there is one */
    } consoles[] = {{"cn-", "console.amazonaws.cn"},
                    {"us-gov-", "console.amazonaws-us-gov.com"},
                    {"us-iso", NULL},
                    {"eu-iso", NULL},
                    {"eusc-", NULL},
                    {"", "console.aws.amazon.com"}};
    const char *bucket = uri + strlen("s3://");
    const char *slash = strchr(bucket, '/');
    const char *region = pl_setting(NULL, "AWS_REGION", "");
    size_t i = 0;

    if (*region == '\0')
        region = pl_setting(NULL, "AWS_DEFAULT_REGION", "");
    while (!pl_starts_with(region, consoles[i].prefix))
        i++;
    if (slash == NULL || consoles[i].host == NULL ||
        bucket + strspn(bucket, BUCKET_LETTERS) != slash)
        return 0;
    if (pl_buf_addf(
            text, err, "  https://%s%s%s/s3/object/%.*s?%s%s%sprefix=", region,
            *region != '\0' ? "." : "", consoles[i].host, (int)(slash - bucket),
            bucket, *region != '\0' ? "region=" : "", region,
            *region != '\0' ? "&" : "") != 0 ||
        pl_uri_encode(text, slash + 1, strlen(slash + 1), true, err) != 0)
        return -1;
    return pl_buf_addc(text, '\n', err);
}

static int add_report(const struct pl_manifest *m, struct pl_buf *text,
                      struct pl_err *err)
{
    const char *uri = pl_manifest_str(m, "report.uri");

    if (uri == NULL)
        return 0;
    if (pl_buf_addf(text, err, "Report: %s\n", uri) != 0)
        return -1;
    return pl_starts_with(uri, "s3://") ? add_link(uri, text, err) : 0;
}

int pl_outcome_text(const struct pl_manifest *m, struct pl_buf *text,
                    struct pl_err *err)
{
    const char *name = pl_manifest_str(m, "run.name");
    const char *id = pl_manifest_str(m, "run.id");
    const char *started = pl_manifest_str(m, "run.started_at");

    if (pl_buf_addf(text, err, "%s%s%s\nRun %s, started %s\n",
                    name != NULL ? name : "", name != NULL ? ": " : "",
                    pl_manifest_subject(m), id != NULL ? id : "?",
                    started != NULL ? started : "?") != 0 ||
        add_error(m, text, err) != 0 || add_query(m, text, err) != 0 ||
        add_rows(m, text, err) != 0 || add_rejects(m, text, err) != 0)
        return -1;
    if (add_jobs(m, text, err) != 0 || add_segment(m, text, err) != 0)
        return -1;
    return add_report(m, text, err);
}
