#include "tests/unit/aws/script.h"

#include "pipeline/aws/s3.h"

#define CRC_ABC "BeXKuz/B+us=" /* CRC64NVME of "abc" */

static const struct {
    const char *bucket;
    const char *key;
    const char *base;
    const char *log;
} addresses[] = {
    {"bucket", "a/b.csv", "https://bucket.s3.eu-west-1.amazonaws.com",
     "HEAD /a/b.csv|\n"},
    {"a.bucket", "k", "https://s3.eu-west-1.amazonaws.com",
     "HEAD /a.bucket/k|\n"},
    {"bucket", "a b+c%/\xC3\xA9~?&#",
     "https://bucket.s3.eu-west-1.amazonaws.com",
     "HEAD /a%20b%2Bc%25/%C3%A9~%3F%26%23|\n"},
    {"bucket", "../x//y", "https://bucket.s3.eu-west-1.amazonaws.com",
     "HEAD /../x//y|\n"},
};

START_TEST(address_table)
{
    static const struct answer answers[] = {{200, "content-length: 5", ""}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_s3_object object;
    struct pl_err err = {0};

    open_aws(&aws, answers, 1);
    ck_assert_int_eq(pl_s3_head(&aws, addresses[_i].bucket, addresses[_i].key,
                                &object, &err),
                     0);
    ck_assert_str_eq(script.base, addresses[_i].base);
    ck_assert_str_eq(script.log, addresses[_i].log);
}
END_TEST

START_TEST(head)
{
    static const struct answer answers[] = {
        {200,
         "content-length: 498\netag: \"e-2\"\n"
         "x-amz-checksum-crc64nvme: rosUhgp5mIg=\n"
         "x-amz-checksum-type: FULL_OBJECT",
         ""},
        {200,
         "content-length: 1\nx-amz-checksum-crc64nvme: rosUhgp5mIg=\n"
         "x-amz-checksum-type: COMPOSITE",
         ""},
        {404, NULL, ""},
        {200, NULL, ""},
        {200, "content-length: 4611686018427387904", ""}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_s3_object object;
    struct pl_err err = {0};

    open_aws(&aws, answers, 5);
    ck_assert_int_eq(pl_s3_head(&aws, "b", "k", &object, &err), 0);
    ck_assert_int_eq((int)object.bytes, 498);
    ck_assert_str_eq(object.etag, "\"e-2\"");
    ck_assert_str_eq(object.crc64nvme, "rosUhgp5mIg=");
    ck_assert(was_sent("x-amz-checksum-mode: ENABLED"));
    ck_assert_int_eq(pl_s3_head(&aws, "b", "k", &object, &err), 0);
    ck_assert_str_eq(object.crc64nvme, ""); /* of parts, not of bytes */
    ck_assert_int_eq(pl_s3_head(&aws, "b", "k", &object, &err), -1);
    ck_assert_int_eq(err.http_status, 404);
    pl_err_clear(&err);
    ck_assert_int_eq(pl_s3_head(&aws, "b", "k", &object, &err), -1);
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE); /* no length */
    pl_err_clear(&err);
    ck_assert_int_eq(pl_s3_head(&aws, "b", "k", &object, &err), -1);
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE); /* no object's */
}
END_TEST

static const struct {
    int first;
    int last;
    const char *if_match;
    const char *range; /* as sent; NULL: none */
} ranges[] = {
    {-1, -1, NULL, NULL},
    {0, 9, "\"e\"", "range: bytes=0-9\n"},
    {7, -1, "", "range: bytes=7-\n"},
};

START_TEST(get)
{
    static const struct answer answers[] = {
        {206, "content-length: 3\ncontent-range: bytes 7-9/10\netag: \"e\"",
         "abc"},
        {206, "content-length: 3\ncontent-range: bytes 0-2/10\netag: \"e\"",
         "abc"},
        {200, "content-length: 3\netag: \"e\"", "abc"}};
    const size_t which = ranges[_i].first < 0 ? 2 : _i == 1;
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_buf) got = PL_BUF_INIT;
    const struct pl_sink sink = pl_buf_sink(&got);
    struct pl_s3_object object;
    struct pl_err err = {0};

    open_aws(&aws, &answers[which], 1);
    ck_assert_int_eq(pl_s3_get(&aws, "b", "k", ranges[_i].first,
                               ranges[_i].last, ranges[_i].if_match, &sink,
                               &object, &err),
                     0);
    ck_assert_str_eq(got.data, "abc");
    ck_assert_int_eq((int)object.bytes, which == 2 ? 3 : 10); /* of the whole */
    ck_assert(was_sent("x-amz-checksum-mode: ENABLED"));
    ck_assert(ranges[_i].range != NULL ? was_sent(ranges[_i].range)
                                       : !was_sent("range: "));
    ck_assert(was_sent("if-match: \"e\"\n") == (_i == 1));
}
END_TEST

