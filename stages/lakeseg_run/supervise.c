#include "stages/lakeseg_run/supervise.h"

#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"
#include "stages/lakeseg_run/stage.h"
#include "stages/lakeseg_run/view.h"

#define ENTRIES 3 /* of a stage that dies, or that nobody is to blame for */
#define PAUSE_FACTOR 5

/* What an end of a stage means. */
enum verdict {
    HAS_ENDED, /* its manifest is the run's, succeeded or failed */
    AGAIN,     /* it may be entered once more */
    HAS_STOPPED,
    IS_UNTOLD, /* only the notification */
    HAS_DIED   /* it left no manifest, and once more will not help */
};

void supervisor_release(struct supervisor *s)
{
    pl_manifest_release(&s->job);
    pl_manifest_release(&s->m);
}

int supervisor_open(struct supervisor *s, struct pl_err *err)
{
    if (pl_run_first(s->run, &s->job, err) != 0 ||
        pl_run_last(s->run, &s->m, err) != 0)
        return -1;
    return run_plan_read(&s->job, &s->plan, err);
}

static const char *last_saved(const struct supervisor *s)
{
    return s->run->saved > 0 ? s->run->stages[s->run->saved - 1].stage : "";
}

/* How many stages of the plan have left a manifest. */
static size_t count_ended(const struct supervisor *s)
{
    size_t count = 0;

    for (size_t i = 0; i < s->run->saved; i++)
        count += strcmp(s->run->stages[i].stage, RUN_OWN) != 0;
    return count < s->plan.count ? count : s->plan.count;
}

/* After a failure nothing comes but the report and the notification. */
size_t supervisor_next(const struct supervisor *s)
{
    const size_t ended = count_ended(s);
    size_t report;

    if (strcmp(last_saved(s), RUN_NOTIFY) == 0)
        return s->plan.count;
    if (!pl_manifest_is_failed(&s->m))
        return ended;
    if (strcmp(last_saved(s), RUN_REPORT) == 0)
        return run_plan_find(&s->plan, RUN_NOTIFY, 0);
    report = run_plan_find(&s->plan, RUN_REPORT, ended);
    return report < s->plan.count ? report
                                  : run_plan_find(&s->plan, RUN_NOTIFY, ended);
}

/* The stages that a failure left out have their line, as in a pipe. */
static int skip_to(struct supervisor *s, size_t next, struct pl_err *err)
{
    const int64_t now = pl_now_ms(&pl_clock_real);
    size_t at = count_ended(s);

    if (strcmp(last_saved(s), RUN_REPORT) == 0)
        return 0;
    if (strcmp(last_saved(s), RUN_OWN) == 0)
        at++; /* the one that died has its line */
    for (; at < next; at++)
        if (pl_manifest_add_stage(&s->m, s->plan.stages[at], now, now,
                                  "skipped", err) != 0)
            return -1;
    return 0;
}

bool supervisor_was_begun(const struct supervisor *s, const char *stage)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(4096);
    struct pl_err ignored = {0};

    return pl_run_read_note(s->run, RUN_NOTE_STAGE, &text, &ignored) == 0 &&
           strcmp(pl_buf_str(&text), stage) == 0;
}

/* How far an import came that was begun, and did not say so, nobody knows. */
static int mark_begun(struct pl_manifest *m, struct pl_err *err)
{
    return pl_manifest_set_new(m, "error.begun", json_true(), err);
}

int supervisor_fail(struct supervisor *s, const char *stage,
                    const struct pl_err *cause, struct pl_err *err)
{
    const int64_t now = pl_now_ms(&pl_clock_real);

    if (pl_manifest_set_error(&s->m, stage, cause, err) != 0 ||
        (supervisor_was_begun(s, stage) && mark_begun(&s->m, err) != 0) ||
        pl_manifest_add_stage(&s->m, stage, now, now, "failed", err) != 0)
        return -1;
    return pl_run_save(s->run, RUN_OWN, &s->m, err);
}

static bool is_notify(const char *stage)
{
    return strcmp(stage, RUN_NOTIFY) == 0;
}

/* The budget of a stage; the run's own does not cut the notification off. */
static int64_t deadline_of(const struct supervisor *s, const char *stage)
{
    const json_t *budgets = pl_manifest_get(&s->job, "run.stage_timeout_s");
    const json_t *budget = json_object_get(budgets, stage);
    int64_t at = is_notify(stage) ? INT64_MAX : s->deadline_ms;

    if (json_is_integer(budget) &&
        json_integer_value(budget) <= INT64_MAX / 2000) {
        const int64_t own = pl_mono_ms(&pl_clock_real) +
                            (int64_t)json_integer_value(budget) * 1000;

        at = own < at ? own : at;
    }
    return at;
}

