#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/process.h"
#include "stages/profiles_import/blob.h"
#include "stages/profiles_import/run.h"

#define TRIES_MAX 3 /* of a create, and of a place to put the file */

/* A job that waits would keep people for as long as it was made for. */
static int check_expiry(const struct profiles_run *run,
                        const struct pl_customer_job *job, struct pl_err *err)
{
    if (!job->is_created || job->expiry_days < 0 ||
        job->expiry_days == run->set.expiry_days)
        return 0;
    return pl_fail(
        err, PL_CONFIG_INVALID,
        "upload job %s of this run was made with 'import.expiry_days'"
        " of %" PRId64 " days, not %" PRId64
        ": keep that, or take another 'run.id'",
        job->id, job->expiry_days, run->set.expiry_days);
}

static int find_job(struct profiles_run *run, struct profiles_part *part,
                    struct pl_err *err)
{
    if (pl_customer_find_upload(&run->customer, part->name, &part->has_job,
                                &part->job, err) != 0)
        return pl_context(err, "cannot look for an earlier upload job");
    return part->has_job ? check_expiry(run, &part->job, err) : 0;
}

int profiles_find_jobs(struct profiles_run *run, bool *is_any,
                       struct pl_err *err)
{
    *is_any = false;
    for (size_t i = 0; i < run->part_count; i++) {
        struct profiles_part *part = &run->parts[i];

        if (find_job(run, part, err) != 0)
            return -1;
        if (part->has_job)
            pl_info("upload job %s of this run is there (%s)", part->job.id,
                    part->job.status);
        *is_any = *is_any || part->has_job;
    }
    return 0;
}

static void unique_key_of(const struct profiles_run *run, char out[1001])
{
    const struct pl_customer_field *key = &run->fields[run->key];

    switch (run->set.unique) {
    case PROFILES_UNIQUE_SOURCE:
        (void)snprintf(out, 1001, "_source.%.900s", key->header);
        break;
    case PROFILES_UNIQUE_TARGET:
        (void)snprintf(out, 1001, "%.1000s", key->target);
        break;
    case PROFILES_UNIQUE_FIELD:
    default:
        (void)snprintf(out, 1001, "%.1000s", key->header);
        break;
    }
}

static bool may_be_later(const struct pl_err *cause)
{
    return cause->code == PL_THROTTLED ||
           (cause->code == PL_SERVICE_UNAVAILABLE && cause->sys != ENXIO);
}

/* One try to make the job. What a look finds then counts: two who are at it
 * take the same one. */
static int create(struct profiles_run *run, struct profiles_part *part,
                  struct pl_err *err)
{
    char unique_key[1001];
    struct pl_customer_field fields[PL_CUSTOMER_FIELDS_MAX];
    struct pl_customer_upload upload = {.display_name = part->name,
                                        .fields = fields,
                                        .unique_key = unique_key,
                                        .expiry_days = run->set.expiry_days};
    struct pl_customer_job made = {.created = -1, .updated = -1, .failed = -1};

    for (size_t f = 0; f < run->field_count; f++)
        if (profiles_has_field(part, f))
            fields[upload.field_count++] = run->fields[f];
    unique_key_of(run, unique_key);
    if (pl_customer_create_upload(&run->customer, &upload, made.id, err) != 0)
        return -1;
    if (find_job(run, part, err) != 0)
        return -1;
    if (!part->has_job) { /* not listed yet */
        (void)snprintf(made.status, sizeof(made.status), "CREATED");
        made.is_created = true;
        part->job = made;
        part->has_job = true;
    }
    pl_info("upload job %s made for %" PRId64 " rows", part->job.id,
            part->data.rows);
    return 0;
}

/* An answer that was lost may have made it: look before another try. A job
 * too many does no harm, as long as one of them is started. */
static int ensure_job(struct profiles_run *run, struct profiles_part *part,
                      struct pl_err *err)
{
    struct pl_err cause = {0};

