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

/* The cases of AWS's signing test suite, by their names there. Their paths are
 * not encoded yet, but those that are signed as they are; the lines of a
 * folded header are so many headers, since no value of ours has a line end. */
static const struct {
    const char *name;
    const char *method;
    const char *path;
    const char *query;
    const char *headers[4]; /* "name: value"; some come twice */
    const char *body;
    bool is_plain; /* the path is not normalized: as for S3 */
    const char *signature;
} suite_cases[] = {
    {"get-vanilla",
     "GET",
     "/",
     "",
     {NULL},
     "",
     false,
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-header-key-duplicate",
     "GET",
     "/",
     "",
     {"my-header1: value2", "my-header1: value2", "my-header1: value1"},
     "",
     false,
     "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {"get-header-value-multiline",
     "GET",
     "/",
     "",
     {"my-header1: value1", "my-header1: value2", "my-header1: value3"},
     "",
     false,
     "ba17b383a53190154eb5fa66a1b836cc297cc0a3d70a5d00705980573d8ff790"},
    {"get-header-value-order",
     "GET",
     "/",
     "",
     {"my-header1: value4", "my-header1: value1", "my-header1: value3",
      "my-header1: value2"},
     "",
     false,
     "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
    {"get-header-value-trim",
     "GET",
     "/",
     "",
     {"my-header1:  value1", "my-header2:  \"a   b   c\""},
     "",
     false,
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"get-relative-normalized",
     "GET",
     "/example/..",
     "",
     {NULL},
     "",
     false,
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-relative-unnormalized",
     "GET",
     "/example/..",
     "",
     {NULL},
     "",
     true,
     "eca7ead57bb5aa5c8e28007acd4ff04e1ff9a0ff3b237ec1554a184887ff9282"},
    {"get-relative-relative-normalized",
     "GET",
     "/example1/example2/../..",
     "",
     {NULL},
     "",
     false,
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-relative-relative-unnormalized",
     "GET",
     "/example1/example2/../..",
     "",
     {NULL},
     "",
     true,
     "dc33e0856fd4baca4d7aa2146c38958283844764f38c74252a333df5e613003b"},
    {"get-slash-normalized",
     "GET",
     "//",
     "",
     {NULL},
     "",
     false,
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-slash-unnormalized",
     "GET",
     "//",
     "",
     {NULL},
     "",
     true,
     "c88bcd3d312d75078c0cd961d6deae3f4c754924b01669efcfcb439fd5e5b76e"},
    {"get-slash-dot-slash-normalized",
     "GET",
     "/./",
     "",
     {NULL},
     "",
     false,
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-slash-dot-slash-unnormalized",
     "GET",
     "/./",
     "",
     {NULL},
     "",
     true,
     "68714168e6557f8f2de0ef956fc24dc2593a4bd2961f8df51898d8a134695145"},
    {"get-slash-pointless-dot-normalized",
     "GET",
     "/./example",
     "",
     {NULL},
     "",
     false,
     "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
    {"get-slash-pointless-dot-unnormalized",
     "GET",
     "/./example",
     "",
     {NULL},
     "",
     true,
     "beb03f223f7deae4146464f06e29eebbee9c8afbe15c290cf07aa8b119e14cff"},
    {"get-slashes-normalized",
     "GET",
     "//example//",
     "",
     {NULL},
     "",
     false,
     "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
    {"get-slashes-unnormalized",
     "GET",
     "//example//",
     "",
     {NULL},
     "",
     true,
     "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5"},
    {"get-space-normalized",
     "GET",
     "/example space/",
     "",
     {NULL},
     "",
     false,
     "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
    {"get-space-unnormalized",
     "GET",
     "/example%20space/",
     "",
     {NULL},
     "",
     true,
     "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
    {"get-unreserved",
     "GET",
     "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     "",
     {NULL},
     "",
     false,
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-utf8",
     "GET",
     "/\xE1\x88\xB4",
     "",
     {NULL},
     "",
     false,
     "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-vanilla-empty-query-key",
     "GET",
     "/",
     "Param1=value1",
     {NULL},
     "",
     false,
     "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {"get-vanilla-query",
     "GET",
     "/",
     "",
     {NULL},
     "",
     false,
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-query-order-encoded",
     "GET",
     "/",
     "Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
     {NULL},
     "",
     false,
     "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
    {"get-vanilla-query-order-key-case",
     "GET",
     "/",
     "Param2=value2&Param1=value1",
     {NULL},
     "",
     false,
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-query-unreserved",
     "GET",
     "/",
     "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~"
     "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     {NULL},
     "",
     false,
     "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
    {"get-vanilla-utf8-query",
     "GET",
     "/",
     "%E1%88%B4=bar",
     {NULL},
     "",
     false,
     "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
    {"get-vanilla-with-session-token",
     "GET",
     "/",
     "",
     {"x-amz-security-token: "
      "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"},
     "",
     false,
     "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"},
    {"post-header-key-sort",
     "POST",
     "/",
     "",
     {"my-header1: value1"},
     "",
     false,
     "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
    {"post-header-value-case",
     "POST",
     "/",
     "",
     {"my-header1: VALUE1"},
     "",
     false,
     "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
    {"post-sts-header-after",
     "POST",
     "/",
     "",
     {NULL},
     "",
     false,
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-sts-header-before",
     "POST",
     "/",
     "",
     {"x-amz-security-token: "
      "AQoDYXdzEPT//////////"
      "wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPf"
      "IeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/"
      "kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU"
      "9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+"
      "scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="},
     "",
     false,
     "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
    {"post-vanilla",
     "POST",
     "/",
     "",
     {NULL},
     "",
     false,
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-vanilla-query",
     "POST",
     "/",
     "Param1=value1",
     {NULL},
     "",
     false,
     "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
    {"post-x-www-form-urlencoded",
     "POST",
     "/",
     "",
     {"content-type: application/x-www-form-urlencoded", "content-length: 13",
      "x-amz-content-sha256: "
      "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"},
     "Param1=value1",
     false,
     "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"},
    {"post-x-www-form-urlencoded-parameters",
     "POST",
     "/",
     "",
     {"content-type: application/x-www-form-urlencoded; charset=utf-8",
      "content-length: 13",
      "x-amz-content-sha256: "
      "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"},
     "Param1=value1",
     false,
     "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422"},
};

/* Behind the others, though the name is there already. */
static void add(struct pl_http_headers *headers, const char *line)
{
    const char *colon = strchr(line, ':');
    struct pl_http_header *h = &headers->list[headers->count++];

    h->name = strndup(line, (size_t)(colon - line));
    h->value = strdup(colon + 2);
}

START_TEST(signing_test_suite)
{
    PL_AUTO(pl_http_headers) headers = {.count = 0};
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    const struct pl_credentials keys = {
        .access_key = "AKIDEXAMPLE",
        .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
    unsigned char raw[PL_SHA256_BYTES];
    char hash[PL_SHA256_BYTES * 2 + 1];
    struct pl_err err = {0};
    const struct pl_sigv4 in = {.method = suite_cases[_i].method,
                                .path = suite_cases[_i].path,
                                .query = suite_cases[_i].query,
                                .headers = &headers,
                                .payload_hash = hash,
                                .time = "20150830T123600Z",
                                .region = "us-east-1",
                                .service = "service",
                                .is_s3 = suite_cases[_i].is_plain};

    pl_sha256(suite_cases[_i].body, strlen(suite_cases[_i].body), raw);
    pl_hex(raw, sizeof(raw), hash);
    add(&headers, "host: example.amazonaws.com");
    for (int i = 0; i < 4 && suite_cases[_i].headers[i] != NULL; i++)
        add(&headers, suite_cases[_i].headers[i]);
    add(&headers, "x-amz-date: 20150830T123600Z");
    ck_assert_int_eq(pl_sigv4_authorization(&in, &keys, &out, &err), 0);
    ck_assert_msg(strstr(out.data, suite_cases[_i].signature) != NULL, "%s: %s",
                  suite_cases[_i].name, out.data);
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

UNIT_MAIN(
    "sigv4",
    tcase_add_loop_test(tc, published_signatures, 0, UNIT_COUNT(published));
    tcase_add_loop_test(tc, signing_test_suite, 0, UNIT_COUNT(suite_cases));
    tcase_add_test(tc, the_steps_of_the_first_example);
    tcase_add_loop_test(tc, headers_that_a_hop_may_change, 0,
                        UNIT_COUNT(never_signed));
    tcase_add_test(tc, recorded_requests);
    tcase_add_loop_test(tc, paths_of_general_services, 0, UNIT_COUNT(paths));
    tcase_add_test(tc, headers_are_trimmed_and_sorted);)