static int overdue(const char *stage, struct pl_err *cause)
{
    enum pl_code code = PL_INTERRUPTED;

    if (pl_ends_with(stage, "-import"))
        code = PL_IMPORT_TIMED_OUT;
    else if (strcmp(stage, "athena-exec") == 0)
        code = PL_QUERY_TIMED_OUT;
    return pl_fail(cause, code,
                   "%s did not end within its time (run.timeout_s, "
                   "run.stage_timeout_s), and was stopped",
                   stage);
}

/* The program could not even be started. */
static bool is_missing(const struct run_stage_end *end)
{
    return end->m.root == NULL && WIFEXITED(end->status) &&
           WEXITSTATUS(end->status) >= 126;
}

/* How a program ended that left no manifest. */
static void died(const char *stage, int status, struct pl_err *cause)
{
    if (WIFSIGNALED(status))
        (void)pl_fail(cause, PL_HOST_ERROR, "%s was killed by signal %d", stage,
                      WTERMSIG(status));
    else if (WEXITSTATUS(status) == 126 || WEXITSTATUS(status) == 127)
        (void)pl_fail(cause, PL_HOST_ERROR, "%s cannot be started", stage);
    else
        (void)pl_fail(cause, PL_INTERNAL_ERROR,
                      "%s ended with status %d and left no manifest", stage,
                      WEXITSTATUS(status));
}

static bool is_retryable(const char *name)
{
    return name != NULL && pl_code_info(pl_code_by_name(name))->is_retryable;
}

/* Without a topic there is nobody to be told, now or later. */
static bool has_topic(const struct pl_manifest *m)
{
    return pl_manifest_str(m, "notify.topic_arn") != NULL ||
           pl_env("LAKESEG_TOPIC_ARN") != NULL;
}

static enum verdict judge_notify(const struct run_stage_end *end)
{
    const char *name = pl_manifest_str(&end->m, "notify.error.name");

    if (end->m.root != NULL &&
        (pl_manifest_str(&end->m, "notify.result.message_id") != NULL ||
         !has_topic(&end->m)))
        return HAS_ENDED;
    if (end->m.root == NULL || is_retryable(name))
        return AGAIN;
    return name != NULL && strcmp(name, "Interrupted") == 0 ? AGAIN : IS_UNTOLD;
}

/* A stage that somebody else killed or stopped is entered again, as is one
 * that says that later may help: its own rules make it go on where it was. */
static enum verdict judge(const char *stage, const struct run_stage_end *end)
{
    const bool is_asked = pl_stop_requested();
    const char *name = pl_manifest_str(&end->m, "error.name");

    if (is_notify(stage))
        return judge_notify(end);
    if (end->m.root == NULL) {
        if (end->is_overdue)
            return HAS_DIED;
        if (is_asked)
            return HAS_STOPPED;
        return is_missing(end) ? HAS_DIED : AGAIN;
    }
    if (!pl_manifest_is_failed(&end->m))
        return HAS_ENDED;
    if (name != NULL && strcmp(name, "Interrupted") == 0)
        return end->is_overdue ? HAS_ENDED : is_asked ? HAS_STOPPED : AGAIN;
    if (is_retryable(name))
        return is_asked ? HAS_STOPPED : AGAIN;
    return HAS_ENDED;
}

/* Waits before another entry; false: we are asked to stop meanwhile. */
static bool rest(int entry)
{
    int64_t ms = 1000;
    struct pl_err ignored = {0};

    if (pl_setting_int(PL_UNSET, "LAKESEG_RETRY_BASE_MS", 1000, &ms,
                       &ignored) != 0)
        ms = 1000;
    for (int i = 1; i < entry; i++)
        ms *= PAUSE_FACTOR;
    return pl_stop_wait_ms(ms) == 0;
}

static void tell_again(const char *stage, const struct run_stage_end *end)
{
    const char *name = pl_manifest_str(&end->m, "error.name");
    struct pl_err cause = {0};

    if (is_notify(stage))
        name = pl_manifest_str(&end->m, "notify.error.name");
    if (end->m.root == NULL)
        died(stage, end->status, &cause);
    else
        (void)pl_fail(&cause, PL_INTERNAL_ERROR, "%s ended with %s", stage,
                      name != NULL ? name : "a failure");
    pl_warn("%s: entering it again", cause.msg);
}

static void take_over(struct supervisor *s, struct run_stage_end *end)
{
    pl_manifest_release(&s->m);
    s->m = end->m;
    end->m.root = NULL;
}

