#include "local/statement.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "local/sql_tokens.h"
#include "pipeline/base/text.h"

static const struct {
    const char *word;
    enum local_statement_kind kind;
    const char *type;
    const char *subtype; /* NULL: the word itself */
} words[] = {
    {"SELECT", LOCAL_STATEMENT_SELECT, "DML", NULL},
    {"WITH", LOCAL_STATEMENT_SELECT, "DML", "SELECT"},
    {"VALUES", LOCAL_STATEMENT_SELECT, "DML", "SELECT"},
    {"TABLE", LOCAL_STATEMENT_SELECT, "DML", "SELECT"},
    {"(", LOCAL_STATEMENT_SELECT, "DML", "SELECT"},
    {"UNLOAD", LOCAL_STATEMENT_UNLOAD, "DML", NULL},
    {"INSERT", LOCAL_STATEMENT_OTHER, "DML", NULL},
    {"UPDATE", LOCAL_STATEMENT_OTHER, "DML", NULL},
    {"DELETE", LOCAL_STATEMENT_OTHER, "DML", NULL},
    {"MERGE", LOCAL_STATEMENT_OTHER, "DML", NULL},
    {"EXECUTE", LOCAL_STATEMENT_OTHER, "DML", NULL},
    {"EXPLAIN", LOCAL_STATEMENT_OTHER, "UTILITY", NULL},
    {"SHOW", LOCAL_STATEMENT_OTHER, "UTILITY", NULL},
    {"DESCRIBE", LOCAL_STATEMENT_OTHER, "UTILITY", NULL},
    {"CREATE", LOCAL_STATEMENT_OTHER, "DDL", NULL},
    {"DROP", LOCAL_STATEMENT_OTHER, "DDL", NULL},
    {"ALTER", LOCAL_STATEMENT_OTHER, "DDL", NULL},
    {"MSCK", LOCAL_STATEMENT_OTHER, "DDL", NULL},
};

void local_statement_release(struct local_statement *s)
{
    pl_buf_release(&s->query);
    pl_buf_release(&s->to);
    json_decref(s->partitions);
    *s = (struct local_statement){.kind = LOCAL_STATEMENT_OTHER};
}

/* The place of a token as Trino says it: lines and columns from 1. */
static int wrong(const char *sql, const struct local_token *t,
                 const char *expected, struct pl_err *err)
{
    const bool is_end = t->kind == LOCAL_TOKEN_END;
    const int len = is_end || t->len > 60 ? 60 : (int)t->len;
    unsigned long line = 1;
    unsigned long column = 1;

    for (const char *p = sql; p < t->at; p++) {
        line += *p == '\n';
        column = *p == '\n' ? 1 : column + 1;
    }
    return pl_fail(err, PL_QUERY_FAILED,
                   "SYNTAX_ERROR: line %lu:%lu: mismatched input '%.*s'. "
                   "Expecting: %s",
                   line, column, len, is_end ? "<EOF>" : t->at, expected);
}

static int expect(const char *sql, struct local_token *t, const char *word,
                  struct pl_err *err)
{
    if (!local_token_is(t, word))
        return wrong(sql, t, word, err);
    *t = local_token_after(t);
    return 0;
}

static int take_word(const struct local_token *t, char *out, size_t cap,
                     struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;

    if (local_token_text(t, &text, err) != 0)
        return -1;
    for (size_t i = 0; i < text.len; i++)
        text.data[i] = (char)toupper((unsigned char)text.data[i]);
    (void)snprintf(out, cap, "%s", pl_buf_str(&text));
    return 0;
}

