#include "stages/sfn_task/sfn_task.h"

#include <string.h>
#include <unistd.h>

#include "pipeline/aws/sfn.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/file.h"
#include "pipeline/base/log.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"
#include "pipeline/manifest/metrics.h"
#include "stages/sfn_task/input.h"
#include "stages/sfn_task/judge.h"
#include "stages/sfn_task/keep.h"
#include "stages/sfn_task/lock.h"
#include "stages/sfn_task/pipe.h"
#include "stages/sfn_task/tell.h"

/* From TERM on, within the 120 s that a task may be given: until then objects
 * are written, and until then the outcome is told. */
#define STORE_UNTIL_MS INT64_C(80000)
#define TELL_UNTIL_MS INT64_C(115000)

/* Without a stop, an outcome that does not get through is repeated for as long
 * as the last sign of life may hold (HeartbeatSeconds 300). */
#define TELL_FOR_MS INT64_C(240000)
#define TELL_WAIT_MS INT64_C(250) /* doubled each time */
#define TELL_WAIT_MAX_MS INT64_C(10000)

struct task {
    const struct sfn_task_config *cfg;
    struct pl_aws *aws;
    struct sfn_beat beat;
    struct pl_manifest m;       /* the input, then what became of it */
    struct pl_buf manifest_uri; /* where m is stored; "": nowhere */
    bool is_duplicate;
};

static void task_release(struct task *t)
{
    pl_manifest_release(&t->m);
    pl_buf_release(&t->manifest_uri);
}

/* A stage that is not there is said before anything is claimed. */
static int check_stages(const struct sfn_task_config *cfg, struct pl_err *err)
{
    for (size_t i = 0; i < cfg->stage_count; i++) {
        PL_AUTO(pl_buf) path = PL_BUF_INIT;

        if (pl_buf_addf(&path, err, "%s%s", cfg->bin_dir, cfg->stages[i]) != 0)
            return -1;
        if (strchr(cfg->stages[i], '/') != NULL || access(path.data, X_OK) != 0)
            return pl_fail(err, PL_CONFIG_INVALID, "there is no stage '%s'",
                           cfg->stages[i]);
    }
    return 0;
}

/* All that comes before the stages. */
static int prepare(struct task *t, struct pl_err *err)
{
    const struct sfn_task_config *cfg = t->cfg;
    int rc;

    if (check_stages(cfg, err) != 0 ||
        sfn_input_read(cfg, t->aws, &t->m, err) != 0 ||
        sfn_input_begin(cfg, pl_now_ms(&pl_clock_real), &t->m, err) != 0)
        return -1;
    pl_log_set_run(pl_manifest_str(&t->m, "run.id"));
    if (cfg->locks_uri == NULL)
        return 0;
    if (cfg->scheduled_time != NULL) {
        rc = sfn_claim(cfg, t->aws, err);
        if (rc < 0)
            return -1;
        t->is_duplicate = rc == 1;
    }
    return t->is_duplicate ? 0 : sfn_lock(cfg, t->aws, err);
}

/* An importer looks longer for what an earlier try may have started. */
static void warn_importers(const struct task *t)
{
    for (size_t i = 0; i < t->cfg->stage_count; i++)
        if (pl_ends_with(t->cfg->stages[i], "-import") &&
            sfn_keep_is_again(t->cfg, &t->m, t->aws))
            (void)setenv("LAKESEG_AGAIN", "1", 1);
}

static int run_stages(struct task *t, struct pl_err *err)
{
    PL_AUTO(pl_buf) input = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);
    PL_AUTO(pl_buf) output = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);
    PL_AUTO(pl_manifest) m = {0};
    const char *argv[SFN_TASK_STAGES_MAX][2] = {{NULL, NULL}};
    struct sfn_pipe pipe = {.count = t->cfg->stage_count};
    struct pl_manifest old;

    for (size_t i = 0; i < pipe.count; i++) {
        argv[i][0] = t->cfg->stages[i];
        pipe.child[i].argv = argv[i];
    }
    warn_importers(t);
    if (pl_manifest_print(&t->m, &input, err) != 0 ||
        sfn_pipe_run(&pipe, t->cfg->bin_dir, &input, &t->beat, &output, err) !=
            0 ||
        sfn_judge(&pipe, &output, &t->m, pl_now_ms(&pl_clock_real), &m, err) !=
            0)
        return -1;
    old = t->m;
    t->m = m;
    m = old;
    return 0;
}

/* The manifest of a task that failed before or beside its stages. It is as
 * much as is known: without an input, the run's id and place. */
static int set_failed(struct task *t, const struct pl_err *cause,
                      struct pl_err *err)
{
    const int64_t now = pl_now_ms(&pl_clock_real);
    struct pl_err ignored = {0};

    if (t->m.root == NULL && pl_manifest_init(&t->m, err) != 0)
        return -1;
    if (sfn_input_begin(t->cfg, now, &t->m, &ignored) != 0)
        pl_debug("%s", ignored.msg);
    if (pl_manifest_set_error(&t->m, t->cfg->stages[0], cause, err) != 0)
        return -1;
    return pl_manifest_add_stage(&t->m, t->cfg->stages[0], now, now, "failed",
                                 err);
}

static bool is_retryable(const struct pl_manifest *m)
{
    return pl_manifest_is_failed(m) &&
           pl_manifest_bool(m, "error.retryable", false);
}

static bool has_succeeded(const struct pl_manifest *m)
{
    const char *status = pl_manifest_str(m, "status");

    return status != NULL && strcmp(status, "succeeded") == 0;
}

/* Stores the manifest. One that goes on cannot do without; the outcome of one
 * that is over stays what it is. */
