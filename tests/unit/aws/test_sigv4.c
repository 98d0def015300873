#include "tests/unit/unit.h"

#include <dirent.h>
#include <string.h>

#include "pipeline/aws/sigv4.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/file.h"

#define EMPTY_HASH \
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* The published examples of AWS's documentation. */
static const struct {
    const char *method;
    const char *path;
    const char *query;
    const char *headers[4]; /* "name: value" */
    const char *body;
    const char *time;
    const char *service;
    const char *signature;
} published[] = {
    {"GET",
     "/",
     "",
     {"host: example.amazonaws.com"},
     "",
     "20150830T123600Z",
     "service",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"GET",
     "/test.txt",
     "",
     {"host: examplebucket.s3.amazonaws.com", "range: bytes=0-9"},
     "",
     "20130524T000000Z",
     "s3",
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {"PUT",
     "/test%24file.text",
     "",
     {"host: examplebucket.s3.amazonaws.com",
      "date: Fri, 24 May 2013 00:00:00 GMT",
      "x-amz-storage-class: REDUCED_REDUNDANCY"},
     "Welcome to Amazon S3.",
     "20130524T000000Z",
     "s3",
     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {"GET",
     "/",
     "lifecycle",
     {"host: examplebucket.s3.amazonaws.com"},
     "",
     "20130524T000000Z",
     "s3",
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {"GET",
     "/",
     "prefix=J&max-keys=2",
     {"host: examplebucket.s3.amazonaws.com"},
     "",
     "20130524T000000Z",
     "s3",
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
};

static void set(struct pl_http_headers *headers, const char *line)
{
    struct pl_err err = {0};
    char name[256];
    const char *colon = strchr(line, ':');

    (void)snprintf(name, sizeof(name), "%.*s", (int)(colon - line), line);
    ck_assert_int_eq(pl_http_headers_set(headers, name, colon + 2, &err), 0);
}

static void check_signature(const char *authorization, const char *signature)
{
    const char *at = strstr(authorization, "Signature=");

    ck_assert_ptr_nonnull(at);
    ck_assert_str_eq(at + 10, signature);
}

START_TEST(published_signatures)
{
    PL_AUTO(pl_http_headers) headers = {.count = 0};
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_credentials keys = {.expires_at = 0};
    struct pl_err err = {0};
    unsigned char raw[PL_SHA256_BYTES];
    char hash[65];
    const bool is_s3 = strcmp(published[_i].service, "s3") == 0;
    const struct pl_sigv4 in = {.method = published[_i].method,
                                .path = published[_i].path,
                                .query = published[_i].query,
                                .headers = &headers,
                                .payload_hash = hash,
                                .time = published[_i].time,
                                .region = "us-east-1",
                                .service = published[_i].service,
                                .is_s3 = is_s3};

    (void)snprintf(keys.access_key, sizeof(keys.access_key), "%s",
                   is_s3 ? "AKIAIOSFODNN7EXAMPLE" : "AKIDEXAMPLE");
    (void)snprintf(keys.secret_key, sizeof(keys.secret_key), "%s",
                   is_s3 ? "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
                         : "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    pl_sha256(published[_i].body, strlen(published[_i].body), raw);
    pl_hex(raw, sizeof(raw), hash);
    for (int i = 0; i < 4 && published[_i].headers[i] != NULL; i++)
        set(&headers, published[_i].headers[i]);
    ck_assert_int_eq(pl_http_headers_set(&headers, "x-amz-date", in.time, &err),
                     0);
    if (is_s3)
        ck_assert_int_eq(
            pl_http_headers_set(&headers, "x-amz-content-sha256", hash, &err),
            0);
    ck_assert_int_eq(pl_sigv4_authorization(&in, &keys, &out, &err), 0);
    check_signature(out.data, published[_i].signature);
}
END_TEST

/* Each step by itself, so that a fault names the step. */
START_TEST(the_steps_of_the_first_example)
{
    PL_AUTO(pl_http_headers) headers = {.count = 0};
    PL_AUTO(pl_buf) canonical = PL_BUF_INIT;
    PL_AUTO(pl_buf) names = PL_BUF_INIT;
    PL_AUTO(pl_buf) to_sign = PL_BUF_INIT;
    struct pl_err err = {0};
    const struct pl_sigv4 in = {.method = "GET",
                                .path = "/",
                                .query = "",
                                .headers = &headers,
                                .payload_hash = EMPTY_HASH,
                                .time = "20150830T123600Z",
                                .region = "us-east-1",
                                .service = "service"};

    set(&headers, "Host: example.amazonaws.com");
    set(&headers, "X-Amz-Date: 20150830T123600Z");
    ck_assert_int_eq(pl_sigv4_canonical(&in, &canonical, &err), 0);
    ck_assert_str_eq(
        canonical.data,
        "GET\n/\n\nhost:example.amazonaws.com\n"
        "x-amz-date:20150830T123600Z\n\nhost;x-amz-date\n" EMPTY_HASH);
    ck_assert_int_eq(pl_sigv4_signed_headers(&in, &names, &err), 0);
    ck_assert_str_eq(names.data, "host;x-amz-date");
    ck_assert_int_eq(
        pl_sigv4_string_to_sign(&in, canonical.data, &to_sign, &err), 0);
    ck_assert_str_eq(
        to_sign.data,
        "AWS4-HMAC-SHA256\n20150830T123600Z\n"
        "20150830/us-east-1/service/aws4_request\n"
        "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63");
}
END_TEST

static const char *const never_signed[] = {"authorization",
                                           "connection",
                                           "expect",
                                           "keep-alive",
                                           "proxy-authenticate",
                                           "proxy-authorization",
                                           "te",
                                           "trailer",
                                           "transfer-encoding",
                                           "upgrade",
                                           "user-agent",
                                           "x-amzn-trace-id"};

START_TEST(headers_that_a_hop_may_change)
{
    ck_assert(!pl_sigv4_signs(never_signed[_i]));
    ck_assert(pl_sigv4_signs("host") && pl_sigv4_signs("x-amz-date"));
}
END_TEST

/* Requests recorded from the AWS SDK for JavaScript v3: the signed headers and
 * the authorization that it sent. */
static void check_recorded(const char *path)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    PL_AUTO(pl_http_headers) headers = {.count = 0};
    struct pl_credentials keys = {
        .access_key = "AKIDEXAMPLE",
        .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
    struct pl_sigv4 in = {.headers = &headers, .region = "us-east-1"};
    struct pl_err err = {0};
    const char *want = NULL;
    char *save = NULL;
    char *line;
    char *query;
    char *scope;

    ck_assert_int_eq(pl_file_read(path, &text, &err), 0);
    line = strtok_r(text.data, "\n", &save);
    in.method = line;
    in.path = strchr(line, ' ') + 1;
    line[in.path - 1 - line] = '\0';
    query = strchr(in.path, '?');
    if (query != NULL)
        *query++ = '\0';
    in.query = query != NULL ? query : "";
    while ((line = strtok_r(NULL, "\n", &save)) != NULL) {
        if (strncmp(line, "authorization: ", 15) == 0)
            want = line + 15;
        else
            set(&headers, line);
    }
    ck_assert_ptr_nonnull(want);
    in.payload_hash = pl_http_headers_get(&headers, "x-amz-content-sha256");
    in.time = pl_http_headers_get(&headers, "x-amz-date");
    scope = strstr(want, "/us-east-1/") + strlen("/us-east-1/");
    in.is_s3 = strncmp(scope, "s3/", 3) == 0;
    *strchr(scope, '/') = '\0';
    in.service = scope;
    ck_assert_int_eq(pl_sigv4_authorization(&in, &keys, &out, &err), 0);
    scope[strlen(scope)] = '/';
    ck_assert_msg(strcmp(out.data, want) == 0, "%s:\n%s\n%s", path, out.data,
                  want);
}

START_TEST(recorded_requests)
{
    DIR *dir = opendir(TEST_DIR "/requests");
    const struct dirent *entry;
    unsigned count = 0;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)) != NULL) {
        char path[4096];

        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "%s/requests/%s", TEST_DIR,
                       entry->d_name);
        check_recorded(path);
        count++;
    }
    (void)closedir(dir);
    ck_assert_uint_eq(count, 34);
}
END_TEST

static const struct {
    const char *path;
    const char *canonical;
} paths[] = {
    {"/", "/"},
    {"", "/"},
    {"/a/../b", "/b"},
    {"/a/./b/", "/a/b/"},
    {"//a//b", "/a/b"},
    {"/..", "/"},
    {"/a%20b", "/a%2520b"}, /* encoded once more */
};

START_TEST(paths_of_general_services)
{
    PL_AUTO(pl_http_headers) headers = {.count = 0};
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};
    char want[64];
    const struct pl_sigv4 in = {.method = "GET",
                                .path = paths[_i].path,
                                .query = "",
                                .headers = &headers,
                                .payload_hash = EMPTY_HASH};

    (void)snprintf(want, sizeof(want), "GET\n%s\n\n", paths[_i].canonical);
    ck_assert_int_eq(pl_sigv4_canonical(&in, &out, &err), 0);
    ck_assert_msg(strncmp(out.data, want, strlen(want)) == 0, "%s", out.data);
}
END_TEST