static int add_partition(struct local_statement *s, const struct local_token *t,
                         struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;

    if (local_token_text(t, &text, err) != 0)
        return -1;
    for (size_t i = 0; i < text.len; i++)
        text.data[i] = (char)tolower((unsigned char)text.data[i]);
    if (pl_utf8_valid_len(pl_buf_str(&text), text.len) != text.len)
        return pl_fail(err, PL_QUERY_FAILED,
                       "INVALID_TABLE_PROPERTY: partitioned_by must be UTF-8");
    if (s->partitions == NULL)
        s->partitions = json_array();
    return json_array_append_new(s->partitions,
                                 json_string(pl_buf_str(&text))) == 0
               ? 0
               : pl_fail_memory(err);
}

/* ARRAY['a', 'b'] */
static int read_partitions(const char *sql, struct local_token *t,
                           struct local_statement *s, struct pl_err *err)
{
    if (expect(sql, t, "ARRAY", err) != 0 || expect(sql, t, "[", err) != 0)
        return -1;
    for (;;) {
        if (t->kind != LOCAL_TOKEN_STRING)
            return wrong(sql, t, "a string", err);
        if (add_partition(s, t, err) != 0)
            return -1;
        *t = local_token_after(t);
        if (!local_token_is(t, ","))
            return expect(sql, t, "]", err);
        *t = local_token_after(t);
    }
}

static int set_delimiter(struct local_statement *s, const struct local_token *t,
                         struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;

    if (local_token_text(t, &text, err) != 0)
        return -1;
    if (text.len != 1)
        return pl_fail(err, PL_QUERY_FAILED,
                       "INVALID_TABLE_PROPERTY: field_delimiter must be one "
                       "character");
    s->delimiter = text.data[0];
    return 0;
}

/* name = value; the names that Athena knows, and no other. */
static int read_property(const char *sql, struct local_token *t,
                         struct local_statement *s, struct pl_err *err)
{
    char name[32] = "";
    int rc = 0;

    if (t->kind != LOCAL_TOKEN_WORD && t->kind != LOCAL_TOKEN_QUOTED)
        return wrong(sql, t, "a property", err);
    if (take_word(t, name, sizeof(name), err) != 0)
        return -1;
    *t = local_token_after(t);
    if (expect(sql, t, "=", err) != 0)
        return -1;
    if (strcmp(name, "PARTITIONED_BY") == 0)
        return read_partitions(sql, t, s, err);
    if (t->kind != LOCAL_TOKEN_STRING && t->kind != LOCAL_TOKEN_NUMBER)
        return wrong(sql, t, "a value", err);
    if (strcmp(name, "FORMAT") == 0)
        rc = take_word(t, s->format, sizeof(s->format), err);
    else if (strcmp(name, "COMPRESSION") == 0)
        rc = take_word(t, s->compression, sizeof(s->compression), err);
    else if (strcmp(name, "FIELD_DELIMITER") == 0)
        rc = set_delimiter(s, t, err);
    else if (strcmp(name, "COMPRESSION_LEVEL") != 0)
        rc = pl_fail(err, PL_QUERY_FAILED,
                     "INVALID_TABLE_PROPERTY: Unload property '%s' does not "
                     "exist",
                     name);
    *t = local_token_after(t);
    return rc;
}

static int check_properties(const struct local_statement *s, struct pl_err *err)
{
    static const char *const formats[] = {"ORC", "PARQUET", "AVRO", "JSON",
                                          "TEXTFILE"};

    if (!pl_is_one_of(s->format, formats, PL_COUNT(formats)))
        return pl_fail(err, PL_QUERY_FAILED,
                       s->format[0] == '\0'
                           ? "INVALID_TABLE_PROPERTY: The property format is "
                             "required"
                           : "INVALID_TABLE_PROPERTY: Unable to set table "
                             "property 'format' to this value");
    if (s->compression[0] != '\0' && strcmp(s->compression, "GZIP") != 0 &&
        (strcmp(s->format, "JSON") == 0 || strcmp(s->format, "TEXTFILE") == 0))
        return pl_fail(err, PL_QUERY_FAILED,
                       "INVALID_TABLE_PROPERTY: compression can only be GZIP "
                       "for this format");
    if (s->delimiter != '\001' && strcmp(s->format, "TEXTFILE") != 0)
        return pl_fail(err, PL_QUERY_FAILED,
                       "INVALID_TABLE_PROPERTY: field_delimiter goes with "
                       "TEXTFILE");
    if (!pl_starts_with(pl_buf_str(&s->to), "s3://") || s->to.len < 6)
        return pl_fail(err, PL_QUERY_FAILED,
                       "INVALID_TABLE_PROPERTY: the destination of UNLOAD "
                       "must be an s3:// location");
    return 0;
}

