/* The query, and the manifest folded away. */
#include <stdio.h>
#include <string.h>

#include "stages/lakeseg_report/fold.h"
#include "stages/lakeseg_report/glyph.h"
#include "stages/lakeseg_report/page.h"
#include "stages/lakeseg_report/sql_html.h"

/* "line 8, column 16" as query-validate says it, "line 8:16" as Athena. */
static bool read_place(const char *message, unsigned *line, unsigned *column)
{
    const char *at = strstr(message, "line ");

    return at != NULL &&
           (sscanf(at, "line %7u, column %7u", line, column) == 2 ||
            sscanf(at, "line %7u:%7u", line, column) == 2);
}

/* The offset of a place; the text's length when it lies behind it. */
static size_t offset_of(const char *sql, unsigned line, unsigned column)
{
    const size_t len = strlen(sql);
    size_t at = 0;

    for (; line > 1 && at < len; line--) {
        const char *end = strchr(sql + at, '\n');

        at = end != NULL ? (size_t)(end - sql) + 1 : len;
    }
    return at + glyph_cut(sql + at, len - at, column > 0 ? column - 1 : 0);
}

/* What the failure points to: as the verdict has it, or a word at the place
 * that its message names. */
static void find_mark(const struct report_run *run, size_t *at, size_t *len)
{
    const int64_t offset = pl_manifest_int(run->m, "query.verdict.offset", -1);
    const int64_t length = pl_manifest_int(run->m, "query.verdict.length", -1);
    unsigned line;
    unsigned column;

    *at = 0;
    *len = 0;
    if (run->failure.name == NULL || run->failed_step != REPORT_QUERY)
        return;
    if (offset >= 0 && length > 0) {
        *at = (size_t)offset;
        *len = (size_t)length;
    } else if (read_place(run->failure.message, &line, &column)) {
        *at = offset_of(run->query.sql, line, column);
        *len = strcspn(run->query.sql + *at, " \t\r\n,()");
    }
}

void page_sql(struct html *h, const struct report_view *view)
{
    const struct report_run *run = view->run;
    size_t at;
    size_t len;

    if (run->query.sql == NULL) {
        html_put(h, "<p>The manifest holds no query.</p>");
        return;
    }
    find_mark(run, &at, &len);
    sql_html(h, run->query.sql, at, len);
    if (run->query.execution_id[0] == '\0')
        return;
    html_put(h, "<p class='note'>Athena's execution <code>");
    html_cut(h, run->query.execution_id, PAGE_NAME_MAX);
    html_put(h, "</code> ");
    html_cut(h, run->query.state, PAGE_NAME_MAX);
    html_put(h, "</p>");
}

void page_manifest(struct html *h, const struct report_view *view)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;

    if (h->err.code == PL_OK &&
        fold_manifest(view->run->m, h->show_values, &text, &h->err) == 0 &&
        text.len == 0) {
        html_put(h, "<p>It is too long to be repeated here.</p>");
    } else {
        html_put(h, "<details><summary>The whole document</summary>"
                    "<pre class='json'>");
        html_text(h, pl_buf_str(&text));
        html_put(h, "</pre></details>");
    }
}
