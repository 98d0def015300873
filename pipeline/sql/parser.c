#include "pipeline/sql/parser.h"

#include <stdio.h>
#include <string.h>

/* What a message may show of a token: never the text of a literal. */
static const char *shown(const struct pl_sql_parser *p,
                         const struct pl_sql_token *token,
                         char out[PL_SQL_SHOWN])
{
    switch ((int)token->kind) {
    case PL_SQL_END:
        return "the end of the text";
    case PL_SQL_STRING:
    case PL_SQL_UNICODE_STRING:
    case PL_SQL_BINARY:
        return "a string";
    case PL_SQL_INTEGER:
    case PL_SQL_DECIMAL:
    case PL_SQL_REAL:
        return "a number";
    default:
        pl_sql_show(p->lex.sql + token->offset, token->len, out);
        return out;
    }
}

int pl_sql_fail_at(struct pl_sql_parser *p, const struct pl_sql_token *at,
                   const char *what)
{
    const struct pl_sql_place place =
        pl_sql_place_of_token(p->lex.sql, p->lex.len, at);

    return pl_sql_fail(p->place, &place, p->err, "%s", what);
}

/* Words of other statements. */
static bool is_foreign(enum pl_sql_kind kind)
{
    return kind == PL_SQL_K_ALTER || kind == PL_SQL_K_CREATE ||
           kind == PL_SQL_K_DEALLOCATE || kind == PL_SQL_K_DELETE ||
           kind == PL_SQL_K_DESCRIBE || kind == PL_SQL_K_DROP ||
           kind == PL_SQL_K_EXECUTE || kind == PL_SQL_K_INSERT ||
           kind == PL_SQL_K_PREPARE;
}

int pl_sql_unexpected(struct pl_sql_parser *p, const char *wanted)
{
    const struct pl_sql_token *t = pl_sql_token(p);
    const struct pl_sql_place at =
        pl_sql_place_of_token(p->lex.sql, p->lex.len, t);
    char name[PL_SQL_SHOWN];
    const char *text = shown(p, t, name);

    if (p->kind == PL_SQL_ERROR)
        return pl_sql_explain(&p->lex, t, p->place, p->err);
    if (p->kind == PL_SQL_BACKQUOTED)
        return pl_sql_fail(p->place, &at, p->err,
                           "a name in back quotes, which Athena takes in DDL "
                           "only; use double quotes");
    if (p->kind == PL_SQL_QUOTED && t->len == 2)
        return pl_sql_fail(p->place, &at, p->err,
                           "an empty name in double quotes; an empty string "
                           "is written ''");
    if (p->depth == 0 &&
        (p->kind == PL_SQL_RPAREN || p->kind == PL_SQL_RBRACKET ||
         p->kind == PL_SQL_RBRACE))
        return pl_sql_fail(p->place, &at, p->err, "'%s' closes nothing", text);
    if (is_foreign(p->kind))
        return pl_sql_fail(p->place, &at, p->err,
                           "%s has no place in a read-only query; if it is a "
                           "name put it in double quotes",
                           text);
    if (pl_sql_is_reserved(p->kind) && p->kind != PL_SQL_K_FROM &&
        (strstr(wanted, "name") != NULL ||
         strcmp(wanted, "an expression") == 0))
        return pl_sql_fail(p->place, &at, p->err,
                           "expected %s, not %s; a name that is a reserved "
                           "word needs double quotes",
                           wanted, text);
    return pl_sql_fail(p->place, &at, p->err, "expected %s, not %s", wanted,
                       text);
}

int pl_sql_expect(struct pl_sql_parser *p, enum pl_sql_kind kind,
                  const char *wanted)
{
    return pl_sql_accept(p, kind) ? 0 : pl_sql_unexpected(p, wanted);
}

int pl_sql_name(struct pl_sql_parser *p, const char *wanted)
{
    if (!pl_sql_is_name(p->kind) ||
        (p->kind == PL_SQL_QUOTED && pl_sql_token(p)->len == 2))
        return pl_sql_unexpected(p, wanted);
    pl_sql_shift(p);
    return 0;
}

int pl_sql_qualified_name(struct pl_sql_parser *p, const char *wanted)
{
    if (pl_sql_name(p, wanted) != 0)
        return -1;
    while (pl_sql_accept(p, PL_SQL_DOT))
        if (pl_sql_name(p, "a name after '.'") != 0)
            return -1;
    return 0;
}

int pl_sql_name_list(struct pl_sql_parser *p)
{
    struct pl_sql_token open = {0};

    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0)
        return -1;
    do {
        if (pl_sql_name(p, "a column name") != 0)
            return -1;
    } while (pl_sql_accept(p, PL_SQL_COMMA));
    return pl_sql_close(p, &open);
}

