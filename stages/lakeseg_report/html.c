#include "stages/lakeseg_report/html.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "stages/lakeseg_report/glyph.h"
#include "stages/lakeseg_report/kept.h"
#include "stages/lakeseg_report/words.h"

#define VALUE_CHARACTERS 120

void html_release(struct html *h)
{
    pl_buf_release(&h->out);
}

int html_end(struct html *h, struct pl_err *err)
{
    return kept_end(&h->err, err);
}

static void put(struct html *h, const char *text, size_t len)
{
    kept_put(&h->out, &h->err, text, len);
}

void html_put(struct html *h, const char *markup)
{
    put(h, markup, strlen(markup));
}

void html_putf(struct html *h, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    kept_putf(&h->out, &h->err, fmt, ap);
    va_end(ap);
}

static void put_glyph(struct html *h, const char *bytes, size_t n,
                      uint32_t code)
{
    char name[12];

    switch (code) {
    case '<':
        html_put(h, "&lt;");
        return;
    case '>':
        html_put(h, "&gt;");
        return;
    case '&':
        html_put(h, "&amp;");
        return;
    case '"':
        html_put(h, "&quot;");
        return;
    case '\'':
        html_put(h, "&#39;");
        return;
    default:
        break;
    }
    if (glyph_is_hidden(code)) {
        glyph_name(code, name);
        html_put(h, "\xE2\x9F\xA8"); /* U+27E8, a bracket that data lack */
        html_put(h, name);
        html_put(h, "\xE2\x9F\xA9");
    } else if (code == GLYPH_BROKEN) {
        html_put(h, "\xEF\xBF\xBD");
    } else {
        put(h, bytes, n);
    }
}

void html_styled(struct html *h, const char *text, size_t len,
                 const struct html_style *style)
{
    const size_t end = style->max == 0 ? len : glyph_cut(text, len, style->max);
    uint32_t code;

    for (size_t at = 0; at < end && h->err.code == PL_OK;) {
        const size_t n = glyph_next(text + at, len - at, &code);
        const char mask = glyph_mask(code);

        if (style->is_masked)
            put_glyph(h, &mask, 1, (unsigned char)mask);
        else
            put_glyph(h, text + at, n, code);
        at += n;
    }
    if (end == len)
        return;
    html_put(h, "\xE2\x80\xA6 (");
    html_count(h, (int64_t)glyph_count(text, len));
    html_put(h, " characters)");
}

void html_bytes(struct html *h, const char *text, size_t len)
{
    html_styled(h, text, len, &(struct html_style){0});
}

void html_text(struct html *h, const char *text)
{
    html_bytes(h, text, strlen(text));
}

void html_value(struct html *h, const char *text, size_t len)
{
    html_put(h, "<bdi class='v'>");
    html_styled(h, text, len,
                &(struct html_style){.max = VALUE_CHARACTERS,
                                     .is_masked = !h->show_values});
    html_put(h, "</bdi>");
}

void html_cut(struct html *h, const char *text, size_t max)
{
    html_styled(h, text, strlen(text), &(struct html_style){.max = max});
}

void html_field(struct html *h, const char *field, int64_t count)
{
    html_putf(h, "<span data-f='%s'>", field);
    html_count(h, count);
    html_put(h, "</span>");
}

void html_count(struct html *h, int64_t count)
{
    char text[WORDS_LEN];

    words_count(count, text);
    html_put(h, text);
}
