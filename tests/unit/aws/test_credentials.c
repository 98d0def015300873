#include "tests/unit/unit.h"

#include <string.h>
#include <unistd.h>

#include "pipeline/aws/client.h"
#include "pipeline/aws/ini.h"
#include "pipeline/base/file.h"

static char dir[64];
static const char *answer; /* of the container endpoint or STS */
static char asked[512];    /* "base path authorization" */
static struct pl_fake_clock fake;
static unsigned requests;

static int scripted(void *ctx, const struct pl_http_request *req,
                    struct pl_http_response *resp, struct pl_err *err)
{
    const char *token = pl_http_headers_get(&req->headers, "authorization");

    (void)ctx;
    requests++;
    (void)snprintf(asked, sizeof(asked), "%s%s %s", req->base.data,
                   req->path.data, token != NULL ? token : "-");
    if (answer == NULL)
        return pl_fail(err, PL_SERVICE_UNAVAILABLE, "refused");
    resp->status = 200;
    return pl_buf_adds(&resp->body, answer, err);
}

static void write_file(const char *name, const char *text)
{
    struct pl_err err = {0};
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    ck_assert_int_eq(pl_file_write(path, text, strlen(text), &err), 0);
}

static void setup(void)
{
    static const char *const clear[] = {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_ROLE_ARN",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_ENDPOINT_URL",
        "AWS_ROLE_SESSION_NAME",
        "AWS_REGION",
        "AWS_DEFAULT_REGION"};
    char path[128];

    for (size_t i = 0; i < PL_COUNT(clear); i++)
        (void)unsetenv(clear[i]);
    (void)snprintf(dir, sizeof(dir), "/tmp/lakeseg-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/config", dir);
    (void)setenv("AWS_CONFIG_FILE", path, 1);
    (void)snprintf(path, sizeof(path), "%s/credentials", dir);
    (void)setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
    answer = NULL;
    requests = 0;
    memset(&fake, 0, sizeof(fake));
    fake.now_ms = INT64_C(1795395723000);
}

static void teardown(void)
{
    static const char *const names[] = {"config", "credentials", "token"};
    char path[128];

    for (size_t i = 0; i < PL_COUNT(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}

static int get(struct pl_aws *aws, const struct pl_credentials **keys,
               struct pl_err *err)
{
    if (pl_aws_open(aws, "us-east-1", err) != 0)
        return -1;
    aws->http = (struct pl_http){.send = scripted};
    aws->clock = pl_fake_clock(&fake);
    return pl_credentials_get(aws, keys, err);
}

START_TEST(nothing_is_configured)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    ck_assert_int_eq(get(&aws, &keys, &err), -1);
    ck_assert_int_eq(err.code, PL_CREDENTIALS_MISSING);
    ck_assert_ptr_nonnull(strstr(err.msg, "profile 'default'"));
}
END_TEST

START_TEST(environment)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    (void)setenv("AWS_ACCESS_KEY_ID", "A", 1);
    ck_assert_int_eq(get(&aws, &keys, &err), -1);
    ck_assert_int_eq(err.code, PL_CREDENTIALS_MISSING);
    pl_aws_release(&aws);
    pl_err_clear(&err);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "B", 1);
    (void)setenv("AWS_SESSION_TOKEN", "C", 1);
    ck_assert_int_eq(get(&aws, &keys, &err), 0);
    ck_assert_str_eq(keys->access_key, "A");
    ck_assert_str_eq(keys->secret_key, "B");
    ck_assert_str_eq(keys->session_token, "C");
}
END_TEST

START_TEST(shared_files)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};
    char region[32];

    write_file("credentials", "[default]\naws_access_key_id = D\n"
                              "aws_secret_access_key=E # key\n"
                              "[other]\nAWS_ACCESS_KEY_ID=F\n"
                              "aws_secret_access_key=G\n");
    write_file("config", "# a comment\n[default]\nregion=eu-west-1\n"
                         "[profile other]\nregion = ap-south-1\n"
                         "s3 =\n  region = nested\n");
    ck_assert_int_eq(get(&aws, &keys, &err), 0);
    ck_assert_str_eq(keys->access_key, "D");
    ck_assert_str_eq(keys->secret_key, "E");
    pl_aws_release(&aws);
    (void)setenv("AWS_PROFILE", "other", 1);
    ck_assert_int_eq(get(&aws, &keys, &err), 0);
    ck_assert_str_eq(keys->access_key, "F");
    ck_assert_int_eq(
        pl_profile_setting("other", "region", region, sizeof(region), &err), 0);
    ck_assert_str_eq(region, "ap-south-1");
}
END_TEST

START_TEST(profiles_that_do_not_help)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    write_file("config", "[profile sso]\nsso_session = x\n");
    (void)setenv("AWS_PROFILE", "missing", 1);
    ck_assert_int_eq(get(&aws, &keys, &err), -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
    pl_aws_release(&aws);
    pl_err_clear(&err);
    (void)setenv("AWS_PROFILE", "sso", 1);
    ck_assert_int_eq(get(&aws, &keys, &err), -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "export-credentials"));
}
END_TEST

