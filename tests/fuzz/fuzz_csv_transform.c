/* Any bytes: counts add up, the result does not depend on how they are cut,
 * and what was written is read again without a reject. */
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/csv/transform.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static int run(const char *text, size_t len, size_t bite, struct pl_buf *out,
               struct pl_buf *rejects, struct pl_csv_report *report)
{
    struct pl_mem_source mem = {.data = text, .len = len, .bite = bite};
    const struct pl_source in = pl_mem_source(&mem);
    const struct pl_sink out_sink = pl_buf_sink(out);
    const struct pl_sink rejects_sink = pl_buf_sink(rejects);
    struct pl_err err = {0};
    const struct pl_csv_config cfg = {
        .target = pl_target_by_name("pinpoint"),
        .rules = {.unknown_columns = PL_CSV_UNKNOWN_DROP},
        .limits = {.max_reject_percent = 100,
                   .max_rejects = -1,
                   .max_rows = -1},
        .in = &in,
        .out = &out_sink,
        .rejects = &rejects_sink,
        .chunk_bytes = bite};

    return pl_csv_transform(&cfg, report, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t bites[] = {1, 7, 65536};
    PL_AUTO(pl_buf) first = PL_BUF_INIT;
    uint64_t rows = 0;
    int first_rc = 0;

    for (size_t i = 0; i < PL_COUNT(bites); i++) {
        PL_AUTO(pl_buf) out = PL_BUF_INIT;
        PL_AUTO(pl_buf) rejects = PL_BUF_INIT;
        PL_AUTO(pl_csv_report) r = {0};
        const int rc =
            run((const char *)data, size, bites[i], &out, &rejects, &r);

        require(r.rows_in == r.rows_out + r.rows_rejected + r.rows_dropped);
        if (i == 0) {
            first_rc = rc;
            rows = r.rows_out;
            first = out;
            out = (struct pl_buf){0};
        } else {
            require(rc == first_rc && r.rows_out == rows);
            require(strcmp(pl_buf_str(&out), pl_buf_str(&first)) == 0);
        }
    }
    if (first_rc == 0) {
        PL_AUTO(pl_buf) out = PL_BUF_INIT;
        PL_AUTO(pl_buf) rejects = PL_BUF_INIT;
        PL_AUTO(pl_csv_report) r = {0};

        require(run(first.data, first.len, 65536, &out, &rejects, &r) == 0);
        require(r.rows_out == rows && r.rows_rejected == 0);
        require(strcmp(pl_buf_str(&out), pl_buf_str(&first)) == 0);
    }
    return 0;
}
