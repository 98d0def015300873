#include "stages/lakeseg_report/kept.h"

#include <stdio.h>

void kept_put(struct pl_buf *out, struct pl_err *kept, const char *text,
              size_t len)
{
    if (kept->code == PL_OK)
        (void)!pl_buf_add(out, text, len, kept);
}

void kept_putf(struct pl_buf *out, struct pl_err *kept, const char *fmt,
               va_list ap)
{
    char text[1024];
    const int n = vsnprintf(text, sizeof(text), fmt, ap);

    if (n < 0 || (size_t)n >= sizeof(text))
        (void)pl_fail(kept, PL_INTERNAL_ERROR, "a line is too long");
    else
        kept_put(out, kept, text, (size_t)n);
}

int kept_end(const struct pl_err *kept, struct pl_err *err)
{
    if (kept->code == PL_OK)
        return 0;
    *err = *kept;
    return -1;
}
