#include "stages/lakeseg_run/lakeseg_run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/base/child.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/file.h"
#include "pipeline/base/log.h"
#include "pipeline/base/process.h"

struct pipeline {
    struct {
        char name[64];
        pid_t pid;
        int status; /* of waitpid; -1: still runs */
    } stage[LAKESEG_RUN_STAGES_MAX];
    size_t count;
    int to_first;  /* we write the job here; -1: closed */
    int from_last; /* we read the last manifest here; -1: closed */
};

static void pipeline_release(struct pipeline *p)
{
    if (p->to_first >= 0)
        (void)close(p->to_first);
    if (p->from_last >= 0)
        (void)close(p->from_last);
    p->to_first = -1;
    p->from_last = -1;
}

static int split_stages(const char *list, struct pipeline *p,
                        struct pl_err *err)
{
    while (*list != '\0') {
        const char *comma = strchr(list, ',');
        const size_t len =
            comma != NULL ? (size_t)(comma - list) : strlen(list);

        if (len == 0 || len >= sizeof(p->stage[0].name) ||
            memchr(list, '/', len) != NULL ||
            p->count == LAKESEG_RUN_STAGES_MAX)
            return pl_fail(err, PL_USAGE_INVALID,
                           "'%s' is no list of at most %d stages", list,
                           LAKESEG_RUN_STAGES_MAX);
        memcpy(p->stage[p->count].name, list, len);
        p->stage[p->count].status = -1;
        p->count++;
        list += len + (comma != NULL ? 1 : 0);
    }
    return p->count > 0 ? 0
                        : pl_fail(err, PL_USAGE_INVALID, "no stages to run");
}

/* Starts stage i between in and a new pipe; in becomes that pipe's end. */
static int start_stage(const struct lakeseg_run_config *cfg, struct pipeline *p,
                       size_t i, int *in, struct pl_err *err)
{
    const char *argv[] = {p->stage[i].name, NULL};
    int ends[2];
    int rc;

    if (pl_child_pipe(ends, err) != 0)
        return -1;
    rc =
        pl_child_start(cfg->bin_dir, argv, *in, ends[1], &p->stage[i].pid, err);
    (void)close(ends[1]);
    (void)close(*in);
    *in = ends[0];
    return rc;
}

static int start_all(const struct lakeseg_run_config *cfg, struct pipeline *p,
                     struct pl_err *err)
{
    int ends[2];
    int in;

    if (pl_child_pipe(ends, err) != 0)
        return -1;
    in = ends[0];
    p->to_first = ends[1];
    for (size_t i = 0; i < p->count; i++) {
        if (start_stage(cfg, p, i, &in, err) != 0) {
            (void)close(in);
            return -1;
        }
    }
    p->from_last = in;
    return 0;
}

static void note_ended(struct pipeline *p)
{
    for (size_t i = 0; i < p->count; i++) {
        int status;

        if (p->stage[i].pid <= 0 || p->stage[i].status != -1)
            continue;
        if (waitpid(p->stage[i].pid, &status, WNOHANG) == p->stage[i].pid)
            p->stage[i].status = status;
    }
}

/* Ctrl-C reaches the stages by itself; TERM came to us alone. */
static void pass_stop_on(struct pipeline *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->stage[i].pid > 0 && p->stage[i].status == -1)
            (void)kill(p->stage[i].pid, SIGTERM);
}

/* Reads the last manifest while the stages work; a stop is passed on once. */
static int read_last(struct pipeline *p, struct pl_buf *text,
                     struct pl_err *err)
{
    bool is_passed_on = false;

    for (;;) {
        const int rc = pl_child_wait_readable(p->from_last, 100);
        ssize_t n;

        note_ended(p);
        if (pl_stop_requested() && !is_passed_on) {
            is_passed_on = true;
            pass_stop_on(p);
        }
        if (rc == 0)
            continue;
        if (pl_buf_reserve(text, 65536, err) != 0)
            return -1;
        n = read(p->from_last, text->data + text->len, 65536);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0)
            return pl_fail_errno(err, PL_FILE_ERROR,
                                 "cannot read the last manifest");
        if (n == 0)
            return 0;
        text->len += (size_t)n;
        text->data[text->len] = '\0';
    }
}

static int exit_of(int status)
{
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    return 128 + WTERMSIG(status);
}

