#include "pipeline/sql/select.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A reader of tokens with one token of lookahead, which tells a clause from a
 * name where Trino does not reserve the word: "a LIMIT 5", "a limit". */
struct reader {
    struct pl_sql_lexer lex;
    struct pl_sql_token cur;
    struct pl_sql_token next;
    struct pl_sql_select *out;
    struct pl_sql_place *place; /* of a failure */
    struct pl_err *err;
    size_t depth;
    char open[PL_SQL_MAX_DEPTH];
    struct pl_sql_place opened_at[PL_SQL_MAX_DEPTH];
};

/* One element of the select list while it is read. */
struct item {
    struct pl_sql_place start;
    bool has_operand; /* an expression could end here */
    bool is_primary;  /* so far "a.b.c", "f(x).b": no operator around it */
    bool has_name;    /* the name such an expression lends the column */
    bool has_alias;
    bool is_star;
    struct pl_sql_token name;
    struct pl_sql_token alias;
    unsigned cases; /* CASE without its END */
    struct pl_sql_place case_at;
};

static const char *const list_ends[] = {"FROM",      "WHERE", "GROUP",
                                        "HAVING",    "ORDER", "UNION",
                                        "INTERSECT", "EXCEPT"};

/* Reserved, but an operand can begin with them. */
static const char *const operand_words[] = {"CAST",
                                            "CURRENT_CATALOG",
                                            "CURRENT_DATE",
                                            "CURRENT_PATH",
                                            "CURRENT_SCHEMA",
                                            "CURRENT_TIME",
                                            "CURRENT_TIMESTAMP",
                                            "CURRENT_USER",
                                            "EXISTS",
                                            "EXTRACT",
                                            "FALSE",
                                            "GROUPING",
                                            "JSON_ARRAY",
                                            "JSON_EXISTS",
                                            "JSON_OBJECT",
                                            "JSON_QUERY",
                                            "JSON_VALUE",
                                            "LISTAGG",
                                            "LOCALTIME",
                                            "LOCALTIMESTAMP",
                                            "NORMALIZE",
                                            "NULL",
                                            "TRIM",
                                            "TRUE"};

/* Reserved, and an operand is expected behind them. */
static const char *const infix_words[] = {
    "AND", "OR", "LIKE", "IN", "IS", "NOT", "BETWEEN", "ESCAPE", "UESCAPE"};

/* Reserved, and in no place of a query at all. */
static const char *const foreign_words[] = {
    "ALTER", "CREATE",  "DEALLOCATE", "DELETE", "DESCRIBE",
    "DROP",  "EXECUTE", "INSERT",     "INTO",   "PREPARE"};

static const char *const query_starts[] = {"SELECT", "WITH", "VALUES", "TABLE"};

static const char *const interval_units[] = {"YEAR", "MONTH",  "DAY",
                                             "HOUR", "MINUTE", "SECOND"};

static bool is_one_of(const struct pl_sql_token *token,
                      const char *const *words, size_t count)
{
    if (token->kind != PL_SQL_WORD)
        return false;
    for (size_t i = 0; i < count; i++)
        if (((token->text[0] ^ words[i][0]) & 0x1F) == 0 && /* any case */
            pl_sql_is_word(token, words[i]))
            return true;
    return false;
}

#define IS_ONE_OF(token, words) is_one_of((token), (words), PL_COUNT(words))

void pl_sql_select_release(struct pl_sql_select *select)
{
    for (size_t i = 0; i < select->column_count; i++)
        free(select->columns[i].name);
    free(select->columns);
    *select = (struct pl_sql_select){0};
}

/* What a message may show of a token: never the text of a literal. */
static const char *shown(const struct pl_sql_token *token,
                         char out[PL_SQL_SHOWN])
{
    if (token->kind == PL_SQL_END)
        return "the end of the text";
    if (token->kind == PL_SQL_STRING)
        return "a string";
    if (token->kind == PL_SQL_NUMBER)
        return "a number";
    pl_sql_show(token->text, token->len, out);
    return out;
}

static int unexpected(struct reader *r, const char *wanted)
{
    char name[PL_SQL_SHOWN];
    const char *text = shown(&r->cur, name);

    if (pl_sql_is_reserved(&r->cur) && !pl_sql_is_word(&r->cur, "FROM"))
        return pl_sql_fail(r->place, &r->cur.place, r->err,
                           "expected %s, not %s; a name that is a reserved "
                           "word needs double quotes",
                           wanted, text);
    return pl_sql_fail(r->place, &r->cur.place, r->err, "expected %s, not %s",
                       wanted, text);
}

