#include "pipeline/stream/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/file.h"
#include "pipeline/base/log.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"
#include "pipeline/stream/checksum.h"
#include "pipeline/stream/crew.h"
#include "pipeline/stream/journal.h"
#include "pipeline/stream/range.h"

#define RANGE_BYTES (INT64_C(8) << 20)
#define RANGES_MAX 100000 /* above it the ranges grow */
#define THREAD_BYTES (INT64_C(1) << 20)
#define PIECE_BYTES ((size_t)256 << 10)

/* One range: whether its bytes are in the file, by their checksum. */
struct range {
    uint64_t crc;
    bool is_known;
};

struct fetch {
    struct pl_aws *aws;
    const struct pl_uri *from;
    const char *path;
    struct pl_s3_object object;
    struct pl_buf part; /* the temporary name; "" when none stands */
    int fd;
    struct pl_journal journal;
    pthread_mutex_t lock; /* of the journal */
    struct range *ranges;
    int64_t range_bytes;
    uint64_t count;
    _Atomic int64_t had;
    _Atomic int64_t done; /* bytes in place */
    bool keep_partial;
};

static void fetch_release(struct fetch *f)
{
    if (f->part.len > 0 && !f->keep_partial) {
        (void)unlink(f->part.data);
        pl_journal_remove(&f->journal);
    }
    pl_journal_release(&f->journal);
    if (f->fd > 0)
        (void)close(f->fd);
    (void)pthread_mutex_destroy(&f->lock);
    pl_buf_release(&f->part);
    free(f->ranges);
}

static int64_t bytes_of(const struct fetch *f, uint64_t number)
{
    const int64_t left = f->object.bytes - (int64_t)number * f->range_bytes;

    return left < f->range_bytes ? left : f->range_bytes;
}

