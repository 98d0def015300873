/* Runs that write to the state of one job at the same time, in a folder. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/delta/job.h"

#define RUNS 4
#define CHANGES 25

static int add_entry(void *ctx, struct pl_err *err)
{
    struct pl_delta_job *job = ctx;
    json_t *open;

    (void)err;
    if (job->state == NULL)
        job->state =
            json_pack("{s:i, s:n, s:[]}", "lakeseg_job", 1, "run_id", "open");
    open = json_object_get(job->state, "open");
    return json_array_append_new(open, json_pack("{s:s}", "run_id", "r"));
}

static int add_entries(const char *place)
{
    struct pl_delta_job job = {.aws = NULL};
    struct pl_err err = {0};
    int rc = pl_buf_adds(&job.place, place, &err);

    for (int i = 0; rc == 0 && i < CHANGES; i++)
        rc = pl_delta_job_change(&job, add_entry, &job, &err);
    pl_delta_job_release(&job);
    return rc;
}

START_TEST(nobody_loses_what_another_wrote)
{
    char dir[] = "/tmp/test_job.XXXXXX";
    char place[64];
    static const char *const parts[] = {"/jobs/a/last.json", "/jobs/a", "/jobs",
                                        ""};
    struct pl_delta_job job = {.aws = NULL};
    struct pl_err err = {0};

    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(place, sizeof(place), "%s/jobs/a/", dir);
    for (int i = 0; i < RUNS; i++) {
        const pid_t pid = fork();

        ck_assert_int_ge(pid, 0);
        if (pid == 0)
            _exit(add_entries(place) == 0 ? 0 : 1);
    }
    for (int i = 0; i < RUNS; i++) {
        int status = -1;

        ck_assert_int_gt(wait(&status), 0);
        ck_assert_int_eq(status, 0);
    }
    ck_assert_int_eq(pl_delta_job_open(&job, place, NULL, &err), 0);
    ck_assert_uint_eq(json_array_size(json_object_get(job.state, "open")),
                      (size_t)RUNS * CHANGES);
    pl_delta_job_release(&job);
    for (size_t i = 0; i < PL_COUNT(parts); i++) {
        char path[64];

        (void)snprintf(path, sizeof(path), "%s%s", dir, parts[i]);
        ck_assert_int_eq(remove(path), 0);
    }
}
END_TEST

UNIT_MAIN("job", tcase_add_test(tc, nobody_loses_what_another_wrote);)