/* UNLOAD (SELECT ...) TO 's3://...' WITH (name = value, ...) */
static int read_unload(const char *sql, struct local_token t,
                       struct local_statement *s, struct pl_err *err)
{
    struct local_token close;
    bool is_more = true;

    s->delimiter = '\001';
    if (!local_token_is(&t, "("))
        return wrong(sql, &t, "(", err);
    close = local_token_close(&t);
    if (close.kind == LOCAL_TOKEN_END)
        return wrong(sql, &close, ")", err);
    if (pl_buf_add(&s->query, t.at + 1, (size_t)(close.at - t.at - 1), err) !=
        0)
        return -1;
    t = local_token_after(&close);
    if (expect(sql, &t, "TO", err) != 0)
        return -1;
    if (t.kind != LOCAL_TOKEN_STRING)
        return wrong(sql, &t, "a location", err);
    if (local_token_text(&t, &s->to, err) != 0)
        return -1;
    t = local_token_after(&t);
    if (expect(sql, &t, "WITH", err) != 0 || expect(sql, &t, "(", err) != 0)
        return -1;
    while (is_more) {
        if (read_property(sql, &t, s, err) != 0)
            return -1;
        is_more = local_token_is(&t, ",");
        if (is_more)
            t = local_token_after(&t);
    }
    if (expect(sql, &t, ")", err) != 0)
        return -1;
    if (t.kind != LOCAL_TOKEN_END)
        return wrong(sql, &t, "<EOF>", err);
    return check_properties(s, err);
}

/* EXPLAIN (TYPE VALIDATE) SELECT ... */
static int read_explain(const char *sql, struct local_token t,
                        struct local_statement *s, struct pl_err *err)
{
    static const char *const wanted[] = {"(", "TYPE", "VALIDATE", ")"};

    for (size_t i = 0; i < PL_COUNT(wanted); i++) {
        if (!local_token_is(&t, wanted[i]))
            return pl_fail(err, PL_QUERY_FAILED,
                           "NOT_SUPPORTED: of EXPLAIN only (TYPE VALIDATE) is "
                           "supported here");
        t = local_token_after(&t);
    }
    if (t.kind == LOCAL_TOKEN_END)
        return wrong(sql, &t, "a statement", err);
    s->kind = LOCAL_STATEMENT_VALIDATE;
    return pl_buf_adds(&s->query, t.at, err);
}

int local_statement_read(const char *sql, struct local_statement *out,
                         struct pl_err *err)
{
    struct local_token t = local_token_at(sql);
    size_t i = 0;

    *out =
        (struct local_statement){.kind = LOCAL_STATEMENT_SELECT, .type = "DML"};
    while (i < PL_COUNT(words) && !local_token_is(&t, words[i].word))
        i++;
    if (i == PL_COUNT(words)) /* the engine will say what it thinks of it */
        return pl_buf_adds(&out->query, sql, err);
    out->kind = words[i].kind;
    out->type = words[i].type;
    (void)snprintf(out->subtype, sizeof(out->subtype), "%s",
                   words[i].subtype != NULL ? words[i].subtype : words[i].word);
    t = local_token_after(&t);
    if (out->kind == LOCAL_STATEMENT_UNLOAD)
        return read_unload(sql, t, out, err);
    if (strcmp(out->subtype, "EXPLAIN") == 0)
        return read_explain(sql, t, out, err);
    return pl_buf_adds(&out->query, sql, err);
}