static bool is_error_of(const struct pl_manifest *m, const char *stage)
{
    const char *of = pl_manifest_str(m, "error.stage");

    return pl_manifest_is_failed(m) && of != NULL && strcmp(of, stage) == 0;
}

/* Its manifest is the run's from here on. */
static int keep(struct supervisor *s, const char *stage,
                struct run_stage_end *end, struct pl_err *err)
{
    const char *name = pl_manifest_str(&end->m, "error.name");
    struct pl_err cause = {0};

    if (end->is_overdue && name != NULL && strcmp(name, "Interrupted") == 0) {
        (void)overdue(stage, &cause);
        if (pl_manifest_set_error(&end->m, stage, &cause, err) != 0)
            return -1;
    }
    if (s->is_in_doubt && is_error_of(&end->m, stage) &&
        mark_begun(&end->m, err) != 0)
        return -1;
    take_over(s, end);
    return pl_run_save(s->run, stage, &s->m, err);
}

static int lose(struct supervisor *s, const char *stage,
                const struct run_stage_end *end, struct pl_err *err)
{
    struct pl_err cause = {0};

    if (end->is_overdue)
        (void)overdue(stage, &cause);
    else
        died(stage, end->status, &cause);
    return supervisor_fail(s, stage, &cause, err);
}

/* A clean stop: the run can go on later, unless it is to be told at once. */
static int stop(struct supervisor *s, const char *stage,
                struct run_stage_end *end, struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);
    struct pl_err cause = {0};

    if (s->cfg->tells_stop) {
        if (end != NULL && end->m.root != NULL)
            return keep(s, stage, end, err);
        (void)pl_fail(&cause, PL_INTERRUPTED, "stopped by a signal");
        return supervisor_fail(s, stage, &cause, err);
    }
    s->how = RUN_STOPPED;
    s->status = pl_code_info(PL_INTERRUPTED)->exit;
    if (end == NULL || end->m.root == NULL)
        return 0;
    if (pl_manifest_print(&end->m, &text, err) != 0)
        return -1;
    return pl_run_note(s->run, RUN_NOTE_STOPPED, text.data, text.len, err);
}

static int untold(struct supervisor *s, struct run_stage_end *end)
{
    const char *name = pl_manifest_str(&end->m, "notify.error.name");

    s->how = RUN_UNTOLD;
    s->status = pl_code_info(pl_code_by_name(name != NULL ? name : ""))->exit;
    if (pl_manifest_is_failed(&s->m))
        s->status = (int)pl_manifest_int(&s->m, "error.exit", 70);
    if (end->m.root != NULL)
        take_over(s, end); /* to be shown */
    return 0;
}

static int act(struct supervisor *s, const char *stage, enum verdict verdict,
               struct run_stage_end *end, struct pl_err *err)
{
    switch (verdict) {
    case HAS_STOPPED:
        return stop(s, stage, end, err);
    case IS_UNTOLD:
        return untold(s, end);
    case HAS_DIED:
        return lose(s, stage, end, err);
    case HAS_ENDED:
    case AGAIN: /* too often */
    default:
        if (is_notify(stage) && verdict == AGAIN)
            return untold(s, end);
        return end->m.root != NULL ? keep(s, stage, end, err)
                                   : lose(s, stage, end, err);
    }
}

/* A stage that is entered again may find that what it had sent comes to pass
 * only now. */
static int tell_stage(bool is_again, struct pl_err *err)
{
    if ((is_again ? setenv("LAKESEG_AGAIN", "1", 1)
                  : unsetenv("LAKESEG_AGAIN")) != 0)
        return pl_fail_memory(err);
    return 0;
}

static int enter(struct supervisor *s, const char *stage,
                 struct run_stage_end *end, struct pl_err *err)
{
    struct run_stage one = {.bin_dir = s->cfg->bin_dir,
                            .name = stage,
                            .deadline_ms = deadline_of(s, stage),
                            .is_stoppable = !is_notify(stage)};

    if (s->cfg->view != NULL && s->cfg->view->is_live) {
        one.line = run_view_line;
        one.tick = run_view_tick;
        one.ctx = s->cfg->view;
    }
    return run_stage_once(&one, &s->m, end, err);
}

/* Whether an entry may have begun an import that the next one's manifest does
 * not tell of. */
static bool leaves_doubt(const struct run_stage_end *end)
{
    return end->m.root == NULL ||
           json_array_size(pl_manifest_get(&end->m, "import.result.jobs")) > 0;
}

