#include "tests/unit/aws/keys.h"

#define PRINT(json) "printf '%s' '" json "'\n"
#define GOOD \
    "{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\"," \
    "\"SessionToken\":\"T\",\"Expiration\":\"2026-11-23T02:02:03+00:00\"}"

static void run_script(const char *script)
{
    char text[256];

    write_file("token", script);
    (void)snprintf(text, sizeof(text),
                   "[default]\ncredential_process = sh \"%s/token\" 'a b'\n",
                   dir);
    write_file("config", text);
}

START_TEST(keys_of_a_program)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    run_script(
        "test \"$1\" = 'a b' || exit 9\necho said something >&2\n" PRINT(GOOD));
    ck_assert_msg(get(&aws, &keys, &err) == 0, "%s", err.msg);
    ck_assert_str_eq(keys->access_key, "A");
    ck_assert_str_eq(keys->secret_key, "S");
    ck_assert_str_eq(keys->session_token, "T");
    ck_assert_int_eq((int)(keys->expires_at - NOW), 3600);
    ck_assert_str_eq(aws.chain.kind, "process");
    run_script(PRINT("{\"Version\":1,\"AccessKeyId\":\"B\",\"SecretAccessKey\":"
                     "\"S\"}"));
    ck_assert_int_eq(pl_credentials_get(&aws, &keys, &err), 0);
    ck_assert_str_eq(keys->access_key, "A"); /* not asked again */
    fake.now_ms += 50 * 60 * 1000;
    ck_assert_int_eq(pl_credentials_get(&aws, &keys, &err), 0);
    ck_assert_str_eq(keys->access_key, "B");
    ck_assert_int_eq((int)keys->expires_at, 0); /* these last */
}
END_TEST

static const struct {
    const char *script;
    enum pl_code code;
    const char *named;
} mistakes[] = {
    {"exit 3\n", PL_CREDENTIALS_MISSING, "'sh' ended with 3"},
    {"echo one >&2; echo 'no AKIAIOSFODNN7EXAMPLE here' >&2; exit 1\n",
     PL_CREDENTIALS_MISSING, "ended with 1: no ... here"},
    {"", PL_CONFIG_INVALID, "no JSON object"},
    {"echo []\n", PL_CONFIG_INVALID, "no JSON object"},
    {PRINT("{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\"}"),
     PL_CONFIG_INVALID, "Version is not 1"},
    {PRINT("{\"Version\":2,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\"}"),
     PL_CONFIG_INVALID, "Version is not 1"},
    {PRINT("{\"Version\":1,\"SecretAccessKey\":\"S\"}"), PL_CONFIG_INVALID,
     "no AccessKeyId"},
    {PRINT("{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"\"}"),
     PL_CONFIG_INVALID, "no SecretAccessKey"},
    {PRINT("{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\","
           "\"Expiration\":\"soon\"}"),
     PL_CONFIG_INVALID, "Expiration is no time"},
    {PRINT("{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\","
           "\"Expiration\":\"2026-11-23T01:02:03Z\"}"),
     PL_CREDENTIALS_EXPIRED, "good until 2026-11-23T01:02:03"},
    {"head -c 70000 /dev/zero\n", PL_CONFIG_INVALID, "more than 65536 bytes"},
};

START_TEST(mistakes_are_named)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    run_script(mistakes[_i].script);
    ck_assert_int_eq(get(&aws, &keys, &err), -1);
    ck_assert_msg(err.code == mistakes[_i].code, "%s", err.msg);
    ck_assert_msg(strstr(err.msg, mistakes[_i].named) != NULL, "%s", err.msg);
    ck_assert_msg(strstr(err.msg, "credential_process of profile 'default'") !=
                      NULL,
                  "%s", err.msg);
    ck_assert_ptr_null(strstr(err.msg, "AKIA"));
}
END_TEST

START_TEST(a_program_that_is_not_there)
{
    PL_AUTO(pl_aws) aws = {0};
    const struct pl_credentials *keys;
    struct pl_err err = {0};

    write_file("config", "[default]\ncredential_process = /nonexistent/p 'x\n");
    ck_assert_int_eq(get(&aws, &keys, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.msg, "inside quotes"));
    pl_err_clear(&err);
    write_file("config", "[default]\ncredential_process = /nonexistent/p x\n");
    ck_assert_int_eq(pl_credentials_get(&aws, &keys, &err), -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "'/nonexistent/p'"));
}
END_TEST

UNIT_MAIN("credentials_process", tcase_add_checked_fixture(tc, setup, teardown);
          tcase_add_test(tc, keys_of_a_program);
          tcase_add_loop_test(tc, mistakes_are_named, 0, UNIT_COUNT(mistakes));
          tcase_add_test(tc, a_program_that_is_not_there);)
