#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/base/child.h"
#include "pipeline/base/file.h"
#include "tests/unit/unit.h"

static int ended(pid_t pid)
{
    int status = 0;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(speaks_through_our_pipes)
{
    static const char *const argv[] = {"cat", NULL};
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(4096);
    struct pl_err err = {0};
    int to[2];
    int from[2];
    pid_t pid;

    ck_assert_int_eq(pl_child_pipe(to, &err), 0);
    ck_assert_int_eq(pl_child_pipe(from, &err), 0);
    ck_assert_int_eq(pl_child_start("/bin/", argv, to[0], from[1], &pid, &err),
                     0);
    (void)close(to[0]);
    (void)close(from[1]);
    ck_assert_int_eq(pl_fd_write_all(to[1], "hello", 5, &err), 0);
    (void)close(to[1]); /* ours only: the end of file reaches the child */
    ck_assert_int_eq(pl_fd_read_all(from[0], "cat", &text, &err), 0);
    ck_assert_str_eq(text.data, "hello");
    (void)close(from[0]);
    ck_assert_int_eq(ended(pid), 0);
}
END_TEST

START_TEST(a_missing_program_ends_with_127)
{
    static const char *const argv[] = {"no-such-program", NULL};
    struct pl_err err = {0};
    pid_t pid;

    ck_assert_int_eq(pl_child_start("/bin/", argv, -1, -1, &pid, &err), 0);
    ck_assert_int_eq(ended(pid), 127);
}
END_TEST

UNIT_MAIN("child", tcase_add_test(tc, speaks_through_our_pipes);
          tcase_add_test(tc, a_missing_program_ends_with_127);)