static int run_stage(struct supervisor *s, const char *stage,
                     struct pl_err *err)
{
    bool is_again = supervisor_was_begun(s, stage);

    s->is_in_doubt = is_again;
    if (pl_run_note(s->run, RUN_NOTE_STAGE, stage, strlen(stage), err) != 0)
        return -1;
    run_view_begin(s->cfg->view, stage);
    for (int entry = 1;; entry++) {
        PL_AUTO(run_stage_end) end = {.status = 0};
        enum verdict verdict;
        int rc;

        if (tell_stage(is_again, err) != 0 || enter(s, stage, &end, err) != 0)
            return -1;
        if (!is_again && is_missing(&end) && /* so it was not begun */
            pl_run_note(s->run, RUN_NOTE_STAGE, NULL, 0, err) != 0)
            return -1;
        is_again = true;
        verdict = judge(stage, &end);
        if (verdict == AGAIN && entry < ENTRIES) {
            tell_again(stage, &end);
            s->is_in_doubt = s->is_in_doubt || leaves_doubt(&end);
            if (rest(entry) || is_notify(stage))
                continue;
            verdict = HAS_STOPPED;
        }
        rc = act(s, stage, verdict, &end, err);
        run_view_end(s->cfg->view, &s->m,
                     s->how == RUN_STOPPED ? "stopped" : NULL);
        return rc;
    }
}

static int status_of(const struct supervisor *s)
{
    const char *status = pl_manifest_str(&s->m, "status");
    const char *untold = pl_manifest_str(&s->m, "notify.error.name");

    if (pl_manifest_is_failed(&s->m))
        return (int)pl_manifest_int(&s->m, "error.exit", 70);
    if (status != NULL && strcmp(status, "succeeded") == 0)
        return untold != NULL ? pl_code_info(pl_code_by_name(untold))->exit : 0;
    return run_plan_find(&s->plan, RUN_NOTIFY, 0) < s->plan.count
               ? pl_code_info(PL_MANIFEST_INVALID)->exit
               : 0;
}

/* The receipt comes last: what is before it can be done again. But a paused
 * run stays one until then, or the next start would tell it. */
int supervisor_end(struct supervisor *s, struct pl_err *err)
{
    const char *status = pl_manifest_str(&s->m, "status");

    s->how = RUN_OVER;
    s->status = status_of(s);
    if (status != NULL && strcmp(status, "succeeded") == 0 &&
        pl_job_set_last(s->runs, s->folder, s->run->id, err) != 0)
        return -1;
    if (pl_run_note(s->run, RUN_NOTE_STAGE, NULL, 0, err) != 0 ||
        pl_run_note(s->run, RUN_NOTE_STOPPED, NULL, 0, err) != 0 ||
        pl_run_end(s->run, &s->m, err) != 0)
        return -1;
    return pl_run_note(s->run, RUN_NOTE_PAUSED, NULL, 0, err);
}

static bool is_pause(const struct supervisor *s, size_t next)
{
    return s->cfg->until != NULL && !pl_manifest_is_failed(&s->m) &&
           next < s->plan.count &&
           next > run_plan_find(&s->plan, s->cfg->until, 0);
}

static int pause_run(struct supervisor *s, struct pl_err *err)
{
    s->how = RUN_PAUSED;
    s->status = 0;
    return pl_run_note(s->run, RUN_NOTE_PAUSED, s->cfg->until,
                       strlen(s->cfg->until), err);
}

/* One step; s->how is RUN_OVER until something else is known. */
static int step(struct supervisor *s, size_t next, struct pl_err *err)
{
    const char *stage = s->plan.stages[next];
    struct pl_err cause = {0};

    if (skip_to(s, next, err) != 0)
        return -1;
    if (is_notify(stage))
        return run_stage(s, stage, err);
    if (strcmp(stage, RUN_REPORT) == 0)
        return supervisor_report(s, err);
    if (pl_stop_requested())
        return stop(s, stage, NULL, err);
    if (pl_mono_ms(&pl_clock_real) >= s->deadline_ms) {
        (void)overdue(stage, &cause);
        return supervisor_fail(s, stage, &cause, err);
    }
    return run_stage(s, stage, err);
}

int supervisor_run(struct supervisor *s, struct pl_err *err)
{
    size_t next;

    s->how = RUN_OVER;
    while ((next = supervisor_next(s)) < s->plan.count) {
        if (is_pause(s, next))
            return pause_run(s, err);
        if (step(s, next, err) != 0)
            return -1;
        if (s->how != RUN_OVER)
            return 0;
    }
    return supervisor_end(s, err);
}
