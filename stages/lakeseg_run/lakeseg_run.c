#include "stages/lakeseg_run/lakeseg_run.h"

#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"
#include "stages/lakeseg_run/supervise.h"

void lakeseg_outcome_release(struct lakeseg_outcome *outcome)
{
    pl_manifest_release(&outcome->m);
}

/* With --from the manifest of another run is the beginning of a new one. */
static void forget_run(struct pl_manifest *job)
{
    static const struct {
        const char *section;
        const char *field;
    } fields[] = {{"run", "id"},
                  {"run", "started_at"},
                  {"run", "stages"},
                  {"notify", "result"},
                  {"notify", "error"}};

    for (size_t i = 0; i < PL_COUNT(fields); i++)
        (void)json_object_del(pl_manifest_get(job, fields[i].section),
                              fields[i].field);
    (void)json_object_del(job->root, "status");
    (void)json_object_del(job->root, "error");
    (void)json_object_del(job->root, "stages");
}

static int check_until(const struct lakeseg_run_config *cfg,
                       const struct run_plan *plan, struct pl_err *err)
{
    if (cfg->until == NULL || run_plan_find(plan, cfg->until, 0) < plan->count)
        return 0;
    return pl_fail(err, PL_USAGE_INVALID,
                   "--until %s: the run has no such stage", cfg->until);
}

/* Where the job goes, when it does not say: part of what a resumed run keeps. */
static int choose_destination(struct pl_manifest *job, struct pl_err *err)
{
    const char *to = pl_env("LAKESEG_DESTINATION");

    if (to == NULL || pl_manifest_str(job, "import.destination") != NULL)
        return 0;
    return pl_manifest_set_str(job, "import.destination", to, err);
}

/* Makes a job what job.json holds: all that a resuming supervisor must know. */
static int prepare(const struct lakeseg_run_config *cfg,
                   struct pl_manifest *job, struct pl_err *err)
{
    const char *status;
    struct run_plan plan;

    if (cfg->from != NULL)
        forget_run(job);
    status = pl_manifest_str(job, "status");
    if (status != NULL && strcmp(status, "pending") != 0)
        return pl_fail(err, PL_USAGE_INVALID,
                       "the job's status is '%s': this is what a run left, "
                       "not the job",
                       status);
    if (choose_destination(job, err) != 0 ||
        run_plan_choose(job, cfg->stages, cfg->from, cfg->has_report, err) !=
            0 ||
        run_plan_read(job, &plan, err) != 0 ||
        check_until(cfg, &plan, err) != 0 ||
        pl_manifest_begin(job, pl_now_ms(&pl_clock_real), err) != 0)
        return -1;
    if (cfg->is_local &&
        pl_manifest_set_new(job, "run.local", json_true(), err) != 0)
        return -1;
    return cfg->timeout_s != PL_UNSET
               ? pl_manifest_set_int(job, "run.timeout_s", cfg->timeout_s, err)
               : 0;
}

static int64_t deadline_of(const struct lakeseg_run_config *cfg,
                           const struct pl_manifest *job)
{
    const int64_t budget =
        cfg->timeout_s != PL_UNSET
            ? cfg->timeout_s
            : pl_manifest_int(job, "run.timeout_s", PL_UNSET);

    return budget == PL_UNSET || budget > INT64_MAX / 2000
               ? INT64_MAX
               : pl_mono_ms(&pl_clock_real) + budget * 1000;
}

static void tell_how(const struct supervisor *s)
{
    switch (s->how) {
    case RUN_PAUSED:
        pl_info("run %s waits behind %s: 'lakeseg run --resume %s' goes on",
                s->run->id, s->cfg->until, s->run->id);
        break;
    case RUN_STOPPED:
        pl_warn("run %s was stopped: 'lakeseg run --resume %s' goes on",
                s->run->id, s->run->id);
        break;
    case RUN_UNTOLD:
        pl_warn("run %s is at its end, and could not tell: 'lakeseg run "
                "--resume %s' tries again, and so does the next start of the "
                "job",
                s->run->id, s->run->id);
        break;
    case RUN_OVER:
    default:
        break;
    }
}

/* On with a run whose lock we hold. */
static int go_on(const struct lakeseg_run_config *cfg,
                 const struct pl_runs *runs, const char *folder,
                 struct pl_run *run, struct lakeseg_outcome *outcome,
                 struct pl_err *err)
{
    PL_AUTO(supervisor)
    s = {.cfg = cfg, .runs = runs, .folder = folder, .run = run};

