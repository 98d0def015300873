#include <string.h>

#include "pipeline/aws/customer.h"
#include "pipeline/aws/customer_call.h"
#include "pipeline/base/text.h"

#define BELOW "/segment-definitions"

/* All profiles whose attribute has this value. */
static json_t *groups_of(const struct pl_customer_segment *segment)
{
    return json_pack("{s:[{s:[{s:{s:{s:{s:s, s:[s]}}}}], s:s}], s:s}", "Groups",
                     "Dimensions", "ProfileAttributes", "Attributes",
                     segment->tag, "DimensionType", "INCLUSIVE", "Values",
                     segment->value, "Type", "ALL", "Include", "ALL");
}

/* The dimension over the tag, when there is nothing else in the groups. */
static const json_t *dimension_of(const json_t *groups, const char *tag)
{
    const json_t *list = json_object_get(groups, "Groups");
    const json_t *group = json_array_get(list, 0);
    const json_t *dimensions = json_object_get(group, "Dimensions");
    const json_t *fields =
        json_object_get(json_array_get(dimensions, 0), "ProfileAttributes");
    const json_t *attributes = json_object_get(fields, "Attributes");

    if (json_array_size(list) != 1 || json_array_size(dimensions) != 1 ||
        json_object_size(fields) != 1 || json_object_size(attributes) != 1 ||
        json_array_size(json_object_get(group, "SourceSegments")) != 0)
        return NULL;
    return json_object_get(attributes, tag);
}

static enum pl_customer_there judge(const struct pl_customer_segment *segment,
                                    const json_t *answer)
{
    const json_t *dimension =
        dimension_of(json_object_get(answer, "SegmentGroups"), segment->tag);
    const char *type =
        json_string_value(json_object_get(dimension, "DimensionType"));
    const json_t *values = json_object_get(dimension, "Values");
    const char *value = json_string_value(json_array_get(values, 0));

    if (type == NULL || strcmp(type, "INCLUSIVE") != 0 || value == NULL ||
        json_array_size(values) != 1)
        return PL_CUSTOMER_FOREIGN;
    return strcmp(value, segment->value) == 0 ? PL_CUSTOMER_SAME
                                              : PL_CUSTOMER_OTHER_VALUE;
}

int pl_customer_look_at_segment(const struct pl_customer *c,
                                const struct pl_customer_segment *segment,
                                enum pl_customer_there *there,
                                struct pl_err *err)
{
    const struct pl_customer_call call = {.operation = "GetSegmentDefinition",
                                          .method = "GET",
                                          .below = BELOW,
                                          .name = segment->name};
    PL_AUTO(pl_json) answer = {.value = NULL};
    struct pl_err cause = {0};

    if (pl_customer_send(c, &call, NULL, &answer, &cause) == 0) {
        *there = judge(segment, answer.value);
        return 0;
    }
    *there = PL_CUSTOMER_NOTHING;
    if (cause.http_status == 404 &&
        strcmp(cause.service, "ResourceNotFoundException") == 0 &&
        pl_customer_probe(c, err) == 0)
        return 0; /* the domain is there, the segment is not */
    if (err->code == PL_OK)
        *err = cause;
    return -1;
}

int pl_customer_create_segment(const struct pl_customer *c,
                               const struct pl_customer_segment *segment,
                               struct pl_err *err)
{
    const struct pl_customer_call call = {.operation =
                                              "CreateSegmentDefinition",
                                          .method = "POST",
                                          .below = BELOW,
                                          .name = segment->name,
                                          .is_single = true};
    PL_AUTO(pl_json) answer = {.value = NULL};
    json_t *body = json_pack("{s:s, s:s, s:o}", "DisplayName", segment->name,
                             "Description", "Made by lakeseg", "SegmentGroups",
                             groups_of(segment));

    if (body == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "a text of the segment is not UTF-8");
    return pl_customer_send(c, &call, body, &answer, err);
}

int pl_customer_delete_segment(const struct pl_customer *c, const char *name,
                               struct pl_err *err)
{
    const struct pl_customer_call call = {.operation =
                                              "DeleteSegmentDefinition",
                                          .method = "DELETE",
                                          .below = BELOW,
                                          .name = name};
    PL_AUTO(pl_json) answer = {.value = NULL};
    struct pl_err cause = {0};

    if (pl_customer_send(c, &call, NULL, &answer, &cause) == 0 ||
        cause.http_status == 404) /* a repeat of one that was done */
        return 0;
    *err = cause;
    return -1;
}

int pl_customer_start_estimate(const struct pl_customer *c,
                               const struct pl_customer_segment *segment,
                               char id[256], struct pl_err *err)
{
    const struct pl_customer_call call = {.operation = "CreateSegmentEstimate",
                                          .method = "POST",
                                          .below = "/segment-estimates"};
    PL_AUTO(pl_json) answer = {.value = NULL};
    json_t *body = json_pack("{s:o}", "SegmentQuery", groups_of(segment));

    if (body == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "a text of the segment is not UTF-8");
    if (pl_customer_send(c, &call, body, &answer, err) != 0)
        return -1;
    pl_json_text(answer.value, "EstimateId", id, 256);
    if (id[0] == '\0')
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "CreateSegmentEstimate answered without an EstimateId");
    return 0;
}

int pl_customer_get_estimate(const struct pl_customer *c, const char *id,
                             int64_t *size, struct pl_err *err)
{
    const struct pl_customer_call call = {.operation = "GetSegmentEstimate",
                                          .method = "GET",
                                          .below = "/segment-estimates",
                                          .name = id};
    PL_AUTO(pl_json) answer = {.value = NULL};
    char status[40];
    char text[256];
    uint64_t n = 0;

    if (pl_customer_send(c, &call, NULL, &answer, err) != 0)
        return -1;
    pl_json_text(answer.value, "Status", status, sizeof(status));
    pl_json_text(answer.value, "Estimate", text, sizeof(text));
    *size = -1;
    if (strcmp(status, "FAILED") == 0) {
        pl_json_text(answer.value, "Message", text, sizeof(text));
        return pl_fail(err, PL_SERVICE_REFUSED, "the estimate failed: %s",
                       text);
    }
    if (strcmp(status, "SUCCEEDED") != 0)
        return 0;
    if (pl_parse_u64(text, &n) != 0 || n > INT64_MAX)
        return pl_fail(err, PL_SERVICE_REFUSED,
                       "the estimate is no number: '%.40s'", text);
    *size = (int64_t)n;
    return 0;
}
