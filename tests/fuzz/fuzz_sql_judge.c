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
static void read_again(const struct pl_sql_verdict *v)
{
    PL_AUTO(pl_sql_select) s = {0};
    struct pl_sql_place place = {0};
    struct pl_err err = {0};

    require(strlen(v->sql) == v->sql_len);
    require(pl_sql_select_read(v->sql, v->sql_len, v->takes_execute, &s, &place,
                               &err) == 0);
    require(s.column_count == v->select.column_count);
    require(!s.has_semicolon && s.blanks == 0);
    require(s.parameters == v->select.parameters);
    for (size_t i = 0; i < s.column_count; i++)
        require(strcmp(s.columns[i].name, v->select.columns[i].name) == 0);
}

static void judge(const char *sql, size_t size, const char *target,
                  bool takes_execute)
{
    PL_AUTO(pl_sql_verdict) v = {.takes_execute = takes_execute};
    struct pl_err err = {0};

    if (pl_sql_judge(sql, size, pl_target_by_name(target), &v, &err) == 0) {
        read_again(&v);
        return;
    }
    require(err.code == PL_QUERY_INVALID || err.code == PL_CONFIG_INVALID);
    require(v.select.columns == NULL && v.sql == NULL);
    require(v.place.offset <= size && strchr(err.msg, '\n') == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PL_AUTO(pl_sql_select) s = {0};
    struct pl_sql_place place = {0};
    struct pl_err err = {0};
    char *sql = malloc(size > 0 ? size : 1); /* reading past it is seen */

    if (sql == NULL)
        return 0;
    if (size > 0)
        memcpy(sql, data, size);
    if (pl_sql_select_read(sql, size, false, &s, &place, &err) == 0) {
        require(s.column_count > 0 && s.sql_len <= size);
    } else {
        require(err.code == PL_QUERY_INVALID && place.offset <= size);
        require(strchr(err.msg, '\n') == NULL && s.columns == NULL);
    }
    judge(sql, size, "pinpoint", false);
    judge(sql, size, "customer-profiles", true);
    free(sql);
    return 0;
}
