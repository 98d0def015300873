#include "tests/unit/aws/keys.h"

#define TOKEN "PUT http://169.254.169.254/latest/api/token|"
#define LIST \
    "GET http://169.254.169.254/latest/meta-data/iam/security-credentials/|"
#define KEYS \
    "GET " \
    "http://169.254.169.254/latest/meta-data/iam/security-credentials/r%2F1"
#define GOOD \
    "{\"Code\":\"Success\",\"AccessKeyId\":\"I\",\"SecretAccessKey\":\"S\"," \
    "\"Token\":\"T\",\"Expiration\":\"2026-11-23T07:02:03Z\"}"

static const struct {
    const char *name;
    struct route routes[4];
    const char *v1_disabled;
    const char *key;   /* NULL: none */
    const char *named; /* in the message then */
    unsigned requests;
} cases[] = {
    {"version 2",
     {{TOKEN, 200, "tok"},
      {LIST "tok", 200, "r/1\n"},
      {KEYS "|tok", 200, GOOD}},
     NULL,
     "I",
     NULL,
     3},
    {"version 1 where there is no 2",
     {{TOKEN, 404, ""}, {LIST, 200, "r/1"}, {KEYS, 200, GOOD}},
     NULL,
     "I",
     NULL,
     3},
    {"also after a 403",
     {{TOKEN, 403, ""}, {LIST, 200, "r/1"}, {KEYS, 200, GOOD}},
     NULL,
     "I",
     NULL,
     3},
    {"and when the token does not come",
     {{TOKEN, -1, NULL}, {LIST, 200, "r/1"}, {KEYS, 200, GOOD}},
     NULL,
     "I",
     NULL,
     3},
    {"unless that is forbidden",
     {{TOKEN, 405, ""}},
     "true",
     NULL,
     "AWS_EC2_METADATA_V1_DISABLED",
     1},
    {"a bad request is an error",
     {{TOKEN, 400, ""}},
     NULL,
     NULL,
     "instance metadata: the metadata service refuses",
     1},
    {"no instance",
     {{TOKEN, 0, NULL}},
     NULL,
     NULL,
     "no credentials: looked",
     1},
    {"no instance that answers",
     {{TOKEN, -1, NULL}, {LIST, -1, NULL}},
     NULL,
     NULL,
     "no credentials: looked",
     2},
    {"a container too far away",
     {{TOKEN, -1, NULL}, {LIST, 401, ""}},
     NULL,
     NULL,
     "HttpPutResponseHopLimit",
     2},
    {"an instance without a role",
     {{TOKEN, 200, "tok"}, {LIST, 404, ""}},
     NULL,
     NULL,
     "no credentials: looked",
     2},
    {"it is there, and fails",
     {{TOKEN, 200, "tok"}, {LIST, 0, NULL}},
     NULL,
     NULL,
     "instance metadata: no answer",
     2},
    {"it has a role, but no keys",
     {{TOKEN, 200, "tok"}, {LIST, 200, "r/1"}, {KEYS, 500, ""}},
     NULL,
     NULL,
     "instance metadata: HTTP 500",
     3},
    {"a Code that is none",
     {{TOKEN, 200, "tok"},
      {LIST, 200, "r/1"},
      {KEYS, 200, "{\"Code\":\"AssumeRoleUnauthorizedAccess\"}"}},
     NULL,
     NULL,
     "Code is 'AssumeRoleUnauthorizedAccess'",
     3},
    {"nonsense",
     {{TOKEN, 200, "tok"}, {LIST, 200, "r/1"}, {KEYS, 200, "<html>"}},
     NULL,
     NULL,
     "no JSON object",
     3},
};

START_TEST(case_table)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};
    int rc;

    routes = cases[_i].routes;
    if (cases[_i].v1_disabled != NULL)
        (void)setenv("AWS_EC2_METADATA_V1_DISABLED", cases[_i].v1_disabled, 1);
    rc = get(&aws, &keys, &err);
    ck_assert_msg((rc == 0) == (cases[_i].key != NULL), "%s: %s",
                  cases[_i].name, err.msg);
    ck_assert_msg(requests == cases[_i].requests, "%s:\n%s", cases[_i].name,
                  asked);
    if (rc == 0) {
        ck_assert_str_eq(keys->access_key, cases[_i].key);
        ck_assert_str_eq(aws.chain.kind, "instance-metadata");
        ck_assert_int_eq((int)(keys->expires_at - NOW), 6 * 3600);
    } else {
        ck_assert_msg(strstr(err.msg, cases[_i].named) != NULL, "%s: %s",
                      cases[_i].name, err.msg);
    }
}
END_TEST

