#include "stages/lakeseg_report/sql_html.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/text.h"
#include "pipeline/sql/lexer.h"

/* What a byte belongs to; the class of its span. */
enum paint { PLAIN, KEYWORD, STRING, NUMBER, QUOTED, COMMENT, PAINTS };
static const char *const classes[PAINTS] = {"", "k", "s", "n", "q", "c"};
#define MARKED 0x80

static enum paint paint_of(enum pl_sql_kind kind)
{
    if (kind == PL_SQL_STRING || kind == PL_SQL_UNICODE_STRING ||
        kind == PL_SQL_BINARY)
        return STRING;
    if (kind == PL_SQL_INTEGER || kind == PL_SQL_DECIMAL ||
        kind == PL_SQL_REAL || kind == PL_SQL_PARAM)
        return NUMBER;
    if (kind == PL_SQL_QUOTED || kind == PL_SQL_BACKQUOTED)
        return QUOTED;
    return pl_sql_is_reserved(kind) ? KEYWORD : PLAIN;
}

/* Between tokens there are blanks and comments. */
static void paint_gap(unsigned char *paint, const char *sql, size_t from,
                      size_t to)
{
    for (size_t i = from; i < to; i++)
        if (strchr(" \t\r\n", sql[i]) == NULL) {
            memset(paint + i, COMMENT, to - i);
            return;
        }
}

static void paint_tokens(unsigned char *paint, const char *sql, size_t len)
{
    struct pl_sql_lexer lex;
    struct pl_sql_token token;
    struct pl_sql_place place;
    struct pl_err ignored = {0};
    size_t end = 0;

    if (pl_sql_check_text(sql, len, &place, &ignored) != 0)
        return;
    pl_sql_lexer_init(&lex, sql, len);
    for (;;) {
        pl_sql_next(&lex, &token);
        if (token.kind == PL_SQL_ERROR)
            return;
        paint_gap(paint, sql, end, token.offset);
        if (token.kind == PL_SQL_END)
            return;
        memset(paint + token.offset, (int)paint_of(token.kind), token.len);
        end = token.offset + token.len;
    }
}

static void open_span(struct html *h, unsigned char paint)
{
    if ((paint & MARKED) != 0)
        html_put(h, "<mark>");
    if ((paint & ~MARKED) != PLAIN)
        html_putf(h, "<span class='%s'>", classes[paint & ~MARKED]);
}

static void close_span(struct html *h, unsigned char paint)
{
    if ((paint & ~MARKED) != PLAIN)
        html_put(h, "</span>");
    if ((paint & MARKED) != 0)
        html_put(h, "</mark>");
}

static void write_line(struct html *h, const char *sql,
                       const unsigned char *paint, size_t len)
{
    html_put(h, "<span class='l'>");
    for (size_t at = 0; at < len;) {
        size_t n = 1;

        while (at + n < len && paint[at + n] == paint[at])
            n++;
        open_span(h, paint[at]);
        html_bytes(h, sql + at, n);
        close_span(h, paint[at]);
        at += n;
    }
    html_put(h, "\n</span>");
}

void sql_html(struct html *h, const char *sql, size_t mark_at, size_t mark_len)
{
    const size_t all = strlen(sql);
    const size_t len =
        pl_utf8_valid_len(sql, all < SQL_HTML_BYTES ? all : SQL_HTML_BYTES);
    unsigned char *paint = calloc(1, len + 1);

    if (paint == NULL) {
        (void)pl_fail_memory(&h->err);
        return;
    }
    paint_tokens(paint, sql, len);
    for (size_t i = mark_at; i < len && i - mark_at < mark_len; i++)
        paint[i] |= MARKED;
    html_put(h, "<pre class='sql'><code>");
    for (size_t at = 0; at < len;) {
        const char *end = memchr(sql + at, '\n', len - at);
        const size_t n = end != NULL ? (size_t)(end - sql) - at : len - at;

        write_line(h, sql + at, paint + at,
                   n > 0 && sql[at + n - 1] == '\r' ? n - 1 : n);
        at += n + 1;
    }
    html_put(h, "</code></pre>");
    free(paint);
    if (len < all) {
        html_put(h, "<p class='note'>The first ");
        html_count(h, (int64_t)len);
        html_put(h, " of ");
        html_count(h, (int64_t)all);
        html_put(h, " bytes.</p>");
    }
}
