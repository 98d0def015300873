/* A run in a few lines. */
#include <inttypes.h>

#include "pipeline/base/clock.h"
#include "pipeline/manifest/outcome.h"
#include "stages/lakeseg_run/lakeseg_run.h"

static int add_stage_lines(const struct pl_manifest *m, struct pl_buf *text,
                           struct pl_err *err)
{
    const json_t *line;
    size_t i;

    json_array_foreach(pl_manifest_get(m, "stages"), i, line)
    {
        const char *name = json_string_value(json_object_get(line, "stage"));
        const char *status = json_string_value(json_object_get(line, "status"));
        const char *from =
            json_string_value(json_object_get(line, "started_at"));
        const char *to = json_string_value(json_object_get(line, "ended_at"));
        int64_t from_ms = 0;
        int64_t to_ms = 0;

        if (name == NULL || status == NULL || from == NULL || to == NULL ||
            pl_time_parse_iso(from, &from_ms) != 0 ||
            pl_time_parse_iso(to, &to_ms) != 0)
            continue;
        if (pl_buf_addf(text, err, "%-24s %-10s %8.3f s\n", name, status,
                        (double)(to_ms - from_ms) / 1000.0) != 0)
            return -1;
    }
    return 0;
}

int lakeseg_run_summary(const struct pl_manifest *m, bool has_stages,
                        struct pl_buf *text, struct pl_err *err)
{
    const int64_t in = pl_manifest_int(m, "validate.result.rows_in", -1);
    const char *error = pl_manifest_str(m, "error.name");
    const char *id = pl_manifest_str(m, "run.id");
    const char *published = pl_manifest_str(m, "notify.result.message_id");
    char message[PL_OUTCOME_MESSAGE_LEN];

    if (has_stages && add_stage_lines(m, text, err) != 0)
        return -1;
    if (in >= 0 &&
        pl_buf_addf(text, err,
                    "rows: %" PRId64 " in, %" PRId64 " out, %" PRId64
                    " rejected, %" PRId64 " dropped\n",
                    in, pl_manifest_int(m, "validate.result.rows_out", 0),
                    pl_manifest_int(m, "validate.result.rows_rejected", 0),
                    pl_manifest_int(m, "validate.result.rows_dropped", 0)) != 0)
        return -1;
    pl_outcome_message(m, message);
    if (pl_manifest_is_failed(m) &&
        pl_buf_addf(text, err, "%s: %s\n", error != NULL ? error : "failed",
                    message) != 0)
        return -1;
    return pl_buf_addf(text, err, "run %s: %s%s%s\n", id != NULL ? id : "?",
                       pl_manifest_subject(m),
                       published != NULL ? ", published as " : "",
                       published != NULL ? published : "");
}
