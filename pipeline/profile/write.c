#include "pipeline/profile/write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/process.h"
#include "pipeline/csv/writer.h"

#define READ_BYTES ((size_t)256 << 10)
#define WRITE_BYTES ((size_t)256 << 10)

struct output {
    const struct pl_profile_merge *m;
    struct pl_profile_report *report;
    unsigned char column_of[PL_PROFILE_COLUMNS_MAX]; /* of each slot */
    struct pl_csv_cell cells[PL_PROFILE_COLUMNS_MAX];
    struct pl_buf text; /* of this part, not written yet */
    uint64_t part_bytes;
    struct pl_buf in; /* of the file */
    size_t at;
    bool is_end;
};

static void output_release(struct output *o)
{
    pl_buf_release(&o->text);
    pl_buf_release(&o->in);
}

/* Columns in their order; the few there are. */
static int order_columns(struct output *o, struct pl_err *err)
{
    const struct pl_profile_merge *m = o->m;
    struct pl_profile_report *r = o->report;

    r->fields = calloc(m->slot_count, sizeof(*r->fields));
    if (r->fields == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; i < m->slot_count; i++) {
        size_t column = 0;

        for (size_t k = 0; k < m->slot_count; k++)
            column += m->slots[k].order < m->slots[i].order ? 1 : 0;
        o->column_of[i] = (unsigned char)column;
        r->fields[column] =
            (struct pl_profile_field){m->slots[i].place, m->slots[i].filled};
    }
    r->field_count = m->slot_count;
    return 0;
}

static int write_text(struct output *o, struct pl_err *err)
{
    const int rc =
        pl_sink_write(o->m->cfg->out, o->text.data, o->text.len, err);

    pl_buf_reset(&o->text);
    return rc;
}

static int add_header(struct output *o, struct pl_err *err)
{
    for (size_t i = 0; i < o->report->field_count; i++)
        if (pl_buf_addf(&o->text, err, "%s%s", i > 0 ? "," : "",
                        o->report->fields[i].place.header) != 0)
            return -1;
    if (pl_buf_addc(&o->text, '\n', err) != 0)
        return -1;
    o->part_bytes = o->text.len;
    return 0;
}

/* A row that does not fit opens the next part. */
static int add_row(struct output *o, struct pl_err *err)
{
    const struct pl_profile_config *cfg = o->m->cfg;
    const size_t before = o->text.len;
    size_t len;

    for (size_t i = 0; i < o->report->field_count; i++)
        if ((i > 0 && pl_buf_addc(&o->text, ',', err) != 0) ||
            pl_csv_write_cell(&o->cells[i], &o->text, err) != 0)
            return -1;
    if (pl_buf_addc(&o->text, '\n', err) != 0)
        return -1;
    len = o->text.len - before;
    if (cfg->max_part_bytes > 0 && o->report->last_part_rows > 0 &&
        o->part_bytes + len > cfg->max_part_bytes) {
        o->text.len = before;
        if (write_text(o, err) != 0 ||
            cfg->next_part(cfg->part_ctx, o->report->last_part_rows, err) != 0)
            return -1;
        o->report->last_part_rows = 0;
        return add_header(o, err) != 0 ? -1 : add_row(o, err);
    }
    o->part_bytes += len;
    o->report->last_part_rows++;
    return o->text.len < WRITE_BYTES ? 0 : write_text(o, err);
}

/* At least len bytes from at on, fewer only at the end. */
static int fill(struct output *o, size_t len, struct pl_err *err)
{
    const size_t rest = o->in.len - o->at;

    if (rest >= len || o->is_end)
        return 0;
    if (pl_buf_reserve(&o->in, len + READ_BYTES, err) != 0)
        return -1;
    memmove(o->in.data, o->in.data + o->at, rest);
    o->in.len = rest;
    o->at = 0;
    while (o->in.len < len) {
        const ssize_t n = read(o->m->fd, o->in.data + o->in.len, READ_BYTES);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return pl_fail_errno(err, PL_FILE_ERROR,
                                 "cannot read profiles again");
        o->is_end = n == 0;
        if (o->is_end)
            break;
        o->in.len += (size_t)n;
    }
    return 0;
}

/* The next profile's values into cells; 0: there are no more. */
static int next_profile(struct output *o, struct pl_err *err)
{
    uint32_t len;
    char *at;
    char *end;

    if (fill(o, sizeof(len), err) != 0)
        return -1;
    if (o->in.len - o->at < sizeof(len))
        return 0;
    memcpy(&len, o->in.data + o->at, sizeof(len));
    if (fill(o, sizeof(len) + len, err) != 0)
        return -1;
    for (size_t i = 0; i < o->report->field_count; i++)
        o->cells[i] = (struct pl_csv_cell){.is_null = true};
    at = o->in.data + o->at + sizeof(len);
    end = at + len;
    while (at < end) {
        const unsigned char slot = (unsigned char)*at;
        uint32_t n;

        memcpy(&n, at + 1, sizeof(n));
        at += 1 + sizeof(n);
        o->cells[o->column_of[slot]] = (struct pl_csv_cell){at, n, false};
        at += n;
    }
    o->at += sizeof(len) + len;
    return 1;
}

int pl_profile_write(const struct pl_profile_merge *m,
                     struct pl_profile_report *report, struct pl_err *err)
{
    PL_AUTO(output) o = {.m = m, .report = report};
    int rc;

    if (order_columns(&o, err) != 0)
        return -1;
    if (m->cfg->out == NULL)
        return 0;
    o.in.max_bytes = SIZE_MAX; /* one profile and a bit */
    if (lseek(m->fd, 0, SEEK_SET) != 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot read profiles again");
    if (add_header(&o, err) != 0)
        return -1;
    while ((rc = next_profile(&o, err)) > 0)
        if (pl_stop_check(err) != 0 || add_row(&o, err) != 0)
            return -1;
    return rc < 0 ? -1 : write_text(&o, err);
}
