#include "pipeline/delta/job.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/file.h"
#include "pipeline/base/log.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"
#include "pipeline/runs/runs.h"
#include "pipeline/stream/compress.h"
#include "pipeline/stream/reader.h"
#include "pipeline/stream/small.h"
#include "pipeline/stream/transfer.h"

#define STATE_BYTES_MAX ((size_t)32 << 20)
#define CHANGE_TRIES 8
#define CHANGE_WAIT_MS INT64_C(100)

bool pl_delta_is_wanted(const struct pl_manifest *m)
{
    static const char *const paths[] = {
        "import.mode", "import.gone", "validate.limits.max_change_percent",
        "validate.limits.max_gone_percent",
        "validate.limits.min_rows_percent_of_last"};

    for (size_t i = 0; i < PL_COUNT(paths); i++)
        if (pl_manifest_get(m, paths[i]) != NULL)
            return true;
    return false;
}

static bool is_in_s3(const struct pl_manifest *m)
{
    struct pl_err ignored = {0};
    struct pl_data data;

    return pl_manifest_str(m, "run.work_uri") != NULL ||
           (pl_manifest_data_count(m) > 0 &&
            pl_manifest_data_get(m, 0, &data, &ignored) == 0 &&
            pl_starts_with(data.uri, "s3://"));
}

/* What holds the places of all runs. */
static int add_parent(const struct pl_manifest *m, struct pl_buf *out,
                      struct pl_err *err)
{
    const char *output = pl_manifest_str(m, "query.output_uri");

    if (output != NULL)
        return pl_buf_addf(out, err, "%s%slakeseg/", output,
                           pl_ends_with(output, "/") ? "" : "/");
    if ((is_in_s3(m) ? pl_manifest_work_uri(m, out, err)
                     : pl_manifest_work_dir(m, out, err)) != 0)
        return -1;
    do
        out->len--;
    while (out->len > 0 && out->data[out->len - 1] != '/');
    out->data[out->len] = '\0';
    return 0;
}

int pl_delta_place(const struct pl_manifest *m, struct pl_buf *out,
                   struct pl_err *err)
{
    const char *name = pl_manifest_str(m, "run.name");

    if (name == NULL || *name == '\0')
        return pl_fail(err, PL_CONFIG_INVALID,
                       "a job that compares its runs needs a name: 'run.name'");
    return add_parent(m, out, err) != 0 ||
                   pl_buf_adds(out, "jobs/", err) != 0 ||
                   pl_job_folder(m, out, err) != 0
               ? -1
               : pl_buf_addc(out, '/', err);
}

void pl_delta_destination(const char *kind, const char *name,
                          const char *region, char out[PL_DELTA_DESTINATION])
{
    (void)snprintf(out, PL_DELTA_DESTINATION, "%.20s %.200s%s%.60s", kind, name,
                   region != NULL ? " in " : "", region != NULL ? region : "");
}

/* Small files */

bool pl_delta_is_missing(const struct pl_err *err)
{
    return err->http_status == 404 || err->sys == ENOENT;
}

int pl_delta_fetch(const char *uri, struct pl_aws *aws, struct pl_buf *to,
                   struct pl_err *err)
{
    struct pl_err why = {0};

    if (pl_small_read(uri, aws, to, &why) == 0)
        return 0;
    if (pl_delta_is_missing(&why))
        return 1;
    *err = why;
    return -1;
}

/* if_match: an ETag, or "": only where there is none. */
static int put_file(struct pl_delta_job *job, const char *name,
                    const struct pl_buf *text, const char *if_match,
                    struct pl_err *err)
{
    PL_AUTO(pl_buf) uri = PL_BUF_INIT;
    PL_AUTO(pl_transfer) how = {.threads = 0};

    if (pl_buf_addf(&uri, err, "%s%s", job->place.data, name) != 0)
        return -1;
    if (!pl_starts_with(uri.data, "s3://"))
        return pl_mkdirs_for(uri.data, err) != 0
                   ? -1
                   : pl_file_write(uri.data, text->data, text->len, err);
    if (pl_transfer_settings(&how, NULL, job->aws, err) != 0)
        return -1;
    how.put.only_if_absent = *if_match == '\0';
    how.put.if_match = *if_match != '\0' ? if_match : NULL;
    return pl_small_store(uri.data, text, &how.put, job->aws, err);
}

/* The state */