static int push_bracket(struct reader *r)
{
    const char c = r->cur.text[0];

    if (r->depth == PL_SQL_MAX_DEPTH)
        return pl_sql_fail(r->place, &r->cur.place, r->err,
                           "more than %d brackets inside each other",
                           PL_SQL_MAX_DEPTH);
    r->open[r->depth] = c;
    r->opened_at[r->depth] = r->cur.place;
    r->depth++;
    return 0;
}

static int pop_bracket(struct reader *r)
{
    const char c = r->cur.text[0];
    const char want = c == ')' ? '(' : c == ']' ? '[' : '{';

    if (r->depth == 0)
        return pl_sql_fail(r->place, &r->cur.place, r->err,
                           "'%c' closes nothing", c);
    if (r->open[r->depth - 1] != want)
        return pl_sql_fail(r->place, &r->cur.place, r->err,
                           "'%c' does not close the '%c' of line %u, column "
                           "%u",
                           c, r->open[r->depth - 1],
                           r->opened_at[r->depth - 1].line,
                           r->opened_at[r->depth - 1].column);
    r->depth--;
    return 0;
}

static int unclosed(struct reader *r)
{
    return pl_sql_fail(r->place, &r->opened_at[r->depth - 1], r->err,
                       "the '%c' that begins here is not closed",
                       r->open[r->depth - 1]);
}

static bool is_open(const struct pl_sql_token *token)
{
    return token->kind == PL_SQL_OP &&
           (token->text[0] == '(' || token->text[0] == '[' ||
            token->text[0] == '{');
}

static bool is_close(const struct pl_sql_token *token)
{
    return token->kind == PL_SQL_OP &&
           (token->text[0] == ')' || token->text[0] == ']' ||
            token->text[0] == '}');
}

static bool is_over(const struct pl_sql_token *token)
{
    return token->kind == PL_SQL_END || pl_sql_is_op(token, ";");
}

/* What holds for a token wherever it stands. */
static int check_token(struct reader *r)
{
    const struct pl_sql_token *t = &r->cur;
    char name[PL_SQL_SHOWN];

    if (t->kind == PL_SQL_PARAM)
        r->out->parameters++;
    if (t->kind == PL_SQL_BACKQUOTED)
        return pl_sql_fail(r->place, &t->place, r->err,
                           "a name in back quotes, which Athena takes in DDL "
                           "only; use double quotes");
    if (t->kind == PL_SQL_QUOTED && t->len == 2)
        return pl_sql_fail(r->place, &t->place, r->err,
                           "an empty name in double quotes; an empty string "
                           "is written ''");
    if (IS_ONE_OF(t, foreign_words))
        return pl_sql_fail(r->place, &t->place, r->err,
                           "%s has no place in a read-only query; if it is a "
                           "name put it in double quotes",
                           shown(t, name));
    if (is_over(t) && r->depth > 0)
        return unclosed(r);
    if (is_open(t))
        return push_bracket(r);
    return is_close(t) ? pop_bracket(r) : 0;
}

/* Consumes the current token. */
static int accept(struct reader *r)
{
    if (check_token(r) != 0)
        return -1;
    r->cur = r->next;
    return pl_sql_next(&r->lex, &r->next, r->place, r->err);
}

static int accept_two(struct reader *r)
{
    return accept(r) != 0 ? -1 : accept(r);
}

/* Consumes an opening bracket and all up to the one that closes it. */
static int skip_group(struct reader *r)
{
    const size_t depth = r->depth;

    do {
        if (accept(r) != 0)
            return -1;
    } while (r->depth > depth);
    return 0;
}

static char *unquote(const struct pl_sql_token *token, size_t *len)
{
    char *out = malloc(token->len + 1);
    size_t n = 0;

    if (out == NULL)
        return NULL;
    if (token->kind == PL_SQL_QUOTED) {
        for (size_t i = 1; i + 1 < token->len; i++) {
            out[n++] = token->text[i];
            if (token->text[i] == '"')
                i++; /* a quote inside is written twice */
        }
    } else {
        for (; n < token->len; n++) {
            const char c = token->text[n];

            out[n] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        }
    }
    out[n] = '\0';
    *len = n;
    return out;
}

