#include "stages/csv_validate/delta.h"

#include <inttypes.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/log.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/text.h"
#include "pipeline/stream/compress.h"
#include "pipeline/stream/writer.h"
#include "pipeline/target/mapping.h"

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define MEMORY_DEFAULT (UINT64_C(1) << 30)

void csv_delta_release(struct csv_delta *d)
{
    pl_delta_filter_release(&d->filter);
    pl_delta_table_release(&d->table);
    pl_delta_job_release(&d->job);
    json_decref(d->prints);
    d->prints = NULL;
}

/* Opening */

static bool is_profile_key_folded(const struct pl_target *target)
{
    return target->is_profiles &&
           pl_key_field_by_name(target->key_field)->content == PL_CONTENT_EMAIL;
}

/* Profiles that are not sent expire: all are sent before half of the time. */
static bool is_due(const struct csv_delta *d)
{
    const char *text =
        json_string_value(json_object_get(d->job.state, "full_at"));
    int64_t full_ms = 0;

    return d->set.expiry_days > 0 &&
           (text == NULL || pl_time_parse_iso(text, &full_ms) != 0 ||
            pl_now_ms(&pl_clock_real) - full_ms >=
                d->set.expiry_days * DAY_MS / 2);
}

static void choose_full(struct csv_delta *d)
{
    const char *went =
        json_string_value(json_object_get(d->job.state, "destination"));
    const size_t cap = sizeof(d->full_why);

    if (!d->load.is_known)
        (void)snprintf(d->full_why, cap, "%s",
                       d->load.why[0] != '\0'
                           ? d->load.why
                           : "no earlier run of the job imported all its rows");
    else if (d->set.destination != NULL && went != NULL &&
             strcmp(went, d->set.destination) != 0)
        (void)snprintf(d->full_why, cap,
                       "the last run went into %.120s, this one goes into "
                       "%.120s",
                       went, d->set.destination);
    else if (is_due(d))
        (void)snprintf(d->full_why, cap,
                       "half of the %" PRId64
                       " days after which profiles expire is over",
                       d->set.expiry_days);
    else if (pl_delta_job_new_files(&d->job) >= PL_DELTA_FILES_MAX)
        (void)snprintf(d->full_why, cap,
                       "the changes since the last full run are in %" PRId64
                       " files",
                       pl_delta_job_new_files(&d->job));
    d->cfg.is_full = !d->set.is_changed || d->full_why[0] != '\0';
    if (d->set.is_changed && d->cfg.is_full)
        pl_info("all rows are sent: %s", d->full_why);
    else if (d->load.why[0] != '\0')
        pl_warn("nothing to compare with: %s", d->load.why);
}

static int load(struct csv_delta *d, const struct csv_settings *set,
                bool is_made, struct pl_err *err)
{
    PL_AUTO(pl_buf) place = PL_BUF_INIT;
    const uint64_t memory =
        set->csv.keys_memory > 0 ? set->csv.keys_memory : MEMORY_DEFAULT;

    d->load = (struct pl_delta_load){.memory = (size_t)memory,
                                     .temp_dir = set->csv.temp_dir};
    if (pl_delta_place(d->m, &place, err) != 0 ||
        pl_delta_job_open(&d->job, place.data, d->aws, err) != 0 ||
        pl_delta_job_key(&d->job, is_made, &d->cfg.key, err) != 0)
        return -1;
    return pl_delta_job_load(&d->job, &d->cfg.key, &d->load, &d->table, err);
}

int csv_delta_open(struct csv_delta *d, struct csv_settings *set,
                   struct pl_aws *aws, const struct pl_manifest *m,
                   struct pl_sink *sink, struct pl_err *err)
{
    struct pl_csv_config *csv = &set->csv;

    d->m = m;
    d->aws = aws;
    d->first_gone_part = SIZE_MAX;
    if (!d->set.is_on)
        return 0;
    d->cfg = (struct pl_delta_filter_config){
        .kind =
            csv->target->is_profiles ? PL_DELTA_PROFILES : PL_DELTA_ENDPOINTS,
        .is_folded = is_profile_key_folded(csv->target),
        .temp_dir = csv->temp_dir,
        .out = csv->out,
        .max_part_bytes = csv->max_part_bytes,
        .next_part = csv->next_part,
        .part_ctx = csv->part_ctx,
        .row = d->row,
        .row_ctx = d->row_ctx};
    if (load(d, set, csv->out != NULL, err) != 0)
        return -1;
    choose_full(d);
    pl_delta_filter_open(&d->filter, &d->cfg, &d->table);
    *sink = pl_delta_filter_sink(&d->filter);
    csv->out = sink;
    csv->max_part_bytes = 0;
    csv_delta_watch_rejects(d, csv);
    return 0;
}

