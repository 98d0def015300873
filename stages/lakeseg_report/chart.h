/*
 * chart.h - bars as inline SVG, drawn with attributes alone so that no inline
 * style is needed. They stand beside the numbers that they show, and are
 * hidden from screen readers.
 */
#ifndef LAKESEG_REPORT_CHART_H
#define LAKESEG_REPORT_CHART_H

#include "stages/lakeseg_report/html.h"

/* A part of a bar: from, to as parts of 1; class: its colour in the page. */
struct chart_part {
    double from;
    double to;
    const char *class;
};

/* A bar as wide as its place. What is not nothing is seen, half a percent at
 * least; what reaches out is cut. */
void chart_bar(struct html *h, const struct chart_part *parts, size_t count);
/* One part, from 0 to part / whole. */
void chart_share(struct html *h, int64_t part, int64_t whole,
                 const char *class);

/* Columns side by side, the highest as high as the place; below 0: nothing is
 * known. class_of may be NULL; it gives each its colour. */
void chart_columns(struct html *h, const double *values, size_t count,
                   const char *(*class_of)(const void *ctx, size_t i),
                   const void *ctx);

#endif
