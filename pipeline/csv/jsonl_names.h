/*
 * jsonl_names.h - which column a key of a JSON object is. Records mostly have
 * their keys in one order, so that the one behind the last is looked at first;
 * a hash table finds the others.
 */
#ifndef PL_CSV_JSONL_NAMES_H
#define PL_CSV_JSONL_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "pipeline/csv/hash.h"

/* A key as it mostly stands in the file, with its quotes and the colon. */
struct pl_jsonl_key {
    uint64_t word; /* its first 8 bytes, with zeros behind it */
    uint64_t mask; /* of word's bytes that count */
    size_t at;     /* in text */
    size_t len;    /* with quotes and colon; 0: it needs escapes */
    size_t name_at;
    size_t name_len;
};

struct pl_jsonl_names {
    struct pl_buf text; /* all keys and names */
    struct pl_jsonl_key *keys;
    size_t count;
    size_t cap;
    uint32_t *slots; /* 1 and a column's number; 0: free */
    size_t slot_count;
    struct pl_csv_hash_key hash_key;
};
void pl_jsonl_names_release(struct pl_jsonl_names *names);

/* The next column has that key. PL_JSONL_NONE comes out of find until then.
 * Fails on more keys than a file has columns. */
int pl_jsonl_names_add(struct pl_jsonl_names *names, const char *key,
                       size_t len, struct pl_err *err) PL_MUST_CHECK;

#define PL_JSONL_NONE SIZE_MAX
/* The column with that key, without escapes. */
size_t pl_jsonl_names_find(const struct pl_jsonl_names *names, const char *key,
                           size_t len);

/* Whether column's key stands at p; 8 bytes can be read there. *len is its
 * length. */
static inline bool pl_jsonl_names_match(const struct pl_jsonl_names *names,
                                        size_t column, const unsigned char *p,
                                        const unsigned char *end, size_t *len)
{
    const struct pl_jsonl_key *key = &names->keys[column];

    if ((pl_csv_word(p) & key->mask) != key->word || key->len == 0)
        return false;
    *len = key->len;
    return key->len <= sizeof(key->word) ||
           (key->len <= (size_t)(end - p) &&
            memcmp(p, names->text.data + key->at, key->len) == 0);
}

#endif
