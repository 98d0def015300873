/*
 * The judge of signatures: requests that a real client sent (recorded with the
 * published example key), each as it was and each spoiled in every way.
 */
#include "local/auth.h"

#include "pipeline/base/clock.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/text.h"
#include "tests/unit/unit.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define SENT_AT "2026-11-23T02:20:24Z"

static const struct {
    const char *name;
    const char *method;
    const char *target;
    const char *headers;
} wire[] = {
    {"s3-GetObject-range", "GET", "/bkt/k.csv?x-id=GetObject",
     "range: bytes=0-6\n"
     "x-amz-checksum-mode: ENABLED\n"
     "x-amz-user-agent: aws-sdk-js/3.1168.0\n"
     "host: 127.0.0.1:7001\n"
     "amz-sdk-invocation-id: a32d2820-ccb2-47e1-ad9d-0d85936f92ab"
     "\n"
     "amz-sdk-request: attempt=1; max=1\n"
     "x-amz-date: 20261123T022024Z\n"
     "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41"
     "e4649b934ca495991b7852b855\n"
     "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261"
     "123/us-east-1/s3/aws4_request, SignedHeaders=amz-sdk-invocat"
     "ion-id;amz-sdk-request;host;range;x-amz-checksum-mode;x-amz-"
     "content-sha256;x-amz-date;x-amz-user-agent, Signature=f8f8b5"
     "fe66135723f6b6b9cc94319df651f4977951fe2405a3608456c1f11e6d\n"},
    {"s3-ListObjectsV2", "GET",
     "/bkt/"
     "?list-type=2&max-keys=100&prefix=p%2Fyear%3D2026%2F&start-after=a%20b%"
     "2Bc",
     "x-amz-user-agent: aws-sdk-js/3.1168.0\n"
     "host: 127.0.0.1:7001\n"
     "amz-sdk-invocation-id: 71c8fdfe-b44c-457b-bae2-6a4d98d94862"
     "\n"
     "amz-sdk-request: attempt=1; max=1\n"
     "x-amz-date: 20261123T022024Z\n"
     "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41"
     "e4649b934ca495991b7852b855\n"
     "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261"
     "123/us-east-1/s3/aws4_request, SignedHeaders=amz-sdk-invocat"
     "ion-id;amz-sdk-request;host;x-amz-content-sha256;x-amz-date;"
     "x-amz-user-agent, Signature=20e0e07ccdc8d4382353b4f613432412"
     "08a10c9a406523d02b1bc683dff6d7f4\n"},
    {"s3-PutObject", "PUT",
     "/bkt/p/da%20te%3D1/%C3%BC%2Bx%26y.csv?x-id=PutObject",
     "content-type: text/csv\n"
     "content-length: 12\n"
     "x-amz-sdk-checksum-algorithm: CRC32\n"
     "x-amz-checksum-crc32: aKhRWQ==\n"
     "x-amz-user-agent: aws-sdk-js/3.1168.0\n"
     "host: 127.0.0.1:7001\n"
     "amz-sdk-invocation-id: ca5ad518-d3a6-4854-b297-9667c590a6f4"
     "\n"
     "amz-sdk-request: attempt=1; max=1\n"
     "x-amz-date: 20261123T022024Z\n"
     "x-amz-content-sha256: f7626dcb23bbdf3a84360bbd2d5b9afb43d9a1"
     "e09c29aa53c386ac6d89b1e45e\n"
     "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261"
     "123/us-east-1/s3/aws4_request, SignedHeaders=amz-sdk-invocat"
     "ion-id;amz-sdk-request;content-length;content-type;host;x-am"
     "z-checksum-crc32;x-amz-content-sha256;x-amz-date;x-amz-sdk-c"
     "hecksum-algorithm;x-amz-user-agent, Signature=106a25e20fef76"
     "8d01cc2e6b0f20dfa3fc0bbec7e344f64976edf6ec25d12541\n"},
    {"s3-PutObject-session-token", "PUT", "/bkt/k.csv?x-id=PutObject",
     "content-type: application/octet-stream\n"
     "content-length: 12\n"
     "x-amz-sdk-checksum-algorithm: CRC32\n"
     "x-amz-checksum-crc32: aKhRWQ==\n"
     "x-amz-user-agent: aws-sdk-js/3.1168.0\n"
     "host: 127.0.0.1:7001\n"
     "amz-sdk-invocation-id: d749ad28-1110-45b9-8580-3e4ab4ed9f30"
     "\n"
     "amz-sdk-request: attempt=1; max=1\n"
     "x-amz-date: 20261123T022024Z\n"
     "x-amz-security-token: FwoGZXIvYXdzEXAMPLETOKEN//////////wEaD"
     "A==\n"
     "x-amz-content-sha256: f7626dcb23bbdf3a84360bbd2d5b9afb43d9a1"
     "e09c29aa53c386ac6d89b1e45e\n"
     "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261"
     "123/us-east-1/s3/aws4_request, SignedHeaders=amz-sdk-invocat"
     "ion-id;amz-sdk-request;content-length;content-type;host;x-am"
     "z-checksum-crc32;x-amz-content-sha256;x-amz-date;x-amz-sdk-c"
     "hecksum-algorithm;x-amz-security-token;x-amz-user-agent, Sig"
     "nature=565563daddcd11df40227b072c053bd136efc79d36c8ed12ec28e"
     "53bbbf2f08a\n"},
    {"s3-PutObject-stream", "PUT", "/bkt/stream.csv?x-id=PutObject",
     "content-type: application/octet-stream\n"
     "x-amz-sdk-checksum-algorithm: CRC32\n"
     "content-encoding: aws-chunked\n"
     "x-amz-decoded-content-length: 6\n"
     "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\n"
     "x-amz-trailer: x-amz-checksum-crc32\n"
     "x-amz-user-agent: aws-sdk-js/3.1168.0\n"
     "host: 127.0.0.1:7001\n"
     "amz-sdk-invocation-id: 1686211a-61f4-4dec-b058-6afd4d8b3f44"
     "\n"
     "amz-sdk-request: attempt=1; max=1\n"
     "x-amz-date: 20261123T022024Z\n"
     "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261"
     "123/us-east-1/s3/aws4_request, SignedHeaders=amz-sdk-invocat"
     "ion-id;amz-sdk-request;content-encoding;content-type;host;x-"
     "amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x"
     "-amz-sdk-checksum-algorithm;x-amz-trailer;x-amz-user-agent, "
     "Signature=3295473c76a96f85ab57a47b5688780ef7d0daec60f1c86374"
     "8839b8dd0d842a\n"},
    {"athena-StartQueryExecution", "POST", "/",
     "content-type: application/x-amz-json-1.1\n"
     "x-amz-target: AmazonAthena.StartQueryExecution\n"
     "content-length: 442\n"
     "x-amz-user-agent: aws-sdk-js/3.1163.0\n"
     "host: 127.0.0.1:7001\n"
     "amz-sdk-invocation-id: cb48f6e0-1f5a-42f3-a444-c2580f87d600"
     "\n"
     "amz-sdk-request: attempt=1; max=1\n"
     "x-amz-date: 20261123T022024Z\n"
     "x-amz-content-sha256: a319ec96d2df51a6ab84d106b5d5e407bc0b12"
     "5181c672eaf4cd2202c9a76558\n"
     "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261"
     "123/us-east-1/athena/aws4_request, SignedHeaders=amz-sdk-inv"
     "ocation-id;amz-sdk-request;content-length;content-type;host;"
     "x-amz-content-sha256;x-amz-date;x-amz-target;x-amz-user-agen"
     "t, Signature=3812f6e476a10d37e7bd4cd37ecd51c70d9bf81782fec67"
     "dc8e7cc9118a87d02\n"},
    {"pinpoint-GetImportJob", "GET", "/v1/apps/app1/jobs/import/job1",
     "x-amz-user-agent: aws-sdk-js/3.1131.0\n"
     "host: 127.0.0.1:7001\n"
     "amz-sdk-invocation-id: f215565f-31a5-4c81-af09-63a74000eca2"
     "\n"
     "amz-sdk-request: attempt=1; max=1\n"
     "x-amz-date: 20261123T022024Z\n"
     "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41"
     "e4649b934ca495991b7852b855\n"
     "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261"
     "123/us-east-1/mobiletargeting/aws4_request, SignedHeaders=am"
     "z-sdk-invocation-id;amz-sdk-request;host;x-amz-content-sha25"
     "6;x-amz-date;x-amz-user-agent, Signature=7424942a40aef2fddfa"
     "889d246b4e518225fe7e4913fc1805c69e6583786487c\n"},
    {"pinpoint-CreateImportJob", "POST", "/v1/apps/app1/jobs/import",
     "content-type: application/json\n"
     "content-length: 206\n"
     "x-amz-user-agent: aws-sdk-js/3.1131.0\n"
     "host: 127.0.0.1:7001\n"
     "amz-sdk-invocation-id: ad2ca0ac-9027-42e6-abaf-86a90d3cbbcb"
     "\n"
     "amz-sdk-request: attempt=1; max=1\n"
     "x-amz-date: 20261123T022024Z\n"
     "x-amz-content-sha256: 2edf045e04d2f39a3cfe4e6e4062964067f6f0"
     "370e6e7188896c673bb5c56949\n"
     "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261"
     "123/us-east-1/mobiletargeting/aws4_request, SignedHeaders=am"
     "z-sdk-invocation-id;amz-sdk-request;content-length;content-t"
     "ype;host;x-amz-content-sha256;x-amz-date;x-amz-user-agent, S"
     "ignature=691b0d9339b03457f2d1873e99089bd89c5094094b838dfcf6f"
     "adc69dc5affee\n"},
    {"sns-Publish", "POST", "/",
     "content-type: application/x-www-form-urlencoded\n"
     "content-length: 316\n"
     "x-amz-user-agent: aws-sdk-js/3.1168.0\n"
     "host: 127.0.0.1:7001\n"
     "amz-sdk-invocation-id: bf92eb86-139e-469d-a37b-d3951dd2733a"
     "\n"
     "amz-sdk-request: attempt=1; max=1\n"
     "x-amz-date: 20261123T022024Z\n"
     "x-amz-content-sha256: 2e3066f67f6d8cab41ec0929c15cca4ca7a7ed"
     "98af4ab529653c54e0bdb19a86\n"
     "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261"
     "123/us-east-1/sns/aws4_request, SignedHeaders=amz-sdk-invoca"
     "tion-id;amz-sdk-request;content-length;content-type;host;x-a"
     "mz-content-sha256;x-amz-date;x-amz-user-agent, Signature=5a9"
     "95181484f724ee822bb13ce6b3368f74481609b883fb9108b11fd57820b5"
     "c\n"},
    {"sts-GetCallerIdentity", "POST", "/",
     "content-type: application/x-www-form-urlencoded\n"
     "content-length: 43\n"
     "x-amz-user-agent: aws-sdk-js/3.1168.0\n"
     "host: 127.0.0.1:7001\n"
     "amz-sdk-invocation-id: 6753fb29-1183-4f48-8fd9-209cda2fcede"
     "\n"
     "amz-sdk-request: attempt=1; max=1\n"
     "x-amz-date: 20261123T022024Z\n"
     "x-amz-content-sha256: ab821ae955788b0e33ebd34c208442ccfc2d40"
     "6e2edc5e7a39bd6458fbb4f843\n"
     "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261"
     "123/us-east-1/sts/aws4_request, SignedHeaders=amz-sdk-invoca"
     "tion-id;amz-sdk-request;content-length;content-type;host;x-a"
     "mz-content-sha256;x-amz-date;x-amz-user-agent, Signature=290"
     "2525787a8ef4ae0d2ae8453fb2dcf47eef699f47b75313e75f3426aea0c9"
     "0\n"},
};

