/* Any bytes as an import file: no fault, and the same at every read size. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "local/import_file.h"
#include "pipeline/base/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint64_t crc;
    size_t records;
};

static int take(void *ctx, const struct local_cell *cells, size_t count,
                uint64_t line, struct pl_err *err)
{
    struct seen *s = ctx;

    (void)err;
    s->records++;
    s->crc = pl_crc64nvme(s->crc, &line, sizeof(line));
    for (size_t i = 0; i < count; i++) {
        if (local_cell_fault(&cells[i]) != NULL || cells[i].len == 0)
            abort();
        s->crc = pl_crc64nvme(s->crc, cells[i].value, cells[i].len);
    }
    return 0;
}

static int refuse(void *ctx, uint64_t line, const char *why, struct pl_err *err)
{
    struct seen *s = ctx;

    (void)err;
    s->records++;
    s->crc = pl_crc64nvme(s->crc, &line, sizeof(line));
    s->crc = pl_crc64nvme(s->crc, why, strlen(why));
    return 0;
}

static int run(const uint8_t *data, size_t size, size_t bite, bool is_csv,
               struct seen *s)
{
    struct pl_mem_source mem = {
        .data = (const char *)data, .len = size, .bite = bite};
    const struct pl_source source = pl_mem_source(&mem);
    const struct local_import_sink sink = {s, take, refuse};
    struct pl_err err = {0};

    return is_csv ? local_import_csv(&source, &sink, &err)
                  : local_import_json(&source, &sink, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int is_csv = 0; is_csv < 2; is_csv++) {
        struct seen a = {0, 0};
        struct seen b = {0, 0};
        const int one = run(data, size, 0, is_csv != 0, &a);
        const int two = run(data, size, 3, is_csv != 0, &b);

        if (one != two || a.crc != b.crc || a.records != b.records)
            abort();
    }
    return 0;
}
