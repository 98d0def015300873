#include "stages/sfn_task/tell.h"

#include <string.h>

#include "pipeline/aws/sfn.h"
#include "pipeline/base/text.h"
#include "pipeline/manifest/outcome.h"

#define TEXT_MAX 12000 /* bytes of a notification's text */
/* A text of the manifest may be as long as the manifest; in JSON a byte may
 * become six, and four of them go into a cause. */
#define FIELD_MAX 1000

static json_t *field(const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;

    if (text == NULL)
        return json_null();
    if (len > FIELD_MAX)
        len = pl_utf8_valid_len(text, FIELD_MAX);
    return json_stringn(text, len);
}

static json_t *figure(const struct pl_manifest *m, const char *path)
{
    const int64_t value = pl_manifest_int(m, path, -1);

    return value < 0 ? json_null() : json_integer(value);
}

/* Summed over all jobs; null where no import was started. */
static json_t *sum(const struct pl_manifest *m, const char *key)
{
    const json_t *jobs = pl_manifest_get(m, "import.result.jobs");
    json_int_t total = 0;
    const json_t *job;
    size_t i;

    json_array_foreach(jobs, i, job) total +=
        json_integer_value(json_object_get(job, key));
    return json_array_size(jobs) == 0 ? json_null() : json_integer(total);
}

/* The text, cut at a line if it is too long, with a word about the manifest
 * that could not be stored. */
static json_t *text_of(const struct pl_manifest *m, const char *manifest_uri,
                       size_t max, struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    const char *lost = manifest_uri != NULL
                           ? ""
                           : "The manifest could not be stored: see the log.\n";

    if (pl_outcome_text(m, &text, err) != 0)
        return NULL;
    if (text.len > max) {
        text.len = pl_utf8_valid_len(text.data, max);
        text.data[text.len] = '\0';
        if (strrchr(text.data, '\n') != NULL)
            text.len = (size_t)(strrchr(text.data, '\n') - text.data) + 1;
        if (pl_buf_adds(&text, "... the rest is in the manifest\n", err) != 0)
            return NULL;
    }
    if (pl_buf_adds(&text, lost, err) != 0)
        return NULL;
    return json_string(text.data);
}

/* Takes object over and writes it. */
static int print(json_t *object, struct pl_buf *out, struct pl_err *err)
{
    PL_AUTO_STR *text =
        object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;

    json_decref(object);
    if (text == NULL) /* out of memory, or a text that is not UTF-8 */
        return pl_fail(err, PL_INTERNAL_ERROR, "cannot word the outcome");
    return pl_buf_adds(out, text, err);
}

int sfn_tell_output(const struct pl_manifest *m, const char *status,
                    const char *manifest_uri, struct pl_buf *out,
                    struct pl_err *err)
{
    return print(
        json_pack("{s:s,s:o,s:o,s:o,s:o,s:s,s:o,s:o,s:o,s:o,s:o,s:o}", "status",
                  status, "run_id", field(pl_manifest_str(m, "run.id")),
                  "manifest_uri", field(manifest_uri), "work_uri",
                  field(pl_manifest_str(m, "run.work_uri")), "report_uri",
                  field(pl_manifest_str(m, "report.uri")), "subject",
                  pl_manifest_subject(m), "text",
                  text_of(m, manifest_uri, TEXT_MAX, err), "rows_in",
                  figure(m, "validate.result.rows_in"), "rows_out",
                  figure(m, "validate.result.rows_out"), "rows_rejected",
                  figure(m, "validate.result.rows_rejected"), "processed",
                  sum(m, "processed"), "failed", sum(m, "failed")),
        out, err);
}

static json_t *cause_of(const struct pl_manifest *m, const char *manifest_uri,
                        size_t max, struct pl_err *err)
{
    return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o}", "subject",
                     pl_manifest_subject(m), "text",
                     text_of(m, manifest_uri, max, err), "run_id",
                     field(pl_manifest_str(m, "run.id")), "manifest_uri",
                     field(manifest_uri), "report_uri",
                     field(pl_manifest_str(m, "report.uri")), "stage",
                     field(pl_manifest_str(m, "error.stage")), "exit",
                     figure(m, "error.exit"));
}

int sfn_tell_cause(const struct pl_manifest *m, const char *manifest_uri,
                   struct pl_buf *out, struct pl_err *err)
{
    /* a character may take six in JSON, and half a JSON text is none */
    for (size_t max = TEXT_MAX;; max /= 2) {
        pl_buf_reset(out);
        if (print(cause_of(m, manifest_uri, max, err), out, err) != 0)
            return -1;
        if (out->len <= PL_SFN_CAUSE_MAX || max < FIELD_MAX)
            return 0;
    }
}
