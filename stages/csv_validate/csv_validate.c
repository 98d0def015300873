#include "stages/csv_validate/csv_validate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/log.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"
#include "pipeline/manifest/parts.h"
#include "pipeline/stream/compress.h"
#include "pipeline/stream/writer.h"
#include "stages/csv_validate/delta.h"
#include "stages/csv_validate/input.h"
#include "stages/csv_validate/preview.h"
#include "stages/csv_validate/profiles.h"
#include "stages/csv_validate/record.h"
#include "stages/csv_validate/settings.h"

/* Of what goes to S3 piece by piece: two parts on their way, one filled. */
#define UPLOAD_THREADS 2
#define UPLOAD_BUFFERS (INT64_C(24) << 20)

/* One run of the transformer with what it reads and writes. */
struct job {
    const struct csv_validate_config *cfg;
    struct pl_aws *aws;
    struct csv_settings set;
    struct csv_input input;
    struct csv_profiles profiles; /* where the target has them */
    struct csv_delta delta;       /* where the job keeps its last run */
    struct csv_preview preview;   /* if that is what is asked for */
    struct pl_buf work;           /* the run's place */
    struct pl_part number;        /* of a run in parts */
    struct pl_buf out_uri;        /* of the part being written */
    struct pl_buf rejects_uri;    /* "": nowhere */
    struct pl_sink rejects_sink;
    struct pl_deflate deflate;
    struct pl_sink rows; /* over parts; also once they were transformed */
    struct part **parts; /* all of them appear, or none */
    size_t part_count;
    struct pl_writer rejects;
    struct pl_csv_report report;
    struct pl_transfer how; /* to S3 */
};

struct part {
    struct pl_writer writer;
    char *uri;
    uint64_t rows;
};

static void job_release(struct job *job)
{
    csv_input_release(&job->input);
    for (size_t i = 0; i < job->part_count; i++) {
        pl_writer_release(&job->parts[i]->writer);
        free(job->parts[i]->uri);
        free(job->parts[i]);
    }
    free(job->parts);
    pl_deflate_release(&job->deflate);
    pl_writer_release(&job->rejects);
    pl_transfer_release(&job->how);
    pl_csv_report_release(&job->report);
    pl_buf_release(&job->work);
    pl_buf_release(&job->out_uri);
    pl_buf_release(&job->rejects_uri);
    csv_profiles_release(&job->profiles);
    csv_preview_release(&job->preview);
    csv_delta_release(&job->delta);
    csv_settings_release(&job->set);
}

bool csv_validate_needs_s3(const struct csv_validate_config *cfg,
                           const struct pl_manifest *m)
{
    const char *id_map = pl_manifest_str(m, "import.id_map");

    if ((cfg->output != NULL && pl_starts_with(cfg->output, "s3://")) ||
        (cfg->rejects != NULL && pl_starts_with(cfg->rejects, "s3://")))
        return true;
    if ((id_map != NULL && pl_starts_with(id_map, "s3://")) ||
        csv_delta_needs_s3(cfg, m))
        return true;
    for (size_t i = 0; i < pl_manifest_data_count(m); i++) {
        struct pl_err ignored = {0};
        struct pl_data data;

        if (pl_manifest_data_get(m, i, &data, &ignored) == 0 &&
            strcmp(data.role, "query-result") == 0 &&
            pl_starts_with(data.uri, "s3://"))
            return true;
    }
    return false;
}

int csv_validate_direct(const struct csv_validate_config *cfg, const char *file,
                        struct pl_manifest *m, struct pl_err *err)
{
    const struct pl_data data = {
        .uri = strcmp(file, "-") == 0 ? "/dev/stdin" : file,
        .role = "query-result",
        .format = cfg->input_format != NULL ? cfg->input_format
                                            : csv_input_format(file),
        .compression = "none",
        .bytes = -1,
        .rows = -1};

    if (cfg->output == NULL && !cfg->is_check)
        return pl_fail(err, PL_USAGE_INVALID,
                       "a file alone: --output FILE says where to, --check "
                       "that only the verdict is wanted");
    if (pl_manifest_data_add(m, &data, err) != 0)
        return -1;
    return cfg->output != NULL && strcmp(cfg->output, "-") == 0 ? 1 : 0;
}

/* S3 input goes to the run's place in S3, local input to the local one. */
static int choose_places(struct job *job, const struct pl_manifest *m,
                         struct pl_err *err)
{
    const struct csv_validate_config *cfg = job->cfg;
    const bool is_direct = cfg->output != NULL || cfg->is_check;
    const char *rejects = cfg->rejects;
    const char *ending =
        job->set.csv.rejects_format == PL_CSV_REJECTS_JSON ? "jsonl" : "csv";

