/* An upload of a file: its parts are read where they are, and a journal beside
 * the file lets an upload that was killed go on. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/log.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"
#include "pipeline/stream/checksum.h"
#include "pipeline/stream/upload_parts.h"

#define PARTS_WANTED 9000
#define MIB (INT64_C(1) << 20)
#define THREAD_BYTES (INT64_C(2) << 20)
#define CONFLICT_TRIES 3

/* A piece of the file, as a blob. */
struct piece {
    const struct pl_upload *u;
    int64_t at;
};

static int read_at(void *ctx, uint64_t at, void *buf, size_t n,
                   struct pl_err *err)
{
    const struct piece *p = ctx;
    char *to = buf;

    while (n > 0) {
        const ssize_t got = pread(p->u->fd, to, n, (off_t)p->at + (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return pl_fail_errno(err, PL_FILE_ERROR, "cannot read");
        if (got == 0)
            return pl_fail(err, PL_FILE_ERROR,
                           "the file became shorter while it was sent");
        to += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return 0;
}

static int64_t bytes_of(const struct pl_upload *u, uint64_t number)
{
    const int64_t left = u->bytes - (int64_t)number * u->part_bytes;

    return left < u->part_bytes ? left : u->part_bytes;
}

struct sums {
    uint64_t crc;
    struct pl_hash md5;
};

static void add_sums(void *ctx, const void *data, size_t len)
{
    struct sums *sums = ctx;

    sums->crc = pl_crc64nvme(sums->crc, data, len);
    if (sums->md5.impl != NULL)
        pl_hash_add(&sums->md5, data, len);
}

/* Whether the part that S3 has holds our bytes: by its CRC64NVME, or by the
 * MD5 that most ETags are. */
static int is_same(const struct pl_s3_part *have, const struct pl_blob *blob,
                   uint64_t *crc, bool *same, struct pl_err *err)
{
    struct sums sums = {.crc = 0};
    unsigned char raw[PL_MD5_BYTES];
    char text[2 * PL_MD5_BYTES + 3];
    char hex[2 * PL_MD5_BYTES + 1];

    if (have->crc64nvme[0] == '\0' && pl_hash_open_md5(&sums.md5, err) != 0)
        return -1;
    if (pl_blob_each(blob, add_sums, &sums, err) != 0) {
        pl_hash_release(&sums.md5);
        return -1;
    }
    *crc = sums.crc;
    if (sums.md5.impl != NULL) {
        pl_hash_end(&sums.md5, raw);
        pl_hex(raw, sizeof(raw), hex);
        (void)snprintf(text, sizeof(text), "\"%s\"", hex);
        *same = strcmp(text, have->etag) == 0;
    } else {
        pl_crc64_text(*crc, text);
        *same = strcmp(text, have->crc64nvme) == 0;
    }
    return 0;
}

static int send_part(void *ctx, uint64_t number, struct pl_err *err)
{
    struct pl_upload *u = ctx;
    struct pl_s3_part *part = &u->parts[number];
    struct piece piece = {.u = u, .at = (int64_t)number * u->part_bytes};
    const struct pl_blob blob = {
        .len = (size_t)bytes_of(u, number), .ctx = &piece, .read_at = read_at};
    bool same = false;

    if (part->bytes == (int64_t)blob.len &&
        is_same(part, &blob, &part->crc, &same, err) != 0)
        return -1;
    if (same) {
        pl_crc64_text(part->crc, part->crc64nvme);
        u->had += part->bytes;
    } else if (pl_upload_part(u, number, &blob, err) != 0) {
        return -1;
    }
    u->done += part->bytes;
    return 0;
}

static int run_crew(struct pl_upload *u, const char *what, struct pl_err *err)
{
    const int64_t most = pl_transfer_buffers(&u->how) / THREAD_BYTES;
    int threads = pl_transfer_threads(&u->how);
    int rc = 0;

    threads = threads > most ? (int)most : threads;
    if ((uint64_t)threads > u->part_count)
        threads = (int)u->part_count;
    if (pl_crew_open(&u->crew, threads, send_part, u, err) != 0)
        return -1;
    while (rc >= 0 && u->crew.waited < u->part_count) {
        if (u->crew.submitted < u->part_count && pl_crew_has_room(&u->crew)) {
            rc = pl_crew_submit(&u->crew, err);
            continue;
        }
        rc = pl_crew_wait(&u->crew, 200, err);
        if (rc >= 0 && pl_stop_check(err) != 0)
            rc = -1;
        pl_progress(what, (uint64_t)u->done, (uint64_t)u->bytes, "bytes");
    }
    pl_progress_end();
    pl_crew_release(&u->crew);
    return rc < 0 ? -1 : 0;
}

static int quote(struct pl_buf *out, const char *name, const char *value,
                 struct pl_err *err)
{
    if (value == NULL)
        return 0;
    return pl_buf_addf(out, err, ",\"%s\":", name) != 0 ||
                   pl_json_quote(out, value, strlen(value), err) != 0
               ? -1
               : 0;
}

/* What makes it the same upload: file, place, and how S3 is to keep it. */
static int make_head(const struct pl_upload *u, const struct stat *st,
                     struct pl_buf *head, struct pl_err *err)
{
    const struct pl_s3_put_options *o = &u->how.put;
    PL_AUTO(pl_buf) uri = PL_BUF_INIT;

    if (pl_buf_addf(&uri, err, "s3://%s/%s", u->uri.bucket, u->uri.path) != 0 ||
        pl_buf_addf(head, err,
                    "{\"lakeseg_put\":1,\"bytes\":%" PRId64
                    ",\"mtime\":%" PRId64 ".%09ld,\"part\":%" PRId64
                    ",\"bucket_key\":%d",
                    u->bytes, (int64_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
                    u->part_bytes, o->use_bucket_key ? 1 : 0) != 0 ||
        quote(head, "uri", uri.data, err) != 0 ||
        quote(head, "content_type", o->content_type, err) != 0 ||
        quote(head, "encryption", o->encryption, err) != 0 ||
        quote(head, "kms_key", o->kms_key, err) != 0 ||
        quote(head, "kms_context", o->kms_context, err) != 0 ||
        quote(head, "storage_class", o->storage_class, err) != 0 ||
        quote(head, "tags", o->tags, err) != 0)
        return -1;
    for (size_t i = 0; i < PL_S3_METADATA_MAX && o->metadata[i] != NULL; i++)
        if (quote(head, "metadata", o->metadata[i], err) != 0)
            return -1;
    return pl_buf_adds(head, "}\n", err);
}

/* The text behind the last line that begins with word. */
static bool find_line(const struct pl_buf *lines, const char *word, char *out,
                      size_t cap)
{
    const char *p = pl_buf_str(lines);
    const char *end;
    bool found = false;

    for (; (end = strchr(p, '\n')) != NULL; p = end + 1) {
        const size_t skip = strlen(word);
        const size_t len = (size_t)(end - p);

        if (len <= skip || len - skip >= cap || strncmp(p, word, skip) != 0)
            continue;
        memcpy(out, p + skip, len - skip);
        out[len - skip] = '\0';
        found = true;
    }
    return found;
}

static int begin(struct pl_upload *u, struct pl_err *err)
{
    PL_AUTO(pl_buf) line = PL_BUF_INIT;
    char now[PL_TIME_LEN];

    pl_time_iso(pl_now_ms(&u->aws->clock) + u->aws->skew_ms, now);
    if (pl_buf_addf(&line, err, "begin %s\n", now) != 0 ||
        pl_journal_add(&u->journal, line.data, err) != 0)
        return -1;
    if (pl_upload_begin(u, err) != 0) {
        pl_journal_remove(&u->journal);
        return -1;
    }
    pl_buf_reset(&line);
    if (pl_buf_addf(&line, err, "id %s\n", u->id) != 0)
        return -1;
    return pl_journal_add(&u->journal, line.data, err);
}

static int take_parts(struct pl_upload *u, const struct pl_s3_part *have,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (have[i].number >= 1 && (uint64_t)have[i].number <= u->part_count)
            u->parts[have[i].number - 1] = have[i];
    return 0;
}

/* Goes on with the upload of the journal; false: there is none to go on with.
 */
static int adopt(struct pl_upload *u, const char *id, bool *is_open,
                 struct pl_err *err)
{
    struct pl_s3_part *have = NULL;
    struct pl_err cause = {0};
    size_t count = 0;

    *is_open = false;
    if (pl_s3_list_parts(u->aws, u->uri.bucket, u->uri.path, id, &have, &count,
                         &cause) != 0) {
        /* Ceph's gateways miss the key */
        if (strcmp(cause.service, "NoSuchUpload") == 0 ||
            strcmp(cause.service, "NoSuchKey") == 0)
            return 0;
        *err = cause;
        return pl_context(err, "cannot go on with upload %s", id);
    }
    (void)snprintf(u->id, sizeof(u->id), "%s", id);
    (void)take_parts(u, have, count);
    free(have);
    *is_open = true;
    return 0;
}

/* Of a file that has changed since, or was to be kept in another way. */
static void drop_other(struct pl_upload *u, const char *id)
{
    struct pl_err err = {0};

    if (pl_s3_abort_upload(u->aws, u->uri.bucket, u->uri.path, id, &err) != 0 &&
        strcmp(err.service, "NoSuchUpload") != 0)
        pl_warn("cannot abort upload %s of another try: %s", id, err.msg);
}

static int open_upload(struct pl_upload *u, const char *path,
                       const struct stat *st, struct pl_err *err)
{
    PL_AUTO(pl_buf) head = PL_BUF_INIT;
    PL_AUTO(pl_buf) name = PL_BUF_INIT;
    char id[1024];
    char since[64];
    bool is_other;
    bool is_open = false;
    bool has_id;

    if (make_head(u, st, &head, err) != 0 ||
        pl_buf_addf(&name, err, "%s.upload", path) != 0 ||
        pl_journal_open(&u->journal, name.data, head.data, &is_other, err) != 0)
        return -1;
    has_id = find_line(&u->journal.lines, "id ", id, sizeof(id));
    if (has_id && is_other)
        drop_other(u, id);
    else if (has_id && adopt(u, id, &is_open, err) != 0)
        return -1;
    else if (!has_id &&
             find_line(&u->journal.lines, "begin ", since, sizeof(since)))
        pl_upload_abort_orphans(u, since);
    if (is_open)
        return 0;
    if (pl_journal_restart(&u->journal, head.data, err) != 0)
        return -1;
    return begin(u, err);
}

static int send_single(struct pl_upload *u, const char *path,
                       const char *expected, struct pl_err *err)
{
    PL_AUTO_STR *data = malloc((size_t)u->bytes + 1);
    struct piece piece = {.u = u, .at = 0};
    const struct pl_blob blob = {.data = data, .len = (size_t)u->bytes};

    if (data == NULL)
        return pl_fail_memory(err);
    if (read_at(&piece, 0, data, blob.len, err) != 0)
        return pl_context(err, "'%s'", path);
    u->crc64nvme = pl_crc64nvme(0, data, blob.len);
    if (pl_checksum_expect(u->crc64nvme, expected, path, "the manifest", err) !=
        0)
        return -1;
    return pl_upload_single(u, &blob, err);
}

/* The whole is there already, by its checksum: the try before this one ended
 * without a word, but behind its work. */
static bool is_there(struct pl_upload *u, const char *expected)
{
    struct pl_s3_object object = {.bytes = -1};
    struct pl_err ignored = {0};
    PL_AUTO(pl_buf) raw = PL_BUF_INIT;

    if (expected == NULL || *expected == '\0' ||
        pl_s3_head(u->aws, u->uri.bucket, u->uri.path, &object, &ignored) !=
            0 ||
        object.bytes != u->bytes || strcmp(object.crc64nvme, expected) != 0 ||
        pl_base64_decode(&raw, expected, strlen(expected), &ignored) != 0 ||
        raw.len != 8)
        return false;
    u->crc64nvme = 0;
    for (size_t i = 0; i < 8; i++)
        u->crc64nvme = u->crc64nvme << 8 | (unsigned char)raw.data[i];
    memcpy(u->etag, object.etag, sizeof(u->etag));
    u->had = u->done = u->bytes;
    return true;
}

/* What a try left behind that died after its work, or whose work another one
 * did. */
static void forget(struct pl_upload *u, const char *path)
{
    PL_AUTO(pl_buf) name = PL_BUF_INIT;
    struct pl_err ignored = {0};
    char text[1024];
    bool is_other;

    if (pl_buf_addf(&name, &ignored, "%s.upload", path) != 0 ||
        access(name.data, F_OK) != 0 ||
        pl_journal_open(&u->journal, name.data, "", &is_other, &ignored) != 0)
        return;
    if (find_line(&u->journal.lines, "id ", text, sizeof(text)))
        drop_other(u, text);
    else if (find_line(&u->journal.lines, "begin ", text, sizeof(text)))
        pl_upload_abort_orphans(u, text);
    pl_journal_remove(&u->journal);
}

/* Somebody deleted the object at that moment: this upload cannot end (sources
 * 4.7). */
static void start_anew(struct pl_upload *u)
{
    drop_other(u, u->id);
    u->id[0] = '\0';
    u->had = u->done = 0;
    memset(u->parts, 0, u->part_count * sizeof(*u->parts));
    pl_journal_remove(&u->journal);
    pl_journal_release(&u->journal);
}

static int send_parts(struct pl_upload *u, const char *path,
                      const struct stat *st, const char *expected,
                      const char *what, struct pl_err *err)
{
    for (int tries = 1;; tries++) {
        struct pl_err cause = {0};

        if (open_upload(u, path, st, err) != 0)
            return -1;
        if (run_crew(u, what, err) != 0)
            return pl_context(err, "'%s'", path);
        pl_upload_sum(u);
        if (pl_checksum_expect(u->crc64nvme, expected, path, "the manifest",
                               err) != 0)
            return -1;
        if (pl_upload_complete(u, &cause) == 0)
            break;
        if (strcmp(cause.service, "ConditionalRequestConflict") != 0 ||
            tries == CONFLICT_TRIES) {
            *err = cause;
            return -1;
        }
        start_anew(u);
    }
    pl_journal_remove(&u->journal);
    return 0;
}

static int send_file(struct pl_upload *u, const char *path,
                     const char *expected, const char *what, struct pl_err *err)
{
    struct stat st;

    if (fstat(u->fd, &st) != 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot read '%s'", path);
    u->bytes = st.st_size;
    while (u->bytes / u->part_bytes >= PARTS_WANTED)
        u->part_bytes += MIB;
    u->part_count = (uint64_t)((u->bytes + u->part_bytes - 1) / u->part_bytes);
    if (u->part_bytes > PL_S3_PART_MAX)
        return pl_fail(err, PL_DATA_INVALID, "'%s' is too large for S3", path);
    if (is_there(u, expected)) {
        forget(u, path);
        return 0;
    }
    return u->part_count <= 1 ? send_single(u, path, expected, err)
                              : send_parts(u, path, &st, expected, what, err);
}

int pl_upload_file(struct pl_upload *u, const char *path, const char *expected,
                   const char *what, struct pl_err *err)
{
    int rc;

    u->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (u->fd < 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot open '%s'", path);
    rc = send_file(u, path, expected, what, err);
    (void)close(u->fd);
    u->fd = -1;
    return rc;
}
