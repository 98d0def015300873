/* The query of the manifest: judged, its parameters as literals, worded. */
#include <string.h>
#include <strings.h>

#include "pipeline/base/log.h"
#include "pipeline/delta/job.h"
#include "pipeline/manifest/parts.h"
#include "pipeline/sql/judge.h"
#include "pipeline/target/own_mapping.h"
#include "stages/athena_exec/job.h"
#include "stages/athena_exec/literals.h"

static int choose_target(const struct pl_manifest *m, struct pl_target *target,
                         struct pl_own_mapping *own, struct pl_err *err)
{
    const char *name = pl_manifest_str(m, "validate.target");
    const struct pl_target_wish wish = {
        .name = name != NULL ? name : pl_manifest_str(m, "import.destination"),
        .key_column = pl_manifest_str(m, "import.key.column"),
        .key_field = pl_manifest_str(m, "import.key.field"),
        .id_map = pl_manifest_str(m, "import.id_map"),
    };

    return pl_target_choose(&wish, target, err) != 0
               ? -1
               : pl_own_mapping_choose(
                     own, pl_manifest_get(m, "import.mapping"), target, err);
}

static int add_columns(const struct pl_sql_verdict *v, struct pl_manifest *m,
                       struct pl_err *err)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < v->select.column_count; i++)
        (void)json_array_append_new(list,
                                    json_string(v->select.columns[i].name));
    return pl_manifest_set_new(m, "query.result.columns", list, err);
}

static int add_literals(struct athena_job *job, size_t wanted,
                        struct pl_err *err)
{
    const json_t *list = pl_manifest_get(job->m, "query.parameters");
    const size_t count = json_array_size(list);

    if (count != wanted)
        return pl_fail(err, PL_QUERY_INVALID,
                       "the query has %zu '?', query.parameters has %zu "
                       "values",
                       wanted, count);
    job->literals = calloc(count + 1, sizeof(*job->literals));
    if (job->literals == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        PL_AUTO(pl_buf) text = PL_BUF_INIT;

        if (athena_literal(json_array_get(list, i), i, &text, err) != 0)
            return -1;
        job->literals[i] = pl_buf_take(&text);
        if (job->literals[i] == NULL)
            return pl_fail_memory(err);
        job->literal_count++;
    }
    return 0;
}

/* The rows are told apart by it, so that it decides the partition. */
static int find_id(struct athena_job *job, const struct pl_sql_select *select,
                   struct pl_err *err)
{
    if (pl_partitions_allowed(job->m, err) != 0)
        return -1;
    if (pl_delta_is_wanted(job->m))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "query.partitions: a run in parts is not compared with "
                       "the last one: leave import.mode, import.gone and the "
                       "limits of changes out");
    for (size_t i = 0; i < select->column_count; i++)
        if (strcasecmp(select->columns[i].name, "Id") == 0) {
            job->id_column = i;
            return 0;
        }
    return pl_fail(err, PL_CONFIG_INVALID,
                   "query.partitions: the query has no column Id");
}

int athena_query_judge(struct athena_job *job, struct pl_err *err)
{
    PL_AUTO(pl_sql_verdict) verdict = {0};
    PL_AUTO(pl_own_mapping) own = {0};
    const char *sql = pl_manifest_str(job->m, "query.sql");
    struct pl_target target;

    if (choose_target(job->m, &target, &own, err) != 0)
        return -1;
    if (sql == NULL)
        return pl_fail(err, PL_QUERY_INVALID,
                       "no query: 'query.sql' is missing");
    verdict.takes_execute = pl_manifest_bool(job->m, "query.prepared", false);
    if (pl_sql_judge(sql, strlen(sql), &target, &verdict, err) != 0)
        return -1;
    for (size_t i = 0; i < verdict.note_count; i++)
        pl_warn("query: %s", verdict.notes[i]);
    job->has_columns = !verdict.select.is_unknown;
    job->column_count = verdict.select.column_count;
    if (job->set.is_unload && !job->has_columns)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "UNLOAD needs the names of the columns: write them out "
                       "in place of *, or leave query.mode unload out");
    if (job->set.partitions > 0 && find_id(job, &verdict.select, err) != 0)
        return -1;
    if ((job->has_columns && add_columns(&verdict, job->m, err) != 0) ||
        add_literals(job, verdict.select.parameters, err) != 0)
        return -1;
    return pl_buf_add(&job->sql, verdict.sql, verdict.sql_len, err);
}

static int word_explain(struct athena_job *job, struct pl_err *err)
{
    /* EXPLAIN takes no parameters: they are put into its text */
    if (pl_buf_adds(&job->text, "EXPLAIN (TYPE VALIDATE)\n", err) != 0)
        return -1;
    return athena_bind(job->sql.data, job->sql.len,
                       (const char *const *)job->literals, job->literal_count,
                       &job->text, err);
}

static int word_unload(struct athena_job *job, int attempt, struct pl_err *err)
{
    PL_AUTO(pl_buf) prefix = PL_BUF_INIT;

    if (athena_unload_prefix(job, attempt, &prefix, err) != 0)
        return -1;
    return athena_unload_word(
        &(struct athena_unload){.sql = job->sql.data,
                                .len = job->sql.len,
                                .column_count = job->column_count,
                                .partitions = job->set.partitions,
                                .id_column = job->id_column,
                                .prefix = prefix.data},
        &job->text, err);
}

int athena_query_word(struct athena_job *job, enum athena_kind kind,
                      int attempt, struct pl_err *err)
{
    int rc;

    pl_buf_reset(&job->text);
    if (kind == ATHENA_EXPLAIN)
        rc = word_explain(job, err);
    else if (kind == ATHENA_UNLOAD)
        rc = word_unload(job, attempt, err);
    else
        rc = pl_buf_add(&job->text, job->sql.data, job->sql.len, err);
    if (rc != 0)
        return -1;
    if (job->text.len > PL_ATHENA_SQL_MAX)
        return pl_fail(err, PL_QUERY_INVALID,
                       "with what UNLOAD or EXPLAIN needs the query has %zu "
                       "bytes; Athena takes %d",
                       job->text.len, PL_ATHENA_SQL_MAX);
    return 0;
}
