#include "pipeline/csv/values.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/attr.h"
#include "pipeline/base/text.h"
#include "pipeline/csv/tzdata.h"

/* What a byte is, for all grammars here. */
#define DIGIT 0x01
#define UPPER 0x02
#define LOWER 0x04
#define HEX 0x08
#define ATOM 0x10  /* of a local part, but letters and digits */
#define PHONE 0x20 /* what may stand between the digits of a number */

static unsigned char class_of[256];
static bool is_country[26][26];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void note(const char *bytes, unsigned char what)
{
    for (; *bytes != '\0'; bytes++)
        class_of[(unsigned char)*bytes] |= what;
}

static int by_name(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    size_t i = 0;

    for (;; i++) {
        const int p =
            (*x)[i] >= 'A' && (*x)[i] <= 'Z' ? (*x)[i] | 0x20 : (*x)[i];
        const int q =
            (*y)[i] >= 'A' && (*y)[i] <= 'Z' ? (*y)[i] | 0x20 : (*y)[i];

        if (p != q || p == '\0')
            return p - q;
    }
}

static void make_tables(void)
{
    note("0123456789", DIGIT | HEX);
    note("ABCDEFGHIJKLMNOPQRSTUVWXYZ", UPPER);
    note("abcdefghijklmnopqrstuvwxyz", LOWER);
    note("abcdefABCDEF", HEX);
    note("!#$%&'*+-/=?^_`{|}~", ATOM);
    note(" -.()", PHONE);
    for (size_t i = 0; i < PL_COUNT(pl_countries); i++)
        is_country[pl_countries[i][0] - 'A'][pl_countries[i][1] - 'A'] = true;
    qsort(pl_time_zones, PL_COUNT(pl_time_zones), sizeof(*pl_time_zones),
          by_name);
}

static unsigned what_is(char c)
{
    return class_of[(unsigned char)c];
}

static void ready(void)
{
    (void)pthread_once(&once, make_tables);
}

static const char *read_digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* The grammar is checked here; strtod, which knows the locale, hex and "inf",
 * then only sees what it reads alike everywhere in the C locale. */
bool pl_value_is_number(const char *text, size_t len, double *value)
{
    const char *end = text + len;
    const char *p = text;
    const char *whole;
    char copy[128];
    double read;

    if (p < end && (*p == '-' || *p == '+'))
        p++;
    whole = p;
    p = read_digits(p, end);
    if (p == whole)
        return false;
    if (p < end && *p == '.') {
        const char *fraction = ++p;

        p = read_digits(p, end);
        if (p == fraction)
            return false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        const char *exponent;

        p++;
        if (p < end && (*p == '-' || *p == '+'))
            p++;
        exponent = p;
        p = read_digits(p, end);
        if (p == exponent)
            return false;
    }
    if (p != end || len >= sizeof(copy))
        return false;
    if (value == NULL && memchr(text, 'e', len) == NULL &&
        memchr(text, 'E', len) == NULL)
        return true; /* as short as this, it is finite */
    memcpy(copy, text, len);
    copy[len] = '\0';
    read = strtod(copy, NULL);
    if (value != NULL)
        *value = read;
    return isfinite(read);
}

static bool is_local_part(const char *text, size_t len)
{
    if (len == 0 || len > 64 || text[0] == '.' || text[len - 1] == '.')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '.') {
            if (text[i + 1] == '.')
                return false;
        } else if ((what_is(text[i]) & (DIGIT | UPPER | LOWER | ATOM)) == 0) {
            return false;
        }
    }
    return true;
}

static bool is_domain(const char *text, size_t len)
{
    size_t label = 0; /* where it begins */
    bool has_dot = false;

    for (size_t i = 0; i <= len; i++) {
        if (i == len || text[i] == '.') {
            if (i == label || i - label > 63 || text[label] == '-' ||
                text[i - 1] == '-')
                return false;
            has_dot = has_dot || i < len;
            label = i + 1;
        } else if (text[i] != '-' &&
                   (what_is(text[i]) & (DIGIT | UPPER | LOWER)) == 0) {
            return false;
        }
    }
    return has_dot;
}