static bool find(void *ctx, const char *access, struct local_key *key)
{
    const char *token = ctx;

    *key = (struct local_key){.expires_at_ms = 0};
    (void)snprintf(key->access, sizeof(key->access), "AKIDEXAMPLE");
    (void)snprintf(key->secret, sizeof(key->secret), SECRET);
    (void)snprintf(key->token, sizeof(key->token), "%s", token);
    return strcmp(access, "AKIDEXAMPLE") == 0;
}

static void add_headers(struct local_request *req, const char *text)
{
    struct pl_err err = {0};

    while (*text != '\0') {
        const size_t len = strcspn(text, "\n");
        const size_t name = strcspn(text, ":");
        char n[128];
        char v[2048];

        (void)snprintf(n, sizeof(n), "%.*s", (int)name, text);
        (void)snprintf(v, sizeof(v), "%.*s", (int)(len - name - 2),
                       text + name + 2);
        ck_assert_int_eq(local_pairs_add(&req->headers, n, v, &err), 0);
        text += len + 1;
    }
}

static void make(struct local_request *req, const char *method,
                 const char *target, const char *headers)
{
    const size_t len = strcspn(target, "?");
    struct pl_err err = {0};

    *req = (struct local_request){.service = "s3"};
    req->method = strdup(method);
    req->raw_path = strndup(target, len);
    req->raw_query = strdup(target[len] == '?' ? target + len + 1 : "");
    ck_assert_int_eq(local_pairs_parse(&req->query, req->raw_query,
                                       strlen(req->raw_query), &err),
                     0);
    add_headers(req, headers);
}

