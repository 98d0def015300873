#include "stages/lakeseg_report/page.h"

#include <inttypes.h>
#include <string.h>

#include "stages/lakeseg_report/words.h"

static const char *const state_class[] = {
    [REPORT_GOOD] = "good", [REPORT_OPEN] = "open", [REPORT_BAD] = "bad"};
static const enum page_icon state_icon[] = {[REPORT_GOOD] = ICON_GOOD,
                                            [REPORT_OPEN] = ICON_OPEN,
                                            [REPORT_BAD] = ICON_BAD};

static void name_of(struct html *h, const struct report_run *run)
{
    if (*run->name != '\0')
        html_cut(h, run->name, PAGE_NAME_MAX);
    else
        html_put(h, "a job without a name");
}

static void top(struct html *h, const struct report_run *run)
{
    char text[WORDS_LEN];

    html_put(h, "<header class='top'><p class='job'><bdi>");
    name_of(h, run);
    html_put(h, "</bdi></p><p class='meta'>");
    if (*run->id != '\0') {
        html_put(h, "run <code data-f='run.id'>");
        html_cut(h, run->id, PAGE_NAME_MAX);
        html_put(h, "</code>");
    }
    if (run->started_ms >= 0) {
        words_time(run->started_ms, text);
        html_putf(h, " \xC2\xB7 started <time>%s</time>", text);
    }
    html_put(h, "</p></header>\n");
}

static void fact(struct html *h, const char *label, const char *text)
{
    html_putf(h, "<div><dt>%s</dt><dd>", label);
    html_text(h, text);
    html_put(h, "</dd></div>");
}

/* A failure first says what it takes to mend it. */
static void failure(struct html *h, const struct report_run *run)
{
    const struct report_failure *f = &run->failure;
    PL_AUTO(pl_buf) message = PL_BUF_INIT;

    html_put(h, "<dl class='facts'>");
    fact(h, "Whose it is to mend", f->advice->who);
    fact(h, "What to do next", f->advice->next);
    html_put(h, "</dl><p class='said'><span class='tag'>");
    html_cut(h, f->name, PAGE_NAME_MAX);
    html_put(h, "</span> in <code>");
    html_cut(h, f->stage, PAGE_NAME_MAX);
    html_put(h, "</code> said:</p><pre class='message'>");
    if (h->err.code == PL_OK &&
        report_message(run, h->show_values, &message, &h->err) == 0)
        html_cut(h, pl_buf_str(&message), PAGE_MESSAGE_MAX);
    html_put(h, "</pre>");
}

static void verdict(struct html *h, const struct report_run *run)
{
    PL_AUTO(pl_buf) sentence = PL_BUF_INIT;

    html_putf(h,
              "<section class='verdict %s' aria-labelledby='verdict-h'>"
              "<h1 id='verdict-h'>",
              state_class[run->state]);
    page_icon(h, state_icon[run->state]);
    html_put(h, "<span>");
    if (h->err.code == PL_OK && report_verdict(run, &sentence, &h->err) == 0)
        html_text(h, pl_buf_str(&sentence));
    html_put(h, "</span></h1>");
    if (run->failure.name != NULL)
        failure(h, run);
    else if (run->state == REPORT_OPEN)
        html_put(h, "<p>It may be a job that was not started, one that is "
                    "still on its way, or one whose pipe ended early: the "
                    "log of the last stage below tells which.</p>");
    html_put(h, "</section>\n");
}

static void count_tile(struct html *h, const char *label, const char *field,
                       int64_t count)
{
    if (count < 0)
        return;
    page_tile(h, label);
    html_field(h, field, count);
    page_tile_end(h);
}

static void word_tile(struct html *h, const char *label, const char *words)
{
    page_tile(h, label);
    html_text(h, words);
    page_tile_end(h);
}

