/* Athena's results and work groups. */
#include "pipeline/aws/athena_call.h"

#include <string.h>

#define PAGE_ROWS 1000
#define COLUMNS_MAX 4096

/* kind: NULL for the rows of the result. */
static int get_results(struct pl_aws *aws, const char *id, const char *token,
                       int rows, const char *kind, struct pl_json *answer,
                       struct pl_err *err)
{
    json_t *body = json_pack(
        "{s:s, s:i, s:s*, s:s*}", "QueryExecutionId", id, "MaxResults", rows,
        "NextToken", *token != '\0' ? token : NULL, "QueryResultType", kind);

    return pl_athena_call(aws, "GetQueryResults", body, answer, err);
}

int pl_athena_columns(struct pl_aws *aws, const char *id,
                      int (*each)(void *ctx, const char *name,
                                  struct pl_err *err),
                      void *ctx, struct pl_err *err)
{
    PL_AUTO(pl_json) answer = {0};
    const json_t *column;
    const json_t *list;
    size_t i;

    if (get_results(aws, id, "", 1, NULL, &answer, err) != 0)
        return -1;
    list = json_object_get(
        json_object_get(json_object_get(answer.value, "ResultSet"),
                        "ResultSetMetadata"),
        "ColumnInfo");
    json_array_foreach(list, i, column)
    {
        const char *name = json_string_value(json_object_get(column, "Name"));

        if (name != NULL && each(ctx, name, err) != 0)
            return -1;
    }
    return 0;
}

static int pass_row(const json_t *row, pl_athena_row *each, void *ctx,
                    struct pl_err *err)
{
    struct pl_slice values[COLUMNS_MAX];
    const json_t *data = json_object_get(row, "Data");
    const size_t count = json_array_size(data);

    if (count > COLUMNS_MAX)
        return pl_fail(err, PL_DATA_INVALID, "more than %d columns",
                       COLUMNS_MAX);
    for (size_t i = 0; i < count; i++) {
        const json_t *value =
            json_object_get(json_array_get(data, i), "VarCharValue");

        values[i] = (struct pl_slice){json_string_value(value),
                                      json_string_length(value)};
    }
    return each(ctx, values, count, err);
}

/* All pages of one kind of result. */
static int each_row(struct pl_aws *aws, const char *id, const char *kind,
                    pl_athena_row *each, void *ctx, struct pl_err *err)
{
    char token[1100] = "";
    char asked[1100];

    do {
        PL_AUTO(pl_json) answer = {0};
        const json_t *row;
        size_t i;

        memcpy(asked, token, sizeof(asked));
        if (get_results(aws, id, token, PAGE_ROWS, kind, &answer, err) != 0)
            return -1;
        json_array_foreach(
            json_object_get(json_object_get(answer.value, "ResultSet"), "Rows"),
            i, row)
        {
            if (pass_row(row, each, ctx, err) != 0)
                return -1;
        }
        pl_json_text(answer.value, "NextToken", token, sizeof(token));
        if (token[0] != '\0' && strcmp(token, asked) == 0)
            return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                           "GetQueryResults answers with the same page again");
    } while (token[0] != '\0');
    return 0;
}

int pl_athena_rows(struct pl_aws *aws, const char *id, pl_athena_row *each,
                   void *ctx, struct pl_err *err)
{
    return each_row(aws, id, NULL, each, ctx, err);
}

int pl_athena_manifest_rows(struct pl_aws *aws, const char *id,
                            pl_athena_row *each, void *ctx, struct pl_err *err)
{
    return each_row(aws, id, "DATA_MANIFEST", each, ctx, err);
}

int pl_athena_workgroup(struct pl_aws *aws, const char *name,
                        struct pl_athena_workgroup *workgroup,
                        struct pl_err *err)
{
    PL_AUTO(pl_json) answer = {0};
    const json_t *group;
    const json_t *settings;
    const json_t *state;

    if (pl_athena_call(aws, "GetWorkGroup",
                       json_pack("{s:s}", "WorkGroup", name), &answer,
                       err) != 0)
        return -1;
    group = json_object_get(answer.value, "WorkGroup");
    settings = json_object_get(group, "Configuration");
    state = json_object_get(group, "State");
    memset(workgroup, 0, sizeof(*workgroup));
    workgroup->is_enabled = !json_is_string(state) ||
                            strcmp(json_string_value(state), "DISABLED") != 0;
    workgroup->is_enforced = json_is_true(
        json_object_get(settings, "EnforceWorkGroupConfiguration"));
    workgroup->is_managed = json_is_true(json_object_get(
        json_object_get(settings, "ManagedQueryResultsConfiguration"),
        "Enabled"));
    pl_json_text(json_object_get(settings, "ResultConfiguration"),
                 "OutputLocation", workgroup->output_uri,
                 sizeof(workgroup->output_uri));
    workgroup->scan_cutoff_bytes =
        pl_json_int(settings, "BytesScannedCutoffPerQuery", -1);
    return 0;
}