static int64_t sent_at(void)
{
    int64_t ms = 0;

    ck_assert_int_eq(pl_time_parse_iso(SENT_AT, &ms), 0);
    return ms;
}

static enum local_verdict judge_at(const struct local_request *req,
                                   int64_t now_ms)
{
    const char *token = local_header(req, "x-amz-security-token");
    char text[256];
    struct local_auth auth;
    char why[256];
    struct local_auth_rules rules = {
        .region = "us-east-1", .now_ms = now_ms, .find = find, .ctx = text};

    (void)snprintf(text, sizeof(text), "%s", token != NULL ? token : "");
    return local_auth_judge(&rules, req, "", &auth, why);
}

static enum local_verdict judge(const struct local_request *req)
{
    return judge_at(req, sent_at());
}

START_TEST(recorded_requests_are_good)
{
    struct local_request req;

    make(&req, wire[_i].method, wire[_i].target, wire[_i].headers);
    ck_assert_msg(judge(&req) == LOCAL_AUTH_GOOD, "%s", wire[_i].name);
    local_request_release(&req);
}
END_TEST

/* Every signed value that is changed spoils the signature. */
START_TEST(a_changed_request_is_wrong)
{
    struct local_request req;
    size_t count;

    make(&req, wire[_i].method, wire[_i].target, wire[_i].headers);
    count = req.headers.count;
    for (size_t h = 0; h < count; h++) {
        struct local_pair *p = &req.headers.items[h];
        const char kept = p->value[0];

        if (strcmp(p->name, "authorization") == 0 ||
            strcmp(p->name, "x-amz-date") == 0)
            continue;
        p->value[0] = kept == 'Z' ? 'Y' : 'Z';
        ck_assert_msg(judge(&req) == LOCAL_AUTH_WRONG_SIGNATURE, "%s: %s",
                      wire[_i].name, p->name);
        p->value[0] = kept;
    }
    req.method[0] = 'X';
    ck_assert_int_eq(judge(&req), LOCAL_AUTH_WRONG_SIGNATURE);
    local_request_release(&req);
}
END_TEST

