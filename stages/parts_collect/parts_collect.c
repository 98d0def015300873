#include "stages/parts_collect/parts_collect.h"

#include <inttypes.h>
#include <string.h>

#include "pipeline/aws/s3.h"
#include "pipeline/base/log.h"
#include "pipeline/manifest/parts.h"
#include "pipeline/stream/uri.h"
#include "stages/parts_collect/sum.h"

#define STAGE "csv-validate-normalize"

struct collect {
    struct pl_aws *aws;
    struct pl_manifest *m;
    struct parts_sum sum;
    json_t *normalized; /* entries of data[] */
    json_t *rejects;
    json_t *line; /* of stages[]: from the first part's start to the last's end;
                     NULL: none yet */
    /* Why there is nothing to import, the worst first. */
    struct pl_err failed;
    struct pl_err lost;
    struct pl_err stopped; /* since another one failed */
};

static void collect_release(struct collect *c)
{
    parts_sum_release(&c->sum);
    json_decref(c->normalized);
    json_decref(c->rejects);
    json_decref(c->line);
}

/* 1: there is none. */
static int read_part(struct collect *c, const char *work,
                     struct pl_manifest *part, struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES);
    PL_AUTO(pl_buf) name = PL_BUF_INIT;
    const struct pl_sink sink = pl_buf_sink(&text);
    struct pl_err cause = {0};
    struct pl_uri uri;

    if (pl_buf_addf(&name, err, "%s" PARTS_COLLECT_MANIFEST, work) != 0 ||
        pl_uri_parse(name.data, &uri, err) != 0)
        return -1;
    if (!uri.is_s3)
        return pl_fail(err, PL_MANIFEST_INVALID, "'%s' is not in S3",
                       name.data);
    if (pl_s3_get(c->aws, uri.bucket, uri.path, -1, -1, NULL, &sink, NULL,
                  &cause) != 0) {
        if (cause.http_status == 404)
            return 1;
        *err = cause;
        return -1;
    }
    if (pl_manifest_parse(part, pl_buf_str(&text), text.len, err) != 0)
        return pl_context(err, "'%s'", name.data);
    return 0;
}

static int check_part(const struct collect *c, const struct pl_manifest *part,
                      int64_t number, struct pl_err *err)
{
    const char *run = pl_manifest_str(c->m, "run.id");
    const char *id = pl_manifest_str(part, "run.id");
    struct pl_part found;

    if (pl_part_get(part, &found, err) != 0)
        return -1;
    if (run == NULL || id == NULL || strcmp(run, id) != 0 ||
        found.number != number)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "what lies in its place is of another run or part");
    return 0;
}

/* Keeps why a part failed; the first of each kind counts. What may pass was
 * repeated where the part ran: to collect the same parts again helps nobody. */
static void note_failure(struct collect *c, const struct pl_manifest *part,
                         int64_t number)
{
    const char *name = pl_manifest_str(part, "error.name");
    const char *message = pl_manifest_str(part, "error.message");
    enum pl_code code =
        name != NULL ? pl_code_by_name(name) : PL_INTERNAL_ERROR;
    struct pl_err *err = code == PL_INTERRUPTED ? &c->stopped : &c->failed;

    if (code == PL_OK)
        code = PL_INTERNAL_ERROR;
    else if (pl_code_info(code)->is_retryable)
        code = PL_TASK_LOST;
    if (err->code == PL_OK)
        (void)pl_fail(err, code, "part %" PRId64 ": %s", number,
                      message != NULL ? message : "it failed");
}

static int take_data(struct collect *c, const struct pl_manifest *part,
                     struct pl_err *err)
{
    const json_t *data = pl_manifest_get(part, "data");

    for (size_t i = 0; i < json_array_size(data); i++) {
        json_t *entry = json_array_get(data, i);
        const char *role = json_string_value(json_object_get(entry, "role"));
        json_t *list = role == NULL                      ? NULL
                       : strcmp(role, "normalized") == 0 ? c->normalized
                       : strcmp(role, "rejects") == 0    ? c->rejects
                                                         : NULL;

        if (list != NULL && json_array_append(list, entry) != 0)
            return pl_fail_memory(err);
    }
    return 0;
}

/* Times are texts of one form: they compare as such. */
static int widen(json_t *line, const json_t *stage, const char *name, int sign,
                 struct pl_err *err)
{
    const char *mine = json_string_value(json_object_get(line, name));
    json_t *theirs = json_object_get(stage, name);
    const char *text = json_string_value(theirs);
    int order;

