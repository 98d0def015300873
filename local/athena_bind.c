#include "local/athena.h"
#include "local/sql_tokens.h"

int local_athena_bind(const char *sql, const json_t *parameters,
                      struct pl_buf *out, struct pl_err *err)
{
    const size_t count = json_array_size(parameters);
    struct local_token t = local_token_at(sql);
    size_t used = 0;

    for (; t.kind != LOCAL_TOKEN_END && used < count;
         t = local_token_after(&t)) {
        const char *text;

        if (!local_token_is(&t, "?"))
            continue;
        text = json_string_value(json_array_get(parameters, used++));
        if (text == NULL)
            return pl_fail(err, PL_DATA_INVALID, "parameters must be strings");
        if (pl_buf_add(out, sql, (size_t)(t.at - sql), err) != 0 ||
            pl_buf_adds(out, text, err) != 0)
            return -1;
        sql = t.at + 1;
    }
    if (used != count)
        return pl_fail(err, PL_DATA_INVALID,
                       "more parameters than question marks");
    return pl_buf_adds(out, sql, err);
}
