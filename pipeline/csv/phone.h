/*
 * phone.h - national phone numbers made E.164, where this was built with
 * libphonenumber (cmake -DLAKESEG_PHONENUMBER=ON) and a job names the country.
 */
#ifndef PL_CSV_PHONE_H
#define PL_CSV_PHONE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PL_PHONE_BYTES 24

/* Whether numbers can be resolved, for the country (ISO 3166-1 alpha-2). */
bool pl_phone_knows(const char *country);
/* The number with its NUL into out, and its length; 0: it is none there. From
 * any thread. */
size_t pl_phone_resolve(const char *text, size_t len, const char *country,
                        char out[PL_PHONE_BYTES]);

#ifdef __cplusplus
}
#endif
#endif
