#include "stages/csv_validate/earlier.h"

#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/process.h"
#include "pipeline/stream/reader.h"

#define READ_BYTES ((size_t)256 << 10)
#define ROW_BYTES_MAX ((size_t)32 << 20)

struct walk {
    struct csv_delta *d;
    csv_earlier_row *row;
    void *ctx;
    struct csv_earlier file;
    struct pl_delta_columns columns;
    bool has_header;
    bool is_enough;
    size_t *missing;
};

static void walk_release(struct walk *w)
{
    pl_delta_columns_release(&w->columns);
    pl_buf_release(&w->file.header);
}

static int take_header(struct walk *w, const char *line, size_t len,
                       struct pl_err *err)
{
    const struct pl_delta_filter_config *cfg = &w->d->cfg;

    w->has_header = true;
    pl_delta_columns_release(&w->columns);
    pl_buf_reset(&w->file.header);
    return pl_delta_columns_open(&w->columns, cfg->kind, cfg->is_folded,
                                 &cfg->key, line, len, err) != 0
               ? -1
               : pl_buf_add(&w->file.header, line, len, err);
}

static int take_line(struct walk *w, const char *line, size_t len,
                     struct pl_err *err)
{
    struct pl_delta_print print;
    int rc;

    if (!w->has_header)
        return take_header(w, line, len, err);
    if (pl_delta_print_of(&w->columns, line, len, &print, err) != 0)
        return -1;
    rc = w->row(w->ctx, &w->file, &print, line, len, err);
    w->is_enough = rc > 0;
    return rc < 0 ? -1 : 0;
}

/* Whole lines of what is there; the rest goes to the front. */
static int take_lines(struct walk *w, struct pl_buf *data, struct pl_err *err)
{
    const char *at = data->data;
    const char *end = at + data->len;
    const char *lf;

    while (!w->is_enough && at < end &&
           (lf = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        if (take_line(w, at, (size_t)(lf - at), err) != 0)
            return -1;
        at = lf + 1;
    }
    memmove(data->data, at, (size_t)(end - at));
    data->len = (size_t)(end - at);
    return 0;
}

static int read_file(struct walk *w, const char *uri, struct pl_err *err)
{
    PL_AUTO(pl_reader) reader = {.fd = -1};
    PL_AUTO(pl_buf) data = PL_BUF_INIT_MAX(ROW_BYTES_MAX);
    struct pl_source source;
    size_t got = READ_BYTES;

    w->has_header = false;
    if (pl_reader_open(&reader, uri, w->d->aws, err) != 0)
        return -1;
    source = pl_reader_source(&reader);
    while (got == READ_BYTES && !w->is_enough) {
        if (pl_stop_check(err) != 0 ||
            pl_buf_reserve(&data, READ_BYTES, err) != 0 ||
            pl_source_fill(&source, data.data + data.len, READ_BYTES, &got,
                           err) != 0)
            return -1;
        data.len += got;
        if (take_lines(w, &data, err) != 0)
            return -1;
    }
    w->file.number++;
    return w->is_enough ? 0 : pl_reader_verify(&reader, NULL, err);
}

/* A file that is not there any more is none; its rows are missed later. */
static int read_files(struct walk *w, const json_t *files, struct pl_err *err)
{
    for (size_t i = json_array_size(files); i > 0 && !w->is_enough; i--) {
        const char *uri = json_string_value(
            json_object_get(json_array_get(files, i - 1), "uri"));
        struct pl_err why = {0};

        if (uri == NULL || read_file(w, uri, &why) == 0)
            continue;
        if (!pl_delta_is_missing(&why)) {
            *err = why;
            return pl_context(err, "rows of an earlier run");
        }
        ++*w->missing;
        pl_warn("'%s' is not there any more", uri);
    }
    return 0;
}

static int read_all(struct walk *w, struct pl_err *err)
{
    const json_t *state = w->d->job.state;
    const json_t *open = json_object_get(state, "open");

    for (size_t i = json_array_size(open); i > 0; i--)
        if (read_files(w, json_object_get(json_array_get(open, i - 1), "files"),
                       err) != 0)
            return -1;
    return read_files(w, json_object_get(state, "files"), err);
}

int csv_earlier_read(struct csv_delta *d, csv_earlier_row *row, void *ctx,
                     size_t *missing, struct pl_err *err)
{
    struct walk w = {.d = d, .row = row, .ctx = ctx, .missing = missing};
    const int rc = read_all(&w, err);

    walk_release(&w);
    return rc;
}
