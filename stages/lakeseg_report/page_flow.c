/* The way of the rows: the three steps, and what became of how many. */
#include <inttypes.h>
#include <string.h>

#include "stages/lakeseg_report/chart.h"
#include "stages/lakeseg_report/page.h"
#include "stages/lakeseg_report/words.h"

static void step_text(struct html *h, const struct report_run *run,
                      enum report_step step)
{
    char text[WORDS_LEN];

    switch (step) {
    case REPORT_QUERY:
        if (run->query.scanned_bytes >= 0) {
            words_bytes(run->query.scanned_bytes, text);
            html_putf(h, "%s scanned", text);
        }
        if (run->rows.in >= 0) {
            html_put(h, run->query.scanned_bytes >= 0 ? ", " : "");
            html_count(h, run->rows.in);
            html_put(h, run->rows.in == 1 ? " row found" : " rows found");
        }
        return;
    case REPORT_TRANSFORM:
        if (run->rows.in < 0)
            return;
        html_count(h, run->rows.out);
        html_put(h, " written, ");
        html_count(h, run->rows.rejected);
        html_put(h, " rejected");
        return;
    case REPORT_IMPORT:
        break;
    }
    if (run->processed < 0) {
        html_put(h, "nothing was imported");
        return;
    }
    html_count(h, run->processed);
    html_put(h, " processed");
    if (run->failed >= 0) {
        html_put(h, ", ");
        html_count(h, run->failed);
        html_put(h, " failed");
    }
}

static void step(struct html *h, const struct report_run *run,
                 enum report_step which, const char *name)
{
    const bool is_reached = report_reached(run, which);
    const bool is_bad = run->failure.name != NULL && run->failed_step == which;

    html_putf(h, "<li class='%s'>",
              is_bad       ? "bad"
              : is_reached ? "good"
                           : "open");
    page_icon(h, is_bad ? ICON_BAD : is_reached ? ICON_GOOD : ICON_OPEN);
    html_put(h, "<div><h3>");
    html_text(h, name);
    html_putf(h, "</h3><p class='how'>%s</p><p>",
              is_bad       ? "failed"
              : is_reached ? "done"
                           : "not reached");
    if (is_reached)
        step_text(h, run, which);
    html_put(h, "</p></div></li>");
}

static void row_begin(struct html *h, const char *label)
{
    html_put(h, "<tr><th scope='row'>");
    html_text(h, label);
    html_put(h, "</th><td class='b'>");
}

static void row_end(struct html *h, const char *field, int64_t count,
                    int64_t whole)
{
    char percent[WORDS_LEN];

    words_percent(count, whole, percent);
    html_put(h, "</td><td class='n'>");
    html_field(h, field, count);
    html_put(h, "</td><td class='n pc'>");
    html_text(h, percent);
    html_put(h, "</td></tr>");
}

static void row(struct html *h, const char *label, const char *field,
                int64_t count, int64_t end, int64_t whole, const char *class)
{
    const double all = whole > 0 ? (double)whole : 1;
    const struct chart_part part = {(double)(end - count) / all,
                                    (double)end / all, class};

    row_begin(h, label);
    chart_bar(h, &part, 1);
    row_end(h, field, count, whole);
}

/* Each loss hangs where the one before ended, down to what was written. */
static void waterfall(struct html *h, const struct report_run *run)
{
    const struct report_rows *r = &run->rows;
    const struct {
        const char *label;
        const char *field;
        int64_t count;
        const char *class;
    } losses[] = {{"\xE2\x88\x92 rejected", "validate.result.rows_rejected",
                   r->rejected, "p2"},
                  {"\xE2\x88\x92 identical duplicates",
                   "validate.result.rows_dropped", r->dropped, "p3"},
                  {"\xE2\x88\x92 merged into others",
                   "validate.result.rows_merged", r->merged, "p4"},
                  {"\xE2\x88\x92 unchanged since last time",
                   "validate.result.rows_unchanged", r->unchanged, "p5"}};
    int64_t left = r->in;

    row(h, "rows of the query", "validate.result.rows_in", r->in, r->in, r->in,
        "p0");
    for (size_t i = 0; i < PL_COUNT(losses); i++) {
        if (losses[i].count <= 0)
            continue;
        row(h, losses[i].label, losses[i].field, losses[i].count, left, r->in,
            losses[i].class);
        left -= losses[i].count;
    }
    row(h, "= written", "validate.result.rows_out", r->out, r->out, r->in,
        "p1");
    if (run->processed < 0)
        return;
    row(h, "processed there", "import.processed", run->processed,
        run->processed, r->in, "p1");
    if (run->failed > 0)
        row(h, "failed there", "import.failed", run->failed, run->processed,
            r->in, "p2");
}

