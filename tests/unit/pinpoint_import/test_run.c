#include "tests/unit/aws/script.h"

#include "stages/pinpoint_import/pinpoint_import.h"
#include "stages/pinpoint_import/plan.h"

/* Which files make a job */

struct file {
    const char *uri;
    int64_t bytes;
    int64_t rows;
};

static const struct {
    const char *name;
    int64_t max_bytes;
    struct file files[4];
    const char *jobs; /* their places, parted by blanks; NULL: refused */
} plans[] = {
    {"one file: its folder",
     100,
     {{"s3://b/r/import/p0000/f", 100, 1}},
     "s3://b/r/import/p0000/"},
    {"all that fits: the folder of them all",
     100,
     {{"s3://b/r/import/p0001/f", 50, 1}, {"s3://b/r/import/p0000/f", 50, 1}},
     "s3://b/r/import/"},
    {"what does not: folder by folder",
     99,
     {{"s3://b/r/import/p0001/f", 50, 1}, {"s3://b/r/import/p0000/f", 50, 1}},
     "s3://b/r/import/p0000/ s3://b/r/import/p0001/"},
    {"folders that fit, of folders that do not",
     100,
     {{"s3://b/r/x/1/f", 50, 1},
      {"s3://b/r/x/2/f", 50, 1},
      {"s3://b/r/y/1/f", 99, 1}},
     "s3://b/r/x/ s3://b/r/y/1/"},
    {"files of one folder: each by its name",
     99,
     {{"s3://b/r/f", 50, 1}, {"s3://b/r/g", 50, 1}},
     "s3://b/r/f s3://b/r/g"},
    {"a bucket is no prefix",
     100,
     {{"s3://b/f", 50, 1}, {"s3://b/g", 50, 1}},
     "s3://b/f s3://b/g"},
    {"nor are two",
     100,
     {{"s3://b/r/f", 50, 1}, {"s3://c/r/f", 50, 1}},
     "s3://b/r/ s3://c/r/"},
    {"a file beside a folder",
     99,
     {{"s3://b/r/f", 50, 1}, {"s3://b/r/d/f", 50, 1}},
     "s3://b/r/d/ s3://b/r/f"},
    {"nobody knows how large: on its own",
     100,
     {{"s3://b/r/1/f", -1, 1}, {"s3://b/r/2/f", 50, 1}},
     "s3://b/r/1/ s3://b/r/2/"},
    {"no rows, no job",
     50,
     {{"s3://b/r/1/f", 20, 0}, {"s3://b/r/2/f", 50, 1}},
     "s3://b/r/2/"},
    {"none at all", 50, {{"s3://b/r/1/f", 20, 0}}, ""},
    {"a file that no job takes", 50, {{"s3://b/r/1/f", 51, 1}}, NULL},
    {"nor beside others",
     50,
     {{"s3://b/r/a", 51, 1}, {"s3://b/r/b", 1, 1}},
     NULL},
};

static void add_file(struct pl_manifest *m, const struct file *f)
{
    const struct pl_data data = {.uri = f->uri,
                                 .role = "normalized",
                                 .format = "csv",
                                 .compression = "none",
                                 .bytes = f->bytes,
                                 .rows = f->rows};
    struct pl_err err = {0};

    ck_assert_int_eq(pl_manifest_data_add(m, &data, &err), 0);
}

START_TEST(files_to_jobs)
{
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pinpoint_plan) plan = {0};
    PL_AUTO(pl_buf) got = PL_BUF_INIT;
    const struct pinpoint_settings set = {.max_job_bytes = plans[_i].max_bytes};
    struct pl_err err = {0};
    int rc;

    ck_assert_int_eq(pl_manifest_init(&m, &err), 0);
    for (size_t i = 0; i < 4 && plans[_i].files[i].uri != NULL; i++)
        add_file(&m, &plans[_i].files[i]);
    rc = pinpoint_plan_make(&plan, &set, &m, &err);
    if (plans[_i].jobs == NULL) {
        ck_assert_int_eq(rc, -1);
        ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
        return;
    }
    ck_assert_msg(rc == 0, "%s: %s", plans[_i].name, err.msg);
    for (size_t i = 0; i < plan.job_count; i++)
        ck_assert_int_eq(pl_buf_addf(&got, &err, "%s%s", i > 0 ? " " : "",
                                     plan.jobs[i].s3_url),
                         0);
    ck_assert_msg(strcmp(pl_buf_str(&got), plans[_i].jobs) == 0, "%s: %s",
                  plans[_i].name, pl_buf_str(&got));
}
END_TEST

/* A job takes 10,000 files; what needs more than 1,000 jobs is refused. */
START_TEST(very_many_files)
{
    static const int counts[] = {10000, 10001};

    for (size_t n = 0; n < PL_COUNT(counts); n++) {
        PL_AUTO(pl_manifest) m = {0};
        PL_AUTO(pinpoint_plan) plan = {0};
        const struct pinpoint_settings set = {.max_job_bytes = 1000000};
        struct pl_err err = {0};

        ck_assert_int_eq(pl_manifest_init(&m, &err), 0);
        for (int i = 0; i < counts[n]; i++) {
            char uri[64];
            const struct file f = {uri, 1, 1};

            (void)snprintf(uri, sizeof(uri), "s3://b/r/%d/f", i);
            add_file(&m, &f);
        }
        ck_assert_int_eq(pinpoint_plan_make(&plan, &set, &m, &err),
                         n == 0 ? 0 : -1);
        if (n == 0)
            ck_assert_uint_eq(plan.job_count, 1);
        else
            ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
    }
}
END_TEST

/* Whether the service is gone */

#define LIST \
    "<ListBucketResult><IsTruncated>false</IsTruncated><Contents>" \
    "<Key>r/f</Key><Size>5</Size></Contents></ListBucketResult>"
