#include "local/endpoint_pool.h"

uint64_t local_hash(const char *text, size_t len, bool is_caseless)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (is_caseless && c >= 'A' && c <= 'Z')
            c = (unsigned char)(c - 'A' + 'a');
        h = (h ^ c) * UINT64_C(0x100000001b3);
    }
    return h ^ h >> 29;
}

int local_index_grow(struct local_index *ix, const struct local_keys_of *keys,
                     struct pl_err *err)
{
    const size_t cap = ix->cap == 0 ? 1024 : ix->cap * 2;
    uint32_t *slots;

    if (ix->used * 2 < ix->cap)
        return 0;
    slots = calloc(cap, sizeof(*slots));
    if (slots == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; i < ix->cap; i++) {
        size_t at;

        if (ix->slots[i] == 0)
            continue;
        at = (size_t)keys->hash(keys->all, ix->slots[i] - 1) & (cap - 1);
        while (slots[at] != 0)
            at = (at + 1) & (cap - 1);
        slots[at] = ix->slots[i];
    }
    free(ix->slots);
    ix->slots = slots;
    ix->cap = cap;
    return 0;
}

void local_index_put(struct local_index *ix, uint64_t hash, uint32_t number)
{
    size_t at = (size_t)hash & (ix->cap - 1);

    while (ix->slots[at] != 0)
        at = (at + 1) & (ix->cap - 1);
    ix->slots[at] = number + 1;
    ix->used++;
}

const char *local_pool_text(const struct local_pool *pool, uint32_t number)
{
    return pool->bytes + pool->starts[number];
}

static uint64_t pool_hash(const struct local_endpoints *all, uint32_t number)
{
    const char *text = local_pool_text(&all->pool, number);

    return local_hash(text, strlen(text), false);
}

uint32_t local_pool_find(const struct local_pool *pool, const char *text,
                         size_t len)
{
    const struct local_index *ix = &pool->index;
    size_t at;

    if (ix->cap == 0)
        return LOCAL_NO_TEXT;
    at = (size_t)local_hash(text, len, false) & (ix->cap - 1);
    for (; ix->slots[at] != 0; at = (at + 1) & (ix->cap - 1)) {
        const char *have = local_pool_text(pool, ix->slots[at] - 1);

        if (strncmp(have, text, len) == 0 && have[len] == '\0')
            return ix->slots[at] - 1;
    }
    return LOCAL_NO_TEXT;
}

static int pool_reserve(struct local_pool *pool, size_t len, struct pl_err *err)
{
    if (pool->len + len + 1 > pool->cap) {
        const size_t cap = (pool->len + len + 1) * 2 + 4096;
        char *bytes = realloc(pool->bytes, cap);

        if (bytes == NULL)
            return pl_fail_memory(err);
        pool->bytes = bytes;
        pool->cap = cap;
    }
    if (pool->count == pool->room) {
        const size_t room = pool->room * 2 + 1024;
        size_t *starts = realloc(pool->starts, room * sizeof(*starts));

        if (starts == NULL)
            return pl_fail_memory(err);
        pool->starts = starts;
        pool->room = room;
    }
    return 0;
}

int local_pool_add(struct local_endpoints *all, const char *text, size_t len,
                   uint32_t *number, struct pl_err *err)
{
    struct local_pool *pool = &all->pool;
    const struct local_keys_of keys = {all, pool_hash};

    *number = local_pool_find(pool, text, len);
    if (*number != LOCAL_NO_TEXT)
        return 0;
    if (pool->count >= LOCAL_NO_TEXT - 1)
        return pl_fail(err, PL_HOST_ERROR, "too many different texts");
    if (local_index_grow(&pool->index, &keys, err) != 0 ||
        pool_reserve(pool, len, err) != 0)
        return -1;
    memcpy(pool->bytes + pool->len, text, len);
    pool->bytes[pool->len + len] = '\0';
    pool->starts[pool->count] = pool->len;
    pool->len += len + 1;
    *number = (uint32_t)pool->count++;
    local_index_put(&pool->index, local_hash(text, len, false), *number);
    return 0;
}