bool csv_delta_needs_s3(const struct csv_validate_config *cfg,
                        const struct pl_manifest *m)
{
    PL_AUTO(pl_buf) place = PL_BUF_INIT;
    struct pl_err ignored = {0};

    return (cfg->mode != NULL || cfg->is_preview || pl_delta_is_wanted(m) ||
            pl_env("LAKESEG_IMPORT_MODE") != NULL) &&
           pl_delta_place(m, &place, &ignored) == 0 &&
           pl_starts_with(place.data, "s3://");
}

/* Judging */

static double percent(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part * 100.0 / (double)whole
                     : (part > 0 ? 100.0 : 0.0);
}

/* Whether a limit that does not hold is allowed this time; it is said. */
static bool is_allowed(const struct csv_delta *d, unsigned bit,
                       const char *what)
{
    if ((d->set.allow & bit) == 0)
        return false;
    pl_warn("%s does not hold, which is allowed this time", what);
    return true;
}

#define HOW \
    "nothing was imported. If that is right, allow it once: --allow %s, " \
    "LAKESEG_ALLOW_ONCE=%s"

static int judge_share(const struct csv_delta *d, const char *limit,
                       const char *word, unsigned bit, double most,
                       uint64_t part, uint64_t whole, const char *figures,
                       struct pl_err *err)
{
    if (most < 0 || percent(part, whole) <= most || is_allowed(d, bit, limit))
        return 0;
    return pl_fail(err, PL_DATA_INVALID,
                   "%s, %.1f percent, more than %s %g allows; " HOW, figures,
                   percent(part, whole), limit, most, word, word);
}

static int judge_unknown(const struct csv_delta *d, struct pl_err *err)
{
    const bool is_change = d->set.max_change >= 0;
    const unsigned bits = (is_change ? CSV_DELTA_MAX_CHANGE : 0U) |
                          (d->set.max_gone >= 0 ? CSV_DELTA_MAX_GONE : 0U);
    const char *words = bits == CSV_DELTA_MAX_CHANGE ? "max_change"
                        : bits == CSV_DELTA_MAX_GONE ? "max_gone"
                                                     : "max_change,max_gone";

    if (bits == 0 || d->load.why[0] == '\0')
        return 0;
    if ((d->set.allow & bits) == bits)
        return 0;
    return pl_fail(err, PL_DATA_INVALID,
                   "the limits of change cannot be judged: %s; " HOW,
                   d->load.why, words, words);
}

static int judge_changes(const struct csv_delta *d, struct pl_err *err)
{
    const uint64_t *counts = d->filter.counts;
    const uint64_t rows = pl_delta_filter_rows(&d->filter);
    const uint64_t differ = counts[PL_DELTA_NEW] + counts[PL_DELTA_CHANGED];
    char figures[160];

    if (!d->load.is_known)
        return judge_unknown(d, err);
    (void)snprintf(figures, sizeof(figures),
                   "%" PRIu64 " of %" PRIu64
                   " rows are new or changed since run %.64s",
                   differ, rows, pl_delta_job_last(&d->job));
    if (judge_share(d, "max_change_percent", "max_change", CSV_DELTA_MAX_CHANGE,
                    d->set.max_change, differ, rows, figures, err) != 0)
        return -1;
    (void)snprintf(figures, sizeof(figures),
                   "%" PRIu64 " of %" PRIu64 " rows of run %.64s are gone",
                   d->gone, d->table.count, pl_delta_job_last(&d->job));
    return judge_share(d, "max_gone_percent", "max_gone", CSV_DELTA_MAX_GONE,
                       d->set.max_gone, d->gone, d->table.count, figures, err);
}

