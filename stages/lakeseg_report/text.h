/*
 * text.h - a report for a terminal that is being written: tables whose columns
 * stand under each other whatever the characters, lines no wider than asked
 * for, nothing in them that a terminal would obey. The first failure is kept,
 * as in html.h.
 */
#ifndef LAKESEG_REPORT_TEXT_H
#define LAKESEG_REPORT_TEXT_H

#include "stages/lakeseg_report/history.h"
#include "stages/lakeseg_report/page.h"

struct text {
    struct pl_buf out;
    struct pl_err err;
    size_t width; /* columns of a line, from LAKESEG_REPORT_WIDTH_MIN on */
    bool is_utf8; /* else ASCII alone */
    bool show_values;
};

void text_release(struct text *t);
int text_end(struct text *t, struct pl_err *err) PL_MUST_CHECK;

/* Words of our own, as they are. */
void text_put(struct text *t, const char *words);
void text_putf(struct text *t, const char *fmt, ...) PL_PRINTF(2, 3);
/* Text from anywhere in just columns columns: cut, or filled with blanks. */
void text_cell(struct text *t, const char *text, size_t len, size_t columns);
/* The same at the right end. */
void text_right(struct text *t, const char *text, size_t columns);
/* Text from anywhere, wrapped at blanks between indent and the width, ended by
 * a line end. */
void text_wrapped(struct text *t, const char *text, size_t indent);
/* A bar of part / whole in so many columns, to an eighth of one; what is not
 * nothing is seen. */
void text_bar(struct text *t, int64_t part, int64_t whole, size_t columns);

void report_text(struct text *t, const struct report_view *view);
void history_text(struct text *t, const struct history *history);

#endif
