/* What the columns of the rows written hold. */
#include <inttypes.h>
#include <string.h>

#include "stages/lakeseg_report/chart.h"
#include "stages/lakeseg_report/page.h"
#include "stages/lakeseg_report/words.h"

#define SHOWN 5
#define TOP_MAX 10

static void fill(struct html *h, const struct report_column *c)
{
    const int64_t filled = c->filled > 0 ? c->filled : 0;
    const int64_t empty = c->empty > 0 ? c->empty : 0;
    const int64_t all = filled + empty + (c->null > 0 ? c->null : 0);
    const double whole = all > 0 ? (double)all : 1;
    const struct chart_part parts[] = {
        {0, (double)filled / whole, "p1"},
        {(double)filled / whole, (double)(filled + empty) / whole, "p3"}};
    char percent[WORDS_LEN];

    words_percent(c->filled, all, percent);
    chart_bar(h, parts, PL_COUNT(parts));
    html_putf(h, "<p class='fill'><strong>%s</strong> filled", percent);
    if (c->null > 0) {
        html_put(h, ", ");
        html_count(h, c->null);
        html_put(h, " NULL");
    }
    if (c->empty > 0) {
        html_put(h, ", ");
        html_count(h, c->empty);
        html_put(h, " empty");
    }
    html_put(h, "</p>");
}

static void small(struct html *h, const char *label, const char *before,
                  const char *field, int64_t count, const char *after)
{
    if (count < 0)
        return;
    html_putf(h, "<div><dt>%s</dt><dd>%s", label, before);
    html_field(h, field, count);
    html_putf(h, "%s</dd></div>", after);
}

static void value_row(struct html *h, const struct report_column *c, size_t i)
{
    const json_t *entry = json_array_get(c->top, i);
    const json_t *value = json_object_get(entry, "value");
    const json_int_t n = json_integer_value(json_object_get(entry, "count"));
    const int64_t count = n > 0 ? (int64_t)n : 0;
    char percent[WORDS_LEN];

    words_percent(count, c->filled, percent);
    html_put(h, "<tr><th scope='row'>");
    if (h->show_values && json_is_string(value))
        html_value(h, json_string_value(value), json_string_length(value));
    else
        html_putf(h, "<span class='hid'>value %zu</span>", i + 1);
    html_put(h, "</th><td class='b'>");
    chart_share(h, count, c->filled, "p1");
    html_put(h, "</td><td class='n'>");
    html_field(h, "count", count);
    html_putf(h, "</td><td class='n pc'>%s</td></tr>", percent);
}

static void values_table(struct html *h, const struct report_column *c,
                         size_t from, size_t to)
{
    html_put(h, "<table class='chart'><caption class='vh'>Most frequent values"
                "</caption><thead class='vh'><tr><th>value</th><th>bar</th>"
                "<th>cells</th><th>of the filled</th></tr></thead><tbody>");
    for (size_t i = from; i < to; i++)
        value_row(h, c, i);
    html_put(h, "</tbody></table>");
}

static void values(struct html *h, const struct report_column *c)
{
    const size_t all = json_array_size(c->top);
    const size_t count = all < TOP_MAX ? all : TOP_MAX;
    const size_t shown = count <= SHOWN + 1 ? count : SHOWN;

    if (count == 0)
        return;
    values_table(h, c, 0, shown);
    if (count == shown)
        return;
    html_putf(h, "<details><summary>%zu more values</summary>", count - shown);
    values_table(h, c, shown, count);
    html_put(h, "</details>");
}

static void column(struct html *h, const struct report_column *c)
{
    html_put(h, "<article class='col'><h3>");
    html_styled(h, c->name, c->name_len,
                &(struct html_style){.max = PAGE_NAME_MAX});
    html_put(h, "</h3>");
    fill(h, c);
    html_put(h, "<dl class='small'>");
    small(h, "different", c->is_estimate ? "about " : "", "distinct",
          c->distinct, "");
    small(h, "longest", "", "longest", c->longest,
          c->longest == 1 ? " character" : " characters");
    html_put(h, "</dl>");
    values(h, c);
    html_put(h, "</article>");
}

void page_columns(struct html *h, const struct report_view *view)
{
    const struct report_run *run = view->run;

    html_put(h, "<p class='note'>Of the ");
    html_count(h, run->rows.out);
    html_put(h, " rows written. The most frequent values are counted in "
                "columns of few values, and never in those that people are "
                "known by.");
    if (!h->show_values)
        html_put(h, " They are people's data, and hidden here.");
    html_put(h, "</p><div class='cols-grid'>");
    for (size_t i = 0; i < run->column_count; i++)
        column(h, &run->columns[i]);
    html_put(h, "</div>");
    if (run->columns_left > 0) {
        html_put(h, "<p class='note'>and ");
        html_count(h, (int64_t)run->columns_left);
        html_put(h, " more columns in the manifest</p>");
    }
}
