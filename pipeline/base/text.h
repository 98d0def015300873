/*
 * text.h - small pure functions over text: encodings, UTF-8, ids, masking.
 */
#ifndef PL_BASE_TEXT_H
#define PL_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"

/* Percent-encodes all but A-Z a-z 0-9 - . _ ~ (and / if keep_slash), upper
 * case hex, byte by byte: the one encoding of AWS (sources 7.1). */
int pl_uri_encode(struct pl_buf *out, const char *text, size_t len,
                  bool keep_slash, struct pl_err *err) PL_MUST_CHECK;
/* Undoes it; -1 on a broken escape. plus_is_blank: form encoding. */
int pl_uri_decode(struct pl_buf *out, const char *text, size_t len,
                  bool plus_is_blank, struct pl_err *err) PL_MUST_CHECK;

/* The length of the longest valid UTF-8 prefix (no surrogates, no overlong
 * forms, nothing above U+10FFFF); len when all of it is valid. */
size_t pl_utf8_valid_len(const char *text, size_t len);
/* The number of characters in valid UTF-8. */
size_t pl_utf8_count(const char *text, size_t len);

/* A new run id: a ULID, 26 characters, sorted by time. */
void pl_ulid(int64_t unix_ms, const unsigned char random[10], char out[27]);

/* Copies text with everything between single or double quotes replaced by
 * '...': service messages may quote people's data. Writes at most cap - 1
 * bytes and a NUL. */
void pl_mask_literals(const char *text, char *out, size_t cap);

/* Appends text as a JSON string with its quotes; bytes that are not UTF-8
 * become U+FFFD. */
int pl_json_quote(struct pl_buf *out, const char *text, size_t len,
                  struct pl_err *err) PL_MUST_CHECK;

bool pl_starts_with(const char *text, const char *prefix);
bool pl_ends_with(const char *text, const char *suffix);
/* ASCII case only; nothing depends on the locale. */
bool pl_ieq(const char *a, const char *b);
bool pl_ieqn(const char *a, size_t a_len, const char *b, size_t b_len);
/* Whether text is one of the count texts of list, letter by letter. */
bool pl_is_one_of(const char *text, const char *const *list, size_t count);
/* Decimal digits only; -1 on anything else or overflow. */
int pl_parse_u64(const char *text, uint64_t *out) PL_MUST_CHECK;
/* Edit distance without case, for "did you mean"; at most 64 characters of
 * either are looked at. */
unsigned pl_edit_distance(const char *a, const char *b);

#endif