/* Makes room for a column and returns it zeroed; NULL on failure. */
static struct pl_sql_column *new_column(struct reader *r,
                                        const struct pl_sql_place *at)
{
    struct pl_sql_select *s = r->out;

    if (s->column_count == PL_SQL_MAX_COLUMNS) {
        (void)pl_sql_fail(r->place, at, r->err, "more than %d columns",
                          PL_SQL_MAX_COLUMNS);
        return NULL;
    }
    if (s->column_count == s->column_cap) {
        const size_t cap = s->column_cap == 0 ? 16 : 2 * s->column_cap;
        struct pl_sql_column *grown = realloc(s->columns, cap * sizeof *grown);

        if (grown == NULL) {
            (void)pl_fail_memory(r->err);
            return NULL;
        }
        s->columns = grown;
        s->column_cap = cap;
    }
    s->columns[s->column_count] = (struct pl_sql_column){.place = *at};
    return &s->columns[s->column_count];
}

static int add_named(struct reader *r, const struct pl_sql_token *name)
{
    struct pl_sql_column *c = new_column(r, &name->place);

    if (c == NULL)
        return -1;
    c->name = unquote(name, &c->name_len);
    if (c->name == NULL)
        return pl_fail_memory(r->err);
    c->is_quoted = name->kind == PL_SQL_QUOTED;
    r->out->column_count++;
    return 0;
}

/* A star, or an expression without a name. */
static int add_nameless(struct reader *r, const struct pl_sql_place *at,
                        bool is_star)
{
    struct pl_sql_column *c = new_column(r, at);
    char name[32] = "*";

    if (c == NULL)
        return -1;
    if (!is_star)
        (void)snprintf(name, sizeof name, "_col%zu", r->out->column_count);
    c->name_len = strlen(name);
    c->name = malloc(c->name_len + 1);
    if (c->name == NULL)
        return pl_fail_memory(r->err);
    memcpy(c->name, name, c->name_len + 1);
    c->is_star = is_star;
    c->is_unnamed = !is_star;
    r->out->is_unknown = r->out->is_unknown || is_star;
    r->out->column_count++;
    return 0;
}

/* Does the select list end here? Words that Trino does not reserve count only
 * where a name cannot follow. */
static bool is_list_end(const struct reader *r, bool is_after_operand)
{
    const struct pl_sql_token *t = &r->cur;
    const struct pl_sql_token *n = &r->next;
    const bool is_count = n->kind == PL_SQL_NUMBER || n->kind == PL_SQL_PARAM;

    if (is_over(t) || pl_sql_is_op(t, ")") || IS_ONE_OF(t, list_ends))
        return true;
    if (!is_after_operand)
        return false;
    if (pl_sql_is_word(t, "LIMIT"))
        return is_count || pl_sql_is_word(n, "ALL");
    if (pl_sql_is_word(t, "OFFSET"))
        return is_count;
    if (pl_sql_is_word(t, "FETCH"))
        return pl_sql_is_word(n, "FIRST") || pl_sql_is_word(n, "NEXT");
    return pl_sql_is_word(t, "WINDOW") && pl_sql_is_name(n);
}

static bool is_item_end(const struct reader *r, const struct item *it)
{
    return pl_sql_is_op(&r->cur, ",") || is_list_end(r, it->has_operand);
}

/* An operand that lends no name: a literal, a call, a subquery. */
static int plain_operand(struct reader *r, struct item *it)
{
    it->has_operand = true;
    it->has_name = false;
    return accept(r);
}

static int expect_operand(struct reader *r, struct item *it)
{
    it->has_operand = false;
    it->is_primary = false;
    return accept(r);
}

/* Behind an alias nothing may come but the next element. */
static int end_alias(struct reader *r, struct item *it)
{
    it->has_alias = true;
    if (is_item_end(r, it))
        return 0;
    if (pl_sql_is_op(&r->cur, ".") || pl_sql_is_op(&r->cur, "-") ||
        pl_sql_is_op(&r->cur, "$") || pl_sql_is_op(&r->cur, ":"))
        return pl_sql_fail(r->place, &it->alias.place, r->err,
                           "a column name with '%c' in it needs double quotes",
                           r->cur.text[0]);
    return unexpected(r, "a comma or FROM after the column name");
}