int pl_sql_enter(struct pl_sql_parser *p)
{
    const struct pl_sql_token *t = pl_sql_token(p);
    struct pl_sql_place at;

    if (p->depth++ < PL_SQL_MAX_DEPTH)
        return 0;
    at = pl_sql_place_of_token(p->lex.sql, p->lex.len, t);
    return pl_sql_fail(p->place, &at, p->err,
                       "more than %d brackets inside each other",
                       PL_SQL_MAX_DEPTH);
}

static const char *text_of(enum pl_sql_kind open)
{
    return open == PL_SQL_LPAREN     ? "'('"
           : open == PL_SQL_LBRACKET ? "'['"
           : open == PL_SQL_LEXCLUDE ? "'{-'"
           : open == PL_SQL_LBRACE   ? "'{'"
                                     : "'<'";
}

static enum pl_sql_kind closer_of(enum pl_sql_kind open)
{
    return open == PL_SQL_LPAREN     ? PL_SQL_RPAREN
           : open == PL_SQL_LBRACKET ? PL_SQL_RBRACKET
           : open == PL_SQL_LEXCLUDE ? PL_SQL_REXCLUDE
           : open == PL_SQL_LBRACE   ? PL_SQL_RBRACE
                                     : PL_SQL_GT;
}

int pl_sql_open(struct pl_sql_parser *p, enum pl_sql_kind kind,
                struct pl_sql_token *open)
{
    if (p->kind != kind)
        return pl_sql_unexpected(p, text_of(kind));
    if (pl_sql_enter(p) != 0)
        return -1;
    *open = *pl_sql_token(p);
    pl_sql_shift(p);
    return 0;
}

/* A word or sign that nothing in brackets can go on with. */
static bool ends_brackets(enum pl_sql_kind kind)
{
    switch ((int)kind) {
    case PL_SQL_END:
    case PL_SQL_SEMICOLON:
    case PL_SQL_K_FROM:
    case PL_SQL_K_WHERE:
    case PL_SQL_K_GROUP:
    case PL_SQL_K_HAVING:
    case PL_SQL_K_JOIN:
        return true;
    default:
        return false;
    }
}

int pl_sql_close(struct pl_sql_parser *p, const struct pl_sql_token *open)
{
    const enum pl_sql_kind want = closer_of(open->kind);
    const struct pl_sql_token *t = pl_sql_token(p);
    struct pl_sql_place at;
    struct pl_sql_place opened;

    pl_sql_leave(p);
    if (pl_sql_accept(p, want))
        return 0;
    opened = pl_sql_place_of_token(p->lex.sql, p->lex.len, open);
    if (ends_brackets(p->kind))
        return pl_sql_fail(p->place, &opened, p->err,
                           "the %s that begins here is not closed",
                           text_of(open->kind));
    if (p->kind == PL_SQL_RPAREN || p->kind == PL_SQL_RBRACKET ||
        p->kind == PL_SQL_RBRACE) {
        at = pl_sql_place_of_token(p->lex.sql, p->lex.len, t);
        return pl_sql_fail(p->place, &at, p->err,
                           "'%c' does not close the %s of line %u, column %u",
                           p->lex.sql[t->offset], text_of(open->kind),
                           opened.line, opened.column);
    }
    return pl_sql_unexpected(p, want == PL_SQL_RPAREN     ? "a comma or ')'"
                                : want == PL_SQL_RBRACKET ? "a comma or ']'"
                                                          : "its end");
}

bool pl_sql_starts_query(enum pl_sql_kind kind)
{
    return kind == PL_SQL_K_SELECT || kind == PL_SQL_K_WITH ||
           kind == PL_SQL_K_VALUES || kind == PL_SQL_K_TABLE;
}

bool pl_sql_is_clause(struct pl_sql_parser *p, unsigned ahead)
{
    const enum pl_sql_kind kind = pl_sql_ahead(p, ahead);
    enum pl_sql_kind next;

    if (kind != PL_SQL_K_LIMIT && kind != PL_SQL_K_OFFSET &&
        kind != PL_SQL_K_FETCH && kind != PL_SQL_K_WINDOW)
        return false;
    next = pl_sql_ahead(p, ahead + 1);
    if (kind == PL_SQL_K_FETCH)
        return next == PL_SQL_K_FIRST || next == PL_SQL_K_NEXT;
    if (kind == PL_SQL_K_WINDOW)
        return pl_sql_is_name(next) &&
               pl_sql_ahead(p, ahead + 2) == PL_SQL_K_AS;
    return next == PL_SQL_INTEGER || next == PL_SQL_PARAM ||
           (kind == PL_SQL_K_LIMIT && next == PL_SQL_K_ALL);
}

bool pl_sql_continues_query(struct pl_sql_parser *p)
{
    switch ((int)p->kind) {
    case PL_SQL_K_UNION:
    case PL_SQL_K_INTERSECT:
    case PL_SQL_K_EXCEPT:
    case PL_SQL_K_ORDER:
        return true;
    default:
        return p->kind != PL_SQL_K_WINDOW && pl_sql_is_clause(p, 0);
    }
}
