#include "pipeline/base/text.h"

#include <stdio.h>
#include <string.h>

static bool is_unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

int pl_uri_encode(struct pl_buf *out, const char *text, size_t len,
                  bool keep_slash, struct pl_err *err)
{
    static const char set[] = "0123456789ABCDEF";

    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)text[i];
        const char escape[3] = {'%', set[c >> 4], set[c & 15]};
        const bool is_plain = is_unreserved(c) || (keep_slash && c == '/');

        if (pl_buf_add(out, is_plain ? &text[i] : escape, is_plain ? 1 : 3,
                       err) != 0)
            return -1;
    }
    return 0;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int pl_uri_decode(struct pl_buf *out, const char *text, size_t len,
                  bool plus_is_blank, struct pl_err *err)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (c == '%') {
            const int hi = len - i > 2 ? hex_value(text[i + 1]) : -1;
            const int lo = len - i > 2 ? hex_value(text[i + 2]) : -1;

            if (hi < 0 || lo < 0)
                return pl_fail(err, PL_DATA_INVALID, "broken %%-escape");
            c = (char)(hi * 16 + lo);
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        if (pl_buf_addc(out, c, err) != 0)
            return -1;
    }
    return 0;
}

/* The length of the character at p, 0 when it is not valid. */
static size_t utf8_char(const unsigned char *p, size_t len)
{
    static const unsigned lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    const size_t n = p[0] < 0x80    ? 1
                     : p[0] < 0xC2  ? 0
                     : p[0] < 0xE0  ? 2
                     : p[0] < 0xF0  ? 3
                     : p[0] <= 0xF4 ? 4
                                    : 0;
    unsigned code = n < 2 ? p[0] : p[0] & (0xFFU >> (n + 1));

    if (n == 0 || n > len)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        code = (code << 6) | (p[i] & 0x3FU);
    }
    if (code < lowest[n] || code > 0x10FFFF ||
        (code >= 0xD800 && code <= 0xDFFF))
        return 0;
    return n;
}

size_t pl_utf8_valid_len(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    const uint64_t high = UINT64_C(0x8080808080808080);
    uint64_t eight = 0;
    size_t at = 0;

    while (at < len) {
        size_t n = 1;

        if (len - at >= sizeof(eight)) { /* mostly ASCII, eight at once */
            memcpy(&eight, p + at, sizeof(eight));
            if ((eight & high) == 0) {
                at += sizeof(eight);
                continue;
            }
        }
        if (p[at] >= 0x80)
            n = utf8_char(p + at, len - at);

        if (n == 0)
            break;
        at += n;
    }
    return at;
}

size_t pl_utf8_count(const char *text, size_t len)
{
    size_t count = 0;

    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

void pl_ulid(int64_t unix_ms, const unsigned char random[10], char out[27])
{
    static const char set[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint64_t time = (uint64_t)unix_ms;
    uint64_t bits = 0;
    int have = 0;
    int n = 10;

    for (int i = 9; i >= 0; i--, time >>= 5)
        out[i] = set[time & 31];
    for (int i = 0; i < 10; i++) {
        bits = (bits << 8) | random[i];
        for (have += 8; have >= 5; have -= 5)
            out[n++] = set[(bits >> (have - 5)) & 31];
    }
    out[n] = '\0';
}

void pl_mask_literals(const char *text, char *out, size_t cap)
{
    char quote = '\0';
    size_t n = 0;

    if (cap == 0)
        return;
    for (const char *p = text; *p != '\0' && n + 5 < cap; p++) {
        if (quote == '\0' && (*p == '\'' || *p == '"')) {
            quote = *p;
            out[n++] = quote;
            memcpy(out + n, "...", 3);
            n += 3;
        } else if (quote != '\0' && *p == quote) {
            out[n++] = quote;
            quote = '\0';
        } else if (quote == '\0') {
            out[n++] = *p;
        }
    }
    out[n] = '\0';
}

/* A control character, a quote or a backslash, escaped as short as can be. */
static int add_escape(struct pl_buf *out, unsigned char c, struct pl_err *err)
{
    static const char hex[] = "0123456789abcdef";
    const char shorts[] = {'\\', c == '\n'   ? 'n'
                                 : c == '\r' ? 'r'
                                 : c == '\t' ? 't'
                                             : (char)c};
    const char whole[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

    if (c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t')
        return pl_buf_add(out, shorts, sizeof(shorts), err);
    return pl_buf_add(out, whole, sizeof(whole), err);
}

int pl_json_quote(struct pl_buf *out, const char *text, size_t len,
                  struct pl_err *err)
{
    size_t from = 0; /* what stands as it is and was not added yet */
    size_t i = 0;

    if (pl_buf_addc(out, '"', err) != 0)
        return -1;
    while (i < len) {
        const unsigned char c = (unsigned char)text[i];
        const bool is_escaped = c < 0x20 || c == 0x7F || c == '"' || c == '\\';
        const size_t n =
            c < 0x80 ? 1 : utf8_char((const unsigned char *)text + i, len - i);

        if (n > 0 && !is_escaped) {
            i += n;
            continue;
        }
        if (pl_buf_add(out, text + from, i - from, err) != 0 ||
            (n == 0 ? pl_buf_adds(out, "\xEF\xBF\xBD", err)
                    : add_escape(out, c, err)) != 0)
            return -1;
        from = ++i;
    }
    return pl_buf_add(out, text + from, len - from, err) != 0
               ? -1
               : pl_buf_addc(out, '"', err);
}

bool pl_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool pl_ends_with(const char *text, const char *suffix)
{
    const size_t text_len = strlen(text);
    const size_t len = strlen(suffix);

    return text_len >= len && strcmp(text + text_len - len, suffix) == 0;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool pl_ieqn(const char *a, size_t a_len, const char *b, size_t b_len)
{
    if (a_len != b_len)
        return false;
    for (size_t i = 0; i < a_len; i++)
        if (lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

bool pl_ieq(const char *a, const char *b)
{
    return pl_ieqn(a, strlen(a), b, strlen(b));
}

bool pl_is_one_of(const char *text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, list[i]) == 0)
            return true;
    return false;
}

int pl_parse_u64(const char *text, uint64_t *out)
{
    uint64_t v = 0;

    if (*text == '\0')
        return -1;
    for (; *text != '\0'; text++) {
        const uint64_t d = (uint64_t)(unsigned char)*text - '0';

        if (d > 9 || v > (UINT64_MAX - d) / 10)
            return -1;
        v = v * 10 + d;
    }
    *out = v;
    return 0;
}

unsigned pl_edit_distance(const char *a, const char *b)
{
    unsigned row[65];
    const size_t a_len = strnlen(a, 64);
    const size_t b_len = strnlen(b, 64);

    for (unsigned j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        unsigned diagonal = row[0];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            const unsigned above = row[j];
            unsigned best =
                diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);

            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[b_len];
}