/* The bytes of another place must not be taken for those asked for. */
START_TEST(another_range)
{
    static const struct {
        int first;
        struct answer answer;
    } cases[] = {{10, {206, "content-range: bytes 0-9/100", "abcdefghij"}},
                 {10, {206, NULL, "abcdefghij"}},
                 {10, {200, NULL, "abcdefghij"}},
                 {-1, {206, "content-range: bytes 0-9/100", "abcdefghij"}},
                 {-1, {200, "content-range: bytes 0-9/100", "abcdefghij"}},
                 {-1, {204, NULL, ""}}};

    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        const struct answer answers[] = {cases[i].answer, cases[i].answer,
                                         cases[i].answer};
        PL_AUTO(pl_aws) aws = {0};
        struct pl_err err = {0};
        PL_AUTO(pl_buf) got = PL_BUF_INIT;
        const struct pl_sink sink = pl_buf_sink(&got);

        open_aws(&aws, answers, 3);
        ck_assert_int_eq(pl_s3_get(&aws, "b", "k", cases[i].first,
                                   cases[i].first < 0 ? -1 : 19, NULL, &sink,
                                   NULL, &err),
                         -1);
        ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE);
        ck_assert_uint_eq(got.len, 0); /* none of them was passed on */
    }
}
END_TEST

START_TEST(bytes_passed_on_forbid_a_retry)
{
    static const struct answer answers[] = {
        {206, "content-range: bytes 0-9/10", "abc"}};
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_buf) got = PL_BUF_INIT_MAX(2); /* fails in the sink */
    const struct pl_sink sink = pl_buf_sink(&got);
    struct pl_err err = {0};

    open_aws(&aws, answers, 1);
    ck_assert_int_eq(
        pl_s3_get(&aws, "bucket", "k", 0, 9, NULL, &sink, NULL, &err), -1);
    ck_assert_int_eq(err.code, PL_DATA_INVALID);
}
END_TEST

START_TEST(a_changed_object)
{
    static const struct answer answers[] = {
        {412, NULL, "<Error><Code>PreconditionFailed</Code></Error>"}};
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_buf) got = PL_BUF_INIT;
    const struct pl_sink sink = pl_buf_sink(&got);
    struct pl_err err = {0};

    open_aws(&aws, answers, 1);
    ck_assert_int_eq(
        pl_s3_get(&aws, "b", "k", 0, 9, "\"e\"", &sink, NULL, &err), -1);
    ck_assert_int_eq(err.code, PL_SERVICE_REFUSED);
    ck_assert_str_eq(err.service, "PreconditionFailed");
    ck_assert_uint_eq(got.len, 0);
}
END_TEST

static const struct pl_blob abc = {.data = "abc", .len = 3};
static const struct pl_blob nothing = {.data = "", .len = 0};

START_TEST(put)
{
    static const struct answer answers[] = {{200, "etag: \"e\"", ""},
                                            {200, "etag: \"e\"", ""},
                                            {200, "etag: \"e\"", ""}};
    const struct pl_s3_put_options options = {.content_type = "text/csv",
                                              .only_if_absent = true};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_s3_object object = {0};
    struct pl_err err = {0};

    open_aws(&aws, answers, 3);
    ck_assert_int_eq(pl_s3_put(&aws, "b", "k", &abc, &options, &object, &err),
                     0);
    ck_assert_str_eq(script.log, "PUT /k|abc\n");
    ck_assert(was_sent("content-type: text/csv\n"));
    ck_assert(was_sent("if-none-match: *\n"));
    ck_assert(was_sent("x-amz-checksum-crc64nvme: " CRC_ABC "\n"));
    ck_assert(was_sent("x-amz-content-sha256: UNSIGNED-PAYLOAD\n"));
    ck_assert_str_eq(object.etag, "\"e\"");
    ck_assert_str_eq(object.crc64nvme, CRC_ABC);
    ck_assert_int_eq((int)object.bytes, 3);
    ck_assert_int_eq(pl_s3_put(&aws, "b", "k", &nothing, NULL, &object, &err),
                     0);
    ck_assert(was_sent("content-type: application/octet-stream\n"));
    ck_assert(
        was_sent("x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427"
                 "ae41e4649b934ca495991b7852b855\n"));
    /* without TLS nothing else protects the body */
    (void)setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9", 1);
    ck_assert_int_eq(pl_s3_put(&aws, "b", "k", &abc, NULL, &object, &err), 0);
    ck_assert(
        was_sent("x-amz-content-sha256: ba7816bf8f01cfea414140de5dae2223b0"
                 "0361a396177a9cb410ff61f20015ad\n"));
}
END_TEST

