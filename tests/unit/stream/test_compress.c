#include "tests/unit/unit.h"

#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/stream/compress.h"

/* "hello\n" and then "world\n", by gzip -n */
static const char gz[] =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xcb\x48\xcd\xc9\xc9\xe7"
    "\x02\x00\x20\x30\x3a\x36\x06\x00\x00\x00"
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\x2b\xcf\x2f\xca\x49\xe1"
    "\x02\x00\xa8\x61\x38\xdd\x06\x00\x00\x00";
#define GZ_LEN (sizeof(gz) - 1)

/* The library for gzip. */
static const struct pl_gunzip *gunzip;

static void choose(int i)
{
    gunzip = pl_gunzip_by_name(i == 0 ? "zlib" : "isa-l");
    ck_assert(i != 0 || gunzip != NULL);
    if (gunzip == NULL)
        gunzip = pl_gunzip_by_name("zlib"); /* not in this build */
}

static int undo(const void *data, size_t len, size_t bite, struct pl_buf *out,
                struct pl_err *err)
{
    __attribute__((cleanup(pl_inflate_release))) struct pl_inflate f = {0};
    struct pl_mem_source mem = {.data = data, .len = len, .bite = bite};
    const struct pl_source in = pl_mem_source(&mem);
    struct pl_source source;
    char piece[7];
    int64_t n;

    if (pl_inflate_open_by(&f, &in, gunzip, err) != 0)
        return -1;
    source = pl_inflate_source(&f);
    while ((n = source.read(source.ctx, piece, sizeof(piece), err)) > 0)
        ck_assert_int_eq(pl_buf_add(out, piece, (size_t)n, err), 0);
    return (int)n;
}

static void pack(const char *text, size_t len, struct pl_buf *out)
{
    __attribute__((cleanup(pl_deflate_release))) struct pl_deflate d = {0};
    const struct pl_sink to = pl_buf_sink(out);
    struct pl_sink sink;
    struct pl_err err = {0};

    ck_assert_int_eq(pl_deflate_open(&d, &to, &err), 0);
    sink = pl_deflate_sink(&d);
    for (size_t i = 0; i < len; i += 1000)
        ck_assert_int_eq(pl_sink_write(&sink, text + i,
                                       len - i < 1000 ? len - i : 1000, &err),
                         0);
    ck_assert_int_eq(pl_deflate_finish(&d, &err), 0);
}

START_TEST(gzip_members)
{
    choose(_i);
    for (size_t bite = 0; bite < 20; bite++) {
        PL_AUTO(pl_buf) out = PL_BUF_INIT;
        struct pl_err err = {0};

        ck_assert_msg(undo(gz, GZ_LEN, bite, &out, &err) == 0, "%s", err.msg);
        ck_assert_str_eq(pl_buf_str(&out), "hello\nworld\n");
    }
}
END_TEST

START_TEST(zstd_frames)
{
    static char text[50000];
    PL_AUTO(pl_buf) packed = PL_BUF_INIT;

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i * i % 23);
    pack(text, sizeof(text), &packed);
    pack("", 0, &packed); /* an empty frame between */
    pack("end", 3, &packed);
    for (size_t bite = 0; bite < 9; bite++) {
        PL_AUTO(pl_buf) out = PL_BUF_INIT;
        struct pl_err err = {0};

        ck_assert_msg(undo(packed.data, packed.len, bite, &out, &err) == 0,
                      "%s", err.msg);
        ck_assert_uint_eq(out.len, sizeof(text) + 3);
        ck_assert_int_eq(memcmp(out.data, text, sizeof(text)), 0);
    }
}
END_TEST

START_TEST(other_bytes_pass)
{
    static const char *const texts[] = {"", "a", "abc", "\x1F", "Id,x\n1,2\n"};

    for (size_t i = 0; i < UNIT_COUNT(texts); i++) {
        PL_AUTO(pl_buf) out = PL_BUF_INIT;
        struct pl_err err = {0};

        ck_assert_int_eq(undo(texts[i], strlen(texts[i]), i, &out, &err), 0);
        ck_assert_str_eq(pl_buf_str(&out), texts[i]);
    }
}
END_TEST

