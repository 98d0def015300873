/* Built without libphonenumber. */
#include "pipeline/csv/phone.h"

bool pl_phone_knows(const char *country)
{
    (void)country;
    return false;
}

size_t pl_phone_resolve(const char *text, size_t len, const char *country,
                        char out[PL_PHONE_BYTES])
{
    (void)text;
    (void)len;
    (void)country;
    out[0] = '\0';
    return 0;
}