/* Over the object that was seen, and no other. */
START_TEST(put_in_place_of_one)
{
    static const struct answer answers[] = {
        {200, "etag: \"e\"", ""},
        {412, NULL, "<Error><Code>PreconditionFailed</Code></Error>"},
        {200, "content-length: 3\nx-amz-checksum-crc64nvme: " CRC_ABC, ""},
        {412, NULL, "<Error><Code>PreconditionFailed</Code></Error>"},
        {200, "content-length: 3\nx-amz-checksum-crc64nvme: AAAAAAAAAAA=", ""},
        {404, NULL, "<Error><Code>NoSuchKey</Code></Error>"},
        {409, NULL, "<Error><Code>ConditionalRequestConflict</Code></Error>"},
        {200, "etag: \"e\"", ""}};
    const struct pl_s3_put_options options = {.if_match = "\"old\""};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_s3_object object = {0};
    struct pl_err err = {0};

    open_aws(&aws, answers, PL_COUNT(answers));
    ck_assert_int_eq(pl_s3_put(&aws, "b", "k", &abc, &options, &object, &err),
                     0);
    ck_assert(was_sent("if-match: \"old\"\n"));
    ck_assert(!was_sent("if-none-match"));
    /* it was ours, whose answer was lost */
    ck_assert_int_eq(pl_s3_put(&aws, "b", "k", &abc, &options, &object, &err),
                     0);
    ck_assert_int_eq(pl_s3_put(&aws, "b", "k", &abc, &options, &object, &err),
                     -1);
    ck_assert_str_eq(err.service, "PreconditionFailed");
    pl_err_clear(&err);
    ck_assert_int_eq(pl_s3_put(&aws, "b", "k", &abc, &options, &object, &err),
                     -1);
    ck_assert_int_eq(err.http_status, 404);
    pl_err_clear(&err);
    ck_assert_int_eq(pl_s3_put(&aws, "b", "k", &abc, &options, &object, &err),
                     0);
    ck_assert_uint_eq(script.asked, PL_COUNT(answers));
}
END_TEST

START_TEST(an_upload)
{
    static const struct answer answers[] = {
        {200, NULL,
         "<InitiateMultipartUploadResult><UploadId>u/+=</UploadId>"
         "</InitiateMultipartUploadResult>"},
        {200, "etag: \"p1\"", ""},
        {200, NULL,
         "\n  <CompleteMultipartUploadResult><ETag>&quot;x-1&quot;</ETag>"
         "</CompleteMultipartUploadResult>"},
        {204, NULL, ""}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_s3_part part = {0};
    struct pl_s3_object object;
    struct pl_err err = {0};
    char id[1024];

    open_aws(&aws, answers, 4);
    ck_assert_int_eq(pl_s3_create_upload(&aws, "b", "k", NULL, id, &err), 0);
    ck_assert_str_eq(id, "u/+=");
    ck_assert(was_sent("x-amz-checksum-algorithm: CRC64NVME\n"));
    ck_assert(was_sent("x-amz-checksum-type: FULL_OBJECT\n"));
    ck_assert_int_eq(
        pl_s3_upload_part(&aws, "b", "k", id, 1, &abc, &part, &err), 0);
    ck_assert_str_eq(part.etag, "\"p1\"");
    ck_assert_str_eq(part.crc64nvme, CRC_ABC);
    ck_assert_int_eq(pl_s3_complete_upload(&aws, "b", "k", id, &part, 1,
                                           CRC_ABC, false, &object, &err),
                     0);
    ck_assert(was_sent("x-amz-checksum-crc64nvme: " CRC_ABC "\n"));
    ck_assert(was_sent("x-amz-checksum-type: FULL_OBJECT\n"));
    ck_assert_str_eq(object.etag, "\"x-1\"");
    ck_assert_int_eq((int)object.bytes, 3);
    ck_assert_int_eq(pl_s3_abort_upload(&aws, "b", "k", id, &err), 0);
    ck_assert_str_eq(
        script.log,
        "POST /k?uploads=|\n"
        "PUT /k?partNumber=1&uploadId=u%2F%2B%3D|abc\n"
        "POST /k?uploadId=u%2F%2B%3D|<CompleteMultipartUpload "
        "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Part><PartNumber>1"
        "</PartNumber><ETag>\"p1\"</ETag><ChecksumCRC64NVME>" CRC_ABC
        "</ChecksumCRC64NVME></Part></CompleteMultipartUpload>\n"
        "DELETE /k?uploadId=u%2F%2B%3D|\n");
}
END_TEST

START_TEST(answers_without_what_they_are_for)
{
    static const struct answer answers[] = {
        {200, NULL, "<InitiateMultipartUploadResult/>"}, {200, NULL, ""}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_s3_part part;
    struct pl_err err = {0};
    char id[1024];

    open_aws(&aws, answers, 2);
    ck_assert_int_eq(pl_s3_create_upload(&aws, "b", "k", NULL, id, &err), -1);
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE);
    pl_err_clear(&err);
    ck_assert_int_eq(
        pl_s3_upload_part(&aws, "b", "k", "u", 1, &abc, &part, &err), -1);
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE);
}
END_TEST

