#include "stages/csv_validate/record.h"

static json_t *top_json(const struct pl_csv_column *c)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < c->top_count; i++)
        (void)json_array_append_new(
            list, json_pack("{s:s, s:I}", "value", c->top[i].text, "count",
                            (json_int_t)c->top[i].count));
    return list;
}

static json_t *columns_json(const struct pl_csv_report *report)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < report->column_count; i++) {
        const struct pl_csv_column *c = &report->columns[i];
        json_t *entry = json_pack(
            "{s:s, s:I, s:I, s:I, s:I, s:I, s:b}", "name", c->name, "filled",
            (json_int_t)c->filled, "null", (json_int_t)c->null, "empty",
            (json_int_t)c->empty, "longest", (json_int_t)c->longest, "distinct",
            (json_int_t)c->distinct, "distinct_is_estimate", c->is_estimate);

        if (c->top_count > 0)
            (void)json_object_set_new(entry, "top", top_json(c));
        (void)json_array_append_new(list, entry);
    }
    return list;
}

int csv_record_report(const struct pl_csv_report *r, struct pl_manifest *m,
                      struct pl_err *err)
{
    const struct {
        const char *path;
        uint64_t count;
    } counts[] = {{"validate.result.rows_in", r->rows_in},
                  {"validate.result.rows_out", r->rows_out},
                  {"validate.result.rows_rejected", r->rows_rejected},
                  {"validate.result.rows_dropped", r->rows_dropped},
                  {"validate.result.rows_merged", r->rows_merged},
                  {"validate.result.rows_unchanged", r->rows_unchanged}};
    json_t *rules = json_object();

    for (size_t i = 0; i < PL_COUNT(counts); i++)
        if (pl_manifest_set_int(m, counts[i].path, (int64_t)counts[i].count,
                                err) != 0) {
            json_decref(rules);
            return -1;
        }
    for (size_t i = 0; rules != NULL && i < r->rule_count; i++)
        if (r->rules[i].count > 0)
            (void)json_object_set_new(
                rules, r->rules[i].code,
                json_integer((json_int_t)r->rules[i].count));
    if (pl_manifest_set_new(m, "validate.result.by_rule", rules, err) != 0)
        return -1;
    return r->column_count == 0
               ? 0
               : pl_manifest_set_new(m, "validate.result.columns",
                                     columns_json(r), err);
}
