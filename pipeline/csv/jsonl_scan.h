/*
 * jsonl_scan.h - the parts of JSON (RFC 8259), one at a time.
 *
 * A function reads at p and returns the byte behind what it read; NULL when it
 * is wrong, and *wrong says why. The line ends with a LF, which nothing takes:
 * it stops every loop. PL_JSONL_PAD bytes behind it can be read.
 */
#ifndef PL_CSV_JSONL_SCAN_H
#define PL_CSV_JSONL_SCAN_H

#include "pipeline/csv/jsonl.h"
#include "pipeline/csv/jsonl_text.h"

#define PL_JSONL_PAD 64
#define PL_JSONL_DEPTH_MAX 1024

/* What is open inside a value: a bit for each level, set for an object. */
struct pl_jsonl_nesting {
    uint64_t bits[PL_JSONL_DEPTH_MAX / 64];
};

static inline const unsigned char *pl_jsonl_fail(enum pl_jsonl_wrong *wrong,
                                                 enum pl_jsonl_wrong why,
                                                 const unsigned char *p)
{
    *wrong = *p == '\n' ? PL_JSONL_CUT_OFF : why;
    return NULL;
}

static inline const unsigned char *pl_jsonl_blanks(const unsigned char *p)
{
    while (*p == ' ' || *p == '\t' || *p == '\r')
        p++;
    return p;
}

static inline bool pl_jsonl_is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

/* p is at the backslash. */
const unsigned char *pl_jsonl_escape(const unsigned char *p,
                                     enum pl_jsonl_wrong *wrong);

/* p is behind the opening quote of a string; the closing one is returned. */
static inline const unsigned char *pl_jsonl_text(const unsigned char *p,
                                                 bool *has_escapes,
                                                 enum pl_jsonl_wrong *wrong)
{
    for (;;) {
        const unsigned plain = pl_jsonl_plain(p);

        p += plain;
        if (plain == PL_JSONL_STEP)
            continue;
        if (*p == '"')
            return p;
        if (*p != '\\')
            return pl_jsonl_fail(wrong, PL_JSONL_CONTROL, p);
        *has_escapes = true;
        p = pl_jsonl_escape(p, wrong);
        if (p == NULL)
            return NULL;
    }
}

const unsigned char *pl_jsonl_number(const unsigned char *p,
                                     enum pl_jsonl_wrong *wrong);
/* A string, a number, true, false or null. */
const unsigned char *pl_jsonl_scalar(const unsigned char *p,
                                     enum pl_jsonl_wrong *wrong);
/* An array or an object. */
const unsigned char *pl_jsonl_nested(const unsigned char *p,
                                     struct pl_jsonl_nesting *nesting,
                                     enum pl_jsonl_wrong *wrong);
/* The length of NaN, Infinity or -Infinity at p; 0: none of them. */
size_t pl_jsonl_non_finite(const unsigned char *p);

/* What a string without its quotes means, which was found right. Writes no
 * more than len bytes, quotes doubled where asked for; returns how many. */
size_t pl_jsonl_decode(const unsigned char *from, size_t len, char *to,
                       bool is_doubling);

#endif
