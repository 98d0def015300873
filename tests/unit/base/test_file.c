#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/file.h"

static char dir[64];

static void setup(void)
{
    (void)snprintf(dir, sizeof(dir), "/tmp/lakeseg-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
}

static void teardown(void)
{
    (void)unlink("a/b/f");
    (void)rmdir("a/b");
    (void)rmdir("a");
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(dir), 0); /* nothing temporary is left */
}

START_TEST(written_whole_and_read_back)
{
    PL_AUTO(pl_buf) buf = PL_BUF_INIT;
    struct pl_err err = {0};

    ck_assert_int_eq(pl_mkdirs_for("a/b/f", &err), 0);
    ck_assert_int_eq(pl_mkdirs_for("a/b/f", &err), 0);
    ck_assert_int_eq(pl_file_write("a/b/f", "one", 3, &err), 0);
    ck_assert_int_eq(pl_file_write("a/b/f", "two!", 4, &err), 0);
    ck_assert_int_eq(pl_file_read("a/b/f", &buf, &err), 0);
    ck_assert_str_eq(buf.data, "two!");
}
END_TEST

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

START_TEST(what_a_killed_program_left_is_removed)
{
    PL_AUTO(pl_buf) temp = PL_BUF_INIT;
    struct pl_err err = {0};
    static const char *const others[] = {"a/b/f.backup", "a/b/f.writing-x",
                                         "a/b/g.writing-aaaaaa"};
    int held;

    ck_assert_int_eq(pl_mkdirs_for("a/b/f", &err), 0);
    for (size_t i = 0; i < PL_COUNT(others); i++)
        ck_assert_int_eq(close(open(others[i], O_CREAT | O_RDWR, 0600)), 0);
    ck_assert_int_eq(
        close(open("a/b/f.writing-bbbbbb", O_CREAT | O_RDWR, 0600)), 0);
    held = pl_file_temporary("a/b/f", &temp, &err);
    ck_assert_int_ge(held, 0);
    ck_assert(!is_there("a/b/f.writing-bbbbbb"));
    ck_assert_int_eq(pl_file_write("a/b/f", "one", 3, &err), 0);
    ck_assert(is_there(temp.data)); /* somebody is at it */
    ck_assert_int_eq(close(held), 0);
    ck_assert_int_eq(pl_file_write("a/b/f", "two", 3, &err), 0);
    ck_assert(!is_there(temp.data));
    for (size_t i = 0; i < PL_COUNT(others); i++)
        ck_assert_int_eq(unlink(others[i]), 0);
}
END_TEST

START_TEST(a_limit_holds)
{
    PL_AUTO(pl_buf) buf = PL_BUF_INIT_MAX(20000);
    struct pl_err err = {0};
    static char big[40000];

    ck_assert_int_eq(pl_mkdirs_for("a/b/f", &err), 0);
    ck_assert_int_eq(pl_file_write("a/b/f", big, sizeof(big), &err), 0);
    ck_assert_int_eq(pl_file_read("a/b/f", &buf, &err), -1);
    ck_assert_int_eq(err.code, PL_DATA_INVALID);
}
END_TEST

START_TEST(a_small_limit_takes_a_small_file)
{
    PL_AUTO(pl_buf) buf = PL_BUF_INIT_MAX(4);
    PL_AUTO(pl_buf) small = PL_BUF_INIT_MAX(3);
    struct pl_err err = {0};

    ck_assert_int_eq(pl_mkdirs_for("a/b/f", &err), 0);
    ck_assert_int_eq(pl_file_write("a/b/f", "four", 4, &err), 0);
    ck_assert_int_eq(pl_file_read("a/b/f", &buf, &err), 0);
    ck_assert_str_eq(buf.data, "four");
    ck_assert_int_eq(pl_file_read("a/b/f", &small, &err), -1);
    ck_assert_int_eq(err.code, PL_DATA_INVALID);
}
END_TEST

START_TEST(what_is_not_there_is_named)
{
    PL_AUTO(pl_buf) buf = PL_BUF_INIT;
    struct pl_err err = {0};

    ck_assert_int_eq(pl_file_read("nowhere", &buf, &err), -1);
    ck_assert_int_eq(err.code, PL_FILE_ERROR);
    ck_assert_str_eq(err.msg,
                     "cannot open 'nowhere': No such file or directory");
}
END_TEST

UNIT_MAIN("file", tcase_add_checked_fixture(tc, setup, teardown);
          tcase_add_test(tc, written_whole_and_read_back);
          tcase_add_test(tc, what_a_killed_program_left_is_removed);
          tcase_add_test(tc, a_limit_holds);
          tcase_add_test(tc, a_small_limit_takes_a_small_file);
          tcase_add_test(tc, what_is_not_there_is_named);)
