/* Any manifest and any reject file: the page is well-formed and holds nothing
 * but its own markup, the text nothing that a terminal would obey. The first
 * byte chooses; a line with the manifest follows, the rest are rejects. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/text.h"
#include "stages/lakeseg_report/lakeseg_report.h"
#include "stages/lakeseg_report/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *what, const char *at)
{
    (void)fprintf(stderr, "%s at: %.80s\n", what, at);
    abort();
}

/* What the pages are made of. */
static const char *const elements[] = {
    "html", "head",    "meta",  "title",   "style",   "body", "a",
    "p",    "bdi",     "code",  "time",    "header",  "main", "section",
    "h1",   "h2",      "h3",    "svg",     "circle",  "path", "rect",
    "span", "dl",      "dt",    "dd",      "div",     "ol",   "ul",
    "li",   "table",   "thead", "tbody",   "caption", "tr",   "th",
    "td",   "article", "br",    "details", "summary", "pre",  "mark",
    "nav",  "footer",  "strong"};

static bool is_ours(const char *name, size_t len)
{
    for (size_t i = 0; i < PL_COUNT(elements); i++)
        if (strlen(elements[i]) == len && memcmp(elements[i], name, len) == 0)
            return true;
    return false;
}

/* Past the attributes of a tag: each a name, and a value in quotes. */
static const char *attributes(const char *at)
{
    while (*at == ' ') {
        const size_t name =
            strspn(at + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
                           "YZ-");
        const char quote = at[name + 2];
        const char *end;

        if (name == 0 || at[name + 1] != '=' || (quote != '"' && quote != '\''))
            fail("an attribute", at);
        if (strncmp(at + 1, "on", 2) == 0 || strncmp(at + 1, "style=", 6) == 0)
            fail("a handler or a style", at);
        end = strchr(at + name + 3, quote);
        if (end == NULL ||
            memchr(at + name + 3, '<', (size_t)(end - at) - name - 3) != NULL)
            fail("a value", at);
        at = end + 1;
    }
    return at;
}

static const char *entity(const char *at)
{
    static const char *const known[] = {"&lt;", "&gt;", "&amp;", "&quot;",
                                        "&#39;"};

    for (size_t i = 0; i < PL_COUNT(known); i++)
        if (pl_starts_with(at, known[i]))
            return at + strlen(known[i]);
    fail("a bare ampersand", at);
    return at;
}

#define DEPTH 64

static void check_page(const char *at, size_t len)
{
    const char *open[DEPTH];
    size_t depth = 0;

    if (strlen(at) != len || pl_utf8_valid_len(at, len) != len)
        fail("not UTF-8", at);
    if (!pl_starts_with(at, "<!DOCTYPE html>"))
        fail("no doctype", at);
    at += 15;
    while (*at != '\0') {
        size_t n;

        if ((unsigned char)*at < ' ' && *at != '\n' && *at != '\t' &&
            *at != '\r')
            fail("a control character", at);
        if (*at == '&')
            at = entity(at);
        else if (*at != '<')
            at++;
        else if (at[1] == '/') {
            n = strcspn(at + 2, ">");
            if (depth == 0 || strncmp(open[--depth], at + 2, n) != 0 ||
                strchr(" />", open[depth][n]) == NULL)
                fail("another end tag", at);
            at += n + 3;
        } else {
            n = strcspn(at + 1, " />");
            if (!is_ours(at + 1, n) || depth == DEPTH)
                fail("a tag", at);
            open[depth++] = at + 1;
            at = attributes(at + 1 + n);
            if (*at == '/') {
                depth--;
                at++;
            }
            if (*at++ != '>')
                fail("a tag's end", at - 1);
        }
    }
    if (depth != 0)
        fail("an open tag", open[depth - 1]);
}

static void check_text(const char *at, size_t len)
{
    if (strlen(at) != len)
        fail("a NUL byte", at);
    for (; *at != '\0'; at++)
        if (((unsigned char)*at < ' ' && *at != '\n') || *at == 0x7F)
            fail("a control character", at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    static struct report_run run; /* too large for a stack */
    PL_AUTO(report_rejects) rejects = {.count = 0};
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(html) h = {.out = PL_BUF_INIT_MAX(LAKESEG_REPORT_MAX)};
    PL_AUTO(text) t = {.width = 80, .out = PL_BUF_INIT_MAX(LAKESEG_REPORT_MAX)};
    const struct report_view view = {
        &run, size > 0 && (data[0] & 4) != 0 ? &run : NULL, &rejects};
    struct pl_err err = {0};
    struct pl_mem_source mem;
    struct pl_source source;

    if (end == NULL || end == data ||
        pl_manifest_parse(&m, (const char *)data + 1, (size_t)(end - data) - 1,
                          &err) != 0)
        return 0;
    mem = (struct pl_mem_source){.data = (const char *)end + 1,
                                 .len = size - (size_t)(end - data) - 1};
    source = pl_mem_source(&mem);
    h.show_values = t.show_values = (data[0] & 1) != 0;
    t.is_utf8 = (data[0] & 8) != 0;
    report_model(&m, 5, &run);
    if (report_rejects_parse(&rejects, &source, (data[0] & 2) != 0, &err) != 0)
        abort();
    report_page(&h, &view);
    report_text(&t, &view);
    if (html_end(&h, &err) != 0 || text_end(&t, &err) != 0)
        fail("no report", err.msg);
    check_page(h.out.data, h.out.len);
    check_text(t.out.data, t.out.len);
    return 0;
}