#define LAST_MS INT64_C(1793404799999) /* 2026-10-30T23:59:59.999Z */
#define JSON "content-type: application/json"
#define NAMED(name) JSON "\nx-amzn-errortype: " name

static const struct {
    const char *name;
    int64_t now_ms;
    const char *endpoint;     /* configured, or NULL */
    const char *check;        /* import.retired_check, or NULL */
    struct answer answers[2]; /* of Pinpoint; of STS */
    size_t asked;             /* of these two */
    enum pl_code code;
    const char *words;
} ends[] = {
    {"no name, another host answers",
     LAST_MS + 1,
     NULL,
     NULL,
     {{-2, NULL, ""}, {302, NULL, ""}},
     2,
     PL_RETIRED,
     "customer-profiles"},
    {"no name, no other host either: a broken resolver",
     LAST_MS + 1,
     NULL,
     NULL,
     {{-2, NULL, ""}, {-2, NULL, ""}},
     2,
     PL_SERVICE_UNAVAILABLE,
     "name resolution"},
    {"an answer that is none of the API's",
     LAST_MS + 1,
     NULL,
     NULL,
     {{410, NULL, "gone"}, {403, NULL, ""}},
     2,
     PL_RETIRED,
     "2026-10-30"},
    {"the day before",
     LAST_MS,
     NULL,
     NULL,
     {{410, NULL, "gone"}},
     1,
     PL_SERVICE_REFUSED,
     "410"},
    {"a connection that breaks says nothing",
     LAST_MS + 1,
     NULL,
     NULL,
     {{0, NULL, ""}},
     1,
     PL_SERVICE_UNAVAILABLE,
     "reset"},
    {"nor does an overloaded server",
     LAST_MS + 1,
     NULL,
     NULL,
     {{503, NULL, ""}},
     1,
     PL_SERVICE_UNAVAILABLE,
     "503"},
    {"an unknown application",
     LAST_MS + 1,
     NULL,
     NULL,
     {{404, NAMED("NotFoundException"), "{}"}},
     1,
     PL_SERVICE_REFUSED,
     "is 'a' an application in region 'eu-west-1'"},
    {"a missing right",
     LAST_MS + 1,
     NULL,
     NULL,
     {{403, NAMED("ForbiddenException"), "{}"}},
     1,
     PL_ACCESS_DENIED,
     "iam:PassRole on 'r'"},
    {"not AWS's host",
     LAST_MS + 1,
     "http://127.0.0.1:1",
     NULL,
     {{410, NULL, "gone"}},
     1,
     PL_SERVICE_REFUSED,
     "410"},
    {"never",
     LAST_MS + 1,
     NULL,
     "never",
     {{410, NULL, "gone"}},
     1,
     PL_SERVICE_REFUSED,
     "410"},
    {"always: whatever the date is",
     0,
     NULL,
     "always",
     {{410, NULL, "gone"}},
     1,
     PL_RETIRED,
     "2026-10-30"},
    {"always, but an error of the API",
     LAST_MS + 1,
     NULL,
     "always",
     {{404, NAMED("NotFoundException"), "{}"}},
     1,
     PL_SERVICE_REFUSED,
     "is 'a'"},
};

static void fill(struct pl_manifest *m, const char *check)
{
    const struct file f = {"s3://bkt/r/f", 5, 1};
    struct pl_err err = {0};

    ck_assert_int_eq(pl_manifest_init(m, &err), 0);
    add_file(m, &f);
    ck_assert_int_eq(pl_manifest_set_str(m, "import.application_id", "a", &err),
                     0);
    ck_assert_int_eq(pl_manifest_set_str(m, "import.role_arn", "r", &err), 0);
    if (check != NULL)
        ck_assert_int_eq(
            pl_manifest_set_str(m, "import.retired_check", check, &err), 0);
}

START_TEST(the_end_of_the_service)
{
    const struct answer answers[] = {
        {200, NULL, LIST}, ends[_i].answers[0], ends[_i].answers[1]};
    const struct pinpoint_import_config cfg = PINPOINT_IMPORT_CONFIG_INIT;
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_manifest) m = {0};
    struct pl_err err = {0};

    if (ends[_i].endpoint != NULL)
        (void)setenv("AWS_ENDPOINT_URL_PINPOINT", ends[_i].endpoint, 1);
    open_aws(&aws, answers, ends[_i].asked + 1);
    aws.retry.max_attempts = 1;
    fake.now_ms = ends[_i].now_ms;
    fill(&m, ends[_i].check);
    ck_assert_int_eq(pinpoint_import_run(&cfg, &aws, &m, &err), -1);
    (void)unsetenv("AWS_ENDPOINT_URL_PINPOINT");
    ck_assert_msg(err.code == ends[_i].code, "%s: %s", ends[_i].name, err.msg);
    ck_assert_msg(strstr(err.msg, ends[_i].words) != NULL, "%s: %s",
                  ends[_i].name, err.msg);
    ck_assert_uint_eq(script.asked, ends[_i].asked + 1);
    if (ends[_i].asked == 2)
        ck_assert_str_eq(script.base, "https://sts.eu-west-1.amazonaws.com");
    /* the question to another host needs no keys */
    ck_assert(was_sent("authorization") == (ends[_i].asked == 1));
}
END_TEST

UNIT_MAIN("pinpoint_import", tcase_add_checked_fixture(tc, setup, NULL);
          tcase_add_loop_test(tc, files_to_jobs, 0, UNIT_COUNT(plans));
          tcase_add_test(tc, very_many_files);
          tcase_add_loop_test(tc, the_end_of_the_service, 0, UNIT_COUNT(ends));)
