#include "tests/unit/aws/script.h"

#include "pipeline/aws/customer.h"

static struct pl_customer customer_of(struct pl_aws *aws)
{
    return (struct pl_customer){.aws = aws, .domain = "my-domain"};
}

/* Uploads */

static const struct pl_customer_field fields[] = {
    {"AccountNumber", "_profile.AccountNumber", NULL},
    {"Email", "_profile.EmailAddress", "EMAIL_ADDRESS"},
};

START_TEST(an_upload_job_is_made)
{
    static const struct answer answers[] = {{200, NULL, "{\"JobId\":\"j1\"}"}};
    const struct pl_customer_upload upload = {.display_name = "run-p0000",
                                              .fields = fields,
                                              .field_count = 2,
                                              .unique_key = "AccountNumber",
                                              .expiry_days = 60};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_customer c = customer_of(&aws);
    struct pl_err err = {0};
    char id[65];

    open_aws(&aws, answers, 1);
    ck_assert_int_eq(pl_customer_create_upload(&c, &upload, id, &err), 0);
    ck_assert_str_eq(id, "j1");
    ck_assert_str_eq(
        script.log,
        "POST /domains/my-domain/upload-jobs|{\"DisplayName\":\"run-p0000\","
        "\"Fields\":{\"AccountNumber\":{\"Source\":\"_source.AccountNumber\","
        "\"Target\":\"_profile.AccountNumber\",\"ContentType\":\"STRING\"},"
        "\"Email\":{\"Source\":\"_source.Email\",\"Target\":"
        "\"_profile.EmailAddress\",\"ContentType\":\"EMAIL_ADDRESS\"}},"
        "\"UniqueKey\":\"AccountNumber\",\"DataExpiry\":60}\n");
    ck_assert(was_sent("/eu-west-1/profile/aws4_request"));
    ck_assert_str_eq(script.base, "https://profile.eu-west-1.amazonaws.com");
}
END_TEST

/* A create is never repeated here, whatever was answered. */
static const struct {
    struct answer answer;
    enum pl_code code;
} once[] = {
    {{0, NULL, ""}, PL_SERVICE_UNAVAILABLE},
    {{503, NULL, ""}, PL_SERVICE_UNAVAILABLE},
    {{429, "x-amzn-errortype: ThrottlingException\n", "{}"}, PL_THROTTLED},
    {{200, NULL, "{}"}, PL_SERVICE_UNAVAILABLE},
    {{200, NULL, "{\"JobId\":7}"}, PL_SERVICE_UNAVAILABLE},
};

START_TEST(a_create_is_made_once)
{
    const struct answer answers[] = {once[_i].answer};
    const struct pl_customer_upload upload = {.display_name = "n",
                                              .fields = fields,
                                              .field_count = 1,
                                              .unique_key = "k",
                                              .expiry_days = 1};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_customer c = customer_of(&aws);
    struct pl_err err = {0};
    char id[65];

    open_aws(&aws, answers, 1);
    ck_assert_int_eq(pl_customer_create_upload(&c, &upload, id, &err), -1);
    ck_assert_msg(err.code == once[_i].code, "%s", err.msg);
}
END_TEST

#define ITEM(id, name, status, at) \
    "{\"JobId\":\"" id "\",\"DisplayName\":\"" name "\",\"Status\":\"" status \
    "\",\"CreatedAt\":" at "}"

static const struct {
    const char *name;
    const char *pages[2];
    const char *want; /* NULL: none */
} lists[] = {
    {"an empty list", {"{}", NULL}, NULL},
    {"names are taken letter by letter",
     {"{\"Items\":[" ITEM("a", "Run", "CREATED", "1") "]}", NULL},
     NULL},
    {"the second page",
     {"{\"Items\":[" ITEM("a", "other", "CREATED", "1") "],\"NextToken\":"
                                                        "\"t &\"}",
      "{\"Items\":[" ITEM("b", "run", "CREATED", "2") "]}"},
     "b"},
    {"the oldest of those that wait",
     {"{\"Items\":[" ITEM("c", "run", "CREATED", "3.5") "," ITEM(
          "b", "run", "CREATED", "2.5") "," ITEM("a", "run", "CREATED",
                                                 "2.75") "]}",
      NULL},
     "b"},
    {"the smallest id of the same moment",
     {"{\"Items\":[" ITEM("b", "run", "CREATED",
                          "2") "," ITEM("a", "run", "CREATED", "2") "]}",
      NULL},
     "a"},
    {"one that was started before one that waits",
     {"{\"Items\":[" ITEM("a", "run", "CREATED", "1") "],\"NextToken\":"
                                                      "\"t\"}",
      "{\"Items\":[" ITEM("b", "run", "SUCCEEDED", "2") "]}"},
     "b"},
};