/* A frame of an old format, which the library would read, for one. */
START_TEST(something_else_behind_a_frame)
{
    static const char text[] = "P*M\x18\x04\0\0\0abcc%\xB5/\xFD\x0A\0\0";

    for (size_t len = 13; len <= sizeof(text); len++)
        for (size_t bite = 0; bite < 6; bite++) {
            PL_AUTO(pl_buf) out = PL_BUF_INIT;
            struct pl_err err = {0};

            ck_assert_int_eq(undo(text, len, bite, &out, &err), -1);
            ck_assert_str_eq(err.msg,
                             "the zstd data: something else at byte 12");
        }
}
END_TEST

/* Cut off at any byte, or with any byte changed: never taken for whole. */
START_TEST(broken_data_are_named)
{
    PL_AUTO(pl_buf) zstd = PL_BUF_INIT;
    struct pl_err ignored = {0};

    pack("some text, some text, some text", 31, &zstd);
    for (size_t len = 4; len < zstd.len; len++) {
        PL_AUTO(pl_buf) out = PL_BUF_INIT;
        struct pl_err err = {0};

        ck_assert_int_eq(undo(zstd.data, len, 0, &out, &err), -1);
        ck_assert_int_eq(err.code, PL_DATA_INVALID);
        ck_assert_msg(strstr(err.msg, "zstd") != NULL, "%s", err.msg);
    }
    for (size_t i = 4; i < zstd.len; i++) {
        PL_AUTO(pl_buf) out = PL_BUF_INIT;
        struct pl_err err = {0};

        zstd.data[i] ^= 0x10;
        if (undo(zstd.data, zstd.len, 0, &out, &err) == 0)
            ck_assert_str_eq(pl_buf_str(&out),
                             "some text, some text, some text");
        zstd.data[i] ^= 0x10;
    }
    ck_assert_int_eq(pl_buf_adds(&zstd, "more", &ignored), 0);
    ck_assert_int_eq(undo(zstd.data, zstd.len, 0, &zstd, &ignored), -1);
}
END_TEST

/* The same for gzip, whose every byte but those of the header's time, flags
 * for the system and name is looked at. */
START_TEST(broken_gzip)
{
    choose(_i);
    for (size_t len = 4; len < GZ_LEN; len++)
        for (size_t bite = 0; bite < 3; bite++) {
            PL_AUTO(pl_buf) out = PL_BUF_INIT;
            struct pl_err err = {0};

            if (len == GZ_LEN / 2) /* the first member is whole */
                continue;
            ck_assert_msg(undo(gz, len, bite, &out, &err) == -1, "%zu", len);
            ck_assert_int_eq(err.code, PL_DATA_INVALID);
            ck_assert_msg(strstr(err.msg, "gzip") != NULL, "%s", err.msg);
        }
    for (size_t i = 2; i < GZ_LEN; i++) {
        PL_AUTO(pl_buf) out = PL_BUF_INIT;
        struct pl_err err = {0};
        char changed[GZ_LEN];
        const size_t place = i % (GZ_LEN / 2);

        memcpy(changed, gz, GZ_LEN);
        changed[i] = (char)(changed[i] ^ 0x11);
        if (undo(changed, GZ_LEN, 0, &out, &err) == 0) {
            ck_assert_str_eq(pl_buf_str(&out), "hello\nworld\n");
            ck_assert_msg(place >= 3 && place < 10, "%zu", i);
        }
    }
}
END_TEST

/* Zeros and other things behind a member are no member. */
START_TEST(something_else_behind_a_member)
{
    static const char *const behind[] = {"\0\0\0", "\x1F\x8B\x09zz", "more"};

    choose(_i);
    for (size_t i = 0; i < UNIT_COUNT(behind); i++) {
        PL_AUTO(pl_buf) out = PL_BUF_INIT;
        char text[GZ_LEN + 5];
        struct pl_err err = {0};

        memcpy(text, gz, GZ_LEN);
        memcpy(text + GZ_LEN, behind[i], 3);
        ck_assert_int_eq(undo(text, GZ_LEN + 3, 0, &out, &err), -1);
        ck_assert_int_eq(err.code, PL_DATA_INVALID);
    }
}
END_TEST

UNIT_MAIN("compress", tcase_add_loop_test(tc, gzip_members, 0, 2);
          tcase_add_loop_test(tc, broken_gzip, 0, 2);
          tcase_add_loop_test(tc, something_else_behind_a_member, 0, 2);
          tcase_add_test(tc, zstd_frames);
          tcase_add_test(tc, something_else_behind_a_frame);
          tcase_add_test(tc, other_bytes_pass);
          tcase_add_test(tc, broken_data_are_named);)
