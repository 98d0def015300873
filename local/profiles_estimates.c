/* What is made of segments: an estimate of their size, a snapshot in S3. */
#include "local/profiles.h"

#include "pipeline/base/text.h"

int profiles_create_estimate(struct profiles_call *c, struct pl_err *err)
{
    const char *why = NULL;
    struct local_fault fault;
    char count[24];
    char id[33];
    const int64_t ready_ms =
        local_profiles_now_ms(c->local) + c->local->job_delay_ms;
    json_t *set;
    bool is_good;

    if (json_object_get(c->in, "SegmentSqlQuery") != NULL)
        return profiles_bad(c, "the domain has no data store");
    set = profiles_evaluate(c->domain, json_object_get(c->in, "SegmentQuery"),
                            0, &why);
    if (set == NULL)
        return profiles_bad(c, "%s", why);
    (void)snprintf(count, sizeof(count), "%zu", json_object_size(set));
    json_decref(set);
    if (profiles_id(id, err) != 0)
        return -1;
    is_good = !local_faults_take(&c->local->faults, "profiles",
                                 "SegmentEstimate", &fault);
    (void)json_object_set_new(
        c->domain->estimates, id,
        json_pack("{s:s,s:s,s:I}", "Status", is_good ? "SUCCEEDED" : "FAILED",
                  "Estimate", count, "ready_ms", (json_int_t)ready_ms));
    return profiles_answer(
        c,
        json_pack("{s:s,s:s}", "DomainName", c->domain->name, "EstimateId", id),
        err);
}

int profiles_get_estimate(struct profiles_call *c, struct pl_err *err)
{
    const json_t *e = json_object_get(c->domain->estimates, c->parts[2]);
    const char *status = json_string_value(json_object_get(e, "Status"));
    json_t *out;

    if (e == NULL)
        return profiles_missing(c, "the estimate");
    if (local_profiles_now_ms(c->local) <
        json_integer_value(json_object_get(e, "ready_ms")))
        status = "RUNNING";
    out = json_pack("{s:s,s:s,s:s}", "DomainName", c->domain->name,
                    "EstimateId", c->parts[2], "Status", status);
    if (strcmp(status, "SUCCEEDED") == 0)
        (void)json_object_set(out, "Estimate", json_object_get(e, "Estimate"));
    else if (strcmp(status, "FAILED") == 0)
        (void)json_object_set_new(out, "Message",
                                  json_string("injected fault"));
    return profiles_answer(c, out, err);
}

/* One profile a line. */
static int write_lines(const struct local_domain *d, const json_t *ids,
                       struct local_s3_file *file, struct pl_err *err)
{
    const char *id;
    const json_t *value;

    json_object_foreach((json_t *)(uintptr_t)ids, id, value)
    {
        PL_AUTO_STR *text = json_dumps(
            json_object_get(json_object_get(d->profiles, id), "shown"),
            JSON_COMPACT);

        if (text == NULL)
            return pl_fail_memory(err);
        if (local_s3_file_write(file, text, strlen(text), err) != 0 ||
            local_s3_file_write(file, "\n", 1, err) != 0)
            return -1;
    }
    return local_s3_file_end(file, err);
}

/* "s3://bucket/prefix" gets <prefix>/<id>.jsonl; NULL, or S3's error. */
static const char *write_snapshot(struct profiles_call *c, const json_t *ids,
                                  const char *uri, const char *id,
                                  struct pl_err *err)
{
    struct local_s3_file file = {.fd = -1};
    const char *place = uri + strlen("s3://");
    const size_t bucket_len = strcspn(place, "/");
    const char *prefix = place + bucket_len + (place[bucket_len] == '/');
    PL_AUTO(pl_buf) bucket = PL_BUF_INIT;
    PL_AUTO(pl_buf) key = PL_BUF_INIT;
    struct local_s3_put put = {.headers = NULL};
    const char *code = "InternalError";

    if (pl_buf_add(&bucket, place, bucket_len, err) == 0 &&
        pl_buf_addf(&key, err, "%s%s%s.jsonl", prefix,
                    *prefix == '\0' || pl_ends_with(prefix, "/") ? "" : "/",
                    id) == 0 &&
        local_s3_file_open(&file, &c->local->s3, err) == 0 &&
        write_lines(c->domain, ids, &file, err) == 0) {
        put.bucket = bucket.data;
        put.key = key.data;
        code = local_s3_commit(&c->local->s3, &put, &file);
    }
    local_s3_file_release(&file);
    return code;
}

int profiles_create_snapshot(struct profiles_call *c, struct pl_err *err)
{
    const json_t *segment = json_object_get(c->domain->segments, c->parts[2]);
    const char *format = profiles_text(c, "DataFormat");
    const char *uri = profiles_text(c, "DestinationUri");
    const char *why = NULL;
    const char *code = "lakeseg-local writes JSONL to a DestinationUri in S3";
    struct pl_err cause = {0};
    char id[33];
    json_t *set;

    if (segment == NULL)
        return profiles_missing(c, "the segment definition");
    if (format == NULL ||
        (strcmp(format, "CSV") != 0 && strcmp(format, "JSONL") != 0 &&
         strcmp(format, "ORC") != 0))
        return profiles_bad(c, "DataFormat must be CSV, JSONL or ORC");
    if (profiles_id(id, err) != 0)
        return -1;
    set = profiles_evaluate(c->domain,
                            json_object_get(segment, "SegmentGroups"), 0, &why);
    if (set == NULL)
        return profiles_bad(c, "%s", why);
    if (strcmp(format, "JSONL") == 0 && uri != NULL &&
        pl_starts_with(uri, "s3://"))
        code = write_snapshot(c, set, uri, id, &cause);
    json_decref(set);
    (void)json_object_set_new(
        c->domain->snapshots, id,
        json_pack("{s:s,s:s,s:s,s:s*,s:s*,s:s*}", "SnapshotId", id, "Status",
                  code == NULL ? "COMPLETED" : "FAILED", "DataFormat", format,
                  "StatusMessage", code, "DestinationUri", uri, "RoleArn",
                  profiles_text(c, "RoleArn")));
    return profiles_answer(c, json_pack("{s:s}", "SnapshotId", id), err);
}

int profiles_get_snapshot(struct profiles_call *c, struct pl_err *err)
{
    const json_t *s = json_object_get(c->domain->snapshots, c->parts[4]);

    if (s == NULL)
        return profiles_missing(c, "the snapshot");
    return profiles_answer(c, json_deep_copy(s), err);
}