static bool is_state(const json_t *state)
{
    const json_t *run = json_object_get(state, "run_id");
    const json_t *open = json_object_get(state, "open");

    return json_is_object(state) &&
           json_integer_value(json_object_get(state, "lakeseg_job")) == 1 &&
           (run == NULL || json_is_null(run) || json_is_string(run)) &&
           (open == NULL || json_is_array(open));
}

static int read_state(struct pl_delta_job *job, struct pl_err *err)
{
    PL_AUTO(pl_buf) uri = PL_BUF_INIT;
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(STATE_BYTES_MAX);
    struct pl_err why = {0};

    json_decref(job->state);
    job->state = NULL;
    job->why[0] = job->etag[0] = '\0';
    if (pl_buf_addf(&uri, err, "%slast.json", job->place.data) != 0)
        return -1;
    if (pl_small_read_etag(uri.data, job->aws, &text, job->etag, &why) != 0) {
        if (pl_delta_is_missing(&why))
            return 0;
        *err = why;
        return pl_context(err, "what the job's last run left");
    }
    job->state =
        json_loadb(pl_buf_str(&text), text.len, JSON_REJECT_DUPLICATES, NULL);
    if (is_state(job->state))
        return 0;
    json_decref(job->state);
    job->state = NULL;
    (void)snprintf(job->why, sizeof(job->why), "'%.200s' is broken", uri.data);
    return 0;
}

int pl_delta_job_open(struct pl_delta_job *job, const char *place,
                      struct pl_aws *aws, struct pl_err *err)
{
    job->aws = aws;
    return pl_buf_adds(&job->place, place, err) != 0 ? -1
                                                     : read_state(job, err);
}

void pl_delta_job_release(struct pl_delta_job *job)
{
    pl_buf_release(&job->place);
    json_decref(job->state);
    job->state = NULL;
}

static int write_state(struct pl_delta_job *job, struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(STATE_BYTES_MAX); /* as it is read */
    char *dump = json_dumps(job->state, JSON_COMPACT);
    int rc;

    if (dump == NULL)
        return pl_fail_memory(err);
    rc = pl_buf_adds(&text, dump, err) != 0 ||
                 pl_buf_addc(&text, '\n', err) != 0 ||
                 put_file(job, "last.json", &text, job->etag, err) != 0
             ? -1
             : 0;
    free(dump);
    return rc;
}

static int change_once(struct pl_delta_job *job,
                       int (*change)(void *ctx, struct pl_err *err), void *ctx,
                       struct pl_err *err)
{
    int rc = read_state(job, err);

    if (rc == 0)
        rc = change(ctx, err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    return write_state(job, err);
}

/* Of a folder one run at a time: it is locked. The descriptor, or -1. */
static int lock_place(const struct pl_delta_job *job, struct pl_err *err)
{
    int fd;
    int rc;

    if (pl_mkdirs_for(job->place.data, err) != 0)
        return -1;
    fd = open(job->place.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot open '%s'",
                             job->place.data);
    do
        rc = flock(fd, LOCK_EX);
    while (rc != 0 && errno == EINTR && pl_stop_check(err) == 0);
    if (rc == 0)
        return fd;
    (void)close(fd);
    return err->code != PL_OK
               ? -1
               : pl_fail_errno(err, PL_FILE_ERROR, "cannot lock '%s'",
                               job->place.data);
}

/* Also where the object that was read is gone. */
static bool was_slower(const struct pl_delta_job *job, const struct pl_err *err)
{
    return strcmp(err->service, "PreconditionFailed") == 0 ||
           strcmp(err->service, "ConditionalRequestConflict") == 0 ||
           (err->http_status == 404 && job->etag[0] != '\0');
}

int pl_delta_job_change(struct pl_delta_job *job,
                        int (*change)(void *ctx, struct pl_err *err), void *ctx,
                        struct pl_err *err)
{
    if (!pl_starts_with(job->place.data, "s3://")) {
        const int fd = lock_place(job, err);
        int rc;

        if (fd < 0)
            return -1;
        rc = change_once(job, change, ctx, err);
        (void)close(fd);
        return rc;
    }
    for (int tries = 1;; tries++) {
        struct pl_err why = {0};

        if (change_once(job, change, ctx, &why) == 0)
            return 0;
        if (!was_slower(job, &why) || tries == CHANGE_TRIES) {
            *err = why;
            return -1;
        }
        if (pl_sleep_ms(&job->aws->clock, CHANGE_WAIT_MS * tries, err) != 0)
            return -1;
    }
}

const char *pl_delta_job_last(const struct pl_delta_job *job)
{
    return json_string_value(json_object_get(job->state, "run_id"));
}

int64_t pl_delta_job_rows(const struct pl_delta_job *job)
{
    const json_t *rows = json_object_get(job->state, "rows");

    return pl_delta_job_last(job) != NULL && json_is_integer(rows)
               ? (int64_t)json_integer_value(rows)
               : -1;
}

int64_t pl_delta_job_new_files(const struct pl_delta_job *job)
{
    const json_t *files = json_object_get(job->state, "files");
    const json_t *full = json_object_get(job->state, "full_files");

    return (int64_t)json_array_size(files) - (int64_t)json_integer_value(full);
}

const json_t *pl_delta_job_open_runs(const struct pl_delta_job *job)
{
    const json_t *open = json_object_get(job->state, "open");

    return json_array_size(open) > 0 ? open : NULL;
}

void pl_delta_job_forget(struct pl_delta_job *job, const char *uri)
{
    struct pl_err why = {0};
    struct pl_uri at;

    if (!pl_starts_with(uri, job->place.data) ||
        pl_uri_parse(uri, &at, &why) != 0)
        return; /* not a file of ours */
    if (at.is_s3 ? pl_s3_delete(job->aws, at.bucket, at.path, &why) != 0
                 : unlink(at.path) != 0)
        pl_debug("cannot remove '%s': %s", uri, why.msg);
}

/* The key */

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;

