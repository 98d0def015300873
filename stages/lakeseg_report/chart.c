#include "stages/lakeseg_report/chart.h"

#define LEAST 0.5 /* percent */
#define COLUMN 10 /* units of a column with its gap */
#define GAP 2
#define SLOTS 12 /* a few columns are not to be as wide as the page */
#define HEIGHT 60

static double clamp(double x)
{
    return x > 0 ? x < 1 ? x : 1 : 0; /* a NaN is 0 */
}

void chart_bar(struct html *h, const struct chart_part *parts, size_t count)
{
    html_put(h, "<svg class='bar' aria-hidden='true'>");
    for (size_t i = 0; i < count; i++) {
        double x = clamp(parts[i].from) * 100;
        double width = clamp(parts[i].to) * 100 - x;

        if (!(width > 0))
            continue;
        if (width < LEAST)
            width = LEAST;
        if (x + width > 100)
            x = 100 - width;
        html_putf(h, "<rect class='%s' x='%.4g%%' width='%.4g%%'/>",
                  parts[i].class, x, width);
    }
    html_put(h, "</svg>");
}

void chart_share(struct html *h, int64_t part, int64_t whole, const char *class)
{
    const struct chart_part bar = {
        0, whole > 0 && part > 0 ? (double)part / (double)whole : 0, class};

    chart_bar(h, &bar, 1);
}

void chart_columns(struct html *h, const double *values, size_t count,
                   const char *(*class_of)(const void *ctx, size_t i),
                   const void *ctx)
{
    double highest = 0;

    for (size_t i = 0; i < count; i++)
        if (values[i] > highest)
            highest = values[i];
    html_putf(h,
              "<svg class='cols' viewBox='0 0 %zu %d' "
              "preserveAspectRatio='none' aria-hidden='true'>",
              (count > SLOTS ? count : SLOTS) * COLUMN, HEIGHT);
    for (size_t i = 0; i < count; i++) {
        double height = highest > 0 ? clamp(values[i] / highest) * HEIGHT : 0;

        if (values[i] >= 0 && height < 1)
            height = 1; /* it was, and was nothing */
        if (height > 0)
            html_putf(h,
                      "<rect class='%s' x='%zu' y='%.2f' width='%d' "
                      "height='%.2f'/>",
                      class_of != NULL ? class_of(ctx, i) : "p1",
                      i * COLUMN + GAP / 2, HEIGHT - height, COLUMN - GAP,
                      height);
    }
    html_put(h, "</svg>");
}