    for (int i = 0; i < TRIES_MAX && !part->has_job; i++) {
        if (i > 0) {
            pl_warn("the making of an upload job is unclear (%s): looking",
                    cause.msg);
            if (pl_sleep_ms(&run->aws->clock, run->set.poll_ms, err) != 0 ||
                find_job(run, part, err) != 0)
                return -1;
            pl_err_clear(&cause);
        }
        if (part->has_job)
            break;
        if (create(run, part, &cause) != 0 && !may_be_later(&cause))
            break;
    }
    if (part->has_job)
        return 0;
    *err = cause;
    return pl_context(err, "cannot make an upload job");
}

/* Puts the file where the service says; a URL that is over is asked for
 * again. */
static int put(struct profiles_run *run, const struct profiles_part *part,
               struct pl_err *err)
{
    PL_AUTO(profiles_blob) bytes = {.part = part, .aws = run->aws};
    const struct pl_blob blob = profiles_blob_of(&bytes);

    for (int i = 1;; i++) {
        PL_AUTO(pl_customer_place) place = {.valid_until_s = 0};
        struct pl_err cause = {0};

        if (pl_customer_upload_place(&run->customer, part->job.id, &place,
                                     err) != 0)
            return pl_context(err, "cannot learn where to upload to");
        if (pl_customer_put_file(&run->customer, &place, run->set.upload_key,
                                 &blob, &cause) == 0)
            return 0;
        if (cause.http_status != 403 || i == TRIES_MAX) {
            *err = cause;
            return pl_context(err, "cannot upload '%s'", part->data.uri);
        }
        pl_info("the URL of the upload is refused (%s): asking for another",
                cause.service);
    }
}

/* Starts the job; what refuses a job that runs already has started it. */
static int start(struct profiles_run *run, struct profiles_part *part,
                 struct pl_err *err)
{
    struct pl_customer_job now;
    struct pl_err cause = {0};
    struct pl_err ignored = {0};
    int rc;

    pl_stop_hold(); /* so that its state is known */
    rc = pl_customer_start_upload(&run->customer, part->job.id, &cause);
    if (rc != 0 && (cause.code == PL_SERVICE_REFUSED || may_be_later(&cause)) &&
        pl_customer_get_upload(&run->customer, part->job.id, &now, &ignored) ==
            0 &&
        !now.is_created) {
        part->job = now;
        rc = 0;
    } else if (rc == 0) {
        part->job.is_created = false;
        (void)snprintf(part->job.status, sizeof(part->job.status),
                       "IN_PROGRESS");
    }
    pl_stop_unhold();
    if (rc == 0) {
        pl_info("upload job %s started", part->job.id);
        return 0;
    }
    *err = cause;
    return pl_context(err, "cannot start upload job %s", part->job.id);
}

/* Somebody else may be at the same run: the last look before the start. Both
 * see the same jobs now and take the same one. */
static int look_again(struct profiles_run *run, struct profiles_part *part,
                      bool *is_same, struct pl_err *err)
{
    const struct pl_customer_job mine = part->job;

    if (find_job(run, part, err) != 0)
        return -1;
    if (!part->has_job) { /* not listed yet */
        part->job = mine;
        part->has_job = true;
    }
    *is_same = strcmp(part->job.id, mine.id) == 0;
    if (!*is_same)
        pl_info("upload job %s of this run comes first", part->job.id);
    return 0;
}

int profiles_upload(struct profiles_run *run, struct profiles_part *part,
                    struct pl_err *err)
{
    bool is_same = false;

    if (ensure_job(run, part, err) != 0)
        return -1;
    while (part->job.is_created && !is_same)
        if (put(run, part, err) != 0 ||
            look_again(run, part, &is_same, err) != 0)
            return -1;
    if (part->job.is_created && start(run, part, err) != 0)
        return -1;
    return profiles_record(run, err);
}