START_TEST(headers_are_trimmed_and_sorted)
{
    PL_AUTO(pl_http_headers) headers = {.count = 0};
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};
    const struct pl_sigv4 in = {.method = "GET",
                                .path = "/",
                                .query = "b=2&a=1&a=0&a-b=3&c",
                                .headers = &headers,
                                .payload_hash = "H",
                                .is_s3 = true};

    set(&headers, "My-Header1:   a   b   c  ");
    set(&headers, "Host: h");
    set(&headers, "User-Agent: never signed");
    ck_assert_int_eq(pl_sigv4_canonical(&in, &out, &err), 0);
    ck_assert_str_eq(out.data, "GET\n/\na=0&a=1&a-b=3&b=2&c=\nhost:h\n"
                               "my-header1:a b c\n\nhost;my-header1\nH");
}
END_TEST

UNIT_MAIN("sigv4", tcase_add_loop_test(tc, published_signatures, 0,
                                       UNIT_COUNT(published));
          tcase_add_test(tc, the_steps_of_the_first_example);
          tcase_add_loop_test(tc, headers_that_a_hop_may_change, 0,
                              UNIT_COUNT(never_signed));
          tcase_add_test(tc, recorded_requests);
          tcase_add_loop_test(tc, paths_of_general_services, 0,
                              UNIT_COUNT(paths));
          tcase_add_test(tc, headers_are_trimmed_and_sorted);)
