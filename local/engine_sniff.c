/* Columns that look like numbers and are none. */
#include "local/engine_impl.h"
#include "local/engine_lake.h"

#define SAMPLE_ROWS 200000

static int make_query(const char *files, const char *select, unsigned rows,
                      struct pl_buf *out, struct pl_err *err)
{
    return pl_buf_addf(out, err,
                       "SELECT %s FROM (SELECT * FROM read_csv([%s], "
                       "union_by_name=true, header=true, all_varchar=true, "
                       "allow_quoted_nulls=false) LIMIT %u)",
                       select, files, rows);
}

static int query(duckdb_connection con, const char *sql, duckdb_result *r,
                 struct pl_err *err)
{
    memset(r, 0, sizeof(*r));
    if (duckdb_query(con, sql, r) == DuckDBSuccess)
        return 0;
    (void)local_engine_failed(err, duckdb_result_error(r));
    duckdb_destroy_result(r);
    return -1;
}

/* flags: one row, a boolean (or NULL) for each column of names. */
static void add_flagged(duckdb_result *names, duckdb_result *flags,
                        json_t *types)
{
    duckdb_data_chunk chunk = duckdb_fetch_chunk(*flags);

    for (idx_t i = 0; chunk != NULL && i < duckdb_column_count(names); i++) {
        const duckdb_vector v = duckdb_data_chunk_get_vector(chunk, i);
        const uint64_t *valid = duckdb_vector_get_validity(v);
        const char *name = duckdb_column_name(names, i);

        if ((valid == NULL || (valid[0] & 1) != 0) &&
            ((const uint8_t *)duckdb_vector_get_data(v))[0] != 0 &&
            json_object_get(types, name) == NULL)
            (void)json_object_set_new(types, name, json_string("VARCHAR"));
    }
    if (chunk != NULL)
        duckdb_destroy_data_chunk(&chunk);
}

int local_csv_texts(duckdb_connection con, const char *files, json_t *types,
                    struct pl_err *err)
{
    static const char looks[] = "bool_or(regexp_matches(COLUMNS(*), "
                                "'^(\\+[0-9.]+|-?0[0-9]+(\\.[0-9]*)?)$'))";
    PL_AUTO(pl_buf) heads = PL_BUF_INIT;
    PL_AUTO(pl_buf) sql = PL_BUF_INIT;
    duckdb_result names;
    duckdb_result flags;
    int rc;

    if (make_query(files, "*", 0, &heads, err) != 0 ||
        make_query(files, looks, SAMPLE_ROWS, &sql, err) != 0 ||
        query(con, heads.data, &names, err) != 0)
        return -1;
    rc = query(con, sql.data, &flags, err);
    if (rc == 0) {
        add_flagged(&names, &flags, types);
        duckdb_destroy_result(&flags);
    }
    duckdb_destroy_result(&names);
    return rc;
}
