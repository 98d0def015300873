#include "stages/sfn_task/lock.h"

#include <string.h>

#include "pipeline/aws/s3.h"
#include "pipeline/aws/sfn.h"
#include "pipeline/base/log.h"
#include "pipeline/base/text.h"
#include "pipeline/stream/uri.h"

#define TRIES 5
#define HOLDER_BYTES_MAX 65536

/* What stands in a lock: who wrote it. */
struct holder {
    char arn[512];
    struct pl_s3_object object; /* its ETag */
};

static int make_uri(const struct sfn_task_config *cfg, const char *name,
                    struct pl_uri *uri, struct pl_err *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "._:+-";
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    const char *const parts[] = {cfg->job_name, name};

    if (cfg->execution_arn == NULL || cfg->job_name == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "with LAKESEG_LOCKS_URI go LAKESEG_JOB_NAME and "
                       "LAKESEG_EXECUTION_ARN");
    for (size_t i = 0; i < PL_COUNT(parts); i++)
        if (strspn(parts[i], letters) != strlen(parts[i]) ||
            strlen(parts[i]) > 128 || parts[i][0] == '.')
            return pl_fail(err, PL_CONFIG_INVALID,
                           "'%.150s' cannot name a lock: letters, digits and "
                           "._:+- only, at most 128",
                           parts[i]);
    if (pl_buf_addf(&text, err, "%s%s%s/%s", cfg->locks_uri,
                    pl_ends_with(cfg->locks_uri, "/") ? "" : "/", cfg->job_name,
                    name) != 0 ||
        pl_uri_parse(text.data, uri, err) != 0)
        return -1;
    return uri->is_s3 ? 0
                      : pl_fail(err, PL_CONFIG_INVALID,
                                "LAKESEG_LOCKS_URI '%.200s' is not in S3",
                                cfg->locks_uri);
}

/* The same bytes each time: a try whose answer was lost is known by them. */
static int put(const struct sfn_task_config *cfg, struct pl_aws *aws,
               const struct pl_uri *uri, const char *in_place_of,
               struct pl_err *err)
{
    const struct pl_s3_put_options options = {
        .content_type = "application/json",
        .only_if_absent = in_place_of == NULL,
        .if_match = in_place_of};
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_s3_object object = {.bytes = -1};
    struct pl_blob blob;

    if (pl_buf_adds(&text, "{\"execution_arn\":", err) != 0 ||
        pl_json_quote(&text, cfg->execution_arn, strlen(cfg->execution_arn),
                      err) != 0 ||
        pl_buf_adds(&text, "}\n", err) != 0)
        return -1;
    blob = (struct pl_blob){.data = text.data, .len = text.len};
    return pl_s3_put(aws, uri->bucket, uri->path, &blob, &options, &object,
                     err);
}

static bool is_lost(const struct pl_err *err)
{
    return strcmp(err->service, "PreconditionFailed") == 0 ||
           err->http_status == 404;
}

/* 1: it is gone meanwhile. */
static int read_holder(struct pl_aws *aws, const struct pl_uri *uri,
                       struct holder *holder, struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(HOLDER_BYTES_MAX);
    const struct pl_sink sink = pl_buf_sink(&text);
    json_t *root;
    const char *arn;

    if (pl_s3_get(aws, uri->bucket, uri->path, -1, -1, NULL, &sink,
                  &holder->object, err) != 0) {
        if (err->http_status != 404)
            return pl_context(err, "cannot see who holds '%s'", uri->path);
        pl_err_clear(err);
        return 1;
    }
    root = json_loadb(pl_buf_str(&text), text.len, 0, NULL);
    arn = json_string_value(json_object_get(root, "execution_arn"));
    (void)snprintf(holder->arn, sizeof(holder->arn), "%s",
                   arn != NULL ? arn : "");
    json_decref(root);
    return holder->arn[0] != '\0'
               ? 0
               : pl_fail(err, PL_CONFIG_INVALID,
                         "'s3://%s/%s' is no lock of ours: delete it",
                         uri->bucket, uri->path);
}

int sfn_claim(const struct sfn_task_config *cfg, struct pl_aws *aws,
              struct pl_err *err)
{
    struct pl_uri uri;

    if (make_uri(cfg, cfg->scheduled_time, &uri, err) != 0)
        return -1;
    for (int i = 0; i < TRIES; i++) {
        struct holder holder = {{0}, {.bytes = -1}};
        struct pl_err cause = {0};
        int rc;

        if (put(cfg, aws, &uri, NULL, &cause) == 0)
            return 0;
        if (!is_lost(&cause)) {
            *err = cause;
            return pl_context(err, "cannot claim '%s'", cfg->scheduled_time);
        }
        rc = read_holder(aws, &uri, &holder, err);
        if (rc < 0)
            return -1;
        if (rc == 0)
            return strcmp(holder.arn, cfg->execution_arn) == 0 ? 0 : 1;
    }
    return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                   "the claim of '%s' comes and goes", cfg->scheduled_time);
}

/* Fails while the holder's execution is not over. */
static int check_over(struct pl_aws *aws, const struct holder *holder,
                      struct pl_err *err)
{
    struct pl_sfn_execution x;
    char since[PL_TIME_LEN];

    if (pl_sfn_describe(aws, holder->arn, &x, err) != 0)
        return pl_context(err, "cannot see whether '%s' still runs",
                          holder->arn);
    if (x.status != PL_SFN_RUNS)
        return 0;
    pl_time_iso(x.started_ms, since);
    return pl_fail(err, PL_ALREADY_RUNNING, "execution '%s' is %s%s%s",
                   holder->arn, x.word, x.started_ms > 0 ? " since " : "",
                   x.started_ms > 0 ? since : "");
}

/* One look: 0 it is ours, 1 it changed hands meanwhile. */
static int try_lock(const struct sfn_task_config *cfg, struct pl_aws *aws,
                    const struct pl_uri *uri, struct pl_err *err)
{
    struct holder holder = {{0}, {.bytes = -1}};
    struct pl_err cause = {0};
    int rc;

    if (put(cfg, aws, uri, NULL, &cause) == 0)
        return 0;
    if (!is_lost(&cause)) {
        *err = cause;
        return -1;
    }
    rc = read_holder(aws, uri, &holder, err);
    if (rc != 0)
        return rc;
    if (strcmp(holder.arn, cfg->execution_arn) == 0)
        return 0;
    if (check_over(aws, &holder, err) != 0)
        return -1;
    pl_err_clear(&cause);
    if (put(cfg, aws, uri, holder.object.etag, &cause) == 0) {
        pl_info("took the lock over from '%s'", holder.arn);
        return 0;
    }
    if (is_lost(&cause))
        return 1;
    *err = cause;
    return -1;
}

int sfn_lock(const struct sfn_task_config *cfg, struct pl_aws *aws,
             struct pl_err *err)
{
    struct pl_uri uri;

    if (make_uri(cfg, "running", &uri, err) != 0)
        return -1;
    for (int i = 0; i < TRIES; i++) {
        const int rc = try_lock(cfg, aws, &uri, err);

        if (rc <= 0)
            return rc == 0
                       ? 0
                       : pl_context(err, "cannot lock job '%s'", cfg->job_name);
    }
    return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                   "the lock of job '%s' changes hands all the time",
                   cfg->job_name);
}