    if (supervisor_open(&s, err) != 0 || check_until(cfg, &s.plan, err) != 0 ||
        pl_run_note(run, RUN_NOTE_PAUSED, NULL, 0, err) != 0)
        return -1;
    s.deadline_ms = deadline_of(cfg, &s.job);
    pl_log_set_run(run->id);
    pl_info("run %s of the job '%s': %s", run->id, folder,
            run->saved > 0 ? "goes on" : "begins");
    if (supervisor_run(&s, err) != 0)
        return -1;
    tell_how(&s);
    outcome->status = s.status;
    outcome->m = s.m;
    s.m.root = NULL;
    return 0;
}

/* Runs that died */

static bool has_note(const struct pl_run *run, const char *name)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);
    struct pl_err ignored = {0};

    return pl_run_read_note(run, name, &text, &ignored) == 0;
}

/* What a stage left that was stopped says more than what came before it; but
 * the run may have gone on behind that stage since. */
static void take_stopped(struct supervisor *s, const char *stage)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);
    struct pl_manifest m = {0};
    struct pl_err ignored = {0};
    const char *of;

    if (pl_run_read_note(s->run, RUN_NOTE_STOPPED, &text, &ignored) != 0)
        return;
    if (pl_manifest_parse(&m, pl_buf_str(&text), text.len, &ignored) != 0 ||
        (of = pl_manifest_str(&m, "error.stage")) == NULL ||
        strcmp(of, stage) != 0) {
        pl_manifest_release(&m);
        return;
    }
    pl_manifest_release(&s->m);
    s->m = m;
}

static int fail_dead(struct supervisor *s, struct pl_err *err)
{
    const char *stage = s->plan.stages[supervisor_next(s)];
    const bool was_begun = supervisor_was_begun(s, stage);
    struct pl_err cause = {0};

    (void)pl_fail(&cause, PL_INTERRUPTED,
                  "the run died %s %s and was not resumed; the next start of "
                  "the job closed it%s",
                  was_begun ? "in" : "before", stage,
                  was_begun && pl_ends_with(stage, "-import")
                      ? "; an import that it had started goes on at the service"
                      : "");
    take_stopped(s, stage);
    return supervisor_fail(s, stage, &cause, err);
}

/* The run's outcome is told now, if it was not. 1: it cannot be told. */
static int close_run(struct supervisor *s, struct pl_err *err)
{
    const char *status = pl_manifest_str(&s->m, "status");
    const bool is_open = status == NULL || strcmp(status, "pending") == 0;

    if (is_open && supervisor_next(s) < s->plan.count && fail_dead(s, err) != 0)
        return -1;
    if (has_note(s->run, RUN_NOTE_PAUSED)) { /* on purpose: not told */
        pl_info("run %s of this job was paused and not resumed: it is closed",
                s->run->id);
        return supervisor_end(s, err);
    }
    pl_info("run %s of this job died and was not resumed: it is closed",
            s->run->id);
    if (supervisor_run(s, err) != 0)
        return -1;
    return s->how == RUN_OVER ? 0 : 1;
}

static bool is_of(const struct supervisor *s)
{
    PL_AUTO(pl_buf) folder = PL_BUF_INIT;
    struct pl_err ignored = {0};

    return pl_job_folder(&s->job, &folder, &ignored) == 0 &&
           strcmp(pl_buf_str(&folder), s->folder) == 0;
}

/* One of them that cannot be read must not keep its job from running. */
static int look_at(const struct lakeseg_run_config *cfg,
                   const struct pl_runs *runs, const char *folder,
                   const char *id)
{
    const struct lakeseg_run_config quiet = {.bin_dir = cfg->bin_dir};
    PL_AUTO(pl_run) run = {.saved = 0};
    PL_AUTO(supervisor)
    s = {.cfg = &quiet,
         .runs = runs,
         .folder = folder,
         .run = &run,
         .deadline_ms = INT64_MAX};
    struct pl_err err = {0};
    bool is_told;
    int rc;

    if (pl_run_open(runs, id, &run, &err) != 0 ||
        supervisor_open(&s, &err) != 0) {
        pl_warn("run %s cannot be looked at: %s", id, err.msg);
        return 0;
    }
    if (!is_of(&s))
        return 0;
    is_told = !has_note(&run, RUN_NOTE_PAUSED);
    rc = close_run(&s, &err);
    if (run.is_over && cfg->closed != NULL)
        cfg->closed(&s.m, is_told);
    if (rc < 0)
        pl_warn("run %s cannot be closed: %s", id, err.msg);
    if (rc > 0)
        pl_warn("run %s could not be told: the next start tries again", id);
    return rc > 0 ? 1 : 0;
}

