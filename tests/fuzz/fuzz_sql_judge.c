/* Any bytes are judged without a fault, and the verdict holds together. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/sql/judge.h"
#include "pipeline/target/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

/* The statement that is sent must read as the one that was judged. */
static void read_again(const char *sql, const struct pl_sql_select *was)
{
    PL_AUTO(pl_sql_select) s = {0};
    struct pl_sql_place place = {0};
    struct pl_err err = {0};

    require(pl_sql_select_read(sql, was->sql_len, &s, &place, &err) == 0);
    require(s.column_count == was->column_count && !s.has_semicolon);
    for (size_t i = 0; i < s.column_count; i++)
        require(strcmp(s.columns[i].name, was->columns[i].name) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PL_AUTO(pl_sql_verdict) v = {0};
    PL_AUTO(pl_sql_select) s = {0};
    struct pl_sql_place place = {0};
    struct pl_err err = {0};
    char *sql = malloc(size > 0 ? size : 1); /* reading past it is seen */

    if (sql == NULL)
        return 0;
    if (size > 0)
        memcpy(sql, data, size);
    if (pl_sql_select_read(sql, size, &s, &place, &err) == 0) {
        require(s.column_count > 0 && s.sql_len <= size);
        read_again(sql, &s);
    } else {
        require(err.code == PL_QUERY_INVALID && place.offset <= size);
        require(strchr(err.msg, '\n') == NULL && s.columns == NULL);
    }
    err = (struct pl_err){0};
    if (pl_sql_judge(sql, size, pl_target_by_name("pinpoint"), &v, &err) != 0)
        require(err.code == PL_QUERY_INVALID && v.select.columns == NULL);
    else
        require(v.select.column_count == s.column_count);
    free(sql);
    return 0;
}
