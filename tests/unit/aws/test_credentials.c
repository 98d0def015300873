#include "tests/unit/aws/keys.h"

#include "pipeline/aws/credentials_sources.h"

static struct route one[2] = {{"", 200, NULL}, {NULL, 0, NULL}};

/* One answer for whatever is asked. */
static void answer_all(const char *body)
{
    one[0].body = body;
    routes = one;
}

/* The last line of asked, with who signed it. */
static const char *last(void)
{
    static char text[4096];
    const char *at = asked;

    for (const char *p = asked; p[0] != '\0' && p[1] != '\0'; p++)
        if (*p == '\n')
            at = p + 1;
    (void)snprintf(text, sizeof(text), "%.*s %s", (int)strcspn(at, "|\n"), at,
                   signer);
    return text;
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

#define STS_KEYS \
    "<R><Credentials><AccessKeyId>K</AccessKeyId><SecretAccessKey>L" \
    "</SecretAccessKey><SessionToken>M</SessionToken><Expiration>" \
    "2026-11-23T02:02:03Z</Expiration></Credentials></R>"
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
    answer_all(KEYS);
    ck_assert_int_eq(get(&aws, &keys, &err), 0);
    ck_assert_str_eq(keys->session_token, "J");
    ck_assert_str_eq(last(), "GET http://127.0.0.1:5/creds?x=1 Bearer t");
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
    ck_assert_str_eq(last(), "GET http://169.254.170.2/v2/x -");
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
    answer_all(STS_KEYS);
    ck_assert_int_eq(get(&aws, &keys, &err), 0);
    ck_assert_str_eq(keys->access_key, "K");
    ck_assert_str_eq(keys->session_token, "M");
    ck_assert_str_eq(last(), "POST https://sts.us-east-1.amazonaws.com/ -");
}
END_TEST

static const struct {
    const char *config; /* of the profile */
    const char *keys;   /* in the credentials file, or NULL */
    const char *named;  /* in the message; NULL: the keys are used */
} kinds[] = {
    {"sso_session = s\n", "K", "sso_session"},
    {"sso_start_url = s\n", NULL, "sso_start_url"},
    {"login_session = s\n", NULL, "login_session"},
    {"login_session = s\n", "K", NULL},      /* keys come before it */
    {"credential_process = p\n", "K", NULL}, /* and before a process */
    {"sso_session = s\ncredential_process = sh -c \"echo '{\\\"Version\\\":1,"
     "\\\"AccessKeyId\\\":\\\"K\\\",\\\"SecretAccessKey\\\":\\\"S\\\"}'\"\n",
     NULL, NULL}, /* what the message tells to do */
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
    ck_assert_ptr_nonnull(
        strstr(err.msg, "credential_process = aws configure export-credentials "
                        "--profile p --format process"));
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
    answer_all("{\"AccessKeyId\":\"K\",\"SecretAccessKey\":\"L\"}");
    ck_assert_int_eq(get(&aws, &keys, &err), 0);
    ck_assert_str_eq(keys->access_key, "K");
    ck_assert_str_eq(keys->session_token, "");
    ck_assert_str_eq(last(), "GET http://169.254.170.2/c -");
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
    answer_all("{\"AccessKeyId\":\"K\",\"SecretAccessKey\":\"L\"}");
    ck_assert_int_eq(get(&aws, &keys, &err), 0);
    ck_assert_str_eq(last(), "GET http://[fd00:ec2::23]/v1?x=y from file");
    write_file("token", "two\r\nlines\n");
    pl_credentials_expire(&aws, &aws.chain.cached);
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
    ck_assert_str_eq(last(), "GET http://169.254.170.2/rel -");
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
    answer_all(bad_answers[_i]);
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

START_TEST(keys_that_are_over)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    (void)setenv("AWS_ACCESS_KEY_ID", "A", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "B", 1);
    (void)setenv("AWS_SECURITY_TOKEN", "old", 1);
    (void)setenv("AWS_CREDENTIAL_EXPIRATION", "2026-11-23T01:02:00Z", 1);
    ck_assert_int_eq(get(&aws, &keys, &err), -1);
    ck_assert_int_eq(err.code, PL_CREDENTIALS_EXPIRED);
    pl_err_clear(&err);
    (void)setenv("AWS_CREDENTIAL_EXPIRATION", "soon", 1);
    ck_assert_int_eq(pl_credentials_get(&aws, &keys, &err), -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
    pl_err_clear(&err);
    (void)setenv("AWS_CREDENTIAL_EXPIRATION", "2026-11-23T02:02:03Z", 1);
    ck_assert_int_eq(pl_credentials_get(&aws, &keys, &err), 0);
    ck_assert_int_eq((int)(keys->expires_at - NOW), 3600);
    ck_assert_str_eq(keys->session_token, "old");
    ck_assert_str_eq(aws.chain.kind, "environment");
}
END_TEST

/* While the old keys hold, a refresh in vain is survived, and not repeated at
 * every call; when they are over it is the error. */
START_TEST(a_refresh_that_fails)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    (void)setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c", 1);
    answer_all(KEYS); /* for 30 minutes: due after 20 */
    ck_assert_int_eq(get(&aws, &keys, &err), 0);
    fake.now_ms += 19 * 60 * 1000;
    ck_assert_int_eq(pl_credentials_get(&aws, &keys, &err), 0);
    ck_assert_uint_eq(requests, 1);
    routes = NULL;
    fake.now_ms += 2 * 60 * 1000;
    ck_assert_int_eq(pl_credentials_get(&aws, &keys, &err), 0);
    ck_assert_str_eq(keys->access_key, "H");
    ck_assert_uint_eq(requests, 4); /* three times in vain */
    ck_assert_int_eq(pl_credentials_get(&aws, &keys, &err), 0);
    ck_assert_uint_eq(requests, 4);
    fake.now_ms += 61 * 1000;
    ck_assert_int_eq(pl_credentials_get(&aws, &keys, &err), 0);
    ck_assert_uint_eq(requests, 7);
    fake.now_ms += 10 * 60 * 1000;
    ck_assert_int_eq(pl_credentials_get(&aws, &keys, &err), -1);
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(err.msg, "container endpoint"));
}
END_TEST