START_TEST(a_job_is_found_by_its_name)
{
    struct answer answers[] = {{200, NULL, lists[_i].pages[0]},
                               {200, NULL, lists[_i].pages[1]}};
    const size_t count = lists[_i].pages[1] != NULL ? 2 : 1;
    PL_AUTO(pl_aws) aws = {0};
    struct pl_customer c = customer_of(&aws);
    struct pl_customer_job job;
    struct pl_err err = {0};
    bool found = false;

    open_aws(&aws, answers, count);
    ck_assert_int_eq(pl_customer_find_upload(&c, "run", &found, &job, &err), 0);
    ck_assert_msg(script.asked == count, "%s", lists[_i].name);
    ck_assert_msg(found == (lists[_i].want != NULL), "%s", lists[_i].name);
    if (found)
        ck_assert_str_eq(job.id, lists[_i].want);
}
END_TEST

static const char *const bad_lists[] = {
    "{\"Items\":{}}", "{\"Items\":[{\"DisplayName\":\"run\"}]}", "[]",
    "{\"NextToken\":\"t\"}" /* the same page for ever */};

START_TEST(lists_that_are_none)
{
    const struct answer a = {200, NULL, bad_lists[_i]};
    const struct answer answers[] = {a, a, a};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_customer c = customer_of(&aws);
    struct pl_customer_job job;
    struct pl_err err = {0};
    bool found = false;

    open_aws(&aws, answers, 3);
    ck_assert_int_eq(pl_customer_find_upload(&c, "run", &found, &job, &err),
                     -1);
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE);
}
END_TEST

static const struct {
    const char *word;
    bool is_created;
    bool is_final;
    bool is_good;
} states[] = {
    {"CREATED", true, false, false},
    {"IN_PROGRESS", false, false, false},
    {"PARTIALLY_SUCCEEDED", false, true, true},
    {"SUCCEEDED", false, true, true},
    {"FAILED", false, true, false},
    {"STOPPED", false, true, false},
    {"RESTING", false, false, false},
};

