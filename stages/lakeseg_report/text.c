#include "stages/lakeseg_report/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "stages/lakeseg_report/glyph.h"
#include "stages/lakeseg_report/kept.h"

void text_release(struct text *t)
{
    pl_buf_release(&t->out);
}

int text_end(struct text *t, struct pl_err *err)
{
    return kept_end(&t->err, err);
}

static void put(struct text *t, const char *bytes, size_t len)
{
    kept_put(&t->out, &t->err, bytes, len);
}

void text_put(struct text *t, const char *words)
{
    put(t, words, strlen(words));
}

void text_putf(struct text *t, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    kept_putf(&t->out, &t->err, fmt, ap);
    va_end(ap);
}

static void blanks(struct text *t, size_t count)
{
    while (count-- > 0)
        put(t, " ", 1);
}

/* What stands for the next character; *columns is how wide that is. */
static const char *shown(const struct text *t, const char *text, size_t len,
                         char room[12], size_t *taken, size_t *columns)
{
    uint32_t code;

    *taken = glyph_next(text, len, &code);
    *columns = 1;
    if (code == '\t' || code == '\n' || code == '\r')
        return " ";
    if (glyph_is_hidden(code)) {
        glyph_name(code, room);
        *columns = strlen(room);
        return room;
    }
    if (code == GLYPH_BROKEN || (code > 0x7E && !t->is_utf8))
        return "?";
    memcpy(room, text, *taken);
    room[*taken] = '\0';
    *columns = glyph_width(code);
    return room;
}

/* How many bytes of text fit into so many columns; *used of which. */
static size_t fits(const struct text *t, const char *text, size_t len,
                   size_t columns, size_t *used)
{
    char room[12];
    size_t at = 0;

    *used = 0;
    while (at < len) {
        size_t taken;
        size_t wide;

        (void)shown(t, text + at, len - at, room, &taken, &wide);
        if (*used + wide > columns)
            break;
        *used += wide;
        at += taken;
    }
    return at;
}

static void put_shown(struct text *t, const char *text, size_t len)
{
    char room[12];

    for (size_t at = 0; at < len && t->err.code == PL_OK;) {
        size_t taken;
        size_t wide;

        text_put(t, shown(t, text + at, len - at, room, &taken, &wide));
        at += taken;
    }
}

void text_cell(struct text *t, const char *text, size_t len, size_t columns)
{
    size_t used;
    size_t end = fits(t, text, len, columns, &used);

    if (end < len && columns > 1) { /* room for the sign that it is cut */
        end = fits(t, text, len, columns - 1, &used);
        put_shown(t, text, end);
        text_put(t, t->is_utf8 ? "\xE2\x80\xA6" : "~");
        used++;
    } else {
        put_shown(t, text, end);
    }
    blanks(t, columns - used);
}

void text_right(struct text *t, const char *text, size_t columns)
{
    size_t used;
    const size_t end = fits(t, text, strlen(text), columns, &used);

    blanks(t, columns - used);
    put_shown(t, text, end);
}

void text_wrapped(struct text *t, const char *text, size_t indent)
{
    size_t len = strlen(text);
    const size_t columns = t->width > indent + 10 ? t->width - indent : 10;

    do {
        size_t used;
        size_t end = fits(t, text, len, columns, &used);
        size_t blank = end;

        if (end < len) {
            while (blank > 0 && text[blank] != ' ')
                blank--;
            if (blank > 0)
                end = blank;
        }
        blanks(t, indent);
        put_shown(t, text, end);
        text_put(t, "\n");
        text += end;
        len -= end;
        while (len > 0 && *text == ' ') {
            text++;
            len--;
        }
    } while (len > 0 && t->err.code == PL_OK);
}

void text_bar(struct text *t, int64_t part, int64_t whole, size_t columns)
{
    static const char *const eighths[] = {"",
                                          "\xE2\x96\x8F",
                                          "\xE2\x96\x8E",
                                          "\xE2\x96\x8D",
                                          "\xE2\x96\x8C",
                                          "\xE2\x96\x8B",
                                          "\xE2\x96\x8A",
                                          "\xE2\x96\x89"};
    const double share = whole > 0 && part > 0
                             ? (part < whole ? (double)part / (double)whole : 1)
                             : 0;
    size_t n = (size_t)(share * (double)columns * 8 + 0.5);

    if (n == 0 && share > 0)
        n = 1;
    if (n == columns * 8 && share < 1)
        n--; /* what is not all is not shown as all */
    if (!t->is_utf8)
        n = n > 0 && n < 8 ? 8 : n / 8 * 8;
    for (size_t i = 0; i < n / 8; i++)
        text_put(t, t->is_utf8 ? "\xE2\x96\x88" : "#");
    text_put(t, eighths[n % 8]);
    blanks(t, columns - n / 8 - (n % 8 > 0));
}
