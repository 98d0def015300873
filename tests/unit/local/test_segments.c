/* Segments over a small store: who is in. */
#include "local/pinpoint.h"

#include "tests/unit/unit.h"

static const char people[] =
    "Id,ChannelType,Address,User.UserId,Attributes.Usage,"
    "User.UserAttributes.Value,User.UserAttributes.Stage\n"
    "a,EMAIL,a@x.y,ua,Med,High,Renewal\n"
    "b,EMAIL,b@x.y,ub,Low,High,Renewal\n"
    "c,EMAIL,c@x.y,uc,Med,Low,New\n"
    "d,EMAIL,d@x.y,,Med,High,\n";

static int take(void *ctx, const struct local_cell *cells, size_t count,
                uint64_t line, struct pl_err *err)
{
    uint32_t number;
    char why[160];

    (void)line;
    return local_endpoints_apply(ctx, cells, count, &number, why, err);
}

static int refuse(void *ctx, uint64_t line, const char *why, struct pl_err *err)
{
    (void)ctx;
    (void)line;
    return pl_fail(err, PL_DATA_INVALID, "%s", why);
}

static void fill(struct local_app *app)
{
    struct pl_mem_source mem = {.data = people, .len = sizeof(people) - 1};
    const struct pl_source source = pl_mem_source(&mem);
    const struct local_import_sink sink = {&app->endpoints, take, refuse};
    struct pl_err err = {0};

    ck_assert_msg(local_import_csv(&source, &sink, &err) == 0, "%s", err.msg);
    app->segments = json_loads(
        "[{\"Id\": \"high\", \"Dimensions\": {\"UserAttributes\": {\"Value\":"
        " {\"AttributeType\": \"INCLUSIVE\", \"Values\": [\"High\"]}}}},"
        " {\"Id\": \"loop\", \"SegmentGroups\": {\"Groups\": [{"
        "\"SourceSegments\": [{\"Id\": \"loop\"}]}]}}]",
        0, NULL);
    ck_assert_ptr_nonnull(app->segments);
}

#define IN(name, value) \
    "\"" name "\": {\"AttributeType\": \"INCLUSIVE\", \"Values\": [\"" value \
    "\"]}"
#define NOT(name, value) \
    "\"" name "\": {\"AttributeType\": \"EXCLUSIVE\", \"Values\": [\"" value \
    "\"]}"
#define USER(tests) "{\"UserAttributes\": {" tests "}}"
#define OWN(tests) "{\"Attributes\": {" tests "}}"

static const struct {
    const char *segment;
    const char *want; /* NULL: the definition is refused */
} cases[] = {
    {"{\"Dimensions\": " OWN(IN("Usage", "Med")) "}", "acd"},
    {"{\"Dimensions\": " OWN(NOT("Usage", "Med")) "}", "b"},
    {"{\"Dimensions\": " OWN(IN("Usage", "med")) "}", ""},
    {"{\"Dimensions\": " OWN(IN("Nothing", "x")) "}", ""},
    {"{\"Dimensions\": " OWN(NOT("Nothing", "x")) "}", "abcd"},
    {"{\"Dimensions\": " USER(IN("Value", "High")) "}", "abd"},
    {"{\"Dimensions\": " USER(
         IN("Value", "High") "," IN("Stage", "Renewal")) "}",
     "ab"},
    {"{\"Dimensions\": {}}", "abcd"},
    {"{\"SegmentGroups\": {\"Include\": \"ANY\", \"Groups\": ["
     "{\"Dimensions\": [" OWN(IN("Usage", "Low")) "]},"
                                                  "{\"Dimensions\": [" USER(IN(
                                                      "Stage", "New")) "]}]}}",
     "bc"},
    {"{\"SegmentGroups\": {\"Include\": \"ALL\", \"Groups\": ["
     "{\"Dimensions\": [" OWN(IN("Usage", "Med")) "]},"
                                                  "{\"Dimensions\": [" USER(IN(
                                                      "Value", "High")) "]}]}}",
     "ad"},
    {"{\"SegmentGroups\": {\"Include\": \"NONE\", \"Groups\": ["
     "{\"Dimensions\": [" OWN(IN("Usage", "Low")) "]},"
                                                  "{\"Dimensions\": [" USER(IN(
                                                      "Stage", "New")) "]}]}}",
     "ad"},
    {"{\"SegmentGroups\": {\"Groups\": [{\"Type\": \"ANY\", \"Dimensions\": "
     "[" OWN(IN("Usage", "Low")) "," USER(IN("Stage", "New")) "]}]}}",
     "bc"},
    {"{\"SegmentGroups\": {\"Groups\": [{\"SourceSegments\": "
     "[{\"Id\": \"high\"}], \"SourceType\": \"ANY\", \"Dimensions\": [" OWN(
         IN("Usage", "Med")) "]}]}}",
     "ad"},
    {"{\"SegmentGroups\": {\"Groups\": [{\"SourceSegments\": "
     "[{\"Id\": \"high\"}], \"SourceType\": \"NONE\"}]}}",
     "c"},
    {"{}", NULL},
    {"[]", NULL},
    {"{\"Dimensions\": {}, \"SegmentGroups\": {}}", NULL},
    {"{\"Dimensions\": {\"Location\": {}}}", NULL},
    {"{\"Dimensions\": {\"Attributes\": {\"a\": {\"Values\": []}}}}", NULL},
    {"{\"Dimensions\": {\"Attributes\": {\"a\": {\"Values\": [1]}}}}", NULL},
    {"{\"SegmentGroups\": {\"Include\": \"SOME\"}}", NULL},
    {"{\"SegmentGroups\": {\"Groups\": [{\"Type\": \"x\"}]}}", NULL},
};

static void close_app(struct local_app *app)
{
    local_endpoints_release(&app->endpoints);
    json_decref(app->segments);
}

START_TEST(members_table)
{
    struct local_app app = {.id = NULL};
    json_t *segment = json_loads(cases[_i].segment, 0, NULL);
    struct pl_err err = {0};
    char got[16] = "";
    json_t *members;

    fill(&app);
    ck_assert_ptr_nonnull(segment);
    if (cases[_i].want == NULL) {
        ck_assert_msg(local_segment_fault(segment) != NULL, "%s",
                      cases[_i].segment);
    } else {
        ck_assert_ptr_null(local_segment_fault(segment));
        members = local_segment_members(&app, segment, 10, &err);
        ck_assert_ptr_nonnull(members);
        for (size_t i = 0; i < json_array_size(members); i++)
            got[i] = json_string_value(json_array_get(members, i))[0];
        ck_assert_msg(strcmp(got, cases[_i].want) == 0, "%s: %s",
                      cases[_i].segment, got);
        json_decref(members);
    }
    json_decref(segment);
    close_app(&app);
}
END_TEST

START_TEST(segments_in_a_circle)
{
    struct local_app app = {.id = NULL};
    struct pl_err err = {0};

    fill(&app);
    ck_assert_ptr_null(local_segment_members(
        &app, local_by_id(app.segments, "loop"), 10, &err));
    ck_assert_int_eq(err.code, PL_SERVICE_REFUSED);
    close_app(&app);
}
END_TEST

UNIT_MAIN("segments",
          tcase_add_loop_test(tc, members_table, 0, UNIT_COUNT(cases));
          tcase_add_test(tc, segments_in_a_circle);)
