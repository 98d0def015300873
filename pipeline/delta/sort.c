#include "pipeline/delta/sort.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/file.h"

#define BUFFER \
    ((size_t)341) /* fingerprints: 8 KiB, so that the buffers of all
                               parts stay in a level-2 cache */
#define BUCKET_BITS 12
#define BUCKETS ((size_t)1 << BUCKET_BITS)
#define SMALL 48 /* that many are sorted by moving them about */

struct pl_delta_part {
    struct pl_delta_print *buffer;
    size_t used;
    uint64_t *runs; /* where its full buffers lie in the file */
    size_t run_count;
    size_t run_cap;
};

void pl_delta_sort_release(struct pl_delta_sort *s)
{
    for (size_t i = 0; s->parts != NULL && i < PL_DELTA_PARTS; i++) {
        free(s->parts[i].buffer);
        free(s->parts[i].runs);
    }
    free(s->parts);
    free(s->list);
    if (s->has_file)
        (void)close(s->fd);
    memset(s, 0, sizeof(*s));
}

static int open_file(struct pl_delta_sort *s, struct pl_err *err)
{
    s->fd = pl_file_nameless(s->temp_dir, err);
    s->has_file = s->fd >= 0;
    return s->has_file ? 0 : -1;
}

static int write_run(struct pl_delta_sort *s, struct pl_delta_part *part,
                     struct pl_err *err)
{
    if (!s->has_file && open_file(s, err) != 0)
        return -1;
    if (part->run_count == part->run_cap) {
        const size_t cap = part->run_cap * 2 + 16;
        uint64_t *grown = realloc(part->runs, cap * sizeof(*grown));

        if (grown == NULL)
            return pl_fail_memory(err);
        part->runs = grown;
        part->run_cap = cap;
    }
    if (pl_fd_write_all(s->fd, part->buffer, BUFFER * sizeof(*part->buffer),
                        err) != 0)
        return pl_context(err, "cannot sort fingerprints");
    part->runs[part->run_count++] = s->file_bytes;
    s->file_bytes += BUFFER * sizeof(*part->buffer);
    part->used = 0;
    return 0;
}

int pl_delta_sort_add(struct pl_delta_sort *s, const struct pl_delta_print *p,
                      struct pl_err *err)
{
    struct pl_delta_part *part;

    if (s->parts == NULL) {
        s->parts = calloc(PL_DELTA_PARTS, sizeof(*s->parts));
        if (s->parts == NULL)
            return pl_fail_memory(err);
    }
    part = &s->parts[p->id >> 56];
    if (part->buffer == NULL) {
        part->buffer = malloc(BUFFER * sizeof(*part->buffer));
        if (part->buffer == NULL)
            return pl_fail_memory(err);
    }
    part->buffer[part->used++] = *p;
    s->count++;
    return part->used < BUFFER ? 0 : write_run(s, part, err);
}

/* Reading */

static int read_run(const struct pl_delta_sort *s, uint64_t at,
                    struct pl_delta_print *to, struct pl_err *err)
{
    char *p = (char *)to;
    size_t left = BUFFER * sizeof(*to);

    while (left > 0) {
        const ssize_t n = pread(s->fd, p, left, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return pl_fail_errno(err, PL_FILE_ERROR,
                                 "cannot read the temporary file of a sort");
        p += n;
        at += (uint64_t)n;
        left -= (size_t)n;
    }
    return 0;
}

static int by_id(const void *va, const void *vb)
{
    const struct pl_delta_print *a = va;
    const struct pl_delta_print *b = vb;

    return (a->id > b->id) - (a->id < b->id);
}

static void sort_bucket(struct pl_delta_print *list, size_t count)
{
    if (count > SMALL) {
        qsort(list, count, sizeof(*list), by_id);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        const struct pl_delta_print p = list[i];
        size_t to = i;

        for (; to > 0 && list[to - 1].id > p.id; to--)
            list[to] = list[to - 1];
        list[to] = p;
    }
}

/* list becomes sorted: by the bits below the part's into buckets, which are
 * small then. */
static void sort_part(struct pl_delta_print *list, struct pl_delta_print *room,
                      size_t count)
{
    size_t ends[BUCKETS + 1] = {0};
    size_t from = 0;

#define BUCKET_OF(p) ((p)->id >> (56 - BUCKET_BITS) & (BUCKETS - 1))
    for (size_t i = 0; i < count; i++)
        ends[BUCKET_OF(&list[i]) + 1]++;
    for (size_t i = 1; i <= BUCKETS; i++)
        ends[i] += ends[i - 1];
    for (size_t i = 0; i < count; i++)
        room[ends[BUCKET_OF(&list[i])]++] = list[i];
#undef BUCKET_OF
    for (size_t i = 0; i < BUCKETS; i++) {
        sort_bucket(room + from, ends[i] - from);
        from = ends[i];
    }
    memcpy(list, room, count * sizeof(*list));
}

static int load_part(struct pl_delta_sort *s, struct pl_delta_part *part,
                     struct pl_err *err)
{
    const size_t count = part->run_count * BUFFER + part->used;

    s->used = s->at = 0;
    if (count == 0)
        return 0;
    if (count > s->cap) {
        free(s->list);
        s->list = malloc(2 * count * sizeof(*s->list));
        s->cap = s->list != NULL ? count : 0;
        if (s->list == NULL)
            return pl_fail_memory(err);
    }
    for (size_t i = 0; i < part->run_count; i++)
        if (read_run(s, part->runs[i], s->list + i * BUFFER, err) != 0)
            return -1;
    if (part->used > 0)
        memcpy(s->list + part->run_count * BUFFER, part->buffer,
               part->used * sizeof(*s->list));
    sort_part(s->list, s->list + s->cap, count);
    s->used = count;
    return 0;
}

const struct pl_delta_print *pl_delta_sort_next(struct pl_delta_sort *s,
                                                struct pl_err *err)
{
    while (s->at == s->used) {
        if (s->parts == NULL || s->part == PL_DELTA_PARTS)
            return NULL;
        if (load_part(s, &s->parts[s->part++], err) != 0)
            return NULL;
    }
    return &s->list[s->at++];
}