#define KEYS \
    "{\"AccessKeyId\":\"H\",\"SecretAccessKey\":\"I\",\"Token\":\"J\"," \
    "\"Expiration\":\"2026-11-23T01:32:03Z\"}"

START_TEST(container_with_refresh)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};
    char path[128];

    write_file("token", "Bearer t\n");
    (void)snprintf(path, sizeof(path), "%s/token", dir);
    (void)setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path, 1);
    (void)setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI",
                 "http://127.0.0.1:5/creds?x=1", 1);
    answer = KEYS;
    ck_assert_int_eq(get(&aws, &keys, &err), 0);
    ck_assert_str_eq(keys->session_token, "J");
    ck_assert_str_eq(asked, "http://127.0.0.1:5/creds?x=1 Bearer t");
    ck_assert_int_eq(pl_credentials_get(&aws, &keys, &err), 0);
    ck_assert_uint_eq(requests, 1); /* cached */
    fake.now_ms += 21 * 60 * 1000;  /* nine minutes are left */
    ck_assert_int_eq(pl_credentials_get(&aws, &keys, &err), 0);
    ck_assert_uint_eq(requests, 2);
}
END_TEST

START_TEST(container_that_fails_is_named)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    (void)setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x", 1);
    ck_assert_int_eq(get(&aws, &keys, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.msg, "container endpoint"));
    ck_assert_uint_eq(requests, 3);
    ck_assert_str_eq(asked, "http://169.254.170.2/v2/x -");
}
END_TEST

static const char *const bad_uris[] = {
    "http://example.com/x", "http://127.0.0.1.example.com/",
    "http://169.254.170.2.example.com/", "ftp://127.0.0.1/",
    "http://localhost.example.com/"};

START_TEST(plain_http_only_where_nobody_listens)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    (void)setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", bad_uris[_i], 1);
    ck_assert_int_eq(get(&aws, &keys, &err), -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
    ck_assert_uint_eq(requests, 0);
}
END_TEST

START_TEST(web_identity)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};
    char path[128];

    write_file("token", "jwt\n");
    (void)snprintf(path, sizeof(path), "%s/token", dir);
    (void)setenv("AWS_WEB_IDENTITY_TOKEN_FILE", path, 1);
    (void)setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/r", 1);
    answer = "<R><Credentials><AccessKeyId>K</AccessKeyId><SecretAccessKey>L"
             "</SecretAccessKey><SessionToken>M</SessionToken><Expiration>"
             "2026-11-23T02:02:03Z</Expiration></Credentials></R>";
    ck_assert_int_eq(get(&aws, &keys, &err), 0);
    ck_assert_str_eq(keys->access_key, "K");
    ck_assert_str_eq(keys->session_token, "M");
    ck_assert_str_eq(asked, "https://sts.us-east-1.amazonaws.com/ -");
}
END_TEST

static const struct {
    const char *config; /* of the profile */
    const char *keys;   /* in the credentials file, or NULL */
    const char *named;  /* in the message; NULL: the keys are used */
} kinds[] = {
    {"role_arn = r\nsource_profile = p\n", NULL, "role_arn"},
    {"role_arn = r\nsource_profile = p\n", "K", "role_arn"},
    {"sso_session = s\n", "K", "sso_session"},
    {"sso_start_url = s\n", NULL, "sso_start_url"},
    {"credential_process = p\n", NULL, "credential_process"},
    {"credential_process = p\n", "K", NULL}, /* keys come before it */
    {"login_session = s\n", NULL, "login_session"},
};

START_TEST(what_a_profile_means_besides_keys)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};
    char text[256];

    (void)snprintf(text, sizeof(text), "[profile p]\n%s", kinds[_i].config);
    write_file("config", text);
    if (kinds[_i].keys != NULL)
        write_file("credentials", "[p]\naws_access_key_id = K\n"
                                  "aws_secret_access_key = S\n");
    (void)setenv("AWS_PROFILE", "p", 1);
    if (kinds[_i].named == NULL) {
        ck_assert_msg(get(&aws, &keys, &err) == 0, "%s", err.msg);
        ck_assert_str_eq(keys->access_key, "K");
        return;
    }
    ck_assert_int_eq(get(&aws, &keys, &err), -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, kinds[_i].named));
    ck_assert_ptr_nonnull(strstr(err.msg, "export-credentials --profile p"));
}
END_TEST

START_TEST(a_profile_with_half_a_key)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    write_file("credentials", "[default]\naws_access_key_id = K\n");
    ck_assert_int_eq(get(&aws, &keys, &err), -1);
    ck_assert_int_eq(err.code, PL_CREDENTIALS_MISSING);
    ck_assert_ptr_nonnull(strstr(err.msg, "profile 'default'"));
}
END_TEST