    if (mine == NULL || text == NULL)
        return 0;
    order = strcmp(text, mine);
    if (sign > 0 ? order <= 0 : order >= 0)
        return 0;
    return json_object_set(line, name, theirs) == 0 ? 0 : pl_fail_memory(err);
}

/* All the transformers together have one line. */
static int take_times(struct collect *c, const struct pl_manifest *part,
                      struct pl_err *err)
{
    const json_t *stages = pl_manifest_get(part, "stages");
    json_t *stage = json_array_get(stages, json_array_size(stages) - 1);
    const char *name = json_string_value(json_object_get(stage, "stage"));

    if (name == NULL || strcmp(name, STAGE) != 0)
        return 0;
    if (c->line == NULL)
        c->line = json_deep_copy(stage);
    return widen(c->line, stage, "started_at", -1, err) != 0
               ? -1
               : widen(c->line, stage, "ended_at", 1, err);
}

static int take_part(struct collect *c, const json_t *item, struct pl_err *err)
{
    PL_AUTO(pl_manifest) part = {0};
    const json_int_t number =
        json_integer_value(json_object_get(item, "number"));
    const char *work = json_string_value(json_object_get(item, "work_uri"));
    int rc;

    if (work == NULL)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "parts.list: each has a number and a work_uri");
    rc = read_part(c, work, &part, err);
    if (rc > 0) {
        if (c->lost.code == PL_OK)
            (void)pl_fail(&c->lost, PL_TASK_LOST,
                          "part %" PRId64 " left no word: its task never came "
                          "up, or was killed whole",
                          (int64_t)number);
        return 0;
    }
    if (rc < 0 || check_part(c, &part, number, err) != 0)
        return -1;
    if (pl_manifest_is_failed(&part)) {
        note_failure(c, &part, number);
        return 0;
    }
    return parts_sum_add(&c->sum, &part, err) != 0 ||
                   take_data(c, &part, err) != 0
               ? -1
               : take_times(c, &part, err);
}

static int take_parts(struct collect *c, struct pl_err *err)
{
    const json_t *list = pl_manifest_get(c->m, "parts.list");
    const struct pl_err *const worst[] = {&c->failed, &c->lost, &c->stopped};

    if (json_array_size(list) == 0)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "no parts: parts-split comes before");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);

        if (take_part(c, item, err) != 0)
            return pl_context(
                err, "part %" PRId64,
                (int64_t)json_integer_value(json_object_get(item, "number")));
    }
    for (size_t i = 0; i < PL_COUNT(worst); i++)
        if (worst[i]->code != PL_OK) {
            *err = *worst[i];
            return -1;
        }
    return 0;
}

static int record(const struct collect *c, struct pl_err *err)
{
    json_t *stages = pl_manifest_get(c->m, "stages");

    if (pl_manifest_get(c->m, "data") == NULL &&
        pl_manifest_set_new(c->m, "data", json_array(), err) != 0)
        return -1;
    pl_manifest_data_drop(c->m, "rejects");
    if (parts_sum_record(&c->sum, c->m, err) != 0)
        return -1;
    if (json_array_extend(pl_manifest_get(c->m, "data"), c->rejects) != 0 ||
        (c->line != NULL && stages != NULL &&
         json_array_append(stages, c->line) != 0))
        return pl_fail_memory(err);
    return 0;
}

int parts_collect_run(struct pl_aws *aws, struct pl_manifest *m,
                      struct pl_err *err)
{
    PL_AUTO(collect)
    c = {.aws = aws,
         .m = m,
         .normalized = json_array(),
         .rejects = json_array()};

    if (take_parts(&c, err) != 0 || record(&c, err) != 0 ||
        parts_sum_judge(&c.sum, m, err) != 0)
        return -1;
    pl_manifest_data_drop(m, "query-result");
    pl_manifest_data_drop(m, "normalized");
    if (json_array_extend(pl_manifest_get(m, "data"), c.normalized) != 0)
        return pl_fail_memory(err);
    pl_info("%zu parts: %" PRId64 " rows in, %" PRId64 " out, %" PRId64
            " rejected, %" PRId64 " dropped",
            json_array_size(pl_manifest_get(m, "parts.list")), c.sum.in,
            c.sum.out, c.sum.rejected, c.sum.dropped);
    return 0;
}