    if ((!is_direct || (rejects == NULL && !cfg->is_check)) &&
        (pl_starts_with(job->input.uris[0], "s3://")
             ? pl_manifest_work_uri(m, &job->work, err)
             : pl_manifest_work_dir(m, &job->work, err)) != 0)
        return -1;
    if (rejects != NULL)
        return pl_buf_adds(&job->rejects_uri,
                           strcmp(rejects, "-") == 0 ? "/dev/stdout" : rejects,
                           err);
    if (cfg->is_check)
        return 0;
    if (job->number.number >= 0)
        return pl_buf_addf(&job->rejects_uri, err,
                           "%srejects/rejects-%02" PRId64 ".%s",
                           job->number.work_uri, job->number.number, ending);
    return pl_buf_addf(&job->rejects_uri, err, "%srejects/rejects.%s",
                       job->work.data, ending);
}

/* Of a run in parts: beside the files of the other ones. */
static int name_file_of_part(struct job *job, const char *ending,
                             struct pl_err *err)
{
    if (job->part_count == PL_PART_FILES_MAX)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "a partition fills more than %d files: make more "
                       "partitions (query.partitions), or larger files "
                       "(--max-part-bytes)",
                       PL_PART_FILES_MAX);
    return pl_buf_addf(&job->out_uri, err,
                       "%simport/p%04" PRId64 "/part-0000.%s",
                       job->number.work_uri,
                       pl_part_file(&job->number, job->part_count), ending);
}

/* Each part is the only file under its prefix, since what an import job reads
 * is a prefix, and a job takes no more than a part. */
static int name_part(struct job *job, struct pl_err *err)
{
    const char *output = job->cfg->output;
    const char *ending = job->set.csv.format == PL_CSV_OUT_CSV ? "csv" : "json";
    const char *dot;

    pl_buf_reset(&job->out_uri);
    if (output == NULL && job->number.number >= 0)
        return name_file_of_part(job, ending, err);
    if (output == NULL)
        return pl_buf_addf(&job->out_uri, err, "%simport/p%04zu/part-0000.%s",
                           job->work.data, job->part_count, ending);
    if (strcmp(output, "-") == 0)
        return pl_buf_adds(&job->out_uri, "/dev/stdout", err);
    if (job->part_count == 0)
        return pl_buf_adds(&job->out_uri, output, err);
    dot = strrchr(pl_uri_name(output), '.');
    if (dot == NULL)
        dot = output + strlen(output);
    return pl_buf_addf(&job->out_uri, err, "%.*s-%04zu%s", (int)(dot - output),
                       output, job->part_count, dot);
}

/* The output is seldom longer than the input. */
static void reserve(const struct job *job, struct part *part)
{
    const int64_t most = (int64_t)job->set.csv.max_part_bytes;
    const int64_t left = csv_input_left(&job->input);

    if (left >= 0 && job->set.csv.format == PL_CSV_OUT_CSV)
        pl_writer_reserve(&part->writer, most > 0 && most < left ? most : left);
}

static int open_part(struct job *job, struct pl_err *err)
{
    struct part **grown =
        realloc(job->parts, (job->part_count + 1) * sizeof(struct part *));
    struct part *part;

    if (grown == NULL)
        return pl_fail_memory(err);
    job->parts = grown;
    if (name_part(job, err) != 0)
        return -1;
    part = calloc(1, sizeof(*part)); /* it must stay where it is */
    if (part == NULL)
        return pl_fail_memory(err);
    part->writer.fd = -1;
    grown[job->part_count++] = part;
    part->uri = strdup(job->out_uri.data);
    if (part->uri == NULL)
        return pl_fail_memory(err);
    job->how.put.content_type = job->set.csv.format == PL_CSV_OUT_CSV
                                    ? "text/csv; charset=utf-8"
                                    : "application/x-ndjson";
    if (pl_writer_open(&part->writer, part->uri, &job->how, job->aws, err) != 0)
        return -1;
    reserve(job, part);
    return job->set.has_sha256 ? pl_writer_hash(&part->writer, err) : 0;
}

static int write_part(void *ctx, const void *data, size_t len,
                      struct pl_err *err)
{
    struct job *job = ctx;
    const struct pl_sink sink =
        pl_writer_sink(&job->parts[job->part_count - 1]->writer);

    return pl_sink_write(&sink, data, len, err);
}

