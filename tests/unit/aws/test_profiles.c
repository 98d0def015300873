#include "tests/unit/unit.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/aws/profiles.h"
#include "pipeline/base/file.h"

static char dir[64];
static char config[96];
static char keys[96];

static void write_text(const char *path, const char *text)
{
    struct pl_err err = {0};

    ck_assert_int_eq(pl_file_write(path, text, strlen(text), &err), 0);
}

static void setup(void)
{
    (void)snprintf(dir, sizeof(dir), "/tmp/lakeseg-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(config, sizeof(config), "%s/config", dir);
    (void)snprintf(keys, sizeof(keys), "%s/keys", dir);
    (void)setenv("AWS_CONFIG_FILE", config, 1);
    (void)setenv("AWS_SHARED_CREDENTIALS_FILE", keys, 1);
    (void)setenv("HOME", dir, 1);
}

static void teardown(void)
{
    (void)unlink(config);
    (void)rmdir(config);
    (void)unlink(keys);
    (void)rmdir(dir);
}

static const char *get(const struct pl_profiles *files, const char *profile,
                       const char *key)
{
    static char out[64];

    (void)snprintf(out, sizeof(out), "as it was");
    ck_assert(pl_profiles_get(files, PL_PROFILE_EITHER, profile, key, out,
                              sizeof(out)) == (out[0] != '\0'));
    return out;
}

START_TEST(profiles_of_two_files)
{
    PL_AUTO(pl_profiles) files = {{0}, {0}};
    struct pl_err err = {0};
    char out[64];

    ck_assert_int_eq(pl_profiles_open(&files, &err), 0);
    ck_assert(!pl_profiles_has(&files, "p")); /* no file at all: no error */
    write_text(config, "[default]\na=1\n[profile p]\na=2\nb=3\n[q]\na=4\n");
    write_text(keys, "[p]\na=5\n[r]\na=6\n");
    ck_assert_int_eq(pl_profiles_open(&files, &err), 0);
    ck_assert(pl_profiles_has(&files, "p"));
    ck_assert(pl_profiles_has(&files, "r"));
    ck_assert(!pl_profiles_has(&files, "q"));     /* there "profile q" */
    ck_assert_str_eq(get(&files, "p", "a"), "5"); /* credentials file first */
    ck_assert_str_eq(get(&files, "p", "b"), "3");
    ck_assert_str_eq(get(&files, "default", "a"), "1");
    ck_assert_str_eq(get(&files, "q", "a"), "");
    ck_assert_str_eq(get(&files, "r", "a"), "6");
    ck_assert(pl_profiles_get(&files, PL_PROFILE_CONFIG, "p", "a", out, 64));
    ck_assert_str_eq(out, "2");
    ck_assert(
        !pl_profiles_get(&files, PL_PROFILE_CREDENTIALS, "p", "b", out, 64));
    ck_assert_int_eq(unlink(config), 0);
    ck_assert_int_eq(mkdir(config, 0700), 0); /* there, but not to be read */
    ck_assert_int_eq(pl_profiles_open(&files, &err), -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
    ck_assert_str_eq(get(&files, "p", "a"), "5"); /* as before */
}
END_TEST

START_TEST(the_default_profile_by_either_name)
{
    PL_AUTO(pl_profiles) files = {{0}, {0}};
    struct pl_err err = {0};

    write_text(config, "[default]\na=1\n[profile default]\na=2\n");
    ck_assert_int_eq(pl_profiles_open(&files, &err), 0);
    ck_assert_str_eq(get(&files, "default", "a"), "2");
}
END_TEST

START_TEST(settings_of_services)
{
    PL_AUTO(pl_profiles) files = {{0}, {0}};
    struct pl_err err = {0};
    char out[64];

    write_text(config, "[profile p]\nservices = mine\n[services mine]\n"
                       "s3 =\n  endpoint_url = http://s3\nsns =\n"
                       "  endpoint_url = http://sns\n[services other]\n"
                       "sts =\n  endpoint_url = http://sts\n");
    ck_assert_int_eq(pl_profiles_open(&files, &err), 0);
    ck_assert(
        pl_profiles_get_service(&files, "p", "sns", "endpoint_url", out, 64));
    ck_assert_str_eq(out, "http://sns");
    ck_assert(
        !pl_profiles_get_service(&files, "p", "sts", "endpoint_url", out, 64));
    ck_assert(
        !pl_profiles_get_service(&files, "q", "s3", "endpoint_url", out, 64));
}
END_TEST

START_TEST(files_of_the_home_folder)
{
    PL_AUTO(pl_profiles) files = {{0}, {0}};
    struct pl_err err = {0};
    char path[96];

    (void)unsetenv("AWS_CONFIG_FILE");
    (void)unsetenv("AWS_SHARED_CREDENTIALS_FILE");
    (void)snprintf(path, sizeof(path), "%s/.aws", dir);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/.aws/config", dir);
    write_text(path, "[default]\nregion=r\n");
    ck_assert_int_eq(pl_profiles_open(&files, &err), 0);
    ck_assert_str_eq(get(&files, "default", "region"), "r");
    (void)setenv("AWS_CONFIG_FILE", "~/.aws/config", 1);
    (void)setenv("AWS_SHARED_CREDENTIALS_FILE", "~/none", 1);
    ck_assert_int_eq(pl_profiles_open(&files, &err), 0);
    ck_assert_str_eq(get(&files, "default", "region"), "r");
    (void)unsetenv("AWS_CONFIG_FILE");
    (void)unsetenv("HOME");
    ck_assert_int_eq(pl_profiles_open(&files, &err), 0);
    ck_assert_str_eq(get(&files, "default", "region"), "");
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/.aws", dir);
    (void)rmdir(path);
}
END_TEST

UNIT_MAIN("profiles", tcase_add_checked_fixture(tc, setup, teardown);
          tcase_add_test(tc, profiles_of_two_files);
          tcase_add_test(tc, the_default_profile_by_either_name);
          tcase_add_test(tc, settings_of_services);
          tcase_add_test(tc, files_of_the_home_folder);)