static void sum(struct html *h, const struct report_rows *r)
{
    const struct {
        const char *word;
        int64_t count;
    } parts[] = {{"rejected", r->rejected},
                 {"dropped as duplicates", r->dropped},
                 {"merged", r->merged},
                 {"unchanged", r->unchanged}};
    const bool is_right = report_rows_sum(r) == r->in;

    html_putf(h, "<p class='sum %s'>", is_right ? "good" : "bad");
    page_icon(h, is_right ? ICON_GOOD : ICON_BAD);
    html_put(h, "<span>");
    html_put(h,
             is_right ? "The counts add up: " : "The counts do not add up: ");
    html_count(h, r->in);
    html_put(h, is_right ? " = " : " is not ");
    html_count(h, r->out);
    html_put(h, " written");
    for (size_t i = 0; i < PL_COUNT(parts); i++) {
        if (parts[i].count <= 0)
            continue;
        html_put(h, " + ");
        html_count(h, parts[i].count);
        html_putf(h, " %s", parts[i].word);
    }
    html_put(h, ".</span></p>");
}

static void job(struct html *h, const struct report_job *j)
{
    const size_t failures = json_array_size(j->failures);
    const char *text;

    html_put(h, "<li><code>");
    html_cut(h, j->id, PAGE_NAME_MAX);
    html_put(h, "</code> <strong>");
    html_cut(h, j->status, PAGE_NAME_MAX);
    html_put(h, "</strong>: ");
    html_count(h, j->processed);
    html_put(h, " processed, ");
    html_count(h, j->failed);
    html_put(h, " failed");
    if (j->created >= 0 && j->updated >= 0) {
        html_put(h, ", ");
        html_count(h, j->created);
        html_put(h, " new, ");
        html_count(h, j->updated);
        html_put(h, " updated");
    }
    if (failures > 0) {
        html_put(h, "; ");
        html_count(h, (int64_t)failures);
        html_put(h, failures == 1 ? " text" : " texts");
        html_put(h, " of the service about it: <code>import.result.jobs"
                    "</code> in the manifest");
    }
    text = json_string_value(json_array_get(j->failures, 0));
    if (text != NULL && h->show_values) {
        html_put(h, "<br/>");
        html_value(h, text, strlen(text));
    }
    html_put(h, "</li>");
}

static void jobs(struct html *h, const struct report_run *run)
{
    if (run->job_count == 0)
        return;
    html_putf(h, "<h3>Import jobs of %s</h3><ul class='jobs'>",
              run->destination);
    for (size_t i = 0; i < run->job_count; i++)
        job(h, &run->jobs[i]);
    html_put(h, "</ul>");
    if (run->jobs_left > 0) {
        html_put(h, "<p class='note'>and ");
        html_count(h, (int64_t)run->jobs_left);
        html_put(h, " more in the manifest</p>");
    }
    if (run->segment != NULL) {
        html_put(h, "<p>Segment <code>");
        html_cut(h, run->segment, PAGE_NAME_MAX);
        html_put(h, "</code>: about ");
        html_count(h, run->segment_size);
        html_put(h, " profiles.</p>");
    }
}

void page_flow(struct html *h, const struct report_view *view)
{
    const struct report_run *run = view->run;

    html_put(h, "<ol class='steps'>");
    step(h, run, REPORT_QUERY, "Query");
    step(h, run, REPORT_TRANSFORM, "Transform");
    step(h, run, REPORT_IMPORT, "Import");
    html_put(h, "</ol>");
    if (run->rows.in >= 0) {
        html_put(h, "<table class='chart'><caption class='vh'>Rows on their "
                    "way</caption><thead class='vh'><tr><th>what</th>"
                    "<th>bar</th><th>rows</th><th>of all</th></tr></thead>"
                    "<tbody>");
        waterfall(h, run);
        html_put(h, "</tbody></table>");
        sum(h, &run->rows);
    } else {
        html_put(h, "<p>The run ended before rows were counted.</p>");
    }
    jobs(h, run);
}
