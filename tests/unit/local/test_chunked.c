/* aws-chunked: AWS's own examples of signed chunks and trailer, and the rest,
 * at every size of a read. */
#include "local/chunked.h"

#include "tests/unit/unit.h"

#define EXAMPLE_BYTES 66560 /* of 'a', in chunks of 64 KiB, 1 KiB and 0 */

static int keep(void *ctx, const void *data, size_t len, struct pl_err *err)
{
    return pl_buf_add(ctx, data, len, err);
}

static void make_auth(struct local_auth *auth, const char *seed)
{
    *auth = (struct local_auth){.date = "20130524",
                                .region = "us-east-1",
                                .service = "s3",
                                .time = "20130524T000000Z"};
    (void)snprintf(auth->signature, sizeof(auth->signature), "%s", seed);
    local_auth_key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", auth);
}

/* Feeds text in bites; 0, or -1 with err. */
static int decode(enum local_payload kind, const struct local_auth *auth,
                  const struct pl_buf *text, size_t bite, struct pl_buf *out,
                  struct local_pairs *trailers, struct pl_err *err)
{
    struct local_chunked c = {
        .kind = kind, .auth = auth, .sink = {out, keep}, .trailers = trailers};
    int rc = local_chunked_open(&c, err);

    for (size_t at = 0; rc == 0 && at < text->len; at += bite)
        rc = local_chunked_feed(&c, text->data + at,
                                bite < text->len - at ? bite : text->len - at,
                                err);
    if (rc == 0 && !local_chunked_is_done(&c))
        rc = pl_fail(err, PL_DATA_INVALID, "cut off");
    local_chunked_release(&c);
    return rc;
}

static void add_chunk(struct pl_buf *text, size_t len, const char *signature)
{
    static char a[65536];
    struct pl_err err = {0};

    memset(a, 'a', sizeof(a));
    ck_assert_int_eq(
        pl_buf_addf(text, &err, "%zx;chunk-signature=%s\r\n", len, signature),
        0);
    if (len > 0) {
        ck_assert_int_eq(pl_buf_add(text, a, len, &err), 0);
        ck_assert_int_eq(pl_buf_adds(text, "\r\n", &err), 0);
    }
}

static void add(struct pl_buf *text, const char *more)
{
    struct pl_err err = {0};

    ck_assert_int_eq(pl_buf_adds(text, more, &err), 0);
}

static void plain_example(struct pl_buf *text)
{
    add_chunk(text, 65536,
              "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade"
              "35a65485a288648");
    add_chunk(text, 1024,
              "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d23"
              "4b86a503ef5497");
    add_chunk(text, 0,
              "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323"
              "e279d449df9");
    add(text, "\r\n");
}

static const char plain_seed[] =
    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";

START_TEST(published_signed_chunks)
{
    static const size_t bites[] = {1, 7, 1000, 65536, 100000};
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct local_auth auth;

    make_auth(&auth, plain_seed);
    plain_example(&text);
    ck_assert_uint_eq(text.len, 66824); /* the published Content-Length */
    for (size_t i = 0; i < PL_COUNT(bites); i++) {
        PL_AUTO(pl_buf) out = PL_BUF_INIT;
        PL_AUTO(local_pairs) trailers = {0};
        struct pl_err err = {0};

        ck_assert_int_eq(decode(LOCAL_PAYLOAD_SIGNED_CHUNKS, &auth, &text,
                                bites[i], &out, &trailers, &err),
                         0);
        ck_assert_uint_eq(out.len, EXAMPLE_BYTES);
    }
}
END_TEST

START_TEST(spoiled_chunk)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    PL_AUTO(local_pairs) trailers = {0};
    struct local_auth auth;
    struct pl_err err = {0};

    make_auth(&auth, plain_seed);
    plain_example(&text);
    text.data[70] = 'a'; /* in the first signature or its data */
    text.data[200] = 'b';
    ck_assert_int_eq(decode(LOCAL_PAYLOAD_SIGNED_CHUNKS, &auth, &text, 999,
                            &out, &trailers, &err),
                     -1);
    ck_assert_int_eq(err.code, PL_SIGNATURE_REFUSED);
}
END_TEST

