/*
 * kept.h - writing without a check at each line: the first failure is kept, and
 * everything after it ignored. What html.h and text.h stand on.
 */
#ifndef LAKESEG_REPORT_KEPT_H
#define LAKESEG_REPORT_KEPT_H

#include <stdarg.h>

#include "pipeline/base/buf.h"

void kept_put(struct pl_buf *out, struct pl_err *kept, const char *text,
              size_t len);
/* A line of at most 1023 bytes. */
void kept_putf(struct pl_buf *out, struct pl_err *kept, const char *fmt,
               va_list ap) __attribute__((format(printf, 3, 0)));
/* 0, or -1 with the first failure. */
int kept_end(const struct pl_err *kept, struct pl_err *err) PL_MUST_CHECK;

#endif
