#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/file.h"
#include "pipeline/stream/copy.h"
#include "pipeline/stream/writer.h"
#include "tests/unit/unit.h"

static char dir[64];

static void setup(void)
{
    (void)snprintf(dir, sizeof(dir), "/tmp/lakeseg-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
}

static void teardown(void)
{
    (void)unlink("from");
    (void)unlink("a/to");
    (void)rmdir("a");
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(dir), 0); /* nothing temporary is left */
}

static void put(const char *text)
{
    struct pl_err err = {0};

    ck_assert_int_eq(pl_file_write("from", text, strlen(text), &err), 0);
}

START_TEST(a_file_arrives_with_its_checksum)
{
    PL_AUTO(pl_buf) got = PL_BUF_INIT;
    struct pl_copied copied;
    struct pl_err err = {0};

    put("123456789");
    ck_assert_int_eq(pl_copy("from", "a/to", "rosUhgp5mIg=", NULL, NULL, "test",
                             &copied, &err),
                     0);
    ck_assert_int_eq((int)copied.bytes, 9);
    ck_assert_str_eq(copied.crc64nvme, "rosUhgp5mIg=");
    ck_assert_str_eq(copied.etag, "");
    ck_assert_int_eq(pl_file_read("a/to", &got, &err), 0);
    ck_assert_str_eq(got.data, "123456789");
}
END_TEST

START_TEST(another_checksum_leaves_no_file)
{
    struct pl_copied copied;
    struct pl_err err = {0};

    put("12345678X");
    ck_assert_int_eq(pl_copy("from", "a/to", "rosUhgp5mIg=", NULL, NULL, "test",
                             &copied, &err),
                     -1);
    ck_assert_int_eq(err.code, PL_DATA_INVALID);
    ck_assert_int_eq(access("a/to", F_OK), -1);
}
END_TEST

START_TEST(a_writer_dropped_leaves_no_file)
{
    struct pl_writer writer = {.fd = -1};
    const struct pl_sink sink = pl_writer_sink(&writer);
    struct pl_err err = {0};

    ck_assert_int_eq(pl_writer_open(&writer, "a/to", NULL, NULL, &err), 0);
    ck_assert_int_eq(pl_sink_write(&sink, "half", 4, &err), 0);
    pl_writer_release(&writer);
    pl_writer_release(&writer); /* twice does no harm */
    ck_assert_int_eq(access("a/to", F_OK), -1);
}
END_TEST

static const struct {
    const char *from;
    enum pl_code code;
} wrong[] = {{"nowhere", PL_FILE_ERROR},
             {"/tmp", PL_FILE_ERROR},
             {"s3://bucket/key", PL_CONFIG_INVALID},
             {"ftp://host/key", PL_CONFIG_INVALID}};

START_TEST(wrong_sources_are_named)
{
    struct pl_copied copied;
    struct pl_err err = {0};

    ck_assert_int_eq(pl_copy(wrong[_i].from, "a/to", NULL, NULL, NULL, "test",
                             &copied, &err),
                     -1);
    ck_assert_int_eq(err.code, wrong[_i].code);
}
END_TEST

UNIT_MAIN("copy", tcase_add_checked_fixture(tc, setup, teardown);
          tcase_add_test(tc, a_file_arrives_with_its_checksum);
          tcase_add_test(tc, another_checksum_leaves_no_file);
          tcase_add_test(tc, a_writer_dropped_leaves_no_file);
          tcase_add_loop_test(tc, wrong_sources_are_named, 0,
                              UNIT_COUNT(wrong));)