static int store(struct task *t, struct pl_err *err)
{
    PL_AUTO(pl_buf) uri = PL_BUF_INIT;
    struct pl_err cause = {0};

    if (sfn_keep_uri(t->cfg, &t->m, &uri, &cause) == 0 &&
        sfn_keep_manifest(&t->m, uri.data, t->aws, &cause) == 0)
        return pl_buf_adds(&t->manifest_uri, uri.data, err);
    pl_warn("%s", cause.msg);
    if (pl_manifest_is_failed(&t->m) || has_succeeded(&t->m))
        return 0;
    return set_failed(t, &cause, err);
}

/* The figures of a run that is over. A failure that Step Functions repeats is
 * counted by its repetition. */
static int print_metrics(const struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_buf) line = PL_BUF_INIT;

    if (is_retryable(m) || (!pl_manifest_is_failed(m) && !has_succeeded(m)))
        return 0;
    if (pl_metrics_print(m, pl_now_ms(&pl_clock_real), &line, err) != 0)
        return -1;
    return pl_fd_write_all(STDOUT_FILENO, line.data, line.len, err);
}

/* Everything that is kept of a run. A token that is over writes nothing: the
 * run belongs to another task now. With a part of a run it does not end:
 * report, history and metrics are those of the task that puts them together. */
static int keep(struct task *t, struct pl_err *err)
{
    const bool is_part = pl_manifest_get(&t->m, "run.part") != NULL;
    struct pl_err ignored = {0};

    if (!is_part && (pl_manifest_is_failed(&t->m) || has_succeeded(&t->m)))
        sfn_keep_report(t->cfg, &t->m, t->aws, &t->beat);
    sfn_beat_now(&t->beat);
    if (t->beat.is_over)
        return 0;
    if (store(t, err) != 0)
        return -1;
    if (is_part)
        return 0;
    sfn_keep_history(t->cfg, &t->m, t->aws);
    if (print_metrics(&t->m, &ignored) != 0)
        pl_warn("no metrics: %s", ignored.msg);
    return 0;
}

static int tell_once(struct task *t, struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    const char *uri = t->manifest_uri.len > 0 ? t->manifest_uri.data : NULL;

    if (pl_manifest_is_failed(&t->m))
        return sfn_tell_cause(&t->m, uri, &text, err) != 0
                   ? -1
                   : pl_sfn_failure(t->aws, t->cfg->token,
                                    pl_manifest_str(&t->m, "error.name"),
                                    text.data, err);
    return sfn_tell_output(&t->m,
                           t->is_duplicate        ? "duplicate"
                           : has_succeeded(&t->m) ? "succeeded"
                                                  : "pending",
                           uri, &text, err) != 0
               ? -1
               : pl_sfn_success(t->aws, t->cfg->token, text.data, err);
}

/* Tells it, and again while that may still help. A token that is over after a
 * try whose answer was lost most likely took that. */
static int tell(struct task *t, struct pl_err *err)
{
    const int64_t until = pl_mono_ms(&pl_clock_real) + TELL_FOR_MS;
    int64_t wait_ms = TELL_WAIT_MS;
    bool was_unclear = false;

    pl_stop_set_hold_ms(TELL_UNTIL_MS);
    for (;;) {
        struct pl_err cause = {0};
        bool is_passing;

        if (tell_once(t, &cause) == 0)
            return 0;
        is_passing =
            cause.code == PL_SERVICE_UNAVAILABLE || cause.code == PL_THROTTLED;
        if (pl_sfn_is_final(&cause) && was_unclear) {
            pl_warn("told, though no answer came: %s", cause.msg);
            return 0;
        }
        if (!is_passing || pl_mono_ms(&pl_clock_real) >= until) {
            *err = cause;
            return pl_context(err, "cannot tell the outcome");
        }
        if (cause.code == PL_SERVICE_UNAVAILABLE) /* it may have arrived */
            was_unclear = true;
        pl_warn("%s: again in %d ms", cause.msg, (int)wait_ms);
        if (pl_sleep_ms(&pl_clock_real, wait_ms, err) != 0)
            return -1;
        wait_ms =
            wait_ms * 2 < TELL_WAIT_MAX_MS ? wait_ms * 2 : TELL_WAIT_MAX_MS;
    }
}

static int exit_status(const struct pl_manifest *m)
{
    return pl_manifest_is_failed(m)
               ? (int)pl_manifest_int(m, "error.exit",
                                      pl_code_info(PL_INTERNAL_ERROR)->exit)
               : 0;
}

static int nobody_waits(struct pl_err *err)
{
    return pl_fail(err, PL_INTERRUPTED,
                   "the token is no longer valid: the state timed out, was "
                   "aborted, or has another task");
}

int sfn_task_run(const struct sfn_task_config *cfg, struct pl_aws *aws,
                 int *status, struct pl_err *err)
{
    PL_AUTO(task)
    t = {.cfg = cfg,
         .aws = aws,
         .beat = {.aws = aws,
                  .token = cfg->token,
                  .every_ms = cfg->heartbeat_s * 1000}};
    struct pl_err cause = {0};

    pl_stop_set_hold_ms(STORE_UNTIL_MS);
    pl_stop_hold();
    sfn_beat_now(&t.beat); /* nothing is begun that nobody waits for */
    if (t.beat.is_over)
        return nobody_waits(err);
    if (prepare(&t, &cause) == 0 && !t.is_duplicate)
        (void)run_stages(&t, &cause);
    if (t.beat.is_over)
        return nobody_waits(err);
    if (cause.code != PL_OK && set_failed(&t, &cause, err) != 0)
        return -1;
    if (!t.is_duplicate && keep(&t, err) != 0)
        return -1;
    if (t.beat.is_over)
        return nobody_waits(err);
    *status = exit_status(&t.m);
    return tell(&t, err);
}
