/* Times as servers and files word them: what is read is a time that our own
 * words for it give again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"

#define YEAR_1_MS INT64_C(-62135596800000)
#define YEAR_10000_MS INT64_C(253402300800000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int64_t ms)
{
    char text[PL_TIME_LEN];
    int64_t again = 0;

    pl_time_basic(ms, text);
    if (strlen(text) != strlen("20261123T010203Z"))
        abort();
    pl_time_iso(ms, text);
    if (pl_time_parse_iso(text, &again) != 0 || again != ms)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    int64_t ms = INT64_MIN;

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (pl_time_parse_http(text, &ms) == 0) {
        if (ms < YEAR_1_MS || ms > YEAR_10000_MS)
            abort();
        if (ms >= YEAR_1_MS && ms < YEAR_10000_MS)
            check(ms);
    } else if (ms != INT64_MIN) {
        abort(); /* a failure leaves it alone */
    }
    if (pl_time_parse_iso(text, &ms) == 0 && ms >= YEAR_1_MS &&
        ms < YEAR_10000_MS)
        check(ms);
    free(text);
    return 0;
}