static int next_part(void *ctx, uint64_t rows, struct pl_err *err)
{
    struct job *job = ctx;

    struct part *part = job->parts[job->part_count - 1];

    part->rows = rows;
    return pl_writer_settle(&part->writer, err) != 0 ? -1 : open_part(job, err);
}

static void show_progress(void *ctx, uint64_t bytes, uint64_t rows)
{
    const struct job *job = ctx;

    (void)bytes; /* of the text; what was read may be less */
    pl_progress_rows(rows);
    pl_progress("validating", csv_input_passed(&job->input),
                (uint64_t)job->input.bytes, "bytes");
}

static int open_streams(struct job *job, struct pl_err *err)
{
    if (pl_transfer_settings(&job->how, NULL, job->aws, err) != 0)
        return -1;
    job->how.threads = UPLOAD_THREADS;
    job->how.memory = PL_TRANSFER_BASE + UPLOAD_BUFFERS;
    if (csv_input_open(&job->input, job->aws, &job->set.csv, err) != 0 ||
        (!job->cfg->is_check && open_part(job, err) != 0))
        return -1;
    if (job->rejects_uri.len == 0)
        return 0;
    job->rejects_sink = pl_writer_sink(&job->rejects);
    job->how.put.content_type =
        job->set.is_zstd ? "application/zstd"
        : job->set.csv.rejects_format == PL_CSV_REJECTS_JSON
            ? "application/x-ndjson"
            : "text/csv; charset=utf-8";
    if (pl_writer_open(&job->rejects, job->rejects_uri.data, &job->how,
                       job->aws, err) != 0)
        return -1;
    return job->set.is_zstd
               ? pl_deflate_open(&job->deflate, &job->rejects_sink, err)
               : 0;
}

static int transform(struct job *job, const struct pl_manifest *m,
                     struct pl_err *err)
{
    const struct pl_sink rejects =
        job->set.is_zstd ? pl_deflate_sink(&job->deflate) : job->rejects_sink;
    struct pl_sink compared;
    struct pl_sink rows;

    job->rows = (struct pl_sink){.ctx = job, .write = write_part};
    if (!job->cfg->is_check)
        job->set.csv.out = &job->rows;
    job->set.csv.next_part = next_part;
    job->set.csv.part_ctx = job;
    if (job->rejects_uri.len > 0)
        job->set.csv.rejects = &rejects;
    job->set.csv.progress = show_progress;
    job->set.csv.progress_ctx = job;
    if (job->cfg->is_preview &&
        csv_preview_open(&job->preview, &job->delta, job->cfg->has_values,
                         err) != 0)
        return -1;
    if (csv_delta_open(&job->delta, &job->set, job->aws, m, &compared, err) !=
            0 ||
        csv_profiles_open(&job->profiles, &job->set, job->aws, m, &rows, err) !=
            0)
        return -1;
    if (pl_csv_transform(&job->set.csv, &job->report, err) != 0 ||
        csv_profiles_finish(&job->profiles, &job->set.csv, &job->report, err) !=
            0)
        return csv_delta_explain(&job->delta, &job->report, err);
    if (csv_delta_judge(&job->delta, &job->report, err) != 0)
        return -1;
    return csv_input_verify(&job->input, err);
}

static int add_entry(struct pl_manifest *m, const char *uri, const char *role,
                     const char *format, bool is_zstd,
                     const struct pl_writer *w, uint64_t rows,
                     struct pl_err *err)
{
    char crc[PL_CRC64_TEXT];
    const struct pl_data data = {.uri = uri,
                                 .role = role,
                                 .format = format,
                                 .compression = is_zstd ? "zstd" : "none",
                                 .bytes = w->bytes,
                                 .rows = (int64_t)rows,
                                 .crc64nvme = crc,
                                 .etag = w->etag[0] != '\0' ? w->etag : NULL,
                                 .sha256 =
                                     w->sha256[0] != '\0' ? w->sha256 : NULL};

    pl_crc64_text(w->crc64nvme, crc);
    return pl_manifest_data_add(m, &data, err);
}

/* The reject file is kept whatever the limits say: the analyst needs it most
 * when they were exceeded. */
static int keep_rejects(struct job *job, struct pl_manifest *m,
                        struct pl_err *err)
{
    if (job->rejects_uri.len == 0)
        return 0;
    if ((job->set.is_zstd && pl_deflate_finish(&job->deflate, err) != 0) ||
        pl_writer_commit(&job->rejects, err) != 0)
        return pl_context(err, "cannot keep the rejects");
    pl_manifest_data_drop(m, "rejects");
    return add_entry(
        m, job->rejects_uri.data, "rejects",
        job->set.csv.rejects_format == PL_CSV_REJECTS_JSON ? "jsonl" : "csv",
        job->set.is_zstd, &job->rejects, job->report.rows_rejected, err);
}