START_TEST(a_profile_without_keys_is_no_source)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    write_file("config", "[default]\nregion = eu-west-1\n");
    (void)setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c", 1);
    answer = "{\"AccessKeyId\":\"K\",\"SecretAccessKey\":\"L\"}";
    ck_assert_int_eq(get(&aws, &keys, &err), 0);
    ck_assert_str_eq(keys->access_key, "K");
    ck_assert_str_eq(keys->session_token, "");
    ck_assert_str_eq(asked, "http://169.254.170.2/c -");
}
END_TEST

START_TEST(the_environment_comes_first)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    write_file("credentials", "[p]\naws_access_key_id = K\n"
                              "aws_secret_access_key = S\n");
    (void)setenv("AWS_PROFILE", "p", 1);
    (void)setenv("AWS_ACCESS_KEY_ID", "A", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "B", 1);
    ck_assert_int_eq(get(&aws, &keys, &err), 0);
    ck_assert_str_eq(keys->access_key, "A");
}
END_TEST

START_TEST(container_token_file)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};
    char path[128];

    write_file("token", "from file\n");
    (void)snprintf(path, sizeof(path), "%s/token", dir);
    (void)setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI",
                 "http://[fd00:ec2::23]/v1?x=y", 1);
    (void)setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "from variable", 1);
    (void)setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path, 1);
    answer = "{\"AccessKeyId\":\"K\",\"SecretAccessKey\":\"L\"}";
    ck_assert_int_eq(get(&aws, &keys, &err), 0);
    ck_assert_str_eq(asked, "http://[fd00:ec2::23]/v1?x=y from file");
    write_file("token", "two\r\nlines\n");
    pl_credentials_expire(&aws);
    requests = 0;
    ck_assert_int_eq(pl_credentials_get(&aws, &keys, &err), -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
    ck_assert_uint_eq(requests, 0);
    ck_assert_ptr_null(strstr(err.msg, "lines"));
}
END_TEST

START_TEST(the_relative_uri_comes_first)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    (void)setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/rel", 1);
    (void)setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "https://h/full", 1);
    ck_assert_int_eq(get(&aws, &keys, &err), -1); /* three times in vain */
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(err.msg, "container"));
    ck_assert_str_eq(asked, "http://169.254.170.2/rel -");
    ck_assert_uint_eq(requests, 3);
    ck_assert_int_eq((int)fake.slept_ms, 2000);
    pl_err_clear(&err);
    (void)setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "rel", 1);
    ck_assert_int_eq(pl_credentials_get(&aws, &keys, &err), -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
}
END_TEST

static const char *const bad_answers[] = {
    "",
    "[]",
    "{}",
    "{\"AccessKeyId\":\"K\"}",
    "{\"SecretAccessKey\":\"L\"}",
    "{\"AccessKeyId\":1,\"SecretAccessKey\":\"L\"}"};

START_TEST(container_answers_that_are_none)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    (void)setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c", 1);
    answer = bad_answers[_i];
    ck_assert_int_eq(get(&aws, &keys, &err), -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "container"));
}
END_TEST

START_TEST(web_identity_that_fails_is_named)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    (void)setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent/token", 1);
    ck_assert_int_eq(get(&aws, &keys, &err), -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID); /* no role */
    pl_err_clear(&err);
    (void)setenv("AWS_ROLE_ARN", "arn:r", 1);
    ck_assert_int_eq(pl_credentials_get(&aws, &keys, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.msg, "web identity"));
    ck_assert_uint_eq(requests, 0);
}
END_TEST

UNIT_MAIN("credentials", tcase_add_checked_fixture(tc, setup, teardown);
          tcase_add_test(tc, nothing_is_configured);
          tcase_add_test(tc, environment); tcase_add_test(tc, shared_files);
          tcase_add_test(tc, profiles_that_do_not_help);
          tcase_add_test(tc, container_with_refresh);
          tcase_add_test(tc, container_that_fails_is_named);
          tcase_add_loop_test(tc, plain_http_only_where_nobody_listens, 0,
                              UNIT_COUNT(bad_uris));
          tcase_add_loop_test(tc, what_a_profile_means_besides_keys, 0,
                              UNIT_COUNT(kinds));
          tcase_add_test(tc, a_profile_with_half_a_key);
          tcase_add_test(tc, a_profile_without_keys_is_no_source);
          tcase_add_test(tc, the_environment_comes_first);
          tcase_add_test(tc, container_token_file);
          tcase_add_test(tc, the_relative_uri_comes_first);
          tcase_add_loop_test(tc, container_answers_that_are_none, 0,
                              UNIT_COUNT(bad_answers));
          tcase_add_test(tc, web_identity_that_fails_is_named);
          tcase_add_test(tc, web_identity);)
