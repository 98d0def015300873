/*
 * values.h - the syntax of single values, and their one right form. Texts are
 * trimmed, valid UTF-8, not empty; a function that normalizes does it in place
 * and never makes the text longer.
 */
#ifndef PL_CSV_VALUES_H
#define PL_CSV_VALUES_H

#include <stdbool.h>
#include <stddef.h>

/* A finite decimal number: [-+]digits[.digits][e[-+]digits]. value may be NULL,
 * which is quicker. */
bool pl_value_is_number(const char *text, size_t len, double *value);

/*
 * An e-mail address (RFC 5321's dot-string: letters, digits and
 * !#$%&'*+-/=?^_`{|}~ with single dots inside) of at most 254 bytes, 64 of
 * them before the one @; a domain of at least two labels of letters, digits
 * and inner hyphens, at most 63 bytes each. The domain becomes lower case.
 */
bool pl_value_email(char *text, size_t len);

enum pl_phone { PL_PHONE_OK, PL_PHONE_NATIONAL, PL_PHONE_WRONG };
/* E.164: blanks, dashes, brackets and dots are taken out, 00 becomes +; then
 * + and 2 to 15 digits, the first not 0. NATIONAL: digits without a country.
 * *len is what is left. */
enum pl_phone pl_value_phone(char *text, size_t *len);

/* Visible ASCII; only hex digits where asked for. */
bool pl_value_is_token(const char *text, size_t len, bool is_hex);

/* ISO 3166-1 alpha-2, from tzdata's list; becomes upper case. */
bool pl_value_country(char *text, size_t len);
/* ll_CC; a hyphen becomes an underscore, letters get their right case. */
bool pl_value_locale(char *text, size_t len);
/* A name of the tz database, of the list when this was built; gets its right
 * case. */
bool pl_value_time_zone(char *text, size_t len);
/* YYYY-MM-DDThh:mm:ss.sssZ */
bool pl_value_is_instant(const char *text, size_t len);
/* How Athena words an array or a map: [a, b] or {k=v}. */
bool pl_value_is_nested(const char *text, size_t len);

#endif