    return at != NULL ? (int)(at - digits) : -1;
}

static int parse_key(const struct pl_buf *text, const char *uri,
                     struct pl_delta_key *key, struct pl_err *err)
{
    unsigned char bytes[PL_DELTA_KEY_BYTES];

    for (size_t i = 0; i < sizeof(bytes); i++) {
        const int high = text->len == 2 * sizeof(bytes) + 1
                             ? hex_digit(text->data[2 * i])
                             : -1;
        const int low = high >= 0 ? hex_digit(text->data[2 * i + 1]) : -1;

        if (low < 0)
            return pl_fail(err, PL_DATA_INVALID,
                           "'%s' is not the key of a job's fingerprints: "
                           "remove it, and the next run is a full one",
                           uri);
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    memcpy(key->id, bytes, sizeof(key->id));
    memcpy(key->row, bytes + sizeof(key->id), sizeof(key->row));
    pl_wipe(bytes, sizeof(bytes));
    return 0;
}

static int make_key(struct pl_delta_job *job, struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    unsigned char bytes[PL_DELTA_KEY_BYTES];
    char hex[2 * PL_DELTA_KEY_BYTES + 1];
    struct pl_err why = {0};

    if (pl_random(bytes, sizeof(bytes), err) != 0)
        return -1;
    pl_hex(bytes, sizeof(bytes), hex);
    if (pl_buf_addf(&text, err, "%s\n", hex) != 0)
        return -1;
    if (put_file(job, "key", &text, "", &why) == 0 ||
        strcmp(why.service, "PreconditionFailed") == 0)
        return 0; /* another run was quicker: it is read next */
    *err = why;
    return -1;
}

int pl_delta_job_key(struct pl_delta_job *job, bool is_made,
                     struct pl_delta_key *key, struct pl_err *err)
{
    PL_AUTO(pl_buf) uri = PL_BUF_INIT;
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    int rc;

    memset(key, 0, sizeof(*key));
    if (pl_buf_addf(&uri, err, "%skey", job->place.data) != 0)
        return -1;
    rc = pl_delta_fetch(uri.data, job->aws, &text, err);
    if (rc == 1 && !is_made)
        return 0;
    if (rc == 1) {
        if (make_key(job, err) != 0)
            return -1;
        rc = pl_delta_fetch(uri.data, job->aws, &text, err);
    }
    if (rc == 1)
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "'%s' was written and is not there", uri.data);
    return rc < 0 ? -1 : parse_key(&text, uri.data, key, err);
}

/* Fingerprints */

struct source {
    struct pl_reader reader;
    struct pl_source read;
    struct pl_inflate inflate;
    struct pl_source text;
    struct pl_delta_file_reader file;
};

static void source_close(struct source *s)
{
    pl_inflate_release(&s->inflate);
    pl_reader_release(&s->reader);
}

/* PL_DATA_INVALID, or missing: it cannot be used. */
static int source_open(struct source *s, const json_t *entry, uint64_t mark,
                       struct pl_aws *aws, struct pl_err *err)
{
    const char *uri = json_string_value(json_object_get(entry, "uri"));
    const json_t *rows = json_object_get(entry, "rows");

