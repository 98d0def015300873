/* Why rows were rejected, which ones, and what the first of them look like. */
#include <string.h>

#include "stages/lakeseg_report/chart.h"
#include "stages/lakeseg_report/page.h"
#include "stages/lakeseg_report/rule_words.h"
#include "stages/lakeseg_report/words.h"

#define EXAMPLES 3
#define NUMBERS 20

static bool is_of(const struct report_reject *r, const char *rule)
{
    return r->rule.len == strlen(rule) &&
           memcmp(r->rule.data, rule, r->rule.len) == 0;
}

static void labelled(struct html *h, const char *label,
                     const struct report_text *text)
{
    if (text->data == NULL)
        return;
    html_putf(h, " <span class='lb'>%s</span> ", label);
    html_value(h, text->data, text->len);
}

static void example(struct html *h, const struct report_reject *r)
{
    html_put(h, "<li><strong>record ");
    html_count(h, r->record);
    html_put(h, "</strong>");
    if (r->line >= 0) {
        html_put(h, " <span class='lb'>line</span> ");
        html_count(h, r->line);
    }
    if (r->column.data != NULL) {
        html_put(h, " <span class='lb'>column</span> <code>");
        html_styled(h, r->column.data, r->column.len,
                    &(struct html_style){.max = PAGE_NAME_MAX});
        html_put(h, "</code>");
    }
    labelled(h, "key", &r->key);
    if (r->detail.len > 0) {
        html_put(h, "<br/>");
        html_styled(h, r->detail.data, r->detail.len,
                    &(struct html_style){.max = 300});
    }
    if (r->raw.data != NULL) {
        struct report_text raw = r->raw;

        while (raw.len > 0 &&
               (raw.data[raw.len - 1] == '\n' || raw.data[raw.len - 1] == '\r'))
            raw.len--; /* its line end */
        html_put(h, "<br/>");
        labelled(h, "as it came", &raw);
    }
    html_put(h, "</li>");
}

static void examples(struct html *h, const struct report_rejects *rejects,
                     const char *rule)
{
    size_t count = 0;
    size_t shown = 0;

    for (size_t i = 0; i < rejects->count; i++)
        count += is_of(&rejects->list[i], rule);
    if (count == 0)
        return;
    html_put(h, "<p><span class='lb'>records</span> ");
    for (size_t i = 0; i < rejects->count && shown < NUMBERS; i++)
        if (is_of(&rejects->list[i], rule)) {
            html_put(h, shown++ > 0 ? ", " : "");
            html_count(h, rejects->list[i].record);
        }
    html_put(h, count > shown ? " \xE2\x80\xA6</p><ul class='ex'>"
                              : "</p><ul class='ex'>");
    shown = 0;
    for (size_t i = 0; i < rejects->count && shown < EXAMPLES; i++)
        if (is_of(&rejects->list[i], rule)) {
            example(h, &rejects->list[i]);
            shown++;
        }
    html_put(h, "</ul>");
}

static void rule(struct html *h, const struct report_view *view,
                 const struct report_rule *r)
{
    const char *words = rule_words(r->name);
    char percent[WORDS_LEN];

    words_percent(r->count, view->run->rows.in, percent);
    html_put(h, "<article class='rule'><h3><code>");
    html_cut(h, r->name, PAGE_NAME_MAX);
    html_put(h, "</code> <span class='n' data-f='by_rule'>");
    html_count(h, r->count);
    html_putf(h, "</span> <span class='pc'>%s of all rows</span></h3>",
              percent);
    chart_share(h, r->count, view->run->rows.rejected, "p2");
    if (words != NULL) {
        html_put(h, "<p>");
        html_text(h, words);
        html_put(h, "</p>");
    }
    examples(h, view->rejects, r->name);
    html_put(h, "</article>");
}

static void place(struct html *h, const struct report_rejects *rejects)
{
    if (rejects->uri == NULL)
        return;
    html_put(h, "<p class='note'>All of them, one a line: <code>");
    html_cut(h, rejects->uri, PAGE_MESSAGE_MAX);
    html_put(h, "</code></p>");
    if (rejects->trouble[0] != '\0') {
        html_put(h, "<p class='note'>Without examples, since the file could "
                    "not be read: ");
        html_text(h, rejects->trouble);
        html_put(h, "</p>");
    } else if (rejects->count > 0) {
        html_put(h, "<p class='note'>Records count from 1 behind the header. "
                    "Numbers and examples are from the first ");
        html_count(h, (int64_t)rejects->count);
        html_put(h, rejects->count == 1 ? " line" : " lines");
        html_put(h, " of that file.</p>");
    }
    if (rejects->unread > 0) {
        html_put(h, "<p class='note'>");
        html_count(h, (int64_t)rejects->unread);
        html_put(h, " of its lines could not be read.</p>");
    }
}

void page_rejects(struct html *h, const struct report_view *view)
{
    const struct report_run *run = view->run;

    if (run->rows.rejected <= 0)
        html_put(h, "<p>No row was rejected.</p>");
    for (size_t i = 0; i < run->rule_count; i++)
        rule(h, view, &run->rules[i]);
    if (run->rules_left > 0) {
        html_put(h, "<p class='note'>and ");
        html_count(h, (int64_t)run->rules_left);
        html_put(h, " more rules in the manifest</p>");
    }
    if (run->rows.rejected > 0)
        place(h, view->rejects);
}
