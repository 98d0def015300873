#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"
#include "pipeline/runs/runs.h"

static char dir[64];
static struct pl_runs runs;

static int remove_one(const char *path, const struct stat *about, int type,
                      struct FTW *at)
{
    (void)about;
    (void)type;
    (void)at;
    return remove(path);
}

static void setup(void)
{
    struct pl_err err = {0};

    (void)snprintf(dir, sizeof(dir), "/tmp/lakeseg-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(pl_runs_open(&runs, dir, &err), 0);
}

static void teardown(void)
{
    pl_runs_release(&runs);
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_job(struct pl_manifest *m, const char *id, const char *name)
{
    struct pl_err err = {0};

    ck_assert_int_eq(pl_manifest_init(m, &err), 0);
    ck_assert_int_eq(pl_manifest_set_str(m, "run.id", id, &err), 0);
    ck_assert_int_eq(pl_manifest_set_str(m, "run.name", name, &err), 0);
}

static void make_run(const char *id, const char *name, struct pl_run *run)
{
    PL_AUTO(pl_manifest) job = {0};
    struct pl_err err = {0};

    make_job(&job, id, name);
    ck_assert_msg(pl_run_create(&runs, &job, run, &err) == 0, "%s", err.msg);
}

/* The number of names in a folder below the state's. */
static int count(const char *folder)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    struct pl_err err = {0};
    DIR *d;
    int n = -2; /* "." and ".." */

    ck_assert_int_eq(pl_buf_addf(&path, &err, "%s/%s", dir, folder), 0);
    d = opendir(path.data);
    ck_assert_ptr_nonnull(d);
    while (readdir(d) != NULL)
        n++;
    (void)closedir(d);
    return n;
}

START_TEST(names_that_are_no_run_s)
{
    static const char *const bad[] = {"",    ".a",   "a/b",    "last",
                                      "a b", "\x80", "r1.json"};

    for (int i = 0; i < UNIT_COUNT(bad); i++)
        ck_assert_msg(!pl_run_id_is_good(bad[i]), "'%s'", bad[i]);
    ck_assert(pl_run_id_is_good("01KB.json-2"));
}
END_TEST

START_TEST(a_run_from_its_job_to_its_receipt)
{
    PL_AUTO(pl_run) run = {.saved = 0};
    PL_AUTO(pl_run) again = {.saved = 0};
    PL_AUTO(pl_manifest) m = {0};
    struct pl_err err = {0};

    make_run("R1", "job", &run);
    ck_assert(pl_run_exists(&runs, "R1"));
    make_job(&m, "R1", "job");
    ck_assert_int_eq(pl_run_save(&run, "athena-exec", &m, &err), 0);
    ck_assert_int_eq(pl_manifest_set_str(&m, "status", "failed", &err), 0);
    ck_assert_int_eq(pl_run_save(&run, "sns-notify", &m, &err), 0);

    ck_assert_int_eq(pl_run_open(&runs, "R1", &again, &err), 0);
    ck_assert(!again.is_over);
    ck_assert_uint_eq(again.saved, 2);
    ck_assert_str_eq(again.stages[0].stage, "athena-exec");
    ck_assert_str_eq(again.stages[1].stage, "sns-notify");
    pl_manifest_release(&m);
    ck_assert_int_eq(pl_run_last(&again, &m, &err), 0);
    ck_assert(pl_manifest_is_failed(&m));
    ck_assert_int_eq(pl_run_end(&again, &m, &err), 0);
    pl_run_release(&again);
    ck_assert_int_eq(pl_run_open(&runs, "R1", &again, &err), 0);
    ck_assert(again.is_over);
    pl_manifest_release(&m);
    ck_assert_int_eq(pl_run_first(&again, &m, &err), 0);
    ck_assert(!pl_manifest_is_failed(&m));
    ck_assert_int_eq(count("runs"), 1);
    ck_assert_int_eq(count("runs/R1"), 3);
    ck_assert_int_eq(count("runs/R1/manifests"), 2);
}
END_TEST

START_TEST(one_run_of_an_id)
{
    PL_AUTO(pl_run) run = {.saved = 0};
    PL_AUTO(pl_manifest) job = {0};
    struct pl_err err = {0};

    make_run("R1", "job", &run);
    make_job(&job, "R1", "other");
    ck_assert_int_eq(pl_run_create(&runs, &job, &run, &err), -1);
    ck_assert_int_eq(err.code, PL_USAGE_INVALID);
    pl_manifest_release(&job);
    pl_err_clear(&err);
    make_job(&job, "../R2", "other");
    ck_assert_int_eq(pl_run_create(&runs, &job, &run, &err), -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
}
END_TEST

START_TEST(what_a_killed_start_left_is_used_again)
{
    PL_AUTO(pl_run) run = {.saved = 0};
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    PL_AUTO(pl_manifest) m = {0};
    struct pl_err err = {0};

    ck_assert_int_eq(pl_buf_addf(&path, &err, "%s/runs/.new-job/.saving", dir),
                     0);
    ck_assert_int_eq(pl_mkdirs_for(path.data, &err), 0);
    ck_assert_int_eq(pl_file_write(path.data, "{\"half", 6, &err), 0);
    make_run("R1", "job", &run);
    ck_assert_int_eq(count("runs"), 1);
    ck_assert_int_eq(count("runs/R1"), 2);
    ck_assert_int_eq(pl_run_last(&run, &m, &err), 0);
}
END_TEST

START_TEST(a_manifest_that_is_missing_is_seen)
{
    PL_AUTO(pl_run) run = {.saved = 0};
    PL_AUTO(pl_run) again = {.saved = 0};
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    struct pl_err err = {0};

    make_run("R1", "job", &run);
    make_job(&m, "R1", "job");
    ck_assert_int_eq(pl_run_save(&run, "a", &m, &err), 0);
    ck_assert_int_eq(pl_run_save(&run, "b", &m, &err), 0);
    ck_assert_int_eq(
        pl_buf_addf(&path, &err, "%s/runs/R1/manifests/01-a.json", dir), 0);
    ck_assert_int_eq(unlink(path.data), 0);
    ck_assert_int_eq(pl_run_open(&runs, "R1", &again, &err), -1);
    ck_assert_int_eq(err.code, PL_FILE_ERROR);
}
END_TEST

static const struct {
    const char *word;
    const char *want; /* NULL: none */
} words[] = {
    {"01KAAA1", "01KAAA1"},
    {"01KAAA2", "01KAAA2"},
    {"01KAAA", NULL},
    {"01kb", "01KB"},
    {"last", "01KB"},
    {"", NULL},
    {"x", NULL},
    {"..", NULL},
    {"01KAAA1/", NULL},
};

START_TEST(words_for_a_run)
{
    PL_AUTO(pl_run) run = {.saved = 0};
    struct pl_err err = {0};
    int rc;

    make_run("01KAAA1", "job", &run);
    make_run("01KAAA2", "job", &run);
    (void)nanosleep(&(struct timespec){.tv_nsec = 20000000},
                    NULL); /* the file system's clock has a grain */
    make_run("01KB", "job", &run);
    pl_run_release(&run);
    rc = pl_runs_find(&runs, words[_i].word, &run, &err);
    if (words[_i].want == NULL) {
        ck_assert_msg(rc == -1, "%s", words[_i].word);
        ck_assert_int_eq(err.code, PL_USAGE_INVALID);
    } else {
        ck_assert_msg(rc == 0, "%s: %s", words[_i].word, err.msg);
        ck_assert_str_eq(run.id, words[_i].want);
    }
}
END_TEST

static const struct {
    const char *name;
    const char *want;
} names[] = {
    {"renewal-30d", "renewal-30d"},
    {"a/b", "a%2Fb"},
    {"..", "%2E."},
    {".", "%2E"},
    {"Z\xC3\xBCrich 1", "Z%C3%BCrich%201"},
    {"", "unnamed-e3b0c44298fc1c14"},
};

START_TEST(names_of_folders)
{
    PL_AUTO(pl_manifest) job = {0};
    PL_AUTO(pl_buf) folder = PL_BUF_INIT;
    struct pl_err err = {0};

    make_job(&job, "R", names[_i].name);
    ck_assert_int_eq(pl_job_folder(&job, &folder, &err), 0);
    ck_assert_str_eq(pl_buf_str(&folder), names[_i].want);
}
END_TEST

START_TEST(long_names_stay_apart)
{
    char name[400];
    PL_AUTO(pl_buf) a = PL_BUF_INIT;
    PL_AUTO(pl_buf) b = PL_BUF_INIT;
    struct pl_err err = {0};

    (void)memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    for (int i = 0; i < 2; i++) {
        PL_AUTO(pl_manifest) job = {0};

        name[sizeof(name) - 2] = (char)('a' + i);
        make_job(&job, "R", name);
        ck_assert_int_eq(pl_job_folder(&job, i == 0 ? &a : &b, &err), 0);
    }
    ck_assert_uint_le(a.len, 200);
    ck_assert_str_ne(a.data, b.data);
}
END_TEST

/* Takes the lock in a child that then waits for a byte; the child's pid. */
static pid_t hold(int ready[2], int go[2], bool has_child)
{
    pid_t pid;
    char byte;

    ck_assert_int_eq(pipe(ready), 0);
    ck_assert_int_eq(pipe(go), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct pl_job_lock lock = {.fd = -1};
        struct pl_err err = {0};

        if (pl_job_lock(&runs, "job", "R1", &lock, &err) != 0)
            _exit(1);
        if (has_child && fork() != 0)
            _exit(0); /* the supervisor dies, its stage lives */
        (void)!write(ready[1], "", 1);
        (void)close(go[1]);
        (void)!read(go[0], &byte, 1);
        _exit(0);
    }
    (void)close(go[0]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    return pid;
}

START_TEST(one_supervisor_a_job)
{
    struct pl_job_lock lock = {.fd = -1};
    struct pl_err err = {0};
    int ready[2];
    int go[2];
    const pid_t pid = hold(ready, go, false);

    ck_assert_int_eq(pl_job_lock(&runs, "job", "R2", &lock, &err), -1);
    ck_assert_int_eq(err.code, PL_ALREADY_RUNNING);
    ck_assert_ptr_nonnull(strstr(err.msg, "run R1 "));
    pl_err_clear(&err);
    ck_assert_int_eq(pl_job_lock(&runs, "other", "R2", &lock, &err), 0);
    pl_job_lock_release(&lock);
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(pl_job_lock(&runs, "job", "R2", &lock, &err), 0);
    pl_job_lock_release(&lock);
}
END_TEST

START_TEST(a_stage_that_outlives_its_supervisor)
{
    struct pl_job_lock lock = {.fd = -1};
    struct pl_err err = {0};
    int ready[2];
    int go[2];
    const pid_t pid = hold(ready, go, true);

    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(pl_job_lock(&runs, "job", "R2", &lock, &err), -1);
    ck_assert_int_eq(err.code, PL_ALREADY_RUNNING);
    ck_assert_ptr_nonnull(strstr(err.msg, "still works"));
    pl_err_clear(&err);
    (void)close(go[1]); /* the stage ends */
    ck_assert_int_eq(pl_job_lock(&runs, "job", "R2", &lock, &err), 0);
    pl_job_lock_release(&lock);
}
END_TEST

START_TEST(the_last_good_run)
{
    struct pl_job_lock lock = {.fd = -1};
    struct pl_err err = {0};
    char id[PL_RUN_ID_MAX + 1];

    ck_assert_int_eq(pl_job_last(&runs, "job", id, &err), 0);
    ck_assert_str_eq(id, "");
    ck_assert_int_eq(pl_job_lock(&runs, "job", "R1", &lock, &err), 0);
    ck_assert_int_eq(pl_job_set_last(&runs, "job", "R1", &err), 0);
    ck_assert_int_eq(pl_job_set_last(&runs, "job", "R2", &err), 0);
    pl_job_lock_release(&lock);
    ck_assert_int_eq(pl_job_last(&runs, "job", id, &err), 0);
    ck_assert_str_eq(id, "R2");
    ck_assert_int_eq(count("jobs/job"), 2);
}
END_TEST

START_TEST(an_older_run_is_not_the_last)
{
    static const char *const ids[] = {"R1", "R2", "R1"};
    const struct timespec times[2] = {{.tv_sec = 1000000000},
                                      {.tv_sec = 1000000000}};
    PL_AUTO(pl_run) older = {.saved = 0};
    PL_AUTO(pl_run) newer = {.saved = 0};
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    struct pl_job_lock lock = {.fd = -1};
    struct pl_err err = {0};
    char id[PL_RUN_ID_MAX + 1];

    make_run("R1", "a", &older);
    make_run("R2", "a", &newer);
    ck_assert_int_eq(pl_buf_addf(&path, &err, "%sjob.json", older.dir.data), 0);
    ck_assert_int_eq(utimensat(AT_FDCWD, path.data, times, 0), 0);
    ck_assert_int_eq(pl_job_lock(&runs, "a", "R1", &lock, &err), 0);
    for (size_t i = 0; i < PL_COUNT(ids); i++)
        ck_assert_int_eq(pl_job_set_last(&runs, "a", ids[i], &err), 0);
    ck_assert_int_eq(pl_job_last(&runs, "a", id, &err), 0);
    ck_assert_str_eq(id, "R2");
    /* one whose folder was removed does not keep its place */
    pl_buf_reset(&path);
    ck_assert_int_eq(pl_buf_addf(&path, &err, "%sjob.json", newer.dir.data), 0);
    ck_assert_int_eq(unlink(path.data), 0);
    ck_assert_int_eq(pl_job_set_last(&runs, "a", "R1", &err), 0);
    ck_assert_int_eq(pl_job_last(&runs, "a", id, &err), 0);
    ck_assert_str_eq(id, "R1");
    pl_job_lock_release(&lock);
}
END_TEST

START_TEST(four_thousand_runs_are_listed_soon)
{
    PL_AUTO(pl_runs_list) list = {.count = 0};
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    struct pl_err err = {0};
    int64_t began;

    for (int i = 0; i < 4000; i++) {
        pl_buf_reset(&path);
        ck_assert_int_eq(
            pl_buf_addf(&path, &err, "%s/runs/r%04d/job.json", dir, i), 0);
        ck_assert_int_eq(pl_mkdirs_for(path.data, &err), 0);
        ck_assert_int_eq(close(open(path.data, O_CREAT | O_WRONLY, 0600)), 0);
    }
    began = pl_mono_ms(&pl_clock_real);
    ck_assert_int_eq(pl_runs_list(&runs, &list, &err), 0);
    ck_assert_uint_eq(list.count, 4000);
    /* it takes 10 ms; a file read for each would take hundreds */
    ck_assert_int_lt(pl_mono_ms(&pl_clock_real) - began, 5000);
    for (size_t i = 1; i < list.count; i++)
        ck_assert_int_ge(list.entries[i - 1].begun_ms,
                         list.entries[i].begun_ms);
}
END_TEST

START_TEST(no_state_no_runs)
{
    PL_AUTO(pl_runs_list) list = {.count = 0};
    PL_AUTO(pl_run) run = {.saved = 0};
    struct pl_err err = {0};

    ck_assert_int_eq(pl_runs_list(&runs, &list, &err), 0);
    ck_assert_uint_eq(list.count, 0);
    ck_assert_int_eq(pl_runs_find(&runs, "last", &run, &err), -1);
    ck_assert_int_eq(err.code, PL_USAGE_INVALID);
}
END_TEST

UNIT_MAIN("runs", tcase_add_test(tc, names_that_are_no_run_s);
          tcase_add_checked_fixture(tc, setup, teardown);
          tcase_add_test(tc, a_run_from_its_job_to_its_receipt);
          tcase_add_test(tc, one_run_of_an_id);
          tcase_add_test(tc, what_a_killed_start_left_is_used_again);
          tcase_add_test(tc, a_manifest_that_is_missing_is_seen);
          tcase_add_loop_test(tc, words_for_a_run, 0, UNIT_COUNT(words));
          tcase_add_loop_test(tc, names_of_folders, 0, UNIT_COUNT(names));
          tcase_add_test(tc, long_names_stay_apart);
          tcase_add_test(tc, one_supervisor_a_job);
          tcase_add_test(tc, a_stage_that_outlives_its_supervisor);
          tcase_add_test(tc, the_last_good_run);
          tcase_add_test(tc, an_older_run_is_not_the_last);
          tcase_add_test(tc, four_thousand_runs_are_listed_soon);
          tcase_add_test(tc, no_state_no_runs);)
