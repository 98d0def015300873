/* Rows that are rejected are in the result: by the key in the reject file, as
 * it passes, they are found among those that the last run sent. */
#include <string.h>

#include "pipeline/csv/writer.h"
#include "stages/csv_validate/delta.h"

/* A key as it stands in the input: blanks go, as they do in a row that is
 * right, and it is written as a cell. */
static int hold(struct csv_delta *d, const char *key, size_t len,
                struct pl_err *err)
{
    struct pl_csv_cell cell;

    while (len > 0 && (*key == ' ' || *key == '\t')) {
        key++;
        len--;
    }
    while (len > 0 && (key[len - 1] == ' ' || key[len - 1] == '\t'))
        len--;
    if (len == 0)
        return 0;
    cell = (struct pl_csv_cell){.data = (char *)(uintptr_t)key, .len = len};
    pl_buf_reset(&d->cell);
    return pl_csv_write_cell(&cell, &d->cell, err) != 0
               ? -1
               : pl_delta_filter_hold(&d->filter, d->cell.data, d->cell.len,
                                      err);
}

static int take_json(struct csv_delta *d, const char *line, const char *end,
                     struct pl_err *err)
{
    static const char name[] = "\"key\":";
    json_t *key = NULL;
    int rc = 0;

    for (; (line = memchr(line, '"', (size_t)(end - line))) != NULL; line++)
        if ((size_t)(end - line) > strlen(name) &&
            memcmp(line, name, strlen(name)) == 0)
            break;
    if (line == NULL)
        return 0;
    line += strlen(name);
    key = json_loadb(line, (size_t)(end - line),
                     JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL,
                     NULL);
    if (json_is_string(key))
        rc = hold(d, json_string_value(key), json_string_length(key), err);
    json_decref(key);
    return rc;
}

/* The first line names the columns. */
static int take_csv(struct csv_delta *d, const char *line, const char *end,
                    struct pl_err *err)
{
    PL_AUTO(pl_buf) key = PL_BUF_INIT;
    const bool is_header = d->key_cell == SIZE_MAX;
    struct pl_delta_cell cell;

    for (size_t i = 0; pl_delta_cell(&line, end, &cell); i++) {
        if (is_header && cell.len == 3 && memcmp(cell.text, "key", 3) == 0)
            d->key_cell = i;
        if (is_header || i != d->key_cell)
            continue;
        return pl_delta_unquote(&cell, &key, err) != 0
                   ? -1
                   : hold(d, pl_buf_str(&key), key.len, err);
    }
    return 0;
}

static bool has_odd_quotes(const char *at, const char *end)
{
    bool is_odd = false;

    for (; at < end; at++)
        is_odd ^= *at == '"';
    return is_odd;
}

static int watch(void *ctx, const void *data, size_t len, struct pl_err *err)
{
    struct csv_delta *d = ctx;
    const char *at = data;
    const char *end = at + len;

    while (at < end) {
        const char *lf = memchr(at, '\n', (size_t)(end - at));
        const char *to = lf != NULL ? lf : end;

        if (!d->is_in_quotes &&
            (d->are_rejects_csv ? take_csv(d, at, to, err)
                                : take_json(d, at, to, err)) != 0)
            return -1;
        if (d->are_rejects_csv) /* a raw record may hold line breaks */
            d->is_in_quotes ^= has_odd_quotes(at, to);
        at = to + (lf != NULL);
    }
    return d->rejects != NULL ? pl_sink_write(d->rejects, data, len, err) : 0;
}

void csv_delta_watch_rejects(struct csv_delta *d, struct pl_csv_config *csv)
{
    if (d->cfg.kind == PL_DELTA_PROFILES)
        return; /* a rejected row's key is its Id, and no profile's */
    d->rejects = csv->rejects;
    d->key_cell = SIZE_MAX;
    d->are_rejects_csv = csv->rejects_format == PL_CSV_REJECTS_CSV;
    d->seen_rejects = (struct pl_sink){.ctx = d, .write = watch};
    csv->rejects = &d->seen_rejects;
}
