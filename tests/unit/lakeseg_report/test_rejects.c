/* The first lines of a reject file, in both formats, broken or not. */
#include <string.h>

#include "stages/lakeseg_report/rejects.h"
#include "tests/unit/unit.h"

#define TEXT(t) t, sizeof(t) - 1

static const struct {
    bool is_csv;
    const char *text;
    size_t len;
    size_t count;
    size_t unread;
    const char *keys; /* of all rejects, each followed by ";" */
} files[] = {
    {false,
     TEXT("{\"record\":1,\"line\":2,\"offset\":9,\"key\":\"k\",\"column\":null,"
          "\"rule\":\"id-missing\",\"detail\":\"d\"}\n"
          "{\"record\":2,\"key\":null,\"rule\":\"utf8\"}\n"),
     2, 0, "k;-;"},
    {false, TEXT("{\"record\":1,\"rule\":\"x\",\"key\":\"a\\u0000b\"}"), 1, 0,
     "a\\0b;"},
    {false,
     TEXT("nonsense\n\n[]\n{\"record\":-1,\"rule\":\"x\"}\n{\"record\":1}\n"
          "{\"record\":\"1\",\"rule\":7}\n{\"record\":1,\"rule\":\"x\",\"a\":1,"
          "\"a\":2}\n\xFF\n{\"record\":3,\"rule\":\"x\",\"key\":\"good\"}\n"),
     1, 7, "good;"},
    {false, TEXT(""), 0, 0, ""},
    {true,
     TEXT("record,line,offset,key,column,rule,detail\n"
          "1,2,30,\"a,\"\"b\"\"\nc\",Address,address-phone,why\n"
          "2,5,60,,,id-missing,\n"),
     2, 0, "a,\"b\"\nc;-;"},
    {true,
     TEXT("record,line,offset,key,column,rule,detail,raw\n"
          "1,2,3,\xFF\xFE,,utf8,d,\"x\xFF\"\n"
          "x,2,3,k,,utf8,d,r\n1,2,3,k\"k,,utf8,d,r\n9,1,1,e,,r,,\n"),
     2, 2, "\xFF\xFE;e;"},
    {true, TEXT("record,rule\n1,\"open"), 0, 1, ""},
    {true, TEXT(""), 0, 0, ""},
};

static void keys_of(const struct report_rejects *r, struct pl_buf *keys)
{
    struct pl_err err = {0};
    int rc = 0;

    for (size_t i = 0; i < r->count; i++) {
        const struct report_text *key = &r->list[i].key;

        if (key->data == NULL)
            rc |= pl_buf_adds(keys, "-", &err);
        for (size_t k = 0; key->data != NULL && k < key->len; k++)
            rc |= key->data[k] == '\0' ? pl_buf_adds(keys, "\\0", &err)
                                       : pl_buf_addc(keys, key->data[k], &err);
        rc |= pl_buf_adds(keys, ";", &err);
    }
    ck_assert_int_eq(rc, 0);
}

START_TEST(files_are_read)
{
    for (size_t bite = 0; bite < 4; bite++) {
        PL_AUTO(report_rejects) r = {.count = 0};
        PL_AUTO(pl_buf) keys = PL_BUF_INIT;
        struct pl_mem_source mem = {files[_i].text, files[_i].len, 0, bite};
        const struct pl_source source = pl_mem_source(&mem);
        struct pl_err err = {0};

        ck_assert_int_eq(
            report_rejects_parse(&r, &source, files[_i].is_csv, &err), 0);
        keys_of(&r, &keys);
        ck_assert_str_eq(pl_buf_str(&keys), files[_i].keys);
        ck_assert_uint_eq(r.count, files[_i].count);
        ck_assert_uint_eq(r.unread, files[_i].unread);
    }
}
END_TEST

START_TEST(only_the_first_are_read)
{
    PL_AUTO(report_rejects) r = {.count = 0};
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_err err = {0};
    struct pl_mem_source mem;
    struct pl_source source;
    int rc = 0;

    for (int i = 1; i <= 500; i++)
        rc |= pl_buf_addf(&text, &err, "{\"record\":%d,\"rule\":\"x\"}\n", i);
    ck_assert_int_eq(rc, 0);
    mem = (struct pl_mem_source){text.data, text.len, 0, 0};
    source = pl_mem_source(&mem);
    ck_assert_int_eq(report_rejects_parse(&r, &source, false, &err), 0);
    ck_assert_uint_eq(r.count, REPORT_REJECTS_MAX);
    ck_assert_int_eq(r.list[REPORT_REJECTS_MAX - 1].record, REPORT_REJECTS_MAX);
}
END_TEST

/* A line that is longer than what is read ends it, without a word too much. */
START_TEST(a_long_line_ends_it)
{
    PL_AUTO(report_rejects) r = {.count = 0};
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_err err = {0};
    struct pl_mem_source mem;
    struct pl_source source;
    int rc =
        pl_buf_adds(&text, "{\"record\":1,\"rule\":\"x\"}\n{\"raw\":\"", &err);

    for (size_t i = 0; i < REPORT_REJECTS_BYTES; i += 16)
        rc |= pl_buf_adds(&text, "0123456789abcdef", &err);
    ck_assert_int_eq(rc, 0);
    mem = (struct pl_mem_source){text.data, text.len, 0, 0};
    source = pl_mem_source(&mem);
    ck_assert_int_eq(report_rejects_parse(&r, &source, false, &err), 0);
    ck_assert_uint_eq(r.count, 1);
    ck_assert_uint_eq(r.unread, 0);
}
END_TEST

static const struct {
    const char *data;
    const char *trouble; /* a part of it; "" none */
} places[] = {
    {"", ""},
    {"{\"uri\":\"/nonexistent/r.jsonl\",\"role\":\"rejects\"}",
     "cannot read it here"},
    {"{\"uri\":\"/dev/zero\",\"role\":\"rejects\"}", "no regular file"},
    {"{\"uri\":\"/\",\"role\":\"rejects\"}", "no regular file"},
    {"{\"uri\":\"s3://bucket/r.jsonl\",\"role\":\"rejects\"}", "S3"},
    {"{\"uri\":\"gopher://x/\",\"role\":\"rejects\"}", "gopher"},
    {"{\"uri\":\"/dev/zero\",\"role\":\"rejects\",\"rows\":0}", ""},
    {"{\"uri\":\"/dev/zero\",\"role\":\"normalized\"}", ""},
};

START_TEST(what_cannot_be_read_is_told)
{
    PL_AUTO(report_rejects) r = {.count = 0};
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_err err = {0};

    ck_assert_int_eq(pl_buf_addf(&text, &err, "{\"lakeseg\":1,\"data\":[%s]}",
                                 places[_i].data),
                     0);
    ck_assert_int_eq(pl_manifest_parse(&m, text.data, text.len, &err), 0);
    report_rejects_read(&r, &m, NULL);
    ck_assert_uint_eq(r.count, 0);
    if (places[_i].trouble[0] == '\0')
        ck_assert_str_eq(r.trouble, "");
    else
        ck_assert_msg(strstr(r.trouble, places[_i].trouble) != NULL, "%s",
                      r.trouble);
}
END_TEST

UNIT_MAIN("rejects",
          tcase_add_loop_test(tc, files_are_read, 0, UNIT_COUNT(files));
          tcase_add_test(tc, only_the_first_are_read);
          tcase_add_test(tc, a_long_line_ends_it);
          tcase_add_loop_test(tc, what_cannot_be_read_is_told, 0,
                              UNIT_COUNT(places));)
