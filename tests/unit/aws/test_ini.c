#include "tests/unit/unit.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/aws/ini.h"
#include "pipeline/base/file.h"

static const struct {
    const char *name;
    const char *text;
    const char *value; /* of key "k" in section "s"; NULL: none */
} cases[] = {
    {"plain", "[s]\nk=v\n", "v"},
    {"no line end", "[s]\nk=v", "v"},
    {"blanks", "[ s ]\n k2 = x\nk \t=\t v w \n", "v w"},
    {"line ends of Windows", "[s]\r\nk=v\r\n", "v"},
    {"keys without case", "[s]\nK=v\n", "v"},
    {"sections with case", "[S]\nk=v\n", NULL},
    {"other sections", "[t]\nk=1\n[s]\nk=2\n[u]\nk=3\n", "2"},
    {"the last one counts", "[s]\nk=1\nk=2\n", "2"},
    {"a section in two parts", "[s]\na=1\n[t]\n[s]\nk=2\n", "2"},
    {"empty", "[s]\nk=\n", ""},
    {"an equals sign inside", "[s]\nk=a=b==\n", "a=b=="},
    {"comments", "# k=1\n[s] # s\n;k=2\n#k=3\nk=v # why\n", "v"},
    {"no comment without a blank", "[s]\nk=v#w;x\n", "v#w;x"},
    {"nested", "[s]\nn =\n  k = 1\n\tk = 2\n", NULL},
    {"before any section", "k=v\n[s]\n", NULL},
    {"no value", "[s]\nk\n", NULL},
    {"no name", "[s]\n=v\n", NULL},
    {"a prefix is another key", "[s]\nk2=v\n", NULL},
    {"broken section", "[s\nk=v\n", NULL},
    {"nothing", "", NULL},
};

START_TEST(find_table)
{
    char out[32] = "as it was";
    const char *text = cases[_i].text;
    const bool found = pl_ini_find(text, strlen(text), "s", "k", out, 32);

    ck_assert_msg(found == (cases[_i].value != NULL), "%s", cases[_i].name);
    ck_assert_msg(strcmp(out, found ? cases[_i].value : "as it was") == 0,
                  "%s: '%s'", cases[_i].name, out);
}
END_TEST

START_TEST(values_are_cut_to_fit)
{
    char out[4];

    ck_assert(pl_ini_find("[s]\nk=abcdef\n", 13, "s", "k", out, sizeof(out)));
    ck_assert_str_eq(out, "abc");
}
END_TEST

START_TEST(has)
{
    ck_assert(pl_ini_has("[a]\n[profile b]\n", 16, "profile b"));
    ck_assert(!pl_ini_has("[a]\n[profile b]\n", 16, "b"));
    ck_assert(!pl_ini_has("[]", 2, "a"));
}
END_TEST

static void write_text(const char *path, const char *text)
{
    struct pl_err err = {0};

    ck_assert_int_eq(pl_file_write(path, text, strlen(text), &err), 0);
}

START_TEST(profiles_of_two_files)
{
    char dir[] = "/tmp/lakeseg-test-XXXXXX";
    char config[64];
    char keys[64];
    char out[64];
    struct pl_err err = {0};
    bool exists = true;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(config, sizeof(config), "%s/config", dir);
    (void)snprintf(keys, sizeof(keys), "%s/keys", dir);
    (void)setenv("AWS_CONFIG_FILE", config, 1);
    (void)setenv("AWS_SHARED_CREDENTIALS_FILE", keys, 1);
    ck_assert_int_eq(pl_profile_exists("p", &exists, &err), 0);
    ck_assert(!exists); /* neither file is there: no error */
    write_text(config, "[default]\na=1\n[profile p]\na=2\nb=3\n[q]\na=4\n");
    write_text(keys, "[p]\na=5\n");
    ck_assert_int_eq(pl_profile_setting("p", "a", out, 64, &err), 0);
    ck_assert_str_eq(out, "5"); /* the credentials file first */
    ck_assert_int_eq(pl_profile_setting("p", "b", out, 64, &err), 0);
    ck_assert_str_eq(out, "3");
    ck_assert_int_eq(pl_profile_setting("default", "a", out, 64, &err), 0);
    ck_assert_str_eq(out, "1");
    ck_assert_int_eq(pl_profile_setting("q", "a", out, 64, &err), 0);
    ck_assert_str_eq(out, ""); /* in the config file it is "profile q" */
    ck_assert_int_eq(unlink(config), 0);
    ck_assert_int_eq(mkdir(config, 0700), 0); /* there, but not to be read */
    ck_assert_int_eq(pl_profile_setting("p", "b", out, 64, &err), -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
    (void)rmdir(config);
    (void)unlink(keys);
    (void)rmdir(dir);
}
END_TEST

START_TEST(files_of_the_home_folder)
{
    char dir[] = "/tmp/lakeseg-test-XXXXXX";
    char path[64];
    char out[64];
    struct pl_err err = {0};

    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)unsetenv("AWS_CONFIG_FILE");
    (void)unsetenv("AWS_SHARED_CREDENTIALS_FILE");
    (void)setenv("HOME", dir, 1);
    (void)snprintf(path, sizeof(path), "%s/.aws", dir);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/.aws/config", dir);
    write_text(path, "[default]\nregion=r\n");
    ck_assert_int_eq(pl_profile_setting("default", "region", out, 64, &err), 0);
    ck_assert_str_eq(out, "r");
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/.aws", dir);
    (void)rmdir(path);
    (void)rmdir(dir);
    (void)unsetenv("HOME");
    ck_assert_int_eq(pl_profile_setting("default", "region", out, 64, &err), 0);
    ck_assert_str_eq(out, "");
}
END_TEST

UNIT_MAIN("ini", tcase_add_loop_test(tc, find_table, 0, UNIT_COUNT(cases));
          tcase_add_test(tc, values_are_cut_to_fit); tcase_add_test(tc, has);
          tcase_add_test(tc, profiles_of_two_files);
          tcase_add_test(tc, files_of_the_home_folder);)
