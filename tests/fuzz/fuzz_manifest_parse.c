/* Any bytes as a manifest: what is taken can be printed and taken again. */
#include <stdlib.h>

#include "pipeline/manifest/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_manifest) again = {0};
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_err err = {0};

    if (pl_manifest_parse(&m, (const char *)data, size, &err) != 0)
        return 0;
    (void)pl_manifest_subject(&m);
    if (pl_manifest_begin(&m, 0, &err) != 0 ||
        pl_manifest_print(&m, &text, &err) != 0 ||
        pl_manifest_parse(&again, text.data, text.len, &err) != 0)
        abort();
    return 0;
}