/* Reads bytes from at on of a file, piece by piece. */
static int each_piece(int fd, int64_t at, int64_t bytes,
                      int (*use)(void *ctx, const void *data, size_t len,
                                 struct pl_err *err),
                      void *ctx, struct pl_err *err)
{
    PL_AUTO_STR *piece = malloc(PIECE_BYTES);

    if (piece == NULL)
        return pl_fail_memory(err);
    while (bytes > 0) {
        const size_t want =
            bytes < (int64_t)PIECE_BYTES ? (size_t)bytes : PIECE_BYTES;
        const ssize_t n = pread(fd, piece, want, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return pl_fail_errno(err, PL_FILE_ERROR, "cannot read");
        if (n == 0)
            return pl_fail(err, PL_FILE_ERROR, "the file became shorter");
        if (pl_stop_check(err) != 0 || use(ctx, piece, (size_t)n, err) != 0)
            return -1;
        at += n;
        bytes -= n;
    }
    return 0;
}

static int add_crc(void *ctx, const void *data, size_t len, struct pl_err *err)
{
    uint64_t *crc = ctx;

    (void)err;
    *crc = pl_crc64nvme(*crc, data, len);
    return 0;
}

static int add_checksum(void *ctx, const void *data, size_t len,
                        struct pl_err *err)
{
    return pl_checksum_add(ctx, data, len, err);
}

/* Where the bytes of one range go. They come in pieces of 16 KiB; a write of
 * each would be a wait for the file's lock, which all threads want. */
struct place {
    struct fetch *f;
    char *gathered;
    size_t len;
    int64_t at; /* where the gathered bytes begin in the file */
    uint64_t crc;
};

static int place_flush(struct place *p, struct pl_err *err)
{
    size_t done = 0;

    p->crc = pl_crc64nvme(p->crc, p->gathered, p->len);
    while (done < p->len) {
        const ssize_t n =
            pwrite(p->f->fd, p->gathered + done, p->len - done, (off_t)p->at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return pl_fail_errno(err, PL_FILE_ERROR, "cannot write");
        p->at += n;
        done += (size_t)n;
    }
    p->len = 0;
    return 0;
}

static int place_write(void *ctx, const void *data, size_t len,
                       struct pl_err *err)
{
    struct place *p = ctx;
    const char *from = data;

    p->f->done += (int64_t)len;
    while (len > 0) {
        const size_t room = PIECE_BYTES - p->len;
        const size_t n = len < room ? len : room;

        memcpy(p->gathered + p->len, from, n);
        p->len += n;
        from += n;
        len -= n;
        if (p->len == PIECE_BYTES && place_flush(p, err) != 0)
            return -1;
    }
    return 0;
}

static int note(struct fetch *f, uint64_t number, uint64_t crc,
                struct pl_err *err)
{
    char line[64];
    int rc;

    (void)snprintf(line, sizeof(line), "%" PRIu64 " %016" PRIx64 "\n", number,
                   crc);
    (void)pthread_mutex_lock(&f->lock);
    rc = pl_journal_add(&f->journal, line, err);
    (void)pthread_mutex_unlock(&f->lock);
    return rc;
}

static int fetch_range(void *ctx, uint64_t number, struct pl_err *err)
{
    struct fetch *f = ctx;
    struct range *range = &f->ranges[number];
    const int64_t bytes = bytes_of(f, number);
    struct place place = {.f = f, .at = (int64_t)number * f->range_bytes};
    const struct pl_sink sink = {.ctx = &place, .write = place_write};
    PL_AUTO_STR *gathered = NULL;
    uint64_t crc = 0;

    if (range->is_known) {
        if (each_piece(f->fd, place.at, bytes, add_crc, &crc, err) != 0)
            return pl_context(err, "'%s'", f->part.data);
        if (crc == range->crc) {
            f->had += bytes;
            f->done += bytes;
            return 0;
        }
    }
    gathered = malloc(PIECE_BYTES);
    if (gathered == NULL)
        return pl_fail_memory(err);
    place.gathered = gathered;
    if (pl_range_get(f->aws, f->from, f->object.etag, place.at, bytes, &sink,
                     err) != 0 ||
        place_flush(&place, err) != 0)
        return -1;
    range->crc = place.crc;
    range->is_known = true;
    return note(f, number, place.crc, err);
}

static int run_crew(struct fetch *f, int threads, const char *what,
                    struct pl_err *err)
{
    __attribute__((cleanup(pl_crew_release))) struct pl_crew crew = {0};
    int rc = 0;

    f->done = f->had = 0;
    if ((uint64_t)threads > f->count)
        threads = (int)f->count;
    if (threads == 0)
        return 0;
    if (pl_crew_open(&crew, threads, fetch_range, f, err) != 0)
        return -1;
    while (rc >= 0 && crew.waited < f->count) {
        if (crew.submitted < f->count && pl_crew_has_room(&crew)) {
            rc = pl_crew_submit(&crew, err);
            continue;
        }
        rc = pl_crew_wait(&crew, 200, err);
        if (rc >= 0 && pl_stop_check(err) != 0)
            rc = -1;
        pl_progress(what, (uint64_t)f->done, (uint64_t)f->object.bytes,
                    "bytes");
    }
    pl_progress_end();
    return rc < 0 ? -1 : 0;
}

static uint64_t whole_crc(const struct fetch *f)
{
    uint64_t crc = 0;

    for (uint64_t i = 0; i < f->count; i++)
        crc = pl_crc64nvme_combine(crc, f->ranges[i].crc,
                                   (uint64_t)bytes_of(f, i));
    return crc;
}

/* Whether the file that stands in fd is the object. */
static int verify(const struct fetch *f, int fd, uint64_t crc,
                  const char *expected, struct pl_err *err)
{
    __attribute__((cleanup(pl_checksum_release))) struct pl_checksum sum = {
        .left = 0};
    const char *key = f->from->path;

    if (pl_checksum_expect(crc, expected, key, "the manifest", err) != 0 ||
        pl_checksum_expect(crc, f->object.crc64nvme, key, "S3", err) != 0)
        return -1;
    if (f->object.crc64nvme[0] != '\0')
        return 0;
    if (pl_checksum_open(&sum, f->aws, f->from, &f->object, err) != 0)
        return -1;
    if (pl_checksum_is_needed(&sum) &&
        each_piece(fd, 0, f->object.bytes, add_checksum, &sum, err) != 0)
        return -1;
    return pl_checksum_end(&sum, f->from, err);
}

/* The lines of an earlier try: "number checksum". */
static void read_lines(struct fetch *f)
{
    const char *p = pl_buf_str(&f->journal.lines);
    const char *end;

    for (; (end = strchr(p, '\n')) != NULL; p = end + 1) {
        char *rest;
        const uint64_t number = strtoull(p, &rest, 10);
        uint64_t crc;

        if (rest == p || *rest != ' ' || number >= f->count)
            continue;
        p = rest + 1;
        crc = strtoull(p, &rest, 16);
        if (rest != end || rest - p != 16)
            continue;
        f->ranges[number].crc = crc;
        f->ranges[number].is_known = true;
    }
}

static int make_head(const struct fetch *f, struct pl_buf *head,
                     struct pl_err *err)
{
    PL_AUTO(pl_buf) uri = PL_BUF_INIT;

    if (pl_buf_addf(&uri, err, "s3://%s/%s", f->from->bucket, f->from->path) !=
            0 ||
        pl_buf_adds(head, "{\"lakeseg_fetch\":1,\"uri\":", err) != 0 ||
        pl_json_quote(head, uri.data, uri.len, err) != 0 ||
        pl_buf_adds(head, ",\"etag\":", err) != 0 ||
        pl_json_quote(head, f->object.etag, strlen(f->object.etag), err) != 0)
        return -1;
    return pl_buf_addf(head, err,
                       ",\"bytes\":%" PRId64 ",\"range\":%" PRId64 "}\n",
                       f->object.bytes, f->range_bytes);
}

/* Gives it its length, and the room, where the file system can: that says what
 * a full disk would say later, and makes writes quicker. */
static int make_room(const struct fetch *f, struct pl_err *err)
{
    const off_t bytes = (off_t)f->object.bytes;
    struct statvfs fs;
    struct stat st;
    uint64_t room = UINT64_MAX;
    int rc = ENOSPC;

    if (fstatvfs(f->fd, &fs) == 0 && fstat(f->fd, &st) == 0)
        room =
            (uint64_t)fs.f_bavail * fs.f_frsize + (uint64_t)st.st_blocks * 512;
    if (room >= (uint64_t)bytes)
        rc = bytes > 0 ? posix_fallocate(f->fd, 0, bytes) : 0;
    if (rc == ENOSPC)
        return pl_fail(err, PL_FILE_ERROR,
                       "'%s' needs %" PRId64
                       " bytes, and the disk has %" PRIu64,
                       f->path, f->object.bytes, room);
    if (ftruncate(f->fd, bytes) != 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot write '%s'",
                             f->part.data);
    return 0;
}

/* Only what is there is cut off: of a file that was made empty, ext4 begins to
 * write everything to the disk when it is closed, and we would wait for it. */
static int empty(const struct fetch *f, const char *path, struct pl_err *err)
{
    struct stat st;

    if (fstat(f->fd, &st) != 0 || (st.st_size > 0 && ftruncate(f->fd, 0) != 0))
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot write '%s'", path);
    return 0;
}

static int open_part(struct fetch *f, struct pl_err *err)
{
    PL_AUTO(pl_buf) head = PL_BUF_INIT;
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    PL_AUTO(pl_buf) part = PL_BUF_INIT;
    bool is_other;

    f->range_bytes = RANGE_BYTES;
    while (f->object.bytes / f->range_bytes >= RANGES_MAX)
        f->range_bytes *= 2;
    f->count =
        (uint64_t)((f->object.bytes + f->range_bytes - 1) / f->range_bytes);
    f->ranges = calloc(f->count + 1, sizeof(*f->ranges));
    if (f->ranges == NULL)
        return pl_fail_memory(err);
    if (pl_mkdirs_for(f->path, err) != 0 || make_head(f, &head, err) != 0 ||
        pl_buf_addf(&part, err, "%s.part", f->path) != 0 ||
        pl_buf_addf(&path, err, "%s.part.journal", f->path) != 0 ||
        pl_journal_open(&f->journal, path.data, head.data, &is_other, err) != 0)
        return -1;
    f->fd = open(part.data, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (f->fd < 0) {
        (void)pl_fail_errno(err, PL_FILE_ERROR, "cannot create '%s'",
                            part.data);
        pl_journal_remove(&f->journal);
        return -1;
    }
    if (pl_buf_adds(&f->part, part.data, err) != 0)
        return -1;
    if (!is_other && f->journal.lines.len > 0)
        read_lines(f);
    else if (empty(f, part.data, err) != 0)
        return -1;
    return make_room(f, err);
}

/* A mismatch may be a bit that fell over on the way: once more, all of it. */
static int fetch_checked(struct fetch *f, int threads, const char *expected,
                         const char *what, uint64_t *crc, struct pl_err *err)
{
    struct pl_err cause = {0};

    if (run_crew(f, threads, what, err) != 0)
        return -1;
    *crc = whole_crc(f);
    if (verify(f, f->fd, *crc, expected, &cause) == 0)
        return 0;
    if (cause.code != PL_DATA_INVALID) {
        *err = cause;
        return -1;
    }
    pl_warn("%s; fetching it again", cause.msg);
    for (uint64_t i = 0; i < f->count; i++)
        f->ranges[i].is_known = false;
    if (run_crew(f, threads, what, err) != 0)
        return -1;
    *crc = whole_crc(f);
    if (verify(f, f->fd, *crc, expected, err) == 0)
        return 0;
    f->keep_partial = false; /* nothing to go on with */
    return -1;
}

static int appear(struct fetch *f, struct pl_err *err)
{
    const mode_t mask = umask(0);
    int rc;

    (void)umask(mask);
    rc = fchmod(f->fd, 0666 & ~mask);
    if (close(f->fd) != 0)
        rc = -1;
    f->fd = -1;
    if (rc != 0 || rename(f->part.data, f->path) != 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot write '%s'", f->path);
    pl_buf_reset(&f->part);
    pl_journal_remove(&f->journal);
    return 0;
}

/* Whether the file is there already, by a checksum that somebody knows. */
static bool is_there(const struct fetch *f, const char *expected, uint64_t *crc)
{
    const int fd = open(f->path, O_RDONLY | O_CLOEXEC);
    struct pl_err ignored = {0};
    struct stat st;
    bool is_same = false;

    *crc = 0;
    if (fd < 0)
        return false;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
        st.st_size == f->object.bytes &&
        (f->object.checksum.kind != PL_S3_NO_CHECKSUM ||
         (expected != NULL && *expected != '\0')) &&
        each_piece(fd, 0, st.st_size, add_crc, crc, &ignored) == 0)
        is_same = verify(f, fd, *crc, expected, &ignored) == 0;
    (void)close(fd);
    return is_same;
}

/* Of a try that died between the rename and its end. */
static int remove_leftovers(const char *path, struct pl_err *err)
{
    PL_AUTO(pl_buf) name = PL_BUF_INIT;

    if (pl_buf_addf(&name, err, "%s.part", path) != 0)
        return -1;
    (void)unlink(name.data);
    if (pl_buf_adds(&name, ".journal", err) != 0)
        return -1;
    (void)unlink(name.data);
    return 0;
}

static int threads_of(const struct pl_transfer *t)
{
    const int64_t most = pl_transfer_buffers(t) / THREAD_BYTES;
    const int threads = pl_transfer_threads(t);

    return threads > most ? (int)most : threads;
}

int pl_fetch(const struct pl_uri *from, const char *path, const char *expected,
             struct pl_aws *aws, const struct pl_transfer *t, const char *what,
             struct pl_fetched *fetched, struct pl_err *err)
{
    __attribute__((cleanup(fetch_release))) struct fetch f = {
        .aws = aws,
        .from = from,
        .path = path,
        .fd = -1,
        .journal = {.fd = -1},
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .keep_partial = t != NULL && t->keep_partial};

    if (pl_s3_head(aws, from->bucket, from->path, &f.object, err) != 0)
        return -1;
    fetched->bytes = fetched->had = f.object.bytes;
    if (is_there(&f, expected, &fetched->crc64nvme))
        return remove_leftovers(path, err);
    if (open_part(&f, err) != 0 ||
        fetch_checked(&f, threads_of(t), expected, what, &fetched->crc64nvme,
                      err) != 0)
        return -1;
    fetched->had = f.had;
    return appear(&f, err);
}