START_TEST(settings)
{
    static const struct route v6[] = {
        {"PUT http://[fd00:ec2::254]/latest/api/token", 200, "t"},
        {"PUT https://h:1/x/latest/api/token", 200, "t"},
        {"security-credentials/r", 200, GOOD},
        {"security-credentials/", 200, "r"},
        {NULL, 0, NULL}};
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    routes = v6;
    write_file("config",
               "[default]\nec2_metadata_service_endpoint_mode = ipv6\n");
    ck_assert_msg(get(&aws, &keys, &err) == 0, "%s", err.msg);
    (void)setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "https://h:1/x/", 1);
    pl_credentials_expire(&aws, &aws.chain.cached);
    ck_assert_msg(pl_credentials_get(&aws, &keys, &err) == 0, "%s", err.msg);
    (void)setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5", 1);
    pl_credentials_expire(&aws, &aws.chain.cached);
    ck_assert_int_eq(pl_credentials_get(&aws, &keys, &err), -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
    pl_err_clear(&err);
    (void)unsetenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    (void)setenv("AWS_METADATA_SERVICE_TIMEOUT", "soon", 1);
    ck_assert_int_eq(pl_credentials_get(&aws, &keys, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.msg, "AWS_METADATA_SERVICE_TIMEOUT"));
}
END_TEST

START_TEST(switched_off)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    (void)setenv("AWS_EC2_METADATA_DISABLED", "True", 1);
    ck_assert_int_eq(get(&aws, &keys, &err), -1);
    ck_assert_int_eq(err.code, PL_CREDENTIALS_MISSING);
    ck_assert_uint_eq(requests, 0);
}
END_TEST

START_TEST(attempts)
{
    static const struct route late[] = {{TOKEN, 503, ""}, {NULL, 0, NULL}};
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    routes = late;
    (void)setenv("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "4", 1);
    (void)setenv("AWS_EC2_METADATA_V1_DISABLED", "true", 1);
    ck_assert_int_eq(get(&aws, &keys, &err), -1);
    ck_assert_uint_eq(requests, 4);
}
END_TEST

/* Keys that are over are used on: the service extends them when it cannot
 * fetch new ones. It is asked again 10 to 15 minutes later. */
START_TEST(stale_keys_are_used)
{
    static const struct route stale[] = {
        {TOKEN, 200, "tok"},
        {LIST, 200, "r/1"},
        {KEYS, 200,
         "{\"Code\":\"Success\",\"AccessKeyId\":\"I\",\"SecretAccessKey\":"
         "\"S\",\"Token\":\"T\",\"Expiration\":\"2026-11-23T00:02:03Z\"}"},
        {NULL, 0, NULL}};
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    routes = stale;
    ck_assert_msg(get(&aws, &keys, &err) == 0, "%s", err.msg);
    fake.now_ms += 740 * 1000; /* jitter is a half: 750 s */
    ck_assert_int_eq(pl_credentials_get(&aws, &keys, &err), 0);
    ck_assert_uint_eq(requests, 3);
    fake.now_ms += 20 * 1000;
    ck_assert_int_eq(pl_credentials_get(&aws, &keys, &err), 0);
    ck_assert_uint_eq(requests, 6);
    ck_assert_str_eq(keys->access_key, "I");
}
END_TEST

UNIT_MAIN("credentials_imds", tcase_add_checked_fixture(tc, setup, teardown);
          tcase_add_loop_test(tc, case_table, 0, UNIT_COUNT(cases));
          tcase_add_test(tc, settings); tcase_add_test(tc, switched_off);
          tcase_add_test(tc, attempts);
          tcase_add_test(tc, stale_keys_are_used);)
