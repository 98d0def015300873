/* Shared files of any shape. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/aws/ini.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const sections[] = {"default", "profile x", ""};
    const char *text = (const char *)data;
    char value[8];

    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        const bool found = pl_ini_find(text, size, sections[i], "region", value,
                                       sizeof(value));

        if (found && strlen(value) >= sizeof(value))
            abort();
        if (found && !pl_ini_has(text, size, sections[i]))
            abort(); /* a value of a section that is not there */
        if (pl_ini_find_nested(text, size, sections[i], "s3", "endpoint_url",
                               value, sizeof(value)) &&
            strlen(value) >= sizeof(value))
            abort();
    }
    return 0;
}