static int read_alias(struct reader *r, struct item *it)
{
    if (r->cur.kind == PL_SQL_STRING)
        return pl_sql_fail(r->place, &r->cur.place, r->err,
                           "a column name in single quotes; use double "
                           "quotes");
    if (r->cur.kind != PL_SQL_BACKQUOTED && !pl_sql_is_name(&r->cur))
        return unexpected(r, "a column name");
    it->alias = r->cur;
    if (accept(r) != 0)
        return -1;
    return end_alias(r, it);
}

/* t.* AS (a, b, c): the star's columns get names after all. */
static int read_star_names(struct reader *r, const struct item *it)
{
    if (accept(r) != 0) /* AS */
        return -1;
    if (!pl_sql_is_op(&r->cur, "("))
        return unexpected(r, "'(' and column names after '.* AS'");
    do {
        if (accept(r) != 0)
            return -1;
        if (!pl_sql_is_name(&r->cur))
            return unexpected(r, "a column name");
        if (add_named(r, &r->cur) != 0 || accept(r) != 0)
            return -1;
    } while (pl_sql_is_op(&r->cur, ","));
    if (!pl_sql_is_op(&r->cur, ")"))
        return unexpected(r, "a comma or ')'");
    if (accept(r) != 0)
        return -1;
    return is_item_end(r, it) ? 0 : unexpected(r, "a comma or FROM");
}

static int read_star(struct reader *r, struct item *it)
{
    const struct pl_sql_place at = r->cur.place;
    const bool is_bare = !it->has_operand;

    it->is_star = true;
    it->has_operand = true;
    if (accept(r) != 0)
        return -1;
    if (!is_bare && pl_sql_is_word(&r->cur, "AS"))
        return read_star_names(r, it);
    if (add_nameless(r, &at, true) != 0)
        return -1;
    return is_item_end(r, it) ? 0 : unexpected(r, "a comma or FROM after '*'");
}

/* ".name" behind an operand, or ".*" */
static int read_field(struct reader *r, struct item *it)
{
    if (accept(r) != 0)
        return -1;
    if (pl_sql_is_op(&r->cur, "*") && it->is_primary)
        return read_star(r, it);
    if (r->cur.kind != PL_SQL_BACKQUOTED && !pl_sql_is_name(&r->cur))
        return unexpected(r, "a name after '.'");
    it->name = r->cur;
    it->has_name = true;
    return accept(r);
}

/* Passes over brackets in place of an operand. Trino sees through them when
 * they hold a name alone: (a.b) is named b. */
static int read_brackets(struct reader *r, struct item *it)
{
    const size_t depth = r->depth;
    bool is_plain = true;
    bool wants_name = true;

    do {
        const struct pl_sql_token *t = &r->cur;

        if (pl_sql_is_op(t, "(") || pl_sql_is_op(t, ".")) {
            is_plain = is_plain && wants_name == pl_sql_is_op(t, "(");
            wants_name = true;
        } else if (pl_sql_is_op(t, ")")) {
            is_plain = is_plain && !wants_name;
        } else {
            is_plain = is_plain && wants_name && pl_sql_is_name(t);
            wants_name = false;
            it->name = *t;
        }
        if (accept(r) != 0)
            return -1;
    } while (r->depth > depth);
    it->has_name = is_plain;
    it->has_operand = true;
    return 0;
}

/* INTERVAL [+|-] 'n' unit [TO unit]; or a column that is called interval. */
static int read_interval(struct reader *r, struct item *it)
{
    const struct pl_sql_token word = r->cur;

    if (plain_operand(r, it) != 0)
        return -1;
    if ((pl_sql_is_op(&r->cur, "-") || pl_sql_is_op(&r->cur, "+")) &&
        r->next.kind == PL_SQL_STRING && accept(r) != 0)
        return -1;
    if (r->cur.kind != PL_SQL_STRING) {
        it->name = word;
        it->has_name = true;
        return 0;
    }
    if (accept(r) != 0)
        return -1;
    if (!IS_ONE_OF(&r->cur, interval_units))
        return unexpected(r, "a unit (YEAR to SECOND) after the interval");
    if (accept(r) != 0)
        return -1;
    if (!pl_sql_is_word(&r->cur, "TO") || !IS_ONE_OF(&r->next, interval_units))
        return 0;
    return accept_two(r);
}

