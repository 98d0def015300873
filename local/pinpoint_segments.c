/* The API of segments. */
#include "local/pinpoint_call.h"

#include "pipeline/base/clock.h"
#include "pipeline/base/text.h"

int local_pinpoint_get_segments(struct local_pinpoint_call *c,
                                struct pl_err *err)
{
    return local_pinpoint_page(c, c->app->segments, err);
}

int local_pinpoint_get_segment_jobs(struct local_pinpoint_call *c,
                                    struct pl_err *err)
{
    json_t *items = json_array();
    size_t i;
    json_t *job;
    int rc;

    json_array_foreach(c->app->jobs, i, job)
    {
        const char *id = json_string_value(
            json_object_get(json_object_get(job, "Definition"), "SegmentId"));

        if (id != NULL && strcmp(id, c->parts[2]) == 0)
            (void)json_array_append(items, job);
    }
    rc = local_pinpoint_page(c, items, err);
    json_decref(items);
    return rc;
}

int local_pinpoint_get_segment(struct local_pinpoint_call *c,
                               struct pl_err *err)
{
    const json_t *segment = local_by_id(c->app->segments, c->parts[2]);

    if (segment == NULL)
        return local_pinpoint_missing(c, "Segment not found");
    return local_answer_json(c->resp, 200, json_deep_copy(segment), err);
}

static void fill_segment(const struct local_pinpoint_call *c, json_t *segment)
{
    static const char *const taken[] = {"Name", "Dimensions", "SegmentGroups",
                                        "tags"};

    for (size_t i = 0; i < PL_COUNT(taken); i++) {
        (void)json_object_del(segment, taken[i]);
        if (json_object_get(c->in, taken[i]) != NULL)
            (void)json_object_set_new(
                segment, taken[i],
                json_deep_copy(json_object_get(c->in, taken[i])));
    }
    local_segment_changed(c->app, segment);
}

int local_pinpoint_create_segment(struct local_pinpoint_call *c,
                                  struct pl_err *err)
{
    const char *why = local_segment_fault(c->in);
    char id[40];
    char arn[300];
    char now[PL_TIME_LEN];
    json_t *segment;

    if (why != NULL)
        return local_pinpoint_bad(c, why);
    if (local_uuid(id, err) != 0)
        return -1;
    (void)snprintf(arn, sizeof(arn),
                   "arn:aws:mobiletargeting:%.40s:" LOCAL_ACCOUNT
                   ":apps/%.130s/segments/%.40s",
                   c->local->region, c->app->id, id);
    pl_time_iso(pl_now_ms(&pl_clock_real), now);
    segment = json_pack("{s:s,s:s,s:s,s:s,s:s}", "ApplicationId", c->app->id,
                        "Id", id, "Arn", arn, "CreationDate", now,
                        "SegmentType", "DIMENSIONAL");
    fill_segment(c, segment);
    if (json_array_append_new(c->app->segments, segment) != 0)
        return pl_fail_memory(err);
    return local_answer_json(c->resp, 201, json_deep_copy(segment), err);
}

int local_pinpoint_update_segment(struct local_pinpoint_call *c,
                                  struct pl_err *err)
{
    json_t *segment = local_by_id(c->app->segments, c->parts[2]);
    const char *why = local_segment_fault(c->in);

    if (segment == NULL)
        return local_pinpoint_missing(c, "Segment not found");
    if (json_object_get(segment, "ImportDefinition") != NULL)
        why = "an imported segment cannot be changed";
    if (why != NULL)
        return local_pinpoint_bad(c, why);
    fill_segment(c, segment);
    return local_answer_json(c->resp, 200, json_deep_copy(segment), err);
}

int local_pinpoint_delete_segment(struct local_pinpoint_call *c,
                                  struct pl_err *err)
{
    for (size_t i = 0; i < json_array_size(c->app->segments); i++) {
        json_t *segment = json_array_get(c->app->segments, i);
        const char *id = json_string_value(json_object_get(segment, "Id"));
        json_t *copy;

        if (strcmp(id, c->parts[2]) != 0)
            continue;
        copy = json_deep_copy(segment);
        (void)json_array_remove(c->app->segments, i);
        (void)json_object_del(c->app->versions, c->parts[2]);
        c->app->is_changed = true;
        return local_answer_json(c->resp, 200, copy, err);
    }
    return local_pinpoint_missing(c, "Segment not found");
}

int local_pinpoint_get_segment_versions(struct local_pinpoint_call *c,
                                        struct pl_err *err)
{
    const json_t *list = json_object_get(c->app->versions, c->parts[2]);

    if (list == NULL)
        return local_pinpoint_missing(c, "Segment not found");
    return local_pinpoint_page(c, list, err);
}

int local_pinpoint_get_segment_version(struct local_pinpoint_call *c,
                                       struct pl_err *err)
{
    const json_t *list = json_object_get(c->app->versions, c->parts[2]);
    uint64_t number = 0;

    if (pl_parse_u64(c->parts[4], &number) != 0)
        return local_pinpoint_bad(c, "version must be a number");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);

        if ((uint64_t)json_integer_value(json_object_get(one, "Version")) ==
            number)
            return local_answer_json(c->resp, 200, json_deep_copy(one), err);
    }
    return local_pinpoint_missing(c, "Segment version not found");
}
