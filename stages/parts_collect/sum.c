#include "stages/parts_collect/sum.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/csv/transform.h"
#include "pipeline/manifest/limits.h"

#define RESULT "validate.result."

void parts_sum_release(struct parts_sum *sum)
{
    json_decref(sum->by_rule);
    json_decref(sum->columns);
    sum->by_rule = NULL;
    sum->columns = NULL;
}

static int add(int64_t *sum, json_int_t count, const char *what,
               struct pl_err *err)
{
    if (count < 0 || count > INT64_MAX - *sum)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "%s of a part is no count of rows", what);
    *sum += count;
    return 0;
}

/* Adds a member of one object to that of another. */
static int add_member(json_t *sum, const char *name, const json_t *count,
                      struct pl_err *err)
{
    int64_t all = json_integer_value(json_object_get(sum, name));

    if (add(&all, json_is_integer(count) ? json_integer_value(count) : -1, name,
            err) != 0)
        return -1;
    return json_object_set_new(sum, name, json_integer((json_int_t)all)) == 0
               ? 0
               : pl_fail_memory(err);
}

static int add_rules(struct parts_sum *sum, json_t *rules, struct pl_err *err)
{
    const char *name;
    json_t *count;

    if (sum->by_rule == NULL)
        sum->by_rule = json_object();
    json_object_foreach(rules, name, count)
    {
        if (add_member(sum->by_rule, name, count, err) != 0)
            return -1;
    }
    return 0;
}

static int add_column(json_t *sum, const json_t *column, struct pl_err *err)
{
    static const char *const added[] = {"filled", "null", "empty"};
    const json_t *longest = json_object_get(column, "longest");
    const char *name = json_string_value(json_object_get(column, "name"));
    const char *wanted = json_string_value(json_object_get(sum, "name"));

    if (name == NULL || wanted == NULL || strcmp(name, wanted) != 0)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "the parts have different columns");
    for (size_t i = 0; i < PL_COUNT(added); i++)
        if (add_member(sum, added[i], json_object_get(column, added[i]), err) !=
            0)
            return -1;
    if (json_integer_value(longest) >
            json_integer_value(json_object_get(sum, "longest")) &&
        json_object_set_new(sum, "longest",
                            json_integer(json_integer_value(longest))) != 0)
        return pl_fail_memory(err);
    return 0;
}

/* Columns with nothing in them, under the names of the first part's. */
static int open_columns(struct parts_sum *sum, const json_t *columns,
                        struct pl_err *err)
{
    sum->columns = json_array();
    for (size_t i = 0; i < json_array_size(columns); i++)
        if (json_array_append_new(
                sum->columns,
                json_pack("{s:O?, s:i, s:i, s:i, s:i}", "name",
                          json_object_get(json_array_get(columns, i), "name"),
                          "filled", 0, "null", 0, "empty", 0, "longest", 0)) !=
            0)
            return pl_fail_memory(err);
    return 0;
}

static int add_columns(struct parts_sum *sum, const json_t *columns,
                       struct pl_err *err)
{
    if (columns == NULL)
        return 0;
    if (sum->columns == NULL && open_columns(sum, columns, err) != 0)
        return -1;
    if (json_array_size(columns) != json_array_size(sum->columns))
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "the parts have different columns");
    for (size_t i = 0; i < json_array_size(columns); i++)
        if (add_column(json_array_get(sum->columns, i),
                       json_array_get(columns, i), err) != 0)
            return -1;
    return 0;
}

int parts_sum_add(struct parts_sum *sum, const struct pl_manifest *part,
                  struct pl_err *err)
{
    const struct {
        const char *path;
        int64_t *sum;
    } counts[] = {{RESULT "rows_in", &sum->in},
                  {RESULT "rows_out", &sum->out},
                  {RESULT "rows_rejected", &sum->rejected},
                  {RESULT "rows_dropped", &sum->dropped},
                  {RESULT "rows_merged", &sum->merged},
                  {RESULT "rows_unchanged", &sum->unchanged}};

    for (size_t i = 0; i < PL_COUNT(counts); i++)
        if (add(counts[i].sum, pl_manifest_int(part, counts[i].path, -1),
                counts[i].path, err) != 0)
            return -1;
    return add_rules(sum, pl_manifest_get(part, RESULT "by_rule"), err) != 0
               ? -1
               : add_columns(sum, pl_manifest_get(part, RESULT "columns"), err);
}

int parts_sum_record(const struct parts_sum *sum, struct pl_manifest *m,
                     struct pl_err *err)
{
    json_t *result = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:O}", "rows_in", (json_int_t)sum->in,
        "rows_out", (json_int_t)sum->out, "rows_rejected",
        (json_int_t)sum->rejected, "rows_dropped", (json_int_t)sum->dropped,
        "rows_merged", (json_int_t)sum->merged, "rows_unchanged",
        (json_int_t)sum->unchanged, "by_rule", sum->by_rule);

    if (pl_manifest_set_new(m, "validate.result", result, err) != 0)
        return -1;
    return sum->columns == NULL
               ? 0
               : pl_manifest_set_new(m, RESULT "columns",
                                     json_incref(sum->columns), err);
}

int parts_sum_judge(const struct parts_sum *sum, const struct pl_manifest *m,
                    struct pl_err *err)
{
    struct pl_csv_rule_count *rules =
        calloc(json_object_size(sum->by_rule) + 1, sizeof(*rules));
    struct pl_csv_report report = {.rows_in = (uint64_t)sum->in,
                                   .rows_out = (uint64_t)sum->out,
                                   .rows_rejected = (uint64_t)sum->rejected,
                                   .rows_dropped = (uint64_t)sum->dropped,
                                   .rows_merged = (uint64_t)sum->merged,
                                   .rows_unchanged = (uint64_t)sum->unchanged,
                                   .rules = rules,
                                   .rule_count = 1};
    struct pl_csv_config cfg = {.target = NULL};
    const struct pl_limits_options none = PL_LIMITS_OPTIONS;
    struct pl_limits limits;
    const char *name;
    json_t *count;
    int rc;

    if (rules == NULL)
        return pl_fail_memory(err);
    rules[0].code = "none"; /* where a part tells no rules */
    json_object_foreach(sum->by_rule, name, count)
    {
        rules[report.rule_count].code = name;
        rules[report.rule_count++].count = (uint64_t)json_integer_value(count);
    }
    rc = pl_limits_choose(m, &none, &limits, err);
    if (rc == 0) {
        cfg.limits = (struct pl_csv_limits){.max_reject_percent =
                                                limits.max_reject_percent,
                                            .max_rejects = limits.max_rejects,
                                            .min_rows = limits.min_rows,
                                            .max_rows = limits.max_rows};
        rc = pl_csv_check_limits(&cfg, &report, err);
    }
    free(rules);
    return rc;
}