/* The next token where an operand is wanted. */
static int step_to_operand(struct reader *r, struct item *it)
{
    const struct pl_sql_token *t = &r->cur;

    if (pl_sql_is_op(t, "("))
        return read_brackets(r, it);
    if (pl_sql_is_op(t, "*") && it->is_primary)
        return read_star(r, it);
    if (pl_sql_is_op(t, "+") || pl_sql_is_op(t, "-") ||
        pl_sql_is_word(t, "NOT"))
        return expect_operand(r, it);
    if (pl_sql_is_word(t, "DISTINCT") && pl_sql_is_word(&r->next, "FROM"))
        return accept_two(r); /* x IS DISTINCT FROM y */
    if (pl_sql_is_word(t, "CASE")) {
        it->case_at = t->place;
        it->cases++;
        return accept(r);
    }
    if (pl_sql_is_word(t, "INTERVAL"))
        return read_interval(r, it);
    if (pl_sql_is_name(t)) {
        it->name = *t;
        it->has_name = true;
        it->has_operand = true;
        return accept(r);
    }
    if (t->kind == PL_SQL_STRING || t->kind == PL_SQL_NUMBER ||
        t->kind == PL_SQL_PARAM || IS_ONE_OF(t, operand_words))
        return plain_operand(r, it);
    if (t->kind == PL_SQL_BACKQUOTED)
        return accept(r); /* fails and says why */
    return unexpected(r, "an expression");
}

/* A word behind an operand that belongs to it, though Trino does not reserve
 * it. *is_taken tells whether it was one; else it is an alias. */
static int read_suffix(struct reader *r, struct item *it, bool *is_taken)
{
    const struct pl_sql_token *t = &r->cur;
    const struct pl_sql_token *n = &r->next;
    unsigned words = 0;

    if (pl_sql_is_word(t, "AT") && pl_sql_is_word(n, "TIME")) {
        words = 3; /* AT TIME ZONE */
        it->is_primary = false;
    } else if (pl_sql_is_word(t, "WITHIN") && pl_sql_is_word(n, "GROUP")) {
        words = 2;
    } else if ((pl_sql_is_word(t, "IGNORE") || pl_sql_is_word(t, "RESPECT")) &&
               pl_sql_is_word(n, "NULLS")) {
        words = 2;
    } else if (pl_sql_is_word(t, "OVER") && pl_sql_is_name(n)) {
        words = 2;
    } else if ((pl_sql_is_word(t, "OVER") || pl_sql_is_word(t, "FILTER")) &&
               pl_sql_is_op(n, "(")) {
        words = 1;
    } else if (pl_sql_is_word(t, "PRECISION") && n->kind == PL_SQL_STRING) {
        words = 2; /* DOUBLE PRECISION '1.5' */
    }
    *is_taken = words > 0;
    it->has_operand = words != 3;
    it->has_name = it->has_name && words == 0;
    for (; words > 0; words--)
        if (accept(r) != 0)
            return -1;
    return 0;
}

static int step_after_word(struct reader *r, struct item *it)
{
    bool is_taken = false;

    if (pl_sql_is_word(&r->cur, "AS"))
        return accept(r) != 0 ? -1 : read_alias(r, it);
    if (IS_ONE_OF(&r->cur, infix_words))
        return expect_operand(r, it);
    if (read_suffix(r, it, &is_taken) != 0)
        return -1;
    if (is_taken)
        return 0;
    it->has_operand = true;
    if (!pl_sql_is_name(&r->cur))
        return unexpected(r, "a comma, FROM or a column name");
    return read_alias(r, it);
}

/* The next token behind a complete operand. */
static int step_after_operand(struct reader *r, struct item *it)
{
    const struct pl_sql_token *t = &r->cur;

    if (pl_sql_is_op(t, "."))
        return read_field(r, it);
    if (is_open(t)) {
        it->has_name = false;
        return skip_group(r);
    }
    if (t->kind == PL_SQL_OP)
        return expect_operand(r, it);
    if (t->kind == PL_SQL_WORD)
        return step_after_word(r, it);
    if (t->kind == PL_SQL_QUOTED || t->kind == PL_SQL_BACKQUOTED)
        return read_alias(r, it);
    if (t->kind == PL_SQL_STRING && it->has_name)
        return plain_operand(r, it); /* DATE '2026-01-01' */
    if (t->kind == PL_SQL_STRING)
        return pl_sql_fail(r->place, &t->place, r->err,
                           "a string after an expression; a column name needs "
                           "double quotes");
    return unexpected(r, "a comma or FROM");
}

