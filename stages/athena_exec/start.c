/* A statement started once, however often its start is repeated. */
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/process.h"
#include "stages/athena_exec/job.h"

#define ATTEMPTS 3         /* of a query that Athena calls retryable */
#define ATTEMPTS_CHAIN 100 /* with those that were cancelled before */

/* Puts what is sent together: equal for equal jobs, so that the token is. */
static void prepare(const struct athena_job *job, enum athena_kind kind,
                    struct pl_athena_query *q, char token[PL_ATHENA_TOKEN])
{
    *q = job->set.query;
    q->sql = job->text.data;
    if (kind == ATHENA_EXPLAIN) {
        q->has_reuse = false;
    } else {
        q->parameters = (const char *const *)job->literals;
        q->parameter_count = job->literal_count;
    }
    pl_athena_token(q, job->set.run_id, job->attempt, token);
    q->token = token;
}

/* The call itself is not interrupted: without its answer nobody knows which
 * query there is to stop. */
static int start(struct athena_job *job, enum athena_kind kind,
                 struct pl_err *err)
{
    struct pl_athena_query q;
    char token[PL_ATHENA_TOKEN];
    char id[sizeof(job->x.id)];
    int rc;

    prepare(job, kind, &q, token);
    if (pl_stop_check(err) != 0)
        return -1;
    pl_stop_hold();
    rc = pl_athena_start(job->aws, &q, id, err);
    pl_stop_unhold();
    if (rc == 0) {
        memset(&job->x, 0, sizeof(job->x));
        memcpy(job->x.id, id, sizeof(id));
        return 0;
    }
    /* the service read the statement and did not like it */
    if (err->code == PL_SERVICE_REFUSED)
        err->code = PL_QUERY_FAILED;
    if (err->code == PL_SERVICE_UNAVAILABLE || err->code == PL_INTERRUPTED)
        return pl_context(err,
                          "cannot tell whether the query was started (run %s "
                          "finds it if it was)",
                          job->set.run_id);
    return pl_context(err, "cannot start the query");
}

static const char *kind_name(enum athena_kind kind)
{
    return kind == ATHENA_EXPLAIN ? "EXPLAIN" : "query";
}

static int attempt(struct athena_job *job, enum athena_kind kind,
                   struct pl_err *err)
{
    const bool is_once =
        kind != ATHENA_EXPLAIN && (job->set.is_once || job->set.is_start_only);
    struct pl_err ignored = {0};
    int rc;

    if (athena_query_word(job, kind, job->attempt, err) != 0 ||
        start(job, kind, err) != 0)
        return -1;
    pl_info("%s %s started, or found again", kind_name(kind), job->x.id);
    rc = athena_follow(job, is_once, err);
    if (kind == ATHENA_EXPLAIN)
        return rc;
    if (athena_result_record(job, rc == 0 ? err : &ignored) != 0)
        return -1;
    return rc;
}

/* AthenaError types of throttling: sources 3.3. */
static bool may_repeat(const struct pl_athena_execution *x)
{
    return x->state == PL_ATHENA_FAILED &&
           (x->is_retryable || (x->error_type >= 1400 && x->error_type < 1500));
}

/* Throttled by what it reads, most of the time: later helps, at once not. */
static int wait_before(struct athena_job *job, int failed, struct pl_err *err)
{
    const struct pl_retry *retry = &job->aws->retry;

    pl_warn("query %s failed in a way that passes (type %d): starting it "
            "again",
            job->x.id, job->x.error_type);
    return pl_sleep_ms(&job->aws->clock,
                       athena_pause_ms(UINT32_MAX, job->set.poll_ms * failed,
                                       retry->random(retry->random_ctx)),
                       err);
}

/* By somebody, before we came. A cut-off would only do it again, at a price. */
static bool was_cancelled(const struct athena_job *job)
{
    return job->was_over && job->x.state == PL_ATHENA_CANCELLED &&
           strstr(job->x.reason, "scanned limit") == NULL;
}

/*
 * Each attempt has a token of its own, and so the next start of the same run
 * walks the same attempts: past those that failed or were cancelled, to the
 * one that runs or succeeded.
 */
int athena_start(struct athena_job *job, enum athena_kind kind,
                 struct pl_err *err)
{
    int failed = 0;

    for (job->attempt = 1;; job->attempt++) {
        const struct pl_athena_execution *x = &job->x;

        if (attempt(job, kind, err) != 0)
            return -1;
        if (was_cancelled(job) && job->attempt < ATTEMPTS_CHAIN) {
            pl_warn("%s %s of this run was cancelled before: starting anew",
                    kind_name(kind), x->id);
            continue;
        }
        if (!may_repeat(x) || ++failed == ATTEMPTS)
            return 0;
        if (wait_before(job, failed, err) != 0)
            return -1;
    }
}

/* Whether two texts are one but for how many blanks stand between words. */
static bool is_same_text(const char *a, const char *b)
{
    static const char blanks[] = " \t\r\n";

    for (bool is_first = true;; is_first = false) {
        const size_t before_a = strspn(a, blanks);
        const size_t before_b = strspn(b, blanks);

        a += before_a;
        b += before_b;
        if (*a == '\0' || *b == '\0')
            return *a == *b;
        if (*a != *b || (!is_first && (before_a == 0) != (before_b == 0)))
            return false;
        a++;
        b++;
    }
}

int athena_attach(struct athena_job *job, enum athena_kind kind,
                  struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    const char *id = job->set.wait_id;
    struct pl_err ignored = {0};
    int rc;

    if (strlen(id) >= sizeof(job->x.id))
        return pl_fail(err, PL_USAGE_INVALID, "--wait: no query has that id");
    if (pl_athena_text(job->aws, id, &text, err) != 0)
        return pl_context(err, "cannot find query %s", id);
    for (job->attempt = 1; job->attempt <= ATTEMPTS_CHAIN; job->attempt++) {
        if (athena_query_word(job, kind, job->attempt, err) != 0)
            return -1;
        if (is_same_text(job->text.data, text.data))
            break;
        if (kind != ATHENA_UNLOAD || job->attempt == ATTEMPTS_CHAIN)
            return pl_fail(err, PL_CONFIG_INVALID,
                           "query %s runs another text than this manifest's",
                           id);
    }
    (void)snprintf(job->x.id, sizeof(job->x.id), "%s", id);
    rc = athena_follow(job, job->set.is_once, err);
    if (athena_result_record(job, rc == 0 ? err : &ignored) != 0)
        return -1;
    return rc;
}
