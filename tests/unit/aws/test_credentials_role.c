#include "tests/unit/aws/keys.h"

#define ROLE "arn:aws:iam::123456789012:role/"
#define KEYS_OF(name) \
    "<R><Credentials><AccessKeyId>" name "</AccessKeyId><SecretAccessKey>S" \
    "</SecretAccessKey><SessionToken>T" name "</SessionToken><Expiration>" \
    "2026-11-23T02:02:03Z</Expiration></Credentials></R>"

static const struct route sts[] = {
    {"role%2Fouter&", 200, KEYS_OF("OUTER")},
    {"role%2Finner&", 200, KEYS_OF("INNER")},
    {"role%2Fnone&", 403,
     "<E><Error><Code>AccessDenied</Code><Message>not you</Message></Error>"
     "</E>"},
    {"/latest/api/token", 200, "tok"},
    {"security-credentials/ec2", 200,
     "{\"Code\":\"Success\",\"AccessKeyId\":\"IMDS\",\"SecretAccessKey\":"
     "\"S\",\"Token\":\"T\",\"Expiration\":\"2026-11-23T02:02:03Z\"}"},
    {"security-credentials/", 200, "ec2\n"},
    {"169.254.170.2/c", 200,
     "{\"AccessKeyId\":\"ECS\",\"SecretAccessKey\":\"S\"}"},
    {NULL, 0, NULL}};

#define CONFIG \
    "[profile outer]\nrole_arn = " ROLE "outer\nsource_profile = inner\n" \
    "external_id = an id\nrole_session_name = me@here\n" \
    "duration_seconds = 900\n" \
    "[profile inner]\nrole_arn = " ROLE "inner\nsource_profile = base\n" \
    "[profile base]\nregion = eu-west-1\n" \
    "[profile process]\nrole_arn = " ROLE "outer\nsource_profile = run\n" \
    "[profile run]\ncredential_process = sh -c \"echo '{\\\"Version\\\":1," \
    "\\\"AccessKeyId\\\":\\\"PROC\\\",\\\"SecretAccessKey\\\":\\\"S\\\"}'\"\n" \
    "[profile self]\nrole_arn = " ROLE "outer\nsource_profile = self\n" \
    "aws_access_key_id = SELF\naws_secret_access_key = S\n" \
    "[profile keyed]\nrole_arn = " ROLE "inner\nsource_profile = keyed2\n" \
    "[profile keyed2]\nrole_arn = " ROLE "outer\nsource_profile = base\n" \
    "aws_access_key_id = KEYED\naws_secret_access_key = S\n" \
    "[profile env]\nrole_arn = " ROLE "outer\n" \
    "credential_source = Environment\n" \
    "[profile ecs]\nrole_arn = " ROLE "outer\n" \
    "credential_source = EcsContainer\n" \
    "[profile ec2]\nrole_arn = " ROLE "outer\n" \
    "credential_source = Ec2InstanceMetadata\n" \
    "[profile circle]\nrole_arn = " ROLE "outer\nsource_profile = circle2\n" \
    "[profile circle2]\nrole_arn = " ROLE "inner\nsource_profile = circle\n" \
    "[profile alone]\nrole_arn = " ROLE "outer\nsource_profile = alone\n" \
    "[profile both]\nrole_arn = " ROLE "outer\nsource_profile = base\n" \
    "credential_source = Environment\n" \
    "[profile neither]\nrole_arn = " ROLE "outer\n" \
    "[profile missing]\nrole_arn = " ROLE "outer\nsource_profile = gone\n" \
    "[profile poor]\nrole_arn = " ROLE "outer\nsource_profile = empty\n" \
    "[profile empty]\nregion = eu-west-1\n" \
    "[profile odd]\nrole_arn = " ROLE "outer\ncredential_source = Moon\n" \
    "[profile mfa]\nrole_arn = " ROLE "outer\nsource_profile = base\n" \
    "mfa_serial = arn:aws:iam::1:mfa/me\n" \
    "[profile brief]\nrole_arn = " ROLE "outer\nsource_profile = base\n" \
    "duration_seconds = 60\n" \
    "[profile denied]\nrole_arn = " ROLE "none\nsource_profile = base\n" \
    "[profile denied2]\nrole_arn = " ROLE "outer\nsource_profile = denied\n" \
    "[profile web]\nrole_arn = " ROLE "outer\nsource_profile = signed\n" \
    "[profile signed]\nsso_session = s\n"

static void role_setup(void)
{
    setup();
    write_file("config", CONFIG);
    write_file("credentials", "[base]\naws_access_key_id = BASE\n"
                              "aws_secret_access_key = S\n");
    routes = sts;
    (void)setenv("AWS_RETRY_MODE", "standard", 1);
}

static const struct {
    const char *profile;
    const char *key;     /* that come out */
    const char *signers; /* access keys of the calls to STS, in their order */
    const char *source;  /* in the words about it */
} roles[] = {
    {"outer", "OUTER", "INNER", "by profile 'inner', role"},
    {"inner", "INNER", "BASE", "by profile 'base' of the credentials file"},
    {"process", "OUTER", "PROC", "by credential_process of profile 'run'"},
    {"self", "OUTER", "SELF", "by profile 'self' of the config file"},
    {"keyed", "INNER", "KEYED", "by profile 'keyed2'"}, /* its keys first */
    {"ecs", "OUTER", "ECS", "by container endpoint"},
    {"ec2", "OUTER", "IMDS", "by instance metadata"},
};

