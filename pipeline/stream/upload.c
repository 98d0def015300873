#include "pipeline/stream/upload.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/log.h"
#include "pipeline/base/process.h"
#include "pipeline/stream/upload_parts.h"

#define PARTS_PER_SIZE 1000U
#define ABORT_TRIES 3
#define BEGIN_TRIES 3

int pl_upload_open(struct pl_upload *u, const struct pl_uri *uri,
                   struct pl_aws *aws, const struct pl_transfer *how,
                   struct pl_err *err)
{
    memset(u, 0, sizeof(*u));
    u->fd = -1;
    u->journal.fd = -1;
    u->aws = aws;
    u->uri = *uri;
    if (how != NULL)
        u->how = *how;
    u->part_bytes = PL_UPLOAD_PART;
    u->parts = calloc(PL_S3_PARTS_MAX, sizeof(*u->parts));
    return u->parts != NULL ? 0 : pl_fail_memory(err);
}

struct orphans {
    struct pl_upload *u;
    const char *since;
};

static int abort_orphan(void *ctx, const char *upload_id, const char *begun,
                        struct pl_err *err)
{
    const struct orphans *o = ctx;

    /* both are ISO 8601 in UTC, so text tells which is earlier; S3's has
     * fractions of a second, of which we do not know the rest */
    if (strncmp(begun, o->since, 19) < 0)
        return 0;
    pl_debug("upload %s was begun by a try that died", upload_id);
    return pl_s3_abort_upload(o->u->aws, o->u->uri.bucket, o->u->uri.path,
                              upload_id, err);
}

void pl_upload_abort_orphans(struct pl_upload *u, const char *since)
{
    struct orphans o = {.u = u, .since = since};
    struct pl_err err = {0};
    int rc;

    pl_stop_hold();
    rc = pl_s3_list_uploads(u->aws, u->uri.bucket, u->uri.path, abort_orphan,
                            &o, &err);
    pl_stop_unhold();
    if (rc != 0)
        pl_warn("an upload of 's3://%s/%s' without parts may be left: %s",
                u->uri.bucket, u->uri.path, err.msg);
}

/* An answer that was lost leaves an upload whose id nobody knows; it is ended
 * before another is begun. */
int pl_upload_begin(struct pl_upload *u, struct pl_err *err)
{
    char now[PL_TIME_LEN];

    pl_time_iso(pl_now_ms(&u->aws->clock) + u->aws->skew_ms, now);
    for (int tries = 1;; tries++) {
        struct pl_err cause = {0};

        if (pl_s3_create_upload(u->aws, u->uri.bucket, u->uri.path, &u->how.put,
                                u->id, &cause) == 0)
            return 0;
        if (cause.code == PL_SERVICE_UNAVAILABLE ||
            cause.code == PL_INTERRUPTED)
            pl_upload_abort_orphans(u, now);
        if (cause.code != PL_SERVICE_UNAVAILABLE || tries == BEGIN_TRIES) {
            *err = cause;
            return pl_context(err, "cannot start the upload of 's3://%s/%s'",
                              u->uri.bucket, u->uri.path);
        }
        if (pl_sleep_ms(&u->aws->clock, u->aws->retry.base_ms * tries, err) !=
            0)
            return -1;
    }
}

int pl_upload_part(struct pl_upload *u, uint64_t number,
                   const struct pl_blob *blob, struct pl_err *err)
{
    if (pl_s3_upload_part(u->aws, u->uri.bucket, u->uri.path, u->id,
                          (int)number + 1, blob, &u->parts[number], err) != 0)
        return pl_context(err, "cannot send part %d of 's3://%s/%s'",
                          (int)number + 1, u->uri.bucket, u->uri.path);
    return 0;
}

int pl_upload_single(struct pl_upload *u, const struct pl_blob *blob,
                     struct pl_err *err)
{
    struct pl_s3_object object = {0};

    if (pl_s3_put(u->aws, u->uri.bucket, u->uri.path, blob, &u->how.put,
                  &object, err) != 0)
        return pl_context(err, "cannot write 's3://%s/%s'", u->uri.bucket,
                          u->uri.path);
    memcpy(u->etag, object.etag, sizeof(u->etag));
    return 0;
}