static void trailer_example(struct pl_buf *text, const char *value)
{
    struct pl_err err = {0};

    add_chunk(text, 65536,
              "b474d8862b1487a5145d686f57f013e54db672cee1c953b301"
              "0fb58501ef5aa2");
    add_chunk(text, 1024,
              "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d"
              "40a8cae51e5c7");
    add_chunk(text, 0,
              "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9"
              "f85863f992");
    ck_assert_int_eq(
        pl_buf_addf(text, &err, "x-amz-checksum-crc32c:%s\r\n", value), 0);
    add(text, "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629"
              "a2e4a59689829ca17fe2e435\r\n\r\n");
}

static const char trailer_seed[] =
    "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";

START_TEST(published_signed_trailer)
{
    static const char *const values[] = {"sOO8/Q==", "AAAAAA=="};

    for (size_t i = 0; i < 2; i++) {
        PL_AUTO(pl_buf) text = PL_BUF_INIT;
        PL_AUTO(pl_buf) out = PL_BUF_INIT;
        PL_AUTO(local_pairs) trailers = {0};
        struct local_auth auth;
        struct pl_err err = {0};
        int rc;

        make_auth(&auth, trailer_seed);
        trailer_example(&text, values[i]);
        rc = decode(LOCAL_PAYLOAD_SIGNED_CHUNKS_TRAILER, &auth, &text, 4096,
                    &out, &trailers, &err);
        ck_assert_int_eq(rc, i == 0 ? 0 : -1);
        ck_assert_int_eq(err.code, i == 0 ? PL_OK : PL_SIGNATURE_REFUSED);
    }
}
END_TEST

static const struct {
    const char *text;
    const char *want; /* NULL: malformed */
} plain_cases[] = {
    {"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde"},
    {"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:S4457w==\r\n\r\n", "abc"},
    {"0\r\n\r\n", ""},
    {"A\r\n0123456789\r\n0\r\nX-Amz-Checksum-CRC32: y\r\n\r\n", "0123456789"},
    {"3\r\nabc\r\n0\r\n", NULL},
    {"3\r\nabc", NULL},
    {"", NULL},
    {"3\r\nabcd\r\n0\r\n\r\n", NULL},
    {"x\r\nabc\r\n", NULL},
    {"\r\n", NULL},
    {"3;chunk-signature=0\r\nabc\r\n0\r\n\r\n", NULL},
    {"fffffffffffff\r\n", NULL},
    {"3\nabc\r\n0\r\n\r\n", NULL},
    {"0\r\nnocolon\r\n\r\n", NULL},
    {"0\r\n\r\nmore", NULL},
};

START_TEST(unsigned_table)
{
    const char *words = plain_cases[_i].text;

    for (size_t bite = 1; bite <= strlen(words) + 1; bite++) {
        PL_AUTO(pl_buf) text = PL_BUF_INIT;
        PL_AUTO(pl_buf) out = PL_BUF_INIT;
        PL_AUTO(local_pairs) trailers = {0};
        struct pl_err err = {0};
        int rc;

        add(&text, words);
        rc = decode(LOCAL_PAYLOAD_CHUNKED_TRAILER, NULL, &text, bite, &out,
                    &trailers, &err);
        ck_assert_msg((rc == 0) == (plain_cases[_i].want != NULL), "%s", words);
        if (rc == 0)
            ck_assert_str_eq(pl_buf_str(&out), plain_cases[_i].want);
        else
            ck_assert_int_eq(err.code, PL_DATA_INVALID);
    }
}
END_TEST

UNIT_MAIN("chunked", tcase_add_test(tc, published_signed_chunks);
          tcase_add_test(tc, spoiled_chunk);
          tcase_add_test(tc, published_signed_trailer);
          tcase_add_loop_test(tc, unsigned_table, 0, UNIT_COUNT(plain_cases));)
