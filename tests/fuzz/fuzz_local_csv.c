/* Any bytes as a file of an upload job: no fault, and the same rows at every
 * read size. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "local/csv.h"
#include "pipeline/base/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint64_t crc;
    size_t rows;
};

static int take(void *ctx, const struct local_csv_row *row, struct pl_err *err)
{
    struct seen *s = ctx;

    (void)err;
    s->rows++;
    s->crc = pl_crc64nvme(s->crc, &row->line, sizeof(row->line));
    if (row->count == 0)
        abort();
    for (size_t i = 0; i < row->count; i++) {
        if (row->cells[i][row->lens[i]] != '\0')
            abort();
        s->crc = pl_crc64nvme(s->crc, row->cells[i], row->lens[i] + 1);
    }
    return 0;
}

static int run(const uint8_t *data, size_t size, size_t bite, struct seen *s)
{
    struct pl_mem_source mem = {
        .data = (const char *)data, .len = size, .bite = bite};
    const struct pl_source source = pl_mem_source(&mem);
    const struct local_csv_sink sink = {s, take};
    struct pl_err err = {0};

    return local_csv_read(&source, &sink, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen a = {0, 0};
    struct seen b = {0, 0};
    const int one = run(data, size, 0, &a);
    const int two = run(data, size, 3, &b);

    if (one != two || a.crc != b.crc || a.rows != b.rows)
        abort();
    return 0;
}