    s->reader.fd = -1;
    if (uri == NULL || !json_is_integer(rows))
        return pl_fail(err, PL_DATA_INVALID, "its fingerprints are not known");
    if (pl_reader_open(&s->reader, uri, aws, err) != 0)
        return -1;
    s->read = pl_reader_source(&s->reader);
    if (pl_inflate_open(&s->inflate, &s->read, err) != 0)
        return -1;
    s->text = pl_inflate_source(&s->inflate);
    if (pl_delta_read_open(&s->file, &s->text, err) != 0)
        return -1;
    if (s->file.head.key_mark != mark)
        return pl_fail(err, PL_DATA_INVALID,
                       "it was made with another key than the job has");
    if (s->file.head.count != (uint64_t)json_integer_value(rows))
        return pl_fail(err, PL_DATA_INVALID, "it has another number of rows");
    return 0;
}

static int verify(struct source *sources, const json_t *entries[], size_t count,
                  struct pl_err *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *crc =
            json_string_value(json_object_get(entries[i], "crc64nvme"));

        if (pl_reader_verify(&sources[i].reader, crc, err) != 0)
            return -1;
    }
    return 0;
}

static int load_all(const json_t *entries[], size_t count, uint64_t mark,
                    struct pl_aws *aws, struct pl_delta_load *load,
                    struct pl_delta_table *table, struct pl_err *err)
{
    struct source *sources = calloc(PL_DELTA_SOURCES, sizeof(*sources));
    struct pl_delta_file_reader *files[PL_DELTA_SOURCES] = {NULL};
    size_t opened = 0;
    int rc = 0;

    if (sources == NULL)
        return pl_fail_memory(err);
    for (; rc == 0 && opened < count; opened++) {
        rc = source_open(&sources[opened], entries[opened], mark, aws, err);
        files[opened] = &sources[opened].file;
    }
    if (rc == 0 && files[0] != NULL) {
        load->meaning = files[0]->head.meaning;
        rc = pl_delta_table_load(table, files, count, load->memory,
                                 load->temp_dir, err);
    }
    if (rc == 0)
        rc = verify(sources, entries, count, err);
    for (size_t i = 0; i < opened; i++)
        source_close(&sources[i]);
    free(sources);
    return rc;
}

/* The files that say together what the service has. */
static size_t list_files(const struct pl_delta_job *job,
                         const json_t *entries[PL_DELTA_SOURCES])
{
    const json_t *open = json_object_get(job->state, "open");
    const size_t open_count = json_array_size(open);
    size_t count = 0;

    if (pl_delta_job_last(job) != NULL)
        entries[count++] = json_object_get(job->state, "fingerprints");
    for (size_t i = 0; i < open_count && count < PL_DELTA_SOURCES; i++)
        entries[count++] =
            json_object_get(json_array_get(open, i), "fingerprints");
    return count;
}

int pl_delta_job_load(struct pl_delta_job *job, const struct pl_delta_key *key,
                      struct pl_delta_load *load, struct pl_delta_table *table,
                      struct pl_err *err)
{
    const json_t *entries[PL_DELTA_SOURCES];
    struct pl_err why = {0};
    size_t count;

    load->is_known = false;
    load->why[0] = '\0';
    if (job->state == NULL || pl_delta_job_last(job) == NULL) {
        (void)snprintf(load->why, sizeof(load->why), "%s", job->why);
        return 0; /* without a last run all is new, whatever was begun */
    }
    count = list_files(job, entries);
    if (json_array_size(pl_delta_job_open_runs(job)) + 1 > PL_DELTA_SOURCES) {
        (void)snprintf(load->why, sizeof(load->why),
                       "more than %d runs since run %.64s did not end",
                       PL_DELTA_SOURCES - 1, pl_delta_job_last(job));
        return 0;
    }
    if (load_all(entries, count, pl_delta_key_mark(key), job->aws, load, table,
                 &why) == 0) {
        load->is_known = true;
        return 0;
    }
    pl_delta_table_release(table);
    if (why.code != PL_DATA_INVALID && !pl_delta_is_missing(&why)) {
        *err = why;
        return pl_context(err, "fingerprints of the job's last run");
    }
    (void)snprintf(load->why, sizeof(load->why),
                   "the fingerprints of run %.64s cannot be used: %.150s",
                   pl_delta_job_last(job), why.msg);
    return 0;
}