bool pl_value_email(char *text, size_t len)
{
    char *at = memchr(text, '@', len);
    const char *end = text + len;

    ready();
    if (at == NULL || len > 254 || !is_local_part(text, (size_t)(at - text)) ||
        !is_domain(at + 1, (size_t)(end - at) - 1))
        return false;
    for (; at < end; at++)
        if ((what_is(*at) & UPPER) != 0)
            *at = (char)(*at + ('a' - 'A'));
    return true;
}

enum pl_phone pl_value_phone(char *text, size_t *len)
{
    size_t n = 0;
    size_t digits = 0;

    ready();
    for (size_t i = 0; i < *len; i++) {
        if ((what_is(text[i]) & PHONE) != 0)
            continue;
        digits += (what_is(text[i]) & DIGIT) != 0 ? 1 : 0;
        text[n++] = text[i];
    }
    if (n > 2 && text[0] == '0' && text[1] == '0') {
        text[0] = '+';
        memmove(text + 1, text + 2, n - 2);
        n--;
        digits -= 2;
    }
    *len = n;
    if (n == 0 || digits == 0)
        return PL_PHONE_WRONG;
    if (digits == n)
        return PL_PHONE_NATIONAL;
    if (text[0] != '+' || digits != n - 1 || n < 3 || n > 16 || text[1] == '0')
        return PL_PHONE_WRONG;
    return PL_PHONE_OK;
}

bool pl_value_is_token(const char *text, size_t len, bool is_hex)
{
    ready();
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)text[i];

        if (is_hex ? (class_of[c] & HEX) == 0 : c <= 0x20 || c >= 0x7F)
            return false;
    }
    return true;
}

static void change_case(char *text, size_t len, unsigned from)
{
    for (size_t i = 0; i < len; i++)
        if ((what_is(text[i]) & from) != 0)
            text[i] = (char)(text[i] ^ 0x20);
}

bool pl_value_country(char *text, size_t len)
{
    ready();
    if (len != 2)
        return false;
    change_case(text, 2, LOWER);
    return (what_is(text[0]) & what_is(text[1]) & UPPER) != 0 &&
           is_country[text[0] - 'A'][text[1] - 'A'];
}

bool pl_value_locale(char *text, size_t len)
{
    ready();
    if (len != 5 || (text[2] != '_' && text[2] != '-'))
        return false;
    text[2] = '_';
    change_case(text, 2, UPPER);
    return (what_is(text[0]) & LOWER) != 0 && (what_is(text[1]) & LOWER) != 0 &&
           pl_value_country(text + 3, 2);
}

bool pl_value_time_zone(char *text, size_t len)
{
    char copy[64];
    const char *key = copy;
    const char *const *found;

    ready();
    if (len >= sizeof(copy) || memchr(text, '\0', len) != NULL)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    found = bsearch(&key, pl_time_zones, PL_COUNT(pl_time_zones),
                    sizeof(*pl_time_zones), by_name);
    if (found == NULL)
        return false;
    memcpy(text, *found, len);
    return true;
}

bool pl_value_is_instant(const char *text, size_t len)
{
    static const char form[] = "0000-00-00T00:00:00.000Z";

    if (len != sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < len; i++)
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9'
                           : text[i] != form[i])
            return false;
    return memcmp(text + 5, "01", 2) >= 0 && memcmp(text + 5, "12", 2) <= 0 &&
           memcmp(text + 8, "01", 2) >= 0 && memcmp(text + 8, "31", 2) <= 0 &&
           memcmp(text + 11, "23", 2) <= 0 && text[14] <= '5' &&
           memcmp(text + 17, "60", 2) <= 0;
}

bool pl_value_is_nested(const char *text, size_t len)
{
    if (len < 2)
        return false;
    return (text[0] == '[' && text[len - 1] == ']') ||
           (text[0] == '{' && text[len - 1] == '}');
}