START_TEST(another_path_or_query_is_wrong)
{
    struct local_request req;
    struct pl_err err = {0};

    make(&req, wire[1].method, "/bkt/x?list-type=2", wire[1].headers);
    ck_assert_int_eq(judge(&req), LOCAL_AUTH_WRONG_SIGNATURE);
    local_request_release(&req);
    make(&req, wire[1].method, wire[1].target, wire[1].headers);
    ck_assert_int_eq(local_pairs_add(&req.query, "new", "", &err), 0);
    ck_assert_int_eq(judge(&req), LOCAL_AUTH_WRONG_SIGNATURE);
    local_request_release(&req);
}
END_TEST

/* Order and spelling of the query do not matter, its meaning does. */
START_TEST(another_spelling_is_good)
{
    struct local_request req;

    make(&req, wire[1].method,
         "/bkt/?start-after=a+b%2bc&prefix=p/year=2026/&max-keys=100&"
         "list-type=2",
         wire[1].headers);
    ck_assert_int_eq(judge(&req), LOCAL_AUTH_GOOD);
    local_request_release(&req);
}
END_TEST

START_TEST(time_and_key)
{
    const int64_t minutes = 60000;
    struct local_request req;

    make(&req, wire[0].method, wire[0].target, wire[0].headers);
    ck_assert_int_eq(judge_at(&req, sent_at() + 15 * minutes), LOCAL_AUTH_GOOD);
    ck_assert_int_eq(judge_at(&req, sent_at() + 15 * minutes + 1),
                     LOCAL_AUTH_SKEWED);
    ck_assert_int_eq(judge_at(&req, sent_at() - 15 * minutes - 1),
                     LOCAL_AUTH_SKEWED);
    local_request_release(&req);
}
END_TEST

