/* What athena-exec reads of others: an UNLOAD's list of objects; messages that
 * quote the query. Input: one byte, then a list, or a query and, behind a NUL,
 * a message. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/sql/lexer.h"
#include "stages/athena_exec/literals.h"
#include "stages/athena_exec/parts.h"

#define PREFIX "s3://bucket/p/"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_list(const char *text, size_t len)
{
    PL_AUTO(athena_parts) parts = {0};
    struct pl_err err = {0};
    const char *uri;

    if (athena_parts_open(&parts, PREFIX, &err) != 0 ||
        athena_parts_read(&parts, text, len, &err) != 0)
        return;
    while ((uri = athena_parts_left(&parts)) != NULL) {
        PL_AUTO_STR *copy = strdup(uri);

        if (strncmp(uri, PREFIX, strlen(PREFIX)) != 0 ||
            uri[strlen(PREFIX)] == '\0' || !athena_parts_take(&parts, copy))
            abort();
    }
}

static void read_query(const char *sql, size_t len, const char *text)
{
    static const char *const literals[] = {"'a'", "(-1)", "null"};
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_sql_place place;
    struct pl_err err = {0};
    char message[512];

    if (pl_sql_check_text(sql, len, &place, &err) != 0)
        return;
    if (athena_bind(sql, len, literals, 3, &out, &err) == 0 && out.len < len)
        abort(); /* no literal is shorter than its ? */
    (void)snprintf(message, sizeof(message), "%s", text);
    athena_mask(sql, len, message, sizeof(message));
    if (strlen(message) >= sizeof(message))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PL_AUTO_STR *text = malloc(size + 1);
    size_t sql_len;

    if (text == NULL || size == 0)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (text[0] == 'l') {
        read_list(text + 1, size - 1);
        return 0;
    }
    sql_len = strlen(text + 1);
    read_query(text + 1, sql_len,
               sql_len + 1 < size ? text + sql_len + 2 : "'x'");
    return 0;
}