/* What stands in a 200 answer to the completion. */
static const struct {
    const char *body;
    size_t requests;
    enum pl_code code;
    const char *service;
} inside[] = {
    {"<Error><Code>InternalError</Code></Error>", 3, PL_SERVICE_UNAVAILABLE,
     "InternalError"},
    {" \n\n<?xml version=\"1.0\"?>\n<Error><Code>SlowDown</Code></Error>", 3,
     PL_THROTTLED, "SlowDown"},
    /* it has an ETag too, but not that of an object */
    {"<Error><Code>InvalidPart</Code><PartNumber>1</PartNumber><ETag>e</ETag>"
     "</Error>",
     1, PL_SERVICE_REFUSED, "InvalidPart"},
    {"", 3, PL_SERVICE_UNAVAILABLE, ""},
    {"  \n", 3, PL_SERVICE_UNAVAILABLE, ""},
    {"<CompleteMultipartUploadResult><ETag>e</ETag>", 3, PL_SERVICE_UNAVAILABLE,
     ""},
    {"<Other><ETag>e</ETag></Other>", 3, PL_SERVICE_UNAVAILABLE, ""},
    {"<CompleteMultipartUploadResult/>", 1, PL_SERVICE_UNAVAILABLE, ""},
};

START_TEST(an_error_inside_a_200_is_seen)
{
    const struct answer a = {200, NULL, inside[_i].body};
    const struct answer answers[] = {a, a, a};
    static const struct pl_s3_part part = {1, 5, "\"e\"", "c", 0};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_s3_object object;
    struct pl_err err = {0};

    open_aws(&aws, answers, 3);
    ck_assert_int_eq(pl_s3_complete_upload(&aws, "bucket", "k", "u", &part, 1,
                                           NULL, false, &object, &err),
                     -1);
    ck_assert_msg(err.code == inside[_i].code, "%s", err.msg);
    ck_assert_str_eq(err.service, inside[_i].service);
    ck_assert_uint_eq(script.asked, inside[_i].requests);
}
END_TEST

/* Ceph's gateways leave the ETag empty, and give it without its quotes when
 * they are asked twice. */
static const struct {
    const char *body;
    const char *head; /* headers; NULL: 404 */
    const char *etag; /* NULL: it fails */
} unquoted[] = {
    {"<ETag>e-1</ETag>", NULL, "\"e-1\""},
    {"<ETag></ETag>", "content-length: 5\netag: \"x-1\"", "\"x-1\""},
    {"<ETag/>", "content-length: 5\netag: \"x-1\"", "\"x-1\""},
    {"<ETag/>", "content-length: 6\netag: \"x-1\"", NULL},
    {"<ETag/>", NULL, NULL},
};

