/* An id map of any bytes: the same entries, or the same error, however it is
 * read; and rows joined with it never lose one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/profile/profile.h"

static const char header[] = "Id,Attributes.A\n";
#define ROWS 4

struct outcome {
    struct pl_buf out;
    struct pl_profile_report report;
    struct pl_err err;
    int rc;
};

static void run(const uint8_t *data, size_t size, size_t bite,
                struct outcome *o)
{
    static const char rows[] = "a,1\nA b,2\n\"x,y\",3\n-,4\n";
    const struct pl_target_wish wish = {.name = "customer-profiles",
                                        .id_map = "map"};
    struct pl_target target;
    struct pl_mem_source mem = {
        .data = (const char *)data, .len = size, .bite = bite};
    const struct pl_source id_map = pl_mem_source(&mem);
    const struct pl_sink out = pl_buf_sink(&o->out);
    const struct pl_csv_config csv = {0};
    const struct pl_profile_config cfg = {.target = &target,
                                          .id_map = &id_map,
                                          .memory_bytes = 1,
                                          .out = &out,
                                          .csv = &csv};
    struct pl_profile *p;
    struct pl_sink sink;

    memset(o, 0, sizeof(*o));
    if (pl_target_choose(&wish, &target, &o->err) != 0)
        abort();
    p = pl_profile_open(&cfg, &o->err);
    if (p == NULL)
        abort();
    sink = pl_profile_sink(p);
    if (pl_sink_write(&sink, header, sizeof(header) - 1, &o->err) != 0 ||
        pl_sink_write(&sink, rows, sizeof(rows) - 1, &o->err) != 0)
        abort();
    o->rc = pl_profile_finish(p, &o->report, &o->err);
    pl_profile_release(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome all;
    struct outcome pieces;

    run(data, size, 0, &all);
    run(data, size, 3, &pieces);
    if (all.rc != pieces.rc || strcmp(all.err.msg, pieces.err.msg) != 0 ||
        strcmp(pl_buf_str(&all.out), pl_buf_str(&pieces.out)) != 0)
        abort();
    if (all.rc == 0 &&
        all.report.profiles + all.report.merged + all.report.unknown_key !=
            ROWS)
        abort();
    pl_buf_release(&all.out);
    pl_buf_release(&pieces.out);
    pl_profile_report_release(&all.report);
    pl_profile_report_release(&pieces.report);
    return 0;
}
