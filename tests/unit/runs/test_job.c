#include "tests/unit/unit.h"

#include <stdio.h>
#include <unistd.h>

#include "pipeline/base/file.h"
#include "pipeline/runs/job.h"

static const struct {
    const char *name;
    const char *text;
    enum pl_code want;
    const char *words; /* of the message, or of the value of query.database */
} cases[] = {
    {"a plain one", "{\"lakeseg\": 1, \"query\": {\"database\": \"d\"}}", PL_OK,
     "d"},
    {"a comment to the line's end", "{\n  // about it\n  \"lakeseg\": 1}",
     PL_MANIFEST_INVALID, "line 2 has"},
    {"a comment in the line", "{\"lakeseg\": /* format */ 1}",
     PL_MANIFEST_INVALID, "('/*')"},
    {"a comment of the shell's", "# mine\n{\"lakeseg\": 1}",
     PL_MANIFEST_INVALID, "line 1 has"},
    {"no comment: a URI in a string, and a real mistake behind it",
     "{\"lakeseg\": 1, \"u\": \"s3://b/#\\\"//\",}", PL_MANIFEST_INVALID,
     "no complete manifest"},
    {"a variable",
     "{\"lakeseg\": 1, \"query\": {\"database\": \"a_${T_X}_b\"}}", PL_OK,
     "a_x-1_b"},
    {"two, and a dollar",
     "{\"lakeseg\": 1, \"query\": {\"database\": \"$${T_X}${T_X}$\"}}", PL_OK,
     "$x-1x-1$"},
    {"an empty one is set",
     "{\"lakeseg\": 1, \"query\": {\"database\": \"a${T_EMPTY}\"}}", PL_OK,
     "a"},
    {"one that is not set",
     "{\"lakeseg\": 1, \"query\": {\"database\": \"${T_NONE}\"}}",
     PL_CONFIG_INVALID, "T_NONE is not set"},
    {"one without an end",
     "{\"lakeseg\": 1, \"query\": {\"database\": \"${T_X\"}}",
     PL_CONFIG_INVALID, "written ${NAME}"},
    {"one with a default, as in a shell",
     "{\"lakeseg\": 1, \"query\": {\"database\": \"${T_X:-y}\"}}",
     PL_CONFIG_INVALID, "written ${NAME}"},
    {"a secret",
     "{\"lakeseg\": 1, \"query\": {\"database\": \"${AWS_SESSION_TOKEN}\"}}",
     PL_CONFIG_INVALID, "a manifest holds none"},
    {"never in the SQL",
     "{\"lakeseg\": 1, \"query\": {\"sql\": \"${T_NONE}\", \"database\": "
     "\"d\"}}",
     PL_OK, "d"},
    {"two queries",
     "{\"lakeseg\": 1, \"query\": {\"sql\": \"a\", \"sql_file\": \"b\"}}",
     PL_CONFIG_INVALID, "which one"},
    {"no path", "{\"lakeseg\": 1, \"query\": {\"sql_file\": 1}}",
     PL_CONFIG_INVALID, "must be the path"},
    {"no file", "{\"lakeseg\": 1, \"query\": {\"sql_file\": \"none.sql\"}}",
     PL_FILE_ERROR, "query.sql_file"},
};

START_TEST(jobs)
{
    PL_AUTO(pl_manifest) job = {0};
    struct pl_err err = {0};
    int rc;

    ck_assert_int_eq(setenv("T_X", "x-1", 1), 0);
    ck_assert_int_eq(setenv("T_EMPTY", "", 1), 0);
    rc = pl_job_parse(&job, cases[_i].text, strlen(cases[_i].text), "/nowhere/",
                      &err);
    ck_assert_msg(err.code == cases[_i].want, "%s: %s", cases[_i].name,
                  err.msg);
    ck_assert_int_eq(rc, cases[_i].want == PL_OK ? 0 : -1);
    if (rc == 0)
        ck_assert_str_eq(pl_manifest_str(&job, "query.database"),
                         cases[_i].words);
    else
        ck_assert_msg(strstr(err.msg, cases[_i].words) != NULL, "%s: %s",
                      cases[_i].name, err.msg);
}
END_TEST

START_TEST(sql_from_beside_the_job)
{
    static const char text[] =
        "{\"lakeseg\": 1, \"query\": {\"sql_file\": \"q.sql\"}}";
    char dir[] = "/tmp/lakeseg-test-XXXXXX";
    PL_AUTO(pl_manifest) job = {0};
    struct pl_err err = {0};
    char path[64];

    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/q.sql", dir);
    ck_assert_int_eq(pl_file_write(path, "SELECT 1\n", 9, &err), 0);
    (void)snprintf(path, sizeof(path), "%s/j.json", dir);
    ck_assert_int_eq(pl_file_write(path, text, strlen(text), &err), 0);
    ck_assert_msg(pl_job_read(path, &job, &err) == 0, "%s", err.msg);
    ck_assert_str_eq(pl_manifest_str(&job, "query.sql"), "SELECT 1\n");
    ck_assert_ptr_null(pl_manifest_get(&job, "query.sql_file"));
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/q.sql", dir);
    (void)unlink(path);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

UNIT_MAIN("job", tcase_add_loop_test(tc, jobs, 0, UNIT_COUNT(cases));
          tcase_add_test(tc, sql_from_beside_the_job);)
