/*
 * sql_html.h - a query as markup: its words coloured as the lexer reads them,
 * its lines numbered, a place in it marked. Text that is no SQL comes out
 * plain.
 */
#ifndef LAKESEG_REPORT_SQL_HTML_H
#define LAKESEG_REPORT_SQL_HTML_H

#include "stages/lakeseg_report/html.h"

/* Longer queries are cut there, and say so. */
#define SQL_HTML_BYTES ((size_t)65536)

/* mark_len bytes from mark_at are what a message points to; 0: nothing is. */
void sql_html(struct html *h, const char *sql, size_t mark_at, size_t mark_len);

#endif