void pl_upload_sum(struct pl_upload *u)
{
    u->crc64nvme = 0;
    for (uint64_t i = 0; i < u->part_count; i++)
        u->crc64nvme = pl_crc64nvme_combine(u->crc64nvme, u->parts[i].crc,
                                            (uint64_t)u->parts[i].bytes);
}

/* S3 bills the parts of an unfinished upload until someone gives them back.
 * One that was under way when the connection broke may land behind the abort:
 * then it is made again. */
static void give_back(struct pl_upload *u)
{
    struct pl_err err = {0};

    pl_stop_hold();
    for (int i = 0; i < ABORT_TRIES; i++) {
        struct pl_s3_part *left = NULL;
        struct pl_err gone = {0};
        size_t count = 0;
        int rc;

        pl_err_clear(&err);
        if (pl_s3_abort_upload(u->aws, u->uri.bucket, u->uri.path, u->id,
                               &err) != 0 &&
            strcmp(err.service, "NoSuchUpload") != 0)
            break;
        rc = pl_s3_list_parts(u->aws, u->uri.bucket, u->uri.path, u->id, &left,
                              &count, &gone);
        free(left);
        pl_err_clear(&err);
        if (rc != 0)
            break;
    }
    pl_stop_unhold();
    if (err.code != PL_OK) { /* the journal stays: the next try ends it */
        pl_warn("cannot abort upload %s of 's3://%s/%s': %s", u->id,
                u->uri.bucket, u->uri.path, err.msg);
        return;
    }
    pl_info("aborted the upload of 's3://%s/%s'", u->uri.bucket, u->uri.path);
    pl_journal_remove(&u->journal);
}

int pl_upload_complete(struct pl_upload *u, struct pl_err *err)
{
    struct pl_s3_object object = {0};
    char crc[PL_CRC64_TEXT];
    int rc;

    pl_crc64_text(u->crc64nvme, crc);
    rc = pl_s3_complete_upload(u->aws, u->uri.bucket, u->uri.path, u->id,
                               u->parts, u->part_count, crc,
                               u->how.put.only_if_absent, &object, err);
    if (rc > 0)
        give_back(u);
    if (rc < 0)
        return pl_context(err, "cannot write 's3://%s/%s'", u->uri.bucket,
                          u->uri.path);
    u->id[0] = '\0'; /* an object now, not ours to give back */
    memcpy(u->etag, object.etag, sizeof(u->etag));
    return 0;
}

/* Streams. */

/* The one that is filled; before the crew there is only the first. */
static struct pl_upload_slot *current(const struct pl_upload *u)
{
    return &u->slots[u->crew.submitted % u->slot_count];
}

static int send_slot(void *ctx, uint64_t task, struct pl_err *err)
{
    struct pl_upload *u = ctx;
    const struct pl_upload_slot *slot = &u->slots[task % u->slot_count];
    const struct pl_blob blob = {.data = slot->data, .len = slot->len};

    return pl_upload_part(u, u->first + task, &blob, err);
}

static void free_slots(struct pl_upload *u)
{
    for (uint64_t i = 0; i < u->slot_count; i++)
        free(u->slots[i].data);
    free(u->slots);
    u->slots = NULL;
    u->slot_count = 0;
}

/* As many as the memory has room for: one is filled, the others are sent. */
static int make_slots(struct pl_upload *u, struct pl_err *err)
{
    const int64_t room = pl_transfer_buffers(&u->how);
    const uint64_t most = (uint64_t)pl_transfer_threads(&u->how) + 1;
    uint64_t count = (uint64_t)(room / u->part_bytes);

    count = count < 1 ? 1 : count > most ? most : count;
    u->slots = calloc(count, sizeof(*u->slots));
    if (u->slots == NULL)
        return pl_fail_memory(err);
    u->slot_count = count;
    return 0;
}

/* Waits until no more than left parts are under way. */
static int drain(struct pl_upload *u, uint64_t left, struct pl_err *err)
{
    while (u->crew.submitted - u->crew.waited > left) {
        const int rc = pl_crew_wait(&u->crew, 200, err);

        if (rc < 0 || (rc > 0 && pl_stop_check(err) != 0))
            return -1;
    }
    return 0;
}

