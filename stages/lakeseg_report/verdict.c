/* The outcome in words. */
#include <inttypes.h>
#include <string.h>

#include "pipeline/base/text.h"
#include "stages/lakeseg_report/model.h"
#include "stages/lakeseg_report/words.h"

/* Of a quote that may be a name in the query. */
#define WORD_MIN 2
#define WORD_MAX 256
#define WORDS_MAX 64 /* so many are looked for; the others are masked */
#define MESSAGE_BYTES ((size_t)8192) /* the rest of a longer one is left out */

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

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' || (unsigned char)c >= 0x80;
}

/* Whether text stands in the query as a whole word or several. */
static bool is_in_query(const char *sql, const char *text, size_t len)
{
    const size_t all = sql != NULL ? strlen(sql) : 0;

    for (size_t i = 0; len >= WORD_MIN && i + len <= all; i++)
        if (memcmp(sql + i, text, len) == 0 &&
            (i == 0 || !is_word(sql[i - 1])) && !is_word(sql[i + len]))
            return true;
    return false;
}

static int mask(const char *message, const char *sql, struct pl_buf *out,
                struct pl_err *err)
{
    for (size_t looks = 0; *message != '\0'; looks++) {
        const size_t plain = strcspn(message, "'\"");
        const char *open = message + plain;
        const char *close;
        size_t len;

        if (pl_buf_add(out, message, plain, err) != 0)
            return -1;
        if (*open == '\0')
            return 0;
        close = strchr(open + 1, *open);
        if (close == NULL) /* cut off: what follows may be anything */
            return pl_buf_addf(out, err, "%c...", *open);
        len = (size_t)(close - open) - 1;
        if (looks < WORDS_MAX && len <= WORD_MAX &&
                    is_in_query(sql, open + 1, len)
                ? pl_buf_add(out, open, len + 2, err) != 0
                : pl_buf_addf(out, err, "%c...%c", *open, *open) != 0)
            return -1;
        message = close + 1;
    }
    return 0;
}

int report_mask(const char *message, const char *sql, struct pl_buf *out,
                struct pl_err *err)
{
    const size_t len = strlen(message);
    char head[MESSAGE_BYTES + 1];
    const size_t n =
        pl_utf8_valid_len(message, len < MESSAGE_BYTES ? len : MESSAGE_BYTES);

    memcpy(head, message, n);
    head[n] = '\0';
    return mask(head, sql, out, err);
}

int report_message(const struct report_run *run, bool show_values,
                   struct pl_buf *out, struct pl_err *err)
{
    const struct report_failure *f = &run->failure;

    if (show_values || !report_may_quote(f->name))
        return pl_buf_adds(out, f->message, err);
    return report_mask(f->message, run->query.sql, out, err);
}
