/*
 * endpoint_pool.h - the texts of the endpoints, each kept once, and the hash
 * tables that find things by them. For endpoints.c alone.
 */
#ifndef LOCAL_ENDPOINT_POOL_H
#define LOCAL_ENDPOINT_POOL_H

#include "local/endpoints.h"

uint64_t local_hash(const char *text, size_t len, bool is_caseless);

/* What an index needs to know of the numbers in it. */
struct local_keys_of {
    const struct local_endpoints *all;
    uint64_t (*hash)(const struct local_endpoints *all, uint32_t number);
};

/* Makes room for one more. */
int local_index_grow(struct local_index *ix, const struct local_keys_of *keys,
                     struct pl_err *err) PL_MUST_CHECK;
/* There must be room. */
void local_index_put(struct local_index *ix, uint64_t hash, uint32_t number);
/* The text's number, which it gets if it has none. */
int local_pool_add(struct local_endpoints *all, const char *text, size_t len,
                   uint32_t *number, struct pl_err *err) PL_MUST_CHECK;

#endif