static int open_crew(struct pl_upload *u, struct pl_err *err)
{
    const int threads = u->slot_count > 1 ? (int)u->slot_count - 1 : 1;

    if (u->id[0] == '\0' && pl_upload_begin(u, err) != 0)
        return -1;
    u->first = u->part_count;
    return pl_crew_open(&u->crew, threads, send_slot, u, err);
}

/* Larger parts from here on, when the memory allows. */
static int grow(struct pl_upload *u, struct pl_err *err)
{
    if (u->part_count == 0 || u->part_count % PARTS_PER_SIZE != 0 ||
        u->part_bytes * 2 > pl_transfer_buffers(&u->how) ||
        u->part_bytes * 2 > PL_S3_PART_MAX)
        return 0;
    if (drain(u, 0, err) != 0)
        return -1;
    pl_crew_release(&u->crew);
    u->crew.submitted = 0;
    free_slots(u);
    u->part_bytes *= 2;
    return make_slots(u, err);
}

/* Hands the filled slot to the crew. */
static int submit(struct pl_upload *u, struct pl_err *err)
{
    if (u->crew.task == NULL && open_crew(u, err) != 0)
        return -1;
    if (u->part_count == PL_S3_PARTS_MAX)
        return pl_fail(err, PL_DATA_INVALID,
                       "'s3://%s/%s': more than %d parts; a larger --memory "
                       "makes larger parts",
                       u->uri.bucket, u->uri.path, PL_S3_PARTS_MAX);
    u->part_count++;
    return pl_crew_submit(&u->crew, err);
}

/* Makes the next slot ready to be filled, once the part that was in it is
 * sent. */
static int next_slot(struct pl_upload *u, struct pl_err *err)
{
    struct pl_upload_slot *slot;

    if (grow(u, err) != 0 || (u->slots == NULL && make_slots(u, err) != 0) ||
        (u->crew.task != NULL && drain(u, u->slot_count - 1, err) != 0))
        return -1;
    slot = current(u);
    slot->len = 0;
    if (slot->data == NULL)
        slot->data = malloc((size_t)u->part_bytes);
    return slot->data != NULL ? 0 : pl_fail_memory(err);
}

int pl_upload_write(struct pl_upload *u, const void *data, size_t len,
                    struct pl_err *err)
{
    const char *from = data;

    if (u->slots == NULL && next_slot(u, err) != 0)
        return -1;
    while (len > 0) {
        struct pl_upload_slot *slot = current(u);
        const size_t room = (size_t)u->part_bytes - slot->len;
        const size_t n = len < room ? len : room;

        /* a full part is sent when more follows: the last one goes with the
         * commit, and a single one as a PUT */
        if (room == 0) {
            if (submit(u, err) != 0 || next_slot(u, err) != 0)
                return -1;
            continue;
        }
        memcpy(slot->data + slot->len, from, n);
        slot->len += n;
        from += n;
        len -= n;
    }
    return 0;
}

int pl_upload_settle(struct pl_upload *u, struct pl_err *err)
{
    if (u->part_count == 0 || u->crew.task == NULL)
        return 0;
    if (submit(u, err) != 0 || drain(u, 0, err) != 0)
        return -1;
    pl_crew_release(&u->crew);
    free_slots(u);
    return 0;
}

int pl_upload_commit(struct pl_upload *u, struct pl_err *err)
{
    if (u->part_count == 0) {
        const struct pl_blob all = {
            .data = u->slots != NULL ? u->slots[0].data : "",
            .len = u->slots != NULL ? u->slots[0].len : 0};

        return pl_upload_single(u, &all, err);
    }
    if (pl_upload_settle(u, err) != 0)
        return -1;
    pl_upload_sum(u);
    return pl_upload_complete(u, err);
}

void pl_upload_release(struct pl_upload *u)
{
    pl_crew_release(&u->crew);
    if (u->id[0] != '\0' && u->how.keep_partial)
        pl_warn("kept upload %s of 's3://%s/%s'%s", u->id, u->uri.bucket,
                u->uri.path,
                u->journal.path.len > 0 ? "; the next try goes on with it"
                                        : "");
    else if (u->id[0] != '\0')
        give_back(u);
    u->id[0] = '\0';
    pl_journal_release(&u->journal);
    free_slots(u);
    free(u->parts);
    u->parts = NULL;
}