START_TEST(unsigned_amz_header_is_wrong)
{
    struct local_request req;
    struct pl_err err = {0};

    make(&req, wire[0].method, wire[0].target, wire[0].headers);
    ck_assert_int_eq(local_pairs_add(&req.headers, "x-other", "1", &err), 0);
    ck_assert_int_eq(judge(&req), LOCAL_AUTH_GOOD);
    ck_assert_int_eq(local_pairs_add(&req.headers, "x-amz-acl", "1", &err), 0);
    ck_assert_int_eq(judge(&req), LOCAL_AUTH_WRONG_SIGNATURE);
    local_request_release(&req);
}
END_TEST

#define SCOPE "AKID/20261123/us-east-1/s3/aws4_request"
#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
    const char *header;
    bool is_good;
} parses[] = {
    {"AWS4-HMAC-SHA256 Credential=" SCOPE
     ", SignedHeaders=host, Signature=" HEX,
     true},
    {"AWS4-HMAC-SHA256 Credential=" SCOPE ",SignedHeaders=host,Signature=" HEX,
     true},
    {"AWS4-HMAC-SHA256", false},
    {"AWS4-HMAC-SHA256 ", false},
    {"AWS AKID:sig", false},
    {"", false},
    {"AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=host", false},
    {"AWS4-HMAC-SHA256 Credential=" SCOPE ", Signature=" HEX, false},
    {"AWS4-HMAC-SHA256 SignedHeaders=host, Signature=" HEX, false},
    {"AWS4-HMAC-SHA256 Credential=AKID/20261123/us-east-1/s3, "
     "SignedHeaders=host, Signature=" HEX,
     false},
    {"AWS4-HMAC-SHA256 Credential=" SCOPE "/x, SignedHeaders=host, "
     "Signature=" HEX,
     false},
    {"AWS4-HMAC-SHA256 Credential=AKID/2026/us-east-1/s3/aws4_request, "
     "SignedHeaders=host, Signature=" HEX,
     false},
    {"AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=host, Signature=abc",
     false},
    {"AWS4-HMAC-SHA256 Credential=" SCOPE
     ", SignedHeaders=host, Other=1, Signature=" HEX,
     false},
};

START_TEST(header_table)
{
    struct local_auth auth;
    struct pl_err err = {0};
    const int rc = local_auth_parse(parses[_i].header, &auth, &err);

    ck_assert_msg((rc == 0) == parses[_i].is_good, "%s", parses[_i].header);
    if (rc != 0)
        ck_assert_int_eq(err.code, PL_DATA_INVALID);
}
END_TEST

UNIT_MAIN("auth", tcase_add_loop_test(tc, recorded_requests_are_good, 0,
                                      UNIT_COUNT(wire));
          tcase_add_loop_test(tc, a_changed_request_is_wrong, 0,
                              UNIT_COUNT(wire));
          tcase_add_test(tc, another_path_or_query_is_wrong);
          tcase_add_test(tc, another_spelling_is_good);
          tcase_add_test(tc, time_and_key);
          tcase_add_test(tc, unsigned_amz_header_is_wrong);
          tcase_add_loop_test(tc, header_table, 0, UNIT_COUNT(parses));)