/* Passes over what is between CASE and its END. */
static int step_in_case(struct reader *r, struct item *it)
{
    const struct pl_sql_token *t = &r->cur;

    if (is_open(t))
        return skip_group(r);
    if (pl_sql_is_word(t, "DISTINCT") && pl_sql_is_word(&r->next, "FROM"))
        return accept_two(r);
    if (is_item_end(r, it) || is_close(t))
        return pl_sql_fail(r->place, &it->case_at, r->err,
                           "the CASE that begins here has no END");
    if (pl_sql_is_word(t, "CASE"))
        it->cases++;
    if (pl_sql_is_word(t, "END") && --it->cases == 0)
        return plain_operand(r, it);
    return accept(r);
}

static int add_item(struct reader *r, const struct item *it)
{
    if (it->is_star)
        return 0; /* read_star() has added it */
    if (it->has_alias)
        return add_named(r, &it->alias);
    if (it->is_primary && it->has_name)
        return add_named(r, &it->name);
    return add_nameless(r, &it->start, false);
}

static int read_item(struct reader *r)
{
    struct item it = {.start = r->cur.place, .is_primary = true};

    while (it.cases > 0 || !is_item_end(r, &it)) {
        int rc = 0;

        if (it.cases > 0)
            rc = step_in_case(r, &it);
        else if (it.has_operand)
            rc = step_after_operand(r, &it);
        else
            rc = step_to_operand(r, &it);
        if (rc != 0)
            return -1;
    }
    if (!it.has_operand)
        return unexpected(r, "an expression");
    return add_item(r, &it);
}

/* ALL is a quantifier unless it is a column's name: "SELECT all FROM t". */
static bool is_quantifier_all(const struct reader *r)
{
    const struct pl_sql_token *n = &r->next;

    if (!pl_sql_is_word(&r->cur, "ALL"))
        return false;
    if (n->kind == PL_SQL_WORD)
        return !pl_sql_is_word(n, "AS") && !IS_ONE_OF(n, list_ends) &&
               (!IS_ONE_OF(n, infix_words) || pl_sql_is_word(n, "NOT"));
    return n->kind != PL_SQL_END &&
           (n->kind != PL_SQL_OP || pl_sql_is_op(n, "(") ||
            pl_sql_is_op(n, "*") || pl_sql_is_op(n, "-") ||
            pl_sql_is_op(n, "+"));
}

static int read_select_list(struct reader *r)
{
    if ((pl_sql_is_word(&r->cur, "DISTINCT") || is_quantifier_all(r)) &&
        accept(r) != 0)
        return -1;
    for (;;) {
        if (read_item(r) != 0)
            return -1;
        if (!pl_sql_is_op(&r->cur, ","))
            return 0;
        if (accept(r) != 0)
            return -1;
    }
}

/* VALUES (1, 2), (3, 4): as many columns as the first row, none with a name. */
static int read_values(struct reader *r)
{
    const struct pl_sql_place at = r->cur.place;
    const size_t depth = r->depth;
    size_t columns = 1;

    if (is_open(&r->cur)) {
        do {
            if (pl_sql_is_op(&r->cur, ",") && r->depth == depth + 1)
                columns++;
            if (accept(r) != 0)
                return -1;
        } while (r->depth > depth);
    }
    for (; columns > 0; columns--)
        if (add_nameless(r, &at, false) != 0)
            return -1;
    return 0;
}

static bool is_query_start(const struct pl_sql_token *token)
{
    return pl_sql_is_op(token, "(") || IS_ONE_OF(token, query_starts);
}

static int refuse_statement(struct reader *r)
{
    char name[PL_SQL_SHOWN];

    if (is_over(&r->cur))
        return pl_sql_fail(r->place, &r->cur.place, r->err,
                           "there is no statement; a query begins with SELECT "
                           "or WITH");
    return pl_sql_fail(r->place, &r->cur.place, r->err,
                       "%s does not begin a read-only query; only SELECT, "
                       "WITH, VALUES and TABLE do",
                       shown(&r->cur, name));
}

