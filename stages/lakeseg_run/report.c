/* report.html of a run, made by `lakeseg report` before the notification. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/base/child.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/file.h"
#include "pipeline/base/log.h"
#include "pipeline/base/text.h"
#include "pipeline/stream/small.h"
#include "stages/lakeseg_run/supervise.h"

#define REPORT_MS 60000 /* it reads manifests and 100 rejects */
#define LOOK_MS 20
#define REPORT_BYTES_MAX ((size_t)32 << 20)

/* The child's exit status; 128 and more: a signal, also ours for being late. */
static int wait_for(pid_t pid)
{
    const int64_t end_ms = pl_mono_ms(&pl_clock_real) + REPORT_MS;
    struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
    int status = 0;

    for (;;) {
        const pid_t ended = waitpid(pid, &status, WNOHANG);

        if (ended == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status)
                                     : 128 + WTERMSIG(status);
        if (ended < 0 && errno != EINTR)
            return 128;
        if (pl_mono_ms(&pl_clock_real) >= end_ms)
            (void)kill(pid, SIGKILL);
        (void)nanosleep(&pause, NULL);
    }
}

static int make(const struct supervisor *s, const char *path,
                struct pl_err *err)
{
    const char *argv[] = {"lakeseg",  "report", s->run->id,
                          "--output", path,     NULL};
    pid_t pid;
    int status;

    if (pl_child_start(s->cfg->bin_dir, argv, -1, STDERR_FILENO, &pid, err) !=
        0)
        return -1;
    status = wait_for(pid);
    if (status != 0)
        return pl_fail(err, PL_INTERNAL_ERROR,
                       "lakeseg report ended with status %d", status);
    return 0;
}

/* A run whose data is in S3 has its report there, too, where whoever reads the
 * notification can open it. Appends the report's place to uri: the file where
 * it could not be stored. */
static int place(const struct supervisor *s, const char *path,
                 struct pl_buf *uri, struct pl_err *err)
{
    static const struct pl_s3_put_options options = {
        .content_type = "text/html; charset=utf-8"};
    const char *work = pl_manifest_str(&s->m, "run.work_uri");
    PL_AUTO(pl_buf) page = PL_BUF_INIT_MAX(REPORT_BYTES_MAX);
    PL_AUTO(pl_aws) aws = {0};
    struct pl_err cause = {0};

    if (work == NULL || !pl_starts_with(work, "s3://"))
        return pl_buf_adds(uri, path, err);
    if (pl_buf_addf(uri, err, "%sreport/report.html", work) != 0)
        return -1;
    if (pl_file_read(path, &page, &cause) == 0 &&
        pl_aws_open(&aws, NULL, &cause) == 0 &&
        pl_small_store(uri->data, &page, &options, &aws, &cause) == 0)
        return 0;
    pl_warn("the report stays on this machine: %s", cause.msg);
    pl_buf_reset(uri);
    return pl_buf_adds(uri, path, err);
}

/* A report that cannot be made is no reason to fail: the run is what counts. */
int supervisor_report(struct supervisor *s, struct pl_err *err)
{
    const int64_t began_ms = pl_now_ms(&pl_clock_real);
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    PL_AUTO(pl_buf) uri = PL_BUF_INIT;
    struct pl_err cause = {0};
    const char *status = "succeeded";

    if (pl_buf_addf(&path, err, "%sreport.html", s->run->dir.data) != 0)
        return -1;
    if (make(s, path.data, &cause) != 0) {
        pl_warn("no report: %s", cause.msg);
        status = "failed";
    } else if (place(s, path.data, &uri, err) != 0 ||
               pl_manifest_set_str(&s->m, "report.uri", uri.data, err) != 0) {
        return -1;
    }
    if (pl_manifest_add_stage(&s->m, RUN_REPORT, began_ms,
                              pl_now_ms(&pl_clock_real), status, err) != 0)
        return -1;
    return pl_run_save(s->run, RUN_REPORT, &s->m, err);
}
