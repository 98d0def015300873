/* The time line of the stages. */
#include <inttypes.h>
#include <string.h>

#include "stages/lakeseg_report/chart.h"
#include "stages/lakeseg_report/page.h"
#include "stages/lakeseg_report/words.h"

static void athena_times(struct html *h, const struct report_query *q)
{
    char queue[WORDS_LEN];
    char planning[WORDS_LEN];
    char engine[WORDS_LEN];

    if (q->engine_ms < 0)
        return;
    words_duration(q->queue_ms, queue);
    words_duration(q->planning_ms, planning);
    words_duration(q->engine_ms, engine);
    html_putf(h,
              "<p class='note'>Of the query's time Athena queued it %s and ran "
              "it %s, of which it planned %s.%s</p>",
              queue, engine, planning,
              q->is_reused ? " The result was reused." : "");
}

static void stage_row(struct html *h, const struct report_stage *s,
                      int64_t from, int64_t to)
{
    const double all = to > from ? (double)(to - from) : 1;
    const struct chart_part part = {(double)(s->started_ms - from) / all,
                                    (double)(s->ended_ms - from) / all,
                                    strcmp(s->status, "failed") == 0 ? "p2"
                                                                     : "p1"};
    char text[WORDS_LEN];

    html_put(h, "<tr><th scope='row'>");
    html_cut(h, s->name, PAGE_NAME_MAX);
    html_put(h, "</th><td class='b'>");
    if (s->started_ms >= 0 && s->ended_ms >= s->started_ms &&
        strcmp(s->status, "skipped") != 0)
        chart_bar(h, &part, 1);
    html_put(h, "</td><td class='n'>");
    words_duration(s->started_ms >= 0 ? s->ended_ms - s->started_ms : -1, text);
    if (strcmp(s->status, "skipped") != 0)
        html_text(h, text);
    html_put(h, " <span class='st'>");
    html_cut(h, s->status, PAGE_NAME_MAX);
    html_put(h, "</span></td></tr>");
}

void page_time(struct html *h, const struct report_view *view)
{
    const struct report_run *run = view->run;
    int64_t from = run->started_ms;
    char text[WORDS_LEN];

    for (size_t i = 0; i < run->stage_count; i++)
        if (run->stages[i].started_ms >= 0 &&
            (from < 0 || run->stages[i].started_ms < from))
            from = run->stages[i].started_ms;
    html_put(h, "<table class='chart'><caption class='vh'>Stages</caption>"
                "<thead class='vh'><tr><th>stage</th><th>bar</th><th>took, and "
                "how it ended</th></tr></thead><tbody>");
    for (size_t i = 0; i < run->stage_count; i++)
        stage_row(h, &run->stages[i], from, run->ended_ms);
    html_put(h, "</tbody></table>");
    if (from >= 0 && run->ended_ms >= from) {
        words_time(from, text);
        html_putf(h, "<p class='note'>From %s to ", text);
        words_time(run->ended_ms, text);
        html_putf(h, "%s.</p>", text);
    }
    if (run->stages_left > 0) {
        html_put(h, "<p class='note'>and ");
        html_count(h, (int64_t)run->stages_left);
        html_put(h, " more in the manifest</p>");
    }
    athena_times(h, &run->query);
}