/* Waits for all; says which stage was killed, since it could not. */
static int reap(struct pipeline *p)
{
    for (size_t i = 0; i < p->count; i++) {
        while (p->stage[i].pid > 0 && p->stage[i].status == -1) {
            int status;

            if (waitpid(p->stage[i].pid, &status, 0) == p->stage[i].pid)
                p->stage[i].status = status;
            else if (errno != EINTR)
                break;
        }
        if (WIFSIGNALED(p->stage[i].status))
            pl_warn("%s was killed by signal %d", p->stage[i].name,
                    WTERMSIG(p->stage[i].status));
    }
    return exit_of(p->stage[p->count - 1].status);
}

static int feed(struct pipeline *p, const struct pl_manifest *job,
                struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);
    struct pl_err ignored = {0};

    if (pl_manifest_print(job, &text, err) != 0)
        return -1;
    /* a first stage that died is told by the manifest that never comes */
    if (pl_fd_write_all(p->to_first, text.data, text.len, &ignored) != 0)
        pl_debug("the first stage took no input");
    (void)close(p->to_first);
    p->to_first = -1;
    return 0;
}

static const char *stages_of(const struct lakeseg_run_config *cfg,
                             const struct pl_manifest *job)
{
    const char *destination = pl_manifest_str(job, "import.destination");

    if (cfg->stages != NULL)
        return cfg->stages;
    return destination != NULL && strcmp(destination, "customer-profiles") == 0
               ? LAKESEG_RUN_STAGES_PROFILES
               : LAKESEG_RUN_STAGES;
}

int lakeseg_run(const struct lakeseg_run_config *cfg,
                const struct pl_manifest *job, struct pl_manifest *m,
                int *status, struct pl_err *err)
{
    __attribute__((cleanup(pipeline_release))) struct pipeline p = {
        .to_first = -1, .from_last = -1};
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);
    struct pl_err cause = {0};
    int rc;

    if (split_stages(stages_of(cfg, job), &p, err) != 0)
        return -1;
    rc = start_all(cfg, &p, err);
    if (rc == 0)
        rc = feed(&p, job, err);
    if (rc == 0)
        rc = read_last(&p, &text, err);
    pipeline_release(&p);
    *status = reap(&p);
    if (rc != 0)
        return -1;
    if (pl_manifest_parse(m, pl_buf_str(&text), text.len, &cause) != 0) {
        pl_manifest_release(m);
        *err = cause;
        return pl_context(err, "the last stage left no manifest");
    }
    return 0;
}

static int add_stage_lines(const struct pl_manifest *m, struct pl_buf *text,
                           struct pl_err *err)
{
    const json_t *line;
    size_t i;

    json_array_foreach(pl_manifest_get(m, "stages"), i, line)
    {
        const char *name = json_string_value(json_object_get(line, "stage"));
        const char *status = json_string_value(json_object_get(line, "status"));
        const char *from =
            json_string_value(json_object_get(line, "started_at"));
        const char *to = json_string_value(json_object_get(line, "ended_at"));
        int64_t from_ms = 0;
        int64_t to_ms = 0;

        if (name == NULL || status == NULL || from == NULL || to == NULL ||
            pl_time_parse_iso(from, &from_ms) != 0 ||
            pl_time_parse_iso(to, &to_ms) != 0)
            continue;
        if (pl_buf_addf(text, err, "%-24s %-10s %8.3f s\n", name, status,
                        (double)(to_ms - from_ms) / 1000.0) != 0)
            return -1;
    }
    return 0;
}

int lakeseg_run_summary(const struct pl_manifest *m, struct pl_buf *text,
                        struct pl_err *err)
{
    const int64_t in = pl_manifest_int(m, "validate.result.rows_in", -1);
    const char *error = pl_manifest_str(m, "error.name");
    const char *message = pl_manifest_str(m, "error.message");
    const char *id = pl_manifest_str(m, "run.id");
    const char *published = pl_manifest_str(m, "notify.result.message_id");

    if (add_stage_lines(m, text, err) != 0)
        return -1;
    if (in >= 0 &&
        pl_buf_addf(text, err,
                    "rows: %" PRId64 " in, %" PRId64 " out, %" PRId64
                    " rejected, %" PRId64 " dropped\n",
                    in, pl_manifest_int(m, "validate.result.rows_out", 0),
                    pl_manifest_int(m, "validate.result.rows_rejected", 0),
                    pl_manifest_int(m, "validate.result.rows_dropped", 0)) != 0)
        return -1;
    if (pl_manifest_is_failed(m) &&
        pl_buf_addf(text, err, "%s: %s\n", error != NULL ? error : "failed",
                    message != NULL ? message : "") != 0)
        return -1;
    return pl_buf_addf(text, err, "run %s: %s%s%s\n", id != NULL ? id : "?",
                       pl_manifest_subject(m),
                       published != NULL ? ", published as " : "",
                       published != NULL ? published : "");
}