static int judge_rows(const struct csv_delta *d, struct pl_err *err)
{
    const uint64_t rows = pl_delta_filter_rows(&d->filter);
    const int64_t last = pl_delta_job_rows(&d->job);

    if (last <= 0)
        return 0;
    if (rows == 0 && !is_allowed(d, CSV_DELTA_EMPTY, "an empty result"))
        return pl_fail(err, PL_DATA_INVALID,
                       "no rows, and the last run had %" PRId64 "; " HOW, last,
                       "empty", "empty");
    if (rows > 0 && (double)rows * 100.0 < d->set.min_rows * (double)last &&
        !is_allowed(d, CSV_DELTA_MIN_ROWS, "min_rows_percent_of_last"))
        return pl_fail(err, PL_DATA_INVALID,
                       "%" PRIu64 " rows, %.1f percent of the %" PRId64
                       " of the last run, less than "
                       "min_rows_percent_of_last %g asks for; " HOW,
                       rows, percent(rows, (uint64_t)last), last,
                       d->set.min_rows, "min_rows", "min_rows");
    return 0;
}

int csv_delta_explain(const struct csv_delta *d,
                      const struct pl_csv_report *report, struct pl_err *err)
{
    if (!d->set.is_on || err->code != PL_DATA_INVALID ||
        !d->filter.has_header || report->rows_in > 0)
        return -1;
    return pl_context(err,
                      "the result is empty, and nothing was imported (if that "
                      "is right, allow it once: --allow empty, "
                      "LAKESEG_ALLOW_ONCE=empty)");
}

int csv_delta_judge(struct csv_delta *d, struct pl_csv_report *report,
                    struct pl_err *err)
{
    const uint64_t *counts = d->filter.counts;

    if (!d->set.is_on)
        return 0;
    if (pl_delta_filter_settle(&d->filter, err) != 0)
        return -1;
    if (pl_delta_filter_rows(&d->filter) != report->rows_out)
        return pl_fail(err, PL_INTERNAL_ERROR, "counts do not add up");
    d->is_counted = true;
    d->gone = d->load.is_known ? pl_delta_filter_gone(&d->filter) : 0;
    if (!d->cfg.is_full) {
        report->rows_out -= counts[PL_DELTA_UNCHANGED];
        report->rows_unchanged += counts[PL_DELTA_UNCHANGED];
    }
    report->last_part_rows = d->filter.part_rows;
    if (d->load.is_known && d->load.meaning != d->filter.columns.meaning)
        pl_warn("the columns are not those of the last run: every row counts "
                "as changed");
    pl_info("since the last run: %" PRIu64 " new, %" PRIu64 " changed, %" PRIu64
            " unchanged, %" PRIu64 " gone",
            counts[PL_DELTA_NEW], counts[PL_DELTA_CHANGED],
            counts[PL_DELTA_UNCHANGED], d->gone);
    return judge_rows(d, err) != 0 ? -1 : judge_changes(d, err);
}

/* Keeping */

static int write_prints(struct csv_delta *d, struct pl_writer *w,
                        struct pl_err *err)
{
    const struct pl_sink file = pl_writer_sink(w);
    PL_AUTO(pl_deflate) deflate = {.out = NULL};
    struct pl_sink text;

    if (pl_deflate_open_quick(&deflate, &file, err) != 0)
        return -1;
    text = pl_deflate_sink(&deflate);
    return pl_delta_filter_write(&d->filter, &text, err) != 0 ||
                   pl_deflate_finish(&deflate, err) != 0 ||
                   pl_writer_commit(w, err) != 0
               ? -1
               : 0;
}

static int keep(struct csv_delta *d, struct pl_err *err)
{
    PL_AUTO(pl_buf) uri = PL_BUF_INIT;
    PL_AUTO(pl_transfer) how = {.threads = 0};
    PL_AUTO(pl_writer) w = {.fd = -1};
    char crc[PL_CRC64_TEXT];
    uint64_t rows;

    if (pl_buf_addf(&uri, err, "%s%s.prints", d->job.place.data,
                    pl_manifest_str(d->m, "run.id")) != 0 ||
        pl_transfer_settings(&how, NULL, d->aws, err) != 0)
        return -1;
    how.put.content_type = "application/zstd";
    if (pl_writer_open(&w, uri.data, &how, d->aws, err) != 0 ||
        write_prints(d, &w, err) != 0)
        return pl_context(err, "cannot keep the fingerprints of the rows");
    pl_crc64_text(w.crc64nvme, crc);
    rows = pl_delta_filter_rows(&d->filter) + d->filter.kept;
    d->prints = json_pack("{s:s, s:I, s:s, s:I}", "uri", uri.data, "bytes",
                          (json_int_t)w.bytes, "crc64nvme", crc, "rows",
                          (json_int_t)rows);
    return d->prints != NULL ? 0 : pl_fail_memory(err);
}

/* The headers by which people who are gone are sent: the key's, and that of
 * the segment's tag. */