static void figures(struct html *h, const struct report_run *run)
{
    char text[WORDS_LEN];

    html_put(h, "<dl class='tiles'>");
    count_tile(h, "rows found", "validate.result.rows_in", run->rows.in);
    count_tile(h, "rows written", "validate.result.rows_out", run->rows.out);
    count_tile(h, "rejected", "validate.result.rows_rejected",
               run->rows.rejected);
    count_tile(h, "failed there", "import.failed", run->failed);
    if (report_duration_ms(run) >= 0) {
        words_duration(report_duration_ms(run), text);
        word_tile(h, "took", text);
    }
    if (run->query.scanned_bytes >= 0) {
        words_bytes(run->query.scanned_bytes, text);
        word_tile(h, "scanned", text);
    }
    if (run->query.cost >= 0) {
        words_cost(run->query.cost, text);
        word_tile(h, "estimated cost", text);
    }
    html_put(h, "</dl>\n");
}

/* The parts of a page, and whether a run has something to say in them. */
static bool has_rows(const struct report_view *view)
{
    return view->run->rows.in >= 0;
}

static bool has_columns(const struct report_view *view)
{
    return view->run->column_count > 0;
}

static bool has_stages(const struct report_view *view)
{
    return view->run->stage_count > 0;
}

static bool has_before(const struct report_view *view)
{
    return view->before != NULL || view->run->state == REPORT_GOOD ||
           view->run->delta.is_there;
}

static bool has_cost(const struct report_view *view)
{
    return view->run->query.scanned_bytes >= 0;
}

static const struct part {
    const char *id;
    const char *title;
    bool (*is_there)(const struct report_view *view); /* NULL: always */
    void (*write)(struct html *h, const struct report_view *view);
} parts[] = {{"flow", "Flow", has_stages, page_flow},
             {"time", "Time", has_stages, page_time},
             {"rejects", "Rejects", has_rows, page_rejects},
             {"columns", "Columns", has_columns, page_columns},
             {"change", "Change", has_before, page_change},
             {"cost", "Cost", has_cost, page_cost},
             {"manifest", "Manifest", NULL, page_manifest}};
static const struct part query = {"sql", "Query", NULL, page_sql};

/* Where the query is to be mended it comes first. */
static bool is_first(const struct report_run *run)
{
    return run->failure.name != NULL && run->failed_step == REPORT_QUERY;
}

static void each_part(struct html *h, const struct report_view *view,
                      void (*each)(struct html *h,
                                   const struct report_view *view,
                                   const struct part *part))
{
    if (is_first(view->run))
        each(h, view, &query);
    for (size_t i = 0; i < PL_COUNT(parts); i++) {
        if (i + 1 == PL_COUNT(parts) && !is_first(view->run))
            each(h, view, &query);
        if (parts[i].is_there == NULL || parts[i].is_there(view))
            each(h, view, &parts[i]);
    }
}

static void link_to(struct html *h, const struct report_view *view,
                    const struct part *part)
{
    (void)view;
    html_putf(h, "<li><a href='#%s'>%s</a></li>", part->id, part->title);
}

static void write_part(struct html *h, const struct report_view *view,
                       const struct part *part)
{
    page_section(h, part->id, part->title);
    part->write(h, view);
    page_section_end(h);
}

static void bottom(struct html *h)
{
    html_put(h, h->show_values
                    ? "<footer><p><strong>This report shows people's values."
                      "</strong> Keep it as you keep the data.</p>"
                    : "<footer><p>People's values are masked: letters stand "
                      "as a or A, digits as 9. <code>lakeseg report "
                      "--show-values</code> shows them.</p>");
    html_put(h, "<p>Made by lakeseg " LAKESEG_VERSION
                " from the run's manifest and the first lines of its "
                "rejects.</p></footer>");
}

void report_page(struct html *h, const struct report_view *view)
{
    const struct report_run *run = view->run;

    page_open(h);
    name_of(h, run);
    html_putf(h, ": %s", run->subject);
    page_open_body(h);
    top(h, run);
    html_put(h, "<main id='main'>");
    verdict(h, run);
    figures(h, run);
    html_put(h, "<nav aria-label='Parts of this report'><ul>");
    each_part(h, view, link_to);
    html_put(h, "</ul></nav>\n");
    each_part(h, view, write_part);
    html_put(h, "</main>");
    bottom(h);
    page_close(h);
}