static int read_with(struct reader *r)
{
    if (accept(r) != 0)
        return -1;
    if (pl_sql_is_word(&r->cur, "RECURSIVE") && accept(r) != 0)
        return -1;
    for (;;) {
        if (!pl_sql_is_name(&r->cur))
            return unexpected(r, "the name of a query after WITH");
        if (accept(r) != 0)
            return -1;
        if (pl_sql_is_op(&r->cur, "(") && skip_group(r) != 0)
            return -1;
        if (!pl_sql_is_word(&r->cur, "AS") || !pl_sql_is_op(&r->next, "("))
            return unexpected(r, "AS ( after the name of a query in WITH");
        if (accept(r) != 0)
            return -1;
        if (!is_query_start(&r->next)) {
            r->cur = r->next;
            return refuse_statement(r);
        }
        if (skip_group(r) != 0)
            return -1;
        if (!pl_sql_is_op(&r->cur, ","))
            return 0;
        if (accept(r) != 0)
            return -1;
    }
}

/* The first branch, which names the columns. */
static int read_first_branch(struct reader *r)
{
    struct pl_sql_token first;

    while (pl_sql_is_op(&r->cur, "(")) {
        if (accept(r) != 0)
            return -1;
        if (pl_sql_is_word(&r->cur, "WITH"))
            return pl_sql_fail(r->place, &r->cur.place, r->err,
                               "WITH inside the outermost brackets; remove "
                               "these brackets");
    }
    first = r->cur;
    if (!is_query_start(&first) || pl_sql_is_word(&first, "WITH"))
        return refuse_statement(r);
    if (accept(r) != 0)
        return -1;
    if (pl_sql_is_word(&first, "SELECT"))
        return read_select_list(r);
    if (pl_sql_is_word(&first, "VALUES"))
        return read_values(r);
    if (!pl_sql_is_name(&r->cur))
        return unexpected(r, "the name of a table");
    return add_nameless(r, &first.place, true);
}

/* A second SELECT outside brackets needs UNION or its like before it. */
static bool is_set_word(const struct pl_sql_token *token)
{
    static const char *const words[] = {"UNION", "INTERSECT", "EXCEPT", "ALL",
                                        "DISTINCT"};

    return IS_ONE_OF(token, words);
}

static int read_rest(struct reader *r)
{
    struct pl_sql_token before = r->cur;

    while (!is_over(&r->cur)) {
        if (pl_sql_is_word(&r->cur, "SELECT") && r->depth == 0 &&
            !is_set_word(&before))
            return pl_sql_fail(r->place, &r->cur.place, r->err,
                               "a second SELECT begins here; join the two "
                               "with UNION ALL, or run one at a time");
        before = r->cur;
        if (accept(r) != 0)
            return -1;
    }
    if (r->depth > 0)
        return unclosed(r);
    if (r->cur.kind == PL_SQL_END)
        return 0;
    r->out->has_semicolon = true;
    r->out->sql_len = r->cur.place.offset;
    while (pl_sql_is_op(&r->cur, ";"))
        if (accept(r) != 0)
            return -1;
    if (r->cur.kind == PL_SQL_END)
        return 0;
    return pl_sql_fail(r->place, &r->cur.place, r->err,
                       "a second statement begins here; one query at a time");
}

static int read_statement(struct reader *r)
{
    if (pl_sql_next(&r->lex, &r->cur, r->place, r->err) != 0 ||
        pl_sql_next(&r->lex, &r->next, r->place, r->err) != 0)
        return -1;
    if (!is_query_start(&r->cur))
        return refuse_statement(r);
    if (pl_sql_is_word(&r->cur, "WITH") && read_with(r) != 0)
        return -1;
    if (read_first_branch(r) != 0)
        return -1;
    return read_rest(r);
}

int pl_sql_select_read(const char *sql, size_t len,
                       struct pl_sql_select *select, struct pl_sql_place *place,
                       struct pl_err *err)
{
    PL_AUTO(pl_sql_select) out = {.sql_len = len};
    struct reader r = {.out = &out, .place = place, .err = err};

    if (pl_sql_check_text(sql, len, place, err) != 0)
        return -1;
    pl_sql_lexer_init(&r.lex, sql, len);
    if (read_statement(&r) != 0)
        return -1;
    out.strange_blanks = r.lex.strange_blanks;
    out.strange_at = r.lex.strange_at;
    *select = out;
    out = (struct pl_sql_select){0};
    return 0;
}