/* Says of the last entry that its rows are gone ones, and for profiles which
 * columns it has. */
static int mark_gone(const struct csv_delta *d, struct pl_manifest *m,
                     struct pl_err *err)
{
    json_t *list = pl_manifest_get(m, "data");
    json_t *entry = json_array_get(list, json_array_size(list) - 1);

    if (json_object_set_new(entry, "gone", json_true()) != 0 ||
        (d->tag_header[0] != '\0' &&
         json_object_set_new(
             entry, "columns",
             json_pack("[s, s]", d->key_header, d->tag_header)) != 0))
        return pl_fail_memory(err);
    return 0;
}

static int finish(struct job *job, struct pl_manifest *m, struct pl_err *err)
{
    if (csv_delta_finish(&job->delta, &job->profiles.report, job->part_count,
                         &job->report.last_part_rows, err) != 0 ||
        csv_delta_record(&job->delta, m, err) != 0)
        return -1;
    for (size_t i = 0; i < job->part_count; i++)
        if (pl_writer_commit(&job->parts[i]->writer, err) != 0)
            return pl_context(err, "cannot write the normalized file");
    pl_manifest_data_drop(m, "query-result");
    pl_manifest_data_drop(m, "normalized");
    if (job->part_count > 0)
        job->parts[job->part_count - 1]->rows = job->report.last_part_rows;
    for (size_t i = 0; i < job->part_count; i++)
        if (add_entry(m, job->parts[i]->uri, "normalized",
                      job->set.csv.format == PL_CSV_OUT_CSV ? "csv" : "json",
                      false, &job->parts[i]->writer, job->parts[i]->rows,
                      err) != 0 ||
            (i >= job->delta.first_gone_part &&
             mark_gone(&job->delta, m, err) != 0))
            return -1;
    pl_info("%" PRIu64 " rows in, %" PRIu64 " out, %" PRIu64
            " rejected, %" PRIu64 " dropped, %" PRIu64 " merged",
            job->report.rows_in, job->report.rows_out,
            job->report.rows_rejected, job->report.rows_dropped,
            job->report.rows_merged);
    return 0;
}

/* What a job keeps of its last run is of all its rows. */
static int check_part(const struct job *job, struct pl_err *err)
{
    if (job->number.number < 0 || !job->delta.set.is_on)
        return 0;
    return pl_fail(err, PL_CONFIG_INVALID,
                   "a run in parts is not compared with the last one: leave "
                   "import.mode, import.gone and the limits of changes out");
}

int csv_validate_run(const struct csv_validate_config *cfg, struct pl_aws *aws,
                     struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(job)
    job = {.cfg = cfg,
           .aws = aws,
           .input = {.reader = {.fd = -1}},
           .rejects = {.fd = -1},
           .profiles = {.reader = {.fd = -1}}};
    struct pl_err verdict = {0};

    if (csv_settings_choose(&job.set, cfg, m, err) != 0 ||
        csv_delta_choose(&job.delta.set, cfg, &job.set, m, err) != 0 ||
        pl_part_get(m, &job.number, err) != 0 || check_part(&job, err) != 0 ||
        csv_input_find(&job.input, cfg, m, err) != 0 ||
        choose_places(&job, m, err) != 0 || open_streams(&job, err) != 0)
        return -1;
    if ((job.delta.set.allow & CSV_DELTA_EMPTY) != 0)
        job.set.csv.limits.min_rows = 0;
    if (transform(&job, m, &verdict) != 0 && verdict.code != PL_DATA_INVALID) {
        *err = verdict;
        return -1;
    }
    pl_progress_end();
    if (job.report.odd_count > 0)
        pl_warn("%zu names of columns hold one of # : ? \\ /, which the "
                "service's console cannot show: '%s'%s",
                job.report.odd_count, job.report.odd_name,
                job.report.odd_count > 1 ? ", ..." : "");
    if (csv_record_report(&job.report, m, err) != 0 ||
        csv_profiles_record(&job.profiles, m, err) != 0 ||
        csv_delta_record(&job.delta, m, err) != 0 ||
        csv_preview_record(&job.preview, m, err) != 0 ||
        keep_rejects(&job, m, err) != 0)
        return -1;
    if (verdict.code != PL_OK) {
        *err = verdict;
        return -1;
    }
    return finish(&job, m, err);
}
