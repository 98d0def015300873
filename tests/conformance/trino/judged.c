/* What our reader says of statements, in the form of Oracle.java; a "+" line
 * has the length of what is sent behind a tab when a semicolon was dropped. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/sql/select.h"

static void print_names(const struct pl_sql_select *s)
{
    json_t *names = json_array();
    char *text;

    for (size_t i = 0; i < s->column_count; i++) {
        const struct pl_sql_column *c = &s->columns[i];

        (void)json_array_append_new(
            names, c->is_star      ? json_true()
                   : c->is_unnamed ? json_null()
                                   : json_stringn(c->name, c->name_len));
    }
    text = json_dumps(names, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(names);
    if (text == NULL)
        abort();
    (void)printf("+ %s", text);
    if (s->has_semicolon) /* and what is sent */
        (void)printf("\t%zu", s->sql_len);
    (void)putchar('\n');
    free(text);
}

static void judge(const char *sql, size_t len)
{
    PL_AUTO(pl_sql_select) s = {0};
    struct pl_sql_place place = {0};
    struct pl_err err = {0};

    if (pl_sql_select_read(sql, len, false, &s, &place, &err) == 0)
        print_names(&s);
    else
        (void)printf("- %s\n", err.msg);
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;

    while ((len = getline(&line, &cap, stdin)) > 0) {
        json_t *sql = json_loadb(line, (size_t)len,
                                 JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

        if (!json_is_string(sql))
            return 1;
        judge(json_string_value(sql), json_string_length(sql));
        json_decref(sql);
    }
    free(line);
    return ferror(stdin) || fflush(stdout) != 0 ? 1 : 0;
}
