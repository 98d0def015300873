/* What is other than last time, and what the query cost. */
#include "stages/lakeseg_report/change.h"
#include "stages/lakeseg_report/page.h"
#include "stages/lakeseg_report/words.h"

static void row(struct html *h, const struct change *c)
{
    char words[CHANGE_WORDS][WORDS_LEN];

    change_words(c, words);
    html_putf(h, "<tr><th scope='row'>%s", c->label);
    if (c->name != NULL) {
        html_put(h, " <code>");
        html_cut(h, c->name, PAGE_NAME_MAX);
        html_put(h, "</code>");
    }
    html_put(h, "</th>");
    for (size_t i = 0; i < CHANGE_WORDS; i++) {
        html_put(h, "<td class='n'>");
        html_text(h, words[i]);
        html_put(h, "</td>");
    }
    html_put(h, "</tr>");
}

static void delta(struct html *h, const struct report_delta *d)
{
    const struct {
        const char *word;
        const char *field;
        int64_t count;
    } parts[] = {
        {"new", "validate.result.delta.rows_new", d->added},
        {"changed", "validate.result.delta.rows_changed", d->changed},
        {"unchanged", "validate.result.delta.rows_unchanged", d->unchanged},
        {"gone", "validate.result.delta.rows_gone", d->gone}};

    html_put(h, "<h3>Row by row</h3>");
    if (d->why_full != NULL) {
        html_put(h, "<p>Every row was sent: ");
        html_cut(h, d->why_full, PAGE_MESSAGE_MAX);
        html_put(h, ".</p>");
    }
    if (d->last_run == NULL)
        return;
    html_put(h, "<p class='note'>Against run <code>");
    html_cut(h, d->last_run, PAGE_NAME_MAX);
    html_put(h, "</code>, by key:</p><dl class='small'>");
    for (size_t i = 0; i < PL_COUNT(parts); i++) {
        if (parts[i].count < 0)
            continue;
        html_putf(h, "<div><dt>%s</dt><dd>", parts[i].word);
        html_field(h, parts[i].field, parts[i].count);
        html_put(h, "</dd></div>");
    }
    html_put(h, "</dl>");
}

static void figures(struct html *h, const struct report_view *view)
{
    struct changes changes;
    char text[WORDS_LEN];

    changes_find(view->before, view->run, &changes);
    html_put(h, "<p class='note'>Against the last successful run, <code>");
    html_cut(h, view->before->id, PAGE_NAME_MAX);
    html_put(h, "</code>");
    if (view->before->started_ms >= 0) {
        words_time(view->before->started_ms, text);
        html_putf(h, " of %s", text);
    }
    html_put(h, ".</p><table class='change'><caption class='vh'>Change"
                "</caption><thead><tr><th scope='col'>what</th>"
                "<th scope='col'>before</th><th scope='col'>now</th>"
                "<th scope='col'>change</th></tr></thead><tbody>");
    for (size_t i = 0; i < changes.count; i++)
        row(h, &changes.list[i]);
    html_put(h, "</tbody></table>");
    if (changes.left > 0) {
        html_put(h, "<p class='note'>and ");
        html_count(h, (int64_t)changes.left);
        html_put(h, " more</p>");
    }
}

void page_change(struct html *h, const struct report_view *view)
{
    if (view->before != NULL)
        figures(h, view);
    else
        html_put(h, "<p>No earlier successful run of this job is known "
                    "here.</p>");
    if (view->run->delta.is_there)
        delta(h, &view->run->delta);
}

void page_cost(struct html *h, const struct report_view *view)
{
    const struct report_query *q = &view->run->query;
    char text[WORDS_LEN];

    html_put(h, "<p>Athena scanned ");
    html_field(h, "query.result.scanned_bytes", q->scanned_bytes);
    html_put(h, " bytes");
    if (q->billed_bytes >= 0) {
        html_put(h, " and bills ");
        html_field(h, "query.result.billed_bytes", q->billed_bytes);
    }
    html_put(h, q->is_reused ? ": the result was reused.</p>" : ".</p>");
    if (q->cost >= 0 && q->price_per_tb >= 0) {
        words_cost(q->cost, text);
        html_putf(h, "<p>Estimate: <strong>%s</strong>, ", text);
        words_cost(q->price_per_tb, text);
        html_putf(h,
                  "at %s a TB (<code>query.price_per_tb</code>). The bill "
                  "decides.</p>",
                  text);
    } else {
        html_put(h, "<p>There is no estimate without a price: set <code>"
                    "query.price_per_tb</code> or <code>LAKESEG_PRICE_PER_TB"
                    "</code>.</p>");
    }
}