START_TEST(states_of_jobs)
{
    char body[256];
    const struct answer answers[] = {{200, NULL, body}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_customer c = customer_of(&aws);
    struct pl_customer_job job;
    struct pl_err err = {0};

    (void)snprintf(body, sizeof(body),
                   "{\"JobId\":\"j\",\"Status\":\"%s\",\"New\":1,"
                   "\"ResultsSummary\":{\"CreatedRecords\":5}}",
                   states[_i].word);
    open_aws(&aws, answers, 1);
    ck_assert_int_eq(pl_customer_get_upload(&c, "j", &job, &err), 0);
    ck_assert_str_eq(job.status, states[_i].word);
    ck_assert_int_eq(job.is_created, states[_i].is_created);
    ck_assert_int_eq(job.is_final, states[_i].is_final);
    ck_assert_int_eq(job.is_good, states[_i].is_good);
    ck_assert_int_eq((int)job.created, 5);
    ck_assert_int_eq((int)job.failed, -1);
}
END_TEST

START_TEST(a_start_has_no_body)
{
    static const struct answer answers[] = {{200, NULL, "{}"}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_customer c = customer_of(&aws);
    struct pl_err err = {0};

    open_aws(&aws, answers, 1);
    ck_assert_int_eq(pl_customer_start_upload(&c, "j/1", &err), 0);
    ck_assert_str_eq(script.log, "PUT /domains/my-domain/upload-jobs/j%2F1|\n");
}
END_TEST

/* The file */

#define KEY_TEXT "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_MD5 "tP/LI3N87DFaSk0aoqYgzg=="

static int read_at(void *ctx, uint64_t at, void *buf, size_t n,
                   struct pl_err *err)
{
    (void)err;
    memcpy(buf, (const char *)ctx + at, n);
    return 0;
}

static int put(struct pl_aws *aws, const char *url, const char *token,
               enum pl_customer_key key, struct pl_err *err)
{
    char data[] = "a,b\n";
    const struct pl_blob blob = {.len = 4, .ctx = data, .read_at = read_at};
    struct pl_customer c = customer_of(aws);
    PL_AUTO(pl_customer_place) place = {.valid_until_s = 0};

    ck_assert_int_eq(pl_buf_adds(&place.url, url, err), 0);
    ck_assert_int_eq(pl_buf_adds(&place.token, token, err), 0);
    return pl_customer_put_file(&c, &place, key, &blob, err);
}

START_TEST(a_file_goes_under_its_key)
{
    static const struct answer answers[] = {{500, NULL, ""}, {200, NULL, ""}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_err err = {0};

    open_aws(&aws, answers, 2);
    ck_assert_int_eq(put(&aws, "https://b.s3.amazonaws.com/x%20y/z?a=b%2F&c",
                         KEY_TEXT, PL_CUSTOMER_KEY_BASE64, &err),
                     0);
    ck_assert_str_eq(script.log, "PUT /x%20y/z?a=b%2F&c|\n"
                                 "PUT /x%20y/z?a=b%2F&c|\n");
    ck_assert_str_eq(script.base, "https://b.s3.amazonaws.com");
    /* these, and nothing that is ours: its URL is its signature */
    ck_assert_str_eq(script.headers,
                     "x-amz-server-side-encryption-customer-algorithm: AES256\n"
                     "x-amz-server-side-encryption-customer-key: " KEY_TEXT "\n"
                     "x-amz-server-side-encryption-customer-key-md5: " KEY_MD5
                     "\n");
}
END_TEST

START_TEST(a_key_that_is_text)
{
    static const struct answer answers[] = {{200, NULL, ""}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_err err = {0};

    open_aws(&aws, answers, 1);
    ck_assert_int_eq(
        put(&aws, "https://h/p", "abc", PL_CUSTOMER_KEY_TEXT, &err), 0);
    ck_assert(was_sent("customer-key: abc\n"));
    ck_assert(was_sent("customer-key-md5: kAFQmDzST7DWlj99KOF/cg==\n"));
}
END_TEST

static const struct {
    const char *url;
    const char *token;
    enum pl_code code;
} bad_places[] = {
    {"ftp://h/p", KEY_TEXT, PL_SERVICE_UNAVAILABLE},
    {"https//h", KEY_TEXT, PL_SERVICE_UNAVAILABLE},
    {"https://h/a b", KEY_TEXT, PL_SERVICE_UNAVAILABLE},
    {"https://h/a\r\nx: y", KEY_TEXT, PL_SERVICE_UNAVAILABLE},
    {"http://elsewhere/p", KEY_TEXT, PL_SERVICE_REFUSED},
    {"https://h/p", "", PL_SERVICE_REFUSED},
    {"https://h/p", "AAEC", PL_SERVICE_REFUSED},
    {"https://h/p", "not base64", PL_SERVICE_REFUSED},
    {"https://h/p", KEY_TEXT "AA==", PL_SERVICE_REFUSED},
};

START_TEST(places_that_are_none)
{
    PL_AUTO(pl_aws) aws = {0};
    struct pl_err err = {0};

    open_aws(&aws, NULL, 0); /* nothing goes out */
    ck_assert_int_eq(put(&aws, bad_places[_i].url, bad_places[_i].token,
                         PL_CUSTOMER_KEY_BASE64, &err),
                     -1);
    ck_assert_msg(err.code == bad_places[_i].code, "%s", err.msg);
    ck_assert_ptr_null(strstr(err.msg, KEY_TEXT));
    ck_assert_ptr_null(strstr(err.msg, "elsewhere"));
}
END_TEST

START_TEST(a_place_is_read_and_wiped)
{
    static const struct answer answers[] = {
        {200, NULL,
         "{\"Url\":\"https://h/p?s=1\",\"ClientToken\":\"tok\",\"ValidUntil\":"
         "1795395723.5}"},
        {200, NULL, "{\"ClientToken\":\"tok\"}"}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_customer c = customer_of(&aws);
    PL_AUTO(pl_customer_place) place = {.valid_until_s = 0};
    PL_AUTO(pl_customer_place) none = {.valid_until_s = 0};
    struct pl_err err = {0};

    open_aws(&aws, answers, 2);
    ck_assert_int_eq(pl_customer_upload_place(&c, "j", &place, &err), 0);
    ck_assert_str_eq(script.log,
                     "GET /domains/my-domain/upload-jobs/j/path|\n");
    ck_assert_str_eq(place.url.data, "https://h/p?s=1");
    ck_assert_str_eq(place.token.data, "tok");
    ck_assert_int_eq(place.valid_until_s, 1795395723);
    ck_assert_int_eq(pl_customer_upload_place(&c, "j", &none, &err), -1);
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE);
}
END_TEST

/* Objects */

static const struct {
    const char *answer;
    int code_1; /* -1: the call fails */
    int code_2;
} batches[] = {
    {"{\"Successful\":[{\"Id\":\"r1\"},{\"Id\":\"r2\"}]}", 0, 0},
    {"{\"Successful\":[{\"Id\":\"r2\"}],\"Failed\":[{\"Id\":\"r1\",\"Code\":"
     "400,\"Message\":\"no\"}]}",
     400, 0},
    {"{\"Failed\":[{\"Id\":\"r1\",\"Code\":429},{\"Id\":\"r2\",\"Code\":-1}]}",
     429, 500},
    {"{\"Successful\":[{\"Id\":\"r1\"}]}", -1, -1},
    {"{\"Successful\":[{\"Id\":\"r1\"},{\"Id\":\"r3\"},{\"Id\":7},null]}", -1,
     -1},
    {"{\"Successful\":\"all\"}", -1, -1},
};

START_TEST(batches_of_objects)
{
    const struct answer answers[] = {{200, NULL, batches[_i].answer}};
    struct pl_customer_object objects[] = {
        {.id = "r1", .text = "{\"a\":\"\xC3\xA9\"}"},
        {.id = "r2", .text = "{}"}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_customer c = customer_of(&aws);
    struct pl_err err = {0};
    int rc;

    open_aws(&aws, answers, 1);
    rc = pl_customer_put_objects(&c, "rows", objects, 2, &err);
    ck_assert_str_eq(
        script.log,
        "PUT /domains/my-domain/profiles/objects/batch-put-profile-object|"
        "{\"ObjectTypeName\":\"rows\",\"Items\":[{\"Id\":\"r1\",\"Object\":"
        "\"{\\\"a\\\":\\\"\xC3\xA9\\\"}\"},{\"Id\":\"r2\",\"Object\":\"{}\"}]}"
        "\n");
    ck_assert_int_eq(rc, batches[_i].code_1 < 0 ? -1 : 0);
    if (rc != 0)
        return;
    ck_assert_int_eq(objects[0].code, batches[_i].code_1);
    ck_assert_int_eq(objects[1].code, batches[_i].code_2);
}
END_TEST

/* Segments */

#define DIMENSION(tag, type, values) \
    "{\"SegmentGroups\":{\"Groups\":[{\"Dimensions\":[{\"ProfileAttributes\":" \
    "{\"Attributes\":{\"" tag "\":{\"DimensionType\":\"" type \
    "\",\"Values\":" values "}}}}]}]}}"

static const struct {
    struct answer answer;
    enum pl_customer_there want;
} segments[] = {
    {{200, NULL, DIMENSION("t", "INCLUSIVE", "[\"v\"]")}, PL_CUSTOMER_SAME},
    {{200, NULL, DIMENSION("t", "INCLUSIVE", "[\"w\"]")},
     PL_CUSTOMER_OTHER_VALUE},
    {{200, NULL, DIMENSION("t", "EXCLUSIVE", "[\"v\"]")}, PL_CUSTOMER_FOREIGN},
    {{200, NULL, DIMENSION("u", "INCLUSIVE", "[\"v\"]")}, PL_CUSTOMER_FOREIGN},
    {{200, NULL, DIMENSION("t", "INCLUSIVE", "[\"v\",\"w\"]")},
     PL_CUSTOMER_FOREIGN},
    {{200, NULL, "{\"SegmentSqlQuery\":\"SELECT\"}"}, PL_CUSTOMER_FOREIGN},
};

START_TEST(what_a_segment_is)
{
    const struct answer answers[] = {segments[_i].answer};
    const struct pl_customer_segment segment = {"s", "t", "v"};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_customer c = customer_of(&aws);
    enum pl_customer_there there = PL_CUSTOMER_NOTHING;
    struct pl_err err = {0};

    open_aws(&aws, answers, 1);
    ck_assert_int_eq(pl_customer_look_at_segment(&c, &segment, &there, &err),
                     0);
    ck_assert_int_eq(there, segments[_i].want);
}
END_TEST

#define NOT_THERE \
    { \
        404, "x-amzn-errortype: ResourceNotFoundException\n", "{}" \
    }

START_TEST(a_segment_that_is_not_there_or_a_domain)
{
    static const struct answer answers[] = {
        NOT_THERE, {200, NULL, "{}"}, NOT_THERE, NOT_THERE};
    const struct pl_customer_segment segment = {"s", "t", "v"};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_customer c = customer_of(&aws);
    enum pl_customer_there there = PL_CUSTOMER_FOREIGN;
    struct pl_err err = {0};

    open_aws(&aws, answers, 4);
    ck_assert_int_eq(pl_customer_look_at_segment(&c, &segment, &there, &err),
                     0);
    ck_assert_int_eq(there, PL_CUSTOMER_NOTHING);
    ck_assert_int_eq(pl_customer_look_at_segment(&c, &segment, &there, &err),
                     -1);
    ck_assert_ptr_nonnull(strstr(err.msg, "GetDomain"));
}
END_TEST

static const struct {
    const char *answer;
    int64_t size; /* -2: the call fails */
} estimates[] = {
    {"{\"Status\":\"RUNNING\"}", -1},
    {"{\"Status\":\"SUCCEEDED\",\"Estimate\":\"123\"}", 123},
    {"{\"Status\":\"FAILED\",\"Message\":\"no\"}", -2},
    {"{\"Status\":\"SUCCEEDED\",\"Estimate\":\"many\"}", -2},
    {"{\"Status\":\"SUCCEEDED\"}", -2},
};

START_TEST(estimates_of_segments)
{
    const struct answer answers[] = {{200, NULL, estimates[_i].answer}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_customer c = customer_of(&aws);
    struct pl_err err = {0};
    int64_t size = 7;

    open_aws(&aws, answers, 1);
    if (pl_customer_get_estimate(&c, "e", &size, &err) != 0)
        size = -2;
    ck_assert_int_eq(size, estimates[_i].size);
}
END_TEST

UNIT_MAIN(
    "aws.customer", tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, an_upload_job_is_made);
    tcase_add_loop_test(tc, a_create_is_made_once, 0, UNIT_COUNT(once));
    tcase_add_loop_test(tc, a_job_is_found_by_its_name, 0, UNIT_COUNT(lists));
    tcase_add_loop_test(tc, lists_that_are_none, 0, UNIT_COUNT(bad_lists));
    tcase_add_loop_test(tc, states_of_jobs, 0, UNIT_COUNT(states));
    tcase_add_test(tc, a_start_has_no_body);
    tcase_add_test(tc, a_file_goes_under_its_key);
    tcase_add_test(tc, a_key_that_is_text);
    tcase_add_loop_test(tc, places_that_are_none, 0, UNIT_COUNT(bad_places));
    tcase_add_test(tc, a_place_is_read_and_wiped);
    tcase_add_loop_test(tc, batches_of_objects, 0, UNIT_COUNT(batches));
    tcase_add_loop_test(tc, what_a_segment_is, 0, UNIT_COUNT(segments));
    tcase_add_test(tc, a_segment_that_is_not_there_or_a_domain);
    tcase_add_loop_test(tc, estimates_of_segments, 0, UNIT_COUNT(estimates));)
