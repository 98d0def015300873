/*
 * html.h - a page that is being written. This is the one place where text
 * becomes markup: whatever comes from outside goes through html_text() or one
 * of its kind. The first failure is kept and everything after it ignored, so
 * that a page can be written without a check at each line.
 *
 * Pages are HTML that is well-formed XML, too (quoted attributes, every tag
 * closed), so that a strict parser can judge them.
 */
#ifndef LAKESEG_REPORT_HTML_H
#define LAKESEG_REPORT_HTML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"

struct html {
    struct pl_buf out;
    struct pl_err err;
    bool show_values; /* else people's values are masked */
};

/* How a text is written. */
struct html_style {
    size_t max;     /* characters, then how many there are; 0: all */
    bool is_masked; /* its shape alone */
};

void html_release(struct html *h);
/* 0, or -1 with the first failure. */
int html_end(struct html *h, struct pl_err *err) PL_MUST_CHECK;

/* Markup of our own, as it is. */
void html_put(struct html *h, const char *markup);
/* Markup of our own with numbers in it: no %s but of our own words. */
void html_putf(struct html *h, const char *fmt, ...) PL_PRINTF(2, 3);

/* Text from anywhere: inert, between tags and in quoted attributes. What would
 * not be seen, or turn the line around, is named (U+202E). */
void html_text(struct html *h, const char *text);
void html_bytes(struct html *h, const char *text, size_t len);
void html_styled(struct html *h, const char *text, size_t len,
                 const struct html_style *style);
/* A value in a box of its own, whatever its direction: cut at 120 characters;
 * masked unless values are to be shown. */
void html_value(struct html *h, const char *text, size_t len);
/* A name or a message: cut at max characters, not masked. */
void html_cut(struct html *h, const char *text, size_t max);
/* "1,234,567" */
void html_count(struct html *h, int64_t count);
/* The same with the manifest's field that it is, for whoever checks. */
void html_field(struct html *h, const char *field, int64_t count);

#endif