START_TEST(a_completion_with_half_an_etag)
{
    char body[128];
    const struct answer answers[] = {
        {200, NULL, body},
        {unquoted[_i].head != NULL ? 200 : 404, unquoted[_i].head, ""}};
    static const struct pl_s3_part part = {1, 5, "\"e\"", "c", 0};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_s3_object object;
    struct pl_err err = {0};
    int rc;

    (void)snprintf(body, sizeof(body), "<%s>%s</%s>",
                   "CompleteMultipartUploadResult", unquoted[_i].body,
                   "CompleteMultipartUploadResult");
    open_aws(&aws, answers, 2);
    rc = pl_s3_complete_upload(&aws, "bucket", "k", "u", &part, 1, NULL, false,
                               &object, &err);
    ck_assert_int_eq(rc, unquoted[_i].etag != NULL ? 0 : -1);
    if (rc == 0)
        ck_assert_str_eq(object.etag, unquoted[_i].etag);
}
END_TEST

/* The answer was lost; the repeat finds no upload, and HEAD says why. */
static const struct {
    const char *head; /* headers; NULL: 404 */
    const char *crc;
    int rc;
} lost[] = {
    {"content-length: 5\netag: \"x-1\"\nx-amz-checksum-crc64nvme: rosUhgp5mIg=",
     "rosUhgp5mIg=", 0},
    {"content-length: 5\netag: \"x-1\"\nx-amz-checksum-crc64nvme: AAAAAAAAAAA=",
     "rosUhgp5mIg=", -1},
    {"content-length: 5\netag: \"x-1\"", "rosUhgp5mIg=", 0},
    {"content-length: 5\netag: \"x-1\"", NULL, 0},
    {"content-length: 5\netag: \"x-2\"", NULL, -1}, /* another upload's */
    {"content-length: 5\netag: \"x\"", NULL, -1},
    {"content-length: 6\netag: \"x-1\"", NULL, -1},
    {NULL, NULL, -1},
};

START_TEST(a_completed_upload_is_recognized)
{
    const struct answer answers[] = {
        {0, NULL, ""},
        {404, NULL, "<Error><Code>NoSuchUpload</Code></Error>"},
        {lost[_i].head != NULL ? 200 : 404, lost[_i].head, ""}};
    static const struct pl_s3_part part = {1, 5, "\"e\"", "c", 0};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_s3_object object;
    struct pl_err err = {0};

    open_aws(&aws, answers, 3);
    ck_assert_int_eq(pl_s3_complete_upload(&aws, "bucket", "k", "u", &part, 1,
                                           lost[_i].crc, false, &object, &err),
                     lost[_i].rc);
    if (lost[_i].rc != 0)
        ck_assert_str_eq(err.service, "NoSuchUpload");
    else
        ck_assert_str_eq(object.etag, "\"x-1\"");
}
END_TEST

static int collect(void *ctx, const char *key, int64_t bytes, const char *etag,
                   struct pl_err *err)
{
    if (strcmp(key, "stop") == 0)
        return pl_fail(err, PL_DATA_INVALID, "stopped");
    return pl_buf_addf(ctx, err, "%s=%d%s;", key, (int)bytes, etag);
}

START_TEST(lists_are_paged)
{
    static const struct answer answers[] = {
        {200, NULL,
         "<ListBucketResult><Prefix>p/</Prefix><Contents><Key>a+b%20</"
         "Key><Size>1</Size>"
         "<ETag>&quot;e&quot;</ETag></Contents><IsTruncated>true</IsTruncated>"
         "<NextContinuationToken>t+/=</NextContinuationToken></"
         "ListBucketResult>"},
        {200, NULL,
         "<ListBucketResult><Contents><Key>c%2B</Key><Size>2</"
         "Size><Owner><ID>x</ID></Owner>"
         "</Contents><IsTruncated>false</IsTruncated></ListBucketResult>"}};
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_buf) got = PL_BUF_INIT;
    struct pl_err err = {0};

    open_aws(&aws, answers, 2);
    ck_assert_int_eq(pl_s3_list(&aws, "bucket", "p/", collect, &got, &err), 0);
    ck_assert_str_eq(got.data, "a b =1\"e\";c+=2;");
    ck_assert_str_eq(script.log,
                     "GET /?list-type=2&encoding-type=url&prefix=p%2F|\n"
                     "GET /?list-type=2&encoding-type=url&prefix=p%2F&"
                     "continuation-token=t%2B%2F%3D|\n");
}
END_TEST

