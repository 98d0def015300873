#include "stages/parts_split/parts_split.h"

#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/text.h"
#include "pipeline/manifest/parts.h"
#include "pipeline/stream/writer.h"

struct split {
    struct pl_aws *aws;
    struct pl_manifest *m;
    struct pl_buf work; /* the run's place */
    struct pl_transfer how;
    json_t *data[PL_PARTITIONS_MAX]; /* of each partition; NULL: none */
    size_t count;                    /* of those that have some */
    json_t *items;                   /* for the Map */
    json_t *list;                    /* for parts-collect */
};

static void split_release(struct split *s)
{
    for (size_t i = 0; i < PL_PARTITIONS_MAX; i++)
        json_decref(s->data[i]);
    json_decref(s->items);
    json_decref(s->list);
    pl_transfer_release(&s->how);
    pl_buf_release(&s->work);
}

/* Gives an entry of data[] to its partition. */
static int sort_entry(struct split *s, json_t *entry,
                      const struct pl_data *data, struct pl_err *err)
{
    const json_t *value = json_object_get(entry, "partition");
    const json_int_t number = value == NULL ? 0 : json_integer_value(value);

    if (number < 0 || number >= PL_PARTITIONS_MAX ||
        (value != NULL && !json_is_integer(value)))
        return pl_fail(err, PL_MANIFEST_INVALID, "'%s': partition: 0 to %d",
                       data->uri, PL_PARTITIONS_MAX - 1);
    if (!pl_starts_with(data->uri, "s3://"))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s' is local: parts are for results in S3", data->uri);
    if (s->data[number] == NULL) {
        s->data[number] = json_array();
        s->count++;
    }
    return json_array_append(s->data[number], entry) == 0 ? 0
                                                          : pl_fail_memory(err);
}

static int sort(struct split *s, struct pl_err *err)
{
    json_t *entries = pl_manifest_get(s->m, "data");

    for (size_t i = 0; i < pl_manifest_data_count(s->m); i++) {
        struct pl_data data;

        if (pl_manifest_data_get(s->m, i, &data, err) != 0)
            return -1;
        if (strcmp(data.role, "query-result") == 0 &&
            sort_entry(s, json_array_get(entries, i), &data, err) != 0)
            return -1;
    }
    if (s->count == 0)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "nothing to split: no data with role 'query-result'");
    return s->count > 1 ? pl_partitions_allowed(s->m, err) : 0;
}

static int store(const struct split *s, const char *uri,
                 const struct pl_buf *text, struct pl_err *err)
{
    PL_AUTO(pl_writer) writer = {.fd = -1};
    struct pl_sink sink;

    if (pl_writer_open(&writer, uri, &s->how, s->aws, err) != 0)
        return -1;
    sink = pl_writer_sink(&writer);
    if (pl_sink_write(&sink, text->data, text->len, err) != 0 ||
        pl_writer_commit(&writer, err) != 0)
        return pl_context(err, "cannot store '%s'", uri);
    return 0;
}

/* A part knows neither how many rows there are in all, nor how many of them
 * are bad: what is judged by such figures is left to parts-collect. */
static int loosen_limits(struct pl_manifest *part, struct pl_err *err)
{
    if (pl_manifest_set_new(part, "validate.limits.max_reject_percent",
                            json_integer(100), err) != 0)
        return -1;
    return pl_manifest_set_int(part, "validate.limits.min_rows", 0, err);
}

/* All but data[], of which there may be much. */
static int copy_rest(const struct pl_manifest *m, struct pl_manifest *part,
                     struct pl_err *err)
{
    const char *name;
    json_t *value;

    part->root = json_object();
    json_object_foreach(m->root, name, value)
    {
        if (strcmp(name, "data") != 0 &&
            json_object_set_new(part->root, name, json_deep_copy(value)) != 0)
            return pl_fail_memory(err);
    }
    return 0;
}

static int make_part(const struct split *s, size_t number, const char *work,
                     struct pl_manifest *part, struct pl_err *err)
{
    if (copy_rest(s->m, part, err) != 0 ||
        pl_manifest_set_new(part, "data", json_incref(s->data[number]), err) !=
            0 ||
        pl_manifest_set_str(part, "run.work_uri", work, err) != 0 ||
        pl_manifest_set_int(part, "run.part.number", (int64_t)number, err) !=
            0 ||
        pl_manifest_set_str(part, "run.part.work_uri", s->work.data, err) != 0)
        return -1;
    return loosen_limits(part, err);
}

static int add_item(struct split *s, size_t number, const char *work,
                    const char *uri, struct pl_err *err)
{
    if (json_array_append_new(s->items, json_pack("{s:I, s:s}", "part",
                                                  (json_int_t)number,
                                                  "manifest_uri", uri)) != 0 ||
        json_array_append_new(s->list, json_pack("{s:I, s:s}", "number",
                                                 (json_int_t)number, "work_uri",
                                                 work)) != 0)
        return pl_fail_memory(err);
    return 0;
}

static int write_part(struct split *s, size_t number, struct pl_err *err)
{
    PL_AUTO(pl_manifest) part = {0};
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES);
    PL_AUTO(pl_buf) work = PL_BUF_INIT;
    PL_AUTO(pl_buf) uri = PL_BUF_INIT;

    if (pl_buf_addf(&work, err, "%sparts/p%02zu/", s->work.data, number) != 0 ||
        pl_buf_addf(&uri, err, "%smanifests/input.json", work.data) != 0 ||
        make_part(s, number, work.data, &part, err) != 0 ||
        pl_manifest_print(&part, &text, err) != 0 ||
        store(s, uri.data, &text, err) != 0)
        return pl_context(err, "part %zu", number);
    return add_item(s, number, work.data, uri.data, err);
}

static int write_items(struct split *s, struct pl_err *err)
{
    PL_AUTO(pl_buf) uri = PL_BUF_INIT;
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    char *items = json_dumps(s->items, JSON_COMPACT);
    const int rc = items == NULL ? pl_fail_memory(err)
                                 : pl_buf_addf(&text, err, "%s\n", items);

    free(items);
    if (rc != 0 ||
        pl_buf_addf(&uri, err, "%sparts/items.json", s->work.data) != 0 ||
        store(s, uri.data, &text, err) != 0 ||
        pl_manifest_set_str(s->m, "parts.items_uri", uri.data, err) != 0)
        return -1;
    return pl_manifest_set_new(s->m, "parts.list", json_incref(s->list), err);
}

int parts_split_run(struct pl_aws *aws, struct pl_manifest *m,
                    struct pl_err *err)
{
    PL_AUTO(split)
    s = {.aws = aws, .m = m, .items = json_array(), .list = json_array()};

    if (json_object_del(m->root, "parts") == 0)
        pl_debug("the run was split before");
    if (sort(&s, err) != 0 || pl_manifest_work_uri(m, &s.work, err) != 0 ||
        pl_transfer_settings(&s.how, NULL, aws, err) != 0)
        return -1;
    s.how.put.content_type = "application/json";
    for (size_t i = 0; i < PL_PARTITIONS_MAX; i++)
        if (s.data[i] != NULL && write_part(&s, i, err) != 0)
            return -1;
    pl_info("%zu parts", s.count);
    return write_items(&s, err);
}