static void find_headers(struct csv_delta *d,
                         const struct pl_profile_report *profiles)
{
    for (size_t i = 0; i < profiles->field_count; i++) {
        const struct pl_place *place = &profiles->fields[i].place;
        const char *name = place->target + strlen("_profile.Attributes.");

        if (i == 0)
            (void)snprintf(d->key_header, sizeof(d->key_header), "%s",
                           place->header);
        if (pl_starts_with(place->target, "_profile.Attributes.") &&
            strcmp(name, d->set.gone_column) == 0)
            (void)snprintf(d->tag_header, sizeof(d->tag_header), "%s",
                           place->header);
    }
}

static bool can_name_gone(struct csv_delta *d,
                          const struct pl_profile_report *profiles)
{
    if (d->cfg.kind != PL_DELTA_PROFILES)
        return true;
    find_headers(d, profiles);
    if (d->load.meaning == d->filter.columns.meaning &&
        d->tag_header[0] != '\0')
        return true;
    pl_warn("the key is another than in the last run: whose profile is gone "
            "keeps the segment's attribute until it expires");
    return false;
}

int csv_delta_finish(struct csv_delta *d,
                     const struct pl_profile_report *profiles, size_t next_part,
                     uint64_t *rows, struct pl_err *err)
{
    if (!d->set.is_on || d->cfg.out == NULL)
        return 0;
    if (d->set.gone_column != NULL && d->gone > 0 &&
        can_name_gone(d, profiles) &&
        csv_delta_write_gone(d, next_part, rows, err) != 0)
        return -1;
    return keep(d, err);
}

/* Recording */

static json_t *open_ids(const struct csv_delta *d)
{
    const json_t *open = pl_delta_job_open_runs(&d->job);
    json_t *ids = json_array();
    const json_t *entry;
    size_t i;

    json_array_foreach(open, i, entry)
    {
        const char *id = json_string_value(json_object_get(entry, "run_id"));

        if (id != NULL)
            (void)json_array_append_new(ids, json_string(id));
    }
    return ids;
}

static json_t *last_json(const struct csv_delta *d)
{
    const char *last = pl_delta_job_last(&d->job);

    return last == NULL ? json_null()
                        : json_pack("{s:s, s:I}", "run_id", last, "rows",
                                    (json_int_t)pl_delta_job_rows(&d->job));
}

/* A full run begins a new account of time; others go on with the old one. */
static json_t *full_at(const struct csv_delta *d)
{
    const json_t *before = json_object_get(d->job.state, "full_at");
    const char *now = pl_manifest_str(d->m, "run.started_at");

    if (!d->cfg.is_full && json_is_string(before))
        return json_string(json_string_value(before));
    return now != NULL ? json_string(now) : json_null();
}

static json_t *count_or_null(bool is_known, uint64_t count)
{
    return is_known ? json_integer((json_int_t)count) : json_null();
}

int csv_delta_record(const struct csv_delta *d, struct pl_manifest *m,
                     struct pl_err *err)
{
    const uint64_t *counts = d->filter.counts;
    json_t *section;

    if (!d->set.is_on || d->job.place.len == 0)
        return 0;
    section = json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o}",
        "place", d->job.place.data, "mode", d->cfg.is_full ? "full" : "changed",
        "why_full",
        d->full_why[0] != '\0' && d->set.is_changed ? json_string(d->full_why)
                                                    : json_null(),
        "last", last_json(d), "open", open_ids(d), "rows_new",
        count_or_null(d->is_counted, counts[PL_DELTA_NEW]), "rows_changed",
        count_or_null(d->is_counted, counts[PL_DELTA_CHANGED]),
        "rows_unchanged",
        count_or_null(d->is_counted, counts[PL_DELTA_UNCHANGED]), "rows_gone",
        count_or_null(d->is_counted && d->load.is_known, d->gone), "rows_kept",
        count_or_null(d->is_counted && d->load.is_known, d->filter.kept),
        "full_at", full_at(d), "columns_changed",
        d->is_counted && d->load.is_known &&
            d->load.meaning != d->filter.columns.meaning,
        "fingerprints",
        d->prints != NULL ? json_incref(d->prints) : json_null());
    if (section == NULL)
        return pl_fail_memory(err);
    if (pl_manifest_set_new(m, "validate.result.delta", section, err) != 0)
        return -1;
    return d->gone_sent == 0
               ? 0
               : pl_manifest_set_int(m, "validate.result.rows_gone_sent",
                                     (int64_t)d->gone_sent, err);
}
