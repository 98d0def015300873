/*
 * page.h - a run's report as one self-contained page: no script, no request,
 * nothing from outside that could become markup.
 */
#ifndef LAKESEG_REPORT_PAGE_H
#define LAKESEG_REPORT_PAGE_H

#include "stages/lakeseg_report/html.h"
#include "stages/lakeseg_report/model.h"
#include "stages/lakeseg_report/rejects.h"

/* Names and messages that are longer are cut. */
#define PAGE_NAME_MAX 100
#define PAGE_MESSAGE_MAX 2000

struct report_view {
    const struct report_run *run;
    const struct report_run *before; /* the last successful one; NULL: none */
    const struct report_rejects *rejects;
};

/* The whole page, appended to h->out. */
void report_page(struct html *h, const struct report_view *view);

/* What stands in its sections, each a file: page_<part>.c. */
void page_flow(struct html *h, const struct report_view *view);
void page_time(struct html *h, const struct report_view *view);
void page_rejects(struct html *h, const struct report_view *view);
void page_columns(struct html *h, const struct report_view *view);
void page_change(struct html *h, const struct report_view *view);
void page_cost(struct html *h, const struct report_view *view);
void page_sql(struct html *h, const struct report_view *view);
void page_manifest(struct html *h, const struct report_view *view);

/* What pages have in common. The head holds the policy that forbids all but
 * its own style; the title is set by the caller between the two calls. */
extern const char page_style[];
void page_open(struct html *h);
void page_open_body(struct html *h);
void page_close(struct html *h);
void page_section(struct html *h, const char *id, const char *title);
void page_section_end(struct html *h);
enum page_icon { ICON_GOOD, ICON_BAD, ICON_OPEN };
void page_icon(struct html *h, enum page_icon icon);
/* A tile: label and value, the value to be written before its end. */
void page_tile(struct html *h, const char *label);
void page_tile_end(struct html *h);

#endif
