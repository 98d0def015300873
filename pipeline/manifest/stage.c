#include "pipeline/manifest/stage.h"

#include <string.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/file.h"
#include "pipeline/base/log.h"
#include "pipeline/base/process.h"

/* What is known once the input was read. */
struct life {
    struct pl_manifest m;
    int64_t started_ms;
    bool is_silent;    /* the manifest is not written */
    struct pl_err err; /* of this stage; code PL_OK: it went well */
};

static void life_release(struct life *life)
{
    pl_manifest_release(&life->m);
}

/* Reads standard input to its end. On failure m is an empty manifest and
 * life->err is filled. */
static int read_input(struct life *life)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES);
    struct pl_err cause = {0};
    struct pl_err err = {0};

    if (isatty(STDIN_FILENO) == 1)
        pl_info("reading a manifest from the terminal");
    if (pl_fd_read_all(STDIN_FILENO, "standard input", &text, &cause) == 0 &&
        pl_manifest_parse(&life->m, pl_buf_str(&text), text.len, &cause) == 0)
        return 0;
    if (cause.code == PL_DATA_INVALID) /* larger than the limit */
        cause.code = PL_MANIFEST_INVALID;
    pl_manifest_release(&life->m);
    if (pl_manifest_init(&life->m, &err) != 0)
        cause = err;
    if (life->err.code == PL_OK) /* a wrong option came first */
        life->err = cause;
    return -1;
}

/* A manifest made of an operand, in place of one that is read. */
static int make_input(const struct pl_stage *stage, struct life *life,
                      const char *operand)
{
    int rc;

    if (pl_manifest_init(&life->m, &life->err) != 0)
        return -1;
    rc = stage->direct(stage->ctx, operand, &life->m, &life->err);
    life->is_silent = rc == 1;
    return rc < 0 ? -1 : 0;
}

static int write_output(const struct life *life, struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);

    if (life->is_silent)
        return 0;
    if (pl_manifest_print(&life->m, &text, err) != 0 ||
        pl_fd_write_all(STDOUT_FILENO, text.data, text.len, err) != 0)
        return pl_context(err, "cannot pass the manifest on");
    return 0;
}

/* The run failed before us: say so, and end as it did. */
static int skip(const struct pl_stage *stage, struct life *life)
{
    const int64_t status = pl_manifest_int(&life->m, "error.exit", 70);

    if (pl_manifest_add_stage(&life->m, stage->cli->name, life->started_ms,
                              life->started_ms, "skipped", &life->err) != 0 ||
        write_output(life, &life->err) != 0)
        return pl_process_exit(&life->err);
    pl_info("skipped: the run failed in %s",
            pl_manifest_str(&life->m, "error.stage") != NULL
                ? pl_manifest_str(&life->m, "error.stage")
                : "an earlier stage");
    return status > 0 && status < 126 ? (int)status : 70;
}

/* Writes what became of it and ends. */
static int finish(const struct pl_stage *stage, struct life *life)
{
    struct pl_err err = {0};
    const bool is_failed = life->err.code != PL_OK;

    pl_stop_hold(); /* the manifest is written whatever happened */
    if ((is_failed && pl_manifest_set_error(&life->m, stage->cli->name,
                                            &life->err, &err) != 0) ||
        pl_manifest_add_stage(&life->m, stage->cli->name, life->started_ms,
                              pl_now_ms(&pl_clock_real),
                              is_failed ? "failed" : "succeeded", &err) != 0 ||
        write_output(life, &err) != 0)
        return pl_process_exit(is_failed ? &life->err : &err);
    return is_failed ? pl_process_exit(&life->err) : 0;
}

/* The last stage reports; the run's status stays what it was. */
static int finish_last(const struct pl_stage *stage, struct life *life)
{
    const struct pl_err own = life->err;
    const char *status = pl_manifest_str(&life->m, "status");
    struct pl_err err = {0};
    int rc = own.code != PL_OK ? pl_process_exit(&own) : 0;

    if (pl_manifest_is_failed(&life->m))
        rc = (int)pl_manifest_int(&life->m, "error.exit", 70);
    else if (status == NULL || strcmp(status, "succeeded") != 0)
        rc = pl_code_info(PL_MANIFEST_INVALID)->exit;
    if (own.code != PL_OK &&
        (pl_manifest_set_str(&life->m, "notify.error.name",
                             pl_code_info(own.code)->name, &err) != 0 ||
         pl_manifest_set_str(&life->m, "notify.error.message", own.msg, &err) !=
             0))
        return pl_process_exit(&err);
    if (pl_manifest_add_stage(&life->m, stage->cli->name, life->started_ms,
                              pl_now_ms(&pl_clock_real),
                              own.code != PL_OK ? "failed" : "succeeded",
                              &err) != 0 ||
        write_output(life, &err) != 0)
        return pl_process_exit(&err);
    return rc;
}

/* No manifest came: for the last stage that is the outcome to report. */
static void report_lost_input(const struct pl_stage *stage, struct life *life)
{
    const struct pl_err cause = life->err;
    struct pl_err err = {0};

    (void)pl_process_exit(&cause);
    if (pl_manifest_set_error(&life->m, stage->cli->name, &cause, &err) == 0)
        memset(&life->err, 0, sizeof(life->err));
}

int pl_stage_main(const struct pl_stage *stage, int argc, char **argv)
{
    __attribute__((cleanup(life_release))) struct life life = {0};
    bool has_input;
    int first = argc;
    int rc;

    pl_process_init(stage->cli->name);
    rc = pl_opts_parse(stage->cli, argc, argv,
                       stage->direct != NULL ? &first : NULL, &life.err);
    if (rc > 0)
        return 0;
    if (first < argc - 1)
        rc = pl_fail(&life.err, PL_USAGE_INVALID, "one file only");
    if (rc < 0 && (first < argc || isatty(STDIN_FILENO) == 1))
        return pl_process_exit(&life.err);
    has_input = first < argc ? make_input(stage, &life, argv[first]) == 0
                             : read_input(&life) == 0;
    pl_process_listen();
    life.started_ms = pl_now_ms(&pl_clock_real);
    if (life.m.root == NULL ||
        pl_manifest_begin(&life.m, life.started_ms, &life.err) != 0)
        return pl_process_exit(&life.err);
    pl_log_set_run(pl_manifest_str(&life.m, "run.id"));
    if (pl_manifest_is_failed(&life.m) && !stage->is_last)
        return skip(stage, &life);
    if (stage->is_last && !has_input)
        report_lost_input(stage, &life);
    if (life.err.code == PL_OK)
        (void)stage->run(stage->ctx, &life.m, &life.err);
    return stage->is_last ? finish_last(stage, &life) : finish(stage, &life);
}
