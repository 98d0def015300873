/* Any bytes as a file of fingerprints, as they are and with a right checksum
 * behind them: an error, or ids that do not descend, as many as were announced,
 * which a table finds again. */
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/digest.h"
#include "pipeline/delta/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST 200000

static bool open_file(struct pl_delta_file_reader *r, struct pl_mem_source *mem,
                      struct pl_source *source)
{
    struct pl_err err = {0};

    memset(r, 0, sizeof(*r));
    mem->at = 0;
    *source = pl_mem_source(mem);
    return pl_delta_read_open(r, source, &err) == 0;
}

static void check_table(struct pl_mem_source *mem)
{
    static struct pl_delta_file_reader one;
    static struct pl_delta_file_reader two;
    struct pl_delta_file_reader *const files[] = {&one};
    __attribute__((cleanup(pl_delta_table_release))) struct pl_delta_table t = {
        0};
    struct pl_source first;
    struct pl_source second;
    struct pl_mem_source again = *mem;
    const struct pl_delta_print *p;
    struct pl_err err = {0};

    if (!open_file(&one, mem, &first) || one.head.count > MOST ||
        pl_delta_table_load(&t, files, 1, SIZE_MAX, NULL, &err) != 0)
        return;
    if (t.count != one.head.count)
        abort();
    if (!open_file(&two, &again, &second))
        abort();
    while ((p = pl_delta_read(&two, &err)) != NULL) {
        const size_t at = pl_delta_table_find(&t, p->id);

        if (at == SIZE_MAX)
            abort();
        pl_delta_table_see(&t, at);
    }
}

static void check(const uint8_t *data, size_t size)
{
    static struct pl_delta_file_reader r;
    struct pl_mem_source mem = {(const char *)data, size, 0, 7};
    struct pl_source source;
    const struct pl_delta_print *p;
    struct pl_err err = {0};
    uint64_t count = 0;
    uint64_t last = 0;

    if (!open_file(&r, &mem, &source))
        return;
    while ((p = pl_delta_read(&r, &err)) != NULL) {
        if (p->id < last)
            abort();
        last = p->id;
        count++;
    }
    if ((err.code == PL_OK) != r.is_end || (r.is_end && count != r.head.count))
        abort();
    if (r.is_end)
        check_table(&mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint64_t crc = pl_crc64nvme(0, data, size);
    uint8_t *whole = malloc(size + 8);

    check(data, size);
    if (whole == NULL)
        return 0;
    if (size > 0)
        memcpy(whole, data, size);
    for (size_t i = 0; i < 8; i++)
        whole[size + i] = (uint8_t)(crc >> (8 * i));
    check(whole, size + 8);
    free(whole);
    return 0;
}