/* The endpoint hands out the same keys until shortly before their end. */
START_TEST(a_refresh_that_brings_nothing_new)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    (void)setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c", 1);
    answer_all(KEYS);
    ck_assert_int_eq(get(&aws, &keys, &err), 0);
    fake.now_ms += 25 * 60 * 1000;
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(pl_credentials_get(&aws, &keys, &err), 0);
    ck_assert_uint_eq(requests, 2);
}
END_TEST

START_TEST(web_identity_of_a_profile)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};
    char text[256];

    write_file("token", "jwt\n");
    (void)snprintf(text, sizeof(text),
                   "[default]\nrole_arn = arn:aws:iam::1:role/r\n"
                   "web_identity_token_file = %s/token\n"
                   "role_session_name = me\n",
                   dir);
    write_file("config", text);
    answer_all(STS_KEYS);
    ck_assert_msg(get(&aws, &keys, &err) == 0, "%s", err.msg);
    ck_assert_str_eq(aws.chain.kind, "web-identity");
    ck_assert_ptr_nonnull(strstr(asked, "RoleSessionName=me"));
    ck_assert_ptr_nonnull(strstr(asked, "WebIdentityToken=jwt"));
    ck_assert_str_eq(signer, "-");
}
END_TEST

static const struct {
    const char *text;
    const char *masked;
} masks[] = {
    {"cannot open file", "cannot open file"},
    {"key AKIAIOSFODNN7EXAMPLE is bad", "key ... is bad"},
    {"token 'abc' and x\tend", "token '...' and x end"},
    {"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "..."},
};

START_TEST(mask_table)
{
    char out[64];

    pl_credentials_mask(masks[_i].text, out, sizeof(out));
    ck_assert_str_eq(out, masks[_i].masked);
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
          tcase_add_test(tc, web_identity);
          tcase_add_test(tc, keys_that_are_over);
          tcase_add_test(tc, a_refresh_that_fails);
          tcase_add_test(tc, a_refresh_that_brings_nothing_new);
          tcase_add_test(tc, web_identity_of_a_profile);
          tcase_add_loop_test(tc, mask_table, 0, UNIT_COUNT(masks));)
