/* The runs of a job as a page: what changes over time, and a line a run. */
#include <inttypes.h>

#include "stages/lakeseg_report/chart.h"
#include "stages/lakeseg_report/history.h"
#include "stages/lakeseg_report/page.h"
#include "stages/lakeseg_report/words.h"

#define CHARTED 60 /* the youngest */

static const char *bar_class(const void *ctx, size_t i)
{
    const struct history_run *runs = ctx;

    return runs[i].state == REPORT_GOOD  ? "p1"
           : runs[i].state == REPORT_BAD ? "p2"
                                         : "p0";
}

enum measure { ROWS, REJECTED, DURATION, SCANNED, COST, MEASURES };
static const char *const titles[MEASURES] = {"rows written", "rejected rows",
                                             "duration", "bytes scanned",
                                             "estimated cost"};

static double value_of(const struct history_run *r, enum measure m)
{
    const double values[MEASURES] = {[ROWS] = (double)r->rows_out,
                                     [REJECTED] = (double)r->rejected,
                                     [DURATION] = (double)r->duration_ms,
                                     [SCANNED] = (double)r->scanned_bytes,
                                     [COST] = r->cost};

    return values[m];
}

static void word_of(const struct history_run *r, enum measure m,
                    char out[WORDS_LEN])
{
    if (value_of(r, m) < 0)
        (void)snprintf(out, WORDS_LEN, "-");
    else if (m == DURATION)
        words_duration(r->duration_ms, out);
    else if (m == SCANNED)
        words_bytes(r->scanned_bytes, out);
    else if (m == COST)
        words_cost(r->cost, out);
    else
        words_count(m == ROWS ? r->rows_out : r->rejected, out);
}

static void chart(struct html *h, const struct history_run *runs, size_t count,
                  enum measure m)
{
    double values[CHARTED];
    const struct history_run *highest = NULL;
    char text[WORDS_LEN];

    for (size_t i = 0; i < count; i++) {
        values[i] = value_of(&runs[i], m);
        if (values[i] >= 0 &&
            (highest == NULL || values[i] > value_of(highest, m)))
            highest = &runs[i];
    }
    if (highest == NULL)
        return;
    html_putf(h, "<article class='col'><h3>%s</h3>", titles[m]);
    chart_columns(h, values, count, bar_class, runs);
    word_of(highest, m, text);
    html_putf(h, "<p class='note'>at most %s", text);
    word_of(&runs[count - 1], m, text);
    html_putf(h, ", in the last run %s</p></article>", text);
}

static void charts(struct html *h, const struct history *history)
{
    const size_t count = history->count < CHARTED ? history->count : CHARTED;
    const struct history_run *runs = history->runs + (history->count - count);

    page_section(h, "charts", "Over time");
    html_putf(h,
              "<p class='note'>The last %zu runs from left to right; failed "
              "ones stand out, and have what they came to.</p>"
              "<div class='charts'>",
              count);
    for (enum measure m = ROWS; m < MEASURES; m++)
        chart(h, runs, count, m);
    html_put(h, "</div>");
    page_section_end(h);
}

static void row(struct html *h, const struct history_run *r)
{
    static const char *const classes[] = {[REPORT_GOOD] = "good-t",
                                          [REPORT_OPEN] = "open-t",
                                          [REPORT_BAD] = "bad-t"};
    char text[WORDS_LEN];

    html_put(h, "<li><p class='run'><strong class='");
    html_put(h, classes[r->state]);
    html_putf(h, "'>%s</strong> ", r->subject);
    if (r->error[0] != '\0') {
        html_put(h, "(");
        html_text(h, r->error);
        html_put(h, ") ");
    }
    html_put(h, "<code>");
    html_text(h, r->id);
    html_put(h, "</code>");
    if (r->started_ms >= 0) {
        words_time(r->started_ms, text);
        html_putf(h, " <span class='lb'>%s</span>", text);
    }
    html_put(h, "</p><dl class='small'>");
    for (enum measure m = ROWS; m < MEASURES; m++) {
        if (value_of(r, m) < 0)
            continue;
        word_of(r, m, text);
        html_putf(h, "<div><dt>%s</dt><dd>%s</dd></div>", titles[m], text);
    }
    html_put(h, "</dl></li>");
}

static void verdict(struct html *h, const struct history *history)
{
    size_t good = 0;
    const struct history_run *last;

    for (size_t i = 0; i < history->count; i++)
        good += history->runs[i].state == REPORT_GOOD;
    last = history->count > 0 ? &history->runs[history->count - 1] : NULL;
    html_put(h, "<section class='verdict ");
    html_put(h, last == NULL || last->state == REPORT_OPEN ? "open"
                : last->state == REPORT_GOOD               ? "good"
                                                           : "bad");
    html_put(h, "' aria-labelledby='verdict-h'><h1 id='verdict-h'>");
    page_icon(h, last == NULL || last->state == REPORT_OPEN ? ICON_OPEN
                 : last->state == REPORT_GOOD               ? ICON_GOOD
                                                            : ICON_BAD);
    if (last == NULL)
        html_put(h, "<span>No run of this job is known here.</span>");
    else
        html_putf(h,
                  "<span>Successful runs: %zu of %zu. The last one: %s.</span>",
                  good, history->count, last->subject);
    html_put(h, "</h1></section>\n");
}

void history_page(struct html *h, const struct history *history)
{
    page_open(h);
    html_cut(h, history->job, PAGE_NAME_MAX);
    html_put(h, ": runs");
    page_open_body(h);
    html_put(h, "<header class='top'><p class='job'><bdi>");
    html_cut(h, history->job, PAGE_NAME_MAX);
    html_put(h, "</bdi></p></header><main id='main'>");
    verdict(h, history);
    if (history->count > 0) {
        charts(h, history);
        page_section(h, "runs", "Runs");
        html_put(h, "<ol class='runs' reversed='reversed'>");
        for (size_t i = history->count; i > 0; i--)
            row(h, &history->runs[i - 1]);
        html_put(h, "</ol>");
        page_section_end(h);
    }
    if (history->left > 0)
        html_putf(h, "<p class='note'>and %zu older runs</p>", history->left);
    if (history->skipped > 0)
        html_putf(h, "<p class='note'>%zu files are no manifests.</p>",
                  history->skipped);
    html_put(h, "</main><footer><p>Made by lakeseg " LAKESEG_VERSION
                ". <code>lakeseg report RUN</code> tells the whole story of a "
                "run.</p></footer>");
    page_close(h);
}
