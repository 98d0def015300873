#include "local/text_value.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>

#include "pipeline/base/text.h"

#define DAY_MICROS INT64_C(86400000000)

/* From "d.ddde[+-]x" (as %.*e writes it) to Java's form. */
static void java_form(const char *sci, char out[40])
{
    char digits[24] = "";
    size_t count = 0;
    const bool is_negative = sci[0] == '-';
    const char *e = strchr(sci, 'e');
    const int exp = (int)strtol(e + 1, NULL, 10);
    size_t at = 0;

    for (const char *p = sci; p < e; p++)
        if (*p >= '0' && *p <= '9' && count < sizeof(digits) - 1)
            digits[count++] = *p;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    digits[count] = '\0';
    if (is_negative)
        out[at++] = '-';
    if (exp < -3 || exp >= 7) {
        (void)snprintf(out + at, 40 - at, "%c.%sE%d", digits[0],
                       count > 1 ? digits + 1 : "0", exp);
    } else if (exp < 0) {
        (void)snprintf(out + at, 40 - at, "0.%.*s%s", -exp - 1, "000", digits);
    } else {
        const int whole = exp + 1;
        const int given = (int)count < whole ? (int)count : whole;

        (void)snprintf(out + at, 40 - at, "%.*s%.*s.%s", given, digits,
                       whole - given, "0000000",
                       (int)count > whole ? digits + whole : "0");
    }
}

static bool is_special(double value, char out[40])
{
    const char *text = NULL;

    if (isnan(value))
        text = "NaN";
    else if (isinf(value))
        text = value > 0 ? "Infinity" : "-Infinity";
    else if (fpclassify(value) == FP_ZERO)
        text = signbit(value) ? "-0.0" : "0.0";
    if (text != NULL)
        (void)snprintf(out, 40, "%s", text);
    return text != NULL;
}

void local_text_double(double value, char out[40])
{
    char sci[40];

    if (is_special(value, out))
        return;
    for (int p = 0; p <= DBL_DECIMAL_DIG - 1; p++) {
        double back;

        (void)snprintf(sci, sizeof(sci), "%.*e", p, value);
        back = strtod(sci, NULL);
        /* the same bits: NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
        if (memcmp(&back, &value, sizeof(back)) == 0)
            break;
    }
    java_form(sci, out);
}

void local_text_float(float value, char out[40])
{
    char sci[40];

    if (is_special((double)value, out))
        return;
    for (int p = 0; p <= FLT_DECIMAL_DIG - 1; p++) {
        float back;

        (void)snprintf(sci, sizeof(sci), "%.*e", p, (double)value);
        back = strtof(sci, NULL);
        /* the same bits: NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
        if (memcmp(&back, &value, sizeof(back)) == 0)
            break;
    }
    java_form(sci, out);
}

/* Divides hi:lo by ten in place; returns the remainder. */
static unsigned divide_by_ten(uint64_t *hi, uint64_t *lo)
{
    uint32_t part[4] = {(uint32_t)(*hi >> 32), (uint32_t)*hi,
                        (uint32_t)(*lo >> 32), (uint32_t)*lo};
    uint64_t rest = 0;

    for (int i = 0; i < 4; i++) {
        const uint64_t now = rest << 32 | part[i];

        part[i] = (uint32_t)(now / 10);
        rest = now % 10;
    }
    *hi = (uint64_t)part[0] << 32 | part[1];
    *lo = (uint64_t)part[2] << 32 | part[3];
    return (unsigned)rest;
}

void local_text_decimal(int64_t upper, uint64_t lower, unsigned scale,
                        char out[48])
{
    const bool is_negative = upper < 0;
    uint64_t hi = (uint64_t)upper;
    uint64_t lo = lower;
    char back[48];
    size_t n = 0;
    size_t at = 0;

    if (is_negative) {
        lo = ~lo + 1;
        hi = ~hi + (lo == 0 ? 1 : 0);
    }
    do {
        back[n++] = (char)('0' + divide_by_ten(&hi, &lo));
        if (n == scale)
            back[n++] = '.';
    } while ((hi != 0 || lo != 0 || n < (size_t)scale + (scale > 0 ? 2 : 0)) &&
             n < sizeof(back) - 2);
    if (is_negative)
        out[at++] = '-';
    while (n > 0)
        out[at++] = back[--n];
    out[at] = '\0';
}

/* Days since 1970 to a date of the proleptic Gregorian calendar. */
void local_text_date(int32_t days, char out[40])
{
    const int64_t z = (int64_t)days + 719468;
    const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    const int64_t doe = z - era * 146097;
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const int64_t mp = (5 * doy + 2) / 153;
    const int64_t month = mp < 10 ? mp + 3 : mp - 9;
    const int64_t year = yoe + era * 400 + (month <= 2 ? 1 : 0);

    (void)snprintf(out, 40, "%04" PRId64 "-%02" PRId64 "-%02" PRId64, year,
                   month, doy - (153 * mp + 2) / 5 + 1);
}

void local_text_time(int64_t micros, char out[40])
{
    const int64_t ms = micros / 1000;

    (void)snprintf(out, 40,
                   "%02" PRId64 ":%02" PRId64 ":%02" PRId64 ".%03" PRId64,
                   ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
}

void local_text_timestamp(int64_t micros, char out[40])
{
    int64_t day = micros / DAY_MICROS;
    int64_t rest = micros % DAY_MICROS;
    char time[40];
    size_t len;

    if (rest < 0) {
        rest += DAY_MICROS;
        day--;
    }
    local_text_date((int32_t)day, out);
    local_text_time(rest, time);
    len = strlen(out);
    (void)snprintf(out + len, 40 - len, " %.12s", time);
}

void local_text_interval(int32_t months, int32_t days, int64_t micros,
                         char out[64])
{
    const int64_t all = (int64_t)days * DAY_MICROS + micros;
    const int64_t size = all < 0 ? -all : all;
    const int64_t month_size = months < 0 ? -(int64_t)months : months;
    char time[40];

    if (months != 0 && all == 0) {
        (void)snprintf(out, 64, "%s%" PRId64 "-%" PRId64, months < 0 ? "-" : "",
                       month_size / 12, month_size % 12);
        return;
    }
    local_text_time(size % DAY_MICROS, time);
    (void)snprintf(out, 64, "%s%" PRId64 " %.12s", all < 0 ? "-" : "",
                   size / DAY_MICROS, time);
}

int local_text_binary(struct pl_buf *out, const char *data, size_t len,
                      struct pl_err *err)
{
    for (size_t i = 0; i < len; i++)
        if (pl_buf_addf(out, err, "%s%02x", i > 0 ? " " : "",
                        (unsigned)(unsigned char)data[i]) != 0)
            return -1;
    return 0;
}

int local_text_field(struct pl_buf *out, const char *data, size_t len,
                     struct pl_err *err)
{
    const char *end = data + len;

    if (pl_buf_addc(out, '"', err) != 0)
        return -1;
    while (data < end) {
        const char *quote = memchr(data, '"', (size_t)(end - data));
        const size_t n =
            quote != NULL ? (size_t)(quote - data) + 1 : (size_t)(end - data);

        if (pl_buf_add(out, data, n, err) != 0 ||
            (quote != NULL && pl_buf_addc(out, '"', err) != 0))
            return -1;
        data += n;
    }
    return pl_buf_addc(out, '"', err);
}