/* Nothing that is cut off or empty passes for an empty list. */
static const char *const bad_lists[] = {
    "",
    "<ListBucketResult>",
    "<Other/>",
    "<ListBucketResult><Contents><Key>%zz</Key></Contents></ListBucketResult>",
    "<ListBucketResult><Contents><Key>%00</Key></Contents></ListBucketResult>",
    "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
    "<ListBucketResult><Contents><Key>stop</Key></Contents></ListBucketResult>",
};

START_TEST(lists_that_are_none)
{
    const struct answer a = {200, NULL, bad_lists[_i]};
    const struct answer answers[] = {a, a, a};
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_buf) got = PL_BUF_INIT;
    struct pl_err err = {0};

    open_aws(&aws, answers, 3);
    ck_assert_int_eq(pl_s3_list(&aws, "bucket", "", collect, &got, &err), -1);
}
END_TEST

START_TEST(the_same_page_again_is_an_error)
{
    static const struct answer same = {
        200, NULL,
        "<ListBucketResult><IsTruncated>true</"
        "IsTruncated><NextContinuationToken>t"
        "</NextContinuationToken></ListBucketResult>"};
    const struct answer answers[] = {same, same};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_err err = {0};

    open_aws(&aws, answers, 2);
    ck_assert_int_eq(pl_s3_list(&aws, "bucket", "", collect, NULL, &err), -1);
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE);
}
END_TEST

START_TEST(parts_are_paged)
{
    static const struct answer answers[] = {
        {200, NULL,
         "<ListPartsResult><PartNumberMarker>0</"
         "PartNumberMarker><NextPartNumberMarker>1"
         "</NextPartNumberMarker><IsTruncated>true</IsTruncated><Part>"
         "<PartNumber>1</PartNumber><ETag>&quot;a&quot;</ETag><Size>5242880"
         "</Size><ChecksumCRC64NVME>c</ChecksumCRC64NVME></Part></"
         "ListPartsResult>"},
        {200, NULL,
         "<ListPartsResult><IsTruncated>false</"
         "IsTruncated><Part><PartNumber>2</PartNumber>"
         "<Size>7</Size></Part><Part><PartNumber>99999999999</PartNumber>"
         "</Part></ListPartsResult>"}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_s3_part *parts = NULL;
    size_t count = 0;
    struct pl_err err = {0};

    open_aws(&aws, answers, 2);
    ck_assert_int_eq(
        pl_s3_list_parts(&aws, "b", "k", "u", &parts, &count, &err), 0);
    ck_assert_uint_eq(count, 3);
    ck_assert_int_eq(parts[0].number, 1);
    ck_assert_int_eq((int)parts[0].bytes, 5242880);
    ck_assert_str_eq(parts[0].etag, "\"a\"");
    ck_assert_str_eq(parts[0].crc64nvme, "c");
    ck_assert_int_eq(parts[1].number, 2);
    ck_assert_str_eq(parts[1].etag, "");
    ck_assert_int_eq(parts[2].number, 0); /* no number of a part */
    ck_assert_ptr_nonnull(
        strstr(script.log, "GET /k?uploadId=u&part-number-marker=1|"));
    free(parts);
}
END_TEST

UNIT_MAIN("s3", tcase_add_checked_fixture(tc, setup, NULL);
          tcase_add_loop_test(tc, address_table, 0, UNIT_COUNT(addresses));
          tcase_add_test(tc, head);
          tcase_add_loop_test(tc, get, 0, UNIT_COUNT(ranges));
          tcase_add_test(tc, another_range);
          tcase_add_test(tc, bytes_passed_on_forbid_a_retry);
          tcase_add_test(tc, a_changed_object); tcase_add_test(tc, put);
          tcase_add_test(tc, put_in_place_of_one);
          tcase_add_test(tc, an_upload);
          tcase_add_test(tc, answers_without_what_they_are_for);
          tcase_add_loop_test(tc, an_error_inside_a_200_is_seen, 0,
                              UNIT_COUNT(inside));
          tcase_add_loop_test(tc, a_completion_with_half_an_etag, 0,
                              UNIT_COUNT(unquoted));
          tcase_add_loop_test(tc, a_completed_upload_is_recognized, 0,
                              UNIT_COUNT(lost));
          tcase_add_test(tc, lists_are_paged);
          tcase_add_loop_test(tc, lists_that_are_none, 0,
                              UNIT_COUNT(bad_lists));
          tcase_add_test(tc, the_same_page_again_is_an_error);
          tcase_add_test(tc, parts_are_paged);)
