/* Any text as a statement: bound, taken apart, rewritten; and as a time. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "local/athena.h"
#include "local/statement.h"
#include "local/trino_sql.h"
#include "local/trino_time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_statement(const char *text)
{
    PL_AUTO(local_statement) s = {.kind = LOCAL_STATEMENT_OTHER};
    PL_AUTO(pl_buf) bound = PL_BUF_INIT;
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};
    json_t *parameters = json_pack("[s, s]", "'a'", "?");
    char words[256];
    int type;

    if (local_athena_bind(text, parameters, &bound, &err) == 0 &&
        strlen(bound.data) != strlen(text) + 2)
        abort(); /* 'a' for one ?, ? for another */
    json_decref(parameters);
    pl_err_clear(&err);
    if (local_statement_read(text, &s, &err) != 0 &&
        err.code != PL_QUERY_FAILED)
        abort();
    pl_err_clear(&err);
    if (local_trino_rewrite(text, &out, &err) != 0)
        abort();
    local_athena_failure(text, text, "d", &type, words, sizeof(words));
}

/* What is formatted can be read again, if all of the time is in it. */
static void as_time(const char *text, size_t size)
{
    static const char all[] = "%Y-%m-%d %H:%i:%s.%f";
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};
    const size_t half = size / 2;
    int64_t micros = 0;
    int64_t again = 0;

    (void)local_time_format(0, LOCAL_TIME_JODA, text, size, &out, &err);
    (void)local_time_format(0, LOCAL_TIME_MYSQL, text, size, &out, &err);
    for (int form = 0; form < 2; form++) {
        pl_buf_reset(&out);
        if (local_time_parse(text, half, (enum local_time_form)form,
                             text + half, size - half, &micros, &err) != 0 ||
            micros < 0)
            continue;
        if (local_time_format(micros, LOCAL_TIME_MYSQL, all, strlen(all), &out,
                              &err) != 0 ||
            local_time_parse(out.data, out.len, LOCAL_TIME_MYSQL, all,
                             strlen(all), &again, &err) != 0 ||
            again != micros)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (text == NULL || size > 20000) {
        free(text);
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    as_statement(text);
    as_time(text, size);
    free(text);
    return 0;
}