static int close_dead(const struct lakeseg_run_config *cfg,
                      const struct pl_runs *runs, const char *folder,
                      struct pl_err *err)
{
    PL_AUTO(pl_runs_list) list = {.count = 0};

    if (pl_runs_list_open(runs, &list, err) != 0)
        return -1;
    for (size_t i = list.count; i-- > 0;) /* the oldest first */
        if (look_at(cfg, runs, folder, list.entries[i].id) != 0)
            break;
    return pl_stop_check(err);
}

/* Entries */

static int refuse_ended(const struct pl_run *run, struct pl_err *err)
{
    PL_AUTO(pl_manifest) m = {0};

    if (pl_run_last(run, &m, err) != 0)
        return -1;
    return pl_fail(err, PL_USAGE_INVALID,
                   "run %s is over (%s), and a run has one outcome: start the "
                   "job again for a new run, with another 'run.id' or none",
                   run->id, pl_manifest_subject(&m));
}

static int reopen(const struct lakeseg_run_config *cfg,
                  const struct pl_runs *runs, const char *folder,
                  const char *id, struct lakeseg_outcome *outcome,
                  struct pl_err *err)
{
    PL_AUTO(pl_run) run = {.saved = 0};

    if (pl_run_open(runs, id, &run, err) != 0)
        return -1;
    return run.is_over ? refuse_ended(&run, err)
                       : go_on(cfg, runs, folder, &run, outcome, err);
}

int lakeseg_run(const struct lakeseg_run_config *cfg,
                const struct pl_runs *runs, struct pl_manifest *job,
                struct lakeseg_outcome *outcome, struct pl_err *err)
{
    PL_AUTO(pl_job_lock) lock = {.fd = -1};
    PL_AUTO(pl_run) run = {.saved = 0};
    PL_AUTO(pl_buf) folder = PL_BUF_INIT;
    const char *id;

    if (prepare(cfg, job, err) != 0 || pl_job_folder(job, &folder, err) != 0)
        return -1;
    id = pl_manifest_str(job, "run.id");
    if (!pl_run_id_is_good(id))
        return pl_fail(err, PL_CONFIG_INVALID, "'run.id': '%s' is no run's id",
                       id);
    if (pl_job_lock(runs, folder.data, id, &lock, err) != 0)
        return -1;
    if (pl_run_exists(runs, id))
        return reopen(cfg, runs, folder.data, id, outcome, err);
    if (close_dead(cfg, runs, folder.data, err) != 0 ||
        pl_run_create(runs, job, &run, err) != 0)
        return -1;
    return go_on(cfg, runs, folder.data, &run, outcome, err);
}

int lakeseg_resume(const struct lakeseg_run_config *cfg,
                   const struct pl_runs *runs, const char *word,
                   struct lakeseg_outcome *outcome, struct pl_err *err)
{
    PL_AUTO(pl_job_lock) lock = {.fd = -1};
    PL_AUTO(pl_run) run = {.saved = 0};
    PL_AUTO(pl_manifest) job = {0};
    PL_AUTO(pl_buf) folder = PL_BUF_INIT;

    if (pl_runs_find(runs, word, &run, err) != 0)
        return -1;
    if (run.is_over)
        return refuse_ended(&run, err);
    if (pl_run_first(&run, &job, err) != 0 ||
        pl_job_folder(&job, &folder, err) != 0)
        return -1;
    if (pl_manifest_bool(&job, "run.local", false) != cfg->is_local)
        return pl_fail(err, PL_USAGE_INVALID,
                       cfg->is_local
                           ? "run %s was not started with --local"
                           : "run %s was started with --local, and goes on so",
                       run.id);
    if (pl_job_lock(runs, folder.data, run.id, &lock, err) != 0)
        return -1;
    return reopen(cfg, runs, folder.data, run.id, outcome, err);
}
