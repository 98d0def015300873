/* The outcome in words. */
#include <inttypes.h>
#include <string.h>

#include "pipeline/base/text.h"
#include "stages/lakeseg_report/model.h"
#include "stages/lakeseg_report/words.h"

#define MESSAGE_BYTES 4096

static int good(const struct report_run *run, struct pl_buf *out,
                struct pl_err *err)
{
    const struct report_rows *rows = &run->rows;
    char in[WORDS_LEN];
    char sent[WORDS_LEN];
    char rejected[WORDS_LEN];
    char failed[WORDS_LEN];

    if (rows->in < 0)
        return pl_buf_adds(out, "Successful.", err);
    if (rows->in == 0)
        return pl_buf_adds(out,
                           "Successful: the query found nobody, so nothing "
                           "was imported.",
                           err);
    words_count(rows->in, in);
    words_count(rows->out, sent);
    words_count(rows->rejected, rejected);
    words_count(run->failed, failed);
    if (rows->out == 0)
        return pl_buf_addf(
            out, err, "Successful: of %s rows none was left to import.", in);
    if (rows->out < rows->in
            ? pl_buf_addf(out, err, "Successful: %s of %s rows went to %s",
                          sent, in, run->destination) != 0
            : pl_buf_addf(out, err, "Successful: all %s rows went to %s", in,
                          run->destination) != 0)
        return -1;
    if (rows->rejected > 0 &&
        pl_buf_addf(out, err, ", %s %s rejected", rejected,
                    rows->rejected == 1 ? "was" : "were") != 0)
        return -1;
    if (run->failed > 0 &&
        pl_buf_addf(out, err, ", %s failed there", failed) != 0)
        return -1;
    return pl_buf_adds(out, ".", err);
}

static int bad(const struct report_run *run, struct pl_buf *out,
               struct pl_err *err)
{
    const char *what = run->failure.advice->what;
    char processed[WORDS_LEN];

    words_count(run->processed, processed);
    if (strcmp(run->subject, "query invalid") == 0)
        return pl_buf_addf(out, err,
                           "Query invalid: %s. Nothing was read, nothing was "
                           "imported.",
                           what);
    if (strcmp(run->subject, "query failed") == 0)
        return pl_buf_addf(out, err, "Query failed: %s. Nothing was imported.",
                           what);
    if (pl_ends_with(run->subject, "nothing imported"))
        return pl_buf_addf(out, err, "Import failed, nothing imported: %s.",
                           what);
    if (run->processed < 0)
        return pl_buf_addf(out, err,
                           "Import failed, perhaps partly imported: %s.", what);
    return pl_buf_addf(out, err,
                       "Import failed, perhaps partly imported: %s; %s "
                       "processed %s rows.",
                       what, run->destination, processed);
}

int report_verdict(const struct report_run *run, struct pl_buf *out,
                   struct pl_err *err)
{
    switch (run->state) {
    case REPORT_GOOD:
        return good(run, out, err);
    case REPORT_BAD:
        return bad(run, out, err);
    case REPORT_OPEN:
        break;
    }
    return pl_buf_adds(out,
                       "Not finished: this manifest stops before an import, "
                       "and names no failure.",
                       err);
}

bool report_may_quote(const char *name)
{
    const struct pl_code_info *info = pl_code_info(pl_code_by_name(name));

    return info->may_quote_data || strcmp(info->name, name) != 0;
}

int report_message(const struct report_run *run, bool show_values,
                   struct pl_buf *out, struct pl_err *err)
{
    const struct report_failure *f = &run->failure;
    char masked[MESSAGE_BYTES];

    if (show_values || !report_may_quote(f->name))
        return pl_buf_adds(out, f->message, err);
    pl_mask_literals(f->message, masked, sizeof(masked));
    return pl_buf_adds(out, masked, err);
}