START_TEST(role_table)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};
    char credential[64];

    (void)setenv("AWS_PROFILE", roles[_i].profile, 1);
    (void)setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c", 1);
    ck_assert_msg(get(&aws, &keys, &err) == 0, "%s", err.msg);
    ck_assert_str_eq(keys->access_key, roles[_i].key);
    ck_assert_int_eq((int)(keys->expires_at - NOW), 3600);
    ck_assert_str_eq(aws.chain.kind, "assume-role");
    ck_assert_msg(strstr(aws.chain.source, roles[_i].source) != NULL, "%s",
                  aws.chain.source);
    (void)snprintf(credential, sizeof(credential), "Credential=%s/",
                   roles[_i].signers);
    ck_assert_msg(strstr(signer, credential) != NULL, "%s", signer);
}
END_TEST

START_TEST(what_is_asked)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    (void)setenv("AWS_PROFILE", "outer", 1);
    ck_assert_msg(get(&aws, &keys, &err) == 0, "%s", err.msg);
    ck_assert_str_eq(
        asked,
        "POST https://sts.us-east-1.amazonaws.com/|Action=AssumeRole&Version="
        "2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Finner&"
        "RoleSessionName=lakeseg-1795395723\n"
        "POST https://sts.us-east-1.amazonaws.com/|Action=AssumeRole&Version="
        "2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fouter&"
        "RoleSessionName=me%40here&ExternalId=an%20id&DurationSeconds=900\n");
    ck_assert_str_eq(keys->session_token, "TOUTER");
    fake.now_ms += 46 * 60 * 1000; /* fourteen minutes are left */
    ck_assert_int_eq(pl_credentials_get(&aws, &keys, &err), 0);
    ck_assert_uint_eq(requests, 4);
}
END_TEST

/* The variables are the source of the role only when they are named: as keys
 * of the environment they would come before any profile. */
START_TEST(environment_as_a_source)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    (void)setenv("AWS_PROFILE", "env", 1);
    ck_assert_int_eq(get(&aws, &keys, &err), -1);
    ck_assert_int_eq(err.code, PL_CREDENTIALS_MISSING);
    ck_assert_ptr_nonnull(strstr(err.msg, "Environment has no credentials"));
}
END_TEST

static const struct {
    const char *profile;
    const char *named; /* in the message */
    enum pl_code code;
    unsigned requests;
} mistakes[] = {
    {"circle", "in a circle, back to 'circle'", PL_CONFIG_INVALID, 0},
    {"alone", "in a circle, back to 'alone'", PL_CONFIG_INVALID, 0},
    {"both", "only one of source_profile or", PL_CONFIG_INVALID, 0},
    {"neither", "needs a source_profile or", PL_CONFIG_INVALID, 0},
    {"missing", "source_profile 'gone'", PL_CONFIG_INVALID, 0},
    {"poor", "source profile 'empty' has no", PL_CREDENTIALS_MISSING, 0},
    {"odd", "credential_source 'Moon'", PL_CONFIG_INVALID, 0},
    {"mfa", "mfa_serial asks for a code", PL_CONFIG_INVALID, 0},
    {"brief", "duration_seconds '60'", PL_CONFIG_INVALID, 0},
    {"denied", "profile 'denied': cannot AssumeRole: HTTP 403 AccessDenied",
     PL_ACCESS_DENIED, 1},
    {"denied2", "profile 'denied2': profile 'denied': cannot AssumeRole",
     PL_ACCESS_DENIED, 1},
    {"web", "--profile signed --format process", PL_CONFIG_INVALID, 0},
};

START_TEST(mistakes_are_named)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};
    char named[64];

    (void)setenv("AWS_PROFILE", mistakes[_i].profile, 1);
    /* another source would do: it is not asked */
    (void)setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c", 1);
    ck_assert_int_eq(get(&aws, &keys, &err), -1);
    ck_assert_msg(err.code == mistakes[_i].code, "%s", err.msg);
    ck_assert_msg(strstr(err.msg, mistakes[_i].named) != NULL, "%s", err.msg);
    (void)snprintf(named, sizeof(named), "profile '%s'", mistakes[_i].profile);
    ck_assert_msg(strstr(err.msg, named) != NULL, "%s", err.msg);
    ck_assert_uint_eq(requests, mistakes[_i].requests);
}
END_TEST

START_TEST(a_long_row_of_profiles)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};
    char text[4096] = "";

    for (int i = 0; i < 12; i++) {
        const size_t at = strlen(text);

        (void)snprintf(text + at, sizeof(text) - at,
                       "[profile p%d]\nrole_arn = r\nsource_profile = p%d\n", i,
                       i + 1);
    }
    write_file("config", text);
    (void)setenv("AWS_PROFILE", "p0", 1);
    ck_assert_int_eq(get(&aws, &keys, &err), -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "more than 8 profiles"));
    ck_assert_uint_eq(requests, 0);
}
END_TEST

UNIT_MAIN("credentials_role",
          tcase_add_checked_fixture(tc, role_setup, teardown);
          tcase_add_loop_test(tc, role_table, 0, UNIT_COUNT(roles));
          tcase_add_test(tc, what_is_asked);
          tcase_add_test(tc, environment_as_a_source);
          tcase_add_loop_test(tc, mistakes_are_named, 0, UNIT_COUNT(mistakes));
          tcase_add_test(tc, a_long_row_of_profiles);)
