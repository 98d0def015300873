#include "pipeline/csv/jsonl_scan.h"

#include <string.h>

typedef unsigned char byte;

static int hex_digit(byte c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four of them at p, or -1. */
static int32_t hex_number(const byte *p)
{
    int32_t number = 0;

    for (size_t i = 0; i < 4; i++) {
        const int digit = hex_digit(p[i]);

        if (digit < 0)
            return -1;
        number = number << 4 | digit;
    }
    return number;
}

static bool is_high_half(int32_t c)
{
    return c >= 0xD800 && c <= 0xDBFF;
}

static bool is_low_half(int32_t c)
{
    return c >= 0xDC00 && c <= 0xDFFF;
}

/* p is at the backslash. */
const byte *pl_jsonl_escape(const byte *p, enum pl_jsonl_wrong *wrong)
{
    int32_t c;

    if (p[1] != 'u') {
        if (p[1] == '\0' || strchr("\"\\/bfnrt", p[1]) == NULL)
            return pl_jsonl_fail(wrong, PL_JSONL_ESCAPE, p + 1);
        return p + 2;
    }
    c = hex_number(p + 2);
    if (c < 0)
        return pl_jsonl_fail(wrong, PL_JSONL_ESCAPE, p);
    p += 6;
    if (is_low_half(c))
        return pl_jsonl_fail(wrong, PL_JSONL_SURROGATE, p - 1);
    if (!is_high_half(c))
        return p;
    if (p[0] != '\\' || p[1] != 'u' || !is_low_half(hex_number(p + 2)))
        return pl_jsonl_fail(wrong, PL_JSONL_SURROGATE, p - 1);
    return p + 6;
}

static const byte *read_digits(const byte *p, enum pl_jsonl_wrong *wrong)
{
    if (!pl_jsonl_is_digit(*p))
        return pl_jsonl_fail(wrong, PL_JSONL_NUMBER, p);
    while (pl_jsonl_is_digit(*p))
        p++;
    return p;
}

const byte *pl_jsonl_number(const byte *p, enum pl_jsonl_wrong *wrong)
{
    if (*p == '-')
        p++;
    if (p[0] == '0' && pl_jsonl_is_digit(p[1]))
        return pl_jsonl_fail(wrong, PL_JSONL_NUMBER, p);
    p = read_digits(p, wrong);
    if (p != NULL && *p == '.')
        p = read_digits(p + 1, wrong);
    if (p != NULL && (*p == 'e' || *p == 'E'))
        p = read_digits(p + (p[1] == '-' || p[1] == '+' ? 2 : 1), wrong);
    return p;
}

static size_t word_len(const byte *p, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strncmp((const char *)p, *words, strlen(*words)) == 0)
            return strlen(*words);
    return 0;
}

size_t pl_jsonl_non_finite(const byte *p)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity", NULL};

    return word_len(p, words);
}

static const byte *read_word(const byte *p, enum pl_jsonl_wrong *wrong)
{
    static const char *const words[] = {"true", "false", "null", NULL};
    const size_t len = word_len(p, words);

    return len > 0 ? p + len : pl_jsonl_fail(wrong, PL_JSONL_SYNTAX, p);
}

const byte *pl_jsonl_scalar(const byte *p, enum pl_jsonl_wrong *wrong)
{
    bool ignored = false;

    if (*p == '"') {
        p = pl_jsonl_text(p + 1, &ignored, wrong);
        return p != NULL ? p + 1 : NULL;
    }
    return pl_jsonl_is_digit(*p) || *p == '-' ? pl_jsonl_number(p, wrong)
                                              : read_word(p, wrong);
}

/* A key, its colon and the blanks around it. */
static const byte *read_key(const byte *p, enum pl_jsonl_wrong *wrong)
{
    p = *p == '"' ? pl_jsonl_scalar(p, wrong)
                  : pl_jsonl_fail(wrong, PL_JSONL_SYNTAX, p);
    if (p == NULL)
        return NULL;
    p = pl_jsonl_blanks(p);
    return *p == ':' ? pl_jsonl_blanks(p + 1)
                     : pl_jsonl_fail(wrong, PL_JSONL_SYNTAX, p);
}

static bool is_object(const struct pl_jsonl_nesting *n, size_t depth)
{
    return (n->bits[depth / 64] >> (depth % 64) & 1) != 0;
}

static void set_object(struct pl_jsonl_nesting *n, size_t depth, bool is)
{
    const uint64_t bit = UINT64_C(1) << (depth % 64);

    n->bits[depth / 64] =
        is ? n->bits[depth / 64] | bit : n->bits[depth / 64] & ~bit;
}

/* All that ends at p; *depth is what is still open. */
static const byte *leave(const byte *p, const struct pl_jsonl_nesting *n,
                         size_t *depth)
{
    for (; *depth > 0; p++, --*depth) {
        p = pl_jsonl_blanks(p);
        if (*p != (is_object(n, *depth - 1) ? '}' : ']'))
            break;
    }
    return p;
}

/* Without recursion: the data say how deep it is. */
const byte *pl_jsonl_nested(const byte *p, struct pl_jsonl_nesting *n,
                            enum pl_jsonl_wrong *wrong)
{
    size_t depth = 0; /* of those that are open */

    for (;;) {
        bool is_entered = *p == '[' || *p == '{';

        if (is_entered && depth == PL_JSONL_DEPTH_MAX)
            return pl_jsonl_fail(wrong, PL_JSONL_DEEP, p);
        if (is_entered) {
            set_object(n, depth, *p == '{');
            p = pl_jsonl_blanks(p + 1);
            if (*p == (is_object(n, depth++) ? '}' : ']'))
                is_entered = false; /* and left again */
        } else {
            p = pl_jsonl_scalar(p, wrong);
            if (p == NULL)
                return NULL;
        }
        if (!is_entered) {
            const byte *behind = leave(p, n, &depth);

            if (depth == 0)
                return behind;
            if (*behind != ',')
                return pl_jsonl_fail(wrong, PL_JSONL_SYNTAX, behind);
            p = pl_jsonl_blanks(behind + 1);
        }
        if (is_object(n, depth - 1) && (p = read_key(p, wrong)) == NULL)
            return NULL;
    }
}

static char *put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xC0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *to++ = (char)(0xE0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
        *to++ = (char)(0x80 | (c & 0x3F));
    } else {
        *to++ = (char)(0xF0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3F));
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
        *to++ = (char)(0x80 | (c & 0x3F));
    }
    return to;
}

/* What an escape means, which was found right; *p is then behind it. */
static uint32_t escaped(const byte **p)
{
    static const char names[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    const byte *at = *p + 1;
    int32_t c;

    if (*at != 'u') {
        *p += 2;
        return (byte)meanings[strchr(names, *at) - names];
    }
    c = hex_number(at + 1);
    *p += 6;
    if (is_high_half(c)) {
        c = 0x10000 + ((c - 0xD800) << 10) + hex_number(*p + 2) - 0xDC00;
        *p += 6;
    }
    return (uint32_t)c;
}

size_t pl_jsonl_decode(const byte *from, size_t len, char *to, bool is_doubling)
{
    const byte *end = from + len;
    const char *start = to;

    while (from < end) {
        const byte *slash = memchr(from, '\\', (size_t)(end - from));
        const size_t plain = (size_t)((slash != NULL ? slash : end) - from);
        uint32_t c;

        memcpy(to, from, plain);
        to += plain;
        if (slash == NULL)
            break;
        from = slash;
        c = escaped(&from);
        if (c == '"' && is_doubling)
            *to++ = '"';
        to = put_utf8(to, c);
    }
    return (size_t)(to - start);
}
